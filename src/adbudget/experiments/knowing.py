"""Choices + what a result would say -> which plan would be called then, and what knowing is worth.

What is expected of each plan once a result is known is a regression of its gain, over the draws, on
what the result would say: no new sampling, and no result has to be analysed. What the noise of the
result hides is known, so it is taken off in closed form instead of being drawn. The calls that
follow are those that ``decide`` makes: likely enough to pay, else what stands.

References
----------
Strong, Oakley & Brennan (2014), Medical Decision Making 34(3), 311-326.
Jalal & Alarid-Escudero (2018), Medical Decision Making 38(2), 174-188: the Gaussian approximation.
"""

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

from adbudget.experiments.choices import CALLED, TODAY, Choices

NODES = 1024  # results at which the calls that follow are looked at
NODES_OF_ONE = 256  # of a single result, which need no luck
NUMBERS_AT_ONCE = 1_000_000  # of results, nodes and plans that are looked at together


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Known:
    """What one block would be like once something is known.

    Attributes
    ----------
    value : margin money per period gained by it, on average
    flips : (own,) probability that a cell's call is another one then
    """

    value: float
    flips: np.ndarray


@dataclass(frozen=True, kw_only=True, eq=False)
class Knowing:
    """One block, ready to be asked.

    Attributes
    ----------
    choices : its plans
    enter, leave : standard normal quantiles of the probabilities at which a plan becomes a call,
        and at which one stands down
    mean, spread : (plan,) and (plan,) of the gains over draws; the latter a variance
    spread_calls : (plan,) variance of the gain over the plan of the calls
    """

    choices: Choices
    enter: float
    leave: float
    mean: np.ndarray
    spread: np.ndarray
    spread_calls: np.ndarray

    @staticmethod
    def of(choices: Choices, prob: float, leave: float) -> "Knowing":
        """Read the bars, as probabilities."""
        gain = choices.gain
        return Knowing(
            choices=choices,
            enter=float(ndtri(min(prob, 1 - 1e-9))),
            leave=float(ndtri(min(leave, prob, 1 - 1e-9))),
            mean=gain.mean(axis=0),
            spread=gain.var(axis=0),
            spread_calls=(gain - gain[:, [CALLED]]).var(axis=0),
        )

    def after(self, signals: np.ndarray, noise: float = 1.0) -> Known:
        """What knowing some results would be worth.

        Parameters
        ----------
        signals : (draw, result) what each is expected to be
        noise : standard error of each, 0 where it is known for sure
        """
        signals = signals - signals.mean(axis=0)
        varies = signals.std(axis=0) > 0
        own = self.choices.cells.size
        if not varies.any():
            return Known(value=0.0, flips=np.zeros(own))
        signals = signals[:, varies]
        n = signals.shape[0]
        covariance = signals.T @ signals / n
        # A hair of noise keeps results that say the same apart.
        hair = 1e-9 * np.trace(covariance) / covariance.shape[0]
        cross = signals.T @ (self.choices.gain - self.mean) / n
        slope = np.linalg.solve(covariance + hair * np.eye(len(covariance)), cross)
        read = covariance + (noise**2 + hair) * np.eye(len(covariance))
        # Of the covariance of what is expected, the part that a noisy result shows.
        shown = covariance @ np.linalg.solve(read, covariance)
        shift = _nodes(len(covariance)) @ _root(shown).T @ slope
        told = np.einsum("kp,kl,lp->p", slope, shown, slope)
        from_calls = slope - slope[:, [CALLED]]
        told_calls = np.einsum("kp,kl,lp->p", from_calls, shown, from_calls)
        plan = self._called(self.mean + shift, self.spread - told, self.spread_calls - told_calls)
        now = self._now
        gained = (self.mean + shift)[np.arange(plan.size), plan].mean() - self.mean[now]
        direction = self.choices.direction
        return Known(
            value=max(float(gained), 0.0),
            flips=(direction[plan] != direction[now]).mean(axis=0),
        )

    @cached_property
    def _now(self) -> int:
        """The plan that is called as things stand."""
        return int(self._called(self.mean[None], self.spread, self.spread_calls)[0])

    def after_each(self, signals: np.ndarray) -> list[Known]:
        """What each of many results would be worth by itself: :meth:`after`, all in one go.

        Parameters
        ----------
        signals : (draw, result) what each is expected to be, in units of its noise
        """
        at_once = max(1, NUMBERS_AT_ONCE // (NODES_OF_ONE * self.mean.size))
        parts = [signals[:, i : i + at_once] for i in range(0, signals.shape[1], at_once)]
        return [known for part in parts for known in self._after_some(part)]

    def _after_some(self, signals: np.ndarray) -> list[Known]:
        signals = signals - signals.mean(axis=0)
        variance = (signals**2).mean(axis=0)
        cross = signals.T @ (self.choices.gain - self.mean) / len(signals)
        some = variance > 0
        slope = np.divide(cross, variance[:, None], out=np.zeros_like(cross), where=some[:, None])
        shown = (variance**2 / (variance + 1))[:, None]
        shift = (np.sqrt(shown) * slope)[:, None, :] * _nodes(1)
        told, told_calls = shown * slope**2, shown * (slope - slope[:, [CALLED]]) ** 2
        left = self.spread - told, self.spread_calls - told_calls
        mean = self.mean + shift
        plan = self._called(mean, *(one[:, None, :] for one in left))
        then = np.take_along_axis(mean, plan[..., None], axis=-1)[..., 0].mean(axis=1)
        direction, now = self.choices.direction, self._now
        flips = (direction[plan] != direction[now]).mean(axis=1)
        return [
            Known(value=max(float(gained), 0.0), flips=own)
            for gained, own in zip(then - self.mean[now], flips, strict=True)
        ]

    def _called(self, mean: np.ndarray, spread: np.ndarray, spread_calls: np.ndarray) -> np.ndarray:
        """(...,) the plan that is called where gains have these means and variances.

        Parameters
        ----------
        mean : (..., plan)
        spread, spread_calls : (..., plan) of the gain, and of that over the plan of the calls
        """
        sd, sd_calls = (np.sqrt(np.maximum(one, 0.0)) for one in (spread, spread_calls))
        over = mean - mean[..., [CALLED]]
        likely = (mean > 0) & (mean >= self.enter * sd)
        likely &= (over > 0) & (over >= self.enter * sd_calls)
        likely[..., CALLED] = mean[..., CALLED] >= self.leave * sd[..., CALLED]
        likely[..., TODAY] = True
        if not self.choices.may_hold:
            likely[..., CALLED], likely[..., TODAY] = True, False
        return np.where(likely, mean, -np.inf).argmax(axis=-1)


def _root(covariance: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(values, 0.0))


@cache
def _nodes(n_dimensions: int) -> np.ndarray:
    """(node, dimension) standard normals, spread evenly; of mean zero."""
    if n_dimensions == 1:
        return ndtri((np.arange(NODES_OF_ONE) + 0.5) / NODES_OF_ONE)[:, None]
    points = qmc.Sobol(n_dimensions, rng=0).random(NODES // 2)
    normal = ndtri(np.clip(points, 1e-9, 1 - 1e-9))
    return np.concatenate([normal, -normal])
