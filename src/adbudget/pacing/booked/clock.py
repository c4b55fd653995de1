"""An instant and time zones -> local days, and how much of a flight is over. Reads no clock.

A flight is counted in local days. Every day counts as one, whether it has 23, 24 or 25 hours,
because budgets are planned by the day; within a day, hours count by the day's own length.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache

import numpy as np

from adbudget.errors import InputError
from adbudget.tables.instants import as_moment, zone_of


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LocalTime:
    """An instant as the clocks of several places show it. Arrays are (place,).

    Attributes
    ----------
    instant : datetime64[s] in UTC
    day : datetime64[D], the local day
    day_start : datetime64[s] in UTC, when that day began
    part : share of that day that is over, in [0, 1)
    """

    instant: np.ndarray
    day: np.ndarray
    day_start: np.ndarray
    part: np.ndarray


def as_instant(as_of: date | datetime | str) -> datetime:
    """The instant of a measurement; a date is the midnight at which it begins.

    Raises
    ------
    InputError : neither a date nor a time, or finer than seconds
    """
    moment = as_moment(as_of)
    if moment.microsecond:
        raise InputError(f"as_of must be whole seconds; got {moment.isoformat()}.")
    return moment


@cache
def day_start(day: date, zone: str) -> np.datetime64:
    """First instant of a local day, in UTC; right also where midnight is skipped or repeated."""
    return utc(datetime(day.year, day.month, day.day, tzinfo=zone_of(zone)))


def utc(moment: datetime) -> np.datetime64:
    """Moment with a time zone -> datetime64[s] in UTC."""
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "s")


def local_times(moment: datetime, zones: np.ndarray) -> LocalTime:
    """One moment at several places.

    Parameters
    ----------
    moment : an instant; without a time zone, this wall time at each place
    zones : (place,) names
    """
    names, code = np.unique(zones.astype(str), return_inverse=True)
    instants = [
        utc(moment if moment.tzinfo else moment.replace(tzinfo=zone_of(str(name))))
        for name in names
    ]
    return _gather(instants, names, code)


def times_at(instants: np.ndarray, zones: np.ndarray) -> LocalTime:
    """Instants, one for each place, as its clocks show them.

    Parameters
    ----------
    instants : (place,) datetime64[s] in UTC
    zones : (place,) names
    """
    pairs = np.rec.fromarrays([instants.astype(np.int64), zones.astype(str)])
    different, code = np.unique(pairs, return_inverse=True)
    seconds, names = different["f0"], different["f1"]
    return _gather(list(seconds.astype("datetime64[s]")), names, code)


def times_of_days(days: np.ndarray, zones: np.ndarray) -> np.ndarray:
    """First instants of local days, one for each place: (place,) datetime64[s] in UTC."""
    pairs = np.rec.fromarrays([days.astype(np.int64), zones.astype(str)])
    different, code = np.unique(pairs, return_inverse=True)
    begins = [
        day_start(day.item(), str(zone))
        for day, zone in zip(different["f0"].astype("datetime64[D]"), different["f1"], strict=True)
    ]
    return np.array(begins, dtype="datetime64[s]")[code]


def _gather(instants: list[np.datetime64], names: np.ndarray, code: np.ndarray) -> LocalTime:
    rows = [_at(instant, str(name)) for instant, name in zip(instants, names, strict=True)]
    return LocalTime(
        instant=np.array(instants, dtype="datetime64[s]")[code],
        day=np.array([row[0] for row in rows], dtype="datetime64[D]")[code],
        day_start=np.array([row[1] for row in rows], dtype="datetime64[s]")[code],
        part=np.array([row[2] for row in rows], dtype=float)[code],
    )


def _at(instant: np.datetime64, zone: str) -> tuple[date, np.datetime64, float]:
    day = local_moment(instant, zone).date()
    begins, ends = day_start(day, zone), day_start(day + timedelta(days=1), zone)
    return day, begins, float((instant - begins) / (ends - begins))


def local_moment(instant: np.datetime64, zone: str) -> datetime:
    """What calendar and clock of a zone show at an instant."""
    moment: datetime = instant.astype("datetime64[s]").item()
    return moment.replace(tzinfo=UTC).astimezone(zone_of(zone))


def elapsed_days(now: LocalTime, start: np.ndarray, n_days: np.ndarray) -> np.ndarray:
    """Days of each flight that are over: (deal,) in [0, n_days].

    Parameters
    ----------
    now : the instant at the place of each deal
    start : (deal,) datetime64[D]
    n_days : (deal,)
    """
    whole = (now.day - start).astype(np.int64)
    return np.clip(whole + now.part, 0, n_days)
