"""Solution -> what each limit that binds costs: value given up per unit of money. Knows no search.

The shadow price of a limit is what the plan would gain by one more unit of room, at the margin, all
other limits as they are (the multiplier of the limit; Boyd & Vandenberghe, Convex Optimization,
2004, section 5.6).
"""

import numpy as np
import pandas as pd

from adbudget.optimizer.problem import Problem
from adbudget.optimizer.reasons import NO_PRICE, limits_met
from adbudget.optimizer.rows import TOTAL
from adbudget.optimizer.solve import Solution

COLUMNS = ("account", "channel", "limit", "price")
TRIFLE = 1e-3  # value per unit of money below which a cell's own limit costs nothing


def shadow_prices(problem: Problem, spend: np.ndarray, solution: Solution) -> pd.DataFrame:
    """What one more unit of money would bring at each limit that binds.

    Parameters
    ----------
    problem : the limits
    spend : (cell,) the plan
    solution : the search behind it, with a price for every total, group and share

    Returns
    -------
    Frame of account ("" where it is of several), channel ("" for a total, group or share), limit
    (its name) and price: value per unit of money, risk paid for. A total: what one more unit to
    spend is worth beyond itself. A cell: what one more unit there is worth beyond what it is worth
    elsewhere, negative where one less would gain. The dearest limit first
    """
    names = problem.cells.tolist()
    rows, found = problem.rows, []
    for row in np.flatnonzero(np.abs(solution.price) > NO_PRICE):
        accounts = {names[i][0] for i in rows.cell[rows.row == row]}
        of_one = next(iter(accounts)) if len(accounts) == 1 else ""
        word = TOTAL if rows.kind[row] == TOTAL and of_one else rows.name[row]
        found.append((of_one, "", word, float(solution.price[row])))
    hurdle = rows.transpose_dot(solution.price, problem.n_cells)
    beyond = solution.gradient(problem, spend) - hurdle
    met = limits_met(problem, spend, np.zeros(rows.n_rows))  # the cells' own limits alone
    wants = np.where(beyond > 0, spend < problem.current, spend > problem.current)
    # A cell that was moved as far as it may, and not one that the others have pushed the other way;
    # of an account in which nothing may move, nobody can say what a unit would do elsewhere.
    may_move = problem.block_sum(problem.upper - problem.lower)[problem.cell_block] > 0
    can = may_move & ((beyond > 0) | (spend > 0))
    binds = np.flatnonzero((met != "") & (np.abs(beyond) > TRIFLE) & ~wants & can)
    found += [(*names[i], str(met[i]), float(beyond[i])) for i in binds]
    found.sort(key=lambda row: -abs(row[-1]))
    return pd.DataFrame(found, columns=list(COLUMNS))
