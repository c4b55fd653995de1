"""rollback, confirm, edit, mute, bulk approval, expiry and export on the command line."""

import json
import os
import subprocess
import sys
import tempfile

import pandas as pd
import pytest

from adbudget import open_ledger
from adbudget.ledger.identity import login_name
from tests.policy.test_standing import POLICY, at, policy, run, table

NINE, TEN = "2026-03-02T09:00Z", "2026-03-02T10:00Z"


@pytest.fixture
def history(tmp_path) -> str:
    """A ledger with one run whose three moves wait."""
    path = tmp_path / "l.db"
    with open_ledger(path) as ledger:
        run(ledger, table().assign(currency="EUR"), at(2))
    return str(path)


@pytest.fixture
def made(tmp_path) -> tuple[str, str]:
    """A ledger with one run whose three moves are ordered, and the name of the run."""
    path = tmp_path / "l.db"
    with open_ledger(path) as ledger:
        plan = run(ledger, table().assign(currency="EUR"), at(2), policy(limit=5000))
    return str(path), plan.run_id


def test_everything_that_waits_is_approved_at_once_and_what_is_refused_is_told(call, history):
    code, out, _ = call("approve", "--all", "--who", "Ann", "--at", TEN, "--ledger", history)
    assert code == 0
    assert out.count("Changed: ") == 3
    code, out, _ = call("approve", "--all", "--who", "Ann", "--at", TEN, "--ledger", history)
    assert (code, out.count("Changed")) == (0, 0)
    code, out, err = call("approve", "no", "such", "--who", "Ann", "--ledger", history)
    assert (code, out) == (2, "")
    assert err.count("Error: ") == 2
    code, _, err = call("approve", "--ledger", history)
    assert (code, "or say --all" in err) == (2, True)


def test_what_waits_is_shown_with_its_age_and_until_when(call, history):
    _, out, _ = call("ledger", "pending", "--at", "2026-03-02T16:30Z", "--ledger", history)
    assert "since (UTC)" in out
    assert "2026-03-02 09:00  7 h  2026-03-03 09:00" in out
    code, out, _ = call("ledger", "expire", "--at", "2026-03-03T09:00Z", "--ledger", history)
    assert code == 0
    assert out.splitlines()[-1] == "3 cancelled."
    assert call("ledger", "expire", "--ledger", history)[1] == "0 cancelled.\n"


def test_an_expired_item_is_approved_with_a_reason_only(call, history):
    late = ("--at", "2026-03-04T09:00Z", "--who", "Ann", "--ledger", history)
    item = "2"
    code, _, err = call("approve", item, *late)
    assert code == 2
    assert "a person overrides this with a reason (--override TEXT)" in " ".join(err.split())
    code, out, _ = call("approve", item, "--override", "holiday", *late)
    assert code == 0
    assert out.startswith("Approved: ")


def test_changes_are_listed_until_somebody_confirms_them(call, made):
    path, _ = made
    _, out, _ = call("ledger", "changes", "--ledger", path)
    assert "3 to be confirmed." in out
    sent = call("confirm", "win", "--sent", "--who", "Ann", "--ledger", path)
    assert sent[:2] == (0, "Sent: win 10,000.00 -> 11,500.00 EUR.\n")
    done = call("confirm", "win", "--budget", "11,400", "--who", "Ann", "--ledger", path)
    assert done[:2] == (0, "Confirmed: win 10,000.00 -> 11,400.00 EUR.\n")
    assert call("confirm", "--all", "--who", "Ann", "--ledger", path)[0] == 0
    assert call("ledger", "changes", "--ledger", path)[1] == "Every change is confirmed.\n"
    with open_ledger(path) as ledger:
        assert ledger.known_budgets() == {"win": 1_140_000, "ok": 1_050_000, "lose": 800_000}
    code, _, err = call("confirm", "win", "--who", "Ann", "--ledger", path)
    assert (code, "no change called 'win' is to be confirmed" in err) == (2, True)


def test_a_run_is_rolled_back_within_the_limits_of_its_own_policy(call, made):
    path, name = made
    code, out, _ = call("rollback", name, "--who", "Ann", "--at", TEN, "--ledger", path)
    assert code == 0
    assert sorted(out.splitlines()) == [
        "Changed: lose 8,000.00 -> 10,000.00 EUR.",
        "Changed: ok 10,500.00 -> 10,000.00 EUR.",
        "Changed: win 11,500.00 -> 10,000.00 EUR.",
    ]
    code, _, err = call("rollback", "no-run", "--who", "Ann", "--ledger", path)
    assert (code, "holds no entry of kind 'run'" in err) == (2, True)


