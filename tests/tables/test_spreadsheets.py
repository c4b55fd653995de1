"""Text that a spreadsheet would take for a formula, and back."""

import pandas as pd
import pytest
from hypothesis import given, strategies as st

from adbudget.tables.files import read_table, write_table
from adbudget.tables.spreadsheets import as_written, for_spreadsheets, neutral


@pytest.mark.parametrize(
    "cell", ["=cmd|'/C calc'!A0", "+1+1", "@SUM(1)", "-2+3", "-brand", " =1", "+", "\t=1"]
)
def test_a_formula_becomes_text(cell):
    assert neutral(cell)[0] in "'\\"  # marked, or what led up to it is written out


@pytest.mark.parametrize("cell", ["-5.00", "+3%", "-1,234.50", "12", "brand", "a=b", "-7'000"])
def test_numbers_and_plain_text_stay(cell):
    assert neutral(cell) == cell


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=20))
def test_what_is_printable_comes_back_as_it_was(text):
    frame = pd.DataFrame({"name": pd.Series([text], dtype="object")})
    marked = text[:1] == "'" and text[1:].lstrip()[:1] in tuple("=+-@")
    if not marked:
        assert as_written(for_spreadsheets(frame))["name"].tolist() == [text]


def test_hostile_names_in_a_csv_file_are_text_and_numbers_are_numbers(tmp_path):
    names = ["=1+1", "\x1b[2J", "\u202egnp.exe", "a\nb", "-brand"]
    write_table(pd.DataFrame({"name": names, "money": [-1.5, 2, 3, 4, 5]}), tmp_path / "t.csv")
    raw = (tmp_path / "t.csv").read_bytes()
    assert b"\x1b" not in raw
    assert raw.decode().splitlines() == [
        "name,money",
        "'=1+1,-1.5",
        "\\u001b[2J,2.0",
        "\\u202egnp.exe,3.0",
        "a\\u000ab,4.0",
        "'-brand,5.0",
    ]
    again = read_table(tmp_path / "t.csv", ["name"])
    assert again["name"].tolist()[::4] == ["=1+1", "-brand"]
    assert again["money"].tolist() == [-1.5, 2, 3, 4, 5]
