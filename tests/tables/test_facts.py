"""What a run knows of its table goes with the table, in every format, and comes back with it."""

import json

import numpy as np
import pandas as pd
import pytest

from adbudget.tables.files import read_table, readable_in, write_table
from adbudget.tables.workbooks import LONGEST_CELL

ATTRS = {
    "seed": 3,
    "health": {"ok": True, "problems": []},
    "currency": {"a": "EUR"},
    "asked": {"limits": {"change": [0.3, 0.3]}},
    "gap": None,
    "note": "=HYPERLINK(1)",
    "long": "x" * (2 * LONGEST_CELL),
}


@pytest.fixture
def decisions() -> pd.DataFrame:
    frame = pd.DataFrame(
        {"account": ["007", "=b"], "decision": ["reduce", "monitor"], "lift": [1.5, np.nan]}
    )
    frame.attrs |= ATTRS
    return frame


@pytest.mark.parametrize("name", ["d.csv", "d.csv.gz", "d.json", "d.xlsx", "d.parquet"])
def test_attributes_come_back_with_the_table(decisions, tmp_path, name):
    pytest.importorskip({"d.xlsx": "openpyxl", "d.parquet": "pyarrow"}.get(name, "json"))
    write_table(decisions, tmp_path / name)
    again = read_table(tmp_path / name, ("account",))
    assert again.attrs == ATTRS
    assert again["account"].tolist() == ["007", "=b"]
    assert again["lift"].tolist()[0] == 1.5
    assert pd.isna(again["lift"].tolist()[1])


def test_facts_stand_beside_a_csv_as_plain_json(decisions, tmp_path):
    written = write_table(decisions, tmp_path / "d.csv")
    assert written == (tmp_path / "d.csv", tmp_path / "d.attrs.json")
    whole = json.loads((tmp_path / "d.attrs.json").read_text())
    assert whole["of"] == "d.csv"
    assert whole["attrs"] == ATTRS


def test_facts_of_another_run_are_not_believed(decisions, tmp_path):
    write_table(decisions, tmp_path / "d.csv")
    with (tmp_path / "d.csv").open("a") as file:
        file.write("c,increase,2\n")
    assert read_table(tmp_path / "d.csv").attrs == {}
    (tmp_path / "d.attrs.json").write_text("{broken")
    assert read_table(tmp_path / "d.csv").attrs == {}


def test_a_table_without_facts_stands_alone(tmp_path):
    assert write_table(pd.DataFrame({"x": [1]}), tmp_path / "d.csv") == (tmp_path / "d.csv",)
    assert [path.name for path in tmp_path.iterdir()] == ["d.csv"]


def test_facts_are_no_table_of_a_folder(decisions, tmp_path):
    write_table(decisions, tmp_path / "d.csv")
    assert [path.name for path in readable_in(tmp_path)] == ["d.csv"]


def test_a_workbook_says_what_its_run_knew_on_a_sheet_of_its_own(decisions, tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    write_table(decisions, tmp_path / "d.xlsx")
    book = openpyxl.load_workbook(tmp_path / "d.xlsx")
    assert book.sheetnames == ["decisions", "about"]
    told = {row[0]: row[1] for row in book["about"].iter_rows(min_row=2, values_only=True)}
    assert told["seed"] == "3"
    assert told["health"] == '{"ok": true, "problems": []}'
    every = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not any(cell.data_type == "f" for cell in every), "no cell is a formula"
