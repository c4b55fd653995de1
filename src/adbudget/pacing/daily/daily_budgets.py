"""FlightPlan + Delivery at an instant -> the budget of the day for every running deal, and why.

A daily budget is the level that the traffic to come turns into exactly what is left: days that can
take less than the level count with what they can take. It goes towards that level by a part of the
gap, the more the nearer the end, and not at all when the gap is small, so that one odd day does
not swing it. A deal that cannot deliver is allowed a little more than it can take, never nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from adbudget.errors import InputError
from adbudget.pacing.booked.clock import LocalTime, local_times
from adbudget.pacing.booked.curves import WEEK, TrafficCurve, weekday_of
from adbudget.pacing.booked.flight import FlightPlan
from adbudget.pacing.daily.expected_traffic import PastDays, traffic_level
from adbudget.pacing.delivery.delivered import Delivery
from adbudget.pacing.delivery.window import Window, day_weights, recent_days

WINDOW_DAYS = 14  # of the latest final days; up to four times as many calendar days are looked at
LONGEST_DAYS = 400  # ahead; the money of a longer flight counts as far as its plan wants it by then
KEPT_ORDERS = 14  # earlier daily budgets that a measurement holds
SMALLEST = 1e-9  # minor units; nothing smaller is a level
ROUNDING = 1e-6  # of a minor unit: 1,000 must not become 999.99

Orders = Mapping[str, Sequence[Sequence[Any]]]  # deal -> [day, minor units] pairs, oldest first


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyRules:
    """How daily budgets follow what is left.

    Attributes
    ----------
    gain : part of the gap between a daily budget and its level that one day closes
    dead_band : a gap below it, as a share of the daily budget, is left alone
    largest_step : a daily budget changes by at most this share in a day, until the last days
    floor : share of the planned daily budget that is always allowed while there is money
    reach : a deal short of traffic is allowed so much of what its best day is expected to take

    Examples
    --------
    >>> calm = pacing.DailyRules(largest_step=0.1)
    >>> report = ab.pace(booked, delivered, as_of="2026-03-11", daily_rules=calm)
    >>> "daily_budget" in report.status
    True
    """

    gain: float = 0.35
    dead_band: float = 0.03
    largest_step: float = 0.30
    floor: float = 0.10
    reach: float = 1.25

    def __post_init__(self) -> None:
        for name in ("gain", "largest_step"):
            if not 0 < getattr(self, name) <= 1:
                raise InputError(f"{name} must be in (0, 1]; got {getattr(self, name)}.")
        for name in ("dead_band", "floor"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"{name} must be in [0, 1); got {getattr(self, name)}.")
        if not 1 <= self.reach < float("inf"):
            raise InputError(f"reach must be 1 or more; got {self.reach}.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DailyBudgets:
    """What every deal may spend on one day. Arrays are (deal,), money whole minor units.

    Attributes
    ----------
    day : datetime64[D], the local day they are for
    minor : int64; 0 where that day is not one of the flight
    basis : what decided: "level" what is left over the traffic to come; "step" a part of the way
        there from the last daily budget; "unchanged" the last one, because the gap is small;
        "traffic" short of traffic; "floor" the least while there is money; "left" all that is
        left; "" where the deal does not run
    traffic_minor : float, what the traffic of the day is expected to take; NaN where the deal
        does not run
    """

    day: np.ndarray
    minor: np.ndarray
    basis: np.ndarray
    traffic_minor: np.ndarray


def daily_budgets(
    plan: FlightPlan,
    delivery: Delivery,
    as_of: datetime,
    *,
    ordered: Orders | None = None,
    rules: DailyRules | None = None,
) -> DailyBudgets:
    """Set the budget of the local day that holds an instant, or begins at it.

    What was spent on that day already does not count, so that the budget of a day stays the same
    while the day goes on, as long as no earlier figure changes.

    Parameters
    ----------
    plan, delivery : of the same deals; only final days teach what traffic there is
    as_of : an instant; without a time zone it is that wall time at every account
    ordered : earlier daily budgets, deal -> [day as ISO text, minor units] pairs. A day not among
        them is taken to have had what the plan wanted of it; without any, the budget is the level
        itself
    rules : how budgets follow what is left

    Returns
    -------
    DailyBudgets, rounded down to whole minor units
    """
    rules = DailyRules() if rules is None else rules
    now = local_times(as_of, plan.time_zone)
    window = recent_days(plan, delivery, now, WINDOW_DAYS)
    ahead = _days_ahead(plan, now)
    spent = delivery.total(np.where(delivery.day < now.day[delivery.deal], delivery.spend_minor, 0))
    left = np.maximum(plan.budget_minor - spent, 0)
    earlier = _earlier_orders(plan, window, now, ordered or {})
    typical = plan.budget_minor / plan.n_days
    traffic, _ = traffic_level(_past_days(plan, window, earlier, spent), typical)
    expected = traffic * ahead.traffic
    level = fill_level(left * ahead.part, expected, rules.reach, ahead.weight)
    stepped = next_level(earlier.level, level, ahead.n_days, rules, n_steps=earlier.age)
    weight, running = ahead.of_today(ahead.weight), ahead.of_today(ahead.inside) > 0
    wanted, least = stepped * weight, rules.floor * typical * weight
    minor = np.floor(np.minimum(np.maximum(wanted, least), left) + ROUNDING)
    short = expected.sum(axis=0) < left * ahead.part
    followed = np.where(np.isclose(stepped, earlier.level, rtol=1e-9), "unchanged", "step")
    basis = np.select(
        [~running, left <= np.maximum(wanted, least), wanted < least, ~np.isclose(stepped, level)],
        ["", "left", "floor", followed],
        default=np.where(short, "traffic", "level"),
    )
    return DailyBudgets(
        day=now.day,
        minor=np.where(running, minor, 0).astype(np.int64),
        basis=basis.astype(object),
        traffic_minor=np.where(running, ahead.of_today(expected), np.nan),
    )


def kept_orders(plan: FlightPlan, daily: DailyBudgets, ordered: Orders) -> list[dict[str, Any]]:
    """What a measurement keeps for the next run: (deal,) mappings with basis and orders.

    Parameters
    ----------
    plan, daily : of one run
    ordered : what that run was given
    """
    kept = []
    for i, (deal, day) in enumerate(zip(plan.deals, daily.day.astype(str).tolist(), strict=True)):
        orders = [list(pair) for pair in ordered.get(deal, ()) if pair[0] < day]
        orders += [[day, int(daily.minor[i])]] if daily.basis[i] else []
        kept.append({"basis": daily.basis[i], "orders": orders[-KEPT_ORDERS:]})
    return kept


def fill_level(
    left: np.ndarray, expected: np.ndarray, reach: float, weight: np.ndarray | None = None
) -> np.ndarray:
    """Find the level at which the traffic to come takes exactly what is left.

    The sum over days of min(level * weight, expected) is ``left``; where even all traffic takes
    less, the level is ``reach`` times what the best day can take of it.

    Parameters
    ----------
    left : (deal,) money
    expected : (day, deal) money that each day to come can take
    reach : at least 1
    weight : (day, deal) what is wanted of a day, as a multiple of an average day; 1 when None

    Returns
    -------
    (deal,) money per average day
    """
    weight = np.ones_like(expected) if weight is None else weight
    counts = weight > 0
    takes = np.divide(expected, weight, out=np.full(expected.shape, np.inf), where=counts)
    order = np.argsort(takes, axis=0)
    takes, weight, counts, expected = (
        np.take_along_axis(each, order, axis=0) for each in (takes, weight, counts, expected)
    )
    before = np.cumsum(expected, axis=0) - expected
    later = np.cumsum(weight[::-1], axis=0)[::-1]
    unknown = np.full(expected.shape, np.nan)
    level = np.divide(left - before, later, out=unknown, where=counts)
    fits = counts & (level <= takes)  # all days from here on can take the level
    found = np.take_along_axis(level, np.argmax(fits, axis=0)[None, :], axis=0)[0]
    best = np.where(counts, takes, 0.0).max(axis=0)
    return np.where(fits.any(axis=0), found, reach * best)


def next_level(
    last: np.ndarray,
    level: np.ndarray,
    days_left: np.ndarray,
    rules: DailyRules,
    *,
    n_steps: np.ndarray | int = 1,
) -> np.ndarray:
    """Go a part of the way from the last level to the new one.

    Parameters
    ----------
    last : (deal,) the level in force; NaN where there is none, and then the new one is taken
    level : (deal,) the one that would spend what is left
    days_left : (deal,) days of the flight, today included
    rules : how large a part
    n_steps : days since the last level was set
    """
    start = np.maximum(np.where(np.isnan(last), level, last), SMALLEST)
    gap = np.log(np.maximum(level, SMALLEST) / start)
    gain = np.maximum(1 - (1 - rules.gain) ** n_steps, 1 / days_left)
    step = np.where(np.abs(gap) < rules.dead_band, 0.0, gain * gap)
    most = np.log1p(rules.largest_step) * n_steps
    return start * np.exp(np.where(days_left > 2, np.clip(step, -most, most), gain * gap))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Ahead:
    """Today and the days after it. Arrays are (day, deal) unless said otherwise.

    Attributes
    ----------
    inside : float, 1 on days of the flight from today on
    weight : what the plan wants of the day, as a multiple of an average day
    traffic : traffic of the day, as a multiple of an average day
    first : (deal,) row of today
    n_days : (deal,) days left, today included; at least 1
    part : (deal,) share of what is left that these days are for; 1 unless the flight is very long
    """

    inside: np.ndarray
    weight: np.ndarray
    traffic: np.ndarray
    first: np.ndarray
    n_days: np.ndarray
    part: np.ndarray

    def of_today(self, values: np.ndarray) -> np.ndarray:
        """Today's row of a (day, deal) array: (deal,)."""
        return np.take_along_axis(values, self.first[None, :], axis=0)[0]


