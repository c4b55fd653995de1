"""Saturation curves: concave ones and an S-shaped one, and what decisions read of them."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

import adbudget as ab
from adbudget.curves import s_curve
from adbudget.errors import InputError
from adbudget.model.transform import concave, tilt_grids, tilt_windows


def test_an_s_curve_is_a_half_at_its_point_and_bends_both_ways():
    level = np.linspace(0, 4, 401)
    curve = s_curve(level, np.array([1.0]))[:, 0]
    assert curve[0] == 0
    assert curve[100] == pytest.approx(0.5)
    bend = np.diff(curve, 2)
    assert (bend[:50] > 0).all()
    assert (bend[150:] < 0).all()


def test_the_straightest_curve_stands_in_for_s_shaped_ones():
    priors = ab.Priors()
    shape = softmax(np.random.default_rng(0).normal(size=(50, 3, 5)), axis=-1)
    shares = concave(shape, priors)
    assert shares.shape == (50, 3, 4)
    np.testing.assert_allclose(shares.sum(axis=-1), 1)
    np.testing.assert_array_equal(shares[..., :3], shape[..., :3])


def test_without_s_shapes_decisions_read_what_was_fitted():
    priors = ab.Priors(s_shaped=())
    shape = softmax(np.random.default_rng(0).normal(size=(50, 4)), axis=-1)
    np.testing.assert_array_equal(concave(shape, priors), shape)
    assert priors.saturation_names == ("0.2", "0.6", "1.8", "5.4")


def test_an_s_shape_is_possible_before_any_data_and_not_expected():
    priors = ab.Priors()
    rng = np.random.default_rng(1)
    place = rng.normal(priors.saturation_centre, priors.saturation_sd, 20_000)[:, None]
    grid, window = tilt_grids(priors)[1], tilt_windows(priors)[1]
    s_share = softmax(place * grid + window, axis=1)[:, -1]
    assert s_share.mean() < 0.15
    assert (s_share > 0.5).mean() > 0.05


def test_a_grid_of_s_shapes_that_is_none_is_refused():
    with pytest.raises(InputError, match=r"s_shaped must be an increasing tuple"):
        ab.Priors(s_shaped=(2.0, 1.0))


def bursts(seed: int) -> tuple[ab.Panel, float]:
    """One shop whose channel needs some spend before it does anything, and its true return."""
    rng = np.random.default_rng(seed)
    n = 156
    on = rng.random(n) < 0.35
    spend = np.where(on, np.clip(100 * (1 + 0.5 * rng.normal(size=n)), 5, None), 0.0)
    steady = 100 * np.exp(0.4 * rng.normal(size=n))
    brought = 1500 * spend**2 / (spend**2 + 120.0**2)
    revenue = 2000 + brought + 4 * steady + 60 * rng.normal(size=n)
    frame = pd.DataFrame(
        {
            "account": "shop",
            "date": pd.date_range("2023-01-02", periods=n, freq="W-MON"),
            "bursts": spend,
            "steady": steady,
            "revenue": revenue,
        }
    )
    panel = ab.read_panel(frame, channels=["bursts", "steady"])
    return panel, brought.sum() / spend.sum()


@pytest.mark.slow
def test_returns_of_an_s_shaped_channel_are_right_where_concave_curves_are_too_high():
    errors = {}
    for s_shaped in ((), (1.0,)):
        found = []
        for seed in range(4):
            panel, true = bursts(seed)
            fit = ab.fit(
                panel, ab.Priors(s_shaped=s_shaped), seed=1, draws=400, chains=2, progress=False
            )
            found.append(np.log(np.median(fit.cell_draws.roi[..., 0]) / true))
        errors[s_shaped] = np.mean(found)
    assert errors[()] > 0.05
    assert abs(errors[1.0,]) < 0.5 * errors[()]
