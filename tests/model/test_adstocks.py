"""The grid of adstock curves: plain decays and delayed ones, made of the same few adstocks."""

import numpy as np
import pytest
from scipy.special import softmax

import adbudget as ab
from adbudget.curves import mixed_adstock
from adbudget.model.design import adstock_grid, carried_spend, first_state
from adbudget.model.transform import tilt_grids, tilt_windows

PERIODS = (1.0, 7.0, 365.25 / 12)


@pytest.mark.parametrize("period_days", PERIODS)
def test_every_adstock_is_a_mix_of_adstocks_that_adds_up_to_one(period_days):
    priors = ab.Priors()
    retention, mix = adstock_grid(priors, period_days)
    assert mix.shape == (len(priors.adstocks), retention.size)
    np.testing.assert_allclose(mix.sum(axis=1), 1)
    used = [np.count_nonzero(row) for row in mix]
    assert used == [len(parts) for parts in priors.adstocks]


def test_memories_are_named_and_sorted_from_short_to_long():
    priors = ab.Priors(half_life_days=(0.0, 7.0, 21.0), delayed_half_lives=((3.0, 9.0),))
    assert priors.adstocks == ((0.0,), (7.0,), (3.0, 9.0), (21.0,))
    assert priors.adstock_names == ("0", "7", "3+9", "21")
    retention, mix = adstock_grid(priors, 7.0)
    assert retention == pytest.approx([0.0, 0.5 ** (7 / 3), 0.5, 0.5 ** (7 / 9), 0.5 ** (1 / 3)])
    assert mix[0].tolist() == [1, 0, 0, 0, 0]
    assert mix[2, [0, 2, 4]].tolist() == [0, 0, 0]


def test_without_delayed_memories_every_adstock_is_one():
    retention, mix = adstock_grid(ab.Priors(delayed_half_lives=()), 7.0)
    np.testing.assert_array_equal(mix, np.eye(retention.size))


@pytest.mark.parametrize("period_days", PERIODS)
def test_longer_memories_keep_more_of_a_pulse(period_days):
    retention, mix = adstock_grid(ab.Priors(), period_days)
    days = np.arange(1, 200 / period_days)
    left = mix @ retention[:, None] ** days
    assert (np.diff(left.sum(axis=1)) > 0).all()
    assert (left >= -1e-12).all()
    assert (np.diff(left, axis=1) <= 1e-12).all(), "what is left only fades"


def test_memories_of_a_real_panel_are_never_negative(panel, design):
    stock = carried_spend(panel, design, first_state(panel, design))
    curves = mixed_adstock(stock, design.mix)
    assert (curves >= 0).all()
    assert curves[design.exists].max() > 1


def test_weights_gather_around_the_place_of_a_channel():
    priors = ab.Priors(adstock_focus=8.0)
    grid, window = tilt_grids(priors)[0], tilt_windows(priors)[0]
    place = np.linspace(-1, 1, len(priors.adstocks))
    for at in place:
        weights = np.exp(at * grid + window)
        assert weights / weights.max() == pytest.approx(np.exp(-8 * (place - at) ** 2 / 2))


def test_what_a_channel_is_expected_to_remember_fits_search_and_television():
    """Prior quantiles of the mean half-life: nothing, days and weeks are all within reach."""
    priors = ab.Priors()
    rng = np.random.default_rng(1)
    own = np.hypot(priors.adstock_sd, priors.cell_adstock_sd)
    place = rng.normal(priors.adstock_centre, own, 20_000)[:, None]
    weights = softmax(place * tilt_grids(priors)[0] + tilt_windows(priors)[0], axis=1)
    half_life = weights @ np.array([sum(parts) for parts in priors.adstocks])
    low, middle, high = np.quantile(half_life, (0.05, 0.5, 0.95))
    assert low < 1
    assert 3 < middle < 8
    assert high > 18


@pytest.mark.parametrize(
    "pairs", [((7.0, 7.0),), ((14.0, 7.0),), ((0.0, 7.0),), ((7.0, float("inf")),), ((7.0,),)]
)
def test_a_pair_that_is_no_delay_is_refused(pairs):
    with pytest.raises(
        ab.InputError, match=r"delayed_half_lives must be pairs \(shorter, longer\)"
    ):
        ab.Priors(delayed_half_lives=pairs)
