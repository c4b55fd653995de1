"""Plan + delivery + instant -> where every deal stands and where it is heading.

Numbers only; knows nothing of severities, moves or requests.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np

from adbudget.pacing.booked.clock import (
    LocalTime,
    as_instant,
    elapsed_days,
    local_times,
    times_at,
    times_of_days,
)
from adbudget.pacing.booked.flight import FlightPlan, Quantity
from adbudget.pacing.delivery.delivered import Delivery
from adbudget.pacing.delivery.projection import (
    FEWEST_DAYS,
    Projection,
    half_width,
    prob_above,
    project,
)
from adbudget.pacing.delivery.thresholds import PaceThresholds
from adbudget.pacing.delivery.window import recent_days

ROUNDING = 1e-9  # of a day: midnight is the beginning of its day


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Track:
    """One quantity against its plan: spend in minor units, or impressions. All (deal,) float.

    Attributes
    ----------
    target : for the whole flight: the budget, or the planned impressions (NaN without any)
    delivered : until now
    planned : what the plan wanted until now, target * F(t)
    index : delivered / planned; NaN while nothing is planned yet
    deviation : index - 1
    delivery_ratio : delivered / target
    required : what every remaining day must bring to end on target, below 0 past it; NaN after
        the flight
    booked_next, needed_next : what the plan wants of the first whole day to come, and what that
        day must bring for the rest of the curve to end on target; 0 where nothing is planned then
    lately : mean of the latest FEWEST_DAYS final days; NaN when there are fewer
    daily_mean, daily_sd : of the latest final days; NaN when there are too few
    n_days : how many days these are
    projected : at the end of the flight, if every day goes on to bring as much of its plan as
        the latest days did; NaN without such days
    projection_sd : its standard deviation: days vary, and their mean is known imperfectly
    low, high : central interval of the projection, 80% unless set otherwise; never below what
        is delivered already
    prob_over, prob_under : that the flight ends above, or below, its target

    Examples
    --------
    >>> plan = pacing.read_plan(booked)
    >>> track = pacing.measure(plan, pacing.read_delivery(delivered, plan), "2026-03-11").spend
    >>> track.target.tolist(), track.delivered.tolist()  # in cents
    ([3000000.0], [800000.0])
    """

    target: np.ndarray
    delivered: np.ndarray
    planned: np.ndarray
    index: np.ndarray
    deviation: np.ndarray
    delivery_ratio: np.ndarray
    required: np.ndarray
    booked_next: np.ndarray
    needed_next: np.ndarray
    lately: np.ndarray
    daily_mean: np.ndarray
    daily_sd: np.ndarray
    n_days: np.ndarray
    projected: np.ndarray
    projection_sd: np.ndarray
    low: np.ndarray
    high: np.ndarray
    prob_over: np.ndarray
    prob_under: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measures:
    """Where every deal of a plan stands. Arrays are (deal,), in the order of the plan.

    Attributes
    ----------
    as_of : the instant asked about
    measured_at : datetime64[s] in UTC: the same, or the start of the account's day (the end of
        its last reported hour) while nothing of that day is reported
    data_age_hours : since anything was reported of a deal's account, or since its flight began
    elapsed_days, remaining_days : float local days of the flight, each day counting as one,
        whether it has 23, 24 or 25 hours; within [0, n_days]
    elapsed_share : t, elapsed_days / n_days
    planned_share : F(t)
    spent_minor : int64
    spend : spend in minor units against the budget
    impressions : impressions against planned impressions

    Examples
    --------
    >>> plan = pacing.read_plan(booked)
    >>> measures = pacing.measure(plan, pacing.read_delivery(delivered, plan), "2026-03-11")
    >>> measures.spent_minor.tolist(), measures.planned_share.round(2).tolist()
    ([800000], [0.33])
    >>> measures.index.round(2).tolist(), measures.required_rate.round().tolist()
    ([0.8], [110000.0])
    >>> measures.projected_minor.round().tolist(), measures.projection_sd.shape
    ([2400000.0], (1,))
    >>> (measures.prob_under > measures.prob_over).tolist()
    [True]
    """

    as_of: datetime
    measured_at: np.ndarray
    data_age_hours: np.ndarray
    elapsed_days: np.ndarray
    remaining_days: np.ndarray
    elapsed_share: np.ndarray
    planned_share: np.ndarray
    spent_minor: np.ndarray
    spend: Track
    impressions: Track

    @property
    def index(self) -> np.ndarray:
        """Pacing index of spend."""
        return self.spend.index

    @property
    def required_rate(self) -> np.ndarray:
        """Minor units that every remaining day must spend."""
        return self.spend.required

    @property
    def projected_minor(self) -> np.ndarray:
        """Spend at the end of the flight, if days go on as they were."""
        return self.spend.projected

    @property
    def projection_sd(self) -> np.ndarray:
        """Standard deviation of :attr:`projected_minor`."""
        return self.spend.projection_sd

    @property
    def prob_over(self) -> np.ndarray:
        """Probability to end above the budget."""
        return self.spend.prob_over

    @property
    def prob_under(self) -> np.ndarray:
        """Probability to end below the budget."""
        return self.spend.prob_under


def measure(
    plan: FlightPlan,
    delivery: Delivery,
    as_of: date | datetime | str,
    thresholds: PaceThresholds | None = None,
) -> Measures:
    """Measure every deal at one instant.

    Parameters
    ----------
    plan : from :func:`adbudget.pacing.booked.plan_table.read_plan`
    delivery : from :func:`adbudget.pacing.delivery.delivery_table.read_delivery`
    as_of : an instant; without a time zone, that wall time in the zone of each account; a date is
        the midnight at which it begins
    thresholds : window and interval of the projection

    Returns
    -------
    Measures

    Examples
    --------
    >>> plan = pacing.read_plan(booked)
    >>> measures = pacing.measure(plan, pacing.read_delivery(delivered, plan), "2026-03-11")
    >>> measures.elapsed_days.tolist(), measures.remaining_days.tolist()
    ([10.0], [20.0])
    """
    limits = PaceThresholds() if thresholds is None else thresholds
    moment = as_instant(as_of)
    clock = local_times(moment, plan.time_zone)
    now = measured_times(plan, delivery, clock)
    elapsed = elapsed_days(now, plan.start, plan.n_days)
    window = recent_days(plan, delivery, now, limits.window_days)
    spent_minor = delivery.total(delivery.spend_minor)
    begun = (elapsed > 0) | (now.day > plan.end)
    days_left = plan.n_days - elapsed - plan.paused_ahead(elapsed)

    def track(of: Quantity, target: np.ndarray, delivered: np.ndarray) -> Track:
        money = of == "spend"
        by_day = window.spend if money else window.impressions
        weight = window.weight if money else window.impressions_weight
        ahead = plan.share_ahead(elapsed, of)
        baseline = plan.spend_baseline if money else plan.impressions_baseline
        promised = np.zeros(len(plan), bool) if baseline is None else baseline.promised
        projection = project(by_day, window.used, weight, ahead * plan.n_days)
        as_agreed = promised & np.isnan(projection.more)
        more = np.where(as_agreed, target * ahead, projection.more)
        return _track(
            target.astype(float),
            delivered.astype(float),
            replace(projection, more=more),
            share=plan.planned_share(elapsed, of),
            ahead=ahead,
            next_share=_next_share(plan, elapsed, of),
            days_left=days_left,
            lately=_lately(by_day, window.used),
            begun=begun,
            limits=limits,
        )

    return Measures(
        as_of=moment,
        measured_at=now.instant,
        data_age_hours=_age(plan, delivery, clock),
        elapsed_days=elapsed,
        remaining_days=plan.n_days - elapsed,
        elapsed_share=elapsed / plan.n_days,
        planned_share=plan.planned_share(elapsed),
        spent_minor=spent_minor,
        spend=track("spend", plan.budget_minor, spent_minor),
        impressions=track(
            "impressions", plan.planned_impressions, delivery.total(delivery.impressions)
        ),
    )


def _next_share(plan: FlightPlan, elapsed: np.ndarray, of: Quantity) -> np.ndarray:
    """Share planned of the first whole day to come; of the rest of the last day, on that."""
    begins = np.minimum(np.ceil(elapsed - ROUNDING), plan.n_days - 1)
    first = plan.planned_share(np.maximum(begins, elapsed), of)
    after = plan.planned_share(begins + 1, of)
    return np.maximum(after - first, 0.0)


def _lately(by_day: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Mean of the latest FEWEST_DAYS of the days used; NaN with fewer."""
    newer = np.cumsum(used[:, ::-1], axis=1)[:, ::-1]
    latest = used & (newer <= FEWEST_DAYS)
    enough = latest.sum(axis=1) >= FEWEST_DAYS
    return np.where(enough, np.where(latest, by_day, 0.0).sum(axis=1) / FEWEST_DAYS, np.nan)


