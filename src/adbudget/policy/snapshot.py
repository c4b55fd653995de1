"""A table <-> JSON values, so that a ledger can hold what a run was given. Knows no columns."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.tables.roles import as_frame


def to_json(table: Any, argument: str) -> dict[str, list[Any]]:
    """Column -> values, with text for dates and Decimals and None for what is missing.

    Raises
    ------
    InputError : not a table, a column name that is no text or used twice, or a value that has
        no form in JSON
    """
    frame = as_frame(table, argument)
    columns = list(frame.columns)
    if len(set(columns)) < len(columns) or not all(isinstance(name, str) for name in columns):
        raise InputError(f"{argument}: columns must have different names of text; got {columns}.")
    return {name: [_plain(value, name) for value in frame[name].astype(object)] for name in columns}


def from_json(columns: dict[str, list[Any]]) -> pd.DataFrame:
    """Undo :func:`to_json`, but for dates and Decimals, which stay text."""
    return pd.DataFrame({name: pd.Series(values) for name, values in columns.items()})


def _plain(value: Any, column: str) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return _number(value)
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, date | datetime):  # a pandas Timestamp is a datetime
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    raise InputError(
        f"column {column!r} holds {value!r} of type {type(value).__name__}, which a ledger cannot "
        "keep. Use numbers, text, dates or missing values."
    )


def _number(value: float) -> float | str | None:
    """JSON knows no infinity; as text it comes back as what it was."""
    if value != value:
        return None
    return value if abs(value) != float("inf") else str(value)
