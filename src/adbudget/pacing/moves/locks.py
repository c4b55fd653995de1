"""Deals that a person keeps as they are. Reads and writes the ledger; knows no moves.

A lock holds until it is lifted. Whoever locks a deal also rejects what waits for approval about
it, so that no approval given later can move it.
"""

from datetime import datetime
from typing import TYPE_CHECKING

from adbudget.errors import InputError
from adbudget.ledger.entry import Entry, Receipt
from adbudget.pacing.moves.move_entries import RULE

if TYPE_CHECKING:
    from adbudget.ledger.store import Ledger

LOCK = "lock"


def locked_deals(ledger: "Ledger") -> frozenset[str]:
    """Deals whose last lock entry locks them."""
    entries = ledger.entries(kind=LOCK)
    last = dict(zip(entries["unit"], entries["payload"], strict=True))
    return frozenset(deal for deal, payload in last.items() if payload["locked"])


def lock_deal(
    ledger: "Ledger", deal: str, *, who: str, at: datetime, reason: str
) -> tuple[Receipt, ...]:
    """Keep the budget of a deal as it is, from now on.

    Parameters
    ----------
    ledger : from :func:`adbudget.open_ledger`
    deal : its name
    who, at : the person, and the instant with a time zone
    reason : one sentence; never empty

    Returns
    -------
    Receipts of the lock and of the rejections of what waited about the deal

    Raises
    ------
    InputError : no deal or no reason, or ``who`` is not who the policy's ``identity`` asks for
    """
    receipt = _write(ledger, deal, locked=True, who=who, at=at, reason=reason)
    pending = ledger.pending()
    about = pending[(pending["unit"] == deal) & (pending["rule"] == RULE)]
    receipts = [receipt]
    for group in dict.fromkeys(about["group_id"]):
        why = f"{deal} is locked: {reason}"
        receipts += ledger.reject(group, who=who, at=at, reason=why).receipts
    return tuple(receipts)


def unlock_deal(ledger: "Ledger", deal: str, *, who: str, at: datetime, reason: str) -> Receipt:
    """Let the budget of a deal move again. Parameters and errors as :func:`lock_deal`."""
    return _write(ledger, deal, locked=False, who=who, at=at, reason=reason)


def _write(
    ledger: "Ledger", deal: str, *, locked: bool, who: str, at: datetime, reason: str
) -> Receipt:
    for name, text in (("deal", deal), ("reason", reason)):
        if not text.strip():
            raise InputError(f"{name} must not be empty; say which deal, and why.")
    ledger.check_person(who, unit=deal)
    word = "lock" if locked else "unlock"
    entry = Entry(
        kind=LOCK, at=at, who=who, unit=deal, rationale=reason, payload={"locked": locked}
    )
    return ledger.append(entry, key=f"{word}:{deal}:{entry.at.isoformat()}")
