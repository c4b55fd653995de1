"""Nearly exact spend -> spend that meets its limits exactly.

The search ends a hair inside every bound and within rounding of every total. Here cells that
close to a bound are put on it, and the cells in between take up the difference.
"""

from dataclasses import replace

import numpy as np

from adbudget.optimizer.interior import solve_diagonal
from adbudget.optimizer.problem import TOLERANCE, Problem
from adbudget.optimizer.solve import DENSE_ENTRIES, Solution

CLOSE = 1e-6  # share of a cell's range, or of a block's money, that counts as "on the limit"


def on_limits(problem: Problem, solution: Solution, changed: np.ndarray) -> Solution:
    """Meet bounds and binding rows of a solution exactly, in the blocks that ``changed``."""
    exact = solution.spend.copy()
    cells = np.flatnonzero(changed[problem.cell_block])
    low, high = problem.lower[cells], problem.upper[cells]
    spend = exact[cells]
    close = CLOSE * (high - low)
    spend = np.where(spend - low <= close, low, np.where(high - spend <= close, high, spend))
    exact[cells] = spend
    between = cells[(spend > low) & (spend < high)]
    rows = _binding(problem, exact, solution.price, changed)
    for _ in range(2):  # the second pass removes what rounding left of the first
        exact = _meet_rows(problem, exact, between, rows)
    # where exactness breaks a limit or costs value, the search's own answer is the better one
    searched = np.clip(solution.spend, problem.lower, problem.upper)
    gains = [problem.block_sum(solution.gain(problem, plan)) for plan in (exact, searched)]
    trifle = TOLERANCE * problem.block_sum(np.maximum(problem.current, searched))
    as_good = (gains[0] >= gains[1] - trifle) | ~problem.admits(searched)
    good = problem.admits(exact) & as_good
    kept = good | ~changed
    return replace(solution, spend=np.where(kept[problem.cell_block], exact, searched))


def _binding(problem: Problem, spend, price, changed) -> np.ndarray:
    """Rows that hold with equality: they must, they have a price, or ``spend`` breaks them."""
    money = problem.block_sum(np.maximum(spend, problem.current))[problem.row_block]
    excess = problem.rows.excess(spend)
    touching = (np.abs(excess) <= CLOSE * money) & (price > CLOSE)
    return np.flatnonzero(
        (problem.rows.equality | touching | (excess > 0)) & changed[problem.row_block]
    )


def _meet_rows(problem: Problem, spend, between, rows) -> np.ndarray:
    """Smallest correction of the cells in between, relative to their room, that meets the rows."""
    missing = (problem.rows.bound - problem.rows.dot(spend))[rows]
    if between.size == 0 or not missing.any():
        return spend
    local = problem.rows.take(between, rows, problem.n_cells)
    dense = rows.size * between.size <= DENSE_ENTRIES
    matrix = (local.dense if dense else local.sparse)(between.size)
    room = np.minimum(spend - problem.lower, problem.upper - spend)[between]
    # a cell on its bound has no room, and a row without room is left as it is
    stiffness = 1 / np.maximum(room, 1e-300 + 1e-12 * room.max()) ** 2
    correction, _ = solve_diagonal(
        matrix, stiffness, np.zeros(rows.size), np.zeros(between.size), missing
    )
    met = spend.copy()
    met[between] += correction
    return np.clip(met, problem.lower, problem.upper)
