"""A plan and what it was made of -> the entries a ledger keeps of the run. Writes nothing.

One entry for the run with everything needed to replay it; one per recommendation, a second one
for the part of it that waits; one per alert; and one per change that needs nobody's approval.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from adbudget.alerts.alert import Alert
from adbudget.ledger.entry import CHANGE, NEEDS_APPROVAL, Entry
from adbudget.policy.plan import PolicyPlan, Recommendation

WHO = "adbudget rules"
Pair = tuple[str, Entry]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What every entry of a run shares, and what its first one holds.

    Attributes
    ----------
    at : moment of the run, with time zone
    inputs_hash, policy_hash : SHA-256 of tables and policy
    payload : of the run's own entry
    """

    at: datetime
    inputs_hash: str
    policy_hash: str
    payload: Mapping[str, Any]


def entries_of(plan: PolicyPlan, facts: RunFacts, *, kill_on: bool) -> list[Pair]:
    """(key, entry) pairs of a run, in the order of writing."""
    shared = {
        "at": facts.at,
        "who": WHO,
        "run_id": plan.run_id,
        "inputs_hash": facts.inputs_hash,
        "policy_hash": facts.policy_hash,
    }
    run = Entry(kind="run", payload=dict(facts.payload), **shared)
    pairs: list[Pair] = [(f"run:{plan.run_id}", run)]
    waiting_keys = {
        call.campaign_id: _key(plan, call, rest=_is_split(call))
        for call in plan.calls
        if call.verdict == NEEDS_APPROVAL
    }
    for call in plan.calls:
        pairs += _recommendations(plan, call, waiting_keys, shared, kill_on=kill_on)
    pairs += [
        (f"alert:{plan.run_id}:{number}", _alert(alert, shared))
        for number, alert in enumerate(plan.alerts)
    ]
    return pairs


def _key(plan: PolicyPlan, call: Recommendation, *, rest: bool = False) -> str:
    return f"rec:{plan.run_id}:{call.campaign_id}" + (":rest" if rest else "")


def _is_split(call: Recommendation) -> bool:
    return call.budget_now not in (call.current_budget, call.recommended_budget)


def _recommendations(
    plan: PolicyPlan,
    call: Recommendation,
    waiting_keys: dict[str, str],
    shared: dict[str, Any],
    *,
    kill_on: bool,
) -> Iterator[Pair]:
    """One entry; two when a part of the move waits; one more when a pause is recommended.

    The change comes before the part that waits, which starts from the changed budget.
    """
    split = _is_split(call)
    payload = _payload(call)
    if split:
        ends = (call.current_budget, call.budget_now)
        yield _key(plan, call), _entry(plan, call, *ends, "auto", payload, shared, group="")
        yield from _change(plan, call, shared)
    start = call.budget_now if split else call.current_budget
    if call.verdict == NEEDS_APPROVAL:
        payload = payload | {"funded_by": [waiting_keys[name] for name in call.waits_for]}
    whole = _entry(plan, call, start, call.recommended_budget, call.verdict, payload, shared)
    yield _key(plan, call, rest=split), whole
    if not split and not kill_on:
        yield from _change(plan, call, shared)
    if "pause_recommended" in call.flags and call.action != "pause":
        pause = {"action": "pause", "flags": list(call.flags)}
        entry = _entry(plan, call, None, None, NEEDS_APPROVAL, pause, shared, group="")
        yield f"pause:{plan.run_id}:{call.campaign_id}", entry


def _payload(call: Recommendation) -> dict[str, Any]:
    return {
        "action": call.action,
        "confidence": call.confidence,
        "probability": call.probability,
        "flags": list(call.flags),
        "paid_by": {name: str(amount) for name, amount in call.funded_by.items()},
    }


def _entry(
    plan: PolicyPlan,
    call: Recommendation,
    old: Decimal | None,
    new: Decimal | None,
    verdict: str,
    payload: dict[str, Any],
    shared: dict[str, Any],
    *,
    kind: str = "recommendation",
    group: str | None = None,
) -> Entry:
    return Entry(
        kind=kind,
        unit=call.campaign_id,
        currency=plan.currency if len(plan.currency) == 3 else "",
        old_minor=_minor(old, plan.exponent),
        new_minor=_minor(new, plan.exponent),
        verdict=verdict,
        rule=call.rule_fired,
        rationale=call.rationale,
        group_id=call.group_id if group is None else group,
        payload=payload,
        **shared,
    )


def _minor(amount: Decimal | None, exponent: int) -> int | None:
    return None if amount is None else int(amount.scaleb(exponent))


def _change(plan: PolicyPlan, call: Recommendation, shared: dict[str, Any]) -> Iterator[Pair]:
    """What may be done at once: a move, or a pause that waits for nobody."""
    pauses = call.action == "pause" and call.verdict == "auto"
    if call.budget_now == call.current_budget and not pauses:
        return
    key = _key(plan, call)
    payload = {"item": key, "action": "pause" if pauses else call.action}
    ends = (call.current_budget, call.budget_now)
    yield f"apply:{key}", _entry(plan, call, *ends, "auto", payload, shared, kind=CHANGE)


def _alert(alert: Alert, shared: dict[str, Any]) -> Entry:
    return Entry(
        kind="alert",
        unit=alert.campaign_id,
        rule=alert.type,
        rationale=alert.message,
        payload=alert.as_dict(),
        **shared,
    )
