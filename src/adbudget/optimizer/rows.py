"""Limits that tie cells together -> linear rows: totals, groups, shares.

A row says  sum_i coefficient_i * spend_i  <= bound  (or == bound). Rows are triplets, so that
ten thousand cells stay cheap and nothing heavy is imported for a small plan.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.plan import Group, Limits

TOTAL, GROUP, SHARE = "total", "group", "max_share"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinearRows:
    """Linear limits on spend.

    Attributes
    ----------
    row, cell, coefficient : (entry,) the triplets
    bound : (row,) right-hand side, money per period
    equality : (row,) whether the row holds with equality
    kind : (row,) TOTAL, GROUP or SHARE
    name : (row,) how the limit is called, for instance "total of north"
    """

    row: np.ndarray
    cell: np.ndarray
    coefficient: np.ndarray
    bound: np.ndarray
    equality: np.ndarray
    kind: tuple[str, ...]
    name: tuple[str, ...]

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self.bound.size

    def dot(self, spend: np.ndarray) -> np.ndarray:
        """(row,) left-hand sides at ``spend`` (cell,)."""
        parts = self.coefficient * spend[self.cell]
        return np.bincount(self.row, weights=parts, minlength=self.n_rows)

    def transpose_dot(self, price: np.ndarray, n_cells: int) -> np.ndarray:
        """(cell,) what the prices of the rows (row,) add up to at each cell."""
        return np.bincount(self.cell, weights=self.coefficient * price[self.row], minlength=n_cells)

    def excess(self, spend: np.ndarray) -> np.ndarray:
        """(row,) money by which ``spend`` breaks each row; zero or less where it holds."""
        over = self.dot(spend) - self.bound
        return np.where(self.equality, np.abs(over), over)

    def take(self, cells: np.ndarray, rows: np.ndarray, n_cells: int) -> "LinearRows":
        """Entries of some rows at some cells, both renumbered in the order given."""
        new_cell = np.full(n_cells, -1)
        new_cell[cells] = np.arange(cells.size)
        new_row = np.full(self.n_rows, -1)
        new_row[rows] = np.arange(rows.size)
        kept = (new_row[self.row] >= 0) & (new_cell[self.cell] >= 0)
        return LinearRows(
            row=new_row[self.row[kept]],
            cell=new_cell[self.cell[kept]],
            coefficient=self.coefficient[kept],
            bound=self.bound[rows],
            equality=self.equality[rows],
            kind=tuple(self.kind[r] for r in rows),
            name=tuple(self.name[r] for r in rows),
        )

    def dense(self, n_cells: int) -> np.ndarray:
        """(row, cell) coefficients."""
        matrix = np.zeros((self.n_rows, n_cells))
        np.add.at(matrix, (self.row, self.cell), self.coefficient)
        return matrix

    def sparse(self, n_cells: int) -> Any:
        """(row, cell) coefficients as a scipy CSR matrix."""
        from scipy.sparse import csr_array

        shape = (self.n_rows, n_cells)
        return csr_array((self.coefficient, (self.row, self.cell)), shape=shape)


@dataclass(slots=True)
class _Stack:
    """LinearRows while they are being collected."""

    entries: list[tuple[np.ndarray, np.ndarray, np.ndarray]]
    bound: list[float]
    equality: list[bool]
    kind: list[str]
    name: list[str]

    def add(self, row, cell, coefficient, bound, equality: bool, kind: str, name) -> None:
        """Add rows of one kind; ``row`` counts from zero within them."""
        self.entries.append((row + len(self.bound), cell, coefficient))
        self.bound += list(bound)
        self.equality += [equality] * len(bound)
        self.kind += [kind] * len(bound)
        self.name += list(name)


def build_rows(
    limits: Limits,
    cells: pd.MultiIndex,
    current: np.ndarray,
    pool: np.ndarray,
    pools: tuple[str, ...],
    currency: np.ndarray,
) -> LinearRows:
    """Every row of ``limits``.

    Parameters
    ----------
    current : (cell,) spend per period today
    pool : (cell,) position in ``pools``
    currency : (cell,) currency code

    Raises
    ------
    InputError : a group or budget names something unknown, or a group mixes currencies
    """
    stack = _Stack([], [], [], [], [])
    if limits.total != "free":
        budget = _budget(limits.budget, np.bincount(pool, current, len(pools)), pools)
        names = [f"total of {name}" for name in pools]
        ones = np.ones(pool.size)
        stack.add(pool, np.arange(pool.size), ones, budget, limits.total == "fixed", TOTAL, names)
    for group in limits.groups:
        _add_group(stack, group, cells, currency)
    if limits.max_share is not None:
        _add_shares(stack, limits.max_share, cells)
    return _packed(stack)


def _packed(stack: _Stack) -> LinearRows:
    row, cell, coefficient = (
        np.concatenate([np.empty(0), *[entry[axis] for entry in stack.entries]])
        for axis in range(3)
    )
    return LinearRows(
        row=row.astype(int),
        cell=cell.astype(int),
        coefficient=coefficient,
        bound=np.array(stack.bound, dtype=float),
        equality=np.array(stack.equality, dtype=bool),
        kind=tuple(stack.kind),
        name=tuple(stack.name),
    )


def _budget(asked: Any, today: np.ndarray, pools: tuple[str, ...]) -> np.ndarray:
    """(pool,) the totals: today's, unless the caller gave others."""
    if asked is None:
        return today
    if not isinstance(asked, dict):
        if len(pools) > 1:
            raise InputError(
                f"budget is one number, but there are {len(pools)} totals, first {pools[:3]}. "
                "Give a mapping from account (or pool) to money per period, or one pool for all "
                "accounts (pool='currency')."
            )
        return np.array([float(asked)])
    check_known(asked, pools, "budget", "account or pool")
    return np.array([float(asked.get(name, now)) for name, now in zip(pools, today, strict=True)])


