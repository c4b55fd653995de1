"""adbudget backtest: a walk through a history, told on a screen and written."""

import pandas as pd
import pytest

from adbudget.synthetic import WorldSpec, synthesize


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("backtest")
    synthesize(WorldSpec(n_accounts=1, n_channels=2, n_periods=40), seed=3).save(
        folder, "tiny", "long"
    )
    return folder


def test_a_walk_is_told_and_written(call, folder, monkeypatch):
    monkeypatch.setattr("adbudget.model.sampling.MAX_RUNS", 1)
    tables = (folder / "tiny_spend.csv", "--outcome", folder / "tiny_outcome.csv")
    size = ("--dates", 1, "--draws", 250, "--cores", 1)
    code, out, _ = call("backtest", *tables, *size, "--out", folder / "walk.csv")
    assert code == 0
    words = " ".join(out.split())
    assert "HistoryBacktest: 1 date, 4 weekly periods ahead, 1 forecasts of revenue" in words
    assert "A proposal that was not carried out has no outcome" in words
    frame = pd.read_csv(folder / "walk.csv")
    assert len(frame) == 1
    assert {"forecast", "low", "high", "seen", "lift", "plan_gain"} <= set(frame.columns)


def test_too_short_a_history_says_how_long_it_has_to_be(call, folder):
    tables = (folder / "tiny_spend.csv", "--outcome", folder / "tiny_outcome.csv")
    code, _, err = call("backtest", *tables, "--horizon", 20)
    assert code == 2
    assert "needs 26 periods before its first date and 20 after it" in " ".join(err.split())
