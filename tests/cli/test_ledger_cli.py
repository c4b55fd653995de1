"""approve, reject, ledger and kill on the command line, as processes where the process matters."""

import getpass
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from adbudget import open_ledger
from adbudget.ledger import Head
from tests.ledger.ledger_cases import AT, change, entry, move

AT_NINE = "2026-03-01T10:00+01:00"
LATER = "2026-03-01T11:00+01:00"


@pytest.fixture
def history(tmp_path) -> str:
    path = tmp_path / "history.db"
    cut = move("C", 300_000, 240_000, rule="reduce_losers", rationale="CPL 75 is above 65")
    with open_ledger(path) as ledger:
        ledger.append_many(
            [
                ("run-1", entry("run", run_id="run-1")),
                ("run-1/C", cut),
                ("run-1/A", move("A", 200_000, 230_000, payload={"funded_by": ["run-1/C"]})),
                ("run-1/J", move("J", 1500, 1600, currency="JPY", group_id="")),
            ]
        )
    return str(path)


def process(*arguments: object, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "adbudget", *map(str, arguments)],
        **{"capture_output": True, "text": True, "encoding": "utf-8", "timeout": 120},
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": "120", **environment},
    )


def test_what_waits_is_listed_and_approved_in_two_processes(history):
    listed = process("ledger", "pending", "--at", "2026-03-01T12:40Z", ADBUDGET_LEDGER=history)
    assert [" ".join(line.split()) for line in listed.stdout.splitlines()] == [
        "no since (UTC) age unit budget paid by rule group rationale",
        "2 2026-03-01 09:30 3 h C 3,000.00 -> 2,400.00 EUR reduce_losers group-1 "
        "CPL 75 is above 65",
        "3 2026-03-01 09:30 3 h A 2,000.00 -> 2,300.00 EUR 2 group-1",
        "4 2026-03-01 09:30 3 h J 1,500 -> 1,600 JPY",
        "3 waiting.",
    ]
    approved = process("approve", "group-1", "--who", "Ann", "--at", LATER, "--ledger", history)
    assert (approved.returncode, approved.stderr) == (0, "")
    assert approved.stdout.splitlines() == [
        "Approved: run-1/C, run-1/A.",
        "Changed: C 3,000.00 -> 2,400.00 EUR.",
        "Changed: A 2,000.00 -> 2,300.00 EUR.",
    ]
    with open_ledger(history) as ledger:
        changed = ledger.entries(kind="change")
        assert ledger.current_budgets() == {"C": 240_000, "A": 230_000}
        assert {f"{at:%H:%M}" for at in changed["at"]} == {"10:00"}
        assert changed["who"].tolist() == ["Ann", "Ann"]
        assert ledger.verify().ok


def test_a_raise_waits_and_a_second_word_says_nothing_new(call, history):
    first = call("approve", "run-1/A", "--who", "Ann", "--ledger", history)
    assert first[:2] == (
        0,
        "Approved: run-1/A.\nWaiting: run-1/A changes once run-1/C is approved.\n",
    )
    code, out, _ = call("approve", "run-1/A", "--who", "Ann", "--ledger", history)
    assert code == 0
    assert out.startswith("Approved: run-1/A (already; nothing written).")
    code, out, err = call("approve", "run-1/A", "--who", "Bob", "--ledger", history)
    assert (code, out) == (2, "")
    assert "'run-1/A' was approved by Ann" in err


def test_rejecting_a_cut_tells_which_raises_are_cancelled(call, history):
    code, out, _ = call("reject", "2", "--reason", "brand", "--who", "Ann", "--ledger", history)
    assert code == 0
    assert out.splitlines() == [
        "Rejected: run-1/C.",
        "Cancelled: run-1/A, because run-1/C was to fund it and is rejected by Ann.",
    ]


def test_rejecting_a_raise_tells_whose_money_has_no_taker(call, history):
    code, out, _ = call("reject", "run-1/A", "--reason", "no", "--who", "Ann", "--ledger", history)
    assert code == 0
    assert "Note: the money of run-1/C has no taker left; approving it lowers the total." in out


def test_the_login_name_decides_when_nobody_is_named(call, history):
    call("approve", "run-1/J", "--ledger", history)
    with open_ledger(history) as ledger:
        assert ledger.entries(kind="approval")["who"].tolist() == [getpass.getuser()]


def test_the_kill_switch_stops_an_approval_in_another_process(call, history):
    code, out, _ = call("kill", "status", "--ledger", history)
    assert (code, out) == (0, "The kill switch is off: changes are written.\n")
    options = ("--reason", "tracking broken", "--who", "Ann", "--at", AT_NINE)
    code, out, _ = call("kill", "on", *options, "--ledger", history)
    told = "on: no change is written, since 2026-03-01 09:00 UTC, Ann (tracking broken)."
    assert (code, out) == (0, f"The kill switch is {told}\n")
    stopped = process("approve", "run-1/J", "--ledger", history)
    assert (stopped.returncode, stopped.stdout) == (2, "")
    assert "the kill switch is on since 2026-03-01 09:00 UTC, set by Ann" in stopped.stderr
    code, out, _ = call("kill", "on", *options, "--ledger", history)
    assert out.startswith("The kill switch was on already; nothing was written.")
    assert call("kill", "off", *options, "--ledger", history)[0] == 0
    assert call("approve", "run-1/J", "--ledger", history)[0] == 0


