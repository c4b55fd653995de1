"""Flights half over, to move money between."""

import numpy as np
import pandas as pd

from adbudget.pacing.booked.flight import FlightPlan
from adbudget.pacing.booked.plan_table import read_plan
from adbudget.pacing.delivery.delivered import Delivery
from adbudget.pacing.delivery.delivery_table import read_delivery
from adbudget.pacing.delivery.measures import Measures, measure
from adbudget.pacing.moves.reallocation import MovePlan, propose_moves

START, N_DAYS, HALF = pd.Timestamp("2026-04-01"), 20, 10
MIDDLE = "2026-04-11"  # ten of twenty days are over
Flight = tuple[FlightPlan, Delivery, Measures]


def deal(name: str, budget: float, spent: float, per_100: float | None = None, **columns) -> dict:
    """One row of a plan, with what it has spent evenly and its conversions per 100 of money."""
    usual = {"campaign": "c", "channel": "video", "seller": f"seller of {name}"}
    facts = {"deal": name, "budget": budget, "_spent": spent, "_per_100": per_100}
    return usual | facts | columns


def flight(*rows: dict, as_of: str = MIDDLE, days: int = HALF) -> Flight:
    """Plan, delivery and measures, all by way of the tables."""
    return measured(plan_table(*rows), delivery_table(*rows, days=days), as_of)


def plan_table(*rows: dict) -> pd.DataFrame:
    table = pd.DataFrame([{k: v for k, v in row.items() if k[0] != "_"} for row in rows])
    return table.assign(start=START, end=START + pd.Timedelta(days=N_DAYS - 1))


def delivery_table(*rows: dict, days: int = HALF) -> pd.DataFrame:
    """Even delivery; conversions alternate one above and one below their mean."""
    parts = []
    for row in rows:
        daily = row["_spent"] / days
        part = pd.DataFrame({"deal": row["deal"], "date": pd.date_range(START, periods=days)})
        part = part.assign(spend=daily, impressions=daily * 100, final=True)
        if row["_per_100"] is not None:
            swing = np.where(np.arange(days) % 2, 1, -1)
            part["conversions"] = np.maximum(daily * row["_per_100"] / 100 + swing, 0)
        parts.append(part)
    return pd.concat(parts)


def measured(plan: pd.DataFrame, delivery: pd.DataFrame, as_of: str = MIDDLE) -> Flight:
    read = read_plan(plan, currency=None if "currency" in plan else "EUR")
    delivered = read_delivery(delivery, read)
    return read, delivered, measure(read, delivered, as_of)


def moves(*rows: dict, **options) -> MovePlan:
    return propose_moves(*flight(*rows), **options)


def amounts(moved: MovePlan) -> dict[tuple[str, str], float]:
    return {(move.source, move.target): float(move.amount) for move in moved.moves}
