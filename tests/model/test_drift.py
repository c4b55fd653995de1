"""Old and recent halves are compared, and a change is seen where there is one."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

import adbudget as ab
from adbudget.model.design import carried_spend, first_state
from adbudget.model.drift import drift_table, drift_warnings
from adbudget.model.evidence import gather
from adbudget.model.regressors import regression_rows
from adbudget.model.row_noise import even_noise


def outcome_with(fitted, factor, seed):
    """The fitted panel, its outcome drawn anew with one channel's recent return multiplied."""
    panel, design = fitted.panel, fitted.evidence.design
    rng = np.random.default_rng(seed)
    stock = carried_spend(panel, design, first_state(panel, design))
    outcome = np.full(panel.outcome.shape, np.nan)
    for a in range(panel.n_accounts):
        rows, p = regression_rows(panel, design, stock, a)
        own = np.flatnonzero(design.exists[a])
        basis = rows[:, p:-1].reshape(len(rows), own.size, -1)
        owed = 0.15 * basis.mean(axis=2)
        middle = (panel.first[a] + panel.last[a] + 1) / 2
        owed[np.arange(len(rows)) >= middle] *= np.where(own == 0, factor, 1.0)
        noise = rng.normal(0, 0.01, len(rows))
        outcome[a] = (0.5 + owed.sum(axis=1) + noise) * design.outcome_scale[a]
    return replace(panel, outcome=np.where(np.isfinite(panel.outcome), outcome, np.nan))


def table_of(fitted, panel):
    even = even_noise(panel)
    evidence = gather(panel, fitted.evidence.design)
    return drift_table(panel, evidence, even, fitted.priors, fitted.cell_draws)


def test_distances_are_about_standard_normal_when_nothing_changes(fitted):
    z = np.concatenate([table_of(fitted, outcome_with(fitted, 1.0, s))["z"] for s in range(20)])
    assert abs(z.mean()) < 0.5
    assert 0.6 < z.std() < 1.4


def test_a_channel_that_doubles_is_found_and_no_other(fitted):
    found = table_of(fitted, outcome_with(fitted, 2.0, 1))
    assert found["z"].idxmax() == fitted.panel.channels[0]
    assert found["z"].max() > 3
    said = drift_warnings(found)
    assert fitted.panel.channels[0] in said[0]
    assert "above" in said[0]


def test_a_channel_that_fades_is_found(fitted):
    found = table_of(fitted, outcome_with(fitted, 0.2, 1))
    assert found["z"].iloc[0] < -3
    assert "below" in drift_warnings(found)[0]


def test_a_fit_of_a_steady_world_warns_of_nothing(fitted):
    assert list(fitted.drift.index) == list(fitted.panel.channels)
    assert not [said for said in fitted.health.warnings if "disagree about" in said]


def test_records_too_short_for_two_halves_say_nothing(fitted):
    panel = fitted.panel
    short = replace(panel, outcome=np.where(np.arange(panel.n_periods) < 70, np.nan, panel.outcome))
    table = table_of(fitted, short)
    assert table["z"].isna().all()
    assert drift_warnings(table) == ()


def test_a_changed_channel_is_in_the_health_of_its_fit(fitted):
    panel = outcome_with(fitted, 3.0, 2)
    warned = ab.fit(panel, seed=1, draws=200, tune=300, progress=False)
    assert any(repr(panel.channels[0]) in said for said in warned.health.warnings)
    assert isinstance(warned.drift, pd.DataFrame)


def test_the_probability_allows_for_all_channels(fitted):
    table = table_of(fitted, outcome_with(fitted, 1.0, 3))
    lone = 2 * norm.cdf(-np.abs(table["z"].to_numpy()))
    assert table["p_value"].to_numpy() == pytest.approx(1 - (1 - lone) ** len(table))
