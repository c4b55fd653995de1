"""How much of a return must be spurious before a decision changes."""

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays

from adbudget.decision.sensitivity import flip_of_hold, flip_of_move

draws = arrays(float, 25, elements=st.floats(-100, 100).map(lambda x: round(x, 3)))
sizes = arrays(float, 25, elements=st.floats(0.01, 100))
bars = st.sampled_from([0.5, 0.8, 0.95, 1.0])
few = settings(max_examples=100)


def test_a_sure_raise_flips_at_what_is_left_after_its_cost():
    # it brings 26 and costs 10 elsewhere: with 10 of the 26 it breaks even
    gain, own = np.full(40, 16.0), np.full(40, 26.0)
    assert flip_of_move(gain, own, 0.8) == pytest.approx(16 / 26)


def test_a_sure_cut_flips_when_its_loss_eats_the_money_saved():
    # it saves 30 and loses 20: half as much again breaks even
    gain, own = np.full(40, 10.0), np.full(40, -20.0)
    assert flip_of_move(gain, own, 0.8) == pytest.approx(0.5)


def test_the_bar_is_kept_by_the_least_favourable_draws_it_asks_for():
    # of ten draws, eight have to gain: the eighth best breaks even at 0.3
    gain, own = np.linspace(0.1, 1.0, 10), np.ones(10)
    assert flip_of_move(gain, own, 0.8) == pytest.approx(0.3)


def test_a_raise_that_pays_at_no_return_flips_at_all_of_it():
    assert flip_of_move(np.full(10, 7.0), np.full(10, 5.0), 0.8) == 1.0


def test_a_cut_of_what_brings_nothing_never_flips():
    assert flip_of_move(np.full(10, 7.0), np.zeros(10), 0.8) == math.inf


def test_a_move_that_is_not_likely_enough_has_nothing_to_lose():
    assert flip_of_move(np.array([1.0] * 7 + [-1.0] * 3), np.ones(10), 0.8) == 0.0


@few
@given(draws, sizes, st.sampled_from([-1, 1]), bars)
def test_just_below_the_flip_the_move_is_likely_enough_and_just_above_it_is_not(
    gain, size, side, bar
):
    flip = flip_of_move(gain, side * size, bar)

    def likely(error):
        return np.mean(gain - error * size > 0)

    if flip > 0:
        assert likely(flip - 1e-6) >= bar - 1e-9
    if 0 < flip < (1 if side > 0 else math.inf):
        assert likely(flip + 1e-6) < bar


def test_a_held_cell_turns_into_a_cut_when_its_money_earns_more_elsewhere():
    # a cut frees 10 and loses 16: at 10 of 16 both are equal
    assert flip_of_hold(np.full(20, 16.0), 10.0, 0.8) == pytest.approx(1 - 10 / 16)


def test_a_hold_that_no_return_explains_has_no_flip():
    assert math.isnan(flip_of_hold(np.full(20, 9.0), 10.0, 0.8))
    assert math.isnan(flip_of_hold(np.zeros(20), 0.0, 0.8))


@few
@given(sizes, st.floats(0.1, 50), bars)
def test_a_hold_turns_at_its_flip_and_not_before(loss, freed, bar):
    flip = flip_of_hold(loss, freed, bar)

    def likely(error):
        return np.mean(freed - (1 - error) * loss > 0)

    if math.isnan(flip):
        assert np.mean(freed >= loss) >= bar
    else:
        assert 0 < flip <= 1
        assert likely(flip - 1e-9) < bar or flip < 1e-6
        assert likely(min(flip + 1e-9, 1)) >= bar
