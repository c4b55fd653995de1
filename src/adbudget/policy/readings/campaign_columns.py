"""Columns of a campaign table or its history -> checked arrays. Knows no rules.

Every reader refuses what is unclear and names the rows.
"""

from collections.abc import Callable
from datetime import datetime, time
from typing import Any, cast

import numpy as np
import pandas as pd

from adbudget.errors import InputError, nearest
from adbudget.policy.metrics.registry import METRICS, quotients, table_columns
from adbudget.policy.readings.figures import Figures
from adbudget.tables.messages import Note, Rows, distinct_values, quoted
from adbudget.tables.roles import as_frame
from adbudget.tables.values import read_numbers

OTHER = ("campaign_id", "date", "started_at", "updated_at", "status", "currency", "locked")
STATUS = {
    **dict.fromkeys(("active", "enabled", "running"), "active"),
    **dict.fromkeys(("paused",), "paused"),
    **dict.fromkeys(("ended", "removed", "archived", "deleted"), "ended"),
}


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


def column(frame: pd.DataFrame, name: str) -> pd.Series:
    """One column of a table whose columns are unique."""
    return cast(pd.Series, frame[name])


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
    codes: np.ndarray, names: tuple[str, ...], column_name: str, rows: Rows, advice: str
) -> None:
    """Refuse a name that stands in two rows; ``codes`` says which of the names each row has."""
    twice = np.bincount(codes, minlength=len(names))[codes] > 1
    if twice.any():
        repeated = sorted({names[code] for code in codes[twice]})
        raise InputError(
            f"{column_name} must be different in every row; {quoted(repeated)} come more than "
            f"once, in {rows.named(twice)}. {advice}"
        )


def read_figures(frame: pd.DataFrame, rows: Rows) -> dict[str, np.ndarray]:
    """Figures that a table gives: metric -> (row,) float, NaN where missing.

    Raises
    ------
    InputError : not numbers, negative, or percents where shares are expected
    """
    names = [name for name in table_columns() if name in frame.columns]
    given = {name: _numbers(column(frame, name), rows) for name in names}
    for name, values in given.items():
        about, negative = METRICS[name], values < 0
        if not about.negative and negative.any():
            raise InputError(
                f"{name} is negative in {rows.named(negative)}: "
                f"{distinct_values(values[negative].tolist())}. Expected 0 or more."
            )
        above = values > (np.inf if about.most is None else about.most)
        if above.any():
            raise InputError(
                f"{name} is above {about.most:g} in {rows.named(above)}: "
                f"{distinct_values(values[above].tolist())}. Expected a share: write 0.025 for "
                "2.5%, or leave the column out and give its parts."
            )
    if "days" in given and (given["days"] == 0).any():
        raise InputError(
            f"days is 0 in {rows.named(given['days'] == 0)}; expected how many days the figures "
            "of the row cover, e.g. 1 or 7."
        )
    return given


def _numbers(values: pd.Series, rows: Rows) -> np.ndarray:
    if values.dtype in (np.float32, np.float16):  # 0.1 is meant, not the 0.10000000149 it becomes
        values = values.astype(str).replace("nan", np.nan).astype(float)
    return read_numbers(values, values.name, rows)


def budget_in_minor(budget: np.ndarray, exponent: int, rows: Rows) -> np.ndarray:
    """Budgets in whole minor units: (row,) int64.

    Raises
    ------
    InputError : missing, a fraction of a minor unit, or beyond what is exact
    """
    missing = np.isnan(budget)
    if missing.any():
        raise InputError(
            f"budget is missing in {rows.named(missing)}. Every campaign needs its budget per "
            "day; write 0 for one that has none."
        )
    minor = np.rint(budget * 10**exponent)
    huge = minor >= 2**53
    if huge.any():
        raise InputError(
            f"budget is too large to be exact in {rows.named(huge)}: "
            f"{distinct_values(budget[huge].tolist())}. Is it in another unit, e.g. micros?"
        )
    broken = minor / 10**exponent != budget
    if broken.any():
        raise InputError(
            f"budget has more than {exponent} decimals in {rows.named(broken)}: "
            f"{distinct_values(budget[broken].tolist())}. Money moves in whole minor units: "
            f"round it first, frame['budget'].round({exponent})."
        )
    return minor.astype(np.int64)


