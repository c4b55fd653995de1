"""Facts of one deal -> one ask, with its reason and its fallback in words. Decides nothing."""

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from adbudget.money import exact, money_text
from adbudget.pacing.requests.change import Diff
from adbudget.pacing.requests.request import Ask, Fallback, Intent


@dataclass(frozen=True, slots=True, kw_only=True)
class DealFacts:
    """One deal as a request sees it. Money is minor units; what is unknown is 0, or NaN if said.

    Attributes
    ----------
    deal, campaign, seller, account, order_id, currency, exponent : who and in what
    end : last day of the flight
    at : instant of the figures
    remaining_days : of the flight
    budget_minor, projected_minor : for the whole flight
    spend_miss : projected / budget - 1
    prob_under, prob_over : that the flight ends below or above its budget
    daily_spend, required_spend : a day lately, and what every remaining day must bring
    planned_impressions : NaN when none are
    impressions_miss, impressions_prob_under, daily_impressions, required_impressions : the same
        of impressions
    patience_hours, useful_until, prob_in_time, prob_granted : what to expect of the seller
    """

    deal: str
    campaign: str
    seller: str
    account: str
    order_id: str
    currency: str
    exponent: int
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
    planned_impressions: float
    impressions_miss: float
    impressions_prob_under: float
    daily_impressions: float
    required_impressions: float
    patience_hours: float
    useful_until: datetime
    prob_in_time: float
    prob_granted: float

    def money(self, minor: float) -> str:
        """2,300.00 EUR."""
        return money_text(minor, self.currency)

    def plain(self, minor: float) -> str:
        """2300.00: as the seller's program reads it."""
        return f"{exact(round(minor), self.exponent):f}"


def ask_raise(facts: DealFacts, in_impressions: bool) -> Ask:
    """Deliver faster: in impressions where these are booked and short too, else in money."""
    short = facts.budget_minor - facts.projected_minor
    diff = _faster_impressions(facts) if in_impressions else _daily_budget(facts)
    reason = (
        f"Deal {facts.deal} is heading for {facts.money(facts.projected_minor)} of "
        f"{facts.money(facts.budget_minor)} by {facts.end}: please raise {_told(diff)}."
    )
    return _ask(facts, "raise_delivery", (diff,), reason, _move_on(facts, short))


def ask_longer(facts: DealFacts, days: int) -> Ask:
    """Run longer at today's pace."""
    short = facts.budget_minor - facts.projected_minor
    end = facts.end + timedelta(days=days)
    diff = Diff(field="flight_end", old_value=facts.end.isoformat(), new_value=end.isoformat())
    reason = (
        f"Deal {facts.deal} spends {facts.money(facts.daily_spend)} a day and would need "
        f"{facts.money(facts.required_spend)} to end on {facts.end}: please let it run until "
        f"{end}."
    )
    return _ask(facts, "shift_dates", (diff,), reason, _move_on(facts, short))


def ask_throttle(facts: DealFacts) -> Ask:
    """Slow down to what the budget bears until the last day."""
    diff = _daily_budget(facts)
    cap = max(facts.required_spend, 0.0)
    reason = (
        f"Deal {facts.deal} spends {facts.money(facts.daily_spend)} a day and would use up its "
        f"budget before {facts.end}: please lower {_told(diff)}."
    )
    fallback = Fallback(
        action="cap_daily_budget",
        text=f"{facts.seller} has not agreed to slow {facts.deal} down: cap it at "
        f"{facts.money(math.floor(cap))} a day on our side.",
        amount_minor=math.floor(cap),
    )
    return _ask(facts, "throttle_delivery", (diff,), reason, fallback)


def ask_make_good(facts: DealFacts) -> Ask:
    """Deliver what is booked: the money is on pace, the impressions are not."""
    diff = _faster_impressions(facts)
    missing = -facts.impressions_miss * facts.planned_impressions
    reason = (
        f"Deal {facts.deal} spends as planned and is heading for {missing:,.0f} impressions less "
        f"than the {facts.planned_impressions:,.0f} booked: please raise {_told(diff)}."
    )
    fallback = Fallback(
        action="keep_plan",
        text=f"{facts.seller} has not agreed to deliver the booked impressions of {facts.deal}; "
        "claim them back when the flight is over.",
    )
    return _ask(facts, "raise_delivery", (diff,), reason, fallback)


def ask_impressions(facts: DealFacts, impressions: int, budget: int, booked: int) -> Ask:
    """Book the impressions that the new budget pays for; ``booked`` is the budget before."""
    diff = Diff(
        field="impressions", old_value=round(facts.planned_impressions), new_value=impressions
    )
    reason = (
        f"The budget of deal {facts.deal} goes from {facts.money(booked)} to "
        f"{facts.money(budget)}: please change {_told(diff)}."
    )
    fallback = Fallback(
        action="keep_plan",
        text=f"{facts.seller} has not agreed to book {impressions:,} impressions for "
        f"{facts.deal}: look at its budget again.",
        amount_minor=budget - booked,
    )
    return _ask(facts, "change_impressions", (diff,), reason, fallback)


def _daily_budget(facts: DealFacts) -> Diff:
    """What every remaining day may spend; rounded down, so that the sum fits the budget."""
    return Diff(
        field="daily_budget",
        old_value=facts.plain(facts.daily_spend),
        new_value=facts.plain(math.floor(max(facts.required_spend, 0.0))),
    )


def _faster_impressions(facts: DealFacts) -> Diff:
    return Diff(
        field="daily_impressions",
        old_value=round(facts.daily_impressions),
        new_value=math.ceil(facts.required_impressions),
    )


def _move_on(facts: DealFacts, short_minor: float) -> Fallback:
    return Fallback(
        action="reallocate",
        text=f"{facts.seller} has not agreed to a change of {facts.deal}: let the "
        f"{facts.money(short_minor)} it will not spend go to deals that can use it.",
        amount_minor=math.floor(short_minor),
    )


def _told(diff: Diff) -> str:
    """'daily impressions from 1,000 to 1,200'."""
    values = [
        f"{value:,}" if isinstance(value, int) else str(value)
        for value in (diff.old_value, diff.new_value)
    ]
    return f"{diff.field.replace('_', ' ')} from {values[0]} to {values[1]}"


def _ask(
    facts: DealFacts, intent: Intent, diffs: tuple[Diff, ...], reason: str, fallback: Fallback
) -> Ask:
    return Ask(
        deal=facts.deal,
        campaign=facts.campaign,
        seller=facts.seller,
        account=facts.account,
        order_id=facts.order_id,
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
