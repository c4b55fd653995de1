"""Likelihood + Priors -> one flat block of numbers: all that the compiled density reads."""

import numpy as np

from adbudget.model.factor import Likelihood
from adbudget.model.level import LEAST_BASE, LOG_SPREAD_SD, level_centre
from adbudget.model.priors import Priors
from adbudget.model.transform import BEND_WIDTH, known_spreads, tilt_grids, tilt_windows


def pack(likelihood: Likelihood, priors: Priors) -> np.ndarray:
    """Likelihood and priors as one flat block of float64, read back by ``density.py``.

    Parameters
    ----------
    likelihood : quadratic forms
    priors : scales of the density
    """
    adstock_grid, shape_grid = tilt_grids(priors)
    adstock_window, shape_window = tilt_windows(priors)
    n_accounts, n_columns, max_rank = likelihood.factor.shape
    channel_known, account_known = known_spreads(
        n_accounts, likelihood.n_channels, likelihood.cell_channel, priors
    )
    header = [
        0,
        likelihood.n_channels,
        n_accounts,
        likelihood.cell_channel.size,
        n_columns,
        max_rank,
        adstock_grid.size,
        shape_grid.size,
        0 if likelihood.tests is None else likelihood.tests.cell.size,
        0 if priors.learned is None else len(priors.learned.mean),
    ]
    centre, log_spread = level_centre(priors)
    scales = [
        np.log(priors.roi_median),
        priors.between_channels,
        priors.channel_spread,
        priors.account_spread,
        priors.saturation_sd,
        priors.adstock_sd,
        priors.cell_saturation_sd,
        priors.null_start,
        priors.null_slope,
        priors.noise_df,
        priors.noise_df * priors.noise_share**2,
        priors.common_level,
        BEND_WIDTH,
        priors.returns_df,
        priors.adstock_centre,
        priors.cell_adstock_sd,
        account_known,
        centre,
        priors.level_odds_sd,
        log_spread,
        LOG_SPREAD_SD,
        LEAST_BASE,
        priors.saturation_centre,
    ]
    block = np.concatenate(
        [
            header,
            scales,
            adstock_grid,
            adstock_window,
            shape_grid,
            shape_window,
            channel_known,
            likelihood.first_cell,
            likelihood.cell_channel,
            likelihood.spend_share,
            likelihood.rank,
            likelihood.rest,
            likelihood.dof,
            likelihood.target.ravel(),
            likelihood.factor.ravel(),
            likelihood.media_row.ravel(),
            *_packed_tests(likelihood),
            *_packed_learned(priors),
        ],
        dtype=float,
    )
    block[0] = block.size
    return block


def _packed_tests(likelihood: Likelihood) -> tuple[np.ndarray, ...]:
    """First test of each cell, targets and rows of the lift tests, cell by cell, of unit noise."""
    n_cells = likelihood.cell_channel.size
    if likelihood.tests is None:
        return (np.zeros(n_cells + 1),)
    lift = likelihood.tests
    order = np.argsort(lift.cell, kind="stable")
    first = np.searchsorted(lift.cell[order], np.arange(n_cells + 1))
    error = lift.tests.standard_error[order]
    rows = lift.rows[order] / error[:, None]
    return first, lift.tests.measured[order] / error, rows.ravel()


def _packed_learned(priors: Priors) -> tuple[np.ndarray, ...]:
    """Mean and precision of what other accounts have shown, and what the odds go along with."""
    if priors.learned is None:
        return ()
    learned = priors.learned
    return np.array(learned.mean), learned.precision().ravel(), learned.slope()
