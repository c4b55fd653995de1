"""The loop as a team runs it: commands, a server, lost answers and SIGKILL in the middle."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from adbudget.loop import open_state
from adbudget.loop.applying import unit_of_budget
from adbudget.platforms import open_platform
from tests.platforms.server_process import ServerProcess

WORLD = ("--accounts", "2", "--channels", "2", "--history", "98", "--seed", "3", "--speed", "0")
SETTINGS = {"history_days": 91, "restate_days": 28}
POLICY = {"currency": "EUR", "constraints": {"approval_limit": 1_000_000, "cadence": 0}}
PATIENCE = 300


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a policy, settings, and a ledger whose loop has learned already."""
    folder = tmp_path_factory.mktemp("team")
    (folder / "policy.json").write_text(json.dumps(POLICY))
    (folder / "settings.json").write_text(json.dumps(SETTINGS))
    with ServerProcess(*WORLD) as server:
        server.post("/clock", {"hours": 12})
        done = run(folder, server, "once")
        assert done.returncode == 0, done.stderr
        assert "dry run, nothing is written" in done.stdout
        assert "To make it: the same with --apply" in done.stdout
    return folder


@pytest.fixture
def server():
    with ServerProcess(*WORLD) as process:
        process.post("/clock", {"hours": 12})
        yield process


def words(folder, server, command, ledger="loop.db"):
    common = ["--platform", server.url, "--ledger", str(folder / ledger)]
    if command != "resume":
        common += ["--policy", str(folder / "policy.json"), "--cores", "1"]
        common += ["--settings", str(folder / "settings.json")]
    return [sys.executable, "-m", "adbudget", "loop", command, *common]


def run(folder, server, command, *more, ledger="loop.db"):
    return subprocess.run(
        [*words(folder, server, command, ledger), *more],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env={**os.environ, "COLUMNS": "160"},
    )


def copied(place, name):
    (place / name).write_bytes((place / "loop.db").read_bytes())
    return name


def budgets(server):
    return {unit_of_budget(one): one.daily_minor for one in open_platform(server.url).budgets()}


def totals(minor):
    total: dict[str, int] = {}
    for unit, money in minor.items():
        account = unit.partition("::")[0]
        total[account] = total.get(account, 0) + money
    return total


def assert_made_once(place, ledger, server, before):
    """What was decided stands, once; the ledger is whole; no account spends more."""
    with open_state(place / ledger) as state:
        assert state.ledger.verify().ok
        assert state.ledger.open_changes().empty
        assert len(state.ledger.entries(kind="run")) == 1
        changes = state.ledger.entries(kind="change")
        said = state.ledger.entries(kind="confirmation")
        made = said[said["verdict"] == "confirmed"]
        assert sorted(made["unit"]) == sorted(changes["unit"])
        wanted = dict(zip(changes["unit"], changes["new_minor"], strict=True))
        assert state.cycles()[-1].step == "done"
    now = budgets(server)
    assert {unit: now[unit] for unit in wanted} == wanted
    assert all(totals(now)[account] <= money for account, money in totals(before).items())


def test_a_cycle_is_made_over_http_and_its_page_says_what_and_why(place, server):
    before, ledger = budgets(server), copied(place, "page.db")
    done = run(place, server, "once", "--apply", ledger=ledger)
    assert done.returncode == 0, done.stderr
    assert "applied." in done.stdout
    assert "The plan:" in done.stdout
    assert_made_once(place, ledger, server, before)
    status = subprocess.run(
        [sys.executable, "-m", "adbudget", "loop", "status", "--ledger", str(place / ledger)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    assert "done" in status.stdout


def test_answers_that_are_lost_cost_nothing(place, server):
    before, ledger = budgets(server), copied(place, "lost.db")
    server.post("/faults", {"kind": "dropped", "on": "orders", "count": 2})
    done = run(place, server, "once", "--apply", ledger=ledger)
    if done.returncode:  # an answer that could not be asked for at once
        done = run(place, server, "resume", ledger=ledger)
    assert done.returncode == 0, done.stderr + done.stdout
    if "resume" in done.args:
        run(place, server, "once", "--apply", ledger=ledger)
    assert_made_once(place, ledger, server, before)


def test_killed_while_it_writes_the_next_run_finishes_it(place, server):
    before, ledger = budgets(server), copied(place, "killed.db")
    server.post("/faults", {"kind": "slow", "on": "orders", "seconds": 2, "count": 50})
    process = subprocess.Popen(
        [*words(place, server, "once", ledger), "--apply"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + PATIENCE
    while budgets(server) == before and process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with open_state(place / ledger) as state:
        assert state.unfinished() is not None
        assert not state.ledger.open_changes().empty
    done = run(place, server, "once", "--apply", ledger=ledger)
    assert done.returncode == 0, done.stderr
    assert "finished after it was stopped" in done.stdout
    assert_made_once(place, ledger, server, before)


def test_a_loop_runs_when_it_is_due_and_ends_when_it_is_told_to(place, server):
    ledger = copied(place, "run.db")
    process = subprocess.Popen(
        [*words(place, server, "run", ledger), "--every", "1h"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    line = process.stdout.readline()
    while "dry run" not in line and line:
        line = process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=PATIENCE)
    assert "Stopped after 1 cycles." in out, err
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--query", "SELECT 1"), "--query needs the database"),
        (("--at", "2026-03-01T09:00", "--settings", "{folder}/wrong.json"), "unknown 'chnage'"),
    ],
)
def test_what_cannot_be_used_is_said_before_anything_is_asked(place, server, more, says):
    (place / "wrong.json").write_text('{"chnage": 0.1}')
    done = run(place, server, "once", *(one.format(folder=place) for one in more))
    assert done.returncode == 2
    assert says in " ".join(done.stderr.split())
