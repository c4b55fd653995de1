"""Controls of made-up flights: adbudget's own, and three that are common, to compare it with.

Each turns a morning of :func:`adbudget.simulate_delivery` into orders. ``PacingControl`` sets daily
budgets by the functions that :func:`adbudget.pace` uses, and moves money by its rules.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from scipy.special import ndtr

from adbudget import InputError
from adbudget.pacing.booked.flight import FlightPlan
from adbudget.pacing.daily.daily_budgets import DailyRules, fill_level, next_level
from adbudget.pacing.daily.expected_traffic import PastDays, traffic_level
from adbudget.pacing.delivery.delivered import Delivery
from adbudget.pacing.delivery.measures import Measures, Track
from adbudget.pacing.moves.move_rules import MoveRules
from adbudget.pacing.moves.reallocation import propose_moves
from adbudget.synthetic.flights import WEEK, Morning, Orders

LEVEL_ERROR = 0.08  # relative standard deviation of a level of traffic


class NoControl:
    """No daily budget: whatever is left may be spent today."""

    def order(self, morning: Morning) -> Orders:
        """Order all that has not been reported as spent."""
        left = np.maximum(morning.budget - morning.spend.sum(axis=0), 0)
        return Orders(daily=left, budget=morning.budget)


class FixedDailyBudget:
    """Budget / days, set once and never looked at again."""

    def order(self, morning: Morning) -> Orders:
        """Order the same every day."""
        return Orders(daily=morning.budget / morning.n_days, budget=morning.budget)


class RemainingOverDays:
    """Remaining budget / remaining days, every morning: the common practice."""

    def order(self, morning: Morning) -> Orders:
        """Order an equal part of what has not been reported as spent."""
        left = np.maximum(morning.budget - morning.spend.sum(axis=0), 0)
        return Orders(daily=left / (morning.n_days - morning.day), budget=morning.budget)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrafficLeft:
    """Traffic of the days still to come, today included. Money.

    Attributes
    ----------
    expected : (day, deal) what each day can take
    sd : (deal,) standard deviation of the sum
    """

    expected: np.ndarray
    sd: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PacingControl:
    """Daily budgets by feedback on what is left, damped and aware of capacity; and moves.

    Attributes
    ----------
    plan : the deals, in the order of the simulation; None makes no moves
    rules : of the moves
    cycle_days : days between moves
    approves : whether a person is at hand who approves what needs approval; without one, only
        moves that need nobody are made
    daily : how daily budgets follow what is left
    """

    plan: FlightPlan | None = None
    rules: MoveRules = field(default_factory=MoveRules)
    cycle_days: int = 7
    approves: bool = False
    daily: DailyRules = field(default_factory=DailyRules)

    def order(self, morning: Morning) -> Orders:
        """Orders for the day that begins."""
        spend = complete(morning)
        traffic = traffic_left(morning, spend)
        budget = self._moved(morning, spend, traffic)
        left = np.maximum(budget - spend.sum(axis=0), 0)
        level = fill_level(left, traffic.expected, self.daily.reach)
        last = morning.ordered[-1] if morning.day else np.full(budget.size, np.nan)
        days_left = np.full(budget.size, morning.n_days - morning.day)
        daily = next_level(last, level, days_left, self.daily)
        least = self.daily.floor * budget / morning.n_days
        return Orders(daily=np.minimum(np.maximum(daily, least), left), budget=budget)

    def _moved(self, morning: Morning, spend: np.ndarray, traffic: TrafficLeft) -> np.ndarray:
        """(deal,) budgets of the flight after the moves of this morning."""
        due = morning.day > 0 and morning.day % self.cycle_days == 0
        if self.plan is None or not due:
            return morning.budget
        if len(self.plan) != morning.budget.size:
            raise InputError(
                f"the control's plan has {len(self.plan)} deals and the simulation "
                f"{morning.budget.size}; they must be the same, in the same order."
            )
        scale = 10.0 ** np.asarray(self.plan.exponent, dtype=float)
        minor = np.rint(morning.budget * scale).astype(np.int64)
        plan = replace(self.plan, budget_minor=minor)
        measures = _measures(plan, morning, spend, traffic)
        moves = propose_moves(plan, _delivery(plan, morning), measures, rules=self.rules).moves
        change = np.zeros(len(plan), np.int64)
        place = plan.place
        for move in moves:
            if move.verdict == "auto" or self.approves:
                change[place[move.source]] -= move.minor
                change[place[move.target]] += move.minor
        return morning.budget + change / scale


def complete(morning: Morning) -> np.ndarray:
    """(day, deal) spend with what is still missing of the newest days added.

    How much is missing at which age is learned from the days of the flight that are final.
    """
    spend = morning.spend.copy()
    for age, report in enumerate(morning.reports, start=1):
        day = morning.day - age
        known = morning.final & (np.arange(morning.day) < day)
        final = morning.spend[known].sum()
        if day >= 0 and not morning.final[day] and final > 0:
            spend[day] /= max(report[known].sum() / final, 0.5)
    return spend


def traffic_left(morning: Morning, spend: np.ndarray) -> TrafficLeft:
    """Expect the traffic of the days to come.

    Parameters
    ----------
    morning : orders, weekdays and lengths
    spend : (day, deal) complete figures of the days so far
    """
    weight = morning.weekday.T[np.arange(morning.n_days) % WEEK]
    past = PastDays(
        spend=spend,
        ordered=morning.ordered,
        weight=weight[: morning.day],
        known=np.ones(spend.shape, bool),
    )
    level, surprises = traffic_level(past, morning.budget / morning.n_days)
    expected = level * weight[morning.day :]
    return TrafficLeft(expected=expected, sd=_spread(expected, surprises))


def _spread(expected: np.ndarray, surprises: np.ndarray) -> np.ndarray:
    """(deal,) days vary, and their level is known imperfectly."""
    total = expected.sum(axis=0)
    daily = np.full(total.size, 0.2)
    if len(surprises):
        n = np.isfinite(surprises).sum(axis=0)
        squares = np.where(np.isfinite(surprises), surprises, 0.0) ** 2
        daily = np.where(n > 2, np.sqrt(squares.sum(axis=0) / np.maximum(n, 1)), daily)
    days = np.sqrt((expected**2).sum(axis=0)) * daily
    return np.hypot(days, LEVEL_ERROR * total)


def _measures(
    plan: FlightPlan, morning: Morning, spend: np.ndarray, traffic: TrafficLeft
) -> Measures:
    """What the control expects, in the form in which moves are decided."""
    scale = 10.0 ** np.asarray(plan.exponent, dtype=float)
    spent = spend.sum(axis=0)
    budget = plan.budget_minor / scale
    projected = spent + traffic.expected.sum(axis=0)
    projection_sd = np.maximum(traffic.sd, 1e-9)
    prob_over = _above(budget, projected, projection_sd)
    n = len(plan)
    unknown = np.full(n, np.nan)
    days = np.full(n, float(morning.n_days))
    elapsed = np.full(n, float(morning.day))
    track = Track(
        target=budget * scale,
        delivered=spent * scale,
        planned=budget * scale * elapsed / days,
        index=spent / (budget * elapsed / days),
        deviation=spent / (budget * elapsed / days) - 1,
        delivery_ratio=spent / budget,
        required=(budget - spent) * scale / (days - elapsed),
        booked_next=budget * scale / days,
        needed_next=(budget - spent) * scale / (days - elapsed),
        lately=unknown,
        daily_mean=unknown,
        daily_sd=unknown,
        n_days=elapsed,
        projected=projected * scale,
        projection_sd=projection_sd * scale,
        low=unknown,
        high=unknown,
        prob_over=prob_over,
        prob_under=1 - prob_over,
    )
    midnight = plan.start[0].astype(object)
    at = datetime(midnight.year, midnight.month, midnight.day, tzinfo=UTC)
    at += timedelta(days=morning.day)
    return Measures(
        as_of=at,
        measured_at=np.full(n, np.datetime64(at.replace(tzinfo=None), "s")),
        data_age_hours=np.zeros(n),
        elapsed_days=elapsed,
        remaining_days=days - elapsed,
        elapsed_share=elapsed / days,
        planned_share=elapsed / days,
        spent_minor=np.rint(spent * scale).astype(np.int64),
        spend=track,
        impressions=track,
    )


def _above(budget: np.ndarray, mean: np.ndarray, sd: np.ndarray) -> np.ndarray:
    """(deal,) probability of ending above the budget."""
    return ndtr((mean - budget) / sd)


def _delivery(plan: FlightPlan, morning: Morning) -> Delivery:
    """The days so far, as a table of delivery would say them."""
    scale = 10.0 ** np.asarray(plan.exponent, dtype=float)
    n, days = len(plan), np.arange(morning.day).astype("timedelta64[D]")
    deal = np.repeat(np.arange(n), days.size)
    first = plan.start[0].astype("datetime64[D]")
    return Delivery(
        deal=deal,
        day=np.tile(first + days, n),
        spend_minor=np.rint(morning.spend * scale).astype(np.int64).T.ravel(),
        impressions=morning.outcomes.T.ravel(),
        final=np.tile(morning.final, n),
        conversions=morning.outcomes.T.ravel(),
        revenue_minor=None,
        first_row=np.arange(n + 1) * days.size,
        reported_until=np.full(
            n, (first + np.timedelta64(morning.day, "D")).astype("datetime64[s]")
        ),
    )
