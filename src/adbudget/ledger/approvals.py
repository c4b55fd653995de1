"""A person's word on what waits -> approvals, and the changes that may now happen. Knows no rules.

An item is an entry whose verdict is "needs_approval". A raise whose payload says ``funded_by``
happens only when every cut that pays for it was approved or needed no approval; when one of them
is rejected, it is cancelled. A change is written only if the item still stands: nobody has changed
or seen another budget since, no later run has judged the unit again, and it has not expired.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import Connection

from adbudget.errors import InputError, LedgerConflictError, LedgerError
from adbudget.ledger.append import append_pairs
from adbudget.ledger.changes import starts_before
from adbudget.ledger.entry import CHANGE, IDENTITY, STARTS, STATED, Entry, Receipt
from adbudget.ledger.identity import check_four_eyes, check_person
from adbudget.ledger.items import LAPSED, Item, dependents, idle_cuts, items, missing_funders
from adbudget.ledger.killswitch import refuse_changes
from adbudget.ledger.reading import Kept, Snapshot
from adbudget.money import money_text

LAPSE = "lapsed"  # key of the payload of a cancellation that no person has asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What a person's word on an item, or on a linked group, has led to.

    Attributes
    ----------
    items : keys of the items that were ruled on
    verdict : "approved" or "rejected"
    applied : keys of the items whose change was written just now
    waiting_for : item -> keys of the cuts that must be approved before its change is written
    cancelled : item -> why it will not happen
    idle : pending cuts whose money has no taker left; approving one lowers the total
    receipts : of every entry written, or replayed, in order

    Examples
    --------
    >>> with ab.open_ledger(":memory:") as ledger:
    ...     _ = ab.apply_policy(policy, campaigns, as_of=now, ledger=ledger)
    ...     waiting = ledger.pending(now)["item"].tolist()
    ...     ruling = ledger.approve(waiting[0], who="Ann", at=now)
    ...     ruling.verdict, len(ruling.applied) > 0
    ('approved', False)
    """

    items: tuple[str, ...]
    verdict: Literal["approved", "rejected"]
    applied: tuple[str, ...] = ()
    waiting_for: dict[str, tuple[str, ...]] = field(default_factory=dict)
    cancelled: dict[str, str] = field(default_factory=dict)
    idle: tuple[str, ...] = ()
    receipts: tuple[Receipt, ...] = ()


def approve(
    connection: Connection, item_id: str, *, who: str, at: datetime, override: str = ""
) -> Ruling:
    """Approve an item or a linked group; the caller holds the lock."""
    reading = Snapshot(connection=connection)
    every = items(reading, named=item_id, at=at)
    chosen = find_items(every, item_id)
    for item in chosen:
        check_word(reading, item, who, at)
        check_four_eyes(item.entry, item.key, who)
        _check_standing(item, "approved", who, override)
    _check_units(item for item in chosen if item.ruling is None)
    new = [item for item in chosen if item.ruling is None]
    if new:
        refuse_changes(reading, f"the approval of {item_id!r}")
    pairs = [_approval_pair(item, who, at, override) for item in new]
    for item in new:
        every[item.key] = replace(item, state="waiting")
    receipts = [_replayed(item.ruling) for item in chosen if item.ruling is not None]
    receipts += append_pairs(connection, pairs)

    ready = _ready(every, first=[item.key for item in chosen])
    orders = [item for item in ready if _is_order(item.entry)]
    changes = [_change_pair(reading, item, who, at) for item in orders]
    receipts += append_pairs(connection, changes)
    names = tuple(item.key for item in chosen)
    waiting = {name: tuple(missing_funders(every[name], every)) for name in names}
    return Ruling(
        items=names,
        verdict="approved",
        applied=tuple(item.key for item in ready),
        waiting_for={name: funders for name, funders in waiting.items() if funders},
        receipts=tuple(receipts),
    )


