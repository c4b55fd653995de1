"""Bytes of an Excel workbook -> the table of one sheet, wherever in it the header stands."""

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from adbudget.errors import InputError
from adbudget.tables.messages import quoted
from adbudget.tables.text_tables import header_place, without_empty_columns

NO_EXCEL = "needs openpyxl, which is not installed: pip install 'adbudget[excel]'"


def read_workbook(
    content: bytes,
    path: Path,
    text_columns: Iterable[str],
    sheet: str | None,
    notes: list[str],
) -> pd.DataFrame:
    """Table of one sheet; rows are labelled with their numbers in it.

    Parameters
    ----------
    text_columns : columns, in any case, whose values are names and become text
    sheet : its name; None for the only sheet that holds anything
    notes : gains what was left out

    Raises
    ------
    InputError : no workbook, no such sheet, or several to choose from
    """
    try:
        from openpyxl import load_workbook
    except ImportError as cause:
        raise InputError(f"{path}: a {path.suffix} file {NO_EXCEL}.") from cause
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        rows_by_sheet = {
            one.title: [list(row) for row in one.iter_rows(values_only=True)]
            for one in book.worksheets
        }
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as cause:
        raise InputError(f"{path} cannot be read as an Excel workbook: {cause}.") from cause
    name = _chosen(rows_by_sheet, path, sheet)
    rows = rows_by_sheet[name]
    place = header_place(rows[:200])
    if place:
        notes.append(f"{path.name}: {place} row(s) above the header are left out.")
    frame = _frame(rows, place, path)
    for column in frame.columns:
        if str(column).strip().casefold() in {wanted.casefold() for wanted in text_columns}:
            frame[column] = frame[column].map(_name, na_action="ignore")
    return frame


def _chosen(rows_by_sheet: dict[str, list], path: Path, sheet: str | None) -> str:
    filled = [
        name
        for name, rows in rows_by_sheet.items()
        if any(cell is not None for row in rows for cell in row)
    ]
    if sheet is not None:
        if sheet not in rows_by_sheet:
            raise InputError(
                f"{path} has no sheet {sheet!r}; it has {quoted(rows_by_sheet)}. Name one of them."
            )
        return sheet
    if not filled:
        raise InputError(f"{path} is empty. Expected a header row and at least one row of data.")
    if len(filled) > 1:
        raise InputError(
            f"{path} has {len(filled)} sheets with something in them: {quoted(filled)}. Name one: "
            f"sheet={filled[0]!r}."
        )
    return filled[0]


def _frame(rows: list[list], place: int, path: Path) -> pd.DataFrame:
    width = max(len(row) for row in rows)
    header = rows[place] + [None] * (width - len(rows[place]))
    names = [
        f"Unnamed: {i}" if cell is None or not str(cell).strip() else str(cell).strip()
        for i, cell in enumerate(header)
    ]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(
            f"{path} has more than one column called {quoted(twice)}. Rename or drop the extra "
            "ones, so that each column has its own name."
        )
    body = [row + [None] * (width - len(row)) for row in rows[place + 1 :]]
    labels = range(place + 2, place + 2 + len(body))
    frame = pd.DataFrame(body, columns=names, index=labels, dtype=object).dropna(how="all")
    return without_empty_columns(frame).infer_objects()


def _name(value: object) -> str:
    """A cell as a name: Excel keeps 7 as 7.0."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
