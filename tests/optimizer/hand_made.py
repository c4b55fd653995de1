"""Curve draws written by hand, for tests that need no fit."""

from typing import Any

import numpy as np
import pandas as pd

from adbudget.draws import CurveDraws


def hand_made(
    weights,
    *,
    scale: Any = 100.0,
    half_saturation=(1.0,),
    margin=1.0,
    currency=None,
    highest_spend=None,
):
    """CurveDraws with no carry-over. ``weights``: (draw, account, channel[, saturation])."""
    weights = np.asarray(weights, dtype=float)
    weights = weights if weights.ndim == 4 else weights[..., None]
    n_accounts, n_channels = weights.shape[1:3]
    return CurveDraws(
        accounts=tuple(f"account {a}" for a in range(n_accounts)),
        channels=tuple(f"channel {c}" for c in range(n_channels)),
        weights=weights[:, :, :, None, :],
        scale=np.full((n_accounts, n_channels), scale)
        if np.ndim(scale) == 0
        else np.asarray(scale, float),
        carry_in=np.zeros((n_accounts, n_channels, 1)),
        retention=np.zeros(1),
        half_saturation=np.asarray(half_saturation, dtype=float),
        unit_value=np.ones(n_accounts),
        margin=np.full(n_accounts, margin),
        currency=currency or ("EUR",) * n_accounts,
        period_days=7.0,
        highest_spend=highest_spend,
    )


def random_world(seed, n_accounts=2, n_channels=3, n_draws=40, n_basis=3):
    """Plausible curves with spread between draws, and a current plan."""
    rng = np.random.default_rng(seed)
    scale = rng.lognormal(5, 0.7, (n_accounts, n_channels))
    roi = rng.lognormal(0.7, 0.6, (n_accounts, n_channels))
    roi = roi * rng.lognormal(0, 0.5, (n_draws, n_accounts, n_channels))
    shape = rng.dirichlet(np.ones(n_basis), (n_draws, n_accounts, n_channels))
    weights = 2 * (roi * scale)[..., None] * shape
    half_saturation = np.geomspace(0.3, 3, n_basis)
    draws = hand_made(weights, scale=scale, half_saturation=half_saturation)
    spend = (scale * rng.uniform(0.6, 1.4, scale.shape)).ravel()
    return draws, pd.Series(spend, index=draws.cells, name="spend")


def spend_of(draws, *values):
    """Spend for every cell, in cell order."""
    return pd.Series(np.array(values, dtype=float), index=draws.cells, name="spend")
