"""What a loop keeps: cycles step by step, readings as they were first told, one run at a time."""

import os
import socket
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import update

from adbudget.errors import LoopBusyError
from adbudget.ledger import database
from adbudget.loop.state import LOCK, PATIENCE, Cycle, open_state

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def state(tmp_path):
    with open_state(tmp_path / "loop.db") as opened:
        yield opened


def cycle(key="one", step="begun", at=NOW, **facts):
    return Cycle(key=key, at=at, step=step, facts=facts)


def test_a_cycle_is_kept_as_far_as_it_has_come(state):
    state.keep_cycle(cycle())
    state.keep_cycle(cycle(step="reviewed", run_ids=["r"]))
    assert state.unfinished() == cycle(step="reviewed", run_ids=["r"])
    state.keep_cycle(cycle(step="done"))
    assert state.unfinished() is None
    assert state.cycle("two") is None
    assert state.cycles() == (cycle(step="done"),)


def test_cycles_are_listed_in_the_order_of_their_instants(state):
    for n in (3, 1, 2):
        state.keep_cycle(cycle(key=str(n), at=NOW + timedelta(hours=n)))
    assert [one.key for one in state.cycles(2)] == ["2", "3"]


def test_what_was_first_told_of_a_day_at_an_age_stands(state):
    day = date(2026, 3, 1)
    state.keep_readings([("a", day, 1, 10.0)])
    state.keep_readings([("a", day, 1, 99.0), ("a", day, 2, 12.0)])
    assert state.readings(day) == [("a", day, 1, 10.0), ("a", day, 2, 12.0)]
    state.forget_readings(day + timedelta(days=1))
    assert state.readings(day) == []


def test_the_state_lies_beside_the_ledger(state, tmp_path):
    state.ledger.set_kill(True, who="me", at=NOW, reason="because")
    with open_state(tmp_path / "loop.db") as again:
        assert again.ledger.kill_state().on


def test_another_process_that_works_holds_the_lock_and_a_dead_one_does_not(state, tmp_path):
    code = (
        "import sys, time, datetime as d\n"
        "from adbudget.loop.state import open_state\n"
        "with open_state(sys.argv[1]) as s, s.locked(d.datetime(2026, 3, 2, tzinfo=d.UTC)):\n"
        "    print('held', flush=True); time.sleep(60)\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "loop.db")], stdout=subprocess.PIPE, text=True
    )
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(LoopBusyError, match="another cycle is being run"), state.locked(NOW):
            pass
    finally:
        other.kill()
        other.communicate()
    with state.locked(NOW):
        pass


def test_a_process_that_has_the_number_of_a_killed_one_does_not_hold_its_lock(state):
    with state.locked(NOW), database.writing(state._engine) as connection:
        connection.execute(
            update(LOCK).values(owner=f"{socket.gethostname()}:{os.getppid()}/of another")
        )
    with state.locked(NOW):
        pass


def test_a_lock_of_another_machine_is_taken_over_when_its_time_is_up(state):
    with state.locked(NOW), database.writing(state._engine) as connection:
        connection.execute(update(LOCK).values(owner="elsewhere:1"))
    with pytest.raises(LoopBusyError, match="elsewhere:1"), state.locked(NOW):
        pass
    with state.locked(NOW + PATIENCE):
        pass


def test_the_lock_is_let_go_of_whatever_happens(state):
    with pytest.raises(ZeroDivisionError), state.locked(NOW):
        1 / 0  # noqa: B018
    with state.locked(NOW):
        pass
