"""Priors -> the loose Gaussian that stands in for the curves wherever a regression must be linear.

The basis weights of a cell are expected at the median return, spread evenly over the basis, give or
take enough that the data decide. Used to find baseline, noise and drift; never for the posterior.
"""

import numpy as np

from adbudget.model.design import Design
from adbudget.model.priors import Priors


def loose_weights(design: Design, priors: Priors, account: int) -> tuple[np.ndarray, np.ndarray]:
    """(cell in account * basis,) mean and sd of the weights, in units of the mean outcome."""
    scale = design.scale[account][design.exists[account]]
    typical = np.repeat(priors.roi_median * scale / design.outcome_scale[account], design.n_basis)
    return typical / design.n_basis, typical * np.exp(priors.roi_sd) / 2
