"""Prior and posterior predictive draws: what the model expects before and after the data."""

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.signal import lfilter

from adbudget.errors import InputError
from adbudget.model.baseline import baseline_of
from adbudget.model.design import carried_spend, first_state
from adbudget.model.evidence import Evidence
from adbudget.model.factor import centred
from adbudget.model.layout import Layout
from adbudget.model.level import LOG_SPREAD_SD, level_centre
from adbudget.model.priors import Priors
from adbudget.model.reference import make_design
from adbudget.model.regressors import regression_rows
from adbudget.model.row_noise import RowNoise
from adbudget.model.transform import cell_draws, concave
from adbudget.panel.panel import Panel

if TYPE_CHECKING:
    from adbudget.model.posterior import Posterior


def prior_positions(layout: Layout, priors: Priors, n_draws: int, seed: int) -> np.ndarray:
    """(draw, size) positions from the prior."""
    rng = np.random.default_rng(seed)
    positions = rng.normal(size=(n_draws, layout.size))
    part = layout.split(positions)  # views: scaling a part scales the positions
    df = priors.returns_df
    wide = np.sqrt(df / rng.chisquare(df, size=(2, n_draws, 1)))  # what makes normals Student-t
    part["return_level"][:] = np.log(priors.roi_median) + priors.common_level * (
        wide[0] * part["return_level"]
    )
    apart = priors.between_channels * wide[1] * part["channel_return"]
    part["channel_return"][:] = part["return_level"] + apart
    part["cell_effect"][:] = rng.standard_t(df, size=part["cell_effect"].shape)
    part["channel_spread"] *= priors.channel_spread
    part["account_spread"] *= priors.account_spread
    place = priors.saturation_centre + priors.saturation_sd * part["saturation_tilt"]
    part["saturation_tilt"][:] = place
    part["adstock_tilt"][:] = priors.adstock_centre + priors.adstock_sd * part["adstock_tilt"]
    part["level_log_spread"] *= LOG_SPREAD_SD
    part["level_log_spread"] += level_centre(priors)[1]
    if priors.learned is not None:
        mean, cov = np.array(priors.learned.mean), np.array(priors.learned.covariance)
        shared = rng.multivariate_normal(mean, cov, size=n_draws, method="eigh")
        for block, values in priors.learned.layout.split(shared).items():
            if values.shape[-1]:
                part[block][:] = values
    return positions


def prior_predictive(
    panel: Panel, priors: Priors | None = None, *, seed: int, draws: int = 1000
) -> xr.Dataset:
    """What the priors say about this panel before its outcome is looked at.

    Outcomes are in units of their own mean, so they have no prior of their own; what a buyer can
    judge is the return, how fast it saturates, how long it lasts, and the share of the outcome that
    advertising would explain.

    Parameters
    ----------
    panel : what was spent and earned
    priors : the beliefs to look at; ``Priors()`` when None
    seed : of the draws
    draws : how many

    Returns
    -------
    xr.Dataset with ``roi`` (draw, account, channel) money per money; ``elasticity`` (draw,
    account, channel) of the outcome to a constant spend at the cell's mean; ``half_life_days``
    (draw, account, channel) mean over the grid; ``media_share`` (draw, account) of the mean outcome

    Examples
    --------
    >>> prior = ab.prior_predictive(panel, ab.Priors(roi_median=1.5), seed=1, draws=200)
    >>> sorted(prior.data_vars)
    ['elasticity', 'half_life_days', 'media_share', 'roi']
    """
    priors = priors or Priors()
    if draws < 1:
        raise InputError(f"draws must be at least 1; got {draws}.")
    design = make_design(panel, priors)
    account, channel = np.argwhere(design.exists).T
    layout = Layout(len(design.channels), len(design.accounts), account.size)
    positions = prior_positions(layout, priors, draws, seed)
    cells = cell_draws(positions, layout, priors, account, channel)
    points = np.array(priors.half_saturation)
    mean = (design.scale / design.unit)[account, channel, None]
    level = concave(cells.shape, priors) / (mean + points)  # response there, up to a common factor
    elasticity = (level * points / (mean + points)).sum(axis=-1) / level.sum(axis=-1)
    half_life = (cells.adstock * np.array([sum(parts) for parts in priors.adstocks])).sum(axis=-1)
    owed = cells.roi * design.spend_share[account, channel]
    media = np.stack([owed[:, account == a].sum(axis=1) for a in range(layout.n_accounts)], axis=1)
    dims = ("draw", "account", "channel")
    named = {}
    for name, values in (
        ("roi", cells.roi),
        ("elasticity", elasticity),
        ("half_life_days", half_life),
    ):
        grid = np.full((draws, *design.exists.shape), np.nan)
        grid[:, account, channel] = values
        named[name] = (dims, grid)
    named["media_share"] = (("draw", "account"), media)
    coords = {"account": list(design.accounts), "channel": list(design.channels)}
    return xr.Dataset(named, coords=coords)


