"""Latest days + weight of the days left -> where a flight ends, and how surely.

A day's delivery is a level times the day's weight in the plan, plus noise whose variance grows
with the weight: a flight that is to end slowly is not late because it slows down. What is left to
come varies for two reasons: days vary, and the level is known from a few days only. With even
weights that is the textbook prediction of a sum of n days from m days: mean n x, variance
s**2 (n + n**2 / m). Knows nothing of deals, money or thresholds.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

FEWEST_DAYS = 3  # below, the spread between days is anybody's guess
LEAST_WEIGHT = 0.05  # of an average day; a lighter day says next to nothing of the level
ROUNDING = 1e-9  # relative; a projection this close to its target is on target
_upper_tail = np.frompyfunc(lambda z: 0.5 * math.erfc(z / math.sqrt(2)), 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Projection:
    """What is still to come, by deal: (deal,) float.

    Attributes
    ----------
    n_days : days it rests on
    mean, sd : of these days as they were; NaN without any day, without FEWEST_DAYS
    more : expected until the end of the flight
    more_sd : standard deviation of that
    scores : (deal, day) residuals scaled so that their squares sum to 1; 0 where a day does not
        count. They carry how deals vary together
    """

    n_days: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    more: np.ndarray
    more_sd: np.ndarray
    scores: np.ndarray


def project(
    delivered: np.ndarray, used: np.ndarray, weight: np.ndarray, left: np.ndarray
) -> Projection:
    """Project each deal from its latest days.

    Parameters
    ----------
    delivered : (deal, day)
    used : (deal, day) bool, which days count
    weight : (deal, day) what is planned of each day, as a multiple of an average day
    left : (deal,) what is planned of the rest of the flight, in average days

    Returns
    -------
    Projection. With nothing left it is 0 and sure, whatever is known of days

    References
    ----------
    Geisser (1993), Predictive Inference: An Introduction, ch. 2: the predictive variance.
    """
    counts = used & (weight >= LEAST_WEIGHT)
    n_days = counts.sum(axis=1)
    amount, weights = np.where(counts, delivered, 0.0), np.where(counts, weight, 0.0)
    total = weights.sum(axis=1)
    level = _ratio(amount.sum(axis=1), total)
    scale = np.sqrt(np.where(counts, weight, 1.0))
    residual = np.where(counts, (amount - level[:, None] * weights) / scale, 0.0)
    squares = (residual**2).sum(axis=1)
    noise = _spread(squares, n_days)
    over = left <= 0
    length = np.sqrt(squares)[:, None]
    mean = _ratio(amount.sum(axis=1), n_days)
    away = np.where(counts, amount - mean[:, None], 0.0)
    return Projection(
        n_days=n_days,
        mean=mean,
        sd=_spread((away**2).sum(axis=1), n_days),
        more=np.where(over, 0.0, level * left),
        more_sd=np.where(over, 0.0, noise * np.sqrt(left + _ratio(left**2, total))),
        scores=np.divide(residual, length, out=np.zeros_like(residual), where=length > 0),
    )


def _spread(squares: np.ndarray, n_days: np.ndarray) -> np.ndarray:
    """Standard deviation of days from the sum of their squared residuals."""
    return np.where(n_days < FEWEST_DAYS, np.nan, np.sqrt(_ratio(squares, n_days - 1.0)))


def _ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """Quotient; NaN where the denominator is not above 0."""
    out = np.full(np.shape(top), np.nan)
    return np.divide(top, bottom, out=out, where=bottom > 0)


def half_width(sd: np.ndarray, interval: float) -> np.ndarray:
    """Half the width of a central interval that covers ``interval``."""
    return NormalDist().inv_cdf((1 + interval) / 2) * sd


def prob_above(limit: np.ndarray, mean: np.ndarray, sd: np.ndarray) -> np.ndarray:
    """Probability of a normal quantity to end above a limit; NaN where it is not known.

    Without any spread it is 0 or 1, and 0 on the limit itself.
    """
    away = limit - mean
    little = ROUNDING * np.maximum(np.abs(limit), 1.0)
    sure = np.where(away < -little, 1.0, 0.0)
    varies = sd > little
    z = np.divide(away, sd, out=np.zeros_like(away), where=varies)
    prob = np.where(varies, np.asarray(_upper_tail(z), dtype=float), sure)
    return np.where(np.isnan(limit) | np.isnan(mean) | np.isnan(sd), np.nan, prob)
