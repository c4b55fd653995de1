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
from functools import cache

import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

from adbudget.experiments.choices import CALLED, TODAY, Choices

NODES = 1024  # results at which the calls that follow are looked at
NODES_OF_ONE = 256  # of a single result, which need no luck


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
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
        now = self._called(self.mean[None], self.spread, self.spread_calls)[0]
        gained = (self.mean + shift)[np.arange(plan.size), plan].mean() - self.mean[now]
        direction = self.choices.direction
        return Known(
            value=max(float(gained), 0.0),
            flips=(direction[plan] != direction[now]).mean(axis=0),
        )

    def _called(self, mean: np.ndarray, spread: np.ndarray, spread_calls: np.ndarray) -> np.ndarray:
        """(node,) the plan that is called where gains have these means and variances.

        Parameters
        ----------
        mean : (node, plan)
        spread, spread_calls : (plan,) of the gain, and of that over the plan of the calls
        """
        sd, sd_calls = (np.sqrt(np.maximum(one, 0.0)) for one in (spread, spread_calls))
        over = mean - mean[:, [CALLED]]
        likely = (mean > 0) & (mean >= self.enter * sd)
        likely &= (over > 0) & (over >= self.enter * sd_calls)
        likely[:, CALLED] = mean[:, CALLED] >= self.leave * sd[CALLED]
        likely[:, TODAY] = True
        if not self.choices.may_hold:
            likely[:, CALLED], likely[:, TODAY] = True, False
        return np.where(likely, mean, -np.inf).argmax(axis=1)


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
