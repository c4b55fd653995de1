import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from adbudget.errors import InputError
from adbudget.risk import Risk, prob_gain, risk_adjusted, tail_mean, within_false_discovery_rate

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
