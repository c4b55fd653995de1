"""Panel of one advertiser -> how long it works, beside the geometric lag of the literature.

Fits with every default. Knows nothing of files.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np

from adbudget import Panel
from benchmarks.real_data.carry_over_length import (
    duration,
    kernels,
    koyck,
    lag_shares,
    marginal_weights,
)
from benchmarks.real_data.describing import describe, quantiles
from benchmarks.real_data.reading import lydia
from benchmarks.real_data.settings import SEED

SHOWN_LAGS = 9
FIRST_YEAR = 1907
# Palda (1964) lets the level of sales step with the claims the law allowed: until 1914, 1925, 1940.
STEP_YEARS = (1914, 1925, 1940)


def carry_over(read: Callable[[Path], Panel], folder: Path) -> dict[str, Any]:
    """What comes at once, later and in the long run, with 90% intervals."""
    panel = read(folder)
    record, fitted = describe(panel, SEED)
    weights, kernel = marginal_weights(fitted.draws), kernels(fitted.draws)
    long_run = weights.sum(axis=1)
    shares = lag_shares(weights[long_run > 0], kernel)  # what does nothing lasts no time
    return record | {
        "carried": quantiles(1 - shares[:, 0]),
        "most_carried": float(1 - kernel[:, 0].min()),
        "duration": quantiles(duration(shares)),
        "long_run": quantiles(long_run),
        "short_run": quantiles(weights @ kernel[:, 0]),
        "lags": [quantiles(shares[:, lag]) for lag in range(SHOWN_LAGS)],
        "koyck": koyck(panel.outcome[0], panel.spend[0, 0]),
    }


def lydia_with_steps(folder: Path, year_as: Literal["weekly", "monthly"]) -> dict[str, Any]:
    """Lydia Pinkham, with Palda's own equation beside it."""

    def read(data: Path) -> Panel:
        return lydia(data, year_as)

    panel = read(folder)
    era = np.searchsorted(STEP_YEARS, FIRST_YEAR + np.arange(panel.n_periods))
    steps = koyck(panel.outcome[0], panel.spend[0, 0], era)
    return carry_over(read, folder) | {"koyck_with_steps": steps}
