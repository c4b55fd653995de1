"""What shards say of what accounts share: algebra of the factors, and sites from scores."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.stats import norm

import adbudget as ab
from adbudget.model.factor import make_likelihood
from adbudget.model.layout import Layout
from adbudget.model.pooled import pooled, pooled_of, with_pooled
from adbudget.model.scoring import Told, told_by
from adbudget.model.shard import priors_before, priors_given
from adbudget.model.shared_population import draws_of, folded
from adbudget.model.sites import Natural, believed, expected_before, nothing, places_of, total


def gaussian(mean: np.ndarray, cov: np.ndarray) -> Natural:
    precision = np.linalg.inv(cov)
    return Natural(precision=precision, pull=precision @ mean)


def random_cov(rng: np.random.Generator, size: int) -> np.ndarray:
    root = rng.normal(size=(size, size))
    return root @ root.T / size + 0.1 * np.eye(size)


@given(st.integers(0, 1000))
def test_all_shards_less_one_is_the_sum_of_the_others(seed):
    rng = np.random.default_rng(seed)
    sites = [gaussian(rng.normal(size=3), random_cov(rng, 3)) for _ in range(4)]
    cavity, others = total(sites, 3) - sites[2], total([*sites[:2], sites[3]], 3)
    assert cavity.precision == pytest.approx(others.precision)
    assert cavity.pull == pytest.approx(others.pull)


def test_a_factor_with_a_negative_direction_is_held_to_a_share_of_the_prior():
    prior = np.diag([4.0, 1.0])
    odd = Natural(precision=np.diag([5.0, -3.0]), pull=np.array([10.0, 0.1]))
    mean, cov = odd.moments(prior)
    assert mean == pytest.approx([2.0, 0.5])
    assert cov == pytest.approx(np.diag([0.2, 1 / 0.2]))


def test_the_parameters_of_some_channels_are_found_among_those_of_all():
    # level, returns, spreads, account spread, saturation, adstock, spread of levels, odds
    places = places_of(("b",), ("a", "b"))
    assert places.tolist() == [0, 2, 4, 5, 7, 9, 10, 11]
    assert places_of(("a", "b"), ("a", "b")).tolist() == list(range(12))


def test_without_evidence_the_prior_expects_what_is_believed():
    priors = ab.Priors(saturation_centre=0.25)
    found = believed(priors, 2, nothing(12))
    mean, _ = found.moments(found.precision)
    part = Layout(2, 0, 0).split(mean[:-1])
    assert part["channel_return"] == pytest.approx(np.log(priors.roi_median) * np.ones(2))
    assert part["saturation_tilt"] == pytest.approx(0.25)
    assert mean[-1] == pytest.approx(np.log(0.7 / 0.3))


def test_heavy_tails_pull_less_on_channels_that_turn_out_far_apart():
    priors = ab.Priors()
    at, size = 1 + np.arange(2), 12
    near, far = (nothing(size) for _ in range(2))
    near.precision[at, at] = far.precision[at, at] = 1e4
    near.pull[at], far.pull[at] = 1e4 * np.array([-0.1, 0.1]), 1e4 * np.array([-3.0, 3.0])
    pulls = [believed(priors, 2, rest).precision[1, 1] for rest in (near, far)]
    assert pulls[1] < pulls[0] / 3


@pytest.mark.parametrize(("n_draws", "n_shards"), [(300, 4), (300, 60)])
def test_sites_from_scores_are_right_however_many_shards_there_are(n_draws, n_shards):
    """Where precisions of draws are subtracted instead, the sum is too large by shards (p+1)/n."""
    rng, size = np.random.default_rng(3), 12
    truth = gaussian(np.zeros(size), random_cov(rng, size))
    own = truth.times(1 / n_shards)
    cov = np.linalg.inv(truth.precision)
    scored, subtracted = [], []
    for _ in range(n_shards):
        shared = rng.multivariate_normal(np.zeros(size), cov, size=n_draws)
        # The score of the shard, and what its accounts' own effects add to it.
        noise = rng.normal(size=shared.shape) @ np.linalg.cholesky(own.precision).T
        told = Told(
            shared=shared,
            scores=own.pull - shared @ own.precision + noise,
            nought=np.zeros((n_draws, 0)),
        )
        scored.append(told.site())
        tilted = np.linalg.inv(np.cov(shared, rowvar=False))
        subtracted.append(tilted - (truth.precision - own.precision))
    whole = total(scored, size).precision
    assert np.trace(whole @ cov) / size == pytest.approx(1.0, abs=0.03)
    naive = np.trace(sum(subtracted) @ cov) / size
    assert naive > 1 + 0.6 * n_shards * (size + 1) / n_draws


def test_control_variates_of_mean_zero_change_no_site_but_make_it_less_noisy():
    rng, size, n_draws = np.random.default_rng(4), 3, 400
    slope = np.diag([1.0, 2.0, 3.0])
    errors = {True: [], False: []}
    for _ in range(40):
        shared, nought = rng.normal(size=(n_draws, size)), rng.normal(size=(n_draws, 2))
        scores = -shared @ slope + nought @ rng.normal(size=(2, size)) * 5
        for used in errors:
            told = Told(shared=shared, scores=scores, nought=nought if used else nought[:, :0])
            errors[used].append(np.abs(told.site().precision - slope).max())
    assert max(errors[True]) < 1e-9 < np.mean(errors[False])


def test_scores_are_the_slope_of_the_density_less_the_cavity(panel, evidence, priors):
    """By finite differences of the log density of the rows, the typical odds known."""
    from adbudget.model.block import pack
    from adbudget.model.density import value_and_gradient
    from adbudget.model.scoring import CENTRE, TYPICAL_SD

    mean, cov = expected_before(priors, panel.n_channels)
    cov[-2, -1] = cov[-1, -2] = -0.5 * np.sqrt(cov[-2, -2] * cov[-1, -1])
    given_all = priors_given(priors, panel.channels, mean, cov, None)
    likelihood = make_likelihood(evidence, given_all)
    layout = Layout(panel.n_channels, panel.n_accounts, likelihood.cell_channel.size)
    position = np.random.default_rng(1).normal(size=layout.size) * 0.3
    part = layout.split(position)
    part["channel_spread"][:], part["account_spread"][:] = (0.3, 0.4, 0.5), 0.2
    told = told_by(evidence, likelihood, given_all, position[None], np.random.default_rng(2))
    loose = replace(given_all, level_share=float(1 / (1 + np.exp(-told.shared[0, -1]))))
    block = pack(likelihood, loose)
    n_shared = mean.size - 1
    block[block.size - n_shared * (n_shared + 1) :] = 0.0
    block[TYPICAL_SD] = 0.0
    block[CENTRE] = told.shared[0, -1]

    def value(index: int, step: float) -> float:
        moved = position.copy()
        moved[index] += step
        return value_and_gradient(moved, block)[0]

    places = [*range(n_shared - 1), layout.size - 1]
    slopes = [(value(i, 1e-5) - value(i, -1e-5)) / 2e-5 for i in places]
    assert told.scores[0, :-1] == pytest.approx(slopes, rel=1e-5, abs=1e-5)


def test_a_spread_and_its_negative_tell_the_same(panel, evidence, priors):
    given_all = priors_before(priors, panel.channels, None)
    likelihood = make_likelihood(evidence, given_all)
    layout = Layout(panel.n_channels, panel.n_accounts, likelihood.cell_channel.size)
    position = np.random.default_rng(1).normal(size=layout.size) * 0.3
    mirrored = position.copy()
    part = layout.split(mirrored)
    for block in ("channel_spread", "cell_effect", "account_spread", "account_effect"):
        part[block][:] *= -1
    one, other = (
        told_by(evidence, likelihood, given_all, p[None], np.random.default_rng(2))
        for p in (position, mirrored)
    )
    assert one.shared == pytest.approx(other.shared)
    assert one.scores == pytest.approx(other.scores)


def test_folded_moments_are_those_of_the_absolute_value():
    mean, cov = np.zeros(12), np.eye(12)
    mean[3], cov[3, 3] = 0.1, 0.25
    middle, covariance = folded(mean, cov, 2)
    draws = np.abs(mean[3] + 0.5 * norm.ppf((np.arange(20_000) + 0.5) / 20_000))
    assert middle[3] == pytest.approx(draws.mean(), abs=1e-3)
    assert covariance[3, 3] == pytest.approx(draws.var(), abs=1e-3)
    assert middle[0] == 0
    assert covariance[0, 0] == 1


def test_draws_of_what_accounts_share_have_its_moments():
    rng = np.random.default_rng(0)
    mean, cov = rng.normal(size=12), random_cov(rng, 12) / 100
    mean[[3, 4, 5]] = 2.0
    draws = draws_of(mean, cov, 2)
    assert draws.mean(axis=0) == pytest.approx(mean[:-1], abs=0.01)
    assert np.cov(draws, rowvar=False) == pytest.approx(cov[:-1, :-1], abs=0.003)


def test_baseline_sums_of_two_shards_are_those_of_both(panel, priors, evidence):
    """Given one set of scales: what accounts share is a sum over them, in any order."""
    from adbudget.model.gathering import gather_all

    found = pooled_of(panel, gather_all(panel, priors), priors)
    twice = pooled([found, found])
    assert twice.precision == pytest.approx(2 * found.precision)
    assert twice.n_accounts == 2 * panel.n_accounts
    assert twice.scale("season", 0.1, 0.0) == pytest.approx(found.scale("season", 0.1, 0.0))
    learned = priors_before(priors, panel.channels, None).learned
    known = with_pooled(priors, twice, learned)
    assert known.baseline_df == priors.baseline_df + twice.n_accounts
    assert known.learned.columns == found.columns
    assert np.array(known.learned.coefficients) == pytest.approx(twice.coefficients()[0])
