"""One column of the caller's -> names, dates or numbers. Refuses what is unclear."""

import re
from collections.abc import Hashable
from datetime import date, datetime
from decimal import Decimal
from typing import cast

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.tables.messages import Note, Rows, distinct_values, quoted

YEAR_MONTH = re.compile(r"\d{4}-\d{2}")
YEAR_FIRST = re.compile(r"\d{4}[-/]\d{2}[-/]\d{2}|\d{8}")
DECIMAL_COMMA = re.compile(r"\d,\d{1,2}\D*$")
AMOUNT = re.compile(r"[-(]?\W{0,2}[A-Za-z]{0,3}\s?-?\d[\d,.' ]*\s?[A-Za-z]{0,3}\W{0,2}")
DAY_OR_MONTH_FIRST = re.compile(r"\d{1,2}[-/. ]\d{1,2}[-/. ]\d{2,4}\b")


def read_names(
    values: pd.Series, column: Hashable, rows: Rows
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Names as text: (row,) position in the sorted names, and the names.

    Raises
    ------
    InputError : a name is missing or blank
    """
    codes, texts = factorized(values, column, rows)
    names = [_name_text(text) for text in texts]
    blank = np.array([not name.strip() for name in names] + [True])[codes]
    if blank.any():
        raise InputError(
            f"column {column!r} is missing or blank in {rows.named(blank)}. Every row needs it: "
            f"fill it in, or drop those rows with frame.dropna(subset=[{column!r}])."
        )
    ordered = tuple(sorted(set(names)))
    position = {name: place for place, name in enumerate(ordered)}
    return np.array([position[name] for name in names], dtype=np.intp)[codes], ordered


def factorized(values: pd.Series, column: Hashable, rows: Rows) -> tuple[np.ndarray, list]:
    """Each row's position in the list of different values; -1 where the value is missing."""
    try:
        codes, different = pd.factorize(values)
    except TypeError as error:
        raise InputError(
            f"column {column!r} of {rows.table} holds values that cannot be compared ({error}). "
            "Put one plain value into each row."
        ) from error
    return codes, list(different)


def _name_text(value: object) -> str:
    """Text of a name; 1 and 1.0 are the same, because a missing cell makes ints floats."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def read_dates(values: pd.Series, column: Hashable, rows: Rows, notes: list[Note]) -> np.ndarray:
    """Calendar dates: (row,) datetime64[D].

    Raises
    ------
    InputError : missing, not a date, ambiguous, of mixed time zones, or with a time of day
    """
    if pd.api.types.is_numeric_dtype(values.dtype):
        raise InputError(
            f"column {column!r} of {rows.table} holds numbers ({values.dtype}), not dates; first "
            f"{distinct_values(values.head().tolist())}. Convert it first, e.g. "
            f"pandas.to_datetime(frame[{column!r}].astype(str), format='%Y%m%d')."
        )
    codes, different = factorized(values, column, rows)
    if (codes < 0).any():
        raise InputError(
            f"column {column!r} has no date in {rows.named(codes < 0)}. Every row needs one: "
            f"fill it in, or drop those rows with frame.dropna(subset=[{column!r}])."
        )
    moments = [_moment(value) for value in different]
    _check_parsed(moments, different, codes, column, rows)
    _check_one_zone(moments, codes, column, rows, notes)
    _check_midnight(moments, different, codes, column, rows)
    days = np.array([moment.date() for moment in moments if moment], dtype="datetime64[D]")
    return days[codes]


def _moment(value: object) -> datetime | None:
    """Wall-clock time a value states, with its zone when it states one; None if unclear."""
    if isinstance(value, str):
        return _moment_of_text(value.strip())
    if isinstance(value, datetime):  # pandas timestamps are datetimes too
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    if isinstance(value, pd.Period):
        return cast(datetime, value.to_timestamp())
    if isinstance(value, np.datetime64):
        return cast(datetime, pd.Timestamp(value))
    return None


def _moment_of_text(text: str) -> datetime | None:
    if YEAR_MONTH.fullmatch(text):
        text += "-01"
    if not YEAR_FIRST.match(text):
        return None
    try:
        return datetime.fromisoformat(text.replace("/", "-"))
    except ValueError:
        return None


def _check_parsed(
    moments: list, different: list, codes: np.ndarray, column: Hashable, rows: Rows
) -> None:
    failed = np.array([moment is None for moment in moments])
    if not failed.any():
        return
    values = [value for value, bad in zip(different, failed, strict=True) if bad]
    where = rows.named(failed[codes])
    if all(isinstance(value, str) and DAY_OR_MONTH_FIRST.match(value.strip()) for value in values):
        shapes = {re.sub(r"\d+", "0", value): value for value in reversed(values)}
        mixed = f" They even mix {len(shapes)} formats." if len(shapes) > 1 else ""
        raise InputError(
            f"column {column!r} has ambiguous dates in {where}: {quoted(shapes.values())} may be "
            f"day or month first.{mixed} Write them as 2024-04-03, or parse them and pass "
            f"the result: pandas.to_datetime(frame[{column!r}], format='%m/%d/%Y') (or '%d/%m/%Y')."
        )
    raise InputError(
        f"column {column!r} has values that are not dates in {where}: {quoted(values)}. "
        "Write dates as 2024-04-03, or pass datetimes (pandas.to_datetime with a format)."
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


def read_numbers(values: pd.Series, column: Hashable, rows: Rows) -> np.ndarray:
    """Numbers as floats: (row,), NaN where the value is missing.

    Raises
    ------
    InputError : text, dates or infinite values
    """
    numeric = pd.api.types.is_numeric_dtype(values.dtype) and values.dtype.kind != "c"
    if numeric and not isinstance(values.dtype, pd.CategoricalDtype):
        numbers = values.to_numpy(dtype=float, na_value=np.nan)
    else:
        numbers = _numbers_of_objects(values, column, rows)
    infinite = np.isinf(numbers)
    if infinite.any():
        raise InputError(
            f"column {column!r} is infinite in {rows.named(infinite)}. Expected finite numbers; "
            "was something divided by zero? Put the true values in."
        )
    return numbers


def _numbers_of_objects(values: pd.Series, column: Hashable, rows: Rows) -> np.ndarray:
    missing = values.isna().to_numpy(dtype=bool)
    objects = values.to_numpy(dtype=object)
    number = (int, float, Decimal, np.number, np.bool_)
    wrong = ~missing & ~np.fromiter((isinstance(v, number) for v in objects), bool, len(objects))
    if wrong.any():
        found = objects[wrong]
        kind = "text" if isinstance(found[0], str) else f"{type(found[0]).__name__} values"
        raise InputError(
            f"column {column!r} has {kind} where numbers are expected, in {rows.named(wrong)}: "
            f"{distinct_values(found)}. {_number_advice(column, found)}"
        )
    try:
        return np.where(missing, np.nan, objects).astype(float)
    except OverflowError as error:
        raise InputError(
            f"column {column!r} of {rows.table} holds whole numbers too large to compute with. "
            "Is it an identifier? Name the column that holds amounts."
        ) from error


def _number_advice(column: Hashable, found: np.ndarray) -> str:
    texts = [value.strip() for value in found if isinstance(value, str)]
    if not texts:
        return "Pass numbers, or name another column."
    if any("%" in text for text in texts):
        return "Rates cannot be spend or outcome; name the column that holds amounts."
    if any(DECIMAL_COMMA.search(text) for text in texts):
        return "These have decimal commas: read the file with pandas.read_csv(path, decimal=',')."
    if any(AMOUNT.fullmatch(text) for text in texts):
        return (
            "Convert it first: pandas.to_numeric("
            rf"frame[{column!r}].astype(str).str.replace(r'[^\d.\-]', '', regex=True))."
        )
    return (
        "Set what is not known to NaN; for a control that names events, make one 0/1 column for "
        "each with pandas.get_dummies."
    )


def check_not_negative(spend: np.ndarray, column: Hashable, rows: Rows) -> None:
    """Money spent cannot be below zero."""
    negative = spend < 0
    if negative.any():
        raise InputError(
            f"spend in column {column!r} is negative in {rows.named(negative)}: "
            f"{distinct_values(spend[negative].tolist())}. Expected 0 or more; book credits and "
            "corrections on the date of the spend they correct, or set the rows to 0."
        )
