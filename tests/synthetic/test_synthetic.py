"""Facts about synthetic worlds: they repeat, their truth is right, and they are hard enough."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from adbudget.errors import InputError
from adbudget.synthetic import (
    Truth,
    World,
    WorldSpec,
    families,
    load_spec,
    load_truth,
    naive_roas_rule,
    noise_families,
    synthesize,
)

DATA = Path(__file__).parents[2] / "data" / "synthetic"
SMALL = WorldSpec(n_accounts=3, n_channels=3, n_periods=30)
LONG = WorldSpec(n_accounts=4, n_channels=2, n_periods=400, season_strength=0.3, trend=0.0)
CURVES = ("saturating", "hill", "power")
SMALL_WORLDS = {
    curve: synthesize(replace(SMALL, curve=curve, carryover=carryover), seed=4)
    for curve, carryover in zip(CURVES, ("geometric", "weibull_delayed", "geometric"), strict=True)
}


@pytest.fixture(scope="module")
def agency() -> World:
    return synthesize(*load_spec(DATA / "agency.truth.json"))


def by_hand(curve: str, weight: list[float], k: list[float], n: list[float]) -> Truth:
    """One account whose cells spend 100 on average and remember nothing."""
    cells = [
        {"account": "a", "channel": f"c{i}", "curve": curve, "weight": w, "scale": 100.0}
        | {"half_saturation": k[i], "exponent": n[i], "drift": 0.0}
        | {"carry_days": 0.0, "carry_shape": 1.0}
        for i, w in enumerate(weight)
    ]
    world = {"carryover": "geometric", "drift_date": "2025-01-06", "period_days": 7.0}
    return Truth.from_params(world | {"currency": "EUR", "value": 1.0, "cells": cells})


def random_feasible_split(current: pd.Series, pull: np.ndarray, change: float) -> pd.Series:
    """Trade between neighbouring cells, inside the bounds, at the same account totals."""
    plan = current.copy()
    for account in current.index.unique(level=0):
        spend, limit = current[account].to_numpy(), change * current[account].to_numpy()
        move = np.zeros(spend.size)
        for i, j, share in zip(range(spend.size - 1), range(1, spend.size), pull, strict=False):
            room = min(limit[i] - abs(move[i]), limit[j] - abs(move[j]))
            move[i] += share * room
            move[j] -= share * room
        plan[account] = spend + move
    return plan


# --- the same seed makes the same world


def test_one_seed_makes_one_world():
    first, second = synthesize(SMALL, seed=5), synthesize(SMALL, seed=5)
    pd.testing.assert_frame_equal(first.spend, second.spend)
    pd.testing.assert_frame_equal(first.outcome, second.outcome)
    assert first.truth.params == second.truth.params


def test_another_seed_makes_another_world():
    assert not synthesize(SMALL, seed=5).outcome.equals(synthesize(SMALL, seed=6).outcome)


@pytest.mark.parametrize(("name", "tables"), [("agency", "all"), ("shop_daily", "wide")])
def test_recorded_seed_makes_the_files_again_byte_by_byte(name, tables, tmp_path):
    world = synthesize(*load_spec(DATA / f"{name}.truth.json"))
    written = world.save(tmp_path, name, tables=tables)
    assert {path.name for path in written} == {path.name for path in DATA.glob(f"{name}*")}
    for path in written:
        assert path.read_bytes() == (DATA / path.name).read_bytes(), path.name


def test_data_files_stay_small():
    assert sum(path.stat().st_size for path in DATA.iterdir()) < 1.5e6


def test_a_world_whose_writing_is_stopped_leaves_no_half_of_a_file(tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("pathlib.Path.replace", stop)
    with pytest.raises(KeyboardInterrupt):
        SMALL_WORLDS["hill"].save(tmp_path, "small")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("curve", CURVES)
def test_truth_and_spec_survive_a_file_exactly(curve, tmp_path):
    world = SMALL_WORLDS[curve]
    path = world.save(tmp_path, "small")[-1]
    assert load_truth(path).params == world.truth.params
    assert load_truth(path).cells.equals(world.truth.cells)
    assert load_spec(path) == (world.spec, world.seed)


# --- the frames


def test_wide_table_holds_what_the_long_tables_hold(agency):
    wide = agency.wide()
    channels = list(agency.spec.channel_names)
    assert list(wide.columns) == ["account", "date", "revenue", *channels]
    long = wide.melt(["account", "date"], channels, "channel", "spend").dropna()
    columns = ["account", "channel", "date", "spend"]
    expected = agency.spend.sort_values(columns[:3], ignore_index=True)
    long = long[columns].sort_values(columns[:3], ignore_index=True)
    pd.testing.assert_frame_equal(long, expected, check_dtype=False)
    pd.testing.assert_frame_equal(wide[["account", "date", "revenue"]], agency.outcome)


@pytest.mark.parametrize("name", sorted(families() | noise_families()))
def test_every_family_makes_usable_frames(name):
    spec = replace((families() | noise_families())[name], n_accounts=6)
    world = synthesize(spec, seed=2)
    lengths = world.outcome.groupby("account").size()
    shortest, longest = spec.period_range
    assert lengths.between(shortest, longest).all()
    assert {lengths.min(), lengths.max()} == {shortest, longest}
    ends = world.outcome.groupby("account")["date"].max()
    assert (ends == world.outcome["date"].max()).all()
    assert not world.spend.duplicated(["account", "channel", "date"]).any()
    if spec.on_share == (1.0, 1.0):
        assert (world.spend["spend"] > 0).all()
    else:
        assert (world.spend["spend"] >= 0).all()
        assert (world.spend.groupby(["account", "channel"])["spend"].max() > 0).all()
    assert np.isfinite(world.outcome[spec.kpi]).all()
    assert (world.outcome[spec.kpi] >= 0).all()


@pytest.mark.parametrize(
    ("period", "dates"),
    [
        ("daily", ["2025-03-30", "2025-03-31"]),
        ("weekly", ["2025-03-24", "2025-03-31"]),
        ("monthly", ["2025-02-01", "2025-03-01"]),
    ],
)
def test_dates_step_by_the_period(period, dates):
    world = synthesize(replace(SMALL, period=period), seed=1)
    last_two = world.outcome["date"].drop_duplicates().sort_values().iloc[-2:]
    assert last_two.dt.strftime("%Y-%m-%d").tolist() == dates


def test_current_is_the_mean_of_the_last_periods_and_zero_once_stopped():
    world = synthesize(replace(SMALL, stopped_share=0.12), seed=1)
    last = world.spend["date"].max()
    ends = world.spend.groupby(["account", "channel"])["date"].max().reindex(world.truth.cells)
    current = world.current(window=2)
    assert (ends < last).sum() == 1
    assert (current[ends < last] == 0).all()
    cell = ends.index[ends == last][0]
    spent = world.spend.set_index(["account", "channel"]).loc[[cell], "spend"]
    assert current[cell] == pytest.approx(spent.iloc[-2:].mean())


def spends(world: World) -> np.ndarray:
    """(cell, period) whether money was spent."""
    paths = world.spend.pivot_table("spend", ["account", "channel"], "date")
    return paths.to_numpy() > 0


def test_channels_in_flights_spend_as_much_of_the_time_as_asked_for_weeks_at_a_time():
    spec = replace(LONG, on_share=(0.4, 0.4), flight_weeks=(2.0, 6.0), n_accounts=8)
    on = spends(synthesize(spec, seed=2))
    assert on.mean() == pytest.approx(0.4, abs=0.03)
    switches = np.diff(on.astype(int), axis=1)
    for path, switch in zip(on, switches, strict=True):
        starts, ends = np.flatnonzero(switch == 1) + 1, np.flatnonzero(switch == -1) + 1
        lengths = ends[ends > starts[0]] - starts[: (ends > starts[0]).sum()]
        assert ((lengths >= 1) & (lengths <= 7)).all()  # 2 to 6 weeks, ends rounded
        gaps = starts[starts > ends[0]] - ends[: (starts > ends[0]).sum()]
        assert ((gaps >= 2) & (gaps <= 10)).all()  # 6 weeks on average, half to half as much again
        assert not path.all()


def test_flights_leave_everything_but_spend_and_outcome_as_it_was():
    usual, flown = (
        synthesize(replace(SMALL, **more), seed=5) for more in ({}, {"on_share": (0.5, 0.5)})
    )
    kept = ("half_saturation", "exponent", "carry_days", "drift")
    for name in kept:
        np.testing.assert_array_equal(getattr(flown.truth, name), getattr(usual.truth, name))
    assert flown.spend.groupby(["account", "channel"])["spend"].mean().to_numpy() == pytest.approx(
        usual.spend.groupby(["account", "channel"])["spend"].mean().to_numpy(), rel=1e-3
    )


def test_a_life_too_short_to_hold_a_flight_is_one_flight():
    spec = replace(SMALL, n_periods=8, on_share=(0.05, 0.05), n_accounts=12)
    on = spends(synthesize(spec, seed=1))
    assert on.any(axis=1).all()


def test_high_returns_are_far_above_what_is_usual():
    spec = families()["high_return"]
    roi = np.concatenate(
        [
            world.truth.roi(pd.Series(world.truth.scale, world.truth.cells)).to_numpy()
            for world in (synthesize(spec, seed) for seed in range(10))
        ]
    )
    low, middle, high = np.quantile(roi, [0.025, 0.5, 0.975])
    assert 8 < low < 30
    assert 40 < middle < 90
    assert 120 < high < 350


def test_first_recorded_weeks_carry_over_from_before():
    quiet = replace(SMALL, n_channels=1, noise=0.0, season_strength=0.0, trend=0.0)
    world = synthesize(replace(quiet, spend_variation=0.0, demand_follow=0.0), seed=1)
    for _, outcome in world.outcome.groupby("account")["revenue"]:
        assert outcome.iloc[0] == pytest.approx(outcome.iloc[-1], rel=1e-3)


def test_baseline_noise_and_roi_are_what_the_spec_says():
    spec = WorldSpec(n_accounts=20, n_channels=4, n_periods=156, spend_variation=0.05, noise=0.05)
    world = synthesize(replace(spec, roi_spread=0.0, season_strength=0.0, trend=0.0), seed=1)
    mean_spend = pd.Series(world.truth.scale, index=world.truth.cells)
    mean_outcome = world.outcome.groupby("account")["revenue"].mean()
    baseline = 1 - world.truth.by_account(mean_spend) / mean_outcome
    assert baseline.between(0.38, 0.72).all()
    assert world.truth.roi(mean_spend).median() == pytest.approx(1.5, rel=0.1)
    relative_sd = world.outcome.groupby("account")["revenue"].std() / mean_outcome
    assert relative_sd.median() == pytest.approx(0.05, rel=0.2)


def test_returns_step_at_the_drift_date():
    steady = replace(SMALL, noise=0.0, season_strength=0.0, trend=0.0, n_periods=80)
    still = replace(steady, spend_variation=0.0, n_channels=1, n_accounts=1, drift=0.5)
    world = synthesize(still, seed=3)
    outcome = world.outcome.set_index("date")["revenue"]
    before, after = outcome.iloc[0], outcome.iloc[-1]
    owed = world.truth.total(world.current())
    assert after - before == pytest.approx(owed * (1 - np.exp(-world.truth.drift[0])), rel=1e-3)
    stepped = outcome[(outcome - before).abs() > abs(after - before) / 2]
    assert str(stepped.index[0].date()) == world.truth.drift_date


# --- noise, counts and what shows of demand


def outcomes(**changes):
    """(account, period) outcome of a long world; one seed makes one noise-free outcome."""
    spec = replace(LONG, **changes)
    frame = synthesize(spec, seed=8).outcome
    return frame[spec.kpi].to_numpy().reshape(spec.n_accounts, -1)


def relative_noise(**changes):
    """(account, period) noise as a share of the account's mean outcome, and the outcome without."""
    quiet = outcomes(noise=0.0)
    mean = quiet.mean(axis=1, keepdims=True)
    return (outcomes(noise=0.05, **changes) - quiet) / mean, quiet / mean


