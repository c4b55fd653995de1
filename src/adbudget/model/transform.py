"""Positions -> returns and weights, in plain numpy: what the compiled density does, for many draws.

log ROI = bend(channel_return + account_spread * account_effect + channel_spread * cell_effect)
shape   = softmax over half-lives x softmax over half-saturations, both tilted
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from adbudget.model.layout import POPULATION, Layout
from adbudget.model.priors import Priors

BEND_WIDTH = 0.25  # how sharply the bend towards zero sets in, in log units
# A return below this share of the median one is nothing a panel could ever tell from zero.
NEGLIGIBLE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellDraws:
    """Draws of every cell.

    Attributes
    ----------
    log_roi : (..., cell) log average return over the history, however small
    roi : (..., cell) the return itself, exactly zero where it is negligible
    memory : (..., cell, retention) shares of the half-life grid
    shape : (..., cell, saturation) shares of the half-saturation grid
    """

    log_roi: np.ndarray
    roi: np.ndarray
    memory: np.ndarray
    shape: np.ndarray


def bend(raw_log_return: np.ndarray, priors: Priors) -> np.ndarray:
    """Log return with a heavier left tail, so that a true zero can be reached.

    Above ``log(roi_median) - null_start`` it is the identity, below it falls ``1 + null_slope``
    times as fast, smoothly in between. A log-normal alone would keep the 5% quantile of a channel
    that does nothing well above zero.
    """
    start = np.log(priors.roi_median) - priors.null_start
    below = BEND_WIDTH * np.logaddexp(0.0, (start - raw_log_return) / BEND_WIDTH)
    return raw_log_return - priors.null_slope * below


def tilt_grids(priors: Priors) -> tuple[np.ndarray, np.ndarray]:
    """Tilt directions over the two grids, within [-1, 1]: half-lives by rank, saturation by log."""
    n_memory = len(priors.memories)
    memory = np.linspace(-1, 1, n_memory) if n_memory > 1 else np.zeros(1)
    log_point = np.log(priors.half_saturation)
    reach = max(np.ptp(log_point) / 2, 1e-9)
    return memory, (log_point - (log_point[0] + log_point[-1]) / 2) / reach


def cell_draws(
    positions: np.ndarray,
    layout: Layout,
    priors: Priors,
    cell_account: np.ndarray,
    cell_channel: np.ndarray,
) -> CellDraws:
    """Positions (..., size) to the return and the shape of every cell."""
    part = layout.split(positions)
    account = part["account_spread"] * part["account_effect"]
    raw = (
        part["channel_return"][..., cell_channel]
        + account[..., cell_account]
        + part["channel_spread"][..., cell_channel] * part["cell_effect"]
    )
    tilt = priors.cell_tilt_sd
    memory_tilt = part["memory_tilt"][..., cell_channel] + tilt * part["cell_memory"]
    shape_tilt = part["saturation_tilt"][..., cell_channel] + tilt * part["cell_saturation"]
    memory_grid, shape_grid = tilt_grids(priors)
    log_roi = bend(raw, priors)
    negligible = log_roi < np.log(NEGLIGIBLE * priors.roi_median)
    return CellDraws(
        log_roi=log_roi,
        roi=np.where(negligible, 0.0, np.exp(log_roi)),
        memory=softmax(memory_tilt[..., None] * memory_grid, axis=-1),
        shape=softmax(shape_tilt[..., None] * shape_grid, axis=-1),
    )


def cells_of_new_account(
    positions: np.ndarray,
    layout: Layout,
    priors: Priors,
    channels: np.ndarray,
    rng: np.random.Generator,
) -> CellDraws:
    """Cells of an account that nothing is known of but the population it belongs to.

    Parameters
    ----------
    positions : (draw, size) draws that know the population
    layout : their order
    priors : grids and the spread of shapes
    channels : (cell,) channels the account uses
    rng : of the account's own effects, fresh in every draw
    """
    own = Layout(layout.n_channels, 1, channels.size)
    fresh = rng.normal(size=(positions.shape[0], own.size))
    known, new = layout.split(positions), own.split(fresh)
    for block in POPULATION:
        new[block][:] = known[block]  # views: writing to a part writes to the positions
    return cell_draws(fresh, own, priors, np.zeros(channels.size, dtype=int), channels)
