from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import adbudget as ab
from adbudget.errors import InputError
from adbudget.forecasting import forecast
from adbudget.forecasting.controls_ahead import controls_ahead
from adbudget.forecasting.forecasts import is_count
from adbudget.panel.calendar import dates_after
from adbudget.plan import Plan
from adbudget.simulation import simulate


def mean_of(made, name="expected"):
    return made.draws[name].mean("draw").to_numpy()


def test_same_seed_same_draws_another_seed_others(money):
    first, again, other = (forecast(money, 4, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.draws["outcome"], again.draws["outcome"])
    assert (first.draws["outcome"] != other.draws["outcome"]).any()


def test_axes_are_named_and_dates_go_on(money):
    made = forecast(money, "4w", draws=200)
    assert made.draws["outcome"].dims == ("draw", "account", "date")
    assert made.draws["media"].dims == ("draw", "account", "channel", "date")
    assert made.draws.sizes["date"] == 4
    last = money.panel.dates[-1]
    np.testing.assert_array_equal(
        made.draws["date"].to_numpy().astype("datetime64[D]"), last + 7 * np.arange(1, 5)
    )


def test_a_plan_moves_the_outcome_by_what_its_media_bring_draw_by_draw(money):
    now, more = forecast(money, 6), forecast(money, 6, plan=money.current_spend * 1.2)
    gained = (more.draws["media"] - now.draws["media"]).sum("channel")
    moved = more.draws["outcome"] - now.draws["outcome"]
    scale = float(now.draws["outcome"].max())
    np.testing.assert_allclose(moved, gained, atol=1e-5 * scale)
    assert float(gained.min()) >= 0


def test_media_are_those_of_simulate_where_curves_are_concave(money):
    n_draws = money.positions.shape[0] * money.positions.shape[1]
    plan = money.current_spend * np.linspace(0.5, 1.5, len(money.current_spend))
    media = forecast(money, 8, plan=plan, draws=n_draws).draws["media"].sum("channel")
    path = simulate(money, plan, horizon=8).path[..., :8]
    np.testing.assert_allclose(media, path, rtol=1e-5)


def test_an_account_does_not_feel_the_plan_of_another(money):
    name, other = money.panel.accounts[:2]
    plan = money.current_spend.copy()
    plan.loc[other] = 0.0
    one, two = forecast(money, 4), forecast(money, 4, plan=plan)
    np.testing.assert_array_equal(
        one.draws["outcome"].sel(account=name), two.draws["outcome"].sel(account=name)
    )


def test_a_channel_switched_off_brings_what_is_left_and_less_every_week(money):
    made = forecast(money, 26, plan=money.current_spend * 0.0)
    media = mean_of(made, "media")[money.panel.exists]
    assert (media[:, 0] > 0).all()
    assert (np.diff(media, axis=1) <= 0).all()
    assert (media[:, -1] < 0.2 * media[:, 0]).all()


def test_the_further_ahead_the_less_is_known(money):
    spread = forecast(money, 52).draws["expected"].std("draw").mean("account").to_numpy()
    assert spread[-1] > 1.3 * spread[0]


def test_shocks_that_last_go_on_from_the_last_residual(money):
    lasting = replace(money.noise, autocorrelation=np.full(3, 0.8))
    calm, shaken = forecast(money, 12), forecast(replace(money, noise=lasting), 12)
    moved = np.abs(mean_of(shaken) - mean_of(calm))
    np.testing.assert_allclose(moved[:, 1] / moved[:, 0], 0.8, rtol=0.05)
    assert (moved[:, -1] < 0.2 * moved[:, 0]).all()


def test_money_falls_below_zero_only_where_it_has_before(money):
    outcome = money.panel.outcome.copy()
    outcome[0, 5] = -1.0
    wild = replace(money.noise, spread=money.noise.spread, tail_df=2.0)
    fits = {
        "never": replace(money, noise=wild),
        "once": replace(money, noise=wild, panel=replace(money.panel, outcome=outcome)),
    }
    least = {name: forecast(one, 52, draws=2000).draws["outcome"] for name, one in fits.items()}
    assert float(least["never"].min()) == 0.0
    assert float(least["once"].isel(account=0).min()) < 0
    assert float(least["once"].isel(account=1).min()) == 0.0


def test_the_frame_is_worked_out_from_the_draws(money):
    made = forecast(money, 3, draws=500)
    frame = made.to_frame()
    assert list(frame.columns) == ["account", "date", "metric", "mean", "low", "high"]
    assert set(frame["metric"]) == {"outcome", "spend", "roas"}
    name = money.panel.accounts[1]
    row = frame[(frame["account"] == name) & (frame["date"] == frame["date"].min())]
    row = row.set_index("metric")
    drawn = made.draws["outcome"].sel(account=name).isel(date=0)
    spend = money.current_spend.loc[name].sum()
    assert row.loc["outcome", "low"] == pytest.approx(np.quantile(drawn, 0.05))
    assert row.loc["spend", "high"] == pytest.approx(spend)
    assert row.loc["roas", "high"] == pytest.approx(np.quantile(drawn, 0.95) / spend)


def test_the_interval_of_a_sum_is_that_of_the_summed_draws(money):
    made = forecast(money, 8)
    total = made.to_frame(each="horizon").set_index(["account", "metric"])
    assert "date" not in made.to_frame(each="horizon").columns
    name = money.panel.accounts[0]
    drawn = made.draws["outcome"].sel(account=name).sum("date")
    assert total.loc[(name, "outcome"), "high"] == pytest.approx(np.quantile(drawn, 0.95))
    by_week = made.to_frame().query("metric == 'outcome' and account == @name")
    assert total.loc[(name, "outcome"), "mean"] == pytest.approx(by_week["mean"].sum())
    assert total.loc[(name, "outcome"), "high"] < by_week["high"].sum()  # noise averages out


def test_by_channel_there_is_a_row_for_every_cell_and_no_roas_without_spend(money):
    plan = money.current_spend.copy()
    plan.iloc[0] = 0.0
    frame = forecast(money, 2, plan=plan).to_frame("channel", each="horizon")
    assert len(frame) == 3 * len(plan)
    off = frame[(frame["account"] == plan.index[0][0]) & (frame["channel"] == plan.index[0][1])]
    off = off.set_index("metric")["mean"]
    assert off["spend"] == 0
    assert np.isnan(off["roas"])
    assert off["outcome"] > 0


def test_counts_are_whole_and_have_a_cpa(counted):
    made = forecast(counted, 4)
    drawn = made.draws["outcome"].to_numpy()
    assert made.counts
    assert (drawn == np.round(drawn)).all()
    assert drawn.min() >= 0
    row = made.to_frame(each="horizon").set_index(["account", "metric"]).loc["north"]
    assert row.loc["cpa", "mean"] == pytest.approx(
        row.loc["spend", "mean"] / row.loc["outcome", "mean"]
    )
    assert row.loc["cpa", "low"] == pytest.approx(
        row.loc["spend", "mean"] / row.loc["outcome", "high"]
    )
    assert row.loc["roas", "mean"] == pytest.approx(40 / row.loc["cpa", "mean"])


def test_counts_can_be_stated(counted):
    assert not forecast(counted, 2, counts=False).counts
    assert is_count(counted.panel)


def test_a_promotion_that_is_known_is_in_the_forecast(counted):
    dates = dates_after(counted.panel.dates[-1], "weekly", 3)
    week = pd.DataFrame({"date": dates, "promo": [0.0, 1.0, 0.0]})
    made = forecast(counted, 3, controls=week)
    north = mean_of(made)[0]
    assert north[1] > 1.15 * max(north[0], north[2])
    assert not any("not known" in note for note in made.notes)


def test_a_control_nobody_knows_is_told_and_widens_the_forecast(counted):
    dates = dates_after(counted.panel.dates[-1], "weekly", 8)
    known = pd.DataFrame({"date": dates, "promo": 0.0})
    sure = forecast(counted, 8, controls=known, counts=False)
    unsure = forecast(counted, 8, counts=False)
    assert any(note.startswith("Control 'promo' is not known") for note in unsure.notes)
    spread = [one.draws["expected"].isel(account=0).std("draw").mean() for one in (sure, unsure)]
    assert float(spread[1]) > 1.1 * float(spread[0])


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"date": ["2025-02-24"], "price": [1.0]}, r"expected controls of the fit: 'promo'"),
        ({"date": ["2025-02-24"] * 2, "promo": [1.0, 0.0]}, r"'promo' twice for 2025-02-24"),
        (
            {"date": ["2025-02-24"], "promo": [1.0], "account": ["west"]},
            r"accounts the fit does not know",
        ),
        ({"promo": [1.0]}, r"no column 'date'"),
    ],
)
def test_controls_that_cannot_be_read_are_refused(table, told, counted):
    dates = dates_after(counted.panel.dates[-1], "weekly", 2)
    with pytest.raises(InputError, match=told):
        controls_ahead(pd.DataFrame(table), counted.panel, dates)


