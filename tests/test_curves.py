"""The response basis against independent arithmetic."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from adbudget.curves import (
    adstock,
    delayed,
    mixed_adstock,
    retention_rate,
    saturation,
    saturation_slope,
)

rates = st.floats(0, 0.99)
spends = arrays(float, st.integers(1, 30), elements=st.floats(0, 1e6))


def test_a_half_life_of_one_period_keeps_half():
    assert retention_rate(np.array([7.0]), 7.0)[0] == 0.5


def test_no_half_life_keeps_nothing():
    assert retention_rate(np.array([0.0]), 7.0)[0] == 0.0


def test_seven_daily_steps_forget_as_much_as_one_weekly_step():
    half_life = np.array([3.0, 20.0])
    assert retention_rate(half_life, 1.0) ** 7 == pytest.approx(retention_rate(half_life, 7.0))


@given(spends, rates, st.floats(0, 1e6))
def test_adstock_is_the_weighted_sum_of_all_past_spend(spend, rate, before):
    stock = adstock(spend, np.array([rate]), np.array([before]))[0]
    t = spend.size - 1
    weights = (1 - rate) * rate ** np.arange(t, -1, -1.0)
    by_sum = weights @ spend + rate ** (t + 1) * before
    assert stock[-1] == pytest.approx(by_sum, rel=1e-9, abs=1e-6)


@given(st.floats(0, 1e6), rates)
def test_a_constant_spend_is_its_own_adstock(level, rate):
    stock = adstock(np.full(20, level), np.array([rate]), np.array([level]))
    assert stock == pytest.approx(np.full((1, 20), level))


@given(spends, rates)
def test_carry_over_splits_anywhere(spend, rate):
    retention = np.array([rate])
    whole = adstock(spend, retention, np.zeros(1))
    cut = spend.size // 2
    first = adstock(spend[:cut], retention, np.zeros(1))
    state = first[:, -1] if cut else np.zeros(1)
    second = adstock(spend[cut:], retention, state)
    assert np.concatenate([first, second], axis=1) == pytest.approx(whole, rel=1e-12, abs=1e-9)


pairs = st.tuples(rates, rates).filter(lambda pair: abs(pair[0] - pair[1]) > 1e-3)


def delayed_adstock(spend, pair, before=0.0):
    """One delayed adstock curve of a spend that was ``before`` for ever."""
    stock = adstock(spend, np.array(pair), np.full(2, before))
    return mixed_adstock(stock, np.array([delayed(*pair)]))[0]


@given(pairs)
def test_a_delayed_adstock_is_one_decay_fed_into_the_other(pair):
    pulse = np.zeros(40)
    pulse[0] = 1.0
    decays = [(1 - rate) * rate ** np.arange(40.0) for rate in pair]
    by_hand = np.convolve(*decays)[:40]
    assert delayed_adstock(pulse, pair) == pytest.approx(by_hand, abs=1e-9)


@given(spends, pairs, st.floats(0, 1e3))
def test_a_delayed_adstock_is_an_adstock_of_an_adstock(spend, pair, before):
    one = adstock(spend, np.array(pair[:1]), np.array([before]))[0]
    both = adstock(one, np.array(pair[1:]), np.array([before]))[0]
    scale = spend.max(initial=before) + 1
    assert delayed_adstock(spend, pair, before) == pytest.approx(both, abs=1e-8 * scale)


@given(pairs)
def test_weights_of_a_delayed_adstock_add_up_to_one_in_any_order(pair):
    assert sum(delayed(*pair)) == pytest.approx(1, abs=1e-9)
    assert delayed(*pair) == pytest.approx(delayed(*pair[::-1])[::-1])


@given(spends, pairs, st.floats(0, 1e6))
def test_adstock_is_never_negative(spend, pair, before):
    stock = adstock(spend, np.array(pair), np.full(2, before))
    mix = np.array([delayed(*pair), (1.0, 0.0), (0.0, 1.0)])
    assert (mixed_adstock(stock, mix) >= 0).all()


@given(st.floats(0, 1e6), pairs)
def test_a_constant_spend_is_its_own_delayed_adstock(level, pair):
    assert delayed_adstock(np.full(20, level), pair, level) == pytest.approx(level)


def test_two_weeks_fed_into_one_peak_after_the_pulse_and_a_plain_decay_in_it():
    retention = retention_rate(np.array([7.0, 14.0]), 1.0)
    pulse = np.zeros(120)
    pulse[0] = 1.0
    stock = adstock(pulse, retention, np.zeros(2))
    mix = np.array([delayed(*retention), (1.0, 0.0), (0.0, 1.0)])
    late, *plain = mixed_adstock(stock, mix)
    assert np.argmax(late) == 13  # where r^(t + 1) of both fall alike: 14 log 2 / log 2 - 1
    assert [np.argmax(path) for path in plain] == [0, 0]
    assert late.sum() == pytest.approx(1, abs=0.01)


def test_adstock_keeps_leading_axes():
    stock = np.random.default_rng(0).uniform(size=(3, 4, 2, 9))
    mixed = mixed_adstock(stock, np.array([(1.0, 0.0), (0.5, 0.5), (0.0, 1.0)]))
    assert mixed.shape == (3, 4, 3, 9)
    assert mixed[..., 1, :] == pytest.approx(stock.mean(axis=2))


def test_saturation_is_one_half_at_its_half_point():
    points = np.array([0.2, 1.0, 5.0])
    assert np.diagonal(saturation(points, points)) == pytest.approx(0.5)


@given(st.floats(0, 100), st.floats(0.05, 20))
def test_slope_matches_a_finite_difference(level, point):
    step = 1e-6 * (1 + level)
    k = np.array([point])
    difference = (saturation(level + step, k) - saturation(level, k)) / step
    assert saturation_slope(level, k)[0] == pytest.approx(difference[0], rel=1e-3, abs=1e-8)


@given(st.floats(0, 100), st.floats(0.001, 10), st.floats(0.05, 20))
def test_curves_rise_and_flatten(level, more, point):
    k = np.array([point])
    assert saturation(level + more, k) > saturation(level, k)
    assert saturation_slope(level + more, k) < saturation_slope(level, k)