@pytest.mark.parametrize("growth", [0.5, 1.0, 2.0])
def test_variance_of_the_noise_grows_with_that_power_of_the_outcome(growth):
    even, level = relative_noise()
    grown, _ = relative_noise(noise_growth=growth)
    assert even.std() == pytest.approx(0.05, rel=0.05)
    assert level.std() > 0.2
    np.testing.assert_allclose(grown, even * level ** (growth / 2), atol=1e-5)


@pytest.mark.parametrize("keep", [0.0, 0.4, 0.8])
def test_noise_persists_as_asked_and_keeps_its_size(keep):
    noise, _ = relative_noise(noise_persistence=keep)
    lagged = np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())[0, 1]
    assert lagged == pytest.approx(keep, abs=0.07)
    assert noise.std() == pytest.approx(0.05, rel=0.15)


def test_counts_are_whole_and_scatter_as_counts_do():
    few = {"value": 500.0, "kpi": "leads", "noise": 0.0}
    expected, counted = outcomes(**few), outcomes(**few, counts=True)
    assert (counted == np.round(counted)).all()
    standard = (counted - expected) / np.sqrt(expected)
    assert standard.std() == pytest.approx(1, rel=0.05)
    assert abs(standard.mean()) < 0.1


def test_a_demand_index_shows_as_much_of_the_hidden_demand_as_asked():
    hidden = replace(LONG, hidden_demand_share=0.5, n_accounts=12)
    whole, half = (
        synthesize(replace(hidden, demand_signal=share), seed=8).outcome for share in (1.0, 0.5)
    )
    assert list(whole.columns) == ["account", "date", "revenue", "demand_index"]
    r = np.corrcoef(whole["demand_index"], half["demand_index"])[0, 1]
    assert r**2 == pytest.approx(0.5, abs=0.1)
    by_account = whole.groupby("account")[["revenue", "demand_index"]].corr().iloc[0::2, 1]
    assert (by_account > 0.3).all(), "it is demand that the index shows"


