"""adbudget pace as people run it: real processes on the files of data/synthetic."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from adbudget import open_ledger
from adbudget.pacing.delivery.past_measurements import measurement_history
from benchmarks import make_pacing_example

DATA = Path(__file__).parents[2] / "data" / "synthetic"
PLAN, DELIVERY = DATA / "pacing_plan.csv", DATA / "pacing_delivery.csv"
AS_OF = ("--as-of", "2026-03-16")


def run(*arguments: object, columns: int = 140) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "adbudget", "pace", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | {"COLUMNS": str(columns)},
    )


def lines_of(page: str) -> dict[str, list[str]]:
    """Deal -> words of its line in the table."""
    table = page.split("Alerts")[0].splitlines()
    return {line.split()[0]: line.split()[1:] for line in table if line.startswith("  ")}


@pytest.fixture(scope="module")
def page() -> str:
    answer = run(PLAN, DELIVERY, *AS_OF)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_the_page_shows_what_is_off_pace(page):
    rows = lines_of(page)
    assert rows["ctv-prime"][:5] == ["under", "40,000.00", "11,846.42", "0.63", "-36.5"]
    assert rows["video-cars"][0] == "stalled"
    assert "video-news" not in rows
    assert "critical  video-cars: no impression on the last" in page
    assert "4 deals as planned." in page
    assert "Total" in page
    assert "  ctv-kids: money works better with the donors\n  display-home:" in page


def test_a_narrow_terminal_says_what_it_leaves_out():
    answer = run(PLAN, DELIVERY, *AS_OF, columns=80)
    assert "Left out at 80 columns: days left, likely range" in answer.stdout
    table = answer.stdout.split("Alerts")[0].splitlines()
    assert max(len(line) for line in table) <= 80


def test_json_holds_every_frame_and_only_json():
    answer = run(PLAN, DELIVERY, *AS_OF, "--format", "json")
    found = json.loads(answer.stdout)
    assert [len(found["status"]), found["as_of"]] == [10, "2026-03-16T00:00:00"]
    podcast = {row["deal"]: row for row in found["status"]}["audio-podcast"]
    assert (podcast["state"], podcast["index"]) == ("not_started", None)


def test_two_runs_share_a_ledger_and_the_second_remembers(tmp_path):
    ledger = tmp_path / "history.db"
    first = run(PLAN, DELIVERY, *AS_OF, "--ledger", ledger)
    assert first.returncode == 0, first.stderr
    assert f"--ledger {ledger}" in first.stdout
    second = run(PLAN, DELIVERY, "--as-of", "2026-03-16T12:00", "--ledger", ledger)
    assert "(told before)" in second.stdout
    with open_ledger(ledger) as opened:
        assert opened.verify().ok
        history = measurement_history(opened, unit="ctv-prime", level="deal")
    assert history["budget"].tolist() == [40_000, 35_000]  # 5,000 moved to ctv-sport at once
    assert history["index"].round(2).tolist() == [0.63, 0.73]


def test_the_status_is_written_to_a_file(tmp_path):
    out = tmp_path / "status.csv"
    answer = run(PLAN, DELIVERY, *AS_OF, "--out", out, "--show", "none")
    assert f"Wrote {out}: 10 deals." in answer.stdout.replace("\n", " ")
    table = pd.read_csv(out)
    assert table.loc[table["deal"] == "ctv-prime", "state"].tolist() == ["under"]


def test_alerts_are_sent_to_a_file(tmp_path):
    sink = tmp_path / "alerts.jsonl"
    run(PLAN, DELIVERY, *AS_OF, "--send", f"jsonl:{sink}")
    told = [json.loads(line) for line in sink.read_text().splitlines()]
    assert {"video-cars", "ctv-prime"} <= {alert["campaign_id"] for alert in told}
    assert {alert["at"] for alert in told} == {"2026-03-16T04:00:00+00:00"}  # New York's midnight


def test_thresholds_can_be_set():
    answer = run(PLAN, DELIVERY, *AS_OF, "--warning", "0.9", "--critical", "0.95")
    assert list(lines_of(answer.stdout)) == ["deal", "video-cars"]


def test_traffic_is_learned_from_a_file(tmp_path):
    days = pd.date_range("2026-01-05", periods=28)
    history = pd.DataFrame(
        {"date": days.astype(str), "impressions": 100 + 50 * (days.day_of_week > 4)}
    )
    history.to_csv(tmp_path / "traffic.csv", index=False)
    plan = pd.read_csv(PLAN).assign(curve="traffic")
    plan.to_csv(tmp_path / "plan.csv", index=False)
    refused = run(tmp_path / "plan.csv", DELIVERY, *AS_OF)
    assert (refused.returncode, "learn_traffic" in refused.stderr) == (2, True)
    answer = run(tmp_path / "plan.csv", DELIVERY, *AS_OF, "--traffic", tmp_path / "traffic.csv")
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--as-of", "2026-03-10"), "date is not before as_of (2026-03-10T00:00:00) in rows"),
        (("--as-of", "yesterday"), "as_of must be a date or time"),
        ((*AS_OF, "--warning", "0.5"), "warning must be above 0 and below critical"),
        ((*AS_OF, "--out", "status.docx"), ".docx"),
        ((*AS_OF, "--send", "pigeon:1"), "no alerts can be sent"),
        ((*AS_OF, "--currency", "USD"), "'USD' by argument, but 'EUR' by column"),
    ],
)
def test_what_cannot_be_used_ends_with_2_and_one_paragraph(arguments, message):
    answer = run(PLAN, DELIVERY, *arguments)
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert message in " ".join(answer.stderr.split())
    assert "Traceback" not in answer.stderr


def test_a_missing_file_ends_with_2():
    answer = run(DATA / "nothing.csv", DELIVERY, *AS_OF)
    assert (answer.returncode, "Traceback" in answer.stderr) == (2, False)


def test_the_example_files_can_be_made_again(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["make", str(tmp_path)])
    make_pacing_example.main()
    for name in ("pacing_plan.csv", "pacing_delivery.csv"):
        assert (tmp_path / name).read_bytes() == (DATA / name).read_bytes()
