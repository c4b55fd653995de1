"""Worlds and arms of the bandit study: numbers that can be worked out on paper, and short runs."""

from itertools import product

import numpy as np
import pytest

from benchmarks.bandit.arms import ARMS, Frozen, Seen, equal, roas_rule
from benchmarks.bandit.gaussian import Kernel, believe, covariance, fit_kernel
from benchmarks.bandit.ours import Ours, tables
from benchmarks.bandit.report import regret, regret_after_breaks, share
from benchmarks.bandit.run import breaks, run_arm
from benchmarks.bandit.split import best_split, whole_levels
from benchmarks.bandit.worlds import N_LEVELS, WARM_UP, WORLDS, make_world

QUICK = [arm for arm in ARMS if arm != "ours"]


def seen_of(spend, outcome, levels, *, changing=False) -> Seen:
    """One account's rounds as an arm sees them."""
    return Seen(
        budget=np.full(1, 10.0),
        changing=changing,
        late=False,
        levels=np.array(levels),
        spend=np.array(spend, float),
        outcome=np.array(outcome, float),
    )


def test_the_knapsack_finds_what_trying_every_split_finds():
    worth = np.random.default_rng(0).normal(size=(2, 3, 7))
    worth[..., 0] = 0.0
    for a, split in enumerate(best_split(worth)):
        tried = [one for one in product(range(7), repeat=3) if sum(one) <= 6]
        best = max(tried, key=lambda one: sum(worth[a, k, n] for k, n in enumerate(one)))
        assert tuple(split) == best


def test_a_knapsack_that_must_spend_all_takes_the_least_bad_levels():
    worth = -np.arange(5.0) * np.array([[1.0], [3.0]])
    assert best_split(worth[None], spend_all=True).tolist() == [[4, 0]]
    assert best_split(worth[None]).tolist() == [[0, 0]]


def test_shares_become_whole_levels_by_largest_remainders():
    assert whole_levels(np.array([[0.5, 0.27, 0.23]]), 10).tolist() == [[5, 3, 2]]
    assert whole_levels(np.ones((1, 3)), 50).sum() == 50


def test_two_root_curves_are_split_by_the_squares_of_their_scales():
    # max 2 sqrt(x) + sqrt(1 - x) has x = 4 / 5.
    levels = np.arange(N_LEVELS + 1) / N_LEVELS
    worth = np.array([2.0, 1.0])[:, None] * np.sqrt(levels)
    assert best_split(worth[None]).tolist() == [[40, 10]]


@pytest.mark.parametrize("name", WORLDS)
def test_a_world_is_the_same_for_every_arm_and_none_beats_its_oracle(name):
    world, again = make_world(name, 3, 4), make_world(name, 3, 4)
    split = whole_levels(np.ones(world.shape), N_LEVELS)
    t = WARM_UP + 2
    for first, second in zip(world.happen(t, split), again.happen(t, split), strict=True):
        np.testing.assert_array_equal(first, second)
    assert world.expected(t, split).sum() <= world.oracle(t) + 1e-9
    assert (world.first.sum(axis=2) == N_LEVELS).all()


def test_clicks_of_the_monthly_world_are_a_power_of_what_was_spent():
    world = make_world("sony", 1, 61)
    split = whole_levels(np.ones(world.shape), N_LEVELS)
    spend, outcome = world.happen(WARM_UP, split)
    factor = world.spend_factor
    assert factor.min() >= 0
    assert factor.max() <= 2
    assert factor.std() == pytest.approx(0.3, abs=0.02)
    clicks = outcome - world.noise[WARM_UP]
    doubled = world.curve(2 * spend, 0) / clicks
    assert ((doubled > 2**0.1) & (doubled < 2**0.9)).all()
    assert world.breaks == (WARM_UP + 30, WARM_UP + 60)


def test_exponents_of_the_power_world_lie_between_a_hundredth_and_one():
    curve = make_world("ge power", 2, 3).curve
    shape = (5, 5)
    slope = np.log(curve(np.full(shape, 4e6), 0) / curve(np.full(shape, 1e6), 0)) / np.log(4)
    assert slope.min() > 0.005
    assert slope.max() < 1.0


def test_curves_of_the_linear_world_are_neither_smooth_nor_rising():
    table = make_world("ge linear", 0, 3).table(WARM_UP)
    assert (table[..., 0] == 0).all()
    assert (table >= 0).all()
    assert (np.diff(table, axis=2) < 0).any()
    assert (np.diff(table, axis=2) > 0).any()


