"""Cycles are due at the instants a person means, also on the days that clocks change."""

import os
import signal
import threading
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from threading import Event
from zoneinfo import ZoneInfo

import pytest

from adbudget import InputError
from adbudget.loop.schedule import run_on, stopped_by_signals, trigger_of

BERLIN = ZoneInfo("Europe/Berlin")


def instants(trigger, start, n):
    found, now = [], start
    previous = None
    for _ in range(n):
        previous = trigger.get_next_fire_time(previous, now)
        found.append(previous)
        now = previous + timedelta(seconds=1)
    return found


def test_mondays_at_six_are_mondays_at_six_by_the_clock_on_the_wall():
    trigger = trigger_of(cron="0 6 * * 1", zone="Europe/Berlin")
    found = instants(trigger, datetime(2026, 3, 20, tzinfo=UTC), 3)
    assert [(one.weekday(), one.hour) for one in found] == [(0, 6)] * 3
    assert [one.astimezone(UTC).hour for one in found] == [5, 4, 4]  # summer time from 29 March


@pytest.mark.parametrize("sunday", ["0", "7", "sun"])
def test_sunday_is_zero_and_seven(sunday):
    trigger = trigger_of(cron=f"0 6 * * {sunday}")
    assert instants(trigger, datetime(2026, 3, 20, tzinfo=UTC), 1)[0].weekday() == 6


def test_an_hour_that_comes_twice_is_run_once_and_one_that_is_skipped_is_not_lost():
    trigger = trigger_of(cron="30 2 * * *", zone="Europe/Berlin")
    autumn = instants(trigger, datetime(2026, 10, 24, 3, tzinfo=UTC), 2)
    assert [one.astimezone(BERLIN).date().day for one in autumn] == [25, 26]
    spring = instants(trigger, datetime(2026, 3, 28, 3, tzinfo=UTC), 2)
    assert [one.astimezone(BERLIN).date().day for one in spring] == [29, 30]


class Clock:
    """A clock that jumps ahead with every call that takes long."""

    def __init__(self, start):
        self.now = start

    def __call__(self):
        return self.now


class Naps(Event):
    """Waiting moves the clock instead of the time."""

    def __init__(self, clock):
        super().__init__()
        self.clock = clock

    def wait(self, timeout=None):
        self.clock.now += timedelta(seconds=timeout)
        return self.is_set()


def test_cycles_that_were_missed_are_made_up_for_by_one():
    clock = Clock(datetime(2026, 3, 2, tzinfo=UTC))
    stop, calls = Naps(clock), []

    def long(due):
        calls.append(due)
        clock.now += timedelta(hours=5 if len(calls) == 1 else 0)
        if len(calls) == 3:
            stop.set()

    run_on(trigger_of(every="1h"), long, clock=clock, stop=stop)
    hours = [(later - first).total_seconds() / 3600 for first, later in pairwise(calls)]
    assert len(calls) == 3
    assert hours[0] == 5
    assert hours[1] == 1


def test_a_signal_ends_the_loop_after_the_cycle_that_runs():
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals reach the main thread only")
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    stop, finished = Event(), []

    def cycle(_due):
        os.kill(os.getpid(), signal.SIGTERM)
        finished.append("whole")

    try:
        stopped_by_signals(stop)
        clock = Clock(datetime(2026, 3, 2, tzinfo=UTC))
        stop.wait = lambda timeout=None: setattr(  # pyright: ignore[reportAttributeAccessIssue]
            clock, "now", clock.now + timedelta(seconds=timeout)
        )
        run_on(trigger_of(every="1h"), cycle, clock=clock, stop=stop)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert finished == ["whole"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "say when cycles are due"),
        ({"every": "1h", "cron": "0 6 * * *"}, "say when cycles are due"),
        ({"every": "often"}, "every must be such as 30m"),
        ({"cron": "0 25 * * *"}, "cron expression '0 25"),
        ({"cron": "0 6"}, "cron expression '0 6' cannot be read"),
        ({"cron": "0 6 * * *", "zone": "Mars/Base"}, "time zone 'Mars/Base' is unknown"),
    ],
)
def test_what_cannot_be_read_says_what_to_write(options, says):
    with pytest.raises(InputError, match=says):
        trigger_of(**options)
