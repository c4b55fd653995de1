"""What waits for a person's word -> how it stands, and what hangs on what. Writes nothing.

An item is an entry whose verdict is "needs_approval". Its payload may list under ``funded_by`` the
keys of the entries whose cuts pay for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from sqlalchemy import ColumnElement, Text, cast, exists, func

from adbudget.ledger.append import funded_by
from adbudget.ledger.entry import CHANGE, Entry
from adbudget.ledger.reading import Kept, Snapshot, waits_for_approval
from adbudget.ledger.schema import ENTRY

State = Literal["pending", "waiting", "applied", "rejected", "cancelled", "outdated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One entry that needs approval, and how it stands.

    Attributes
    ----------
    kept : the entry in its place
    state : "pending" nobody has ruled; "waiting" approved, but not all that fund it; "applied";
        "rejected"; "cancelled"; "outdated" the unit's budget has changed since, so no ruling can
        apply it any more
    ruling : the approval, rejection or cancellation, None as long as there is none
    """

    kept: Kept
    state: State
    ruling: Kept | None = None

    @property
    def key(self) -> str:
        """Idempotency key of the entry, the name to approve it by."""
        return self.kept.key

    @property
    def entry(self) -> Entry:
        """What is proposed."""
        return self.kept.entry


def items(reading: Snapshot, *, named: str = "") -> dict[str, Item]:
    """Every item that is not settled, and whatever is ``named``, in ledger order, by key.

    Settled ones need not be looked at: what an applied item funds may happen, and what a rejected
    or cancelled one was to fund is cancelled with it.
    """
    wanted = _is_unsettled(reading)
    if named:
        wanted |= (ENTRY.c.key == named) | (ENTRY.c.group_id == named)
        wanted |= cast(ENTRY.c.sequence, Text) == named
    kept = reading.kept(waits_for_approval(), wanted)
    names = [f"{prefix}:{item.key}" for item in kept for prefix in ("approval", "cancel", "change")]
    written = reading.by_key(names)
    changed = _last_changes(reading)
    found = {}
    for item in kept:
        approval, cancel = written.get(f"approval:{item.key}"), written.get(f"cancel:{item.key}")
        state: State = "pending"
        if cancel is not None:
            state = "cancelled"
        elif approval is not None and approval.entry.verdict == "rejected":
            state = "rejected"
        elif f"change:{item.key}" in written:
            state = "applied"
        elif item.entry.new_minor is not None and changed.get(item.entry.unit, 0) > item.sequence:
            state = "outdated"
        elif approval is not None:
            state = "waiting"
        found[item.key] = Item(kept=item, state=state, ruling=cancel or approval)
    for key, item in found.items():  # without a budget to change, the word itself is the deed
        if (
            item.state == "waiting"
            and item.entry.new_minor is None
            and not missing_funders(item, found)
        ):
            found[key] = replace(item, state="applied")
    return found


def missing_funders(item: Item, every: Mapping[str, Item]) -> list[str]:
    """Keys of what must still be approved before this item may happen, its funders' funders too."""
    missing, seen, queue = [], {item.key}, [item]
    while queue:
        current = queue.pop()
        for key in funded_by(current.entry, current.key):
            if key in seen or key not in every:  # not every: "auto", as append has checked
                continue
            seen.add(key)
            if every[key].state not in ("waiting", "applied"):
                missing.append(key)
            queue.append(every[key])
    return sorted(missing)


def dependents(every: Mapping[str, Item], rejected: set[str]) -> dict[str, str]:
    """Items that can no longer happen -> the rejected or cancelled item that was to fund them."""
    lost: dict[str, str] = {}
    grew = True
    while grew:
        grew = False
        for key, item in every.items():
            if key in lost or key in rejected or item.state not in ("pending", "waiting"):
                continue
            funder = next(
                (name for name in funded_by(item.entry, key) if name in rejected | lost.keys()),
                None,
            )
            if funder is not None:
                lost[key] = funder
                grew = True
    return lost


def idle_cuts(every: Mapping[str, Item], gone: set[str]) -> tuple[str, ...]:
    """Pending funders of what is gone that fund nothing else any more."""
    dead = ("rejected", "cancelled", "outdated")
    alive = [item for key, item in every.items() if key not in gone and item.state not in dead]
    needed = {key for item in alive for key in funded_by(item.entry, item.key)}
    were = {key for lost in gone for key in funded_by(every[lost].entry, lost)}
    return tuple(
        item.key for item in alive if item.key in were - needed and item.state == "pending"
    )


def _is_unsettled(reading: Snapshot) -> ColumnElement[bool]:
    """Neither changed, nor cancelled, nor rejected."""
    later = ENTRY.alias()
    ends = (later.c.key == "change:" + ENTRY.c.key) | (later.c.key == "cancel:" + ENTRY.c.key)
    ends |= (later.c.key == "approval:" + ENTRY.c.key) & (later.c.verdict == "rejected")
    if reading.horizon is not None:
        ends &= later.c.sequence <= reading.horizon
    return ~exists().where(ends)


def _last_changes(reading: Snapshot) -> dict[str, int]:
    """Unit -> sequence of its last change."""
    statement = reading.select(
        ENTRY.c.unit, func.max(ENTRY.c.sequence), where=[ENTRY.c.kind == CHANGE]
    ).group_by(ENTRY.c.unit)
    return {row[0]: row[1] for row in reading.connection.execute(statement)}
