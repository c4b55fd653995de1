"""Policy, settings and what was moved lately -> how far each cell may move in this cycle.

A bound on wrong moves that holds for one run does not hold for a year: so a cell may get only so
far from where it was a quarter ago, it rests until its last move can have been seen, and an account
whose promise was broken moves half as far.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from adbudget.loop.applying import unit_of_budget
from adbudget.loop.campaigns import least_spend, money_by_cell
from adbudget.loop.promises import SEEN, caution_of, waiting_cells
from adbudget.loop.settings import LoopSettings
from adbudget.plan import Cell, Limits
from adbudget.platforms.platform import StandingBudget
from adbudget.policy.rulebook import Policy

if TYPE_CHECKING:
    from adbudget.ledger.store import Ledger

QUARTER = timedelta(days=91)


def cycle_limits(
    given: Limits | None,
    policy: Policy,
    settings: LoopSettings,
    ledger: "Ledger",
    budgets: Sequence[StandingBudget],
    current: pd.Series,
    held: set[Cell],
    now: datetime,
) -> Limits:
    """What the plan of a cycle may be, cell by cell.

    Parameters
    ----------
    given : the caller's; the totals of accounts stay as they are when None
    policy, settings : how far a cell may move in a day, a cycle and a quarter
    ledger : what was moved, promised and seen
    budgets, current : as they stand, and by cell, per period
    held : cells whose data decide nothing
    now : the instant
    """
    given = given or Limits(total="fixed", beyond_observed=True)
    caution = caution_of(ledger.entries(kind=SEEN)["payload"])
    change = min(settings.change, float(policy.constraints.max_daily_change))
    stands = money_by_cell(current)
    of_cell: dict[Cell, tuple[float, float]] = {
        cell: (change * caution.get(cell[0], 1.0), change * caution.get(cell[0], 1.0))
        for cell in stands
    }
    opened = _opened(ledger, budgets, stands, now)
    lower = money_by_cell(least_spend(budgets, current.index, settings.period_days))
    upper: dict[Cell, float] = {}
    for cell, began in opened.items():
        lower[cell] = max(lower[cell], min(began * (1 - settings.quarter_change), stands[cell]))
        upper[cell] = max(began * (1 + settings.quarter_change), stands[cell])
    lower = {cell: min(money, stands[cell]) for cell, money in lower.items()}
    paused = {(one.account, one.channel) for one in budgets if one.paused}
    waits = waiting_cells(ledger, now, settings.period_days - 0.1)
    fixed = (*given.fixed, *sorted((paused | waits | held) & set(stands)))
    return replace(given, change=of_cell, lower=lower, upper=upper or None, fixed=tuple(fixed))


def _opened(
    ledger: "Ledger",
    budgets: Sequence[StandingBudget],
    stands: dict[Cell, float],
    now: datetime,
) -> dict[Cell, float]:
    """Cell -> what it had a quarter ago, for the cells that have moved since."""
    words = ledger.entries(kind="confirmation", since=now - QUARTER).to_dict("records")
    began: dict[str, int] = {}
    for row in words:
        if row["verdict"] == "confirmed":
            began.setdefault(row["unit"], int(row["old_minor"]))
    opened: dict[Cell, float] = {}
    for one in budgets:
        cell, unit = (one.account, one.channel), unit_of_budget(one)
        if cell in stands and unit in began and one.daily_minor:
            share = began[unit] / one.daily_minor
            opened[cell] = opened.get(cell, 0.0) + share * stands[cell]
    return opened
