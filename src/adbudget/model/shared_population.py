"""Sites of all shards + what is beside them -> Population of all accounts.

The counterpart of ``population.py``, which has one fit with all accounts in it. Reads no history.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy.special import expit
from scipy.stats import norm, qmc

from adbudget.model.beside import Beside, typical
from adbudget.model.layout import Layout
from adbudget.model.learned import digest
from adbudget.model.pooled import Pooled
from adbudget.model.population import KEPT_DRAWS, Population
from adbudget.model.priors import Priors
from adbudget.model.shard import priors_given
from adbudget.model.sharing import SALT_BYTES


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
    return Population(
        channels=channels,
        positions=draws_of(mean, cov, len(channels)),
        priors=known,
        **typical(parts, channels),
        versions=dict(versions),
    )
