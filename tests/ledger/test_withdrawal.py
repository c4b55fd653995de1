"""Items that their proposer takes back."""

from datetime import UTC, datetime

from adbudget import open_ledger
from adbudget.ledger.entry import Entry

AT = datetime(2026, 3, 1, tzinfo=UTC)


def waiting(unit: str) -> tuple[str, Entry]:
    entry = Entry(kind="request", at=AT, who="pace", unit=unit, verdict="needs_approval")
    return f"item:{unit}", entry


def test_items_are_taken_back_all_at_once_and_ruled_ones_are_left_alone():
    with open_ledger(":memory:") as ledger:
        ledger.append_many([waiting(unit) for unit in "abc"])
        ledger.approve("item:a", who="Ann", at=AT)
        reasons = dict.fromkeys(("item:a", "item:b", "item:nobody"), "no longer asked for")
        receipts = ledger.withdraw(reasons, who="pace", at=AT)
        assert [receipt.key for receipt in receipts] == ["cancel:item:b"]
        assert ledger.pending()["item"].tolist() == ["item:c"]
        assert ledger.withdraw(reasons, who="pace", at=AT) == []
        assert ledger.withdraw({}, who="pace", at=AT) == []
        assert ledger.verify().ok
