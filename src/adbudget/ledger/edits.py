"""A person's own amounts in the place of what waits -> proposals of their own, which wait in turn.

What is edited is taken away with the reason, all of its linked group with it, and the whole group
is proposed again with the new amounts, so that it still stands or falls together.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from adbudget.errors import InputError, LedgerConflictError
from adbudget.ledger.append import append_pairs, funded_by
from adbudget.ledger.approvals import cancel_pair, check_word, find_items
from adbudget.ledger.entry import EDITS, PROPOSED_BY, Entry, Receipt, digest
from adbudget.ledger.items import Item, items
from adbudget.ledger.reading import Snapshot
from adbudget.money import money_text

Check = Callable[[list[tuple[str, Entry]]], Iterable[str]]


def edit(
    connection: Connection,
    item_id: str,
    budgets: Mapping[str, int],
    *,
    who: str,
    at: datetime,
    reason: str,
    check: Check | None = None,
    override: str = "",
) -> list[Receipt]:
    """Put other amounts in the place of those that wait; the caller holds the lock.

    Parameters
    ----------
    item_id : key or number of an item, or its group
    budgets : unit -> minor units per day
    who, at, reason : the person, the instant with a time zone, and one sentence
    check : gets the new proposals and says which limits they would break
    override : why limits may be broken, or the total raised; it is logged

    Raises
    ------
    InputError : a unit that does not wait there, no reason, or an instant before the proposal
    LedgerConflictError : it no longer waits, or a limit would be broken and nothing overrides it
    """
    if not reason.strip():
        raise InputError("reason must say why other amounts are right; got an empty text.")
    reading = Snapshot(connection=connection)
    every = items(reading, named=item_id, at=at)
    chosen = _whole_group(every, find_items(every, item_id))
    for item in chosen:
        check_word(reading, item, who, at)
        if item.state != "pending":
            raise LedgerConflictError(
                f"{item.key!r} is {item.state} and cannot be edited"
                f"{f': {item.why}' if item.why else ''}. Edit what a later run proposes. This "
                "cannot be overridden."
            )
    _check_units(chosen, budgets)
    pairs = _proposals(chosen, budgets, who=who, at=at, reason=reason, override=override)
    found = [*_more_money(chosen, pairs), *(check(pairs) if check is not None else ())]
    if found and not override.strip():
        raise LedgerConflictError(
            f"{'; '.join(found)}. Give other amounts; or a person overrides this with a reason "
            "(--override TEXT), which is logged."
        )
    gone = [cancel_pair(item, who, at, f"edited: {reason}") for item in chosen]
    return append_pairs(connection, [*gone, *pairs])


def _whole_group(every: Mapping[str, Item], chosen: list[Item]) -> list[Item]:
    """What hangs together is edited together."""
    groups = {item.entry.group_id for item in chosen} - {""}
    members = [item for item in every.values() if item.entry.group_id in groups]
    alone = [item for item in chosen if not item.entry.group_id]
    return [item for item in (*members, *alone) if item.ruling is None or item in chosen]


def _check_units(chosen: list[Item], budgets: Mapping[str, int]) -> None:
    known = {item.entry.unit for item in chosen if item.entry.new_minor is not None}
    unknown = sorted(set(budgets) - known)
    if unknown or not budgets:
        raise InputError(
            f"{', '.join(unknown) or 'no unit'} has no budget that waits there; expected some of "
            f"{', '.join(sorted(known))}."
        )
    for unit, minor in budgets.items():
        if minor < 0:
            raise InputError(f"the budget of {unit} must be 0 or more; got {minor} minor units.")


def _proposals(
    chosen: list[Item],
    budgets: Mapping[str, int],
    *,
    who: str,
    at: datetime,
    reason: str,
    override: str,
) -> list[tuple[str, Entry]]:
    name = digest([[item.key for item in chosen], dict(budgets), who, at.isoformat()])[:12]
    keys = {item.key: f"edit:{name}:{number}" for number, item in enumerate(chosen, 1)}
    pairs = []
    for item in chosen:
        entry = item.entry
        funders = [keys.get(key, key) for key in funded_by(entry, item.key)]
        payload = dict(entry.payload) | {EDITS: item.key, "funded_by": funders}
        if PROPOSED_BY in payload:
            payload[PROPOSED_BY] = who
        if override.strip():
            payload["override"] = override.strip()
        edited = replace(
            entry,
            at=at,
            who=who,
            new_minor=budgets.get(entry.unit, entry.new_minor),
            rationale=f"Set by {who}: {reason}" if entry.unit in budgets else entry.rationale,
            group_id=f"edit-{name}" if entry.group_id else "",
            payload=payload,
        )
        pairs.append((keys[item.key], edited))
    return pairs


def _more_money(chosen: list[Item], pairs: list[tuple[str, Entry]]) -> list[str]:
    """What the edited amounts would add to the plan's total."""
    before = sum(item.entry.new_minor or 0 for item in chosen)
    after = sum(entry.new_minor or 0 for _, entry in pairs)
    if after <= before:
        return []
    more = money_text(after - before, chosen[0].entry.currency)
    return [f"the amounts add {more} to what the plan spends"]
