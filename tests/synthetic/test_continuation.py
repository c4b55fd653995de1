"""Facts about worlds that go on: spend changes what it earns, and nothing else."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from adbudget.errors import InputError
from adbudget.synthetic import WorldSpec, continue_world, families, noise_families, synthesize

SPEC = WorldSpec(n_accounts=3, n_channels=2, n_periods=60)
QUIET = replace(SPEC, noise=0.0, trend=0.0)
KINDS = families() | noise_families()
N_CELLS = 6


def small(name: str) -> WorldSpec:
    return replace(KINDS[name], n_accounts=3, n_channels=2)


def of_history(spec: WorldSpec, seed: int, n_periods: int) -> np.ndarray:
    """(cell, period) mean spend of the history, repeated."""
    world = continue_world(spec, seed)
    return np.repeat(world.truth.scale[:, None], n_periods, axis=1)


# --- the history stays what it was


@pytest.mark.parametrize("name", ["assumed", "misspecified", "counts", "persistent"])
def test_a_continuation_starts_from_the_same_history(name):
    world, history = synthesize(small(name), seed=3), continue_world(small(name), 3).history
    recorded = history.population.recorded(history.demand.dates.size)
    kpi = world.spec.kpi
    np.testing.assert_array_equal(world.outcome[kpi], history.outcome[recorded])
    assert world.truth.params == history.truth.params


def test_carry_over_is_the_path_of_all_spend_since_the_beginning():
    for carryover in ("geometric", "weibull_delayed"):
        world = continue_world(replace(SPEC, carryover=carryover), 7)
        spend = np.random.default_rng(0).uniform(0, 2, (N_CELLS, 20)) * world.truth.scale[:, None]
        brought = world.advance(spend)[1]
        past = world.history.spend[world.history.population.used]
        whole = world.truth.path(np.concatenate([past, spend], axis=1))
        np.testing.assert_allclose(brought.owed, whole[:, -20:], rtol=1e-12)


# --- laws of going on


@given(
    name=st.sampled_from(sorted(KINDS)),
    period=st.sampled_from(["daily", "weekly", "monthly"]),
    cut=st.integers(1, 11),
    seed=st.integers(0, 5),
)
@settings(max_examples=30)
def test_two_steps_are_one(name, period, cut, seed):
    spec = replace(small(name), period=period, n_periods=12)
    world = continue_world(spec, seed)
    n_cells = len(world.truth.cells)
    spend = np.random.default_rng(seed).uniform(0, 3, (n_cells, 12)) * world.truth.scale[:, None]
    at_once = world.advance(spend)[1]
    between, first = world.advance(spend[:, :cut])
    second = between.advance(spend[:, cut:])[1]
    for part in ("owed", "base", "outcome"):
        halves = [getattr(each, part) for each in (first, second)]
        np.testing.assert_allclose(
            np.concatenate(halves, axis=1), getattr(at_once, part), rtol=1e-9, atol=1e-9
        )
    assert [*first.ahead.dates, *second.ahead.dates] == list(at_once.ahead.dates)


@given(name=st.sampled_from(sorted(KINDS)), factor=st.floats(0, 4), seed=st.integers(0, 5))
@settings(max_examples=30)
def test_nothing_but_media_depends_on_spend(name, factor, seed):
    world = continue_world(small(name), seed)
    spend = np.repeat(world.truth.scale[:, None], 9, axis=1)
    first, second = world.advance(spend)[1], world.advance(factor * spend)[1]
    np.testing.assert_allclose(first.base, second.base, rtol=1e-9)
    for name in ("log_demand", "tracked", "signal", "noise", "luck"):
        np.testing.assert_array_equal(getattr(first.ahead, name), getattr(second.ahead, name))


@given(seed=st.integers(0, 8), factor=st.floats(1, 3))
@settings(max_examples=20)
def test_even_noise_cancels_between_two_plans(seed, factor):
    world = continue_world(SPEC, seed)
    spend = of_history(SPEC, seed, 10)
    more, less = world.advance(factor * spend)[1], world.advance(spend)[1]
    owed = more.owed - less.owed
    by_account = owed.reshape(3, 2, 10).sum(axis=1)
    np.testing.assert_allclose(more.outcome - less.outcome, by_account, atol=0.011)


def test_more_spend_never_brings_less_even_in_counts():
    spec = small("counts")
    world = continue_world(spec, 1)
    spend = of_history(spec, 1, 30)
    more, less = world.advance(2 * spend)[1], world.advance(spend)[1]
    assert (more.outcome >= less.outcome).all()
    assert (more.outcome > less.outcome).any()


def test_efficiency_scales_what_advertising_brings_and_nothing_else():
    world = continue_world(QUIET, 2)
    spend = of_history(QUIET, 2, 4)
    half = world.advance(spend, efficiency=np.full(spend.shape, 0.5))[1]
    whole = world.advance(spend)[1]
    np.testing.assert_allclose(half.owed, whole.owed / 2)
    np.testing.assert_allclose(half.base, whole.base)


# --- the same laws as in the history


def test_the_season_comes_back_every_year():
    spec = replace(QUIET, period="daily", n_periods=730, last_date="2025-12-31")
    world = continue_world(spec, 4)
    next_year = world.ahead(365).log_demand
    dates = world.history.demand.dates
    season = world.history.demand.log_demand[:, dates.year == 2025]
    weekdays = world.history.demand.season.weekdays * world.history.demand.season.strength
    of_2025 = weekdays[:, dates[dates.year == 2025].day_of_week]
    of_2026 = weekdays[:, world.ahead(365).dates.day_of_week]
    np.testing.assert_allclose(next_year - of_2026, season - of_2025, atol=1e-9)


def test_growth_goes_on_where_the_history_left_off():
    spec = replace(QUIET, growth=0.5, season_strength=0.0)
    world = continue_world(spec, 4)
    history = world.history.demand.log_demand
    whole = np.concatenate([history, world.ahead(52).log_demand], axis=1)
    np.testing.assert_allclose(np.diff(whole), 0.5 * 7 / 365.25, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "keep"), [("assumed", 0.0), ("heavy_tailed", 0.0), ("persistent", 0.7)]
)
def test_noise_is_as_wide_and_as_persistent_as_in_the_history(name, keep):
    spec = replace(KINDS[name], n_accounts=40, n_channels=1, n_periods=60)
    noise = continue_world(spec, 5).ahead(200).noise
    if name != "heavy_tailed":  # two degrees of freedom have no variance
        assert noise.std() == pytest.approx(1.0, abs=0.03)
    assert np.quantile(np.abs(noise), 0.5) == pytest.approx(
        np.quantile(np.abs(continue_world(spec, 5).history.noise), 0.5), rel=0.07
    )
    pairs = np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())[0, 1]
    assert pairs == pytest.approx(keep, abs=0.05)


def test_hidden_demand_neither_fades_nor_explodes():
    spec = replace(KINDS["confounded"], n_accounts=60, n_channels=1)
    world = continue_world(spec, 6).advance(np.zeros((60, 300)))[0]
    assert world.hidden.std() == pytest.approx(1.0, abs=0.25)


def test_as_many_outliers_come_as_were_asked_for():
    spec = replace(KINDS["outliers"], n_accounts=50, n_channels=1, outlier_share=0.1)
    calm = replace(spec, outlier_share=0.0)
    ahead, usual = continue_world(spec, 1).ahead(208), continue_world(calm, 1).ahead(208)
    lost = float((ahead.tracked < 1).mean())
    spikes = ahead.log_demand - ahead.log_demand.mean() - usual.log_demand + usual.log_demand.mean()
    assert lost == pytest.approx(0.05, abs=0.01)
    assert float((spikes > 0.2).mean()) == pytest.approx(0.05, abs=0.015)


def test_spend_as_in_the_history_earns_as_in_the_history():
    spec = replace(QUIET, spend_variation=0.0, demand_follow=0.0, season_strength=0.0)
    world = synthesize(spec, seed=8)
    after = world.continued(world.current(), n_periods=10)
    last, first = (after.outcome[spec.kpi][after.outcome["date"] == d] for d in _edge(world, after))
    np.testing.assert_allclose(first, last, rtol=1e-3)


def _edge(world, after) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Last date of a world, and the first after it."""
    last = world.outcome["date"].max()
    return last, after.outcome["date"][after.outcome["date"] > last].min()


