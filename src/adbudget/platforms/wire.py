"""Budgets, orders, answers and reports <-> JSON, as files and the HTTP contract write them.

What comes from outside is checked here, once: a wrong word, a missing field or a number of another
kind is a :class:`PlatformError` that names the place.
"""

from collections.abc import Mapping
from dataclasses import fields
from datetime import date, datetime
from typing import Any, get_args

import numpy as np
import pandas as pd

from adbudget.errors import InputError, PlatformError
from adbudget.plain_json import to_plain, visible
from adbudget.platforms.platform import (
    DAILY,
    FIGURES,
    HOURLY,
    UNIT,
    BudgetOrder,
    OrderAnswer,
    OutcomeReport,
    Performance,
    StandingBudget,
    Status,
)
from adbudget.tables.roles import column_of

LONGEST = 500  # characters of a reason that are kept
_TEXT = {*UNIT, "currency", "version", "key", "status", "reason"}
_MINOR = {"daily_minor", "minimum_minor", "based_on_minor", "edits_left"}
_INSTANT = {"changed_at", "learning_until", "at"}


def budget_to_json(budget: StandingBudget) -> dict[str, Any]:
    """A budget as a JSON object."""
    return to_plain(budget)


def order_to_json(order: BudgetOrder) -> dict[str, Any]:
    """An order as a JSON object."""
    return to_plain(order)


def answer_to_json(answer: OrderAnswer) -> dict[str, Any]:
    """An answer as a JSON object."""
    return to_plain(answer)


def budget_from_json(document: Any, place: str) -> StandingBudget:
    """A budget from a JSON object; ``place`` is how messages call where it came from."""
    return StandingBudget(**_fields(StandingBudget, document, place, optional=5))


def order_from_json(document: Any, place: str) -> BudgetOrder:
    """An order from a JSON object."""
    read = _fields(BudgetOrder, document, place)
    try:
        return BudgetOrder(**read)
    except InputError as cause:
        raise PlatformError(f"{place}: {cause}") from cause


def answer_from_json(document: Any, place: str) -> OrderAnswer:
    """An answer from a JSON object; its words are made safe to show."""
    read = _fields(OrderAnswer, document, place)
    if read["status"] not in get_args(Status):
        raise PlatformError(
            f"{place} answered with status {read['status']!r}; known are {get_args(Status)}."
        )
    read["reason"] = visible(read["reason"])[:LONGEST]
    return OrderAnswer(**read)


def report_to_json(report: Performance | OutcomeReport) -> dict[str, Any]:
    """A report: its frame column by column, and its instants."""
    columns = {
        str(name): (
            pd.DatetimeIndex(report.frame[name]).strftime("%Y-%m-%d").tolist()
            if name == "date"
            else report.frame[name].tolist()
        )
        for name in report.frame.columns
    }
    return {
        "columns": columns,
        "complete_until": report.complete_until.isoformat(),
        "reported_at": report.reported_at.isoformat(),
    }


def performance_from_json(document: Any, place: str) -> Performance:
    """A performance report from its JSON object."""
    frame, complete, reported = _report(document, place)
    return Performance(
        frame=performance_frame(frame, place), complete_until=complete, reported_at=reported
    )


def outcome_from_json(document: Any, place: str) -> OutcomeReport:
    """A report of the accounts' own outcome from its JSON object."""
    frame, complete, reported = _report(document, place)
    for name in ("account", "date"):
        if name not in frame:
            raise PlatformError(f"{place} reports an outcome without the column {name!r}.")
    numbers = [name for name in frame.columns if name not in ("account", "date")]
    table = pd.DataFrame(
        {"account": column_of(frame, "account").astype("str"), "date": _days(frame, place)}
    )
    for name in numbers:
        table[name] = _numbers(frame, name, place)
    return OutcomeReport(frame=table, complete_until=complete, reported_at=reported)


