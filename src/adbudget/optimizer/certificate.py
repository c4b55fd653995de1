"""A solution -> how far it can be from the best plan at most. Knows nothing of how it was found.

The objective is concave, so at any point x and for any worst-draw weights pi

    f(y) <= f_pi(x) + g . (y - x),      g the gradient of f_pi at x.

The largest right-hand side within the limits is a linear program, and by weak duality any row
prices price >= 0 bound it:

    max_y g . (y - x) <= price . (b - A x) + sum_i max_y_i r_i (y_i - x_i),     r = g - A' price,

with y_i anywhere between the cell's own bounds.

Prices and weights come from the search; if it stopped early the bound is loose but still true.

References
----------
Jaggi (2013), Revisiting Frank-Wolfe, ICML; Boyd & Vandenberghe (2004), Convex Optimization, 5.2.
"""

import numpy as np

from adbudget.optimizer.problem import Problem
from adbudget.optimizer.solve import Solution


def upper_bounds(problem: Problem, solution: Solution) -> np.ndarray:
    """Most money per period any plan within the limits can be worth, block by block.

    Returns
    -------
    (block,) objective against today's spend, money per period
    """
    rows, spend = problem.rows, solution.spend
    price = np.where(rows.equality, solution.price, np.maximum(solution.price, 0.0))
    gradient = solution.gradient(problem, spend)
    reduced = gradient - rows.transpose_dot(price, problem.n_cells)
    best_move = np.where(reduced > 0, problem.upper - spend, problem.lower - spend)
    slack = price * (rows.bound - rows.dot(spend))
    by_row = np.bincount(problem.row_block, slack, problem.n_blocks)
    by_cell = solution.gain(problem, spend) + reduced * best_move
    return problem.block_sum(by_cell) + by_row
