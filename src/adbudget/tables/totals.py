"""Rows and names that stand for the sum of the others -> found by what they are called."""

import re
from collections.abc import Hashable, Iterable

import numpy as np
import pandas as pd

from adbudget.tables.dates import looks_like_date
from adbudget.tables.messages import Note, Rows
from adbudget.tables.values import factorized

TOTAL_NAMES = {
    *("total", "totals", "grand total", "total spend", "all", "all channels", "overall", "sum"),
    *("gesamt", "gesamtsumme", "insgesamt", "summe", "alle", "alle kanäle", "all accounts"),
    *("toutes", "tous", "total général", "total general", "totale", "totaal", "suma", "razem"),
    *("all campaigns", "total ads", "all media", "total media", "marketing total"),
}
TOTAL_ROW = re.compile(
    r"(grand total|totals?|gesamt(summe)?|insgesamt|summe|total g[ée]n[ée]ral|totale|totaal|razem)"
    r"\b.*"
)


def is_total_name(name: str) -> bool:
    """Whether a name says that it is the sum of the others."""
    return re.sub(r"[\W_]+", " ", name.casefold()).strip() in TOTAL_NAMES


def is_total_row(cells: Iterable[object]) -> bool:
    """Whether a row says that it holds totals: one cell says so, and none holds a date."""
    every = list(cells)
    said = any(
        isinstance(cell, str) and TOTAL_ROW.fullmatch(cell.strip().casefold()) for cell in every
    )
    return said and not any(isinstance(cell, str) and looks_like_date(cell) for cell in every)


def without_totals(
    frame: pd.DataFrame, date_column: Hashable, table: str, notes: list[Note]
) -> pd.DataFrame:
    """Leave out rows of totals and lines under the table; a note says which.

    Parameters
    ----------
    date_column : rows in which it holds a date always stay
    """
    dates = frame[date_column]
    if pd.api.types.is_datetime64_any_dtype(dates.dtype):
        undated = np.flatnonzero(dates.isna().to_numpy())
    else:
        codes, different = factorized(dates, date_column, Rows(table=table, labels=frame.index))
        dated = np.array([*(looks_like_date(value) for value in different), False], dtype=bool)
        undated = np.flatnonzero(~dated[codes])
    if not undated.size or undated.size == len(frame):
        return frame
    left_out = np.zeros(len(frame), dtype=bool)
    for place in undated:
        row = frame.iloc[place]
        others = row.drop(date_column)
        left_out[place] = is_total_row(row) or bool(others.isna().all())
    if not left_out.any():
        return frame
    named = Rows(table=table, labels=frame.index).numbered(left_out)
    message = f"Rows of totals, and lines without values or a date, are left out: {named}."
    notes.append(Note(kind="totals_left_out", message=message))
    kept = frame[~left_out]
    return kept.infer_objects()
