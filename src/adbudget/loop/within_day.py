"""Hours of the last days + budgets -> when within a day each budget is used up.

How far a campaign gets with a budget shows in its own hours: one that spent less than its budget is
bounded by its traffic, one that ran dry early would go on, and one that is paced ends with the day.
Knows no plan and no fit.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd

from adbudget.loop.campaigns import KEY, money_of
from adbudget.platforms.platform import Performance, StandingBudget

HOURS = 24
USED = 0.9  # of a budget; a day that spent less did not use it up
EARLY = 0.02  # of a day's traffic; a campaign that stops with more to come ran dry
COLUMNS = ("used_up", "unspent")


def rehearse_day(
    performance: Performance | None,
    budgets: Sequence[StandingBudget],
    planned: Mapping[tuple[str, str, str], float],
    now: datetime,
) -> pd.DataFrame:
    """When each budget is used up on a day like the last ones.

    Parameters
    ----------
    performance : by hour, of some whole days; None where it is not told
    budgets : as they stood on these days
    planned : (account, channel, campaign) -> daily budget to come, account currency; what stands
        where it says nothing
    now : the instant; days before the last change of a budget tell nothing of it

    Returns
    -------
    Frame by account, channel, campaign: used_up, the hour (0 to 24; 24 is midnight) at which the
    budget is used up, NaN where it is not, or nobody knows; unspent, account currency a day that is
    left over. Campaigns without whole days of hours are not in it
    """
    spent = _by_hour(performance)
    shape = _traffic(spent)
    rows = []
    for one in budgets:
        days = spent.get(one.unit)
        if one.paused or days is None:
            continue
        since = _since(one, now)
        days = days[[day.date() >= since for day in days.index]]
        if not len(days) or not days.to_numpy().sum() > 0:
            continue
        budget = money_of(one)
        hour, unspent = _used_up(
            days.to_numpy(float), shape[one.unit], budget, planned.get(one.unit, budget)
        )
        rows.append((*one.unit, hour, unspent))
    return pd.DataFrame(rows, columns=[*KEY, *COLUMNS]).set_index(KEY)


def _by_hour(performance: Performance | None) -> dict[tuple[str, str, str], pd.DataFrame]:
    """Unit -> frame of (day, hour) spend, of days that are in from end to end."""
    if performance is None or not performance.by_hour or performance.frame.empty:
        return {}
    frame = performance.frame
    last = performance.complete_until.replace(tzinfo=None).date()
    whole = frame[frame["date"] < pd.Timestamp(last)]
    table = whole.pivot_table("spend", [*KEY, "date"], "hour", aggfunc="sum", fill_value=0.0)
    table = table.reindex(columns=range(HOURS), fill_value=0.0)
    return {unit: own.droplevel(KEY) for unit, own in table.groupby(level=KEY)}  # type: ignore[misc]


def _traffic(spent: Mapping[tuple[str, str, str], pd.DataFrame]) -> dict:
    """Unit -> (hour,) share of a day's traffic: of the campaign, and of all where it ran dry."""
    everybody = sum((own.to_numpy(float).sum(axis=0) for own in spent.values()), np.zeros(HOURS))
    shapes = {}
    for unit, own in spent.items():
        hours = own.to_numpy(float)
        dry = hours[:, -1] <= 0
        seen = hours[~dry].sum(axis=0) if (~dry).any() else everybody
        shapes[unit] = seen / seen.sum() if seen.sum() > 0 else np.full(HOURS, 1 / HOURS)
    return shapes


def _since(budget: StandingBudget, now: datetime) -> date:
    """The first whole day on which the budget stood as it does."""
    if budget.changed_at is None or budget.changed_at > now:
        return datetime.min.date()
    return budget.changed_at.date() + timedelta(days=1)


def _used_up(
    days: np.ndarray, shape: np.ndarray, budget: float, planned: float
) -> tuple[float, float]:
    """Hour at which a budget is used up, NaN if not, and what is left over."""
    passed = np.concatenate([[0.0], shape.cumsum()])
    spend = days.sum(axis=1)
    stops = np.array(
        [np.flatnonzero(day > 0)[-1] + 1 if (day > 0).any() else HOURS for day in days]
    )
    used = spend >= USED * budget
    dry = used & (passed[stops] < 1 - EARLY)
    if dry.any():  # it would have gone on: what it would spend, had it the money
        whole = float(np.median(spend[dry] / passed[stops[dry]]))
    elif used.mean() >= 0.5:  # paced: the platform spreads whatever it is given
        return float(HOURS), 0.0
    else:
        whole = float(np.median(spend))
    if planned > whole:
        return float("nan"), planned - whole
    return float(np.interp(planned / whole, passed, np.arange(HOURS + 1.0))), 0.0
