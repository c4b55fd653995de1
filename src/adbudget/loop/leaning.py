"""What a cycle only tries -> kept, taken back by the next one, and said of every move.

A lean is there to learn from. Left in the budgets it would add up to a walk without an aim.
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from adbudget.decision.action import Decision
from adbudget.loop.applying import unit_of_budget
from adbudget.loop.campaigns import minor_of, money_by_cell
from adbudget.loop.proposing import Draft
from adbudget.money import digits_of
from adbudget.platforms.platform import StandingBudget
from adbudget.policy.plan import PolicyPlan

LEAST_WAY = 1e-9  # of a budget; less is rounding
LEAST_EXPLORED = 0.005  # of a budget; less is not worth a word


def tried_budgets(
    draft: Draft | None, budgets: Sequence[StandingBudget], plans: Sequence[PolicyPlan]
) -> dict[str, tuple[int, float]]:
    """Unit -> the budget it gets at once, and how much of it is only tried: minor units a day.

    Parameters
    ----------
    draft : what was proposed
    budgets : as they stood
    plans : the policy's word
    """
    if draft is None:
        return {}
    current, plan = money_by_cell(draft.current), money_by_cell(draft.plan)
    old, new = money_by_cell(draft.current - draft.settled), money_by_cell(draft.explored)
    calls = {call.campaign_id: call for one in plans for call in one.calls}
    tried: dict[str, tuple[int, float]] = {}
    for one in budgets:
        cell, call = (one.account, one.channel), calls.get(unit_of_budget(one))
        if call is None or not current.get(cell):
            continue
        minor, part = minor_of(one, float(call.budget_now)), one.daily_minor / current[cell]
        gone = way_gone(current[cell] * part, plan[cell] * part, minor)
        lean = part * ((1 - gone) * old[cell] + gone * new[cell])
        if abs(lean) >= 0.5:
            tried[unit_of_budget(one)] = (minor, lean)
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
