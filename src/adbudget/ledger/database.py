"""URL -> engine; engine -> transactions that one process at a time may write in. Knows no entries.

PostgreSQL writes under an advisory lock, SQLite as ``outside/database.py`` says: whoever writes
sees the last entry of everybody else. Readers see one snapshot and never wait.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, text

from adbudget.errors import LedgerError
from adbudget.ledger.schema import check_format, create_tables, has_tables
from adbudget.outside import database as any_database
from adbudget.outside.database import PATIENCE_SECONDS, Kept, open_engine, place, read_url

LOCK_NUMBER = 0x6C656467  # "ledg"; the advisory lock of PostgreSQL is this and the table's number
LEDGER = Kept(
    what="ledger",
    error=LedgerError,
    advice="The same call with the same keys can be made again: what was written after all is "
    'answered "replayed".',
)


def connect(url: str | Path, *, create: bool, read_only: bool = False) -> Engine:
    """Engine of the database at ``url``, with a ledger of this format in it."""
    address = read_url(url, LEDGER.what)
    engine = open_engine(address, LEDGER, create=create, read_only=read_only)
    try:
        _find_or_make(engine, create=create)
    except BaseException:
        engine.dispose()
        raise
    return engine


def reading(engine: Engine) -> AbstractContextManager[Connection]:
    """Give one snapshot for as many statements as the caller likes."""
    return any_database.reading(engine, LEDGER)


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Give a transaction that no other writer shares; an exception undoes all of it."""
    with any_database.writing(engine, LEDGER) as connection:
        if engine.dialect.name == "postgresql":
            wait = f"{PATIENCE_SECONDS}s"
            connection.execute(_LOCK, {"number": LOCK_NUMBER, "wait": wait})
        yield connection


_LOCK = text(
    "SELECT set_config('lock_timeout', :wait, true), pg_advisory_xact_lock("
    "(CAST(:number AS bigint) << 32) | coalesce(to_regclass('ledger_entry')::oid::bigint, 0))"
)


def _find_or_make(engine: Engine, *, create: bool) -> None:
    with reading(engine) as connection:
        found = has_tables(connection)
    if not found and not create:
        raise LedgerError(f"{place(engine)} holds no ledger; check the address.")
    if not found:
        with writing(engine) as connection:
            if not has_tables(connection):  # somebody else may have been faster
                create_tables(connection)
    with reading(engine) as connection:
        check_format(connection)