def performance_frame(table: pd.DataFrame, place: str) -> pd.DataFrame:
    """Frame of a performance report: known columns, checked, one row per campaign and time, sorted.

    Raises
    ------
    PlatformError : a column is missing, a value is no date or number or is negative, or two rows
        are of the same campaign and time
    """
    names = HOURLY if "hour" in table.columns else DAILY
    missing = [name for name in names if name not in table.columns]
    if missing:
        raise PlatformError(f"{place} reports performance without {missing}; needed are {names}.")
    frame = pd.DataFrame({name: column_of(table, name).astype("str") for name in UNIT})
    frame["date"] = _days(table, place)
    if "hour" in names:
        hours = _numbers(table, "hour", place).astype("int64")
        frame["hour"] = hours
        if hours.size and hours.max() > 23:
            raise PlatformError(f"{place} reports hours outside 0 to 23.")
    for name in FIGURES:
        numbers = _numbers(table, name, place)
        whole = name in ("impressions", "clicks")
        frame[name] = np.rint(numbers).astype("int64") if whole else numbers
    keys = [name for name in names if name not in FIGURES]
    twice = frame[keys].duplicated().to_numpy()
    if twice.any():
        row = frame[keys].astype("str").to_numpy()[twice][0].tolist()
        raise PlatformError(f"{place} reports {row} twice. One row for each is needed.")
    return pd.DataFrame(frame.sort_values(keys, ignore_index=True))


def by_day(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of hours added up to rows of days."""
    sums = frame.groupby([*UNIT, "date"], sort=True)[list(FIGURES)].sum()
    return pd.DataFrame(pd.DataFrame(sums).reset_index(), columns=list(DAILY))


def between(frame: pd.DataFrame, since: date, until: date) -> pd.DataFrame:
    """Rows from the first day to the last, both included."""
    chosen = (frame["date"] >= pd.Timestamp(since)) & (frame["date"] <= pd.Timestamp(until))
    return pd.DataFrame(frame.loc[chosen].reset_index(drop=True))


def _report(document: Any, place: str) -> tuple[pd.DataFrame, datetime, datetime]:
    if not isinstance(document, Mapping) or not isinstance(document.get("columns"), Mapping):
        raise PlatformError(f"{place} answered with no report: 'columns' is missing.")
    columns = document["columns"]
    lengths = {len(column) if isinstance(column, list) else -1 for column in columns.values()}
    if len(lengths) > 1 or -1 in lengths:
        raise PlatformError(f"{place} reports columns of different lengths.")
    instants = [
        _instant(document.get(name), name, place) for name in ("complete_until", "reported_at")
    ]
    return pd.DataFrame(dict(columns)), instants[0], instants[1]


def _fields(record: type, document: Any, place: str, optional: int = 0) -> dict[str, Any]:
    """Fields of a record by name, each of its kind."""
    if not isinstance(document, Mapping):
        raise PlatformError(f"{place} answered with {type(document).__name__}, no object.")
    names = [each.name for each in fields(record)]
    needed = names[: len(names) - optional]
    missing = [name for name in needed if name not in document]
    if missing:
        raise PlatformError(f"{place} answered without {missing}; needed are {needed}.")
    return {name: _value(name, document[name], place) for name in names if name in document}


def _value(name: str, value: Any, place: str) -> Any:
    if name in _TEXT:
        good = isinstance(value, str)
    elif name in _MINOR:
        whole = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        good = whole or (value is None and name != "based_on_minor")
    elif name in _INSTANT:
        return None if value is None and name != "at" else _instant(value, name, place)
    else:
        good = isinstance(value, bool)
    if not good:
        raise PlatformError(f"{place} answered with {name} = {str(value)[:80]!r}.")
    return value


def _instant(value: Any, name: str, place: str) -> datetime:
    try:
        instant = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        instant = None
    if instant is None or instant.tzinfo is None:
        raise PlatformError(
            f"{place} answered with {name} = {str(value)[:80]!r}; an instant with a time zone "
            "is needed, such as 2026-03-01T09:00:00+00:00."
        )
    return instant


def _days(table: pd.DataFrame, place: str) -> pd.Series:
    try:
        days = pd.to_datetime(column_of(table, "date"), format="ISO8601")
        return days.dt.tz_localize(None).dt.normalize().astype("datetime64[us]")
    except (ValueError, TypeError, AttributeError) as cause:
        raise PlatformError(f"{place}: 'date' holds something that is no date: {cause}.") from cause


def _numbers(table: pd.DataFrame, name: str, place: str) -> np.ndarray:
    numbers = np.asarray(pd.to_numeric(column_of(table, name), errors="coerce"), dtype=float)
    bad = ~np.isfinite(numbers) | ((numbers < 0) & (name != "demand_index"))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise PlatformError(
            f"{place}: {name!r} holds {str(table[name].tolist()[row])[:80]!r} in row "
            f"{table.index[row]}; numbers of at least 0 are needed."
        )
    return numbers
