"""Spend -> value of a plan: draws, gradient, curvature. Knows nothing of limits or search.

    V_d(s) = sum_i sum_m w_dim * (phi_m(x_i) - phi_m(x0_i)) - (s_i - s0_i),      x_i = s_i / scale_i

is linear in the features phi, so values and gradients are products with one matrix. A pool's
objective is (1 - a) * mean + a * tail mean. The tail mean is the smallest average over weights pi
with 0 <= pi_d <= 1 / n_worst and sum one, so every such pi bounds it from above.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from adbudget.curves import saturation, saturation_slope
from adbudget.optimizer.problem import Problem
from adbudget.risk import Risk, count_worst, tail_mean


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PoolCurves:
    """The curves of one pool's cells, in money.

    Attributes
    ----------
    cells : (cell,) positions in the unit being solved
    weights : (draw, saturation, cell) money per period at full saturation; one row, the mean over
        draws, when only the mean counts
    by_saturation : (saturation, draw, cell) the same, one saturation in one piece
    offset : (draw,) value today's spend has against itself, money; subtracted from every value
    """

    cells: np.ndarray
    weights: np.ndarray
    by_saturation: np.ndarray
    offset: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curves:
    """Curves of all cells solved together.

    Attributes
    ----------
    scale, current : (cell,) spend per period
    half_saturation : (saturation,)
    pools : one entry per pool, or one for all pools when only the mean counts
    """

    scale: np.ndarray
    current: np.ndarray
    half_saturation: np.ndarray
    pools: tuple[PoolCurves, ...]

    @property
    def n_draws(self) -> int:
        """Draws kept apart; 1 when only the mean counts."""
        return self.pools[0].weights.shape[0]

    def features(self, spend: np.ndarray) -> np.ndarray:
        """(saturation, cell) basis curves at ``spend``."""
        return saturation(spend / self.scale, self.half_saturation).T

    def slopes(self, spend: np.ndarray) -> np.ndarray:
        """(saturation, cell) their derivatives, per unit of spend."""
        level = spend / self.scale
        return saturation_slope(level, self.half_saturation).T / self.scale

    def bends(self, spend: np.ndarray) -> np.ndarray:
        """(saturation, cell) their second derivatives, per unit of spend twice: never positive."""
        level = (spend / self.scale)[:, None]
        half = self.half_saturation
        return (-2 * half / (level + half) ** 3).T / self.scale**2

    def values(self, spend: np.ndarray) -> np.ndarray:
        """(draw, pool) value against today's spend, money per period."""
        features = self.features(spend)
        moved = spend - self.current
        by_pool = []
        for pool in self.pools:
            flat = pool.weights.reshape(self.n_draws, -1)
            earned = flat @ features[:, pool.cells].ravel() - pool.offset
            by_pool.append(earned - moved[pool.cells].sum())
        return np.stack(by_pool, axis=1)

    def slopes_by_draw(self, spend: np.ndarray) -> list[np.ndarray]:
        """One (draw, cell) array per pool: derivatives of its value, net of the money spent."""
        slopes = self.slopes(spend)
        by_pool = []
        for pool in self.pools:
            at = slopes[:, pool.cells]
            total = pool.by_saturation[0] * at[0]
            total -= 1.0
            part = np.empty_like(total)
            for m in range(1, at.shape[0]):
                total += np.multiply(pool.by_saturation[m], at[m], out=part)
            by_pool.append(total)
        return by_pool

    def blend(self, draw_weights: np.ndarray) -> np.ndarray:
        """(saturation, cell) the curves averaged with ``draw_weights`` (draw, pool)."""
        blended = np.zeros((self.half_saturation.size, self.scale.size))
        for p, pool in enumerate(self.pools):
            flat = pool.weights.reshape(self.n_draws, -1)
            blended[:, pool.cells] = (draw_weights[:, p] @ flat).reshape(-1, pool.cells.size)
        return blended


def effective_aversion(risk: Risk, n_draws: int) -> float:
    """Aversion that counts: none when the tail holds every draw, for then it is the mean."""
    return 0.0 if count_worst(n_draws, risk.tail) == n_draws else risk.aversion


