"""URL of a database + a query -> its table. Writes nothing, and tells no password.

SQLite, DuckDB, PostgreSQL, and whatever else SQLAlchemy has a driver for.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adbudget.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

NAME = re.compile(r"[\w.\"]+")
NO_DUCKDB = "needs duckdb, which is not installed: pip install 'adbudget[duckdb]'"


def query_text(asked: str) -> str:
    """A query as it is, of a .sql file, or of all rows of a table that is named.

    Raises
    ------
    InputError : the file cannot be read
    """
    if asked.lower().endswith(".sql"):
        try:
            return Path(asked).read_text(encoding="utf-8")
        except OSError as cause:
            raise InputError(f"{asked} cannot be read: {cause.strerror or cause}.") from cause
    return f"SELECT * FROM {asked}" if NAME.fullmatch(asked.strip()) else asked


def query_table(
    url: str, query: str, parameters: Mapping[str, Any] | None = None
) -> "pd.DataFrame":
    """What a database answers.

    Parameters
    ----------
    url : as SQLAlchemy reads it, or duckdb:///FILE
    query : one that only reads
    parameters : name -> value, for :name in the query

    Raises
    ------
    InputError : no such database or driver, or the database refuses; without a password
    """
    if url.startswith("duckdb:"):
        return _of_duckdb(url, query, parameters or {})
    import pandas as pd
    from sqlalchemy import create_engine, make_url, text
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

    try:
        address = make_url(url)
        if address.drivername == "postgresql":
            address = address.set(drivername="postgresql+psycopg")
        engine = create_engine(address)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, ValueError) as cause:
        scheme = url.partition("://")[0]  # never the rest, it may hold a password
        raise InputError(
            f"there is no way to a database at {scheme}://...: no such driver or form. Use "
            "sqlite:///FILE, duckdb:///FILE or postgresql+psycopg://USER@HOST/DATABASE."
        ) from cause
    place = address.render_as_string(hide_password=True)
    _check_file(engine.dialect.name, address.database, place)
    try:
        with engine.connect() as connection:
            return pd.read_sql_query(text(query), connection, params=dict(parameters or {}))
    except (SQLAlchemyError, pd.errors.DatabaseError) as error:
        said = " ".join(str(getattr(error, "orig", None) or error).split()).rstrip(".")
        raise InputError(f"{place} could not be asked: {said}.") from error
    finally:
        engine.dispose()


def _check_file(backend: str, database: str | None, place: str) -> None:
    """SQLite would make a file that is not there."""
    if backend == "sqlite" and database and database != ":memory:" and not Path(database).is_file():
        raise InputError(f"there is no database at {place}; check the path.")


def _of_duckdb(url: str, query: str, parameters: Mapping[str, Any]) -> "pd.DataFrame":
    try:
        import duckdb
    except ImportError as cause:
        raise InputError(f"{url}: a DuckDB database {NO_DUCKDB}.") from cause
    path = url.removeprefix("duckdb:").removeprefix("///")
    _check_file("sqlite", path, url)
    asked = re.sub(r":(\w+)", r"$\1", query) if parameters else query
    try:
        with duckdb.connect(path, read_only=True) as connection:
            return connection.execute(asked, dict(parameters) or None).df()
    except duckdb.Error as error:
        said = " ".join(str(error).split()).rstrip(".")
        raise InputError(f"{url} could not be asked: {said}.") from error