def test_an_account_that_ended_early_is_forecast_for_the_same_dates_and_told(counted):
    made = forecast(counted, 2, draws=200)
    assert np.isfinite(made.draws["outcome"].sel(account="south")).all()
    assert any("record of account 'south' ends before" in one for one in made.warnings)


def test_a_fit_that_cannot_be_trusted_says_so_first(money):
    health = replace(money.health, problems=("r-hat is 1.5.",))
    made = forecast(replace(money, health=health), 2)
    assert not made.ok
    assert made.to_frame().attrs["healthy"] is False
    assert made.warnings[0] == "The fit cannot be trusted: r-hat is 1.5."
    assert forecast(money, 2).ok


def test_spend_beyond_all_that_was_seen_is_told(money):
    assert not any("than their history" in one for one in forecast(money, 2).warnings)
    made = forecast(money, 2, plan=Plan(spend=money.current_spend * 20))
    assert any("spends more on 9 cell(s) than their history" in one for one in made.warnings)


def test_outcomes_that_are_missing_at_the_end_are_told(money):
    outcome = money.panel.outcome.copy()
    outcome[0, -2:] = np.nan
    made = forecast(replace(money, panel=replace(money.panel, outcome=outcome)), 2)
    assert any("last outcomes of account" in one for one in made.warnings)
    assert np.isfinite(made.draws["outcome"]).all()


