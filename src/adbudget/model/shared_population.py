"""Sites of all shards + what is beside them -> Population of all accounts.

The counterpart of ``population.py``, which has one fit with all accounts in it. Reads no history.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit
from scipy.stats import norm, qmc

from adbudget.model.evidence import Evidence
from adbudget.model.layout import Layout
from adbudget.model.learned import digest
from adbudget.model.pooled import Pooled
from adbudget.model.population import KEPT_DRAWS, Population
from adbudget.model.priors import Priors
from adbudget.model.shard import priors_given
from adbudget.model.sharing import SALT_BYTES
from adbudget.panel.panel import Panel


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Beside:
    """What a population holds of a shard's accounts beside its site, summed over accounts.

    Attributes
    ----------
    accounts, channels : names
    basis : (channel, adstock, saturation) sum of mean raw bases; ``users`` (channel,) of so many
    bursts : (channel,) sum of the spend that money is spent at over mean spend
    retention, mix : as in :class:`~adbudget.model.population.Population`
    unit_value, margin, currency : each value once
    period_days : days in one period
    """

    accounts: tuple[str, ...]
    channels: tuple[str, ...]
    basis: np.ndarray
    users: np.ndarray
    bursts: np.ndarray
    retention: np.ndarray
    mix: np.ndarray
    unit_value: tuple[float, ...]
    margin: tuple[float, ...]
    currency: tuple[str, ...]
    period_days: float


def beside(panel: Panel, evidence: Evidence) -> Beside:
    """What a population needs of a shard that its site does not hold."""
    design = evidence.design
    in_use = design.exists[..., None, None]
    concave = design.basis_mean[..., : design.half_saturation.size]
    return Beside(
        accounts=panel.accounts,
        channels=panel.channels,
        basis=(concave * in_use).sum(axis=0),
        users=design.exists.sum(axis=0),
        bursts=np.nan_to_num(design.unit / design.scale).sum(axis=0),
        retention=design.retention,
        mix=design.mix,
        unit_value=tuple(np.unique(panel.unit_value).tolist()),
        margin=tuple(np.unique(panel.margin).tolist()),
        currency=tuple(dict.fromkeys(panel.currency)),
        period_days=panel.period_days,
    )


def folded(mean: np.ndarray, cov: np.ndarray, n_channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance once spreads, whose sign means nothing, are made positive."""
    layout = Layout(n_channels, 0, 0)
    at = layout.split(np.arange(layout.size))
    spreads = np.concatenate([at["channel_spread"], at["account_spread"]])
    sd = np.sqrt(np.diag(cov))
    z = mean[spreads] / sd[spreads]
    middle = mean.copy()
    middle[spreads] = 2 * sd[spreads] * norm.pdf(z) + mean[spreads] * (1 - 2 * norm.cdf(-z))
    scale = np.ones(mean.size)
    square = mean[spreads] ** 2 + sd[spreads] ** 2 - middle[spreads] ** 2
    scale[spreads] = np.sqrt(square) / sd[spreads]
    return middle, cov * scale * scale[:, None]


def draws_of(mean: np.ndarray, cov: np.ndarray, n_channels: int) -> np.ndarray:
    """(draw, shared) evenly spread draws of what accounts share, always the same."""
    even = qmc.Sobol(mean.size, rng=np.random.default_rng(0))
    points = even.random_base2(int(np.ceil(np.log2(KEPT_DRAWS))))[:KEPT_DRAWS]
    root = np.linalg.cholesky(cov)
    draws = mean + norm.ppf(np.clip(points, 1e-9, 1 - 1e-9)) @ root.T
    part = Layout(n_channels, 0, 0).split(draws)
    for block in ("channel_spread", "account_spread"):
        np.abs(part[block], out=part[block])
    return draws[:, :-1].astype(np.float32)


def population_of_shards(
    priors: Priors,
    channels: tuple[str, ...],
    mean: np.ndarray,
    cov: np.ndarray,
    parts: Sequence[Beside],
    found: Pooled,
    versions: Mapping[str, str],
    salt: str | None = None,
) -> Population:
    """What the accounts of some shards have in common.

    Parameters
    ----------
    priors : beliefs before any account
    channels : in the order of the parameters
    mean, cov : of the shared parameters as these shards found them, typical odds last
    parts, found : of the same shards
    versions : library -> version that made it
    salt : key of the digests of names; made of the numbers when None
    """
    middle, covariance = folded(mean, cov, len(channels))
    if salt is None:
        numbers = np.append(mean, cov).tobytes()
        salt = hashlib.blake2b(numbers, digest_size=SALT_BYTES).hexdigest()
    names = [name for part in parts for name in part.accounts]
    members = tuple(sorted(digest(name, salt) for name in names))
    known = priors_given(
        priors, channels, middle, covariance, found, dependent=False, salt=salt, members=members
    )
    level = Layout(len(channels), 0, 0).split(middle[:-1])
    known = replace(
        known,
        roi_median=float(np.exp(level["return_level"][0])),
        level_share=float(expit(middle[-1])),
        level_spread=float(np.exp(level["level_log_spread"][0])),
        noise_share=float(np.exp(found.log_noise / found.n_accounts)),
    )
    basis = np.zeros((len(channels), *parts[0].basis.shape[1:]))
    users, bursts = np.zeros(len(channels)), np.zeros(len(channels))
    for part in parts:
        at = [channels.index(name) for name in part.channels]
        basis[at] += part.basis
        users[at] += part.users
        bursts[at] += part.bursts
    n_users = np.maximum(users, 1)
    return Population(
        channels=channels,
        positions=draws_of(mean, cov, len(channels)),
        priors=known,
        basis_mean=basis / n_users[:, None, None],
        bursts=bursts / n_users,
        retention=parts[0].retention,
        mix=parts[0].mix,
        unit_value=tuple(sorted({value for part in parts for value in part.unit_value})),
        margin=tuple(sorted({value for part in parts for value in part.margin})),
        currency=tuple(dict.fromkeys(code for part in parts for code in part.currency)),
        period_days=parts[0].period_days,
        versions=dict(versions),
    )
