"""Positions -> the numbers whose ranks are tested, one row per draw.

The truth goes through the same function as the draws, so a mistake in the function cannot pass for
one in the sampling. Knows nothing of fitting.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from adbudget import CurveDraws, Panel
from adbudget.model.curves_of import curve_draws
from adbudget.model.evidence import Evidence
from adbudget.model.factor import Likelihood
from adbudget.model.level import base_sales_density
from adbudget.model.predict import baseline_draws
from adbudget.model.row_noise import RowNoise
from adbudget.model.transform import cell_draws

from .joint import Setting, basis_weights

RAISE = 1.3  # lift: 30% more spend in one cell
SHIFT = 0.2  # move: a fifth of the spend of the account's first channel, to its second

# Key -> what it is, in the order of tables and plots.
NAMES = {
    "log_roi": "ROI of a cell",
    "marginal_roi": "marginal ROI of a cell at current spend",
    "lift": "lift of 30% more spend in a cell",
    "shift_value": "value of moving a fifth of one channel's money to another",
    "account_media": "outcome owed to all channels of an account",
    "return_level": "level of return that channels share",
    "channel_return": "return of a channel",
    "channel_spread": "spread of accounts within a channel",
    "account_spread": "spread of whole accounts",
    "saturation_tilt": "saturation tilt of a channel",
    "adstock_tilt": "adstock tilt of a channel",
    "level_log_spread": "spread of base sales between accounts",
    "noise_sd": "noise of an account",
    "log_likelihood": "log likelihood of the outcome",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """What positions are read against: the evidence of one replication.

    Attributes
    ----------
    setting : design, priors, names
    panel : with the outcome of this replication
    evidence, likelihood : of that outcome
    current : Series by cell, today's spend per period
    noise : as the fit found it; None where it was given
    """

    setting: Setting
    panel: Panel
    evidence: Evidence
    likelihood: Likelihood
    current: pd.Series
    noise: RowNoise | None = None


def curves(frame: Frame, positions: np.ndarray) -> CurveDraws:
    """Response curves of positions (draw, size)."""
    setting = frame.setting
    cells = cell_draws(positions[None], setting.layout, setting.priors, *setting.cell_index)
    return curve_draws(cells, frame.evidence, frame.panel, setting.priors)


def quantities(frame: Frame, positions: np.ndarray) -> dict[str, np.ndarray]:
    """Every tested number but the noise.

    Parameters
    ----------
    frame : what the positions are read against
    positions : (draw, size)

    Returns
    -------
    key of :data:`NAMES` -> (draw, element)
    """
    setting = frame.setting
    part = setting.layout.split(positions)
    cells = cell_draws(positions, setting.layout, setting.priors, *setting.cell_index)
    draws, current = curves(frame, positions), frame.current
    exists = draws.exists
    raised = (draws.response(RAISE * current) - draws.response(current)).to_numpy()[:, exists]
    owed = np.nan_to_num(draws.response(current).to_numpy()).sum(axis=2)
    return {
        "log_roi": cells.log_roi,
        "marginal_roi": draws.marginal(current).to_numpy()[:, exists],
        "lift": raised,
        "shift_value": _shift_value(draws, current),
        "account_media": owed,
        "return_level": part["return_level"],
        "channel_return": part["channel_return"],
        "channel_spread": np.abs(part["channel_spread"]),
        "account_spread": np.abs(part["account_spread"]),
        "saturation_tilt": part["saturation_tilt"],
        "adstock_tilt": part["adstock_tilt"],
        "level_log_spread": part["level_log_spread"],
        "log_likelihood": log_likelihood(frame, positions),
    }


def draw_noise_sd(frame: Frame, positions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(draw, account) noise sd given the weights, in units of the evidence's outcome scale."""
    priors = frame.setting.priors
    if frame.noise is not None:  # a fit's own way, for a baseline that was found
        weights, account = _weights(frame, positions), frame.setting.cell_index[0]
        own = (
            weights[:, account == a].reshape(len(positions), -1)
            for a in range(len(frame.evidence.gram))
        )
        return np.stack(
            [
                baseline_draws(frame.evidence, frame.noise, priors, each, a, rng)[1]
                for a, each in enumerate(own)
            ],
            axis=1,
        )
    shape = (priors.noise_df + frame.likelihood.dof) / 2
    scale = (priors.noise_df * priors.noise_share**2 + misfit(frame, positions)) / 2
    return np.sqrt(scale / rng.gamma(shape, size=scale.shape))


def log_likelihood(frame: Frame, positions: np.ndarray) -> np.ndarray:
    """(draw, 1) log density of the outcome, up to a constant.

    It depends on the data, so its rank sees errors that leave every parameter's own distribution
    unharmed (Modrak et al. 2023).
    """
    priors = frame.setting.priors
    half_df = (priors.noise_df + frame.likelihood.dof) / 2
    scale = priors.noise_df * priors.noise_share**2 + misfit(frame, positions)
    rows = -(half_df * np.log(scale)).sum(axis=1)
    log_spread = frame.setting.layout.split(positions)["level_log_spread"][:, 0]
    means = base_sales_density(media_shares(frame, positions), log_spread, priors)
    return (rows + means)[:, None]


def media_shares(frame: Frame, positions: np.ndarray) -> np.ndarray:
    """(draw, account) media as a share of the mean outcome."""
    given, weights = frame.likelihood, _weights(frame, positions)
    account = frame.setting.cell_index[0]
    own = [weights[:, account == a].reshape(len(positions), -1) for a in range(len(given.rank))]
    shares = [w @ row[: w.shape[1]] for w, row in zip(own, given.media_row, strict=True)]
    return np.stack(shares, axis=1)


def _weights(frame: Frame, positions: np.ndarray) -> np.ndarray:
    """(draw, cell, basis) in units of this evidence's outcome scale, not the one that drew."""
    rescale = frame.setting.design.outcome_scale / frame.evidence.design.outcome_scale
    account = frame.setting.cell_index[0]
    return basis_weights(frame.setting, positions) * rescale[account][:, None]


def misfit(frame: Frame, positions: np.ndarray) -> np.ndarray:
    """(draw, account) squared error that the weights leave, baseline integrated out."""
    given = frame.likelihood
    account = frame.setting.cell_index[0]
    weights = _weights(frame, positions)
    left = np.empty((len(positions), len(given.rank)))
    for a, rank in enumerate(given.rank):
        own = weights[:, account == a].reshape(len(positions), -1)
        error = own @ given.factor[a, : own.shape[1], :rank] - given.target[a, :rank]
        left[:, a] = given.rest[a] + (error**2).sum(axis=1)
    return left


def _shift_value(draws: CurveDraws, current: pd.Series) -> np.ndarray:
    """(draw, account) outcome won by moving money from an account's first channel to its second."""
    plan = current.copy()
    for account in draws.accounts:
        giver, taker = current.loc[[account]].index[:2]
        moved = SHIFT * current[giver]
        plan[giver], plan[taker] = current[giver] - moved, current[taker] + moved
    change = (draws.response(plan) - draws.response(current)).to_numpy()
    return np.nan_to_num(change).sum(axis=2)
