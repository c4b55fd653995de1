"""Facts of one deal -> one ask, with its reason and its fallback in words. Decides nothing."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from adbudget.money import exact, money_text
from adbudget.pacing.delivery.projection import FEWEST_DAYS
from adbudget.pacing.requests.change import Diff
from adbudget.pacing.requests.request import Ask, Fallback, Intent

EVEN = 0.005  # days that differ by less, as a share of the largest, are one number to a seller
ROUNDING = 1e-6  # 1,100 must not become 1,099.99
BY_DAY = "_by_day"  # after a field's name: the same, one amount for every day to come


@dataclass(frozen=True, slots=True, kw_only=True)
class DaysAhead:
    """What each whole day to come is booked to bring, and what it needs to bring instead.

    Attributes
    ----------
    first : the first of these days
    booked, needed : one number a day, minor units or impressions; needed follows the rest of the
        curve, and all of it together is what is left
    """

    first: date
    booked: tuple[float, ...]
    needed: tuple[float, ...]

    @property
    def is_even(self) -> bool:
        """Whether every day needs the same."""
        low, high = min(self.needed, default=0.0), max(self.needed, default=0.0)
        return high - low <= EVEN * max(high, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class DealFacts:
    """One deal as a request sees it. Money is minor units; what is unknown is 0, or NaN if said.

    Attributes
    ----------
    deal, campaign, seller, account, order_id, seller_account, time_zone, currency, exponent : who,
        where and in what
    asap : its money is to go out as soon as possible
    end : last day of the flight
    at : instant of the figures
    remaining_days : of the flight
    budget_minor, projected_minor : for the whole flight
    spend_miss : projected / budget - 1
    prob_under, prob_over : that the flight ends below or above its budget
    daily_spend, required_spend : a day on the last FEWEST_DAYS days, and what every remaining day
        must bring on average
    spend_days : the first whole day to come, and the money of the days from it on
    planned_impressions : NaN when none are
    impressions_miss, impressions_prob_under, daily_impressions : the same of impressions
    impressions_days : the same of impressions
    patience_hours, useful_until, prob_in_time, prob_granted : what to expect of the seller
    """

    deal: str
    campaign: str
    seller: str
    account: str
    order_id: str
    seller_account: str
    time_zone: str
    currency: str
    exponent: int
    asap: bool
    end: date
    at: datetime
    remaining_days: float
    budget_minor: int
    projected_minor: float
    spend_miss: float
    prob_under: float
    prob_over: float
    daily_spend: float
    required_spend: float
    spend_days: DaysAhead
    planned_impressions: float
    impressions_miss: float
    impressions_prob_under: float
    daily_impressions: float
    impressions_days: DaysAhead
    patience_hours: float
    useful_until: datetime
    prob_in_time: float
    prob_granted: float

    def money(self, minor: float) -> str:
        """2,300.00 EUR."""
        return money_text(minor, self.currency)

    @property
    def lately(self) -> str:
        """803.33 EUR a day on its last 3 days."""
        return f"{self.money(self.daily_spend)} a day on its last {FEWEST_DAYS} days"

    def plain(self, minor: float) -> str:
        """2300.00: as the seller's program reads it."""
        return f"{exact(round(minor), self.exponent):f}"


def ask_raise(facts: DealFacts, in_impressions: bool) -> Ask:
    """Deliver faster: in impressions where these are booked and short too, else in money."""
    short = facts.budget_minor - facts.projected_minor
    diffs = impressions_diffs(facts) if in_impressions else money_diffs(facts)
    reason = (
        f"Deal {facts.deal} delivered {facts.lately} and is heading for "
        f"{facts.money(facts.projected_minor)} of {facts.money(facts.budget_minor)} by "
        f"{facts.end}: please raise {_told(diffs)}."
    )
    return _ask(facts, "raise_delivery", diffs, reason, _move_on(facts, short))


def ask_longer(facts: DealFacts, days: int) -> Ask:
    """Run longer at today's pace."""
    short = facts.budget_minor - facts.projected_minor
    end = facts.end + timedelta(days=days)
    diff = Diff(field="flight_end", old_value=facts.end.isoformat(), new_value=end.isoformat())
    reason = (
        f"Deal {facts.deal} delivered {facts.lately} and would need "
        f"{facts.money(facts.required_spend)} a day to end on {facts.end}: please let it run "
        f"until {end}."
    )
    return _ask(facts, "shift_dates", (diff,), reason, _move_on(facts, short))


def ask_throttle(facts: DealFacts) -> Ask:
    """Slow down to what the budget bears until the last day."""
    diffs = money_diffs(facts)
    cap = math.floor(max(facts.spend_days.needed[0], 0.0) + ROUNDING)
    reason = (
        f"Deal {facts.deal} delivered {facts.lately} and would use up its "
        f"budget before {facts.end}: please lower {_told(diffs)}."
    )
    fallback = Fallback(
        action="cap_daily_budget",
        text=f"{facts.seller} has not agreed to slow {facts.deal} down: cap it at "
        f"{facts.money(cap)} a day on our side.",
        amount_minor=cap,
    )
    return _ask(facts, "throttle_delivery", diffs, reason, fallback)


