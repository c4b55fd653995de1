"""Draws of one shard -> its site: what its accounts say of what all share, as a Gaussian factor.

The usual way takes the precision of the cavity from that of the draws. The difference of two large
numbers is small and noisy, the inverse of a covariance of n draws of p parameters is too large by
(p + 1) / n, and both add up over shards. Here the site is a regression of scores instead. By
Stein's identity, the precision of a site of expectation propagation is less the slope of the
shard's own score (the gradient of the log likelihood of its accounts) on the shared parameters.
Slopes are unbiased however few draws there are, and their noise does not grow with the number of
shards. What the accounts' own effects add to the noise is taken off by scores whose mean is known
to be zero (control variates).
"""

from dataclasses import dataclass

import numpy as np

from adbudget.model.block import pack
from adbudget.model.density import HEADER, value_and_gradient
from adbudget.model.evidence import Evidence
from adbudget.model.factor import Likelihood
from adbudget.model.layout import POPULATION, Layout
from adbudget.model.level import base_odds, level_centre
from adbudget.model.priors import Priors
from adbudget.model.sites import Natural
from adbudget.model.transform import cell_draws

CENTRE, TYPICAL_SD = HEADER + 17, HEADER + 18  # places in the block of the density
LEAST_PER_COLUMN = 5  # draws for every regressor; with fewer, control variates are left out


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Told:
    """Draws of one shard, and the scores of its own rows at them.

    Attributes
    ----------
    shared : (draw, parameter) what accounts share, typical odds of base sales last
    scores : (draw, parameter) gradient of the log density of the shard's rows and its accounts'
        effects by them
    nought : (draw, control variate) of mean zero, whatever the shared parameters are
    """

    shared: np.ndarray
    scores: np.ndarray
    nought: np.ndarray

    def site(self) -> Natural:
        """The Gaussian factor whose score is nearest to the shard's."""
        centre = self.shared.mean(axis=0)
        columns = [np.ones((len(self.shared), 1)), self.shared - centre]
        used = self.nought[:, self.nought.std(axis=0) > 0]
        if len(used) >= LEAST_PER_COLUMN * (1 + centre.size + used.shape[1]):
            columns.append(used / used.std(axis=0))
        found = np.linalg.lstsq(np.concatenate(columns, axis=1), self.scores, rcond=None)[0]
        slope = found[1 : 1 + centre.size]
        precision = -(slope + slope.T) / 2
        return Natural(precision=precision, pull=found[0] + precision @ centre)


def told_by(
    evidence: Evidence,
    likelihood: Likelihood,
    priors: Priors,
    positions: np.ndarray,
    rng: np.random.Generator,
) -> Told:
    """Scores at draws of a shard.

    Parameters
    ----------
    evidence, likelihood : of the shard
    priors : the draws were made with; ``learned`` is the cavity
    positions : (draw, size)
    rng : of the typical odds, which the draws leave out: they are drawn here, given the rest
    """
    exists = evidence.design.exists
    layout = Layout(exists.shape[1], exists.shape[0], int(exists.sum()))
    positions = _folded(np.array(positions, dtype=float), layout, likelihood.cell_channel)
    odds = _odds(evidence, likelihood, priors, layout, positions)
    part = layout.split(positions)
    variance = np.exp(2 * part["level_log_spread"][:, 0])
    shared = np.column_stack([part[b] for b in POPULATION])
    centre, prior = odds_expected(priors, shared), priors.level_odds_sd**-2.0
    known = prior + odds.shape[1] / variance
    typical = (prior * centre + odds.sum(axis=1) / variance) / known
    typical = typical + rng.normal(size=typical.size) / np.sqrt(known)
    block = pack(likelihood, priors)
    n_shared = shared.shape[1]
    # The cavity is no part of the shard's score, neither its precision nor what the odds follow.
    block[block.size - n_shared * (n_shared + 1) :] = 0.0
    block[TYPICAL_SD] = 0.0
    gradient = np.empty_like(positions)
    for i, position in enumerate(positions):
        block[CENTRE] = typical[i]
        gradient[i] = value_and_gradient(position, block)[1]
    slope = layout.split(gradient)
    of_odds = (odds - typical[:, None]).sum(axis=1) / variance
    return Told(
        shared=np.column_stack([shared, typical]),
        scores=np.column_stack([*(slope[b] for b in POPULATION), of_odds]),
        nought=_of_mean_zero(part, slope, likelihood.cell_channel, layout.n_channels),
    )


def odds_expected(priors: Priors, shared: np.ndarray) -> np.ndarray:
    """(draw,) typical log odds of base sales to be expected where (draw, shared) are known."""
    centre = np.full(len(shared), level_centre(priors)[0])
    if priors.learned is None:
        return centre
    return centre + (shared - np.array(priors.learned.mean)) @ priors.learned.slope()


def _folded(positions: np.ndarray, layout: Layout, cell_channel: np.ndarray) -> np.ndarray:
    """Positions of the same density whose spreads are positive, in place."""
    part = layout.split(positions)  # views
    sign = np.where(part["channel_spread"] < 0, -1.0, 1.0)
    part["channel_spread"][:] *= sign
    part["cell_effect"][:] *= sign[:, cell_channel]
    sign = np.where(part["account_spread"] < 0, -1.0, 1.0)
    part["account_spread"][:] *= sign
    part["account_effect"][:] *= sign
    return positions


def _odds(
    evidence: Evidence,
    likelihood: Likelihood,
    priors: Priors,
    layout: Layout,
    positions: np.ndarray,
) -> np.ndarray:
    """(draw, account) log of base sales over media."""
    account, channel = np.argwhere(evidence.design.exists).T
    cells = cell_draws(positions, layout, priors, account, channel)
    # As the density has it: a return that is negligible is still more than none.
    owed = np.exp(cells.log_roi) * likelihood.spend_share
    media = np.empty((len(positions), layout.n_accounts))
    for a in range(layout.n_accounts):
        own = slice(likelihood.first_cell[a], likelihood.first_cell[a + 1])
        row = likelihood.media_row[a].reshape(-1, *cells.adstock.shape[-1:], cells.shape.shape[-1])
        row = row[: own.stop - own.start]
        parts = (owed[:, own], cells.adstock[:, own], cells.shape[:, own], row)
        media[:, a] = np.einsum("di,dij,dim,ijm->d", *parts, optimize=True)
    return base_odds(np.maximum(media, np.finfo(float).tiny))


def _of_mean_zero(
    part: dict[str, np.ndarray], slope: dict[str, np.ndarray], channel: np.ndarray, n_channels: int
) -> np.ndarray:
    """Scores of the accounts' own effects, summed by channel: moved together, and spread out."""
    member = np.eye(n_channels)[channel]
    moved = [slope[name] @ member for name in ("cell_effect", "cell_saturation", "cell_adstock")]
    own, by_own = part["cell_effect"], slope["cell_effect"]
    whole, by_whole = part["account_effect"], slope["account_effect"]
    return np.column_stack(
        [
            *moved,
            (own * by_own + 1) @ member,
            by_whole.sum(axis=1),
            (whole * by_whole + 1).sum(axis=1),
        ]
    )
