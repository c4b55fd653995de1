"""Priors -> the loose Gaussian that stands in for the curves wherever a regression must be linear.

The basis weights of a cell are expected at the median return, spread evenly over the basis, give or
take enough that the data decide: also where spend is small beside the outcome, and channels may
still bring all that base sales leave. Used to find baseline, noise and drift; never for the
posterior.
"""

import numpy as np

from adbudget.model.design import Design
from adbudget.model.learned import Learned
from adbudget.model.priors import Priors


def working_prior(design: Design, priors: Priors, account: int) -> tuple[np.ndarray, np.ndarray]:
    """(cell in account * basis,) mean and sd of the weights, in units of the mean outcome."""
    exists = design.exists[account]
    share = design.spend_share[account][exists]
    middle = np.full(share.size, priors.roi_median)
    if priors.learned is not None:
        middle = np.exp(_log_return(priors.learned)[0][exists])
    typical = np.repeat(middle * share, design.n_basis)
    loose = np.repeat(working_sd(design, priors, account), design.n_basis)
    # However fine the grid, a cell as a whole is as loose.
    return typical / design.n_basis, loose * np.sqrt(5 / design.n_basis)


def working_sd(design: Design, priors: Priors, account: int) -> np.ndarray:
    """(cell in account,) what a cell may well bring, as a share of the account's mean outcome."""
    exists = design.exists[account]
    share = design.spend_share[account][exists]
    high_return = np.full(share.size, priors.roi_median * np.exp(priors.roi_sd))
    if priors.learned is not None:
        mean, sd = _log_return(priors.learned)
        high_return = np.exp(mean + sd)[exists]
    return np.maximum(high_return * share, 2 * (1 - priors.level_share) / share.size)


def _log_return(learned: Learned) -> tuple[np.ndarray, np.ndarray]:
    """(channel,) mean and sd of a cell's log return, as other accounts have shown it."""
    own = slice(1, 1 + len(learned.channels))
    sd = np.sqrt(np.diag(np.array(learned.covariance))[own] + learned.cell_spread() ** 2)
    return np.array(learned.mean)[own], sd
