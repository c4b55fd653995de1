"""One column of the caller's -> calendar dates, decided by the whole column.

Day and month are told apart by any date of the column that has only one reading (13.12. is one);
where there is none, the caller says which comes first.
"""

import re
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import date, datetime
from typing import cast

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.tables.messages import Note, Rows, distinct_values, quoted
from adbudget.tables.values import factorized

YEAR_MONTH = re.compile(r"\d{4}-\d{2}")
YEAR_FIRST = re.compile(r"\d{4}[-/]\d{2}[-/]\d{2}|\d{8}")
ISO_WEEK = re.compile(r"(\d{4})-?W(\d{2})")
TWO_NUMBERS = re.compile(r"(\d{1,2})([-/. ])(\d{1,2})\2(\d{4}|\d{2})(?:,? +(\d{1,2}:.*))?")
NAMED_MONTH = (  # 2 Dec 2024, 2-Dec-24; Dec 2, 2024
    re.compile(r"(?P<day>\d{1,2})[-. ]+(?P<month>[A-Za-z]{3,9})[-., ]+(?P<year>\d{4}|\d{2})"),
    re.compile(r"(?P<month>[A-Za-z]{3,9})\.? +(?P<day>\d{1,2}),? +(?P<year>\d{4})"),
)
MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august"),
    *("september", "october", "november", "december"),
)
ZONE_APART = re.compile(r" (?=[+-]\d{2}:?\d{2}$)")  # as shops write it: 10:00:00 +0100
CENTURY = 2000  # of years with two digits: nobody advertises on this in 1999


@dataclass(frozen=True, slots=True, kw_only=True)
class DateStyle:
    """What is said of how dates are written.

    Attributes
    ----------
    dayfirst : whether 03/04/2024 is the third of April; None decides by the column
    clock : whether times of day are allowed, and their day is meant
    sayable : whether the caller can say ``dayfirst``, so that messages offer it
    """

    dayfirst: bool | None = None
    clock: bool = False
    sayable: bool = False


AS_TOLD = DateStyle()


def read_dates(
    values: pd.Series, column: Hashable, rows: Rows, notes: list[Note], style: DateStyle = AS_TOLD
) -> np.ndarray:
    """Calendar dates: (row,) datetime64[D].

    Year first (2024-04-03, 20240403, 2024-04), a week (2024-W49: its Monday), day or month first
    where the column settles which, with an English month's name, or datetimes.

    Raises
    ------
    InputError : missing, not a date, ambiguous, of mixed time zones, or with a time of day
    """
    if pd.api.types.is_numeric_dtype(values.dtype):
        values = _whole_numbers_as_text(values, column, rows)
    codes, different = factorized(values, column, rows)
    if (codes < 0).any():
        raise InputError(
            f"column {column!r} has no date in {rows.named(codes < 0)}. Every row needs one: "
            f"fill it in, or drop those rows with frame.dropna(subset=[{column!r}])."
        )
    dayfirst = _day_before_month(different, codes, column, rows, style)
    moments = [_moment(value, dayfirst) for value in different]
    _check_parsed(moments, different, codes, column, rows, style)
    _check_one_zone(moments, codes, column, rows, notes)
    if not style.clock:
        _check_midnight(moments, different, codes, column, rows)
    days = np.array([moment.date() for moment in moments if moment], dtype="datetime64[D]")
    return days[codes]


def looks_like_date(value: object) -> bool:
    """Whether one cell may hold a date, whichever way it is written."""
    if isinstance(value, str):
        text = value.strip()
        return _moment(text, False) is not None or _moment(text, True) is not None
    if isinstance(value, bool | float | int | np.number):
        # Compared before it is made a float, which a very long number cannot be.
        like_a_day = bool(19_000_101 <= value <= 21_001_231)
        return like_a_day and _moment(f"{float(value):.0f}", None) is not None
    return value is not pd.NaT and isinstance(value, date | np.datetime64 | pd.Period)


