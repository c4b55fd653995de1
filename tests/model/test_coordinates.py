"""Coordinates the sampler walks in: the same posterior, in fewer steps."""

import ctypes
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from adbudget.model import sampler
from adbudget.model.block import pack
from adbudget.model.coordinates import Coordinates
from adbudget.model.density import density_callback, value_and_gradient
from adbudget.model.layout import POPULATION, Layout
from adbudget.model.turning import placed_callback, turned_callback

# Sums in another order are other draws, some hundred steps later.
SHORT = sampler.SamplerSettings(draws=2, tune=2, chains=2, cores=1)


@pytest.fixture(scope="module")
def known(fitted):
    """Priors that other accounts have made."""
    return fitted.population.priors_for(fitted.panel.channels)


@pytest.fixture(scope="module")
def of_prior(known, layout) -> Coordinates:
    return Coordinates.of_prior(known.learned, layout)


@pytest.fixture(scope="module")
def of_draws(fitted, layout) -> Coordinates:
    return Coordinates.of_draws(fitted.positions.reshape(-1, layout.size).astype(float), layout)


@pytest.fixture(params=["of_prior", "of_draws"])
def turned(request) -> Coordinates:
    return request.getfixturevalue(request.param)


def test_there_and_back(turned, layout):
    x = np.random.default_rng(1).normal(size=(7, layout.size))
    assert turned.to_model(turned.from_model(x)) == pytest.approx(x)
    assert turned.from_model(turned.to_model(x[0])) == pytest.approx(x[0])


def test_what_others_have_shown_is_a_standard_normal(of_prior, known):
    precision = known.learned.precision()
    assert of_prior.turn.T @ precision @ of_prior.turn == pytest.approx(
        np.eye(len(precision)), abs=1e-6
    )
    assert of_prior.centre[of_prior.shared] == pytest.approx(known.learned.mean)


def test_draws_have_no_scale_and_what_is_shared_no_direction(of_draws, fitted, layout):
    z = of_draws.from_model(fitted.positions.reshape(-1, layout.size).astype(float))
    assert z.mean(axis=0) == pytest.approx(np.zeros(layout.size), abs=1e-6)
    assert z.std(axis=0) == pytest.approx(np.ones(layout.size), rel=0.02)
    together = np.corrcoef(z[:, of_draws.shared], rowvar=False)
    assert together == pytest.approx(np.eye(len(together)), abs=0.05)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(1, 30))
def test_few_draws_and_parameters_that_never_moved_turn_nothing_to_nothing(seed, channels, n):
    layout = Layout(channels, 2, 2 * channels)
    draws = np.random.default_rng(seed).normal(size=(n, layout.size))
    draws[:, 3] = 0.25
    turned = Coordinates.of_draws(draws, layout)
    z = np.linspace(-1, 1, layout.size)
    assert turned.from_model(turned.to_model(z)) == pytest.approx(z, rel=1e-6, abs=1e-6)


def test_the_gradient_is_that_of_the_density_by_the_turned_position(
    turned, likelihood, known, layout
):
    block, z = pack(likelihood, known), np.random.default_rng(2).normal(size=layout.size) * 0.3
    gradient = turned.pulled_back(value_and_gradient(turned.to_model(z), block)[1])
    for i in range(layout.size):
        step = np.zeros(layout.size)
        step[i] = 1e-5
        up, down = (value_and_gradient(turned.to_model(z + s), block)[0] for s in (step, -step))
        assert gradient[i] == pytest.approx((up - down) / 2e-5, rel=1e-4, abs=1e-4)


