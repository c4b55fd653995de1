import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from adbudget.errors import InputError
from adbudget.risk import (
    Risk,
    monte_carlo_error,
    prob_gain,
    risk_adjusted,
    tail_mean,
    within_false_discovery_rate,
)

outcomes = arrays(float, st.integers(1, 50), elements=st.floats(-1e6, 1e6))


def test_tail_mean_of_ten_draws_is_the_worst_one():
    assert tail_mean(np.arange(10.0), tail=0.10) == 0.0


@given(outcomes, st.floats(0.01, 1.0))
def test_tail_mean_is_the_mean_of_the_first_draws_of_a_sort(outcome_draws, tail):
    n_worst = max(1, round(tail * outcome_draws.size))
    by_sort = np.sort(outcome_draws)[:n_worst].mean()
    assert tail_mean(outcome_draws, tail) == pytest.approx(by_sort, abs=1e-6)


@given(outcomes, st.floats(0.01, 1.0))
def test_tail_mean_never_beats_the_plain_mean(outcome_draws, tail):
    assert tail_mean(outcome_draws, tail) <= outcome_draws.mean() + 1e-6


@given(outcomes, st.floats(0, 1), st.floats(0.01, 1.0))
def test_risk_adjusted_lies_between_tail_and_mean(outcome_draws, aversion, tail):
    worth = risk_adjusted(outcome_draws, Risk(aversion=aversion, tail=tail))
    assert tail_mean(outcome_draws, tail) - 1e-6 <= worth <= outcome_draws.mean() + 1e-6


def test_prob_gain_counts_a_draw_at_zero_half():
    assert prob_gain(np.array([-1.0, 0.0, 1.0, 2.0])) == 0.625


def test_one_unsure_call_is_left_out_when_it_would_break_the_rate():
    made = within_false_discovery_rate(np.array([0.6, 0.99, 0.95]), rate=0.10)
    assert made.tolist() == [False, True, True]


def test_calls_exactly_at_the_rate_are_made():
    assert within_false_discovery_rate(np.full(10, 0.9), rate=0.10).all()


@given(arrays(float, st.integers(0, 30), elements=st.floats(0, 1)), st.floats(0, 1))
def test_expected_share_of_wrong_calls_stays_within_the_rate(prob_right, rate):
    made = within_false_discovery_rate(prob_right, rate)
    assert not made.any() or (1 - prob_right[made]).mean() <= rate + 1e-9


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: Risk(aversion=1.5), "aversion must be in"),
        (lambda: Risk(tail=0.0), "tail must be in"),
        (lambda: tail_mean(np.arange(3.0), tail=2), "tail must be in"),
        (lambda: tail_mean(np.empty(0)), "not empty"),
        (lambda: prob_gain(np.ones((2, 2))), "must be"),
        (lambda: within_false_discovery_rate(np.array([0.5]), 2.0), "rate must be in"),
        (lambda: within_false_discovery_rate(np.array([1.5]), 0.1), "probabilities"),
    ],
)
def test_unusable_arguments_are_named(call, says):
    with pytest.raises(InputError, match=says):
        call()


def test_the_error_of_a_probability_is_that_of_its_draws():
    rng = np.random.default_rng(0)
    gain = rng.normal(size=4000) + 0.8416  # above zero with probability .8
    assert monte_carlo_error(gain) == pytest.approx(np.sqrt(0.8 * 0.2 / 4000), rel=0.25)


def test_draws_that_repeat_themselves_say_less():
    rng = np.random.default_rng(0)
    gain = np.repeat(rng.normal(size=400) + 0.8416, 10)
    assert monte_carlo_error(gain) == pytest.approx(np.sqrt(0.8 * 0.2 / 400), rel=0.4)


def test_draws_that_all_agree_leave_an_error():
    assert 0 < monte_carlo_error(np.ones(1000)) < 0.001
    assert monte_carlo_error(np.ones(4)) > 0.1


def test_the_error_says_how_much_the_probability_of_other_chains_differs():
    rng = np.random.default_rng(1)
    shocks = rng.normal(size=(300, 2000))
    slow = np.zeros_like(shocks)  # an autoregression of .8: nine draws are worth one
    for t in range(1, shocks.shape[1]):
        slow[:, t] = 0.8 * slow[:, t - 1] + 0.6 * shocks[:, t]
    stated = np.mean([monte_carlo_error(chain + 0.5) for chain in slow])
    seen = np.std([prob_gain(chain + 0.5) for chain in slow])
    assert stated == pytest.approx(seen, rel=0.15)


def test_what_is_ranked_first_is_called_first_and_the_rate_is_kept():
    prob = np.array([0.9, 0.85, 0.84])
    assert within_false_discovery_rate(prob, 0.13).tolist() == [True, True, False]
    kept = within_false_discovery_rate(prob, 0.13, rank=np.array([0.9, 0.85, 0.89]))
    assert kept.tolist() == [True, False, True]
