"""What knowing is worth, on gains whose distribution is known by hand."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.special import ndtr, ndtri
from scipy.stats import norm

from adbudget.experiments.choices import Choices
from adbudget.experiments.knowing import Knowing

N_DRAWS = 4_000
NORMAL = ndtri((np.arange(N_DRAWS) + 0.5) / N_DRAWS)


def block(*gains: np.ndarray, prob: float = 0.8, called: np.ndarray | None = None) -> Knowing:
    """One cell; today's plan, that of the calls, and others that raise the cell."""
    zero = np.zeros(N_DRAWS)
    plans = [zero, zero if called is None else called, *gains]
    directions = [0, 0 if called is None else 1, *(1 for _ in gains)]
    choices = Choices(
        cells=np.array([0]),
        gain=np.stack(plans, axis=1),
        direction=np.array(directions)[:, None],
        may_hold=True,
    )
    return Knowing.of(choices, prob, 0.75)


def test_a_result_is_worth_what_paper_says():
    # gain N(0.2, 1), read with an error of 1: the mean to come is N(0.2, 0.5), what is left 0.5
    known = block(0.2 + NORMAL).after(NORMAL[:, None])
    spread = left = np.sqrt(0.5)
    start = (ndtri(0.8) * left - 0.2) / spread
    assert known.value == pytest.approx(
        0.2 * (1 - ndtr(start)) + spread * norm.pdf(start), rel=0.02
    )
    assert known.flips[0] == pytest.approx(1 - ndtr(start), abs=0.01)


def test_to_know_for_sure_is_to_take_what_is_above_zero():
    known = block(0.2 + NORMAL).after(NORMAL[:, None], noise=0.0)
    assert known.value == pytest.approx(0.2 * ndtr(0.2) + norm.pdf(0.2), rel=0.02)
    assert known.flips[0] == pytest.approx(ndtr(0.2), abs=0.01)


def test_a_result_that_has_nothing_to_do_with_the_gain_is_worth_nothing():
    unrelated = np.random.default_rng(1).permutation(NORMAL)[:, None]
    assert block(0.7 + NORMAL).after(unrelated).value == pytest.approx(0.0, abs=0.01)


def test_a_signal_that_does_not_vary_says_nothing():
    known = block(0.2 + NORMAL).after(np.full((N_DRAWS, 1), 3.0))
    assert (known.value, known.flips.tolist()) == (0.0, [0.0])


def test_a_call_that_stands_can_be_lost_and_that_is_worth_something():
    called = 1.0 + NORMAL  # 84% likely to pay: a call
    known = block(called=called).after(NORMAL[:, None], noise=0.1)
    # knowing nearly all, it is kept where it pays: E max(gain, 0) - E gain
    expected = ndtr(1.0) + norm.pdf(1.0) - 1.0
    assert known.value == pytest.approx(expected, abs=0.01)
    assert known.flips[0] == pytest.approx(1 - ndtr(1.0), abs=0.02)


@settings(max_examples=40, deadline=None)
@given(
    mean=st.floats(-1, 1),
    noise=st.floats(0.05, 20),
    weight=st.floats(-1, 1),
    prob=st.floats(0.5, 0.95),
)
def test_no_result_is_worth_more_than_the_truth(mean, noise, weight, prob):
    other = np.random.default_rng(2).permutation(NORMAL)
    asked = block(mean + NORMAL, weight * NORMAL + other, prob=prob)
    signals = np.stack([NORMAL, other], axis=1)
    told, truth = asked.after(signals, noise), asked.after(signals, 0.0)
    assert 0 <= told.value <= truth.value + 0.02
    assert ((told.flips >= 0) & (told.flips <= 1)).all()


def test_two_results_that_say_the_same_are_as_good_as_a_better_one():
    asked = block(0.2 + NORMAL)
    twice = asked.after(np.stack([NORMAL, NORMAL], axis=1), 1.0).value
    assert twice == pytest.approx(asked.after(NORMAL[:, None], 1 / np.sqrt(2)).value, rel=0.05)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_results=st.integers(1, 9),
    may_hold=st.booleans(),
    at_once=st.sampled_from([1, 5_000, 1_000_000]),
)
def test_many_results_in_one_go_are_worth_what_each_is_by_itself(
    seed, n_results, may_hold, at_once
):
    rng = np.random.default_rng(seed)
    n_draws, n_plans = 300, 6
    truth = rng.normal(size=(n_draws, 3))
    gain = 0.3 + truth @ rng.normal(size=(3, n_plans)) + rng.normal(size=(n_draws, n_plans))
    gain[:, 0] = 0.0
    choices = Choices(
        cells=np.arange(2),
        gain=gain,
        direction=rng.integers(-1, 2, (n_plans, 2)),
        may_hold=may_hold,
    )
    asked = Knowing.of(choices, 0.8, 0.75)
    signals = truth @ rng.normal(size=(3, n_results)) * rng.uniform(0, 3, n_results)
    signals[:, 0] = 0.1  # says nothing
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("adbudget.experiments.knowing.NUMBERS_AT_ONCE", at_once)
        together = asked.after_each(signals)
    for i, known in enumerate(together):
        alone = asked.after(signals[:, [i]])
        assert known.value == pytest.approx(alone.value, rel=1e-6, abs=1e-9)
        # a node on a bar may fall to either side of it
        assert known.flips == pytest.approx(alone.flips, abs=1 / 100)
