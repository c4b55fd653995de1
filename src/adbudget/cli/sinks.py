"""Addresses given with --send -> what is due sent to each, and told. Knows no rules or deals."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from adbudget.alerts.alert import Alert
    from adbudget.alerts.delivery import NamedSink
    from adbudget.alerts.sinks import SinkReport

NOT_TAKEN = 1


def open_sinks(addresses: Sequence[str] | None) -> "list[NamedSink]":
    """One sink per address; an address that cannot be one is refused before the work begins."""
    if not addresses:
        return []
    from adbudget.alerts.delivery import named_sink

    return [named_sink(address) for address in addresses]


def deliver(
    alerts: "Sequence[Alert]", sinks: "Sequence[NamedSink]", *, ledger: str | None, at: datetime
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
    if ledger is None:
        sent = [(named.sink.send(alerts), len(alerts)) for named in sinks if alerts]
        failed = [_told(report, n - report.sent, "") for report, n in sent if report.error]
    else:
        from adbudget.alerts.delivery import send_due
        from adbudget.cli.asked import open_existing

        with open_existing(ledger) as opened:
            reports = send_due(opened, sinks, at=at)
        again = " The next run with this sink sends them again."
        failed = [_told(report, report.left, again) for report in reports if report.error]
    if failed:
        raise typer.Exit(NOT_TAKEN)


def _told(report: "SinkReport", left: int, again: str) -> str:
    """Complain of a sink that did not take everything."""
    from adbudget.cli.terminal import complain

    complain(f"{report.sink}: {left} alerts not sent: {report.error}.{again}")
    return report.sink
