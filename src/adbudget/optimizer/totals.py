"""Curves + limits -> the least and the most that a plan may spend, and the best split of a total.

For searches over the total itself, in which ``optimize`` is asked again and again. Knows nothing of
what the total is searched for.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from adbudget.draws import CurveDraws
from adbudget.errors import InputError
from adbudget.optimizer.conflict import check_feasible
from adbudget.optimizer.problem import Problem, build_problem
from adbudget.optimizer.proposal import optimize
from adbudget.plan import Limits
from adbudget.risk import Risk

POOL = "everything"
AT_AN_END = 1e-6  # share of the range within which a total has one plan only


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Splits:
    """The totals that limits allow, and how each is best split.

    Attributes
    ----------
    draws : curves, in the outcome that counts
    current : Series by cell, spend per period today
    limits : with bounds of their own for every cell
    risk : how a split is chosen
    searched : (cell,) bool, whose spend the totals are of; the others stay as they are
    least, most : Series by cell, the plans that spend least and most
    """

    draws: CurveDraws
    current: pd.Series
    limits: Limits
    risk: Risk
    searched: np.ndarray
    least: pd.Series
    most: pd.Series

    @classmethod
    def of(
        cls,
        draws: CurveDraws,
        current: pd.Series,
        limits: Limits,
        risk: Risk,
        accounts: tuple[str, ...],
    ) -> "Splits":
        """The totals of some accounts; all others are held.

        The outcome is what a split is judged by, whatever it is worth in one account or another:
        set ``draws.unit_value`` and ``margin`` to one where units of the outcome are to be added.

        Raises
        ------
        InputError : the limits state a total, or several currencies would be added up
        InfeasibleError : no plan keeps the limits
        """
        if limits.budget is not None or limits.pool is not None:
            raise InputError(
                "the total is what is searched for, so limits.budget and limits.pool have no "
                "effect: leave them out. Bounds and groups may say what cells may spend."
            )
        account = draws.cells.get_level_values(0)
        searched = np.asarray(account.isin(accounts))
        held = tuple(draws.cells[~searched])
        free = replace(limits, total="free", fixed=(*limits.fixed, *held))
        problem = build_problem(draws, current, free)
        check_feasible(problem)
        cells = draws.cells
        bounds = {
            "lower": dict(zip(cells, problem.lower, strict=True)),
            "upper": dict(zip(cells, problem.upper, strict=True)),
        }
        pools = {name: POOL if name in accounts else name for name in draws.accounts}
        return cls(
            draws=draws,
            current=pd.Series(problem.current, cells, name="spend"),
            limits=replace(
                free, change=None, beyond_observed=True, total="fixed", pool=pools, **bounds
            ),
            risk=risk,
            searched=searched,
            least=pd.Series(_extreme(problem, 1.0), cells, name="spend"),
            most=pd.Series(_extreme(problem, -1.0), cells, name="spend"),
        )

    def total(self, spend: pd.Series) -> float:
        """Money per period of the searched cells."""
        return float(spend.to_numpy(float)[self.searched].sum())

    def at(self, total: float) -> pd.Series:
        """The best split of a total, Series by cell; a total outside the range is its end."""
        least, most = self.total(self.least), self.total(self.most)
        room = AT_AN_END * max(most, 1e-300)
        if total <= least + room:
            return self.least
        if total >= most - room:
            return self.most
        step = self.limits.step
        if step is not None:  # moves are whole multiples of it, and so is what they add up to
            now = self.total(self.current)
            total = now + step * round((total - now) / step)
        limits = replace(self.limits, budget={POOL: total})
        return optimize(self.draws, self.current, limits, self.risk).plan.spend


def _extreme(problem: Problem, sign: float) -> np.ndarray:
    """(cell,) the plan that spends least (1) or most (-1): a linear program over bounds and rows.

    Among plans of one total, the nearest to today's shares would be nicer; it hardly ever matters.
    """
    if problem.rows.n_rows == 0:
        return problem.lower if sign > 0 else problem.upper
    from scipy.optimize import linprog

    money = max(float(problem.upper.sum()), 1e-300)
    found = linprog(
        np.full(problem.n_cells, sign),
        A_ub=problem.rows.sparse(problem.n_cells),
        b_ub=problem.rows.bound / money,
        bounds=np.column_stack([problem.lower, problem.upper]) / money,
        method="highs",
    )
    return np.clip(found.x * money, problem.lower, problem.upper)
