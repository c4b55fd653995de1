"""Every refusal names the column, the account and the rows, and says what to do."""

import contextlib
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from adbudget.errors import InputError
from adbudget.panel.read import read_panel
from tests.panel.panel_tables import assert_names, long_table, refusal, two_tables, wide_table


def with_values(column: str, rows: list[int], values) -> pd.DataFrame:
    table = long_table().astype({column: object})
    table.loc[rows, column] = values
    return table


# Names and dates


@pytest.mark.parametrize("column", ["account", "channel"])
@pytest.mark.parametrize("blank", [None, " ", np.nan])
def test_a_missing_name_is_refused(column, blank):
    message = refusal(with_values(column, [3, 17], blank))
    assert_names(message, f"column '{column}'", "rows 3, 17", "dropna")


def test_a_missing_date_is_refused():
    message = refusal(with_values("date", [3, 25], pd.NaT))
    assert_names(message, "column 'date'", "rows 3, 25", "'A', 'B'")


def test_names_and_dates_have_to_be_plain_values():
    table = long_table()
    table["account"] = [["A"]] * len(table)
    assert_names(refusal(table), "column 'account'", "plain value")


def test_dates_that_are_not_dates_are_refused():
    table = long_table().assign(date=lambda t: t["date"].dt.strftime("%Y-%m-%d"))
    table.loc[[4, 30], "date"] = ["soon", "2024-02-31"]
    message = refusal(table)
    assert_names(message, "column 'date'", "rows 4, 30", "'soon', '2024-02-31'", "'A', 'B'")


@pytest.mark.parametrize(
    ("written", "advice"),
    [
        ("2024-02-31", "The calendar has no such day"),
        ("2024-02-01 - 2024-02-07", "keep the first day of each"),
        ("soon", "Write dates as 2024-04-03"),
    ],
)
def test_what_to_do_about_a_date_depends_on_what_it_looks_like(written, advice):
    table = long_table().assign(date=lambda t: t["date"].dt.strftime("%Y-%m-%d"))
    table.loc[4, "date"] = written
    assert_names(refusal(table), "row 4", f"'{written}'", advice)


def test_spend_and_outcome_of_different_years_are_refused():
    spend, outcome = two_tables(long_table(n_days=20))
    outcome = outcome.assign(date=outcome["date"] - pd.DateOffset(years=1))
    message = refusal(spend, outcome)
    assert_names(message, "no period has both", "'A', 'B'", "2024-01-01 to 2024-01-20")
    assert_names(message, "2023-01-01 to 2023-01-20")


def test_an_amount_of_another_currency_among_plain_ones_is_refused():
    written = long_table().assign(spend=lambda t: t["spend"].map("{:.2f}".format))
    written.loc[7, "spend"] = "$8.00"
    assert_names(refusal(written), "column 'spend'", "with '$' and others without", "row 7")
    every = written.assign(spend="$" + written["spend"].str.lstrip("$"))
    every.loc[3, "spend"] = "0.00"  # nothing is nothing in every currency
    assert read_panel(every).spend.sum() > 0


def test_accounts_that_are_called_nearly_the_same_are_offered_as_the_same():
    spend, outcome = two_tables(long_table(accounts=("Nordwind", "Suedstern")))
    named = {"Nordwind": "Nordwind GmbH", "Suedstern": "S\u00fcdstern"}
    message = refusal(spend.assign(account=spend["account"].map(named)), outcome)
    same = {there: here for here, there in named.items()}
    assert_names(message, "have no row in the outcome table", f"account_of={same}")
    assert read_panel(spend.replace({"account": named}), outcome, account_of=same).n_accounts == 2
    other = outcome.replace({"account": {"Nordwind": "x", "Suedstern": "y"}})
    assert "account_of" not in refusal(spend, other)


def test_an_export_without_what_was_spent_says_which_column_to_add():
    table = long_table().rename(columns={"date": "Day", "channel": "Campaign name"})
    bare = table.drop(columns=["spend", "revenue"]).assign(Impressions=5)
    message = refusal(bare, two_tables(long_table())[1])
    assert_names(message, "Meta Ads report without what was spent", "add 'Amount spent'")


def test_an_export_of_a_platform_is_no_outcome():
    spend, outcome = two_tables(long_table())
    meta = spend.rename(
        columns={"date": "Reporting starts", "account": "Account name", "spend": "Amount spent"}
    )
    meta = meta.rename(columns={"channel": "Campaign name", "Amount spent": "Amount spent (EUR)"})
    assert_names(refusal(outcome, meta), "Meta Ads report", "are the two swapped?")


