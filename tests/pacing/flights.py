"""Plans and deliveries written by hand, for tests of the pacing engine."""

import numpy as np
import pandas as pd

from adbudget.pacing.booked.flight import FlightPlan
from adbudget.pacing.booked.plan_table import read_plan
from adbudget.pacing.delivery.delivered import Delivery
from adbudget.pacing.delivery.delivery_table import read_delivery


def plan_row(deal: str = "D1", **changes: object) -> dict[str, object]:
    """30,000 EUR over the 30 days from March 1, evenly."""
    row: dict[str, object] = {
        "deal": deal,
        "campaign": "spring",
        "channel": "ctv",
        "seller": "Northstar",
        "currency": "EUR",
        "budget": 30_000,
        "start": "2026-03-01",
        "end": "2026-03-30",
        "curve": "even",
    }
    return row | changes


def plan_frame(*rows: dict[str, object]) -> pd.DataFrame:
    return pd.DataFrame(list(rows) if rows else [plan_row()])


def plan_of(*rows: dict[str, object], **arguments: object) -> FlightPlan:
    return read_plan(plan_frame(*rows), **arguments)  # pyright: ignore[reportArgumentType]


def daily(
    deal: str, spend: object, *, start: str = "2026-03-01", **columns: object
) -> pd.DataFrame:
    """One row per day from ``start``; a hundred impressions for every unit of money."""
    amounts = np.round(np.asarray(spend, dtype=float), 2)
    days = np.datetime64(start, "D") + np.arange(amounts.size)
    table = {
        "deal": deal,
        "date": days.astype(str),
        "spend": amounts,
        "impressions": np.rint(100 * amounts),
        "final": True,
    }
    return pd.DataFrame(table | columns)


def delivery_of(plan: FlightPlan, *frames: pd.DataFrame, as_of: str | None = None) -> Delivery:
    return read_delivery(pd.concat(frames, ignore_index=True), plan, as_of=as_of)


def ten_days(total: float, mean: float = 1_000.0, sd: float = 200.0) -> np.ndarray:
    """Ten days that sum to ``total``, the last seven with this mean and standard deviation."""
    shape = np.array([3.0, -1.0, -2.0, 0.0, 2.0, 1.0, -3.0])
    week = mean + sd * shape / shape.std(ddof=1)
    first = (total - week.sum()) / 3
    days = np.round(np.concatenate([np.full(3, first), week]), 2)
    days[0] = round(days[0] + total - days.sum(), 2)
    return days
