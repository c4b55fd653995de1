"""Outliers and serial correlation: found where they are, and nowhere else."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import toeplitz
from scipy.signal import lfilter
from scipy.stats import t as student_t

import adbudget as ab
from adbudget.model.baseline import assumed_baseline, find_baseline
from adbudget.model.design import carried_spend, first_state
from adbudget.model.evidence import gather
from adbudget.model.noise import find_noise
from adbudget.model.predict import baseline_draws
from adbudget.model.reference import make_design
from adbudget.model.regressors import regression_rows
from adbudget.model.reweighting import System, reweight
from adbudget.model.row_noise import even_noise, spread_ahead
from adbudget.model.update import extended_noise
from adbudget.synthetic import WorldSpec, noise_families, synthesize
from benchmarks.bench_row_noise import coverage

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


# What rows of heavy tails are worth ---------------------------------------------------------------


def bare_system(outcome, columns):
    """Rows of a regression that nothing is known of."""
    return System(
        columns=columns,
        outcome=outcome,
        expected=np.ones(outcome.size),
        relative=np.zeros((columns.shape[1], columns.shape[1])),
        absolute=np.full(columns.shape[1], 1e-9),
    )


@pytest.mark.parametrize("tail", [2.0, 4.0])
def test_reweighting_ends_where_the_likelihood_of_student_t_rows_is_highest(tail):
    """The scale of ten thousand rows is one, and weights have mean one without being made to."""
    rows = np.random.default_rng(3).standard_t(tail, size=10_000)
    found = reweight(bare_system(rows, np.ones((rows.size, 1))), (np.inf, tail))[1]
    scale = np.sqrt(np.mean(found.weights * found.residual**2))
    assert found.weights.mean() == pytest.approx(1, abs=2e-3)
    assert scale == pytest.approx(student_t.fit(rows, fdf=tail)[2], rel=2e-3)


@pytest.mark.parametrize("tail", [2.0, 4.0, 12.0, np.inf])
def test_information_is_that_of_student_t_rows(panel, tail):
    """Means of squared scores over the quantiles of the distribution, against one and two."""
    noise = replace(even_noise(panel), tail_df=tail)
    z = student_t.ppf((np.arange(200_000) + 0.5) / 200_000, tail)
    weight = (tail + 1) / (tail + z**2) if np.isfinite(tail) else np.ones(z.size)
    assert noise.information == pytest.approx(np.mean((weight * z) ** 2), rel=1e-3)
    assert noise.scale_information == pytest.approx(np.mean((weight * z**2 - 1) ** 2) / 2, rel=1e-3)


def test_rows_of_heavy_tails_add_up_to_what_they_tell(panel, design):
    even = even_noise(panel)
    heavy = replace(even, tail_df=2.0)
    full, less = gather(panel, design, noise=even), gather(panel, design, noise=heavy)
    assert less.n_rows == pytest.approx(0.6 * full.n_rows)
    for gram, part in zip(full.gram, less.gram, strict=True):
        assert part == pytest.approx(0.6 * gram)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gaussian", "t4", "t2", "outliers"])
def test_intervals_of_a_coefficient_hold_what_they_say(name):
    """After the project's own choice of a tail and its weights; see benchmarks/bench_row_noise."""
    held = coverage(name, replications=400)
    assert held["information counted"] == pytest.approx(0.9, abs=4 * np.sqrt(0.09 / 400))
    if name != "gaussian":
        assert held["weights taken as known"] < held["information counted"] - 0.04


@pytest.mark.parametrize("tail", [np.inf, 2.0])
def test_the_noise_of_an_account_has_the_freedom_of_its_residuals(panel, design, priors, tail):
    """Precisions are drawn as a chi-squared number over its degrees of freedom; dense algebra."""
    noise = replace(even_noise(panel), tail_df=tail)
    evidence = gather(panel, design, noise=noise)
    stock = carried_spend(panel, design, first_state(panel, design))
    rows, p = regression_rows(panel, design, stock, 0)
    rows = rows[np.isfinite(panel.outcome[0])]
    weights = np.full((20_000, rows.shape[1] - p - 1), 1e-3)
    mean, precision = assumed_baseline(evidence, priors).prior(0, p)
    worth, columns = noise.information, rows[:, :p]
    hat = worth * columns @ np.linalg.solve(worth * columns.T @ columns + precision, columns.T)
    error = rows[:, -1] - columns @ mean - rows[:, p:-1] @ weights[0]
    squares = worth * ((error - hat @ error) ** 2).sum()
    free = worth * (len(rows) - (1 if tail == np.inf else 4 / 7) * np.trace(hat))
    guess = priors.noise_df * priors.noise_share**2
    told = worth * len(rows) - 2 * np.trace(hat) + np.trace(hat @ hat)
    df = priors.noise_df + (told if tail == np.inf else 2 / 3 * told)
    sd = baseline_draws(evidence, noise, priors, weights, 0, np.random.default_rng(0))[1]
    variance = (guess + squares) / (priors.noise_df + free)
    assert np.mean(sd**-2.0) == pytest.approx(1 / variance, rel=0.01)
    assert np.var(sd**-2.0) == pytest.approx(2 / df / variance**2, rel=0.05)


