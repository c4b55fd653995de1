"""How a platform is found by its address, and what files and tables are refused for."""

import json
import os
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import insert

from adbudget.errors import InputError, PlatformError
from adbudget.platforms import (
    BudgetOrder,
    FilePlatform,
    HttpPlatform,
    SqlPlatform,
    create_platform_tables,
    known_platforms,
    open_platform,
)
from adbudget.platforms.sql_platform import PERFORMANCE
from tests.platforms.conftest import SPAN, budget_of, order_for

BUILT_IN = {"file", "http", "https", "postgresql", "sqlite"}
EXAMPLE = """
def open_mine(address, token):
    return ("mine", address, token)
"""


# --- by its address


def test_the_packages_own_platforms_are_registered_like_any_other():
    assert set(known_platforms()) >= BUILT_IN


def test_every_kind_of_address_opens_its_platform(file_stand, tmp_path):
    assert isinstance(open_platform(f"file:{tmp_path}"), FilePlatform)
    url = f"sqlite:///{tmp_path / 'p.db'}"
    create_platform_tables(url).close()
    opened = open_platform(url)
    assert isinstance(opened, SqlPlatform)
    opened.close()
    assert isinstance(open_platform("https://ads.example.org", token="t"), HttpPlatform)


def test_a_platform_of_another_package_is_found_by_its_entry_point(tmp_path, monkeypatch):
    (tmp_path / "mine_ads.py").write_text(EXAMPLE)
    about = tmp_path / "mine_ads-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: mine-ads\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[adbudget.platforms]\nmine = mine_ads:open_mine\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert open_platform("mine:shop", token="t") == ("mine", "mine:shop", "t")


def test_two_packages_of_one_name_are_told_apart(tmp_path, monkeypatch):
    for name in ("one", "two"):
        about = tmp_path / f"{name}-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text(f"[adbudget.platforms]\nmine = {name}:open\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(InputError, match="two packages offer"):
        open_platform("mine:x")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("fil:x", "Did you mean file"),
        ("folder", "begins with"),
        ("file:", "budgets.csv"),
        ("file:/nowhere", "budgets.csv"),
        ("mysql://u:secret@h/d", "Installed are"),
        ("http://ads.example.org/?a=1", "no name, password or query"),
    ],
)
def test_an_address_nobody_knows_is_refused_with_those_that_are(address, said):
    with pytest.raises(InputError, match=re.escape(said)) as refused:
        open_platform(address)
    assert "secret" not in str(refused.value)


def test_a_database_without_tables_says_how_to_make_them(tmp_path):
    import sqlite3

    sqlite3.connect(tmp_path / "empty.db").close()
    with pytest.raises(PlatformError, match="create_platform_tables"):
        open_platform(f"sqlite:///{tmp_path / 'empty.db'}")
    with pytest.raises(PlatformError, match="no platform"):
        open_platform(f"sqlite:///{tmp_path / 'none.db'}")


def test_a_database_that_is_away_may_be_tried_again():
    with pytest.raises(PlatformError) as away:
        open_platform("postgresql+psycopg://ann:secret@127.0.0.1:1/none")
    assert away.value.retryable
    assert "secret" not in str(away.value)


# --- orders


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": ""},
        {"key": "x" * 251},
        {"key": "a\nb"},
        {"key": " a"},
        {"daily_minor": -1},
        {"daily_minor": 10.0},
        {"daily_minor": True},
        {"based_on_minor": 2**53},
        {"at": datetime(2026, 3, 1)},
    ],
)
def test_an_order_that_is_none_is_refused(wrong):
    order = BudgetOrder(
        key="k",
        account="a",
        channel="c",
        campaign="x",
        currency="EUR",
        based_on_minor=1,
        daily_minor=2,
        at=datetime(2026, 3, 1, tzinfo=UTC),
    )
    with pytest.raises(InputError, match=next(iter(wrong))):
        replace(order, **wrong)


# --- folders


def test_other_columns_of_the_folder_are_kept_as_they_are(file_stand):
    platform = file_stand.platform
    first = platform.budgets()[0]
    platform.set_budget(order_for(first, first.daily_minor + 50))
    table = pd.read_csv(platform.folder / "budgets.csv", dtype=str)
    assert set(table["owner"]) == {"007"}
    assert f"{(first.daily_minor + 50) / 100:.2f}" in set(table["daily_budget"])


def crash(monkeypatch, name: str, calls: int = 1) -> None:
    """Let the file platform die at the so-maniest call of os.fsync or os.replace."""
    real, left = getattr(os, name), [calls]

    def dies(*arguments):
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(os, name, dies)


