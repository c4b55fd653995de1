"""Folder of the data -> JSON-able record, one function per question. Reports nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from adbudget import Panel
from benchmarks.real_data import reading
from benchmarks.real_data.describing import describe, health_of
from benchmarks.real_data.forecasting import model_forecasts, one_by_one, simple_rules
from benchmarks.real_data.marketing import marketing_forecasts
from benchmarks.real_data.scoring import bands, scores
from benchmarks.real_data.settings import DAYS_APART, HELD_OUT_DAYS, SEED

Found = dict[str, Any]


def forecast_daily(folder: Path) -> Found:
    """The last 56 days of each series by day."""
    panel = reading.conjura_daily(folder)
    made, fitted = model_forecasts(panel, HELD_OUT_DAYS)
    made += simple_rules(panel, HELD_OUT_DAYS)
    return {"health": health_of(fitted), "scores": scores(made), "bands": bands(made)}


def forecast_weekly(folder: Path) -> Found:
    """The last 8 whole weeks of each series."""
    panel, weeks = reading.conjura_weekly(folder), HELD_OUT_DAYS // 7
    made, fitted = model_forecasts(panel, weeks)
    alone, alone_healthy = one_by_one(panel, weeks)
    made += [*alone, *simple_rules(panel, weeks)]
    return {
        "health": health_of(fitted),
        "alone_healthy": alone_healthy,
        "scores": scores(made),
        "bands": bands(made),
    }


def forecast_marketing(folder: Path) -> Found:
    """The same weeks by PyMC-Marketing."""
    panel = reading.conjura_weekly(folder)
    made, facts = marketing_forecasts(panel, HELD_OUT_DAYS // 7, SEED)
    return {"facts": facts, "scores": scores(made), "bands": bands(made)}


def origin(folder: Path, number: int, seed: int = SEED) -> Found:
    """Fit and decisions when the last weeks of each series had not been seen yet."""
    panel = reading.conjura_daily(folder, without_days=number * DAYS_APART)
    return describe(panel, seed)[0]


def described(read: Callable[[Path], Panel], folder: Path) -> Found:
    """One fit and its decisions."""
    return describe(read(folder), SEED)[0]