def _days_ahead(plan: FlightPlan, now: LocalTime) -> _Ahead:
    today: np.ndarray = now.day
    begins = today.min() if len(plan) else np.datetime64("1970-01-01", "D")
    runs = (today >= plan.start) & (today <= plan.end) & ~plan.paused_on(today)
    longest = int((plan.end[runs] - begins).astype(np.int64).max(initial=1)) + 1
    days = begins + np.arange(min(longest, LONGEST_DAYS)).astype("timedelta64[D]")
    inside = (days >= today[:, None]) & (days <= plan.end[:, None]) & runs[:, None]
    inside = (inside & ~plan.paused_days(days)).astype(float)
    weight = day_weights(plan, days) * inside
    wants = weight.sum(axis=1, keepdims=True) > 0  # a curve may be done before its flight is
    weight = np.where(wants, weight, inside)
    rest = plan.share_ahead((today - plan.start).astype(float)) * plan.n_days
    beyond = (plan.end > days[-1]) & (rest > 0)
    part = np.divide(weight.sum(axis=1), rest, out=np.ones(len(plan)), where=beyond)
    return _Ahead(
        inside=inside.T,
        weight=weight.T,
        traffic=_traffic_weights(plan, days).T * inside.T,
        first=np.minimum((today - begins).astype(np.int64), days.size - 1),
        n_days=np.maximum((plan.end - today).astype(np.int64) + 1, 1),
        part=np.minimum(part, 1.0),
    )


