"""Which column is what: nothing is guessed, and a refusal offers what may have been meant."""

import pandas as pd
import pytest

from tests.panel.panel_tables import assert_names, long_table, refusal, two_tables, wide_table

# What is not a table


@pytest.mark.parametrize("data", [None, "spend.csv", [1, 2], {"spend": [1]}, pd.Series([1.0])])
def test_data_has_to_be_a_frame(data):
    assert_names(refusal(data), "must be a pandas or polars DataFrame", type(data).__name__)


def test_a_lazy_polars_frame_is_not_a_frame():
    pl = pytest.importorskip("polars")
    assert_names(refusal(pl.from_pandas(long_table()).lazy()), "LazyFrame", "collect")


def test_the_outcome_has_to_be_a_frame():
    assert_names(refusal(long_table(), [1.0]), "the outcome table", "list")


def test_an_empty_frame_is_refused():
    assert_names(refusal(long_table().head(0)), "empty (0 rows", "filter")
    assert_names(refusal(pd.DataFrame()), "empty")


def test_columns_have_to_be_one_level_and_unique():
    table = long_table()
    twice = pd.concat([table, table[["spend"]]], axis=1)
    assert_names(refusal(twice), "more than one column called 'spend'")
    table.columns = pd.MultiIndex.from_product([["x"], table.columns])
    assert_names(refusal(table), "2 levels")


# Which column is what


def test_a_missing_column_is_named_with_close_matches():
    message = refusal(long_table().rename(columns={"date": "Date_day"}))
    assert_names(message, "no date column", "'Date_day'", "'account'", "columns={'date':")
    message = refusal(long_table().rename(columns={"spend": "cost"}))
    assert_names(message, "no spend column", "'cost'")
    message = refusal(long_table().rename(columns={"revenue": "revenues"}))
    assert_names(message, "no outcome column", "Did you mean 'revenues'")


def test_keys_in_the_index_are_pointed_at():
    message = refusal(long_table().set_index(["account", "date"]))
    assert_names(message, "no account column", "reset_index()")


def test_two_columns_that_could_be_the_outcome_are_refused():
    message = refusal(long_table().assign(sales=1.0))
    assert_names(message, "'revenue', 'sales'", "columns={'outcome':")


def test_two_columns_that_differ_in_case_are_refused():
    table = long_table().rename(columns={"date": "Date"}).assign(DATE="2024-01-01")
    assert_names(refusal(table), "'Date', 'DATE'")


def test_several_kpis_in_the_outcome_table_are_listed():
    spend, outcome = two_tables(long_table())
    outcome = outcome.rename(columns={"revenue": "net"}).assign(gross=1.0)
    message = refusal(spend, outcome)
    assert_names(message, "'gross', 'net'", "the outcome table", "columns={'outcome':")


def test_an_outcome_table_without_kpi_is_refused():
    spend, outcome = two_tables(long_table())
    assert_names(refusal(spend, outcome[["account", "date"]]), "no outcome column")


def test_an_unknown_outcome_column_is_refused():
    assert_names(refusal(long_table(), "revenu"), "'revenu'", "Did you mean 'revenue'")


@pytest.mark.parametrize(
    ("columns", "parts"),
    [
        ({"day": "date"}, ["unknown roles 'day'", "'account'"]),
        ({"date": "dat"}, ["'date' is in column 'dat'", "Did you mean 'date'"]),
        ({"date": ["date"]}, ["no such column"]),
        ({"date": "account", "account": "account"}, ["more than one role"]),
        (["date"], ["must map roles", "list"]),
    ],
)
def test_roles_have_to_make_sense(columns, parts):
    assert_names(refusal(long_table(), columns=columns), *parts)


def test_the_outcome_may_be_named_once_only():
    message = refusal(long_table(), "revenue", columns={"outcome": "spend"})
    assert_names(message, "named twice", "'revenue'", "'spend'")


def test_one_column_cannot_play_two_parts():
    assert_names(refusal(long_table(), controls=["revenue"]), "'revenue'", "a control")
    assert_names(
        refusal(wide_table(long_table()), channels=["google", "revenue"]), "'revenue'", "a channel"
    )


def test_wide_channels_are_never_guessed():
    message = refusal(wide_table(long_table()))
    assert_names(message, "'google', 'meta'", "channels=[...]")


def test_a_column_with_total_spend_is_not_a_channel():
    table = wide_table(long_table()).rename(columns={"google": "total_spend", "meta": "meta_spend"})
    assert_names(refusal(table), "'total_spend'", "channels=['meta_spend']")


def test_unknown_channels_are_named():
    message = refusal(wide_table(long_table()), channels=["googel", "meta"])
    assert_names(message, "'googel'", "Did you mean 'google'")
    assert_names(refusal(long_table(), channels=["tiktok"]), "'tiktok'", "'google', 'meta'")
    assert_names(refusal(long_table(), channels=["meta", "meta"]), "more than once")
    assert_names(refusal(wide_table(long_table()), channels=3), "list of column names", "int")


def test_unknown_controls_are_named():
    assert_names(refusal(long_table(), controls=["price"]), "controls names 'price'")
