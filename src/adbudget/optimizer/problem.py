"""CurveDraws + current plan + Limits -> arrays to search over. Knows nothing of risk or search."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from adbudget.draws import CurveDraws, SpendLike
from adbudget.errors import InputError
from adbudget.optimizer.rows import GROUP, SHARE, LinearRows, build_rows, check_known
from adbudget.plan import DEFAULT_CHANGE, Cell, Limits

CHANGE, LOWER, UPPER, FIXED = "change", "lower", "upper", "fixed"
OBSERVED = "highest observed spend"
TOLERANCE = 1e-9  # a limit holds when it is missed by less than this share of the money at stake


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """Everything the search needs, one entry per cell that exists, in account order.

    Attributes
    ----------
    cells : (cell,) (account, channel)
    position : two (cell,) arrays, place of the cell on the account and channel axes of ``draws``
    unit_money : (cell,) margin money that one outcome unit brings in
    current : (cell,) spend per period today
    bounds : name of a limit -> its (lower, upper), each (cell,); see ``CHANGE`` and its siblings
    lower, upper : (cell,) the bounds together; always finite
    rows : limits that tie cells together
    pools, pool : pool names, and each cell's position among them; a pool shares total and risk
    block : (pool,) pools tied together by a row have one number; blocks are solved by themselves
    row_block : (row,) block of each row
    """

    draws: CurveDraws
    limits: Limits
    cells: pd.MultiIndex
    position: tuple[np.ndarray, np.ndarray]
    unit_money: np.ndarray
    current: np.ndarray
    bounds: dict[str, tuple[np.ndarray, np.ndarray]]
    lower: np.ndarray
    upper: np.ndarray
    rows: LinearRows
    pools: tuple[str, ...]
    pool: np.ndarray
    block: np.ndarray
    row_block: np.ndarray

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return self.current.size

    @cached_property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return int(self.block.max(initial=-1)) + 1

    @cached_property
    def cell_block(self) -> np.ndarray:
        """(cell,) block of each cell."""
        return self.block[self.pool]

    @cached_property
    def scale(self) -> np.ndarray:
        """(cell,) spend at which the curves' level is one."""
        return self.draws.scale[self.position]

    def block_sum(self, by_cell: np.ndarray) -> np.ndarray:
        """(block,) sums of a quantity by cell."""
        return np.bincount(self.cell_block, by_cell, self.n_blocks)

    def breaks(self, spend: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which cells (cell,) and rows (row,) break a limit at ``spend``, both bool."""
        at_stake = np.maximum(self.block_sum(np.maximum(self.current, spend)), 1e-300)
        slack = TOLERANCE * at_stake
        cell_slack = slack[self.cell_block]
        cells = (spend < self.lower - cell_slack) | (spend > self.upper + cell_slack)
        return cells, self.rows.excess(spend) > slack[self.row_block]

    def least(self, spend: np.ndarray) -> np.ndarray:
        """(cell,) how far each cell may fall by its own bounds and by minima of its groups."""
        rows, lowest = self.rows, self.lower.copy()
        minimum = np.array([kind == GROUP for kind in rows.kind], dtype=bool)[rows.row]
        entries = np.flatnonzero(minimum & (rows.coefficient < 0))
        room = (rows.bound - rows.dot(spend))[rows.row[entries]] / -rows.coefficient[entries]
        np.maximum.at(lowest, rows.cell[entries], spend[rows.cell[entries]] - room)
        return lowest

    def most(self, spend: np.ndarray) -> np.ndarray:
        """(cell,) how far each cell may rise by its own bounds and by maxima of its groups."""
        rows, highest = self.rows, self.upper.copy()
        maximum = np.array([kind == GROUP for kind in rows.kind], dtype=bool)[rows.row]
        entries = np.flatnonzero(maximum & (rows.coefficient > 0))
        room = (rows.bound - rows.dot(spend))[rows.row[entries]] / rows.coefficient[entries]
        np.minimum.at(highest, rows.cell[entries], spend[rows.cell[entries]] + room)
        return highest

    def admits(self, spend: np.ndarray) -> np.ndarray:
        """(block,) whether ``spend`` keeps every limit of the block."""
        bad_cells, bad_rows = self.breaks(spend)
        broken = np.zeros(self.n_blocks, dtype=bool)
        broken[self.cell_block[bad_cells]] = True
        broken[self.row_block[bad_rows]] = True
        return ~broken


def build_problem(draws: CurveDraws, current: SpendLike, limits: Limits) -> Problem:
    """Arrays of one optimization.

    Raises
    ------
    InputError : ``current`` or a limit names unknown cells, or money of two currencies is added up
    """
    cells, at = draws.cells, tuple(np.argwhere(draws.exists).T)
    current_spend = draws.aligned(current)[at]
    pool, pools = _pools(limits.pool, draws, at[0])
    rows = build_rows(limits, cells, current_spend, pool, pools, np.array(draws.currency)[at[0]])
    bounds = _bounds(limits, cells, current_spend)
    bounds[OBSERVED] = _observed(limits, draws, at, current_spend)
    block, row_block = _blocks(rows, pool, len(pools))
    lower = np.maximum.reduce([low for low, _ in bounds.values()])
    upper = np.minimum.reduce([high for _, high in bounds.values()])
    unit_money = (draws.margin * draws.unit_value)[at[0]]
    problem = Problem(
        draws=draws, limits=limits, cells=cells, position=(at[0], at[1]), unit_money=unit_money,
        current=current_spend, bounds=bounds, lower=lower, upper=upper, rows=rows,
        pools=pools, pool=pool, block=block, row_block=row_block,
    )  # fmt: skip
    return replace(problem, upper=_finite_upper(problem))


def hold_cells(problem: Problem, fixed: tuple[Cell | str, ...]) -> Problem:
    """Hold more cells (or whole channels) of a problem at today's spend."""
    held = _fixed_cells(fixed, problem.cells)
    low, high = problem.bounds[FIXED]
    pinned = np.where(held, problem.current, low), np.where(held, problem.current, high)
    return replace(
        problem,
        limits=replace(problem.limits, fixed=(*problem.limits.fixed, *fixed)),
        bounds={**problem.bounds, FIXED: pinned},
        lower=np.maximum(problem.lower, pinned[0]),
        upper=np.minimum(problem.upper, pinned[1]),
    )


def _pools(asked: Any, draws: CurveDraws, account: np.ndarray) -> tuple[np.ndarray, tuple]:
    """(cell,) pool number, and the pool names."""
    if asked is None:
        name_of = {name: name for name in draws.accounts}
    elif asked == "currency":
        name_of = {n: c or "all" for n, c in zip(draws.accounts, draws.currency, strict=True)}
    else:
        check_known(asked, draws.accounts, "pool", "account")
        name_of = {name: str(asked.get(name, name)) for name in draws.accounts}
        alone = set(draws.accounts) - set(asked)
        clash = sorted(alone & {str(pool) for pool in asked.values()})
        if clash:
            raise InputError(f"pool name {clash[0]!r} is also an account outside it; rename it.")
    currencies: dict[str, set[str]] = {}
    for name, currency in zip(draws.accounts, draws.currency, strict=True):
        currencies.setdefault(name_of[name], set()).add(currency)
    for pool, found in currencies.items():
        if len(found) > 1:
            raise InputError(
                f"pool {pool!r} joins accounts in different currencies {sorted(found)}. "
                'Pool accounts of one currency, for instance with pool="currency".'
            )
    number, names = pd.factorize(np.array([name_of[draws.accounts[a]] for a in account], object))
    return number, tuple(names)


def _bounds(limits: Limits, cells: pd.MultiIndex, current: np.ndarray) -> dict:
    """Bounds of every cell, limit by limit, so that a conflict can be named."""
    n_cells = current.size
    floor, none = np.zeros(n_cells), np.full(n_cells, np.inf)
    lower = _by_cell(limits.lower, cells, "lower", 0.0)
    upper = _by_cell(limits.upper, cells, "upper", np.inf)
    down, up = _change(limits.change, cells)
    # a share of no spend is no spend: only an absolute upper bound can switch a channel on
    opened = (current == 0) & np.isfinite(upper)
    low = np.where(opened, 0.0, np.maximum(current * (1 - down), 0.0))
    high = np.where(opened | np.isinf(up), np.inf, current * (1 + np.where(np.isinf(up), 0, up)))
    held = _fixed_cells(limits.fixed, cells)
    return {
        CHANGE: (low, high),
        LOWER: (lower, none),
        UPPER: (floor, upper),
        FIXED: (np.where(held, current, 0.0), np.where(held, current, np.inf)),
    }


def _observed(limits: Limits, draws: CurveDraws, at, current: np.ndarray) -> tuple:
    """Bounds of the spend that history has seen; today's spend is part of it."""
    unknown = np.full(current.size, np.inf)
    if limits.beyond_observed or draws.highest_spend is None:
        return np.zeros(current.size), unknown
    highest = draws.highest_spend[at]
    return np.zeros(current.size), np.where(np.isnan(highest), unknown, np.fmax(highest, current))


def _change(asked: Any, cells: pd.MultiIndex) -> tuple[np.ndarray, np.ndarray]:
    """(cell,) largest fall and rise, as fractions of today's spend."""
    if asked is None:
        return np.ones(len(cells)), np.full(len(cells), np.inf)
    by_cell = asked if isinstance(asked, dict) else {}
    check_known(by_cell, cells, "change", "cell")
    default = DEFAULT_CHANGE if isinstance(asked, dict) else asked
    sides = np.empty((len(cells), 2))
    sides[:] = default
    for cell, change in by_cell.items():
        sides[cells.get_loc(cell)] = change
    return sides[:, 0], sides[:, 1]


def _by_cell(asked: Any, cells: pd.MultiIndex, key: str, default: float) -> np.ndarray:
    """(cell,) an absolute bound, ``default`` where the caller gave none."""
    if not isinstance(asked, dict):
        return np.full(len(cells), default if asked is None else float(asked))
    check_known(asked, cells, key, "cell")
    values = np.full(len(cells), default)
    values[cells.get_indexer(list(asked))] = list(asked.values())
    return values


def _fixed_cells(fixed: tuple[Cell | str, ...], cells: pd.MultiIndex) -> np.ndarray:
    """(cell,) whether a cell, or its whole channel, may not move."""
    names = tuple(name for name in fixed if isinstance(name, str))
    pairs = [cell for cell in fixed if not isinstance(cell, str)]
    channels = cells.get_level_values(1)
    check_known(names, set(channels), "fixed", "channel")
    check_known(pairs, cells, "fixed", "cell")
    held = np.asarray(channels.isin(names))
    return held | cells.isin(pairs) if pairs else held


def _blocks(rows: LinearRows, pool: np.ndarray, n_pools: int) -> tuple[np.ndarray, np.ndarray]:
    """(pool,) and (row,) block numbers: pools that share a row share a block."""
    label = np.arange(n_pools)
    entry_pool = pool[rows.cell]
    while True:  # the smallest label spreads along rows until nothing changes
        smallest = np.full(rows.n_rows, n_pools)
        np.minimum.at(smallest, rows.row, label[entry_pool])
        spread = label.copy()
        np.minimum.at(spread, entry_pool, smallest[rows.row])
        if np.array_equal(spread, label):
            break
        label = spread
    block = np.unique(label, return_inverse=True)[1]
    row_block = np.zeros(rows.n_rows, dtype=int)
    row_block[rows.row] = block[entry_pool]
    return block, row_block


def _finite_upper(problem: Problem) -> np.ndarray:
    """Upper bounds, with a far one where the caller set none: beyond it no draw gains a cent."""
    upper, open_end = problem.upper, np.isinf(problem.upper)
    if not open_end.any():
        return upper
    draws, at = problem.draws, (problem.position[0][open_end], problem.position[1][open_end])
    weights = draws.steady_weights[:, at[0], at[1]]
    # slope of the best draw is below sum_m w_m k_m / x^2, and pays for itself until it is 1
    steepness = (weights @ draws.half_saturation).max(axis=0) * problem.unit_money[open_end]
    enough = np.sqrt(np.maximum(steepness * problem.scale[open_end], 0.0))
    far = np.where(open_end, 0.0, upper)
    far[open_end] = np.maximum(enough, problem.current[open_end])
    far = np.where(open_end, _room_for_rows(problem, far), upper)
    if problem.limits.total != "free":  # totals come first among the rows, pool by pool
        far = np.minimum(far, problem.rows.bound[problem.pool])
    return np.where(open_end, np.maximum(far, problem.lower), upper)


def _room_for_rows(problem: Problem, far: np.ndarray) -> np.ndarray:
    """(cell,) far bounds, wide enough for whatever rows force into a block."""
    asks = (problem.rows.bound < 0) | problem.rows.equality
    asks |= np.array([kind == SHARE for kind in problem.rows.kind], dtype=bool)
    forced = np.zeros(problem.n_blocks, dtype=bool)
    forced[problem.row_block[asks]] = True
    reach = problem.block_sum(far + problem.current + problem.lower)
    np.add.at(reach, problem.row_block, np.abs(problem.rows.bound))
    reach /= problem.limits.max_share or 1.0
    return np.where(forced[problem.cell_block], reach[problem.cell_block], far)
