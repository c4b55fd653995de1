"""A ledger + sinks -> what is due sent to each, until it is taken. Knows no rules or deals.

Every sink is sent what it has not taken yet: the alerts of this run, those that failed before, and
what waits for a person. What became of it is an entry of kind "delivery".
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from adbudget.alerts.alert import SEVERITIES, Alert, alert_of, fingerprint_of
from adbudget.alerts.sinks import Sink, SinkReport, open_sink

if TYPE_CHECKING:
    from adbudget.ledger.store import Ledger

DELIVERY = "delivery"
UNTRIED = timedelta(hours=24)  # how old an alert may be that no run has tried to send
TRIED = timedelta(days=7)  # how long one that failed is sent again
SHOWN = 3  # moves told of a group that waits


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedSink:
    """A sink and the name by which the ledger remembers what it took.

    Attributes
    ----------
    name : kind of the address and a hash of it: an address may be a secret
    sink : where alerts go
    """

    name: str
    sink: Sink


def named_sink(address: str) -> NamedSink:
    """Sink of an address; see :func:`adbudget.alerts.sinks.open_sink`.

    Raises
    ------
    InputError : no sink has such an address
    """
    code = hashlib.sha256(address.encode()).hexdigest()[:8]
    return NamedSink(name=f"{address.partition(':')[0]}:{code}", sink=open_sink(address))


def send_due(
    ledger: "Ledger", sinks: Sequence[str | NamedSink], *, at: datetime
) -> tuple[SinkReport, ...]:
    """Send what is due, after a run; a sink that fails stops no other.

    Parameters
    ----------
    ledger : which the run was logged in
    sinks : addresses, or what :func:`named_sink` made of them. A sink that the caller built needs
        a name of its own, the same in every run
    at : instant of the run, with time zone

    Returns
    -------
    A report for every sink that something was due for; one with an ``error`` is sent the rest by
    the next call, for seven days

    Raises
    ------
    InputError : no sink has such an address; nothing was sent
    """
    named = [named_sink(each) if isinstance(each, str) else each for each in sinks]
    due, said = dict(_due(ledger, at)), _said(ledger, at)
    reports = []
    for one in named:
        chosen = {
            key: alert for key, alert in due.items() if _wants(one.name, key, said, alert, at)
        }
        if chosen:
            reports.append(_send_and_note(ledger, one, chosen, at))
    return tuple(reports)


def _send_and_note(
    ledger: "Ledger", named: NamedSink, due: Mapping[str, Alert], at: datetime
) -> SinkReport:
    """Send to one sink, and write down what it took and what not."""
    from adbudget.ledger.entry import Entry

    keys = sorted(due, key=lambda key: -SEVERITIES.index(due[key].severity))
    report = named.sink.send([due[key] for key in keys])
    taken = len(keys) if report.error is None else report.sent
    parts = {True: keys[:taken], False: keys[taken:]}
    pairs = [
        (
            f"{DELIVERY}:{named.name}:{ledger.head().sequence}:{'taken' if ok else 'failed'}",
            Entry(
                kind=DELIVERY,
                at=at,
                who="adbudget",
                payload={"sink": named.name, "taken": ok, "alerts": part},
            ),
        )
        for ok, part in parts.items()
        if part
    ]
    ledger.append_many(pairs)
    return replace(report, left=len(keys) - taken)


def _due(ledger: "Ledger", at: datetime) -> Iterator[tuple[str, Alert]]:
    """Key -> alert of this week's runs, and of what waits for a person."""
    rows = ledger.entries(kind="alert", since=at - TRIED, until=at + timedelta(microseconds=1))
    for row in rows.loc[rows["written_at"].notna()].to_dict(
        "records"
    ):  # older versions kept no books
        yield row["key"], alert_of(row["payload"], row["at"].to_pydatetime())
    waiting: dict[str, list[dict[str, Any]]] = {}
    for row in ledger.pending(at).to_dict("records"):
        waiting.setdefault(row["group_id"] or row["item"], []).append(row)
    for name, rows in waiting.items():
        yield f"waits:{name}", _announcement(rows, at)


def _announcement(rows: list[dict[str, Any]], at: datetime) -> Alert:
    """One alert for a linked group that waits for a person."""
    from adbudget.ledger.ledger_frames import move_text

    first = rows[0]
    moves = [
        f"{row['unit']} {move_text(row) or row['action'] or row['rule']}".strip()
        for row in rows[:SHOWN]
    ]
    more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    until = first["expires_at"]
    stands = "" if until is None or until != until else f" until {until:%Y-%m-%d %H:%M} UTC"
    name = first["group_id"] or str(first["sequence"])
    return Alert(
        type="approval",
        severity="info",
        campaign_id=first["unit"],
        trigger="needs_approval",
        evidence={"moves": float(len(rows))},
        message=f"Waits for approval{stands}: {', '.join(moves)}{more}.",
        action=f"adbudget approve {name}",
        fingerprint=fingerprint_of("approval", first["unit"], name),
        at=at,
    )


def _said(ledger: "Ledger", at: datetime) -> dict[str, dict[str, bool]]:
    """Key of an alert -> sink -> whether it took it, of this week."""
    said: dict[str, dict[str, bool]] = {}
    for payload in ledger.entries(kind=DELIVERY, since=at - 2 * TRIED)["payload"]:
        for key in payload["alerts"]:
            of_key = said.setdefault(key, {})
            of_key[payload["sink"]] = of_key.get(payload["sink"], False) or payload["taken"]
    return said


def _wants(
    sink: str, key: str, said: Mapping[str, Mapping[str, bool]], alert: Alert, at: datetime
) -> bool:
    """A sink is sent what it failed to take, and what nobody has tried to send."""
    known = said.get(key)
    if known is None:
        return at - alert.at <= UNTRIED
    return known.get(sink) is False
