"""Ledger -> what a run has to know of the runs before it. Reads, never writes."""

from collections.abc import Mapping
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
    payloads: dict[str, Mapping[str, Any]] = {}
    groups: dict[tuple[str, str, str], tuple[str, float]] = {}
    newest_first = sorted(zip(runs["at"], runs["sequence"], runs["run_id"], strict=True))[::-1]
    for _, _, run_id in newest_first:
        logged = ledger.entries(kind=MEASUREMENT, run_id=run_id)
        payloads = {
            unit: payload
            for unit, payload in zip(logged["unit"], logged["payload"], strict=True)
            if payload["level"] == "deal" and unit in wanted
        }
        if payloads:
            groups = _groups(logged)
            break
    return EarlierRuns(
        standing={deal: (one["state"], one["severity"]) for deal, one in payloads.items()},
        known={deal: one["known"] for deal, one in payloads.items()},
        ordered={deal: one.get("daily", {}).get("orders", []) for deal, one in payloads.items()},
        groups=groups,
        booked={deal: one.get("booked", {}) for deal, one in payloads.items()},
        alerts=past_alerts(ledger.entries(kind="alert", since=at - REMINDER, until=at + INCLUDED)),
    )


def _groups(logged: Any) -> dict[tuple[str, str, str], tuple[str, float]]:
    """Severity and deviation of sellers, channels and campaigns."""
    found = {}
    columns = zip(logged["unit"], logged["currency"], logged["payload"], strict=True)
    for unit, currency, payload in columns:
        if payload["level"] != "deal":
            index = payload["spend"]["index"]
            deviation = 0.0 if index is None else index - 1
            found[payload["level"], currency, unit] = (payload.get("severity", "none"), deviation)
    return found