@pytest.mark.slow
def test_the_scale_of_heavy_noise_is_known_as_well_as_it_is_said(panel, design, priors):
    """Replicated noise of known scale: 90% intervals of the drawn scale hold it that often."""
    rng = np.random.default_rng(5)
    tail, sd, held = 2.0, 0.1, []
    stock = carried_spend(panel, design, first_state(panel, design))
    weights = np.full((400, design.exists[0].sum() * design.n_basis), 1e-3)
    rows, p = regression_rows(panel, design, stock, 0)
    inside = np.isfinite(panel.outcome[0])
    for _ in range(150):
        outcome = 0.5 + rows[:, p:-1] @ weights[0] + sd * rng.standard_t(tail, size=len(rows))
        money = np.array(panel.outcome)
        money[0, inside] = (outcome * design.outcome_scale[0] / panel.unit_value[0])[inside]
        drawn = replace(panel, outcome=money)
        system = bare_system(outcome[inside] - 0.5, rows[inside, :1])
        trust = np.ones(panel.outcome.shape)
        trust[0, inside] = reweight(system, (np.inf, tail))[1].weights
        noise = replace(even_noise(panel), tail_df=tail, weights=trust)
        evidence = gather(drawn, design, noise=noise)
        low, high = np.quantile(
            baseline_draws(evidence, noise, priors, weights, 0, rng)[1], [0.05, 0.95]
        )
        held.append(low < sd < high)
    assert np.mean(held) == pytest.approx(0.9, abs=4 * np.sqrt(0.09 / 150))


# Noise that grows with the level -----------------------------------------------------------------


def family_panel(name, seed, **changes):
    spec = replace(noise_families()[name], **changes)
    world = synthesize(spec, seed)
    return ab.read_panel(
        world.spend, world.outcome, columns={"outcome": spec.kpi}, value_per_unit=spec.value
    )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("name", "power"), [("even", 0.0), ("noise_grows", 2.0), ("counts", 1.0)])
def test_how_noise_grows_is_found(name, power, seed):
    # Growth shows where the level moves a lot, and with counts where they are small.
    clear = {"season_strength": 0.6, "n_accounts": 16}
    changes = {"even": {}, "noise_grows": clear, "counts": clear | {"value": 1500.0}}
    assert noise_of(family_panel(name, seed, **changes[name])).level_power == power


def test_high_periods_of_growing_noise_are_trusted_less():
    panel = family_panel("noise_grows", 0, season_strength=0.5)
    noise = noise_of(panel)
    for a in range(panel.n_accounts):
        high = panel.outcome[a] > np.quantile(panel.outcome[a], 0.9)
        low = panel.outcome[a] < np.quantile(panel.outcome[a], 0.1)
        assert noise.weights[a, high].mean() < 0.7 * noise.weights[a, low].mean()


def test_weights_have_mean_one_and_spreads_are_those_of_the_rows_noise():
    """What a row weighs is one over its variance, relative to the mean over the rows."""
    panel = family_panel("noise_grows", 0, n_periods=(60, 104), season_strength=0.6)
    noise = noise_of(panel)
    assert noise.level_power > 0
    for a in range(panel.n_accounts):
        observed = np.isfinite(panel.outcome[a])
        assert noise.weights[a, observed].mean() == pytest.approx(1)
        assert np.mean(noise.spread[a, observed] ** -2.0) == pytest.approx(1)
        assert (noise.weights[a, ~observed] == 1).all()
        if noise.tail_df == np.inf:  # then nothing else moves a row's weight
            assert noise.weights[a, observed] == pytest.approx(noise.spread[a, observed] ** -2.0)


def test_even_noise_has_even_spreads():
    noise = noise_of(panel_of(noise=0.05, hidden_demand_share=0.0))
    assert noise.level_power == 0
    assert (noise.spread == 1).all()


def test_new_rows_get_the_spread_that_a_fit_of_all_rows_would_give_them():
    """Also when the level varies so much that the mean of 1 / level is far from one."""
    panel = family_panel("noise_grows", 1, season_strength=0.6, noise=0.08, n_accounts=4)
    cut = panel.n_periods - 13
    world = synthesize(
        replace(noise_families()["noise_grows"], season_strength=0.6, noise=0.08, n_accounts=4), 1
    )
    before = [f[f["date"] < str(panel.dates[cut])] for f in (world.spend, world.outcome)]
    short = ab.fit(ab.read_panel(*before), seed=1, draws=100, tune=200, progress=False)
    assert short.noise.level_power == 2
    new = extended_noise(short, panel)
    whole = noise_of(panel)
    assert whole.level_power == 2
    assert (new.spread[:, :cut] == short.noise.spread).all()
    ratio = new.spread[:, cut:] / whole.spread[:, cut:]
    assert np.exp(np.log(ratio).mean(axis=1)) == pytest.approx(np.ones(4), rel=0.08)


def test_the_spread_of_rows_to_come_is_relative_to_the_rows_seen():
    """Levels of 1 and 4 with variance as the level: precisions 1 and 1/4 have the mean 5/8."""
    seen = np.array([1.0, 4.0])
    np.testing.assert_allclose(spread_ahead(seen, seen, 1.0), np.sqrt(seen * 5 / 8))
    assert np.mean(spread_ahead(seen, seen, 1.0) ** -2.0) == pytest.approx(1.0)
    np.testing.assert_array_equal(spread_ahead(np.array([9.0]), seen, 0.0), [1.0])
