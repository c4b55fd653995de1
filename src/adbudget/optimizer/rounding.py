"""Best spend -> spend whose moves are whole steps, within every limit.

A rounded plan is today's spend plus k steps, k whole, so a fixed total stays exactly what it was.
Each cell may go to the step below or above its best spend (further if limits ask for it); which,
is a small integer program on the averaged curves of the solution.
"""

from typing import Any

import numpy as np

from adbudget.errors import InfeasibleError
from adbudget.optimizer.problem import Problem
from adbudget.optimizer.rows import SHARE
from adbudget.optimizer.solve import Solution

REACHES = (0, 2, 20)  # steps beyond the nearest two that are tried, one after the other
WHISKER = 1e-9


def round_moves(problem: Problem, solution: Solution, step: float) -> np.ndarray:
    """(cell,) spend with every move a multiple of ``step``.

    Parameters
    ----------
    solution : the best plan
    step : money per period

    Raises
    ------
    InfeasibleError : a block may not hold, and no multiple of the step keeps its limits
    """
    lattice = _Lattice(problem, solution, step)
    moves = np.zeros(problem.n_cells)
    pending = np.arange(problem.n_blocks)
    for reach in REACHES:
        pending = lattice.place(moves, pending, reach)
        if pending.size == 0:
            break
    rounded = np.clip(problem.current + step * moves, problem.lower, problem.upper)
    stuck = ~problem.admits(rounded)
    may_hold = problem.admits(problem.current)
    if np.any(stuck & ~may_hold):
        raise _no_multiple(problem, int(np.flatnonzero(stuck & ~may_hold)[0]), step)
    return np.where(stuck[problem.cell_block], problem.current, rounded)


class _Lattice:
    """Whole numbers of steps, and what each is worth."""

    def __init__(self, problem: Problem, solution: Solution, step: float) -> None:
        self.problem, self.solution, self.step = problem, solution, step
        # today's spend is always on the lattice, even when a held cell's bounds are rounded
        self.least = np.ceil((problem.lower - problem.current) / step - WHISKER)
        self.most = np.floor((problem.upper - problem.current) / step + WHISKER)
        exact = (solution.spend - problem.current) / step
        self.below = np.floor(exact + WHISKER)
        room = (problem.rows.bound - problem.rows.dot(problem.current)) / step
        # rows that count whole steps have whole bounds; floor them so that they hold exactly
        whole = np.array([kind != SHARE for kind in problem.rows.kind], dtype=bool)
        self.room = np.where(whole & ~problem.rows.equality, np.floor(room + WHISKER), room)
        self.room = np.where(problem.rows.equality, np.round(room), self.room)

    def place(self, moves: np.ndarray, blocks: np.ndarray, reach: int) -> np.ndarray:
        """Write moves of the blocks that have a rounded plan; return the blocks that have none."""
        possible = ~self._hopeless(reach)[blocks]
        halves = [blocks[possible]]
        failed = [blocks[~possible]]
        while halves:  # one program for all; where it fails, halves find the block at fault
            some = halves.pop()
            if some.size and not self._place_together(moves, some, reach):
                split = some.size // 2
                halves += [some[:split], some[split:]] if split else []
                failed += [] if split else [some]
        return np.sort(np.concatenate(failed))

    def _window(self, reach: int) -> tuple[np.ndarray, np.ndarray]:
        """(cell,) fewest and most steps a cell may take."""
        first = np.clip(self.below - reach, self.least, self.most)
        return first, np.clip(self.below + reach + 1, self.least, self.most)

    def _hopeless(self, reach: int) -> np.ndarray:
        """(block,) whether a single cell or row already rules out every rounded plan."""
        problem, rows = self.problem, self.problem.rows
        first, last = self._window(reach)
        ends = rows.coefficient * np.stack([first[rows.cell], last[rows.cell]])
        least = np.bincount(rows.row, ends.min(axis=0), rows.n_rows)
        most = np.bincount(rows.row, ends.max(axis=0), rows.n_rows)
        row_fails = (least > self.room + WHISKER) | (rows.equality & (most < self.room - WHISKER))
        hopeless = np.zeros(problem.n_blocks, dtype=bool)
        hopeless[problem.row_block[row_fails]] = True
        hopeless[problem.cell_block[self.least > self.most]] = True
        return hopeless

    def _place_together(self, moves: np.ndarray, blocks: np.ndarray, reach: int) -> bool:
        from scipy.optimize import Bounds, LinearConstraint, milp

        problem = self.problem
        cells = np.flatnonzero(np.isin(problem.cell_block, blocks))
        rows = np.flatnonzero(np.isin(problem.row_block, blocks))
        first, last = (steps[cells] for steps in self._window(reach))
        # one yes-or-no per step up; curves are concave, so lower steps are worth more
        owner = np.repeat(np.arange(cells.size), (last - first).astype(int))
        nth = np.arange(owner.size) - np.searchsorted(owner, owner)
        worth = self._worth(cells[owner], first[owner] + nth)
        local = problem.rows.take(cells, rows, problem.n_cells)
        matrix = local.sparse(cells.size)
        room = self.room[rows] - matrix @ first
        if owner.size == 0:
            moves[cells] = first
            return bool(np.all(room >= -WHISKER))
        floor: Any = np.where(local.equality, room, -np.inf)
        ceiling: Any = room
        taken = milp(
            -worth / max(np.abs(worth).max(), 1e-300),
            integrality=np.ones(owner.size),
            bounds=Bounds(0, 1),
            constraints=LinearConstraint(matrix[:, owner], floor, ceiling),
            options={"mip_rel_gap": 1e-6, "node_limit": 20_000},
        )
        if taken.x is None:
            return False
        moves[cells] = first + np.bincount(owner, np.round(taken.x), cells.size)
        return True

    def _worth(self, cells: np.ndarray, move: np.ndarray) -> np.ndarray:
        """Value of going from ``move`` to one step more, entry by entry."""
        problem = self.problem
        values = []
        for steps in (move, move + 1):
            spend = np.maximum(problem.current[cells] + self.step * steps, 0.0)
            level = (spend / problem.scale[cells])[:, None]
            basis = level / (level + problem.draws.half_saturation)
            values.append((self.solution.weights[:, cells].T * basis).sum(axis=1) - spend)
        return values[1] - values[0]


def _no_multiple(problem: Problem, block: int, step: float) -> InfeasibleError:
    names = [
        name
        for name, of_block in zip(problem.rows.name, problem.row_block, strict=True)
        if of_block == block
    ]
    named = ("step", *dict.fromkeys(names))
    return InfeasibleError(
        f"No plan made of today's spend plus whole steps of {step:,.2f} keeps these limits: "
        f"{', '.join(named[1:6]) or 'the bounds of the cells'}. Use a smaller step, or totals "
        "that differ from today's by a multiple of it.",
        conflict=named,
    )
