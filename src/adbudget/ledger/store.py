"""URL -> Ledger: append, read, approve, stop.

Every method is one transaction. Knows neither rules nor models, and no clock: time comes in.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import date, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine

from adbudget.errors import InputError, LedgerError
from adbudget.ledger import approvals, database, withdrawal
from adbudget.ledger.append import append_pairs, check_pairs
from adbudget.ledger.approvals import Ruling
from adbudget.ledger.entry import Entry, Receipt
from adbudget.ledger.items import items
from adbudget.ledger.killswitch import KillState, kill_state, last_switch, switch_pair
from adbudget.ledger.reading import Snapshot
from adbudget.ledger.replay import REPLAYED_KINDS, LoggedRun, Replay, compare, logged_run
from adbudget.ledger.rollback import Review, propose, reviewed_pairs
from adbudget.ledger.verify import Head, Verification, read_head, verify

if TYPE_CHECKING:
    import pandas as pd


def open_ledger(url: str | Path, *, create: bool = True) -> "Ledger":
    """Open a ledger, and make it when there is none.

    Parameters
    ----------
    url : a path, "sqlite:///FILE", ":memory:" (for one thread) or "postgresql+psycopg://USER@HOST/DATABASE"
    create : False refuses a ledger that does not exist yet instead of starting an empty one

    Returns
    -------
    The ledger, to be closed, or used in a ``with`` block

    Raises
    ------
    InputError : the address is not one of these
    LedgerError : the place cannot be opened, or holds something else or another format
    """
    return Ledger(database.connect(url, create=create))


class Ledger(AbstractContextManager["Ledger"]):
    """An append-only history in one database; made by :func:`open_ledger`.

    Several processes and threads may use the same ledger at the same time. Closing it lets go of
    the database; so does the end of a ``with`` block.
    """

    def __init__(self, engine: Engine, *, horizon: int | None = None) -> None:
        self._engine = engine
        self._horizon = horizon

    def __repr__(self) -> str:
        seen = "" if self._horizon is None else f", as of entry {self._horizon}"
        return f"Ledger({database.place(self._engine)!r}{seen})"

    # Writing ------------------------------------------------------------------------------------

    def append(self, entry: Entry, *, key: str) -> Receipt:
        """Write one entry. When this returns, it is on disk.

        Parameters
        ----------
        entry : what happened
        key : 1 to 250 printable characters that name this event and no other. The same key and
            entry again writes nothing and is answered "replayed", so a call may be repeated

        Raises
        ------
        LedgerConflictError : the key stands for another entry
        KillSwitchError : an entry of kind "change", while the kill switch is on
        InputError : kinds approval and kill, which have methods of their own; a key of the
            ledger's own; ``funded_by`` that names no entry, or one this entry cannot wait for
        LedgerError : the database refuses
        """
        return self.append_many([(key, entry)])[0]

    def append_many(
        self, pairs: Iterable[tuple[str, Entry]], *, expected_head: int | None = None
    ) -> list[Receipt]:
        """Write (key, entry) pairs in one transaction: all of them, or none.

        Parameters
        ----------
        pairs : in the order of writing; errors as in :meth:`append`
        expected_head : sequence of the last entry that the caller knew when it decided what to
            write (``ledger.head().sequence``). When somebody else has written since, nothing is
            written. None does not ask. What is only replayed is always answered

        Returns
        -------
        One receipt per pair, in order

        Raises
        ------
        LedgerConflictError : the ledger has grown past ``expected_head``
        """
        pairs = check_pairs(pairs)
        with self._writing() as connection:
            return append_pairs(connection, pairs, expected_head=expected_head)

    # Snapshot ------------------------------------------------------------------------------------

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

    def as_of(self, sequence: int) -> "Ledger":
        """The ledger as it was after this entry (0: empty). It can be read, not written."""
        if type(sequence) is not int or sequence < 0:
            raise InputError(f"sequence must be a whole number from 0; got {sequence!r}.")
        earlier = sequence if self._horizon is None else min(sequence, self._horizon)
        return Ledger(self._engine, horizon=earlier)

    # Approval -----------------------------------------------------------------------------------

    def pending(self) -> "pd.DataFrame":
        """Entries with verdict "needs_approval" that wait for a person's word.

        Returns
        -------
        One row per item: item (its key), sequence, at, unit, currency, old_minor, new_minor,
        digits, rule, rationale, run_id, group_id, funded_by. Items whose unit has got another
        budget since are left out, because no approval can apply them any more
        """
        from adbudget.ledger import ledger_frames as frames

        with self._reading() as reading:
            return frames.pending_frame(reading, items(reading).values())

    def approve(self, item_id: str, *, who: str, at: datetime) -> Ruling:
        """Approve an item, or a linked group.

        Writes the approval and, as soon as every entry in ``funded_by`` is approved or "auto", the
        change (kind "change", key "change:" + the item's key) in the same transaction.

        Parameters
        ----------
        item_id : key of the item, its sequence number, or the group_id of a linked group
        who : the person; the same word of the same person again is answered "replayed"
        at : instant, with a time zone

        Raises
        ------
        LedgerError : nothing of this name needs approval
        LedgerConflictError : somebody has ruled otherwise, or the unit's budget has changed since
        KillSwitchError : the kill switch is on
        """
        with self._writing() as connection:
            return approvals.approve(connection, str(item_id), who=who, at=at)

    def reject(self, item_id: str, *, who: str, at: datetime, reason: str) -> Ruling:
        """Reject an item, or a linked group; raises that it was to fund are cancelled with it.

        Parameters and errors as in :meth:`approve`; the kill switch does not matter.

        Parameters
        ----------
        reason : one sentence; never empty
        """
        if not reason.strip():
            raise InputError("reason must say why the item is rejected; got an empty text.")
        with self._writing() as connection:
            return approvals.reject(connection, str(item_id), who=who, at=at, reason=reason)

    # The kill switch ----------------------------------------------------------------------------

    def kill_state(self) -> KillState:
        """Whether changes are stopped, since when, by whom and why."""
        with self._reading() as reading:
            return kill_state(reading)

    def set_kill(self, on: bool, *, who: str, at: datetime, reason: str) -> Receipt:
        """Stop every entry of kind "change", or let them through again.

        When the switch stands like that already, nothing is written and the receipt, "replayed",
        is that of the entry that set it.
        """
        if type(on) is not bool:
            raise InputError(f"on must be True or False; got {on!r}.")
        with self._writing() as connection:
            last = last_switch(Snapshot(connection=connection))
            pair = switch_pair(last, on, who=who, at=at, reason=reason)
            return append_pairs(connection, [pair])[0]

    # Proof --------------------------------------------------------------------------------------

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

    # Runs ---------------------------------------------------------------------------------------

    def logged_run(self, run_id: str) -> LoggedRun:
        """What a run was given and what it decided.

        Raises
        ------
        LedgerError : the ledger holds no such run
        """
        with self._reading() as reading:
            return logged_run(reading, run_id)

    def replay(
        self,
        run_id: str,
        rerun: "Callable[[Entry, Ledger], Iterable[tuple[str, Entry]]]",
        *,
        kinds: Sequence[str] = REPLAYED_KINDS,
    ) -> Replay:
        """Run a logged run again and compare, entry by entry and letter by letter.

        Parameters
        ----------
        run_id : which run
        rerun : gets the run's entry and the ledger as it was before it, and returns the (key,
            entry) pairs that the run writes
        kinds : what is compared; changes and approvals depend on people and are left out

        Raises
        ------
        LedgerError : the ledger holds no such run
        """
        with self._reading() as reading:
            run = logged_run(reading, run_id, kinds)
        again = dict(rerun(run.entry, self.as_of(run.sequence - 1)))
        chosen = {key: entry for key, entry in again.items() if entry.kind in kinds}
        return compare(run_id, run.decided, chosen)

    def rollback(self, run_id: str, *, who: str, at: datetime, review: Review) -> list[Receipt]:
        """Take the budgets that a run changed back to what they were, as new changes.

        Parameters
        ----------
        run_id : the run to undo
        who, at : who does it, and when
        review : gets (key, proposal) pairs and returns them with a verdict: "auto" is changed at
            once, "needs_approval" waits, "blocked" is only recorded. There is no way around it

        Returns
        -------
        Receipts of all entries written: the rollback, the proposals, the changes

        Raises
        ------
        LedgerError : the run changed nothing, or all is undone already
        LedgerConflictError : somebody has written since the proposals were made; try again
        KillSwitchError : a proposal is "auto" and the kill switch is on
        """
        with self._reading() as reading:
            proposals, head = propose(reading, run_id, who=who, at=at)
        pairs = reviewed_pairs(proposals, review, run_id=run_id)
        return self.append_many(pairs, expected_head=head)

    def withdraw(self, reasons: Mapping[str, str], *, who: str, at: datetime) -> list[Receipt]:
        """Take items back that nobody has ruled on, all at once; others are left alone.

        Parameters
        ----------
        reasons : key of the item -> one sentence
        who, at : the program or person that proposed them, and the instant with a time zone
        """
        if not reasons:
            return []
        with self._writing() as connection:
            return withdrawal.withdraw(connection, reasons, who=who, at=at)

    # Opening and closing ------------------------------------------------------------------------

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _reading(self) -> Iterator[Snapshot]:
        with database.reading(self._engine) as connection:
            yield Snapshot(connection=connection, horizon=self._horizon)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        if self._horizon is not None:
            raise LedgerError(
                f"this is the ledger as of entry {self._horizon}, which can only be read; write "
                "to the ledger itself."
            )
        with database.writing(self._engine) as connection:
            yield connection