def read_moments(frame: pd.DataFrame, name: str, as_of: datetime, rows: Rows) -> np.ndarray:
    """Moments as wall time of ``as_of``'s zone: (row,) datetime64[s], NaT where missing.

    Raises
    ------
    InputError : not dates or times, or after ``as_of``
    """
    if name not in frame.columns:
        return np.full(len(frame), np.datetime64("NaT", "s"))
    codes, different = pd.factorize(column(frame, name))
    moments = [_moment(value, as_of) for value in different]
    wrong = np.array([moment is None for moment in moments] + [False])[codes]
    if wrong.any():
        raise InputError(
            f"column {name!r} has values that are not dates or times in {rows.named(wrong)}: "
            f"{distinct_values(column(frame, name)[wrong].tolist())}. Write 2026-03-01 or "
            "2026-03-01T14:30 (with a zone only if as_of has one)."
        )
    known = np.array([*moments, np.datetime64("NaT", "s")], dtype="datetime64[s]")[codes]
    now = np.datetime64(as_of.replace(tzinfo=None), "s")
    unit = "D" if as_of.time() == time.min else "s"  # a plain date means any moment of its day
    late = known.astype(f"datetime64[{unit}]") > now.astype(f"datetime64[{unit}]")
    if late.any():
        raise InputError(
            f"column {name!r} is after as_of ({as_of.isoformat()}) in {rows.named(late)}: "
            f"{distinct_values(known[late].astype(str).tolist())}. Nothing can be known from "
            "later; check as_of."
        )
    return known


def _moment(value: object, as_of: datetime) -> np.datetime64 | None:
    """One moment as wall time of ``as_of``; None when unclear."""
    try:
        moment = pd.Timestamp(value)  # pyright: ignore[reportArgumentType]
    except (ValueError, TypeError):
        return None
    if isinstance(value, bool | int | float) or moment is pd.NaT:
        return None
    if moment.tzinfo is not None:
        if as_of.tzinfo is None:
            return None
        moment = moment.tz_convert(as_of.tzinfo).tz_localize(None)
    return np.datetime64(moment, "s")


def read_status(frame: pd.DataFrame, rows: Rows) -> np.ndarray:
    """Status: (row,) "active", "paused" or "ended"; active when the table has no such column.

    Raises
    ------
    InputError : missing or unknown
    """
    if "status" not in frame.columns:
        return np.full(len(frame), "active", dtype=object)
    codes, different = pd.factorize(column(frame, "status"))
    words = [STATUS.get(str(value).strip().lower()) for value in different]
    wrong = np.array([word is None for word in words] + [True])[codes]
    if wrong.any():
        raise InputError(
            f"status is missing or unknown in {rows.named(wrong)}: "
            f"{distinct_values(frame['status'][wrong].tolist())}. Expected one of "
            f"{', '.join(STATUS)}."
        )
    return np.array([*words, None], dtype=object)[codes]


def read_locked(frame: pd.DataFrame, rows: Rows) -> np.ndarray:
    """Whether the budget must not be touched: (row,) bool; False without such a column.

    Raises
    ------
    InputError : neither true nor false
    """
    if "locked" not in frame.columns:
        return np.zeros(len(frame), dtype=bool)
    values = column(frame, "locked")
    wrong = np.array([not _is_yes_or_no(value) for value in values])
    if wrong.any():
        raise InputError(
            f"locked is neither true nor false in {rows.named(wrong)}: "
            f"{distinct_values(values[wrong].tolist())}. Write True or False."
        )
    return values.astype(bool).to_numpy()


def _is_yes_or_no(value: object) -> bool:
    return isinstance(value, bool | np.bool_) or (
        isinstance(value, int | np.integer) and value in (0, 1)
    )


def read_currency(frame: pd.DataFrame, rows: Rows, argument: str | None) -> str | None:
    """The one currency of all campaigns, or None when nobody says.

    Raises
    ------
    InputError : missing cells, several currencies, or another one than the argument
    """
    argument = argument.strip().upper() if argument else None
    if "currency" not in frame.columns:
        return argument
    values = column(frame, "currency")
    missing = values.isna().to_numpy()
    if missing.any():
        raise InputError(f"currency is missing in {rows.named(missing)}; every row needs it.")
    codes = sorted({str(value).strip().upper() for value in values.unique()})
    if argument is not None and codes != [argument]:
        raise InputError(f"currency is {argument!r} by argument, but {quoted(codes)} by column.")
    if len(codes) > 1:
        raise InputError(
            f"campaigns are in several currencies: {quoted(codes)}. Money cannot move between "
            "them at an unknown rate: pass one table for each."
        )
    return codes[0]


def contradictions(figures: Figures, name_of: Callable[[int], str], rows: Rows) -> list[Note]:
    """Notes on figures that are given and differ from what their parts say by over 1%.

    Parameters
    ----------
    name_of : position of a row -> what the message calls it
    """
    notes = []
    for metric in quotients():
        value, parts = figures.column(metric), figures.from_parts(metric)
        away = figures.given[metric] & (np.abs(value - parts) > 0.01 * np.abs(parts))
        if away.any():
            first = int(np.flatnonzero(away)[0])
            message = (
                f"{rows.table}: {metric} is not {METRICS[metric].formula} in "
                f"{int(away.sum())} rows, e.g. {name_of(first)}: {value[first]:g} is given, its "
                f"parts say {parts[first]:g}. The given figure is used."
            )
            notes.append(Note(kind="contradiction", message=message))
    return notes
