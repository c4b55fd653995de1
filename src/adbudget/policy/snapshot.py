"""A table <-> JSON values, so that a ledger can hold what a run was given. Knows no columns."""

from typing import Any

import pandas as pd

from adbudget.errors import InputError
from adbudget.plain_json import to_plain
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
    return {
        name: to_plain(frame[name].tolist(), where=f"column {name!r}", infinite="text")
        for name in columns
    }


def from_json(columns: dict[str, list[Any]]) -> pd.DataFrame:
    """Undo :func:`to_json`, but for dates and Decimals, which stay text."""
    return pd.DataFrame({name: pd.Series(values) for name, values in columns.items()})
