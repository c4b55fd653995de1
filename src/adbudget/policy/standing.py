"""A plan and what waits already -> what the plan would only propose again. Writes nothing.

A linked group stands or falls together, so it is taken for the same only as a whole: the same
campaigns, from the same budgets to the same budgets. Hourly runs then ask a person once.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from adbudget.ledger.entry import NEEDS_APPROVAL
from adbudget.policy.plan import PolicyPlan, Recommendation
from adbudget.policy.plan_entries import pauses_by_hand

Move = tuple[str, int | None, int | None, str]  # campaign, minor units before and after, action


def stand_by(
    plan: PolicyPlan, pending: Iterable[Mapping[str, Any]]
) -> tuple[PolicyPlan, dict[str, tuple[str, ...]]]:
    """Find what waits already, and call it by the name it has.

    Parameters
    ----------
    plan : of this run
    pending : rows of :meth:`adbudget.ledger.Ledger.pending` at its moment

    Returns
    -------
    The plan, groups that wait already under their first name; and campaign -> keys of what waits
    """
    known: dict[Move, tuple[str, str]] = {}
    sizes: dict[str, int] = defaultdict(int)
    for row in pending:
        known[_move_of_row(row)] = (row["item"], row["group_id"])
        sizes[row["group_id"]] += 1
    names: dict[str, str] = {}
    repeated: dict[str, tuple[str, ...]] = {}
    for members in _groups(plan).values():
        found = [known.get(_move_of_call(plan, call)) for call in members]
        groups = {one[1] for one in found if one is not None}
        same = None not in found and len(groups) == 1
        group = next(iter(groups), "")
        if same and (not group or sizes[group] == len(members)):
            for call, one in zip(members, found, strict=True):
                names[call.campaign_id] = group
                repeated[call.campaign_id] = (one[0],) if one else ()
    for call in plan.calls:
        pause = known.get((call.campaign_id, None, None, "pause"))
        if pause is not None and pauses_by_hand(call):
            repeated[call.campaign_id] = (*repeated.get(call.campaign_id, ()), pause[0])
    calls = tuple(
        replace(call, group_id=names.get(call.campaign_id, call.group_id)) for call in plan.calls
    )
    return replace(plan, calls=calls), repeated


def _groups(plan: PolicyPlan) -> dict[str, list[Recommendation]]:
    """Group, or a campaign on its own, -> the calls that wait together."""
    groups: dict[str, list[Recommendation]] = defaultdict(list)
    for call in plan.calls:
        if call.verdict == NEEDS_APPROVAL:
            groups[call.group_id or f"alone {call.campaign_id}"].append(call)
    return groups


def _move_of_row(row: Mapping[str, Any]) -> Move:
    old, new = (None if _missing(row[name]) else int(row[name]) for name in ENDS)
    return (row["unit"], old, new, row["action"])


def _move_of_call(plan: PolicyPlan, call: Recommendation) -> Move:
    ends = (call.budget_now, call.recommended_budget)
    old, new = (int(amount.scaleb(plan.exponent)) for amount in ends)
    return (call.campaign_id, old, new, call.action)


def _missing(value: Any) -> bool:
    import pandas as pd

    return bool(pd.isna(value))


ENDS = ("old_minor", "new_minor")
