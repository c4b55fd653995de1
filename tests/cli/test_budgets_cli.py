"""New budgets out, and a person's own budgets in, on the command line."""

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime

import pandas as pd
import pytest

from adbudget import open_ledger, pace
from adbudget.cli import main
from adbudget.ledger.entry import Entry
from tests.pacing.flights import daily, plan_frame, plan_row

AT = ("--who", "Ann", "--at", "2026-03-17T09:00+00:00")
WHY = ("--reason", "guaranteed to the client")


def run(place, *words, code=0) -> str:
    out, error = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(error):
        patch.chdir(place)
        patch.setattr(sys, "argv", ["adbudget", *words, "--ledger", "ledger.db"])
        with pytest.raises(SystemExit) as left:
            main()
    assert left.value.code == code, out.getvalue() + error.getvalue()
    return error.getvalue() if code else out.getvalue()


def paced(place, *, outcomes: bool, as_of: str = "2026-03-16"):
    rows = [
        plan_row("D1", budget=40_000),
        plan_row("D2", budget=40_000, seller="Arena"),
        plan_row("D3", budget=5_000, campaign="autumn"),
    ]
    plan = plan_frame(*rows)
    plan.to_csv(place / "plan.csv", index=False)
    parts = [
        daily("D1", [800.0 + i % 3 for i in range(15)], revenue=400.0),
        daily("D2", [1_733.0 + i % 3 for i in range(15)], revenue=5_000.0),
        daily("D3", [166.0 + i % 2 for i in range(15)], revenue=300.0),
    ]
    delivery = pd.concat(parts)
    if not outcomes:
        delivery = delivery.drop(columns="revenue")
    return pace(plan, delivery, as_of=as_of, ledger=place / "ledger.db")


def rows_of(told: str) -> dict[str, dict]:
    return {row["unit"]: row for row in map(json.loads, told.splitlines())}


@pytest.mark.parametrize("plan", [(), ("--plan", "plan.csv")])
def test_the_budgets_that_stand_are_listed_with_what_changed(tmp_path, plan):
    report = paced(tmp_path, outcomes=True)
    moved = float(report.moves["amount"].sum())
    rows = rows_of(run(tmp_path, "budgets", "--format", "json", *plan))
    assert {unit: float(row["budget"]) for unit, row in rows.items()} == {
        "D1": 40_000 - moved,
        "D2": 40_000 + moved,
        "D3": 5_000,
    }
    assert float(rows["D1"]["change"]) == -moved
    assert (rows["D1"]["campaign"], rows["D1"]["period"]) == ("spring", "flight")
    assert rows["D3"]["n_changes"] == 0
    later = rows_of(run(tmp_path, "budgets", "--format", "json", "--since", "2026-03-17", *plan))
    assert {row["n_changes"] for row in later.values()} == {0}
    assert float(later["D1"]["budget_before"]) == 40_000 - moved


def test_campaigns_add_their_deals_up(tmp_path):
    paced(tmp_path, outcomes=True)
    rows = rows_of(run(tmp_path, "budgets", "--by", "campaign", "--format", "json"))
    assert {unit: float(row["budget"]) for unit, row in rows.items()} == {
        "autumn": 5_000,
        "spring": 80_000,
    }
    assert float(rows["spring"]["change"]) == 0
    assert rows["spring"]["n_changes"] == 2


def test_csv_goes_to_the_terminal_or_a_file(tmp_path):
    paced(tmp_path, outcomes=True)
    told = run(tmp_path, "budgets", "--format", "csv", "--changed", "--out", "new.csv")
    table = pd.read_csv(io.StringIO(told))
    assert table["unit"].tolist() == ["D1", "D2"]
    assert (tmp_path / "new.csv").read_text() == told
    page = run(tmp_path, "budgets")
    assert "3 of 3 budgets." in page


def test_daily_budgets_of_campaigns_are_listed_too(tmp_path):
    with open_ledger(tmp_path / "ledger.db") as ledger:
        at = datetime(2026, 3, 1, tzinfo=UTC)
        change = Entry(
            kind="change", at=at, who="Ann", unit="brand", currency="EUR",
            old_minor=100_00, new_minor=120_00, rationale="more",
        )  # fmt: skip
        ledger.append(change, key="k")
    rows = rows_of(run(tmp_path, "budgets", "--format", "json"))
    assert (float(rows["brand"]["budget"]), rows["brand"]["period"]) == (120, "day")


def test_a_deal_is_locked_and_unlocked(tmp_path):
    paced(tmp_path, outcomes=False)
    told = run(tmp_path, "lock", "D2", *WHY, *AT)
    assert told.strip() == "D2 is locked; 2 that waited about it rejected."
    assert rows_of(run(tmp_path, "budgets", "--format", "json"))["D2"]["locked"]
    run(tmp_path, "unlock", "D2", *WHY, *AT)
    assert not rows_of(run(tmp_path, "budgets", "--format", "json"))["D2"]["locked"]
    assert "reason must not be empty" in run(tmp_path, "lock", "D2", "--reason", " ", code=2)


def test_a_person_puts_budgets_of_their_own_in_the_place_of_moves(tmp_path):
    report = paced(tmp_path, outcomes=False)
    group = report.moves["group_id"].iloc[0]
    own = ("override", group, "D1=35000", "D2=45,000.00", "--plan", "plan.csv", *WHY, *AT)
    assert "2 budgets changed" in run(tmp_path, *own)
    rows = rows_of(run(tmp_path, "budgets", "--format", "json", "--plan", "plan.csv"))
    assert (float(rows["D1"]["budget"]), float(rows["D2"]["budget"])) == (35_000, 45_000)
    wrong = ("override", group, "D1=1", "--plan", "plan.csv", *WHY, *AT)
    assert "budgets must keep the total" in " ".join(run(tmp_path, *wrong, code=2).split())
