"""The changes of the ledger -> which were made, and which are still to be made. Makes none.

A change is an order: it says what a budget shall be. It counts as made when a platform, a table or
a person says so, in an entry of kind "confirmation". The last change of a unit takes the place of
those before it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from sqlalchemy import func

from adbudget.errors import InputError, LedgerError
from adbudget.ledger.entry import CHANGE, CONFIRMATION, OBSERVATION, STARTS, Entry
from adbudget.ledger.reading import Kept, Snapshot
from adbudget.ledger.schema import ENTRY

Step = Literal["sent", "confirmed", "withdrawn"]
PREFIX: dict[str, str] = {"sent": "sent", "confirmed": "confirm", "withdrawn": "withdraw"}
PAUSE = '"action":"pause"'  # how a payload says it; quotes inside a text are escaped
SETTLED: tuple[Step, ...] = ("confirmed", "withdrawn")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenChange:
    """The last change of a unit, which nobody has confirmed yet.

    Attributes
    ----------
    kept : the change in its place
    sent : its entry of being sent; None when nobody said so
    """

    kept: Kept
    sent: Kept | None = None

    @property
    def starts(self) -> tuple[int, ...]:
        """Budgets before it, minor units, that the unit may still have besides the stated one.

        It was based on a change that nobody had confirmed, which may not have been made.
        """
        return tuple(self.kept.entry.payload.get(STARTS, ()))

    @property
    def pauses(self) -> bool:
        """Whether it pauses the unit instead of changing its budget."""
        return self.kept.entry.payload.get("action") == "pause"


def last_changes(reading: Snapshot) -> list[Kept]:
    """Last change of the budget of every unit, and its last pause, in ledger order."""
    newest = reading.select(func.max(ENTRY.c.sequence), where=[ENTRY.c.kind == CHANGE])
    newest = newest.group_by(ENTRY.c.unit, ENTRY.c.payload.contains(PAUSE, autoescape=True))
    return reading.kept(ENTRY.c.sequence.in_(newest.scalar_subquery()))


def open_changes(reading: Snapshot) -> tuple[OpenChange, ...]:
    """Last changes that are neither confirmed nor withdrawn, in ledger order."""
    last = last_changes(reading)
    names = [f"{prefix}:{each.key}" for each in last for prefix in PREFIX.values()]
    said = reading.by_key(names)
    return tuple(
        OpenChange(kept=kept, sent=said.get(f"sent:{kept.key}"))
        for kept in last
        if not any(f"{PREFIX[step]}:{kept.key}" in said for step in SETTLED)
    )


def starts_before(reading: Snapshot, unit: str, old_minor: int | None) -> list[int]:
    """Budgets a unit may still have while the change that was to make ``old_minor`` is open."""
    own = [ENTRY.c.unit == unit, ENTRY.c.new_minor.is_not(None)]
    last = reading.last(ENTRY.c.kind == CHANGE, *own)
    if last is None or last.entry.new_minor != old_minor or last.entry.old_minor is None:
        return []
    names = [f"{PREFIX[step]}:{last.key}" for step in SETTLED]
    if reading.by_key(names):
        return []
    return sorted({last.entry.old_minor, *OpenChange(kept=last).starts} - {old_minor})


def known_budgets(reading: Snapshot) -> dict[str, Kept]:
    """Unit -> the newest entry that says what its budget is, not what it shall be."""
    where = [ENTRY.c.kind.in_([CONFIRMATION, OBSERVATION]), ENTRY.c.new_minor.is_not(None)]
    where.append(ENTRY.c.verdict.in_(["confirmed", ""]))
    newest = reading.select(func.max(ENTRY.c.sequence), where=where).group_by(ENTRY.c.unit)
    kept = reading.kept(ENTRY.c.sequence.in_(newest.scalar_subquery()))
    return {each.entry.unit: each for each in kept}


def step_pair(
    change: Kept,
    step: Step,
    *,
    who: str,
    at: datetime,
    why: str = "",
    budget_minor: int | None = None,
) -> tuple[str, Entry]:
    """Key and entry that say what became of a change.

    Parameters
    ----------
    change : in its place
    step : "sent" to the platform, "confirmed" by it, or "withdrawn": never made
    who, at : the person or program, and the instant with a time zone
    why : one sentence
    budget_minor : what the platform made of it, when that is another amount
    """
    entry = replace(
        change.entry,
        kind=CONFIRMATION,
        at=at,
        who=who,
        verdict=step,
        rationale=why,
        payload={"change": change.key},
    )
    if budget_minor is not None:
        entry = replace(entry, new_minor=budget_minor)
    return f"{PREFIX[step]}:{change.key}", entry


def find_changes(reading: Snapshot, names: Iterable[str]) -> list[OpenChange]:
    """Open changes by key, number, item, group, run or unit.

    Raises
    ------
    LedgerError : nothing open is called so
    """
    names = list(names)
    by_key = _open_by_key(reading, names)
    if by_key is not None:
        return by_key
    every = open_changes(reading)
    found: dict[str, OpenChange] = {}
    for name in names:
        chosen = [each for each in every if name and name in _names_of(each.kept)]
        if not chosen:
            waiting = ", ".join(str(each.kept.sequence) for each in every[:5])
            raise LedgerError(
                f"no change called {name!r} is to be confirmed: it was confirmed or withdrawn, or "
                f"a later one has taken its place. To be confirmed: {waiting or 'nothing'}."
            )
        found |= {each.kept.key: each for each in chosen}
    return list(found.values())


def _open_by_key(reading: Snapshot, names: Sequence[str]) -> list[OpenChange] | None:
    """The open changes with these keys; None where one is no key of an open change.

    Whoever makes a thousand changes names each by its key, and does not want all of them read.
    """
    kept = reading.by_key(dict.fromkeys(names))
    said = reading.by_key(f"{prefix}:{name}" for name in kept for prefix in PREFIX.values())
    for name in names:
        if name not in kept or kept[name].entry.kind != CHANGE:
            return None
        pauses = ENTRY.c.payload.contains(PAUSE, autoescape=True)
        is_pause = kept[name].entry.payload.get("action") == "pause"
        later = reading.last(
            ENTRY.c.unit == kept[name].entry.unit,
            ENTRY.c.sequence > kept[name].sequence,
            ENTRY.c.kind == CHANGE,
            pauses if is_pause else ~pauses,
        )
        if later is not None or any(f"{PREFIX[step]}:{name}" in said for step in SETTLED):
            return None
    return [OpenChange(kept=one, sent=said.get(f"sent:{name}")) for name, one in kept.items()]


def _names_of(kept: Kept) -> tuple[str, ...]:
    entry = kept.entry
    item = str(entry.payload.get("item", ""))
    return (kept.key, str(kept.sequence), item, entry.group_id, entry.run_id, entry.unit)


def check_instant(change: Kept, at: datetime) -> None:
    """Refuse a word on a change that is dated before it.

    Raises
    ------
    InputError : it is
    """
    if at < change.entry.at:
        raise InputError(
            f"at ({at:%Y-%m-%d %H:%M %Z}) is before the change {change.key!r} itself, of "
            f"{change.entry.at:%Y-%m-%d %H:%M} UTC. Give the instant at which it was made."
        )
