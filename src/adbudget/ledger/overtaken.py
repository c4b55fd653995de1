"""An item and what was written after it -> whether it still stands. Writes nothing.

A plan is of the budgets it was made on and of the run that made it. It no longer stands once a
change was ordered or another budget was seen, or once a later run has judged the unit again.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, func

from adbudget.ledger.entry import CHANGE, CONFIRMATION, EDITS, OBSERVATION, REPEATS, Entry, at_text
from adbudget.ledger.reading import Kept, Snapshot
from adbudget.ledger.schema import ENTRY
from adbudget.money import money_text

JUDGED = ("recommendation", "measurement")  # what a run writes of every unit it has looked at
MOST_NAMED = 500  # units that a query names one by one; of more, all are read
PERSON = "rollback"  # rule of proposals that a person, not a run, has asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """What the ledger holds of one unit from some entry on.

    Attributes
    ----------
    change, seen : sequence and row of the last change, and of the last budget that was seen
    judged : rows of the last entry of every later run, newest last
    """

    change: Row | None = None
    seen: Row | None = None
    judged: tuple[Row, ...] = ()


def later_entries(reading: Snapshot, items: Iterable[Kept]) -> dict[str, Later]:
    """Unit -> what was written of it after the first of the items."""
    items = [item for item in items if item.entry.unit]
    if not items:
        return {}
    first = min(item.sequence for item in items)
    units = {item.entry.unit for item in items}
    own = [ENTRY.c.unit.in_(sorted(units))] if len(units) <= MOST_NAMED else []
    change = _last(reading, first, [CHANGE], *own)
    said = ENTRY.c.verdict.in_(["confirmed", ""])
    seen = _last(reading, first, [CONFIRMATION, OBSERVATION], said, *own)
    judged: dict[str, list[Row]] = {}
    for row in _last_of_runs(reading, first, *own):
        judged.setdefault(row.unit, []).append(row)
    return {
        unit: Later(
            change=change.get(unit), seen=seen.get(unit), judged=tuple(judged.get(unit, ()))
        )
        for unit in units
    }


def overtaken(item: Kept, later: Later) -> tuple[str, str]:
    """("outdated" or "superseded", why), or ("", "") for an item that stands."""
    entry = item.entry
    if entry.new_minor is not None:
        for row, word in ((later.change, "set to"), (later.seen, "seen at")):
            if row is None or row.sequence <= item.sequence:
                continue
            if row is later.change or row.new_minor != entry.old_minor:
                budget = money_text(row.new_minor, row.currency)
                return "outdated", f"the budget was {word} {budget} on {_when(row)}"
    of_person = entry.rule == PERSON or EDITS in entry.payload
    if entry.kind not in JUDGED or not entry.run_id or of_person:
        return "", ""
    for row in reversed(later.judged):
        newer = row.sequence > item.sequence and row.at >= at_text(entry.at)
        if not newer or row.run_id == entry.run_id:
            continue
        payload = json.loads(row.payload)
        if item.key in payload.get(REPEATS, ()) or not _same_kind(entry, row.kind, payload):
            continue
        if entry.new_minor is not None and row.old_minor not in (None, entry.old_minor):
            budget = money_text(row.old_minor, row.currency)
            return "outdated", f"the budget was seen at {budget} on {_when(row)}"
        return "superseded", f"a later run, of {_when(row)}, has judged it again"
    return "", ""


def _last(reading: Snapshot, first: int, kinds: list[str], *where: Any) -> dict[str, Row]:
    """Unit -> its newest entry of these kinds that names a budget."""
    conditions = [ENTRY.c.kind.in_(kinds), ENTRY.c.sequence > first, *where]
    conditions.append(ENTRY.c.new_minor.is_not(None))
    newest = reading.select(func.max(ENTRY.c.sequence), where=conditions).group_by(ENTRY.c.unit)
    return {row.unit: row for row in reading.rows(ENTRY.c.sequence.in_(newest.scalar_subquery()))}


def _last_of_runs(reading: Snapshot, first: int, *where: Any) -> list[Row]:
    """First entry of every later run about every unit: its old amount is the budget it found."""
    conditions = [
        ENTRY.c.kind.in_(JUDGED),
        ENTRY.c.sequence > first,
        ENTRY.c.run_id != "",
        ENTRY.c.rule != PERSON,
        *where,
    ]
    of_runs = reading.select(func.min(ENTRY.c.sequence), where=conditions)
    of_runs = of_runs.group_by(ENTRY.c.unit, ENTRY.c.run_id)
    return list(reading.rows(ENTRY.c.sequence.in_(of_runs.scalar_subquery())))


def _same_kind(entry: Entry, kind: str, payload: dict[str, Any]) -> bool:
    """Whether both are about campaigns of a policy, or both about deals of a flight plan.

    A channel or a seller is measured too, and may be called like either.
    """
    of_deal = "budget" in entry.payload
    if kind == "measurement":
        return of_deal and payload.get("level") == "deal"
    return of_deal is ("budget" in payload)


def _when(row: Row) -> str:
    return f"{row.at[:16].replace('T', ' ')} UTC"
