"""Fit -> Priors of accounts that come later: what its accounts have shown, as a Gaussian.

Returns, spreads and shapes from the draws; base sales from what media leave in them; the calendar
from the search that found the baseline; the noise as it was found. Reads one fit, samples nothing.
"""

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from adbudget.model.baseline import FoundBaseline, search_baseline
from adbudget.model.factor import make_likelihood
from adbudget.model.layout import POPULATION
from adbudget.model.learned import Learned, digest, rows_of
from adbudget.model.level import base_odds, level_centre
from adbudget.model.priors import Priors

if TYPE_CHECKING:
    from adbudget.model.posterior import Posterior

SALT_BYTES = 16


def learn(fit: "Posterior") -> Priors:
    """What is believed of the next account, once the accounts of a fit are known.

    Parameters
    ----------
    fit : its draws of the shared parameters become a Gaussian of the same mean and covariance

    Returns
    -------
    The priors of the fit with ``learned``, and with the scalars that other accounts have shown:
    level of returns, share and spread of base sales, noise and trend
    """
    found = search_baseline(fit.evidence, fit.priors)
    learned = _learned(fit, found)
    part = learned.layout.split(np.array(learned.mean))
    odds, odds_sd = _typical_odds(fit)
    return replace(
        fit.priors,
        roi_median=float(np.exp(part["return_level"][0])),
        level_share=float(expit(odds)),
        level_odds_sd=odds_sd,
        level_spread=float(np.exp(part["level_log_spread"][0])),
        noise_share=float(np.exp(np.mean(np.log(found.scales.noise)))),
        trend_sd=float(found.scales.trend),
        baseline_df=fit.priors.baseline_df + len(found.systems),
        learned=learned,
    )


def _learned(fit: "Posterior", found: FoundBaseline) -> Learned:
    earlier, panel = fit.priors.learned, fit.panel
    mean, cov = found.common.all()
    shared = _shared_draws(fit)
    salt = _salt(fit) if earlier is None else earlier.salt
    own = {digest(name, salt) for name in panel.accounts}
    n_rows = int(np.isfinite(panel.outcome).sum())
    return Learned(
        channels=panel.channels,
        mean=tuple(shared.mean(axis=0).tolist()),
        covariance=rows_of(np.cov(shared, rowvar=False)),
        columns=found.shared.names,
        coefficients=tuple(mean.tolist()),
        coefficient_covariance=rows_of(cov),
        spreads=tuple(zip(found.shared.groups, found.scales.spread.tolist(), strict=True)),
        tail_df=float(fit.noise.tail_df),
        level_power=float(fit.noise.level_power),
        n_accounts=panel.n_accounts + (0 if earlier is None else earlier.n_accounts),
        n_rows=n_rows + (0 if earlier is None else earlier.n_rows),
        salt=salt,
        members=tuple(sorted(own | set(() if earlier is None else earlier.members))),
    )


def _salt(fit: "Posterior") -> str:
    """A key nobody can guess who does not hold the fit, and always the same for who does."""
    return hashlib.blake2b(fit.positions.tobytes(), digest_size=SALT_BYTES).hexdigest()


def _shared_draws(fit: "Posterior") -> np.ndarray:
    """(draw, shared) what accounts share, spreads without their meaningless sign."""
    flat = fit.positions.reshape(-1, fit.positions.shape[-1]).astype(float)
    part = fit.layout.split(flat)
    signless = ("channel_spread", "account_spread")
    parts = [np.abs(part[b]) if b in signless else part[b] for b in POPULATION]
    return np.concatenate(parts, axis=-1)


def _typical_odds(fit: "Posterior") -> tuple[float, float]:
    """Mean and sd of the log odds of base sales that are typical of accounts like these.

    Given the draws, the accounts' own odds and their spread are known, so what is typical is a
    Gaussian with known moments in each of them.
    """
    likelihood, cells = make_likelihood(fit.evidence, fit.priors), fit.cell_draws
    owed = cells.roi * likelihood.spend_share
    per_basis = owed[..., None, None] * cells.adstock[..., :, None] * cells.shape[..., None, :]
    weights = per_basis.reshape(-1, owed.shape[-1], per_basis[0, 0, 0].size)
    media = np.empty((weights.shape[0], len(likelihood.rank)))
    for a in range(media.shape[1]):
        own = weights[:, likelihood.first_cell[a] : likelihood.first_cell[a + 1]]
        own = own.reshape(own.shape[0], -1)
        media[:, a] = own @ likelihood.media_row[a, : own.shape[1]]
    odds = base_odds(np.maximum(media, np.finfo(float).tiny))
    spread = np.exp(fit.layout.split(fit.positions.astype(float))["level_log_spread"]).reshape(-1)
    centre, prior = level_centre(fit.priors)[0], fit.priors.level_odds_sd**-2.0
    precision = prior + odds.shape[1] / spread**2
    mean = (prior * centre + odds.sum(axis=1) / spread**2) / precision
    return float(mean.mean()), float(np.sqrt(mean.var() + (1 / precision).mean()))
