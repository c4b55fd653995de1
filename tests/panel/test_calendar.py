import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from adbudget.errors import InputError
from adbudget.panel.calendar import dates_after, detect_period, make_calendar, periods_in
from adbudget.panel.read import read_panel


def table_of(**dates_by_account) -> pd.DataFrame:
    """One channel per account, on these dates."""
    parts = [
        pd.DataFrame({"account": account, "date": dates, "x": np.arange(1.0, len(dates) + 1)})
        for account, dates in dates_by_account.items()
    ]
    return pd.concat(parts, ignore_index=True).assign(sales=5.0)


def read(freq=None, missing_spend="error", **dates_by_account):
    table = table_of(**dates_by_account)
    return read_panel(table, channels=["x"], freq=freq, missing_spend=missing_spend)


def refusal(freq=None, **dates_by_account) -> str:
    with pytest.raises(InputError) as error:
        read(freq, **dates_by_account)
    return str(error.value)


def assert_names(message: str, *parts: str) -> None:
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    ("freq", "period", "days"),
    [
        ("D", "daily", 1.0),
        ("W-MON", "weekly", 7.0),
        ("W-SUN", "weekly", 7.0),
        ("MS", "monthly", 365.25 / 12),
        ("ME", "monthly", 365.25 / 12),
    ],
)
def test_regular_dates_are_recognised(freq, period, days):
    panel = read(A=pd.date_range("2023-01-01", periods=30, freq=freq))
    assert (panel.period, panel.period_days) == (period, days)
    assert panel.n_periods == 30
    assert read(period, A=pd.date_range("2023-01-01", periods=30, freq=freq)).n_periods == 30


@given(st.integers(0, 20_000), st.integers(8, 60), st.sampled_from(["daily", "weekly"]))
def test_every_run_of_days_or_weeks_is_recognised(start, n_periods, period):
    step = 1 if period == "daily" else 7
    days = (start + step * np.arange(n_periods)).astype("datetime64[D]")
    assert detect_period(days) == period
    calendar = make_calendar({"A": days}, {"A": days}, None, [])
    np.testing.assert_array_equal(calendar.dates, days)
    np.testing.assert_array_equal(calendar.index(days), np.arange(n_periods))


@given(st.integers(0, 600), st.integers(8, 60), st.integers(1, 31))
def test_one_day_of_every_month_is_monthly(first_month, n_periods, day_of_month):
    months = (first_month + np.arange(n_periods)).astype("datetime64[M]")
    length = (months + np.timedelta64(1, "M")).astype("datetime64[D]") - months
    offset = np.minimum(day_of_month, length.astype(int)) - 1
    days = months.astype("datetime64[D]") + offset.astype("timedelta64[D]")
    assert detect_period(days) == "monthly"
    calendar = make_calendar({"A": days}, {"A": days}, None, [])
    np.testing.assert_array_equal(calendar.dates, months.astype("datetime64[D]"))


def test_months_are_labelled_by_their_first_day():
    panel = read(A=pd.date_range("2023-01-01", periods=12, freq="ME"))
    assert panel.dates[0] == np.datetime64("2023-01-01")
    assert "month_labels" in {note.kind for note in panel.notes}


def test_months_written_without_a_day_are_months():
    assert read(A=[f"2023-{month:02d}" for month in range(1, 13)]).period == "monthly"


def test_month_starts_and_month_ends_are_the_same_months():
    starts = pd.date_range("2023-01-01", periods=12, freq="MS")
    panel = read(A=starts, B=starts + pd.offsets.MonthEnd())
    assert panel.n_periods == 12
    assert panel.first.tolist() == [0, 0]


def test_working_days_are_days_with_gaps():
    panel = read(A=pd.bdate_range("2024-01-01", periods=40), missing_spend="zero")
    assert panel.period == "daily"
    assert np.isnan(panel.outcome).sum() == 14


def test_a_date_missing_from_an_account_is_missing_spend():
    dates = pd.date_range("2024-01-01", periods=20).delete([5, 6])
    message = refusal(A=dates)
    assert_names(message, "account 'A', channel 'x'", "2024-01-06, 2024-01-07", "no row")


def test_one_date_off_the_week_is_named():
    dates = pd.date_range("2024-01-01", periods=20, freq="W-MON").to_series()
    dates.iloc[7] += pd.Timedelta(days=1)
    message = refusal(A=dates.to_numpy(), B=dates.to_numpy())
    assert_names(message, "account 'A'", "not weekly", "Monday", "2024-02-20 is not")


def test_one_date_off_the_month_is_named():
    dates = pd.date_range("2024-01-01", periods=20, freq="MS").to_series()
    dates.iloc[7] += pd.Timedelta(days=1)
    assert_names(refusal(A=dates.to_numpy()), "account 'A'", "not monthly", "2024-08-02 is not")


