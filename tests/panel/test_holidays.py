"""Public holidays as a control."""

import sys

import numpy as np
import pandas as pd
import pytest

import adbudget as ab
from adbudget.panel.holidays import calendar_controls

pytest.importorskip("holidays", reason="the extra adbudget[calendar] is not installed")


def tables(dates, accounts=("a", "b")):
    rows = [(account, day) for account in accounts for day in dates]
    outcome = pd.DataFrame(rows, columns=["account", "date"])
    outcome["revenue"] = np.linspace(100, 200, len(outcome))
    spend = outcome[["account", "date"]].assign(channel="x", spend=np.arange(len(outcome)) + 1.0)
    return spend, outcome


def counted(table):
    return {str(day.date()): int(n) for day, n in zip(table.date, table.holiday, strict=True) if n}


def test_days_of_germany_around_christmas():
    table = calendar_controls(pd.date_range("2024-12-01", "2025-01-07"), "DE")
    assert counted(table) == {"2024-12-25": 1, "2024-12-26": 1, "2025-01-01": 1}
    assert table.holiday.isin([0.0, 1.0]).all()


def test_a_subdivision_has_holidays_of_its_own():
    days = pd.date_range("2025-01-02", "2025-01-10")
    assert counted(calendar_controls(days, "DE")) == {}
    assert counted(calendar_controls(days, "DE-BY")) == {"2025-01-06": 1}


def test_a_week_counts_from_its_date_to_the_day_before_the_next():
    weeks = pd.date_range("2024-12-04", periods=5, freq="7D")  # Wednesdays
    assert counted(calendar_controls(weeks, "DE")) == {"2024-12-25": 2, "2025-01-01": 1}


def test_a_month_counts_to_its_end_in_leap_years_too():
    months = pd.date_range("2024-01-01", periods=5, freq="MS")
    assert counted(calendar_controls(months, "DE")) == {
        "2024-01-01": 1,  # New Year
        "2024-03-01": 1,  # Good Friday, the 29th
        "2024-04-01": 1,  # Easter Monday, the 1st
        "2024-05-01": 3,  # Labour Day, Ascension, Whit Monday
    }


def test_a_month_may_be_labelled_with_any_of_its_days():
    ends = pd.date_range("2024-01-31", periods=5, freq="ME")
    starts = pd.date_range("2024-01-01", periods=5, freq="MS")
    of_ends, of_starts = (calendar_controls(days, "DE").holiday for days in (ends, starts))
    pd.testing.assert_series_equal(of_ends, of_starts)


def test_periods_add_up_to_their_days():
    days = pd.date_range("2023-01-02", periods=7 * 60)
    by_day = calendar_controls(days, "GB").holiday.to_numpy().reshape(-1, 7).sum(axis=1)
    by_week = calendar_controls(days[::7], "GB").holiday.to_numpy()
    np.testing.assert_array_equal(by_day, by_week)
    assert by_week.sum() >= 6


def test_the_day_off_for_a_holiday_on_a_weekend_is_counted_when_asked_for():
    days = pd.date_range("2026-07-01", periods=10)  # the 4th is a Saturday
    assert counted(calendar_controls(days, "US")) == {"2026-07-04": 1}
    both = calendar_controls(days, "US", observed=True)
    assert counted(both) == {"2026-07-03": 1, "2026-07-04": 1}


def test_each_holiday_has_a_column_when_asked_for():
    days = pd.date_range("2023-01-01", "2024-12-31")
    named = calendar_controls(days, "US", each=True, observed=True)
    together = calendar_controls(days, "US", observed=True).holiday
    assert named["holiday: Christmas Day"].sum() == 2
    np.testing.assert_array_equal(named.drop(columns="date").sum(axis=1), together)


