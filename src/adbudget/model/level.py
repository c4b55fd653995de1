"""Base sales against media: what accounts have in common, and how far each may differ.

log(base sales / media) of an account ~ N(typical, spread^2)        over its record
typical ~ N(logit(level_share), level_odds_sd^2)

What is typical of the accounts is integrated out; the logarithm of the spread is sampled. Base
sales and media add up to the mean outcome, which is known, so this is a statement about the returns
of all accounts together. It is made in log odds, where 30% and 98% are both at home. Knows nothing
of rows.
"""

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, logit, ndtri

if TYPE_CHECKING:
    from adbudget.model.priors import Priors

# Log-normal, not half-normal like other spreads: at a spread of zero the returns of accounts would
# be tied to each other exactly, a ridge too narrow for the sampler.
LOG_SPREAD_SD = 0.5
# Share of the mean outcome below which base sales count as next to none. The mean outcome is known
# up to its noise, so media slightly above it is possible; far above it is not.
LEAST_BASE = 0.1
QUADRATURE = 40  # points each way for the moments of the prior


def base_odds(media_share: np.ndarray) -> np.ndarray:
    """Log of base sales over media, base below ``LEAST_BASE`` bent to stay positive.

    Parameters
    ----------
    media_share : (...) of the mean outcome, above 0
    """
    base = 1 - media_share
    # log((base + hypot(base, 2 LEAST_BASE)) / 2), exact also far below zero.
    return np.arcsinh(base / 2 / LEAST_BASE) + np.log(LEAST_BASE) - np.log(media_share)


def base_sales_density(
    media_share: np.ndarray, log_spread: np.ndarray, priors: "Priors"
) -> np.ndarray:
    """Log density of the mean outcomes of all accounts, given their media; up to a constant.

    Parameters
    ----------
    media_share : (..., account) of the mean outcome
    log_spread : (...) logarithm of the sd between accounts
    priors : what is typical of them, integrated out
    """
    off = base_odds(media_share) - level_centre(priors)[0]
    n_accounts, mean = off.shape[-1], off.mean(axis=-1)
    variance = np.exp(2 * log_spread)
    pooled = variance + n_accounts * priors.level_odds_sd**2
    square = ((off - mean[..., None]) ** 2).sum(axis=-1) / variance + n_accounts * mean**2 / pooled
    # How fast the odds move with the log outcome, which is what was observed.
    steepness = np.log1p(media_share / np.hypot(1 - media_share, 2 * LEAST_BASE)).sum(axis=-1)
    return steepness - square / 2 - (n_accounts - 1) * log_spread - np.log(pooled) / 2


def level_centre(priors: "Priors") -> tuple[float, float]:
    """Prior medians of the typical log odds and of the logarithm of the spread."""
    return float(logit(priors.level_share)), float(np.log(priors.level_spread))


def prior_share(priors: "Priors") -> tuple[float, float]:
    """Mean and sd of one account's base share before any data, what accounts share unknown."""
    at = ndtri((np.arange(QUADRATURE) + 0.5) / QUADRATURE)
    centre, log_spread = level_centre(priors)
    typical = centre + priors.level_odds_sd * at[:, None, None]
    share = expit(typical + np.exp(log_spread + LOG_SPREAD_SD * at[:, None]) * at)
    return float(share.mean()), float(share.std())
