"""Tables whose columns have fixed names -> the checked frame, notes, and columns with one meaning.

For campaigns, plans, delivery and histories. A table whose columns may have any name, such as a
panel's, goes through ``roles.py``.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from adbudget.errors import InputError, nearest
from adbudget.tables.messages import Note, Rows, distinct_values, quoted
from adbudget.tables.roles import as_frame, column_of


def checked_frame(data: Any, argument: str, needed: tuple[str, ...]) -> pd.DataFrame:
    """The caller's table, with the columns it must have.

    Raises
    ------
    InputError : not a table, empty, or a column is missing
    """
    if hasattr(data, "shape") and not data.shape[0]:
        raise InputError(f"{argument} has no rows; expected one row per campaign at least.")
    frame = as_frame(data, argument)
    for name in needed:
        if name not in frame.columns:
            close = nearest(name, [str(found) for found in frame.columns])
            hint = f" Is it {close!r}? Rename it." if close else ""
            raise InputError(
                f"{argument} has no column {name!r}; found {quoted(frame.columns)}.{hint}"
            )
    return frame


def renamed(data: Any, argument: str, columns: Mapping[str, str], *, needed: bool = True) -> Any:
    """The caller's table with the columns called as we call them.

    Parameters
    ----------
    columns : our name -> the caller's
    needed : whether every one of them must be there

    Raises
    ------
    InputError : a column is not there, or ours is there already
    """
    if not columns:
        return data
    frame = as_frame(data, argument)
    for ours, theirs in columns.items():
        if theirs not in frame.columns and needed:
            close = nearest(theirs, [str(found) for found in frame.columns])
            hint = f" Is it {close!r}?" if close else ""
            raise InputError(
                f"columns: {argument} has no column {theirs!r}, which is to be {ours!r}; found "
                f"{quoted(frame.columns)}.{hint}"
            )
        if ours in frame.columns and theirs in frame.columns and ours != theirs:
            raise InputError(
                f"columns: {argument} has both {theirs!r} and {ours!r}; drop one of them."
            )
    return frame.rename(columns={theirs: ours for ours, theirs in columns.items()})


def unread_columns(frame: pd.DataFrame, argument: str, known: tuple[str, ...]) -> list[Note]:
    """A note on columns that nobody reads, with the ones they may be meant to be."""
    ignored = [str(name) for name in frame.columns if name not in known]
    if not ignored:
        return []
    close = {name: nearest(name.lower(), known) for name in ignored}
    hints = "; ".join(f"{name!r} may be meant as {word!r}" for name, word in close.items() if word)
    message = f"{argument}: not read: {quoted(ignored)}." + (f" {hints}." if hints else "")
    return [Note(kind="ignored_column", message=message)]


def refuse_twice(
    codes: np.ndarray, names: tuple[str, ...], column: str, rows: Rows, advice: str
) -> None:
    """Refuse a name that stands in two rows; ``codes`` says which of the names each row has."""
    twice = np.bincount(codes, minlength=len(names))[codes] > 1
    if twice.any():
        repeated = sorted({names[code] for code in codes[twice]})
        raise InputError(
            f"{column} must be different in every row; {quoted(repeated)} come more than "
            f"once, in {rows.named(twice)}. {advice}"
        )


def read_locked(frame: pd.DataFrame, rows: Rows) -> np.ndarray:
    """Whether the budget must not be touched: (row,) bool; False without such a column.

    Raises
    ------
    InputError : neither true nor false
    """
    if "locked" not in frame.columns:
        return np.zeros(len(frame), dtype=bool)
    return read_flags(frame, "locked", rows)


def read_flags(frame: pd.DataFrame, name: str, rows: Rows) -> np.ndarray:
    """A column of true and false: (row,) bool.

    Raises
    ------
    InputError : neither true nor false
    """
    values = column_of(frame, name)
    wrong = np.array([not _is_yes_or_no(value) for value in values])
    if wrong.any():
        raise InputError(
            f"{name} is neither true nor false in {rows.named(wrong)}: "
            f"{distinct_values(values[wrong].tolist())}. Write True or False."
        )
    return values.astype(bool).to_numpy()


def _is_yes_or_no(value: object) -> bool:
    return isinstance(value, bool | np.bool_) or (
        isinstance(value, int | np.integer) and value in (0, 1)
    )
