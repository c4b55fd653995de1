"""Every row of the ledger -> whether nobody has touched it. Trusts the hashes, not the database.

Each row is hashed again and must hold the hash of the row before it. That finds every row changed,
removed or slipped in. A ledger cut short, or rewritten from some row to its end, is a sound chain
too: that is found by a head kept elsewhere.
"""

import json
import re
from collections.abc import Iterable
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any

from adbudget.errors import InputError
from adbudget.ledger.entry import FIELDS, GENESIS, chain_hash
from adbudget.ledger.reading import Snapshot
from adbudget.ledger.schema import missing_guards


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The last entry at some moment; whoever keeps it can prove what came before.

    Attributes
    ----------
    sequence : its place, 0 for an empty ledger
    hash : its hash, 64 zeros for an empty ledger

    Examples
    --------
    >>> from adbudget.ledger import Entry, Head
    >>> with ab.open_ledger(":memory:") as ledger:
    ...     receipt = ledger.append(Entry(kind="run", at=now, who="Ann", run_id="r1"), key="first")
    ...     ledger.head().sequence, ledger.head().hash == receipt.hash
    ...     Head.from_text(ledger.head().as_text()) == ledger.head()  # kept elsewhere in between
    (1, True)
    True
    """

    sequence: int
    hash: str

    def as_text(self) -> str:
        """One line to keep elsewhere: {"hash": "...", "sequence": 7}."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_text(cls, text: str) -> "Head":
        """Read what :meth:`as_text` wrote.

        Raises
        ------
        InputError : the text is something else
        """
        try:
            facts = json.loads(text)
            head = cls(**facts)
            sound = type(head.sequence) is int and head.sequence >= 0
            sound = sound and re.fullmatch("[0-9a-f]{64}", head.hash) is not None
        except (ValueError, TypeError):
            sound, head = False, cls(sequence=0, hash=GENESIS)
        if not sound:
            raise InputError(
                'an exported head looks like {"hash": "9c1f...", "sequence": 7}, with 64 '
                f"hexadecimal digits; got {text.strip()[:80]!r}."
            )
        return head


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a check of the whole chain found.

    Attributes
    ----------
    ok : the chain is sound, reaches the given head, and the database still guards it
    n_entries : rows looked at before the first fault, all of them when there is none
    sequence : first entry that was tampered with; None when no single one can be named
    problem : one sentence, "" when all is well
    head : last sound entry

    Examples
    --------
    >>> from adbudget.ledger import Entry
    >>> with ab.open_ledger(":memory:") as ledger:
    ...     receipt = ledger.append(Entry(kind="run", at=now, who="Ann", run_id="r1"), key="first")
    ...     ledger.verify().ok, ledger.verify().n_entries
    (True, 1)
    """

    ok: bool
    n_entries: int
    sequence: int | None
    problem: str
    head: Head


def read_head(reading: Snapshot) -> Head:
    """Head of the ledger as it is now."""
    sequence, latest = reading.head() or (0, GENESIS)
    return Head(sequence=sequence, hash=latest)


def verify(reading: Snapshot, head: Head | None) -> Verification:
    """Check every link, then the given head, then the guards."""
    place, previous, at_head = 0, GENESIS, GENESIS
    with closing(reading.stream()) as rows:
        for row in rows:
            fault = _fault(place, previous, row._mapping)
            if fault is not None:
                sequence, problem = fault
                sound = Head(sequence=place, hash=previous)
                return Verification(
                    ok=False, n_entries=place, sequence=sequence, problem=problem, head=sound
                )
            place, previous = row.sequence, row.hash
            if head is not None and place == head.sequence:
                at_head = previous
    found = Head(sequence=place, hash=previous)
    sequence, problem = None, ""
    if head is not None:
        sequence, problem = _against(head, found, at_head)
    if not problem:
        problem = _unguarded(missing_guards(reading.connection))
    return Verification(
        ok=not problem, n_entries=place, sequence=sequence, problem=problem, head=found
    )


def _fault(place: int, previous: str, facts: Any) -> tuple[int, str] | None:
    """Look at the entry after ``place``: the first one tampered with, and what gives it away."""
    here = facts["sequence"]
    if here != place + 1:
        gone = (
            f"entry {place + 1} is" if here == place + 2 else f"entries {place + 1}-{here - 1} are"
        )
        return place + 1, f"{gone} missing: the next one is entry {here}"
    what = f"entry {here} ({facts['kind']}, {facts['unit'] or 'no unit'}, key {facts['key']!r})"
    fields = {name: facts[name] for name in FIELDS}
    if chain_hash(here, facts["previous_hash"], facts["key"], fields) != facts["hash"]:
        return here, f"{what} is not what was written: its hash does not fit its content"
    if facts["previous_hash"] == previous:
        return None
    if place == 0:
        return here, f"{what} is not the first entry that was written: entries before it are gone"
    # its own hash fits, so it still names the hash that the entry before it had when written
    return place, (
        f"entry {place} was replaced together with its hash: entry {here} still holds the hash "
        "that was written"
    )


def _against(head: Head, found: Head, at_head: str) -> tuple[int | None, str]:
    """Compare with a head kept elsewhere."""
    if head.sequence > found.sequence:
        return found.sequence + 1, (
            f"entries {found.sequence + 1}-{head.sequence} are missing at the end: the exported "
            f"head counts {head.sequence} entries, the ledger {found.sequence}"
        )
    if head.hash != at_head:
        return None, (
            f"entry {head.sequence} has another hash than the exported head: the ledger was "
            "rewritten from some earlier entry on, or the head is of another ledger"
        )
    return None, ""


def _unguarded(missing: Iterable[str]) -> str:
    names = ", ".join(missing)
    return f"every entry is sound, but the database no longer guards them: {names} gone" * bool(
        names
    )
