"""When cycles are due -> one run at a time, right across summer time, until it is told to stop.

Knows nothing of cycles: it calls what it is given at the instants that are due.
"""

import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Event
from types import FrameType
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from adbudget.errors import InputError
from adbudget.tables.instants import as_moment, zone_of

LONGEST_NAP = 60.0  # seconds: a clock that is set is noticed within a minute


class Trigger(Protocol):
    """What says when the next cycle is due."""

    def get_next_fire_time(
        self, previous_fire_time: datetime | None, now: datetime
    ) -> datetime | None:
        """The next instant after the previous one, None for never."""
        ...


def trigger_of(*, every: str = "", cron: str = "", zone: str = "UTC") -> Trigger:
    """What is due when.

    Parameters
    ----------
    every : "1h", "30m", "1d": the first at once
    cron : five fields, as in "0 6 * * 1": minute, hour, day, month, weekday
    zone : IANA name of the time zone that ``cron`` is in; an hour that summer time skips is run at
        the next one that there is, an hour that comes twice is run once

    Raises
    ------
    InputError : neither or both are given, or what is given cannot be read
    """
    place = zone_of(zone)
    if bool(every) == bool(cron):
        raise InputError("say when cycles are due: --every 1h, or --cron '0 6 * * 1'.")
    if every:
        return _Every(_span(every))
    try:
        from apscheduler.triggers.cron import CronTrigger
    except ModuleNotFoundError as cause:
        raise InputError(
            "cron expressions need APScheduler: pip install 'adbudget[loop]'. Without it, use "
            "--every, or let cron or a pipeline call `adbudget loop once`."
        ) from cause
    try:
        on_the_wall = CronTrigger.from_crontab(_named_weekdays(cron), timezone=UTC)
    except ValueError as cause:
        raise InputError(
            f"cron expression {cron!r} cannot be read ({cause}). Write minute, hour, day, month "
            "and weekday, such as '0 6 * * 1'."
        ) from cause
    return _OnTheWall(on_the_wall, place)


class _Every:
    """A trigger that is due at once, and then again and again."""

    def __init__(self, span: timedelta) -> None:
        self.span = span

    def get_next_fire_time(
        self, previous_fire_time: datetime | None, now: datetime
    ) -> datetime | None:
        """See :class:`Trigger`."""
        return now if previous_fire_time is None else previous_fire_time + self.span


class _OnTheWall:
    """A trigger of a clock on the wall of a time zone.

    Expressions are followed on a clock that knows no summer time, and only their instants are those
    of the zone: the library's own fires twice in the hour that comes twice, and repeats itself.
    """

    def __init__(self, trigger: Trigger, place: ZoneInfo) -> None:
        self.trigger, self.place = trigger, place

    def get_next_fire_time(
        self, previous_fire_time: datetime | None, now: datetime
    ) -> datetime | None:
        """See :class:`Trigger`."""
        last = None if previous_fire_time is None else self._wall(previous_fire_time)
        wall = self._wall(now)
        while (due := self.trigger.get_next_fire_time(last, wall)) is not None:
            instant = due.replace(tzinfo=self.place).astimezone(UTC).astimezone(self.place)
            if instant >= now and (previous_fire_time is None or instant > previous_fire_time):
                return instant
            last = wall = due
            wall += timedelta(microseconds=1)
        return None

    def _wall(self, instant: datetime) -> datetime:
        return instant.astimezone(self.place).replace(tzinfo=UTC, fold=0)


def _named_weekdays(cron: str) -> str:
    """Weekdays by name: 0 and 7 are Sunday in cron, and 0 is Monday in the library."""
    fields = cron.split()
    if len(fields) != 5:
        return cron
    names = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
    parts = []
    for part in fields[4].split(","):
        span, slash, step = part.partition("/")
        ends = [
            names[int(end)] if end.isdigit() and int(end) < 8 else end for end in span.split("-")
        ]
        parts.append("-".join(ends) + slash + step)
    return " ".join([*fields[:4], ",".join(parts)])


def _span(text: str) -> timedelta:
    units = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}
    number, unit = text[:-1].strip(), text[-1:].lower()
    if unit not in units or not number.isdigit() or not int(number):
        raise InputError(f"every must be such as 30m, 1h, 1d or 1w; got {text!r}.")
    return timedelta(seconds=int(number) * units[unit])


def run_on(
    trigger: Trigger,
    call: Callable[[datetime], Any],
    *,
    clock: Callable[[], datetime],
    stop: Event,
) -> int:
    """Call at every instant that is due, until told to stop; how often it was called.

    Instants that passed while a call took long, or the machine slept, are made up for by one call.

    Parameters
    ----------
    trigger : from :func:`trigger_of`
    call : gets the instant that was due
    clock : the time, with a zone
    stop : ends it, after the call that is being made
    """
    due = trigger.get_next_fire_time(None, clock())
    calls = 0
    while due is not None and not stop.is_set():
        wait = (due - clock()).total_seconds()
        if wait > 0:
            stop.wait(min(wait, LONGEST_NAP))
            continue
        call(due)
        calls += 1
        due = _next(trigger, due, clock())
    return calls


def _next(trigger: Trigger, due: datetime, now: datetime) -> datetime | None:
    """The next instant that has not passed: several missed ones are one."""
    following = trigger.get_next_fire_time(due, now)
    while following is not None and following <= now:
        after = trigger.get_next_fire_time(following, now)
        if after is None or after > now:
            return following
        following = after
    return following


def stopped_by_signals(stop: Event) -> None:
    """SIGINT and SIGTERM end a loop after the cycle that is being run."""

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)


def instant(text: str) -> datetime:
    """An instant as a person writes it, in UTC where it has no zone."""
    moment = as_moment(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=ZoneInfo("UTC"))
