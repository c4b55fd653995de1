"""What waits for a person's word -> how it stands, and what hangs on what. Writes nothing.

An item is an entry whose verdict is "needs_approval". Its payload may list under ``funded_by`` the
keys of the entries whose cuts pay for it, and say under ``expires_at`` until when it stands.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, Text, cast, exists

from adbudget.ledger.append import funded_by
from adbudget.ledger.entry import EXPIRES, Entry
from adbudget.ledger.overtaken import Later, later_entries, overtaken
from adbudget.ledger.reading import Kept, Snapshot, waits_for_approval
from adbudget.ledger.schema import ENTRY

State = Literal[
    "pending", "waiting", "applied", "rejected", "cancelled", "outdated", "superseded", "expired"
]
FUNDED = '"funded_by":["'  # how the text of a payload says that there are some
LAPSED: tuple[State, ...] = ("outdated", "superseded", "expired")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One entry that needs approval, and how it stands.

    Attributes
    ----------
    kept : the entry in its place
    state : "pending" nobody has ruled; "waiting" approved, but not all that fund it; "applied";
        "rejected"; "cancelled"; "outdated" the unit's budget has changed since, so no ruling can
        apply it any more; "superseded" a later run has judged the unit again; "expired" nobody
        ruled in time
    ruling : the approval, rejection or cancellation, None as long as there is none
    why : how it came to be outdated, superseded or expired; "" otherwise
    """

    kept: Kept
    state: State
    ruling: Kept | None = None
    why: str = ""

    @property
    def key(self) -> str:
        """Idempotency key of the entry, the name to approve it by."""
        return self.kept.key

    @property
    def entry(self) -> Entry:
        """What is proposed."""
        return self.kept.entry

    @property
    def expires_at(self) -> datetime | None:
        """Until when it stands; None says for good."""
        text = self.kept.entry.payload.get(EXPIRES)
        return None if text is None else datetime.fromisoformat(text)


def items(
    reading: Snapshot, *, named: str = "", at: datetime | None = None, before: int | None = None
) -> dict[str, Item]:
    """Every item that is not settled, and whatever is ``named``, in ledger order, by key.

    Settled ones need not be looked at: what an applied item funds may happen, and what a rejected
    or cancelled one was to fund is cancelled with it.

    Parameters
    ----------
    named : key, number or group of items to be looked at, settled or not
    at : instant at which an item may have expired; None looks at none as expired
    before : sequence of an entry; items from there on are left out unless something funds them.
        None leaves out none
    """
    wanted = _is_unsettled(reading)
    if named:
        wanted |= (ENTRY.c.key == named) | (ENTRY.c.group_id == named)
        wanted |= cast(ENTRY.c.sequence, Text) == named
    if before is not None:
        wanted &= (ENTRY.c.sequence < before) | ENTRY.c.payload.contains(FUNDED, autoescape=True)
    kept = reading.kept(waits_for_approval(), wanted)
    written = reading.by_key(
        f"{prefix}:{item.key}"
        for prefix in (("approval", "cancel", "change") if named else ("approval",))
        for item in kept  # without a name all are unsettled: neither cancelled nor changed
    )
    later = later_entries(reading, kept)
    found = {}
    for item in kept:
        approval, cancel = written.get(f"approval:{item.key}"), written.get(f"cancel:{item.key}")
        state: State = "pending"
        why = ""
        if cancel is not None:
            state = "cancelled"
        elif approval is not None and approval.entry.verdict == "rejected":
            state = "rejected"
        elif f"change:{item.key}" in written:
            state = "applied"
        else:
            state, why = _standing(item, later.get(item.entry.unit), approval, at)
        found[item.key] = Item(kept=item, state=state, ruling=cancel or approval, why=why)
    for key, item in found.items():  # without a budget to change, the word itself is the deed
        if (
            item.state == "waiting"
            and item.entry.new_minor is None
            and not missing_funders(item, found)
        ):
            found[key] = replace(item, state="applied")
    return found


def _standing(
    item: Kept, later: Later | None, approval: Kept | None, at: datetime | None
) -> tuple[State, str]:
    """State of an item that is not settled, and what has come between."""
    how, why = overtaken(item, later) if later is not None else ("", "")
    if how == "outdated":
        return "outdated", why
    if how == "superseded":
        return "superseded", why
    if approval is not None:  # the word was given in time
        return "waiting", ""
    text = item.entry.payload.get(EXPIRES)
    if text is not None and at is not None and at >= datetime.fromisoformat(text):
        day = datetime.fromisoformat(text)
        return "expired", f"it stood until {day:%Y-%m-%d %H:%M} UTC and nobody ruled"
    return "pending", ""


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
    dead = ("rejected", "cancelled", *LAPSED)
    alive = [item for key, item in every.items() if key not in gone and item.state not in dead]
    needed = {key for item in alive for key in funded_by(item.entry, item.key)}
    were = {key for lost in gone for key in funded_by(every[lost].entry, lost)}
    return tuple(
        item.key for item in alive if item.key in were - needed and item.state == "pending"
    )


def _is_unsettled(reading: Snapshot) -> ColumnElement[bool]:
    """Neither changed, nor cancelled, nor rejected; nor approved where the word is the deed."""
    later = ENTRY.alias()
    ends = (later.c.key == "change:" + ENTRY.c.key) | (later.c.key == "cancel:" + ENTRY.c.key)
    is_deed = ENTRY.c.new_minor.is_(None) & ~ENTRY.c.payload.contains(FUNDED, autoescape=True)
    ends |= (later.c.key == "approval:" + ENTRY.c.key) & ((later.c.verdict == "rejected") | is_deed)
    if reading.horizon is not None:
        ends &= later.c.sequence <= reading.horizon
    return ~exists().where(ends)