def _whole_numbers_as_text(values: pd.Series, column: Hashable, rows: Rows) -> pd.Series:
    """Numbers such as 20241202 as text; no other number is a date."""
    known = values.dropna()
    texts = [f"{number:.0f}" for number in known.unique()]
    if not texts or not all(YEAR_FIRST.fullmatch(t) and _moment(t, None) for t in texts):
        raise InputError(
            f"column {column!r} of {rows.table} holds numbers ({values.dtype}), not dates; first "
            f"{distinct_values(values.head().tolist())}. Write dates as 2024-12-02 or 20241202, or "
            f"convert them first, e.g. pandas.to_datetime(frame[{column!r}], unit='s')."
        )
    return values.map(lambda number: f"{number:.0f}", na_action="ignore").astype(object)


def _day_before_month(
    different: list, codes: np.ndarray, column: Hashable, rows: Rows, style: DateStyle
) -> bool | None:
    """Whether days come before months, by what is said and by the dates with only one reading."""
    first, second = [], []
    for value in different:
        found = TWO_NUMBERS.fullmatch(value.strip()) if isinstance(value, str) else None
        first.append(found is not None and int(found[1]) > 12)
        second.append(found is not None and int(found[3]) > 12)
    day_first, month_first = np.array(first, dtype=bool), np.array(second, dtype=bool)
    if day_first.any() and month_first.any():
        less = day_first if day_first[codes].sum() <= month_first[codes].sum() else month_first
        shown = [value for value, is_so in zip(different, less, strict=True) if is_so]
        raise InputError(
            f"column {column!r} writes some dates day first and some month first; fewer are as in "
            f"{rows.named(less[codes])}: {quoted(shown)}. Write all of them as 2024-04-03."
        )
    against = month_first if style.dayfirst else day_first
    if style.dayfirst is not None and against.any():
        shown = [value for value, is_so in zip(different, against, strict=True) if is_so]
        raise InputError(
            f"dayfirst={style.dayfirst}, but column {column!r} has dates that can only be read "
            f"the other way in {rows.named(against[codes])}: {quoted(shown)}."
        )
    if style.dayfirst is not None:
        return style.dayfirst
    return True if day_first.any() else False if month_first.any() else None


def _moment(value: object, dayfirst: bool | None) -> datetime | None:
    """Wall-clock time a value states, with its zone when it states one; None if unclear."""
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        value = str(value)  # 20241202 beside text, as Excel keeps it
    if isinstance(value, str):
        try:
            return _moment_of_text(value.strip(), dayfirst)
        except ValueError:
            return None
    if isinstance(value, datetime):  # pandas timestamps are datetimes too
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    if isinstance(value, pd.Period):
        return cast(datetime, value.to_timestamp())
    if isinstance(value, np.datetime64):
        return cast(datetime, pd.Timestamp(value))
    return None


def _moment_of_text(text: str, dayfirst: bool | None) -> datetime | None:
    if YEAR_MONTH.fullmatch(text):
        text += "-01"
    if YEAR_FIRST.match(text):
        iso = ZONE_APART.sub("", text.replace("/", "-")).replace(" UTC", "+00:00")
        return datetime.fromisoformat(iso)
    if week := ISO_WEEK.fullmatch(text):
        return datetime.fromisocalendar(int(week[1]), int(week[2]), 1)
    if numbers := TWO_NUMBERS.fullmatch(text):
        if dayfirst is None:
            return None
        day, month = (numbers[1], numbers[3]) if dayfirst else (numbers[3], numbers[1])
        at = datetime(_year(numbers[4]), int(month), int(day))
        return datetime.fromisoformat(f"{at:%Y-%m-%d} {numbers[5]}") if numbers[5] else at
    for pattern in NAMED_MONTH:
        if named := pattern.fullmatch(text):
            month = _month(named["month"])
            return datetime(_year(named["year"]), month, int(named["day"])) if month else None
    return None


def _year(digits: str) -> int:
    return int(digits) + (CENTURY if len(digits) == 2 else 0)


def _month(name: str) -> int:
    """1 to 12; 0 when no month begins so."""
    starts = [month.startswith(name.casefold()) for month in MONTHS]
    return 1 + starts.index(True) if any(starts) else 0


