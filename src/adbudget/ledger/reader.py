"""What a ledger can be asked: entries, budgets, what waits, what is still to be made, and proof.

Every method is one snapshot; nothing is written. ``store.py`` adds what writes.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, tzinfo
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

from adbudget.display.page import Page, as_html
from adbudget.ledger import database
from adbudget.ledger.changes import open_changes
from adbudget.ledger.entry import STATED
from adbudget.ledger.identity import check_person, identity_of
from adbudget.ledger.items import items
from adbudget.ledger.killswitch import KillState, kill_state
from adbudget.ledger.reading import Kept, Snapshot
from adbudget.ledger.replay import LoggedRun, logged_run
from adbudget.ledger.verify import Head, Verification, read_head, verify

if TYPE_CHECKING:
    import pandas as pd


class LedgerReader:
    """The part of a ledger that answers; :class:`adbudget.ledger.Ledger` is the whole."""

    def __init__(self, engine: Engine, *, horizon: int | None = None) -> None:
        self._engine = engine
        self._horizon = horizon
        self._identity = ("", STATED)  # of the run that was asked after last

    def __repr__(self) -> str:
        seen = "" if self._horizon is None else f", as of entry {self._horizon}"
        return f"Ledger({database.place(self._engine)!r}{seen})"

    def _repr_html_(self) -> str:
        return as_html(Page(title=repr(self), next=(".entries()  .pending()  .verify()",)))

    def entries(
        self,
        *,
        kind: str | Sequence[str] | None = None,
        unit: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        run_id: str | None = None,
        rule: str | None = None,
        last: int | None = None,
    ) -> "pd.DataFrame":
        """Entries that pass every filter, in ledger order.

        Parameters
        ----------
        kind : one kind, or several
        unit, run_id, rule : exactly this one
        since, until : instants with a time zone; ``since`` is included, ``until`` is not
        last : only so many of the newest

        Returns
        -------
        One row per entry. sequence, key, the fields of :class:`Entry`, previous_hash, hash; ``at``
        is datetime64 in UTC, amounts and seed are Int64, payloads are dicts. After new_minor stands
        digits: how many after the point the two amounts count, as ISO 4217 says unless an older
        version counted otherwise
        """
        from adbudget.ledger import ledger_frames as frames

        with self._reading() as reading:
            return frames.entries(
                reading,
                kind=kind,
                unit=unit,
                since=since,
                until=until,
                run_id=run_id,
                rule=rule,
                last=last,
            )

    def index(
        self,
        *,
        kind: str,
        since: datetime | None = None,
        until: datetime | None = None,
        last: int | None = None,
    ) -> list[tuple[str, datetime, str]]:
        """Key, instant and policy hash of entries in ledger order, without their payloads.

        Parameters as in :meth:`entries`.
        """
        from adbudget.ledger import ledger_frames as frames

        with self._reading() as reading:
            return frames.index(reading, kind=kind, since=since, until=until, last=last)

    def of_run(self, run_id: str, kind: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Unit, currency and payload of the entries of a run, one after the other, in ledger order.

        A run may have written many, and whoever reads them seldom needs all of each.
        """
        with self._reading() as reading:
            yield from reading.of_run(run_id, kind)

    def alerts(self, since: datetime) -> "pd.DataFrame":
        """Entries of kind "alert" since then, as :meth:`entries` gives them."""
        return self.entries(kind="alert", since=since)

    def opening_budgets(self, day: date, tz: str | tzinfo) -> dict[str, int]:
        """Budgets as they were before the first change of a day.

        Parameters
        ----------
        day : the local day
        tz : its time zone, "Europe/Berlin" or a tzinfo

        Returns
        -------
        Unit -> minor units as ISO 4217 counts them, for the units that have changed on that day
        """
        from adbudget.ledger import ledger_frames as frames

        with self._reading() as reading:
            return frames.opening_budgets(reading, day, tz)

    def current_budgets(self) -> dict[str, int]:
        """Unit -> minor units (ISO 4217) after its last change, for the units that ever changed."""
        from adbudget.ledger import ledger_frames as frames

        with self._reading() as reading:
            return frames.current_budgets(reading)

    def known_budgets(self) -> dict[str, int]:
        """Unit -> minor units (ISO 4217) that were last confirmed or seen, not only ordered."""
        from adbudget.ledger import ledger_frames as frames

        with self._reading() as reading:
            return frames.known_minor(reading)

    def kept(self, keys: Iterable[str]) -> dict[str, Kept]:
        """Key -> entry in its place, for the keys that exist."""
        with self._reading() as reading:
            return reading.by_key(keys)

    def payloads(self, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Key -> payload, for the keys that exist; those of runs are long."""
        with self._reading() as reading:
            return reading.payloads(keys)

    def pending(self, at: datetime | None = None) -> "pd.DataFrame":
        """Entries with verdict "needs_approval" that wait for a person's word.

        Parameters
        ----------
        at : instant; what has expired by then is left out. None takes nothing for expired

        Returns
        -------
        One row per item: item (its key), sequence, at, expires_at, unit, currency, old_minor,
        new_minor, digits, rule, rationale, run_id, group_id, funded_by, action. Items that no
        longer stand are left out: the unit's budget is another one, or a later run has judged it
        """
        from adbudget.ledger import ledger_frames as frames

        with self._reading() as reading:
            return frames.pending_frame(reading, items(reading, at=at).values())

    def open_changes(self) -> "pd.DataFrame":
        """Last change of every unit that is neither confirmed nor withdrawn: still to be made.

        Returns
        -------
        One row per change: change (its key), sequence, at, sent_at (NaT: not said to be sent),
        unit, currency, old_minor, new_minor, digits, action, rule, rationale, run_id, group_id,
        starts (budgets the unit may have instead of old_minor, where the change before this one was
        not made yet; empty otherwise)
        """
        from adbudget.ledger import ledger_frames as frames

        with self._reading() as reading:
            return frames.open_changes_frame(reading, open_changes(reading))

    def kill_state(self) -> KillState:
        """Whether changes are stopped, since when, by whom and why."""
        with self._reading() as reading:
            return kill_state(reading)

    def head(self) -> Head:
        """Place and hash of the last entry, to be kept elsewhere for :meth:`verify`."""
        with self._reading() as reading:
            return read_head(reading)

    def verify(self, head: Head | None = None) -> Verification:
        """Check every link of the chain, from the first entry to the last.

        Parameters
        ----------
        head : an earlier :meth:`head`, kept elsewhere; without it, missing entries at the end
            cannot be noticed
        """
        with self._reading() as reading:
            return verify(reading, head)

    def logged_run(self, run_id: str) -> LoggedRun:
        """What a run was given and what it decided.

        Raises
        ------
        LedgerError : the ledger holds no such run
        """
        with self._reading() as reading:
            return logged_run(reading, run_id)

    def check_person(self, who: str, *, unit: str) -> None:
        """Refuse a name that the policy of the unit's newest run does not let decide.

        Raises
        ------
        InputError : the name is empty, or not that of the user where the policy binds names
        """
        with self._reading() as reading:
            check_person(reading, who, identity_of(reading, unit=unit))

    def _identity_of(self, reading: Snapshot, run_id: str) -> str:
        """How the policy of a run checks names; what was written once is not read a second time."""
        if self._identity[0] != run_id:
            self._identity = (run_id, identity_of(reading, run_id=run_id))
        return self._identity[1]

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[Snapshot]:
        with database.reading(self._engine) as connection:
            yield Snapshot(connection=connection, horizon=self._horizon)
