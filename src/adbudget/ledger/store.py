"""URL -> Ledger: append, read, approve, stop.

Every method is one transaction. Knows neither rules nor models, and no clock: time comes in.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection

from adbudget.errors import InputError, LedgerError
from adbudget.ledger import approvals, database, withdrawal
from adbudget.ledger.append import append_pairs, check_pairs
from adbudget.ledger.approvals import Ruling
from adbudget.ledger.changes import check_instant, find_changes, step_pair
from adbudget.ledger.edits import Check, edit
from adbudget.ledger.entry import Entry, Receipt
from adbudget.ledger.identity import check_person, identity_of
from adbudget.ledger.killswitch import last_switch, switch_pair
from adbudget.ledger.reader import LedgerReader
from adbudget.ledger.reading import Snapshot
from adbudget.ledger.replay import REPLAYED_KINDS, Replay, compare, logged_run
from adbudget.ledger.rollback import Review, propose, reviewed_pairs


def open_ledger(url: str | Path, *, create: bool = True, read_only: bool = False) -> "Ledger":
    """Open a ledger, and make it when there is none.

    Parameters
    ----------
    url : a path, "sqlite:///FILE", ":memory:" (for one thread) or "postgresql+psycopg://USER@HOST/DATABASE"
    create : False refuses a ledger that does not exist yet instead of starting an empty one
    read_only : nothing is written, not even beside the file: for copies on media that cannot be
        written, and for verifying

    Returns
    -------
    The ledger, to be closed, or used in a ``with`` block

    Raises
    ------
    InputError : the address is not one of these
    LedgerError : the place cannot be opened, or holds something else or another format

    Examples
    --------
    >>> with ab.open_ledger("plan.db") as ledger:
    ...     ab.apply_policy(policy, campaigns, as_of="2026-03-02", ledger=ledger).run_id != ""
    True
    """
    return Ledger(database.connect(url, create=create and not read_only, read_only=read_only))


class Ledger(LedgerReader, AbstractContextManager["Ledger"]):
    """An append-only history in one database; made by :func:`open_ledger`.

    Several processes and threads may use the same ledger at the same time. Closing it lets go of
    the database; so does the end of a ``with`` block.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from adbudget.ledger import Entry
    >>> def waits(unit):
    ...     return Entry(kind="recommendation", at=now, who="adbudget", unit=unit, currency="EUR",
    ...                  old_minor=200_00, new_minor=230_00, verdict="needs_approval", run_id="r1")
    >>> ledger, ann = ab.open_ledger(":memory:"), {"who": "Ann", "at": now}
    >>> run = Entry(kind="run", at=now, who="adbudget", run_id="r1")
    >>> ledger.append(run, key="r1").status, ledger.append(run, key="r1").status  # once
    ('written', 'replayed')
    >>> items = [(unit, waits(unit)) for unit in "ABCD"]
    >>> written = ledger.append_many(items, expected_head=1)
    >>> ledger.replay("r1", lambda run, ledger_before: [("r1", run), *items]).identical
    True
    >>> ledger.approve("A", **ann).applied, ledger.reject("B", **ann, reason="on sale").verdict
    (('A',), 'rejected')
    >>> halved = ledger.edit("C", {"C": 210_00}, **ann, reason="half of it is enough")
    >>> gone = ledger.withdraw({"D": "a slip"}, **ann), ledger.lapse(**ann)
    >>> ledger.pending(now)["unit"].tolist(), ledger.as_of(1).pending(now).empty
    (['C'], True)
    >>> confirmed = ledger.confirm("A", **ann)
    >>> ledger.known_budgets(), ledger.current_budgets(), ledger.open_changes().empty
    ({'A': 23000}, {'A': 23000}, True)
    >>> def waiting(pairs):
    ...     return [(key, replace(one, verdict="needs_approval")) for key, one in pairs]
    >>> undone = ledger.rollback("r1", **ann, review=waiting)
    >>> stopped = ledger.set_kill(True, **ann, reason="prices are wrong on the site")
    >>> ledger.kill_state().on, ledger.verify(ledger.head()).ok, len(ledger.entries(kind="run"))
    (True, True, 1)
    >>> ledger.opening_budgets(now.date(), "UTC"), len(ledger.alerts(since=now))
    ({'A': 20000}, 0)
    >>> ledger.logged_run("r1").sequence, len(ledger.index(kind="run"))
    (1, 1)
    >>> [unit for unit, *_ in ledger.of_run("r1", "recommendation")]
    ['A', 'B', 'C', 'D', 'C']
    >>> list(ledger.kept(["A"])), list(ledger.payloads(["r1", "unknown"]))
    (['A'], ['r1'])
    >>> ledger.check_person("Ann", unit="A")  # a policy may bind names
    >>> ledger.close()
    """

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
        self,
        pairs: Iterable[tuple[str, Entry]],
        *,
        expected_head: int | None = None,
        lapse_at: datetime | None = None,
    ) -> list[Receipt]:
        """Write (key, entry) pairs in one transaction: all of them, or none.

        Parameters
        ----------
        pairs : in the order of writing; errors as in :meth:`append`
        expected_head : sequence of the last entry that the caller knew when it decided what to
            write (``ledger.head().sequence``). When somebody else has written since, nothing is
            written. None does not ask. What is only replayed is always answered
        lapse_at : instant at which pending items that no longer stand are cancelled, in the same
            transaction, when anything is written; None cancels none

        Returns
        -------
        One receipt per pair, in order

        Raises
        ------
        LedgerConflictError : the ledger has grown past ``expected_head``
        """
        pairs = check_pairs(pairs)
        with self._writing() as connection:
            receipts = append_pairs(connection, pairs, expected_head=expected_head)
            new = [each.sequence for each in receipts if each.status == "written"]
            if lapse_at is not None and new:
                approvals.lapse(connection, who="adbudget", at=lapse_at, before=min(new))
            return receipts

    def as_of(self, sequence: int) -> "Ledger":
        """The ledger as it was after this entry (0: empty). It can be read, not written."""
        if type(sequence) is not int or sequence < 0:
            raise InputError(f"sequence must be a whole number from 0; got {sequence!r}.")
        earlier = sequence if self._horizon is None else min(sequence, self._horizon)
        return Ledger(self._engine, horizon=earlier)

    # Approval -----------------------------------------------------------------------------------

    def approve(self, item_id: str, *, who: str, at: datetime, override: str = "") -> Ruling:
        """Approve an item, or a linked group.

        Writes the approval and, as soon as every entry in ``funded_by`` is approved or "auto", the
        change (kind "change", key "change:" + the item's key) in the same transaction.

        Parameters
        ----------
        item_id : key of the item, its sequence number, or the group_id of a linked group
        who : the person; the same word of the same person again is answered "replayed"
        at : instant, with a time zone; not before the proposal
        override : why an item that has expired is approved all the same; it is logged

        Raises
        ------
        InputError : ``at`` is before the proposal, or ``who`` is empty or not who the policy's
            ``identity`` asks for
        LedgerError : nothing of this name needs approval
        LedgerConflictError : somebody has ruled otherwise; it no longer stands (the budget is
            another one, a later run has judged the unit, or it has expired); or it is of one's own
            run and the policy says ``four_eyes``
        KillSwitchError : the kill switch is on
        """
        with self._writing() as connection:
            return approvals.approve(connection, str(item_id), who=who, at=at, override=override)

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

    def lapse(self, *, who: str, at: datetime) -> dict[str, str]:
        """Cancel what no longer stands at an instant; runs do so by themselves.

        Returns
        -------
        Key of each item -> why: it expired, the budget is another one, or a later run has judged it
        """
        with self._writing() as connection:
            return approvals.lapse(connection, who=who, at=at)

    def edit(
        self,
        item_id: str,
        budgets: Mapping[str, int],
        *,
        who: str,
        at: datetime,
        reason: str,
        check: Check | None = None,
        override: str = "",
    ) -> list[Receipt]:
        """Put a person's own amounts in the place of those that wait; they wait in turn.

        Parameters
        ----------
        item_id : key or number of an item, or its group; the whole group is proposed again
        budgets : unit -> minor units per day
        who, at, reason : the person, the instant with a time zone, and one sentence
        check : gets (key, proposal) pairs and says which limits they would break
        override : why limits may be broken, or more money spent; it is logged

        Raises
        ------
        InputError : a unit that does not wait there, or no reason
        LedgerConflictError : it no longer waits, or a limit would be broken
        """
        with self._writing() as connection:
            return edit(
                connection,
                str(item_id),
                budgets,
                who=who,
                at=at,
                reason=reason,
                check=check,
                override=override,
            )

    # What was made ------------------------------------------------------------------------------

    def confirm(
        self,
        *names: str,
        who: str,
        at: datetime,
        step: Literal["sent", "confirmed", "withdrawn"] = "confirmed",
        budget_minor: int | None = None,
        reason: str = "",
    ) -> list[Receipt]:
        """Say what became of changes: sent to the platform, made by it, or never to be made.

        Parameters
        ----------
        names : key or number of each change, or its item, group, run or unit
        who, at : the person or program, and the instant with a time zone
        step : "sent", "confirmed" or "withdrawn"
        budget_minor : what the platform made of the one change, when that is another amount
        reason : one sentence

        Raises
        ------
        LedgerError : nothing open is called so
        InputError : ``at`` is before the change, one amount for several changes, or ``who`` is not
            who the policy's ``identity`` asks for
        """
        with self._writing() as connection:
            reading = Snapshot(connection=connection)
            chosen = find_changes(reading, names)
            for run in {each.kept.entry.run_id for each in chosen}:
                check_person(reading, who, self._identity_of(reading, run))
            if budget_minor is not None and len(chosen) != 1:
                raise InputError(f"a budget is of one change; {len(chosen)} are named.")
            for each in chosen:
                check_instant(each.kept, at)
            pairs = [
                step_pair(each.kept, step, who=who, at=at, why=reason, budget_minor=budget_minor)
                for each in chosen
                if not (step == "sent" and each.sent is not None)
            ]
            return append_pairs(connection, pairs)

    # The kill switch ----------------------------------------------------------------------------

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

    # Runs ---------------------------------------------------------------------------------------

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
        InputError : ``who`` is not who the policy's ``identity`` asks for
        """
        with self._reading() as reading:
            check_person(reading, who, identity_of(reading, run_id=run_id))
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

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        if self._horizon is not None:
            raise LedgerError(
                f"this is the ledger as of entry {self._horizon}, which can only be read; write "
                "to the ledger itself."
            )
        with database.writing(self._engine) as connection:
            yield connection

    def __exit__(self, *_: object) -> None:
        self.close()
