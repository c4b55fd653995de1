"""Priors -> the loose Gaussian that stands in for the curves wherever a regression must be linear.

The basis weights of a cell are expected at the median return, spread evenly over the basis, give or
take enough that the data decide: also where spend is small beside the outcome, and channels may
still bring all that base sales leave. Used to find baseline, noise and drift; never for the
posterior.
"""

import numpy as np

from adbudget.model.design import Design
from adbudget.model.priors import Priors


def working_prior(design: Design, priors: Priors, account: int) -> tuple[np.ndarray, np.ndarray]:
    """(cell in account * basis,) mean and sd of the weights, in units of the mean outcome."""
    share = design.spend_share[account][design.exists[account]]
    typical = np.repeat(priors.roi_median * share, design.n_basis)
    loose = np.repeat(working_sd(share, priors), design.n_basis)
    # However fine the grid, a cell as a whole is as loose.
    return typical / design.n_basis, loose * np.sqrt(5 / design.n_basis)


def working_sd(spend_share: np.ndarray, priors: Priors) -> np.ndarray:
    """(cell in account,) what a cell may well bring, as a share of the account's mean outcome."""
    high_return = priors.roi_median * np.exp(priors.roi_sd) * spend_share
    return np.maximum(high_return, 2 * (1 - priors.level_share) / spend_share.size)
