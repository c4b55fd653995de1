"""One definition, two engines: the compiled density against the readable model."""

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
from scipy.stats import t as student_t

from adbudget.model import sampler
from adbudget.model.block import pack
from adbudget.model.definition import build
from adbudget.model.density import density_callback, value_and_gradient
from adbudget.model.evidence import gather
from adbudget.model.factor import make_likelihood
from adbudget.model.fit import fit
from adbudget.model.layout import Layout
from adbudget.model.predict import prior_positions
from adbudget.model.priors import Priors
from adbudget.model.reference import make_design
from adbudget.model.transform import cell_draws
from adbudget.panel.read import read_panel
from adbudget.synthetic import WorldSpec, synthesize


@pytest.fixture(scope="module")
def model(evidence, priors, likelihood):
    return build(evidence, priors, likelihood)


@pytest.fixture(scope="module")
def pymc_density(model, layout):
    """Value and gradient of the readable model at a flat position."""
    point_function = model.logp_dlogp_function(ravel_inputs=True)
    order = [variable.name for variable in model.continuous_value_vars]
    assert order == list(layout.sizes), "the flat order of both engines is the same"
    point_function.set_extra_values({})
    return point_function


def test_values_differ_by_a_constant_and_gradients_agree(pymc_density, layout, likelihood, priors):
    block = pack(likelihood, priors)
    rng = np.random.default_rng(1)
    offsets = []
    for _ in range(20):
        position = rng.normal(size=layout.size) * 1.5
        value, gradient = value_and_gradient(position, block)
        pymc_value, pymc_gradient = pymc_density(position)
        offsets.append(value - pymc_value)
        assert gradient == pytest.approx(pymc_gradient, rel=1e-8, abs=1e-8)
    assert np.ptp(offsets) < 1e-8 * max(1, np.abs(offsets).max())


def test_gradient_matches_finite_differences(layout, likelihood, priors, position):
    block = pack(likelihood, priors)
    gradient = value_and_gradient(position, block)[1]
    for i in range(layout.size):
        step = np.zeros(layout.size)
        step[i] = 1e-5
        up, down = (value_and_gradient(position + s, block)[0] for s in (step, -step))
        assert gradient[i] == pytest.approx((up - down) / 2e-5, rel=1e-4, abs=1e-5)


READ_BACK = """
import sys, numpy as np
from adbudget.model.density import value_and_gradient
block, positions = np.load(sys.argv[1]), np.load(sys.argv[2])
for position in positions:
    value, gradient = value_and_gradient(position, block)
    print(value.hex(), gradient.tobytes().hex())
"""


def test_machine_code_read_from_the_cache_gives_the_very_same_numbers(
    layout, likelihood, priors, tmp_path
):
    np.save(tmp_path / "block.npy", pack(likelihood, priors))
    np.save(tmp_path / "positions.npy", np.random.default_rng(2).normal(size=(50, layout.size)))
    files = [str(tmp_path / name) for name in ("block.npy", "positions.npy")]
    run = {
        "args": [sys.executable, "-c", READ_BACK, *files],
        "env": os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")},
    }
    compiled, cached = (
        subprocess.run(**run, capture_output=True, text=True, check=True).stdout for _ in range(2)
    )
    assert any((tmp_path / "cache").rglob("*.nbc")), "the second process had a cache to read"
    assert compiled == cached


def test_the_machine_code_entry_returns_the_same_numbers(layout, likelihood, priors, position):
    block = pack(likelihood, priors)
    gradient, value = np.empty(layout.size), np.empty(1)
    pointers = [a.ctypes.data for a in (position, gradient, value, block)]
    import ctypes

    doubles = ctypes.POINTER(ctypes.c_double)
    arguments = [ctypes.cast(pointer, doubles) for pointer in pointers[:3]]
    code = density_callback.ctypes(layout.size, *arguments, ctypes.c_void_p(pointers[3]))
    wanted = value_and_gradient(position, block)
    assert code == 0
    assert (value[0], *gradient) == (wanted[0], *wanted[1])


def test_the_model_is_one_a_pymc_user_recognises(model, evidence):
    assert {"account", "channel", "cell"} <= set(model.coords)
    assert model.named_vars_to_dims["roi"] == ("cell",)
    assert {v.name for v in model.free_RVs} >= {"channel_return", "account_effect", "cell_effect"}
    assert len(model.coords["cell"]) == evidence.design.exists.sum()


def test_both_engines_find_one_posterior(panel, fitted):
    other = fit(panel, seed=6, engine="pymc", draws=500, tune=700, progress=False)
    ours, theirs = (f.idata["posterior"].dataset for f in (fitted, other))
    for name in ("channel_return", "channel_spread", "account_spread", "saturation_tilt"):
        sd = float(ours[name].std(("chain", "draw")).max())
        gap = np.abs(ours[name].mean(("chain", "draw")) - theirs[name].mean(("chain", "draw")))
        # Monte-Carlo error of two means with at least 200 effective draws, four sigma.
        assert float(gap.max()) < 4 * sd * np.sqrt(2 / 200), name


