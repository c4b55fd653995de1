"""Figures of the days of a simulated platform -> what it reports of them so far."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from adbudget.platforms.platform import DAILY, FIGURES, HOURLY, UNIT
from adbudget.platforms.traffic import (
    HOURS,
    DayFigures,
    Traits,
    apportioned,
    hourly,
    known_share,
    known_so_far,
)

NOON = timedelta(hours=12)
DAY = timedelta(days=1)


@dataclass(slots=True, kw_only=True, eq=False)
class DayBook:
    """Every day that is over, the first of the records first.

    Attributes
    ----------
    first : date of the first day
    units : (account, channel, campaign) of every cell
    traits : of the campaigns
    digits : after the point, of the currency
    there : (cell, day) whether a campaign was there on the days of the records; it is afterwards
    days : figures of the days that are over
    odd : day -> cells, and the spend of their hours, where a budget was touched on that day
    """

    first: date
    units: tuple[tuple[str, str, str], ...]
    traits: Traits
    digits: int
    there: np.ndarray
    days: list[DayFigures] = field(default_factory=list)
    odd: dict[int, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    def hours_of(self, day: int) -> np.ndarray:
        """(cell, hour) minor units spent on a day that is over."""
        spread = hourly(self.days[day].spend, self.traits.hours)
        if day in self.odd:
            cells, hours = self.odd[day]
            spread[cells] = hours
        return spread

    def report(
        self,
        span: tuple[date, date],
        today: tuple[DayFigures, np.ndarray],
        *,
        seen: datetime,
        by_hour: bool,
    ) -> pd.DataFrame:
        """Frame of a performance report.

        Parameters
        ----------
        span : first and last day, both included
        today : figures of the day that is not over, and the (cell, hour) spend so far
        seen : everything before this whole hour is in the reports, and nothing after it
        by_hour : rows by hour instead of days
        """
        whole = (seen.date() - self.first).days  # days that are in the reports from end to end
        low = max((span[0] - self.first).days, 0)
        high = min((span[1] - self.first).days, whole if seen.hour else whole - 1)
        numbers = range(low, high + 1)
        if by_hour:
            parts = [self._nothing(), *(self._hours(day, today, seen) for day in numbers)]
        else:
            parts = [self._whole_days(range(low, min(high + 1, whole)), seen)]
            parts += [self._part(day, today, seen) for day in numbers if day == whole]
        return self._frame(parts, by_hour)

    def _whole_days(self, numbers: range, seen: datetime) -> dict[str, np.ndarray]:
        """Figures of days that are in from end to end: (cell, day)."""
        if not numbers:
            return self._nothing()
        chosen = [self.days[day] for day in numbers]
        stacked = {
            name: np.stack([getattr(day, name) for day in chosen], axis=1)
            for name in ("spend", "impressions", "clicks", "conversions", "luck")
        }
        known = self._known(stacked["conversions"], stacked.pop("luck"), np.array(numbers), seen)
        return stacked | {"conversions": known, "day": np.array(numbers)}

    def _nothing(self) -> dict[str, np.ndarray]:
        """Figures of no time at all."""
        none = np.zeros(0, dtype=int)
        return dict.fromkeys(FIGURES, np.zeros((len(self.units), 0))) | {"day": none, "hour": none}

    def _known(
        self, total: np.ndarray, luck: np.ndarray, numbers: np.ndarray, seen: datetime
    ) -> np.ndarray:
        """(cell, day) conversions that are in."""
        middle = datetime.combine(self.first, datetime.min.time(), seen.tzinfo) + NOON
        age = (seen - middle) / DAY - numbers
        return known_so_far(total, known_share(age, self.traits.half_life[:, None]), luck)

    def _hours(
        self, day: int, today: tuple[DayFigures, np.ndarray], seen: datetime
    ) -> dict[str, np.ndarray]:
        """Figures of the hours of one day that are in: (cell, hour)."""
        over = day < len(self.days)
        figures, hours = (self.days[day], self.hours_of(day)) if over else today
        known = self._known(
            figures.conversions[:, None], figures.luck[:, None], np.array([day]), seen
        )
        totals = {
            "impressions": figures.impressions,
            "clicks": figures.clicks,
            "conversions": known[:, 0],
        }
        split = {name: apportioned(total, hours) for name, total in totals.items()}
        start = datetime.combine(self.first, datetime.min.time(), seen.tzinfo) + day * DAY
        n_seen = min(HOURS, int((seen - start) / timedelta(hours=1)))
        shown = {name: each[:, :n_seen] for name, each in (split | {"spend": hours}).items()}
        return shown | {"day": np.full(n_seen, day), "hour": np.arange(n_seen)}

    def _part(
        self, day: int, today: tuple[DayFigures, np.ndarray], seen: datetime
    ) -> dict[str, np.ndarray]:
        """Figures of the day that is in by half: (cell, 1)."""
        hours = self._hours(day, today, seen)
        summed = {name: hours[name].sum(axis=1, keepdims=True) for name in FIGURES if name in hours}
        return summed | {"day": np.array([day])}

    def _frame(self, parts: list[dict[str, np.ndarray]], by_hour: bool) -> pd.DataFrame:
        """Rows of all parts, by campaign and then by time."""
        times = ("day", "hour") if by_hour else ("day",)
        joined = {
            name: np.concatenate([part[name] for part in parts], axis=-1)
            for name in (*FIGURES[:-1], *times)
        }
        order = np.array(sorted(range(len(self.units)), key=self.units.__getitem__))
        there = self._was_there(joined["day"])[order]
        cell, column = np.nonzero(there)
        shown: dict[str, Any] = {
            name: pd.array([unit[k] for unit in self.units], dtype="str").take(order[cell])
            for k, name in enumerate(UNIT)
        }
        first = np.array([self.first], dtype="datetime64[D]")
        shown["date"] = (first + joined["day"]).astype("datetime64[us]")[column]
        if by_hour:
            shown["hour"] = joined["hour"][column]
        figures = {name: joined[name][order][there] for name in FIGURES[:-1]}
        shown["spend"] = figures["spend"] / 10.0**self.digits
        for name in ("impressions", "clicks"):
            shown[name] = figures[name].astype("int64")
        shown["conversions"] = figures["conversions"]
        revenue = figures["conversions"] * self.traits.order_value[order[cell]]
        shown["revenue"] = np.round(revenue, self.digits)
        return pd.DataFrame(shown, columns=list(HOURLY if by_hour else DAILY))

    def _was_there(self, day: np.ndarray) -> np.ndarray:
        """(cell, row of time) whether a campaign has a row."""
        there = np.ones((len(self.units), day.size), dtype=bool)
        recorded = day < self.there.shape[1]
        there[:, recorded] = self.there[:, day[recorded]]
        return there