@pytest.mark.parametrize(
    "changes",
    [{"demand_signal": 0.5}, {"noise_growth": 2.0}, {"noise_persistence": 0.5}, {"counts": True}],
)
def test_an_option_of_noise_or_signal_leaves_everything_else_as_it_was(changes):
    usual, other = (synthesize(replace(SMALL, **more), seed=5) for more in ({}, changes))
    pd.testing.assert_frame_equal(other.spend, usual.spend)
    assert other.truth.params == usual.truth.params
    if "demand_signal" in changes:
        shown = other.outcome.drop(columns="demand_index")
        pd.testing.assert_frame_equal(shown, usual.outcome)
    else:
        assert list(other.outcome.columns) == list(usual.outcome.columns)


@pytest.mark.parametrize("name", sorted(noise_families()))
def test_a_noisy_world_survives_a_file_exactly(name, tmp_path):
    spec = replace(noise_families()[name], n_accounts=2, n_periods=20)
    world = synthesize(spec, seed=1)
    path = world.save(tmp_path, "noisy")[-1]
    assert load_spec(path) == (spec, 1)
    assert load_truth(path).params == world.truth.params


# --- the truth


def test_saturating_response_by_hand():
    truth = by_hand("saturating", weight=[300.0], k=[2.0], n=[1.0])
    spend = {("a", "c0"): 100.0}  # x = 1: 300 / (1 + 2) = 100, slope 300 * 2 / 9 / 100
    assert truth.total(spend) == pytest.approx(100.0)
    assert truth.roi(spend).item() == pytest.approx(1.0)
    assert truth.marginal(spend).item() == pytest.approx(2 / 3)


