"""Truth: the curves that made a world, and what any plan would really earn."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from adbudget.curves import adstock, retention_rate, saturation, saturation_slope
from adbudget.errors import InputError
from adbudget.synthetic.oracle import best_split

Total = Literal["fixed", "at_most", "free"]
SpendLike = pd.Series | Mapping[tuple[str, str], float]

FORGOTTEN = 40.0  # exp(-40) of a delayed effect is left when it counts as gone
ROUNDING_SLACK = 1e-3  # how far a rounded plan may stray from bounds and totals, relative
CELL_NUMBERS = (
    *("weight", "scale", "half_saturation", "exponent", "carry_days", "carry_shape", "drift"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """Share of the best plan's gain that a recommended plan achieves; 1 is perfect, 0 is holding.

    Attributes
    ----------
    overall : gain of all accounts over the best gain of all accounts
    by_account : Series by account; NaN where nothing can be gained
    gain, oracle_gain : Series by account, money per period

    Examples
    --------
    >>> captured = world.truth.captured(proposal.plan.spend, panel.current_spend(), total="free")
    >>> captured.overall <= 1.0
    True
    """

    overall: float
    by_account: pd.Series
    gain: pd.Series
    oracle_gain: pd.Series


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Truth:
    """Every true response curve, as it is at the end of the history.

    With x = spend / scale a cell brings in weight * h(x) outcome units per period at a constant
    spend; h(x) = x^n / (x^n + k^n) for "saturating" (n = 1) and "hill", x^n for "power".

    Attributes
    ----------
    cells : MultiIndex (account, channel); every array below is in this order
    curve : (cell,) "saturating", "hill" or "power"
    weight : (cell,) outcome units per period; 0 for a dud
    scale : (cell,) mean spend per period over the cell's life, account currency
    half_saturation : (cell,) k, in units of ``scale``
    exponent : (cell,) n
    carry_days : (cell,) half-life ("geometric") or Weibull scale ("weibull_delayed"), in days
    carry_shape : (cell,) Weibull shape; 1 for "geometric"
    drift : (cell,) log step of ``weight`` at ``drift_date``, already part of ``weight``
    carryover : "geometric" or "weibull_delayed"
    drift_date : first date with today's returns
    period_days : days in one period
    currency : currency code
    value : money one outcome unit brings in

    Examples
    --------
    >>> today = panel.current_spend()
    >>> world.truth.total(1.1 * today) > world.truth.total(today)
    True
    >>> truth, cell = world.truth, ("account_01", "search")
    >>> bool(truth.marginal(today)[cell] <= truth.roi(today)[cell]), truth.is_dud(cell)
    (True, False)
    >>> len(truth.response(today)), len(truth.by_account(today))
    (10, 5)
    >>> round(truth.captured(truth.optimal(today), today).overall, 2)  # the best split's own gain
    1.0
    >>> spend = np.repeat(truth.aligned(today)[:, None], 4, axis=1)  # (cell, period)
    >>> carried, memory = truth.carried(spend)
    >>> bool(np.allclose(truth.owed(carried), truth.path(spend)))
    True
    >>> from adbudget.synthetic import Truth
    >>> Truth.from_params(truth.params).total(today) == truth.total(today)
    True
    """

    cells: pd.MultiIndex
    curve: np.ndarray
    weight: np.ndarray
    scale: np.ndarray
    half_saturation: np.ndarray
    exponent: np.ndarray
    carry_days: np.ndarray
    carry_shape: np.ndarray
    drift: np.ndarray
    carryover: str
    drift_date: str
    period_days: float
    currency: str
    value: float

    @property
    def params(self) -> dict[str, Any]:
        """Everything :meth:`from_params` needs, as JSON can hold it."""
        columns = {name: getattr(self, name).tolist() for name in CELL_NUMBERS}
        rows = [
            {"account": account, "channel": channel, "dud": columns["weight"][i] == 0}
            | {"curve": str(self.curve[i])}
            | {name: column[i] for name, column in columns.items()}
            for i, (account, channel) in enumerate(self.cells)
        ]
        names = ("carryover", "drift_date", "period_days", "currency", "value")
        return {name: getattr(self, name) for name in names} | {"cells": rows}

    @classmethod
    def from_params(cls, params: dict[str, Any]) -> "Truth":
        """Read what :attr:`params` wrote."""
        rows = params["cells"]
        pairs = [(row["account"], row["channel"]) for row in rows]
        arrays = {name: np.array([row[name] for row in rows], float) for name in CELL_NUMBERS}
        return cls(
            cells=pd.MultiIndex.from_tuples(pairs, names=["account", "channel"]),
            curve=np.array([row["curve"] for row in rows]),
            **arrays,
            **{name: value for name, value in params.items() if name != "cells"},
        )

    def response(self, spend: SpendLike) -> pd.Series:
        """Outcome per period owed to each cell at a constant spend per period.

        Parameters
        ----------
        spend : by (account, channel), account currency per period; every cell is needed

        Raises
        ------
        InputError : a cell is missing, unknown, negative or not finite
        """
        return self._named(self._outcome(self.aligned(spend)), "response")

    def marginal(self, spend: SpendLike) -> pd.Series:
        """Slope of :meth:`response`: outcome units per extra unit of spend.

        Multiply by ``value`` for the marginal ROI. Errors as there.
        """
        return self._named(self._slope(self.aligned(spend)), "marginal")

    def roi(self, spend: SpendLike) -> pd.Series:
        """Average ROI: money per unit of spend. At zero spend its limit, the marginal ROI."""
        money = self.aligned(spend)
        average = self._outcome(money) / np.where(money > 0, money, 1.0)
        return self._named(self.value * np.where(money > 0, average, self._slope(money)), "roi")

    def by_account(self, spend: SpendLike) -> pd.Series:
        """Outcome per period owed to advertising, by account."""
        return self._by_account(self._outcome(self.aligned(spend)), "outcome")

    def total(self, spend: SpendLike) -> float:
        """Outcome per period owed to advertising, all accounts together."""
        return float(self.response(spend).sum())

    def is_dud(self, cell: tuple[str, str]) -> bool:
        """Whether spend on this (account, channel) does nothing at all."""
        if cell not in self.cells:
            raise InputError(f"there is no cell {cell}; the first are {list(self.cells)[:3]}.")
        return bool(self.weight[self.cells.get_loc(cell)] == 0)

    def optimal(self, current: SpendLike, change: float = 0.3, total: Total = "fixed") -> pd.Series:
        """Split each account's money as an oracle would: what truly earns the most.

        Parameters
        ----------
        current : spend per period by (account, channel); every cell is needed
        change : each cell stays within +- this share of its current spend, in [0, 1]
        total : "fixed" spends each account's current total, "at_most" may leave some unspent,
            "free" may spend more too; unspent money is worth itself

        Returns
        -------
        Series by (account, channel), spend per period

        Raises
        ------
        InputError : cells as in :meth:`response`; ``change`` or ``total`` not as above
        """
        if not 0 <= change <= 1:
            raise InputError(f"change must be in [0, 1]; got {change}. For +-30%, pass 0.3.")
        if total not in ("fixed", "at_most", "free"):
            raise InputError(f'total must be "fixed", "at_most" or "free"; got {total!r}.')
        spend = self.aligned(current)
        rows, slots = self._slots()
        n_accounts, n_channels = rows.max() + 1, slots.max() + 1
        cell = np.zeros((n_accounts, n_channels), dtype=int)
        cell[rows, slots] = np.arange(spend.size)
        # The last slot is money left unspent; empty slots take no money and so earn nothing.
        lower, upper = np.zeros((2, n_accounts, n_channels + 1))
        lower[rows, slots], upper[rows, slots] = spend * (1 - change), spend * (1 + change)
        budget = np.bincount(rows, spend)
        if total != "fixed":
            upper[:, -1] = budget - lower.sum(axis=1)
        if total == "free":
            lower[:, -1] = budget - upper[:, :-1].sum(axis=1)

        def money(plan: np.ndarray) -> np.ndarray:
            earned = plan.copy()
            earned[:, :-1] = self.value * self._outcome(plan[:, :-1], cell)
            return earned

        best = best_split(money, lower, upper, budget)
        return self._named(best[rows, slots], "spend")

    def captured(
        self,
        recommended: SpendLike,
        current: SpendLike,
        change: float = 0.3,
        total: Total = "fixed",
    ) -> Captured:
        """Share of the oracle's gain over ``current`` that ``recommended`` really achieves.

        Gains are money per period, less the extra spend where the total is not fixed.

        Raises
        ------
        InputError : ``recommended`` breaks the bounds or totals that the oracle has to keep; the
            rest as :meth:`optimal`
        """
        plan, now = self.aligned(recommended), self.aligned(current)
        self._check_rules(plan, now, change, total)
        best = self.optimal(current, change, total).to_numpy()
        earned = [self.value * self._outcome(spend) - spend for spend in (plan, best, now)]
        gain = self._by_account(earned[0] - earned[2], "gain")
        oracle_gain = self._by_account(earned[1] - earned[2], "oracle_gain")
        movable = oracle_gain.where(oracle_gain > 1e-9 * self._by_account(now, "spend"))
        possible = float(movable.sum())
        return Captured(
            overall=float(gain.sum()) / possible if possible > 0 else float("nan"),
            by_account=(gain / movable).rename("captured"),
            gain=gain,
            oracle_gain=oracle_gain,
        )

    def path(self, spend: np.ndarray) -> np.ndarray:
        """Outcome owed to each cell period by period, carry-over included, at today's returns.

        Parameters
        ----------
        spend : (cell, period) account currency; nothing was spent before

        Returns
        -------
        (cell, period) outcome units
        """
        return self.owed(self.carried(spend)[0])

    def owed(self, carried: np.ndarray) -> np.ndarray:
        """Outcome units of each cell and period that its adstock brings in: (cell, period)."""
        return self._outcome(carried)

    def carried(
        self, spend: np.ndarray, memory: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Adstock period by period, and what has to be remembered to go on from there.

        Parameters
        ----------
        spend : (cell, period) account currency
        memory : (cell, remembered) of the call before; None when nothing was spent before

        Returns
        -------
        (cell, period) adstock in account currency, and the memory after the last period
        """
        n_cells, n_periods = spend.shape
        if self.carryover == "geometric":
            retention = retention_rate(self.carry_days, self.period_days)[:, None]
            carried = adstock(
                spend, retention, np.zeros((n_cells, 1)) if memory is None else memory
            )
            return carried[:, 0], carried[:, 0, -1:]
        earlier = np.zeros((n_cells, 0)) if memory is None else memory
        every = np.concatenate([earlier, spend], axis=1)
        carried = np.stack([self._delayed(i, every[i]) for i in range(n_cells)])
        return carried[:, -n_periods:], every[:, -self._remembered() :]

    def _remembered(self) -> int:
        """Periods of spend after which nothing is left of a delayed effect."""
        days = self.carry_days * FORGOTTEN ** (1 / self.carry_shape)
        return int(np.ceil(days.max(initial=0.0) / self.period_days)) + 1

    def _delayed(self, i: int, spend: np.ndarray) -> np.ndarray:
        days = (np.arange(spend.size) + 0.5) * self.period_days / self.carry_days[i]
        kernel = days ** (self.carry_shape[i] - 1) * np.exp(-(days ** self.carry_shape[i]))
        return np.convolve(spend, kernel / kernel.sum())[: spend.size]

    def _outcome(self, spend: np.ndarray, cell: np.ndarray | None = None) -> np.ndarray:
        """Steady-state outcome; ``cell`` says which cell each leading entry of spend belongs to."""
        weight, scale, k, n, is_power = self._curves(spend, cell)
        raised = (spend / scale) ** n
        return weight * np.where(
            is_power, raised, saturation(raised, k[..., None] ** n[..., None])[..., 0]
        )

    def _slope(self, spend: np.ndarray) -> np.ndarray:
        weight, scale, k, n, is_power = self._curves(spend, None)
        level = spend / scale
        with np.errstate(divide="ignore"):  # a power curve starts infinitely steep
            lift = n * level ** (n - 1)
        bend = saturation_slope(level**n, k[..., None] ** n[..., None])[..., 0]
        slope = np.where(is_power, lift, bend * lift) / scale
        return np.where(weight > 0, weight * np.where(weight > 0, slope, 0.0), 0.0)

    def _curves(self, spend: np.ndarray, cell: np.ndarray | None) -> tuple[np.ndarray, ...]:
        """Weight, scale, k, n and is-power, shaped to work on ``spend``."""
        arrays = (self.weight, self.scale, self.half_saturation, self.exponent)
        picked = [a if cell is None else a[cell] for a in (*arrays, self.curve == "power")]
        trailing = (1,) * (spend.ndim - picked[0].ndim)
        return tuple(a.reshape(a.shape + trailing) for a in picked)

    def _slots(self) -> tuple[np.ndarray, np.ndarray]:
        """(cell,) row of its account and place of its channel."""
        accounts = pd.factorize(self.cells.get_level_values(0))[0]
        return accounts, pd.factorize(self.cells.get_level_values(1))[0]

    def _by_account(self, values: np.ndarray, name: str) -> pd.Series:
        accounts = pd.Index(self.cells.get_level_values(0).unique(), name="account")
        return pd.Series(np.bincount(self._slots()[0], values), index=accounts, name=name)

    def _named(self, values: np.ndarray, name: str) -> pd.Series:
        return pd.Series(values, index=self.cells, name=name)

    def _some_cells(self, mask: np.ndarray) -> list:
        return [self.cells[i] for i in np.flatnonzero(mask)[:5]]

    def _check_rules(self, plan: np.ndarray, now: np.ndarray, change: float, total: Total) -> None:
        outside = np.abs(plan - now) > now * (change + ROUNDING_SLACK) + 0.01
        if outside.any():
            raise InputError(
                f"recommended moves {self._some_cells(outside)} by more than "
                f"+-{change:.0%}, which the oracle may not. "
                "Use the same bounds for both, or pass a larger change."
            )
        extra, spent = self._by_account(plan - now, "extra"), self._by_account(now, "spend")
        excess = extra if total == "at_most" else extra.abs()
        over = (excess > spent * ROUNDING_SLACK + 0.01).to_numpy()
        broken = extra.index[over].tolist()
        if total != "free" and broken:
            raise InputError(
                f"recommended changes the total of {broken[:5]}, which "
                f'total="{total}" forbids. Recommend the same total, or pass total="free".'
            )

    def aligned(self, spend: SpendLike) -> np.ndarray:
        """Spend by (account, channel) in the order of ``cells``: (cell,).

        Raises
        ------
        InputError : a cell is missing, unknown, negative or not finite
        """
        series = pd.Series(spend, dtype=float)
        if series.index.nlevels != 2 or not series.index.is_unique:
            raise InputError("spend must be indexed by (account, channel), each cell once.")
        missing = self.cells.difference(series.index).tolist()
        unknown = series.index.difference(self.cells).tolist()
        if missing or unknown:
            raise InputError(
                f"spend must name every cell of the world and no other; missing {missing[:5]}, "
                f"unknown {unknown[:5]}. Use 0.0 for a channel that is off."
            )
        values = series.reindex(self.cells).to_numpy(dtype=float)
        bad = ~(np.isfinite(values) & (values >= 0))
        if bad.any():
            raise InputError(
                f"spend must be finite and >= 0; it is not at {self._some_cells(bad)}."
            )
        return values
