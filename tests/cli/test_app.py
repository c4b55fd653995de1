"""The command line, as a process where the process is the point."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from adbudget import cli
from adbudget.cli import terminal
from adbudget.errors import FitError
from adbudget.plan import Limits
from adbudget.synthetic import WorldSpec, families, synthesize

DATA = Path(__file__).parents[2] / "data" / "synthetic"
HEAVY = ("pymc", "nutpie", "arviz", "numba", "scipy", "xarray")
NUMBERS = (
    *("current_spend", "recommended_spend", "change_pct", "expected_lift", "lift_low"),
    *("lift_high", "prob_gain", "flip_at", "roi", "roi_low", "roi_high", "marginal_roi"),
    *("marginal_roi_low", "marginal_roi_high"),
)
NO_WIDTH = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
LONG = (str(DATA / "agency_spend.csv"), "--outcome", str(DATA / "agency_outcome.csv"))


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "adbudget", *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**NO_WIDTH, "PYTHONIOENCODING": "utf-8", **environment},
        timeout=300,
    )


@pytest.fixture
def refused(capsys, monkeypatch):
    """Exit code and standard error of a call that prints nothing else."""

    def call(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["adbudget", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        out, err = capsys.readouterr()
        assert out == ""
        assert "Traceback" not in err
        return int(stop.value.code or 0), err

    return call


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    world = synthesize(WorldSpec(n_accounts=3, n_channels=3, n_periods=60), seed=1)
    world.save(folder, "tiny")
    return folder


def test_version_is_printed():
    done = run("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("adbudget 0.")


@pytest.mark.parametrize("command", ["recommend", "check", "synthesize"])
def test_help_has_examples_and_exit_codes(command, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["adbudget", command, "--help"])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    told = " ".join(capsys.readouterr().out.split())
    assert stop.value.code == 0
    assert f"adbudget {command} " in told
    assert "Exit codes: 0" in told


def test_help_names_every_preset(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["adbudget", "synthesize", "--help"])
    with pytest.raises(SystemExit):
        cli.main()
    told = capsys.readouterr().out
    assert [name for name in ("agency", "shop_daily", *families()) if name not in told] == []


def test_check_prints_accounts_and_period():
    done = run("check", *LONG, "--currency", "EUR")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Weekly revenue, 2022-04-11 to 2025-03-31: 12 accounts, 156 periods" in done.stdout
    assert "EUR 559,286" in done.stdout
    assert "\x1b" not in done.stdout
    assert not any(line != line.rstrip() for line in done.stdout.splitlines())


def test_check_imports_nothing_heavy():
    code = (
        "import sys; from adbudget.cli.app import app\n"
        f"app(['check', *{LONG!r}], standalone_mode=False)\n"
        f"print('heavy:', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "heavy: []", done.stderr


def test_check_reads_a_wide_table_by_options(capsys, monkeypatch):
    wide = ["check", str(DATA / "agency_wide.csv"), "--channels", "search, shopping,social"]
    monkeypatch.setattr(sys, "argv", ["adbudget", *wide, "--columns", "outcome=revenue"])
    monkeypatch.setenv("COLUMNS", "120")  # lines are wrapped at the terminal's width
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 0
    assert "3 channels (search, shopping, social)" in capsys.readouterr().out


def test_check_prints_every_note(tmp_path, capsys, monkeypatch):
    wide = pd.read_csv(DATA / "shop_daily.csv").drop(columns="account")[:400]
    wide.loc[50:59, "video"] = None
    wide["gross"] = wide.pop("revenue") + 5
    wide["fee"] = 5
    wide.to_csv(tmp_path / "wide.csv", index=False)
    (tmp_path / "c.toml").write_text('channels = ["video"]\noutcome = "net"\nmargin = 0.5\n')
    options = ["--config", str(tmp_path / "c.toml"), "--missing-spend", "zero"]
    derive = ["--derive", "net = gross - fee"]
    monkeypatch.setattr(
        sys, "argv", ["adbudget", "check", str(tmp_path / "wide.csv"), *options, *derive]
    )
    with pytest.raises(SystemExit):
        cli.main()
    told = " ".join(capsys.readouterr().out.split())
    assert "Daily net" in told
    assert "2 notes:" in told
    assert "10 missing spend value(s) read as zero" in told


def test_check_leaves_out_and_says_so_on_a_narrow_terminal():
    done = run("check", *LONG, COLUMNS="60")
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 60
    assert "…" not in done.stdout
    assert "Left out at 60 columns: last, first." in lines


def test_check_counts_holidays_when_asked_for(capsys, monkeypatch, refused):
    pytest.importorskip("holidays")
    monkeypatch.setattr(sys, "argv", ["adbudget", "check", *LONG, "--holidays", "DE-BY"])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 0
    assert "Control 'holiday' counts the public holidays of DE-BY" in capsys.readouterr().out
    code, err = refused("check", *LONG, "--holidays", "ATLANTIS")
    assert code == 2
    assert "there are no holidays for 'ATLANTIS'" in err


def test_bad_input_is_one_paragraph_and_exit_code_2(tmp_path):
    spend = pd.read_csv(DATA / "agency_spend.csv")
    spend.loc[5, "spend"] = -1.0
    spend.to_csv(tmp_path / "spend.csv", index=False)
    done = run("check", tmp_path / "spend.csv", *LONG[1:])
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert "row 7 of the spend table" in done.stderr  # as a spreadsheet numbers it


def test_a_wrong_value_is_refused_with_the_option_that_holds_it(refused):
    code, err = refused("check", DATA / "agency_wide.csv")
    assert code == 2
    assert "On the command line: --channels A,B,C, --columns ROLE=NAME." in err
    assert refused("check", *LONG, "--margin", "-1")[0] == 2
    assert refused("check", *LONG, "--freq", "daily")[0] == 2


def test_recommend_refuses_to_explain_what_it_does_not_decide_before_it_fits(refused, monkeypatch):
    monkeypatch.setattr("adbudget.recommend", None)  # never reached
    code, err = refused("recommend", *LONG, "--why", "account_01/searhc")
    assert code == 2
    assert "--why names 'account_01/searhc' (did you mean" in " ".join(err.split())


@pytest.mark.parametrize("command", ["check", "recommend"])
@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["none.csv"], "none.csv does not exist"),
        (["README.md"], "'.md'. Use .csv"),
        ([*LONG, "--columns", "date"], "--columns must be written NAME=VALUE; got 'date'"),
        ([*LONG, "--columns", "a=b", "--columns", "a=c"], "names 'a' twice"),
        ([*LONG, "--config", "none.yaml"], "none.yaml does not exist"),
        ([*LONG, "--missing-spend", "skip"], "'skip' is not one of 'error', 'zero'"),
        ([*LONG, "--missing-spnd", "zero"], "No such option: --missing-spnd"),
        ([], "Missing argument 'FILE'"),
    ],
)
def test_what_cannot_be_used_is_refused(refused, command, arguments, why):
    code, err = refused(command, *arguments)
    assert code == 2
    assert why in " ".join(err.replace("│", " ").split())


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--out", "decisions.ods"], "'.ods'. Use .csv, .json, .xlsx or .parquet"),
        (["--out", "no/such/folder/d.csv"], "does not exist"),
        (["--seed", "1.5"], "unable to parse string as an integer"),
        (["--total", "most"], "--total must be fixed, at_most, free, or an amount per period; got"),
        (["--change", "a fifth"], "--change must be a share such as 0.2 or 20%; got 'a fifth'"),
        (["--prob", "90"], "Thresholds.prob must be between 0.5 and 1.0; got 90.0"),
        (["--aversion", "2"], "aversion"),
    ],
)
def test_recommend_refuses_before_it_fits(refused, monkeypatch, arguments, why):
    monkeypatch.setattr("adbudget.cli.app.read_tables", None)  # never reached
    code, err = refused("recommend", *LONG, *arguments)
    assert code == 2
    assert why in " ".join(err.replace("│", " ").split())


@pytest.mark.parametrize("option", ["--lift-tests", "--policy"])
def test_a_file_that_is_not_there_is_refused_before_the_fit(refused, monkeypatch, option):
    monkeypatch.setattr("adbudget.recommend", None, raising=False)  # never reached
    name = "none.csv" if option == "--lift-tests" else "none.yaml"
    code, err = refused("recommend", *LONG, option, name)
    assert code == 2
    assert f"{name} does not exist" in err


@pytest.mark.parametrize("days", ["7", "soon"])
def test_a_half_life_that_leaves_nothing_is_refused(refused, days):
    code, err = refused("recommend", *LONG, "--forgetting", days)
    assert code == 2
    assert "forgetting must be None" in err


def test_experiments_and_forgetting_reach_the_fit(tmp_path, monkeypatch):
    asked = {}

    def record(data, outcome, **settings):
        asked.update(settings)
        raise KeyboardInterrupt

    monkeypatch.setattr("adbudget.recommend", record, raising=False)
    tests = tmp_path / "tests.csv"
    tests.write_text("account,channel,start,lift_total\n007,search,2025-01-06,12.5\n")
    options = ["--lift-tests", str(tests), "--forgetting", "364"]
    monkeypatch.setattr(sys, "argv", ["adbudget", "recommend", *LONG, *options])
    with pytest.raises(SystemExit):
        cli.main()
    assert asked["forgetting"] == 364.0
    assert asked["lift_tests"].to_dict("records") == [
        {"account": "007", "channel": "search", "start": "2025-01-06", "lift_total": 12.5}
    ]
    (tmp_path / "c.yaml").write_text(f"lift_tests: {tests}\nforgetting: auto\n")
    options = ["--config", str(tmp_path / "c.yaml")]
    monkeypatch.setattr(sys, "argv", ["adbudget", "recommend", *LONG, *options])
    with pytest.raises(SystemExit):
        cli.main()
    assert asked["forgetting"] == "auto"
    assert len(asked["lift_tests"]) == 1


def test_a_config_with_an_unknown_key_is_refused(refused, tmp_path):
    (tmp_path / "c.yaml").write_text("limits: {chnge: 0.2}\n")
    code, err = refused("recommend", *LONG, "--config", tmp_path / "c.yaml")
    assert code == 2
    assert "did you mean 'change'?" in err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--preset", "agncy"], "did you mean 'agency'?"),
        (["--accounts", "0"], "n_accounts must be a whole number"),
        (["--channels", "0"], "n_channels must be a whole number"),
        (["--seed", "-1"], "seed must be a whole number"),
        (["--name", "a/b"], "not a path"),
    ],
)
def test_synthesize_refuses_what_it_cannot_make(refused, tmp_path, arguments, why):
    code, err = refused("synthesize", tmp_path / "out", *arguments)
    assert code == 2
    assert why in err
    assert not (tmp_path / "out").exists()


def test_a_fit_that_fails_is_exit_code_3(refused, monkeypatch):
    def fail(*arguments, **settings):
        raise FitError("The sampler could not start.")

    monkeypatch.setattr("adbudget.recommend", fail, raising=False)
    code, err = refused("recommend", *LONG)
    assert (code, err) == (3, "Error: The sampler could not start.\n")


def test_an_unhealthy_fit_prints_the_table_and_is_exit_code_1(tmp_path, capsys, monkeypatch):
    def unhealthy(*arguments, **settings):
        numbers = dict.fromkeys(NUMBERS, 1.0)
        names = {"account": "a", "channel": "c", "decision": "monitor", "confidence": "low"}
        frame = pd.DataFrame([names | numbers | {"reason": "Monitor: not healthy."}])
        frame.attrs = {"health": {"ok": False, "problems": ["Chains disagree."]}, "seed": 0}
        return frame

    monkeypatch.setattr("adbudget.recommend", unhealthy, raising=False)
    out = tmp_path / "d.csv"
    monkeypatch.setattr(sys, "argv", ["adbudget", "recommend", *LONG, "--out", str(out)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    told, complaint = capsys.readouterr()
    assert stop.value.code == 1
    assert "NOT HEALTHY: Chains disagree." in told
    assert complaint.startswith("Error: the fit cannot be trusted")
    assert "Chains disagree." in complaint
    assert len(pd.read_csv(out)) == 1


def test_a_bug_is_not_hidden_and_no_verdict_on_the_fit(monkeypatch, capsys):
    def fail(*arguments, **settings):
        raise ZeroDivisionError("of all things")

    monkeypatch.setattr("adbudget.recommend", fail, raising=False)
    monkeypatch.setattr(sys, "argv", ["adbudget", "recommend", *LONG])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 3
    err = capsys.readouterr().err
    assert "ZeroDivisionError: of all things" in err
    assert "Error: this is a fault of adbudget, not of your data." in err


@pytest.fixture
def broken(tmp_path) -> list[str]:
    """Tables in which the feed of one channel ended three weeks early."""
    world = synthesize(WorldSpec(n_accounts=2, n_channels=3, n_periods=60), seed=1)
    spend = world.spend
    ended = (spend.account == "account_01") & (spend.channel == "search")
    last = spend.date >= spend.date.drop_duplicates().nlargest(3).min()
    spend[~(ended & last)].to_csv(tmp_path / "spend.csv", index=False)
    world.outcome.to_csv(tmp_path / "revenue.csv", index=False)
    return [str(tmp_path / "spend.csv"), "--outcome", str(tmp_path / "revenue.csv")]


def test_check_prints_what_cannot_be_true_with_its_dates(broken):
    done = run("check", *broken, "--today", "2025-04-02")
    assert done.returncode == 0
    told = " ".join(done.stdout.split())
    assert "1 finding to see to first, as 1 account-channel will only be monitored:" in told
    assert "account_01/search: its rows end on 2025-03-10, 3 weeks before those" in told
    assert "(rows_end)" in told


def test_check_refuses_rows_after_the_day_it_is_said_to_be(broken):
    done = run("check", *broken, "--today", "2025-03-01")
    assert done.returncode == 2
    assert "lie after today (2025-03-01): 2025-03-10" in " ".join(done.stderr.split())


def test_recommend_says_which_cells_are_not_judged(broken):
    few = ("--seed", "1", "--today", "2025-04-02")
    told = " ".join(run("recommend", *broken, *few).stdout.split())
    assert "Not judged account_01/search: its rows end on 2025-03-10" in told
    assert "accept_findings: rows_end." in told
    accepted = " ".join(
        run("recommend", *broken, *few, "--accept-findings", "rows_end").stdout.split()
    )
    assert "Not judged" not in accepted


def test_ctrl_c_is_exit_code_130(refused, monkeypatch):
    def stop(*arguments, **settings):
        raise KeyboardInterrupt

    monkeypatch.setattr("adbudget.recommend", stop, raising=False)
    code, _ = refused("recommend", *LONG)
    assert code == 130


def test_options_overrule_the_config(tmp_path, monkeypatch):
    asked = {}

    def record(data, outcome, **settings):
        asked.update(settings)
        raise KeyboardInterrupt

    monkeypatch.setattr("adbudget.recommend", record, raising=False)
    (tmp_path / "c.yaml").write_text(
        "seed: 3\nwindow_days: 14\ndraws: 200\noutcome: revenue\n"
        "columns: {date: day, spend: cost}\ntoday: '2026-01-01'"
    )
    options = ["--config", str(tmp_path / "c.yaml"), "--seed", "5", "--columns", "spend=spend"]
    monkeypatch.setattr(sys, "argv", ["adbudget", "recommend", *LONG, *options])
    with pytest.raises(SystemExit):
        cli.main()
    assert asked == {
        "seed": 5,
        "window_days": 14,
        "draws": 200,
        "columns": {"outcome": "revenue", "date": "day", "spend": "spend"},
        "today": "2026-01-01",
    }


def asked_for(monkeypatch, *options: str) -> dict:
    """What the command makes of its options."""
    asked = {}

    def record(data, outcome, **settings):
        asked.update(settings)
        raise KeyboardInterrupt

    monkeypatch.setattr("adbudget.recommend", record, raising=False)
    monkeypatch.setattr(sys, "argv", ["adbudget", "recommend", *LONG, "--today", "2026-01-01"])
    sys.argv += options
    with pytest.raises(SystemExit):
        cli.main()
    return asked


@pytest.mark.parametrize(
    ("written", "limits"),
    [
        (["--total", "fixed"], Limits(total="fixed")),
        (["--total", "5000"], Limits(total="at_most", budget=5000.0)),
        (["--change", "20%"], Limits(change=0.2)),
        (["--change", "20%,0.5", "--total", "free"], Limits(change=(0.2, 0.5), total="free")),
    ],
)
def test_limits_are_written_as_people_write_them(monkeypatch, written, limits):
    assert asked_for(monkeypatch, *written)["limits"] == limits


def test_one_field_overrules_the_config_file_and_leaves_its_others(tmp_path, monkeypatch):
    path = tmp_path / "c.yaml"
    path.write_text("limits: {change: 0.1, total: fixed}\nthresholds: {leave: 0.6}\n")
    options = ["--total", "free", "--prob", "90%", "--aversion", "0.5", "--window", "14"]
    asked = asked_for(monkeypatch, "--config", str(path), *options, "--margin", "40%")
    assert asked["limits"] == Limits(change=0.1, total="free")
    assert (asked["thresholds"].prob, asked["thresholds"].leave) == (0.9, 0.6)
    assert (asked["risk"].aversion, asked["window_days"], asked["margin"]) == (0.5, 14, 0.4)


def test_one_total_for_many_accounts_is_refused_before_the_fit(refused, monkeypatch):
    monkeypatch.setattr("adbudget.model.fit.fit", None)  # never reached
    code, err = refused("recommend", *LONG, "--total", "5000")
    assert code == 2
    assert "each of the 12 accounts has a total of its own" in err


def test_check_asks_for_the_margin_until_it_is_said(capsys, monkeypatch):
    for options, told in (
        ([], "Margin: 100% assumed: all revenue counts as earned."),
        (["--margin", "1"], "Margin: 100%."),
        (["--margin", "40%"], "Margin: 40%."),
    ):
        monkeypatch.setattr(sys, "argv", ["adbudget", "check", *LONG, *options])
        with pytest.raises(SystemExit):
            cli.main()
        assert told in " ".join(capsys.readouterr().out.split())


def test_synthesize_then_check_round_trip(tmp_path):
    size = ["--accounts", 2, "--channels", 3, "--periods", 30, "--seed", 7, "--name", "demo"]
    made = run("synthesize", tmp_path / "new", *size)
    assert (made.returncode, made.stderr) == (0, "")
    written = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert written == ["demo.truth.json", "demo_outcome.csv", "demo_spend.csv", "demo_wide.csv"]
    assert all(name in made.stdout for name in written)
    spend, outcome = tmp_path / "new" / "demo_spend.csv", tmp_path / "new" / "demo_outcome.csv"
    checked = run("check", spend, "--outcome", outcome)
    assert checked.returncode == 0
    assert "2 accounts, 30 periods, 3 channels (search, shopping, social)" in checked.stdout


def test_recommend_prints_decisions_and_writes_them(tiny, tmp_path):
    out = tmp_path / "decisions.json"
    settings = tmp_path / "c.yaml"
    settings.write_text("limits: {change: 0.2}\n")
    tables = (tiny / "tiny_spend.csv", "--outcome", tiny / "tiny_outcome.csv")
    done = run("recommend", *tables, "--currency", "EUR", "--config", settings, "--out", out)
    whole = json.loads(out.read_text("utf-8"))
    healthy = whole["attrs"]["health"]["ok"]
    assert done.returncode == (0 if healthy else 1), done.stderr
    assert "Traceback" not in done.stderr
    assert (done.stderr == "") == healthy
    assert len(whole["decisions"]) == 9
    assert all(abs(row["change_pct"]) <= 20 + 1e-6 for row in whole["decisions"])
    lines = done.stdout.splitlines()
    assert max(map(len, lines[:-1])) <= terminal.PIPE_WIDTH
    assert "\x1b" not in done.stdout
    assert lines[-1] == f"Wrote {out}: 9 decisions."
    assert sum(line.startswith("account_0") for line in lines) >= 3

    held = tmp_path / "held.yaml"  # the next run may move nothing, and says what that changes
    held.write_text("limits: {fixed: [search, shopping, social]}\n")
    calls = sum(row["decision"] != "monitor" for row in whole["decisions"])
    after = run("recommend", *tables, "--currency", "EUR", "--config", held, "--previous", out)
    told = next(line for line in after.stdout.splitlines() if line.startswith("Changed"))
    assert told.split(maxsplit=1)[1].startswith("new limits: " if calls else "nothing since")
