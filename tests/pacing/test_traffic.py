"""Learning the rhythm of weeks and days."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from adbudget import InputError
from adbudget.pacing import learn_traffic

WEEK = np.array([10, 10, 10, 10, 10, 15, 5])  # Monday first


def history(n_days: int, start: str = "2026-03-02") -> pd.DataFrame:
    days = pd.date_range(start, periods=n_days)
    return pd.DataFrame({"date": days, "impressions": WEEK[days.day_of_week]})


def test_weekdays_are_learned():
    curve = learn_traffic(history(28))
    assert curve.weekday == pytest.approx(WEEK / 10)
    assert curve.hour == pytest.approx([1 / 24] * 24)


@settings(max_examples=25)
@given(st.integers(14, 60), st.integers(0, 6))
def test_where_the_history_begins_and_ends_decides_nothing(n_days, shift):
    start = str(np.datetime64("2026-03-02") + np.timedelta64(shift, "D"))
    assert learn_traffic(history(n_days, start)).weekday == pytest.approx(WEEK / 10)


def test_hours_are_learned_in_local_time():
    hours = pd.date_range("2026-03-02", periods=14 * 24, freq="h", tz="Europe/Berlin")
    evening = np.where(hours.hour == 20, 90, 0) + np.where(hours.hour == 8, 10, 0)
    table = pd.DataFrame({"hour": hours.tz_convert("UTC"), "impressions": evening})
    curve = learn_traffic(table, time_zone="Europe/Berlin")
    assert curve.hour[20] == pytest.approx(0.9)
    assert curve.hour[8] == pytest.approx(0.1)


def test_rows_of_several_deals_are_added_up():
    twice = pd.concat([history(14), history(14)])
    assert learn_traffic(twice) == learn_traffic(history(14))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (history(13), "covers 13 days"),
        (history(28).drop(index=9), "no row for 1 days, the first 2026-03-11"),
        (history(28).assign(impressions=0), "0 throughout"),
        (history(28).assign(impressions=np.nan), "impressions is missing in rows 0, 1"),
        (history(28).drop(columns="date"), "neither a column 'date' nor 'hour'"),
    ],
)
def test_a_history_that_teaches_nothing_is_refused(table, message):
    with pytest.raises(InputError, match=message):
        learn_traffic(table)
