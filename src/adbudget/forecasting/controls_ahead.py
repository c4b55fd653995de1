"""Values of controls to come, as callers write them -> (account, control, period), and notes."""

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.panel.panel import Panel
from adbudget.tables.dates import read_dates
from adbudget.tables.messages import Note, Rows, quoted
from adbudget.tables.named_columns import checked_frame
from adbudget.tables.roles import column_of
from adbudget.tables.values import read_numbers


def controls_ahead(
    table: object | None, panel: Panel, dates: np.ndarray
) -> tuple[np.ndarray, list[str]]:
    """What the caller knows of the controls in the periods to come.

    Parameters
    ----------
    table : frame with a date column, one column per control that is known, and an account column
        unless the values are those of all accounts; None when nothing is known
    panel : names
    dates : (period,) label days of the periods to come

    Returns
    -------
    (account, control, period) NaN where nothing is known; and a note on each such control

    Raises
    ------
    InputError : unknown accounts, columns that are no controls, or a value given twice
    """
    values = np.full((panel.n_accounts, len(panel.controls), dates.size), np.nan)
    if table is not None:
        _fill(values, table, panel, dates)
    return values, _notes(values, panel)


def _fill(values: np.ndarray, table: object, panel: Panel, dates: np.ndarray) -> None:
    frame = checked_frame(table, "controls", ("date",))
    rows = Rows(table="the table of controls", labels=frame.index)
    named = [name for name in frame.columns if name not in ("date", "account")]
    unknown = [name for name in named if name not in panel.controls]
    if unknown or not named:
        raise InputError(
            f"controls has the columns {quoted(named)}; expected controls of the fit: "
            f"{quoted(panel.controls)}, beside date and account."
        )
    told: list[Note] = []
    days = read_dates(column_of(frame, "date"), "date", rows, told)
    column = np.searchsorted(dates, days)
    inside = np.isin(days, dates)
    every = np.arange(panel.n_accounts)
    accounts = [every] * len(frame)
    if "account" in frame.columns:
        place = pd.Index(panel.accounts).get_indexer(pd.Index(frame["account"].astype(str)))
        if (place < 0).any():
            raise InputError(
                f"controls names accounts the fit does not know, in {rows.numbered(place < 0)}: "
                f"{quoted(dict.fromkeys(frame['account'][place < 0]))}."
            )
        accounts = [every[a : a + 1] for a in place]
    for name in named:
        numbers = read_numbers(column_of(frame, name), name, rows)
        k = panel.controls.index(str(name))
        for i in np.flatnonzero(inside & ~np.isnan(numbers)):
            if not np.isnan(values[accounts[i], k, column[i]]).all():
                raise InputError(
                    f"controls gives {name!r} twice for {dates[column[i]]}, in "
                    f"{rows.numbered(np.arange(len(frame)) == i)}. Keep one value."
                )
            values[accounts[i], k, column[i]] = numbers[i]


def _notes(values: np.ndarray, panel: Panel) -> list[str]:
    """How controls are held that nobody knows."""
    unknown = np.isnan(values)
    return [
        f"Control {name!r} is not known for {unknown[:, k].sum()} of {unknown[:, k].size} "
        "account-periods: there it goes from its last value back to its mean, as uncertain as it "
        "has been. Give what is known with controls=."
        for k, name in enumerate(panel.controls)
        if unknown[:, k].any()
    ]
