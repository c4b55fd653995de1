"""Ledger -> every measurement ever made, as a frame. Reads, never writes."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pandas as pd

from adbudget.pacing.delivery.earlier_runs import MEASUREMENT

if TYPE_CHECKING:
    from adbudget.ledger.store import Ledger

EXACT = {"target": "budget", "delivered": "spent"}  # sums of whole minor units, as Decimal
RATES = (
    *("planned", "required", "daily_mean", "daily_sd", "projected", "projection_sd"),
    *("low", "high"),
)
SHARES = ("index", "delivery_ratio", "prob_over", "prob_under")
ABOUT = ("at", "level", "unit", "currency", "state", "severity", "elapsed_share", "planned_share")
WRITTEN = ("rationale", "run_id", "sequence")
IMPRESSIONS = tuple(f"impressions_{name}" for name in (*EXACT, *RATES, *SHARES))
COLUMNS = (*ABOUT, *EXACT.values(), *RATES, *SHARES, *IMPRESSIONS, *WRITTEN)


def measurement_history(
    ledger: "Ledger",
    *,
    unit: str | None = None,
    level: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    run_id: str | None = None,
) -> pd.DataFrame:
    """Every measurement, oldest first.

    Parameters
    ----------
    ledger : from :func:`adbudget.open_ledger`
    unit : name of a deal, seller, channel or campaign
    level : "deal", "seller", "channel" or "campaign"
    since, until : instants with a time zone; ``since`` is included, ``until`` is not
    run_id : of one run

    Returns
    -------
    One row per measurement: at, level, unit, currency, state, severity, elapsed_share,
    planned_share, the figures of spend in units of the currency (budget and spent as Decimal),
    the same of impressions called impressions_target and so on, rationale, run_id, sequence

    Examples
    --------
    >>> with ab.open_ledger(":memory:") as ledger:
    ...     _ = ab.pace(booked, delivered, as_of="2026-03-11", ledger=ledger)
    ...     history = pacing.measurement_history(ledger, level="deal")
    ...     [str(amount) for amount in history["spent"]]
    ['8000.00']
    """
    logged = ledger.entries(kind=MEASUREMENT, unit=unit, since=since, until=until, run_id=run_id)
    rows = [
        _row(entry)
        for entry in logged.to_dict("records")
        if level in (None, entry["payload"]["level"])
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(entry: Mapping[Any, Any]) -> tuple[Any, ...]:
    payload = entry["payload"]
    spend, impressions, scale = payload["spend"], payload["impressions"], 10 ** payload["exponent"]
    facts = {**entry, **payload}
    return (
        *(facts.get(name) for name in ABOUT),
        *(Decimal(round(spend[name])).scaleb(-payload["exponent"]) for name in EXACT),
        *(None if spend[name] is None else spend[name] / scale for name in RATES),
        *(spend[name] for name in SHARES),
        *(impressions[name] for name in (*EXACT, *RATES, *SHARES)),
        *(entry[name] for name in WRITTEN),
    )
