"""Rows + fitted returns -> by channel, whether recent and older history agree.

A channel whose return has changed still has one curve in the fit: a mixture of what was and what
is. The rows themselves can tell. Knows nothing of sampling or of what is decided.
"""

import numpy as np
import pandas as pd
from scipy.linalg import cho_factor, cho_solve
from scipy.special import ndtr

from adbudget.model.baseline import baseline_of
from adbudget.model.design import carried_spend, first_state
from adbudget.model.evidence import Evidence, evened
from adbudget.model.priors import Priors
from adbudget.model.regressors import regression_rows
from adbudget.model.reweighting import LEAST_DIRECTION
from adbudget.model.row_noise import RowNoise
from adbudget.model.transform import CellDraws
from adbudget.model.working_prior import working_prior
from adbudget.panel.panel import Panel

FALSE_ALARM = 0.01  # probability that a panel without drift is warned about at all
MOST_PASSES, SETTLED = 10, 0.01  # of the noise variance, and the relative change it may still make
FLAT = 1e-9  # precision of the step, which only keeps the solve regular
LEAST_HALF = 8  # observed rows either half of a record must have to be compared


def drift_table(
    panel: Panel, evidence: Evidence, noise: RowNoise, priors: Priors, cells: CellDraws
) -> pd.DataFrame:
    """Compare the returns of the recent half of each account's record with the older half.

    Every channel may have had another return in the recent half, by one factor in all accounts;
    that difference is estimated by generalised least squares around the fitted curves, with the
    baseline, the weights and a step of the level free. In standard errors it is ``z``, about
    standard normal when nothing has changed.

    Parameters
    ----------
    panel, evidence, noise : rows and the design they are counted on
    priors : scales of the baseline and the returns
    cells : (chain, draw, cell) fitted returns and shapes

    Returns
    -------
    pd.DataFrame by channel: ``change`` (recent less older return, as a share of the fitted one),
    ``standard_error``, ``z``, ``p_value`` (two-sided, of any channel being as far by chance); NaN
    where no account has two halves

    References
    ----------
    Chow (1960), Econometrica 28(3), 591-605.
    """
    stock = carried_spend(panel, evidence.design, first_state(panel, evidence.design))
    n_channels = panel.n_channels
    information, score = np.zeros((n_channels, n_channels)), np.zeros(n_channels)
    weights = _mean_weights(cells)
    for a in range(panel.n_accounts):
        own_information, own_score = _of_account(panel, evidence, noise, priors, stock, weights, a)
        information += own_information
        score += own_score
    told = np.flatnonzero(np.diag(information) > 0)
    change, error = np.full((2, n_channels), np.nan)
    if told.size:
        covariance = np.linalg.pinv(information[np.ix_(told, told)], hermitian=True)
        change[told], error[told] = covariance @ score[told], np.sqrt(np.diag(covariance))
    z = change / error
    lone = 2 * ndtr(-np.abs(z))
    return pd.DataFrame(
        {
            "change": change,
            "standard_error": error,
            "z": z,
            "p_value": 1 - (1 - lone) ** max(told.size, 1),
        },
        index=pd.Index(panel.channels, name="channel"),
    )


def drift_warnings(table: pd.DataFrame) -> tuple[str, ...]:
    """One sentence for each channel whose returns have clearly changed."""
    return tuple(
        f"Old and recent evidence disagree about {channel!r}: its return in the recent half of the "
        f"history is {_direction(z)} that of the older half ({z:+.1f} standard errors). Its curve "
        "is a mixture of both; compare a fit with forgetting=..."
        for channel, z in _changed(table)
    )


def drift_caveats(table: pd.DataFrame) -> dict[str, str]:
    """Channel -> what the reason of a decision about it should add, where returns have changed."""
    return {
        channel: "Old and recent evidence disagree: its recent return is "
        f"{_direction(z)} the older one ({z:+.1f} standard errors)."
        for channel, z in _changed(table)
    }


def _changed(table: pd.DataFrame) -> list[tuple[str, float]]:
    """(channel, z) where a change as large would be rare by chance."""
    clear = np.flatnonzero(table["p_value"].to_numpy() < FALSE_ALARM)
    return [(str(table.index[i]), float(table["z"].to_numpy()[i])) for i in clear]


