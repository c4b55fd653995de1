"""Tables are read and written as they are, or refused with a reason."""

import datetime
import gzip
import io
import json
import zipfile

import numpy as np
import pandas as pd
import pytest

from adbudget.errors import InputError
from adbudget.tables.derived import add_derived
from adbudget.tables.files import (
    KINDS,
    FileKind,
    check_writable,
    read_table,
    readable_in,
    write_table,
)
from adbudget.tables.text_tables import FILE_NOTES


@pytest.fixture
def decisions() -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "account": ["Åkeri", "b"],
            "channel": ["search", "social, paid"],
            "current_spend": [1 / 3, 1240.5],
            "prob_gain": [0.9, 1.0],
            "reason": ["Increase: it pays.", 'A "quoted" word.'],
        }
    )
    frame.attrs = {"seed": 0, "gap": float("nan"), "n": np.int64(2), "health": {"ok": True}}
    return frame


@pytest.mark.parametrize("name", ["d.csv", "d.csv.gz", "d.json", "d.json.gz", "d.parquet"])
def test_what_is_written_is_read_back_equal(tmp_path, decisions, name):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    write_table(decisions, tmp_path / name)
    again = read_table(tmp_path / name).reset_index(drop=True)
    again.attrs = decisions.attrs = {}
    pd.testing.assert_frame_equal(again, decisions)


def test_json_holds_attrs_and_decisions_with_null_for_nan(tmp_path, decisions):
    decisions.loc[0, "prob_gain"] = np.inf
    write_table(decisions, tmp_path / "d.json")
    whole = json.loads((tmp_path / "d.json").read_text("utf-8"))
    assert whole["attrs"] == {"seed": 0, "gap": None, "n": 2, "health": {"ok": True}}
    assert whole["decisions"][0]["prob_gain"] is None
    assert whole["decisions"][1]["reason"] == 'A "quoted" word.'


def test_parquet_keeps_attrs(tmp_path, decisions):
    pytest.importorskip("pyarrow")
    write_table(decisions, tmp_path / "d.parquet")
    assert pd.read_parquet(tmp_path / "d.parquet").attrs["health"] == {"ok": True}


