"""The loop as a team runs it: commands, a server, lost answers and SIGKILL in the middle.

Commands run in this process, but where a process has to be killed or told to end.
"""

import json
import signal
import subprocess
import sys
import time

import pytest

from adbudget.loop import open_state
from adbudget.loop.applying import unit_of_budget
from adbudget.platforms import open_platform
from adbudget.synthetic import synthesize
from tests.loop.conftest import SETTINGS
from tests.loop.helpers import OPEN, WORLD
from tests.platforms.server_process import ServerProcess

PATIENCE = 900


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """The platform of the loop that has learned already, as a server."""
    folder = tmp_path_factory.mktemp("world")
    synthesize(WORLD, 3).save(folder, "world", tables="wide")
    world = ("--world", str(folder / "world.truth.json"), "--start", "2025-04-01", "--speed", "0")
    with ServerProcess(*world) as process:
        process.post("/clock", {"hours": 12})
        yield process


@pytest.fixture
def server(running):
    running.post("/clock", {"hours": 1.5})  # a platform takes a few edits an hour
    return running


@pytest.fixture
def place(learned, tmp_path, monkeypatch):
    """A folder with a policy, settings, and a ledger whose loop has learned already."""
    monkeypatch.setenv("COLUMNS", "160")
    (tmp_path / "policy.json").write_text(json.dumps(OPEN))
    own = {"history_days": SETTINGS.history_days, "restate_days": SETTINGS.restate_days}
    (tmp_path / "settings.json").write_text(json.dumps(own))
    (tmp_path / "loop.db").write_bytes(learned[0].read_bytes())
    return tmp_path


def words(place, server, command, *more):
    common = ["loop", command, "--platform", server.url, "--ledger", place / "loop.db"]
    if command != "resume":
        common += ["--policy", place / "policy.json", "--cores", 1]
        common += ["--settings", place / "settings.json"]
    return [str(word) for word in (*common, *more)]


def budgets(server):
    return {unit_of_budget(one): one.daily_minor for one in open_platform(server.url).budgets()}


def totals(minor):
    total: dict[str, int] = {}
    for unit, money in minor.items():
        account = unit.partition("::")[0]
        total[account] = total.get(account, 0) + money
    return total


def assert_made_once(place, server, before):
    """What was decided stands, once; the ledger is whole; no account spends more."""
    with open_state(place / "loop.db") as state:
        assert state.ledger.verify().ok
        assert state.ledger.open_changes().empty
        assert len(state.ledger.entries(kind="run")) == 1
        changes = state.ledger.entries(kind="change")
        said = state.ledger.entries(kind="confirmation")
        made = said[said["verdict"] == "confirmed"]
        assert sorted(made["unit"]) == sorted(changes["unit"])
        assert len(changes)
        wanted = dict(zip(changes["unit"], changes["new_minor"], strict=True))
        assert state.cycles()[-1].step == "done"
    now = budgets(server)
    assert {unit: now[unit] for unit in wanted} == wanted
    assert all(totals(now)[account] <= money for account, money in totals(before).items())


def test_a_dry_run_writes_nothing_and_a_cycle_is_made_over_http_and_says_what_and_why(
    place, server, call
):
    before = budgets(server)
    code, out, err = call(*words(place, server, "once"))
    assert code == 0, err
    assert "dry run, nothing is written" in out
    assert "To make it: the same with --apply" in out
    assert budgets(server) == before
    code, out, err = call(*words(place, server, "once", "--apply"))
    assert code == 0, err
    assert "applied." in out
    assert "The plan:" in out
    assert "one unit more would be worth" in out
    assert_made_once(place, server, before)
    _, out, _ = call("loop", "status", "--ledger", place / "loop.db")
    assert "done" in out


def test_answers_that_are_lost_cost_nothing(place, server, call):
    before = budgets(server)
    server.post("/faults", {"kind": "dropped", "on": "orders", "count": 2})
    code, out, err = call(*words(place, server, "once", "--apply"))
    if code:  # an answer that could not be asked for at once
        code, out, err = call(*words(place, server, "resume"))
        call(*words(place, server, "once", "--apply"))
    assert code == 0, err + out
    assert_made_once(place, server, before)


def test_killed_while_it_writes_the_next_run_finishes_it(place, server, call):
    before = budgets(server)
    server.post("/faults", {"kind": "slow", "on": "orders", "seconds": 2, "count": 50})
    process = subprocess.Popen(
        [sys.executable, "-m", "adbudget", *words(place, server, "once", "--apply")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + PATIENCE
    while budgets(server) == before and process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with open_state(place / "loop.db") as state:
        assert state.unfinished() is not None
        assert not state.ledger.open_changes().empty
    code, out, err = call(*words(place, server, "once", "--apply"))
    assert code == 0, err
    assert "finished after it was stopped" in out
    assert_made_once(place, server, before)


def test_a_loop_runs_when_it_is_due_and_ends_when_it_is_told_to(place, server):
    process = subprocess.Popen(
        [sys.executable, "-m", "adbudget", *words(place, server, "run", "--every", "1h")],
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
        (("--settings", "{place}/wrong.json"), "unknown 'chnage'"),
        (("--outcome", "{place}/sales"), "there is no file or folder"),
        (("--outcome", "sqlite:///sales.db"), "A database needs --query"),
        (("--control", "{place}/season.csv"), "--control: there is no file"),
        (("--policy", "{place}/rules.yaml"), "rules.yaml"),
    ],
)
def test_what_cannot_be_used_is_said_before_a_ledger_is_made(place, call, more, says):
    (place / "wrong.json").write_text('{"chnage": 0.1}')
    common = ("loop", "once", "--platform", "http://127.0.0.1:9", "--ledger", place / "none.db")
    code, _, err = call(*common, *(one.format(place=place) for one in more))
    assert code == 2
    assert says in " ".join(err.split())
    assert not (place / "none.db").exists()
