"""Items whose proposer takes them back -> cancelled, all in one go. Knows nothing of why."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from adbudget.ledger.append import append_pairs
from adbudget.ledger.entry import NEEDS_APPROVAL, Receipt
from adbudget.ledger.reading import Snapshot


def withdraw(
    connection: Connection, reasons: Mapping[str, str], *, who: str, at: datetime
) -> list[Receipt]:
    """Cancel items nobody has ruled on; the caller holds the lock.

    Parameters
    ----------
    connection : inside a writing transaction
    reasons : key of an item -> one sentence; keys that wait for nothing are left alone
    who, at : who takes them back, and when
    """
    reading = Snapshot(connection=connection)
    words = (f"{prefix}:{key}" for prefix in ("approval", "cancel") for key in reasons)
    ruled = {str(word.entry.payload["item"]) for word in reading.by_key(words).values()}
    named = reading.by_key(reasons)
    pairs = [
        (
            f"cancel:{key}",
            replace(
                named[key].entry,
                kind="approval",
                verdict="cancelled",
                who=who,
                at=at,
                rationale=why,
                payload={"item": key},
            ),
        )
        for key, why in reasons.items()
        if key in named and named[key].entry.verdict == NEEDS_APPROVAL and key not in ruled
    ]
    return append_pairs(connection, pairs)
