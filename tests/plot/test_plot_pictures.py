"""Every plot looks as it did when somebody last looked at it."""

import os

import pandas as pd
import pytest

import adbudget as ab
from adbudget import plot
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
    assert plots - set(MAKE) == {
        "backtest",
        "cycle",
    }  # both are drawn from frames in test_plot_data


def test_a_walk_through_a_history_and_a_cycle_without_moves_can_be_drawn():
    wide = walk()
    wide.accounts[["low", "high"]] = [80.0, 120.0]
    assert "100% of 90" in plot.backtest(wide).get_title(loc="left")
