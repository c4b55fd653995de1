"""Policy, settings and what was moved lately -> how far each cell may move in this cycle.

A bound on wrong moves that holds for one run does not hold for a year: so a cell may get only so
far from where it was a quarter ago, it rests until its last move can have been seen, and an account
whose promise was broken moves half as far.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from adbudget.loop.applying import unit_of_budget
from adbudget.loop.campaigns import least_spend, money_by_cell
from adbudget.loop.made_moves import MadeMove, made_since, moved_units, opening_minor
from adbudget.loop.promises import REMEMBERED, SEEN, caution_of
from adbudget.loop.settings import LoopSettings
from adbudget.plan import Cell, Limits
from adbudget.platforms.platform import StandingBudget
from adbudget.policy.review import narrowed
from adbudget.policy.rulebook import Policy

if TYPE_CHECKING:
    from adbudget.ledger.store import Ledger

QUARTER = timedelta(days=91)
A_LITTLE = 0.1  # days by which the next cycle may be earlier


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
    stands, days = money_by_cell(current), settings.period_days
    made = made_since(ledger, now - QUARTER)
    active = [one for one in budgets if not one.paused]
    spending = {(one.account, one.channel) for one in active}
    paused = {(one.account, one.channel) for one in budgets} - spending
    moved = moved_units(made, now, days - A_LITTLE)
    waits = {(one.account, one.channel) for one in budgets if unit_of_budget(one) in moved}
    own = limits_of_cells(
        given,
        settings,
        current,
        change=settings.change,
        least=money_by_cell(least_spend(budgets, current.index, days)),
        opened=_opened(made, active, stands),
        caution=caution_of(ledger.entries(kind=SEEN, since=now - REMEMBERED)["payload"]),
        fixed=(paused | waits | held) & set(stands),
    )
    many = Counter((one.account, one.channel) for one in active)
    return narrowed(policy, own, current, days, many)


def limits_of_cells(
    given: Limits | None,
    settings: LoopSettings,
    current: pd.Series,
    *,
    change: float,
    least: Mapping[Cell, float],
    opened: Mapping[Cell, float],
    caution: Mapping[str, float],
    fixed: Iterable[Cell],
) -> Limits:
    """The same from plain facts. Money is account currency per period.

    Parameters
    ----------
    given, settings, current : as in :func:`cycle_limits`
    change : largest relative move of a cell
    least : cell -> least spend
    opened : cell -> what it had a quarter ago, for the cells that have moved since
    caution : account -> factor on ``change``
    fixed : cells that stay as they are
    """
    given = given or Limits(total="fixed", beyond_observed=True)
    stands = money_by_cell(current)
    factor = {cell: change * caution.get(cell[0], 1.0) for cell in stands}
    lower, upper = dict(least), {}
    for cell, began in opened.items():
        lowest = min(began * (1 - settings.quarter_change), stands[cell])
        lower[cell] = max(lower.get(cell, 0.0), lowest)
        upper[cell] = max(began * (1 + settings.quarter_change), stands[cell])
    return replace(
        given,
        change={cell: (one, one) for cell, one in factor.items()},
        lower={cell: min(money, stands[cell]) for cell, money in lower.items()} or None,
        upper=upper or None,
        fixed=(*given.fixed, *sorted(fixed)),
    )


def _opened(
    made: Sequence[MadeMove], active: Sequence[StandingBudget], stands: dict[Cell, float]
) -> dict[Cell, float]:
    """Cell -> what it had a quarter ago, for the cells that have moved since.

    The active campaigns of a cell count together, those that have not moved with what they have.
    """
    began = opening_minor(made)
    now, then = Counter[Cell](), Counter[Cell]()
    for one in active:
        cell = (one.account, one.channel)
        now[cell] += one.daily_minor
        then[cell] += began.get(unit_of_budget(one), one.daily_minor)
    moved = {(one.account, one.channel) for one in active if unit_of_budget(one) in began}
    return {
        cell: stands[cell] * then[cell] / total
        for cell, total in now.items()
        if cell in moved and cell in stands and total
    }
