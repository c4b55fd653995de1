"""adbudget forecast: a table of what to expect, and a plan for a target."""

import json

import pandas as pd
import pytest

from adbudget.synthetic import WorldSpec, synthesize


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("forecast")
    world = synthesize(WorldSpec(n_accounts=2, n_channels=2, n_periods=60), seed=3)
    world.save(folder, "tiny", "long")
    settings = {"draws": 250, "tune": 300, "chains": 2}
    (folder / "short.json").write_text(json.dumps(settings))
    plan = world.current(4).rename("spend").reset_index()
    plan.assign(date="2025-04-14", spend=0.0).to_csv(folder / "off.csv", index=False)
    return folder


@pytest.fixture
def forecast(call, folder, monkeypatch):
    monkeypatch.setattr("adbudget.model.sampling.MAX_RUNS", 1)

    def run(*arguments):
        tables = (folder / "tiny_spend.csv", "--outcome", folder / "tiny_outcome.csv")
        return call("forecast", *tables, "--config", folder / "short.json", *arguments)

    return run


def test_every_account_and_week_is_told_and_written(forecast, folder):
    code, out, _ = forecast("--weeks", 3, "--plan", folder / "off.csv", "--out", folder / "f.csv")
    assert code in (0, 1)  # the fit is short
    assert "Forecast of revenue, 2025-04-07 to 2025-04-21: 3 weeks." in out
    frame = pd.read_csv(folder / "f.csv")
    assert len(frame) == 2 * 3 * 3
    spend = frame[frame["metric"] == "spend"].set_index(["account", "date"])["mean"]
    assert (spend.xs("2025-04-07", level="date") > 0).all()
    assert (spend.xs("2025-04-14", level="date") == 0).all()


def test_a_target_is_answered_with_a_plan(forecast):
    code, out, _ = forecast("--reach", "roas=0.5", "--each", "horizon")
    assert code in (0, 1)
    words = " ".join(out.split())  # lines end where the terminal does
    assert (
        "A ROAS of at least 0.50 over 8 weekly periods is reached with a probability of 100%"
        in words
    )
    assert "+30%" in words


def test_a_target_out_of_reach_says_what_is_to_be_had(forecast):
    code, _, err = forecast("--reach", "outcome=1000000000000")
    assert code == 2
    assert "No plan within the limits reaches a revenue of at least 1,000,000,000,000" in err


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (("--reach", "profit=5"), "--reach knows outcome, roas and cpa; got 'profit'"),
        (("--reach", "roas=high"), "--reach needs a number after roas=; got 'high'"),
        (("--reach", "roas=2", "--plan", "x.csv"), "leave out --plan"),
        (("--plan", "missing.csv"), "missing.csv"),
    ],
)
def test_what_cannot_be_used_is_refused_before_a_fit(asked, told, forecast):
    code, out, err = forecast(*asked)
    assert (code, out) == (2, "")
    assert told in err
