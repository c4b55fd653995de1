"""Solution -> words and hurdles: which limit binds where, and why this plan. Knows no search."""

import numpy as np
import pandas as pd

from adbudget.optimizer.problem import CHANGE, FIXED, LOWER, OBSERVED, UPPER, Problem
from adbudget.optimizer.rows import GROUP, SHARE
from adbudget.optimizer.solve import Solution

NO_PRICE = 1e-6  # value per unit of spend below which a limit costs nothing
CLOSE = 1e-9


def hurdles(problem: Problem, found: Solution) -> np.ndarray:
    """(cell,) value one more unit of spend must bring: 1 plus what its money earns elsewhere.

    A total or a group has a price, which is what its money earns where it earns most. That is the
    use elsewhere of a cell's money only if another cell can take it: an account with one channel
    has a price and no elsewhere. A concentration cap is not a rival use of the money, so its price
    does not count.
    """
    rows = problem.rows
    counts = (np.abs(found.price) > NO_PRICE) & (np.array(rows.kind, object) != SHARE)
    price = np.where(counts, found.price, 0.0)
    short = found.gradient(problem, found.spend) - rows.transpose_dot(price, problem.n_cells)
    room = problem.upper - found.spend
    takes = room > CLOSE * np.maximum(problem.upper - problem.lower, 1e-300)
    entry_price = price[rows.row]
    # where more spend loosens a row (a minimum), its price is no use of money elsewhere
    about = counts[rows.row] & (rows.coefficient > 0)
    at_cell = np.where(about & takes[rows.cell], entry_price + short[rows.cell], -np.inf)
    best = _best_of_the_others(at_cell, rows.row, rows.n_rows)
    best = np.where(np.isfinite(best), best, 0.0)
    best = np.where(rows.equality[rows.row], best, np.maximum(best, 0.0))  # or it stays unspent
    paid = np.where(about, np.minimum(entry_price, best), entry_price)
    return 1.0 + np.bincount(rows.cell, rows.coefficient * paid, problem.n_cells)


def _best_of_the_others(value: np.ndarray, row: np.ndarray, n_rows: int) -> np.ndarray:
    """(entry,) the largest value among the other entries of its row; -inf where there is none."""
    order = np.lexsort((-value, row))
    first = np.searchsorted(row[order], np.arange(n_rows))
    size = np.bincount(row, minlength=n_rows)
    largest, second = np.full(n_rows, -np.inf), np.full(n_rows, -np.inf)
    largest[size > 0] = value[order[first[size > 0]]]
    second[size > 1] = value[order[first[size > 1] + 1]]
    is_first = np.zeros(value.size, bool)
    is_first[order[first[size > 0]]] = True
    return np.where(is_first, second[row], largest[row])


def limits_met(problem: Problem, spend: np.ndarray, price: np.ndarray) -> np.ndarray:
    """(cell,) name of the limit that keeps a cell from moving further, "" if none does.

    A cell's own bound comes first, then a cap on its share, a group, the total.
    """
    named = np.full(problem.n_cells, "", dtype=object)
    money = problem.block_sum(np.maximum(problem.current, spend))[problem.row_block]
    tight = np.abs(problem.rows.excess(spend)) <= CLOSE * money
    binds = tight & (np.abs(price) > NO_PRICE)
    entry_binds = binds[problem.rows.row]
    kind = np.array(problem.rows.kind, object)[problem.rows.row]
    # a share row holds every cell of its account; it limits the one it counts up
    about = (kind != SHARE) | (problem.rows.coefficient > 0)
    for wanted in ("total", GROUP, SHARE):
        entries = np.flatnonzero(entry_binds & about & (kind == wanted))
        names = [_row_name(problem, row) for row in problem.rows.row[entries]]
        named[problem.rows.cell[entries]] = names
    reach = CLOSE * np.maximum(problem.upper - problem.lower, 1e-300)
    for i in np.flatnonzero((spend <= problem.lower + reach) | (spend >= problem.upper - reach)):
        named[i] = _bound_name(problem, i, spend[i]) or named[i]
    return named


def why(problem: Problem, spend: np.ndarray, objective: float | pd.Series) -> str:
    """One sentence a buyer can read aloud."""
    if np.all(spend == problem.current):
        return (
            "holding is best: no plan within the limits is worth more than today's "
            "once its risk is paid for."
        )
    worth = _money(problem, objective)
    broken = _broken_today(problem)
    if broken:
        return f"today's plan breaks {broken}; the best plan that keeps every limit is {worth}."
    moved = int((spend != problem.current).sum())
    return f"changing {moved} of {spend.size} cells is {worth}."


def _money(problem: Problem, objective: float | pd.Series) -> str:
    if isinstance(objective, pd.Series):
        worths = [(float(worth), str(code)) for code, worth in objective.items()]
    else:
        worths = [(objective, next(iter(problem.draws.currency), ""))]
    parts = [
        f"{abs(worth):,.2f}{' ' + code if code else ''} {'more' if worth >= 0 else 'less'}"
        for worth, code in worths
    ]
    return f"worth {', '.join(parts)} per period than today's, risk paid for"


def _broken_today(problem: Problem) -> str:
    """Limits that today's spend does not keep: the first, and how many more."""
    cells, rows = problem.breaks(problem.current)
    names = [f"the bounds of {'/'.join(problem.cells[i])}" for i in np.flatnonzero(cells)]
    names += list(dict.fromkeys(problem.rows.name[r] for r in np.flatnonzero(rows)))
    if not names:
        return ""
    return names[0] + (f" and {len(names) - 1} more limit(s)" if len(names) > 1 else "")


def _row_name(problem: Problem, row: int) -> str:
    kind = problem.rows.kind[row]
    return problem.rows.name[row] if kind == GROUP else kind


def _bound_name(problem: Problem, i: np.intp, spend: float) -> str:
    """Which of the cell's own limits it stands on."""
    low, high, today = problem.lower[i], problem.upper[i], problem.current[i]
    if problem.bounds[FIXED][1][i] == problem.bounds[FIXED][0][i]:
        return "fixed"
    if high <= 0:
        return "no spend today"
    upper_side = spend - low > high - spend or (low == high and spend >= today)
    families, side = ((CHANGE, UPPER, OBSERVED), 1) if upper_side else ((CHANGE, LOWER), 0)
    bound = high if upper_side else low
    word = "upper" if upper_side else "lower"
    for family in families:
        if problem.bounds[family][side][i] == bound:
            if family == OBSERVED:
                return f"{OBSERVED} of {bound:,.2f}"
            if family == CHANGE and today > 0:
                return f"{word} bound of {bound / today - 1:+.0%}"
            return f"{word} bound of {bound:,.2f}" if bound > 0 else "already at zero"
    return ""
