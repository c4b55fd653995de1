import gzip
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from adbudget.errors import InputError
from adbudget.panel.panel import Panel
from adbudget.panel.read import read_panel
from adbudget.panel.unit_value import margin_assumed
from tests.panel.panel_tables import assert_same, kinds, long_table, two_tables, wide_table

PUBLIC_DATA = Path(__file__).parents[3] / "shared" / "data"


def test_one_long_table_gives_the_numbers_that_were_put_in():
    panel = read_panel(long_table())
    assert panel.accounts == ("A", "B")
    assert panel.channels == ("google", "meta")
    assert (panel.period, panel.period_days) == ("daily", 1.0)
    assert panel.dates.dtype == np.dtype("datetime64[D]")
    np.testing.assert_array_equal(panel.spend.reshape(-1), np.arange(1.0, 41.0))
    np.testing.assert_array_equal(panel.outcome, 10 * panel.spend.sum(axis=1))
    assert panel.live.all()
    assert panel.outcome_name == "revenue"
    assert panel.notes == ()
    np.testing.assert_array_equal(panel.unit_value, [1, 1])
    np.testing.assert_array_equal(panel.margin, [1, 1])


@pytest.mark.parametrize(
    ("outcome", "options", "assumed"),
    [
        ("revenue", {}, ("A", "B")),
        ("revenue", {"margin": 0.4}, ()),
        ("revenue", {"margin": 1}, ()),
        ("revenue", {"margin": {"A": 0.4, "B": 1}}, ()),
        ("gross_profit", {}, ()),
        ("leads", {"value_per_unit": 40}, ()),
        ("db_sales", {}, ("A", "B")),
    ],
)
def test_a_margin_is_assumed_where_all_counts_and_nobody_has_said_so(outcome, options, assumed):
    table = long_table().rename(columns={"revenue": outcome})
    panel = read_panel(table, columns={"outcome": outcome}, **options)
    assert margin_assumed(panel) == assumed
    assert ("margin_stated" in kinds(panel)) == ("1" in str(options.get("margin")))


def test_a_panel_counts_its_axes():
    panel = read_panel(long_table(accounts=("A", "B", "C")))
    assert (panel.n_accounts, panel.n_channels, panel.n_periods) == (3, 2, 10)
    assert panel.cells.tolist()[:2] == [("A", "google"), ("A", "meta")]


@st.composite
def ragged_tables(draw):
    """Two accounts with their own record; channels that start late or stop."""
    parts = []
    for account in ("A", "B"):
        n_days = draw(st.integers(8, 14))
        begin = draw(st.integers(0, 5))
        for channel in ("google", "meta"):
            late, early = draw(st.integers(0, 3)), draw(st.integers(0, 3))
            n = n_days - late - early
            spend = draw(st.lists(st.integers(0, 9), min_size=n, max_size=n))
            spend[0] += 1
            if channel == "google":
                late, spend = 0, [1] * late + spend + [1] * early
            days = pd.Timestamp("2024-01-01") + pd.to_timedelta(
                np.arange(len(spend)) + begin + late, unit="D"
            )
            part = {"account": account, "channel": channel, "date": days, "spend": spend}
            parts.append(pd.DataFrame(part))
    table = pd.concat(parts, ignore_index=True)
    table["revenue"] = 3.0 + table.groupby(["account", "date"])["spend"].transform("sum")
    return table


@settings(max_examples=25, deadline=None)
@given(ragged_tables(), st.randoms(use_true_random=False))
def test_form_and_order_never_matter(table, random):
    panel = read_panel(table)
    shuffled = table.sample(frac=1, random_state=random.randint(0, 10**6))
    shuffled = shuffled[random.sample(list(shuffled.columns), k=shuffled.shape[1])]
    assert_same(panel, read_panel(shuffled))
    spend, outcome = two_tables(shuffled)
    assert_same(panel, read_panel(spend, outcome.iloc[::-1]))
    assert_same(panel, read_panel(wide_table(shuffled), channels=["google", "meta"]))


@settings(max_examples=25, deadline=None)
@given(ragged_tables())
def test_a_panel_written_out_and_read_again_is_the_same(table):
    panel = read_panel(table)
    again = read_panel(panel.to_frame())
    for name in ("dates", "spend", "live", "outcome", "first", "last"):
        np.testing.assert_array_equal(getattr(panel, name), getattr(again, name))


