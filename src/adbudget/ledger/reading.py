"""A snapshot of the ledger -> rows and entries. Knows how far it may look, and writes nothing."""

import json
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, select, text

from adbudget.ledger.entry import NEEDS_APPROVAL, WRITTEN, Entry
from adbudget.ledger.schema import ENTRY

ROWS_PER_PAGE = 2000
KEYS_AT_ONCE = 500  # well below what either database takes in one statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An entry in its place.

    Attributes
    ----------
    sequence : place in the ledger, from 1
    key : idempotency key
    hash : hash of the entry and of everything before it
    entry : what happened
    """

    sequence: int
    key: str
    hash: str
    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One transaction's sight of the ledger.

    Attributes
    ----------
    connection : open connection, inside a transaction
    horizon : last entry to be seen; None sees all
    """

    connection: Connection
    horizon: int | None = None

    def select(
        self, *columns: ColumnElement[Any], where: Sequence[ColumnElement[bool]] = ()
    ) -> Select:
        """SELECT of these columns, or of all, up to the horizon, in any order."""
        statement = select(*(columns or ENTRY.c)).where(*where)
        if self.horizon is not None:
            statement = statement.where(ENTRY.c.sequence <= self.horizon)
        return statement

    def rows(self, *where: ColumnElement[bool]) -> Sequence[Row]:
        """Whole rows in ledger order."""
        return self.connection.execute(self._in_order(where)).all()

    def stream(self) -> Generator[Row]:
        """Every row in ledger order, a page at a time."""
        options = {"yield_per": ROWS_PER_PAGE}
        with self.connection.execute(self._in_order(), execution_options=options) as result:
            yield from result

    def kept(self, *where: ColumnElement[bool]) -> list[Kept]:
        """Entries in ledger order."""
        return [_kept(row) for row in self.rows(*where)]

    def by_key(self, keys: Iterable[str]) -> dict[str, Kept]:
        """Key -> entry, for the keys that exist."""
        found = {}
        for some in batched(keys, KEYS_AT_ONCE):
            found |= {kept.key: kept for kept in self.kept(ENTRY.c.key.in_(some))}
        return found

    def payloads(self, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Key -> payload, for the keys that exist: as written, and so not checked again."""
        found = {}
        for some in batched(keys, KEYS_AT_ONCE):
            statement = self.select(ENTRY.c.key, ENTRY.c.payload, where=[ENTRY.c.key.in_(some)])
            rows = self.connection.execute(statement)
            found |= {row.key: json.loads(row.payload) for row in rows}
        for payload in found.values():
            payload.pop(WRITTEN, None)  # of the row, not of what happened
        return found

    def of_run(self, run_id: str, kind: str) -> Generator[tuple[str, str, dict[str, Any]]]:
        """Unit, currency and payload of the entries of a run, a page at a time."""
        columns = (ENTRY.c.unit, ENTRY.c.currency, ENTRY.c.payload)
        where = [ENTRY.c.run_id == run_id, ENTRY.c.kind == kind]
        statement = self.select(*columns, where=where).order_by(ENTRY.c.sequence)
        options = {"yield_per": ROWS_PER_PAGE}
        with self.connection.execute(statement, execution_options=options) as result:
            for unit, currency, text_of in result:
                payload = json.loads(text_of)
                payload.pop(WRITTEN, None)  # of the row, not of what happened
                yield unit, currency, payload

    def last(self, *where: ColumnElement[bool]) -> Kept | None:
        """Return the newest entry, or None."""
        statement = self.select(where=where).order_by(ENTRY.c.sequence.desc()).limit(1)
        row = self.connection.execute(statement).first()
        return None if row is None else _kept(row)

    def head(self) -> tuple[int, str] | None:
        """Sequence and hash of the newest entry, or None."""
        columns = (ENTRY.c.sequence, ENTRY.c.hash)
        statement = self.select(*columns).order_by(ENTRY.c.sequence.desc()).limit(1)
        row = self.connection.execute(statement).first()
        return None if row is None else (row.sequence, row.hash)

    def clock(self) -> str:
        """What the database's own clock says, in UTC, whatever a caller calls the moment."""
        return str(self.connection.execute(_CLOCK[self.connection.dialect.name]).scalar_one())

    def _in_order(self, where: Sequence[ColumnElement[bool]] = ()) -> Select:
        return self.select(where=where).order_by(ENTRY.c.sequence)


_CLOCK = {
    "sqlite": text("SELECT strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')"),
    "postgresql": text(
        "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', "
        '\'YYYY-MM-DD"T"HH24\\:MI\\:SS.US"Z"\')'
    ),
}


def waits_for_approval() -> ColumnElement[bool]:
    """Entries that need, or once needed, a person's word."""
    return ENTRY.c.verdict == NEEDS_APPROVAL


def _kept(row: Row) -> Kept:
    entry = Entry.from_facts(dict(zip(row._fields, row, strict=True)))
    return Kept(sequence=row.sequence, key=row.key, hash=row.hash, entry=entry)
