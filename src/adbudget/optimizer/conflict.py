"""Problem -> nothing, or the limits that cannot hold together.

A set of limits is irreducible when it has no plan, but dropping any one of its members gives one.
It is found by leaving limits out one at a time (the deletion filter).

References
----------
Chinneck & Dravnieks (1991), ORSA Journal on Computing 3(2), 157-168.
"""

from typing import Any

import numpy as np

from adbudget.errors import InfeasibleError
from adbudget.optimizer.problem import CHANGE, FIXED, LOWER, OBSERVED, UPPER, Problem
from adbudget.optimizer.rows import SHARE, TOTAL

FAMILIES = (CHANGE, LOWER, UPPER, FIXED, OBSERVED)


def check_feasible(problem: Problem) -> None:
    """Return if some plan keeps every limit.

    Raises
    ------
    InfeasibleError : none does; the message names an irreducible set of limits with their numbers
    """
    doubtful = ~problem.admits(problem.current)  # a block that may hold needs no search
    if not doubtful.any():
        return
    everything = _Question(problem, np.flatnonzero(doubtful))
    names = everything.all_limits
    if everything.has_plan(names):
        return
    for block in np.flatnonzero(doubtful):
        question = _Question(problem, np.array([block]))
        if not question.has_plan(question.all_limits):
            raise _explained(question, question.irreducible())


class _Question:
    """Whether some blocks have a plan, if only certain limits counted."""

    def __init__(self, problem: Problem, blocks: np.ndarray) -> None:
        self.problem = problem
        self.cells = np.flatnonzero(np.isin(problem.cell_block, blocks))
        row_numbers = np.flatnonzero(np.isin(problem.row_block, blocks))
        self.rows = problem.rows.take(self.cells, row_numbers, problem.n_cells)
        money = problem.block_sum(problem.current) + problem.block_sum(problem.lower)
        money = np.where(money > 0, money, 1.0)
        # in units of the block's money, so that one tolerance fits accounts of every size
        self.cell_money = money[problem.cell_block[self.cells]]
        self.row_money = money[problem.row_block[row_numbers]]
        self.matrix = self.rows.sparse(self.cells.size)

    @property
    def all_limits(self) -> list[str]:
        """Names of every limit, those on cells first."""
        return [*FAMILIES, *dict.fromkeys(self.rows.name)]

    def bounds(self, names: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """(cell,) bounds of the cells under the named limits."""
        kept = [self.problem.bounds[name] for name in self.problem.bounds if name in names]
        low = np.maximum.reduce([np.zeros(self.cells.size), *[k[0][self.cells] for k in kept]])
        none = np.full(self.cells.size, np.inf)
        return low, np.minimum.reduce([none, *[k[1][self.cells] for k in kept]])

    def crossed(self, names: list[str]) -> np.ndarray:
        """Positions of cells whose lower bound is above their upper bound."""
        low, high = self.bounds(names)
        return np.flatnonzero(low > high * (1 + 1e-12))

    def has_plan(self, names: list[str]) -> bool:
        """Whether some plan keeps all the named limits."""
        return self.crossed(names).size == 0 and self._program(names).status != 2

    def irreducible(self) -> list[str]:
        """Limits that have no plan together, but one as soon as any is dropped."""
        names = self._suspects()
        for name in list(names):
            rest = [other for other in names if other != name]
            if not self.has_plan(rest):
                names = rest
        return names

    def _suspects(self) -> list[str]:
        """Conflicting limits to start from: rows that have a price on being broken."""
        families = [*FAMILIES]
        if self.crossed(families).size:
            return families
        price = self._program(self.all_limits, elastic=True).price
        named = dict.fromkeys(np.array(self.rows.name, object)[np.abs(price) > 1e-9])
        suspects = [*families, *named]
        return self.all_limits if self.has_plan(suspects) else suspects

    def _program(self, names: list[str], elastic: bool = False) -> Any:
        """Linear program over the named limits; ``elastic`` may break rows, at a price."""
        from scipy.optimize import linprog
        from scipy.sparse import diags_array, eye_array, hstack

        low, high = self.bounds(names)
        bounds = np.column_stack([low, np.maximum(low, high)]) / self.cell_money[:, None]
        kept = np.flatnonzero(np.isin(np.array(self.rows.name, object), names))
        matrix, bound = self.matrix[kept], (self.rows.bound / self.row_money)[kept]
        cost, equality = np.zeros(self.cells.size), self.rows.equality[kept]
        if elastic:
            over, ones = eye_array(kept.size), np.ones(2 * kept.size)
            under = diags_array(equality.astype(float))
            matrix = hstack([matrix, -over, under]).tocsr()
            cost = np.concatenate([cost, ones])
            bounds = np.vstack([bounds, np.column_stack([0 * ones, np.inf * ones])])
        at_most, exact = np.flatnonzero(~equality), np.flatnonzero(equality)
        found = linprog(
            cost, A_ub=matrix[at_most], b_ub=bound[at_most],
            A_eq=matrix[exact], b_eq=bound[exact], bounds=bounds, method="highs",
        )  # fmt: skip
        if elastic:
            found.price = np.zeros(kept.size)
            found.price[at_most] = found.ineqlin.marginals
            found.price[exact] = found.eqlin.marginals
        return found


def _explained(question: _Question, names: list[str]) -> InfeasibleError:
    rows = np.array([name in names for name in question.rows.name], dtype=bool)
    cells = np.unique(question.rows.cell[rows[question.rows.row]])
    if cells.size == 0:
        cells = question.crossed(names)[:1]
    parts = [f"{name} ({_numbers(question, name, cells)})" for name in names]
    return InfeasibleError(
        f"No plan satisfies these limits together: {'; '.join(parts)}. Loosen one of them.",
        conflict=tuple(names),
    )


def _numbers(question: _Question, name: str, cells: np.ndarray) -> str:
    """Words for what one limit asks of the cells in conflict, money per period."""
    problem = question.problem
    if name in problem.bounds:
        low, high = question.bounds([name])
        pair = problem.cells[question.cells[cells[0]]]
        where = f"over {cells.size} cells" if cells.size > 1 else f"for {pair[0]}/{pair[1]}"
        least, most = low[cells].sum(), high[cells].sum()
        words = {LOWER: f"at least {least:,.2f}", UPPER: f"at most {most:,.2f}"}
        if name == OBSERVED:
            return f"at most {most:,.2f} {where}; Limits(beyond_observed=True) lifts this"
        if name == FIXED and not np.isfinite(most):
            return f"held cells {where} take {least:,.2f}"
        return f"{words.get(name, f'between {least:,.2f} and {most:,.2f}')} {where}"
    row = question.rows.name.index(name)
    bound = question.rows.bound[row]
    if question.rows.kind[row] == SHARE:
        return f"no channel above {problem.limits.max_share:.0%} of its account's plan"
    if question.rows.kind[row] == TOTAL and question.rows.equality[row]:
        return f"exactly {bound:,.2f}"
    return f"at least {-bound:,.2f}" if bound < 0 else f"at most {bound:,.2f}"
