"""Every accepted form, column name and column type gives the same panel."""

import datetime

import numpy as np
import pandas as pd
import pytest

from adbudget.panel.read import read_panel
from tests.panel.panel_tables import assert_same, kinds, long_table, two_tables, wide_table


def test_three_forms_give_one_panel():
    table = long_table()
    panel = read_panel(table)
    assert_same(panel, read_panel(*two_tables(table)))
    assert_same(panel, read_panel(wide_table(table), channels=["meta", "google"]))
    assert_same(panel, read_panel(table, "revenue"))


def test_a_table_without_accounts_is_one_account():
    panel = read_panel(long_table(accounts=("A",)).drop(columns="account"))
    assert panel.accounts == ("account",)
    assert kinds(panel) == {"one_account"}


def test_wide_columns_that_end_in_spend_are_channels():
    names = {"google": "Google_Spend", "meta": "meta-spend"}
    panel = read_panel(wide_table(long_table()).rename(columns=names))
    assert panel.channels == ("Google", "meta")
    assert kinds(panel) == {"channels_found"}


def test_listed_channels_of_a_long_table_are_kept_and_the_rest_said():
    panel = read_panel(long_table(), channels=["meta"])
    assert panel.channels == ("meta",)
    assert kinds(panel) == {"dropped"}


def test_columns_may_be_renamed_by_role():
    names = {"account": "client", "date": "day", "spend": "cost", "channel": "source"}
    table = long_table()
    renamed = table.rename(columns=names | {"revenue": "income"})
    panel = read_panel(renamed, columns=names | {"outcome": "income"})
    assert panel.outcome_name == "income"
    np.testing.assert_array_equal(panel.spend, read_panel(table).spend)


def test_default_names_are_found_in_any_case():
    panel = read_panel(long_table().rename(columns=str.title))
    assert panel.outcome_name == "Revenue"


def test_the_only_column_left_of_an_outcome_table_is_the_outcome():
    spend, outcome = two_tables(long_table())
    assert read_panel(spend, outcome.rename(columns={"revenue": "kpi"})).outcome_name == "kpi"


def test_unused_columns_of_an_outcome_table_are_said():
    spend, outcome = two_tables(long_table())
    assert kinds(read_panel(spend, outcome.assign(weather=1.0))) == {"ignored_columns"}


def test_dates_may_be_plain_objects_of_one_account():
    days = [datetime.date(2024, 1, day) for day in range(1, 11)]
    table = pd.DataFrame({"date": days, "meta_spend": range(1, 11), "sales": range(10)})
    assert read_panel(table).n_periods == 10


def polars_frame(table):
    return pytest.importorskip("polars").from_pandas(table)


def polars_dates(table):
    pl = pytest.importorskip("polars")
    return polars_frame(table).with_columns(pl.col("date").cast(pl.Date))


def arrow_types(table):
    pytest.importorskip("pyarrow")
    return table.convert_dtypes(dtype_backend="pyarrow")


def arrow_table(table):
    arrow = pytest.importorskip("pyarrow").Table.from_pandas(table)
    return arrow.to_pandas(types_mapper=pd.ArrowDtype)


TYPES = {
    "category": lambda t: t.astype({"account": "category", "channel": "category"}),
    "object": lambda t: t.astype({"account": object, "channel": object, "spend": object}),
    "nullable": lambda t: t.astype({"spend": "Float64", "revenue": "Float64"}),
    "pyarrow": arrow_types,
    "int spend": lambda t: t.astype({"spend": "int32"}),
    "ISO text": lambda t: t.assign(date=t["date"].dt.strftime("%Y-%m-%d")),
    "slash ISO": lambda t: t.assign(date=t["date"].dt.strftime("%Y/%m/%d")),
    "compact ISO": lambda t: t.assign(date=t["date"].dt.strftime("%Y%m%d")),
    "ISO midnight": lambda t: t.assign(date=t["date"].dt.strftime("%Y-%m-%dT00:00:00")),
    "date objects": lambda t: t.assign(date=t["date"].dt.date),
    "nanoseconds": lambda t: t.astype({"date": "datetime64[ns]"}),
    "day periods": lambda t: t.assign(date=t["date"].dt.to_period("D")),
    "categorical dates": lambda t: t.assign(date=t["date"].astype("category")),
    "odd index": lambda t: t.set_index(pd.Index(range(100, 140))[::-1]),
    "same index": lambda t: t.set_index(pd.Index([7] * 40)),
    "arrow table": arrow_table,
    "polars": polars_frame,
    "polars dates": polars_dates,
}


@pytest.mark.parametrize("kind", TYPES)
def test_every_column_type_gives_the_same_panel(kind):
    table = long_table()
    assert_same(read_panel(table), read_panel(TYPES[kind](table)))


def test_both_tables_may_be_polars():
    spend, outcome = two_tables(long_table())
    panel = read_panel(polars_frame(spend), polars_frame(outcome))
    assert_same(read_panel(spend, outcome), panel)


def test_account_numbers_are_the_same_as_ints_and_floats():
    spend, outcome = two_tables(long_table())
    numbers = {"A": 1, "B": 2}
    spend = spend.assign(account=spend["account"].map(numbers))
    outcome = outcome.assign(account=outcome["account"].map(numbers).astype(float))
    assert read_panel(spend, outcome).accounts == ("1", "2")


@pytest.mark.parametrize("as_text", [False, True])
def test_dates_of_one_time_zone_are_its_calendar_dates(as_text):
    table = long_table()
    table["date"] = table["date"].dt.tz_localize("UTC")
    if as_text:
        table["date"] = table["date"].map(lambda moment: moment.isoformat())
    panel = read_panel(table)
    assert panel.dates[0] == np.datetime64("2024-01-01")
    assert kinds(panel) == {"time_zone"}


def test_local_midnights_keep_their_date_across_summer_time():
    table = long_table(200)
    table["date"] = table["date"].dt.tz_localize("Europe/Berlin")
    assert read_panel(table).dates[-1] == np.datetime64("2024-07-18")
