"""Shocks that persist: told from a level that wanders, found where they are, and nowhere else."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import toeplitz
from scipy.signal import lfilter
from scipy.stats import multivariate_normal

import adbudget as ab
from adbudget.model.baseline import find_baseline, search_baseline
from adbudget.model.design import carried_spend, first_state
from adbudget.model.evidence import gather
from adbudget.model.level import prior_share
from adbudget.model.noise import find_noise
from adbudget.model.persistence import _Pairs
from adbudget.model.reference import make_design
from adbudget.model.regressors import regression_rows, shared_columns
from adbudget.model.row_noise import even_noise
from adbudget.model.working_prior import working_prior
from adbudget.synthetic import WorldSpec, synthesize

PRIORS = ab.Priors()
WORLD = {"n_accounts": 6, "n_channels": 3, "n_periods": 104, "hidden_demand_share": 0.0}


def panel_of(seed, **spec):
    world = synthesize(WorldSpec(**(WORLD | spec)), seed)
    return ab.read_panel(world.spend, world.outcome)


def found_in(panel):
    design = make_design(panel, PRIORS)
    return find_noise(panel, design, find_baseline(gather(panel, design), PRIORS), PRIORS)


def with_shocks(panel, rho, share, seed=0):
    """The panel with first-order autoregressive noise on top of its outcome."""
    fresh = np.random.default_rng(seed).normal(size=panel.outcome.shape) * np.sqrt(1 - rho**2)
    level = np.nanmean(panel.outcome, axis=1, keepdims=True)
    shocks = share * level * lfilter([1.0], [1.0, -rho], fresh, axis=1)
    return replace(panel, outcome=panel.outcome + shocks)


def test_sums_of_whitened_rows_are_a_polynomial_of_the_autocorrelation():
    panel = panel_of(1)
    design, noise = make_design(panel, PRIORS), even_noise(panel)
    rows = _Pairs.of(panel, design, noise)
    for rho in (0.15, 0.4, 0.95):
        each = np.full(panel.n_accounts, rho)
        whole = gather(panel, design, noise=replace(noise, autocorrelation=each))
        for ours, gram in zip(rows.at(rho).gram, whole.gram, strict=True):
            assert ours == pytest.approx(gram, rel=1e-9, abs=1e-9 * np.abs(gram).max())


@pytest.mark.parametrize("rho", [0.1, 0.6])
def test_the_density_of_the_rows_is_that_of_the_dense_covariance(rho):
    panel, account = panel_of(1), 2
    design = make_design(panel, PRIORS)
    rows = _Pairs.of(panel, design, even_noise(panel))
    found = search_baseline(rows.at(rho), PRIORS)
    ours = rows.log_density(found, rho)[account]

    columns, p = regression_rows(panel, design, carried_of(panel, design), account)
    assert np.isfinite(panel.outcome[account]).all()
    shared, scales = shared_columns(design, PRIORS), found.scales
    n_shared = shared.size.size
    expected, loose = working_prior(design, PRIORS, account)
    gram = rows.at(rho).gram[account]
    outcome_mean = gram[0, -1] / gram[0, 0]
    level_share, level_sd = prior_share(PRIORS)
    mean, cov = found.expected()
    moving = columns[:, 1:p] - gram[0, 1:p] / gram[0, 0]
    at_level = np.full(len(columns), outcome_mean * level_share)
    centre = at_level + moving[:, :n_shared] @ mean[account] + columns[:, p:-1] @ expected
    curves = columns[:, p:-1] * loose
    seasons, ramps = moving[:, :n_shared], moving[:, n_shared:]
    spread = toeplitz(rho ** np.arange(len(columns))) * scales.noise[account] ** 2
    spread = spread + (outcome_mean * level_sd) ** 2 + seasons @ cov[account] @ seasons.T
    spread = spread + scales.trend**2 * ramps @ ramps.T + curves @ curves.T
    dense = multivariate_normal(centre, spread).logpdf(columns[:, -1])
    # Ours lacks the constant, and the directions of the curves that move next to nothing.
    assert ours == pytest.approx(dense + len(columns) * np.log(2 * np.pi) / 2, abs=0.05)


def carried_of(panel, design):
    return carried_spend(panel, design, first_state(panel, design))


@pytest.mark.parametrize("seed", range(3))
def test_shocks_that_persist_are_found(seed):
    quiet = panel_of(seed, noise=0.001)
    slow = found_in(with_shocks(quiet, 0.5, 0.1, seed)).autocorrelation
    assert 0.25 < slow.mean() < 0.7
    slower = found_in(with_shocks(quiet, 0.8, 0.1, seed)).autocorrelation
    assert slow.mean() < slower.mean() < 0.95


@pytest.mark.parametrize("spec", [{"noise": 0.05}, {"noise": 0.05, "outlier_share": 0.03}])
@pytest.mark.parametrize("seed", range(3))
def test_shocks_that_do_not_persist_are_left_alone(spec, seed):
    assert (found_in(panel_of(seed, **spec)).autocorrelation < 0.15).all()


def test_an_account_may_differ_from_what_accounts_have_in_common():
    quiet = panel_of(0, noise=0.001, n_periods=208)
    slow, fast = with_shocks(quiet, 0.6, 0.1), with_shocks(quiet, 0.0, 0.1)
    outcome = np.where(np.arange(6)[:, None] == 0, fast.outcome, slow.outcome)
    rho = found_in(replace(quiet, outcome=outcome)).autocorrelation
    assert rho[0] < rho[1:].min()


def test_outliers_do_not_hide_nor_feign_persistence():
    quiet = panel_of(0, noise=0.001)
    slow = with_shocks(quiet, 0.6, 0.08)
    rng = np.random.default_rng(5)
    hit = rng.random(slow.outcome.shape) < 0.02
    far = np.where(hit, rng.choice([0.6, 1.5], slow.outcome.shape), 1.0)
    with_outliers = found_in(replace(slow, outcome=slow.outcome * far))
    assert np.isfinite(with_outliers.tail_df), "outliers are seen"
    assert 0.15 < with_outliers.autocorrelation.mean() < 0.8
