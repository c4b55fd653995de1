"""Outliers and serial correlation: found where they are, and nowhere else."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import toeplitz
from scipy.signal import lfilter

import adbudget as ab
from adbudget.model.baseline import find_baseline
from adbudget.model.columns import regression_rows
from adbudget.model.design import carried_spend, first_state
from adbudget.model.evidence import gather
from adbudget.model.noise import find_noise
from adbudget.model.reference import make_design
from adbudget.model.row_noise import even_noise
from adbudget.synthetic import WorldSpec, synthesize

WORLD = {"n_accounts": 6, "n_channels": 3, "n_periods": 156}


def noise_of(panel):
    priors = ab.Priors()
    design = make_design(panel, priors)
    return find_noise(panel, design, find_baseline(gather(panel, design), priors), priors)


def panel_of(**spec):
    world = synthesize(WorldSpec(**(WORLD | spec)), 3)
    return ab.read_panel(world.spend, world.outcome)


def with_persistent_noise(panel, rho, share=0.15, seed=0):
    """The panel with first-order autoregressive noise on top of its outcome."""
    rng = np.random.default_rng(seed)
    fresh = rng.normal(size=panel.outcome.shape) * np.sqrt(1 - rho**2)
    noise = lfilter([1.0], [1.0, -rho], fresh, axis=1)
    level = np.nanmean(panel.outcome, axis=1, keepdims=True)
    return replace(panel, outcome=panel.outcome + share * level * noise)


def test_outliers_get_next_to_no_weight():
    noise = noise_of(panel_of(noise=0.05, outlier_share=0.05))
    assert noise.tail_df <= 4
    assert (noise.weights < 0.2).sum() >= 20


def test_clean_noise_is_left_alone():
    noise = noise_of(panel_of(noise=0.05, hidden_demand_share=0.0))
    assert noise.tail_df == np.inf
    assert (noise.weights == 1).all()
    assert (noise.autocorrelation == 0).all()


def test_slow_noise_is_taken_for_a_wandering_level_and_fast_persistence_is_whitened():
    """Nothing of it is left in the residuals, where it would pass for evidence."""
    quiet = panel_of(noise=0.001, hidden_demand_share=0.0)
    priors = ab.Priors()
    wander, residual = [], []
    for rho in (0.0, 0.5, 0.8):
        panel = with_persistent_noise(quiet, rho)
        design = make_design(panel, priors)
        baseline = find_baseline(gather(panel, design), priors)
        wander.append(baseline.scales["trend"])
        residual.append(baseline.noise_sd.mean())
    assert wander[0] < wander[1] < wander[2]
    assert residual[0] > residual[1] > residual[2]
    assert noise_of(with_persistent_noise(quiet, 0.5)).autocorrelation.mean() > 0.05


@pytest.mark.parametrize("seed", range(4))
def test_a_short_gaussian_history_does_not_look_heavy_tailed(seed):
    world = synthesize(WorldSpec(n_accounts=6, n_channels=3, n_periods=30), seed)
    assert noise_of(ab.read_panel(world.spend, world.outcome)).tail_df == np.inf


def test_whitened_evidence_is_generalised_least_squares(panel, design, priors):
    """Against the dense covariance of an autoregression, on rows without gaps."""
    account, rho = 0, 0.6
    observed = np.isfinite(panel.outcome[account])
    inside = slice(panel.first[account], panel.last[account] + 1)
    assert observed[inside].all(), "the account has no gap"
    autocorrelation = np.zeros(panel.n_accounts)
    autocorrelation[account] = rho
    noise = replace(even_noise(panel), autocorrelation=autocorrelation)
    gram = gather(panel, design, noise=noise).gram[account]
    stock = carried_spend(panel, design, first_state(panel, design))
    rows = regression_rows(panel, design, stock, account)[0][inside]
    covariance = toeplitz(rho ** np.arange(len(rows)))
    assert gram == pytest.approx(rows.T @ np.linalg.inv(covariance) @ rows, rel=1e-6, abs=1e-6)


def test_a_row_after_a_gap_is_not_whitened_by_what_is_not_there(panel, design, priors):
    gap = panel.last[0] - 5
    outcome = np.array(panel.outcome)
    outcome[0, gap] = np.nan
    noise = replace(even_noise(panel), autocorrelation=np.full(panel.n_accounts, 0.5))
    gram = gather(replace(panel, outcome=outcome), design, noise=noise).gram[0]
    assert np.isfinite(gram).all()


def test_two_whitened_halves_add_up_to_the_whole(panel, design):
    noise = replace(even_noise(panel), autocorrelation=np.full(panel.n_accounts, 0.4))
    early = np.arange(panel.n_periods) < panel.n_periods // 2
    halves = [gather(panel, design, rows=r, noise=noise) for r in (early, ~early)]
    whole = gather(panel, design, noise=noise)
    for half_sum, gram in zip((halves[0] + halves[1]).gram, whole.gram, strict=True):
        assert half_sum == pytest.approx(gram, rel=1e-12, abs=1e-9)
