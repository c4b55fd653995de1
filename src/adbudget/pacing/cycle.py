"""One run of the pacing engine: what was read and remembered -> report, and entries to write.

Writes nothing itself. Moves come from reallocation, requests from drafting; both see the plan as
it stands after what people decided and sellers agreed to.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from adbudget.alerts.cooldown import fresh_alerts
from adbudget.ledger.entry import digest
from adbudget.pacing.booked.clock import local_times, zone_of
from adbudget.pacing.booked.flight import FlightPlan
from adbudget.pacing.delivery.delivered import Delivery
from adbudget.pacing.delivery.earlier_runs import Memory
from adbudget.pacing.delivery.groups import LEVELS, measure_groups
from adbudget.pacing.delivery.measure_entries import (
    WHO,
    Pair,
    RunFacts,
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
from adbudget.pacing.delivery.thresholds import PaceThresholds
from adbudget.pacing.moves.reallocation import MovePlan, MoveRules, propose_moves
from adbudget.pacing.report import PacingReport
from adbudget.pacing.report_frames import (
    alerts_frame,
    corrections_frame,
    groups_frame,
    status_frame,
)
from adbudget.pacing.requests.drafting import AskRules, draft_requests
from adbudget.pacing.requests.requests_frame import requests_frame

if TYPE_CHECKING:
    from adbudget.ledger.store import Ledger
    from adbudget.pacing.requests.request import SellerRequest
    from adbudget.policy.rulebook import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a run is made; the arguments of :func:`adbudget.pace` of the same names."""

    moment: datetime
    thresholds: PaceThresholds
    policy: "Policy | None"
    move_rules: MoveRules | None
    ask_rules: AskRules | None
    marginal: object | None
    seed: int
    locked: frozenset[str]
    orders: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cycle:
    """What one run is about.

    Attributes
    ----------
    plan, delivery : as read
    settings : how the run is made
    kill_on : the kill switch is on
    run_id : "" without a ledger
    """

    plan: FlightPlan
    delivery: Delivery
    settings: Settings
    kill_on: bool = False
    run_id: str = ""

    @property
    def at(self) -> datetime:
        """The instant with a time zone; of several zones, when the last has got there."""
        moment = self.settings.moment
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
    settings = cycle.settings
    rules = [repr(settings.move_rules), repr(settings.ask_rules), _hash_of(settings.marginal)]
    question = {
        "inputs": inputs_hash(cycle.plan, cycle.delivery),
        "as_of": settings.moment.isoformat(),
        "thresholds": asdict(settings.thresholds),
        "policy": "" if settings.policy is None else settings.policy.hash,
        "rules": rules,
        "seed": settings.seed,
        "locked": sorted(settings.locked),
        "orders": dict(settings.orders),
        "kill_on": kill_on,
    }
    return digest(question)[:32]


def run_cycle(
    cycle: Cycle, memory: Memory, past: "Ledger | None" = None
) -> tuple[PacingReport, list[Pair]]:
    """Measure, judge and propose.

    Parameters
    ----------
    cycle : what the run is about
    memory : of the runs before
    past : the ledger as it was before the run; None without one, and then no pairs come back

    Returns
    -------
    report, and (key, entry) pairs in the order of writing
    """
    settings, delivery, at = cycle.settings, cycle.delivery, cycle.at
    corrections = delivery.corrections + later_corrections(cycle.plan, delivery, memory.known)
    requests, lapsed, booked = _asked_before(cycle, past)
    plan, locked = _decided(booked, settings.locked, past)
    measures = measure(plan, delivery, settings.moment, settings.thresholds)
    standing = judge(plan, delivery, measures, settings.thresholds, memory.standing)
    groups = [
        measure_groups(plan, delivery, measures, level, settings.thresholds) for level in LEVELS
    ]
    sentences = deal_sentences(plan, measures, standing)
    alerts = deal_alerts(plan, delivery, measures, standing, sentences, settings.thresholds, at)
    fresh = fresh_alerts(alerts, memory.alerts)
    moves = _moves(cycle, plan, measures, locked, past)
    drafts = _drafts(cycle, plan, moves, requests)
    report = PacingReport(
        as_of=settings.moment,
        run_id=cycle.run_id,
        status=status_frame(plan, measures, standing, sentences),
        groups=groups_frame(groups, settings.thresholds),
        alerts=alerts_frame(alerts, fresh),
        moves=moves.frame,
        requests=requests_frame(drafts),
        corrections=corrections_frame(corrections, plan),
        notes=(*plan.notes, *delivery.notes),
        plan=plan,
        delivery=delivery,
        measures=measures,
        standing=standing,
        raised=fresh,
        held=moves.held,
    )
    if past is None:
        return report, []
    facts = _facts(cycle, at, report)
    return report, [
        run_pair(facts),
        *deal_pairs(plan, delivery, measures, standing, sentences, facts),
        *group_pairs(groups, facts),
        *correction_pairs(corrections, plan, facts),
        *alert_pairs(fresh, facts),
        *lapsed,
        *_proposal_pairs(moves, drafts, facts),
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
    settings = cycle.settings
    openings: dict[str, int] = {}
    if past is not None:
        zone = zone_of("UTC" if settings.policy is None else settings.policy.timezone)
        openings = past.opening_budgets(cycle.at.astimezone(zone).date(), zone)
    return propose_moves(
        plan,
        cycle.delivery,
        measures,
        rules=settings.move_rules,
        policy=settings.policy,
        marginal=settings.marginal,
        seed=settings.seed,
        locked=locked,
        openings=openings,
        kill_on=cycle.kill_on,
        run_id=cycle.run_id,
    )


def _drafts(
    cycle: Cycle,
    plan: FlightPlan,
    moves: MovePlan,
    requests: "tuple[SellerRequest, ...]",
) -> "tuple[SellerRequest, ...]":
    """What to ask of sellers once the moves that need nobody are made."""
    from adbudget.pacing.requests.answers import expect

    settings, place, budget = cycle.settings, plan.place, plan.budget_minor.copy()
    for change in moves.changes:
        budget[place[change.deal]] = change.now_minor
    after = replace(plan, budget_minor=budget)
    return draft_requests(
        after,
        measure(after, cycle.delivery, settings.moment, settings.thresholds),
        earlier=requests,
        expectations=expect(requests, at=cycle.at),
        orders=settings.orders,
        booked=cycle.plan,
        rules=settings.ask_rules,
    )


def _facts(cycle: Cycle, at: datetime, report: PacingReport) -> RunFacts:
    settings, counts = cycle.settings, report.status["severity"].value_counts()
    return RunFacts(
        run_id=cycle.run_id,
        at=at,
        inputs_hash=inputs_hash(cycle.plan, cycle.delivery),
        policy_hash="" if settings.policy is None else settings.policy.hash,
        payload={
            "as_of": settings.moment.isoformat(),
            "thresholds": asdict(settings.thresholds),
            "n_deals": len(cycle.plan),
            "severities": {str(name): int(count) for name, count in counts.items()},
            "n_alerts": len(report.raised),
            "n_moves": len(report.moves),
            "n_requests": len(report.requests),
            "notes": [note.message for note in report.notes],
        },
    )


def _proposal_pairs(
    moves: MovePlan, drafts: "tuple[SellerRequest, ...]", facts: RunFacts
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
        ),
        *draft_pairs(drafts, run_id=facts.run_id, inputs_hash=facts.inputs_hash),
    ]
