"""Plan + measures -> the day on which each budget is spent, if days go on as they were."""

import numpy as np

from adbudget.pacing.booked.flight import FlightPlan
from adbudget.pacing.delivery.measures import Measures

STEPS = 40  # halvings of a flight: far finer than a day
ROUNDING = 1e-6  # a budget that is spent as a day ends is spent on that day, and not before it


def run_out_days(plan: FlightPlan, measures: Measures) -> np.ndarray:
    """The local day on which a budget is used up: (deal,) datetime64[D].

    Parameters
    ----------
    plan, measures : of the same deals

    Returns
    -------
    NaT where the flight ends first, or nothing is projected; for a budget that is used up already,
    the day of the measurement
    """
    track = measures.spend
    ahead = plan.share_ahead(measures.elapsed_days)
    more = track.projected - track.delivered
    left = track.target - track.delivered
    runs_out = (measures.remaining_days > 0) & np.isfinite(more) & (ahead > 0)
    runs_out &= more > left * (1 + ROUNDING)
    part = np.divide(left, more, out=np.ones_like(left), where=runs_out)
    goal = plan.planned_share(measures.elapsed_days) + np.clip(part, 0.0, 1.0) * ahead
    low, high = measures.elapsed_days.copy(), plan.n_days.astype(float)
    for _ in range(STEPS):
        middle = (low + high) / 2
        before = plan.planned_share(middle) < goal
        low, high = np.where(before, middle, low), np.where(before, high, middle)
    last = np.clip(np.ceil(high - ROUNDING) - 1, 0, plan.n_days - 1)
    days = plan.start + last.astype("timedelta64[D]")
    return np.where(runs_out, days, np.datetime64("NaT", "D"))