def _age(plan: FlightPlan, delivery: Delivery, clock: LocalTime) -> np.ndarray:
    """Hours since the account's last figures; a flight without any is as old as it runs."""
    begins = times_of_days(plan.start, plan.time_zone)
    known = np.where(np.isnat(delivery.reported_until), begins, delivery.reported_until)
    hours = (clock.instant - np.maximum(known, begins)) / np.timedelta64(3600, "s")
    return np.maximum(hours, 0.0)


def measured_times(plan: FlightPlan, delivery: Delivery, now: LocalTime) -> LocalTime:
    """The instant up to which each account's delivery is known, at most a day before ``now``.

    While nothing of a day is reported, holding the plan of its first hours against no delivery
    would call every deal late each morning.
    """
    until = np.where(np.isnat(delivery.reported_until), now.day_start, delivery.reported_until)
    known = np.clip(until, now.day_start, now.instant)
    return times_at(known, plan.time_zone)


def _track(
    target: np.ndarray,
    delivered: np.ndarray,
    projection: Projection,
    *,
    share: np.ndarray,
    ahead: np.ndarray,
    next_share: np.ndarray,
    days_left: np.ndarray,
    lately: np.ndarray,
    begun: np.ndarray,
    limits: PaceThresholds,
) -> Track:
    unknown = np.full(share.shape, np.nan)
    required = np.divide(target - delivered, days_left, out=unknown.copy(), where=days_left > 0)
    by_curve = np.divide(next_share, ahead, out=np.zeros_like(share), where=ahead > 0)
    needed = np.where(ahead > 0, (target - delivered) * by_curve, required)
    return track_of(
        target=target,
        delivered=delivered,
        planned=target * share,
        required=required,
        booked_next=target * next_share,
        needed_next=np.where(days_left > 0, needed, np.nan),
        lately=lately,
        daily_mean=projection.mean,
        daily_sd=projection.sd,
        n_days=projection.n_days,
        projected=np.where(begun, delivered + projection.more, np.nan),
        sd=np.where(begun, projection.more_sd, np.nan),
        limits=limits,
    )


