"""Expected counts + their noise -> whole numbers, never negative."""

import numpy as np
from scipy.special import gammaincinv, ndtr, ndtri, pdtr, pdtrik

LEAST_MEAN = 1e-9
MANY = 1e4  # from here a Poisson count is a rounded normal


def count_outcomes(
    mean: np.ndarray,
    sd: np.ndarray,
    rho: float,
    shock: np.ndarray,
    normal: np.ndarray,
    precision: np.ndarray,
    chance: np.ndarray,
) -> np.ndarray:
    """Counts of period after period: negative binomial, Poisson where the noise is no wider.

    The noise found in a record of counts holds the chance of counting already. A Poisson count has
    a variance of its mean; what the noise has beyond that is a gamma distributed rate, so the sum
    of both has the variance that was found. A shock lasts as it does in the record: it moves the
    mean of the next period.

    Parameters
    ----------
    mean : (draw, period) expected count
    sd : (draw, period) of the count, of the core where tails are heavy
    rho : autocorrelation of the noise
    shock : (draw,) noise of the period before the first, in units of ``sd``
    normal, precision, chance : (draw, period) see :class:`adbudget.model.ahead.AccountAhead`

    Returns
    -------
    (draw, period) whole numbers >= 0

    References
    ----------
    Hilbe (2011), Negative Binomial Regression, ch. 8.
    """
    drawn = np.empty_like(mean)
    state = shock
    for t in range(mean.shape[1]):
        centre = np.maximum(mean[:, t] + sd[:, t] * rho * state, LEAST_MEAN)
        fresh = (1 - rho**2) * sd[:, t] ** 2 / precision[:, t]
        rate = _rates(centre, np.maximum(fresh - centre, 0.0), normal[:, t])
        drawn[:, t] = _poisson(rate, chance[:, t])
        state = (drawn[:, t] - mean[:, t]) / np.maximum(sd[:, t], LEAST_MEAN)
    return drawn


def _rates(centre: np.ndarray, variance: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Gamma quantiles with this mean and variance, at the probability of a standard normal."""
    rate = centre.copy()
    wide = variance > 1e-9 * centre**2
    shape = centre[wide] ** 2 / variance[wide]
    rate[wide] = gammaincinv(shape, ndtr(normal[wide])) * variance[wide] / centre[wide]
    return rate


def _poisson(rate: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Poisson quantiles; of large means by the normal that they are."""
    count = np.round(rate + np.sqrt(rate) * ndtri(chance))
    few = rate < MANY
    small, at = np.maximum(rate[few], LEAST_MEAN), chance[few]
    nothing = pdtr(0, small) >= at
    quantile = np.zeros(small.size)
    quantile[~nothing] = np.ceil(pdtrik(at[~nothing], small[~nothing]))
    count[few] = quantile
    return np.maximum(count, 0.0)
