"""Mornings of a flight -> complete figures of its days, and the traffic still to be expected.

A day on which a deal spent what it was ordered to shows only that there was at least so much
traffic; a day on which it spent less shows how much there was. Knows no plan and no moves.
"""

from dataclasses import dataclass

import numpy as np

from adbudget.pacing.control.simulator import WEEK, Morning

FILLED = 0.90  # a deal that spends this share of its order was held back by the order
START = 1.5  # traffic a booked deal is taken to have before it has shown any, over its daily budget
GROWTH = 1.10  # a day that took all it was offered could probably have taken a little more
LEARNING = 0.35  # weight of the newest day short of traffic
OUTAGE = 0.20  # a day below this share of the level is an outage rather than a new level
OUTAGE_LEARNING = 0.10
LEVEL_ERROR = 0.08  # relative standard deviation of a level


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
    level = START * morning.budget / morning.n_days
    errors = []
    for day in range(morning.day):
        seen = spend[day] / morning.weekday[:, day % WEEK]
        filled = spend[day] >= FILLED * morning.ordered[day]
        out = ~filled & (seen < OUTAGE * level)
        errors.append(np.where(filled | out, np.nan, np.log(np.maximum(seen, 1e-9) / level)))
        rate = np.where(out, OUTAGE_LEARNING, LEARNING)
        raised = np.maximum(level, GROWTH * seen)
        level = np.where(filled, raised, level + rate * (seen - level))
    days = np.arange(morning.day, morning.n_days)
    expected = level * morning.weekday.T[days % WEEK]
    return TrafficLeft(expected=expected, sd=_spread(expected, errors))


def _spread(expected: np.ndarray, errors: list[np.ndarray]) -> np.ndarray:
    """(deal,) days vary, and their level is known imperfectly."""
    total = expected.sum(axis=0)
    daily = np.full(total.size, 0.2)
    if errors:
        surprises = np.stack(errors)
        n = np.isfinite(surprises).sum(axis=0)
        squares = np.where(np.isfinite(surprises), surprises, 0.0) ** 2
        daily = np.where(n > 2, np.sqrt(squares.sum(axis=0) / np.maximum(n, 1)), daily)
    days = np.sqrt((expected**2).sum(axis=0)) * daily
    return np.hypot(days, LEVEL_ERROR * total)
