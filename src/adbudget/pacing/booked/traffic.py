"""History by day or hour -> a traffic curve. Knows no plan and no money.

Audiences keep the rhythm of the week and of the day. Whole weeks are averaged, so that a history
that begins on a Friday does not count Fridays more often.
"""

from typing import Any

import numpy as np

from adbudget.errors import InputError
from adbudget.pacing.booked.curves import WEEK, TrafficCurve, weekday_of
from adbudget.pacing.booked.slots import read_slots
from adbudget.tables.amounts import need_every, read_counts
from adbudget.tables.instants import zone_of
from adbudget.tables.messages import Note, Rows
from adbudget.tables.named_columns import checked_frame
from adbudget.tables.roles import column_of

FEWEST_WEEKS = 2
HOURS = 24


def learn_traffic(
    history: Any,
    *,
    measure: str = "impressions",
    time_zone: str = "UTC",
    name: str = "traffic",
) -> TrafficCurve:
    """Learn the shares of weekdays, and of hours where the history has them.

    Parameters
    ----------
    history : date, or hour as in :func:`adbudget.pacing.read_delivery`, and the column
        ``measure``; rows of the same slot, such as those of several deals, are added up.
        The latest whole weeks are used, and every day of them needs a row
    measure : what counts as traffic; impressions that budgets held back teach the budgets' rhythm
        instead, so prefer available impressions or requests where they are known
    time_zone : in which days begin
    name : how a plan calls the curve

    Returns
    -------
    TrafficCurve. Without hours, traffic is even within a day

    Raises
    ------
    InputError : fewer than two whole weeks, a day without rows, or no traffic at all

    Examples
    --------
    >>> days = pd.DataFrame({"date": pd.date_range("2026-01-05", periods=28), "impressions": 1_000})
    >>> days.loc[days["date"].dt.day_of_week > 4, "impressions"] = 600
    >>> curve = pacing.learn_traffic(days)
    >>> curve.weekday[0] > curve.weekday[6]
    True
    """
    zone_of(time_zone)
    table = checked_frame(history, "history", (measure,))
    rows = Rows(table="the history", labels=table.index)
    notes: list[Note] = []
    slots = read_slots(table, np.zeros(len(table), dtype=np.int64), [time_zone], rows, notes)
    advice = "Write 0 for a day without traffic."
    amount = need_every(
        read_counts(column_of(table, measure), measure, rows), measure, rows, advice
    )
    days, at = np.unique(slots.day, return_inverse=True)
    by_day = np.bincount(at, weights=amount, minlength=days.size)
    used = _latest_weeks(days)
    weekday = np.zeros(WEEK)
    np.add.at(weekday, weekday_of(days[used]), by_day[used])
    if weekday.sum() <= 0:
        raise InputError(f"{measure} of the history is 0 throughout; nothing can be learned.")
    hour = np.full(HOURS, 1.0)
    if slots.hourly:
        hour = np.zeros(HOURS)
        chosen = used[at]
        np.add.at(hour, slots.local_hour[chosen], amount[chosen])
    return TrafficCurve(
        name=name,
        weekday=tuple((weekday / weekday.mean()).tolist()),
        hour=tuple((hour / hour.sum()).tolist()),
    )


def _latest_weeks(days: np.ndarray) -> np.ndarray:
    """Which of the sorted days lie in the latest whole weeks: bool."""
    length = int((days[-1] - days[0]).astype(np.int64)) + 1
    n_weeks = length // WEEK
    if n_weeks < FEWEST_WEEKS:
        raise InputError(
            f"the history covers {length} days; a rhythm of the week needs at least "
            f"{FEWEST_WEEKS * WEEK}."
        )
    used = days > days[-1] - np.timedelta64(n_weeks * WEEK, "D")
    if used.sum() < n_weeks * WEEK:
        every = days[-1] - np.arange(n_weeks * WEEK).astype("timedelta64[D]")
        missing = np.setdiff1d(every, days)
        raise InputError(
            f"the history has no row for {missing.size} days, the first {missing[0]}. Write 0 for "
            "days without traffic; days nobody knows of must not look like quiet ones."
        )
    return used
