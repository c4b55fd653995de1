"""Measures + plan -> what to ask of which seller. Decides what is worth asking; sends nothing.

A deal heading short is asked to deliver faster or, when that is more than a seller can be
expected to do, to run longer; one heading over, to slow down. Only what is both far off and
nearly sure is worth a seller's time, and nobody is asked twice while an answer is due.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from adbudget.errors import InputError
from adbudget.pacing.booked.flight import FlightPlan
from adbudget.pacing.delivery.measures import Measures
from adbudget.pacing.requests.answers import Expectations
from adbudget.pacing.requests.booking import Wanted, wanted_impressions
from adbudget.pacing.requests.change import Severity
from adbudget.pacing.requests.days_ahead import Schedules, schedules
from adbudget.pacing.requests.request import Ask, Intent, SellerRequest
from adbudget.pacing.requests.wording import (
    DaysAhead,
    DealFacts,
    ask_impressions,
    ask_longer,
    ask_make_good,
    ask_raise,
    ask_throttle,
)

SHORT: tuple[Intent, ...] = ("raise_delivery", "make_good", "shift_dates")
OVER: tuple[Intent, ...] = ("throttle_delivery",)
BOOKING: tuple[Intent, ...] = ("change_impressions",)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskRules:
    """When a seller is asked, and for how much.

    Attributes
    ----------
    least_miss : share of the target by which a flight must be heading to miss it, exclusive
    least_prob : how sure that miss must be
    fewest_days : a flight with fewer days left is past asking
    most_raise : a seller is asked to go this many times as fast, not more, as long as running
        longer would do
    most_extension_days : longest extension of a flight to ask for; 0 never asks
    rest_days : how long a seller is left alone about a deal once it was settled
    answer_prob : patience lasts until an answer is this likely to have come
    least_patience_hours, most_patience_hours : bounds of the patience
    asks_a_person : severities that a person on our side approves before they are sent; without
        "minor", an end of the flight that moves by up to 3 days is sent at once

    Examples
    --------
    >>> rules = pacing.AskRules(most_raise=1.5, most_extension_days=0)
    >>> report = ab.pace(booked, delivered, as_of="2026-03-11", ask_rules=rules)
    >>> report.requests["intent"].tolist()
    ['raise_delivery']
    """

    least_miss: float = 0.10
    least_prob: float = 0.80
    fewest_days: float = 2.0
    most_raise: float = 2.0
    most_extension_days: int = 7
    rest_days: float = 3.0
    answer_prob: float = 0.80
    least_patience_hours: float = 24.0
    most_patience_hours: float = 96.0
    asks_a_person: tuple[Severity, ...] = ("minor", "material", "critical")

    def __post_init__(self) -> None:
        for name in ("least_miss", "least_prob", "answer_prob"):
            if not 0 < getattr(self, name) < 1:
                raise InputError(f"{name} must be between 0 and 1; got {getattr(self, name)}.")
        for name in ("fewest_days", "rest_days", "most_extension_days"):
            if not getattr(self, name) >= 0:
                raise InputError(f"{name} must be 0 or more; got {getattr(self, name)}.")
        if not self.most_raise > 1:
            raise InputError(f"most_raise must be above 1; got {self.most_raise}.")
        if not 0 < self.least_patience_hours <= self.most_patience_hours:
            raise InputError("least_patience_hours must be above 0 and no more than the most.")


def draft_requests(
    plan: FlightPlan,
    measures: Measures,
    *,
    earlier: Sequence[SellerRequest] = (),
    expectations: Expectations | None = None,
    orders: Mapping[str, str] | None = None,
    booked: FlightPlan | None = None,
    gaining: Collection[str] = (),
    giving: Collection[str] = (),
    untouchable: Collection[str] = (),
    rules: AskRules | None = None,
) -> tuple[SellerRequest, ...]:
    """Draft what is worth asking of sellers now.

    Parameters
    ----------
    plan : as it stands: what sellers agreed to (:func:`adbudget.pacing.requests.agreed_plan`), and
        budgets after the moves that need nobody
    measures : of that plan
    earlier : requests as they stand; an open one about the same matter, or one settled lately,
        keeps its deal from being asked about again
    expectations : how sellers answer; what is usual when None
    orders : deal -> the seller's name of its order; the plan's ``order_id``, or else the deal's
        name, where it says nothing
    booked : the plan as its table has it, the same deals. Where impressions are planned and the
        budget is no longer the one they were booked for, the booking is to follow the money at
        the booked price. None takes ``plan``
    gaining, giving : deals that get money, or give some away, in the same run: the first are not
        asked to slow down, the second not to go faster or longer
    untouchable : deals of which nothing is known surely enough to ask for anything
    rules : when to ask; the usual when None

    Returns
    -------
    Drafts, in the order of the plan. Deals without a seller, and those whose pace is not known
    yet, are not asked about

    Raises
    ------
    InputError : ``booked`` has other deals

    Examples
    --------
    >>> plan = pacing.read_plan(booked)
    >>> measures = pacing.measure(plan, pacing.read_delivery(delivered, plan), "2026-03-11")
    >>> [one.ask.intent for one in requests.draft_requests(plan, measures)]
    ['raise_delivery']
    """
    rules = AskRules() if rules is None else rules
    hopes = Expectations() if expectations is None else expectations
    booked = plan if booked is None else booked
    if booked.deals != plan.deals:
        raise InputError("booked must hold the same deals as the plan, in the same order.")
    wanted = _not_asked(wanted_impressions(plan, booked), booked, earlier)
    busy = _busy(earlier, measures, plan, rules)
    rows = _worth_a_look(plan, measures, wanted, rules)
    rows = rows[[plan.deals[row] not in untouchable for row in rows.tolist()]]
    ahead = schedules(plan, measures, rows)
    drafts: list[SellerRequest] = []
    for row in rows.tolist():
        facts = _facts(plan, measures, row, ahead, hopes, orders or {}, rules)
        taken = busy.get(facts.deal, frozenset())
        taken |= frozenset(OVER) if facts.deal in gaining else frozenset()
        taken |= frozenset(SHORT) if facts.deal in giving else frozenset()
        after = wanted.get(facts.deal)
        asks = _about_pace(facts, rules, taken, rebooked=after is not None)
        if after is not None and not taken & set(BOOKING):
            asks.append(ask_impressions(facts, *after))
        drafts += [_draft(ask, rules) for ask in asks]
    return tuple(drafts)


def _draft(ask: Ask, rules: AskRules) -> SellerRequest:
    waits = ask.severity in rules.asks_a_person
    return SellerRequest(ask=ask, approval="waiting" if waits else "not_needed")


def _not_asked(
    wanted: Mapping[str, Wanted], booked: FlightPlan, earlier: Sequence[SellerRequest]
) -> dict[str, Wanted]:
    """Leave out what was asked before, whatever came of it, and tables that show it already."""
    asked = {
        (request.ask.deal, diff.new_value)
        for request in earlier
        for diff in (*request.ask.diffs, *request.agreed)
        if request.ask.intent in BOOKING and request.state != "withdrawn"
    }
    place, table = booked.place, booked.planned_impressions
    return {
        deal: after
        for deal, after in wanted.items()
        if (deal, after[0]) not in asked and (deal, round(float(table[place[deal]]))) not in asked
    }


def _worth_a_look(
    plan: FlightPlan, measures: Measures, wanted: Collection[str], rules: AskRules
) -> np.ndarray:
    """Rows that are off pace for certain, or whose booking must follow their money."""
    running = (measures.remaining_days >= rules.fewest_days) & (plan.seller != "")
    running &= ~_paused_next(plan, measures)
    off = np.zeros(len(plan), dtype=bool)
    for track in (measures.spend, measures.impressions):
        with np.errstate(invalid="ignore"):
            miss = track.projected / track.target - 1
            off |= (miss < -rules.least_miss) & (track.prob_under >= rules.least_prob)
            off |= (miss > rules.least_miss) & (track.prob_over >= rules.least_prob)
    off &= measures.elapsed_days > 0
    follows = np.array([deal in wanted for deal in plan.deals], dtype=bool)
    return np.flatnonzero(running & (off | follows))


def _paused_next(plan: FlightPlan, measures: Measures) -> np.ndarray:
    """Deals that are paused, or will be on the first whole day to come."""
    day = plan.start + np.ceil(measures.elapsed_days).astype("timedelta64[D]")
    return plan.paused_on(day)


def _about_pace(
    facts: DealFacts, rules: AskRules, taken: frozenset[Intent], *, rebooked: bool
) -> list[Ask]:
    """What to ask about one deal's pace: one thing at most.

    While its impressions are booked anew, only the money says whether a deal is short. A deal is
    asked to go faster than it is booked and goes, or slower than both, or nothing.
    """
    if facts.spend_miss < -rules.least_miss and facts.prob_under >= rules.least_prob:
        if taken & set(SHORT):
            return []
        in_impressions = facts.impressions_miss < 0 and not rebooked
        days = facts.impressions_days if in_impressions else facts.spend_days
        lately = facts.daily_impressions if in_impressions else facts.daily_spend
        if not _is_faster(days, lately):
            return []
        longer = _extension_days(facts, rules)
        return [ask_longer(facts, longer) if longer else ask_raise(facts, in_impressions)]
    if facts.spend_miss > rules.least_miss and facts.prob_over >= rules.least_prob:
        slower = _is_slower(facts.spend_days, facts.daily_spend) and not facts.asap
        return [ask_throttle(facts)] if slower and not taken & set(OVER) else []
    lost = facts.impressions_miss < -rules.least_miss and not rebooked
    lost &= _is_faster(facts.impressions_days, facts.daily_impressions)
    if lost and facts.impressions_prob_under >= rules.least_prob and not taken & set(SHORT):
        return [ask_make_good(facts)]
    return []


def _is_faster(days: DaysAhead, lately: float) -> bool:
    """The next day needs more than it is booked to bring, and more than days bring lately."""
    return days.needed[0] >= max(days.booked[0], lately) and days.needed[0] > 0


def _is_slower(days: DaysAhead, lately: float) -> bool:
    """The next day may bring less than it is booked to, and less than days bring lately."""
    return days.needed[0] <= min(days.booked[0], lately)


def _extension_days(facts: DealFacts, rules: AskRules) -> int:
    """Days to run longer at today's pace; 0 when a faster pace is the better thing to ask."""
    needed = facts.spend_days.needed[0]
    if facts.daily_spend <= 0 or needed <= rules.most_raise * facts.daily_spend:
        return 0
    days = int(np.ceil((facts.budget_minor - facts.projected_minor) / facts.daily_spend))
    return days if days <= rules.most_extension_days else 0


