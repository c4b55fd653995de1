"""One run of the pacing engine: what was read, and earlier runs -> report, and entries to write.

Writes nothing itself. Moves, daily budgets and requests see the plan as it stands after what people
decided and sellers agreed to; the last two after the moves that need nobody, too.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from adbudget.alerts.cooldown import fresh_alerts
from adbudget.ledger.entry import digest
from adbudget.pacing.booked.clock import local_times, zone_of
from adbudget.pacing.booked.flight import FlightPlan
from adbudget.pacing.daily.daily_budgets import daily_budgets, kept_orders
from adbudget.pacing.delivery.delivered import Delivery
from adbudget.pacing.delivery.earlier_runs import EarlierRuns
from adbudget.pacing.delivery.groups import LEVELS, measure_groups
from adbudget.pacing.delivery.measure_entries import (
    WHO,
    PacingRunFacts,
    Pair,
    alert_pairs,
    correction_pairs,
    deal_pairs,
    group_pairs,
    inputs_hash,
    run_pair,
)
from adbudget.pacing.delivery.measures import Measures, measure
from adbudget.pacing.delivery.pace_alerts import deal_alerts, deal_sentences
from adbudget.pacing.delivery.past_days import later_corrections
from adbudget.pacing.delivery.status import judge
from adbudget.pacing.moves.reallocation import MovePlan, propose_moves
from adbudget.pacing.options import PaceOptions
from adbudget.pacing.report import PacingReport
from adbudget.pacing.report_frames import (
    alerts_frame,
    corrections_frame,
    groups_frame,
    status_frame,
)
from adbudget.pacing.requests.drafting import draft_requests
from adbudget.pacing.requests.requests_frame import requests_frame
from adbudget.plain_json import to_plain
from adbudget.policy.rulebook import Constraints, Policy

if TYPE_CHECKING:
    from adbudget.ledger.store import Ledger
    from adbudget.pacing.requests.request import SellerRequest


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cycle:
    """What one run is about.

    Attributes
    ----------
    plan, delivery : as read
    moment : the instant, as asked for
    options : how the run is made
    kill_on : the kill switch is on
    run_id : "" without a ledger
    """

    plan: FlightPlan
    delivery: Delivery
    moment: datetime
    options: PaceOptions
    kill_on: bool = False
    run_id: str = ""

    @property
    def at(self) -> datetime:
        """The instant with a time zone; of several zones, when the last has got there."""
        moment = self.moment
        if moment.tzinfo is not None:
            return moment
        latest: Any = local_times(moment, self.plan.time_zone).instant.max()
        return latest.item().replace(tzinfo=UTC)


def _hash_of(marginal: Any) -> str:
    """Hash of every draw and name: what is printed of a large array is not all of it."""
    if not hasattr(marginal, "dims"):  # nothing, or not what it should be: that is said later
        return repr(marginal)
    names = [[str(name) for name in marginal[dim].values] for dim in marginal.dims]
    return digest([hashlib.sha256(marginal.values.tobytes()).hexdigest(), names])


def run_id_of(cycle: Cycle, *, kill_on: bool) -> str:
    """The same for the same question; with the kill switch on it is another question."""
    options = cycle.options
    rules = [repr(each) for each in (options.move_rules, options.ask_rules, options.daily_rules)]
    question = {
        "inputs": inputs_hash(cycle.plan, cycle.delivery),
        "as_of": cycle.moment.isoformat(),
        "thresholds": to_plain(options.thresholds),
        "policy": "" if options.policy is None else options.policy.hash,
        "rules": [*rules, _hash_of(options.marginal)],
        "seed": options.seed,
        "locked": sorted(set(options.locked)),
        "orders": dict(options.orders or {}),
        "kill_on": kill_on,
    }
    return digest(question)[:32]


def run_cycle(
    cycle: Cycle, earlier: EarlierRuns, past: "Ledger | None" = None
) -> tuple[PacingReport, list[Pair]]:
    """Measure, judge and propose.

    Parameters
    ----------
    cycle : what the run is about
    earlier : what the runs before left behind
    past : the ledger as it was before the run; None without one, and then no pairs come back

    Returns
    -------
    report, and (key, entry) pairs in the order of writing
    """
    options, delivery, at = cycle.options, cycle.delivery, cycle.at
    corrections = delivery.corrections + later_corrections(cycle.plan, delivery, earlier.known)
    requests, lapsed, booked = _asked_before(cycle, past)
    plan, locked = _decided(booked, frozenset(options.locked), past)
    measures = measure(plan, delivery, cycle.moment, options.thresholds)
    standing = judge(plan, delivery, measures, options.thresholds, earlier.standing)
    groups = [
        measure_groups(plan, delivery, measures, level, options.thresholds) for level in LEVELS
    ]
    sentences = deal_sentences(plan, measures, standing)
    alerts = deal_alerts(plan, delivery, measures, standing, sentences, options.thresholds, at)
    fresh = fresh_alerts(alerts, earlier.alerts)
    moves = _moves(cycle, plan, measures, locked, past)
    after = _after_moves(plan, moves)
    drafts = _drafts(cycle, after, requests)
    daily = daily_budgets(
        after, delivery, cycle.moment, ordered=earlier.ordered, rules=options.daily_rules
    )
    report = PacingReport(
        as_of=cycle.moment,
        run_id=cycle.run_id,
        status=status_frame(plan, measures, standing, daily, sentences),
        groups=groups_frame(groups, options.thresholds),
        alerts=alerts_frame(alerts, fresh),
        moves=moves.frame,
        requests=requests_frame(drafts),
        corrections=corrections_frame(corrections, plan),
        notes=(*plan.notes, *delivery.notes),
        plan=plan,
        delivery=delivery,
        measures=measures,
        standing=standing,
        daily=daily,
        raised=fresh,
        held=moves.held,
    )
    if past is None:
        return report, []
    facts = _facts(cycle, at, report)
    orders = kept_orders(plan, daily, earlier.ordered)
    return report, [
        run_pair(facts),
        *deal_pairs(plan, delivery, measures, standing, sentences, orders, facts),
        *group_pairs(groups, facts),
        *correction_pairs(corrections, plan, facts),
        *alert_pairs(fresh, facts),
        *lapsed,
        *_proposal_pairs(moves, drafts, facts, _expiry(options.policy)),
    ]


def _asked_before(
    cycle: Cycle, past: "Ledger | None"
) -> "tuple[tuple[SellerRequest, ...], list[Pair], FlightPlan]":
    """Requests of earlier runs, those that lapse now, and the plan with what sellers agreed to."""
    if past is None:
        return (), [], cycle.plan
    from adbudget.pacing.requests.agreed import agreed_plan
    from adbudget.pacing.requests.request_entries import lapse, read_requests

    requests, lapsed = lapse(read_requests(past), at=cycle.at, run_id=cycle.run_id)
    return requests, lapsed, agreed_plan(cycle.plan, requests)


def _decided(
    plan: FlightPlan, locked: frozenset[str], past: "Ledger | None"
) -> tuple[FlightPlan, frozenset[str]]:
    """The plan with budgets that people approved, and the deals that people locked."""
    if past is None:
        return plan, locked
    from adbudget.pacing.moves.decided import budgets_now
    from adbudget.pacing.moves.locks import locked_deals

    return budgets_now(plan, past), locked | locked_deals(past)


def _moves(
    cycle: Cycle,
    plan: FlightPlan,
    measures: Measures,
    locked: frozenset[str],
    past: "Ledger | None",
) -> MovePlan:
    options = cycle.options
    openings: dict[str, int] = {}
    refused: dict[tuple[str, int], str] = {}
    if past is not None:
        from adbudget.pacing.moves.refused import refused_moves

        refused = refused_moves(past, plan, measures, at=cycle.at, policy=options.policy)
        zone = zone_of("UTC" if options.policy is None else options.policy.timezone)
        openings = past.opening_budgets(cycle.at.astimezone(zone).date(), zone)
    return propose_moves(
        plan,
        cycle.delivery,
        measures,
        rules=options.move_rules,
        policy=options.policy,
        marginal=options.marginal,
        seed=options.seed,
        locked=locked,
        openings=openings,
        refused=refused,
        kill_on=cycle.kill_on,
        run_id=cycle.run_id,
    )


def _after_moves(plan: FlightPlan, moves: MovePlan) -> FlightPlan:
    """The plan once the moves that need nobody are made."""
    place, budget = plan.place, plan.budget_minor.copy()
    for change in moves.changes:
        budget[place[change.deal]] = change.now_minor
    return replace(plan, budget_minor=budget)


def _drafts(
    cycle: Cycle,
    plan: FlightPlan,
    requests: "tuple[SellerRequest, ...]",
) -> "tuple[SellerRequest, ...]":
    """What to ask of sellers."""
    from adbudget.pacing.requests.answers import expect

    options = cycle.options
    return draft_requests(
        plan,
        measure(plan, cycle.delivery, cycle.moment, options.thresholds),
        earlier=requests,
        expectations=expect(requests, at=cycle.at),
        orders=options.orders,
        booked=cycle.plan,
        rules=options.ask_rules,
    )


def _facts(cycle: Cycle, at: datetime, report: PacingReport) -> PacingRunFacts:
    options, counts = cycle.options, report.status["severity"].value_counts()
    return PacingRunFacts(
        run_id=cycle.run_id,
        at=at,
        inputs_hash=inputs_hash(cycle.plan, cycle.delivery),
        policy_hash="" if options.policy is None else options.policy.hash,
        payload={
            "as_of": cycle.moment.isoformat(),
            "thresholds": to_plain(options.thresholds),
            "n_deals": len(cycle.plan),
            "severities": {str(name): int(count) for name, count in counts.items()},
            "n_alerts": len(report.raised),
            "n_moves": len(report.moves),
            "n_requests": len(report.requests),
            "notes": [note.message for note in report.notes],
        },
    )


def _expiry(policy: Policy | None) -> timedelta:
    """How long moves that wait for a person stand."""
    return (Constraints() if policy is None else policy.constraints).approval_expires


def _proposal_pairs(
    moves: MovePlan, drafts: "tuple[SellerRequest, ...]", facts: PacingRunFacts, stands: timedelta
) -> list[Pair]:
    from adbudget.pacing.moves.move_entries import move_entries
    from adbudget.pacing.requests.request_entries import draft_pairs

    return [
        *move_entries(
            moves,
            at=facts.at,
            who=WHO,
            run_id=facts.run_id,
            inputs_hash=facts.inputs_hash,
            policy_hash=facts.policy_hash,
            expires_at=facts.at + stands,
        ),
        *draft_pairs(drafts, run_id=facts.run_id, inputs_hash=facts.inputs_hash),
    ]