def _traffic_weights(plan: FlightPlan, days: np.ndarray) -> np.ndarray:
    """(deal, day) multiples of an average day, where the plan's curve has learned them; else 1."""
    weeks = [
        curve.weekday if isinstance(curve, TrafficCurve) else (1.0,) * WEEK for curve in plan.curves
    ]
    return np.array(weeks)[plan.curve_code][:, weekday_of(days)]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Earlier:
    """Daily budgets of the days before.

    Attributes
    ----------
    ordered : (day, deal) of the window, minor units
    level : (deal,) the last one over the weight of its day; NaN where there is none
    age : (deal,) days since the last one
    """

    ordered: np.ndarray
    level: np.ndarray
    age: np.ndarray


def _earlier_orders(plan: FlightPlan, window: Window, now: LocalTime, ordered: Orders) -> _Earlier:
    """What each day was allowed: as an earlier run set it, else as the plan wants it."""
    matrix = (window.weight * (plan.budget_minor / plan.n_days)[:, None]).T
    level, age = np.full(len(plan), np.nan), np.ones(len(plan), dtype=np.int64)
    row_of = {day: row for row, day in enumerate(window.days.astype(str).tolist())}
    today = now.day.astype(str).tolist()
    for i, deal in enumerate(plan.deals):
        for day, minor in ordered.get(deal, ()):
            row = row_of.get(day)
            if row is None or day >= today[i]:
                continue
            matrix[row, i] = minor
            if window.weight[i, row] > 0:
                level[i] = minor / window.weight[i, row]
                age[i] = (now.day[i] - window.days[row]).astype(np.int64)
    return _Earlier(ordered=matrix, level=level, age=age)


def _past_days(plan: FlightPlan, window: Window, earlier: _Earlier, spent: np.ndarray) -> PastDays:
    """Final days on which a deal had money left; what it spent without says nothing of traffic."""
    spend = window.spend.T
    spent_before = spent - np.cumsum(spend[::-1], axis=0)[::-1]
    return PastDays(
        spend=spend,
        ordered=earlier.ordered,
        weight=_traffic_weights(plan, window.days).T,
        known=window.final.T & (spent_before < plan.budget_minor),
    )
