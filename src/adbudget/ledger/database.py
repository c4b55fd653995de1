"""URL -> engine; engine -> transactions that one process at a time may write in. Knows no entries.

SQLite writes under BEGIN IMMEDIATE in WAL mode, PostgreSQL under an advisory lock: whoever writes
sees the last entry of everybody else. Readers see one snapshot and never wait.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import StaticPool

from adbudget.errors import InputError, LedgerError
from adbudget.ledger.schema import check_format, create_tables, has_tables

LOCK_NUMBER = 0x6C656467  # "ledg"; the advisory lock of PostgreSQL is this and the table's number
PATIENCE_SECONDS = 60  # how long a writer waits for other writers
KNOWN = "Use a path, sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE."


def connect(url: str | Path, *, create: bool, read_only: bool = False) -> Engine:
    """Engine of the database at ``url``, with a ledger of this format in it."""
    address = read_url(url)
    try:
        if address.get_backend_name() != "sqlite":
            engine = _postgres(address)
        elif read_only or _cannot_be_written(address):
            engine = _sqlite_unwritten(address)
        else:
            engine = _sqlite(address, create=create)
    except OSError as cause:
        told = cause.strerror or cause
        raise LedgerError(f"there is no way to {address.database}: {told}.") from cause
    try:
        _find_or_make(engine, create=create)
    except BaseException:
        engine.dispose()
        raise
    return engine


def read_url(url: str | Path) -> URL:
    """Path or URL -> SQLAlchemy's URL, of a database we can keep a ledger in."""
    if isinstance(url, Path) or "://" not in str(url):
        if not isinstance(url, Path | str) or not str(url).strip():
            raise InputError(f"the ledger must be a path or a URL; got {url!r}. {KNOWN}")
        return URL.create("sqlite", database=str(url))
    try:
        address = make_url(url)
        backend = address.get_backend_name()
        if address.drivername == "postgresql":
            address = address.set(drivername="postgresql+psycopg")
        if address.get_dialect().is_async:
            backend = ""  # the ledger waits for every answer
    except (ArgumentError, NoSuchModuleError, ValueError):
        backend = ""
        address = None
    if address is None or backend not in ("sqlite", "postgresql"):
        scheme = str(url).partition("://")[0]  # never the rest, it may hold a password
        raise InputError(f"a ledger cannot be kept at {scheme}://... {KNOWN}")
    return address


def place(engine: Engine) -> str:
    """How messages call the ledger: its file or its URL, without the password."""
    if engine.dialect.name == "sqlite":
        return engine.url.database or "memory"
    return engine.url.render_as_string(hide_password=True)


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Give one snapshot for as many statements as the caller likes."""
    with _told(engine, writing=False), engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection = connection.execution_options(  # one snapshot for every statement
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        with connection.begin():
            yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Give a transaction that no other writer shares; an exception undoes all of it."""
    with _told(engine, writing=True), engine.connect() as connection:
        # what is read under the lock must be what the last writer left
        options: dict[str, Any] = {"ledger_writes": True}
        if engine.dialect.name == "postgresql":
            options["isolation_level"] = "READ COMMITTED"
        connection = connection.execution_options(**options)
        with connection.begin():
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


def _postgres(address: URL) -> Engine:
    try:
        return create_engine(address, pool_pre_ping=True)
    except ModuleNotFoundError as cause:
        raise LedgerError(
            f"a ledger in PostgreSQL needs the driver {cause.name}: "
            "pip install 'adbudget[postgres]'."
        ) from cause


def _sqlite(address: URL, *, create: bool) -> Engine:
    in_memory = address.database in (None, "", ":memory:")
    if not in_memory:
        path = Path(str(address.database))
        if path.is_dir() or not path.absolute().parent.is_dir():
            problem = "is a folder" if path.is_dir() else "is in a folder that does not exist"
            raise LedgerError(f"{path} {problem}; name a file for the ledger.")
        if not create and not path.exists():
            raise LedgerError(f"there is no ledger at {path}; check the path.")
    pool: dict[str, Any] = {"poolclass": StaticPool} if in_memory else {}
    waits = {"timeout": PATIENCE_SECONDS, "check_same_thread": False}
    engine = create_engine(address, connect_args=waits, **pool)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # BEGIN is ours, see below
        if not in_memory:
            _switch_to_wal(connection)
            connection.execute("PRAGMA synchronous = FULL")  # an answer survives a power cut

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("ledger_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _cannot_be_written(address: URL) -> bool:
    """Whether the file is there, on media or in a folder that this process may only read."""
    path = Path(address.database or "")
    if address.database in (None, "", ":memory:") or not os.path.isfile(path):
        return False
    return not (os.access(path, os.W_OK) and os.access(path.absolute().parent, os.W_OK))


def _sqlite_unwritten(address: URL) -> Engine:
    """Engine of a file that is not written, and beside which nothing is written either."""
    path = Path(str(address.database))
    if not path.is_file():
        raise LedgerError(f"there is no ledger at {path}; check the path.")
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        raise LedgerError(
            f"{path} cannot be read by itself: its newest entries are in {log.name}. Copy both to "
            "where they can be written and open it there, or close what has it open."
        )
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"

    def opened() -> sqlite3.Connection:
        return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)

    engine = create_engine("sqlite://", creator=opened, poolclass=StaticPool)
    engine.url = address  # what messages call it
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Writers and readers no longer wait for each other. The file remembers it."""
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        connection.execute("PRAGMA journal_mode = WAL")


@contextmanager
def _told(engine: Engine, *, writing: bool) -> Iterator[None]:
    """Say what the database says, in our words and without the statement."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as cause:
        said = " ".join(str(getattr(cause, "orig", None) or cause).split()).rstrip(".")
        what = "written" if writing else "read"
        advice = (
            " The same call with the same keys can be made again: what was written after all is "
            'answered "replayed".'
            if writing
            else ""
        )
        raise LedgerError(
            f"the ledger at {place(engine)} could not be {what}: {said}.{advice}"
        ) from cause