def _add_group(stack: _Stack, group: Group, cells: pd.MultiIndex, currency: np.ndarray) -> None:
    members = np.flatnonzero(_membership(group, cells))
    if members.size == 0:
        raise InputError(f"group {group.name!r} matches no cell; check its selectors.")
    mixed = sorted({str(code) for code in currency[members]})
    if len(mixed) > 1:
        raise InputError(
            f"group {group.name!r} mixes currencies {', '.join(mixed)}; make one group of each."
        )
    row, ones = np.zeros(members.size, dtype=int), np.ones(members.size)
    if group.minimum is not None:
        name = [f"group {group.name} minimum"]
        stack.add(row, members, -ones, [-group.minimum], False, GROUP, name)
    if group.maximum is not None:
        name = [f"group {group.name} maximum"]
        stack.add(row, members, ones, [group.maximum], False, GROUP, name)


def _membership(group: Group, cells: pd.MultiIndex) -> np.ndarray:
    """(cell,) whether a cell satisfies every selector of the group."""
    inside = np.ones(len(cells), dtype=bool)
    for key, level in (("accounts", 0), ("channels", 1)):
        chosen = getattr(group, key)
        if chosen is not None:
            names = cells.get_level_values(level)
            check_known(chosen, set(names), f"group {group.name!r}: {key}", key[:-1])
            inside &= names.isin(chosen)
    if group.cells is not None:
        check_known(group.cells, cells, f"group {group.name!r}: cells", "cell")
        inside &= cells.isin(list(group.cells))
    return inside


def _add_shares(stack: _Stack, max_share: float, cells: pd.MultiIndex) -> None:
    """spend_i - max_share * (total of its account) <= 0, for every cell i."""
    account, names = pd.factorize(cells.get_level_values(0))
    in_account = np.bincount(account)[account]
    about = np.flatnonzero(in_account > 1)  # a lone channel has nothing to share out
    size = in_account[about]
    row = np.repeat(np.arange(about.size), size)
    within = np.arange(row.size) - np.repeat(np.cumsum(size) - size, size)
    # cells are in account order, so an account's cells follow its first
    cell = np.repeat(np.searchsorted(account, account[about]), size) + within
    coefficient = (about[row] == cell) - max_share
    labels = [f"max_share in {names[a]}" for a in account[about]]
    stack.add(row, cell, coefficient, [0.0] * about.size, False, SHARE, labels)


def check_known(asked: Iterable, known: Any, key: str, what: str) -> None:
    """Raise InputError naming what ``key`` asks for that is not ``known``."""
    unknown = [name for name in asked if name not in known]
    if unknown:
        raise InputError(
            f"{key} names {len(unknown)} unknown {what}(s), first {unknown[:5]}. "
            f"Known are, for instance, {list(known)[:5]}."
        )