def test_while_the_kill_switch_is_on_nothing_is_shown_as_auto(call, history):
    with open_ledger(history) as ledger:
        ledger.append(entry("recommendation", unit="B", verdict="auto"), key="run-1/B")
    assert " auto " in call("ledger", "show", "--ledger", history)[1]
    options = ("--who", "Ann", "--reason", "audit", "--at", AT_NINE)
    call("kill", "on", *options, "--ledger", history)
    _, out, _ = call("ledger", "show", "--ledger", history)
    assert " was auto " in out
    assert out.count("auto") == 2  # of the entry, and in the sentence that explains it
    assert "The kill switch is on: no change is written, since 2026-03-01 09:00 UTC, Ann" in out
    _, lines, told = call("ledger", "show", "--format", "json", "--ledger", history)
    assert "The kill switch is on" in told
    assert "The kill switch is on" not in lines


def test_the_kill_switch_is_not_turned_without_a_reason(call, history):
    code, _, err = call("kill", "on", "--ledger", history)
    assert code == 2
    assert "kill on needs --reason TEXT" in err


def test_entries_are_shown_newest_last_and_as_json_they_can_be_hashed_again(call, history):
    code, out, _ = call("ledger", "show", "--last", 2, "--ledger", history)
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["no", "3", "4", "2"]
    assert out.splitlines()[-1] == "2 of 4 entries."
    code, out, _ = call("ledger", "show", "--last", 0, "--format", "json", "--ledger", history)
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["key"] for row in rows] == ["run-1", "run-1/C", "run-1/A", "run-1/J"]
    assert rows[0]["old_minor"] is None
    assert rows[2]["payload"] == {"funded_by": ["run-1/C"]}
    assert rows[1]["at"] == "2026-03-01T09:30:00.000000Z"


def test_entries_are_filtered(call, history):
    def units(*options: str) -> list[str]:
        _, out, _ = call("ledger", "show", "--format", "json", *options, "--ledger", history)
        return [json.loads(line)["unit"] for line in out.splitlines()]

    assert units("--unit", "A") == ["A"]
    assert units("--kind", "run", "--kind", "change") == [""]
    assert units("--run", "run-9") == []
    assert units("--since", "2026-03-02") == []
    assert len(units("--since", "2026-03-01", "--until", "2026-03-01T09:30:01Z")) == 4


def test_a_sound_ledger_is_verified_against_its_exported_head(call, history, tmp_path):
    code, out, _ = call("ledger", "head", "--ledger", history)
    exported = tmp_path / "head.json"
    exported.write_text(out)
    assert Head.from_text(out).sequence == 4
    code, out, _ = call("ledger", "verify", "--ledger", history)
    assert code == 0
    assert out.startswith("All 4 entries are sound. Head: ")
    assert "only against an exported head" in out
    code, out, _ = call("ledger", "verify", "--ledger", history, "--head", exported)
    assert (code, out.count("\n")) == (0, 1)


def test_a_tampered_ledger_ends_with_one_and_names_the_entry(call, history):
    with open_ledger(history) as ledger, ledger._engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER ledger_no_update")
        connection.exec_driver_sql("UPDATE ledger_entry SET new_minor = 1 WHERE sequence = 3")
    code, out, err = call("ledger", "verify", "--ledger", history)
    assert (code, err) == (1, "")
    assert out.splitlines() == [
        "Tampered: entry 3 (recommendation, A, key 'run-1/A') is not what was written: its hash "
        "does not fit its content.",
        "Entries 1-2 are sound.",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ledger", "show", "--since", "yesterday"), "--since must be an instant such as"),
        (("ledger", "show", "--since", "2026-03-01T09:00"), "--since must be an instant such as"),
        (("ledger", "show", "--last", "-1"), "last must be a whole number of at least 1"),
        (("ledger", "verify", "--head", "none.json"), "none.json cannot be read"),
        (("approve", "nothing"), "nothing called 'nothing' needs approval. Pending: run-1/C"),
        (("reject", "run-1/A", "--reason", ""), "reason must say why"),
        (("approve", "run-1/A", "--at", "noon"), "--at must be an instant such as"),
    ],
)
def test_what_cannot_be_used_ends_with_two_and_says_why(call, history, arguments, message):
    code, out, err = call(*arguments, "--ledger", history)
    assert (code, out) == (2, "")
    assert message in " ".join(err.split())


def test_a_mistyped_path_starts_no_new_ledger(call, tmp_path):
    for arguments in (
        ("ledger", "show"),
        ("approve", "x"),
        ("kill", "on", "--reason", "stop"),
    ):
        code, _, err = call(*arguments, "--ledger", tmp_path / "histroy.db")
        assert code == 2
        assert "there is no ledger at" in err
    assert list(Path(tmp_path).iterdir()) == []


def test_nothing_waiting_is_said_plainly(call, tmp_path):
    path = tmp_path / "l.db"
    with open_ledger(path) as ledger:
        ledger.append(change("A", 1, 2), key="a")
    assert call("ledger", "pending", "--ledger", path)[1] == "Nothing waits for approval.\n"


def test_help_loads_no_database_library():
    code = (
        "import sys\nfrom adbudget import cli\n"
        "print([name for name in ('sqlalchemy', 'pandas', 'pydantic') if name in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"


def test_the_ledger_in_postgresql_is_reached_by_its_url(call, postgres_url):
    with open_ledger(postgres_url) as ledger:
        ledger.append(move("A", 1, 2), key="a")
    assert call("approve", "a", "--ledger", postgres_url)[0] == 0
    with open_ledger(postgres_url) as ledger:
        assert ledger.entries(since=AT)["kind"].tolist()[1:] == ["approval", "change"]