def reject(connection: Connection, item_id: str, *, who: str, at: datetime, reason: str) -> Ruling:
    """Reject an item or a linked group, and cancel what it was to fund."""
    reading = Snapshot(connection=connection)
    every = items(reading, named=item_id, at=at)
    chosen = find_items(every, item_id)
    for item in chosen:
        check_word(reading, item, who, at)
        _check_standing(item, "rejected", who, "")
    new = [item for item in chosen if item.ruling is None]
    pairs = [_ruling_pair(item, "rejected", who, at, reason) for item in new]
    lost = dependents(every, {item.key for item in chosen})
    cancelled = {
        key: f"{funder} was to fund it and is rejected by {who}" for key, funder in lost.items()
    }
    pairs += [cancel_pair(every[key], who, at, why) for key, why in cancelled.items()]
    receipts = [_replayed(item.ruling) for item in chosen if item.ruling is not None]
    names = [item.key for item in chosen]
    return Ruling(
        items=tuple(names),
        verdict="rejected",
        cancelled=cancelled,
        idle=idle_cuts(every, {*names, *lost}),
        receipts=(*receipts, *append_pairs(connection, pairs)),
    )


def lapse(
    connection: Connection, *, who: str, at: datetime, before: int | None = None
) -> dict[str, str]:
    """Cancel what no longer stands, and what it was to fund; the caller holds the lock.

    Parameters
    ----------
    connection : inside a writing transaction
    who, at : who notices, and when
    before : sequence of the first entry that was written just now: what is proposed from there on
        stands, unless what funds it lapses. None looks at every item

    Returns
    -------
    Key of each item -> why it lapsed
    """
    reading = Snapshot(connection=connection)
    every = items(reading, at=at, before=before)
    gone = {key: item.why for key, item in every.items() if item.state in LAPSED}
    for key, funder in dependents(every, set(gone)).items():
        gone[key] = f"{funder} was to fund it and no longer stands"
    pairs = [cancel_pair(every[key], who, at, why) for key, why in gone.items()]
    marked = [(key, replace(e, payload=dict(e.payload) | {LAPSE: True})) for key, e in pairs]
    append_pairs(connection, marked)
    return gone


def find_items(every: dict[str, Item], item_id: str) -> list[Item]:
    """Items by key, by group or by sequence number, in this order.

    Raises
    ------
    LedgerError : nothing is called so
    """
    if item_id in every:
        return [every[item_id]]
    group = [item for item in every.values() if item_id and item.entry.group_id == item_id]
    if group:
        return [item for item in group if item.ruling is None] or group
    found = [item for item in every.values() if str(item.kept.sequence) == item_id]
    if found:
        return found
    waiting = [item.key for item in every.values() if item.state == "pending"]
    raise LedgerError(
        f"nothing called {item_id!r} needs approval. "
        + (
            f"Pending: {', '.join(waiting[:5])}{' ...' if len(waiting) > 5 else ''}."
            if waiting
            else "Nothing is pending."
        )
    )


def check_word(reading: Snapshot, item: Item, who: str, at: datetime) -> None:
    """Refuse a word that is dated before the proposal, or of somebody who is not who they say.

    Raises
    ------
    InputError : it is
    """
    check_person(reading, who, str(item.entry.payload.get(IDENTITY, STATED)))
    if at < item.entry.at:
        raise InputError(
            f"at ({at.astimezone(UTC):%Y-%m-%d %H:%M} UTC) is before {item.key!r} was proposed, on "
            f"{item.entry.at:%Y-%m-%d %H:%M} UTC. Leave it out for now, or give a later instant."
        )


