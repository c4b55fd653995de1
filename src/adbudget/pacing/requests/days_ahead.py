"""Plan + measures of some deals -> what each day to come is booked to bring, and needs to bring."""

from dataclasses import dataclass

import numpy as np

from adbudget.pacing.booked.flight import FlightPlan, Quantity
from adbudget.pacing.delivery.measures import Measures, Track
from adbudget.pacing.requests.wording import DaysAhead

FURTHEST = 400  # days ahead that are told one by one
ROUNDING = 1e-9  # of a day: midnight is the beginning of its day


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedules:
    """Days ahead, by row of the plan."""

    spend: dict[int, DaysAhead]
    impressions: dict[int, DaysAhead]


def schedules(plan: FlightPlan, measures: Measures, rows: np.ndarray) -> Schedules:
    """What the days to come of these deals are booked to bring, and need to bring instead.

    Parameters
    ----------
    plan, measures : of the same deals
    rows : positions of deals

    Returns
    -------
    Schedules; what is left goes to the days in the proportions of the rest of the curve, evenly
    where nothing of the curve is left
    """
    whole = np.ceil(measures.elapsed_days[rows] - ROUNDING)
    first = np.minimum(whole, plan.n_days[rows] - 1)
    number = np.minimum(plan.n_days[rows] - first, FURTHEST).astype(np.int64)
    steps = np.arange(int(number.max(initial=0)) + 1)
    days = np.zeros((len(plan), steps.size))
    days[rows] = np.maximum(first[:, None] + steps, measures.elapsed_days[rows, None])

    def of(quantity: Quantity, track: Track) -> dict[int, DaysAhead]:
        shares = np.maximum(np.diff(plan.planned_share(days, quantity)[rows], axis=1), 0.0)
        ahead = plan.share_ahead(measures.elapsed_days, quantity)[rows]
        left = (track.target - track.delivered)[rows]
        needed = np.where(
            (ahead > 0)[:, None],
            shares * np.divide(left, ahead, out=np.zeros_like(left), where=ahead > 0)[:, None],
            np.nan_to_num(track.required[rows])[:, None],
        )
        booked = np.nan_to_num(shares * track.target[rows, None]).tolist()
        needed = np.nan_to_num(needed).tolist()
        begins = plan.start[rows] + first.astype("timedelta64[D]")
        return {
            int(row): DaysAhead(
                first=begins[i].item(),
                booked=tuple(booked[i][: number[i]]),
                needed=tuple(needed[i][: number[i]]),
            )
            for i, row in enumerate(rows.tolist())
        }

    return Schedules(
        spend=of("spend", measures.spend), impressions=of("impressions", measures.impressions)
    )
