"""(key, entry) pairs -> links of the chain and receipts. The only place that writes.

Everything is checked under the lock and written in one transaction: all pairs or none.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import batched

from sqlalchemy import Connection, insert

from adbudget.errors import InputError, LedgerConflictError
from adbudget.ledger.entry import (
    CHANGE,
    GENESIS,
    NEEDS_APPROVAL,
    OWN_WAY,
    WRITTEN,
    Entry,
    Receipt,
    chain_hash,
    check_key,
)
from adbudget.ledger.killswitch import refuse_changes
from adbudget.ledger.reading import Kept, Snapshot
from adbudget.ledger.schema import ENTRY

Pair = tuple[str, Entry]
ROWS_AT_ONCE = 500  # written in one statement


def check_pairs(pairs: Iterable[Pair]) -> list[Pair]:
    """Refuse what only the ledger itself may write."""
    pairs = list(pairs)
    for key, entry in pairs:
        if not isinstance(entry, Entry):
            raise InputError(f"key {key!r} must come with an Entry; got {type(entry).__name__}.")
        check_key(key)
        if entry.kind in OWN_WAY:
            raise InputError(
                f"an entry of kind {entry.kind!r} is written by {OWN_WAY[entry.kind]}, not by "
                f"append; got key {key!r}."
            )
        if WRITTEN in entry.payload:
            raise InputError(
                f"payload.{WRITTEN} is noted by the ledger itself; leave it out of {key!r}."
            )
        if entry.kind == CHANGE and entry.verdict == NEEDS_APPROVAL:
            raise InputError(
                f"a change has happened, so it cannot wait for approval; write {key!r} as a "
                "recommendation."
            )
    return pairs


def append_pairs(
    connection: Connection, pairs: Sequence[Pair], *, expected_head: int | None = None
) -> list[Receipt]:
    """Write pairs; the caller holds the lock.

    Parameters
    ----------
    connection : inside a writing transaction
    pairs : (key, entry), in the order of writing
    expected_head : sequence of the last entry the caller knew; None does not ask

    Returns
    -------
    One receipt per pair, in order

    Raises
    ------
    LedgerConflictError : a key holds another entry, or the ledger has grown past expected_head
    KillSwitchError : a change, while the kill switch is on
    InputError : ``funded_by`` names no entry, or one that this one cannot wait for
    """
    reading = Snapshot(connection=connection)
    earlier = reading.by_key(dict.fromkeys(key for key, _ in pairs))
    new = _not_yet_written(pairs, earlier)
    receipts = {key: _receipt(kept) for key, kept in earlier.items()}
    if new:
        sequence, previous_hash = reading.head() or (0, GENESIS)
        if expected_head is not None and sequence != expected_head:
            raise LedgerConflictError(
                f"the ledger has grown from entry {expected_head} to {sequence} since it was "
                "read, so what was decided may no longer hold. Nothing was written; decide again."
            )
        _check_switch(reading, new)
        _check_funding(reading, new)
        written_at = reading.clock()
        for some in batched(new.items(), ROWS_AT_ONCE):  # their text is longer than all of them
            rows = []
            for key, entry in some:
                facts = entry.facts(written_at=written_at)
                sequence, link = sequence + 1, previous_hash
                previous_hash = chain_hash(sequence, link, key, facts)
                place = {"sequence": sequence, "key": key, "previous_hash": link}
                rows.append(facts | place | {"hash": previous_hash})
                receipts[key] = Receipt(
                    status="written", sequence=sequence, hash=previous_hash, key=key
                )
            connection.execute(insert(ENTRY), rows)
    return _in_order(pairs, receipts)


def _not_yet_written(pairs: Iterable[Pair], earlier: Mapping[str, Kept]) -> dict[str, Entry]:
    new: dict[str, Entry] = {}
    for key, entry in pairs:
        known = earlier[key].entry if key in earlier else new.setdefault(key, entry)
        if known is not entry and known.facts() != entry.facts():
            where = f"entry {earlier[key].sequence}" if key in earlier else "this very call"
            raise LedgerConflictError(
                f"key {key!r} already stands for another entry in {where}: "
                f"{_difference(known, entry)}. Nothing was written; give a new event a new key."
            )
    return new


def _difference(known: Entry, entry: Entry) -> str:
    """First field in which two entries differ."""
    before, after = known.facts(), entry.facts()
    name = next(name for name in before if before[name] != after[name])
    return f"{name} is {_short(before[name])} there and {_short(after[name])} here"


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:77]}..."


def _check_switch(reading: Snapshot, new: Mapping[str, Entry]) -> None:
    changes = [key for key, entry in new.items() if entry.kind == CHANGE]
    if changes:
        more = f" and {len(changes) - 1} more" if len(changes) > 1 else ""
        refuse_changes(reading, f"the call with the change {changes[0]!r}{more}")


def _check_funding(reading: Snapshot, new: Mapping[str, Entry]) -> None:
    """A raise may only wait for entries that can still come true."""
    funders = {key: funded_by(entry, key) for key, entry in new.items()}
    outside = {name for names in funders.values() for name in names} - new.keys()
    known = {key: kept.entry for key, kept in reading.by_key(sorted(outside)).items()} | dict(new)
    refused = _refused(reading, sorted(outside))
    for key, names in funders.items():
        for name in names:
            if name not in known or name == key:
                raise InputError(
                    f"entry {key!r} is funded_by {name!r}, which is "
                    f"{'itself' if name == key else 'no key of this call or of the ledger'}."
                )
            verdict, own = known[name].verdict, new[key].verdict
            if verdict not in ("auto", NEEDS_APPROVAL):
                raise InputError(
                    f"entry {key!r} is funded_by {name!r}, whose verdict is {verdict!r}: money "
                    'comes only from entries with verdict "auto" or "needs_approval".'
                )
            if (end := refused.get(name)) is not None:
                raise InputError(
                    f"entry {key!r} is funded_by {name!r}, which was {end.verdict} by {end.who} on "
                    f"{end.at:%Y-%m-%d %H:%M} UTC; its money never comes."
                )
            if own == "auto" and verdict == NEEDS_APPROVAL:
                raise InputError(
                    f'entry {key!r} is "auto" but funded_by {name!r}, which waits for approval; '
                    'write it with verdict "needs_approval" too.'
                )


def _refused(reading: Snapshot, keys: Sequence[str]) -> dict[str, Entry]:
    """Key -> the rejection or cancellation of its entry, where there is one."""
    names = {f"{prefix}:{key}": key for key in keys for prefix in ("approval", "cancel")}
    return {
        names[name]: word.entry
        for name, word in reading.by_key(names).items()
        if word.entry.verdict in ("rejected", "cancelled")
    }


def funded_by(entry: Entry, key: str) -> list[str]:
    """Keys of the entries whose cuts pay for this one."""
    names = entry.payload.get("funded_by", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(f"funded_by of entry {key!r} must be a list of keys; got {names!r}.")
    return names


def _receipt(kept: Kept) -> Receipt:
    return Receipt(status="replayed", sequence=kept.sequence, hash=kept.hash, key=kept.key)


def _in_order(pairs: Iterable[Pair], receipts: Mapping[str, Receipt]) -> list[Receipt]:
    """One receipt per pair; the second time a key comes in one call is a replay of the first."""
    seen: set[str] = set()
    ordered = []
    for key, _ in pairs:
        receipt = receipts[key]
        if key in seen:
            receipt = Receipt(
                status="replayed", sequence=receipt.sequence, hash=receipt.hash, key=key
            )
        seen.add(key)
        ordered.append(receipt)
    return ordered
