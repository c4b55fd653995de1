"""What a loop keeps between cycles, beside its ledger: cycles, the last fit, readings, the lock.

URL -> LoopState. Whoever holds the lock may run; what a cycle has done is written step by step, so
that one that was killed is finished by the next. Knows nothing of what a cycle does.
"""

import json
import os
import socket
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Column,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    delete,
    insert,
    inspect,
    select,
    update,
)

from adbudget.errors import LoopBusyError
from adbudget.ledger import database
from adbudget.ledger.store import open_ledger

if TYPE_CHECKING:
    from adbudget.ledger.store import Ledger
    from adbudget.model.fit import Fit

METADATA = MetaData()
CYCLE = Table(
    "loop_cycle",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("at", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("facts", Text, nullable=False),
)
FIT = Table(
    "loop_fit",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("at", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
READING = Table(
    "loop_reading",
    METADATA,
    Column("account", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("age_days", Integer, primary_key=True),
    Column("outcome", Float, nullable=False),
)
LOCK = Table(
    "loop_lock",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("until", Text, nullable=False),
)
DONE, GIVEN_UP = "done", "given up"  # how cycles end; of what was given up nothing was reviewed
LAST = "last"
RUN = "run"
PATIENCE = timedelta(hours=2)  # after it, a lock of a machine that cannot be asked is taken over


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """A cycle as far as it has come.

    Attributes
    ----------
    key : its name, the same whenever it is run again
    at : its instant
    step : the last step that was finished
    facts : what later steps, and reports, need; plain JSON
    """

    key: str
    at: datetime
    step: str
    facts: Mapping[str, Any]


class LoopState:
    """The memory of a loop, in one database; made by :func:`open_state`.

    Attributes
    ----------
    ledger : in the same database

    Examples
    --------
    >>> from datetime import timedelta
    >>> from adbudget.loop import open_state
    >>> from adbudget.loop.state import Cycle
    >>> state = open_state(":memory:")
    >>> with state.locked(now):  # one run at a time
    ...     state.keep_cycle(Cycle(key="monday", at=now, step="read", facts={}))
    >>> state.cycle("monday").step, state.unfinished().key, len(state.cycles(last=5))
    ('read', 'monday', 1)
    >>> state.keep_fit(fit, now)
    >>> state.fit().seed, state.ledger.verify().ok
    (0, True)
    >>> state.keep_readings([("shop", now.date(), 1, 900.0)])  # a day's sales, as told a day later
    >>> state.forget_readings(before=now.date())
    >>> len(state.readings(since=now.date()))
    1
    >>> state.close()
    """

    def __init__(self, engine: Any, ledger: "Ledger") -> None:
        self._engine = engine
        self._known: Callable[[], Fit | None] = lambda: None
        self._digest = b""
        self.ledger = ledger

    def close(self) -> None:
        """Let go of the database."""
        self.ledger.close()
        self._engine.dispose()

    def __enter__(self) -> "LoopState":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Cycles -------------------------------------------------------------------------------------

    def cycle(self, key: str) -> Cycle | None:
        """The cycle of a key, None before it was begun."""
        with database.reading(self._engine) as connection:
            row = connection.execute(select(CYCLE).where(CYCLE.c.key == key)).first()
        return None if row is None else _cycle(row)

    def cycles(self, last: int | None = None) -> tuple[Cycle, ...]:
        """Cycles in the order of their instants; only so many of the newest."""
        asked = select(CYCLE).order_by(CYCLE.c.at.desc(), CYCLE.c.key.desc())
        with database.reading(self._engine) as connection:
            rows = connection.execute(asked if last is None else asked.limit(last)).all()
        return tuple(_cycle(row) for row in reversed(rows))

    def unfinished(self) -> Cycle | None:
        """The newest cycle that was begun and has not ended."""
        open_ones = select(CYCLE).where(CYCLE.c.step.not_in((DONE, GIVEN_UP)))
        asked = open_ones.order_by(CYCLE.c.at.desc()).limit(1)
        with database.reading(self._engine) as connection:
            row = connection.execute(asked).first()
        return None if row is None else _cycle(row)

    def keep_cycle(self, cycle: Cycle) -> None:
        """Write how far a cycle has come, in place of how far it had."""
        values = {
            "at": _text(cycle.at),
            "step": cycle.step,
            "facts": json.dumps(cycle.facts, sort_keys=True, allow_nan=False),
        }
        with database.writing(self._engine) as connection:
            changed = connection.execute(
                update(CYCLE).where(CYCLE.c.key == cycle.key).values(**values)
            )
            if not changed.rowcount:
                connection.execute(insert(CYCLE).values(key=cycle.key, **values))

    # The fit ------------------------------------------------------------------------------------

    def fit(self) -> "Fit | None":
        """The last fit that was kept, None when there is none."""
        from adbudget.model.fit import Fit

        with database.reading(self._engine) as connection:
            content = connection.execute(
                select(FIT.c.content).where(FIT.c.name == LAST)
            ).scalar_one_or_none()
        if content is None:
            return None
        known = self._known()
        if known is not None and self._digest == sha256(content).digest():
            return known
        with _scratch() as path:
            path.write_bytes(content)
            fit = Fit.load(path)
        self._remember(fit, content)
        return fit

    def _remember(self, fit: "Fit", content: bytes) -> None:
        """What is kept under these bytes, for as long as somebody uses it: its curves are made."""
        self._known, self._digest = weakref.ref(fit), sha256(content).digest()

    def keep_fit(self, fit: "Fit", at: datetime) -> None:
        """Keep a fit in place of the one before."""
        with _scratch() as path:
            fit.save(path)
            content = path.read_bytes()
        self._remember(fit, content)
        with database.writing(self._engine) as connection:
            connection.execute(delete(FIT).where(FIT.c.name == LAST))
            connection.execute(insert(FIT).values(name=LAST, at=_text(at), content=content))

    # Readings -----------------------------------------------------------------------------------

    def keep_readings(self, rows: Iterable[tuple[str, date, int, float]]) -> None:
        """Keep what was told of (account, day, age in days, outcome); the first telling stands."""
        rows = list(rows)
        if not rows:
            return
        first = min(day for _, day, _, _ in rows).isoformat()
        with database.writing(self._engine) as connection:
            asked = select(READING.c.account, READING.c.day, READING.c.age_days)
            known = set(map(tuple, connection.execute(asked.where(READING.c.day >= first))))
            new = {
                (account, day.isoformat(), age): outcome
                for account, day, age, outcome in rows
                if (account, day.isoformat(), age) not in known
            }
            if new:
                names = ("account", "day", "age_days", "outcome")
                values: Any = [
                    dict(zip(names, (*at, told), strict=True)) for at, told in new.items()
                ]
                connection.execute(insert(READING), values)

    def readings(self, since: date) -> list[tuple[str, date, int, float]]:
        """What was told of days from then on, as :meth:`keep_readings` takes it."""
        asked = select(READING).where(READING.c.day >= since.isoformat())
        with database.reading(self._engine) as connection:
            rows = connection.execute(asked.order_by(READING.c.day)).all()
        return [
            (row.account, date.fromisoformat(row.day), row.age_days, row.outcome) for row in rows
        ]

    def forget_readings(self, before: date) -> None:
        """Drop what was told of older days, so that the state does not grow for ever."""
        with database.writing(self._engine) as connection:
            connection.execute(delete(READING).where(READING.c.day < before.isoformat()))

    # The lock -----------------------------------------------------------------------------------

    @contextmanager
    def locked(self, now: datetime) -> Iterator[None]:
        """One run at a time.

        Raises
        ------
        LoopBusyError : another run holds the lock, on a machine that cannot be asked, or alive
        """
        me = f"{socket.gethostname()}:{os.getpid()}/{_begun(os.getpid())}"
        with database.writing(self._engine) as connection:
            row = connection.execute(select(LOCK).where(LOCK.c.name == RUN)).first()
            if row is not None and _holds(row.owner, datetime.fromisoformat(row.until), now, me):
                raise LoopBusyError(
                    f"another cycle is being run, by {row.owner.partition('/')[0]} "
                    "(machine:process). Wait until it "
                    f"has ended; a lock of another machine is taken over after "
                    f"{PATIENCE // timedelta(hours=1)} hours."
                )
            connection.execute(delete(LOCK).where(LOCK.c.name == RUN))
            until = _text(now + PATIENCE)
            connection.execute(insert(LOCK).values(name=RUN, owner=me, until=until))
        try:
            yield
        finally:
            with database.writing(self._engine) as connection:
                connection.execute(delete(LOCK).where(LOCK.c.name == RUN, LOCK.c.owner == me))


def open_state(url: str | Path) -> LoopState:
    """Open the memory of a loop, in the database of its ledger, and make it when there is none.

    Parameters
    ----------
    url : as :func:`adbudget.open_ledger` takes it

    Examples
    --------
    >>> from adbudget.loop import open_state
    >>> with open_state(":memory:") as state:
    ...     list(state.cycles())
    []
    """
    engine = database.connect(url, create=True)
    with database.writing(engine) as connection:
        if not inspect(connection).has_table(CYCLE.name):
            METADATA.create_all(connection)
    return LoopState(engine, open_ledger(url))


def _holds(owner: str, until: datetime, now: datetime, me: str) -> bool:
    """Whether the owner of a lock still works, as far as one can tell from here."""
    machine, _, process = owner.rpartition(":")
    if machine != me.rpartition(":")[0]:
        return now < until
    if owner == me:
        return False
    number, _, begun = process.partition("/")
    try:
        os.kill(int(number), 0)
    except (ProcessLookupError, ValueError):
        return False  # it was killed
    except PermissionError:
        pass
    return _begun(int(number)) == begun  # or it was killed, and another has its number now


def _begun(process: int) -> str:
    """When a process began, in the system's own count; "" where the system does not say."""
    try:
        told = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except OSError:
        return ""
    return told.rpartition(")")[2].split()[19]


def _cycle(row: Any) -> Cycle:
    return Cycle(
        key=row.key,
        at=datetime.fromisoformat(row.at),
        step=row.step,
        facts=json.loads(row.facts),
    )


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


@contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "fit"
