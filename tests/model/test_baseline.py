"""What accounts show of each other's baseline: found where it is, and never counted twice."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import adbudget as ab
from adbudget.model.baseline import (
    FoundScales,
    _Common,
    _system,
    assumed_baseline,
    baseline_of,
    find_baseline,
    with_baseline,
)
from adbudget.model.calendar import calendar_columns
from adbudget.model.evidence import gather
from adbudget.model.level import prior_share
from adbudget.model.reference import make_design
from adbudget.model.regressors import shared_columns

PRIORS = ab.Priors()
N_WAVES = 4
SIZE = np.tile(1 / np.arange(1.0, N_WAVES + 1), 2)  # of the sines, then of the cosines
SEASON = np.array([0.2, 0.05, 0.0, 0.02, -0.1, 0.0, 0.03, 0.0])


def season_of(dates, coefficients):
    """What a season does to the outcome, as a share of its mean."""
    day = dates.day_of_year.to_numpy() - 1
    angle = 2 * np.pi * day[:, None] / 365.25 * np.arange(1, N_WAVES + 1)
    return np.concatenate([np.sin(angle), np.cos(angle)], axis=1) @ coefficients


def made_panel(
    *, n_accounts=12, n_periods=156, lengths=None, apart=0.05, trend=0.04, noise=0.06, seed=0
):
    """Accounts that share a season; and the season each of them really has.

    ``apart`` is the sd between accounts of the first wave's coefficients, ``trend`` the sd of a
    step of the level in four weeks.
    """
    rng = np.random.default_rng(seed)
    dates = pd.date_range(end="2025-03-31", periods=n_periods, freq="W-MON")
    frames, own = [], SEASON + apart * SIZE * rng.normal(size=(n_accounts, 2 * N_WAVES))
    for a, coefficients in enumerate(own):
        begin = n_periods - (n_periods if lengths is None else lengths[a])
        knots = np.arange(0, n_periods + 4, 4)
        steps = np.concatenate([[0.0], trend * rng.normal(size=knots.size - 1)])
        level = 1 + np.interp(np.arange(n_periods), knots, steps.cumsum())
        path = level + season_of(dates, coefficients) + noise * rng.normal(size=n_periods)
        frame = pd.DataFrame({"account": f"a{a:02d}", "date": dates, "revenue": 1e5 * path})
        for channel in ("search", "social"):
            frame[channel] = 1e3 * np.exp(0.4 * rng.normal(size=n_periods))
        frames.append(frame.iloc[begin:])
    return ab.read_panel(pd.concat(frames), channels=["search", "social"]), own


def evidence_of(panel, design=None):
    return gather(panel, make_design(panel, PRIORS) if design is None else design)


@pytest.fixture(scope="module")
def known():
    panel, own = made_panel()
    return panel, own, evidence_of(panel)


@pytest.fixture(scope="module")
def found(known):
    return find_baseline(known[2], PRIORS)


# Scales are found ---------------------------------------------------------------------------


def test_the_calendar_of_the_test_is_the_calendar_of_the_model(known):
    panel, _, evidence = known
    columns = calendar_columns(panel, evidence.design, 0)
    unit = np.eye(2 * N_WAVES)
    by_hand = [season_of(pd.DatetimeIndex(panel.dates), wave) for wave in unit]
    np.testing.assert_allclose(columns.T, by_hand, atol=1e-12)


def test_season_trend_and_noise_are_found_on_their_scales(found):
    assert found.scales["season"] == pytest.approx(0.05, rel=0.25)
    assert found.scales["trend"] == pytest.approx(0.04, rel=0.3)
    assert found.noise_sd == pytest.approx(np.full(12, 0.06), rel=0.3)
    assert found.noise_sd.mean() == pytest.approx(0.06, rel=0.1)


def test_the_season_expected_of_an_account_is_the_one_all_share(found):
    assert found.mean[:, : SEASON.size] == pytest.approx(np.tile(SEASON, (12, 1)), abs=0.04)


@pytest.mark.parametrize("scale", ["apart", "trend", "noise"])
def test_more_of_a_scale_is_found_where_there_is_more(scale):
    sizes = []
    for size in (0.01, 0.04, 0.12):
        small: dict[str, Any] = {"n_accounts": 8, "n_periods": 104, scale: size}
        baseline = find_baseline(evidence_of(made_panel(**small)[0]), PRIORS)
        found = {
            "apart": baseline.scales["season"],
            "trend": baseline.scales["trend"],
            "noise": baseline.noise_sd.mean(),
        }
        sizes.append(found[scale])
    assert sizes[0] < sizes[1] < sizes[2]


def test_guesses_worth_many_observations_are_kept(known):
    stubborn = replace(PRIORS, baseline_df=1e9, trend_sd=0.01, season_sd=0.3)
    scales = find_baseline(known[2], stubborn).scales
    assert scales["trend"] == pytest.approx(0.01, rel=1e-3)
    assert scales["season"] == pytest.approx(0.3 * stubborn.baseline_apart, rel=1e-3)


# Nothing is counted twice -------------------------------------------------------------------


def test_one_account_alone_is_expected_to_be_as_the_priors_say():
    panel, _ = made_panel(n_accounts=1)
    evidence = evidence_of(panel)
    alone, shared = find_baseline(evidence, PRIORS), shared_columns(evidence.design, PRIORS)
    assert alone.mean[0] == pytest.approx(shared.centre)
    spread = np.array([alone.scales[name] for name in shared.groups])
    variance = 1 / np.diag(shared.precision) + (spread[shared.group] * shared.size) ** 2
    assert np.linalg.inv(alone.precision[0]) * alone.noise_sd[0] ** 2 == pytest.approx(
        np.diag(variance), abs=1e-10
    )


def test_what_is_expected_of_an_account_is_what_the_others_alone_say(known):
    """At the same scales, leaving an account out is never having had it."""
    evidence = known[2]
    shared = shared_columns(evidence.design, PRIORS)
    systems = [_system(evidence, PRIORS, shared, a) for a in range(4)]
    scales = FoundScales.first(shared, PRIORS, 4)
    mean, cov = _Common.of(systems, shared, scales).without(1)
    others = [systems[a] for a in (0, 2, 3)]
    by_others = _Common.of(others, shared, FoundScales.first(shared, PRIORS, 3)).all()
    assert mean == pytest.approx(by_others[0], rel=1e-6, abs=1e-9)
    assert cov == pytest.approx(by_others[1], rel=1e-6, abs=1e-12)


def test_an_accounts_own_season_moves_what_is_expected_of_the_others(known, found):
    panel, _, evidence = known
    outcome = np.array(panel.outcome)
    outcome[0] *= 1 + 0.3 * season_of(pd.DatetimeIndex(panel.dates), np.eye(8)[1])
    turned = find_baseline(evidence_of(replace(panel, outcome=outcome), evidence.design), PRIORS)
    moved = np.abs(turned.mean - found.mean)[:, 1]
    assert moved[0] < 0.1 * moved[1:].min(), "only through the scales, which all accounts share"
    assert (turned.mean - found.mean)[1:, 1].min() > 0.005


def test_the_order_of_accounts_does_not_matter(known, found):
    evidence = known[2]
    turned = replace(
        evidence,
        gram=evidence.gram[::-1],
        n_baseline=evidence.n_baseline[::-1],
        n_rows=evidence.n_rows[::-1],
        design=replace(
            evidence.design,
            scale=evidence.design.scale[::-1],
            outcome_scale=evidence.design.outcome_scale[::-1],
        ),
    )
    again = find_baseline(turned, PRIORS)
    assert again.mean[::-1] == pytest.approx(found.mean, rel=1e-6, abs=1e-9)
    assert again.noise_sd[::-1] == pytest.approx(found.noise_sd, rel=1e-6)


def test_the_unit_of_money_does_not_matter(known, found):
    panel = known[0]
    pence = replace(panel, outcome=100 * panel.outcome, spend=100 * panel.spend)
    again = find_baseline(evidence_of(pence), PRIORS)
    assert again.mean == pytest.approx(found.mean, rel=1e-6, abs=1e-9)
    assert again.scales == pytest.approx(found.scales, rel=1e-6)


# What it is for -----------------------------------------------------------------------------


def expected_season(evidence, baseline, account):
    """Season of an account given its own rows and what is expected of it; it has no returns."""
    gram, p = evidence.gram[account], evidence.n_baseline[account]
    mean, precision = baseline.prior(account, p)
    aim = gram[:p, -1] + precision @ mean
    return np.linalg.solve(gram[:p, :p] + precision, aim)[1 : 1 + SEASON.size]


def missed_season(evidence, baseline, own, accounts):
    """Mean error of the season over a year, as a share of the mean outcome."""
    year = pd.date_range("2024-01-01", periods=52, freq="W-MON")
    guesses = [expected_season(evidence, baseline, a) - own[a] for a in accounts]
    return np.mean([season_of(year, guess).std() for guess in guesses])


def test_half_a_year_of_history_borrows_the_season_of_the_others():
    panel, own = made_panel(n_accounts=24, lengths=[26] * 8 + [156] * 16)
    evidence = evidence_of(panel)
    pooled, alone = (
        missed_season(evidence, baseline, own, range(8))
        for baseline in (find_baseline(evidence, PRIORS), assumed_baseline(evidence, PRIORS))
    )
    assert pooled < 0.06, "about what accounts differ by"
    assert pooled < 0.6 * alone


def test_a_long_history_speaks_for_itself(known, found):
    _, own, evidence = known
    told = missed_season(evidence, found, own, range(12))
    year = pd.date_range("2024-01-01", periods=52, freq="W-MON")
    by_others = [season_of(year, found.mean[a, : SEASON.size] - own[a]).std() for a in range(12)]
    assert told < 0.7 * np.mean(by_others)


# The record ---------------------------------------------------------------------------------


def test_what_moves_has_the_prior_that_was_found_and_even_ramps(known, found):
    evidence = known[2]
    p, n_shared = int(evidence.n_baseline[0]), found.mean.shape[1]
    mean, precision = found.moving(0, p)
    assert mean[:n_shared] == pytest.approx(found.mean[0])
    assert (mean[n_shared:] == 0).all()
    assert np.diag(precision)[n_shared:] == pytest.approx(found.trend_precision[0])
    assert found.trend_precision == pytest.approx((found.noise_sd / found.scales["trend"]) ** 2)


def test_the_level_of_the_record_has_the_mean_and_variance_the_priors_state(known, found):
    """Not that of its start: level, season and trend of the mean row come to the prior's share."""
    evidence = known[2]
    p = int(evidence.n_baseline[0])
    mean, precision = found.prior(0, p)
    mean_row = evidence.gram[0][0, :p] / evidence.n_rows[0]
    covariance = np.linalg.inv(precision) * found.noise_sd[0] ** 2
    share, sd = prior_share(PRIORS)
    assert mean_row @ mean == pytest.approx(share)
    assert mean_row @ covariance @ mean_row == pytest.approx(sd**2)
    assert covariance[0, 0] > sd**2, "where a record of three years starts is known less"