def test_ambiguous_dates_are_refused():
    table = long_table().assign(date=lambda t: t["date"].dt.strftime("%d/%m/%Y"))
    message = refusal(table)
    assert_names(message, "ambiguous", "'01/01/2024'", "35 more", "%m/%d/%Y", "2024-04-03")
    assert_names(message, "dayfirst=True or dayfirst=False")


def test_numbers_that_are_no_dates_are_refused():
    table = long_table().assign(date=lambda t: t["date"].dt.strftime("%d%m").astype(int))
    assert_names(refusal(table), "'date'", "numbers", "101", "20241202")


def test_mixed_time_zones_are_refused():
    table = long_table()
    zoned = table["date"].dt.tz_localize("UTC").astype(object)
    zoned.loc[[2, 5]] = pd.Timestamp("2024-01-03", tz="Europe/Paris")
    message = refusal(table.assign(date=zoned))
    assert_names(message, "mixes time zones", "'UTC'", "Europe/Paris", "rows 2, 5", "'A'")


def test_zoned_and_plain_dates_are_refused_together():
    table = long_table()
    text = table["date"].dt.strftime("%Y-%m-%dT00:00:00Z")
    text.loc[7] = "2024-01-08T00:00:00"
    assert_names(refusal(table.assign(date=text)), "no time zone", "row 7", "tz_convert")


def test_times_of_day_are_refused():
    table = long_table()
    table.loc[6, "date"] += pd.Timedelta(hours=7)
    assert_names(refusal(table), "times of day", "row 6", "07:00", "Aggregate")


# Numbers


@pytest.mark.parametrize("column", ["spend", "revenue"])
def test_text_in_numbers_is_refused_and_only_the_bad_cells_are_named(column):
    message = refusal(with_values(column, [3, 17, 20], ["$1,234.00", "#DIV/0!", "none yet"]))
    assert_names(message, f"column '{column}'", "rows 17, 20", "'#DIV/0!', 'none yet'", "'A', 'B'")
    assert "1,234" not in message
    assert "to_numeric" not in message  # it would make a loss a gain, and nothing of a bad cell


@pytest.mark.parametrize(
    ("value", "advice"),
    [
        ("12%", "Rates"),
        ("1.234.50", "true values"),
        ("#REF!", "leave the cell empty"),
        ("twelve", "leave the cell empty"),
        (pd.Timestamp("2024-01-01"), "Pass numbers"),
        (2j, "Pass numbers"),
    ],
)
def test_advice_fits_the_text(value, advice):
    assert_names(refusal(with_values("spend", [3], [value])), "row 3", advice)


def test_amounts_as_text_of_any_type_are_read():
    plain = read_panel(long_table())
    table = long_table().assign(spend=lambda t: "$" + t["spend"].astype(str))
    for written in (
        table,
        table.convert_dtypes(dtype_backend="pyarrow"),
        table.astype({"spend": "category"}),
    ):
        assert (read_panel(written).spend == plain.spend).all()


@pytest.mark.parametrize("column", ["spend", "revenue"])
@pytest.mark.parametrize("sign", [1, -1])
def test_infinite_numbers_are_refused(column, sign):
    table = long_table()
    table.loc[33, column] = sign * np.inf
    assert_names(refusal(table), f"column '{column}'", "infinite", "row 33", "account 'B'")


def test_negative_spend_is_refused():
    table = long_table()
    table.loc[[3, 33], "spend"] = -5.0
    assert_names(refusal(table), "column 'spend'", "negative", "rows 3, 33", "'A', 'B'", "-5.0")
    wide = wide_table(long_table())
    wide.loc[2, "meta"] = -1.0
    assert_names(refusal(wide, channels=["google", "meta"]), "column 'meta'", "row 2", "'A'")


# Rows that contradict each other


def test_duplicates_with_equal_values_can_be_dropped():
    table = long_table()
    twice = pd.concat([table, table.loc[[3]]], ignore_index=True)
    message = refusal(twice)
    assert_names(message, "equal values", "rows 3, 40", "account 'A'", "2024-01-04")
    assert "drop_duplicates(['account', 'date', 'channel'])" in message


def test_duplicates_with_conflicting_values_have_to_be_summed():
    table = long_table()
    twice = pd.concat([table, table.loc[[3]].assign(spend=9.5)], ignore_index=True)
    message = refusal(twice)
    assert_names(message, "conflicting values", "rows 3, 40", "account 'A'")
    assert "groupby(['account', 'date', 'channel']" in message


