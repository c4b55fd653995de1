"""A person's word on moves -> the ledger: approve, reject, or other amounts with a reason.

Moves that share a deal stand or fall together, so every word is about a whole group and totals
stay exact. Which budgets hold now is read here too. Computes no moves.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from adbudget.errors import InputError, KillSwitchError, LedgerConflictError, LedgerError
from adbudget.ledger.entry import CHANGE, NEEDS_APPROVAL, Entry, digest
from adbudget.money import money_text
from adbudget.pacing.booked.flight import FlightPlan
from adbudget.pacing.delivery.scopes import in_scope, named_deals
from adbudget.pacing.moves.locks import locked_deals
from adbudget.pacing.moves.move_entries import FLIGHT, RULE
from adbudget.tables.messages import Note

if TYPE_CHECKING:
    from adbudget.ledger.approvals import Ruling
    from adbudget.ledger.store import Ledger


def budgets_now(plan: FlightPlan, ledger: "Ledger") -> FlightPlan:
    """Plan with the budgets that hold after the changes in the ledger.

    A plan table is often older than the last move. A budget that the ledger has seen before is
    replaced by the last one it holds; one it has never seen is a new booking, which stands.

    Parameters
    ----------
    plan : as read
    ledger : as it is before the run

    Returns
    -------
    The same plan with other budgets, and a note for every deal whose budget is another
    """
    seen, place = moved_budgets(plan, ledger), plan.place
    budget, notes = plan.budget_minor.copy(), list(plan.notes)
    for deal, amounts in seen.items():
        i = place[deal]
        booked, last = int(budget[i]), amounts[-1]
        if booked == last:
            continue
        told = f"{deal}: the plan says {money_text(booked, plan.currency[i])} and the ledger "
        told += f"{money_text(last, plan.currency[i])} after its last move"
        if booked in amounts:
            budget[i] = last
            notes.append(Note(kind="moved_budget", message=f"{told}, which holds."))
        else:
            notes.append(Note(kind="new_booking", message=f"{told}; taken as a new booking."))
    return replace(plan, budget_minor=budget, notes=tuple(notes))


def moved_budgets(plan: FlightPlan, ledger: "Ledger") -> dict[str, list[int]]:
    """Deal -> budgets before and after every change in the ledger, minor units, oldest first."""
    changes = ledger.entries(kind=CHANGE)
    seen: dict[str, list[int]] = {}
    place = plan.place
    for unit, old, new, payload in zip(
        changes["unit"], changes["old_minor"], changes["new_minor"], changes["payload"], strict=True
    ):
        if unit in place and is_of_flight(payload):
            seen.setdefault(unit, []).extend((int(old), int(new)))
    return seen


def approve_item(
    ledger: "Ledger", item_id: str, *, who: str, at: datetime, override: str = ""
) -> "Ruling":
    """Approve whatever waits: moves as :func:`approve_moves` does, anything else as the ledger.

    Parameters
    ----------
    ledger : from :func:`adbudget.open_ledger`
    item_id : key or number of what waits, or its group
    who, at : the person, and the instant with a time zone
    override : why something that has expired is approved all the same

    Raises
    ------
    LedgerError, LedgerConflictError, KillSwitchError : as :func:`approve_moves`
    """
    if _found(_groups(ledger), item_id) is not None:
        return approve_moves(ledger, item_id, who=who, at=at)
    return ledger.approve(item_id, who=who, at=at, override=override)


def approve_moves(ledger: "Ledger", group_id: str, *, who: str, at: datetime) -> "Ruling":
    """Approve a linked group of moves; its changes are written at once.

    Parameters
    ----------
    ledger : from :func:`adbudget.open_ledger`
    group_id : of the moves, or the key or number of any of their entries
    who, at : the person, and the instant with a time zone

    Raises
    ------
    LedgerError : nothing of this name waits
    LedgerConflictError : somebody has ruled otherwise, a budget has changed since, a deal of the
        group is locked, or a later run proposes something else for it
    KillSwitchError : the kill switch is on
    """
    name, deals = _group(ledger, group_id)
    locked = sorted(deals & locked_deals(ledger))
    if locked:
        raise LedgerConflictError(
            f"{', '.join(locked)} is locked, so the moves {group_id!r} cannot be approved. Unlock "
            "it, or reject the moves. This cannot be overridden."
        )
    about = [
        str(item["group_id"])
        for item in ledger.pending().to_dict("records")
        if item["rule"] == RULE and item["unit"] in deals
    ]
    newest = about[-1] if about else name
    if newest != name:
        raise LedgerConflictError(
            f"a later run proposes other moves of the same deals, {newest!r}, so {name!r} is out "
            "of date. Approve the later ones, or reject them first. This cannot be overridden."
        )
    return ledger.approve(name, who=who, at=at)


def reject_item(ledger: "Ledger", item_id: str, *, who: str, at: datetime, reason: str) -> "Ruling":
    """Reject whatever waits: moves by their whole group, anything else as the ledger does.

    Parameters and errors as :func:`approve_item`.
    """
    if _found(_groups(ledger), item_id) is not None:
        return reject_moves(ledger, item_id, who=who, at=at, reason=reason)
    return ledger.reject(item_id, who=who, at=at, reason=reason)


def reject_moves(
    ledger: "Ledger", group_id: str, *, who: str, at: datetime, reason: str
) -> "Ruling":
    """Reject a linked group of moves. Parameters and errors as :func:`approve_moves`."""
    name, _ = _group(ledger, group_id)
    return ledger.reject(name, who=who, at=at, reason=reason)


def override_moves(
    ledger: "Ledger",
    group_id: str,
    budgets: Mapping[str, Decimal | int],
    plan: FlightPlan,
    *,
    who: str,
    at: datetime,
    reason: str,
) -> "Ruling":
    """Put a person's own budgets in the place of proposed moves.

    The proposal is rejected with the reason, and the person's budgets are written as a proposal
    of their own that the same person approves. The same call again writes nothing new.

    Parameters
    ----------
    ledger, group_id, who, at : as in :func:`approve_moves`
    budgets : deal -> budget for the whole flight, in units of the currency. They must add up to
        what these deals hold now
    plan : for the bounds of deals, sellers and channels, which hold for people too
    reason : one sentence; never empty

    Raises
    ------
    InputError : no reason, a deal that is unknown or locked, a total that differs, or a bound that
        is broken; names the deals and amounts
    LedgerError, LedgerConflictError, KillSwitchError : as :func:`approve_moves`
    """
    if not reason.strip():
        raise InputError("reason must say why other budgets are right; got an empty text.")
    name, _ = _group(ledger, group_id)
    plan = in_scope(plan, ledger)
    budgets = named_deals(plan, budgets)
    own = f"{name}:override:{digest({deal: str(budgets[deal]) for deal in budgets})[:12]}"
    pairs = []
    if own not in _groups(ledger):  # otherwise the same call was made before
        now = budgets_now(plan, ledger)
        new = _checked(now, budgets, locked_deals(ledger))
        pairs = _own_pairs(now, new, own, overridden=name, who=who, at=at, reason=reason)
    switch = ledger.kill_state()
    if switch.on:
        raise KillSwitchError(
            f"the kill switch is on ({switch.reason}), so {name!r} was not overridden."
        )
    ledger.reject(name, who=who, at=at, reason=f"overridden: {reason}")
    ledger.append_many(pairs)
    return ledger.approve(own, who=who, at=at)


def _own_pairs(
    now: FlightPlan,
    new: Mapping[int, int],
    own: str,
    *,
    overridden: str,
    who: str,
    at: datetime,
    reason: str,
) -> list[tuple[str, Entry]]:
    """Proposals of a person: raises are funded by all cuts."""
    change = {i: minor - int(now.budget_minor[i]) for i, minor in new.items()}
    moved = {i: by for i, by in change.items() if by}
    if not moved:
        raise InputError(
            f"budgets are those that hold already; to keep them, reject {overridden!r} instead."
        )
    cuts = [f"{own}:{now.deals[i]}" for i, by in moved.items() if by < 0]
    about = {"overrides": overridden}
    return [
        (
            f"{own}:{now.deals[i]}",
            Entry(
                kind="recommendation",
                at=at,
                who=who,
                unit=now.deals[i],
                currency=now.currency[i],
                old_minor=int(now.budget_minor[i]),
                new_minor=new[i],
                verdict=NEEDS_APPROVAL,
                rule=RULE,
                rationale=f"Set by {who} in place of {overridden}: {reason}",
                group_id=own,
                payload=FLIGHT
                | {"campaign": now.campaign[i], "funded_by": cuts if by > 0 else []}
                | about,
            ),
        )
        for i, by in moved.items()
    ]


def _group(ledger: "Ledger", group_id: str) -> tuple[str, frozenset[str]]:
    """Name of a group and its deals, by its name or by one of its entries."""
    groups = _groups(ledger)
    name = _found(groups, group_id)
    if name is not None:
        return name, frozenset(groups[name].values())
    waiting = list(dict.fromkeys(ledger.pending()["group_id"]))
    raise LedgerError(
        f"no moves called {group_id!r} were proposed. Waiting: "
        f"{', '.join(map(str, waiting[:5])) or 'nothing'}."
    )


def _found(groups: dict[str, dict[str, str]], item_id: str) -> str | None:
    """Name of the group that is called so, or one of whose entries is."""
    return next(
        (name for name, deals in groups.items() if item_id == name or item_id in deals), None
    )


def _groups(ledger: "Ledger") -> dict[str, dict[str, str]]:
    """Group -> key and number of each entry -> its deal, of all moves ever proposed."""
    groups: dict[str, dict[str, str]] = {}
    for entry in ledger.entries(kind="recommendation", rule=RULE).to_dict("records"):
        ours = entry["payload"].get("budget") == FLIGHT["budget"]  # a policy may name a rule so
        if ours and entry["verdict"] == NEEDS_APPROVAL and entry["group_id"]:
            of_group = groups.setdefault(entry["group_id"], {})
            of_group[entry["key"]] = of_group[str(entry["sequence"])] = entry["unit"]
    return groups


def is_of_flight(payload: Mapping) -> bool:
    """Whether the amounts of a change are of a flight; a change by approval names its item."""
    if payload.get("budget") == FLIGHT["budget"]:
        return True
    return str(payload.get("item", "")).startswith(("move:", "moves:"))


def _checked(
    now: FlightPlan, budgets: Mapping[str, Decimal | int], locked: frozenset[str]
) -> dict[int, int]:
    """Position -> new budget in minor units, or an InputError."""
    new: dict[int, int] = {}
    place = now.place
    for deal, amount in budgets.items():
        i = place.get(deal)
        if i is None:
            raise InputError(f"budgets names {deal!r}, which is no deal of the plan.")
        minor = Decimal(str(amount)).scaleb(int(now.exponent[i]))
        if not minor.is_finite() or minor < 0 or minor != minor.to_integral_value():
            raise InputError(
                f"the budget of {deal} must be 0 or more, in whole minor units; got {amount}."
            )
        new[i] = int(minor)
        if new[i] != now.budget_minor[i] and (now.locked[i] or deal in locked):
            raise InputError(f"{deal} is locked, so its budget stays; unlock it first.")
        if not now.minimum_minor[i] <= new[i] <= now.maximum_minor[i]:
            raise InputError(
                f"the budget of {deal} must be between its minimum and its maximum, "
                f"{money_text(now.minimum_minor[i], now.currency[i])} and "
                f"{money_text(now.maximum_minor[i], now.currency[i])}; got {amount}."
            )
    _check_totals(now, new)
    return new


def _check_totals(now: FlightPlan, new: Mapping[int, int]) -> None:
    """Campaigns keep their money, and sellers and channels their bounds."""
    after = now.budget_minor.copy()
    for i, minor in new.items():
        after[i] = minor
    for campaign in dict.fromkeys(now.campaign[list(new)]):
        of_campaign = now.campaign == campaign
        gap = int((after - now.budget_minor)[of_campaign].sum())
        if gap:
            code = now.currency[np.flatnonzero(of_campaign)[0]]
            raise InputError(
                f"budgets must keep the total of campaign {campaign}; they change it by "
                f"{money_text(gap, str(code))}. Name every deal that gives or gets."
            )
    for limit in now.limits:
        inside = (now.campaign == limit.campaign) & (now.names(limit.level) == limit.name)
        held, before = int(after[inside].sum()), int(now.budget_minor[inside].sum())
        breaks = held > max(limit.maximum_minor, before) or held < min(limit.minimum_minor, before)
        if breaks:
            code = str(now.currency[np.flatnonzero(inside)[0]])
            least, most = (
                money_text(bound, code) for bound in (limit.minimum_minor, limit.maximum_minor)
            )
            raise InputError(
                f"{limit.level} {limit.name} of campaign {limit.campaign} would hold "
                f"{money_text(held, code)}; its bounds are {least} to {most}."
            )
