"""Answer: what a tool hands over to be judged. Knows no truth and no tool.

Spend is account currency per period; every Series is indexed by (account, channel).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Move:
    """One move of a plan, beside the best plan the tool knows that leaves the cell alone.

    Attributes
    ----------
    cell : (account, channel)
    prob : stated probability that the plan with the move is worth more
    plan, without : spend of the cells that the comparison touches
    """

    cell: tuple[str, str]
    prob: float
    plan: pd.Series
    without: pd.Series


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calls:
    """What a tool dares to call.

    Attributes
    ----------
    plan : spend when only the called cells move
    considered : every move of the best plan it first thought of
    called : the moves it stands by
    expected_wrong : number of wrong calls it expects among them
    """

    plan: pd.Series
    considered: tuple[Move, ...]
    called: tuple[Move, ...]
    expected_wrong: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer:
    """One tool's answer on one world.

    Attributes
    ----------
    plan : the best plan, risk aside
    lift : plan -> (draw, cell) outcome per period it brings over today's, cells in the order of
        the plan's index given; one row for a point estimate; None when the tool states none
    calls : None when the tool makes none
    facts : numbers about the run: seconds, convergence
    """

    plan: pd.Series
    lift: Callable[[pd.Series], np.ndarray] | None = None
    calls: Calls | None = None
    facts: dict[str, Any] = field(default_factory=dict)
