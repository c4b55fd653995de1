"""adbudget check: tables as they come, a proposed reading as a command, and settings to keep."""

import shlex
import sqlite3
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.real_data.sets import data_folder

DAYS = pd.date_range("2024-12-02", periods=40).strftime("%Y-%m-%d").tolist()
CASES = data_folder().parent / "cases" / "tables"


@pytest.fixture
def tables(tmp_path):
    """Spend and revenue as plain tables, and an export of Google Ads, in one folder."""
    spend = pd.DataFrame(
        [(day, channel, 10.0 + i) for i, day in enumerate(DAYS) for channel in ("tv", "search")],
        columns=["date", "channel", "spend"],
    )
    spend.to_csv(tmp_path / "spend.csv", index=False)
    revenue = pd.DataFrame({"date": DAYS, "revenue": [500.5 + i for i in range(40)]})
    revenue.to_csv(tmp_path / "revenue.csv", index=False)
    lines = [f'{day},Search,EUR,"1,0{10 + i}.50",9' for i, day in enumerate(DAYS)]
    text = "\n".join(["Report", "Day,Campaign type,Currency code,Cost,Impr.", *lines, ""])
    (tmp_path / "google.csv").write_bytes(text.encode("utf-16"))
    return tmp_path


def proposed_command(out: str) -> list[str]:
    """The command that a page says to run."""
    line = next(line for line in out.splitlines() if line.strip().startswith("adbudget check "))
    return shlex.split(line)[1:]


def odd(folder: Path) -> Path:
    """A wide table whose columns nobody named for us."""
    frame = pd.DataFrame({"Store Code": ["n", "s"] * 40, "When": sorted(DAYS * 2)})
    frame["Cost TV"], frame["Cost Search"] = range(80), range(80, 160)
    frame["Net Turnover"] = [900.25 + i for i in range(80)]
    frame.to_csv(folder / "odd.csv", index=False)
    return folder / "odd.csv"


def test_two_untouched_exports_are_read_in_one_step(call, tables):
    code, out, _ = call("check", tables / "google.csv", "--outcome", tables / "revenue.csv")
    assert code == 0
    assert "layout 'google_ads'" in " ".join(out.split())
    assert "google_ads_search" in out


def test_several_files_and_folders_are_one_panel(call, tables):
    exports = tables / "exports"
    exports.mkdir()
    (tables / "google.csv").rename(exports / "google.csv")
    given = [tables / "spend.csv", exports, "--outcome", tables / "revenue.csv"]
    code, out, _ = call("check", *given)
    assert code == 0
    assert "3 channels (google_ads_search, search, tv)" in " ".join(out.split())


def test_a_reading_is_proposed_as_a_command_that_reads(call, tables):
    code, out, _ = call("check", odd(tables))
    assert code == 2
    assert "To decide" not in out
    command = proposed_command(out)
    code, out, _ = call(*command)
    assert code == 0
    assert "Daily Net Turnover" in out
    assert "2 accounts" in out


def test_a_shop_nobody_knows_beside_a_known_export_is_proposed(call, tables):
    revenue = pd.read_csv(tables / "revenue.csv")
    shop = revenue.rename(columns={"date": "Day", "revenue": "Net sales"}).assign(Orders=3)
    shop.to_csv(tables / "shop.csv", index=False)
    given = [tables / "google.csv", "--outcome", tables / "shop.csv"]
    _, out, _ = call("check", *given)
    command = proposed_command(out)
    assert {"date=Day", "outcome=Net sales"} <= set(command)
    assert call(*command)[0] == 0


def test_one_option_for_several_columns_is_answered_with_how_to_write_it(call, tables):
    given = [tables / "google.csv", "--outcome", tables / "revenue.csv"]
    code, _, err = call("check", *given, "--columns", "date=Day,outcome=Net sales")
    assert code == 2
    assert "--columns date=Day --columns 'outcome=Net sales'" in " ".join(err.split())


def test_columns_with_german_titles_are_proposed_too(call, tables):
    spend, revenue = (pd.read_csv(tables / f"{name}.csv") for name in ("spend", "revenue"))
    titles = {"date": "Woche", "channel": "Kanal", "spend": "Ausgaben", "revenue": "Umsatz"}
    spend.rename(columns=titles).to_csv(tables / "ausgaben.csv", index=False, sep=";")
    revenue.rename(columns=titles).to_csv(tables / "umsatz.csv", index=False, sep=";")
    _, out, _ = call("check", tables / "ausgaben.csv", "--outcome", tables / "umsatz.csv")
    command = proposed_command(out)
    assert "channel=Kanal" in command
    assert call(*command)[0] == 0


