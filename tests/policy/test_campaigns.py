"""The campaign table: what is read, derived, noted and refused."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from adbudget.errors import InputError
from adbudget.policy.metrics.registry import quotients
from adbudget.policy.readings.campaigns import read_campaigns
from tests.policy.tables import AS_OF, campaigns, past, read


def refusal(frame, **options) -> str:
    with pytest.raises(InputError) as caught:
        read_campaigns(frame, **{"as_of": AS_OF, **options})
    return str(caught.value)


def kinds(readings) -> list[str]:
    return [note.kind for note in readings.notes]


# What is derived --------------------------------------------------------------------------------


def test_every_metric_is_derived_from_its_parts():
    readings = read(
        spend=150, conversions=3, revenue=600, impressions=10_000, clicks=50, budget=200
    )
    found = {name: float(readings.metric(name)[0]) for name in quotients()}
    assert found == {
        "cpl": 50,
        "cpa": 50,
        "roas": 4,
        "ctr": 0.005,
        "cvr": 0.06,
        "cpc": 3,
        "cpm": 15,
        "spend_pace": 0.75,
        "utilization": 0.75,
    }


def test_figures_of_several_days_are_paced_against_as_many_budgets():
    assert read(spend=700, budget=100, days=7).metric("spend_pace")[0] == 1


def test_only_missing_cells_are_derived():
    readings = read(2, cpl=[35, np.nan], spend=100, conversions=2)
    assert readings.metric("cpl").tolist() == [35, 50]


def test_nothing_is_derived_from_a_part_that_is_missing_or_zero():
    readings = read(3, spend=[100, np.nan, 100], conversions=[0, 2, np.nan])
    assert np.isnan(readings.metric("cpl")).all()


def test_age_is_counted_in_days_to_the_hour():
    readings = read(as_of=datetime(2026, 3, 10, 12), started_at="2026-03-08T00:00")
    assert readings.metric("age_days")[0] == 2.5


def test_a_given_figure_that_contradicts_its_parts_is_used_and_noted():
    readings = read(2, cpl=[35, 50], spend=100, conversions=2)
    assert readings.metric("cpl").tolist() == [35, 50]
    (note,) = readings.notes
    assert note.kind == "contradiction"
    assert (
        "cpl is not spend / conversions in 1 rows, e.g. campaign 'c0': 35 is given" in note.message
    )


def test_a_rounded_figure_is_no_contradiction():
    assert read(cpl=33.33, spend=100, conversions=3).notes == ()


@given(st.integers(1, 10**9), st.integers(1, 10**6))
def test_a_derived_figure_times_its_divisor_is_the_spend_exactly(cents, conversions):
    figures = read(spend=cents / 100, conversions=conversions).figures
    assert figures.exact("cpl", 0) * conversions == Decimal(cents) / 100


# Money ------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=20))
def test_every_amount_of_cents_is_read_exactly(cents):
    readings = read(len(cents), budget=[amount / 100 for amount in cents])
    assert readings.budget_minor.tolist() == cents
    assert readings.budget_minor.dtype == np.int64


def test_decimals_are_read_as_they_are():
    assert read(budget=[Decimal("988.89")]).budget_minor.tolist() == [98889]


def test_a_fraction_of_a_cent_is_refused_not_rounded():
    said = refusal(campaigns(2, budget=[100.005, 100.01]))
    assert "budget has more than 2 decimals in row 0 of the campaign table: 100.005" in said
    assert "frame['budget'].round(2)" in said


@pytest.mark.parametrize(("code", "exponent"), [("JPY", 0), ("EUR", 2), ("KWD", 3), ("XYZ", 2)])
def test_minor_units_follow_the_currency(code, exponent):
    readings = read(budget=1000, currency=code)
    assert readings.exponent == exponent
    assert readings.budget_minor.tolist() == [1000 * 10**exponent]


def test_an_exponent_that_is_told_wins():
    readings = read_campaigns(campaigns(), as_of=AS_OF, currency="JPY", exponent=2)
    assert readings.budget_minor.tolist() == [10_000]


def test_several_currencies_are_refused():
    assert "several currencies: 'EUR', 'USD'" in refusal(campaigns(2, currency=["USD", "EUR"]))


def test_a_currency_that_is_not_the_one_told_is_refused():
    assert "'USD' by argument" in refusal(campaigns(currency="EUR"), currency="USD")


def test_micros_are_noticed():
    assert "micros" in refusal(campaigns(budget=1e15))


# What is refused --------------------------------------------------------------------------------

BAD = [
    ({"budget": np.nan}, "budget is missing in row 0"),
    ({"budget": -1}, "budget is negative in row 0"),
    ({"budget": np.inf}, "column 'budget' is infinite in row 0"),
    ({"budget": "100 USD"}, "column 'budget' has text where numbers are expected"),
    ({"spend": -5}, "spend is negative in row 0 of the campaign table: -5.0"),
    ({"ctr": 2.5}, "ctr is above 1 in row 0 of the campaign table: 2.5. Expected a share"),
    ({"cvr": 12}, "cvr is above 1"),
    ({"days": 0}, "days is 0 in row 0"),
    ({"status": "flying"}, "status is missing or unknown in row 0 of the campaign table: 'flying'"),
    ({"status": None}, "status is missing or unknown"),
    ({"locked": "yes"}, "locked is neither true nor false in row 0 of the campaign table: 'yes'"),
    ({"locked": 2}, "locked is neither true nor false"),
    ({"started_at": "soon"}, "column 'started_at' has values that are not dates or times in row 0"),
    ({"started_at": 20260301}, "column 'started_at' has values that are not dates"),
    ({"started_at": "2026-03-11"}, "column 'started_at' is after as_of (2026-03-10T00:00:00)"),
    ({"started_at": "2026-03-01T00:00+00:00"}, "with a zone only if as_of has one"),
    ({"date": "2026-03-11"}, "date is after as_of (2026-03-10) in row 0"),
    ({"date": "03/04/2026"}, "column 'date' has ambiguous dates"),
    ({"campaign_id": " "}, "column 'campaign_id' is missing or blank in row 0"),
    ({"campaign_id": None}, "column 'campaign_id' is missing or blank in row 0"),
    ({"currency": None}, "currency is missing in row 0"),
]


@pytest.mark.parametrize(("columns", "message"), BAD)
def test_a_bad_cell_is_refused_with_its_row(columns, message):
    assert message in refusal(campaigns(**columns))


def test_rows_are_named_by_the_callers_index():
    frame = campaigns(3, spend=[1, -2, -3]).set_index(pd.Index([10, 20, 30]))
    assert "spend is negative in rows 20, 30 of the campaign table" in refusal(frame)


def test_a_campaign_twice_is_refused():
    frame = campaigns(3).assign(campaign_id=["a", "b", "a"])
    assert "'a' come more than once, in rows 0, 2 of the campaign table" in refusal(frame)


def test_a_missing_column_is_refused_with_the_one_that_may_be_meant():
    frame = campaigns().rename(columns={"campaign_id": "campaignid"})
    assert "campaigns has no column 'campaign_id'" in refusal(frame)
    assert "Is it 'campaignid'?" in refusal(frame)
    assert "campaigns has no column 'budget'" in refusal(campaigns().drop(columns="budget"))


@pytest.mark.parametrize("frame", [None, [], "campaigns.csv", {"campaign_id": ["a"]}])
def test_what_is_no_table_is_refused(frame):
    assert "campaigns must be a pandas or polars DataFrame" in refusal(frame)


def test_an_empty_table_is_refused():
    assert "campaigns has no rows" in refusal(campaigns(0))


@pytest.mark.parametrize("as_of", [None, 5, "soon", pd.NaT])
def test_a_moment_that_is_none_is_refused(as_of):
    assert "as_of must be a date or time" in refusal(campaigns(), as_of=as_of)


def test_a_column_nobody_reads_is_noted_with_the_one_that_may_be_meant():
    (note,) = read(conversion=3, colour="red").notes
    assert note.kind == "ignored_column"
    assert "not read: 'conversion', 'colour'" in note.message
    assert "'conversion' may be meant as 'conversions'" in note.message


# What is read -----------------------------------------------------------------------------------


def test_campaigns_stay_in_the_order_of_the_table():
    frame = campaigns(3).assign(campaign_id=["z", "a", "m"], budget=[1, 2, 3])
    readings = read_campaigns(frame, as_of=AS_OF)
    assert readings.campaign_ids == ("z", "a", "m")
    assert readings.budget_minor.tolist() == [100, 200, 300]


def test_status_words_of_the_platforms_are_understood():
    readings = read(5, status=["ENABLED", "active", "Paused", "removed", "archived"])
    assert readings.status.tolist() == ["active", "active", "paused", "ended", "ended"]


def test_without_status_and_locks_campaigns_run_and_are_free():
    readings = read(2)
    assert readings.status.tolist() == ["active", "active"]
    assert readings.locked.tolist() == [False, False]


@pytest.mark.parametrize(
    "as_of",
    ["2026-03-10", date(2026, 3, 10), datetime(2026, 3, 10), pd.Timestamp("2026-03-10")],
)
def test_a_date_is_its_midnight(as_of):
    readings = read(as_of=as_of)
    assert readings.as_of == datetime(2026, 3, 10)
    assert readings.day.astype(str).tolist() == ["2026-03-10"]


def test_a_plain_date_allows_any_moment_of_its_day():
    assert read(updated_at="2026-03-10T08:00").updated_at.astype(str) == ["2026-03-10T08:00:00"]


def test_times_with_a_zone_are_brought_to_the_zone_of_as_of():
    as_of = datetime(2026, 3, 10, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    readings = read(as_of=as_of, started_at=datetime(2026, 3, 8, 23, tzinfo=UTC))
    assert readings.started_at.astype(str).tolist() == ["2026-03-09T00:00:00"]
    assert readings.metric("age_days")[0] == 1.5


def test_the_table_may_be_of_an_earlier_day():
    readings = read(date="2026-03-09", cpl=61, history=past(cpl=[40, 61]))
    assert readings.daily("cpl", 1).tolist() == [40]


def test_a_polars_table_is_read():
    polars = pytest.importorskip("polars")
    readings = read_campaigns(polars.from_pandas(campaigns(2, spend=[1.5, 2])), as_of=AS_OF)
    assert readings.metric("spend").tolist() == [1.5, 2]


# History ----------------------------------------------------------------------------------------


def test_history_is_looked_up_by_campaign_and_day():
    history = pd.DataFrame(
        {
            "campaign_id": ["b", "a", "b"],
            "date": ["2026-03-09", "2026-03-08", "2026-03-08"],
            "cpl": [1.0, 2.0, 3.0],
        }
    )
    frame = campaigns(3, cpl=9).assign(campaign_id=["a", "b", "c"])
    readings = read_campaigns(frame, history=history, as_of=AS_OF)
    assert readings.daily("cpl", 0).tolist() == [9, 9, 9]
    np.testing.assert_array_equal(readings.daily("cpl", 1), [np.nan, 1, np.nan])
    np.testing.assert_array_equal(readings.daily("cpl", 2), [2, 3, np.nan])
    assert np.isnan(readings.daily("cpl", 300)).all()


@given(st.data())
def test_history_finds_what_a_dictionary_finds(data):
    days = st.tuples(st.integers(0, 4), st.integers(1, 9))
    entries = data.draw(st.dictionaries(days, st.integers(0, 99), min_size=1))
    rows = data.draw(st.permutations(list(entries.items())))
    history = pd.DataFrame(
        {
            "campaign_id": [f"c{campaign}" for (campaign, _), _ in rows],
            "date": [AS_OF.date() - pd.Timedelta(days=before) for (_, before), _ in rows],
            "spend": [value for _, value in rows],
        }
    )
    readings = read(5, history=history, clicks=1)
    before = data.draw(st.integers(0, 12))
    expected = [entries.get((campaign, before), np.nan) for campaign in range(5)]
    np.testing.assert_array_equal(readings.daily("spend", before), expected)


def test_history_derives_and_paces_by_its_own_budgets():
    readings = read(spend=1, history=past(spend=[50, 80.0], conversions=2, budget=[100, np.nan]))
    assert readings.daily("cpl", 1).tolist() == [40]
    assert readings.daily("spend_pace", 2).tolist() == [0.5]
    assert np.isnan(readings.daily("spend_pace", 1)).all()


def test_history_from_after_as_of_is_refused():
    history = past(cpl=[40]).assign(date="2026-03-11")
    said = refusal(campaigns(), history=history)
    assert "date is after as_of (2026-03-10) in row 0 of the history: 2026-03-11" in said


def test_two_readings_of_a_day_are_refused():
    history = past(cpl=[40, 41]).assign(date="2026-03-09")
    assert "two readings of one campaign and day, the second in row 1" in refusal(
        campaigns(), history=history
    )


def test_history_needs_a_date():
    assert "history has no column 'date'" in refusal(campaigns(), history=campaigns(cpl=3))


def test_campaigns_of_the_history_that_are_gone_are_noted():
    history = past(cpl=[40]).assign(campaign_id="old")
    readings = read(cpl=40, history=history)
    assert kinds(readings) == ["unknown_campaign"]
    assert np.isnan(readings.daily("cpl", 1)).all()


def test_a_table_and_a_history_that_differ_on_the_same_day_are_noted():
    history = past(cpl=[40]).assign(date="2026-03-10")
    readings = read(cpl=61, history=history)
    assert kinds(readings) == ["contradiction"]
    assert readings.metric("cpl").tolist() == [61]
    assert readings.daily("cpl").tolist() == [40]


def test_where_only_the_history_is_daily_it_may_end_a_day_before_and_that_is_noted():
    history = past(roas=[6.1, 6.2, 6.3])
    for table in ({}, {"roas": 9, "days": 7}):
        readings = read(history=history, **table)
        assert readings.last_day.astype(str).tolist() == ["2026-03-09"]
        assert readings.daily("roas").tolist() == [6.3]
        assert kinds(readings) == ["latest_reading"]
    readings = read(history=history, roas=9)
    assert readings.daily("roas").tolist() == [9]
    assert kinds(readings) == []


def test_a_history_that_ends_earlier_has_no_latest_reading():
    readings = read(history=past(roas=[6.1, 6.2]).assign(date=["2026-03-07", "2026-03-08"]))
    assert np.isnan(readings.daily("roas")[0])
