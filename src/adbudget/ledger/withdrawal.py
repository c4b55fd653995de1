"""Items whose proposer takes them back -> cancelled, all in one go. Knows nothing of why."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from adbudget.ledger.append import append_pairs
from adbudget.ledger.entry import Receipt
from adbudget.ledger.items import items
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
    every = items(Snapshot(connection=connection))
    pairs = [
        (
            f"cancel:{key}",
            replace(
                every[key].entry,
                kind="approval",
                verdict="cancelled",
                who=who,
                at=at,
                rationale=why,
                payload={"item": key},
            ),
        )
        for key, why in reasons.items()
        if key in every and every[key].ruling is None
    ]
    return append_pairs(connection, pairs)