@settings(max_examples=25, deadline=None)
@given(ragged_tables())
def test_spend_is_never_missing_and_zero_outside_life(table):
    panel = read_panel(table)
    assert np.isfinite(panel.spend).all()
    assert (panel.spend[~panel.live] == 0).all()
    assert np.isnan(panel.outcome[~panel.in_record]).all()


def test_a_channel_may_start_late_and_stop():
    table = wide_table(long_table(accounts=("A",)))
    table.loc[:2, "meta"] = np.nan
    table.loc[8:, "meta"] = np.nan
    panel = read_panel(table, channels=["google", "meta"])
    np.testing.assert_array_equal(panel.live[0, 1], [False] * 3 + [True] * 5 + [False] * 2)
    assert (panel.spend[0, 1, [0, 1, 2, 8, 9]] == 0).all()
    assert "zero_filled" not in kinds(panel)


def test_zeros_around_the_first_and_last_payment_are_not_life():
    table = long_table(accounts=("A",), channels=("meta",))
    table["spend"] = [0, 0, 5, 0, 5, 5, 5, 5, 0, 0]
    panel = read_panel(table)
    np.testing.assert_array_equal(np.flatnonzero(panel.live[0, 0]), np.arange(2, 8))


def test_missing_spend_means_zero_only_when_said_and_only_inside_life():
    table = wide_table(long_table(accounts=("A",)))
    table.loc[[0, 3, 4], "meta"] = np.nan
    panel = read_panel(table, channels=["google", "meta"], missing_spend="zero")
    assert (panel.spend[0, 1, [0, 3, 4]] == 0).all()
    assert panel.live[0, 1].tolist() == [False] + [True] * 9
    filled = [note for note in panel.notes if note.kind == "zero_filled"]
    assert [(note.account, note.channel) for note in filled] == [("A", "meta")]
    assert "2 missing" in filled[0].message


def test_a_missing_outcome_is_masked_never_zero():
    table = long_table()
    table.loc[(table["account"] == "A") & (table["date"] == "2024-01-03"), "revenue"] = np.nan
    panel = read_panel(table)
    assert np.isnan(panel.outcome[0, 2])
    assert np.isfinite(panel.outcome).sum() == 19
    note = next(note for note in panel.notes if note.kind == "masked_outcome")
    assert note.account == "A"
    assert "2024-01-03" in note.message


def test_a_date_without_outcome_row_is_masked():
    spend, outcome = two_tables(long_table())
    panel = read_panel(spend, outcome[outcome["date"] != "2024-01-04"])
    assert np.isnan(panel.outcome[:, 3]).all()
    assert {note.account for note in panel.notes} == {"A", "B"}


def test_each_account_keeps_its_own_record():
    table = long_table(20)
    table = table[(table["account"] == "A") | (table["date"] >= "2024-01-11")]
    panel = read_panel(table)
    assert panel.first.tolist() == [0, 10]
    assert panel.last.tolist() == [19, 19]
    assert np.isnan(panel.outcome[1, :10]).all()
    assert panel.summary()["periods"].tolist() == [20, 10]


def test_padding_without_any_value_is_not_part_of_the_record():
    table = wide_table(long_table(12, accounts=("A",)))
    table.loc[10:, ["google", "meta", "revenue"]] = np.nan
    panel = read_panel(table, channels=["google", "meta"])
    assert panel.last.tolist() == [9]
    assert "masked_outcome" not in kinds(panel)


def test_current_spend_is_the_mean_of_the_last_window():
    table = long_table(60, accounts=("A",), channels=("meta",))
    table["spend"] = 1.0
    table.loc[32:, "spend"] = 3.0
    current = read_panel(table).current_spend()
    assert current.loc[("A", "meta")] == 3.0
    assert read_panel(table).current_spend(56).loc[("A", "meta")] == 2.0


def test_current_spend_of_a_stopped_channel_is_zero():
    table = long_table(60)
    table = table[(table["channel"] == "google") | (table["date"] < "2024-01-20")]
    current = read_panel(table).current_spend()
    assert current.loc[("A", "meta")] == 0.0
    assert current.loc[("A", "google")] > 0.0


def test_current_spend_ends_where_the_account_ends():
    table = long_table(60)
    table = table[(table["account"] == "B") | (table["date"] < "2024-02-01")]
    table.loc[table["account"] == "A", "spend"] = 7.0
    assert read_panel(table).current_spend().loc[("A", "meta")] == 7.0


