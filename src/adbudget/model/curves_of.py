"""Cell draws + Evidence -> CurveDraws: from mean-one basis weights to curves in outcome units."""

import numpy as np

from adbudget.draws import CurveDraws
from adbudget.model.evidence import Evidence
from adbudget.model.priors import Priors
from adbudget.model.transform import CellDraws, concave
from adbudget.panel.panel import Panel


def curve_draws(cells: CellDraws, evidence: Evidence, panel: Panel, priors: Priors) -> CurveDraws:
    """Response curves of every cell, chains joined.

    Parameters
    ----------
    cells : (chain, draw, cell) returns and shapes
    evidence : design and the carry-out of the history
    panel : names, margins, currencies
    priors : which of the saturation curves are concave
    """
    design = evidence.design
    account, channel = np.argwhere(design.exists).T
    roi, adstock, shape = (
        _joined(v) for v in (cells.roi, cells.adstock, concave(cells.shape, priors))
    )
    # Average outcome per period, in outcome units: return times mean spend, less the unit's value.
    average = roi * design.scale[account, channel] / panel.unit_value[account]
    mean = design.basis_mean[account, channel, :, : design.half_saturation.size]
    per_basis = average[..., None, None] * adstock[..., :, None] * shape[..., None, :]
    per_basis /= mean  # in place: these are the largest numbers of a fit
    size = (roi.shape[0], *design.exists.shape, *mean.shape[1:])
    if design.exists.all():
        weights = per_basis.reshape(size)
    else:
        weights = np.zeros(size)
        weights[:, account, channel] = per_basis
    return CurveDraws(
        accounts=design.accounts,
        channels=design.channels,
        weights=weights,
        scale=design.unit,
        carry_in=evidence.carry_out,
        retention=design.retention,
        mix=design.mix,
        half_saturation=design.half_saturation,
        unit_value=panel.unit_value,
        margin=panel.margin,
        currency=panel.currency,
        period_days=panel.period_days,
        highest_spend=panel.highest_spend()
        .unstack("channel")
        .reindex(index=list(design.accounts), columns=list(design.channels))
        .to_numpy(),
    )


def _joined(values: np.ndarray) -> np.ndarray:
    """(chain, draw, ...) to (chain * draw, ...)."""
    return values.reshape(-1, *values.shape[2:])
