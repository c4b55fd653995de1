"""Morning figures -> today's daily budgets, and now and then moves between deals.

A deal's daily budget is the level that the traffic to be expected turns into exactly what is
left: days that can take less than the level count with what they can take. Orders go towards that
level by a part of the gap, the more the nearer the end, and not at all when the gap is small, so
that one odd day does not swing them. A deal that cannot deliver keeps ordering a little more than
it can take, never nothing; its surplus goes to deals that can use it. Knows no ledger.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from adbudget.errors import InputError
from adbudget.pacing.booked.flight import FlightPlan
from adbudget.pacing.control.simulator import Morning, Orders
from adbudget.pacing.control.traffic_left import TrafficLeft, complete, traffic_left
from adbudget.pacing.delivery.delivered import Delivery
from adbudget.pacing.delivery.measures import Measures, Track
from adbudget.pacing.moves.move_rules import MoveRules
from adbudget.pacing.moves.reallocation import propose_moves


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PacingControl:
    """Daily budgets by feedback on the projected gap, damped and aware of capacity.

    Attributes
    ----------
    plan : the deals, in the order of the simulation; None makes no moves
    rules : of the moves
    cycle_days : days between moves
    approves : whether a person is at hand who approves what needs approval; without one, only
        moves that need nobody are made
    gain : part of the gap between order and level that one day closes
    dead_band : a gap below it, as a share of the order, is left alone
    largest_step : the order changes by at most this share in a day, until the last days
    floor : share of the planned daily budget that is always ordered while there is money
    reach : a deal short of traffic orders so much of what its best day is expected to take
    """

    plan: FlightPlan | None = None
    rules: MoveRules = field(default_factory=MoveRules)
    cycle_days: int = 7
    approves: bool = False
    gain: float = 0.35
    dead_band: float = 0.03
    largest_step: float = 0.30
    floor: float = 0.10
    reach: float = 1.25

    def order(self, morning: Morning) -> Orders:
        """Orders for the day that begins."""
        spend = complete(morning)
        traffic = traffic_left(morning, spend)
        budget = self._moved(morning, spend, traffic)
        left = np.maximum(budget - spend.sum(axis=0), 0)
        level = fill_level(left, traffic.expected, self.reach)
        daily = self._damped(morning, level)
        least = self.floor * budget / morning.n_days
        return Orders(daily=np.minimum(np.maximum(daily, least), left), budget=budget)

    def _damped(self, morning: Morning, level: np.ndarray) -> np.ndarray:
        """Go a part of the way from the last order to the level."""
        if morning.day == 0:
            return level
        days_left = morning.n_days - morning.day
        last = np.maximum(morning.ordered[-1], 1e-9)
        gap = np.log(np.maximum(level, 1e-9) / last)
        gain = max(self.gain, 1 / days_left)
        step = np.where(np.abs(gap) < self.dead_band, 0.0, gain * gap)
        most = np.log1p(self.largest_step)
        step = np.clip(step, -most, most) if days_left > 2 else gain * gap
        return last * np.exp(step)

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


def fill_level(left: np.ndarray, expected: np.ndarray, reach: float) -> np.ndarray:
    """Find the level at which the traffic to come takes exactly what is left.

    The sum over days of min(level, expected) is ``left``; where even all traffic takes less, the
    level is ``reach`` times the best day.

    Parameters
    ----------
    left : (deal,) money
    expected : (day, deal) money that each day to come can take
    reach : at least 1

    Returns
    -------
    (deal,) money per day
    """
    ascending = np.sort(expected, axis=0)
    before = np.cumsum(ascending, axis=0) - ascending
    days = expected.shape[0] - np.arange(expected.shape[0])[:, None]
    level = (left - before) / days  # if all days from here on could take the level
    fits = level <= ascending
    first = np.argmax(fits, axis=0)
    found = np.take_along_axis(level, first[None, :], axis=0)[0]
    return np.where(fits.any(axis=0), found, reach * ascending[-1])


def _measures(
    plan: FlightPlan, morning: Morning, spend: np.ndarray, traffic: TrafficLeft
) -> Measures:
    """What the control expects, in the form in which moves are decided."""
    from datetime import UTC, datetime, timedelta

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
    from scipy.special import ndtr

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
