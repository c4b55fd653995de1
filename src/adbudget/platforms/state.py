"""A simulated platform that ends <-> the same platform later: a SQLite file of what was done to it.

The file holds what the world was made of, every order and pause in turn, and where its clock stood;
a platform that starts from it lets them happen again. Each is on the disk before it takes effect.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Engine, Integer, MetaData, Table, Text, insert, inspect, select
from sqlalchemy.exc import IntegrityError

from adbudget.errors import PlatformError
from adbudget.outside.database import Kept, open_engine, read_url, reading, writing

KEPT = Kept(what="platform", error=PlatformError)
SETTINGS, CLOCK = "settings", "clock"

_TABLES = MetaData()
_FACT = Table(
    "simulated_fact", _TABLES, Column("name", Text, primary_key=True), Column("value", Text)
)
_EVENT = Table(
    "simulated_event",
    _TABLES,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("event", Text, nullable=False),
)


@dataclass(slots=True, kw_only=True)
class StateFile:
    """The file of one simulated platform; one process at a time may write it.

    Attributes
    ----------
    engine : of the file
    settings : what the world and its rules were made of, as plain JSON
    n_events : orders and pauses written so far
    """

    engine: Engine
    settings: dict[str, Any]
    n_events: int = 0

    def events(self) -> Iterator[dict[str, Any]]:
        """Everything that was done, in turn; afterwards new events follow the last."""
        with reading(self.engine, KEPT) as connection:
            texts = connection.scalars(select(_EVENT.c.event).order_by(_EVENT.c.number)).all()
        self.n_events = len(texts)
        yield from (json.loads(text) for text in texts)

    def append(self, event: Mapping[str, Any]) -> None:
        """Write one event for good.

        Raises
        ------
        PlatformError : it could not be written, or another process writes the file, too
        """
        row = {"number": self.n_events + 1, "event": json.dumps(event)}
        try:
            with writing(self.engine, KEPT) as connection:
                connection.execute(insert(_EVENT).values(row))
        except PlatformError as cause:
            if isinstance(cause.__cause__, IntegrityError):
                raise PlatformError(
                    f"{self.engine.url.database} is written by another process, too. End one."
                ) from cause
            raise
        self.n_events += 1

    @property
    def clock(self) -> tuple[datetime, datetime] | None:
        """Instant of the outside, and the platform's at it; None when it never ran."""
        with reading(self.engine, KEPT) as connection:
            text = connection.scalar(select(_FACT.c.value).where(_FACT.c.name == CLOCK))
        if text is None:
            return None
        outside, inside = (datetime.fromisoformat(instant) for instant in json.loads(text))
        return outside, inside

    def set_clock(self, outside: datetime, inside: datetime) -> None:
        """Remember where the clock stood at an instant of the outside."""
        _put(self.engine, CLOCK, [outside.isoformat(), inside.isoformat()])

    def close(self) -> None:
        """Let go of the file."""
        self.engine.dispose()


def kept_settings(path: Path) -> dict[str, Any] | None:
    """What the world of a state file is made of; None when there is no such file, or nothing in it.

    Raises
    ------
    PlatformError : the file holds something else
    """
    if not path.exists():
        return None
    engine = open_engine(read_url(path, KEPT.what), KEPT, create=False)
    try:
        return _settings(engine, path)
    finally:
        engine.dispose()


def open_state(path: Path, settings: Mapping[str, Any]) -> StateFile:
    """Open the state of a platform, or make it.

    Parameters
    ----------
    path : of the file
    settings : what the world is made of

    Raises
    ------
    PlatformError : the file is of another world, or of something else
    """
    before, wanted = kept_settings(path), json.loads(json.dumps(dict(settings)))
    if before is not None and before != wanted:
        changed = sorted(name for name in before if before[name] != wanted.get(name))
        raise PlatformError(
            f"{path} holds a platform with other {', '.join(changed)}. Leave the options away to "
            "go on with it, or name another file."
        )
    engine = open_engine(read_url(path, KEPT.what), KEPT, create=True)
    if before is None:
        with writing(engine, KEPT) as connection:
            _TABLES.create_all(connection)
        _put(engine, SETTINGS, wanted)
    return StateFile(engine=engine, settings=wanted)


def _settings(engine: Engine, path: Path) -> dict[str, Any] | None:
    """What a file that is there says; None when it is empty."""
    with reading(engine, KEPT) as connection:
        names = set(inspect(connection).get_table_names())
    if not names:
        return None
    if _FACT.name not in names:
        raise PlatformError(f"{path} holds no simulated platform, but {sorted(names)[:3]}.")
    with reading(engine, KEPT) as connection:
        text = connection.scalar(select(_FACT.c.value).where(_FACT.c.name == SETTINGS))
    return None if text is None else json.loads(text)


def _put(engine: Engine, name: str, value: Any) -> None:
    with writing(engine, KEPT) as connection:
        connection.execute(_FACT.delete().where(_FACT.c.name == name))
        connection.execute(insert(_FACT).values(name=name, value=json.dumps(value)))
