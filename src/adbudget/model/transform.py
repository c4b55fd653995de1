"""Positions -> returns and weights, in plain numpy: what the compiled density does, for many draws.

log ROI = bend(channel_return + account_spread * account_effect + channel_spread * cell_effect),
bent towards zero below the level that channels share;
shape   = softmax over half-lives x softmax over half-saturations, both tilted
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from adbudget.model.layout import POPULATION, Layout
from adbudget.model.priors import Priors

BEND_WIDTH = 0.25  # how sharply the bend towards zero sets in, in log units
# A return below this share of the level channels share: no panel could ever tell it from zero.
NEGLIGIBLE = 0.02


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellDraws:
    """Draws of every cell.

    Attributes
    ----------
    log_roi : (..., cell) log average return over the history, however small
    roi : (..., cell) the return itself, exactly zero where it is negligible
    adstock : (..., cell, retention) shares of the half-life grid
    shape : (..., cell, saturation) shares of the saturation curves, concave ones first
    """

    log_roi: np.ndarray
    roi: np.ndarray
    adstock: np.ndarray
    shape: np.ndarray


def bend(raw_log_return: np.ndarray, level: np.ndarray | float, priors: Priors) -> np.ndarray:
    """Log return with a heavier left tail, so that a true zero can be reached.

    Above ``level - null_start`` it is the identity, below it falls ``1 + null_slope`` times as
    fast, smoothly in between. A log-normal alone would keep the 5% quantile of a channel that does
    nothing well above zero.
    """
    start = level - priors.null_start
    below = BEND_WIDTH * np.logaddexp(0.0, (start - raw_log_return) / BEND_WIDTH)
    return raw_log_return - priors.null_slope * below


def tilt_grids(priors: Priors) -> tuple[np.ndarray, np.ndarray]:
    """What log weights are proportional to: curves by rank, on [-1, 1], times their focus.

    Adstocks run from short to long, saturation curves from those that saturate first over those
    that hardly do to the S-shaped ones.
    """
    adstock = priors.adstock_focus * _places(len(priors.adstocks))
    return adstock, priors.saturation_focus * _places(len(priors.saturation_names))


def tilt_windows(priors: Priors) -> tuple[np.ndarray, np.ndarray]:
    """(adstock,) and (saturation,) log weights of a channel in the middle, which gather there.

    With the tilt, those of a channel at place p fall with the squared distance from p.
    """
    adstock = -0.5 * priors.adstock_focus * _places(len(priors.adstocks)) ** 2
    return adstock, -0.5 * priors.saturation_focus * _places(len(priors.saturation_names)) ** 2


def _places(n_curves: int) -> np.ndarray:
    return np.linspace(-1, 1, n_curves) if n_curves > 1 else np.zeros(1)


def concave(shape: np.ndarray, priors: Priors) -> np.ndarray:
    """Shares of the concave curves alone: the straightest of them stands in for S-shaped ones.

    Decisions need curves that bend one way, and a plan is a constant spend, where an S-shape that
    was seen in bursts would say next to nothing. The average return over the history stays.
    """
    n_concave = len(priors.half_saturation)
    shares = shape[..., :n_concave].copy()
    shares[..., -1] += shape[..., n_concave:].sum(axis=-1)
    return shares


def known_spreads(
    n_accounts: int, n_channels: int, cell_channel: np.ndarray, priors: Priors
) -> tuple[np.ndarray, float]:
    """(channel,) and one for accounts: spreads that are taken as known; 0 where they are learned.

    One account says nothing of how far accounts differ. Left free, such a spread times an effect
    is a funnel that the sampler cannot explore, and the answer is the same without it. Where other
    accounts have shown how far they differ, nothing has to be taken as known.
    """
    if priors.learned is not None:
        return np.zeros(n_channels), 0.0
    n_cells = np.bincount(cell_channel, minlength=n_channels)
    channel = np.where(n_cells > 1, 0.0, priors.channel_spread)
    return channel, 0.0 if n_accounts > 1 else priors.account_spread


def cell_draws(
    positions: np.ndarray,
    layout: Layout,
    priors: Priors,
    cell_account: np.ndarray,
    cell_channel: np.ndarray,
    *,
    spreads_as_drawn: bool = False,
) -> CellDraws:
    """Positions (..., size) to the return and the shape of every cell.

    Spreads that the cells cannot tell are those of :func:`known_spreads`, or, for an account that
    joins others, as they were drawn.
    """
    part = layout.split(positions)
    channel_known, account_known = known_spreads(
        layout.n_accounts, layout.n_channels, cell_channel, priors
    )
    learned = spreads_as_drawn | (channel_known == 0)
    channel_spread = np.where(learned, part["channel_spread"], channel_known)
    account_spread = account_known or part["account_spread"]
    if spreads_as_drawn:
        account_spread = part["account_spread"]
    account = account_spread * part["account_effect"]
    level = part["return_level"]
    raw = (
        part["channel_return"][..., cell_channel]
        + account[..., cell_account]
        + channel_spread[..., cell_channel] * part["cell_effect"]
    )
    tilt = priors.cell_saturation_sd
    own_place = priors.cell_adstock_sd * part["cell_adstock"]
    adstock_place = part["adstock_tilt"][..., cell_channel] + own_place
    shape_tilt = part["saturation_tilt"][..., cell_channel] + tilt * part["cell_saturation"]
    adstock_grid, shape_grid = tilt_grids(priors)
    adstock_window, shape_window = tilt_windows(priors)
    log_roi = bend(raw, level, priors)
    negligible = log_roi < level + np.log(NEGLIGIBLE)
    return CellDraws(
        log_roi=log_roi,
        roi=np.where(negligible, 0.0, np.exp(log_roi)),
        adstock=softmax(adstock_place[..., None] * adstock_grid + adstock_window, axis=-1),
        shape=softmax(shape_tilt[..., None] * shape_grid + shape_window, axis=-1),
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
    new["cell_effect"][:] = rng.standard_t(priors.returns_df, size=new["cell_effect"].shape)
    for block in POPULATION:
        new[block][:] = known[block]  # views: writing to a part writes to the positions
    first = np.zeros(channels.size, dtype=int)
    return cell_draws(fresh, own, priors, first, channels, spreads_as_drawn=True)