@pytest.mark.parametrize("name", ["d.csv.gz", "d.json"])
def test_the_same_table_makes_the_same_bytes(tmp_path, decisions, name):
    (tmp_path / "again").mkdir()
    for folder in (tmp_path, tmp_path / "again"):
        write_table(decisions, folder / name)
    assert (tmp_path / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_writing_replaces_the_file_and_leaves_nothing_else(tmp_path, decisions):
    path = tmp_path / "d.csv"
    path.write_text("old")
    path.chmod(0o640)
    write_table(decisions, path)
    assert {entry.name for entry in tmp_path.iterdir()} == {"d.csv", "d.attrs.json"}
    assert path.read_text("utf-8").startswith("account,")
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_write_that_fails_leaves_the_old_file(tmp_path, decisions, monkeypatch):
    path = tmp_path / "d.csv"
    path.write_text("old")

    def refuse(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(InputError, match="No space left"):
        write_table(decisions, path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["d.csv"]
    assert path.read_text() == "old"


def test_a_parquet_file_without_pyarrow_is_refused_before_anything_else(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'adbudget\[parquet\]'"):
        check_writable(tmp_path / "d.parquet")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("d.ods", "'.ods'. Use .csv, .json, .xlsx or .parquet"),
        ("d", "no extension"),
        ("d.parquet.gz", "'.parquet.gz'"),
        ("missing/d.csv", "does not exist"),
        ("folder.csv", "is a folder"),
    ],
)
def test_a_path_that_cannot_be_written_is_refused(tmp_path, name, why):
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputError) as error:
        check_writable(tmp_path / name)
    assert why in str(error.value)


def test_rows_of_a_csv_are_numbered_as_in_a_spreadsheet(tmp_path):
    (tmp_path / "t.csv").write_text("a\n1\n2\n")
    assert read_table(tmp_path / "t.csv").index.tolist() == [2, 3]


def test_names_stay_as_they_are_written(tmp_path):
    (tmp_path / "t.csv").write_text("Account,shop,spend\nNA,007,1\n,01,\n")
    frame = read_table(tmp_path / "t.csv", ["account", "shop"])
    assert frame["Account"].tolist() == ["NA", ""]
    assert frame["shop"].tolist() == ["007", "01"]
    assert np.isnan(frame["spend"].iloc[1])


@pytest.mark.parametrize(
    "content",
    [
        b"a;b\n1;2\n",
        b"a\tb\n1\t2\n",
        b"\xef\xbb\xbfa,b\r\n1,2\r\n",
        "a\tb\n1\t2\n".encode("utf-16"),
        b"\n\na,b\n1,2\n",
    ],
    ids=["semicolon", "tab", "mark", "utf16", "blank_lines"],
)
def test_exports_of_other_tools_are_read(tmp_path, content):
    (tmp_path / "t.csv").write_bytes(content)
    frame = read_table(tmp_path / "t.csv")
    assert frame.to_dict("records") == [{"a": 1, "b": 2}]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("t.csv", b"", "is empty"),
        ("t.csv", b"a,b\n1,2,3\n4,5,6\n", "not a regular table"),
        ("t.csv", b"a,b\n1,2\n4,5,6\n", "not a regular table"),
        ("t.csv", b"a,a\n1,2\n", "more than one column called 'a'"),
        ("t.csv", b"a\n\x81\n", "not UTF-8"),
        ("t.csv", b"<!DOCTYPE html>\n<html>Sign in</html>\n", "is a web page"),
        ("t.csv", b"PK\x03\x04...", "Rename it to .xlsx"),
        ("t.csv", b"\xd0\xcf\x11\xe0...", "an old Excel workbook"),
        ("t.csv", gzip.compress(b"a,b\n1,2\n", mtime=0), "Rename it to .csv.gz"),
        ("t.csv", b'a,b\n1,"x"\n2,"cut o', "quoted text that begins in row 3"),
        ("t.csv.gz", b"a\n1\n", "not a complete gzip file"),
        ("t.csv.gz", gzip.compress(b"a\n1\n", mtime=0)[:-9], "not a complete gzip file"),
        ("t.json", b"{", "cannot be read as JSON"),
        ("t.json", b'{"a": 1}', "list of records"),
        ("t.json", b"[1, 2]", "list of records"),
        ("t.parquet", b"PAR1", "cannot be read as Parquet"),
        ("t.xlsx", b"", "cannot be read as an Excel workbook"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path, name, content, why):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as error:
        read_table(tmp_path / name)
    assert why in str(error.value)


def test_a_lone_quotation_mark_inside_a_name_is_no_cut(tmp_path):
    (tmp_path / "t.csv").write_text('a,b\n1,a 12" screen\n2,x\n')
    assert read_table(tmp_path / "t.csv")["b"].tolist() == ['a 12" screen', "x"]


def test_titles_that_stand_again_between_the_rows_are_left_out_and_said(tmp_path):
    (tmp_path / "t.csv").write_text("day,spend\n2025-01-01,5\nday,spend\n2025-01-02,7\n")
    frame = read_table(tmp_path / "t.csv")
    assert (frame["spend"].astype(float).tolist(), frame.index.tolist()) == ([5.0, 7.0], [2, 4])
    assert "1 row(s) repeat the titles and are left out (row 3)" in frame.attrs[FILE_NOTES][0]


def test_a_table_of_titles_alone_is_empty(tmp_path):
    (tmp_path / "t.csv").write_text("day,spend\n")
    frame = read_table(tmp_path / "t.csv")
    assert (list(frame.columns), len(frame)) == (["day", "spend"], 0)


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_table(tmp_path / "none.csv")


def test_a_derived_column_adds_and_subtracts():
    table = pd.DataFrame({"gross": [10.0, 5.0], "net-of": [1.0, np.nan], "tip": [2, 2]})
    (derived,) = add_derived([table], {"revenue": "gross - net-of + tip"})
    assert derived["revenue"].iloc[0] == 11.0
    assert np.isnan(derived["revenue"].iloc[1])
    assert "revenue" not in table


@pytest.mark.parametrize(
    ("name", "formula", "why"),
    [
        ("x", "gros - tip", "no table has all of its columns"),
        ("x", "gross-tip", "no table has all of its columns"),
        ("tip", "gross + gross", "is a column already"),
        ("x", "gross + word", "must hold numbers"),
    ],
)
def test_a_formula_that_cannot_be_followed_says_why(name, formula, why):
    table = pd.DataFrame({"gross": [1.0], "tip": [1.0], "word": ["a"]})
    with pytest.raises(InputError, match=why):
        add_derived([table], {name: formula})


def test_a_new_kind_of_file_is_one_entry(tmp_path, decisions, monkeypatch):
    bars = FileKind(
        extensions=(".bars",),
        written=(".bars",),
        read=lambda content, asked: pd.read_csv(io.BytesIO(content), sep="|"),
        write=lambda frame: frame.to_csv(sep="|", index=False).encode(),
    )
    monkeypatch.setattr("adbudget.tables.files.KINDS", [*KINDS, bars])
    for name in ("d.bars", "d.bars.gz"):
        write_table(decisions, tmp_path / name)
        assert read_table(tmp_path / name)["account"].tolist() == ["Åkeri", "b"]
    with pytest.raises(
        InputError, match=r"Use \.csv, \.json, \.xlsx, \.parquet or \.bars; all but"
    ):
        check_writable(tmp_path / "d.ods")


# Exports as they come ----------------------------------------------------------------------------

EXPORT = """Campaign report
"February 1, 2025 - May 31, 2025"
Day,Type,Cost,,
2024-12-02,Search,"2,970.21",,
2024-12-03,Search,673.41,,
"""


def test_lines_above_the_header_and_empty_columns_are_left_out(tmp_path):
    for name, content in (
        ("a.csv", EXPORT.encode()),
        ("b.csv", EXPORT.replace("\n", "\r\n").encode("utf-16")),
        ("c.csv", EXPORT.encode("utf-16-le")),
        ("d.csv", EXPORT.replace(",", "\t").replace("2\t970", "2,970").encode("utf-16")),
    ):
        (tmp_path / name).write_bytes(content)
        frame = read_table(tmp_path / name)
        assert list(frame.columns) == ["Day", "Type", "Cost"], name
        assert frame.index.tolist() == [4, 5]
        assert frame["Cost"].tolist() == ["2,970.21", "673.41"]
        assert frame.attrs["reading"] == [f"{name}: 2 line(s) above the header are left out."]


def test_a_row_of_totals_may_be_longer_than_the_header(tmp_path):
    (tmp_path / "t.csv").write_text(
        "# free form\n\nDate,Sessions,Revenue\n,9,30.5,Grand total\n"
        "20241202,4,10.5\n20241203,5,20\n"
    )
    frame = read_table(tmp_path / "t.csv")
    assert frame["Revenue"].tolist() == [10.5, 20.0]
    assert frame.index.tolist() == [5, 6]


def test_windows_text_is_read_and_said(tmp_path):
    (tmp_path / "t.csv").write_bytes("channel;spend\nCafé;1\n".encode("cp1252"))
    frame = read_table(tmp_path / "t.csv")
    assert frame["channel"].tolist() == ["Café"]
    assert "read as Windows-1252" in frame.attrs["reading"][0]


def test_numbers_with_two_readings_stay_text_where_that_is_asked_for(tmp_path):
    (tmp_path / "t.csv").write_text("date;spend\n2024-12-02;2.970\n2024-12-03;673\n")
    assert read_table(tmp_path / "t.csv")["spend"].tolist() == [2.97, 673.0]
    assert read_table(tmp_path / "t.csv", decimal=None)["spend"].tolist() == ["2.970", "673"]
    (tmp_path / "t.csv").write_text("date;spend;rate\n2024-12-02;2.970;0.5\n2024-12-03;673;0.25\n")
    assert read_table(tmp_path / "t.csv", decimal=None)["spend"].tolist() == [2.97, 673.0]
    (tmp_path / "t.csv").write_text("date;spend\n2024-12-02;990.07\n2024-12-03;673.5\n")
    assert read_table(tmp_path / "t.csv", decimal=None)["spend"].tolist() == [990.07, 673.5]


def test_an_archive_of_one_table_is_that_table(tmp_path):
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        archive.writestr("export/t.csv", "a,b\n1,2\n")
        archive.writestr("__MACOSX/._t.csv", "x")
    assert read_table(tmp_path / "t.zip").to_dict("records") == [{"a": 1, "b": 2}]
    with zipfile.ZipFile(tmp_path / "t.zip", "a") as archive:
        archive.writestr("u.csv", "a,b\n3,4\n")
    with pytest.raises(InputError, match=r"holds 2 files: 'export/t.csv', 'u.csv'"):
        read_table(tmp_path / "t.zip")
    assert read_table(tmp_path / "t.zip", sheet="u.csv").to_dict("records") == [{"a": 3, "b": 4}]
    (tmp_path / "t.zip").write_bytes(b"PK")
    with pytest.raises(InputError, match="not a complete zip file"):
        read_table(tmp_path / "t.zip")


def workbook(path, **sheets):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)