def test_an_amount_that_waits_is_edited_and_the_group_waits_in_turn(call, history):
    word = ("--who", "Ann", "--at", TEN, "--ledger", history)
    more = ("edit", "2", "--budget", "win=12000", "--reason", "brand week")
    code, _, err = call(*more, *word)
    assert code == 2
    assert "the amounts add 500.00 EUR to what the plan spends" in " ".join(err.split())
    code, out, _ = call(*more, "--budget", "ok=10000", *word)
    assert code == 0
    assert "Waits for approval: win 10,000.00 -> 12,000.00 EUR." in out
    group = out.splitlines()[-1].removeprefix("Next: adbudget approve ")
    code, out, _ = call("approve", group, *word)
    assert code == 0
    with open_ledger(history) as ledger:
        assert ledger.current_budgets()["win"] == 1_200_000
        said = ledger.entries(kind="approval")
        assert set(said["rationale"]) == {"edited: brand week", ""}


def test_an_edit_beyond_a_limit_needs_a_reason_that_is_logged(call, history):
    word = ("--who", "Ann", "--at", TEN, "--reason", "so said", "--ledger", history)
    far = ("edit", "2", "--budget", "win=9000", "--budget", "lose=5000", *word)
    code, _, err = call(*far)
    assert code == 2
    assert "lose would move by more than 25% in a day" in " ".join(err.split())
    assert call(*far, "--override", "it burns")[0] == 0
    with open_ledger(history) as ledger:
        edited = ledger.entries(kind="recommendation", last=3)
        assert all(payload["override"] == "it burns" for payload in edited["payload"])


def test_a_campaign_is_muted_until_a_day_and_unmuted(call, history):
    word = ("--reason", "launch", "--who", "Ann", "--ledger", history)
    code, out, _ = call("mute", "win", "--until", "2026-03-09", "--at", NINE, *word)
    assert (code, out) == (0, "win is muted until 2026-03-09 00:00 UTC.\n")
    with open_ledger(history) as ledger:
        flags = run(ledger, table().assign(currency="EUR"), at(3)).of("win").flags
        assert "muted" in flags
    assert call("unmute", "win", "--at", "2026-03-03T12:00Z", *word)[0] == 0
    with open_ledger(history) as ledger:
        flags = run(ledger, table().assign(currency="EUR"), at(4)).of("win").flags
        assert "muted" not in flags
    past = call("mute", "win", "--until", "2026-03-01", "--at", NINE, *word)
    assert (past[0], "--until must be later" in past[2]) == (2, True)


def test_the_ledger_is_exported_for_an_auditor(call, history, tmp_path):
    lines, sheet = tmp_path / "audit.jsonl", tmp_path / "audit.csv"
    for out in (lines, sheet):
        assert call("ledger", "export", "--out", out, "--ledger", history)[0] == 0
    rows = [json.loads(line) for line in lines.read_text().splitlines()]
    table_of = pd.read_csv(sheet)
    with open_ledger(history) as ledger:
        assert len(rows) == len(table_of) == ledger.head().sequence
        assert rows[-1]["hash"] == table_of["hash"].iloc[-1] == ledger.head().hash
    assert all(row["written_at"] for row in rows)


def test_an_empty_name_decides_nothing(call, history):
    code, _, err = call("approve", "2", "--who", " ", "--ledger", history)
    assert (code, "--who must name the person" in err) == (2, True)


def test_a_name_bound_to_the_login_is_the_login(call, history, monkeypatch):
    monkeypatch.setenv("ADBUDGET_IDENTITY", "login")
    monkeypatch.setenv("LOGNAME", "Mallory")
    code, _, err = call("reject", "2", "--reason", "no", "--who", "Mallory", "--ledger", history)
    assert code == 2
    assert "names are bound to the user of the operating system" in " ".join(err.split())
    assert call("reject", "2", "--reason", "no", "--at", TEN, "--ledger", history)[0] == 0
    with open_ledger(history) as ledger:
        assert set(ledger.entries(kind="approval")["who"]) == {login_name()}


@pytest.fixture
def files(tmp_path):
    (tmp_path / "policy.yaml").write_text(
        POLICY.format(limit=500, expires="24 hours", four_eyes="false")
    )
    table().to_csv(tmp_path / "campaigns.csv", index=False)
    return tmp_path / "policy.yaml", tmp_path / "campaigns.csv"


def test_every_command_finds_the_ledger_in_the_environment(call, files, tmp_path, monkeypatch):
    monkeypatch.setenv("ADBUDGET_LEDGER", str(tmp_path / "l.db"))
    code, out, _ = call("rules", *files, "--as-of", "2026-03-02T09:00", "--who", "Ann")
    assert code == 0
    group = out.splitlines()[-1].removeprefix("Next: adbudget approve ")
    assert call("approve", group, "--who", "Bob", "--at", TEN)[0] == 0
    assert call("ledger", "changes")[1].splitlines()[-1] == "3 to be confirmed."