def test_duplicated_dates_of_a_wide_table_are_refused():
    table = wide_table(long_table())
    equal = pd.concat([table, table.loc[[3]]], ignore_index=True)
    message = refusal(equal, channels=["google", "meta"])
    assert_names(message, "equal values", "rows 3, 20", "drop_duplicates(['account', 'date'])")
    other = pd.concat([table, table.loc[[3]].assign(revenue=1.0)], ignore_index=True)
    assert "conflicting" in refusal(other, channels=["google", "meta"])


def test_duplicated_dates_of_the_outcome_table_are_refused():
    spend, outcome = two_tables(long_table())
    twice = pd.concat([outcome, outcome.loc[[3]].assign(revenue=1.0)], ignore_index=True)
    message = refusal(spend, twice)
    assert_names(message, "the outcome table", "rows 3, 20", "conflicting", "['revenue'].sum()")


def test_an_outcome_that_differs_between_channel_rows_is_refused():
    table = long_table()
    table.loc[13, "revenue"] = 1.0
    message = refusal(table)
    assert_names(message, "column 'revenue' differs", "rows 3, 13", "account 'A'", "2024-01-04")


def test_an_outcome_missing_on_some_channel_rows_is_refused():
    table = long_table()
    table.loc[13, "revenue"] = np.nan
    assert_names(refusal(table), "differs", "nan", "rows 3, 13")


def test_a_control_that_differs_between_channel_rows_is_refused():
    table = long_table().assign(price=1.0)
    table.loc[13, "price"] = 2.0
    assert_names(refusal(table, controls=["price"]), "column 'price' differs", "rows 3, 13")


def test_accounts_have_to_be_in_both_tables():
    spend, outcome = two_tables(long_table())
    only_a = outcome[outcome["account"] == "A"]
    assert_names(refusal(spend, only_a), "'B'", "no row in the outcome table", "rows 20, 21")
    only_b = spend[spend["account"] == "B"]
    assert_names(refusal(only_b, outcome), "'A'", "no row in the spend table")
    assert_names(refusal(spend, outcome.drop(columns="account")), "no account column")


# Too little


def test_too_few_periods_name_every_short_account():
    table = long_table(10, accounts=("A", "B", "C"))
    table = table[(table["account"] == "C") | (table["date"] < "2024-01-06")]
    assert_names(refusal(table), "2 account(s)", "'A' (5), 'B' (5)", "at least 8")


def test_one_period_is_too_few():
    assert_names(refusal(long_table(1)), "too few periods", "'A' (1)")


def test_missing_outcomes_do_not_count_as_periods():
    table = long_table()
    table.loc[(table["account"] == "A") & (table["date"] > "2024-01-07"), "revenue"] = np.nan
    assert_names(refusal(table), "'A' (7)")


def test_a_channel_without_spend_anywhere_is_refused():
    table = long_table()
    table.loc[table["channel"] == "meta", "spend"] = 0.0
    assert_names(refusal(table), "channel(s) 'meta'", "no spend in any account")


def test_an_account_without_spend_is_refused():
    table = long_table()
    table.loc[table["account"] == "B", "spend"] = 0.0
    assert_names(refusal(table), "account 'B'", "never spent")


@pytest.mark.parametrize("rows_exist", [True, False])
def test_missing_spend_is_refused(rows_exist):
    table = long_table()
    table.loc[[13, 14], "spend"] = np.nan
    table = table if rows_exist else table.drop(index=[13, 14])
    message = refusal(table)
    assert_names(message, "account 'A', channel 'meta'", "2024-01-04, 2024-01-05")
    assert_names(message, "missing_spend='zero'", "rows 13, 14" if rows_exist else "no row")


def test_a_missing_control_is_refused():
    table = long_table().assign(price=1.0)
    table.loc[[3, 13], "price"] = np.nan
    assert_names(refusal(table, controls=["price"]), "'price'", "row 3", "account 'A'")


# Money


def test_counts_need_a_value():
    for name in ("leads", "new_orders", "signUps", "Conversions"):
        message = refusal(long_table().rename(columns={"revenue": name}), name)
        assert_names(message, repr(name), "value_per_unit=50", "money")


@pytest.mark.parametrize("argument", ["value_per_unit", "margin"])
@pytest.mark.parametrize("value", [0, -1, np.nan, np.inf, "5", True])
def test_values_have_to_be_positive_numbers(argument, value):
    assert_names(refusal(long_table(), **{argument: value}), argument, "positive", "'A', 'B'")


