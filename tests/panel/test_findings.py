"""What a panel cannot teach is found, named, and not found where it is not."""

import numpy as np
import pandas as pd
import pytest

import adbudget as ab
from adbudget.panel.findings import Alarms, caveats, check_identification
from adbudget.panel.variation import spend_statistics
from adbudget.synthetic import WorldSpec, synthesize

N = 104
DATES = pd.date_range("2023-01-02", periods=N, freq="7D")
SEASON = np.cos(2 * np.pi * DATES.day_of_year.to_numpy() / 365.25)


def rng():
    return np.random.default_rng(3)


def noise(size=0.3, seed=3):
    return np.exp(np.random.default_rng(seed).normal(0, size, N))


def panel_of(revenue=None, account="shop", **spend):
    """One account, one column of spend per channel."""
    revenue = 1000 + 100 * rng().normal(size=N) if revenue is None else revenue
    table = pd.DataFrame({"account": account, "date": DATES, "revenue": revenue} | spend)
    return ab.read_panel(table, channels=list(spend))


def kinds(panel, **alarms):
    return {
        (finding.kind, finding.channels)
        for finding in check_identification(panel, Alarms(**alarms))
    }


def test_spends_that_move_by_themselves_raise_no_alarm():
    panel = panel_of(a=100 * noise(seed=1), b=50 * noise(seed=2), c=10 * noise(seed=3))
    assert check_identification(panel) == ()
    table = spend_statistics(panel)
    assert (table.calendar_r2 < 0.3).all()
    assert (table.outcome_r2 < 0.3).all()
    assert (table.vif < 1.5).all()


@pytest.mark.parametrize("spec", [WorldSpec(), WorldSpec(noise=0.25), WorldSpec(n_periods=40)])
def test_worlds_whose_buyers_play_with_their_spend_raise_next_to_no_alarm(spec):
    found = [
        finding
        for seed in range(3)
        for world in [synthesize(spec, seed)]
        for finding in check_identification(ab.read_panel(world.spend, world.outcome))
    ]
    assert len(found) <= 2, "of 96 cells"


def test_a_spend_that_never_varied_is_named_with_its_size():
    panel = panel_of(a=np.full(N, 100.0), b=50 * noise(), c=100 + 2 * np.sin(np.arange(N)))
    still, barely = check_identification(panel)
    assert (still.kind, still.cells) == ("never_varied", (("shop", "a"),))
    assert still.message == (
        "shop/a: its spend never varied (standard deviation 0.0% of its mean), so its curve is "
        "assumed, not seen."
    )
    assert barely.value == pytest.approx(np.sqrt(2) / 100, rel=0.02)
    assert barely.message.startswith(
        "shop/c: its spend hardly ever varied (standard deviation 1.4%"
    )
    assert still.limit == 0.05


def test_a_spend_that_is_season_and_trend_cannot_be_told_from_them():
    follower = 100 * np.exp(0.5 * SEASON + np.linspace(0, 0.3, N)) * noise(0.05)
    (found,) = check_identification(panel_of(a=follower, b=50 * noise(seed=2)))
    assert (found.kind, found.channels, found.statistic) == (
        "follows_calendar",
        ("a",),
        "calendar_r2",
    )
    assert found.value > 0.9
    assert f"trend, season and controls explain {found.value:.0%} of its spend" in found.message


def test_a_spend_that_follows_a_control_cannot_be_told_from_it():
    promotion = (rng().random(N) < 0.2).astype(float)
    table = pd.DataFrame({"date": DATES, "promotion": promotion, "b": 50 * noise(seed=2)})
    table["a"] = 100 * np.exp(promotion) * noise(0.05)
    table["revenue"] = 1000 + 200 * promotion + 50 * rng().normal(size=N)
    without = ab.read_panel(table.drop(columns="promotion"), channels=["a", "b"])
    assert check_identification(without) == ()
    with_it = ab.read_panel(table, channels=["a", "b"], controls=["promotion"])
    assert kinds(with_it) == {("follows_calendar", ("a",))}


def budget_rule(window, seed=0):
    """Demand wanders; spend is a tenth of the mean outcome of the periods before."""
    chance = np.random.default_rng(seed)
    demand = np.empty(N)
    demand[0] = 0.0
    for t in range(1, N):
        demand[t] = 0.6 * demand[t - 1] + chance.normal(0, 0.2)
    revenue = 1000 * np.exp(demand)
    before = np.concatenate([np.full(window, revenue[0]), revenue])
    rule = np.array([before[t : t + window].mean() for t in range(N)])
    return revenue, 0.1 * rule * np.exp(chance.normal(0, 0.05, N))


@pytest.mark.parametrize("window", [1, 4])
def test_a_budget_set_from_past_revenue_follows_demand(window):
    revenue, spend = budget_rule(window)
    (found,) = check_identification(panel_of(revenue, a=spend, b=50 * noise(seed=9)))
    assert (found.kind, found.channels) == ("follows_outcome", ("a",))
    assert found.value > 0.7
    assert "demand can pass for its effect" in found.caveat


