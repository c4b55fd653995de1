"""Panel -> the columns of the regression, fixed once so that later evidence adds up.

The design holds every number that must not change when new rows arrive: what spend and outcome
are divided by, the means of the basis, where trends start. Knows nothing of priors on returns.
"""

from dataclasses import dataclass, replace

import numpy as np

from adbudget.curves import adstock, retention_rate, saturation
from adbudget.model.priors import Priors
from adbudget.panel import Panel

DAYS_PER_YEAR = 365.25
WARM_UP_DAYS = 28  # the state before the first record is the mean of this many days


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Design:
    """Fixed scales and reference points of one model.

    Attributes
    ----------
    accounts, channels, controls : names, in axis order
    scale : (account, channel) mean spend over the channel's life; NaN where there is no cell
    outcome_scale : (account,) mean absolute outcome in money
    basis_mean : (account, channel, retention, saturation) mean of the raw basis over the life
    retention, half_saturation : the grid
    origin : (account,) datetime64[D] where the account's trend starts
    control_mean, control_sd : (account, control)
    period_days : days in one period
    season_order : pairs of yearly waves
    """

    accounts: tuple[str, ...]
    channels: tuple[str, ...]
    controls: tuple[str, ...]
    scale: np.ndarray
    outcome_scale: np.ndarray
    basis_mean: np.ndarray
    retention: np.ndarray
    half_saturation: np.ndarray
    origin: np.ndarray
    control_mean: np.ndarray
    control_sd: np.ndarray
    period_days: float
    season_order: int
    trend_knot_days: float

    @property
    def exists(self) -> np.ndarray:
        """(account, channel) whether the cell exists."""
        return np.isfinite(self.scale)

    @property
    def n_basis(self) -> int:
        """Basis curves per cell."""
        return self.retention.size * self.half_saturation.size


def make_design(panel: Panel, priors: Priors) -> Design:
    """Fix every scale and reference point from the first panel.

    Parameters
    ----------
    panel : what was spent and earned
    priors : grids, season order, trend knots
    """
    exists = panel.live.any(axis=2)
    life = np.maximum(panel.live.sum(axis=2), 1)
    scale = np.where(exists, (panel.spend * panel.live).sum(axis=2) / life, np.nan)
    retention = retention_rate(np.array(priors.half_life_days), panel.period_days)
    half_saturation = np.array(priors.half_saturation)
    observed = np.isfinite(panel.outcome)
    money = np.where(observed, panel.outcome * panel.unit_value[:, None], 0.0)
    default_order = 2 if panel.period == "monthly" else 4
    design = Design(
        accounts=panel.accounts,
        channels=panel.channels,
        controls=panel.controls,
        scale=scale,
        outcome_scale=np.abs(money).sum(axis=1) / observed.sum(axis=1),
        basis_mean=np.ones((*scale.shape, retention.size, half_saturation.size)),
        retention=retention,
        half_saturation=half_saturation,
        origin=panel.dates[panel.first],
        control_mean=_masked(panel.control_values, observed, np.nanmean),
        control_sd=_nonzero(_masked(panel.control_values, observed, np.nanstd)),
        period_days=panel.period_days,
        season_order=default_order if priors.season_order is None else priors.season_order,
        trend_knot_days=priors.trend_knot_days,
    )
    stock = carried_spend(panel, design, first_state(panel, design))
    basis = saturation(stock, half_saturation) * panel.live[:, :, None, :, None]
    mean = basis.sum(axis=3) / life[..., None, None]
    return replace(design, basis_mean=np.where(exists[..., None, None], mean, 1.0))


def first_state(panel: Panel, design: Design) -> np.ndarray:
    """(account, channel, retention) adstock before the first record: the first weeks' level.

    A channel that starts after the account's record has begun was off before, so its state is 0.
    """
    window = max(1, round(WARM_UP_DAYS / panel.period_days))
    state = np.zeros((*design.scale.shape, design.retention.size))
    for a, c in np.argwhere(design.exists):
        begin = panel.first[a]
        if panel.live[a, c, begin]:
            state[a, c] = panel.spend[a, c, begin : begin + window].mean() / design.scale[a, c]
    return state