def replicate(fit: "Posterior", *, seed: int, n_draws: int = 200) -> xr.DataArray:
    """Posterior predictive outcomes: baseline and noise recovered by one solve per draw.

    Parameters
    ----------
    fit : the fitted model
    seed : of the baseline, the noise and the choice of draws
    n_draws : posterior draws used, evenly spaced over all kept ones

    Returns
    -------
    xr.DataArray (draw, account, date), outcome units; NaN outside the account's record

    Raises
    ------
    InputError : more draws are wanted than were kept
    """
    kept = fit.positions.shape[0] * fit.positions.shape[1]
    if not 1 <= n_draws <= kept:
        raise InputError(f"draws must be between 1 and the {kept} kept ones; got {n_draws}.")
    rng = np.random.default_rng(seed)
    chosen = np.linspace(0, kept - 1, n_draws).astype(int)
    panel, design, priors = fit.panel, fit.evidence.design, fit.priors
    account, channel = np.argwhere(design.exists).T
    flat = fit.positions.reshape(kept, -1)[chosen].astype(float)
    cells = cell_draws(flat, fit.layout, priors, account, channel)
    share = design.spend_share[design.exists]
    shape = cells.adstock[..., :, None] * cells.shape[..., None, :]
    weights = (cells.roi * share)[..., None, None] * shape
    stock = carried_spend(panel, design, first_state(panel, design))
    outcome = np.full((n_draws, panel.n_accounts, panel.n_periods), np.nan)
    for a in range(panel.n_accounts):
        rows, p = regression_rows(panel, design, stock, a)
        own = weights[:, account == a].reshape(n_draws, -1)
        paths = _replicate_account(fit, rows, p, own, a, rng)
        paths *= design.outcome_scale[a] / panel.unit_value[a]
        inside = slice(panel.first[a], panel.last[a] + 1)
        outcome[:, a, inside] = paths[:, inside]
    coords = {"account": list(panel.accounts), "date": panel.dates.astype("datetime64[ns]")}
    return xr.DataArray(outcome, dims=("draw", "account", "date"), coords=coords)


def _replicate_account(fit: "Posterior", rows, p: int, weights, account: int, rng) -> np.ndarray:
    """(draw, period) replicated outcomes of one account, in units of its mean outcome."""
    baseline, noise_sd = baseline_draws(fit.evidence, fit.noise, fit.priors, weights, account, rng)
    noise = unit_noise(fit.noise, account, (noise_sd.size, rows.shape[0]), rng)
    noise = noise * fit.noise.spread[account]
    return baseline @ rows[:, :p].T + weights @ rows[:, p:-1].T + noise_sd[:, None] * noise


def baseline_draws(
    evidence: Evidence,
    noise: RowNoise,
    priors: Priors,
    weights: np.ndarray,
    account: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients of the baseline and the noise of one account, given its basis weights.

    How far baselines move was found from all accounts, in units of the outcome and not of this
    account's noise. So the baseline says nothing of the noise, and takes from the rows that do:
    with H the matrix that maps the outcome to the fitted baseline, the residuals have tr(I - H)
    degrees of freedom, and their Fisher information about log sigma^2 is tr((I - H)^2) / 2.

    Parameters
    ----------
    evidence, noise, priors : what the account's rows and the priors say, and how rows are noisy
    weights : (draw, cell in account * basis) in units of the account's mean outcome
    account : its position
    rng : chance

    Returns
    -------
    baseline (draw, nuisance) and noise_sd (draw,), both in units of the account's mean outcome
    """
    gram, p = evidence.gram[account], int(evidence.n_baseline[account])
    mean, precision = baseline_of(evidence, priors).prior(account, p)
    gram = centred(gram, mean)
    solver = cho_factor(gram[:p, :p] + precision, lower=True)
    contrast = np.column_stack([-weights, np.ones(weights.shape[0])])
    cross = contrast @ gram[p:, :p]
    centre = cho_solve(solver, cross.T).T
    misfit = _squares(contrast, gram[p:, p:]) - (cross * centre).sum(axis=1)
    squares = misfit - _squares(centre, precision)
    fitted = cho_solve(solver, gram[:p, :p])
    n_rows, used = evidence.n_rows[account], np.trace(fitted)
    guess = priors.noise_df * priors.noise_share**2
    left = n_rows - noise.information * noise.fitted_loss * used
    variance = (guess + np.maximum(squares, 0.0)) / (priors.noise_df + left)
    # Rows of heavy tails tell less of the scale than of the coefficients they are counted for.
    told = (n_rows - 2 * used + (fitted * fitted.T).sum()) * (
        noise.scale_information / noise.information
    )
    df = priors.noise_df + told
    noise_sd = np.sqrt(variance * df / rng.chisquare(df, size=variance.size))
    wobble = solve_triangular(solver[0], rng.normal(size=(p, noise_sd.size)), lower=True, trans=1)
    return mean + centre + noise_sd[:, None] * wobble.T, noise_sd


def _squares(rows: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """(row,) quadratic form of each row; two products, as einsum would loop over all three."""
    return ((rows @ matrix) * rows).sum(axis=1)


def unit_noise(
    noise: RowNoise, account: int, shape: tuple[int, int], rng: np.random.Generator
) -> np.ndarray:
    """(draw, period) noise of the tail and persistence the data chose.

    Row weights have mean one, so the core of the noise has unit scale.
    """
    fresh = rng.normal(size=shape)
    if np.isfinite(noise.tail_df):
        fresh /= np.sqrt(rng.gamma(noise.tail_df / 2, 2 / noise.tail_df, size=shape))
    rho = noise.autocorrelation[account]
    if rho == 0:
        return fresh
    fresh[:, 1:] *= np.sqrt(1 - rho**2)
    return np.asarray(lfilter([1.0], [1.0, -rho], fresh, axis=1))