def ask_make_good(facts: DealFacts) -> Ask:
    """Deliver what is booked: the money is on pace, the impressions are not."""
    diffs = impressions_diffs(facts)
    missing = -facts.impressions_miss * facts.planned_impressions
    reason = (
        f"Deal {facts.deal} spends as planned and is heading for {missing:,.0f} impressions less "
        f"than the {facts.planned_impressions:,.0f} booked: please raise {_told(diffs)}."
    )
    fallback = Fallback(
        action="keep_plan",
        text=f"{facts.seller} has not agreed to deliver the booked impressions of {facts.deal}; "
        "claim them back when the flight is over.",
    )
    return _ask(facts, "make_good", diffs, reason, fallback)


def ask_impressions(facts: DealFacts, impressions: int, budget: int, booked: int) -> Ask:
    """Book the impressions that the new budget pays for; ``booked`` is the budget before."""
    diff = Diff(
        field="impressions", old_value=round(facts.planned_impressions), new_value=impressions
    )
    reason = (
        f"The budget of deal {facts.deal} goes from {facts.money(booked)} to "
        f"{facts.money(budget)}: please change {_told((diff,))}."
    )
    fallback = Fallback(
        action="keep_plan",
        text=f"{facts.seller} has not agreed to book {impressions:,} impressions for "
        f"{facts.deal}: look at its budget again.",
        amount_minor=budget - booked,
    )
    return _ask(facts, "change_impressions", (diff,), reason, fallback)


def money_diffs(facts: DealFacts) -> tuple[Diff, ...]:
    """What the days to come may spend; rounded down, so that the sum fits the budget."""

    def plain(minor: float) -> str:
        return facts.plain(math.floor(max(minor, 0.0) + ROUNDING))

    return _diffs("daily_budget", facts.spend_days, plain, plain)


def impressions_diffs(facts: DealFacts) -> tuple[Diff, ...]:
    """What the days to come must deliver; rounded up."""

    def up(count: float) -> int:
        return math.ceil(max(count, 0.0) - ROUNDING)

    return _diffs("daily_impressions", facts.impressions_days, up, round)


def _diffs(
    field: str,
    days: DaysAhead,
    new: Callable[[float], str | int],
    old: Callable[[float], str | int],
) -> tuple[Diff, ...]:
    """The first day to come and, where days differ, all of them."""
    first = Diff(field=field, old_value=old(days.booked[0]), new_value=new(days.needed[0]))
    if days.is_even:
        return (first,)

    dates = [str(days.first + timedelta(days=number)) for number in range(len(days.needed))]

    def by_day(amounts: tuple[float, ...], write: Callable[[float], str | int]) -> str:
        pairs = zip(dates, amounts, strict=True)
        return ", ".join(f"{day} {write(amount)}" for day, amount in pairs)

    every = Diff(
        field=f"{field}{BY_DAY}",
        old_value=by_day(days.booked, old),
        new_value=by_day(days.needed, new),
    )
    return first, every


def _move_on(facts: DealFacts, short_minor: float) -> Fallback:
    return Fallback(
        action="reallocate",
        text=f"{facts.seller} has not agreed to a change of {facts.deal}: let the "
        f"{facts.money(short_minor)} it will not spend go to deals that can use it.",
        amount_minor=math.floor(short_minor),
    )


def _told(diffs: tuple[Diff, ...]) -> str:
    """'the daily impressions from 1,000, as booked, to 1,200'."""
    first = diffs[0]
    values = [
        f"{value:,}" if isinstance(value, int) else str(value)
        for value in (first.old_value, first.new_value)
    ]
    told = f"the {first.field.replace('_', ' ')} from {values[0]}, as booked, to {values[1]}"
    if len(diffs) == 1 or not diffs[1].field.endswith(BY_DAY):
        return told
    start, end = (str(diffs[1].new_value).split(", ")[place] for place in (0, -1))
    (day, _), (last, amount) = start.split(" "), end.split(" ")
    return f"{told} on {day} and so on with its curve, to {amount} on {last}"


def _ask(
    facts: DealFacts, intent: Intent, diffs: tuple[Diff, ...], reason: str, fallback: Fallback
) -> Ask:
    return Ask(
        deal=facts.deal,
        campaign=facts.campaign,
        seller=facts.seller,
        account=facts.account,
        order_id=facts.order_id,
        seller_account=facts.seller_account,
        time_zone=facts.time_zone,
        currency=facts.currency,
        intent=intent,
        diffs=diffs,
        reason=reason,
        drafted_at=facts.at,
        patience_hours=facts.patience_hours,
        useful_until=facts.useful_until,
        prob_in_time=facts.prob_in_time,
        prob_granted=facts.prob_granted,
        fallback=fallback,
    )
