from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings, strategies as st

from adbudget.draws import CurveDraws, Health
from adbudget.errors import InputError
from tests.optimizer.hand_made import hand_made, random_world, spend_of

seeds = st.integers(0, 10_000)
few = settings(max_examples=20)


def one_curve(weight=100.0, scale=100.0):
    return hand_made([[[weight]]], scale=scale)


def with_a_hole():
    """Two accounts, the second without the first channel."""
    scale = np.array([[100.0, 200.0], [np.nan, 50.0]])
    weights = np.ones((3, 2, 2)) * np.array([[1.0, 2.0], [0.0, 4.0]])
    return hand_made(weights, scale=scale)


def test_half_of_the_weight_is_reached_at_half_saturation():
    draws = one_curve(weight=80.0)
    assert draws.response(spend_of(draws, 100.0)).item() == 40.0
    assert draws.response(spend_of(draws, 300.0)).item() == 60.0


def test_slope_at_half_saturation_is_a_quarter_of_weight_over_scale():
    draws = one_curve(weight=80.0, scale=10.0)
    assert draws.marginal(spend_of(draws, 10.0)).item() == pytest.approx(80 / 10 / 4)


@few
@given(seeds)
def test_response_and_slope_are_sums_over_basis_curves(seed):
    draws, spend = random_world(seed, n_draws=3)
    response, slope = draws.response(spend), draws.marginal(spend)
    for d in range(draws.n_draws):
        for a, account in enumerate(draws.accounts):
            for c, channel in enumerate(draws.channels):
                level = spend[account, channel] / draws.scale[a, c]
                outcome, rise = 0.0, 0.0
                for m, k in enumerate(draws.half_saturation):
                    weight = sum(draws.weights[d, a, c, j, m] for j in range(draws.retention.size))
                    outcome += weight * level / (level + k)
                    rise += weight * k / (level + k) ** 2 / draws.scale[a, c]
                assert response[d, a, c].item() == pytest.approx(outcome)
                assert slope[d, a, c].item() == pytest.approx(rise)


@few
@given(seeds)
def test_slope_is_the_limit_of_small_differences(seed):
    draws, spend = random_world(seed, n_draws=3)
    step = 1e-4 * spend
    difference = draws.response(spend + step) - draws.response(spend - step)
    width = np.asarray(2 * step).reshape(draws.scale.shape)
    np.testing.assert_allclose(draws.marginal(spend), difference / width, rtol=1e-5)


@few
@given(seeds, st.floats(1.0, 3.0))
def test_more_spend_never_brings_less_nor_a_steeper_curve(seed, factor):
    draws, spend = random_world(seed, n_draws=5)
    assert (draws.response(factor * spend) >= draws.response(spend) * (1 - 1e-12)).all()
    assert (draws.marginal(factor * spend) <= draws.marginal(spend) * (1 + 1e-12)).all()


@few
@given(seeds)
def test_no_spend_brings_nothing(seed):
    draws, spend = random_world(seed)
    assert (draws.response(0 * spend) == 0).all()


def test_response_names_its_axes():
    draws, spend = random_world(0)
    for found in (draws.response(spend), draws.marginal(spend)):
        assert found.dims == ("draw", "account", "channel")
        assert found.coords["account"].to_numpy().tolist() == list(draws.accounts)
        assert found.coords["channel"].to_numpy().tolist() == list(draws.channels)
        assert found.sizes["draw"] == draws.n_draws


def as_array(spend, order=("account", "channel")):
    named = spend.rename_axis(["account", "channel"])
    return xr.DataArray.from_series(named).transpose(*order)


@pytest.mark.parametrize(
    "form",
    [
        lambda spend: spend.to_dict(),
        lambda spend: as_array(spend),
        lambda spend: as_array(spend, ("channel", "account")),
        lambda spend: as_array(spend).isel(channel=slice(None, None, -1)),
        lambda spend: spend.iloc[::-1],
        lambda spend: spend.sample(frac=1, random_state=1),
        lambda spend: spend.rename_axis([None, None]),
        lambda spend: spend.astype(object),
    ],
    ids=[
        *("mapping", "array", "array turned", "array reordered"),
        *("reversed", "shuffled", "unnamed", "objects"),
    ],
)
def test_every_form_of_spend_is_read_alike(form):
    draws, spend = random_world(4)
    xr.testing.assert_identical(draws.response(form(spend)), draws.response(spend))


def test_a_cell_that_does_not_exist_is_nan_and_needs_no_spend():
    draws = with_a_hole()
    assert draws.cells.tolist() == [
        ("account 0", "channel 0"),
        ("account 0", "channel 1"),
        ("account 1", "channel 1"),
    ]
    spend = spend_of(draws, 100.0, 200.0, 50.0)
    response = draws.response(spend)
    np.testing.assert_array_equal(response.isel(draw=0), [[0.5, 1.0], [np.nan, 2.0]])
    xr.testing.assert_identical(draws.response(as_array(spend)), response)