@pytest.mark.parametrize("window", [0, -1, np.nan, np.inf])
def test_current_spend_needs_a_positive_window(window):
    with pytest.raises(InputError, match="window_days"):
        read_panel(long_table()).current_spend(window)
    with pytest.raises(InputError, match="window_days"):
        read_panel(long_table()).highest_spend(window)


def test_highest_spend_is_the_highest_mean_of_any_window():
    table = long_table(60, accounts=("A",), channels=("meta",))
    table["spend"] = 1.0
    table.loc[20, "spend"] = 71.0  # one day is no level
    table.loc[30:36, "spend"] = 8.0
    panel = read_panel(table)
    assert panel.highest_spend(1).loc[("A", "meta")] == 71.0
    assert panel.highest_spend().loc[("A", "meta")] == pytest.approx(77 / 7)
    assert panel.highest_spend(60).loc[("A", "meta")] == pytest.approx(table["spend"].mean())


def test_highest_spend_of_a_week_is_a_week():
    table = long_table(60)
    table["date"] = pd.to_datetime(table["date"]).map(
        lambda day: pd.Timestamp("2024-01-01") + 7 * (day - pd.Timestamp("2024-01-01"))
    )
    panel = read_panel(table)
    assert panel.period == "weekly"
    highest = table.groupby(["account", "channel"])["spend"].max()
    np.testing.assert_allclose(panel.highest_spend(), highest)


def test_a_window_longer_than_the_record_is_the_record():
    panel = read_panel(long_table(10))
    np.testing.assert_allclose(panel.highest_spend(365), panel.spend.mean(axis=2).ravel())


@settings(max_examples=30, deadline=None)
@given(ragged_tables(), st.sampled_from([1, 7, 28]))
def test_the_recent_level_is_never_above_the_highest(table, window):
    panel = read_panel(table)
    assert (panel.current_spend(window) <= panel.highest_spend(window) * (1 + 1e-9)).all()


def test_summary_states_totals_and_roas():
    row = read_panel(long_table(), currency={"A": "USD", "B": "eur"}).summary().iloc[1]
    assert (row["account"], row["currency"], row["channels"]) == ("B", "EUR", 2)
    assert row["spend"] == sum(range(21, 41))
    assert row["roas"] == pytest.approx(10)


def test_a_channel_one_account_never_pays_for_does_not_exist_there():
    table = long_table()
    table.loc[(table["account"] == "A") & (table["channel"] == "meta"), "spend"] = 0.0
    panel = read_panel(table)
    assert panel.exists.tolist() == [[True, False], [True, True]]
    assert ("A", "meta") not in panel.cells
    note = next(note for note in panel.notes if note.kind == "all_zero_cell")
    assert (note.account, note.channel) == ("A", "meta")


def test_constant_spend_is_flagged():
    table = long_table()
    table.loc[(table["account"] == "B") & (table["channel"] == "meta"), "spend"] = 5.0
    note = next(note for note in read_panel(table).notes if note.kind == "constant_spend")
    assert (note.account, note.channel) == ("B", "meta")
    assert "prior only" in note.message


def test_constant_and_negative_outcomes_are_flagged():
    table = long_table()
    table.loc[table["account"] == "A", "revenue"] = 5.0
    table.loc[(table["account"] == "B") & (table["date"] == "2024-01-02"), "revenue"] = -4.0
    notes = {(note.kind, note.account) for note in read_panel(table).notes}
    assert notes == {("constant_outcome", "A"), ("negative_outcome", "B")}


def test_names_that_differ_in_case_are_flagged_and_kept_apart():
    table = long_table(channels=("Meta", "meta "))
    panel = read_panel(table)
    assert panel.channels == ("Meta", "meta ")
    assert kinds(panel) == {"similar_names"}


def test_an_outcome_without_any_spend_value_is_flagged():
    spend, outcome = two_tables(long_table(14))
    panel = read_panel(spend[spend["date"] < "2024-01-12"], outcome)
    assert kinds(panel) == {"no_spend_record"}
    assert panel.last.tolist() == [13, 13]