def test_other_steps_are_named():
    message = refusal(A=pd.date_range("2024-01-01", periods=20, freq="14D"))
    assert_names(message, "irregular", "14 days apart", "2024-01-15")


def test_many_gaps_ask_for_the_period():
    dates = pd.date_range("2024-01-01", periods=60)
    sparse = dates[(dates.day_of_year % 7).isin([0, 1])]
    message = refusal(A=sparse)
    assert_names(message, "account 'A'", "unclear", "freq='daily'")
    assert read("daily", "zero", A=sparse).period == "daily"


def test_a_mistyped_year_is_named():
    dates = pd.date_range("2024-01-01", periods=20).to_series()
    dates.iloc[-1] = pd.Timestamp("2204-01-20")
    assert_names(refusal(A=dates.to_numpy()), "2204-01-20", "mistyped")


def test_a_mistyped_year_of_spend_is_named():
    dates = pd.date_range("2024-01-01", periods=20)
    outcome = pd.DataFrame({"date": dates, "sales": 1.0})
    spend = pd.DataFrame({"date": [*dates[:-1], pd.Timestamp("2204-01-20")], "x": 1.0})
    with pytest.raises(InputError, match="2204-01-20"):
        read_panel(spend, outcome, channels=["x"])


def test_accounts_need_one_period():
    days = pd.date_range("2024-01-01", periods=20)
    weeks = pd.date_range("2024-01-01", periods=20, freq="7D")
    message = refusal(A=days, B=weeks, C=weeks)
    assert_names(message, "daily: 'A'; weekly: 'B', 'C'", "aggregate")


def test_accounts_need_one_weekday():
    monday = pd.date_range("2024-01-01", periods=20, freq="W-MON")
    message = refusal(A=monday, B=monday - pd.Timedelta(days=1))
    assert_names(message, "Monday: 'A'; Sunday: 'B'")


@pytest.mark.parametrize(
    ("freq", "given", "parts"),
    [
        ("weekly", "D", ["not weekly"]),
        ("monthly", "W-MON", ["not monthly"]),
        ("W", "MS", ["not weekly"]),
        ("daily", "W-MON", ["freq='daily'", "are weekly", "freq='weekly'"]),
    ],
)
def test_a_stated_period_has_to_be_true(freq, given, parts):
    message = refusal(freq, A=pd.date_range("2024-01-01", periods=30, freq=given))
    assert_names(message, "account 'A'", *parts)


def test_spend_has_to_follow_the_calendar_of_the_outcome():
    outcome = pd.DataFrame({"date": pd.date_range("2024-01-01", periods=10, freq="W-MON")})
    spend = pd.DataFrame({"date": pd.date_range("2024-01-01", periods=64), "x": 1.0})
    with pytest.raises(InputError, match=r"is weekly and its spend is daily .*resample='weekly'"):
        read_panel(spend, outcome.assign(sales=1.0), channels=["x"])
    with pytest.raises(InputError, match=r"is weekly .* spend has other dates: 2024-01-02"):
        read_panel(spend, outcome.assign(sales=1.0), channels=["x"], missing_spend="zero")


def test_sparse_spend_rows_do_not_hide_the_period():
    days = pd.date_range("2024-01-01", periods=60)
    spend = pd.DataFrame({"channel": "x", "date": days[::9], "spend": np.arange(1.0, 8.0)})
    panel = read_panel(spend, pd.DataFrame({"date": days, "sales": 1.0}), missing_spend="zero")
    assert panel.period == "daily"
    assert panel.spend.sum() == 28


@pytest.mark.parametrize(
    ("length", "period_days", "periods"),
    [("8w", 7.0, 8), ("8w", 1.0, 56), ("8w", 365.25 / 12, 2), ("3m", 365.25 / 12, 3), (5, 7.0, 5)],
)
def test_a_length_of_time_is_whole_periods(length, period_days, periods):
    assert periods_in(length, period_days, "horizon") == periods


@pytest.mark.parametrize("length", ["soon", "3d", 0, True, 2.5, None])
def test_a_length_that_holds_no_period_is_refused_by_its_argument(length):
    with pytest.raises(InputError, match="horizon must be a length"):
        periods_in(length, 7.0, "horizon")


@pytest.mark.parametrize(
    ("last", "period", "dates"),
    [
        ("2024-02-28", "daily", ["2024-02-29", "2024-03-01"]),
        ("2024-12-30", "weekly", ["2025-01-06", "2025-01-13"]),
        ("2024-11-01", "monthly", ["2024-12-01", "2025-01-01"]),
    ],
)
def test_periods_go_on_after_the_last(last, period, dates):
    found = dates_after(np.datetime64(last), period, 2)
    np.testing.assert_array_equal(found, np.array(dates, dtype="datetime64[D]"))
