"""What is known of every campaign at one moment: today's figures, and those of earlier days.

A record and its look-ups. Knows nothing of tables, rules or targets.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from adbudget.policy.metrics.registry import TARGET, costs_of_result
from adbudget.policy.readings.daily import NO_ROW, History
from adbudget.policy.readings.figures import Figures
from adbudget.tables.messages import Note


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Readings:
    """What is known of every campaign at one moment. Campaigns are in the order of the table.

    Attributes
    ----------
    campaign_ids : (campaign,) names, unique
    as_of : the moment of the decision; a date is its midnight
    budget_minor : (campaign,) int64, budget per day in minor units of the currency (cents)
    currency : ISO code, or None when nobody says
    exponent : minor units are 10**-exponent of the currency's unit
    status : (campaign,) "active", "paused" or "ended"
    started_at, changed_at, updated_at : (campaign,) datetime64[s], wall time of ``as_of``; NaT when
        unknown
    locked : (campaign,) bool, budget not to be touched
    day : (campaign,) datetime64[D], the day the figures of the table are for
    last_day : (campaign,) datetime64[D], the day of the latest daily reading: ``day``, or the day
        before it where only the history knows daily figures and ends there
    figures : metrics of the table; figures.values[metric] is (campaign,)
    labels : column that names groups ("account", "platform" or "channel") -> (campaign,)
        text, "" where missing; only columns that the table has
    members : shared budget -> the campaigns on it, which are one campaign of the table here
    history : readings by day, or None
    notes : what is worth knowing about the table
    stands_for : count that the table does not give -> the one that serves instead
    served : counts that another one stands for, worth knowing where they are needed
    """

    campaign_ids: tuple[str, ...]
    as_of: datetime
    budget_minor: np.ndarray
    currency: str | None
    exponent: int
    status: np.ndarray
    started_at: np.ndarray
    changed_at: np.ndarray
    updated_at: np.ndarray
    locked: np.ndarray
    day: np.ndarray
    last_day: np.ndarray
    figures: Figures
    labels: Mapping[str, np.ndarray]
    members: Mapping[str, tuple[str, ...]]
    history: History | None
    notes: tuple[Note, ...]
    stands_for: Mapping[str, str]
    served: tuple[Note, ...]

    def __len__(self) -> int:
        return len(self.campaign_ids)

    def metric(self, name: str) -> np.ndarray:
        """One metric of the table: (campaign,) float, NaN where unknown. Money in major units."""
        return self.figures.values[name]

    def cost_of_result(self, targets: Iterable[str] = ()) -> np.ndarray:
        """Money per result: (campaign,), NaN where unknown.

        CPL where it is known, else CPA; but first the one that ``targets`` has a word for.
        """
        words = set(targets)
        names = sorted(costs_of_result(), key=lambda name: f"{TARGET}_{name}" not in words)
        costs = [self.metric(name) for name in names]
        found = costs[0]
        for cost in costs[1:]:
            found = np.where(np.isfinite(found), found, cost)
        return found

    def daily(self, name: str, days_before: int = 0) -> np.ndarray:
        """One metric of the daily reading so many days before ``last_day``: (campaign,) float.

        The reading of ``last_day`` itself is the history's where it has one, else the table's where
        that covers one day at most. NaN where there is no reading, or no figure in it.
        """
        rows, of_table = self.places(days_before)
        return _picked(self.figures.values, self.history, name, rows, of_table)

    def figures_at(self, days_before: int | None, names: Iterable[str]) -> Figures:
        """Metrics of the table (None), or of the daily reading so many days before."""
        if days_before is None:
            return self.figures
        rows, of_table = self.places(days_before)
        values = {
            name: _picked(self.figures.values, self.history, name, rows, of_table) for name in names
        }
        given = {name: (rows == NO_ROW) & self.figures.given[name] for name in names}
        if self.history is not None and self.history.day.size:
            past = self.history.figures.given
            given = {n: np.where(rows != NO_ROW, past[n][rows], own) for n, own in given.items()}
        return Figures(values=values, given=given)

    def places(self, days_before: int) -> tuple[np.ndarray, np.ndarray]:
        """Where each daily reading is: (campaign,) row of the history or -1, and bool: the table.

        A table whose figures cover several days is not a daily reading.
        """
        if self.history is None:
            rows = np.full(len(self), NO_ROW)
        else:
            rows = self.history.rows_at(self.last_day - np.timedelta64(days_before, "D"))
        of_table = (rows == NO_ROW) & (days_before == 0) & (self.figures.values["days"] <= 1)
        of_table &= self.last_day == self.day
        return rows, of_table


def _picked(
    table: Mapping[str, np.ndarray],
    history: History | None,
    name: str,
    rows: np.ndarray,
    of_table: np.ndarray,
) -> np.ndarray:
    """One metric, each campaign at its place: (campaign,), NaN where it has none."""
    found = np.where(of_table, table[name], np.nan)
    if history is None or not history.day.size:
        return found
    return np.where(rows != NO_ROW, history.figures.values[name][rows], found)
