"""Alerts are sent until a sink takes them, and what waits for a person is announced."""

import json

import pandas as pd
import pytest

from adbudget import open_ledger

POLICY = """
target_cpl: $50
rules: [{name: cut, trigger: "cpl > 65", action: decrease_budget_20%}]
"""


@pytest.fixture
def rules(call, tmp_path):
    """Code, output and errors of a run at an hour, with its alerts sent to a file in a folder."""
    (tmp_path / "policy.yaml").write_text(POLICY)
    loud = pd.DataFrame(
        {
            "campaign_id": ["a", "b"],
            "budget": [9000, 9000],
            "cpl": [75, 45],
            "spend": [20_000, 9000],
        }
    )
    loud.to_csv(tmp_path / "campaigns.csv", index=False)

    def run(hour: int, *sinks: object, ledger: bool = True) -> tuple[int, str, str]:
        more = ["--ledger", tmp_path / "l.db"] if ledger else []
        for sink in sinks:
            more += ["--send", f"jsonl:{tmp_path / str(sink)}"]
        files = (tmp_path / "policy.yaml", tmp_path / "campaigns.csv")
        return call("rules", *files, "--as-of", f"2026-03-02T{hour:02d}:00", *more)

    return run


def told(path) -> list[str]:
    return [json.loads(line)["type"] for line in path.read_text().splitlines()]


def test_an_alert_that_a_sink_did_not_take_is_sent_by_the_next_run_and_the_run_ends_with_one(
    rules, tmp_path
):
    code, _, err = rules(9, "night/alerts.jsonl")  # the folder is not there
    assert code == 1
    assert "alerts not sent" in err
    assert "The next run with this sink sends them again" in " ".join(err.split())
    (tmp_path / "night").mkdir()
    assert rules(10, "night/alerts.jsonl")[0] == 0
    assert told(tmp_path / "night" / "alerts.jsonl") == ["risk", "approval"]
    assert rules(11, "night/alerts.jsonl")[0] == 0
    assert told(tmp_path / "night" / "alerts.jsonl") == ["risk", "approval"]  # told once


def test_one_sink_that_takes_them_does_not_settle_it_for_another(rules, tmp_path):
    assert rules(9, "a.jsonl", "night/b.jsonl")[0] == 1
    (tmp_path / "night").mkdir()
    assert rules(10, "a.jsonl", "night/b.jsonl")[0] == 0
    assert (
        told(tmp_path / "a.jsonl") == told(tmp_path / "night" / "b.jsonl") == ["risk", "approval"]
    )


def test_the_same_run_made_again_sends_nothing_twice(rules, tmp_path):
    for _ in range(2):
        assert rules(9, "a.jsonl")[0] == 0
    assert told(tmp_path / "a.jsonl") == ["risk", "approval"]


def test_what_a_run_killed_before_sending_is_sent_by_the_next(rules, tmp_path):
    assert rules(9)[0] == 0  # logged, and never sent
    assert rules(10, "a.jsonl")[0] == 0
    assert told(tmp_path / "a.jsonl") == ["risk", "approval"]


def test_a_failure_without_a_ledger_ends_with_one_too(rules):
    code, _, err = rules(9, "night/alerts.jsonl", ledger=False)
    assert (code, "alerts not sent" in err) == (1, True)


def test_an_announcement_says_what_waits_until_when_and_how_to_approve_it(rules, tmp_path):
    rules(9, "a.jsonl")
    last = json.loads((tmp_path / "a.jsonl").read_text().splitlines()[-1])
    assert last["message"].startswith("Waits for approval until 2026-03-03 09:00 UTC: ")
    with open_ledger(tmp_path / "l.db") as ledger:
        group = ledger.pending()["group_id"].iloc[0]
    assert last["action"] == f"adbudget approve {group}"
