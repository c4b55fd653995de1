"""Addresses given with --send -> sinks, and alerts sent to them. Knows no rules or deals."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from adbudget.alerts.alert import Alert
    from adbudget.alerts.sinks import Sink


def open_sinks(addresses: Sequence[str] | None) -> "list[Sink]":
    """One sink per address; an address that cannot be one is refused before the work begins."""
    if not addresses:
        return []
    from adbudget.alerts.sinks import open_sink

    return [open_sink(address) for address in addresses]


def deliver(alerts: "Sequence[Alert]", sinks: "Sequence[Sink]") -> None:
    """Send alerts; a sink that fails is told on standard error and stops nothing."""
    if not sinks:
        return
    from adbudget.alerts.sinks import send_alerts

    for delivery in send_alerts(alerts, sinks):
        if delivery.error is not None:
            typer.echo(f"{delivery.sink}: alerts not sent: {delivery.error}", err=True)
