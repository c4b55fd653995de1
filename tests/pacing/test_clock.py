"""Local days: where clocks change, where midnight is skipped, and laws of every zone."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, strategies as st

from adbudget import InputError
from adbudget.pacing.booked.clock import as_instant, day_start, local_times, times_at

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")


@pytest.mark.parametrize(
    ("day", "zone", "starts"),
    [
        ("2026-03-29", "Europe/Berlin", "2026-03-28T23:00:00"),
        ("2026-03-30", "Europe/Berlin", "2026-03-29T22:00:00"),
        ("2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00:00"),  # 00:00 to 01:00 is skipped
        ("2018-02-18", "America/Sao_Paulo", "2018-02-18T03:00:00"),  # the hour before comes twice
        ("2026-03-01", "Asia/Kolkata", "2026-02-28T18:30:00"),
    ],
)
def test_when_a_local_day_begins(day, zone, starts):
    assert day_start(date.fromisoformat(day), zone) == np.datetime64(starts, "s")


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)).map(
        lambda t: t.replace(microsecond=0)
    ),
    st.sampled_from(ZONES),
)
def test_an_instant_lies_in_the_day_that_it_is(moment, zone):
    now = times_at(np.array([moment], dtype="datetime64[s]"), np.array([zone], dtype=object))
    day = now.day[0].item()
    ends = day_start(day + timedelta(days=1), zone)
    assert day_start(day, zone) == now.day_start[0] <= now.instant[0] < ends
    assert 0 <= now.part[0] < 1


def test_wall_time_is_another_instant_in_each_zone():
    zones = np.array(["Asia/Tokyo", "America/New_York"], dtype=object)
    now = local_times(datetime(2026, 3, 11), zones)
    assert now.instant.astype(str).tolist() == ["2026-03-10T15:00:00", "2026-03-11T04:00:00"]
    assert now.part.tolist() == [0, 0]


def test_an_instant_with_a_zone_is_the_same_everywhere():
    zones = np.array(ZONES, dtype=object)
    now = local_times(datetime(2026, 3, 11, 20, tzinfo=UTC), zones)
    assert len(set(now.instant.tolist())) == 1
    assert now.day.astype(str).tolist() == [*["2026-03-11"] * 3, "2026-03-12", "2026-03-12"]


def test_parts_of_a_second_are_refused():
    with pytest.raises(InputError, match="whole seconds"):
        as_instant(datetime(2026, 3, 11, 1, 2, 3, 4))