def _check_parsed(
    moments: list,
    different: list,
    codes: np.ndarray,
    column: Hashable,
    rows: Rows,
    style: DateStyle,
) -> None:
    failed = np.array([moment is None for moment in moments])
    if not failed.any():
        return
    values = [value for value, bad in zip(different, failed, strict=True) if bad]
    where = rows.named(failed[codes])
    if all(isinstance(value, str) and TWO_NUMBERS.fullmatch(value.strip()) for value in values):
        raise _ambiguous(values, column, where, style)
    raise InputError(
        f"column {column!r} has values that are not dates in {where}: {quoted(values)}. "
        f"{_date_advice(values)}"
    )


def _date_advice(values: list) -> str:
    """What to do about values that are no dates."""
    texts = [value.strip() for value in values if isinstance(value, str)]
    if len(texts) == len(values) and all(map(YEAR_FIRST.fullmatch, texts)):
        return "The calendar has no such day: put the true dates in."
    spans = [re.split(r" (?:-|\u2013|\u2014|to|bis) ", text) for text in texts]
    if spans and all(len(ends) == 2 and all(map(looks_like_date, ends)) for ends in spans):
        return "These are spans of days: keep the first day of each, in a column of its own."
    return "Write dates as 2024-04-03, or pass datetimes (pandas.to_datetime with a format)."


def _ambiguous(values: list, column: Hashable, where: str, style: DateStyle) -> InputError:
    shapes = {re.sub(r"\d+", "0", value): value for value in reversed(values)}
    mixed = f" They even mix {len(shapes)} formats." if len(shapes) > 1 else ""
    one = next(iter(shapes.values()))
    readings = [_moment(one, True), _moment(one, False)]
    if None in readings:  # no date either way round, such as 00/00/2024
        return InputError(
            f"column {column!r} has values that are not dates in {where}: {quoted(values)}. "
            "Write dates as 2024-04-03."
        )
    both = f"{readings[0]:%Y-%m-%d} or {readings[1]:%Y-%m-%d}"
    say = "Say which: dayfirst=True or dayfirst=False; or write" if style.sayable else "Write"
    return InputError(
        f"column {column!r} has ambiguous dates in {where}: {quoted(shapes.values())} may be "
        f"day or month first ({one} is {both}), and no date of the column settles it.{mixed} {say} "
        f"them as 2024-04-03, or parse them and pass the result: "
        f"pandas.to_datetime(frame[{column!r}], format='%m/%d/%Y') (or '%d/%m/%Y')."
    )


def _check_one_zone(
    moments: list, codes: np.ndarray, column: Hashable, rows: Rows, notes: list[Note]
) -> None:
    zones = [str(moment.tzinfo) if moment.tzinfo else "no time zone" for moment in moments]
    if len(set(zones)) > 1:
        different, zone_of_value = np.unique(zones, return_inverse=True)
        zone = zone_of_value[codes]
        rarest = np.argmin(np.bincount(zone))
        raise InputError(
            f"column {column!r} mixes time zones: {quoted(different.tolist())}; the rarest is in "
            f"{rows.named(zone == rarest)}. Bring all rows to one zone and drop it: "
            f"pandas.to_datetime(frame[{column!r}], utc=True).dt.tz_convert('Europe/London')"
            ".dt.normalize().dt.tz_localize(None), with the zone your accounts report in."
        )
    if zones[0] != "no time zone":
        message = f"Dates in column {column!r} are calendar dates of time zone {zones[0]}."
        notes.append(Note(kind="time_zone", message=message))


def _check_midnight(
    moments: list, different: list, codes: np.ndarray, column: Hashable, rows: Rows
) -> None:
    at_noon = np.array([moment.time() != datetime.min.time() for moment in moments])
    if at_noon.any():
        values = [value for value, bad in zip(different, at_noon, strict=True) if bad]
        raise InputError(
            f"column {column!r} has times of day, not dates, in {rows.named(at_noon[codes])}: "
            f"{listed_times(values)}. Aggregate to days first: take "
            f"frame[{column!r}].dt.normalize() (dates of another time zone: dt.tz_convert before), "
            "then groupby and sum."
        )


def listed_times(values: list) -> str:
    """Timestamps as ISO text, the first five."""
    return quoted(str(value) for value in values)
