"""Every plot looks as it did when somebody last looked at it."""

import dataclasses
import os

import numpy as np
import pandas as pd
import pytest

import adbudget as ab
from adbudget import plot
from adbudget.loop.cycle_report import CycleReport
from adbudget.loop.promises import Judged
from tests.display.test_public_records import walk, world_backtest
from tests.pacing.flights import daily, plan_frame, plan_row
from tests.policy.worked import AS_OF, EXAMPLE, table


def judged():
    verdicts = ("kept", "unclear", "broken")
    return [
        Judged(
            key=verdict, account=f"account {verdict}", periods=4, promised=300.0, promised_sd=60.0,
            seen=300.0 - 250 * i, seen_sd=120.0, verdict=verdict,
        )
        for i, verdict in enumerate(verdicts)
    ]  # fmt: skip


def pacing_report():
    deals = [plan_row("D1"), plan_row("D2")]
    spent = [daily("D1", [900.0] * 9), daily("D2", [1400.0] * 9)]
    return ab.pace(plan_frame(*deals), pd.concat(spent), as_of="2026-03-11T00:00")


def policy_plan():
    rows = [(f"campaign {i}", 1_000.0, 20.0 + 30 * i) for i in range(5)]
    campaigns = table(*rows, conversions=40, days_live=60)
    return ab.apply_policy(ab.load_policy(EXAMPLE), campaigns, as_of=AS_OF)


def changed(frame):
    told = frame.copy()
    told.attrs["changes"] = [
        {"account": "north", "channel": "search", "before": "reduce", "after": "increase",
         "why": "new data"},
        {"account": "south", "channel": "search", "before": "increase", "after": "monitor",
         "why": "borderline"},
    ]  # fmt: skip
    return told


def walked():
    """Twelve forecasts, of which two do not hold what came in."""
    n = np.arange(12)
    seen = 1000.0 + 40 * n
    forecast = seen * (1 + 0.04 * np.sin(3 * n) + 0.25 * (n % 6 == 5))
    made = walk()
    rows = pd.DataFrame(
        {"date": "2026-01-05", "account": np.where(n % 2, "north", "south"), "seen": seen,
         "forecast": forecast, "low": forecast - 150, "high": forecast + 150,
         "as_before": 1050.0 + 20 * n}
    )  # fmt: skip
    rows["inside"] = (rows["low"] <= rows["seen"]) & (rows["seen"] <= rows["high"])
    return dataclasses.replace(made, accounts=rows)


def cycle_report():
    budgets = [
        ("north", "search", 1000.0, 1200.0, "auto"),
        ("north", "social", 800.0, 700.0, "auto"),
        ("south", "a campaign with a very long name indeed", 400.0, 400.04, "auto"),
        ("south", "new", 0.0, 50.0, "needs_approval"),
        ("south", "kept", 90.0, 90.0, "auto"),
    ]
    table = pd.DataFrame(budgets, columns=["account", "campaign", "budget", "decided", "verdict"])
    table = table.assign(currency="EUR", set_now=table["decided"], state="made", reason="")
    return CycleReport(
        key="2026-03-02T08:00", at=pd.Timestamp("2026-03-02T08:00Z"), dry=True, resumed=False,
        plans=(), applied=None, table=table,
    )  # fmt: skip


MAKE = {
    "curves": lambda fit, frame, made: plot.curves(fit, "north", frame),
    "curve": lambda fit, frame, made: plot.curves(fit, "south", frame, channels=["search"]),
    "marginal": lambda fit, frame, made: plot.marginal(frame),
    "roi": lambda fit, frame, made: plot.roi(frame, "north"),
    "portfolio": lambda fit, frame, made: plot.portfolio(frame),
    "allocation": lambda fit, frame, made: plot.allocation(frame),
    "changes": lambda fit, frame, made: plot.changes(changed(frame)),
    "frontier": lambda fit, frame, made: plot.frontier(made, (0.5, 0.7, 0.9)),
    "carry_over": lambda fit, frame, made: plot.carry_over(fit, "north"),
    "contribution": lambda fit, frame, made: plot.contribution(fit, "north"),
    "contribution_share": lambda fit, frame, made: plot.contribution_share(fit, "north"),
    "waterfall": lambda fit, frame, made: plot.waterfall(fit, "north"),
    "history": lambda fit, frame, made: plot.history(fit, "north"),
    "forecast": lambda fit, frame, made: plot.forecast(ab.forecast(fit, "6w", seed=1, draws=200)),
    "prior_posterior": lambda fit, frame, made: plot.prior_posterior(fit, "north"),
    "shrinkage": lambda fit, frame, made: plot.shrinkage(fit, {"north": fit}),
    "health": lambda fit, frame, made: plot.health(fit.health),
    "pacing": lambda fit, frame, made: plot.pacing(pacing_report()),
    "policy": lambda fit, frame, made: plot.policy(policy_plan()),
    "promises": lambda fit, frame, made: plot.promises(judged()),
    "gains": lambda fit, frame, made: plot.gains(world_backtest()),
    "backtest": lambda fit, frame, made: plot.backtest(walked()),
    "cycle": lambda fit, frame, made: plot.cycle(cycle_report()),
}


@pytest.mark.parametrize("name", MAKE)
def test_a_plot_looks_as_it_did(name, fitted, frame, decisions, same_picture):
    assert same_picture(MAKE[name](fitted, frame, decisions), name) is None


@pytest.mark.skipif("ADBUDGET_DRAW" in os.environ, reason="pictures are written")
def test_another_picture_is_seen(fitted, frame, same_picture):
    axes = plot.curves(fitted, "south", frame, channels=["search"])
    axes.lines[0].set_linewidth(6.0)
    assert "did not match" in str(same_picture(axes, "curve"))


def test_every_plot_of_the_package_has_a_picture():
    plots = {name for name in dir(plot) if not name.endswith(("_data", "_days"))}
    assert plots == {name for name in MAKE if name != "curve"}


def test_a_walk_through_a_history_counts_the_intervals_that_held():
    wide = walk()
    wide.accounts[["low", "high"]] = [80.0, 120.0]
    assert "90 of 90 inside 90% intervals" in plot.backtest(wide).get_title(loc="left")


def test_a_backtest_of_a_world_is_the_loop_beside_other_rules():
    names = {text.get_text() for text in plot.backtest(world_backtest()).texts}
    assert names == {"loop", "frozen", "roas", "oracle"}
