"""Posterior + periods to come -> joint predictive draws of every account, for any spend in them.

Whatever no plan touches (level, season, trend, controls, demand, and the chance of the noise) is
drawn once, so two plans played on one preparation meet the same chance, draw by draw. Knows nothing
of how a caller writes a plan.
"""

from dataclasses import dataclass, replace

import numpy as np

from adbudget.curves import adstock
from adbudget.model.baseline import baseline_of
from adbudget.model.continuing import continued, trend_steps
from adbudget.model.count_draws import count_outcomes
from adbudget.model.design import carried_spend, first_state, settled
from adbudget.model.held_out import basis_weights
from adbudget.model.posterior import Posterior
from adbudget.model.predict import baseline_draws
from adbudget.model.regressors import baseline_columns, basis_columns, regression_rows
from adbudget.model.row_noise import spread_ahead
from adbudget.model.transform import CellDraws, cell_draws
from adbudget.panel.calendar import dates_after
from adbudget.panel.panel import Panel


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AccountAhead:
    """What is drawn of one account before its spend is known. Outcomes are in units of its mean.

    Periods are those after its own record: ``n_before`` until the record of the panel ends, then
    those that are asked for.

    Attributes
    ----------
    n_before : periods between the end of its record and the end of the panel's
    base : (draw, period) outcome without media and noise
    weights : (draw, cell in account * basis) of the basis curves
    noise_sd : (draw,)
    shock : (draw,) noise of the last period of the record, in units of ``noise_sd``
    normal, precision, chance : (draw, period) standard normals, the precision of each (one unless
        tails are heavy), and uniforms that counts are drawn with
    seen : (row,) expected outcome of the rows seen, which the spread of the noise is relative to
    negative : whether an outcome of its record was below zero, so that one to come may be
    """

    n_before: int
    base: np.ndarray
    weights: np.ndarray
    noise_sd: np.ndarray
    shock: np.ndarray
    normal: np.ndarray
    precision: np.ndarray
    chance: np.ndarray
    seen: np.ndarray
    negative: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ahead:
    """Everything that plans are played on.

    Attributes
    ----------
    fit : the posterior
    dates : (period,) datetime64[D] the periods asked for, after the last one of the panel
    before : (account, channel) spend per period between the end of an account's record and that of
        the panel
    counts : whether outcomes are whole numbers
    accounts : one entry per account
    """

    fit: Posterior
    dates: np.ndarray
    before: np.ndarray
    counts: bool
    accounts: tuple[AccountAhead, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Played:
    """What a plan brings, in outcome units.

    Attributes
    ----------
    outcome : (draw, account, period) with noise
    expected : (draw, account, period) without the noise to come; what persists of the last shock
        is part of it
    media : (draw, account, channel, period) of that, owed to each channel, single precision; None
        when nobody asked for it
    """

    outcome: np.ndarray
    expected: np.ndarray
    media: np.ndarray | None


def prepare(
    fit: Posterior,
    controls: np.ndarray,
    before: np.ndarray,
    *,
    counts: bool,
    n_draws: int,
    seed: int,
) -> Ahead:
    """Draw all that does not depend on the plan.

    Parameters
    ----------
    fit : the fitted model
    controls : (account, control, period) values to come, NaN where nobody knows them: these
        continue as first-order autoregressions with the mean, spread and persistence of the record
    before : see :class:`Ahead`
    counts : whether outcomes are whole numbers
    n_draws : joint draws, evenly spaced over the kept ones
    seed : of baseline, trend, controls, demand and noise
    """
    kept = fit.positions.shape[0] * fit.positions.shape[1]
    chosen = np.linspace(0, kept - 1, n_draws).round().astype(int)
    account, channel = np.argwhere(fit.evidence.design.exists).T
    flat = fit.positions.reshape(kept, -1)[chosen].astype(float)
    cells = cell_draws(flat, fit.layout, fit.priors, account, channel)
    longer = _extended(fit.panel, controls)
    stock = carried_spend(
        fit.panel, fit.evidence.design, first_state(fit.panel, fit.evidence.design)
    )
    streams = np.random.default_rng(seed).spawn(fit.panel.n_accounts)
    return Ahead(
        fit=fit,
        dates=longer.dates[fit.panel.n_periods :],
        before=before,
        counts=counts,
        accounts=tuple(
            _account_ahead(fit, longer, stock, cells, a, rng) for a, rng in enumerate(streams)
        ),
    )


def play(ahead: Ahead, spend: np.ndarray, *, by_channel: bool = True) -> Played:
    """Play one plan.

    Parameters
    ----------
    ahead : from :func:`prepare`
    spend : (account, channel, period) account currency, 0 where there is no cell
    by_channel : whether to keep what each channel brings
    """
    design, panel = ahead.fit.evidence.design, ahead.fit.panel
    n_accounts, n_channels, n_periods = spend.shape
    n_draws = ahead.accounts[0].noise_sd.size
    outcome = np.empty((n_draws, n_accounts, n_periods))
    expected = np.empty_like(outcome)
    media = None
    if by_channel:
        media = np.zeros((n_draws, n_accounts, n_channels, n_periods), dtype=np.float32)
    for a, own in enumerate(ahead.accounts):
        unit = design.outcome_scale[a] / panel.unit_value[a]
        brought = _media(ahead, own, spend[a], a) * unit
        shown = slice(own.n_before, None)
        drawn, mean = _with_noise(ahead, own, own.base * unit + brought.sum(axis=0), unit, a)
        outcome[:, a], expected[:, a] = drawn[:, shown], mean[:, shown]
        if media is not None:
            channels = np.flatnonzero(design.exists[a])
            media[:, a, channels] = np.moveaxis(brought[..., shown], 0, 1)
    return Played(outcome=outcome, expected=expected, media=media)


def _extended(panel: Panel, controls: np.ndarray) -> Panel:
    """The panel with periods to come: no spend in them, no outcome."""
    n_ahead = controls.shape[-1]
    wide = ((0, 0), (0, 0), (0, n_ahead))
    later = dates_after(panel.dates[-1], panel.period, n_ahead)
    return replace(
        panel,
        dates=np.concatenate([panel.dates, later]),
        spend=np.pad(panel.spend, wide),
        live=np.pad(panel.live, wide),
        outcome=np.pad(panel.outcome, wide[1:], constant_values=np.nan),
        control_values=np.concatenate([panel.control_values, controls], axis=-1),
        last=np.full(panel.n_accounts, panel.n_periods + n_ahead - 1),
    )


def _account_ahead(
    fit: Posterior,
    longer: Panel,
    stock: np.ndarray,
    cells: CellDraws,
    a: int,
    rng: np.random.Generator,
) -> AccountAhead:
    """Baseline and chance of one account, over all periods after its record."""
    panel, evidence, noise = fit.panel, fit.evidence, fit.noise
    weights = basis_weights(evidence, cells, a)
    baseline, noise_sd = baseline_draws(evidence, noise, fit.priors, weights, a, rng)
    rows, p = regression_rows(panel, evidence.design, stock, a)
    (observed,) = np.isfinite(panel.outcome[a]).nonzero()
    last_seen, last = observed[-1], int(panel.last[a])
    mean = baseline @ rows[last_seen, :p] + weights @ rows[last_seen, p:-1]
    left = (rows[last_seen, -1] - mean) / (noise_sd * noise.spread[a, last_seen])
    if np.isfinite(noise.tail_df):  # what is an outlier passes on no more than it counts for
        left = left * min(noise.weights[a, last_seen] * noise.spread[a, last_seen] ** 2, 1.0)
    base = _baseline_ahead(fit, longer, baseline, a, rng)
    n_draws, n_periods = base.shape
    rho = noise.autocorrelation[a]
    silent = rho ** (last - last_seen)
    precision = np.ones((n_draws, n_periods))
    if np.isfinite(noise.tail_df):
        precision = rng.gamma(noise.tail_df / 2, 2 / noise.tail_df, size=base.shape)
    return AccountAhead(
        n_before=panel.n_periods - 1 - last,
        base=base,
        weights=weights,
        noise_sd=noise_sd,
        shock=silent * left + np.sqrt(1 - silent**2) * rng.normal(size=n_draws),
        normal=rng.normal(size=base.shape),
        precision=precision,
        chance=rng.uniform(size=base.shape),
        seen=rows[observed, :p] @ baseline.mean(axis=0)
        + rows[observed, p:-1] @ weights.mean(axis=0),
        negative=bool(np.nanmin(panel.outcome[a]) < 0),
    )


def _baseline_ahead(
    fit: Posterior, longer: Panel, baseline: np.ndarray, a: int, rng: np.random.Generator
) -> np.ndarray:
    """(draw, period) level, calendar, controls, demand and trend after the account's record."""
    evidence, last = fit.evidence, int(fit.panel.last[a])
    known = baseline_of(evidence, fit.priors)
    columns = baseline_columns(longer, evidence.design, a)
    n_shared, p = known.mean.shape[1], baseline.shape[1]
    n_steps = columns.shape[1] - p
    steps = trend_steps(baseline[:, 1 + n_shared :], n_steps, known.scales["trend"], rng)
    later = columns[last + 1 :]
    base = np.hstack([baseline, steps]) @ later.T
    # Demand and controls nobody knows: the columns hold zero there, their mean.
    n_controls = len(evidence.design.controls)
    values = longer.control_values[a, :, last + 1 :]
    for k in range(n_controls + 1):
        column = n_shared - n_controls + k
        unknown = np.isnan(values[k]) if k < n_controls else np.ones(later.shape[0], dtype=bool)
        history = columns[fit.panel.first[a] : last + 1, column]
        if unknown.any() and history.any():
            path = continued(history, later.shape[0], baseline.shape[0], rng)
            base += baseline[:, column, None] * np.where(unknown, path, 0.0)
    return base


def _media(ahead: Ahead, own: AccountAhead, spend: np.ndarray, a: int) -> np.ndarray:
    """(cell in account, draw, period) what each channel brings, in units of the mean outcome."""
    design = ahead.fit.evidence.design
    path = np.hstack([np.repeat(ahead.before[a][:, None], own.n_before, axis=1), spend])
    scaled = np.nan_to_num(settled(path / design.unit[a][:, None]))
    stock = adstock(scaled, design.retention, ahead.fit.evidence.carry_out[a])
    n_cells = int(design.exists[a].sum())
    basis = basis_columns(design, stock, a).reshape(path.shape[1], n_cells, design.n_basis)
    weights = own.weights.reshape(-1, n_cells, design.n_basis)
    return weights.transpose(1, 0, 2) @ basis.transpose(1, 2, 0)


def _with_noise(
    ahead: Ahead, own: AccountAhead, mean: np.ndarray, unit: float, a: int
) -> tuple[np.ndarray, np.ndarray]:
    """(draw, period) outcomes and what is expected of them, in outcome units.

    The noise continues from the last shock with the persistence found.
    """
    noise = ahead.fit.noise
    rho = float(noise.autocorrelation[a])
    level = mean.mean(axis=0) / unit
    sd = unit * own.noise_sd[:, None] * spread_ahead(level, own.seen, noise.level_power)
    left = rho ** np.arange(1, mean.shape[1] + 1)
    expected = mean + sd * own.shock[:, None] * left
    if ahead.counts:
        return count_outcomes(
            mean, sd, rho, own.shock, own.normal, own.precision, own.chance
        ), np.maximum(expected, 0.0)
    drawn = np.empty_like(mean)
    state, keep = own.shock, np.sqrt(1 - rho**2)
    for t in range(mean.shape[1]):
        state = rho * state + keep * own.normal[:, t] / np.sqrt(own.precision[:, t])
        drawn[:, t] = mean[:, t] + sd[:, t] * state
    if own.negative:
        return drawn, expected
    return np.maximum(drawn, 0.0), np.maximum(expected, 0.0)