def test_a_season_nobody_has_seen_is_told(money, counted):
    assert not any("time of the year" in one for one in forecast(counted, 8).warnings)
    panel = money.panel
    young = replace(panel, first=np.array([50, 0, 0]))
    made = forecast(replace(money, panel=young), 16)
    (told,) = [one for one in made.warnings if "time of the year" in one]
    assert panel.accounts[0] in told
    assert "other accounts show" in told


def test_probability_counts_draws_over_the_horizon(money):
    made = forecast(money, 4)
    total = made.draws["outcome"].sum(["account", "date"]).to_numpy()
    assert made.probability(at_least=float(np.median(total))) == pytest.approx(0.5)
    spend = money.current_spend.sum() * 4
    assert made.probability("roas", at_most=float(np.quantile(total, 0.3)) / spend) == 0.3
    with pytest.raises(InputError, match="no cost per unit"):
        made.probability("cpa", at_most=3.0)
    with pytest.raises(InputError, match="give a bound"):
        made.probability()


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"horizon": "soon"}, r"horizon must be a length such as"),
        ({"horizon": 105}, r"at most two years"),
        ({"draws": 5}, r"draws must be an integer >= 100"),
        ({"seed": -1}, r"seed must be an integer >= 0"),
    ],
)
def test_arguments_out_of_range_are_refused(asked, told, money):
    with pytest.raises(InputError, match=told):
        forecast(money, **asked)


def test_something_else_than_a_fit_is_refused(money):
    with pytest.raises(InputError, match="forecast needs a Fit; got CurveDraws"):
        ab.forecast(money.draws)


def test_days_know_their_weekday(daily):
    made = forecast(daily, "2w")
    ahead = made.draws["expected"].mean("draw").isel(account=0).to_series()
    on_sunday = ahead[ahead.index.day_of_week == 6]
    assert len(ahead) == 14
    assert len(on_sunday) == 2
    assert on_sunday.mean() == pytest.approx(0.5 * ahead.drop(on_sunday.index).mean(), rel=0.1)


def test_a_fit_that_was_updated_goes_on_from_its_new_end(money):
    panel = money.panel
    later = dates_after(panel.dates[-1], "weekly", 1)
    spend = panel.current_spend().rename("spend").reset_index().assign(date=later[0])
    outcome = pd.DataFrame(
        {"account": panel.accounts, "date": later[0], "revenue": panel.outcome[:, -1]}
    )
    made = forecast(money.update(spend, outcome, cores=1), 2)
    assert made.draws["date"].to_numpy()[0] == later[0] + np.timedelta64(7, "D")
