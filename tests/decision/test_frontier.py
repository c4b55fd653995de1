"""What other bars would call, and what is left on the table for want of knowledge."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from adbudget.decision.decisions import decide
from adbudget.errors import InputError
from adbudget.optimizer import optimize
from adbudget.plan import Limits
from adbudget.risk import Risk
from tests.optimizer.hand_made import hand_made, random_world, spend_of

FIXED, MEAN_ONLY = Limits(total="fixed"), Risk(aversion=0.0)
few = settings(max_examples=15)


def coin(n_heads, n_draws):
    """Either channel may be the good one: the first in so many draws."""
    draws = hand_made([[[400.0, 20.0]]] * n_heads + [[[20.0, 400.0]]] * (n_draws - n_heads))
    return optimize(draws, spend_of(draws, 100, 100), FIXED, MEAN_ONLY)


def test_regret_of_a_fair_coin_is_what_knowing_its_side_would_earn():
    # Whichever channel is good, moving 30 to it earns 400 (130/230 - 1/2) - 20 (1/2 - 70/170).
    gain = 400 * (130 / 230 - 0.5) - 20 * (0.5 - 70 / 170)
    decisions = decide(coin(10, 20))
    assert decisions.proposal.holds
    assert decisions.expected_regret == pytest.approx(gain, rel=1e-5)


def test_who_knows_everything_and_acts_on_it_regrets_nothing():
    decisions = decide(coin(20, 20))
    assert not decisions.proposal.holds
    assert decisions.expected_regret == pytest.approx(0, abs=1e-4)


@few
@given(st.integers(0, 10_000), st.sampled_from([FIXED, Limits(), Limits(pool="currency")]))
def test_no_plan_beats_hindsight(seed, limits):
    draws, today = random_world(seed)
    decisions = decide(optimize(draws, today, limits))
    best = decisions.considered.best_in_hindsight(np.arange(draws.n_draws)).sum(axis=1)
    value = decisions.considered.value.to_numpy()
    assert (best >= value - 1e-5 * today.sum()).all()
    assert decisions.expected_regret >= -1e-5 * today.sum()


@few
@given(st.integers(0, 10_000))
def test_hindsight_of_one_draw_is_the_best_plan_of_a_world_that_is_this_draw(seed):
    draws, today = random_world(seed)
    proposal = optimize(draws, today, FIXED)
    best = proposal.best_in_hindsight(np.array([3, 17]))
    for row, draw in zip(best, (3, 17), strict=True):
        alone = optimize(draws.isel([draw]), today, FIXED, MEAN_ONLY)
        earned = alone.value_by_account.to_numpy()[0]
        np.testing.assert_allclose(row, earned, atol=1e-4 * today.sum())


def test_regret_is_by_currency_where_there_are_several():
    weights = np.tile([[400.0, 20.0], [400.0, 20.0]], (20, 1, 1))
    draws = hand_made(weights, currency=("EUR", "USD"))
    held = Limits(total="fixed", fixed=(("account 1", "channel 0"),))
    today = spend_of(draws, 100, 100, 100, 100)
    regret = decide(optimize(draws, today, held)).expected_regret
    assert regret.index.tolist() == ["EUR", "USD"]
    np.testing.assert_allclose(regret, 0, atol=1e-4)


def test_the_frontier_shows_that_a_lower_bar_buys_gain_with_wrong_calls():
    decisions = decide(coin(70, 100))
    table = decisions.frontier((0.8, 0.6)).set_index("prob")
    assert table["calls"].tolist() == [2, 0]
    assert table.loc[0.6, "expected_wrong_share"] == pytest.approx(0.3)
    up, down = 400 * (130 / 230 - 0.5), 20 * (0.5 - 70 / 170)
    right = up - down
    wrong = 20 * (130 / 230 - 0.5) - 400 * (0.5 - 70 / 170)
    assert table.loc[0.6, "expected_gain"] == pytest.approx(0.7 * right + 0.3 * wrong, rel=1e-5)
    assert table.loc[0.6, "worst_tenth"] == pytest.approx(wrong, rel=1e-5)
    assert table.loc[0.6, "moved"] == pytest.approx(60, rel=1e-5)
    assert (table.loc[0.8, ["expected_gain", "moved"]] == 0).all()


@few
@given(st.integers(0, 10_000))
def test_no_list_is_wrong_more_often_than_its_bar_allows(seed):
    draws, today = random_world(seed)
    table = decide(optimize(draws, today, FIXED)).frontier((0.5, 0.7, 0.9))
    assert (table["expected_wrong_share"] <= 1 - table["prob"] + 1e-9).all()


def test_a_bar_below_a_coin_flip_is_refused():
    with pytest.raises(InputError, match="prob must be between"):
        decide(coin(70, 100)).frontier((0.4,))
