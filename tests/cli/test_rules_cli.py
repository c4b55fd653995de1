"""adbudget rules as people run it: real processes on the files of data/synthetic."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.policy.worked import EXAMPLE

DATA = Path(__file__).parents[2] / "data" / "synthetic"
POLICY, CAMPAIGNS = DATA / "policy.yaml", DATA / "campaigns.csv"
AS_OF = ("--as-of", "2026-03-02T08:00")


def run(*arguments, columns=None):
    environment = {name: text for name, text in os.environ.items() if name != "COLUMNS"}
    if columns:
        environment["COLUMNS"] = str(columns)
    return subprocess.run(
        [sys.executable, "-m", "adbudget", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=environment,
    )


def rows_of(page: str) -> dict[str, list[str]]:
    """Campaign -> words of its line in the table."""
    table = page.split("Why")[0].splitlines()
    return {line.split()[0]: line.split()[1:] for line in table if line.startswith("  ")}


@pytest.fixture(scope="module")
def page():
    answer = run("rules", POLICY, CAMPAIGNS, *AS_OF)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_the_policy_of_the_examples_is_the_one_that_is_documented():
    assert POLICY.read_text() == EXAMPLE


def test_the_page_shows_moves_reasons_alerts_and_totals(page):
    rows = rows_of(page)
    assert rows["search_brand"][:4] == ["2,000.00", "2,300.00", "+15%", "scale_winners"]
    assert rows["social_prospecting"][:4] == ["3,000.00", "2,400.00", "-20%", "reduce_losers"]
    assert rows["search_generic"][:4] == ["2,500.00", "2,710.00", "+8%", "rebalance"]
    assert rows["display"][2:] == ["pause", "emergency_pause", "high", "auto"]
    assert "newsletter_ads" not in rows
    assert "probability 99.5%" in page
    assert "critical  display: cost per result above 3 times the target (cpl 1,350)" in page
    assert "Total    11,050.00 -> 11,050.00 (net 0.00); 600.00 moves" in page
    assert "3 increase, 1 decrease, 1 pause, 3 hold; 4 need approval" in page


def test_nothing_is_cut_off_at_80_columns(page):
    answer = run("rules", POLICY, CAMPAIGNS, *AS_OF, columns=80)
    assert max(map(len, answer.stdout.splitlines())) <= 80
    assert "Left out at 80 columns" in answer.stdout
    assert rows_of(answer.stdout).keys() >= {"search_brand", "display"}
    assert max(map(len, page.splitlines())) <= 120


def test_json_is_the_whole_plan_with_exact_money():
    answer = run("rules", POLICY, CAMPAIGNS, *AS_OF, "--format", "json")
    plan = json.loads(answer.stdout)
    by_name = {call["campaign_id"]: call for call in plan["recommendations"]}
    assert by_name["search_generic"]["recommended_budget"] == "2710.00"
    assert plan["summary"]["net_change"] == "0.00"
    assert len(by_name) == 8


def test_a_ledger_logs_the_run_and_the_next_commands_go_on_from_there(tmp_path):
    ledger, out, alerts = tmp_path / "l.db", tmp_path / "plan.csv", tmp_path / "alerts.jsonl"
    options = ("--ledger", ledger, "--out", out, "--send", f"jsonl:{alerts}")
    answer = run("rules", POLICY, CAMPAIGNS, *AS_OF, *options)
    assert answer.returncode == 0, answer.stderr
    group = pd.read_csv(out, dtype=str)["group_id"].dropna().iloc[0]
    assert f"Next: adbudget approve {group} --ledger {ledger}" in answer.stdout
    assert json.loads(alerts.read_text().splitlines()[0])["type"] == "emergency_pause"
    approval = run(
        "approve", group, "--ledger", ledger, "--who", "Ana", "--at", "2026-03-02T10:00Z"
    )
    assert "2,000.00 -> 2,300.00" in approval.stdout, approval.stderr
    figures = run("ledger", "metrics", "--ledger", ledger, "--at", "2026-03-02T12:00Z")
    assert "changes a week              5" in figures.stdout
    assert "alerts a week               1" in figures.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nowhere.yaml", CAMPAIGNS), "nowhere.yaml does not exist"),
        ((POLICY, DATA / "nowhere.csv"), "nowhere.csv does not exist"),
        ((POLICY, CAMPAIGNS, "--as-of", "tomorrow"), "as_of must be a date or time"),
        ((POLICY, CAMPAIGNS, "--send", "pigeon:x"), "no alerts can be sent"),
    ],
)
def test_what_cannot_be_used_is_a_paragraph_and_exit_code_2(arguments, told):
    answer = run("rules", *arguments)
    assert answer.returncode == 2
    assert told in " ".join(answer.stderr.split())
    assert "Traceback" not in answer.stderr


def test_rules_load_no_library_that_samples_or_stores():
    code = (
        "import sys; sys.argv = ['adbudget', 'rules', "
        f"{str(POLICY)!r}, {str(CAMPAIGNS)!r}, '--as-of', '2026-03-02', '--show', 'none']\n"
        "from adbudget import cli\n"
        "try: cli.main()\n"
        "except SystemExit: pass\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    loaded = set(answer.stdout.splitlines()[-1].split())
    assert "pandas" in loaded
    assert not loaded & {"pymc", "pytensor", "arviz", "nutpie", "numba", "xarray", "sqlalchemy"}
