"""Ranks -> are they uniform? Bands, p values, coverage.

If the truth is one more draw from the posterior, its rank among the draws is uniform
(Talts et al. 2018). Knows nothing of models.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import bdtr

N_NULL = 4000  # simulated samples behind a p value
GRID = np.arange(1, 50) / 50  # where clustered curves are compared
SEED = 0
ROUNDING = 1e-9  # relative; tails that differ by less are the same number


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Band:
    """Where the distribution function of uniform numbers stays, as a whole, with some probability.

    Attributes
    ----------
    points : (point,) where it is evaluated
    lower, upper : (point,) the band
    """

    points: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


def ecdf(values: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(point,) share of values at or below each point."""
    return np.searchsorted(np.sort(values), points, side="right") / values.size


def simultaneous_band(n_values: int, prob: float = 0.95) -> Band:
    """Band that holds the whole distribution function of uniform numbers with a probability.

    Parameters
    ----------
    n_values : how many independent values
    prob : probability of the band as a whole

    References
    ----------
    Saeilynoja, Buerkner & Vehtari (2022), Statistics and Computing 32, 32.
    """
    points = _points(n_values)
    # The smallest pointwise tail probability whose p is above 1 - prob: it and all larger ones are
    # inside, so that band and p say the same where samples share a value.
    null = np.sort(_null_tails(n_values))
    tail = null[_p_of(null, null) > 1 - prob][0] * (1 - ROUNDING)
    counts = np.arange(n_values + 1)[:, None]
    likely = (bdtr(counts, n_values, points) >= tail) & (
        bdtr(n_values - counts, n_values, 1 - points) >= tail
    )
    lower, upper = likely.argmax(axis=0), n_values - likely[::-1].argmax(axis=0)
    return Band(points=points, lower=lower / n_values, upper=upper / n_values)


def ecdf_p(values: np.ndarray) -> float:
    """Probability that uniform numbers stray at least as far from their distribution function.

    At most .05 exactly where the curve leaves the 95% band.

    Parameters
    ----------
    values : (value,) independent, in [0, 1]
    """
    own = _smallest_tail(ecdf(values, _points(values.size)), values.size)
    return float(_p_of(np.sort(_null_tails(values.size)), own))


def _p_of(null: np.ndarray, tail: np.ndarray | float) -> np.ndarray:
    """Share of samples, the one at hand among them, whose tail is no larger; ``null`` is sorted."""
    nearly = np.asarray(tail) * (1 + ROUNDING)
    return (1 + np.searchsorted(null, nearly, side="right")) / (1 + null.size)


def clustered_p(values: np.ndarray, n_null: int = N_NULL) -> float:
    """The same for elements that depend on each other within a replication.

    The distribution function of all elements is a mean over replications, which are independent.
    Its mean squared departure from the uniform one is compared with that under random signs of
    whole replications (the wild bootstrap of a Cramer-von Mises statistic). It sees small
    departures that all elements share; the tails are seen better by :func:`ecdf_p`.

    Parameters
    ----------
    values : (replication, element) in [0, 1]
    n_null : random sign patterns
    """
    rng = np.random.default_rng(SEED)
    departure = (values[:, :, None] <= GRID).mean(axis=1) - GRID
    own = (departure.sum(axis=0) ** 2).sum()
    signs = rng.choice([-1.0, 1.0], size=(n_null, len(values)))
    null = ((signs @ departure) ** 2).sum(axis=1)
    return float((1 + (null >= own).sum()) / (1 + n_null))


def one_per_replication(values: np.ndarray) -> np.ndarray:
    """(replication,) one element of each replication in turn: these are independent."""
    turn = np.arange(len(values)) % values.shape[1]
    return values[np.arange(len(values)), turn]


def coverage(values: np.ndarray, prob: float) -> tuple[float, float]:
    """Share of central intervals that hold the truth, and its standard error over replications.

    One replication has no error: NaN.

    Parameters
    ----------
    values : (replication, element) in [0, 1]
    prob : of the interval
    """
    inside = (np.abs(values - 0.5) <= prob / 2).mean(axis=1)
    error = inside.std(ddof=1) / np.sqrt(inside.size) if inside.size > 1 else np.nan
    return float(inside.mean()), float(error)


def _points(n_values: int) -> np.ndarray:
    return np.arange(1, n_values) / n_values


def _smallest_tail(curve: np.ndarray, n_values: int) -> float:
    """Smallest pointwise tail probability, on either side, along a distribution function."""
    count, points = np.round(curve * n_values), _points(n_values)
    below = bdtr(count, n_values, points)
    above = bdtr(n_values - count, n_values, 1 - points)  # P(at least count)
    return float(np.minimum(below, above).min())


@cache
def _null_tails(n_values: int) -> np.ndarray:
    """(N_NULL,) smallest tails of samples that are uniform."""
    rng = np.random.default_rng(SEED)
    points = _points(n_values)
    samples = rng.uniform(size=(N_NULL, n_values))
    return np.array([_smallest_tail(ecdf(row, points), n_values) for row in samples])