def test_base_sales_are_a_share_of_the_outcome_as_it_is_counted(known):
    """Rows of a year that sold twice as much say so: the unit they are counted in stays."""
    evidence = known[2]
    doubled = replace(evidence, gram=tuple(np.array(gram) for gram in evidence.gram))
    for gram in doubled.gram:
        gram[-1] *= 2
        gram[:, -1] *= 2
    once, twice = (assumed_baseline(e, PRIORS) for e in (evidence, doubled))
    assert twice.outcome_mean == pytest.approx(2 * once.outcome_mean)
    assert twice.level(0)[0] == pytest.approx(2 * once.level(0)[0])
    assert twice.level(0)[1] == pytest.approx(once.level(0)[1] / 4)


def test_without_a_search_the_priors_are_expected(known):
    evidence = known[2]
    assumed = baseline_of(evidence, PRIORS)
    assert assumed.scales["trend"] == PRIORS.trend_sd
    assert assumed.scales["season"] == PRIORS.season_sd * PRIORS.baseline_apart
    assert (assumed.mean == assumed.mean[0]).all()
    assert assumed.mean[0, -1] == PRIORS.demand_effect, "demand is expected to sell"
    told = with_baseline(evidence, PRIORS)
    assert baseline_of(told, PRIORS) is told.baseline


