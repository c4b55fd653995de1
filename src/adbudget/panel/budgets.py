"""Table of budgets + Panel -> spend per period that moves are measured from: what is set today.

What an account spent over the last weeks is not what it may spend today: a budget that was raised
last week would be cut by a plan that starts from the mean of four weeks.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.panel.panel import Panel
from adbudget.tables.messages import Note, Rows, every_quoted, listed, quoted
from adbudget.tables.roles import as_frame, column_of, find_column, has_column
from adbudget.tables.values import check_not_negative, read_names, read_numbers

TABLE = "budgets"
DAYS = {"daily_budget": 1.0, "weekly_budget": 7.0, "monthly_budget": 365.25 / 12}
PER_PERIOD = "budget"
OFF = 0.25  # a budget this far from what was spent is said


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StandingBudgets:
    """What is set today.

    Attributes
    ----------
    spend : Series by (account, channel), account currency per period of the panel: the budget where
        one is given, the recent mean elsewhere
    notes : cells without a budget, and budgets that are not what is spent
    """

    spend: pd.Series
    notes: tuple[Note, ...]


def read_budgets(data: Any, panel: Panel, window_days: float = 28) -> StandingBudgets:
    """Read the budgets that are set today, and check every row against the panel.

    Parameters
    ----------
    data : pandas or polars frame, one row per cell, or per campaign of a cell, whose budgets are
        added up. Columns account (may be left out when the panel has one account), channel, and one
        of daily_budget, weekly_budget, monthly_budget, or budget, which is per period of the panel
    panel : what was spent
    window_days : of the mean that stands for cells without a budget, and that budgets are held
        against

    Returns
    -------
    StandingBudgets

    Raises
    ------
    InputError : a column or value that cannot be used; names the rows and what to change
    """
    frame = as_frame(data, TABLE)
    rows = Rows(table=TABLE, labels=frame.index)
    account = _places(frame, "account", panel.accounts, rows)
    channel = _places(frame, "channel", panel.channels, rows)
    unknown = ~panel.exists[account, channel]
    if unknown.any():
        raise InputError(
            f"budgets names channels their account has never spent on, in {rows.named(unknown)}: "
            "there is nothing to plan from. Leave these rows out."
        )
    name, days = _budget_column(frame, panel)
    amount = read_numbers(column_of(frame, name), name, rows)
    if np.isnan(amount).any():
        raise InputError(
            f"column {name!r} of budgets is empty in {rows.named(np.isnan(amount))}. "
            "Write 0 for a budget of nothing, or leave the rows out."
        )
    check_not_negative(amount, name, rows)
    total = np.full(panel.exists.shape, np.nan)
    total[account, channel] = 0.0
    np.add.at(total, (account, channel), amount * panel.period_days / days)
    recent = panel.current_spend(window_days)
    given = pd.Series(total[panel.exists], index=panel.cells, name="spend")
    return StandingBudgets(spend=given.fillna(recent), notes=tuple(_notes(given, recent)))


def budgets_beside_spend(
    data: Any, columns: Mapping[str, Hashable] | None, panel: Panel
) -> pd.DataFrame | None:
    """The budgets that a long table of spend tells in a column of its own.

    Parameters
    ----------
    data : what the panel was read from; anything but a long table tells none
    columns : the caller's role -> column, as for :func:`adbudget.read_panel`
    panel : what was read

    Returns
    -------
    Table for :func:`read_budgets`: the rows of the last day on which each cell has a budget; None
    where the table has no such column, or several

    Raises
    ------
    InputError : "budget" does not say of which period, because the rows are of another than the
        panel
    """
    named = columns or {}
    if not hasattr(data, "columns"):
        return None
    frame = as_frame(data, "data")
    at = {role: find_column(frame, role, named, "data") for role in ("account", "channel", "date")}
    spend = find_column(frame, "spend", named, "data")
    found = [n for n in (*DAYS, PER_PERIOD) if has_column(frame, n) and n != spend]
    if at["channel"] is None or at["date"] is None or spend is None or len(found) != 1:
        return None
    name = found[0]
    told: Any = frame[column_of(frame, name).notna()].copy()
    told["day"] = pd.to_datetime(column_of(told, at["date"]), errors="coerce", format="mixed")
    if name == PER_PERIOD:
        _check_period(told["day"], panel)
    keys = [key for key in (at["account"], at["channel"]) if key is not None]
    last: Any = told.groupby(keys)["day"].transform("max")
    told = told[(told["day"] == last).to_numpy()]
    renamed = {key: role for role, key in at.items() if key is not None and role != "date"}
    table = told.rename(columns=renamed)[[*renamed.values(), name]]
    return table[_in_panel(table, panel)]


def _check_period(days: Any, panel: Panel) -> None:
    """Refuse a budget per row where rows are not the periods of the panel."""
    apart = days.drop_duplicates().sort_values().diff().dt.days.median()
    if apart == apart and not 0.5 < apart / panel.period_days < 2:
        raise InputError(
            f"column {PER_PERIOD!r} beside the spend is of rows {apart:g} days apart, and the "
            f"history is {panel.period}: for how long is it? Call it {', '.join(DAYS)}, or "
            "otherwise if it is no budget that is set."
        )


def _in_panel(table: pd.DataFrame, panel: Panel) -> np.ndarray:
    """(row,) whether the panel has the cell: one that never spent is not planned for."""
    accounts = (
        table["account"].astype(str).str.strip().tolist()
        if "account" in table.columns
        else [panel.accounts[0]] * len(table)
    )
    cells = set(panel.cells.tolist())
    channels = table["channel"].astype(str).str.strip().tolist()
    return np.array([cell in cells for cell in zip(accounts, channels, strict=True)], dtype=bool)


def _places(frame: pd.DataFrame, role: str, known: tuple[str, ...], rows: Rows) -> np.ndarray:
    """(row,) position of each row's name among those of the panel."""
    if not has_column(frame, role):
        if role == "account" and len(known) == 1:
            return np.zeros(len(frame), dtype=np.intp)
        raise InputError(
            f"budgets has no column {role!r}; its columns are {every_quoted(frame.columns)}. "
            f"Rename the one that holds the {role}s."
        )
    codes, names = read_names(column_of(frame, role), role, rows)
    unknown = [name for name in names if name not in known]
    if unknown:
        at = np.isin(np.array(names, dtype=object)[codes], unknown)
        raise InputError(
            f"budgets names {role}s that the history does not have: {quoted(unknown)}, in "
            f"{rows.named(at)}; it has {every_quoted(known)}. Correct the names, or leave the rows "
            "out."
        )
    return np.array([known.index(name) for name in names])[codes]