def test_dates_may_repeat_and_come_in_any_order():
    days = pd.date_range("2024-12-20", periods=10)
    shuffled = pd.Series([*days[::-1], *days[:3]])
    pd.testing.assert_frame_equal(calendar_controls(shuffled, "DE"), calendar_controls(days, "DE"))


def test_a_panel_gets_a_control_by_account():
    days = pd.date_range("2024-12-20", periods=14)
    spend, outcome = tables(days)
    panel = ab.read_panel(spend, outcome, holidays={"a": "DE", "b": "US"})
    assert panel.controls == ("holiday",)
    on = [panel.dates[row == 1].astype(str).tolist() for row in panel.control_values[:, 0]]
    assert on == [["2024-12-25", "2024-12-26", "2025-01-01"], ["2024-12-25", "2025-01-01"]]
    (note,) = [note for note in panel.notes if note.kind == "holidays"]
    assert "public holidays of DE, US" in note.message


def test_holidays_stand_beside_the_callers_controls():
    days = pd.date_range("2024-12-20", periods=14)
    spend, outcome = tables(days)
    outcome["promotion"] = (outcome.date.dt.day == 24).astype(float)
    panel = ab.read_panel(spend, outcome, controls=["promotion"], holidays="DE")
    assert panel.controls == ("promotion", "holiday")
    np.testing.assert_array_equal(panel.control_values[0].sum(axis=1), [1, 3])
    by_hand = calendar_controls(panel, "DE")
    joined = outcome.merge(by_hand, on="date")
    same = ab.read_panel(spend, joined, controls=["promotion", "holiday"])
    np.testing.assert_array_equal(same.control_values, panel.control_values)


@pytest.mark.parametrize(
    ("holidays", "why"),
    [
        ("XX", "'XX'.*not available.*'DE', 'GB'"),
        ("DE-ZZ", "'DE-ZZ'.*subdivision ZZ"),
        (7, "a country must be a code such as 'DE'.*got 7"),
        ("", "a country must be a code"),
        ({"a": "DE"}, "holidays does not name account 'b'"),
        ({"a": "DE", "b": None}, "a country must be a code.*got None"),
    ],
)
def test_a_country_nobody_knows_is_refused(holidays, why):
    with pytest.raises(ab.InputError, match=why):
        ab.read_panel(*tables(pd.date_range("2024-12-01", periods=14)), holidays=holidays)


def test_a_control_of_the_same_name_is_refused():
    spend, outcome = tables(pd.date_range("2024-12-01", periods=14))
    outcome["holiday"] = 0.0
    with pytest.raises(ab.InputError, match="a control is called 'holiday' already"):
        ab.read_panel(spend, outcome, controls=["holiday"], holidays="DE")


@pytest.mark.parametrize(
    ("dates", "options", "why"),
    [
        (["31.12.2024"], {}, "years first.*got '31.12.2024'"),
        (7, {}, "years first.*got 7"),
        ([], {}, "at least one"),
        ([pd.Timestamp("2024-12-01 10:00")], {}, "whole days.*2024-12-01 10:00"),
        ([pd.Timestamp("2024-12-01"), pd.NaT], {}, "none missing.*NaT"),
        (["2024-12-01"], {}, "no period that can be told"),
        (["2024-12-01"], {"period": "yearly"}, "period must be one of.*got 'yearly'"),
    ],
)
def test_dates_that_cannot_be_used_are_refused(dates, options, why):
    with pytest.raises(ab.InputError, match=why) as error:
        calendar_controls(dates, "DE", **options)
    assert "\n" not in str(error.value)


def test_a_panels_own_period_cannot_be_contradicted():
    panel = ab.read_panel(*tables(pd.date_range("2024-12-01", periods=14)))
    with pytest.raises(ab.InputError, match="the panel is daily"):
        calendar_controls(panel, "DE", period="weekly")


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "holidays", None)
    with pytest.raises(ab.InputError, match=r"install adbudget\[calendar\]"):
        calendar_controls(["2024-12-01"], "DE", period="daily")
