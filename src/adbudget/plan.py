"""Plan and Limits: spend by account and channel, and what it may be."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from adbudget.display.page import Listed, Page, Shown, counted, table_of
from adbudget.errors import InputError
from adbudget.money import amount

Cell = tuple[str, str]
Change = float | tuple[float, float]

DEFAULT_CHANGE = 0.3
LARGEST_CHANGE = 4.0  # five times the spend: beyond it, a percentage was probably meant
TOTALS = ("fixed", "at_most", "free")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Plan(Shown):
    """Spend per period for every cell.

    Attributes
    ----------
    spend : Series indexed by (account, channel), account currency per period

    Examples
    --------
    >>> plan = ab.Plan(spend=fit.current_spend * 1.1)
    >>> plan.total_by_account.index.tolist()
    ['account_01', 'account_02', 'account_03', 'account_04', 'account_05']
    """

    spend: pd.Series

    def __post_init__(self) -> None:
        values = self.spend.to_numpy(dtype=float)
        bad = self.spend.index[~(np.isfinite(values) & (values >= 0))].tolist()
        if bad:
            raise InputError(f"a plan's spend must be finite and >= 0; it is not at {bad[:5]}.")

    def page(self) -> Page:
        """What ``repr`` and a notebook show."""
        total = self.total_by_account.sum()
        return Page(
            title=f"Plan: {amount(total)} per period on "
            f"{counted(len(self.spend), 'account-channel')}",
            next=(".spend  .total_by_account",),
            **table_of(self.spend.rename("spend").reset_index()),
        )

    @property
    def total_by_account(self) -> pd.Series:
        """Spend per period by account, account currency."""
        return pd.Series(self.spend.groupby(level="account", sort=False).sum())


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Group(Listed):
    """A set of cells whose spend together has a minimum, a maximum, or both.

    A cell belongs to the group when it satisfies every selector given. All cells of a group have
    one currency.

    Attributes
    ----------
    name : how the group is called in reasons and errors
    accounts, channels : names; None takes all
    cells : (account, channel) pairs; None takes all
    minimum, maximum : money per period for the whole group; None sets no limit

    Examples
    --------
    >>> brand = ab.Group(name="brand", channels=("search",), minimum=500.0)
    >>> ab.Limits(groups=(brand,)).groups[0].name
    'brand'
    """

    name: str
    accounts: tuple[str, ...] | None = None
    channels: tuple[str, ...] | None = None
    cells: tuple[Cell, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None

    def __post_init__(self) -> None:
        where = f"group {self.name!r}"
        for key in ("accounts", "channels", "cells"):
            chosen = getattr(self, key)
            if isinstance(chosen, str):
                raise InputError(f"{where}: {key} must be a tuple; got {chosen!r}.")
            if chosen is not None:
                object.__setattr__(self, key, tuple(chosen))
        if self.cells is not None:
            _check_pairs(self.cells, f"{where}: cells")
        if self.accounts is self.channels is self.cells is None:
            raise InputError(f"{where} selects no cells; give accounts, channels or cells.")
        if self.minimum is None and self.maximum is None:
            raise InputError(f"{where} limits nothing; give a minimum or a maximum.")
        for key in ("minimum", "maximum"):
            if getattr(self, key) is not None:
                _check_number(getattr(self, key), f"{where}: {key}", "money per period, >= 0")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Limits(Listed):
    """What a plan may be. Money is account currency per period.

    Attributes
    ----------
    change : largest relative move of a cell: 0.3 is +-30%, (0.2, 0.5) is -20% to +50%, a mapping
        or Series by (account, channel) sets it cell by cell (cells not named keep +-30%), None
        sets none. A cell without spend today stays off, unless ``upper`` says how far it may go
    lower, upper : absolute bounds, for every cell or by (account, channel); they narrow ``change``
    total : of each pool: "fixed" (spend exactly it), "at_most", or "free" (no limit)
    budget : the total itself, for the only pool or by pool name; pools not named, and None, keep
        today's total
    pool : who shares a total and a risk. None: each account by itself; "currency": all accounts
        of one currency; a mapping account -> pool name joins the accounts it names
    groups : limits on sets of cells
    max_share : largest share of one channel in the total of its account, in (0, 1]; an account
        with one channel has nothing to share out and is left alone
    fixed : (account, channel) pairs, or channel names, that may not move
    step : moves are whole multiples of this (today's spend + k * step), so totals stay exact
    beyond_observed : True lets a cell rise above the highest spend of its history, where the curve
        is assumed rather than seen; False stops it there (or at today's spend, if that is higher)

    Examples
    --------
    >>> ab.Limits(change=(0.2, 0.5), total="fixed", fixed=("shopping",))  # -20% to +50%
    Limits(change=(0.2, 0.5), lower=None, upper=None, total='fixed', budget=None, pool=None,
     groups=(), max_share=None, fixed=('shopping',), step=None, beyond_observed=False)
    >>> ab.Limits(change=20)
    Traceback (most recent call last):
        ...
    adbudget.errors.InputError: change must be a fraction, 0.3 for +-30%; got 20, which is 2000%.
     ...
    """

    change: Change | Mapping[Cell, Change] | pd.Series | None = DEFAULT_CHANGE
    lower: float | Mapping[Cell, float] | pd.Series | None = None
    upper: float | Mapping[Cell, float] | pd.Series | None = None
    total: Literal["fixed", "at_most", "free"] = "at_most"
    budget: float | Mapping[str, float] | pd.Series | None = None
    pool: Literal["currency"] | Mapping[str, str] | pd.Series | None = None
    groups: tuple[Group, ...] = ()
    max_share: float | None = None
    fixed: tuple[Cell | str, ...] = ()
    step: float | None = None
    beyond_observed: bool = False

    def __post_init__(self) -> None:
        for key in ("change", "lower", "upper", "budget", "pool"):
            value = getattr(self, key)
            if isinstance(value, pd.Series | Mapping):
                object.__setattr__(self, key, dict(value.items()))
        self._check_bounds()
        self._check_totals()
        self._check_cells()

    def _check_bounds(self) -> None:
        for at, change in _entries(self.change, "change"):
            _check_change(change, at)
        for key in ("lower", "upper"):
            for at, bound in _entries(getattr(self, key), key):
                _check_number(bound, at, "money per period, >= 0")

    def _check_totals(self) -> None:
        if self.total not in TOTALS:
            raise InputError(f"total must be one of {TOTALS}; got {self.total!r}.")
        if self.total == "free" and self.budget is not None:
            raise InputError('budget has no effect with total="free"; use "at_most" or "fixed".')
        by_pool = self.budget if isinstance(self.budget, dict) else {"": self.budget}
        for pool, money in by_pool.items():
            if money is not None:
                at = f"budget[{pool!r}]" if pool else "budget"
                _check_number(money, at, "money per period, >= 0")
        named = isinstance(self.pool, str) and self.pool == "currency"
        if not (self.pool is None or named or isinstance(self.pool, dict)):
            raise InputError(
                f'pool must be None, "currency" or a mapping account -> pool; got {self.pool!r}.'
            )

    def _check_cells(self) -> None:
        object.__setattr__(self, "groups", _as_tuple(self.groups, "groups"))
        object.__setattr__(self, "fixed", _as_tuple(self.fixed, "fixed"))
        for group in self.groups:
            if not isinstance(group, Group):
                raise InputError(f"groups must hold Group records; got {group!r}.")
        names = [group.name for group in self.groups]
        if len(set(names)) < len(names):
            raise InputError(f"groups must have different names; got {names}.")
        _check_pairs([cell for cell in self.fixed if not isinstance(cell, str)], "fixed")
        if self.max_share is not None:
            _check_number(self.max_share, "max_share", "a share in (0, 1]")
            if not 0 < self.max_share <= 1:
                raise InputError(f"max_share must be in (0, 1]; got {self.max_share}.")
        if self.step is not None:
            _check_number(self.step, "step", "money per period, > 0")
            if self.step == 0:
                raise InputError("step must be > 0; got 0. For no step, leave it out.")
        if not isinstance(self.beyond_observed, bool):
            raise InputError(
                f"beyond_observed must be True or False; got {self.beyond_observed!r}."
            )


def _entries(value: Any, key: str) -> list[tuple[str, Any]]:
    """List what to check under one key: a mapping's entries, or the one value."""
    if value is None:
        return []
    if not isinstance(value, dict):
        return [(key, value)]
    _check_pairs(value, key)
    return [(f"{key}[{cell!r}]", bound) for cell, bound in value.items()]


def _check_pairs(cells: Any, key: str) -> None:
    for cell in cells:
        if not (isinstance(cell, tuple) and len(cell) == 2):
            raise InputError(f"{key} must name cells as (account, channel); got {cell!r}.")


def _check_change(change: Any, key: str) -> None:
    sides = change if isinstance(change, tuple) else (change, change)
    if len(sides) != 2:
        raise InputError(f"{key} must be one fraction or (down, up); got {change!r}.")
    for side in sides:
        _check_number(side, key, "a fraction >= 0, 0.3 for +-30%,")
        if side > LARGEST_CHANGE:
            raise InputError(
                f"{key} must be a fraction, 0.3 for +-30%; got {side!r}, which is {side:.0%}. Did "
                f"you mean {side / 100:g}? For no bound, leave it None."
            )


def _check_number(value: Any, key: str, wanted: str) -> None:
    number = isinstance(value, int | float | np.integer | np.floating)
    if not number or isinstance(value, bool) or not np.isfinite(value) or value < 0:
        raise InputError(f"{key} must be {wanted} and finite; got {value!r}.")


def _as_tuple(value: Any, key: str) -> tuple:
    if isinstance(value, str | Group):
        raise InputError(f"{key} must be a tuple; got {value!r}. Write ({value!r},).")
    return tuple(value)