def test_yes_takes_a_proposal_that_leaves_nothing_to_decide(call, tables):
    kept = tables / "reading.yaml"
    code, out, _ = call("check", odd(tables), "--yes", "--write-config", kept)
    assert code == 0
    assert "Daily Net Turnover" in out
    code, out, _ = call("check", tables / "odd.csv", "--config", kept)
    assert code == 0
    assert "2 channels (Cost Search, Cost TV)" in " ".join(out.split())


def test_yes_decides_nothing_for_a_person(call, tables):
    path = odd(tables)
    frame = pd.read_csv(path)
    frame["Gross Revenue"] = frame["Net Turnover"] + 1
    frame.to_csv(path, index=False)
    code, out, _ = call("check", path, "--yes")
    assert code == 2
    assert "To decide" in out
    assert "The outcome may also be" in out


def test_what_the_tables_lack_altogether_is_the_error_itself(call, tables):
    (tables / "none.csv").write_text("a,b\n1,x\n2,y\n")
    code, _, err = call("check", tables / "none.csv")
    assert code == 2
    assert "no date column" in err


def test_what_an_error_proposes_can_be_typed(call, tables):
    pd.DataFrame({"date": DAYS, "channel": "tv", "spend": "1.234"}).to_csv(
        tables / "dots.csv", index=False
    )
    given = ["check", tables / "dots.csv", "--outcome", tables / "revenue.csv"]
    code, _, err = call(*given)
    assert code == 2
    assert "--decimal" in err
    for sign, total in ((",", "49,360"), (".", "49.36")):
        code, out, _ = call(*given, "--decimal", sign)
        assert code == 0
        assert total in out


def test_day_or_month_first_can_be_typed(call, tmp_path):
    days = pd.date_range("2023-01-01", periods=12, freq="MS")
    text = [f"{day:%d/%m/%Y},5.5,9.5" for day in days]
    (tmp_path / "t.csv").write_text("\n".join(["date,tv_spend,revenue", *text]))
    code, _, err = call("check", tmp_path / "t.csv")
    assert code == 2
    assert "--dayfirst or --no-dayfirst" in err
    code, out, _ = call("check", tmp_path / "t.csv", "--dayfirst")
    assert code == 0
    assert "Monthly revenue, 2023-01-01 to 2023-12-01" in out
    code, out, _ = call("check", tmp_path / "t.csv", "--no-dayfirst")
    assert code == 0
    assert "Daily revenue, 2023-01-01 to 2023-01-12" in out


def test_zip_and_sheets_are_files_too(call, tables):
    with zipfile.ZipFile(tables / "spend.zip", "w") as archive:
        archive.write(tables / "spend.csv", "spend.csv")
    code, *_ = call("check", tables / "spend.zip", "--outcome", tables / "revenue.csv")
    assert code == 0
    pytest.importorskip("openpyxl")
    with pd.ExcelWriter(tables / "book.xlsx") as book:
        for name in ("spend", "revenue"):
            pd.read_csv(tables / f"{name}.csv").to_excel(book, sheet_name=name, index=False)
    book = tables / "book.xlsx"
    code, *_ = call("check", f"{book}#spend", "--outcome", f"{book}#revenue")
    assert code == 0
    code, _, err = call("check", book, "--outcome", f"{book}#revenue")
    assert code == 2
    assert "--sheet NAME" in err


def test_a_database_answers_instead_of_files(call, tables):
    database = sqlite3.connect(tables / "shop.db")
    for name in ("spend", "revenue"):
        pd.read_csv(tables / f"{name}.csv").to_sql(name, database, index=False)
    database.close()
    (tables / "revenue.sql").write_text("SELECT date, revenue FROM revenue")
    url = f"sqlite:///{tables / 'shop.db'}"
    given = ["check", "spend", "--outcome", tables / "revenue.sql", "--sql"]
    code, out, _ = call(*given, url)
    assert code == 0
    assert "2 channels (search, tv)" in " ".join(out.split())
    code, _, err = call(*given, f"sqlite:///{tables / 'none.db'}")
    assert code == 2
    assert "no database" in err
    assert not (tables / "none.db").exists()
    code, _, err = call(*given, "mystery://me:secret@host/x")
    assert code == 2
    assert "secret" not in err


def test_a_duckdb_file_answers_too(call, tables):
    duckdb = pytest.importorskip("duckdb")
    path = tables / "shop.duckdb"
    with duckdb.connect(str(path)) as database:
        for name in ("spend", "revenue"):
            source = tables / f"{name}.csv"
            database.execute(f"CREATE TABLE {name} AS SELECT * FROM read_csv('{source}')")
    query = "SELECT * FROM revenue WHERE revenue > 0"
    code, *_ = call("check", "spend", "--outcome", query, "--sql", f"duckdb:///{path}")
    assert code == 0
    code, _, err = call("check", "nothing", "--outcome", query, "--sql", f"duckdb:///{path}")
    assert code == 2
    assert "could not be asked" in err


# Inputs beside the checkout ----------------------------------------------------------------------

