"""Text of a table <-> cells that no spreadsheet takes for a formula. For CSV and Excel alike.

A cell that begins with = + - or @ and is no number gets a ' before it, as spreadsheets themselves
mark text; characters that a reader would obey instead of showing are written out.
"""

import re
from typing import Any

import pandas as pd

from adbudget.plain_json import visible

FORMULA = ("=", "+", "-", "@")
MARK = "'"
NUMBER = re.compile(r"[+-]?[0-9][0-9.,'  ]*%?")  # -5.00 or +3% is a number, and stays one


def for_spreadsheets(frame: pd.DataFrame) -> pd.DataFrame:
    """Table whose text can be opened in a spreadsheet; numbers are left alone."""
    return _mapped(frame, neutral)


def as_written(frame: pd.DataFrame) -> pd.DataFrame:
    """Undo the mark of :func:`for_spreadsheets`, for tables that come back."""
    return _mapped(frame, unmarked)


def neutral(value: Any) -> Any:
    """One cell; what is not text is left alone.

    >>> neutral("=cmd|'/C calc'!A0"), neutral("-5.00")
    ("'=cmd|'/C calc'!A0", '-5.00')
    """
    if not isinstance(value, str):
        return value
    shown = visible(value)
    start = shown.lstrip()[:1]
    if start in FORMULA and start and not NUMBER.fullmatch(shown.strip()):
        return MARK + shown
    return shown


def unmarked(value: Any) -> Any:
    """One cell without the mark of :func:`neutral`."""
    marked = isinstance(value, str) and value[:1] == MARK and value[1:].lstrip()[:1] in FORMULA
    return value[1:] if marked and value[1:].strip() else value


def _mapped(frame: pd.DataFrame, change: Any) -> pd.DataFrame:
    """Frame with its text changed, column by column; attrs, index and numbers stay."""
    changed = frame.copy(deep=False)
    for place, kind in enumerate(frame.dtypes):
        if pd.api.types.is_string_dtype(kind) or pd.api.types.is_object_dtype(kind):
            column = frame.iloc[:, place]
            changed.isetitem(place, column.map(change, na_action="ignore"))
    changed.columns = [change(name) for name in frame.columns]
    return changed
