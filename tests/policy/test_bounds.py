"""Bounded arithmetic never claims more than it knows."""

import operator
from fractions import Fraction

import numpy as np
from hypothesis import given, settings, strategies as st

from adbudget.policy.metrics.bounds import Bounded, is_whole, leaf

DECIMALS = st.one_of(
    st.decimals(-(10**6), 10**6, places=2).map(str),
    st.integers(-100, 100).map(str),
    st.sampled_from(("1e-300", "1e16", "0.1", "1e-160", "123456789.123")),
)
SIGNS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
TREES = st.recursive(DECIMALS, lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner))


def bounded(tree) -> Bounded:
    if isinstance(tree, str):
        return leaf(np.array([float(tree)]))
    return SIGNS[tree[1]](bounded(tree[0]), bounded(tree[2]))


def exact(tree) -> Fraction | None:
    if isinstance(tree, str):
        return Fraction(tree)
    left, sign, right = exact(tree[0]), tree[1], exact(tree[2])
    if left is None or right is None or (sign == "/" and right == 0):
        return None
    return SIGNS[sign](left, right)


@settings(max_examples=500)
@given(TREES)
def test_the_exact_figure_is_within_the_bound(tree):
    with np.errstate(all="ignore"):
        found = bounded(tree)
    value, error, truth = float(found.value[0]), float(found.error[0]), exact(tree)
    if truth is None:
        assert not (np.isfinite(value) and np.isfinite(error))
    elif np.isfinite(value) and np.isfinite(error):
        assert abs(Fraction(value) - truth) <= Fraction(error)


@given(st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6))
def test_whole_numbers_are_computed_without_any_doubt(first, second):
    left, right = leaf(np.array([float(first)])), leaf(np.array([float(second)]))
    for result, truth in (
        (left + right, first + second),
        (left - right, first - second),
        (left * right, first * second),
    ):
        assert result.value[0] == truth
        assert result.error[0] == 0


def test_a_division_that_comes_out_even_is_exact_and_another_is_not():
    ten = leaf(np.array([10.0]))
    assert (ten / leaf(np.array([5.0]))).error[0] == 0
    assert (ten / leaf(np.array([3.0]))).error[0] > 0


def test_floats_beyond_the_whole_numbers_are_not_called_whole():
    assert is_whole(np.array([2.0**53, 2.0**52 + 1, 0.5, np.nan, np.inf])).tolist() == [
        False,
        True,
        False,
        False,
        False,
    ]
