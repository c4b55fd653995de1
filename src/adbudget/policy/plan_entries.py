"""A plan and what it was made of -> the entries a ledger keeps of the run. Writes nothing.

One entry for the run with everything needed to replay it; one per recommendation, a second one
for the part of it that waits; one per alert; and one per change that needs nobody's approval. What
waits already is not proposed again, and a pause that is ordered is not ordered again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from adbudget.alerts.alert import Alert
from adbudget.ledger.entry import CHANGE, NEEDS_APPROVAL, REPEATS, Entry
from adbudget.policy.plan import PolicyPlan, Recommendation
from adbudget.policy.refusals import COUNTS, EVIDENCE
from adbudget.tables.units import key_part

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
    of_items : payload of what waits for a person: until when it stands, and who may rule on it
    evidence : campaign -> figures that its call rests on
    counts : campaign -> of each cost of a result among them, how many results it is the cost of
    repeated : campaign -> keys of what waits about it already and would be proposed again
    pausing : campaigns whose pause is ordered already
    """

    at: datetime
    inputs_hash: str
    policy_hash: str
    payload: Mapping[str, Any]
    of_items: Mapping[str, Any] = field(default_factory=dict)
    evidence: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    counts: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    repeated: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pausing: frozenset[str] = frozenset()


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
        pairs += _recommendations(plan, call, waiting_keys, shared, facts, kill_on=kill_on)
    pairs += [
        (f"alert:{plan.run_id}:{number}", _alert(alert, shared))
        for number, alert in enumerate(plan.alerts)
    ]
    return pairs


def _key(plan: PolicyPlan, call: Recommendation, *, rest: bool = False) -> str:
    return f"rec:{plan.run_id}:{key_part(call.campaign_id)}" + (":rest" if rest else "")


def _is_split(call: Recommendation) -> bool:
    return call.budget_now not in (call.current_budget, call.recommended_budget)


def _recommendations(
    plan: PolicyPlan,
    call: Recommendation,
    waiting_keys: dict[str, str],
    shared: dict[str, Any],
    facts: RunFacts,
    *,
    kill_on: bool,
) -> Iterator[Pair]:
    """One entry; two when a part of the move waits; one more when a pause is recommended.

    The change comes before the part that waits, which starts from the changed budget.
    """
    split = _is_split(call)
    payload: dict[str, Any] = _payload(call) | {
        EVIDENCE: dict(facts.evidence.get(call.campaign_id, {}))
    }
    if counts := facts.counts.get(call.campaign_id):
        payload[COUNTS] = dict(counts)
    repeated = facts.repeated.get(call.campaign_id, ())
    if repeated:
        payload[REPEATS] = list(repeated)
    if split:
        ends = (call.current_budget, call.budget_now)
        yield _key(plan, call), _entry(plan, call, *ends, "auto", payload, shared, group="")
        yield from _change(plan, call, shared)
    start = call.budget_now if split else call.current_budget
    verdict = call.verdict
    if verdict == NEEDS_APPROVAL and any(_is_move(key) for key in repeated):
        verdict = ""  # it waits already, under the key it was first proposed by
    elif verdict == NEEDS_APPROVAL:
        funders = [waiting_keys[name] for name in call.waits_for]
        payload = {**payload, **facts.of_items, "funded_by": funders}
    whole = _entry(plan, call, start, call.recommended_budget, verdict, payload, shared)
    yield _key(plan, call, rest=split), whole
    if not split and not kill_on and call.campaign_id not in facts.pausing:
        yield from _change(plan, call, shared)
    asked = any(not _is_move(key) for key in repeated)
    if pauses_by_hand(call) and not asked:
        pause = {"action": "pause", "flags": list(call.flags), **facts.of_items}
        entry = _entry(plan, call, None, None, NEEDS_APPROVAL, pause, shared, group="")
        yield f"pause:{plan.run_id}:{key_part(call.campaign_id)}", entry


def pauses_by_hand(call: Recommendation) -> bool:
    """Whether a pause is put to a person beside the call itself."""
    return "pause_recommended" in call.flags and call.action != "pause"


def _is_move(key: str) -> bool:
    """Whether what waits is a call of a campaign, not a pause beside it."""
    return not key.startswith("pause:")


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