def spend_for_the_hole(**changes):
    spend = {
        ("account 0", "channel 0"): 100.0,
        ("account 0", "channel 1"): 200.0,
        ("account 1", "channel 1"): 50.0,
    }
    return spend | {tuple(name.replace("_", " ").split("/")): v for name, v in changes.items()}


@pytest.mark.parametrize(
    ("spend", "words"),
    [
        ({("account 0", "channel 0"): 1.0}, r"no value for 2 cell.*'channel 1'"),
        (spend_for_the_hole(**{"account_1/channel_0": 1.0}), r"does not know.*'channel 0'"),
        (spend_for_the_hole(**{"account_7/channel_1": 1.0}), r"does not know.*'account 7'"),
        (spend_for_the_hole(**{"account_1/channel_1": -1.0}), r">= 0.*'account 1'"),
        (spend_for_the_hole(**{"account_1/channel_1": np.nan}), r"finite.*'account 1'"),
        (spend_for_the_hole(**{"account_1/channel_1": np.inf}), r"finite.*'account 1'"),
        ({"search": 1.0}, r"indexed by \(account, channel\).*1 level"),
        (pd.Series([1.0, 2.0]), r"1 level.*set_index"),
        (xr.DataArray([1.0, 2.0], dims="channel"), r"dims \(account, channel\)"),
    ],
)
@pytest.mark.parametrize("question", ["response", "marginal", "aligned"])
def test_spend_that_does_not_fit_the_cells_is_refused(spend, words, question):
    with pytest.raises(InputError, match=words):
        getattr(with_a_hole(), question)(spend)


def test_a_cell_named_twice_is_refused():
    draws = one_curve()
    twice = pd.concat([spend_of(draws, 1.0)] * 2)
    with pytest.raises(InputError, match=r"more than once.*'channel 0'"):
        draws.response(twice)


def test_a_cell_named_twice_in_an_array_is_refused():
    draws = one_curve()
    coords = {"account": ["account 0"], "channel": ["channel 0"] * 2}
    twice = xr.DataArray([[1.0, 2.0]], dims=("account", "channel"), coords=coords)
    with pytest.raises(InputError, match="more than once"):
        draws.response(twice)


@pytest.mark.parametrize("kind", [dict, pd.Series])
def test_text_where_money_belongs_is_refused(kind):
    draws = one_curve()
    with pytest.raises(InputError, match=r"finite.*'channel 0'"):
        draws.response(kind({("account 0", "channel 0"): "much"}))


@pytest.mark.parametrize("draw", [[2, 0], slice(1, 3), np.array([1])])
def test_some_of_the_draws_are_the_same_joint_draws(draw):
    draws, spend = random_world(1, n_draws=4)
    some = draws.isel(draw=draw)
    assert isinstance(some, CurveDraws)
    np.testing.assert_array_equal(some.response(spend), draws.response(spend)[draw])


def test_weights_of_the_wrong_shape_are_refused():
    with pytest.raises(InputError, match="2 accounts, 3 channels"):
        hand_made(np.ones((4, 2, 3)), half_saturation=(1.0, 2.0))


def test_scale_of_the_wrong_shape_is_refused():
    with pytest.raises(InputError, match=r"scale must have shape \(1, 1\)"):
        hand_made([[[1.0]]], scale=np.ones((1, 2)))


@pytest.mark.parametrize("mix", [np.eye(2), np.array([[0.5]]), np.ones((1, 2))])
def test_memories_that_are_no_mix_of_the_adstocks_are_refused(mix):
    draws = one_curve()
    weights = np.ones((1, 1, 1, mix.shape[0], 1))
    with pytest.raises(InputError, match=r"mix must have shape \(adstock, 1 retention rates\)"):
        replace(draws, mix=mix, weights=weights)


def test_each_geometric_adstock_stands_alone_when_no_mix_is_given():
    made = replace(
        one_curve(),
        weights=np.ones((1, 1, 1, 2, 1)),
        carry_in=np.zeros((1, 1, 2)),
        retention=np.array([0.0, 0.5]),
        mix=np.empty((0, 0)),
    )
    np.testing.assert_array_equal(made.mix, np.eye(2))


@pytest.mark.parametrize("weight", [-1e-9, np.nan])
def test_weights_that_would_let_a_curve_fall_are_refused(weight):
    with pytest.raises(InputError, match="never falls"):
        one_curve(weight=weight)


@few
@given(st.lists(st.text(min_size=1), max_size=3))
def test_health_is_ok_only_without_problems(problems):
    none = pd.Series(dtype=float)
    health = Health(
        rhat_max=1.0,
        ess_bulk_min=1e3,
        ess_tail_min=1e3,
        divergences=0,
        n_draws=4000,
        prior_share=none,
        fit_r2=none,
        problems=tuple(problems),
    )
    assert health.ok == (len(problems) == 0)
