"""One shard of accounts + what the others say -> its site, or its fit.

A shard is sampled with the cavity as its prior: what all the other shards say of what accounts
share. Knows nothing of where the other shards are or how many there are.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit

from adbudget.model.evidence import Evidence
from adbudget.model.factor import Likelihood, make_likelihood
from adbudget.model.fit import Fit, fit_gathered
from adbudget.model.gathering import Gathered
from adbudget.model.health import convergence_of
from adbudget.model.layout import Layout
from adbudget.model.learned import Learned, rows_of
from adbudget.model.pooled import Pooled, with_pooled
from adbudget.model.priors import Priors
from adbudget.model.sampler import SamplerSettings, sample_compiled
from adbudget.model.scoring import told_by
from adbudget.model.sites import Natural, expected_before
from adbudget.panel.panel import Panel


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Site:
    """What one shard says of what accounts share.

    Attributes
    ----------
    factor : a Gaussian in the shared parameters of the shard's channels
    mean, sd : (parameter,) of its draws, the cavity included
    rhat, ess : worst over the shared parameters
    divergences : draws that diverged, of ``n_draws``
    """

    factor: Natural
    mean: np.ndarray
    sd: np.ndarray
    rhat: float
    ess: float
    divergences: int
    n_draws: int


def priors_before(priors: Priors, channels: tuple[str, ...], found: Pooled | None) -> Priors:
    """Priors of a shard before any shard was sampled: what others found of baseline and noise."""
    mean, cov = expected_before(priors, len(channels))
    return priors_given(priors, channels, mean, cov, found)


def priors_given(
    priors: Priors,
    channels: tuple[str, ...],
    mean: np.ndarray,
    covariance: np.ndarray,
    found: Pooled | None,
    *,
    dependent: bool = True,
    salt: str = "",
    members: tuple[str, ...] = (),
) -> Priors:
    """Priors of accounts whose shared parameters are known to be around ``mean``.

    Parameters
    ----------
    priors : beliefs before any account
    channels : in the order of the parameters
    mean, covariance : of the shared parameters, typical odds of base sales last
    found : what the others found of baseline and noise; None where nobody looked
    dependent : whether the typical odds go along with the others; a population, whose channels may
        be turned into others, holds them apart
    salt, members : key, and digests of the names of the accounts behind it
    """
    shared, follows = covariance[:-1, :-1], covariance[:-1, -1]
    slope = np.linalg.solve(shared, follows) if dependent else np.zeros(follows.size)
    odds_sd = float(np.sqrt(covariance[-1, -1] - slope @ follows))
    learned = Learned(
        channels=channels,
        mean=tuple(mean[:-1].tolist()),
        covariance=rows_of(shared),
        columns=(),
        coefficients=(),
        coefficient_covariance=(),
        spreads=(),
        tail_df=float("inf"),
        level_power=0.0,
        n_accounts=0,
        n_rows=0,
        salt=salt,
        members=members,
        odds_slope=tuple(slope.tolist()) if dependent else (),
    )
    known = with_pooled(priors, found, learned)
    return replace(known, level_share=float(expit(mean[-1])), level_odds_sd=odds_sd)


def sample_site(evidence: Evidence, priors: Priors, seed: int, settings: SamplerSettings) -> Site:
    """Sample a shard under its cavity, and tell what its own rows say.

    Parameters
    ----------
    evidence : of the shard
    priors : with the cavity, from :func:`priors_given`
    seed : same seed and evidence, same site
    settings : how to sample; short chains do
    """
    exists = evidence.design.exists
    layout = Layout(exists.shape[1], exists.shape[0], int(exists.sum()))
    likelihood = make_likelihood(evidence, priors)
    sample = sample_compiled(likelihood, priors, layout, seed, settings)
    diverged = int(sample.diverging.sum())
    return site_at(evidence, likelihood, priors, sample.positions, diverged, seed)


def site_at(
    evidence: Evidence,
    likelihood: Likelihood,
    priors: Priors,
    positions: np.ndarray,
    divergences: int,
    seed: int,
) -> Site:
    """The same from (chain, draw, size) positions that are there already."""
    chains, draws, size = positions.shape
    flat = positions.reshape(-1, size)
    told = told_by(evidence, likelihood, priors, flat, np.random.default_rng([seed, 1]))
    rhat, ess, _ = convergence_of(told.shared.reshape(chains, draws, -1))
    return Site(
        factor=told.site(),
        mean=told.shared.mean(axis=0),
        sd=told.shared.std(axis=0),
        rhat=rhat,
        ess=ess,
        divergences=divergences,
        n_draws=chains * draws,
    )


def fit_shard(
    panel: Panel,
    gathered: Gathered,
    priors: Priors,
    plain: Priors,
    seed: int,
    settings: SamplerSettings,
) -> Fit:
    """The fit of a shard's accounts, given what the others say of what all share.

    Parameters
    ----------
    panel, gathered : of the shard
    priors : with the cavity, from :func:`priors_given`
    plain : beliefs before any account: ``health.prior_share`` compares with them, as in a fit of
        all accounts together
    seed, settings : how to sample
    """
    return fit_gathered(
        panel, priors, gathered, seed, "compiled", settings, replace(plain, learned=None)
    )


def site_of_fit(fit: Fit) -> Site:
    """What the shard's own rows say, by the draws of its fit."""
    likelihood = make_likelihood(fit.evidence, fit.priors)
    return site_at(fit.evidence, likelihood, fit.priors, fit.positions, 0, fit.seed)