def track_of(
    *,
    target: np.ndarray,
    delivered: np.ndarray,
    planned: np.ndarray,
    required: np.ndarray,
    booked_next: np.ndarray,
    needed_next: np.ndarray,
    lately: np.ndarray,
    daily_mean: np.ndarray,
    daily_sd: np.ndarray,
    n_days: np.ndarray,
    projected: np.ndarray,
    sd: np.ndarray,
    limits: PaceThresholds,
) -> Track:
    """Complete a track: indices, interval and probabilities follow from the rest.

    Parameters
    ----------
    target, delivered, planned, required, booked_next, needed_next, lately : as in Track
    daily_mean, daily_sd, n_days, projected : as in Track
    sd : standard deviation of ``projected``
    limits : interval of the projection, and how far past the target is past it
    """
    index = ratio(delivered, planned)
    margin = half_width(sd, limits.interval)
    above, below = target * (1 + limits.tolerance), target * (1 - limits.tolerance)
    return Track(
        target=target,
        delivered=delivered,
        planned=planned,
        index=index,
        deviation=index - 1,
        delivery_ratio=ratio(delivered, target),
        required=required,
        booked_next=booked_next,
        needed_next=needed_next,
        lately=lately,
        daily_mean=daily_mean,
        daily_sd=daily_sd,
        n_days=n_days,
        projected=projected,
        projection_sd=sd,
        low=np.maximum(projected - margin, delivered),  # nothing is given back
        high=projected + margin,
        prob_over=prob_above(above, projected, sd),
        prob_under=prob_above(-below, -projected, sd),
    )


def ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """Quotient; NaN over nothing, infinite when something came where nothing was planned."""
    out = np.where((bottom == 0) & (top > 0), np.inf, np.nan)
    return np.divide(top, bottom, out=out, where=bottom > 0)
