"""Columns date or hour of a delivery table -> local days and the instants they cover.

Knows no money. An hour with an offset is that instant; one without is wall time of the account.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.pacing.booked.clock import day_start, local_moment, utc
from adbudget.tables.dates import read_dates
from adbudget.tables.instants import zone_of
from adbudget.tables.messages import Note, Rows, distinct_values
from adbudget.tables.roles import column_of
from adbudget.tables.values import factorized

HOUR = np.timedelta64(3600, "s")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slots:
    """The day, or hour, that each row of a delivery table is about. Arrays are (row,).

    Attributes
    ----------
    day : datetime64[D], local
    begins, ends : datetime64[s] in UTC
    hourly : whether rows are hours
    local_hour : int from 0 to 23, wall time; 0 where rows are days
    """

    day: np.ndarray
    begins: np.ndarray
    ends: np.ndarray
    hourly: bool
    local_hour: np.ndarray


def read_slots(
    table: pd.DataFrame, zone_code: np.ndarray, zones: list[str], rows: Rows, notes: list[Note]
) -> Slots:
    """Read the column hour, or else the column date.

    Parameters
    ----------
    table : has one of the two, or date with hour as a number from 0 to 23
    zone_code : (row,) position in ``zones``
    zones : names of time zones

    Raises
    ------
    InputError : neither column, or values that are not dates or full hours
    """
    if "hour" in table.columns:
        return _hours(table, zone_code, zones, rows, notes)
    if "date" not in table.columns:
        raise InputError(
            f"delivery has neither a column 'date' nor 'hour'; found "
            f"{', '.join(map(repr, table.columns))}. Add the local day of each row as 'date'."
        )
    days = read_dates(column_of(table, "date"), "date", rows, notes)
    different, day_code = np.unique(days, return_inverse=True)
    begins = _instants(different, zones)
    ends = _instants(different + np.timedelta64(1, "D"), zones)
    return Slots(
        day=days,
        begins=begins[day_code, zone_code],
        ends=ends[day_code, zone_code],
        hourly=False,
        local_hour=np.zeros(len(days), dtype=np.int64),
    )


def _instants(days: np.ndarray, zones: list[str]) -> np.ndarray:
    """First instant of each day in each zone: (day, zone) datetime64[s]."""
    starts = [[day_start(day, zone) for zone in zones] for day in days.tolist()]
    return np.array(starts, dtype="datetime64[s]").reshape(len(days), len(zones))


def _hours(
    table: pd.DataFrame, zone_code: np.ndarray, zones: list[str], rows: Rows, notes: list[Note]
) -> Slots:
    values = column_of(table, "hour")
    if pd.api.types.is_numeric_dtype(values.dtype):
        values = _hours_of_dates(table, values, rows, notes)
    codes, different = factorized(values, "hour", rows)
    moments = [_full_hour(value) for value in different]
    wrong = np.array([moment is None for moment in moments] + [True])[codes]
    if wrong.any():
        raise InputError(
            f"column 'hour' has values that are not full hours in {rows.named(wrong)}: "
            f"{distinct_values(values[wrong].tolist())}. Write 2026-03-01T14:00, or "
            "2026-03-01T14:00+01:00."
        )
    pairs, which = np.unique(np.stack([codes, zone_code]), axis=1, return_inverse=True)
    local: list[datetime] = []
    begins: list[np.datetime64] = []
    for code, zone in pairs.T:
        moment = moments[code]
        assert moment is not None
        name = zones[zone]
        here = utc(moment if moment.tzinfo else moment.replace(tzinfo=zone_of(name)))
        begins.append(here)
        local.append(local_moment(here, name))
    starts = np.array(begins, dtype="datetime64[s]")[which.ravel()]
    return Slots(
        day=np.array([each.date() for each in local], dtype="datetime64[D]")[which.ravel()],
        begins=starts,
        ends=starts + HOUR,
        hourly=True,
        local_hour=np.array([each.hour for each in local], dtype=np.int64)[which.ravel()],
    )


def _hours_of_dates(
    table: pd.DataFrame, values: pd.Series, rows: Rows, notes: list[Note]
) -> pd.Series:
    """Columns date and hour (0 to 23) -> moments without a zone."""
    if "date" not in table.columns:
        raise InputError(
            "column 'hour' holds numbers and there is no column 'date'. Add the local day as "
            "'date', or write full hours such as 2026-03-01T14:00."
        )
    number = values.to_numpy(dtype=float, na_value=np.nan)
    wrong = ~np.isin(number, np.arange(24))
    if wrong.any():
        raise InputError(
            f"hour must be a whole number from 0 to 23 in {rows.named(wrong)}; got "
            f"{distinct_values(values[wrong].tolist())}."
        )
    days = read_dates(column_of(table, "date"), "date", rows, notes).astype("datetime64[s]")
    return pd.Series(days + number.astype(np.int64) * HOUR, index=table.index)


def _full_hour(value: object) -> datetime | None:
    """The moment a value states; None when it is no full hour."""
    try:
        moment = pd.Timestamp(value)  # pyright: ignore[reportArgumentType]
    except (ValueError, TypeError):
        return None
    if isinstance(value, bool | int | float | date) and not isinstance(value, datetime):
        return None
    if moment is pd.NaT or (moment.minute, moment.second, moment.microsecond) != (0, 0, 0):
        return None
    return moment.to_pydatetime(warn=False)


def begins_later(
    slots: Slots, moment: datetime, zone_code: np.ndarray, zones: list[str]
) -> np.ndarray:
    """Rows that begin at, or after, a moment: (row,) bool. A moment without zone is wall time."""
    limits = [
        utc(moment if moment.tzinfo else moment.replace(tzinfo=zone_of(zone))) for zone in zones
    ]
    return slots.begins >= np.array(limits, dtype="datetime64[s]")[zone_code]


UNBOUNDED = datetime.max.replace(tzinfo=UTC) - timedelta(days=2)
