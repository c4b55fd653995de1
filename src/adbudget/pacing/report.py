"""What one run of the pacing engine found, as tables. A record; computes nothing."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from adbudget.display.page import Page, Shown, counted, table_of
from adbudget.pacing.booked.flight import FlightPlan
from adbudget.pacing.daily.daily_budgets import DailyBudgets
from adbudget.pacing.delivery.delivered import Delivery
from adbudget.pacing.delivery.measures import Measures
from adbudget.pacing.delivery.status import Standing
from adbudget.plain_json import to_plain
from adbudget.tables.messages import Note

if TYPE_CHECKING:
    import pandas as pd

    from adbudget.alerts.alert import Alert


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class PacingReport(Shown):
    """Where every deal stands, what is off, and what to do.

    Attributes
    ----------
    as_of : the instant measured
    run_id : of the run in the ledger; "" without one
    status : frame, one row per deal; ``daily_budget`` is what it may spend today
    groups : frame, one row per seller, channel and campaign (and currency)
    alerts : frame, one row per alert, most severe first
    moves : frame, one row per proposed change of a deal's budget
    requests : frame, one row per drafted request to a seller
    corrections : frame, one row per figure that a later one replaced
    notes : what is worth knowing about the tables
    plan, delivery, measures, standing, daily : the records behind the frames
    raised : the alerts not told lately, as records for sinks
    held : deal -> why it misses its budget and no money moves

    Examples
    --------
    >>> report = ab.pace(booked, delivered, as_of="2026-03-11")
    >>> report.alerts[["severity", "unit", "action"]].to_dict("records")
    [{'severity': 'warning', 'unit': 'ctv-prime', 'action': 'raise_delivery'}]
    >>> list(report.as_dict())[:3]
    ['as_of', 'run_id', 'status']
    """

    as_of: datetime
    run_id: str
    status: "pd.DataFrame"
    groups: "pd.DataFrame"
    alerts: "pd.DataFrame"
    moves: "pd.DataFrame"
    requests: "pd.DataFrame"
    corrections: "pd.DataFrame"
    notes: tuple[Note, ...]
    plan: FlightPlan
    delivery: Delivery
    measures: Measures
    standing: Standing
    daily: DailyBudgets
    raised: "tuple[Alert, ...]"
    held: dict[str, str]

    def page(self) -> Page:
        """What ``repr`` and a notebook show."""
        found = {"alerts": self.alerts, "moves": self.moves, "requests": self.requests}
        states = self.status["state"].value_counts()
        told = ", ".join(f"{n:,} {state}" for state, n in states.items())
        return Page(
            title=f"Pacing of {counted(len(self.status), 'deal')} at {self.as_of:%Y-%m-%d %H:%M}",
            facts=[("states", told), *((name, f"{len(frame):,}") for name, frame in found.items())],
            next=(".status  .groups  .alerts  .moves  .requests  .notes",),
            **table_of(self.status, list(self.status.columns[:8])),
        )

    def as_dict(self) -> dict[str, Any]:
        """The frames as lists of plain JSON values; Decimals and instants as text."""
        frames = ("status", "groups", "alerts", "moves", "requests", "corrections")
        return {
            "as_of": self.as_of.isoformat(),
            "run_id": self.run_id,
            **{name: to_plain(getattr(self, name).to_dict("records")) for name in frames},
            "held": dict(self.held),
            "notes": [note.message for note in self.notes],
        }
