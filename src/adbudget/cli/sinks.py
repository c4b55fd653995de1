"""Addresses given with --send -> sinks, and what is due sent to each. Knows no rules or deals.

With a ledger every sink is sent what it has not taken yet: the alerts of this run, those that
failed before, and what waits for a person. What became of it is an entry of kind "delivery".
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from adbudget.alerts.alert import Alert
    from adbudget.alerts.sinks import Sink, SinkReport
    from adbudget.ledger import Ledger

NOT_TAKEN = 1
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
    sink: "Sink"


def open_sinks(addresses: Sequence[str] | None) -> list[NamedSink]:
    """One sink per address; an address that cannot be one is refused before the work begins."""
    if not addresses:
        return []
    from adbudget.alerts.sinks import open_sink

    return [
        NamedSink(
            name=f"{address.partition(':')[0]}:{hashlib.sha256(address.encode()).hexdigest()[:8]}",
            sink=open_sink(address),
        )
        for address in addresses
    ]


def deliver(
    alerts: "Sequence[Alert]", sinks: Sequence[NamedSink], *, ledger: str | None, at: datetime
) -> None:
    """Send what is due; a sink that fails stops no other, and the command then ends with 1.

    Parameters
    ----------
    alerts : of this run; with a ledger they are read there
    ledger : its address, None without one
    at : instant of the run, with time zone
    """
    if not sinks:
        return
    from adbudget.cli.asked import open_existing

    failed = False
    if ledger is None:
        for named in sinks:
            failed |= not _sent(named, alerts, again="").ok
    else:
        with open_existing(ledger) as opened:
            due = dict(_due(opened, at))
            said = _said(opened, at)
            for named in sinks:
                chosen = {
                    key: one for key, one in due.items() if _wants(named.name, key, said, one, at)
                }
                failed |= not _send_and_note(opened, named, chosen, at)
    if failed:
        raise typer.Exit(NOT_TAKEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """How many alerts a sink took, the most severe first, and whether it took all."""

    taken: int
    ok: bool


def _sent(named: NamedSink, alerts: "Sequence[Alert]", *, again: str) -> _Outcome:
    if not alerts:
        return _Outcome(taken=0, ok=True)
    report: SinkReport = named.sink.send(alerts)
    if report.error is None:
        return _Outcome(taken=len(alerts), ok=True)
    from adbudget.cli.terminal import complain

    complain(f"{report.sink}: {len(alerts) - report.sent} alerts not sent: {report.error}.{again}")
    return _Outcome(taken=report.sent, ok=False)


def _send_and_note(
    opened: "Ledger", named: NamedSink, due: "Mapping[str, Alert]", at: datetime
) -> bool:
    """Send to one sink, and write down what it took and what not."""
    from adbudget.alerts.alert import SEVERITIES
    from adbudget.ledger import Entry

    keys = sorted(due, key=lambda key: -SEVERITIES.index(due[key].severity))
    again = " The next run with this sink sends them again."
    outcome = _sent(named, [due[key] for key in keys], again=again)
    parts = {True: keys[: outcome.taken], False: keys[outcome.taken :]}
    pairs = [
        (
            f"{DELIVERY}:{named.name}:{opened.head().sequence}:{'taken' if ok else 'failed'}",
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
    opened.append_many(pairs)
    return outcome.ok


def _due(opened: "Ledger", at: datetime) -> "Iterator[tuple[str, Alert]]":
    """Key -> alert of this week's runs, and of what waits for a person."""
    from adbudget.alerts.alert import alert_of

    rows = opened.entries(kind="alert", since=at - TRIED, until=at + timedelta(microseconds=1))
    for row in rows.loc[rows["written_at"].notna()].to_dict(
        "records"
    ):  # older versions kept no books
        yield row["key"], alert_of(row["payload"], row["at"].to_pydatetime())
    waiting: dict[str, list[dict[str, Any]]] = {}
    for row in opened.pending(at).to_dict("records"):
        waiting.setdefault(row["group_id"] or row["item"], []).append(row)
    for name, rows in waiting.items():
        yield f"waits:{name}", _announcement(rows, at)


def _announcement(rows: list[dict[str, Any]], at: datetime) -> "Alert":
    """One alert for a linked group that waits for a person."""
    from adbudget.alerts.alert import Alert, fingerprint_of
    from adbudget.cli.entries import move_text

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


def _said(opened: "Ledger", at: datetime) -> dict[str, dict[str, bool]]:
    """Key of an alert -> sink -> whether it took it, of this week."""
    said: dict[str, dict[str, bool]] = {}
    for payload in opened.entries(kind=DELIVERY, since=at - 2 * TRIED)["payload"]:
        for key in payload["alerts"]:
            of_key = said.setdefault(key, {})
            of_key[payload["sink"]] = of_key.get(payload["sink"], False) or payload["taken"]
    return said


def _wants(
    sink: str, key: str, said: Mapping[str, Mapping[str, bool]], alert: "Alert", at: datetime
) -> bool:
    """A sink is sent what it failed to take, and what nobody has tried to send."""
    known = said.get(key)
    if known is None:
        return at - alert.at <= UNTRIED
    return known.get(sink) is False
