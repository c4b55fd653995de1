"""Flows of money -> moves with verdicts, linked groups and reasons. Chooses no amounts.

A move waits when outcomes do not say surely enough that it helps, or when either of its deals
changes by more than the policy lets pass. Moves that wait and share a deal form one group: half
of it would not balance.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from adbudget.ledger.linked import linked_groups
from adbudget.money import exact_amounts, money_text
from adbudget.pacing.booked.flight import FlightPlan
from adbudget.pacing.delivery.measures import Measures
from adbudget.pacing.moves.efficiency import Worth
from adbudget.pacing.moves.flows import Flows
from adbudget.pacing.moves.move import DealChange, Move, Verdict
from adbudget.pacing.moves.move_rules import MoveRules
from adbudget.policy.presets import in_currency
from adbudget.policy.rulebook import Policy

SAYS = {
    "curves": "response curves",
    "revenue": "revenue per money spent",
    "conversions": "conversions per money spent",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MoveCase:
    """What a verdict is about.

    Attributes
    ----------
    plan, measures, worth : of the same deals
    flows : to be judged
    probability : (deal,) that its money works better than the donors' of its pool
    rules, policy : limits; without a policy no amount needs approval
    kill_on : the kill switch stops every change
    run_id : of the run; "" on paper
    """

    plan: FlightPlan
    measures: Measures
    worth: Worth
    flows: Flows
    probability: np.ndarray
    rules: MoveRules
    policy: Policy | None
    kill_on: bool
    run_id: str


def judged(case: MoveCase) -> tuple[tuple[Move, ...], tuple[DealChange, ...]]:
    """Moves, and what they make of the deals' budgets."""
    plan, flows = case.plan, case.flows
    large = _large(case)
    words = [
        _verdict(case, int(source), int(target), large)
        for source, target in zip(flows.source, flows.target, strict=True)
    ]
    waits = np.array([verdict == "needs_approval" for verdict, _ in words], bool)
    group = _group_ids(case, waits)
    amounts = exact_amounts(flows.minor, np.asarray(plan.exponent)[flows.source])
    moves = tuple(
        Move(
            campaign=str(plan.campaign[source]),
            currency=str(plan.currency[source]),
            source=plan.deals[source],
            target=plan.deals[target],
            minor=int(minor),
            amount=amount,
            stage="within_channel"
            if plan.channel[source] == plan.channel[target]
            else "across_channels",
            basis=str(case.worth.basis[target]),
            probability=_or_none(float(case.probability[target])),
            verdict=word[0],
            group_id=group.get(int(source), "") if wait else "",
            reason=_reason(case, int(source), int(target)) + word[1],
        )
        for source, target, minor, amount, word, wait in zip(
            flows.source, flows.target, flows.minor, amounts, words, waits, strict=True
        )
    )
    return moves, _changes(case, moves, group)


def _large(case: MoveCase) -> np.ndarray:
    """(deal,) whether the change passes the approval limit, spread over the days that are left."""
    plan = case.plan
    change = np.zeros(len(plan))
    np.add.at(change, case.flows.source, case.flows.minor)
    np.add.at(change, case.flows.target, case.flows.minor)
    if case.policy is None:
        return np.zeros(len(plan), bool)
    digits_of = dict(zip(plan.currency, plan.exponent.tolist(), strict=True))
    limit_of = {
        code: in_currency(case.policy, str(code)).constraints.approval_limit.minor(
            digits, "constraints: approval_limit"
        )
        for code, digits in digits_of.items()
    }
    limit = np.array([limit_of[code] for code in plan.currency], dtype=float)
    return change > limit * np.maximum(case.measures.remaining_days, 1.0)


def _verdict(case: MoveCase, source: int, target: int, large: np.ndarray) -> tuple[Verdict, str]:
    """Verdict, and the sentence to add when it is not "auto"."""
    probability = case.probability[target]
    if case.kill_on:
        return "blocked", " Blocked: the kill switch is on."
    if np.isnan(probability):
        return "needs_approval", (
            " Waits for approval: there are no outcomes, and delivery alone does not say that "
            "the money works there."
        )
    if probability < case.rules.sure_of_worth:
        return "needs_approval", (
            f" Waits for approval: below {case.rules.sure_of_worth:.0%} a person decides."
        )
    over = next((end for end in (target, source) if large[end]), None)
    if over is not None:
        return "needs_approval", (
            f" Waits for approval: the change of {case.plan.deals[over]} per remaining day is "
            "above the policy's approval limit."
        )
    return "auto", ""


def _reason(case: MoveCase, source: int, target: int) -> str:
    """What is left here, what is missing there, and how money compares."""
    plan, projected = case.plan, case.measures.projected_minor

    def money(minor: float) -> str:
        return money_text(minor, plan.currency[source])

    budget = plan.budget_minor
    text = (
        f"{plan.deals[source]} is on the way to leave {money(budget[source] - projected[source])} "
        f"of {money(budget[source])}; {plan.deals[target]} could use "
        f"{money(projected[target] - budget[target])} beyond its {money(budget[target])}."
    )
    probability = case.probability[target]
    if not np.isnan(probability):
        text += (
            f" By {SAYS[case.worth.basis[target]]}, money works better there than with the "
            f"donors with {_in_words(probability)} probability."
        )
    return text


def _group_ids(case: MoveCase, waits: np.ndarray) -> dict[int, str]:
    """Deal -> group of the moves that wait and share deals, named after its first deal."""
    ends = case.flows.source[waits], case.flows.target[waits]
    group = linked_groups(len(case.plan), *ends)
    return {
        int(deal): f"moves:{case.run_id}:{case.plan.deals[group[deal]]}"
        for deal in np.flatnonzero(group >= 0)
    }


def _changes(
    case: MoveCase, moves: tuple[Move, ...], group: Mapping[int, str]
) -> tuple[DealChange, ...]:
    plan = case.plan
    totals = {name: np.zeros(len(plan), np.int64) for name in ("auto", "needs_approval", "blocked")}
    for move, source, target in zip(moves, case.flows.source, case.flows.target, strict=True):
        totals[move.verdict][source] -= move.minor
        totals[move.verdict][target] += move.minor
    gap = np.nan_to_num(case.measures.projected_minor - plan.budget_minor)
    touched = np.union1d(case.flows.source, case.flows.target)
    changes = []
    for deal in touched.astype(int).tolist():
        budget = int(plan.budget_minor[deal])
        now = budget + int(totals["auto"][deal])
        changes.append(
            DealChange(
                deal=plan.deals[deal],
                campaign=str(plan.campaign[deal]),
                currency=str(plan.currency[deal]),
                budget_minor=budget,
                now_minor=now,
                next_minor=now + int(totals["needs_approval"][deal]),
                blocked_minor=int(totals["blocked"][deal]),
                gap_minor=round(float(gap[deal])),
                group_id=group.get(deal, ""),
            )
        )
    return tuple(changes)


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _in_words(probability: float) -> str:
    """No draw is proof, so even all of them are "over 99%"."""
    return "over 99%" if probability >= 0.995 else f"{probability:.0%}"