@pytest.mark.parametrize("curve", CURVES)
def test_response_is_what_a_constant_spend_settles_at(curve):
    world = SMALL_WORLDS[curve]
    spend = 1.3 * world.current()
    path = world.truth.path(np.repeat(spend.to_numpy()[:, None], 200, axis=1))
    np.testing.assert_allclose(path[:, -1], world.truth.response(spend), rtol=1e-6)


@settings(max_examples=40)
@given(curve=st.sampled_from(CURVES), factor=st.floats(0.01, 5.0))
def test_marginal_is_the_slope_of_response(curve, factor):
    truth = SMALL_WORLDS[curve].truth
    spend = factor * SMALL_WORLDS[curve].current()
    rise = truth.response(spend * (1 + 1e-6)) - truth.response(spend * (1 - 1e-6))
    np.testing.assert_allclose(truth.marginal(spend), rise / (2e-6 * spend), rtol=1e-5)


def test_a_dud_does_nothing_at_any_spend():
    world = synthesize(replace(SMALL, dud_channels=("social",), curve="power"), seed=1)
    for factor in (0.0, 1.0, 10.0):
        spend = factor * world.current()
        for answer in (world.truth.response, world.truth.marginal, world.truth.roi):
            assert (answer(spend).xs("social", level="channel") == 0).all()
    assert world.truth.is_dud(("account_01", "social"))
    assert not world.truth.is_dud(("account_01", "search"))


