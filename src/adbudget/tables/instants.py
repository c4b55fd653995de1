"""Moments as people and tables write them -> datetimes and columns of them. Reads no clock."""

from datetime import date, datetime, time
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.tables.messages import Rows, distinct_values
from adbudget.tables.roles import column_of


@cache
def zone_of(name: str) -> ZoneInfo:
    """Time zone of an IANA name.

    Raises
    ------
    InputError : no zone is called so
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError(
            f"time zone {name!r} is unknown; expected an IANA name such as Europe/Berlin or UTC."
        ) from None


def as_moment(as_of: date | datetime | str, name: str = "as_of") -> datetime:
    """The moment of a decision; a date is its midnight. ``name`` is the argument's, for errors.

    Raises
    ------
    InputError : neither a date nor a time
    """
    if isinstance(as_of, str):
        try:
            return datetime.fromisoformat(as_of)
        except ValueError:
            raise InputError(
                f"{name} must be a date or time such as 2026-03-01; got {as_of!r}."
            ) from None
    if isinstance(as_of, pd.Timestamp):
        return as_of.to_pydatetime()
    if isinstance(as_of, datetime) and as_of is not pd.NaT:
        return as_of
    if isinstance(as_of, date) and as_of is not pd.NaT:
        return datetime(as_of.year, as_of.month, as_of.day)
    raise InputError(f"{name} must be a date or time such as 2026-03-01; got {as_of!r}.")


def read_moments(frame: pd.DataFrame, name: str, as_of: datetime, rows: Rows) -> np.ndarray:
    """Moments as wall time of ``as_of``'s zone: (row,) datetime64[s], NaT where missing.

    Raises
    ------
    InputError : not dates or times, or after ``as_of``
    """
    if name not in frame.columns:
        return np.full(len(frame), np.datetime64("NaT", "s"))
    values = column_of(frame, name)
    codes, different = pd.factorize(values)
    moments = [_wall_time(value, as_of) for value in different]
    wrong = np.array([moment is None for moment in moments] + [False])[codes]
    if wrong.any():
        raise InputError(
            f"column {name!r} has values that are not dates or times in {rows.named(wrong)}: "
            f"{distinct_values(values[wrong].tolist())}. Write 2026-03-01 or "
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


def _wall_time(value: object, as_of: datetime) -> np.datetime64 | None:
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
