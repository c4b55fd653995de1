"""Problem + Risk -> best spend, prices and certificate. Knows nothing of holding or rounding.

Blocks (pools tied together by limits) are solved by themselves. When only the mean counts, all of
them stand side by side in one program with a diagonal Hessian, so ten thousand cells stay cheap.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from adbudget.curves import saturation, saturation_slope
from adbudget.optimizer.interior import Program, maximise
from adbudget.optimizer.objective import Curves, effective_aversion, gather_curves
from adbudget.optimizer.problem import Problem
from adbudget.optimizer.rows import LinearRows
from adbudget.risk import Risk, count_worst

DENSE_ENTRIES = 200_000  # rows times cells up to which a full matrix is the faster one


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solution:
    """The best plan within the limits, and what proves it.

    Attributes
    ----------
    spend : (cell,) money per period
    price : (row,) value gained per unit of money by which a row is loosened
    weights : (saturation, cell) money curves averaged over draws as the objective weighs them
    """

    spend: np.ndarray
    price: np.ndarray
    weights: np.ndarray

    def gain(self, problem: Problem, spend: np.ndarray) -> np.ndarray:
        """(cell,) value of ``spend`` against today's, under these weights."""
        level = np.stack([spend, problem.current]) / problem.scale
        after, before = saturation(level, problem.draws.half_saturation)
        return (self.weights.T * (after - before)).sum(axis=1) - (spend - problem.current)

    def gradient(self, problem: Problem, spend: np.ndarray) -> np.ndarray:
        """(cell,) derivative of :meth:`gain`, value per unit of spend."""
        slope = saturation_slope(spend / problem.scale, problem.draws.half_saturation)
        return (self.weights.T * slope).sum(axis=1) / problem.scale - 1.0


def solve(
    problem: Problem, risk: Risk, changed: np.ndarray, known: Solution | None = None
) -> Solution:
    """Best spend within the limits.

    Parameters
    ----------
    changed : (block,) which blocks to solve
    known : a solution of the same problem under other bounds, for the other blocks

    Notes
    -----
    The problem must be feasible: see ``conflict.check_feasible``.
    """
    if known is None:
        spend = np.clip(problem.current, problem.lower, problem.upper)
        n_basis = problem.draws.half_saturation.size
        known = Solution(
            spend=spend,
            price=np.zeros(problem.rows.n_rows),
            weights=np.zeros((n_basis, problem.n_cells)),
        )
    solution = replace(
        known, spend=known.spend.copy(), price=known.price.copy(), weights=known.weights.copy()
    )
    aversion = effective_aversion(risk, problem.draws.n_draws)
    blocks = np.flatnonzero(changed)
    for some_blocks in [blocks] if aversion == 0 else blocks[:, None]:
        _solve_blocks(problem, some_blocks, replace(risk, aversion=aversion), solution)
    return solution