def test_shares_of_duds_are_exact():
    spec = replace(SMALL, n_accounts=4, n_channels=4, dud_share=0.25, dud_cell_share=0.25)
    truth = synthesize(spec, seed=1).truth
    assert sum(truth.is_dud(cell) for cell in truth.cells) == 4 + 3


# --- the oracle


@settings(max_examples=25)
@given(
    curve=st.sampled_from(CURVES),
    change=st.floats(0.01, 1.0),
    pull=st.lists(st.floats(-1, 1), min_size=2, max_size=2),
)
def test_oracle_beats_every_feasible_split(curve, change, pull):
    truth, current = SMALL_WORLDS[curve].truth, SMALL_WORLDS[curve].current()
    best = truth.optimal(current, change=change)
    other = random_feasible_split(current, np.array(pull), change)
    earned, tried = truth.by_account(best), truth.by_account(other)
    assert (earned >= tried * (1 - 1e-7)).all()


@settings(max_examples=20)
@given(change=st.floats(0.0, 1.0), total=st.sampled_from(["fixed", "at_most", "free"]))
def test_oracle_keeps_bounds_and_totals(change, total):
    world = SMALL_WORLDS["hill"]
    current = world.current()
    best = world.truth.optimal(current, change, total)
    assert ((best - current).abs() <= change * current * (1 + 1e-9) + 1e-6).all()
    extra = (best - current).groupby(level=0).sum() / current.groupby(level=0).sum()
    assert (extra <= 1e-9).all() or total == "free"
    assert (extra >= -1e-9).all() or total != "fixed"


@pytest.mark.parametrize("curve", ["saturating", "power"])
def test_oracle_of_concave_curves_evens_out_the_margins(curve):
    truth, current = SMALL_WORLDS[curve].truth, SMALL_WORLDS[curve].current()
    best = truth.optimal(current, change=0.5)
    slope = truth.marginal(best)
    can_rise, can_fall = best < current * 1.4999, best > current * 0.5001
    for account in current.index.unique(level=0):
        gainers, losers = slope[account][can_rise[account]], slope[account][can_fall[account]]
        if gainers.size and losers.size:
            assert gainers.max() <= losers.min() * (1 + 1e-4)


def test_oracle_of_s_shaped_curves_finds_the_best_hill():
    truth = by_hand("hill", weight=[100.0, 105.0, 90.0], k=[1.4, 1.5, 1.2], n=[2.5, 2.5, 2.0])
    current = pd.Series(100.0, index=truth.cells)
    best = truth.optimal(current, change=1.0)
    tries = [(x, y, 300 - x - y) for x, y in product(range(0, 201, 10), repeat=2)]
    allowed = [pd.Series(plan, index=truth.cells) for plan in tries if 0 <= plan[2] <= 200]
    brute = max(truth.total(plan) for plan in allowed)
    assert truth.total(best) >= brute - 1e-9
    even = truth.total(current)
    assert truth.total(best) > 1.1 * even  # climbing from the even split would not get here