def test_all_of_a_late_outcome_comes_in_in_the_end():
    world = make_world("delayed", 0, 40)
    outcomes = np.zeros((48, *world.shape))
    outcomes[0] = 7.0
    steady = world.arrived(np.broadcast_to(world.expected(0, world.first[0]), outcomes.shape))
    np.testing.assert_allclose(steady, world.expected(0, world.first[0]) + 0 * outcomes)
    alone = world.arrived(outcomes) - world.arrived(np.zeros_like(outcomes))
    np.testing.assert_allclose(alone.sum(axis=0), 7.0)
    assert world.delay[0] / world.delay[3] == pytest.approx(2.0)


def test_halfway_through_the_drifting_world_the_best_line_and_the_worst_change_places():
    world = make_world("drift", 0, 60)
    much = np.full(world.shape, 1e9)
    before = (world.level[WARM_UP] * world.curve(much, 0)).mean(axis=0)
    after = (world.level[WARM_UP + 30] * world.curve(much, 0)).mean(axis=0)
    assert np.argmax(before) == np.argmin(after)
    assert np.argmin(before) == np.argmax(after)


def test_a_gaussian_process_with_one_row_is_what_it_is_on_paper():
    # One line, one row at u = 1 with noise r: mean at 1 is k / (k + r) of the outcome.
    kernel = Kernel(length=1.0, straight=1.0, noise=np.array([0.5]))
    one = np.ones((1, 1, 1))
    belief = believe(one, np.full((1, 1), 3.0), np.ones(1), kernel, np.ones(1))
    k = 1 + 1 - np.exp(-1)
    assert covariance(np.ones(1), np.ones(1), 1.0, 1.0)[0, 0] == pytest.approx(k)
    assert belief.mean[0, 0] == pytest.approx(3 * k / (k + 0.5), rel=1e-4)


def test_a_gaussian_process_tells_two_curves_apart_from_their_sum():
    rng = np.random.default_rng(1)
    u = np.sqrt(rng.dirichlet(np.ones(2), 60))[None]
    y = (u @ np.array([4.0, 1.0])) + rng.normal(0, 0.05, (1, 60))
    _, kernel = fit_kernel(u, y, np.ones(60))
    belief = believe(u, y, np.ones(60), kernel, np.array([0.5, 1.0]))
    np.testing.assert_allclose(belief.mean[0], [2.0, 4.0, 0.5, 1.0], atol=0.25)
    assert (belief.deviation < 0.5).all()


def test_the_rule_moves_a_tenth_to_the_line_that_returned_more():
    seen = seen_of([[[5, 5]]], [[[9, 1]]], [[[25, 25]]])
    assert roas_rule(seen).tolist() == [[28, 22]]
    assert equal(seen).tolist() == [[25, 25]]
    assert Frozen().decide(seen).tolist() == [[25, 25]]


@pytest.mark.parametrize("arm", QUICK)
def test_no_arm_spends_more_than_its_budgets(arm):
    figures = run_arm(make_world("drift", 1, 6), arm)
    assert figures["violations"] == 0
    assert len(figures["reward"]) == 6


def test_what_breaks_a_budget_is_counted():
    assert breaks(np.array([[25, 25], [26, 25], [-1, 3]])) == 2


def test_regret_is_counted_in_rounds_of_the_best_split():
    run = {"reward": [1.0, 2.0, 2.0], "oracle": [2.0, 2.0, 2.0], "breaks": [1]}
    assert regret(run) == pytest.approx(0.5)
    assert regret_after_breaks(run) == 0.0
    assert share(run, 0, 1) == 0.5


def test_rows_go_to_the_library_as_days_of_accounts_and_channels():
    seen = seen_of([[[4, 6]], [[5, 5]]], [[[1, 2]], [[3, 4]]], [[[20, 30]], [[25, 25]]])
    spend, outcome = tables(seen)
    assert spend["spend"].tolist() == [4.0, 6.0, 5.0, 5.0]
    assert spend["channel"].tolist() == ["l00", "l01"] * 2
    assert outcome["account"].tolist() == ["c00"] * 2
    # Ten outcomes for a spend of twenty: each is worth two.
    assert outcome["revenue"].tolist() == [6.0, 14.0]


def test_where_the_library_cannot_read_the_rows_what_stands_is_kept():
    seen = seen_of([[[4, 6]], [[5, 5]]], [[[1, 2]], [[3, 4]]], [[[20, 30]], [[24, 26]]])
    arm = Ours(rng=np.random.default_rng(0), seed=0)
    assert arm.decide(seen).tolist() == [[24, 26]]
    assert arm.notes["refused"] == 1
