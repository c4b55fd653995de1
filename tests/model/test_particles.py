"""Draws carried from one density to another, on densities whose answer is known."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from adbudget.model import particles as travelling
from adbudget.model.block import pack
from adbudget.model.density import value_and_gradient
from adbudget.model.factor import make_likelihood
from adbudget.model.particles import Particles, effective_share, evaluate, move, travel
from adbudget.model.predict import prior_positions


def test_equal_weights_are_worth_every_draw():
    assert effective_share(np.full(50, -3.0)) == pytest.approx(1.0)


def test_one_weight_above_all_others_is_worth_one_draw():
    assert effective_share(np.array([0.0, *[-800.0] * 49])) == pytest.approx(1 / 50)


@given(arrays(float, st.integers(1, 60), elements=st.floats(-50, 50)))
def test_an_effective_share_lies_between_one_draw_and_all(log_weights):
    share = effective_share(log_weights)
    assert 1 / log_weights.size - 1e-9 <= share <= 1 + 1e-9


def test_resampling_keeps_the_order_and_the_proportions():
    weights = np.array([0.5, 0.125, 0.25, 0.125])
    positions = np.arange(4.0).reshape(1, 4, 1)
    here = Particles(positions=positions, values=np.zeros((1, 4)), gradients=positions)
    chosen = travelling._resample(here, np.log(weights)[None], np.random.default_rng(0))
    taken = chosen.positions.ravel()
    assert (np.diff(taken) >= 0).all()
    assert (taken == 0).sum() == 2
    assert (taken == 2).sum() == 1


def test_densities_and_gradients_are_those_of_the_engine(likelihood, priors, layout):
    block = pack(likelihood, priors)
    positions = prior_positions(layout, priors, 6, seed=1).reshape(2, 3, -1)
    particles = evaluate(positions, block, cores=2)
    value, gradient = value_and_gradient(positions[1, 2], block)
    assert particles.values[1, 2] == pytest.approx(value, rel=1e-12)
    assert particles.gradients[1, 2] == pytest.approx(gradient, rel=1e-9, abs=1e-9)


def test_moves_leave_the_posterior_as_it_is(fitted):
    """Ten sweeps over posterior draws: means and widths stay, draws do not."""
    block = pack(make_likelihood(fitted.evidence, fitted.priors), fitted.priors)
    rng = np.random.default_rng(1)
    start = particles = evaluate(fitted.positions, block, cores=2)
    for _ in range(10):
        particles, sample = move(particles, block, rng, cores=2)
    size = start.positions.shape[-1]
    before, after = start.positions.reshape(-1, size), particles.positions.reshape(-1, size)
    assert (before != after).any(axis=1).mean() > 0.99
    shift = (after.mean(axis=0) - before.mean(axis=0)) / before.std(axis=0)
    assert np.sqrt((shift**2).mean()) < 0.06
    assert np.median(after.std(axis=0) / before.std(axis=0)) == pytest.approx(1, abs=0.03)
    assert sample.diverging.mean() < 0.01
    values = [value_and_gradient(x, block)[0] for x in after[:5]]
    assert particles.values.ravel()[:5] == pytest.approx(values, rel=1e-9)


def test_a_path_that_leads_nowhere_keeps_every_draw(fitted):
    block = pack(make_likelihood(fitted.evidence, fitted.priors), fitted.priors)
    journey = travel(fitted.positions, lambda _: block, np.random.default_rng(0), cores=2)
    assert journey is not None
    assert journey.shares == (1.0,)
    assert journey.effective[0] == pytest.approx(1.0)
    assert (journey.particles.positions == fitted.positions).all()


def test_a_long_way_goes_in_stages_and_arrives(fitted):
    """From a part of the evidence to all of it, where the draws are those of the fit."""

    def path(share: float) -> np.ndarray:
        part = np.full(len(fitted.evidence.gram), 0.55 + 0.45 * share)
        between = fitted.evidence.discounted(part)
        return pack(make_likelihood(between, fitted.priors), fitted.priors)

    rng = np.random.default_rng(2)
    back = travel(fitted.positions, lambda share: path(1 - share), rng, cores=2)
    assert back is not None
    wide = back.particles
    for _ in range(6):
        wide, _ = move(wide, path(0.0), rng, cores=2)
    there = travel(wide.positions, path, rng, cores=2)
    assert there is not None
    assert there.shares[-1] == 1.0
    assert all(np.diff((0.0, *there.shares)) > 0)
    arrived = there.particles
    for _ in range(4):
        arrived, _ = move(arrived, path(1.0), rng, cores=2)
    size = arrived.positions.shape[-1]
    known = fitted.positions.reshape(-1, size).astype(float)
    shift = (arrived.positions.reshape(-1, size).mean(axis=0) - known.mean(axis=0)) / known.std(0)
    assert np.sqrt((shift**2).mean()) < 0.1


def test_a_way_too_long_is_refused(fitted, likelihood, priors):
    """Draws far from a density that has nothing to do with them are not worth carrying."""
    from dataclasses import replace

    block = pack(likelihood, priors)
    elsewhere = pack(replace(likelihood, target=likelihood.target * 4), priors)
    path = lambda share: elsewhere if share > 0 else block  # noqa: E731
    assert travel(fitted.positions, path, np.random.default_rng(0), cores=2) is None