def test_free_total_stops_where_a_unit_earns_itself():
    truth = by_hand("saturating", weight=[450.0], k=[2.0], n=[1.0])
    best = truth.optimal({("a", "c0"): 100.0}, change=1.0, total="free")  # 450*2/(x+2)^2 = 100
    assert best.item() == pytest.approx(100.0, rel=1e-4)
    losing = by_hand("saturating", weight=[30.0], k=[2.0], n=[1.0])
    assert losing.optimal({("a", "c0"): 100.0}, total="at_most").item() == pytest.approx(70.0)


@pytest.mark.parametrize("curve", CURVES)
def test_oracle_captures_all_and_holding_nothing(curve):
    truth, current = SMALL_WORLDS[curve].truth, SMALL_WORLDS[curve].current()
    all_of_it = truth.captured(truth.optimal(current), current)
    assert all_of_it.overall == pytest.approx(1.0)
    assert all_of_it.by_account.to_numpy() == pytest.approx(1.0)
    nothing = truth.captured(current, current)
    assert nothing.overall == 0.0
    assert (nothing.by_account == 0).all()


def test_an_account_of_duds_has_nothing_to_capture():
    world = synthesize(replace(SMALL, dud_share=1.0), seed=1)
    captured = world.truth.captured(world.current(), world.current())
    assert captured.by_account.isna().all()
    assert np.isnan(captured.overall)


# --- the dashboard rule


def test_naive_rule_moves_thirty_percent_at_the_same_total(agency):
    current = agency.current()
    plan = naive_roas_rule(agency.spend, agency.outcome, current)
    totals = plan.groupby(level=0).sum() / current.groupby(level=0).sum()
    assert totals.to_numpy() == pytest.approx(1.0)
    moved = (plan / current - 1).abs()
    assert moved.groupby(level=0).max().to_numpy() == pytest.approx(0.3)


def test_agency_fools_the_naive_rule(agency):
    current = agency.current()
    plan = naive_roas_rule(agency.spend, agency.outcome, current)
    captured = agency.truth.captured(plan, current)
    assert captured.overall < -0.1  # measured -0.33: following the dashboard loses money
    mean_revenue = agency.outcome.groupby("account")["revenue"].mean().sum()
    assert captured.oracle_gain.sum() > 0.02 * mean_revenue  # there is something to win


def test_agency_has_what_real_accounts_have(agency):
    lengths = agency.outcome.groupby("account").size()
    assert (lengths.min(), lengths.max()) == (26, 156)
    first = agency.spend.groupby(["account", "channel"])["date"].agg(["min", "max"])
    begin = agency.outcome.groupby("account")["date"].min()
    starts = first.index.get_level_values(0).map(begin)
    assert (first["min"] > starts).any()
    assert (first["max"] < agency.outcome["date"].max()).sum() == 1
    roi = agency.truth.roi(pd.Series(agency.truth.scale, index=agency.truth.cells))
    assert (roi.xs("display", level="channel") == 0).all()
    assert roi[roi > 0].between(0.5, 4).all()
    weekly = pd.Series(agency.truth.scale, index=agency.truth.cells).groupby(level=0).sum()
    assert weekly.between(1_000, 100_000).all()