def gather_curves(problem: Problem, cells: np.ndarray, mean_only: bool) -> Curves:
    """Curves of ``cells`` (positions in the problem), in that order."""
    draws, at = problem.draws, (problem.position[0][cells], problem.position[1][cells])
    scale, current = problem.scale[cells], problem.current[cells]
    today = saturation(current / scale, draws.half_saturation).T
    pool_of_cell = np.zeros(cells.size, dtype=int) if mean_only else problem.pool[cells]
    # the mean is taken first: nothing of size (draw, cell) is ever made for it
    source = draws.weights.mean(axis=0)[None] if mean_only else draws.weights
    pools = []
    for pool in np.unique(pool_of_cell):
        inside = np.flatnonzero(pool_of_cell == pool)
        picked = source[:, at[0][inside], at[1][inside]].sum(axis=2)
        money = picked * problem.unit_money[cells[inside], None]
        weights = np.ascontiguousarray(money.transpose(0, 2, 1))
        offset = weights.reshape(weights.shape[0], -1) @ today[:, inside].ravel()
        apart = np.ascontiguousarray(weights.transpose(1, 0, 2))
        pools.append(PoolCurves(cells=inside, weights=weights, by_saturation=apart, offset=offset))
    return Curves(
        scale=scale, current=current, half_saturation=draws.half_saturation, pools=tuple(pools)
    )


def value_by_account(problem: Problem, spend: np.ndarray) -> np.ndarray:
    """(draw, account) value of a plan against today's spend, money per period.

    Accounts whose spend does not move are worth exactly zero.
    """
    draws = problem.draws
    moved = np.zeros(draws.scale.shape)
    moved[problem.position] = spend - problem.current
    gained = np.zeros((*draws.scale.shape, draws.half_saturation.size))
    level = np.stack([spend, problem.current]) / problem.scale
    after, before = saturation(level, draws.half_saturation)
    gained[problem.position] = (after - before) * problem.unit_money[:, None]
    values = np.zeros((draws.n_draws, len(draws.accounts)))
    touched = np.flatnonzero(moved.any(axis=1))
    if touched.size == 0:
        return values
    by_retention = np.repeat(gained[touched, :, None, :], draws.mix.shape[0], axis=2)
    by_retention = by_retention.reshape(touched.size, -1)
    for some_draws, weights in _chunks(draws.weights, touched):
        earned = np.einsum("daq,aq->da", weights.reshape(*weights.shape[:2], -1), by_retention)
        values[some_draws, touched] = earned - moved[touched].sum(axis=1)
    return values


def _chunks(
    weights: np.ndarray, accounts: np.ndarray
) -> Iterator[tuple[slice | np.ndarray, np.ndarray]]:
    """Weights of some accounts, a few draws at a time, to keep memory small."""
    all_accounts = accounts.size == weights.shape[1]
    n_once = max(1, 4_000_000 // max(1, int(np.prod(weights.shape[1:]))))
    for start in range(0, weights.shape[0], n_once):
        part = weights[start : start + n_once]
        some_draws = np.arange(start, start + part.shape[0])[:, None]
        yield some_draws, part if all_accounts else part[:, accounts]


def pool_objectives(problem: Problem, values: np.ndarray, risk: Risk) -> np.ndarray:
    """(pool,) what a plan is worth after its risk is paid for, money per period.

    Parameters
    ----------
    values : (draw, account) from :func:`value_by_account`
    """
    pool_of_account = np.full(len(problem.draws.accounts), -1)
    pool_of_account[problem.position[0]] = problem.pool
    worth = np.zeros(len(problem.pools))
    for pool, accounts in _accounts_by_pool(pool_of_account, len(problem.pools)):
        outcome = values[:, accounts].sum(axis=1)
        worth[pool] = outcome.mean()
        if risk.aversion > 0:
            worth[pool] *= 1 - risk.aversion
            worth[pool] += risk.aversion * tail_mean(outcome, risk.tail)
    return worth


def _accounts_by_pool(
    pool_of_account: np.ndarray, n_pools: int
) -> Iterator[tuple[int, np.ndarray]]:
    order = np.argsort(pool_of_account, kind="stable")
    edges = np.searchsorted(pool_of_account[order], np.arange(n_pools + 1))
    for pool in range(n_pools):
        yield pool, order[edges[pool] : edges[pool + 1]]
