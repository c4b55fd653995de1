"""The workbook: laid out for a client, and still the same decisions for a program."""

import pandas as pd
import pytest

from adbudget.errors import InputError
from adbudget.tables.files import read_table

openpyxl = pytest.importorskip("openpyxl", reason="the extra adbudget[excel] is not installed")


@pytest.fixture(scope="module")
def book(frame, tmp_path_factory):
    from adbudget.reporting.workbook import write_workbook

    return write_workbook(frame, tmp_path_factory.mktemp("book") / "plan.xlsx")


def test_decisions_totals_reasons_and_notes_have_a_sheet_each(book):
    sheets = openpyxl.load_workbook(book).sheetnames
    assert sheets == ["decisions", "totals", "reasons", "data notes", "about"]


def test_numbers_are_formatted_and_stay_numbers(book, frame):
    sheet = openpyxl.load_workbook(book)["decisions"]
    names = [cell.value for cell in sheet[1]]
    money = sheet.cell(2, names.index("current_spend") + 1)
    assert money.value == pytest.approx(frame["current_spend"].iloc[0])
    assert money.number_format == "#,##0.00"
    assert sheet.cell(2, names.index("prob_gain") + 1).number_format == "0%"
    assert sheet.freeze_panes == "C2"
    assert sheet.auto_filter.ref == sheet.dimensions


def test_a_workbook_reads_back_as_the_same_decisions_and_facts(book, frame):
    again = read_table(book, ("account", "channel"))
    assert again.attrs["data_hash"] == frame.attrs["data_hash"]
    for name in ("account", "channel", "decision", "reason"):
        assert again[name].tolist() == frame[name].tolist()
    pd.testing.assert_series_equal(
        again["current_spend"].astype(float), frame["current_spend"], check_index=False
    )


def test_the_totals_are_those_of_the_decisions(book, frame):
    totals = pd.read_excel(book, sheet_name="totals")
    assert totals["expected_value"].tolist() == pytest.approx(
        [one["expected_value"] for one in frame.attrs["totals"]]
    )


def test_a_name_that_begins_a_formula_is_text_on_every_sheet(frame, tmp_path):
    from adbudget.reporting.workbook import write_workbook

    odd = frame.assign(account="=1+1", reason="@SUM(A1)")
    path = write_workbook(odd, tmp_path / "odd.xlsx")
    for sheet in openpyxl.load_workbook(path):
        for row in sheet.iter_rows():
            assert [cell.value for cell in row if cell.data_type == "f"] == []


def test_another_ending_is_refused(frame, tmp_path):
    from adbudget.reporting.workbook import write_workbook

    with pytest.raises(InputError, match="kind of file"):
        write_workbook(frame, tmp_path / "plan.doc")
