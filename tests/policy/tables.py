"""Small campaign tables and histories for tests, with the days around AS_OF."""

from datetime import datetime, timedelta

import pandas as pd

from adbudget.policy.language import evaluate, parse_trigger
from adbudget.policy.readings.campaigns import read_campaigns
from adbudget.policy.readings.readings import Readings

AS_OF = datetime(2026, 3, 10)
WHERE = 'rules[0] "scale_winners"'


def day(days_before: int) -> str:
    return (AS_OF - timedelta(days=days_before)).strftime("%Y-%m-%d")


def campaigns(n: int = 1, **columns) -> pd.DataFrame:
    names = [f"c{i}" for i in range(n)]
    return pd.DataFrame({"campaign_id": names, "budget": 100, **columns}, index=range(n))


def past(**columns) -> pd.DataFrame:
    """History of campaign c0; the last entry of each column is of the day before AS_OF."""
    n = len(next(iter(columns.values())))
    days = [day(before) for before in range(n, 0, -1)]
    return pd.DataFrame({"campaign_id": "c0", "date": days, **columns})


def read(n: int = 1, history=None, as_of=AS_OF, **columns) -> Readings:
    return read_campaigns(campaigns(n, **columns), history=history, as_of=as_of)


def firing(text: str, readings: Readings, targets=None, confidence=None):
    trigger = parse_trigger(text, where=WHERE)
    return evaluate(trigger, readings, targets=targets or {}, confidence=confidence)


def fires(text: str, readings: Readings, targets=None, confidence=None) -> list[bool]:
    return firing(text, readings, targets, confidence).fired.tolist()