def _busy(
    earlier: Sequence[SellerRequest], measures: Measures, plan: FlightPlan, rules: AskRules
) -> dict[str, frozenset[Intent]]:
    """Deal -> intents it has just been, or still is, asked about."""
    place = plan.place
    busy: dict[str, frozenset[Intent]] = {}
    for request in earlier:
        row = place.get(request.ask.deal)
        if row is None or request.state == "withdrawn":
            continue
        settled = request.answered_at or (request.deadline if request.sent_at else None)
        settled = settled or request.ask.drafted_at
        rested = _instant(measures.measured_at[row]) - settled >= timedelta(days=rules.rest_days)
        if request.is_open or not rested:
            intents: frozenset[Intent] = frozenset([request.ask.intent])
            busy[request.ask.deal] = busy.get(request.ask.deal, frozenset()) | intents
    return busy


def _facts(
    plan: FlightPlan,
    measures: Measures,
    row: int,
    ahead: Schedules,
    hopes: Expectations,
    orders: Mapping[str, str],
    rules: AskRules,
) -> DealFacts:
    """What a request about one deal needs to know."""
    spend, impressions = measures.spend, measures.impressions
    seller, deal = str(plan.seller[row]), plan.deals[row]
    at = _instant(measures.measured_at[row])
    hope = hopes.of(seller)
    wanted = hope.hours_for(rules.answer_prob)
    patience = min(max(wanted, rules.least_patience_hours), rules.most_patience_hours)
    remaining = float(measures.remaining_days[row])
    useful_until = at + timedelta(seconds=round(remaining * 43200))  # half of what is left
    patience = min(patience, (useful_until - at).total_seconds() / 3600)
    return DealFacts(
        deal=deal,
        campaign=str(plan.campaign[row]),
        seller=seller,
        account=str(plan.account[row]),
        order_id=orders.get(deal) or str(plan.order_id[row]) or str(plan.label[row]),
        seller_account=str(plan.seller_account[row]),
        time_zone=str(plan.time_zone[row]),
        currency=str(plan.currency[row]),
        exponent=int(plan.exponent[row]),
        end=plan.end[row].item(),
        at=at,
        remaining_days=remaining,
        budget_minor=int(plan.budget_minor[row]),
        projected_minor=float(spend.projected[row]),
        spend_miss=_miss(spend.projected[row], spend.target[row]),
        prob_under=_known(spend.prob_under[row]),
        prob_over=_known(spend.prob_over[row]),
        daily_spend=_known(spend.lately[row]),
        required_spend=_known(spend.required[row]),
        spend_days=ahead.spend[row],
        asap=bool(plan.is_asap[row]),
        planned_impressions=float(plan.planned_impressions[row]),
        impressions_miss=_miss(impressions.projected[row], impressions.target[row]),
        impressions_prob_under=_known(impressions.prob_under[row]),
        daily_impressions=_known(impressions.lately[row]),
        impressions_days=ahead.impressions[row],
        patience_hours=patience,
        useful_until=useful_until,
        prob_in_time=hope.prob_within(patience),
        prob_granted=hope.prob_granted,
    )


def _instant(moment: np.datetime64) -> datetime:
    return moment.astype("datetime64[s]").item().replace(tzinfo=UTC)


def _miss(projected: float, target: float) -> float:
    """Share of the target above (+) or below (-) it at the end; 0 when unknown."""
    miss = projected / target - 1 if target > 0 else float("nan")
    return float(miss) if np.isfinite(miss) else 0.0


def _known(value: float) -> float:
    return float(value) if np.isfinite(value) else 0.0