SHOP = "shop_revenue.csv"
READ = [  # files, options, what the page says
    (["base_spend.csv", "--outcome", "base_revenue.csv"], "4 accounts"),
    (["f01_gads_utf8.csv", "--outcome", SHOP], "EUR 1,182,478"),
    (["f01_gads_utf8.csv", "--outcome", "f07_shopify_sales.csv"], "Daily Net sales"),
    (["f02_gads_utf16_tab.csv", "--outcome", SHOP], "EUR 1,182,478"),
    (["f03_meta_de.csv", "--outcome", SHOP], "EUR 394,159"),
    (["f05_meta_weekly.csv", "--outcome", SHOP, "--resample", "weekly"], "17 periods"),
    (["f08b_spend_yyyymmdd.csv", "--outcome", "f08b_ga4_clean.csv"], "394,159"),
    (["f08b_spend_yyyymmdd.csv", "--outcome", "f08_ga4.csv"], "1,594,700"),
    (["f11_spend.xlsx", "--outcome", SHOP], "394,159"),
    (["f12_micros.csv", "--outcome", SHOP], "394,159"),
    (["f15_iso_week.csv"], "Weekly revenue, 2024-12-02 to 2025-03-24"),
    (["f16_dollar.csv", "--outcome", SHOP], "1,182,478"),
    (["meta_feed_broke.csv", "--outcome", "revenue.csv"], "(rows_end)"),
    (["n14_partial_spend.csv", "--outcome", "n14_partial_rev.csv"], "(unfinished_period)"),
    (["spend.csv", "--outcome", "revenue.csv"], "2 accounts"),
    (["spend.csv", "--outcome", "revenue_daily.csv", "--resample", "weekly"], "52 periods"),
    (["solo_spend.csv", "--outcome", "solo_rev.csv"], "1 channel (search)"),
    (["spend_typo.csv", "--outcome", "revenue.csv"], "(value_out_of_line)"),
    (
        ["ad_reporting__campaign_report.csv", "--columns", "outcome=conversions_value"],
        "count for their own ads",
    ),
]
REFUSED = [
    (["f10_thousands_dot_spend.csv", "--outcome", "f10_thousands_dot_revenue.csv"], "--decimal"),
    (["f14_total_channel.csv", "--outcome", SHOP], "channels=['search', 'shopping'"),
    (["base_spend.csv", "--outcome", "m13b_net_zero.csv"], "difference rather than an amount"),
    (
        ["base_spend.csv", "--outcome", "n06c_one_account_zero_revenue.csv"],
        "account_of={'account_12': '-'}",
    ),
    (["t22_late_bad_cell.csv"], "in row 122 of the table (account 'account_09'): '#DIV/0!'"),
]
PUBLIC = [
    *("pymc_mmm_example.csv", "robyn_simulated_weekly.csv", "meridian_geo_media.csv"),
    *("mmm_simple/mmm_data.csv", "recovery/small_business_1.csv"),
    *("recovery/growing_business_a.csv", "conjura_ecommerce_daily.csv.gz"),
    *("fb_vs_adwords_2019.csv", "finlatics_multichannel_2025.csv", "lydia_pinkham_annual.csv"),
]


def case(arguments: list[str]) -> list[str]:
    """Arguments with the paths of the files; skips without them."""
    paths = [str(CASES / one) if one.endswith((".csv", ".xlsx")) else one for one in arguments]
    if not Path(paths[0]).exists():
        pytest.skip(f"there is no {paths[0]}")
    return paths


@pytest.mark.parametrize(("arguments", "wanted"), READ, ids=lambda one: str(one)[:40])
def test_inputs_made_wrong_on_purpose_are_read(call, arguments, wanted):
    code, out, _ = call("check", *case(arguments))
    assert code == 0
    assert wanted in " ".join(out.split())


@pytest.mark.parametrize(("arguments", "wanted"), REFUSED, ids=lambda one: str(one)[:40])
def test_inputs_nobody_can_read_are_refused_by_name(call, arguments, wanted):
    code, _, err = call("check", *case(arguments))
    assert code == 2
    assert wanted in err


def test_thousands_with_points_are_read_when_that_is_said(call):
    given = case(["f10_thousands_dot_spend.csv", "--outcome", "f10_thousands_dot_revenue.csv"])
    code, out, _ = call("check", *given, "--decimal", ",")
    assert code == 0
    assert "1,182,474" in out


def test_nine_of_ten_public_tables_read_in_one_step(call):
    if not (data_folder() / PUBLIC[0]).exists():
        pytest.skip(f"{data_folder()} has no public data")
    read = {}
    for name in PUBLIC:
        code, out, _ = call("check", data_folder() / name)
        if code:
            code, *_ = call(*proposed_command(out))
        read[name] = code == 0
    assert [name for name, done in read.items() if not done] == ["lydia_pinkham_annual.csv"]