# --- worlds as frames


def test_a_continued_world_can_be_continued_again():
    world = synthesize(SPEC, seed=9)
    now = world.current()
    at_once = world.continued(now, n_periods=6)
    in_steps = world.continued(now, n_periods=2).continued(now, n_periods=4)
    pd.testing.assert_frame_equal(at_once.spend, in_steps.spend)
    pd.testing.assert_frame_equal(at_once.outcome, in_steps.outcome)
    assert len(at_once.outcome) == len(world.outcome) + 3 * 6


def test_a_frame_of_spend_says_the_same_as_a_plan():
    world = synthesize(SPEC, seed=9)
    planned = world.continued(world.current(), n_periods=3)
    rows = planned.spend[planned.spend["date"] > world.spend["date"].max()]
    shuffled = rows.sample(frac=1.0, random_state=1)
    pd.testing.assert_frame_equal(world.continued(shuffled).outcome, planned.outcome)


def test_signal_columns_go_on():
    world = synthesize(small("confounded"), seed=9)
    assert world.continued(world.current(), n_periods=3).outcome["demand_index"].notna().all()


@pytest.mark.parametrize("wrong", ["gap", "half", "unknown", "negative", "periods"])
def test_spend_that_is_not_whole_is_refused(wrong):
    world = synthesize(SPEC, seed=9)
    planned = world.continued(world.current(), n_periods=3)
    rows = planned.spend[planned.spend["date"] > world.spend["date"].max()].copy()
    if wrong == "gap":
        rows["date"] += pd.Timedelta(days=7)
    elif wrong == "half":
        rows = rows.iloc[1:]
    elif wrong == "unknown":
        rows["channel"] = rows["channel"] + "x"
    elif wrong == "negative":
        rows.loc[rows.index[0], "spend"] = -1.0
    with pytest.raises(InputError):
        world.continued(world.current() if wrong == "periods" else rows)