def test_while_the_kill_switch_is_on_no_verdict_is_auto(call, files, tmp_path, monkeypatch):
    monkeypatch.setenv("ADBUDGET_LEDGER", str(tmp_path / "l.db"))
    free = POLICY.format(limit=5000, expires="24 hours", four_eyes="false")
    files[0].write_text(free)
    word = ("--as-of", "2026-03-02T09:00", "--who", "Ann", "--show", "all")
    assert " auto" in call("rules", *files, *word)[1]
    assert call("kill", "on", "--reason", "stop", "--who", "Ann")[0] == 0
    code, out, _ = call("rules", *files, *word, "--out", tmp_path / "plan.csv")
    assert (code, " auto" in out) == (0, False)
    assert "auto" not in set(pd.read_csv(tmp_path / "plan.csv")["verdict"])
    code, out, _ = call("rules", *files, *word, "--format", "json")
    assert {call["verdict"] for call in json.loads(out)["recommendations"]} == {"blocked"}


SECRET = "postgresql+psycopg://ann:s3cret@127.0.0.1:1/ads?password=0ther"


@pytest.mark.parametrize(
    "arguments",
    [
        ("ledger", "pending"),
        ("approve", "x", "--who", "Ann"),
        ("kill", "status"),
        ("requests", "list"),
        ("confirm", "--all"),
    ],
)
def test_no_command_prints_a_password(call, arguments):
    pytest.importorskip("psycopg")
    code, out, err = call(*arguments, "--ledger", SECRET)
    assert code == 2
    assert "s3cret" not in out + err
    assert "0ther" not in out + err


def test_a_suggested_command_names_no_password(monkeypatch):
    from adbudget.cli.addresses import ledger_option

    assert ledger_option("l.db") == " --ledger l.db"
    assert ledger_option(SECRET) == " (with ADBUDGET_LEDGER set)"
    monkeypatch.setenv("ADBUDGET_LEDGER", SECRET)
    assert ledger_option(SECRET) == ""


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can give up")
def test_a_file_that_may_only_be_read_is_verified_and_shown(history):
    folder = os.path.dirname(history)
    with open_ledger(history) as ledger:
        n_entries = ledger.head().sequence
    path = folder
    while path.startswith(tempfile.gettempdir() + os.sep):
        os.chmod(path, 0o755)
        path = os.path.dirname(path)
    os.chmod(history, 0o644)
    before = sorted(os.listdir(folder))
    code = (
        "import os, sys\n"
        "from adbudget import cli\n"
        "sys.argv = ['adbudget', *sys.argv[1:]]\n"
        "def main():\n"
        "    try: cli.main()\n"
        "    except SystemExit as stop: assert not stop.code, stop.code\n"
        "main()  # whatever it needs is loaded now, and may be where others cannot read\n"
        "os.setuid(65534)\n"
        "main()\n"
    )
    for words in (["ledger", "verify"], ["ledger", "show"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *words, "--ledger", history],
            **{"capture_output": True, "text": True, "timeout": 120},
        )
        assert done.stderr == ""
        assert done.stdout.count(f"{n_entries} entries") == 2
    assert sorted(os.listdir(folder)) == before


def test_a_ledger_opened_to_read_only_writes_nothing_beside_its_file(history, tmp_path):
    from adbudget import LedgerError
    from tests.ledger.ledger_cases import entry

    before = sorted(path.name for path in tmp_path.iterdir())
    with open_ledger(history, read_only=True) as ledger:
        assert ledger.verify().ok
        with pytest.raises(LedgerError, match="could not be written"):
            ledger.append(entry(), key="a")
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_decisions_of_the_model_are_blocked_too_while_the_switch_is_on(
    tmp_path, monkeypatch, capsys
):
    from adbudget.cli.policy import stopped_by_switch

    frame = pd.DataFrame({"decision": ["increase", "monitor"], "verdict": ["auto", "auto"]})
    frame.attrs["policy"] = {"hash": "x"}
    assert stopped_by_switch(frame) is frame  # no ledger is set
    monkeypatch.setenv("ADBUDGET_LEDGER", str(tmp_path / "l.db"))
    with open_ledger(tmp_path / "l.db") as ledger:
        assert stopped_by_switch(frame) is frame
        ledger.set_kill(True, who="Ann", at=at(2), reason="stop")
    stopped = stopped_by_switch(frame)
    assert stopped["verdict"].tolist() == ["blocked", "blocked"]
    assert stopped.attrs == frame.attrs
    assert "The kill switch is on since 2026-03-02 09:00 UTC" in capsys.readouterr().out