def _direction(z: float) -> str:
    return "above" if z > 0 else "below"


def _of_account(
    panel: Panel,
    evidence: Evidence,
    noise: RowNoise,
    priors: Priors,
    stock: np.ndarray,
    weights: np.ndarray,
    account: int,
) -> tuple[np.ndarray, np.ndarray]:
    """(channel, channel) information about the changes, and (channel,) score, of one account."""
    design = evidence.design
    n_channels, n_basis = len(design.channels), design.n_basis
    nothing = np.zeros((n_channels, n_channels)), np.zeros(n_channels)
    observed = np.isfinite(panel.outcome[account])
    middle = (panel.first[account] + panel.last[account] + 1) / 2
    recent = np.arange(panel.n_periods) >= middle
    if min((observed & recent).sum(), (observed & ~recent).sum()) < LEAST_HALF:
        return nothing
    rows, p = regression_rows(panel, design, stock, account)
    channels = np.flatnonzero(design.exists[account])
    own = np.argwhere(design.exists)[:, 0] == account
    share = design.spend_share[account, channels]
    level = weights[own] * share[:, None]
    basis = rows[:, p:-1].reshape(len(rows), channels.size, n_basis)
    owed = np.einsum("tiq,iq->ti", basis, level)
    # Both halves turn around the fitted mean: the recent one by half, the older by minus half.
    contrast = np.where(recent, 0.5, -0.5)[:, None]
    error = rows[:, -1] - owed.sum(axis=1)
    columns = np.column_stack([rows[:, :p], contrast, rows[:, p:-1], contrast * owed, error])
    columns = evened(columns, noise, account, observed)[observed]
    n_free = p + 1 + channels.size * n_basis
    change, error = columns[:, n_free:-1], columns[:, -1]
    # The basis is free within a loose prior, by its principal directions: few of them are left.
    loose = working_prior(design, priors, account)[1]
    left, size, _ = np.linalg.svd(columns[:, p + 1 : n_free] * loose, full_matrices=False)
    kept = size > LEAST_DIRECTION * size[0]
    free = np.column_stack([columns[:, : p + 1], left[:, kept] * size[kept]])
    mean, precision = baseline_of(evidence, priors).prior(account, p)
    error = error - free[:, :p] @ mean
    relative = np.zeros((free.shape[1], free.shape[1]))
    relative[:p, :p] = precision
    relative[p, p] = FLAT
    absolute = np.append(np.zeros(p + 1), np.ones(np.count_nonzero(kept)))
    variance = _noise_variance(free, error, relative, absolute)
    solver = cho_factor(free.T @ free + relative + np.diag(absolute * variance))
    both = np.column_stack([change, error])
    unexplained = both - free @ cho_solve(solver, free.T @ both)
    information, score = nothing
    precision = noise.information / variance
    information[np.ix_(channels, channels)] = precision * (change.T @ unexplained[:, :-1])
    score[channels] = precision * (change.T @ unexplained[:, -1])
    return information, score


def _noise_variance(free, error, relative, absolute) -> float:
    """Residual variance of the ridge regression, degrees of freedom counted, settled by itself."""
    variance = float(error.var()) + 1e-12
    gram, cross = free.T @ free, free.T @ error
    for _ in range(MOST_PASSES):
        before = variance
        solver = cho_factor(gram + relative + np.diag(absolute * variance))
        residual = error - free @ cho_solve(solver, cross)
        used = np.trace(cho_solve(solver, gram))
        variance = float(residual @ residual) / max(error.size - used, 1.0) + 1e-12
        if abs(variance - before) < SETTLED * before:
            break
    return variance


def _mean_weights(cells: CellDraws) -> np.ndarray:
    """(cell, basis) posterior mean return times shape."""
    n_draws = cells.roi[..., 0].size
    mean = np.einsum("cdi,cdij,cdim->ijm", cells.roi, cells.adstock, cells.shape) / n_draws
    return mean.reshape(mean.shape[0], -1)