def _solve_blocks(problem: Problem, blocks: np.ndarray, risk: Risk, solution: Solution) -> None:
    """Solve some blocks in one program and write the result into ``solution``."""
    inside = np.isin(problem.cell_block, blocks)
    pinned = problem.upper <= problem.lower
    solution.spend[inside & pinned] = problem.lower[inside & pinned]
    rows = np.flatnonzero(np.isin(problem.row_block, blocks))
    solution.price[rows] = 0.0
    moving = inside & ~(pinned & (problem.lower == problem.current))
    cells = np.flatnonzero(moving)
    free = np.flatnonzero(~pinned[cells])
    if free.size == 0:
        return
    unit = _Unit.build(problem, cells, free, rows, solution.spend, risk)
    z, price, draw_weights = maximise(unit.program(), unit.start())
    solution.spend[cells[free]] = unit.spend(z)[free]
    solution.price[unit.rows] = price * unit.row_money / unit.row_size
    if risk.aversion == 0:
        draw_weights = np.ones((1, 1))
    solution.weights[:, cells] = unit.curves.blend(draw_weights)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Unit:
    """Blocks solved together, scaled: z runs from lower (0) to upper (1) in every free cell.

    Values are divided by the money that can move in the cell's block, so that small accounts are
    solved as exactly as large ones.
    """

    curves: Curves
    risk: Risk
    base: np.ndarray
    free: np.ndarray
    span: np.ndarray
    money: np.ndarray
    rows: np.ndarray
    row_money: np.ndarray
    row_size: np.ndarray
    matrix: Any
    bound: np.ndarray
    equality: np.ndarray
    n_blocks: int

    @classmethod
    def build(cls, problem: Problem, cells, free, rows, spend, risk: Risk) -> "_Unit":
        free_cells = cells[free]
        base = spend[cells]
        base[free] = problem.lower[free_cells]
        span = problem.upper[free_cells] - problem.lower[free_cells]
        movable = np.bincount(problem.cell_block[free_cells], span, problem.n_blocks)
        everything = spend.copy()
        everything[free_cells] = problem.lower[free_cells]
        local = problem.rows.take(free_cells, rows, problem.n_cells)
        used = np.unique(local.row)  # rows without a free cell have nothing to decide
        local = local.take(np.arange(free.size), used, free.size)
        room = (problem.rows.bound - problem.rows.dot(everything))[rows[used]]
        matrix, size = _scaled(local, span, may_be_sparse=risk.aversion == 0)
        return cls(
            curves=gather_curves(problem, cells, mean_only=risk.aversion == 0),
            risk=risk,
            base=base,
            free=free,
            span=span,
            money=movable[problem.cell_block[free_cells]],
            rows=rows[used],
            row_money=movable[problem.row_block[rows[used]]],
            row_size=size,
            matrix=matrix,
            bound=room / size,
            equality=local.equality,
            n_blocks=np.unique(problem.cell_block[free_cells]).size,
        )

    def spend(self, z: np.ndarray) -> np.ndarray:
        """Money per period of all cells of the unit."""
        spend = self.base.copy()
        spend[self.free] += self.span * z
        return spend

    def start(self) -> np.ndarray:
        """Today's spend, pulled away from the bounds."""
        today = self.curves.current[self.free] - self.base[self.free]
        return np.clip(today / self.span, 0.1, 0.9)

    def program(self) -> Program:
        """State the unit in the terms of the search."""
        return Program(
            values=lambda z: self.curves.values(self.spend(z)) / self.money[0],
            blend=self.curves.blend,
            gradient=self._gradient,
            curvature=self._curvature,
            slopes=self._slopes,
            matrix=self.matrix,
            bound=self.bound,
            equality=self.equality,
            aversion=self.risk.aversion,
            n_worst=count_worst(self.curves.n_draws, self.risk.tail),
            n_draws=self.curves.n_draws,
            n_pools=len(self.curves.pools),
            n_blocks=self.n_blocks,
        )

    def _gradient(self, z: np.ndarray, blended: np.ndarray) -> np.ndarray:
        slope = blended * self.curves.slopes(self.spend(z))
        return (slope.sum(axis=0) - 1.0)[self.free] * self.span / self.money

    def _curvature(self, z: np.ndarray, blended: np.ndarray) -> np.ndarray:
        bend = blended * self.curves.bends(self.spend(z))
        return -bend.sum(axis=0)[self.free] * self.span**2 / self.money

    def _slopes(self, z: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        column = np.full(self.base.size, -1)
        column[self.free] = np.arange(self.free.size)
        by_pool = []
        all_slopes = self.curves.slopes_by_draw(self.spend(z))
        for pool, slopes in zip(self.curves.pools, all_slopes, strict=True):
            kept = column[pool.cells] >= 0
            columns = column[pool.cells[kept]]
            by_pool.append((slopes[:, kept] * (self.span / self.money)[columns], columns))
        return by_pool


def _scaled(local: LinearRows, span: np.ndarray, may_be_sparse: bool) -> tuple[Any, np.ndarray]:
    """LinearRows in terms of z, each divided by its largest coefficient; and these divisors."""
    coefficient = local.coefficient * span[local.cell]
    size = np.zeros(local.n_rows)
    np.maximum.at(size, local.row, np.abs(coefficient))
    size[size == 0] = 1.0
    scaled = replace(local, coefficient=coefficient / size[local.row])
    dense = not may_be_sparse or local.n_rows * span.size <= DENSE_ENTRIES
    return (scaled.dense if dense else scaled.sparse)(span.size), size
