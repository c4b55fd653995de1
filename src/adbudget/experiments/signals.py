"""Design -> what its result would say of every draw, in units of its noise, and what it costs.

The result of a test is the outcome of its weeks, compared with the weeks before it. How far the
outcome would follow the spend is a path for every draw; what a level and a slope of the account's
own could explain of it is left out, and the rest is weighed as least squares would weigh it. Where
some regions are a control group, nothing has to be left out, but only a part of the account is
seen. Nothing here is simulated period by period by draw: curves are linear in their weights.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.special import ndtr

from adbudget.curves import adstock, mixed_adstock, saturation
from adbudget.draws import CurveDraws
from adbudget.experiments.designs import Arm, Design
from adbudget.simulation import tail_periods

LEAD_DAYS = 56  # before a test, from which its level and slope are told as well
STEP = 0.3  # of the spend, up and down, at which a curve that is known is known
TWO_SIDED = 1.96  # standard errors of a 95% interval


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Noise:
    """How noisy a period of each account is.

    Attributes
    ----------
    sd : (account,) of one period, outcome units
    autocorrelation : (account,) from one period to the next
    information : share of what Gaussian rows of that sd would tell
    outcome : (account,) mean outcome of one period
    """

    sd: np.ndarray
    autocorrelation: np.ndarray
    information: float
    outcome: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reading:
    """What one arm of a design would say.

    Attributes
    ----------
    signal : (draw,) expected result, in units of its standard error
    path : (period,) mean effect on the outcome, whitened, without level and slope; its square sum
        is one. Two tests of one account spoil each other when these are alike
    cost : (draw,) margin money given up, over the test and until its carry-over has faded
    extra_spend : money spent more over the test
    """

    signal: np.ndarray
    path: np.ndarray
    cost: np.ndarray
    extra_spend: float

    @property
    def power(self) -> float:
        """Probability that the result's 95% interval excludes zero, at the effect expected."""
        return power(abs(float(self.signal.mean())))


def power(effect: float) -> float:
    """Probability of a 95% interval that excludes zero, for an effect in standard errors."""
    return float(ndtr(effect - TWO_SIDED) + ndtr(-effect - TWO_SIDED))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reader:
    """Reads designs on one posterior.

    Attributes
    ----------
    draws : of the curves, those that are used
    noise : of the accounts
    current : (cell,) spend per period today
    lengths : (block,) periods of each block of a design
    holdout_error : standard error of a holdout's lift, scaled to the whole account, as a share of
        the account's outcome over the test; None when it is that of the account's noise
    """

    draws: CurveDraws
    noise: Noise
    current: np.ndarray
    lengths: tuple[int, ...]
    holdout_error: float | None = None
    _leaving_out: dict[float, np.ndarray] = field(default_factory=dict)

    @property
    def n_periods(self) -> int:
        """Periods of a test."""
        return sum(self.lengths)

    def curve(self, cell: int) -> np.ndarray:
        """(draw, 2) outcome per period that a step up would add, and a step down would lose."""
        draws = self.draws
        a, c = np.argwhere(draws.exists)[cell]
        levels = self.current[cell] / draws.scale[a, c] * np.array([1 - STEP, 1.0, 1 + STEP])
        basis = saturation(levels, draws.half_saturation)
        return draws.steady_weights[:, a, c] @ np.diff(basis, axis=0)[::-1].T

    def read(self, arm: Arm) -> Reading:
        """What an arm would say by itself."""
        draws = self.draws
        a, c = np.argwhere(draws.exists)[arm.cell]
        now, scale = self.current[arm.cell], draws.scale[a, c]
        n_tail = tail_periods(draws)
        factors = np.concatenate([np.repeat(arm.factors, self.lengths), np.ones(n_tail)])
        level = now / scale
        stock = adstock(level * factors, draws.retention, np.full(draws.retention.size, level))
        basis = saturation(mixed_adstock(stock, draws.mix), draws.half_saturation)
        change = basis - saturation(np.array(level), draws.half_saturation)
        change = change.transpose(1, 0, 2).reshape(factors.size, -1)
        weights = draws.weights[:, a, c].reshape(draws.n_draws, -1)
        share = 1.0 if arm.share is None else arm.share
        sign, path = self._weighing(a, arm, change @ weights.mean(axis=0))
        sd = self.noise.sd[a] / np.sqrt(self.noise.information)
        extra = share * now * float((factors - 1.0).sum())
        earned = share * draws.margin[a] * draws.unit_value[a] * (weights @ change.sum(axis=0))
        return Reading(
            signal=weights @ (sign @ change[: self.n_periods]) / sd,
            path=path,
            cost=extra - earned,
            extra_spend=extra,
        )

    def _weighing(self, a: int, arm: Arm, effect: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(period,) what each period's outcome counts for, in units of the noise; and the path."""
        n = self.n_periods
        if arm.share is not None:
            # Treated regions hold the part ``share`` of the noise's variance, the control regions
            # the rest; scaled to the treated ones, the difference has that of both.
            whole = np.full(n, np.sqrt(arm.share * (1 - arm.share) / n))
            if self.holdout_error is not None:
                sd = self.noise.sd[a] / np.sqrt(self.noise.information)
                whole = np.full(n, sd / (self.holdout_error * self.noise.outcome[a] * n))
            return np.sign(effect[:n].sum() or 1.0) * whole, np.zeros(self._n_lead + n)
        rho = float(self.noise.autocorrelation[a])
        if rho not in self._leaving_out:
            self._leaving_out[rho] = self._left_out(rho)
        left_out = self._leaving_out[rho]
        follows = left_out @ np.concatenate([np.zeros(self._n_lead), effect[:n]])
        size = np.sqrt(follows @ follows)
        path = follows / size if size > 0 else follows
        return (path @ left_out)[self._n_lead :], path

    @property
    def _n_lead(self) -> int:
        return max(2, round(LEAD_DAYS / self.draws.period_days))

    def _left_out(self, rho: float) -> np.ndarray:
        """(period, period) whitens rows and takes a level and a slope out of them."""
        n = self._n_lead + self.n_periods
        white = (np.eye(n) - rho * np.eye(n, k=-1)) / np.sqrt(1 - rho**2)
        white[0, 0] = 1.0
        level = np.stack([np.ones(n), np.linspace(-1, 1, n)], axis=1)
        own, _ = np.linalg.qr(white @ level)
        return white - own @ (own.T @ white)


def read_design(reader: Reader, design: Design) -> tuple[Reading, ...]:
    """What every arm would say."""
    return tuple(reader.read(arm) for arm in design.arms)
