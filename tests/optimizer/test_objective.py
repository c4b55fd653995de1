import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from adbudget.optimizer.objective import gather_curves, pool_objectives, value_by_account
from adbudget.optimizer.problem import build_problem
from adbudget.plan import Limits
from adbudget.risk import Risk
from tests.optimizer.hand_made import random_world


def curves_and_spend(seed, mean_only=False):
    draws, today = random_world(seed, n_draws=7)
    problem = build_problem(draws, today, Limits())
    curves = gather_curves(problem, np.arange(problem.n_cells), mean_only)
    spend = problem.current * np.random.default_rng(seed).uniform(0.2, 2, problem.n_cells)
    return problem, curves, spend


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_slopes_and_bends_are_finite_differences(seed):
    _, curves, spend = curves_and_spend(seed)
    nudge = 1e-4 * spend
    slope = (curves.features(spend + nudge) - curves.features(spend - nudge)) / (2 * nudge)
    bend = (curves.slopes(spend + nudge) - curves.slopes(spend - nudge)) / (2 * nudge)
    np.testing.assert_allclose(curves.slopes(spend), slope, rtol=1e-5)
    np.testing.assert_allclose(curves.bends(spend), bend, rtol=1e-5)


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_slopes_by_draw_are_finite_differences_of_values(seed):
    problem, curves, spend = curves_and_spend(seed)
    by_pool = curves.slopes_by_draw(spend)
    for i in range(spend.size):
        nudge = np.zeros_like(spend)
        nudge[i] = 1e-4 * spend[i]
        change = (curves.values(spend + nudge) - curves.values(spend - nudge)) / (2 * nudge[i])
        pool = problem.pool[i]
        position = np.flatnonzero(curves.pools[pool].cells == i)[0]
        np.testing.assert_allclose(
            by_pool[pool][:, position], change[:, pool], rtol=1e-4, atol=1e-6
        )


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_the_fast_values_are_the_response_curves(seed):
    problem, curves, spend = curves_and_spend(seed)
    fast = curves.values(spend)
    slow = value_by_account(problem, spend)
    np.testing.assert_allclose(fast, slow, rtol=1e-9, atol=1e-9 * spend.sum())
    grid = np.full(problem.draws.scale.shape, np.nan)
    grid[problem.position] = spend
    now = np.full(problem.draws.scale.shape, np.nan)
    now[problem.position] = problem.current
    import xarray as xr

    named = {"account": list(problem.draws.accounts), "channel": list(problem.draws.channels)}
    gained = sum(
        sign * problem.draws.response(xr.DataArray(g, dims=("account", "channel"), coords=named))
        for sign, g in ((1, grid), (-1, now))
    )
    expected = gained.sum("channel").to_numpy() - (grid - now).sum(axis=1)
    np.testing.assert_allclose(slow, expected, rtol=1e-9, atol=1e-9 * spend.sum())


def test_the_mean_alone_is_the_mean_of_the_draws():
    problem, curves, spend = curves_and_spend(4, mean_only=True)
    mean = value_by_account(problem, spend).mean(axis=0).sum()
    assert curves.values(spend).item() == pytest.approx(mean)
    assert pool_objectives(
        problem, value_by_account(problem, spend), Risk(aversion=0.0)
    ).sum() == pytest.approx(mean)


def test_an_account_that_does_not_move_is_worth_exactly_zero():
    problem, _, spend = curves_and_spend(4)
    spend = np.where(problem.position[0] == 0, problem.current, spend)
    values = value_by_account(problem, spend)
    assert not values[:, 0].any()
    assert values[:, 1].any()
