"""What a cycle only tries -> kept, taken back by the next one, and said of every move.

A lean is there to learn from. Left in the budgets it would add up to a walk without an aim.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from adbudget.loop.applying import unit_of_budget
from adbudget.loop.campaigns import money_by_cell
from adbudget.loop.proposing import Draft
from adbudget.money import digits_of
from adbudget.platforms.platform import StandingBudget

if TYPE_CHECKING:
    from adbudget.ledger.store import Ledger

LEAST_EXPLORED = 0.005  # of a budget; less is not worth a word


def lean_shares(draft: Draft, budgets: Sequence[StandingBudget]) -> dict[str, float]:
    """Unit -> share of its planned budget that is only tried.

    Parameters
    ----------
    draft : what was proposed
    budgets : as they stood
    """
    explored, plan = money_by_cell(draft.explored), money_by_cell(draft.plan)
    shares: dict[str, float] = {}
    for one in budgets:
        cell = (one.account, one.channel)
        if plan.get(cell):
            shares[unit_of_budget(one)] = explored[cell] / plan[cell]
    return shares


def tried_budgets(facts: Mapping[str, Any], ledger: "Ledger") -> dict[str, tuple[int, float]]:
    """Unit -> the budget it was ordered, and how much of it is only tried: minor units a day.

    Parameters
    ----------
    facts : of a cycle, its runs and its lean
    ledger : which holds the changes of the runs
    """
    tried: dict[str, tuple[int, float]] = {}
    for run in facts["run_ids"]:
        for row in ledger.entries(kind="change", run_id=run).to_dict("records"):
            unit, minor = row["unit"], row["new_minor"]
            if unit in facts["lean"] and minor == minor:
                tried[unit] = (int(minor), int(minor) * facts["lean"][unit])
    return tried


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


def reasons_of(draft: Draft, period_days: int) -> dict[tuple[str, str], str]:
    """Cell -> why: what is there to learn from, then what the decision says."""
    told, explored, current = {}, money_by_cell(draft.explored), money_by_cell(draft.current)
    base = money_by_cell(draft.base)
    for call in draft.calls.calls:
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
