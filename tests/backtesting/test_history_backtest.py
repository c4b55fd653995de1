"""A walk forward through a history: what would have been proposed, and how it was forecast."""

import numpy as np
import pandas as pd
import pytest

from adbudget import InputError, backtest, read_panel
from adbudget.backtesting.history import _ends
from adbudget.backtesting.history_record import UNSCORED, HistoryBacktest
from adbudget.loop import LoopSettings
from adbudget.synthetic import WorldSpec, synthesize

WORLD = synthesize(WorldSpec(n_accounts=2, n_channels=2, n_periods=60, noise=0.04), 4)
PANEL = read_panel(WORLD.spend, WORLD.outcome)


@pytest.fixture(scope="module")
def walk():
    """Two dates, eight weeks apart, four weeks ahead."""
    patch = pytest.MonkeyPatch()
    patch.setattr("adbudget.model.sampling.MAX_RUNS", 1)
    yield backtest(PANEL, seed=1, dates=2, every=8, horizon=4, draws=250, cores=1)
    patch.undo()


def test_what_was_seen_and_spent_is_what_the_panel_holds(walk):
    rows = walk.to_frame()
    assert rows["date"].unique().tolist() == [pd.Timestamp(PANEL.dates[i]) for i in (47, 55)]
    assert rows["account"].tolist() == ["account_01", "account_02"] * 2
    for row in rows.to_dict("records"):
        a = PANEL.accounts.index(row["account"])
        end = list(PANEL.dates).index(np.datetime64(row["date"].date())) + 1
        assert row["seen"] == pytest.approx(PANEL.outcome[a, end : end + 4].sum())
        assert row["as_before"] == pytest.approx(PANEL.outcome[a, end - 4 : end].sum())
        assert row["inside"] == (row["low"] <= row["seen"] <= row["high"])
        assert row["low"] < row["forecast"] < row["high"]
    moves = walk.to_frame("channel")
    assert len(moves) == 2 * 4
    last = moves[moves["date"] == moves["date"].max()]
    np.testing.assert_allclose(last["spent"], PANEL.spend[:, :, 56:60].mean(axis=2).ravel())
    np.testing.assert_allclose(last["spend"], PANEL.spend[:, :, 52:56].mean(axis=2).ravel())


def test_proposals_keep_totals_and_steps(walk):
    moves = walk.to_frame("channel")
    step = (moves["proposed"] / moves["spend"] - 1).abs()
    assert (step <= LoopSettings().change + 1e-6).all()
    sums = moves.groupby(["date", "account"])[["spend", "proposed"]].sum()
    np.testing.assert_allclose(sums["proposed"], sums["spend"], rtol=1e-6)


def test_lifts_of_what_was_really_spent_are_forecast_and_judged(walk):
    rows = walk.to_frame()
    assert (rows["lift_sd"] > 0).all()
    short = rows["lift_seen"] - rows["lift"]
    chance = np.hypot(rows["lift_seen_sd"], rows["lift_sd"])
    assert ((rows["verdict"] == "broken") == (short < -1.64 * chance)).all()
    assert set(rows["verdict"]) <= {"kept", "broken", "unclear"}


def test_the_page_says_that_what_was_not_done_is_not_scored_and_fits_a_screen(walk):
    page = repr(walk)
    assert UNSCORED in " ".join(page.split())
    assert "inside 90% intervals" in page
    assert len(page.splitlines()) <= 20


def rows_by_hand() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "date": pd.Timestamp("2026-01-05"),
            "account": ["a", "b"],
            "forecast": [110.0, 90.0],
            "low": [95.0, 95.0],
            "high": [120.0, 99.0],
            "seen": [100.0, 100.0],
            "inside": [True, False],
            "as_before": [100.0, 60.0],
            "lift": [10.0, 0.0],
            "lift_sd": [2.0, 0.0],
            "lift_seen": [5.0, np.nan],
            "lift_seen_sd": [4.0, np.nan],
            "verdict": ["unclear", ""],
            "plan_gain": [1.0, 1.0],
            "plan_gain_low": [0.0, 0.0],
            "plan_gain_high": [2.0, 2.0],
        }
    )


def record(accounts: pd.DataFrame) -> HistoryBacktest:
    moves = pd.DataFrame(
        {
            "date": pd.Timestamp("2026-01-05"),
            "account": "a",
            "channel": ["x", "y"],
            "spend": [100.0, 100.0],
            "proposed": [110.0, 90.0],
            "spent": [120.0, 130.0],
        }
    )
    return HistoryBacktest(
        period="weekly",
        horizon=4,
        outcome_name="revenue",
        accounts=accounts,
        moves=moves,
        notes=(),
        seed=0,
    )


def test_the_summary_is_what_one_works_out_on_paper():
    told = record(rows_by_hand()).summary()
    assert told["coverage"] == 0.5
    assert told["error"] == pytest.approx(20 / 200)
    assert told["error_as_before"] == pytest.approx(40 / 200)
    assert told["bias"] == pytest.approx(0.0)
    assert told["lift_slope"] == pytest.approx(0.5)
    assert told["lift_slope_sd"] == pytest.approx(0.4)
    assert (told["kept"], told["broken"], told["unclear"]) == (0, 0, 1)
    assert told["moved"] == pytest.approx(0.05)
    assert told["same_direction"] == pytest.approx(0.5)


def test_a_walk_whose_outcomes_never_came_in_says_nothing_of_them():
    told = record(rows_by_hand().iloc[:0]).summary()
    assert told["rows"] == 0
    assert np.isnan(told["coverage"])
    assert repr(record(rows_by_hand().iloc[:0])).count("nan%") >= 1


def test_dates_leave_the_horizon_to_be_seen_and_enough_to_learn_from():
    assert _ends(PANEL, 3, 8, 4) == [40, 48, 56]
    assert _ends(PANEL, 30, 8, 4) == [32, 40, 48, 56]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dates": 0}, "dates must be a whole number from 1 to 200"),
        ({"every": 0}, "every must be"),
        ({"horizon": 40}, "needs 26 periods before its first date and 40 after it; this panel has"),
        ({"settings": LoopSettings(period="daily")}, "settings are for a daily panel"),
    ],
)
def test_what_cannot_be_walked_is_refused_before_anything_is_fitted(options, words):
    with pytest.raises(InputError, match=words):
        backtest(PANEL, seed=1, **options)


def test_a_table_is_not_a_panel():
    with pytest.raises(InputError, match=r"backtest needs a Panel; got DataFrame. Make one with"):
        backtest(WORLD.spend, seed=1)  # pyright: ignore[reportArgumentType]
