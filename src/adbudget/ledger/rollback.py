"""The changes of a run -> proposals that undo them, reviewed like any other. Undoes nothing itself.

History stays: a rollback is a new change, back to the budget before the run, and whoever reviews
changes reviews this one too.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from adbudget.errors import InputError, LedgerError
from adbudget.ledger.changes import known_budgets
from adbudget.ledger.digits import counts_in, iso_minor
from adbudget.ledger.entry import CHANGE, NEEDS_APPROVAL, Entry, at_text
from adbudget.ledger.reading import Snapshot
from adbudget.ledger.schema import ENTRY

Review = Callable[[list[tuple[str, Entry]]], Iterable[tuple[str, Entry]]]
VERDICTS = ("auto", NEEDS_APPROVAL, "blocked")


def propose(
    reading: Snapshot, run_id: str, *, who: str, at: datetime
) -> tuple[list[tuple[str, Entry]], int]:
    """Give the proposals that take every budget back, unreviewed, and the head they were made at.

    Raises
    ------
    LedgerError : the run changed nothing, or all of it is undone already
    """
    changes = reading.kept(ENTRY.c.run_id == run_id, ENTRY.c.kind == CHANGE)
    if not changes or not run_id:
        raise LedgerError(f"the run {run_id!r} changed no budget, so there is nothing to undo.")
    name = f"rollback:{run_id}:{at_text(Entry(kind=CHANGE, at=at, who=who).at)}"
    first = {}
    for change in changes:
        first.setdefault(change.entry.unit, change)
    proposals = []
    seen = known_budgets(reading)
    for unit, change in first.items():
        before = change.entry
        last = reading.last(ENTRY.c.kind == CHANGE, ENTRY.c.unit == unit)
        assert last is not None  # there is at least the change of this run
        if unit in seen and seen[unit].sequence > last.sequence:
            last = seen[unit]  # a person has set another budget on the platform
        if before.old_minor is None or last.entry.new_minor is None:
            continue
        then, now = iso_minor(
            reading,
            (
                (before.old_minor, before.currency, before.run_id),
                (last.entry.new_minor, last.entry.currency, last.entry.run_id),
            ),
        )
        if now == then:
            continue
        later = "" if last.entry.run_id == run_id else f", and of {last.entry.run_id!r} after it"
        proposal = Entry(
            kind="recommendation",
            at=at,
            who=who,
            unit=unit,
            currency=before.currency,
            old_minor=now,
            new_minor=then,
            rule="rollback",
            rationale=f"undoes the change of run {run_id!r}{later}",
            run_id=name,
            group_id=name,
            policy_hash=before.policy_hash,
            payload={"undoes": change.key},
        )
        proposals.append((f"{name}:{unit}", proposal))
    if not proposals:
        raise LedgerError(f"every budget is back where it was before the run {run_id!r}.")
    return proposals, (reading.head() or (0, ""))[0]


def reviewed_pairs(
    proposals: list[tuple[str, Entry]], review: Review, *, run_id: str
) -> list[tuple[str, Entry]]:
    """Let ``review`` judge the proposals; what it calls "auto" gets its change.

    Raises
    ------
    InputError : the review drops or adds a proposal, moves another unit, or gives no verdict
    """
    wanted = dict(proposals)
    judged = dict(review(list(proposals)))
    if judged.keys() != wanted.keys():
        raise InputError(
            "review must return every proposal under its key and nothing else; missing: "
            f"{sorted(wanted.keys() - judged)}, unknown: {sorted(judged.keys() - wanted)}."
        )
    for key, entry in judged.items():
        if entry.verdict not in VERDICTS or entry.unit != wanted[key].unit:
            raise InputError(
                f"review must give {key!r} a verdict of {', '.join(VERDICTS)} and leave its unit "
                f"as it is; got verdict {entry.verdict!r} for {entry.unit!r}."
            )
    start = next(iter(wanted.values()))
    note = replace(
        start,
        kind="rollback",
        unit="",
        currency="",
        old_minor=None,
        new_minor=None,
        rationale=f"roll back run {run_id!r}: {len(wanted)} units",
        payload={"run_id": run_id} | counts_in(start.currency),
    )
    changes = [
        (f"apply:{key}", replace(entry, kind=CHANGE, payload={"item": key}))
        for key, entry in judged.items()
        if entry.verdict == "auto"
    ]
    return [(start.run_id, note), *judged.items(), *changes]
