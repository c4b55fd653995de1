import numpy as np
import pytest

from adbudget.model.continuing import DRIFT_WORTH, continued, trend_steps


def rng():
    return np.random.default_rng(0)


def test_a_trend_without_history_goes_nowhere_and_widens_with_every_step():
    steps = trend_steps(np.zeros((20_000, 0)), 4, 0.1, rng())
    level = steps.cumsum(axis=1)
    assert np.abs(level.mean(axis=0)).max() < 0.01
    spread = level.std(axis=0)
    assert (np.diff(spread) > 0).all()
    assert spread[0] == pytest.approx(0.1 * np.sqrt(1 + 1 / DRIFT_WORTH), rel=0.02)


def test_a_shop_that_has_grown_for_two_years_goes_on_by_two_thirds():
    steps = trend_steps(np.full((20_000, 26), 0.05), 1, 0.01, rng())
    assert steps.mean() == pytest.approx(0.05 * 26 / (26 + DRIFT_WORTH), abs=1e-3)


def test_no_step_is_drawn_when_none_is_asked_for():
    assert trend_steps(np.zeros((5, 3)), 0, 0.1, rng()).shape == (5, 0)


def test_a_column_that_never_moved_stays():
    np.testing.assert_array_equal(continued(np.full(20, 3.0), 5, 4, rng()), np.full((4, 5), 3.0))


def test_a_column_drawn_anew_every_period_returns_to_its_mean_at_once():
    history = np.append(np.random.default_rng(1).normal(10, 2, 400), 20.0)
    paths = continued(history, 3, 20_000, rng())
    np.testing.assert_allclose(paths.mean(axis=0), history.mean(), atol=0.4)
    np.testing.assert_allclose(paths.std(axis=0), history.std(), rtol=0.05)


def test_a_slow_column_stays_near_its_last_value_and_grows_as_uncertain_as_it_was():
    history = np.linspace(-1, 1, 200)
    paths = continued(history, 300, 5_000, rng())
    assert paths[:, 0].mean() == pytest.approx(0.98, abs=0.02)
    assert paths[:, 0].std() < 0.2 * history.std()
    assert paths[:, -1].std() == pytest.approx(history.std(), rel=0.05)
