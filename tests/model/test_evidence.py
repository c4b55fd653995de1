"""Evidence adds up, and a missing outcome is a missing row."""

from dataclasses import replace

import numpy as np
import pytest

import adbudget as ab
from adbudget.curves import mixed_adstock
from adbudget.errors import InputError
from adbudget.model.baseline import assumed_baseline, baseline_of
from adbudget.model.design import carried_spend, first_state
from adbudget.model.evidence import gather
from adbudget.model.factor import integrate_baseline, level_apart
from adbudget.model.reference import make_design
from adbudget.model.regressors import baseline_columns, regression_rows
from adbudget.panel.read import read_panel


def test_two_halves_add_up_to_the_whole(panel, design, evidence):
    early = np.arange(panel.n_periods) < panel.n_periods // 2
    added = gather(panel, design, rows=early) + gather(panel, design, rows=~early)
    assert (added.n_rows == evidence.n_rows).all()
    for half_sum, whole in zip(added.gram, evidence.gram, strict=True):
        assert half_sum == pytest.approx(whole, rel=1e-12, abs=1e-9)


def test_evidence_of_different_designs_does_not_add(panel, priors, evidence):
    with pytest.raises(InputError, match="one design"):
        evidence + gather(panel, make_design(panel, priors))


def test_a_masked_outcome_is_a_dropped_row(panel, design):
    masked = np.array(panel.outcome)
    masked[0, panel.last[0] - 3] = np.nan
    rows = np.ones(panel.n_periods, bool)
    rows[panel.last[0] - 3] = False
    by_mask = gather(replace(panel, outcome=masked), design)
    by_rows = gather(panel, design, rows=rows)
    assert by_mask.gram[0] == pytest.approx(by_rows.gram[0], rel=1e-12, abs=1e-12)
    assert by_mask.n_rows[0] == by_rows.n_rows[0]


def test_every_basis_column_has_mean_one_over_the_channels_life(panel, design):
    stock = carried_spend(panel, design, first_state(panel, design))
    for a, c in np.argwhere(design.exists):
        live = panel.live[a, c]
        level = mixed_adstock(stock[a, c], design.mix)[:, None, live]
        k, s = design.half_saturation[None, :, None], design.s_shaped[None, :, None]
        raw = np.concatenate([level / (level + k), level**2 / (level**2 + s**2)], axis=1)
        assert raw.mean(axis=2) == pytest.approx(design.basis_mean[a, c], rel=1e-12)


def test_a_channel_that_starts_late_has_no_carry_in(panel, design):
    state = first_state(panel, design)
    late = [(a, c) for a, c in np.argwhere(design.exists) if not panel.live[a, c, panel.first[a]]]
    assert late, "the world has a late start"
    assert all(state[a, c].max() == 0 for a, c in late)


def test_the_first_state_is_the_level_of_the_first_weeks(panel, design):
    state = first_state(panel, design)
    a, c = next((a, c) for a, c in np.argwhere(design.exists) if panel.live[a, c, panel.first[a]])
    begin = panel.first[a]
    wanted = panel.spend[a, c, begin : begin + 4].mean() / design.unit[a, c]
    assert state[a, c] == pytest.approx(np.full(design.retention.size, wanted))


def test_a_late_start_does_not_bend_the_scale(panel, design):
    """Zero weeks before a launch would halve the mean; the life's mean ignores them."""
    for a, c in np.argwhere(design.exists):
        live = panel.live[a, c]
        assert design.scale[a, c] == pytest.approx(panel.spend[a, c, live].mean())


def test_half_saturations_are_in_units_of_the_spend_that_money_is_spent_at(panel, design):
    """Weeks without spend do not count: the same flights between longer breaks have one unit."""
    spend = np.zeros_like(panel.spend)
    spend[..., ::4] = 8.0
    flighted = replace(panel, spend=spend, live=np.ones_like(panel.live))
    fixed = make_design(flighted, ab.Priors())
    assert fixed.unit == pytest.approx(8.0)
    assert fixed.scale == pytest.approx(spend.mean(axis=2))
    assert np.all((design.unit >= design.scale)[design.exists])


def test_the_baseline_is_integrated_out_exactly(panel, design, evidence, priors):
    """The quadratic form of the likelihood, against the dense covariance of the raw rows."""
    account = 1
    stock = carried_spend(panel, design, first_state(panel, design))
    rows, p = regression_rows(panel, design, stock, account)
    rows = rows[np.isfinite(panel.outcome[account])]
    mean, precision = assumed_baseline(evidence, priors).prior(account, p)
    spread = np.linalg.inv(precision)
    inverse = np.linalg.inv(np.eye(len(rows)) + rows[:, :p] @ spread @ rows[:, :p].T)
    reduced = integrate_baseline(evidence, priors, account)
    rng = np.random.default_rng(0)
    for _ in range(5):
        weights = rng.uniform(0, 0.02, rows.shape[1] - p - 1)
        error = rows[:, -1] - rows[:, :p] @ mean - rows[:, p:-1] @ weights
        contrast = np.append(-weights, 1.0)
        assert error @ inverse @ error == pytest.approx(contrast @ reduced @ contrast, rel=1e-8)


def test_the_low_rank_factor_changes_the_misfit_by_next_to_nothing(evidence, likelihood, priors):
    rng = np.random.default_rng(3)
    n_basis = evidence.design.n_basis
    for a in range(len(evidence.gram)):
        begin, end = likelihood.first_cell[a], likelihood.first_cell[a + 1]
        share = np.repeat(likelihood.spend_share[begin:end], n_basis)
        weights = share * rng.dirichlet(np.ones(share.size)) * (end - begin)
        reduced = level_apart(evidence, baseline_of(evidence, priors), a).gram
        contrast = np.append(-weights, 1.0)
        exact = contrast @ reduced @ contrast
        rank = likelihood.rank[a]
        error = weights @ likelihood.factor[a, : share.size, :rank] - likelihood.target[a, :rank]
        low_rank = error @ error + likelihood.rest[a]
        # In units of the noise: what the log density can feel.
        assert abs(exact - low_rank) / (exact / evidence.n_rows[a]) < 1e-2


def test_daily_and_weekly_panels_know_the_same_half_lives(world, priors):
    weekly = make_design(read_panel(world.spend, world.outcome), priors)
    with np.errstate(divide="ignore"):  # a half-life of zero days keeps nothing: 0.5 ** inf
        periods = 1 / np.unique([days for parts in priors.adstocks for days in parts])
    assert weekly.retention == pytest.approx(0.5 ** (7 * periods))


def test_trend_ramps_of_later_knots_are_zero_before_them(panel, design):
    columns = baseline_columns(panel, design, 0)
    begin = panel.first[0]
    n_ramps = columns.shape[1] - 1 - 2 * design.season_order - 1  # and the demand column
    assert (columns[begin, -n_ramps:] == 0).all()
    assert columns[panel.last[0], -n_ramps] == 1


def test_likelihood_of_a_panel_is_ordered_by_account(likelihood, evidence):
    assert likelihood.first_cell[-1] == evidence.design.exists.sum()
    assert likelihood.rank.min() > 0
