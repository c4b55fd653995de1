"""Problem + curves -> the best plan of some blocks where these curves are the truth.

One search finds the plans of many cases side by side. What the plans are worth in hindsight, draw
by draw, is the bound that no knowledge can beat.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from adbudget.curves import saturation
from adbudget.draws import CurveDraws
from adbudget.optimizer.copies import copies
from adbudget.optimizer.problem import Problem
from adbudget.optimizer.solve import solve
from adbudget.risk import Risk

MOST_AT_ONCE = 20_000  # cells of all copies in one search


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """One block, and what is taken for the truth of it.

    Attributes
    ----------
    block : its position
    weights : (own, saturation) outcome units per period, of the block's cells in order
    free : (cell,) which cells of the problem may move; None for all that the limits let move
    """

    block: int
    weights: np.ndarray
    free: np.ndarray | None = None


def best_plans(problem: Problem, cases: Sequence[Case]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Positions of the cells of each case's block, and their spend in its best plan."""
    plans: list[tuple[np.ndarray, np.ndarray]] = []
    sizes = np.bincount(problem.cell_block, minlength=problem.n_blocks)
    taken, together = [], 0
    for case in cases:
        if taken and together + sizes[case.block] > MOST_AT_ONCE:
            plans += _solved(problem, taken)
            taken, together = [], 0
        taken.append(case)
        together += sizes[case.block]
    return plans + (_solved(problem, taken) if taken else [])


def _solved(problem: Problem, cases: Sequence[Case]) -> list[tuple[np.ndarray, np.ndarray]]:
    """The same for cases that fit into one search."""
    stacked, members = copies(
        problem,
        np.array([case.block for case in cases]),
        draws=problem.draws,
        account_shift=np.zeros(len(cases), dtype=int),
    )
    weights = np.concatenate([case.weights for case in cases])
    free = np.concatenate(
        [
            np.ones(own.size, bool) if case.free is None else case.free[own]
            for case, own in zip(cases, members, strict=True)
        ]
    )
    stacked = replace(
        stacked,
        draws=_one_draw(problem.draws, weights, stacked.scale),
        position=(np.zeros(free.size, dtype=int), np.arange(free.size)),
        lower=np.where(free, stacked.lower, stacked.current),
        upper=np.where(free, stacked.upper, stacked.current),
    )
    best = solve(stacked, Risk(aversion=0.0), np.ones(stacked.n_blocks, dtype=bool)).spend
    ends = np.cumsum([own.size for own in members])[:-1]
    return list(zip(members, np.split(best, ends), strict=True))


def _one_draw(draws: CurveDraws, weights: np.ndarray, scale: np.ndarray) -> CurveDraws:
    """Curves of all cells of all cases, side by side, as one draw of one account."""
    grid = np.zeros((1, 1, scale.size, *draws.weights.shape[3:]))
    grid[0, 0, :, 0] = weights
    return replace(
        draws,
        accounts=("all",),
        channels=tuple(map(str, range(scale.size))),
        weights=grid,
        scale=scale[None],
        carry_in=np.zeros((1, scale.size, draws.retention.size)),
        unit_value=np.ones(1),
        margin=np.ones(1),
        currency=("",),
        highest_spend=None,
        population=None,
    )


def best_by_draw(problem: Problem, some: np.ndarray) -> np.ndarray:
    """(some, account) value of the best plan against today's, money per period.

    Parameters
    ----------
    problem : what the plans may be
    some : positions of the draws, each of which is taken for the truth
    """
    by_draw = problem.draws.steady_weights[some][:, *problem.position]
    own = [np.flatnonzero(problem.cell_block == block) for block in range(problem.n_blocks)]
    cases = [
        Case(block=block, weights=weights[cells])
        for weights in by_draw
        for block, cells in enumerate(own)
    ]
    value = np.zeros((some.size, len(problem.draws.accounts)))
    for i, (cell, spend) in enumerate(best_plans(problem, cases)):
        draw, now = i // problem.n_blocks, problem.current[cell]
        after, before = (
            saturation(plan / problem.scale[cell], problem.draws.half_saturation)
            for plan in (spend, now)
        )
        earned = (by_draw[draw, cell] * (after - before)).sum(axis=1) * problem.unit_money[cell]
        np.add.at(value[draw], problem.position[0][cell], earned - (spend - now))
    return value
