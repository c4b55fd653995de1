"""One problem -> many side by side, each a copy of one of its blocks. Searches nothing itself."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from adbudget.draws import CurveDraws
from adbudget.optimizer.problem import Problem
from adbudget.optimizer.rows import LinearRows


def copies(
    problem: Problem,
    blocks: np.ndarray,
    *,
    draws: CurveDraws,
    account_shift: np.ndarray,
    held: np.ndarray | None = None,
) -> tuple[Problem, list[np.ndarray]]:
    """Copies of blocks that share nothing, to be solved in one search.

    Parameters
    ----------
    problem : whose blocks are copied
    blocks : (copy,) block of each copy
    draws : the curves that the copies see
    account_shift : (copy,) places by which a copy's accounts are further down the axis of ``draws``
    held : (copy,) position of one cell to hold at today's spend in each copy; none when None

    Returns
    -------
    The stacked problem, and the positions in ``problem`` of each copy's cells
    """
    n_cells = np.bincount(problem.cell_block, minlength=problem.n_blocks)
    by_block = np.split(np.argsort(problem.cell_block, kind="stable"), np.cumsum(n_cells)[:-1])
    members = [by_block[block] for block in blocks]
    taken = np.concatenate(members)
    copy_of = np.repeat(np.arange(blocks.size), [len(group) for group in members])
    pinned = np.zeros(taken.size, bool) if held is None else taken == held[copy_of]
    pool_keys = copy_of * (problem.pool.max() + 1) + problem.pool[taken]
    _, first, pool = np.unique(pool_keys, return_index=True, return_inverse=True)
    row_sets = [np.flatnonzero(problem.row_block == block) for block in blocks]
    stacked = replace(
        problem,
        draws=draws,
        cells=problem.cells[taken],
        position=(
            problem.position[0][taken] + account_shift[copy_of],
            problem.position[1][taken],
        ),
        unit_money=problem.unit_money[taken],
        current=problem.current[taken],
        lower=np.where(pinned, problem.current[taken], problem.lower[taken]),
        upper=np.where(pinned, problem.current[taken], problem.upper[taken]),
        rows=_stack_rows(problem, members, row_sets),
        pools=tuple(str(key) for key in np.unique(pool_keys)),
        pool=pool,
        block=copy_of[first],
        row_block=np.repeat(np.arange(blocks.size), [len(rows) for rows in row_sets]),
    )
    return stacked, members


def _stack_rows(
    problem: Problem, members: Sequence[np.ndarray], row_sets: Sequence[np.ndarray]
) -> LinearRows:
    """The rows of every copy, renumbered one after the other."""
    parts = [
        problem.rows.take(cells, rows, problem.n_cells)
        for cells, rows in zip(members, row_sets, strict=True)
    ]
    row_start = np.cumsum([0] + [len(rows) for rows in row_sets])[:-1]
    cell_start = np.cumsum([0] + [len(cells) for cells in members])[:-1]
    return LinearRows(
        row=np.concatenate([p.row + at for p, at in zip(parts, row_start, strict=True)]),
        cell=np.concatenate([p.cell + at for p, at in zip(parts, cell_start, strict=True)]),
        coefficient=np.concatenate([p.coefficient for p in parts]),
        bound=np.concatenate([p.bound for p in parts]),
        equality=np.concatenate([p.equality for p in parts]),
        kind=tuple(kind for p in parts for kind in p.kind),
        name=tuple(name for p in parts for name in p.name),
    )
