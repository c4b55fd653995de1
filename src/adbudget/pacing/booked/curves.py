"""Time of a flight -> planned cumulative share of its budget. Knows no money and no deals.

A flight's time is counted in local days; every day counts as one, whether it has 23, 24 or 25
hours.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from adbudget.errors import InputError

WEEK = 7
MONDAY = np.datetime64("1970-01-05", "D")
ASAP = "asap"
STEEPEST = 20.0  # t**20 plans 88% of the budget for the last tenth of the flight


class Curve(Protocol):
    """Planned cumulative share over a flight."""

    @property
    def name(self) -> str:
        """What a plan and reports call it."""
        ...

    def share(self, elapsed_days: np.ndarray, n_days: np.ndarray, start: np.ndarray) -> np.ndarray:
        """F after ``elapsed_days`` of flights of ``n_days`` that begin on ``start``.

        Parameters
        ----------
        elapsed_days : (flight,) in [0, n_days]
        n_days : (flight,)
        start : (flight,) datetime64[D]

        Returns
        -------
        (flight,) in [0, 1], 0 at the beginning and 1 at the end
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerCurve:
    """t**k, or its mirror image 1 - (1 - t)**k when front-loaded; even for k = 1."""

    name: str
    k: float
    front: bool

    def share(self, elapsed_days: np.ndarray, n_days: np.ndarray, start: np.ndarray) -> np.ndarray:
        """See :class:`Curve`."""
        t = elapsed_days / n_days
        return 1 - (1 - t) ** self.k if self.front else t**self.k


@dataclass(frozen=True, slots=True, kw_only=True)
class PointCurve:
    """Straight lines between points (t, share)."""

    name: str
    points: tuple[tuple[float, float], ...]

    def share(self, elapsed_days: np.ndarray, n_days: np.ndarray, start: np.ndarray) -> np.ndarray:
        """See :class:`Curve`."""
        t, planned = np.array(self.points).T
        return np.interp(elapsed_days / n_days, t, planned)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficCurve:
    """Weekdays and hours weighed as in a history.

    Attributes
    ----------
    name : how a plan calls it
    weekday : 7 weights of mean 1, Monday first
    hour : 24 shares of a day, midnight first; they sum to 1

    Examples
    --------
    >>> even_days = (1 / 7,) * 7
    >>> curve = pacing.TrafficCurve(name="flat", weekday=even_days, hour=(1 / 24,) * 24)
    >>> curve.name
    'flat'
    >>> start = np.array(["2026-03-01"], "M8[D]")
    >>> curve.share(np.array([5.0]), np.array([10]), start).round(2).tolist()
    [0.5]
    """

    name: str
    weekday: tuple[float, ...]
    hour: tuple[float, ...]

    def share(self, elapsed_days: np.ndarray, n_days: np.ndarray, start: np.ndarray) -> np.ndarray:
        """See :class:`Curve`."""
        whole = np.minimum(np.floor(elapsed_days), n_days - 1)
        today = start + whole.astype("timedelta64[D]")
        so_far = np.asarray(self.weekday)[weekday_of(today)] * self._of_day(elapsed_days - whole)
        before = self._weight_until(start, whole)
        return np.minimum((before + so_far) / self._weight_until(start, n_days), 1.0)

    def _of_day(self, part: np.ndarray) -> np.ndarray:
        """Share of a day's traffic in the first ``part`` of the day."""
        return np.interp(part, np.arange(25) / 24, np.concatenate([[0], np.cumsum(self.hour)]))

    def _weight_until(self, start: np.ndarray, n_days: np.ndarray) -> np.ndarray:
        """Sum of the weights of the first ``n_days`` whole days."""
        running = np.concatenate([[0.0], np.cumsum(np.tile(self.weekday, 2))])
        weeks, rest = np.divmod(n_days.astype(np.int64), WEEK)
        first = weekday_of(start)
        return weeks * sum(self.weekday) + running[first + rest] - running[first]


