"""mmm_simple, whose truth is published -> how much of it one fit with every default finds."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from adbudget.model.design import carried_spend, first_state
from adbudget.model.fit import Fit
from adbudget.model.held_out import basis_weights
from adbudget.model.regressors import regression_rows
from benchmarks.real_data.describing import describe, quantiles, roi_draws
from benchmarks.real_data.forecasting import joined
from benchmarks.real_data.reading import SIMPLE_CHANNELS, mmm_simple, mmm_simple_truth
from benchmarks.real_data.settings import SEED

WAVES = 2
DAYS_IN_YEAR = 365.25


def recovery(folder: Path) -> dict[str, Any]:
    """Returns and contributions beside the truth.

    ``least_squares`` is what a regression on the true contributions themselves, a trend and two
    yearly waves finds in place of 1, with its standard error: how far this one sample's noise
    leans. ``off`` is the share of a channel's contribution that falls in weeks without spend.
    """
    panel, true_paths = mmm_simple(folder), mmm_simple_truth(folder)
    record, fitted = describe(panel, SEED)
    roi, paths = roi_draws(fitted)[:, 0], contribution_paths(fitted)
    outcome = panel.outcome[0]
    factors = least_squares_on_truth(outcome, true_paths, panel.dates)
    channels = {}
    for i, name in enumerate(panel.channels):
        spend, true_path = panel.spend[0, i], true_paths[name].to_numpy()
        resting = spend == 0
        channels[name] = {
            "roi": quantiles(roi[:, i]),
            "true_roi": float(true_path.sum() / spend.sum()),
            "share": quantiles(roi[:, i] * spend.sum() / outcome.sum()),
            "true_share": float(true_path.sum() / outcome.sum()),
            "off": float(paths[i, resting].sum() / paths[i].sum()),
            "true_off": float(true_path[resting].sum() / true_path.sum()),
            "periods_on": int((~resting).sum()),
            "least_squares": factors[name],
        }
    return record | {"channels": channels}


def contribution_paths(fitted: Fit) -> np.ndarray:
    """(channel, period) posterior mean of what every channel brought, of the only account."""
    panel, design = fitted.panel, fitted.evidence.design
    stock = carried_spend(panel, design, first_state(panel, design))
    rows, n_baseline = regression_rows(panel, design, stock, 0)
    weights = basis_weights(fitted.evidence, joined(fitted.cell_draws), 0).mean(axis=0)
    owed = rows[:, n_baseline:-1] * weights * design.outcome_scale[0]
    return owed.reshape(panel.n_periods, -1, design.n_basis).sum(axis=2).T


def least_squares_on_truth(
    outcome: np.ndarray, true_paths: pd.DataFrame, dates: np.ndarray
) -> dict[str, list[float]]:
    """Factor on every true contribution, and its standard error."""
    days = (dates - dates[0]).astype(float)
    angle = 2 * np.pi * days / DAYS_IN_YEAR
    waves = [wave(k * angle) for k in range(1, WAVES + 1) for wave in (np.sin, np.cos)]
    design = np.column_stack([true_paths.to_numpy(), np.ones(days.size), days / days[-1], *waves])
    cross = np.linalg.inv(design.T @ design)
    estimate = cross @ design.T @ outcome
    rest = outcome - design @ estimate
    error = np.sqrt(np.diag(cross) * (rest @ rest) / (outcome.size - design.shape[1]))
    found = zip(SIMPLE_CHANNELS, estimate, error, strict=False)
    return {name: [float(factor), float(sd)] for name, factor, sd in found}
