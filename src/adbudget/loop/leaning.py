"""What a cycle only tries -> kept, taken back by the next one, and said of every move.

A lean is there to learn from. Left in the budgets it would add up to a walk without an aim.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from adbudget.decision.action import Decision
from adbudget.loop.applying import unit_of_budget
from adbudget.loop.campaigns import money_by_cell
from adbudget.loop.proposing import Draft
from adbudget.money import digits_of
from adbudget.platforms.platform import StandingBudget

if TYPE_CHECKING:
    from adbudget.ledger.store import Ledger

LEAST_MINOR = 0.5  # minor units; less is rounding
LEAST_WAY = 1e-9  # of a budget; less is rounding
LEAST_EXPLORED = 0.005  # of a budget; less is not worth a word


def leans_of(draft: Draft, budgets: Sequence[StandingBudget]) -> dict[str, list[float]]:
    """Unit -> its budget as it stands and as it is planned, and what of each is only tried.

    Minor units a day; plain values, kept until it is known what was ordered.

    Parameters
    ----------
    draft : what was proposed
    budgets : as they stood
    """
    current, plan = money_by_cell(draft.current), money_by_cell(draft.plan)
    old, new = money_by_cell(draft.current - draft.settled), money_by_cell(draft.explored)
    leans: dict[str, list[float]] = {}
    for one in budgets:
        cell = (one.account, one.channel)
        if current.get(cell):
            part = one.daily_minor / current[cell]
            ends = one.daily_minor, part * plan[cell], part * old[cell], part * new[cell]
            leans[unit_of_budget(one)] = [float(minor) for minor in ends]
    return leans


def tried_budgets(facts: Mapping[str, Any], ledger: "Ledger") -> dict[str, tuple[int, float]]:
    """Unit -> the budget it has or was ordered, and what of it is only tried: minor units a day.

    Parameters
    ----------
    facts : of a cycle, its runs and its leans
    ledger : which holds the changes of the runs
    """
    ordered = {
        row["unit"]: int(row["new_minor"])
        for run in facts["run_ids"]
        for row in ledger.entries(kind="change", run_id=run).to_dict("records")
        if row["new_minor"] == row["new_minor"]
    }
    tried: dict[str, tuple[int, float]] = {}
    for unit, (start, end, old, new) in facts["lean"].items():
        minor = ordered.get(unit, int(start))
        gone = way_gone(start, end, minor)
        lean = (1 - gone) * old + gone * new
        if abs(lean) >= LEAST_MINOR:
            tried[unit] = (minor, lean)
    return tried


def lean_left(draft: Draft, spend: pd.Series) -> pd.Series:
    """How much of the spend that is set in the end is only tried, by cell.

    What goes a part of the way from the budgets that stood to the plan keeps as much of the lean
    that stood, and gets as much of the new one.
    """
    current, plan, set_now = (money_by_cell(one) for one in (draft.current, draft.plan, spend))
    gone = [way_gone(current[cell], plan[cell], set_now[cell]) for cell in current]
    share = pd.Series(gone, index=draft.current.index)
    return (1 - share) * (draft.current - draft.settled) + share * draft.explored


def way_gone(start: float, end: float, at: float) -> float:
    """Share of the way from start to end at which something is; 1 where there is no way to go."""
    if abs(end - start) <= LEAST_WAY * max(abs(start), abs(end)):
        return 1.0
    return min(max((at - start) / (end - start), 0.0), 1.0)


def settled_spend(
    tried: Mapping[str, tuple[int, float]],
    budgets: Sequence[StandingBudget],
    current: pd.Series,
    period_days: int,
) -> pd.Series:
    """What is set, per period by cell, without what the last cycle only tried.

    Parameters
    ----------
    tried : from :func:`tried_budgets`; a budget that is another one now was set by somebody else,
        and is taken as it is
    budgets, current : as they stand, and by cell
    period_days : days in a period
    """
    settled = money_by_cell(current)
    for one in budgets:
        cell = (one.account, one.channel)
        stands, lean = tried.get(unit_of_budget(one), (None, 0.0))
        if cell in settled and stands == one.daily_minor and not one.paused:
            settled[cell] -= lean * period_days / 10 ** digits_of(one.currency)
    return pd.Series(list(settled.values()), index=current.index).clip(lower=0.0)


def reasons_of(
    draft: Draft, calls: Sequence[Decision], period_days: int
) -> dict[tuple[str, str], str]:
    """Cell -> why: what the decision says, then what is there to learn from."""
    told, explored, current = {}, money_by_cell(draft.explored), money_by_cell(draft.current)
    base = money_by_cell(draft.base)
    for call in calls:
        cell = (call.account, call.channel)
        daily = explored[cell] / period_days
        share = abs(explored[cell]) / max(current[cell], 1e-9)
        step = base[cell] / current[cell] - 1 if current[cell] else 0.0
        why = call.reason
        if call.action == "monitor" and abs(step) >= LEAST_EXPLORED:
            why = f"The best plan under the stated risk moves it by {step:+.0%}, as a step of many."
        learns = f" {daily:+,.2f} a day is there to learn from." if share >= LEAST_EXPLORED else ""
        told[cell] = why + learns
    return told
