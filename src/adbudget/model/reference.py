"""Panel + Priors -> Design: fix every scale and reference point, once, from the first panel."""

from dataclasses import replace

import numpy as np

from adbudget.curves import mixed_adstock
from adbudget.model.demand import find_common_movement
from adbudget.model.design import Design, adstock_grid, carried_spend, first_state
from adbudget.model.priors import Priors
from adbudget.panel.panel import Panel


def make_design(panel: Panel, priors: Priors) -> Design:
    """Fix every scale and reference point from the first panel.

    Parameters
    ----------
    panel : what was spent and earned
    priors : grids, season order, trend knots
    """
    exists = np.any(panel.live, axis=2)
    life = np.maximum(panel.live.sum(axis=2), 1)
    scale = np.where(exists, (panel.spend * panel.live).sum(axis=2) / life, np.nan)
    spent = np.where(exists, (panel.spend * panel.live).sum(axis=2), 1.0)
    unit = np.where(exists, (np.square(panel.spend) * panel.live).sum(axis=2) / spent, np.nan)
    retention, mix = adstock_grid(priors, panel.period_days)
    n_curves = len(priors.half_saturation) + len(priors.s_shaped)
    observed = np.isfinite(panel.outcome)
    money = np.where(observed, panel.outcome * panel.unit_value[:, None], 0.0)
    default_order = 2 if panel.period == "monthly" else 4
    design = Design(
        accounts=panel.accounts,
        channels=panel.channels,
        controls=panel.controls,
        scale=scale,
        outcome_scale=np.abs(money).sum(axis=1) / observed.sum(axis=1),
        basis_mean=np.ones((*scale.shape, mix.shape[0], n_curves)),
        retention=retention,
        mix=mix,
        unit=unit,
        half_saturation=np.array(priors.half_saturation),
        s_shaped=np.array(priors.s_shaped, dtype=float),
        origin=panel.dates[panel.first],
        control_mean=_masked(panel.control_values, observed, np.nanmean),
        control_sd=_nonzero(_masked(panel.control_values, observed, np.nanstd)),
        period_days=panel.period_days,
        season_order=default_order if priors.season_order is None else priors.season_order,
        trend_knot_days=priors.trend_knot_days,
    )
    design = replace(design, movement=find_common_movement(panel, design))
    stock = carried_spend(panel, design, first_state(panel, design))
    basis = design.saturated(mixed_adstock(stock, mix)) * panel.live[:, :, None, :, None]
    mean = basis.sum(axis=3) / life[..., None, None]
    return replace(design, basis_mean=np.where(exists[..., None, None], mean, 1.0))


def _masked(values: np.ndarray, observed: np.ndarray, summary) -> np.ndarray:
    """(account, control) summary over observed periods only."""
    if values.shape[1] == 0:
        return np.zeros(values.shape[:2])
    return summary(np.where(observed[:, None, :], values, np.nan), axis=2)


def _nonzero(spread: np.ndarray) -> np.ndarray:
    """A control that never moves is divided by one, not by zero."""
    return np.where(spread > 0, spread, 1.0)
