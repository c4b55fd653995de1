"""Bytes of an Excel workbook <-> the table of one sheet, wherever in it the header stands."""

import io
import json
import zipfile
from collections.abc import Iterable
from math import isfinite
from pathlib import Path

import pandas as pd

from adbudget.errors import InputError
from adbudget.plain_json import to_plain
from adbudget.tables.messages import quoted
from adbudget.tables.spreadsheets import as_written, for_spreadsheets, neutral, unmarked
from adbudget.tables.text_tables import header_place, without_empty_columns

TABLE, ABOUT = "decisions", "about"  # sheets of the workbooks we write
LONGEST_CELL = 30_000  # letters; Excel takes 32,767
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
    attrs = _facts(rows_by_sheet[ABOUT]) if name == TABLE and ABOUT in rows_by_sheet else {}
    place = header_place(rows[:200])
    if place:
        notes.append(f"{path.name}: {place} row(s) above the header are left out.")
    frame = _frame(rows, place, path)
    for column in frame.columns:
        if str(column).strip().casefold() in {wanted.casefold() for wanted in text_columns}:
            frame[column] = frame[column].map(_name, na_action="ignore")
    if attrs:
        frame = as_written(frame)
        frame.attrs |= attrs
    return frame


def workbook_bytes(frame: pd.DataFrame) -> bytes:
    """A workbook of two sheets: the table, and its attributes by name, "about".

    Text that a spreadsheet would take for a formula has a ' before it. What is nested is JSON, and
    what is longer than a cell may be goes on in the next row of the same name.
    """
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    safe = for_spreadsheets(frame)
    table = book.create_sheet(TABLE)
    table.append(list(safe.columns))
    for row in safe.astype(object).itertuples(index=False):
        table.append([None if _is_missing(value) else value for value in row])
    about = book.create_sheet(ABOUT)
    about.append(["name", "value"])
    for name, value in to_plain(frame.attrs).items():
        text = json.dumps(value, ensure_ascii=False)
        for start in range(0, len(text), LONGEST_CELL):
            about.append([name, neutral(text[start : start + LONGEST_CELL])])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _is_missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and not isfinite(value))


def _facts(rows: list[list]) -> dict[str, object]:
    """Attributes that :func:`workbook_bytes` wrote; none when the sheet is somebody else's."""
    parts: dict[str, str] = {}
    try:
        for name, text, *_ in rows[1:]:
            whole = str(unmarked(text))
            parts[name] = parts.get(name, "") + whole
        return {name: json.loads(text) for name, text in parts.items()}
    except ValueError:
        return {}


def _chosen(rows_by_sheet: dict[str, list], path: Path, sheet: str | None) -> str:
    filled = [
        name
        for name, rows in rows_by_sheet.items()
        if any(cell is not None for row in rows for cell in row)
    ]
    if sheet is None and {TABLE, ABOUT} <= set(filled):  # one of our own
        return TABLE
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
