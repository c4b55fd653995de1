"""A client of the public names, checked in strict mode: what goes in and comes out is typed."""
# pyright: strict, reportMissingTypeStubs=false

from pathlib import Path
from typing import assert_type

import pandas as pd
import polars as pl

import adbudget as ab
from adbudget.alerts.sinks import SinkReport, open_sink, send_alerts
from adbudget.synthetic import WorldSpec


def decide_in_one_call(spend: pd.DataFrame, wide: pl.DataFrame) -> None:
    frame = ab.recommend(
        spend,
        columns={"outcome": "leads"},
        channels=["meta", "google"],
        holidays={"a": "DE", "b": "DE-BY"},
        currency={"a": "EUR", "b": "USD"},
        value_per_unit=40,
        margin=pd.Series({"a": 0.4, "b": 0.5}),
        missing_spend="zero",
        priors=ab.Priors(roi_median=2.0),
        lift_tests=spend,
        forgetting="auto",
        current={("a", "meta"): 100.0},
        limits=ab.Limits(change=0.2, groups=(ab.Group(name="g", channels=("meta",), maximum=5),)),
        risk=ab.Risk(aversion=0.5),
        thresholds=ab.Thresholds(prob=0.9),
        policy=Path("policy.yaml"),
        draws=2000,
        cores=1,
        progress=False,
    )
    assert_type(frame, pd.DataFrame)
    assert_type(ab.recommend(wide, "revenue", currency="EUR", seed=3), pd.DataFrame)
    assert_type(ab.recommend(ab.read_panel(wide), seed=1), pd.DataFrame)


def decide_step_by_step(spend: pd.DataFrame, outcome: pl.DataFrame) -> None:
    panel = assert_type(ab.read_panel(spend, outcome, freq="weekly"), ab.Panel)
    fitted = assert_type(ab.fit(panel, ab.Priors(), seed=0, forgetting=364.0), ab.Fit)
    draws = assert_type(fitted.draws, ab.CurveDraws)
    for proposal in (ab.optimize(fitted), ab.optimize(draws, fitted.current_spend)):
        assert_type(proposal, ab.Proposal)
        decisions = assert_type(ab.decide(proposal, health=fitted.health), ab.Decisions)
        call: ab.Decision = decisions.calls[0]
        assert_type(call.action, ab.Action)
    assert_type(ab.simulate(fitted, {("a", "meta"): 10.0}, horizon=4), ab.Outcome)
    ahead = assert_type(ab.forecast(fitted, "8w", plan=fitted.current_spend), ab.Forecast)
    assert_type(ahead.to_frame("channel", each="horizon"), pd.DataFrame)
    assert_type(ab.reach_target(fitted, outcome=1e6, limits=ab.Limits()), ab.TargetPlan)
    ab.plot.forecast(ahead, "a")
    assert_type(ab.plot.forecast_data(ahead), pd.DataFrame)
    walk = assert_type(ab.backtest(panel, seed=0, dates=2), ab.HistoryBacktest)
    assert_type(walk.to_frame("channel"), pd.DataFrame)
    world = assert_type(ab.backtest_world(WorldSpec(), seed=0, late=1), ab.WorldBacktest)
    assert_type(world.summary(), pd.DataFrame)
    fitted.save("fit.zip")
    assert_type(ab.Fit.load("fit.zip"), ab.Fit)
    ab.plot.curves(fitted, "a", channels=["x"])


def send() -> None:
    assert_type(send_alerts([], [open_sink("log")]), tuple[SinkReport, ...])
