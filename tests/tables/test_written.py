"""Amounts and dates as people write them are read one way, or refused with both readings."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from adbudget.errors import InputError
from adbudget.tables.dates import DateStyle, looks_like_date, read_dates
from adbudget.tables.messages import Rows
from adbudget.tables.totals import is_total_row
from adbudget.tables.values import NumberStyle, read_numbers
from adbudget.tables.written import number_of, shown_sign, split_amount

ANY = NumberStyle()


def numbers(*texts, style=ANY):
    values = pd.Series(list(texts), dtype=object)
    return read_numbers(values, "x", Rows(table="the table", labels=values.index), style)


def refused(*texts, style=ANY):
    with pytest.raises(InputError) as error:
        numbers(*texts, style=style)
    return str(error.value)


def dates(*texts, **style):
    values = pd.Series(list(texts), dtype=object)
    rows = Rows(table="the table", labels=values.index)
    return (
        read_dates(values, "day", rows, [], DateStyle(sayable=True, **style)).astype(str).tolist()
    )


# Numbers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1.234,56 €", 1234.56),
        ("$1,234.00", 1234.0),
        ("(1,234.50)", -1234.5),
        ("($12.50)", -12.5),
        ("-$12.50", -12.5),
        ("$-12.50", -12.5),
        ("\u221212.5", -12.5),
        ("12.5-", -12.5),
        ("EUR 12.50", 12.5),
        ("12,5", 12.5),
        ("1 234,5", 1234.5),
        ("1\u202f234,5", 1234.5),
        ("1'234.5", 1234.5),
        ("1,234,567", 1234567.0),
        ("0.125", 0.125),
        ("2970.211", 2970.211),
        ("1e-5", 1e-5),
        ("US$ 7", 7.0),
    ],
)
def test_an_amount_with_one_reading_is_read(text, number):
    assert numbers(text)[0] == pytest.approx(number, rel=1e-12)


@pytest.mark.parametrize("text", ["--", "-", "\u2013", "", " ", "n/a", "N/A", "null"])
def test_what_says_that_there_is_none_is_missing(text):
    read = numbers(text, "1.5")
    assert np.isnan(read[0])
    assert read[1] == 1.5


def test_a_lone_sign_before_three_digits_has_two_readings():
    message = refused("1.234", "987")
    assert "'1.234' is 1.234 with a decimal point and 1,234 with a decimal comma" in message
    assert "decimal='.' or decimal=','" in message


@pytest.mark.parametrize(
    ("other", "first"),
    [("5.5", 1.234), ("1.234.567", 1234.0), ("5,5", 1234.0), ("0.125", 1.234), ("4321", 1.234)],
)
def test_one_amount_settles_the_column(other, first):
    assert numbers("1.234", other)[0] == first


def test_what_is_said_holds():
    assert numbers("1.234", style=NumberStyle(decimal=","))[0] == 1234.0
    assert numbers("1.234", style=NumberStyle(decimal="."))[0] == 1.234
    assert numbers("1.234", style=NumberStyle(elsewhere=","))[0] == 1234.0


def test_points_and_commas_as_decimal_signs_contradict_each_other():
    message = refused("12.50", "13.25", "14,75")
    assert "row 2" in message
    assert "'14,75'" in message


def test_only_the_bad_cell_is_named():
    message = refused("1.5", "#DIV/0!", "2.5", "10396.95")
    assert "in row 1 of the table: '#DIV/0!'" in message
    assert "leave the cell empty" in message


def test_money_of_two_currencies_is_refused():
    message = refused("$1.50", "€2.50", "$3.50")
    assert "'$', '€'" in message
    assert "row 1" in message


@pytest.mark.parametrize("text", ["12%", "1.2.3", "1,23,4", "(5", "12abc34", "1 23"])
def test_what_is_no_amount_is_no_number(text):
    assert f"'{text}'" in refused(text, "1.5")


def test_plain_readers_take_plain_numbers_only():
    assert numbers("12", "1.5", style=None).tolist() == [12.0, 1.5]
    assert "row 1" in refused("12", "$3", style=None)


@given(
    st.decimals(min_value=0, max_value=10**9, places=2),
    st.sampled_from([(",", "."), (".", ","), (" ", ","), ("'", "."), ("\u202f", ",")]),
    st.booleans(),
)
def test_an_amount_with_cents_is_read_as_it_was_written(amount, signs, negative):
    thousands, decimal = signs
    text = f"{amount:,.2f}".translate({ord(","): thousands, ord("."): decimal})
    found = split_amount(f"({text})" if negative else text)
    assert shown_sign(found.body) == decimal
    assert number_of(found, decimal) == pytest.approx(-float(amount) if negative else float(amount))


# Dates -------------------------------------------------------------------------------------------


def test_one_date_settles_which_number_is_the_day():
    assert dates("01.02.2024", "13.02.2024") == ["2024-02-01", "2024-02-13"]
    assert dates("1/2/24", "1/13/24") == ["2024-01-02", "2024-01-13"]


def test_dates_with_two_readings_are_refused_with_both():
    with pytest.raises(InputError) as error:
        dates("03/04/2024", "05/04/2024")
    assert "2024-04-03 or 2024-03-04" in str(error.value)
    assert "dayfirst=True or dayfirst=False" in str(error.value)


def test_what_is_said_of_days_holds_unless_it_cannot():
    assert dates("03/04/2024", dayfirst=True) == ["2024-04-03"]
    assert dates("03/04/2024", dayfirst=False) == ["2024-03-04"]
    with pytest.raises(InputError, match=r"dayfirst=False, but .* row 1"):
        dates("03/04/2024", "13/04/2024", dayfirst=False)


def test_a_column_that_is_written_both_ways_is_refused():
    with pytest.raises(InputError, match=r"some dates day first and some month first.* row 2"):
        dates("13/04/2024", "14/04/2024", "04/15/2024")


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("20241202", "2024-12-02"),
        (20241202, "2024-12-02"),
        ("2024-W49", "2024-12-02"),
        ("2024W49", "2024-12-02"),
        ("2 Dec 2024", "2024-12-02"),
        ("2-Dec-24", "2024-12-02"),
        ("Dec 2, 2024", "2024-12-02"),
        ("December 2, 2024", "2024-12-02"),
        ("2024-12", "2024-12-01"),
        ("2024/12/02", "2024-12-02"),
    ],
)
def test_a_date_with_one_reading_is_read(text, day):
    assert dates(text) == [day]


def test_whole_numbers_are_dates_when_they_are_written_so():
    values = pd.Series([20241202, 20241203])
    rows = Rows(table="the table", labels=values.index)
    assert read_dates(values, "day", rows, []).astype(str).tolist() == ["2024-12-02", "2024-12-03"]
    with pytest.raises(InputError, match="holds numbers"):
        read_dates(pd.Series([20241402]), "day", rows, [])


@pytest.mark.parametrize("text", ["2024-W54", "31.02.2024", "00/00/2024", "soon", "2 Foo 2024"])
def test_what_is_no_date_is_refused(text):
    with pytest.raises(InputError, match="not dates"):
        dates(text)


def test_the_day_of_a_time_counts_where_times_are_allowed():
    assert dates("2024-12-02 23:30:00 +0100", clock=True) == ["2024-12-02"]
    assert dates("2024-12-02 23:30:00 UTC", clock=True) == ["2024-12-02"]
    with pytest.raises(InputError, match="times of day"):
        dates("2024-12-02 23:30:00")


def test_rows_of_totals_say_so_and_hold_no_date():
    assert is_total_row(["Total: Account", " --", "EUR", "1,2"])
    assert is_total_row(["", 79734, 1.5, "Grand total"])
    assert not is_total_row(["2024-12-02", "Total", "3255.57"])
    assert not is_total_row(["Totally new", "x"])
    assert looks_like_date("2024-12-02")
    assert not looks_like_date(7)
