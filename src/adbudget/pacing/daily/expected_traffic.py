"""What deals spent and were allowed to spend -> the traffic to be expected. Knows no budgets.

A day on which a deal spent its daily budget shows only that there was at least so much traffic; a
day on which it spent less shows how much there was.
"""

from dataclasses import dataclass

import numpy as np

FILLED = 0.90  # a deal that spends this share of its daily budget was held back by it
START = 1.5  # traffic a booked deal is taken to have before it has shown any, over its daily budget
GROWTH = 1.10  # a day that took all it was offered could probably have taken a little more
LEARNING = 0.35  # weight of the newest day short of traffic
OUTAGE = 0.20  # a day below this share of the level is an outage rather than a new level
OUTAGE_LEARNING = 0.10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PastDays:
    """The days so far, oldest first. Arrays are (day, deal); money of any one unit per deal.

    Attributes
    ----------
    spend : what was spent
    ordered : the daily budget of the day
    weight : traffic of such a day, as a multiple of an average day
    known : whether the day's figure is complete and says anything of the deal
    """

    spend: np.ndarray
    ordered: np.ndarray
    weight: np.ndarray
    known: np.ndarray


def traffic_level(days: PastDays, typical: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Money that the traffic of an average day can take.

    Parameters
    ----------
    days : what was seen so far
    typical : (deal,) budget of an average day

    Returns
    -------
    (deal,) level, and (day, deal) logarithms of what days short of traffic showed over the level
    expected of them; NaN for all other days
    """
    level = START * typical
    surprises = np.full(days.spend.shape, np.nan)
    for day, known in enumerate(days.known & (days.weight > 0)):
        weight = np.where(known, days.weight[day], 1.0)
        seen = days.spend[day] / weight
        filled = days.spend[day] >= FILLED * days.ordered[day]
        out = ~filled & (seen < OUTAGE * level)
        with np.errstate(divide="ignore"):  # a deal without a budget has no level
            surprise = np.log(np.maximum(seen, 1e-9) / level)
        surprises[day] = np.where(~known | filled | out, np.nan, surprise)
        rate = np.where(out, OUTAGE_LEARNING, LEARNING)
        raised = np.maximum(level, GROWTH * seen)
        level = np.where(known, np.where(filled, raised, level + rate * (seen - level)), level)
    return level, surprises
