import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.stats import poisson

from adbudget.model.count_draws import count_outcomes

N = 40_000


def drawn(mean, sd, *, rho=0.0, shock=0.0, tail=None, seed=0, n_draws=N, n_periods=1):
    rng = np.random.default_rng(seed)
    shape = (n_draws, n_periods)
    precision = np.ones(shape) if tail is None else rng.gamma(tail / 2, 2 / tail, size=shape)
    return count_outcomes(
        np.full(shape, mean), np.full(shape, sd), rho, np.full(n_draws, shock),
        rng.normal(size=shape), precision, rng.uniform(size=shape),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("mean", "sd"), [(3.0, 4.0), (30.0, 9.0), (400.0, 60.0), (50_000.0, 900.0)]
)
def test_counts_have_the_mean_and_the_spread_that_were_found(mean, sd):
    counts = drawn(mean, sd)[:, 0]
    assert counts.mean() == pytest.approx(mean, rel=4 * sd / mean / np.sqrt(N))
    assert counts.std() == pytest.approx(sd, rel=0.04)


def test_noise_no_wider_than_counting_is_poisson():
    counts = drawn(2.0, np.sqrt(2.0))[:, 0]
    share = np.bincount(counts.astype(int), minlength=8)[:8] / N
    np.testing.assert_allclose(share, poisson.pmf(np.arange(8), 2.0), atol=0.008)


def test_a_shock_moves_the_mean_of_the_next_period_by_what_persists():
    counts = drawn(100.0, 20.0, rho=0.5, shock=2.0)[:, 0]
    assert counts.mean() == pytest.approx(100 + 20 * 0.5 * 2, abs=0.5)
    assert counts.std() == pytest.approx(20 * np.sqrt(1 - 0.25), rel=0.03)


def test_persistence_keeps_spread_and_ties_periods_together():
    counts = drawn(100.0, 20.0, rho=0.6, n_periods=12)
    np.testing.assert_allclose(counts[:, 8:].std(axis=0), 20.0, rtol=0.04)
    assert np.corrcoef(counts[:, 10], counts[:, 11])[0, 1] == pytest.approx(0.6, abs=0.02)


def test_heavy_tails_stay_heavy():
    calm, heavy = drawn(400.0, 40.0)[:, 0], drawn(400.0, 40.0, tail=2.0)[:, 0]
    assert np.quantile(heavy, 0.999) > np.quantile(calm, 0.999) + 200


@settings(max_examples=40)
@given(
    mean=st.floats(-5, 1e6), sd=st.floats(0, 1e5), rho=st.floats(0, 0.95), shock=st.floats(-5, 5),
    tail=st.sampled_from([None, 2.0, 12.0]), seed=st.integers(0, 99),
)  # fmt: skip
def test_counts_are_whole_and_never_negative(mean, sd, rho, shock, tail, seed):
    counts = drawn(mean, sd, rho=rho, shock=shock, tail=tail, seed=seed, n_draws=50, n_periods=4)
    assert np.isfinite(counts).all()
    assert (counts >= 0).all()
    assert (counts == np.round(counts)).all()