def test_a_crash_after_the_order_is_written_completes_it_later(file_stand, monkeypatch):
    platform = file_stand.platform
    first = platform.budgets()[0]
    order = order_for(first, first.daily_minor + 50)
    crash(monkeypatch, "replace")
    with pytest.raises(KeyboardInterrupt):
        platform.set_budget(order)
    monkeypatch.undo()
    text = (platform.folder / "budgets.csv").read_text()
    assert f"{order.daily_minor / 100:.2f}" not in text
    survivor = FilePlatform(folder=platform.folder)
    assert survivor.answer_of(order.key).status == "made"
    assert budget_of(survivor, first.unit).daily_minor == order.daily_minor
    assert survivor.set_budget(order) == survivor.answer_of(order.key)
    assert budget_of(platform, first.unit) == budget_of(survivor, first.unit)


def test_a_crash_after_the_budget_is_written_does_nothing_twice(file_stand, monkeypatch):
    platform = file_stand.platform
    first = platform.budgets()[0]
    order = order_for(first, first.daily_minor + 50)
    crash(monkeypatch, "fsync", calls=4)  # order, budget, folder, and then the mark
    with pytest.raises(KeyboardInterrupt):
        platform.set_budget(order)
    monkeypatch.undo()
    survivor = FilePlatform(folder=platform.folder)
    now = budget_of(survivor, first.unit)
    assert now.daily_minor == order.daily_minor
    assert survivor.answer_of(order.key).status == "made"
    back = order_for(now, first.daily_minor)
    assert survivor.set_budget(back).status == "made"
    assert budget_of(FilePlatform(folder=platform.folder), first.unit).daily_minor == (
        first.daily_minor
    )


def test_a_line_that_broke_off_was_never_answered(file_stand):
    platform = file_stand.platform
    first = platform.budgets()[0]
    platform.set_budget(order_for(first, first.daily_minor + 50))
    orders = platform.folder / "orders.jsonl"
    whole = orders.read_bytes()
    orders.write_bytes(whole + b'{"order": {"key": "half')
    survivor = FilePlatform(folder=platform.folder)
    assert survivor.answer_of("half") is None
    assert orders.read_bytes() == whole


def test_what_another_process_has_ordered_is_known(file_stand):
    platform = file_stand.platform
    other = FilePlatform(folder=platform.folder)
    first = platform.budgets()[0]
    order = order_for(first, first.daily_minor + 50)
    answer = other.set_budget(order)
    assert platform.answer_of(order.key) == answer
    assert platform.set_budget(order) == answer


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("budgets.csv", "daily_budget", "budget", "no column"),
        ("budgets.csv", "EUR,", "EUR,12.345", "is no amount"),
        ("budgets.csv", "false", "maybe", "true or false"),
        ("budgets.csv", "account_01,search", "account_02,search", "two budgets"),
        ("performance.csv", "spend", "cost", "without"),
        ("complete_until.txt", "+00:00", "", "time zone"),
    ],
)
def test_a_folder_that_is_wrong_is_refused_with_the_place(file_stand, name, old, new, said):
    platform = file_stand.platform
    path = Path(platform.folder / name)
    text = path.read_text()
    if "two budgets" in said:
        lines = text.splitlines()
        text = "\n".join([*lines, lines[1]])
    path.write_text(text.replace(old, new))
    with pytest.raises(PlatformError, match=said):
        platform.performance(*SPAN) if name != "budgets.csv" else platform.budgets()


def test_without_a_word_the_last_day_of_the_folder_is_not_complete(file_stand):
    folder = file_stand.platform.folder
    (folder / "complete_until.txt").unlink()
    report = file_stand.platform.performance(*SPAN)
    assert report.complete_until == datetime(2026, 3, 2, tzinfo=UTC)


def test_parquet_is_read_like_csv(file_stand):
    folder = file_stand.platform.folder
    before = file_stand.platform.performance(*SPAN).frame
    table = pd.read_csv(folder / "performance.csv")
    table.to_parquet(folder / "performance.parquet")
    with pytest.raises(PlatformError, match="both"):
        file_stand.platform.performance(*SPAN)
    (folder / "performance.csv").unlink()
    pd.testing.assert_frame_equal(file_stand.platform.performance(*SPAN).frame, before)


def test_orders_are_lines_that_others_can_carry_out(file_stand):
    platform = file_stand.platform
    first = platform.budgets()[0]
    order = order_for(first, first.daily_minor + 50)
    platform.set_budget(order)
    lines = (platform.folder / "orders.jsonl").read_text().splitlines()
    written, applied = (json.loads(line) for line in lines)
    assert written["order"]["daily_minor"] == order.daily_minor
    assert written["answer"]["status"] == "made"
    assert applied == {"applied": order.key}


# --- tables


def test_rows_of_days_beside_rows_of_hours_are_refused(sqlite_stand):
    platform = sqlite_stand.platform
    row = platform.performance(*SPAN).frame.iloc[0].to_dict()
    row |= {"date": "2026-02-20", "hour": -1}
    with platform.engine.begin() as connection:
        connection.execute(insert(PERFORMANCE).values(row))
    with pytest.raises(PlatformError, match="one kind"):
        platform.performance(*SPAN)
