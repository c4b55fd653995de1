"""Counts and exposures -> probabilities about the rates behind them (Gamma-Poisson, Jeffreys).

Counts are Poisson with a rate per unit of exposure (money or impressions). Under the Jeffreys
prior the rate is Gamma(count + 1/2, exposure). Knows nothing of rules or campaigns.
"""

import numpy as np

JEFFREYS = 0.5


def prob_cost_below(threshold: np.ndarray, count: np.ndarray, money: np.ndarray) -> np.ndarray:
    """Posterior probability that the true cost per count is below a threshold.

    Parameters
    ----------
    threshold : (campaign,) money per count
    count : (campaign,) outcomes counted
    money : (campaign,) money they cost, > 0

    Returns
    -------
    (campaign,) probability; NaN where counts or money are unknown, or no money was spent

    References
    ----------
    Gelman et al. (2013), Bayesian Data Analysis, 3rd ed., section 2.6.
    """
    from scipy.special import gammaincc

    known = np.isfinite(count) & np.isfinite(money) & (count >= 0) & (money > 0)
    known &= ~np.isnan(threshold)
    probability = np.full(np.shape(count), np.nan)
    positive = known & (threshold > 0)
    with np.errstate(over="ignore"):  # beyond all numbers is as sure as can be
        expected = money[positive] / threshold[positive]  # outcomes, were that the true cost
    probability[positive] = gammaincc(count[positive] + JEFFREYS, expected)
    probability[known & (threshold <= 0)] = 0.0
    return probability


def prob_rate_ratio_above(
    ratio: np.ndarray,
    count: tuple[np.ndarray, np.ndarray],
    exposure: tuple[np.ndarray, np.ndarray],
) -> np.ndarray:
    """Posterior probability that the first rate is more than ``ratio`` times the second.

    With independent Gamma posteriors, the share of the first in the sum of rate x exposure is
    Beta(count1 + 1/2, count2 + 1/2).

    Parameters
    ----------
    ratio : (campaign,) >= 0
    count : two of (campaign,)
    exposure : two of (campaign,), > 0

    Returns
    -------
    (campaign,) probability; NaN where anything is unknown

    References
    ----------
    Price & Bonett (2000), Estimating the ratio of two Poisson rates, Computational Statistics &
    Data Analysis 34(3), 345-356.
    """
    from scipy.special import betaincc

    known = ~np.isnan(ratio) & (exposure[0] > 0) & (exposure[1] > 0)
    known &= (count[0] >= 0) & (count[1] >= 0)
    probability = np.full(np.shape(count[0]), np.nan)
    asked = known & (ratio > 0) & np.isfinite(ratio)
    with np.errstate(over="ignore"):
        share = 1 / (1 + exposure[1][asked] / exposure[0][asked] / ratio[asked])
    probability[asked] = betaincc(count[0][asked] + JEFFREYS, count[1][asked] + JEFFREYS, share)
    probability[known & (ratio <= 0)] = 1.0
    probability[known & np.isposinf(ratio)] = 0.0
    return probability