@pytest.mark.parametrize("argument", ["value_per_unit", "margin", "currency"])
def test_values_by_account_have_to_name_every_account(argument):
    value = "EUR" if argument == "currency" else 1.0
    message = refusal(long_table(), **{argument: {"A": value, "Z": value}})
    assert_names(message, argument, "does not name account 'B'", "unknown account 'Z'")


def test_a_value_given_twice_is_refused():
    message = refusal(long_table(), margin=pd.Series([0.1, 0.2, 0.3], index=["A", "B", "B"]))
    assert_names(message, "margin", "more than once")


def test_a_currency_mix_inside_an_account_is_refused():
    table = long_table().assign(currency="EUR")
    table.loc[[21, 22], "currency"] = "USD"
    message = refusal(table)
    assert_names(message, "account 'B'", "'EUR', 'USD'", "column 'currency'", "rows 21, 22")


def test_currency_argument_and_column_have_to_agree():
    message = refusal(long_table().assign(currency="EUR"), currency="USD")
    assert_names(message, "account 'A'", "'EUR', 'USD'", "argument")
    assert_names(refusal(long_table(), currency=3), "currency must be text")


def test_a_margin_above_one_is_refused_with_what_was_meant():
    assert_names(
        refusal(long_table(), margin=40), "at most 1", "got 40", "Did you mean margin=0.4?"
    )
    assert_names(refusal(long_table(), margin={"A": 0.4, "B": 1.5}), "account 'B'")


def test_options_are_checked():
    assert_names(refusal(long_table(), missing_spend="drop"), "missing_spend", "'drop'")
    assert_names(refusal(long_table(), freq="hourly"), "freq", "'hourly'", "'weekly'")


# Everything else

ODD_VALUES = [None, pd.NA, pd.NaT, "", "x", "2024-01-05", [1], {}, {1}, -1, np.inf, 10**400, 1j]
ODD_VALUES += [b"x", Decimal("NaN"), pd.Timestamp("2024-01-05", tz="UTC"), date.min, object()]
COLUMNS = ["account", "channel", "date", "spend", "revenue", "currency", "price"]


@settings(max_examples=100)
@given(st.sampled_from(COLUMNS), st.sampled_from(ODD_VALUES), st.booleans())
def test_no_value_anywhere_escapes_as_another_error(column, value, everywhere):
    table = long_table().assign(currency="EUR", price=1.0)
    values = table[column].tolist()
    values[3:] = [value] * len(values[3:]) if everywhere else [value, *values[4:]]
    table[column] = pd.Series(values, dtype=object)
    with contextlib.suppress(InputError):
        read_panel(table, controls=["price"])


ARGUMENTS = ["outcome", "columns", "channels", "controls", "freq", "currency", "value_per_unit"]
ARGUMENTS += ["margin", "missing_spend"]


@settings(max_examples=100)
@given(st.sampled_from(ARGUMENTS), st.sampled_from(ODD_VALUES))
def test_no_argument_escapes_as_another_error(argument, value):
    with contextlib.suppress(InputError):
        read_panel(long_table(), **{argument: value})


# An outcome that is no amount


def test_a_difference_of_amounts_is_no_outcome():
    """Less its mean, revenue adds up to nothing: there is no base that sells by itself."""
    table = long_table()
    own = table["account"] == "B"
    table.loc[own, "revenue"] -= table.loc[own, "revenue"].mean()
    message = refusal(table)
    assert_names(message, "a difference rather than an amount", "account 'B'", "below zero")
    assert "'A'" not in message


def test_refunds_leave_an_amount_that_is_above_zero_on_the_whole():
    table = long_table(n_days=20)
    some = table["date"].isin(pd.to_datetime(["2024-01-03", "2024-01-09"]))
    table.loc[some, "revenue"] *= -1
    assert any(note.kind == "negative_outcome" for note in read_panel(table).notes)


def test_an_account_that_never_sells_anything_is_named():
    table = long_table()
    table.loc[table["account"] == "A", "revenue"] = 0.0
    assert_names(refusal(table), "account 'A'", "0 in every period", "leave these accounts out")


@pytest.mark.parametrize("column", ["spend", "revenue"])
def test_numbers_no_amount_reaches_are_refused(column):
    message = refusal(with_values(column, [3, 4], [1e300, -1e16]))
    assert_names(message, f"column '{column}'", "beyond 1e+15", "rows 3, 4", "'A'")
