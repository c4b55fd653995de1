"""One run of the pacing engine: what was read, and earlier runs -> report, and entries to write.

Writes nothing itself. Moves, daily budgets and requests see the plan as it stands after what people
decided and sellers agreed to; the last two after the moves that need nobody, too.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from adbudget.alerts.cooldown import fresh_alerts, most_severe_first
from adbudget.ledger.entry import IDENTITY, STATED
from adbudget.pacing.booked.clock import local_times
from adbudget.pacing.booked.flight import FlightPlan
from adbudget.pacing.daily.daily_budgets import daily_budgets, kept_orders
from adbudget.pacing.delivery.bookings import followed
from adbudget.pacing.delivery.delivered import Delivery
from adbudget.pacing.delivery.earlier_runs import EarlierRuns
from adbudget.pacing.delivery.group_alerts import bound_alerts, group_alerts, group_severities
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
from adbudget.pacing.delivery.rebased import rebased
from adbudget.pacing.delivery.scopes import facts_of_scope, named_deals, scope_text
from adbudget.pacing.delivery.status import Standing, judge
from adbudget.pacing.moves.reallocation import MovePlan, propose_moves
from adbudget.pacing.one_story import agreeing
from adbudget.pacing.options import PaceOptions
from adbudget.pacing.report import PacingReport
from adbudget.pacing.report_frames import (
    alerts_frame,
    corrections_frame,
    groups_frame,
    status_frame,
)
from adbudget.pacing.requests.agreed import agreed_plan
from adbudget.pacing.requests.drafting import draft_requests
from adbudget.pacing.requests.renewal import (
    Renewal,
    renewed,
    standing_drafts,
)
from adbudget.pacing.requests.requests_frame import requests_frame
from adbudget.plain_json import to_plain
from adbudget.policy.rulebook import Constraints, Policy
from adbudget.tables.instants import zone_of

if TYPE_CHECKING:
    from adbudget.ledger.store import Ledger
    from adbudget.pacing.requests.request import SellerRequest


PAUSED = "it is paused"


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
    def today(self) -> np.ndarray:
        """(deal,) datetime64[D], the local day that holds the instant."""
        return local_times(self.moment, self.plan.time_zone).day

    @property
    def at(self) -> datetime:
        """The instant with a time zone; of several zones, when the last has got there."""
        moment = self.moment
        if moment.tzinfo is not None:
            return moment
        latest: Any = local_times(moment, self.plan.time_zone).instant.max()
        return latest.item().replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CycleResult:
    """What comes of one run.

    Attributes
    ----------
    report : what was found, and what to do
    pairs : (key, entry) in the order of writing; empty without a ledger
    closed : items of earlier runs that nobody needs to rule on any more -> why
    """

    report: PacingReport
    pairs: list[Pair] = field(default_factory=list)
    closed: dict[str, str] = field(default_factory=dict)


def run_cycle(cycle: Cycle, earlier: EarlierRuns, past: "Ledger | None" = None) -> CycleResult:
    """Measure, judge and propose.

    Parameters
    ----------
    cycle : what the run is about
    earlier : what the runs before left behind
    past : the ledger as it was before the run; None without one
    """
    options, delivery, at = cycle.options, cycle.delivery, cycle.at
    corrections = delivery.corrections + later_corrections(cycle.plan, delivery, earlier.known)
    requests, lapsed = _asked_before(cycle, past)
    seen, bookings = _followed(cycle, earlier, past)
    own_locks = frozenset(named_deals(cycle.plan, dict.fromkeys(options.locked)))
    plan, locked = _decided(agreed_plan(seen, requests, delivery), own_locks, past)
    plan = rebased(plan, delivery, cycle.today)
    measures = measure(plan, delivery, cycle.moment, options.thresholds)
    standing = judge(plan, delivery, measures, options.thresholds, earlier.standing)
    groups = [
        measure_groups(plan, delivery, measures, level, options.thresholds) for level in LEVELS
    ]
    sentences = deal_sentences(plan, measures, standing)
    severities = group_severities(groups, options.thresholds, earlier.groups)
    alerts = (
        *deal_alerts(plan, delivery, measures, standing, sentences, options.thresholds, at),
        *group_alerts(groups, severities, at, scope_text(plan)),
        *bound_alerts(plan, measures, at, scope_text(plan)),
    )
    moves = _moves(cycle, plan, measures, standing, locked, past)
    after = rebased(_after_moves(plan, moves), delivery, cycle.today)
    renewal = _drafts(cycle, after, requests, moves)
    drafts, gone = renewal.new, {draft.request_id for draft, _ in renewal.withdrawn}
    open_ones = [request for request in requests if request.request_id not in gone]
    alerts = most_severe_first(agreeing(alerts, moves, (*open_ones, *drafts)))
    fresh = fresh_alerts(alerts, earlier.alerts)
    daily = daily_budgets(
        after, delivery, cycle.moment, ordered=earlier.ordered, rules=options.daily_rules
    )
    report = PacingReport(
        as_of=cycle.moment,
        run_id=cycle.run_id,
        status=status_frame(plan, measures, standing, daily, sentences),
        groups=groups_frame(groups, severities),
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
        return CycleResult(report=report)
    facts = _facts(cycle, at, report)
    orders = kept_orders(plan, daily, earlier.ordered)
    pairs = [
        run_pair(facts),
        *deal_pairs(plan, delivery, measures, standing, sentences, orders, bookings, facts),
        *group_pairs(groups, severities, facts),
        *correction_pairs(corrections, plan, facts),
        *alert_pairs(fresh, facts),
        *lapsed,
        *_proposal_pairs(moves, renewal, facts, options.policy),
    ]
    return CycleResult(report=report, pairs=pairs, closed=_closed(requests, renewal))


def _asked_before(
    cycle: Cycle, past: "Ledger | None"
) -> "tuple[tuple[SellerRequest, ...], list[Pair]]":
    """Requests of earlier runs, and the entries of those that lapse now."""
    if past is None:
        return (), []
    from adbudget.pacing.requests.request_entries import lapse, read_requests

    return lapse(read_requests(past), at=cycle.at, run_id=cycle.run_id)


def _followed(
    cycle: Cycle, earlier: EarlierRuns, past: "Ledger | None"
) -> tuple[FlightPlan, list[dict[str, Any]]]:
    """The plan with the changes and pauses that earlier runs have seen, and what the next needs."""
    moved: dict[str, list[int]] = {}
    if past is not None:
        from adbudget.pacing.moves.decided import moved_budgets

        moved = moved_budgets(cycle.plan, past)
    return followed(cycle.plan, earlier.booked, moved, cycle.today)


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
    standing: Standing,
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
        sides=standing.sides,
        untouchable=_untouchable(cycle, plan, measures),
        refused=refused,
        kill_on=cycle.kill_on,
        run_id=cycle.run_id,
    )


def _untouchable(cycle: Cycle, plan: FlightPlan, measures: Measures) -> dict[str, str]:
    """Deals whose figures say too little to move money or to ask for anything, and why."""
    oldest = cycle.options.thresholds.max_data_age_hours
    held = {
        plan.deals[i]: f"its figures are {measures.data_age_hours[i]:,.0f} hours old"
        for i in np.flatnonzero(measures.data_age_hours > oldest).tolist()
        if measures.remaining_days[i] > 0
    }
    unknown = np.flatnonzero(cycle.delivery.unknown).tolist()
    held |= {plan.deals[i]: "figures of it are missing" for i in unknown}
    paused = np.flatnonzero(plan.paused_on(cycle.today)).tolist()
    return held | {plan.deals[i]: PAUSED for i in paused}


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
    moves: MovePlan,
) -> Renewal:
    """What to ask of sellers: nothing that a move of the same run contradicts.

    Drafts that nobody has sent yet are held against it, so that none outlives its reason.
    """
    from adbudget.pacing.requests.answers import expect

    drafts = standing_drafts(requests)
    with_sellers = [request for request in requests if request.state != "draft"]
    measures = measure(plan, cycle.delivery, cycle.moment, cycle.options.thresholds)

    options = cycle.options
    untouchable = _untouchable(cycle, plan, measures)
    wanted = draft_requests(
        plan,
        measures,
        earlier=with_sellers,
        expectations=expect(requests, at=cycle.at),
        orders=named_deals(plan, options.orders or {}),
        booked=cycle.plan,
        gaining=moves.gaining,
        giving=moves.giving,
        untouchable=untouchable,
        rules=options.ask_rules,
    )
    unsure = untouchable.keys() - {deal for deal, why in untouchable.items() if why == PAUSED}
    known = {request.request_id for request in requests}
    return renewed(drafts, wanted, judged=set(plan.deals) - unsure, known=known)


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
            **facts_of_scope(cycle.plan),
            **_identity(options.policy),
            "severities": {str(name): int(count) for name, count in counts.items()},
            "n_alerts": len(report.raised),
            "n_moves": len(report.moves),
            "n_requests": len(report.requests),
            "notes": [note.message for note in report.notes],
        },
    )


def _expiry(policy: Policy | None) -> timedelta:
    """How long moves that wait for a person stand."""
    return (Constraints() if policy is None else policy.constraints).patience


def _closed(requests: "tuple[SellerRequest, ...]", renewal: Renewal) -> dict[str, str]:
    from adbudget.pacing.requests.request_entries import closed_items

    return closed_items(requests, renewal)


def _identity(policy: Policy | None) -> dict[str, str]:
    """How the names of those who decide are checked, where the policy says so."""
    if policy is None or policy.identity == STATED:
        return {}
    return {IDENTITY: policy.identity}


def _proposal_pairs(
    moves: MovePlan, renewal: Renewal, facts: PacingRunFacts, policy: Policy | None
) -> list[Pair]:
    from adbudget.pacing.moves.move_entries import move_entries
    from adbudget.pacing.requests.request_entries import draft_pairs, withdrawal_pairs

    return [
        *withdrawal_pairs(renewal, at=facts.at, run_id=facts.run_id),
        *move_entries(
            moves,
            at=facts.at,
            who=WHO,
            run_id=facts.run_id,
            inputs_hash=facts.inputs_hash,
            policy_hash=facts.policy_hash,
            expires_at=facts.at + _expiry(policy),
            of_items=_identity(policy),
        ),
        *draft_pairs(
            renewal.new,
            run_id=facts.run_id,
            inputs_hash=facts.inputs_hash,
            of_items=_identity(policy),
        ),
    ]
