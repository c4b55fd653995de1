"""The response basis against independent arithmetic."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from adbudget.curves import adstock, retention_rate, saturation, saturation_slope

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
