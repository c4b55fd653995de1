"""What shards of accounts say of what all accounts share, as Gaussians that add up.

A Gaussian is kept as precision and pull (precision times mean), so the evidence of two shards is a
sum and "all but one" a difference. Parameters are those of ``Layout(channels, 0, 0)`` and, last,
the log odds of base sales that are typical. Knows nothing of panels or sampling.
"""

from dataclasses import dataclass
from functools import reduce

import numpy as np
from scipy.linalg import eigh

from adbudget.model.layout import Layout
from adbudget.model.level import LOG_SPREAD_SD, level_centre
from adbudget.model.priors import Priors

LEAST = 0.2  # of the prior's precision in any direction; sites found by chance may take some of it
SETTLED_PASSES, SETTLED = 20, 1e-6  # of the prior, whose tails depend on what they meet


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Natural:
    """A Gaussian, or a factor of one: precision need not be positive.

    Attributes
    ----------
    precision : (parameter, parameter)
    pull : (parameter,) precision times mean
    """

    precision: np.ndarray
    pull: np.ndarray

    def __add__(self, other: "Natural") -> "Natural":
        """Product of two factors."""
        return Natural(precision=self.precision + other.precision, pull=self.pull + other.pull)

    def __sub__(self, other: "Natural") -> "Natural":
        """Take a factor away."""
        return self + other.times(-1.0)

    def times(self, share: float) -> "Natural":
        """The factor to a power."""
        return Natural(precision=share * self.precision, pull=share * self.pull)

    def moments(self, least: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and covariance; directions known worse than a share of ``least`` are held to it.

        Parameters
        ----------
        least : (parameter, parameter) a precision, of the prior
        """
        level, vectors = eigh(self.precision, least)  # vectors' least vectors = 1
        cov = vectors / np.maximum(level, LEAST) @ vectors.T
        return cov @ self.pull, (cov + cov.T) / 2

    def at(self, places: np.ndarray, size: int) -> "Natural":
        """The same among more parameters, of which it knows those at ``places``."""
        precision, pull = np.zeros((size, size)), np.zeros(size)
        precision[np.ix_(places, places)], pull[places] = self.precision, self.pull
        return Natural(precision=precision, pull=pull)


def nothing(size: int) -> Natural:
    """The factor that says nothing."""
    return Natural(precision=np.zeros((size, size)), pull=np.zeros(size))


def total(parts: list[Natural], size: int) -> Natural:
    """Sum in the order given: always the same last digits."""
    return reduce(Natural.__add__, parts, nothing(size))


def places_of(channels: tuple[str, ...], among: tuple[str, ...]) -> np.ndarray:
    """(parameter,) where the parameters of some channels are among those of all of them."""
    whole = Layout(len(among), 0, 0)
    chosen = [among.index(name) for name in channels]
    blocks = whole.split(np.arange(whole.size)).values()
    parts = [block[chosen] if block.size > 1 else block for block in blocks]
    return np.concatenate([*parts, [whole.size]])


def believed(priors: Priors, n_channels: int, rest: Natural) -> Natural:
    """The prior as a Gaussian factor, where the evidence of all shards is ``rest``.

    Heavy tails pull less the further away what they meet is: a Student-t is a normal whose
    precision has a gamma prior, and that is taken at its posterior mean (variational Bayes).
    Half-normal spreads are normal on the side that counts.

    References
    ----------
    Bishop (2006), Pattern Recognition and Machine Learning, ch. 10.
    """
    level_weight = channel_weight = 1.0
    first = _prior(priors, n_channels, 1.0, 1.0)
    found = first
    for _ in range(SETTLED_PASSES):
        mean, cov = (found + rest).moments(first.precision)
        off, df = mean - _centre(priors, n_channels), priors.returns_df
        square = (off[0] ** 2 + cov[0, 0]) / priors.common_level**2
        apart = np.eye(n_channels, mean.size, 1)
        apart[:, 0] = -1.0
        spread = ((apart @ off) ** 2).sum() + np.trace(apart @ cov @ apart.T)
        before = level_weight, channel_weight
        level_weight = (df + 1) / (df + square)
        channel_weight = (df + n_channels) / (df + spread / priors.between_channels**2)
        found = _prior(priors, n_channels, level_weight, channel_weight)
        if np.allclose(before, (level_weight, channel_weight), rtol=SETTLED):
            break
    return found


def _centre(priors: Priors, n_channels: int) -> np.ndarray:
    odds, log_spread = level_centre(priors)
    one = np.ones(n_channels)
    return np.concatenate(
        [
            np.full(1 + n_channels, np.log(priors.roi_median)),
            np.zeros(n_channels + 1),
            priors.saturation_centre * one,
            priors.adstock_centre * one,
            [log_spread, odds],
        ]
    )


def _prior(priors: Priors, n_channels: int, level: float, channel: float) -> Natural:
    """Normal prior whose level and channels have these weights beside their scale."""
    one = np.ones(n_channels)
    sd = np.concatenate(
        [
            [priors.common_level / np.sqrt(level)],
            np.full(n_channels, np.inf),
            priors.channel_spread * one,
            [priors.account_spread],
            priors.saturation_sd * one,
            priors.adstock_sd * one,
            [LOG_SPREAD_SD, priors.level_odds_sd],
        ]
    )
    precision = np.diag(sd**-2.0)
    apart = np.eye(n_channels, sd.size, 1)
    apart[:, 0] = -1.0
    precision += channel / priors.between_channels**2 * apart.T @ apart
    return Natural(precision=precision, pull=precision @ _centre(priors, n_channels))


def expected_before(priors: Priors, n_channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of the prior itself; of spreads, of the side that counts."""
    prior = _prior(priors, n_channels, 1.0, 1.0)
    mean, cov = prior.moments(prior.precision)
    layout = Layout(n_channels, 0, 0)
    at = layout.split(np.arange(layout.size))
    for block in ("channel_spread", "account_spread"):
        scale = np.sqrt(cov[at[block], at[block]])
        mean[at[block]] = scale * (2 / np.pi) ** 0.5
        cov[at[block], at[block]] = scale**2 * (1 - 2 / np.pi)
    return mean, cov
