"""What people said no to, and what they muted -> which moves are not asked for again yet.

A rejected or rolled-back move rests for the policy's ``rejection_rest``, unless its evidence has
changed by more than ``material_change``, and by more than chance where results are counted. Reads
the ledger, never writes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from adbudget.errors import InputError
from adbudget.ledger.entry import Entry
from adbudget.policy.metrics.registry import METRICS
from adbudget.policy.readings.posterior import prob_rate_ratio_above
from adbudget.policy.readings.readings import Readings
from adbudget.tables.units import key_part

if TYPE_CHECKING:
    from adbudget.ledger.store import Ledger

EVIDENCE = "evidence"  # key of a recommendation's payload: metric -> figure
COUNTS = "evidence_counts"  # the same: cost of a result -> how many results it is the cost of
CHANCE = 0.01  # changes of a cost that chance alone brings about more often are none
MUTE = "mute"  # kind of the entry that mutes a unit, and of the one that ends it


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A person's no to a move.

    Attributes
    ----------
    unit : campaign
    sign : 1 a raise, -1 a cut, 0 a pause
    at : when it was refused
    who, why : by whom, and the reason
    evidence : metric -> figure on which the move was proposed
    counts : cost of a result among them -> how many results it was the cost of
    """

    unit: str
    sign: int
    at: datetime
    who: str
    why: str
    evidence: Mapping[str, float] = field(default_factory=dict)
    counts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Refused:
    """Which moves are not asked for again yet: (campaign,) Refusal or None, by kind of move."""

    raises: np.ndarray
    cuts: np.ndarray
    pauses: np.ndarray

    def of(self, sign: int) -> np.ndarray:
        """(campaign,) bool, moves of this sign are refused."""
        chosen = {1: self.raises, -1: self.cuts, 0: self.pauses}[sign]
        return np.array([one is not None for one in chosen], dtype=bool)


def read_refusals(ledger: "Ledger", at: datetime, rest: timedelta) -> tuple[Refusal, ...]:
    """Moves that were rejected or rolled back within the rest, oldest first.

    Parameters
    ----------
    ledger : as it is before the run
    at : moment of the run, with time zone
    rest : how long a no lasts
    """
    said = ledger.entries(kind="approval", since=at - rest)
    said = said.loc[said["verdict"] == "rejected"].to_dict("records")
    undone = ledger.entries(kind="change", since=at - rest, rule="rollback").to_dict("records")
    proposals = _payloads(ledger, [*said, *undone])
    found = [
        Refusal(
            unit=entry["unit"],
            sign=_sign(entry["old_minor"], entry["new_minor"]),
            at=entry["at"].to_pydatetime(),
            who=entry["who"],
            why=entry["rationale"],
            **_rested_on(proposals.get(entry["payload"]["item"], {})),
        )
        for entry in said
    ]
    for entry in undone:
        first = _undone(ledger, proposals.get(entry["payload"]["item"], {}))
        found.append(
            Refusal(
                unit=entry["unit"],
                sign=-_sign(entry["old_minor"], entry["new_minor"]),
                at=entry["at"].to_pydatetime(),
                who=entry["who"],
                why="rolled back",
                **_rested_on(first),
            )
        )
    return tuple(sorted(found, key=lambda one: one.at))


def refused(
    readings: Readings,
    refusals: Iterable[Refusal],
    *,
    at: datetime,
    rest: timedelta,
    material: float,
) -> Refused:
    """Which moves of the campaigns of a table rest.

    Parameters
    ----------
    refusals : from :func:`read_refusals`
    at, rest : moment of the run, and how long a no lasts
    material : share by which a figure must have changed for the move to be asked for again
    """
    n = len(readings)
    place = {name: i for i, name in enumerate(readings.campaign_ids)}
    kinds = {sign: np.full(n, None, dtype=object) for sign in (1, -1, 0)}
    for one in refusals:
        i = place.get(one.unit)
        if i is None or not one.at <= at < one.at + rest:
            continue
        if not _changed(readings, i, one, material):
            kinds[one.sign][i] = one
    return Refused(raises=kinds[1], cuts=kinds[-1], pauses=kinds[0])


def muted(ledger: "Ledger", at: datetime) -> dict[str, datetime | None]:
    """Unit that a person has muted -> until when; None until somebody ends it."""
    entries = ledger.entries(kind=MUTE)
    last: dict[str, Mapping[str, Any]] = dict(zip(entries["unit"], entries["payload"], strict=True))
    found = {}
    for unit, payload in last.items():
        until = None if payload["until"] is None else datetime.fromisoformat(payload["until"])
        if payload["muted"] and (until is None or at < until):
            found[unit] = until
    return found


def mute_pair(
    unit: str, is_muted: bool, *, until: datetime | None, who: str, at: datetime, reason: str
) -> tuple[str, Entry]:
    """Key and entry that mute a unit until some time, or for good, or end that.

    Raises
    ------
    InputError : no unit or no reason
    """
    for name, text in (("unit", unit), ("reason", reason)):
        if not text.strip():
            raise InputError(f"{name} must not be empty; say which campaign, and why.")
    end = None if until is None else until.isoformat()
    payload = {"muted": is_muted, "until": end}
    entry = Entry(kind=MUTE, at=at, who=who, unit=unit, rationale=reason, payload=payload)
    word = "mute" if is_muted else "unmute"
    return f"{word}:{key_part(unit)}:{entry.at.isoformat()}", entry


def _rested_on(proposal: Mapping[str, Any]) -> dict[str, Mapping[str, float]]:
    return {"evidence": proposal.get(EVIDENCE, {}), "counts": proposal.get(COUNTS, {})}


def _changed(readings: Readings, campaign: int, no: Refusal, material: float) -> bool:
    """Whether a figure that the move rested on is materially another one now."""
    for name, then in no.evidence.items():
        if name not in readings.figures.values or not np.isfinite(then):
            continue
        now = float(readings.metric(name)[campaign])
        moved = np.isfinite(now) and abs(now - then) > material * abs(then)
        if moved and not _by_chance(readings, campaign, name, then, no.counts.get(name, np.nan)):
            return True
    return False


def _by_chance(readings: Readings, campaign: int, name: str, then: float, count: float) -> bool:
    """Whether a cost of a result may have changed by chance alone; False where nobody counts."""
    if np.isnan(count):
        return False
    counted = readings.metric(METRICS[name].parts[1])[[campaign]], np.array([count])
    costs = readings.metric(name)[[campaign]], np.array([then])
    money = costs[0] * counted[0], costs[1] * counted[1]
    risen = float(prob_rate_ratio_above(np.ones(1), counted, money)[0])
    return CHANCE / 2 <= risen <= 1 - CHANCE / 2


def _payloads(ledger: "Ledger", entries: Sequence[Mapping[str, Any]]) -> dict[str, Mapping]:
    """Key of the item each entry is about -> its payload."""
    names = [str(entry["payload"]["item"]) for entry in entries]
    return {key: kept.entry.payload for key, kept in ledger.kept(names).items()}


def _undone(ledger: "Ledger", proposal: Mapping[str, Any]) -> Mapping[str, Any]:
    """Payload of the recommendation whose change a rollback has undone."""
    key = str(proposal.get("undoes", ""))
    change = ledger.kept([key]).get(key)
    item = "" if change is None else str(change.entry.payload.get("item", ""))
    first = ledger.kept([item]).get(item)
    return {} if first is None else first.entry.payload


def _sign(old: Any, new: Any) -> int:
    try:
        return (int(new) > int(old)) - (int(new) < int(old))
    except (TypeError, ValueError):  # no budget: a pause
        return 0