def test_a_sheet_of_a_workbook_is_a_table(tmp_path):
    day = datetime.datetime(2024, 12, 2)
    spend = [["Spend by day"], [], ["date", "channel", "spend", None], [day, 7, 990.07, None]]
    workbook(tmp_path / "t.xlsx", Spend=spend, Notes=[])
    frame = read_table(tmp_path / "t.xlsx", ["channel"])
    assert list(frame.columns) == ["date", "channel", "spend"]
    assert frame["channel"].tolist() == ["7"]
    assert frame.index.tolist() == [4]
    assert frame["date"].iloc[0] == pd.Timestamp(day)


def test_of_several_sheets_one_is_named(tmp_path):
    workbook(tmp_path / "t.xlsx", Spend=[["a"], [1]], Revenue=[["a"], [2]])
    with pytest.raises(InputError, match=r"2 sheets .*'Spend', 'Revenue'.* sheet='Spend'"):
        read_table(tmp_path / "t.xlsx")
    assert read_table(tmp_path / "t.xlsx", sheet="Revenue")["a"].tolist() == [2]
    with pytest.raises(InputError, match=r"no sheet 'Sales'; it has 'Spend', 'Revenue'"):
        read_table(tmp_path / "t.xlsx", sheet="Sales")


def test_the_tables_of_a_folder_are_found(tmp_path):
    with pytest.raises(InputError, match="holds no table"):
        readable_in(tmp_path)
    for name in ("b.csv", "a.csv.gz", "~$book.xlsx", "c.zip", "readme.md", ".d.csv"):
        (tmp_path / name).write_text("a\n1\n")
    assert [path.name for path in readable_in(tmp_path)] == ["a.csv.gz", "b.csv", "c.zip"]
