"""Problem + its solution -> for every moved cell, the best plan that leaves it alone.

A move is worth the plan with it against the best plan without it. Freed money may fund a raise, and
a raise may need money that only this cut frees, so a cell's own return is only half of the answer.
The plans without are searched, all side by side, on curves averaged as the proposal's objective
weighs the draws: under these weights the plan itself is the best there is, so a plan without
differs from it only where the money of the move is felt.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from adbudget.curves import saturation
from adbudget.optimizer.copies import copies
from adbudget.optimizer.problem import Problem
from adbudget.optimizer.solve import Solution, solve
from adbudget.risk import Risk

# Cells of all plans without one cell of a pool: in larger ones no cell can move a price. Smaller
# pools are searched together up to as many.
MAX_COPIES = 100_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MoveComparison:
    """The plan with one move against the best plan without it.

    Attributes
    ----------
    cell : position of the moved cell
    gain : (draw,) money per period the plan is better by
    elsewhere : mean money per period and unit of the move that its money brings elsewhere, money
        left unspent counted as itself
    """

    cell: int
    gain: np.ndarray
    elsewhere: float


def compare_without(
    problem: Problem, spend: np.ndarray, solution: Solution, moved: np.ndarray
) -> Iterator[MoveComparison]:
    """One comparison for every moved cell.

    Parameters
    ----------
    problem : today's plan must keep its limits
    spend : (cell,) the plan
    solution : the search behind the plan; its shadow prices stand in where blocks are too large
        to search again
    moved : positions of the cells to leave alone, one at a time
    """
    steady = problem.draws.steady_weights
    block = problem.cell_block[moved]
    size = np.bincount(problem.cell_block)[block]
    large = np.bincount(block, size)[block] > MAX_COPIES
    yield from _by_price(problem, spend, solution.price, moved[large], steady)
    small = moved[~large]
    batches = np.split(small, np.flatnonzero(np.diff(size[~large].cumsum() // MAX_COPIES)) + 1)
    plans = (_plans_without(problem, solution, some) for some in batches if some.size)
    for cell, members, other in chain.from_iterable(plans):
        weights = steady[:, problem.position[0][members], problem.position[1][members]]
        with_move, without = (
            saturation(plan / problem.scale[members], problem.draws.half_saturation)
            for plan in (spend[members], other)
        )
        money = np.einsum("dim,im->di", weights, with_move - without) * problem.unit_money[members]
        own = members == cell
        kept_back = spend[members].sum() - other.sum()
        move = spend[cell] - problem.current[cell]
        yield MoveComparison(
            cell=int(cell),
            gain=money.sum(axis=1) - kept_back,
            elsewhere=float((kept_back - money[:, ~own].mean(axis=0).sum()) / move),
        )


def _plans_without(
    problem: Problem, solution: Solution, moved: np.ndarray
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """(cell, members of its block, their spend in the best plan that holds the cell)."""
    stacked, members = copies(
        problem,
        problem.cell_block[moved],
        draws=replace(problem.draws, weights=_as_one_draw(problem, solution)),
        account_shift=np.zeros(moved.size, dtype=int),
        held=moved,
    )
    best = solve(stacked, Risk(aversion=0.0), np.ones(stacked.n_blocks, dtype=bool))
    ends = np.cumsum([len(group) for group in members])[:-1]
    yield from zip(moved, members, np.split(best.spend, ends), strict=True)


def _as_one_draw(problem: Problem, solution: Solution) -> np.ndarray:
    """(1, account, channel, retention, saturation) the curves as the objective weighs the draws."""
    weights = np.zeros((1, *problem.draws.weights.shape[1:]))
    account, channel = problem.position
    money = np.where(problem.unit_money > 0, problem.unit_money, 1.0)
    weights[0, account, channel, 0] = solution.weights.T / money[:, None]
    return weights


def _by_price(
    problem: Problem, spend: np.ndarray, price: np.ndarray, moved: np.ndarray, steady: np.ndarray
) -> Iterator[MoveComparison]:
    """In a large pool the shadow price says what money earns elsewhere."""
    hurdle = 1.0 + problem.rows.transpose_dot(price, problem.n_cells)
    for cell in moved:
        weights = steady[:, problem.position[0][cell], problem.position[1][cell]]
        after, before = saturation(
            np.array([spend[cell], problem.current[cell]]) / problem.scale[cell],
            problem.draws.half_saturation,
        )
        move = spend[cell] - problem.current[cell]
        money = weights @ (after - before) * problem.unit_money[cell]
        yield MoveComparison(
            cell=int(cell), gain=money - hurdle[cell] * move, elsewhere=float(hurdle[cell])
        )
