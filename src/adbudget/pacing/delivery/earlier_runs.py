"""Ledger -> what a run has to know of the runs before it. Reads, never writes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from adbudget.alerts.alert import Past, past_alerts
from adbudget.alerts.cooldown import REMINDER

if TYPE_CHECKING:
    from adbudget.ledger.store import Ledger

RUN, MEASUREMENT = "pacing", "measurement"
MOST_RUNS = 20  # of other plans in the same ledger that are passed over to find this one's last
INCLUDED = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierRuns:
    """What earlier runs left behind; empty for the first.

    Attributes
    ----------
    standing : deal -> (state, severity) of its last measurement
    known : deal -> figures its last measurement holds
    ordered : deal -> earlier daily budgets, [day, minor units] pairs, oldest first
    groups : (level, currency, name) -> severity and deviation in the last measurement
    booked : deal -> what its last measurement says of its booking: :mod:`bookings`
    alerts : told within the cooldown
    """

    standing: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    known: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    ordered: Mapping[str, Any] = field(default_factory=dict)
    groups: Mapping[tuple[str, str, str], tuple[str, float]] = field(default_factory=dict)
    booked: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    alerts: tuple[Past, ...] = ()


def read_earlier(ledger: "Ledger", deals: tuple[str, ...], at: datetime) -> EarlierRuns:
    """Look up the last run about any of these deals, up to an instant.

    Parameters
    ----------
    ledger : as it is before the run
    deals : of the plan
    at : instant of the run, with time zone; what was measured later does not count
    """
    wanted = set(deals)
    runs = ledger.entries(kind=RUN, until=at + INCLUDED, last=MOST_RUNS)
    found = _Found()
    newest_first = sorted(zip(runs["at"], runs["sequence"], runs["run_id"], strict=True))[::-1]
    for _, _, run_id in newest_first:
        found = _found(ledger.of_run(run_id, MEASUREMENT), wanted)
        if found.standing:
            break
    alerts = ledger.entries(kind="alert", since=at - REMINDER, until=at + INCLUDED)
    if not found.standing:
        return EarlierRuns(alerts=past_alerts(alerts))
    return EarlierRuns(
        standing=found.standing,
        known=found.known,
        ordered=found.ordered,
        groups=found.groups,
        booked=found.booked,
        alerts=past_alerts(alerts),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Found:
    """The parts of :class:`EarlierRuns` that one run holds, while they are read."""

    standing: dict[str, tuple[str, str]] = field(default_factory=dict)
    known: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    ordered: dict[str, Any] = field(default_factory=dict)
    groups: dict[tuple[str, str, str], tuple[str, float]] = field(default_factory=dict)
    booked: dict[str, Mapping[str, Any]] = field(default_factory=dict)


def _found(logged: Iterable[tuple[str, str, dict[str, Any]]], wanted: set[str]) -> _Found:
    """What a run says of these deals, and of all groups; the rest of each entry is let go."""
    found = _Found()
    for unit, currency, payload in logged:
        if payload["level"] != "deal":
            index = payload["spend"]["index"]
            deviation = 0.0 if index is None else index - 1
            severity = payload.get("severity", "none")
            found.groups[payload["level"], currency, unit] = (severity, deviation)
        elif unit in wanted:
            found.standing[unit] = (payload["state"], payload["severity"])
            found.known[unit] = payload["known"]
            found.ordered[unit] = payload.get("daily", {}).get("orders", [])
            found.booked[unit] = payload.get("booked", {})
    return found