def _check_standing(item: Item, verdict: str, who: str, override: str) -> None:
    """Let pass what nobody has ruled on, and the same word of the same person again."""
    last = item.ruling
    if last is not None:
        if last.entry.payload.get(LAPSE):
            raise LedgerConflictError(
                f"{item.key!r} no longer stood on {last.entry.at:%Y-%m-%d %H:%M} UTC: "
                f"{last.entry.rationale}. Approve what a later run proposes. This cannot be "
                "overridden."
            )
        if item.state != "cancelled" and (last.entry.verdict, last.entry.who) == (verdict, who):
            return
        raise LedgerConflictError(
            f"{item.key!r} was {last.entry.verdict} by {last.entry.who} on "
            f"{last.entry.at:%Y-%m-%d %H:%M} UTC"
            f"{f' ({last.entry.rationale})' if last.entry.rationale else ''}. "
            "A ruling stands; to undo a change, roll it back. This cannot be overridden."
        )
    if verdict == "rejected" or item.state not in LAPSED:
        return
    if item.state == "expired" and override.strip():
        return
    entry = item.entry
    move = ""
    if entry.new_minor is not None and entry.old_minor is not None:
        before, after = (money_text(m, entry.currency) for m in (entry.old_minor, entry.new_minor))
        move = f", which would move {entry.unit} from {before} to {after},"
    remedy = {
        "outdated": "Reject it, or let a new run propose again. This cannot be overridden.",
        "superseded": "Approve what a later run proposes. This cannot be overridden.",
        "expired": "Let a new run propose again; or a person overrides this with a reason "
        "(--override TEXT), which is logged.",
    }
    raise LedgerConflictError(
        f"{item.key!r}{move} no longer stands: {item.why}. {remedy[item.state]}"
    )


def _check_units(chosen: Iterable[Item]) -> None:
    """Two budgets for one unit cannot both be approved in one breath."""
    first: dict[str, str] = {}
    for item in chosen:
        if item.entry.new_minor is None:
            continue
        other = first.setdefault(item.entry.unit, item.key)
        if other != item.key:
            raise LedgerConflictError(
                f"{other!r} and {item.key!r} propose two budgets for {item.entry.unit}; "
                "approve one of them by its key and reject the other."
            )


def _ready(every: dict[str, Item], first: list[str]) -> list[Item]:
    """Approved items that wait for nothing more; one per unit, for the next is outdated by it."""
    ready: dict[str, Item] = {}
    for key in (*first, *every):
        item = every[key]
        if item.state == "waiting" and not missing_funders(item, every):
            place = key if item.entry.new_minor is None else f"unit {item.entry.unit}"
            ready.setdefault(place, item)
    return list(ready.values())


def _ruling_pair(
    item: Item, verdict: str, who: str, at: datetime, reason: str
) -> tuple[str, Entry]:
    return f"approval:{item.key}", _about(item, "approval", verdict, who, at, reason)


def cancel_pair(item: Item, who: str, at: datetime, why: str) -> tuple[str, Entry]:
    """Key and entry that take an item away without anybody having said no to it."""
    return f"cancel:{item.key}", _about(item, "approval", "cancelled", who, at, why)


def _approval_pair(item: Item, who: str, at: datetime, override: str) -> tuple[str, Entry]:
    """What was overridden is said beside the reason."""
    key, entry = _ruling_pair(item, "approved", who, at, override.strip())
    if item.state != "expired":
        return key, replace(entry, rationale="")
    return key, replace(entry, payload=dict(entry.payload) | {"override": item.why})


def _is_order(entry: Entry) -> bool:
    """Whether approving it asks a platform for something: a budget, or a pause."""
    return entry.new_minor is not None or entry.payload.get("action") == "pause"


def _change_pair(reading: Snapshot, item: Item, who: str, at: datetime) -> tuple[str, Entry]:
    change = _about(item, CHANGE, "approved", who, at, item.entry.rationale)
    # Who approved is there.
    payload: dict[str, Any] = {"item": item.key, "approval": f"approval:{item.key}"}
    starts = starts_before(reading, item.entry.unit, item.entry.old_minor)
    if starts:
        payload[STARTS] = starts
    if "action" in item.entry.payload:
        payload["action"] = item.entry.payload["action"]
    return f"change:{item.key}", replace(change, payload=payload)


def _about(item: Item, kind: str, verdict: str, who: str, at: datetime, why: str) -> Entry:
    """Build an entry that says of which item it is; amounts, rule and hashes stay the item's."""
    return replace(
        item.entry,
        kind=kind,
        verdict=verdict,
        who=who,
        at=at,
        rationale=why,
        payload={"item": item.key},
    )


def _replayed(ruling: Kept) -> Receipt:
    return Receipt(status="replayed", sequence=ruling.sequence, hash=ruling.hash, key=ruling.key)