def test_an_outcome_that_follows_spend_is_no_rule_of_budgets():
    chance = np.random.default_rng(5)
    level = np.empty(N)
    level[0] = 0.0
    for t in range(1, N):  # persistent spend with a large effect
        level[t] = 0.8 * level[t - 1] + chance.normal(0, 0.3)
    spend = 100 * np.exp(level)
    revenue = 500 + 5 * spend + chance.normal(0, 20, N)
    assert check_identification(panel_of(revenue, a=spend, b=50 * noise(seed=9))) == ()


def test_two_channels_that_move_together_are_named():
    a = 100 * noise(seed=1)
    (found,) = check_identification(panel_of(a=a, b=0.4 * a * noise(0.05), c=10 * noise(seed=2)))
    assert (found.kind, found.channels) == ("move_together", ("a", "b"))
    assert found.value > 0.95
    assert found.message == (
        f"shop: channels a and b move together (correlation {found.value:.2f}), so their effects "
        "can hardly be told apart."
    )
    assert found.caveat.startswith("Channels a and b move together")
    assert set(caveats([found])) == {("shop", "a"), ("shop", "b")}


def test_channels_that_take_money_from_each_other_move_opposite():
    share = 0.5 + 0.3 * np.sin(np.arange(N) * 1.7)
    (found,) = check_identification(panel_of(a=100 * share, b=100 * (1 - share)))
    assert found.value < -0.9
    assert "a and b move opposite to each other (correlation -0.9" in found.message


def test_a_common_season_alone_does_not_make_two_channels_one():
    season = np.exp(0.5 * SEASON)
    panel = panel_of(a=100 * season * noise(seed=1), b=50 * season * noise(seed=2))
    assert "move_together" not in {kind for kind, _ in kinds(panel)}
    raw = np.corrcoef(panel.spend[0])[0, 1]
    left = spend_statistics(panel).correlation.abs().max()
    assert left < 0.3 < raw


def test_three_channels_in_step_are_one_finding():
    a = 100 * noise(seed=1)
    panel = panel_of(a=a, b=0.4 * a * noise(0.04, 5), c=2 * a * noise(0.04, 6), d=9 * noise(seed=2))
    assert kinds(panel) == {("move_together", ("a", "b", "c"))}


def test_a_channel_that_is_a_mixture_of_others_is_found_without_a_pair():
    parts = {name: 100 * noise(0.3, seed) for seed, name in enumerate("abcd")}
    mixture = np.exp(np.mean([np.log(part) for part in parts.values()], axis=0)) * noise(0.02, 8)
    panel = panel_of(**parts, e=mixture)
    found = {finding.channels[0]: finding for finding in check_identification(panel)}
    assert {finding.kind for finding in found.values()} == {"moves_with_others"}
    assert found["e"].value > 10
    assert spend_statistics(panel).correlation.abs().max() < 0.9


def test_an_exact_copy_has_infinite_inflation_and_a_finding_that_names_it():
    a = 100 * noise(seed=1)
    panel = panel_of(a=a, b=2 * a)
    assert np.isinf(spend_statistics(panel).vif).all()
    assert kinds(panel) == {("move_together", ("a", "b"))}


def test_a_history_that_is_too_short_says_nothing_rather_than_something():
    table = pd.DataFrame({"date": DATES[:9], "revenue": 100.0 + np.arange(9), "a": noise()[:9]})
    panel = ab.read_panel(table, channels=["a"])
    statistics = spend_statistics(panel).iloc[0]
    assert np.isnan(statistics.calendar_r2)
    assert np.isnan(statistics.outcome_r2)
    assert check_identification(panel) == ()


def test_the_unit_of_money_does_not_matter():
    spend = {"a": 100 * noise(seed=1), "b": 50 * noise(seed=2)}
    one = spend_statistics(panel_of(**spend))
    other = spend_statistics(panel_of(**{name: 128 * path for name, path in spend.items()}))
    pd.testing.assert_frame_equal(one, other)


def test_masked_outcomes_and_daily_gaps_leave_a_statistic():
    days = pd.date_range("2024-01-01", periods=300)
    week = days.day_of_week < 5
    table = pd.DataFrame({"date": days[week], "revenue": 100 + rng().normal(size=week.sum())})
    table["a"] = 10 * np.exp(rng().normal(0, 0.3, week.sum()))
    panel = ab.read_panel(table, channels=["a"], missing_spend="zero", freq="daily")
    assert np.isfinite(spend_statistics(panel).outcome_r2).all()


@pytest.mark.parametrize("wrong", [{"vif": 0.0}, {"calendar_r2": 1.5}, {"correlation": "high"}])
def test_alarms_out_of_range_are_refused(wrong):
    (name,) = wrong
    with pytest.raises(ab.InputError, match=rf"Alarms\.{name} must be above 0"):
        Alarms(**wrong)
