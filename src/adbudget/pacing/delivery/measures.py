"""Plan + delivery + instant -> where every deal stands and where it is heading.

Numbers only; knows nothing of severities, moves or requests.
"""

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from adbudget.pacing.booked.clock import LocalTime, as_instant, elapsed_days, local_times, times_at
from adbudget.pacing.booked.flight import FlightPlan
from adbudget.pacing.delivery.delivered import Delivery
from adbudget.pacing.delivery.projection import Projection, half_width, prob_above, project
from adbudget.pacing.delivery.thresholds import PaceThresholds
from adbudget.pacing.delivery.window import recent_days


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
    daily_mean, daily_sd : of the latest final days; NaN when there are too few
    n_days : how many days these are
    projected : at the end of the flight, if every day goes on to bring as much of its plan as
        the latest days did; NaN without such days
    projection_sd : its standard deviation: days vary, and their mean is known imperfectly
    low, high : central interval of the projection, 80% unless set otherwise; never below what
        is delivered already
    prob_over, prob_under : that the flight ends above, or below, its target
    """

    target: np.ndarray
    delivered: np.ndarray
    planned: np.ndarray
    index: np.ndarray
    deviation: np.ndarray
    delivery_ratio: np.ndarray
    required: np.ndarray
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
    elapsed_days, remaining_days : float local days of the flight, each day counting as one,
        whether it has 23, 24 or 25 hours; within [0, n_days]
    elapsed_share : t, elapsed_days / n_days
    planned_share : F(t)
    spent_minor : int64
    spend : spend in minor units against the budget
    impressions : impressions against planned impressions
    """

    as_of: datetime
    measured_at: np.ndarray
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
    """
    limits = PaceThresholds() if thresholds is None else thresholds
    moment = as_instant(as_of)
    now = measured_times(plan, delivery, local_times(moment, plan.time_zone))
    elapsed = elapsed_days(now, plan.start, plan.n_days)
    share = plan.planned_share(elapsed)
    window = recent_days(plan, delivery, now, limits.window_days)
    left = (1 - share) * plan.n_days
    begun = (elapsed > 0) | (now.day > plan.end)
    spent_minor = delivery.total(delivery.spend_minor)
    frame = {"share": share, "remaining": plan.n_days - elapsed, "begun": begun, "limits": limits}

    def track(target: np.ndarray, delivered: np.ndarray, by_day: np.ndarray) -> Track:
        ahead = project(by_day, window.used, window.weight, left)
        return _track(target.astype(float), delivered.astype(float), ahead, **frame)

    return Measures(
        as_of=moment,
        measured_at=now.instant,
        elapsed_days=elapsed,
        remaining_days=plan.n_days - elapsed,
        elapsed_share=elapsed / plan.n_days,
        planned_share=share,
        spent_minor=spent_minor,
        spend=track(plan.budget_minor, spent_minor, window.spend),
        impressions=track(
            plan.planned_impressions, delivery.total(delivery.impressions), window.impressions
        ),
    )


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
    ahead: Projection,
    *,
    share: np.ndarray,
    remaining: np.ndarray,
    begun: np.ndarray,
    limits: PaceThresholds,
) -> Track:
    return track_of(
        target=target,
        delivered=delivered,
        planned=target * share,
        required=np.divide(
            target - delivered,
            remaining,
            out=np.full(remaining.shape, np.nan),
            where=remaining > 0,
        ),
        daily_mean=ahead.mean,
        daily_sd=ahead.sd,
        n_days=ahead.n_days,
        projected=np.where(begun, delivered + ahead.more, np.nan),
        sd=np.where(begun, ahead.more_sd, np.nan),
        limits=limits,
    )


def track_of(
    *,
    target: np.ndarray,
    delivered: np.ndarray,
    planned: np.ndarray,
    required: np.ndarray,
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
    target, delivered, planned, required, daily_mean, daily_sd, n_days, projected : as in Track
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
