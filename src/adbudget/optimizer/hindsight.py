"""Problem + draws -> what the best plan is worth where one draw is the truth."""

from dataclasses import replace

import numpy as np

from adbudget.curves import saturation
from adbudget.draws import CurveDraws
from adbudget.optimizer.copies import copies
from adbudget.optimizer.problem import Problem
from adbudget.optimizer.solve import solve
from adbudget.risk import Risk

MOST_AT_ONCE = 20_000  # cells of all copies in one search


def best_by_draw(problem: Problem, some: np.ndarray) -> np.ndarray:
    """(some, account) value of the best plan against today's, money per period.

    Parameters
    ----------
    problem : what the plans may be
    some : positions of the draws, each of which is taken for the truth
    """
    n_accounts = len(problem.draws.accounts)
    size = max(1, MOST_AT_ONCE // max(problem.n_cells, 1))
    parts = [some[i : i + size] for i in range(0, some.size, size)]
    return np.concatenate([_best(problem, part, n_accounts) for part in parts])


def _best(problem: Problem, some: np.ndarray, n_accounts: int) -> np.ndarray:
    """The same for a few draws, all of them in one search."""
    copy = np.repeat(np.arange(some.size), problem.n_blocks)
    stacked, members = copies(
        problem,
        np.tile(np.arange(problem.n_blocks), some.size),
        draws=_side_by_side(problem.draws, some),
        account_shift=copy * n_accounts,
    )
    spend = solve(stacked, Risk(aversion=0.0), np.ones(stacked.n_blocks, dtype=bool)).spend
    cell = np.concatenate(members)
    of_draw = np.repeat(copy, [group.size for group in members])
    weights = stacked.draws.steady_weights[0][stacked.position]
    after, before = (
        saturation(plan / stacked.scale, problem.draws.half_saturation)
        for plan in (spend, stacked.current)
    )
    earned = (weights * (after - before)).sum(axis=1) * stacked.unit_money
    value = np.zeros((some.size, n_accounts))
    np.add.at(value, (of_draw, problem.position[0][cell]), earned - (spend - stacked.current))
    return value


def _side_by_side(draws: CurveDraws, some: np.ndarray) -> CurveDraws:
    """One draw of many accounts: those of the first draw, those of the second, and so on."""
    n = some.size
    return replace(
        draws,
        accounts=tuple(f"{d} {name}" for d in some for name in draws.accounts),
        weights=draws.weights[some].reshape(1, -1, *draws.weights.shape[2:]),
        scale=np.tile(draws.scale, (n, 1)),
        carry_in=np.tile(draws.carry_in, (n, 1, 1)),
        unit_value=np.tile(draws.unit_value, n),
        margin=np.tile(draws.margin, n),
        currency=draws.currency * n,
        highest_spend=None,
        population=None,
    )
