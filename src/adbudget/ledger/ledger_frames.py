"""Rows of the ledger -> DataFrames and budgets by unit. Knows columns and dates, no database."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import repeat
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd
from sqlalchemy import ColumnElement, func

from adbudget.errors import InputError
from adbudget.ledger.append import funded_by
from adbudget.ledger.changes import OpenChange, known_budgets
from adbudget.ledger.digits import digits_of_entries, iso_minor
from adbudget.ledger.entry import CHANGE, WRITTEN, at_text
from adbudget.ledger.items import Item
from adbudget.ledger.reading import Snapshot
from adbudget.ledger.schema import ENTRY
from adbudget.money import minor_text

COLUMNS = tuple(ENTRY.c.keys())
INSTANT = "datetime64[us, UTC]"
TYPES = {
    "sequence": "int64",
    **dict.fromkeys(("old_minor", "new_minor", "seed"), "Int64"),
    "digits": "int64",
    **dict.fromkeys(("at", "expires_at", "sent_at", "payload", "funded_by", "starts"), "object"),
}
PENDING_COLUMNS = (
    *("item", "sequence", "at", "expires_at", "unit", "currency", "old_minor", "new_minor"),
    *("digits", "rule", "rationale", "run_id", "group_id", "funded_by", "action"),
)
OPEN_COLUMNS = (
    *("change", "sequence", "at", "sent_at", "unit", "currency", "old_minor", "new_minor"),
    *("digits", "action", "rule", "rationale", "run_id", "group_id", "starts"),
)


def entries(
    reading: Snapshot,
    *,
    kind: str | Sequence[str] | None = None,
    unit: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    run_id: str | None = None,
    rule: str | None = None,
    last: int | None = None,
) -> pd.DataFrame:
    """Entries that pass every filter given, in ledger order."""
    where: list[ColumnElement[bool]] = []
    if kind is not None:
        where.append(ENTRY.c.kind.in_([kind] if isinstance(kind, str) else list(kind)))
    if unit is not None:
        where.append(ENTRY.c.unit == unit)
    if run_id is not None:
        where.append(ENTRY.c.run_id == run_id)
    if rule is not None:
        where.append(ENTRY.c.rule == rule)
    if since is not None:
        where.append(ENTRY.c.at >= instant_text(since, "since"))
    if until is not None:
        where.append(ENTRY.c.at < instant_text(until, "until"))
    if last is not None:
        if type(last) is not int or last < 1:
            raise InputError(f"last must be a whole number of at least 1; got {last!r}.")
        newest = reading.select(ENTRY.c.sequence, where=where)
        newest = newest.order_by(ENTRY.c.sequence.desc()).limit(last)
        where = [ENTRY.c.sequence.in_(newest.scalar_subquery())]
    return frame(reading, (tuple(row) for row in reading.rows(*where)))


def index(
    reading: Snapshot,
    *,
    kind: str,
    since: datetime | None = None,
    until: datetime | None = None,
    last: int | None = None,
) -> list[tuple[str, datetime, str]]:
    """Key, instant and policy hash of entries of a kind, in ledger order."""
    where: list[ColumnElement[bool]] = [ENTRY.c.kind == kind]
    if since is not None:
        where.append(ENTRY.c.at >= instant_text(since, "since"))
    if until is not None:
        where.append(ENTRY.c.at < instant_text(until, "until"))
    statement = reading.select(ENTRY.c.key, ENTRY.c.at, ENTRY.c.policy_hash, where=where)
    statement = statement.order_by(ENTRY.c.sequence.desc()).limit(last)
    rows = reading.connection.execute(statement).all()
    return [(row.key, datetime.fromisoformat(row.at), row.policy_hash) for row in reversed(rows)]


def frame(reading: Snapshot, rows: Iterable[tuple[Any, ...]]) -> pd.DataFrame:
    """Columns of the table, typed, and the digits that the amounts of every entry count."""
    table = _typed(COLUMNS, rows)
    digits = digits_of_entries(reading, zip(table["currency"], table["run_id"], strict=True))
    place = COLUMNS.index("new_minor") + 1
    table.insert(place, "digits", pd.Series(digits, dtype=TYPES["digits"]))
    table["at"] = pd.to_datetime(table["at"], format="ISO8601", utc=True).astype(INSTANT)
    table["payload"] = table["payload"].map(json.loads).astype(object)
    written = [payload.pop(WRITTEN, None) for payload in table["payload"]]
    written_at = pd.to_datetime(pd.Series(written, dtype="object"), format="ISO8601", utc=True)
    table.insert(COLUMNS.index("at") + 1, WRITTEN, written_at.astype(INSTANT))
    return table


def pending_frame(reading: Snapshot, items: Iterable[Item]) -> pd.DataFrame:
    """Items nobody has ruled on: what a person needs to see to decide."""
    waiting = [item for item in items if item.state == "pending"]
    digits = digits_of_entries(
        reading, ((item.entry.currency, item.entry.run_id) for item in waiting)
    )
    rows = [
        (
            *(item.key, item.kept.sequence, item.entry.at, item.expires_at, item.entry.unit),
            *(item.entry.currency, item.entry.old_minor, item.entry.new_minor, of_item),
            *(item.entry.rule, item.entry.rationale, item.entry.run_id, item.entry.group_id),
            funded_by(item.entry, item.key),
            str(item.entry.payload.get("action", "")),
        )
        for item, of_item in zip(waiting, digits, strict=True)
    ]
    return _with_instants(_typed(PENDING_COLUMNS, rows), "at", "expires_at")


def open_changes_frame(reading: Snapshot, changes: Sequence[OpenChange]) -> pd.DataFrame:
    """Changes that nobody has confirmed: what is still to be made."""
    entries = [each.kept.entry for each in changes]
    digits = digits_of_entries(reading, ((entry.currency, entry.run_id) for entry in entries))
    rows = [
        (
            *(each.kept.key, each.kept.sequence, entry.at),
            None if each.sent is None else each.sent.entry.at,
            *(entry.unit, entry.currency, entry.old_minor, entry.new_minor, of_entry),
            str(entry.payload.get("action", "")),
            *(entry.rule, entry.rationale, entry.run_id, entry.group_id, each.starts),
        )
        for each, entry, of_entry in zip(changes, entries, digits, strict=True)
    ]
    return _with_instants(_typed(OPEN_COLUMNS, rows), "at", "sent_at")


def _with_instants(table: pd.DataFrame, *names: str) -> pd.DataFrame:
    for name in names:
        table[name] = pd.to_datetime(table[name], utc=True).astype(INSTANT)
    return table


def _typed(names: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> pd.DataFrame:
    """Columns one by one, so that whole numbers beside missing ones never turn into floats."""
    rows = list(rows)
    columns = zip(*rows, strict=True) if rows else repeat((), len(names))
    return pd.DataFrame(
        {
            name: pd.Series(list(column), dtype=TYPES.get(name, "str"))
            for name, column in zip(names, columns, strict=True)
        }
    )


def opening_budgets(reading: Snapshot, day: date, tz: str | tzinfo) -> dict[str, int]:
    """Unit -> budget before its first change of this local day, minor units."""
    start, end = local_day(day, tz)
    where = [
        ENTRY.c.kind == CHANGE,
        ENTRY.c.at >= at_text(start),
        ENTRY.c.at < at_text(end),
        ENTRY.c.old_minor.is_not(None),
    ]
    columns = (ENTRY.c.unit, ENTRY.c.old_minor, ENTRY.c.currency, ENTRY.c.run_id)
    statement = reading.select(*columns, where=where)
    statement = statement.order_by(ENTRY.c.at, ENTRY.c.sequence)
    opening: dict[str, tuple[int, str, str]] = {}
    for unit, *amount in reading.connection.execute(statement):
        opening.setdefault(unit, tuple(amount))
    return dict(zip(opening, iso_minor(reading, opening.values()), strict=True))


def current_budgets(reading: Snapshot) -> dict[str, int]:
    """Unit -> budget after its last change, minor units."""
    where = [ENTRY.c.kind == CHANGE, ENTRY.c.new_minor.is_not(None)]
    newest = reading.select(func.max(ENTRY.c.sequence), where=where).group_by(ENTRY.c.unit)
    chosen = [ENTRY.c.sequence.in_(newest.scalar_subquery())]
    columns = (ENTRY.c.unit, ENTRY.c.new_minor, ENTRY.c.currency, ENTRY.c.run_id)
    rows = reading.connection.execute(reading.select(*columns, where=chosen)).all()
    amounts = iso_minor(reading, ((minor, code, run) for _, minor, code, run in rows))
    return {row[0]: minor for row, minor in zip(rows, amounts, strict=True)}


def known_minor(reading: Snapshot) -> dict[str, int]:
    """Unit -> budget that was last confirmed or seen, minor units."""
    known = {unit: kept.entry for unit, kept in known_budgets(reading).items()}
    amounts = [(int(e.new_minor or 0), e.currency, e.run_id) for e in known.values()]
    return dict(zip(known, iso_minor(reading, amounts), strict=True))


def local_day(day: date, tz: str | tzinfo) -> tuple[datetime, datetime]:
    """First instant of a local day and of the next, in UTC; days of 23 and 25 hours are right."""
    if isinstance(day, datetime) or not isinstance(day, date):
        raise InputError(f"day must be a date without a time; got {day!r}.")
    try:
        zone = ZoneInfo(tz) if isinstance(tz, str) else tz
    except (ZoneInfoNotFoundError, ValueError) as cause:
        raise InputError(f"tz must be a time zone such as 'Europe/Berlin'; got {tz!r}.") from cause
    following = day + timedelta(days=1)
    start = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    end = datetime(following.year, following.month, following.day, tzinfo=zone).astimezone(UTC)
    return start, end


def instant_text(at: datetime, name: str) -> str:
    """Instant as the table holds it."""
    if not isinstance(at, datetime) or at.utcoffset() is None:
        raise InputError(f"{name} must be a datetime with a time zone; got {at!r}.")
    return at_text(at.astimezone(UTC))


def move_text(row: Mapping[str, Any]) -> str:
    """2,000.00 -> 2,300.00 EUR: the two amounts of an entry, as far as it has them."""
    code = row["currency"]
    amounts = [row[name] for name in ("old_minor", "new_minor") if not pd.isna(row[name])]
    shown = " -> ".join(minor_text(int(value), code, row["digits"]) for value in amounts)
    return f"{shown} {code}".strip() if shown else ""