def _budget_column(frame: pd.DataFrame, panel: Panel) -> tuple[str, float]:
    """The column with the money, and the days it is for."""
    days = DAYS | {PER_PERIOD: panel.period_days}
    found = [name for name in days if has_column(frame, name)]
    if len(found) != 1:
        says = f"has {quoted(found)}" if found else f"has {every_quoted(frame.columns)}"
        raise InputError(
            f"budgets must have one column of money, called {' or '.join(days)} ({PER_PERIOD} is "
            f"{panel.period}, as the history is); it {says}."
        )
    return found[0], days[found[0]]


def _notes(given: pd.Series, recent: pd.Series) -> list[Note]:
    pairs: list[Any] = given.index.tolist()
    cells = [f"{account} / {channel}" for account, channel in pairs]
    notes = []
    without = given.isna().to_numpy() & (recent.to_numpy() > 0)
    if without.any():
        told = listed(cell for cell, one in zip(cells, without, strict=True) if one)
        message = f"No budget is given for {told}: they start from what was spent lately."
        notes.append(Note(kind="no_budget", message=message))
    spent = recent.to_numpy()
    off = np.abs(given.to_numpy() - spent) > OFF * np.maximum(given.to_numpy(), spent)
    if off.any():
        told = listed(
            f"{cell} ({budget:,.0f} set, {money:,.0f} spent)"
            for cell, budget, money, one in zip(cells, given, spent, off, strict=True)
            if one
        )
        message = f"Budgets that are not what was spent lately, per period: {told}."
        notes.append(Note(kind="budget_not_spent", message=message))
    return notes
