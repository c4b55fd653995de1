"""What one run of the pacing engine found, as tables. A record; computes nothing."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from adbudget.pacing.booked.flight import FlightPlan
from adbudget.pacing.delivery.delivered import Delivery
from adbudget.pacing.delivery.measures import Measures
from adbudget.pacing.delivery.status import Standing
from adbudget.tables.messages import Note

if TYPE_CHECKING:
    import pandas as pd

    from adbudget.alerts.alert import Alert


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PacingReport:
    """Where every deal stands, what is off, and what to do.

    Attributes
    ----------
    as_of : the instant measured
    run_id : of the run in the ledger; "" without one
    status : frame, one row per deal
    groups : frame, one row per seller, channel and campaign (and currency)
    alerts : frame, one row per alert, most severe first
    moves : frame, one row per proposed change of a deal's budget
    requests : frame, one row per drafted request to a seller
    corrections : frame, one row per figure that a later one replaced
    notes : what is worth knowing about the tables
    plan, delivery, measures, standing : the records behind the frames
    raised : the alerts not told lately, as records for sinks
    held : deal -> why it misses its budget and no money moves
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
    raised: "tuple[Alert, ...]"
    held: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """The frames as lists of plain JSON values; Decimals and instants as text."""
        frames = ("status", "groups", "alerts", "moves", "requests", "corrections")
        return {
            "as_of": self.as_of.isoformat(),
            "run_id": self.run_id,
            **{name: _records(getattr(self, name)) for name in frames},
            "held": dict(self.held),
            "notes": [note.message for note in self.notes],
        }


def _records(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    """Rows of a frame; None for what is missing or infinite."""
    columns = {name: [_plain(value) for value in frame[name]] for name in frame.columns}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if value is None or value != value:  # NaN and NaT differ from themselves
        return None
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, date):  # timestamps are dates too
        return value.isoformat()
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
