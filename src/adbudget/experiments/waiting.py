"""Fit -> how many more periods of plain history would decide a cell. Runs no test.

What the history so far has told of a return is known: its spread before and after. Another stretch
of the same kind of history tells as much per period, so the result of waiting is the return, read
with the noise that is left. It says nothing where budgets stand still from now on.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from adbudget.experiments.trials import Laboratory

if TYPE_CHECKING:
    from adbudget.model.fit import Fit

COLUMNS = ("account", "channel", "weeks", "prob_flip", "roi_width", "decides")
WEEKS = (4, 8, 13, 26, 52, 104)
HALF = 0.5  # of what knowing everything would decide: from there on waiting has decided
LEAST_FLIP = 0.1  # chance of another call, below which nothing is decided
SURE = 0.999  # share of prior from which history has told nothing
NINETY = 3.29  # standard errors across a 90% interval


def waiting(
    lab: Laboratory, fit: "Fit", flips_if_known: Mapping[int, float], some: np.ndarray
) -> pd.DataFrame:
    """One row per cell and number of weeks.

    Parameters
    ----------
    flips_if_known : cell -> probability of another call if its curve were known
    some : positions of the draws that are used

    Returns
    -------
    pd.DataFrame: account, channel, weeks, prob_flip (of another call after that), roi_width (width
    of the 90% interval of the return, as a share of that of today), decides (whether that is likely
    at all, and at least half as likely as if the curve were known)
    """
    cells = fit.draws.cells.tolist()
    share = np.nan_to_num(fit.health.prior_share.reindex(fit.draws.cells).to_numpy(float), nan=1.0)
    log_return = _log_returns(fit, some)
    weeks_seen = (fit.panel.last - fit.panel.first + 1) * fit.panel.period_days / 7
    rows = []
    for cell, known in flips_if_known.items():
        own = log_return[:, cell]
        for weeks in WEEKS:
            # Precision after over before: 1 + weeks / weeks seen * (1 - share of prior squared).
            told = weeks / weeks_seen[lab.account[cell]] * max(1 - share[cell] ** 2, 0.0)
            prob = 0.0
            if told > 0 and own.std() > 0 and share[cell] < SURE:
                signal = (own - own.mean()) / own.std() * np.sqrt(told)
                known_then = lab.blocks[lab.block[cell]].after(signal[:, None])
                at = lab.blocks[lab.block[cell]].choices.cells.tolist().index(cell)
                prob = float(known_then.flips[at])
            account, channel = cells[cell]
            rows.append(
                {
                    "account": account,
                    "channel": channel,
                    "weeks": weeks,
                    "prob_flip": prob,
                    "roi_width": 1 / np.sqrt(1 + told),
                    "decides": prob >= max(HALF * known, LEAST_FLIP),
                }
            )
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"decides": bool})


def _log_returns(fit: "Fit", some: np.ndarray) -> np.ndarray:
    log_roi = fit.cell_draws.log_roi
    return log_roi.reshape(-1, log_roi.shape[-1])[some]
