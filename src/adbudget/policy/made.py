"""Readings + what the ledger ordered and saw -> which changes were made, which budgets drifted.

A change that a table shows is confirmed by it. One that it does not show yet is waited for as long
as an approval would stand; then it counts as never made. Any other budget is somebody else's doing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from adbudget.ledger.entry import OBSERVATION, Entry
from adbudget.money import digits_of, exact, exact_text, in_digits
from adbudget.policy.readings.readings import Readings
from adbudget.tables.messages import Note
from adbudget.tables.units import key_part

if TYPE_CHECKING:
    from adbudget.ledger.store import Ledger

WHO = "adbudget rules"
NOT_IN_TIME = "the table does not show it in time"  # why a change is withdrawn
OVERWRITTEN = "the table shows another budget"
MOST_NAMED = 3  # campaigns in one note


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """A change that nobody has confirmed. Money is minor units, as the readings count them.

    Attributes
    ----------
    key : of the change
    unit : campaign
    old_minor, new_minor : budget before and after; None for a pause without a budget
    pauses : it pauses the campaign and leaves its budget alone
    at : when it was ordered
    starts : budgets the campaign may have instead of ``old_minor``: the order before this one was
        not made yet
    """

    key: str
    unit: str
    old_minor: int | None
    new_minor: int | None
    pauses: bool
    at: datetime
    starts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """A budget that is not what the ledger thought.

    Attributes
    ----------
    unit : campaign
    known_minor, seen_minor : what the ledger thought, and what the table says
    """

    unit: str
    known_minor: int
    seen_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What became of the changes that were ordered before this run.

    Attributes
    ----------
    confirmed : keys of the changes that the table shows
    withdrawn : key of each change that was not made in time, or not as ordered -> why
    waiting : campaign -> the change of its budget that it still waits for
    pausing : campaigns whose pause is ordered and not made yet
    drifted : budgets that somebody else has set
    """

    confirmed: tuple[str, ...] = ()
    withdrawn: Mapping[str, str] = field(default_factory=dict)
    waiting: Mapping[str, Ordered] = field(default_factory=dict)
    pausing: frozenset[str] = frozenset()
    drifted: tuple[Drift, ...] = ()


def compare(
    readings: Readings,
    ordered: Iterable[Ordered],
    known: Mapping[str, int],
    *,
    at: datetime,
    patience: timedelta,
) -> Made:
    """Hold the table against what was ordered and what was seen before.

    Parameters
    ----------
    readings : budgets and status as the table says
    ordered : open changes of the ledger
    known : campaign -> budget that the ledger last saw or had confirmed
    at : moment of the run, with time zone
    patience : how long a change may take to be made
    """
    place = {name: i for i, name in enumerate(readings.campaign_ids)}
    confirmed, withdrawn = [], {}
    waiting: dict[str, Ordered] = {}
    pausing, drifted = [], []
    told = set()
    for order in ordered:
        i = place.get(order.unit)
        if i is None:
            continue
        late = at - order.at >= patience
        budget = int(readings.budget_minor[i])
        if order.pauses:
            if readings.status[i] != "active":
                confirmed.append(order.key)
            elif late:
                withdrawn[order.key] = NOT_IN_TIME
            else:
                pausing.append(order.unit)
            continue
        told.add(order.unit)
        if budget == order.new_minor:
            confirmed.append(order.key)
        elif budget not in (order.old_minor, *order.starts):
            withdrawn[order.key] = OVERWRITTEN
            last = order.old_minor if order.new_minor is None else order.new_minor
            drifted.append(Drift(unit=order.unit, known_minor=last or 0, seen_minor=budget))
        elif late:
            withdrawn[order.key] = NOT_IN_TIME
        else:
            waiting[order.unit] = order
    for unit, minor in known.items():
        if unit in place and unit not in told and minor != int(readings.budget_minor[place[unit]]):
            seen = int(readings.budget_minor[place[unit]])
            drifted.append(Drift(unit=unit, known_minor=minor, seen_minor=seen))
    return Made(
        confirmed=tuple(confirmed),
        withdrawn=withdrawn,
        waiting=waiting,
        pausing=frozenset(pausing),
        drifted=tuple(drifted),
    )


def seen_pairs(
    made: Made, ledger: "Ledger", readings: Readings, *, at: datetime, run_id: str
) -> list[tuple[str, Entry]]:
    """Entries that say what became of earlier changes, and which budgets somebody else has set.

    Parameters
    ----------
    made : from :func:`compare`
    ledger : as it is before the run, for the changes
    readings : how its money is counted
    at, run_id : of the run
    """
    from adbudget.ledger.changes import step_pair

    pairs = []
    changes = ledger.kept([*made.confirmed, *made.withdrawn])
    for key in made.confirmed:
        why = "the campaign table shows it"
        pairs.append(step_pair(changes[key], "confirmed", who=WHO, at=at, why=why))
    for key, why in made.withdrawn.items():
        pairs.append(step_pair(changes[key], "withdrawn", who=WHO, at=at, why=why))
    code = readings.currency or ""
    for drift in made.drifted:
        known, seen = (
            in_digits(minor, readings.exponent, digits_of(code))
            for minor in (drift.known_minor, drift.seen_minor)
        )
        entry = Entry(
            kind=OBSERVATION,
            at=at,
            who=WHO,
            unit=drift.unit,
            currency=code if len(code) == 3 else "",
            old_minor=known,
            new_minor=seen,
            rationale="the campaign table shows a budget that no change of the ledger has made",
            run_id=run_id,
        )
        pairs.append((f"seen:{run_id}:{key_part(drift.unit)}", entry))
    return pairs


def notes_of(made: Made, readings: Readings) -> list[Note]:
    """What a person should know of changes that were not made, and of budgets that drifted."""
    notes = []
    if made.drifted:
        shown = "; ".join(
            f"{one.unit}: {_text(one.known_minor, readings)} in the ledger, "
            f"{_text(one.seen_minor, readings)} in the table"
            for one in made.drifted[:MOST_NAMED]
        )
        message = (
            f"{len(made.drifted)} budgets are not what the ledger last knew; the table holds "
            f"({shown}{_more(len(made.drifted))})."
        )
        notes.append(Note(kind="budget_drift", message=message))
    if made.waiting or made.pausing:
        names = sorted({*made.waiting, *made.pausing})
        message = (
            f"{len(names)} campaigns wait for a change that was ordered and that the table does "
            f"not show yet ({', '.join(names[:MOST_NAMED])}{_more(len(names))}). Make it on the "
            "platform; or say so: adbudget confirm."
        )
        notes.append(Note(kind="unconfirmed_change", message=message))
    return notes


def _more(n: int) -> str:
    return f" and {n - MOST_NAMED} more" if n > MOST_NAMED else ""


def _text(minor: int, readings: Readings) -> str:
    return exact_text(exact(minor, readings.exponent))
