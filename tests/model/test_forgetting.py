"""Old rows fade by their age, and only where forecasting says so."""

from dataclasses import replace

import numpy as np
import pytest

import adbudget as ab
from adbudget.model.baseline import find_baseline
from adbudget.model.evidence import gather, row_discount
from adbudget.model.forgetting import choose_half_life, forecast_scores
from adbudget.model.noise import find_noise
from adbudget.model.reference import make_design
from adbudget.model.row_noise import even_noise


@pytest.fixture(scope="module")
def noise(panel, design, priors):
    return find_noise(panel, design, find_baseline(gather(panel, design), priors), priors)


@pytest.fixture(scope="module")
def rough(evidence, priors):
    return find_baseline(evidence, priors)


def test_a_row_one_half_life_old_counts_half(panel):
    worth = row_discount(panel, 14.0)
    for a, last in enumerate(panel.last):
        assert worth[a, last] == 1
        assert worth[a, last - 2] == pytest.approx(0.5)
        assert worth[a, last - 8] == pytest.approx(1 / 16)


def test_rows_are_counted_as_what_is_left_of_them(panel, design):
    forgetful = gather(panel, design, half_life_days=70.0)
    worth = row_discount(panel, 70.0) * np.isfinite(panel.outcome)
    assert forgetful.n_rows == pytest.approx(worth.sum(axis=1))
    assert [gram[0, 0] for gram in forgetful.gram] == pytest.approx(worth.sum(axis=1))


def test_a_long_half_life_forgets_nothing(panel, design, evidence):
    forgetful = gather(panel, design, half_life_days=1e12)
    for gram, whole in zip(forgetful.gram, evidence.gram, strict=True):
        assert gram == pytest.approx(whole, rel=1e-8, abs=1e-8)


def test_forgetting_widens_the_returns(panel, fitted):
    forgetful = ab.fit(panel, seed=5, forgetting=91, progress=False)
    assert forgetful.forgetting == 91.0
    kept, faded = (fit.health.prior_share.mean() for fit in (fitted, forgetful))
    assert faded > kept


def test_forgetting_is_saved(panel, fitted, tmp_path):
    forgetful = replace(fitted, forgetting=91.0)
    forgetful.save(tmp_path / "f.fit")
    loaded = ab.Fit.load(tmp_path / "f.fit")
    assert loaded.forgetting == 91.0
    whole = gather(panel, fitted.evidence.design, noise=fitted.noise, half_life_days=91.0)
    assert loaded.evidence.n_rows == pytest.approx(whole.n_rows)


def test_what_never_changes_is_not_forgotten(panel, design, rough, priors, noise):
    assert choose_half_life("auto", panel, design, rough, priors, noise) is None


def test_what_breaks_off_is_forgotten(panel, priors):
    """Halfway, the outcome starts to follow spend four times as strongly."""
    rng = np.random.default_rng(3)
    spend = panel.spend.sum(axis=1) / panel.spend.sum(axis=(1, 2))[:, None] * panel.n_periods
    recent = np.arange(panel.n_periods) >= panel.n_periods // 2
    made = 10 + spend * np.where(recent, 12.0, 0.5) + rng.normal(0, 0.2, spend.shape)
    changed = replace(panel, outcome=np.where(np.isfinite(panel.outcome), made, np.nan))
    design = make_design(changed, priors)
    rough = find_baseline(gather(changed, design), priors)
    even = even_noise(changed)
    scores = forecast_scores(changed, design, rough, priors, even)
    assert scores["gain"].iloc[0] == 0
    assert scores["gain"].max() > 0
    assert choose_half_life("auto", changed, design, rough, priors, even) is not None


@pytest.mark.parametrize("wrong", ["never", -3, 0, 10.0, np.nan, True, (91,)])
def test_a_half_life_that_makes_no_sense_is_named(panel, wrong):
    with pytest.raises(ab.InputError, match="forgetting must be None"):
        ab.fit(panel, seed=1, forgetting=wrong)
