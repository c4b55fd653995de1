"""Bytes of a CSV file -> table: encodings, separators, lines above the header, empty columns.

Also finds the header among the rows of a workbook. Dates stay text, and so do numbers that could be
read in two ways, where the caller asks for it.
"""

import csv
import io
import re
import warnings
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.tables.spreadsheets import as_written
from adbudget.tables.totals import is_total_row
from adbudget.tables.written import PLAIN, decimal_signs

SEPARATORS = (",", ";", "\t", "|")
LOOKED_AT = 200  # lines, for the separator and the header
HEADER_SHARE = 0.6  # of the columns a header names at least; a title line names one or two
OTHER_KINDS = (  # how files begin that are no text, and what to do with one called .csv
    (b"PK\x03\x04", "an Excel workbook or a zip archive. Rename it to .xlsx, or to .zip"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls). Save it as .xlsx, or as CSV UTF-8"),
    (b"\x1f\x8b", "compressed. Rename it to .csv.gz"),
    (b"%PDF", "a PDF. Export the table behind it as CSV"),
)
WEB_PAGE = re.compile(r"\s*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
TABLE_NAME = "table"  # key of frame.attrs: what messages call it among several
FILE_NOTES = "reading"  # key of frame.attrs: what was left out or taken for something


def decoded(content: bytes, path: Path, notes: list[str]) -> str:
    """Text of a file: UTF-8, UTF-16 as ad platforms and Excel export it, or Windows-1252.

    Raises
    ------
    InputError : empty, none of these, or a file of another kind
    """
    for start, what in OTHER_KINDS:
        if content.startswith(start):
            raise InputError(f"{path} is no CSV file, whatever its name says: it is {what}.")
    # Marked, or with every other byte zero: text of plain letters in UTF-16 without a mark.
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif content[1:200:2].count(0) > len(content[1:200:2]) * 0.8:
        encoding = "utf-16-le"
    else:
        encoding = "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as cause:
        text = _windows(content, path, cause, notes)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if WEB_PAGE.match(text.lstrip("\ufeff")):
        raise InputError(
            f"{path} is a web page and no table: often the page that asks to sign in, saved in the "
            "place of the export. Sign in, export the table again, and look into the file."
        )
    if not text.strip("\ufeff \r\n\t"):
        raise InputError(f"{path} is empty. Expected a header row and at least one row of data.")
    return text


def _windows(content: bytes, path: Path, cause: UnicodeDecodeError, notes: list[str]) -> str:
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        raise InputError(
            f"{path} is not UTF-8 text (byte {cause.start} is not), nor UTF-16 or Windows-1252. "
            "Save it as CSV UTF-8."
        ) from cause
    shown = text[max(0, cause.start - 10) : cause.start + 10].split("\n")[0].strip()
    notes.append(f"{path.name} is not UTF-8; read as Windows-1252 (it says {shown!r}).")
    return text


def header_place(rows: Sequence[Sequence[object]]) -> int:
    """Position of the row that names the columns: the first that is not a title line."""
    used = {i for row in rows for i, cell in enumerate(row) if _filled(cell)}
    for place, row in enumerate(rows):
        if sum(map(_filled, row)) >= max(1, HEADER_SHARE * len(used)):
            return place
    return 0


def _filled(cell: object) -> bool:
    return cell is not None and cell == cell and str(cell).strip() != ""


def read_csv_text(
    text: str,
    path: Path,
    text_columns: Iterable[str],
    *,
    decimal: str | None,
    notes: list[str],
) -> pd.DataFrame:
    """Table of a text, rows labelled by their line in the file.

    Parameters
    ----------
    text_columns : columns, in any case, whose values are names and stay text
    decimal : "." when a lone point is a decimal sign; None leaves numbers as text where nothing
        says so; "," leaves all with a point as text
    notes : gains what was left out

    Raises
    ------
    InputError : rows of different lengths, two columns of one name, or a file that was cut off
    """
    separator, line, names = _shape(text)
    _check_names(names, path)
    how = {"sep": separator, "index_col": False, "low_memory": False}
    body = text if line == 1 else "".join(list(io.StringIO(text))[line - 1 :])
    _check_ends(body, separator, path, line)
    frame = _parsed(body, how, path, separator, names, notes)
    wanted = {name.casefold() for name in text_columns}
    as_text = {name for name in names if name.strip().casefold() in wanted}
    if decimal != ".":
        as_text |= _undecided(frame, body, how, decimal)
    if as_text:
        texts = _parsed(body, how | _plain_text(as_text), path, separator, names, [])
        for name in as_text:
            frame[name] = texts[name] if name.strip().casefold() in wanted else _gaps(texts[name])
    if line > 1:
        notes.append(f"{path.name}: {line - 1} line(s) above the header are left out.")
    frame = as_written(frame).set_axis(range(line + 1, line + 1 + len(frame)))
    frame = _without_repeated_header(frame, path, notes)
    return without_empty_columns(frame.dropna(how="all"))


def without_empty_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Drop columns that have neither a name nor a value, as spreadsheets trail them."""
    empty = [
        name
        for name in frame.columns
        if (str(name).startswith("Unnamed: ") or not str(name).strip())
        and bool(np.all(frame[name].isna()))
    ]
    return frame.drop(columns=empty) if empty else frame


def _shape(text: str) -> tuple[str, int, list[str]]:
    """Separator, line of the header (from 1), and the names in it."""
    best = (0.0, "", 1, [""])
    for separator in SEPARATORS:
        reader = csv.reader(io.StringIO(text), delimiter=separator)
        rows, ends = [], []
        try:
            for row in islice(reader, LOOKED_AT):
                rows.append(row)
                ends.append(reader.line_num)
        except csv.Error:
            continue
        filled = [row for row in rows if any(map(_filled, row))]
        lengths = [len(row) for row in filled]
        width = max(set(lengths), key=lengths.count) if lengths else 0
        place = header_place(rows)
        agree = lengths.count(width) / max(1, len(lengths))
        score = width * agree if width > 1 else 0.5
        if score > best[0]:
            begin = ends[place - 1] + 1 if place else 1
            best = (score, separator, begin, rows[place])
    return best[1] or ",", best[2], best[3]


def _check_ends(body: str, separator: str, path: Path, line: int) -> None:
    """Refuse a text that ends inside quotation marks: what is behind them is lost."""
    if body.count('"') % 2 == 0:
        return
    reader, last = csv.reader(io.StringIO(body), delimiter=separator, strict=True), 0
    try:
        for _ in reader:
            last = reader.line_num
    except csv.Error as cause:
        if "unexpected end of data" not in str(cause):
            return  # a quotation mark somewhere else, such as that of inches
        raise InputError(
            f"{path} ends in the middle of a quoted text that begins in row {line + last}: it was "
            "cut off, or a quotation mark is missing there. Export it again, or repair that row."
        ) from cause


def _without_repeated_header(frame: pd.DataFrame, path: Path, notes: list[str]) -> pd.DataFrame:
    """Leave out rows that only repeat the titles, as exports pasted below each other have them."""
    again = np.ones(len(frame), bool)
    for name in frame.columns:
        again &= (frame[name] == str(name)).to_numpy(bool, na_value=False)
        if not again.any():
            return frame
    rows = ", ".join(map(str, frame.index[again][:5]))
    notes.append(
        f"{path.name}: {int(again.sum())} row(s) repeat the titles and are left out (row {rows}): "
        "exports pasted below each other? Days that stand in both of them count twice."
    )
    rest: Any = frame[~again]
    return rest


def _check_names(names: list[str], path: Path) -> None:
    twice = sorted({name for name in names if name.strip() and names.count(name) > 1})
    if twice:
        raise InputError(
            f"{path} has more than one column called {', '.join(map(repr, twice))}. "
            "Rename or drop the extra ones, so that each column has its own name."
        )


def _parsed(
    body: str, how: dict, path: Path, separator: str, names: list[str], notes: list[str]
) -> pd.DataFrame:
    """Parse with pandas; rows that are too long may only be totals, or end in empty cells."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # it would drop data
            return pd.read_csv(io.StringIO(body), **how)
    except (pd.errors.ParserError, pd.errors.ParserWarning) as cause:
        regular = _regular(body, separator, len(names), path, notes)
        if regular is None:
            raise InputError(
                f"{path} is not a regular table: {str(cause).strip().rstrip('.')}. Every row needs "
                f"as many values as the header, separated by {separator!r}."
            ) from cause
        return pd.read_csv(io.StringIO(regular), **how)


def _regular(body: str, separator: str, width: int, path: Path, notes: list[str]) -> str | None:
    """Text without cells beyond the header; None when such a cell holds something of a row."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator="\n")
    for row in csv.reader(io.StringIO(body), delimiter=separator):
        if len(row) > width and any(map(_filled, row[width:])):
            if not is_total_row(row):
                return None
            notes.append(f"{path.name}: a row of totals is left out: {separator.join(row)!r}.")
            row = [""] * width  # keeps the lines of the others
        if not any(map(_filled, row)):
            row = [""]
        writer.writerow(row[:width])
    return out.getvalue()


def _plain_text(columns: set[str]) -> dict:
    return {"usecols": list(columns), "dtype": str, "keep_default_na": False}


def _gaps(texts: Any) -> pd.Series:
    return texts.where(texts.str.strip() != "", None)


def _undecided(frame: pd.DataFrame, body: str, how: dict, decimal: str | None) -> set[str]:
    """Columns pandas read as 2.97 that might say 2970, when nothing in the file decides."""
    floats = [
        name
        for name in frame.columns
        if frame[name].dtype.kind == "f" and bool(np.any(frame[name].notna()))
    ]
    if decimal == ",":
        return set(floats)
    unsure = [name for name in floats if _three_digits(frame[name].dropna().to_numpy())]
    if not unsure or len(unsure) < len(floats):
        return set()  # some column has numbers that only a decimal point explains
    texts = pd.read_csv(io.StringIO(body), **(how | _plain_text(set(unsure))))
    found = {
        name: decimal_signs(text for text in texts[name].str.strip() if PLAIN.fullmatch(text))
        for name in unsure
    }
    return set() if any("." in signs for signs in found.values()) else set(unsure)


def _three_digits(numbers: np.ndarray) -> bool:
    """Whether every broken number could be whole thousands: below 1000, at most 3 digits."""
    broken = numbers[numbers != np.floor(numbers)]
    fits = np.abs(broken * 1000 - np.round(broken * 1000)) < 1e-6
    return bool(broken.size and fits.all() and (np.abs(broken) < 1000).all())
