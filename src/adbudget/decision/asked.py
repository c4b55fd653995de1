"""What is asked of decisions, with everything per cell in the order of a proposal."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from adbudget.decision.thresholds import Thresholds
from adbudget.draws import Health
from adbudget.errors import InputError
from adbudget.optimizer import Proposal
from adbudget.plan import Cell


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asked:
    """What is asked of the calls; (cell,) arrays in the order of the proposal's cells.

    Attributes
    ----------
    thresholds, health : as :func:`adbudget.decide` was given them
    prior_share : (cell,) how much of the answer is prior
    said, blocked : (cell,) sentences, "" where there is none
    before : (cell,) -1, 0 or 1, where the calls of the run before pointed
    take_back : whether moves that are no calls are taken back and the rest is solved again
    """

    thresholds: Thresholds
    health: Health | None
    prior_share: np.ndarray
    said: tuple[str, ...]
    blocked: tuple[str, ...]
    before: np.ndarray
    take_back: bool

    @property
    def healthy(self) -> bool:
        """Whether the fit can be trusted, as far as is known."""
        return self.health is None or self.health.ok

    @property
    def problem(self) -> str:
        """Why it cannot, "" when it can."""
        return "" if self.health is None else " ".join(self.health.problems)


def said_of(sentences: Mapping[Cell, str], proposal: Proposal, argument: str) -> tuple[str, ...]:
    """(cell,) the caller's sentences, "" where there is none.

    Raises
    ------
    InputError : one of a cell that the proposal does not have
    """
    cells = proposal.plan.spend.index
    unknown = [cell for cell in sentences if cell not in cells]
    if unknown:
        raise InputError(
            f"{argument} names {len(unknown)} cell(s) the proposal does not have, first "
            f"{unknown[:5]}."
        )
    names: list[Any] = cells.tolist()
    return tuple(sentences.get(name, "") for name in names)


def prior_share_of(health: Health | None, cells: pd.Index) -> np.ndarray:
    """(cell,) how much of the answer is prior; nothing, when nothing is known of the fit."""
    if health is None:
        return np.zeros(len(cells))
    return np.nan_to_num(health.prior_share.reindex(cells).to_numpy(float))
