"""What plots show can be had as frames, and is what the records say."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import adbudget as ab
from adbudget import plot
from adbudget.curves import retention_rate
from adbudget.decision.decisions import decide
from adbudget.draws import CurveDraws
from adbudget.forecasting import Forecast
from adbudget.optimizer import optimize
from tests.display.test_public_records import walk, world_backtest
from tests.plot.test_plot_pictures import changed, judged, pacing_report, policy_plan


def by_hand(weights=(100.0, 200.0), *, today=50.0, half_life=7.0, margin=0.5):
    """One account, one channel, two draws of one saturation curve with half-saturation 100."""
    draws = CurveDraws(
        accounts=("a",), channels=("x",),
        weights=np.array(weights).reshape(-1, 1, 1, 1, 1), scale=np.full((1, 1), 100.0),
        carry_in=np.zeros((1, 1, 1)), retention=retention_rate(np.array([half_life]), 7.0),
        half_saturation=np.ones(1), unit_value=np.ones(1), margin=np.array([margin]),
        currency=("EUR",), period_days=7.0, highest_spend=np.full((1, 1), 80.0),
    )  # fmt: skip
    return SimpleNamespace(draws=draws, current_spend=pd.Series({("a", "x"): today}))


def test_a_curve_is_the_mean_and_the_interval_of_the_draws_at_every_spend():
    data = plot.curves_data(by_hand(), "a", points=6)
    spend = data["spend"].to_numpy()
    assert spend[-1] == pytest.approx(125.0)  # a quarter past the scale of 100, the largest mark
    np.testing.assert_allclose(data["outcome"], 150 * spend / (spend + 100))
    np.testing.assert_allclose(data["low"], 105 * spend / (spend + 100))
    np.testing.assert_allclose(data["marginal"], 150 * 100 / (spend + 100) ** 2)
    assert data.loc[data["observed"], "spend"].tolist() == [0.0, 25.0, 50.0, 75.0]


def test_the_break_even_is_where_the_next_unit_brings_one_over_the_margin():
    marks = plot.marks_data(by_hand(weights=(400.0, 400.0)), "a").set_index("mark")
    even = marks.loc["break-even", "spend"]
    assert even == pytest.approx(100 * (np.sqrt(400 / (100 * 2)) - 1))  # 400 * 100 / (s+100)^2 = 2
    assert marks.loc["break-even", "marginal"] == pytest.approx(2.0)
    assert marks.loc["today", "outcome"] == pytest.approx(400 / 3)


def test_a_channel_that_never_clears_its_hurdle_has_no_break_even():
    assert plot.marks_data(by_hand(), "a")["mark"].tolist() == ["today"]  # 1.5 at most, 2 needed


def test_the_break_even_of_a_decision_is_that_of_its_own_hurdle(fitted, frame):
    marks = plot.marks_data(fitted, "north", frame)
    hurdles = frame[frame["account"] == "north"].set_index("channel")["hurdle"]
    even = marks[marks["mark"] == "break-even"]
    assert len(even)
    np.testing.assert_allclose(even["marginal"], hurdles.loc[even["channel"]], rtol=1e-6)


def test_marks_are_the_spends_of_the_decisions(fitted, frame):
    marks = plot.marks_data(fitted, "north", frame).set_index(["channel", "mark"])["spend"]
    for row in frame[frame["account"] == "north"].itertuples():
        assert marks[(row.channel, "today")] == row.current_spend
        if row.recommended_spend != row.current_spend:
            assert marks[(row.channel, "recommended")] == row.recommended_spend


def test_half_of_an_effect_has_landed_after_its_half_life():
    days = plot.landing_days(by_hand(half_life=7.0), "a", shares=(0.5, 0.75)).set_index("share")
    assert days.loc[0.5, "days"] == pytest.approx(7.0)
    assert days.loc[0.75, "days"] == pytest.approx(14.0)
    never = plot.landing_days(by_hand(half_life=400.0), "a", shares=(0.9,))
    assert never["days"].tolist() == [np.inf]


def test_what_lands_ends_at_all_of_it(fitted):
    data = plot.carry_over_data(fitted, "north")
    assert (data.groupby("channel")["landed"].diff().dropna() >= 0).all()
    assert data["high"].max() <= 1 + 1e-9


def test_allocation_adds_up_the_decisions(frame):
    data = plot.allocation_data(frame).set_index(["channel", "when"])
    wanted = frame.groupby("channel")["recommended_spend"].sum()
    for channel, spend in wanted.items():
        assert data.loc[(channel, "recommended"), "spend"] == pytest.approx(spend)
    np.testing.assert_allclose(data.groupby("when")["share"].sum(), 1.0)


def test_money_of_several_currencies_is_not_added_up(frame):
    mixed = frame.assign(currency=np.where(frame["account"] == "north", "EUR", "USD"))
    with pytest.raises(ab.InputError, match="several currencies"):
        plot.allocation_data(mixed)


def test_returns_are_ranked_by_what_the_next_unit_brings(frame):
    ranked = plot.marginal_data(frame)["marginal_roi"]
    assert ranked.is_monotonic_decreasing
    assert len(ranked) == len(frame)


def test_a_cell_without_spend_has_no_average_return(frame):
    off = frame.assign(roi=[np.nan, *frame["roi"].tolist()[1:]])
    assert len(plot.roi_data(off)) == len(frame) - 1


def test_the_frontier_has_todays_plan_and_the_bar_that_was_asked_for(decisions):
    data = plot.frontier_data(decisions, (0.5, 0.9))
    assert data.loc[data["asked"], "prob"].tolist() == [0.6]
    today = data[data["prob"].isna()]
    assert today[["expected_gain", "worst_tenth"]].to_numpy().tolist() == [[0.0, 0.0]]


def test_a_frame_draws_the_frontier_it_holds_and_says_how_to_make_one_that_does(fitted):
    thresholds = ab.Thresholds(prob=0.6, max_wrong_share=0.4)
    holding = fitted.recommend(thresholds=thresholds, frontier=True)
    decided = decide(optimize(fitted), thresholds, health=fitted.health)
    pd.testing.assert_frame_equal(plot.frontier_data(holding), plot.frontier_data(decided))
    assert json.loads(json.dumps(holding.attrs["frontier"])) == holding.attrs["frontier"]
    with pytest.raises(ab.InputError, match=r"recommend\(..., frontier=True\)"):
        plot.frontier_data(fitted.recommend(thresholds=thresholds))
    with pytest.raises(ab.InputError, match="nothing of the bars"):
        plot.frontier_data(holding, (0.61,))


def test_parts_of_the_outcome_add_up_to_what_is_expected(fitted):
    parts = plot.contribution_data(fitted, "north").groupby("date")["mean"].sum()
    history = plot.history_data(fitted, "north")
    np.testing.assert_allclose(parts.to_numpy(), history["expected"], rtol=1e-9)
    np.testing.assert_allclose(
        history["residual"], history["outcome"] - history["expected"], atol=1e-9
    )


def test_shares_of_the_outcome_add_up_to_all_of_it(fitted):
    data = plot.share_data(fitted, "south")
    assert data["share"].sum() == pytest.approx(1.0)
    assert data["spend_share"].sum() == pytest.approx(1.0)
    assert "social" not in set(data["part"])  # the account does not use it


def test_contributions_of_an_account_do_not_depend_on_who_else_is_asked_for(fitted):
    both = fitted.contributions(seed=1, draws=10)
    alone = fitted.contributions(seed=1, draws=10, accounts=["south"])
    xr.testing.assert_allclose(both.sel(account=["south"]), alone)
    with pytest.raises(ab.InputError, match="no account 'east'"):
        fitted.contributions(seed=1, draws=10, accounts=["east"])


def test_what_was_believed_is_wider_than_what_is(fitted):
    data = plot.prior_posterior_data(fitted, "north").set_index(["belief", "channel"])
    wide = data["high"] / data["low"]
    assert (wide["prior"] > wide["posterior"]).all()


def test_an_account_without_a_fit_of_its_own_has_no_own_estimate(fitted):
    data = plot.shrinkage_data(fitted, {"north": fitted}).set_index("account")
    assert data.loc["south", "own"].isna().all()
    np.testing.assert_allclose(data.loc["north", "own"], data.loc["north", "pooled"])


def test_health_says_which_targets_are_met(fitted):
    data = plot.health_data(fitted.health).set_index("figure")
    assert bool(data.loc["r-hat", "good"])
    assert not bool(data.loc["divergent share", "good"])  # 3 of 40 draws
    assert len(data.loc[["prior share"]]) == len(fitted.panel.cells)


def test_changes_have_the_spend_of_both_runs(frame):
    before = frame.assign(recommended_spend=7.0)
    data = plot.changes_data(changed(frame), before)
    assert data["spend_before"].tolist() == [7.0, 7.0]
    after = frame.set_index(["account", "channel"])["recommended_spend"]
    assert data["spend_after"].tolist() == [after[("north", "search")], after[("south", "search")]]


def test_a_projection_starts_from_what_is_spent_and_ends_where_the_report_says():
    report = pacing_report()
    data = plot.pacing_data(report, ["D2"])
    row = report.status.set_index("deal").loc["D2"]
    assert data["spent"].max() == pytest.approx(float(row["spent"]))
    assert data["planned"].iloc[-1] == pytest.approx(30_000.0)
    for name, column in (
        ("projected", "projected"),
        ("low", "projected_low"),
        ("high", "projected_high"),
    ):
        assert data[name].iloc[-1] == pytest.approx(row[column])
        assert data[name].dropna().iloc[0] == pytest.approx(float(row["spent"]))
    both = data["spent"].notna() & data["projected"].notna()
    assert both.sum() == 1  # they meet now


def test_steps_of_a_policy_lead_from_all_budgets_to_all_budgets():
    made = policy_plan()
    data = plot.policy_data(made)
    before = float(sum(call.current_budget for call in made.calls))
    after = float(sum(call.recommended_budget for call in made.calls))
    assert data["start"].iloc[0] == before
    assert data["end"].iloc[-1] == pytest.approx(after)
    np.testing.assert_allclose(data["start"].iloc[1:], data["end"].iloc[:-1])
    assert data["change"].abs().is_monotonic_decreasing


def test_promises_of_a_cycle_and_of_a_ledger_have_the_same_columns(tmp_path):
    data = plot.promises_data(judged())
    assert data["verdict"].tolist() == ["kept", "unclear", "broken"]
    with ab.open_ledger(tmp_path / "ledger.db") as ledger:
        assert plot.promises_data(ledger).columns.tolist() == data.columns.tolist()


def test_regret_is_what_the_best_gains_more(fitted):
    data = plot.gains_data(world_backtest())
    np.testing.assert_allclose(data["regret"], data["best_gain"] - data["gain"])


def test_forecasts_of_the_past_stand_beside_what_came_in():
    wide = walk()
    wide.accounts[["low", "high"]] = [80.0, 120.0]
    assert len(plot.backtest_data(wide)) == len(wide.accounts)


def forecast_by_hand(problems=()):
    """Two draws of one account over three weeks, after three weeks of record."""
    nothing = pd.Series(dtype=float)
    health = ab.Health(
        rhat_max=1.0, ess_bulk_min=1.0, ess_tail_min=1.0, divergences=0, n_draws=2,
        prior_share=nothing, fit_r2=nothing, problems=problems,
    )  # fmt: skip
    dates = pd.date_range("2025-01-06", periods=6, freq="7D")
    outcome = np.array([[[10.0, 10.0, 10.0]], [[20.0, 20.0, 26.0]]])
    named = {
        "outcome": (("draw", "account", "date"), outcome),
        "expected": (("draw", "account", "date"), outcome),
        "spend": (("account", "channel", "date"), np.ones((1, 1, 3))),
    }
    coords = {"account": ["a"], "channel": ["x"], "date": dates[3:]}
    history = {"account": ["a"], "date": dates[:3]}
    return Forecast(
        draws=xr.Dataset(named, coords=coords),
        history=xr.DataArray([[1.0, 2.0, 3.0]], dims=("account", "date"), coords=history),
        outcome_name="revenue", counts=False, unit_value=np.ones(1), currency=("EUR",),
        period="weekly", health=health,
    )  # fmt: skip


def test_a_forecast_is_the_record_and_then_what_is_expected():
    data = plot.forecast_data(forecast_by_hand())
    assert data["outcome"].dropna().tolist() == [1.0, 2.0, 3.0]
    assert data["expected"].dropna().tolist() == [15.0, 15.0, 18.0]
    assert (data["low_90"].dropna() <= data["low_50"].dropna()).all()


def test_a_forecast_that_cannot_be_trusted_is_drawn_with_those_words():
    axes = plot.forecast(forecast_by_hand(problems=("r-hat is 2.",)), "a")
    assert "cannot be trusted" in axes.get_title(loc="left")


def test_a_forecast_of_an_account_nobody_knows_is_refused():
    with pytest.raises(ab.InputError, match="there is no account 'b'"):
        plot.forecast(forecast_by_hand(), "b")


def test_contributions_drawn_for_all_accounts_at_once_say_the_same_of_each(fitted):
    drawn = fitted.contributions(seed=0, draws=40)
    for account in ("north", "south"):
        at_once = plot.share_data(fitted, account, drawn=drawn)
        pd.testing.assert_frame_equal(at_once, plot.share_data(fitted, account))
        past = plot.history_data(fitted, account, drawn=drawn)
        pd.testing.assert_frame_equal(past, plot.history_data(fitted, account))


def test_the_bar_that_was_asked_for_shows_the_decisions_themselves(decisions):
    data = plot.frontier_data(decisions, (0.5, 0.9))
    asked = data[data["asked"]].iloc[0]
    assert asked["expected_gain"] == pytest.approx(decisions.proposal.value.mean().item())
    assert asked["expected_wrong_share"] == decisions.expected_wrong_share
    assert sorted(data["prob"].dropna()) == [0.5, decisions.thresholds.prob, 0.9]
    alone = plot.frontier_data(decisions, (decisions.thresholds.prob,))
    assert alone["asked"].tolist() == [True, False]  # the other row is today's plan


def test_a_fit_in_the_place_of_its_health_is_told_apart(fitted):
    with pytest.raises(ab.InputError, match=r"health must be fit\.health; got Fit"):
        plot.health_data(fitted)