def even() -> PowerCurve:
    """The same every day: F(t) = t.

    Examples
    --------
    >>> curve = pacing.even()
    >>> start = np.full(3, np.datetime64("2026-03-01"))
    >>> curve.share(np.array([0.0, 15.0, 30.0]), np.full(3, 30.0), start).tolist()  # of the budget
    [0.0, 0.5, 1.0]
    """
    return PowerCurve(name="even", k=1.0, front=False)


def asap() -> PowerCurve:
    """As soon as possible: never too fast, and late when it is behind the even plan."""
    return PowerCurve(name=ASAP, k=1.0, front=False)


def front_loaded(k: float) -> PowerCurve:
    """Early: F(t) = 1 - (1 - t)**k.

    Parameters
    ----------
    k : from 1 (even) to 20; the larger, the earlier

    Raises
    ------
    InputError : ``k`` out of this range

    Examples
    --------
    >>> curve = pacing.front_loaded(2)
    >>> start = np.full(3, np.datetime64("2026-03-01"))
    >>> curve.share(np.array([0.0, 15.0, 30.0]), np.full(3, 30.0), start).tolist()  # of the budget
    [0.0, 0.75, 1.0]
    """
    return PowerCurve(name=f"front_loaded({k:g})", k=_steepness(k, "front_loaded"), front=True)


def back_loaded(k: float) -> PowerCurve:
    """Late: F(t) = t**k.

    Parameters
    ----------
    k : from 1 (even) to 20; the larger, the later

    Raises
    ------
    InputError : ``k`` out of this range

    Examples
    --------
    >>> curve = pacing.back_loaded(2)
    >>> start = np.full(3, np.datetime64("2026-03-01"))
    >>> curve.share(np.array([0.0, 15.0, 30.0]), np.full(3, 30.0), start).tolist()  # of the budget
    [0.0, 0.25, 1.0]
    """
    return PowerCurve(name=f"back_loaded({k:g})", k=_steepness(k, "back_loaded"), front=False)


def custom(points: Iterable[Sequence[float]], name: str = "custom") -> PointCurve:
    """Straight lines between points.

    Parameters
    ----------
    points : (t, share) pairs from (0, 0) to (1, 1); t grows, the share never falls
    name : how reports call the curve

    Raises
    ------
    InputError : anything else

    Examples
    --------
    >>> launch = pacing.custom([(0, 0), (0.5, 0.7), (1, 1)])  # 70% in the first half
    >>> report = ab.pace(
    ...     booked.assign(curve="launch"), delivered, as_of="2026-03-11", curves={"launch": launch}
    ... )
    >>> report.status["state"].tolist()
    ['under']
    """
    try:
        given = [tuple(float(value) for value in point) for point in points]
    except (TypeError, ValueError):
        raise InputError(
            f"curve {name!r} must be pairs of numbers such as (0.5, 0.7); got {points!r}."
        ) from None
    if len(given) < 2 or any(len(point) != 2 for point in given):
        raise InputError(
            f"curve {name!r} must be at least two points (t, share), such as (0, 0), (0.5, 0.7), "
            f"(1, 1); got {given}."
        )
    t, planned = np.array(given).T
    finite = np.isfinite(t).all() and np.isfinite(planned).all()
    sound = bool(finite and (np.diff(t) > 0).all() and (np.diff(planned) >= 0).all())
    if not sound or given[0] != (0, 0) or given[-1] != (1, 1):
        raise InputError(
            f"curve {name!r} must begin at (0, 0), end at (1, 1), go forward in t and never fall; "
            f"got {given}. The share is cumulative: after half the flight, what has been spent."
        )
    return PointCurve(name=name, points=tuple((a, b) for a, b in given))


def _steepness(k: float, name: str) -> float:
    if isinstance(k, bool) or not 1 <= k <= STEEPEST:
        raise InputError(
            f"the steepness of {name} must be from 1 (even) to {STEEPEST:g}; got {k}. For the "
            "opposite shape, take the other of front_loaded and back_loaded."
        )
    return float(k)


def weekday_of(day: np.ndarray) -> np.ndarray:
    """0 for Monday ... 6 for Sunday."""
    return (day - MONDAY).astype(np.int64) % WEEK