def carried_spend(panel: Panel, design: Design, state: np.ndarray) -> np.ndarray:
    """(account, channel, retention, period) adstock in units of the cell's mean spend.

    The recursion starts at each account's first record: periods before it hold the first state.
    """
    scaled = np.nan_to_num(panel.spend / design.scale[..., None])
    if not panel.first.any():
        return adstock(scaled, design.retention, state)
    stock = np.empty((*state.shape, panel.dates.size))
    for a, begin in enumerate(panel.first):
        stock[a, ..., :begin] = state[a, ..., None]
        stock[a, ..., begin:] = adstock(scaled[a, :, begin:], design.retention, state[a])
    return stock


def baseline_columns(panel: Panel, design: Design, account: int) -> np.ndarray:
    """(period, nuisance) level, season, weekday, controls and trend of one account.

    The trend is a chain of ramps, one per knot: a ramp is 0 until its knot, so columns of later
    knots are zero on earlier rows and old evidence stays valid when new knots appear at the end.
    """
    dates = panel.dates
    since = (dates - design.origin[account]) / np.timedelta64(1, "D")
    end = since[panel.last[account]]
    knots = np.arange(0.0, max(end, 1e-9), design.trend_knot_days)
    columns = [np.ones((dates.size, 1))]
    angle = 2 * np.pi * _year_share(dates)[:, None] * np.arange(1, design.season_order + 1)
    columns += [np.sin(angle), np.cos(angle)]
    if panel.period == "daily":
        weekday = (dates.astype("datetime64[D]").astype(int) + 3) % 7
        columns.append((weekday[:, None] == np.arange(7)).astype(float))
    if design.controls:
        shift = panel.control_values[account] - design.control_mean[account][:, None]
        columns.append(np.nan_to_num(shift / design.control_sd[account][:, None]).T)
    columns.append(np.clip((since[:, None] - knots) / design.trend_knot_days, 0.0, 1.0))
    return np.concatenate(columns, axis=1)


def baseline_precision(design: Design, priors: Priors, n_baseline: int) -> np.ndarray:
    """(nuisance,) prior precision, in units of 1 / noise variance; the level's is zero (flat)."""
    n_weekday = 7 if design.period_days == 1 else 0
    n_trend = n_baseline - 1 - 2 * design.season_order - n_weekday - len(design.controls)
    wave = (np.arange(1, design.season_order + 1) / priors.season_sd) ** 2
    return np.concatenate(
        [
            [0.0],
            wave,
            wave,
            np.full(n_weekday, priors.weekday_sd**-2.0),
            np.full(len(design.controls), priors.control_sd**-2.0),
            np.full(n_trend, priors.trend_sd**-2.0),
        ]
    )


def basis_columns(design: Design, stock: np.ndarray, account: int) -> np.ndarray:
    """(period, cell * basis) basis of one account's existing cells, each with mean one."""
    cells = np.flatnonzero(design.exists[account])
    raw = saturation(stock[account, cells], design.half_saturation)
    basis = raw / design.basis_mean[account, cells][:, :, None, :]
    return np.moveaxis(basis, 2, 0).reshape(stock.shape[-1], -1)


def regression_rows(
    panel: Panel, design: Design, stock: np.ndarray, account: int
) -> tuple[np.ndarray, int]:
    """(period, p + q + 1) rows [baseline, basis, scaled outcome] of one account, and p."""
    baseline = baseline_columns(panel, design, account)
    basis = basis_columns(design, stock, account)
    money = panel.outcome[account] * panel.unit_value[account] / design.outcome_scale[account]
    return np.column_stack([baseline, basis, money]), baseline.shape[1]


def _year_share(dates: np.ndarray) -> np.ndarray:
    """Position of each date in its year, in [0, 1): leap days stretch nothing visible."""
    day = (dates - dates.astype("datetime64[Y]").astype("datetime64[D]")) / np.timedelta64(1, "D")
    return day / DAYS_PER_YEAR


def _masked(values: np.ndarray, observed: np.ndarray, summary) -> np.ndarray:
    """(account, control) summary over observed periods only."""
    if values.shape[1] == 0:
        return np.zeros(values.shape[:2])
    return summary(np.where(observed[:, None, :], values, np.nan), axis=2)


def _nonzero(spread: np.ndarray) -> np.ndarray:
    """A control that never moves is divided by one, not by zero."""
    return np.where(spread > 0, spread, 1.0)