def test_weekdays_and_controls_are_groups_of_their_own():
    rng = np.random.default_rng(1)
    dates = pd.date_range("2024-01-01", periods=120, freq="D")
    frames = []
    for a in range(3):
        weekend = 1 + 0.3 * (dates.day_of_week >= 5)
        price = rng.normal(size=dates.size)
        revenue = 1e4 * (weekend - 0.05 * price + 0.03 * rng.normal(size=dates.size))
        spend = np.exp(0.4 * rng.normal(size=dates.size))
        frames.append(
            pd.DataFrame(
                {"account": str(a), "date": dates, "revenue": revenue, "price": price, "x": spend}
            )
        )
    panel = ab.read_panel(pd.concat(frames), channels=["x"], controls=["price"])
    baseline = find_baseline(evidence_of(panel), PRIORS)
    assert set(baseline.scales) == {"season", "weekday", "control price", "demand", "trend"}
    weekday = baseline.mean[0, 8:15]
    assert weekday[5:].min() - weekday[:5].max() == pytest.approx(0.27, abs=0.06)  # 0.3 / mean
    assert baseline.mean[0, 15] == pytest.approx(-0.046, abs=0.015)


@pytest.mark.parametrize("n_periods", [8, 20])
@pytest.mark.parametrize("n_accounts", [1, 3])
@pytest.mark.parametrize("noise", [0.0, 0.06])
def test_little_or_even_data_leave_a_proper_prior(n_accounts, n_periods, noise):
    panel, _ = made_panel(
        n_accounts=n_accounts, n_periods=n_periods, noise=noise, trend=noise, apart=0.0
    )
    baseline = find_baseline(evidence_of(panel), PRIORS)
    assert np.isfinite(baseline.mean).all()
    assert (baseline.noise_sd > 0).all()
    assert np.linalg.eigvalsh(baseline.precision).min() > 0