# --- what is refused


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"n_accounts": 0}, "n_accounts"),
        ({"n_channels": 2.5}, "n_channels"),
        ({"n_periods": 3}, "n_periods"),
        ({"n_periods": (50, 20)}, "n_periods"),
        ({"n_periods": (20, 30, 40)}, "n_periods"),
        ({"n_periods": "many"}, "n_periods"),
        ({"period": "hourly"}, "period"),
        ({"curve": "linear"}, "curve"),
        ({"carryover": "none"}, "carryover"),
        ({"last_date": "soon"}, "last_date"),
        ({"noise": -0.1}, "noise"),
        ({"noise": float("nan")}, "noise"),
        ({"dud_share": 1.5}, "dud_share"),
        ({"demand_follow": "strongly"}, "demand_follow"),
        ({"hidden_demand_share": 1.0}, "hidden_demand_share"),
        ({"dud_follow": 3.0}, "dud_follow"),
        ({"roi_median": 0.0}, "roi_median"),
        ({"weekly_spend": (100.0, 10.0)}, "weekly_spend"),
        ({"baseline_share": (0.4, 1.0)}, "baseline_share"),
        ({"on_share": (0.0, 0.5)}, "on_share"),
        ({"on_share": (0.8, 1.1)}, "on_share"),
        ({"flight_weeks": (6.0, 2.0)}, "flight_weeks"),
        ({"channels": ("one",)}, "channels"),
        ({"n_channels": 2, "channels": ("one", "one")}, "channels"),
        ({"dud_channels": ("tv",)}, "dud_channels"),
        ({"kpi": "spend"}, "kpi"),
        ({"kpi": "demand_index"}, "kpi"),
        ({"noise_growth": 2.5}, "noise_growth"),
        ({"noise_persistence": 1.0}, "noise_persistence"),
        ({"demand_signal": 1.5}, "demand_signal"),
        ({"counts": 1}, "counts"),
    ],
)
def test_spec_out_of_range_is_refused_by_name(settings, named):
    with pytest.raises(InputError, match=named):
        WorldSpec(**settings)


@pytest.mark.parametrize("seed", [-1, 1.5, None])
def test_seed_must_be_a_whole_number(seed):
    with pytest.raises(InputError, match="seed"):
        synthesize(SMALL, seed=seed)


def test_world_refuses_an_empty_window_and_unknown_tables(tmp_path):
    with pytest.raises(InputError, match="window"):
        SMALL_WORLDS["hill"].current(window=0)
    with pytest.raises(InputError, match="tables"):
        SMALL_WORLDS["hill"].save(tmp_path, "small", tables="both")


def test_unknown_setting_in_a_file_is_refused():
    with pytest.raises(InputError, match="colour"):
        WorldSpec.from_dict({"colour": "blue"})


def test_a_file_that_is_no_truth_is_refused(tmp_path):
    (tmp_path / "other.json").write_text("[1, 2]")
    with pytest.raises(InputError, match=r"truth\.json"):
        load_truth(tmp_path / "other.json")
    with pytest.raises(InputError, match="cannot be read"):
        load_spec(tmp_path / "missing.json")


def test_spend_must_name_every_cell_once_and_be_money():
    truth, current = SMALL_WORLDS["hill"].truth, SMALL_WORLDS["hill"].current()
    with pytest.raises(InputError, match="missing"):
        truth.response(current.iloc[1:])
    with pytest.raises(InputError, match="each cell once"):
        truth.response(pd.concat([current, current]))
    with pytest.raises(InputError, match=">= 0"):
        truth.response(-current)
    with pytest.raises(InputError, match="no cell"):
        truth.is_dud(("nobody", "search"))


def test_captured_refuses_a_plan_the_oracle_may_not_make():
    truth, current = SMALL_WORLDS["hill"].truth, SMALL_WORLDS["hill"].current()
    with pytest.raises(InputError, match="more than"):
        truth.captured(current * 1.5, current)
    with pytest.raises(InputError, match="total"):
        truth.captured(current * 1.1, current)
    assert truth.captured(current * 1.1, current, total="free").gain.notna().all()
    assert truth.captured(current * 0.9, current, total="at_most").gain.notna().all()
    with pytest.raises(InputError, match="change"):
        truth.optimal(current, change=2.0)
    with pytest.raises(InputError, match="total"):
        truth.optimal(current, total="half")


def test_naive_rule_refuses_what_it_cannot_use(agency):
    current = agency.current()
    with pytest.raises(InputError, match="change"):
        naive_roas_rule(agency.spend, agency.outcome, current, change=1.5)
    with pytest.raises(InputError, match="one column"):
        naive_roas_rule(agency.spend, agency.outcome.assign(leads=1), current)