def test_priors_refuse_nonsense():
    from adbudget.errors import InputError

    with pytest.raises(InputError, match="roi_sd"):
        Priors(roi_sd=-1)
    with pytest.raises(InputError, match="half_saturation"):
        Priors(half_saturation=(1.0, 0.5))
    with pytest.raises(InputError, match="season_order"):
        Priors(season_order=-2)
    for share in (0.0, 1.0):
        with pytest.raises(InputError, match="channels_alike"):
            Priors(channels_alike=share)
    with pytest.raises(InputError, match="adstock_centre must be a finite number"):
        Priors(adstock_centre=float("nan"))


def test_prior_draws_have_the_quantiles_the_priors_state(layout):
    priors = Priors(roi_median=1.4, roi_sd=0.8, channels_alike=0.6, returns_df=5.0)
    part = layout.split(prior_positions(layout, priors, 40_000, seed=3))
    level, returns = part["return_level"], part["channel_return"]
    probability = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
    wanted = student_t(5).ppf(probability)
    for scaled in (
        (level - np.log(1.4)) / (0.8 * 0.6**0.5),
        (returns - level) / (0.8 * 0.4**0.5),
        part["cell_effect"],
    ):
        found = np.quantile(scaled, probability, axis=0)
        assert found == pytest.approx(np.tile(wanted[:, None], scaled.shape[1]), abs=0.06)


def test_where_one_channel_is_far_from_the_level_all_may_be(layout):
    """One Student-t of all channels together: their squares rise and fall together."""
    part = layout.split(prior_positions(layout, Priors(), 40_000, seed=4))
    far = np.abs(part["channel_return"] - part["return_level"]) > 1.5
    both = (far[:, 0] & far[:, 1]).mean()
    assert both > 2 * far[:, 0].mean() * far[:, 1].mean()


def test_spreads_that_one_account_cannot_tell_keep_their_prior(lone_shop):
    evidence, likelihood, layout, priors = lone_shop
    position = np.random.default_rng(5).normal(size=layout.size) * 0.5
    other = position.copy()
    for name in ("channel_spread", "account_spread"):
        layout.split(other)[name][:] += 0.3
    block = pack(likelihood, priors)
    gradients = [value_and_gradient(x, block)[1] for x in (position, other)]
    for name, scale in (
        ("channel_spread", priors.channel_spread),
        ("account_spread", priors.account_spread),
    ):
        for x, gradient in zip((position, other), gradients, strict=True):
            own = layout.split(gradient)[name]
            assert own == pytest.approx(-layout.split(x)[name] / scale**2)
    account, channel = np.argwhere(evidence.design.exists).T
    cells = [cell_draws(x, layout, priors, account, channel).log_roi for x in (position, other)]
    np.testing.assert_array_equal(*cells)


def test_a_lone_shop_has_one_density_too(lone_shop):
    evidence, likelihood, layout, priors = lone_shop
    reference = build(evidence, priors, likelihood).logp_dlogp_function(ravel_inputs=True)
    reference.set_extra_values({})
    block, rng = pack(likelihood, priors), np.random.default_rng(6)
    offsets = []
    for _ in range(5):
        position = rng.normal(size=layout.size)
        value, gradient = value_and_gradient(position, block)
        wanted, wanted_gradient = reference(position)
        offsets.append(value - wanted)
        assert gradient == pytest.approx(wanted_gradient, rel=1e-8, abs=1e-8)
    assert np.ptp(offsets) < 1e-8 * max(1, np.abs(offsets).max())


@pytest.fixture(scope="module")
def lone_shop(priors):
    world = synthesize(WorldSpec(n_accounts=1, n_channels=3, n_periods=40), 3)
    panel = read_panel(world.spend, world.outcome)
    evidence = gather(panel, make_design(panel, priors))
    likelihood = make_likelihood(evidence, priors)
    return evidence, likelihood, Layout(3, 1, 3), priors


def test_the_slow_path_of_the_sampler_warns_once(layout, likelihood, priors, monkeypatch):
    def changed(*arguments):
        raise TypeError("unexpected keyword argument 'user_data'")

    monkeypatch.setattr(sampler, "_machine_code_model", changed)
    sampler.warn_of_slow_path.cache_clear()
    settings = sampler.SamplerSettings(draws=20, tune=20, chains=1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for seed in range(2):
            sampler.sample_compiled(likelihood, priors, layout, seed, settings)
    told = [str(one.message) for one in caught if one.category is RuntimeWarning]
    assert len(told) == 1
    assert "several times slower" in told[0]
    assert "'user_data'" in told[0]
