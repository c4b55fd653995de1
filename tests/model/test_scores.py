"""Scores by hand, and forecasts that know no more than they may."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm

import adbudget as ab
from adbudget.model.held_out import HeldOutForecast, only_accounts, without_last
from adbudget.model.scores import crps_of_draws, log_scores

SHORT = {"draws": 200, "tune": 300, "progress": False}


def test_crps_of_two_draws_on_paper():
    """Mean distance (1 + 3) / 2 less half the mean distance of the only pair, 4 / 2."""
    assert crps_of_draws(np.array([0.0, 4.0]), np.array(1.0)) == pytest.approx(0.0)
    assert crps_of_draws(np.array([2.0, 4.0]), np.array(0.0)) == pytest.approx(2.0)


@given(
    arrays(float, st.tuples(st.integers(2, 25), st.just(3)), elements=st.floats(-1e3, 1e3)),
    arrays(float, 3, elements=st.floats(-1e3, 1e3)),
)
def test_crps_is_what_all_pairs_say(draws, observed):
    n = len(draws)
    pairs = np.abs(draws[:, None] - draws[None]).sum(axis=(0, 1)) / (n * (n - 1))
    brute = np.abs(draws - observed).mean(axis=0) - pairs / 2
    assert crps_of_draws(draws, observed) == pytest.approx(brute, rel=1e-9, abs=1e-9)


def test_crps_of_many_normal_draws_is_the_closed_form():
    draws = np.random.default_rng(0).normal(size=(20_000, 3))
    observed = np.array([-1.0, 0.0, 2.0])
    exact = observed * (2 * norm.cdf(observed) - 1) + 2 * norm.pdf(observed) - np.pi**-0.5
    assert crps_of_draws(draws, observed) == pytest.approx(exact, abs=0.02)


def test_crps_needs_two_draws():
    with pytest.raises(ab.InputError, match="two draws"):
        crps_of_draws(np.zeros((1, 3)), np.zeros(3))


def test_log_score_is_the_density_of_the_mixture():
    expected = HeldOutForecast(
        observed=np.array([0.5]),
        mean=np.array([[0.0], [1.0]]),
        noise_sd=np.array([[1.0], [2.0]]),
        replicated=np.zeros((2, 1)),
        tail_df=np.inf,
    )
    by_hand = np.log((norm.pdf(0.5) + norm.pdf(0.5, 1, 2)) / 2)
    assert log_scores(expected) == pytest.approx([by_hand])


def test_what_is_held_out_is_gone(panel):
    kept = without_last(panel, 8)
    assert (kept.last == panel.last - 8).all()
    for a in range(panel.n_accounts):
        until = panel.last[a] - 7
        seen = slice(0, until)
        assert np.array_equal(kept.outcome[a, seen], panel.outcome[a, seen], equal_nan=True)
        assert np.isnan(kept.outcome[a, until:]).all()
        assert kept.spend[a, :, until:].sum() == 0


def test_an_account_too_short_for_it_is_named(panel):
    with pytest.raises(ab.InputError, match=r"account_0\d.*Hold out less"):
        without_last(panel, 55)


def test_some_accounts_keep_their_numbers(panel):
    pair = only_accounts(panel, [2, 0])
    assert pair.accounts == (panel.accounts[2], panel.accounts[0])
    assert (pair.spend[1] == panel.spend[0]).all()


def test_the_future_of_an_outcome_does_not_change_its_forecast(panel):
    """The only test that matters of a held-out score: nothing of what is scored was seen."""
    from dataclasses import replace

    from adbudget.model.scores import _leave_accounts, _leave_weeks

    other = np.array(panel.outcome)
    for a, last in enumerate(panel.last):
        other[a, last - 3 : last + 1] *= 7
    changed = replace(panel, outcome=other)
    kept = without_last(panel, 4)
    for run in (_leave_weeks, _leave_accounts):
        forecasts = [
            [expected.mean for _, expected, _ in run(p, kept, ab.Priors(), "none", 3, SHORT)]
            for p in (panel, changed)
        ]
        for one, two in zip(*forecasts, strict=True):
            assert (one == two).all()


def test_scores_of_three_ways_to_pool(panel):
    scores = ab.predictive_scores(panel, seed=1, hold_out="6w", **SHORT)
    assert list(scores.index) == ["partial", "none", "full"]
    assert (scores["rows"] == 6 * panel.n_accounts).all()
    assert scores["elpd_difference"].max() == 0
    assert (scores["elpd"] - scores["elpd"].max()).to_numpy() == pytest.approx(
        scores["elpd_difference"].to_numpy()
    )
    assert scores["crps"].between(0.005, 0.2).all()
    assert scores["coverage"].between(0.7, 1.0).all()


def test_scores_by_account_add_up(panel):
    few = {"pooling": ("partial",), "hold_out": 4}
    whole = ab.predictive_scores(panel, seed=2, **few, **SHORT)
    parts = ab.predictive_scores(panel, seed=2, by_account=True, **few, **SHORT)
    assert parts["elpd"].sum() == pytest.approx(whole["elpd"].iloc[0])
    assert list(parts.index.get_level_values("account")) == list(panel.accounts)


def test_what_others_say_forecasts_an_account_better_than_the_prior(panel):
    scores = ab.predictive_scores(
        panel,
        seed=1,
        leave_out="accounts",
        hold_out="24w",
        pooling=("partial", "none"),
        **SHORT,
    )
    assert scores.loc["partial", "elpd"] > scores.loc["none", "elpd"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"hold_out": "soon"}, "hold_out"),
        ({"hold_out": "1d"}, "hold_out"),
        ({"hold_out": 0}, "hold_out"),
        ({"pooling": "partial"}, "pooling"),
        ({"pooling": ("some",)}, "pooling"),
        ({"leave_out": "channels"}, "leave_out"),
        ({"engine": "pymc"}, "unknown options"),
    ],
)
def test_arguments_out_of_range_are_named(panel, arguments, words):
    with pytest.raises(ab.InputError, match=words):
        ab.predictive_scores(panel, seed=1, **arguments)