def test_controls_are_read_in_the_order_given():
    table = long_table()
    table["price"] = table["date"].dt.day * 1.5
    table["holiday"] = table["date"].dt.day == 3
    panel = read_panel(table, controls=["price", "holiday"])
    assert panel.controls == ("price", "holiday")
    assert panel.control_values.shape == (2, 2, 10)
    np.testing.assert_array_equal(panel.control_values[1, 0], 1.5 * np.arange(1, 11))
    assert panel.control_values[0, 1].tolist() == [0, 0, 1, 0, 0, 0, 0, 0, 0, 0]


def test_a_control_may_be_missing_where_the_outcome_is():
    table = long_table().assign(price=1.0)
    table.loc[table["date"] == "2024-01-03", ["price", "revenue"]] = np.nan
    assert np.isnan(read_panel(table, controls="price").control_values[:, 0, 2]).all()


def test_counted_outcomes_are_worth_what_the_caller_says():
    table = long_table().rename(columns={"revenue": "leads"})
    panel = read_panel(table, "leads", value_per_unit={"A": 50, "B": 20}, margin=0.4)
    np.testing.assert_array_equal(panel.unit_value, [50, 20])
    np.testing.assert_array_equal(panel.margin, [0.4, 0.4])
    np.testing.assert_array_equal(panel.outcome_money[1], 20 * panel.outcome[1])


def test_value_per_unit_may_be_a_series():
    panel = read_panel(long_table(), value_per_unit=pd.Series({"B": 3.0, "A": 2.0}))
    np.testing.assert_array_equal(panel.unit_value, [2, 3])


@pytest.mark.parametrize("name", ["conversion_value", "order_revenue", "Sales", "turnover"])
def test_money_is_not_taken_for_a_count(name):
    table = long_table().rename(columns={"revenue": name})
    assert read_panel(table, name).unit_value.tolist() == [1, 1]


def test_currency_comes_from_argument_or_column():
    table = long_table()
    assert read_panel(table).currency == ("", "")
    assert read_panel(table, currency="EUR").currency == ("EUR", "EUR")
    table["Currency"] = table["account"].map({"A": "usd ", "B": "GBP"})
    assert read_panel(table).currency == ("USD", "GBP")
    table.loc[0, "Currency"] = None
    assert read_panel(table, currency={"A": "USD", "B": "GBP"}).currency == ("USD", "GBP")


@pytest.mark.parametrize("form", ["long", "two", "wide"])
def test_the_callers_tables_are_never_changed(form):
    table = long_table()
    table.loc[3, "spend"] = 0.0
    tables = {"long": (table,), "two": two_tables(table), "wide": (wide_table(table),)}[form]
    before = [frame.copy(deep=True) for frame in tables]
    panel = read_panel(*tables, channels=["google", "meta"], missing_spend="zero")
    panel.spend[:] = 99.0
    panel.outcome[:] = 99.0
    for frame, copy in zip(tables, before, strict=True):
        pd.testing.assert_frame_equal(frame, copy)


def test_a_panel_refuses_arrays_that_do_not_fit():
    panel = read_panel(long_table())
    kept = {field.name: getattr(panel, field.name) for field in fields(Panel)}
    with pytest.raises(InputError, match="outcome must have shape"):
        Panel(**kept | {"outcome": panel.outcome[:, 1:]})
    with pytest.raises(InputError, match="spend must be finite"):
        Panel(**kept | {"spend": panel.spend * np.nan})


@pytest.mark.skipif(not PUBLIC_DATA.exists(), reason="public data is not part of the project")
def test_real_ecommerce_data_are_read_with_gaps_said_to_be_zero():
    with gzip.open(PUBLIC_DATA / "conjura_ecommerce_daily.csv.gz") as file:
        table = pd.read_csv(file)
    table["revenue"] = table["ALL_PURCHASES_ORIGINAL_PRICE"] - table["ALL_PURCHASES_GROSS_DISCOUNT"]
    columns = {"account": "MMM_TIMESERIES_ID", "date": "DATE_DAY", "currency": "CURRENCY_CODE"}
    panel = read_panel(table, columns=columns, missing_spend="zero")
    assert (panel.period, panel.n_accounts, panel.n_channels) == ("daily", 4, 9)
    assert sorted(panel.currency) == ["GBP", "GBP", "USD", "USD"]
    assert panel.spend.sum() == pytest.approx(table.filter(like="_SPEND").sum().sum())
    with pytest.raises(InputError, match="missing_spend='zero'"):
        read_panel(table, columns=columns)
