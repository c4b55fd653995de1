"""URL -> engine of a database in which one process at a time writes. Knows no tables.

SQLite writes under BEGIN IMMEDIATE in WAL mode, so that whoever writes sees what everybody else
has written; readers see one snapshot and never wait.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import StaticPool

from adbudget.errors import InputError

PATIENCE_SECONDS = 60  # how long a writer waits for other writers
KNOWN = "Use a path, sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE."
WRITES = "adbudget_writes"  # execution option of a connection that will write


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is kept in a database, and how its errors are raised.

    Attributes
    ----------
    what : one word, e.g. "ledger"
    error : words -> the error to raise when the database cannot be used
    advice : what to do when it could not be written; "" for nothing
    """

    what: str
    error: Callable[[str], Exception]
    advice: str = ""


def open_engine(address: URL, kept: Kept, *, create: bool, read_only: bool = False) -> Engine:
    """Engine of an address from :func:`read_url`.

    Parameters
    ----------
    create : whether a SQLite file may be made
    read_only : open a SQLite file so that nothing is written, beside it either; a file that this
        process may only read is opened so anyway

    Raises
    ------
    what ``kept.error`` makes : no file, no folder, no driver
    """
    try:
        if address.get_backend_name() != "sqlite":
            return _postgres(address, kept)
        if read_only or _cannot_be_written(address):
            return _sqlite_unwritten(address, kept)
        return _sqlite(address, kept, create=create)
    except OSError as cause:
        told = cause.strerror or cause
        raise kept.error(f"there is no way to {address.database}: {told}.") from cause


def read_url(url: str | Path, what: str) -> URL:
    """Path or URL -> SQLAlchemy's URL, of a database we can write in.

    Parameters
    ----------
    url : a path of a SQLite file, or sqlite:/// or postgresql+psycopg://
    what : is kept there, e.g. "ledger"

    Raises
    ------
    InputError : another kind of database; without the address, which may hold a password
    """
    if isinstance(url, Path) or "://" not in str(url):
        if not isinstance(url, Path | str) or not str(url).strip():
            raise InputError(f"the {what} must be a path or a URL; got {url!r}. {KNOWN}")
        return URL.create("sqlite", database=str(url))
    try:
        address = make_url(url)
        backend = address.get_backend_name()
        if address.drivername == "postgresql":
            address = address.set(drivername="postgresql+psycopg")
        if address.get_dialect().is_async:
            backend = ""  # we wait for every answer
    except (ArgumentError, NoSuchModuleError, ValueError):
        backend = ""
        address = None
    if address is None or backend not in ("sqlite", "postgresql"):
        scheme = str(url).partition("://")[0]  # never the rest, it may hold a password
        raise InputError(f"a {what} cannot be kept at {scheme}://... {KNOWN}")
    return address


def place(engine: Engine) -> str:
    """How messages call it: its file or its URL, without the password."""
    if engine.dialect.name == "sqlite":
        return engine.url.database or "memory"
    return engine.url.render_as_string(hide_password=True)


@contextmanager
def reading(engine: Engine, kept: Kept) -> Iterator[Connection]:
    """Give one snapshot for as many statements as the caller likes."""
    with _told(engine, kept, writing=False), engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection = connection.execution_options(  # one snapshot for every statement
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        with connection.begin():
            yield connection


@contextmanager
def writing(engine: Engine, kept: Kept) -> Iterator[Connection]:
    """Give a transaction to write in; an exception undoes all of it.

    No two share a SQLite file. In PostgreSQL the caller takes a lock of its own, or locks rows;
    what is read after that is what the last writer left.
    """
    with _told(engine, kept, writing=True), engine.connect() as connection:
        options: dict[str, Any] = {WRITES: True}
        if engine.dialect.name == "postgresql":
            options["isolation_level"] = "READ COMMITTED"
        connection = connection.execution_options(**options)
        with connection.begin():
            yield connection


@contextmanager
def _told(engine: Engine, kept: Kept, *, writing: bool) -> Iterator[None]:
    """Say what the database says, in our words and without the statement."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as cause:
        said = " ".join(str(getattr(cause, "orig", None) or cause).split()).rstrip(".")
        what = "written" if writing else "read"
        advice = f" {kept.advice}" if writing and kept.advice else ""
        raise kept.error(
            f"the {kept.what} at {place(engine)} could not be {what}: {said}.{advice}"
        ) from cause


def _postgres(address: URL, kept: Kept) -> Engine:
    try:
        return create_engine(address, pool_pre_ping=True)
    except ModuleNotFoundError as cause:
        raise kept.error(
            f"a {kept.what} in PostgreSQL needs the driver {cause.name}: "
            "pip install 'adbudget[postgres]'."
        ) from cause


def _sqlite(address: URL, kept: Kept, *, create: bool) -> Engine:
    in_memory = address.database in (None, "", ":memory:")
    if not in_memory:
        path = Path(str(address.database))
        if path.is_dir() or not path.absolute().parent.is_dir():
            problem = "is a folder" if path.is_dir() else "is in a folder that does not exist"
            raise kept.error(f"{path} {problem}; name a file for the {kept.what}.")
        if not create and not path.exists():
            raise kept.error(f"there is no {kept.what} at {path}; check the path.")
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
        writes = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _cannot_be_written(address: URL) -> bool:
    """Whether the file is there, on media or in a folder that this process may only read."""
    path = Path(address.database or "")
    if address.database in (None, "", ":memory:") or not os.path.isfile(path):
        return False
    return not (os.access(path, os.W_OK) and os.access(path.absolute().parent, os.W_OK))


def _sqlite_unwritten(address: URL, kept: Kept) -> Engine:
    """Engine of a file that is not written, and beside which nothing is written either."""
    path = Path(str(address.database))
    if not path.is_file():
        raise kept.error(f"there is no {kept.what} at {path}; check the path.")
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        raise kept.error(
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