def test_machine_code_says_the_same(turned, likelihood, known, layout):
    block, z = pack(likelihood, known), np.random.default_rng(3).normal(size=layout.size) * 0.3
    data = turned.packed(density_callback, block)
    gradient, value, kept = np.empty(layout.size), np.empty(1), np.empty(layout.size)
    doubles = ctypes.POINTER(ctypes.c_double)
    at = [ctypes.cast(one.ctypes.data, doubles) for one in (z, gradient, value, kept)]
    behind = ctypes.c_void_p(data.ctypes.data)
    assert turned_callback.ctypes(layout.size, *at[:3], behind) == 0
    wanted, slope = value_and_gradient(turned.to_model(z), block)
    assert value[0] == pytest.approx(wanted, rel=1e-12)
    assert gradient == pytest.approx(turned.pulled_back(slope), rel=1e-9, abs=1e-9)
    assert placed_callback.ctypes(layout.size, layout.size, at[0], at[3], behind) == 0
    assert kept == pytest.approx(turned.to_model(z), rel=1e-12)


def test_a_position_that_is_no_good_is_said_to_be(of_prior, likelihood, known, layout):
    data = of_prior.packed(density_callback, pack(likelihood, known))
    z, gradient, value = np.full(layout.size, np.nan), np.empty(layout.size), np.empty(1)
    doubles = ctypes.POINTER(ctypes.c_double)
    at = [ctypes.cast(one.ctypes.data, doubles) for one in (z, gradient, value)]
    assert turned_callback.ctypes(layout.size, *at, ctypes.c_void_p(data.ctypes.data)) != 0


def test_draws_through_python_are_those_of_machine_code(likelihood, known, layout, monkeypatch):
    fast = sampler.sample_compiled(likelihood, known, layout, 5, SHORT)

    def changed(*arguments):
        raise TypeError("a record of another version")

    monkeypatch.setattr(sampler, "compiled_model", changed)
    monkeypatch.setattr(sampler, "warn_of_slow_path", lambda cause: None)
    slow = sampler.sample_compiled(likelihood, known, layout, 5, SHORT)
    np.testing.assert_allclose(slow.positions, fast.positions, rtol=1e-5)


def test_without_a_word_from_the_data_draws_are_those_of_what_others_have_shown(
    likelihood, known, layout, fitted
):
    """Of what is shared but base sales, whose prior tells of these accounts without any row."""
    silent = replace(
        likelihood,
        factor=np.zeros_like(likelihood.factor),
        target=np.zeros_like(likelihood.target),
        media_row=np.full_like(likelihood.media_row, 1e-9),
    )
    loose = replace(known, level_odds_sd=1e6, learned=replace(known.learned, odds_slope=()))
    how = sampler.SamplerSettings(draws=1500, tune=500, chains=4)
    sample = sampler.sample_compiled(silent, loose, layout, 6, how)
    part = layout.split(sample.positions.reshape(-1, layout.size))
    wanted = known.learned.layout.split(np.array(known.learned.mean))
    sd = known.learned.layout.split(np.sqrt(np.diag(np.array(known.learned.covariance))))
    for name in ("saturation_tilt", "adstock_tilt"):
        assert part[name].mean(axis=0) == pytest.approx(wanted[name], abs=0.15 * sd[name].max())
        assert part[name].std(axis=0) == pytest.approx(sd[name], rel=0.1)


def test_chains_that_go_on_find_the_posterior_they_came_from(fitted, likelihood, priors, layout):
    onward = fitted.positions[:4].astype(float)
    how = sampler.SamplerSettings(draws=500, tune=300, chains=4)
    again = sampler.sample_compiled(likelihood, priors, layout, 9, how, onward=onward)
    new, old = (layout.split(p.reshape(-1, layout.size)) for p in (again.positions, onward))
    for name in POPULATION:
        if "spread" in name and name != "level_log_spread":
            new[name], old[name] = np.abs(new[name]), np.abs(old[name])
        sd = old[name].std(axis=0)
        # Monte-Carlo error of two means with at least 200 effective draws, four sigma.
        assert np.abs(new[name].mean(axis=0) - old[name].mean(axis=0)).max() < (
            4 * sd.max() * np.sqrt(2 / 200)
        ), name
        assert new[name].std(axis=0) == pytest.approx(sd, rel=0.25), name
