"""Entries written by hand for the tests of the ledger."""

from datetime import UTC, datetime, timedelta

from adbudget.ledger import Entry

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def entry(kind: str = "recommendation", **facts) -> Entry:
    return Entry(**({"kind": kind, "at": AT, "who": "adbudget"} | facts))


def move(unit: str, old: int, new: int, *, verdict: str = "needs_approval", **facts) -> Entry:
    """A proposed budget, in cents."""
    facts = {"currency": "EUR", "group_id": "group-1", "run_id": "run-1"} | facts
    return entry(unit=unit, old_minor=old, new_minor=new, verdict=verdict, **facts)


def change(unit: str, old: int, new: int, *, hours: float = 0, **facts) -> Entry:
    """A budget that was changed, so many hours after AT."""
    facts = {"kind": "change", "at": AT + timedelta(hours=hours)} | facts
    return move(unit, old, new, **{"verdict": "auto"} | facts)
