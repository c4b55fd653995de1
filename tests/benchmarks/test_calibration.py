"""The machinery of the calibration study: it must pass what is right and fail what is wrong."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st
from scipy.stats import ks_2samp, multivariate_t, t

from adbudget import Priors
from adbudget.model.block import pack
from adbudget.model.density import value_and_gradient
from adbudget.model.evidence import gather
from adbudget.model.factor import make_likelihood
from adbudget.model.level import LOG_SPREAD_SD, level_centre
from adbudget.model.predict import prior_positions
from adbudget.model.transform import cell_draws
from benchmarks.calibration import likely, plots
from benchmarks.calibration.cache import append_record, count_by_key, read_records, source_key
from benchmarks.calibration.joint import basis_weights, draw_jointly, drawn_panel, small_setting
from benchmarks.calibration.likely import draw_likely
from benchmarks.calibration.moves import judge_moves
from benchmarks.calibration.plugged import KINDS_OF_NOISE, draw_hidden, draw_plugged
from benchmarks.calibration.prior import prior_rows, prior_table, report_prior
from benchmarks.calibration.quantities import (
    NAMES,
    Frame,
    curves,
    draw_noise_sd,
    log_likelihood,
    quantities,
)
from benchmarks.calibration.ranks import rank_pit
from benchmarks.calibration.reliability import bins, gap_and_error, stack_moves
from benchmarks.calibration.replication import KINDS, replicate, tables
from benchmarks.calibration.report import (
    filled,
    gain_tables,
    noise_table,
    rank_table,
    runs_table,
    stacked_pits,
)
from benchmarks.calibration.uniformity import (
    clustered_p,
    coverage,
    ecdf,
    ecdf_p,
    one_per_replication,
    simultaneous_band,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def setting():
    return small_setting()


@pytest.fixture(scope="module")
def frame(setting):
    panel = drawn_panel(setting, draw_jointly(setting, 3))
    evidence = gather(panel, setting.design)
    return Frame(
        setting=setting,
        panel=panel,
        evidence=evidence,
        likelihood=make_likelihood(evidence, setting.priors),
        current=panel.current_spend(),
    )


# Ranks ------------------------------------------------------------------------------------------


def test_a_truth_below_every_draw_has_the_lowest_rank_and_above_every_draw_the_highest():
    draws = np.arange(9.0)[:, None] + np.zeros(2)
    low, high = rank_pit(draws, np.array([-1.0, 99.0]), np.random.default_rng(0))
    assert 0 <= low <= 0.1
    assert 0.9 <= high <= 1


def test_ties_are_spread_evenly():
    pit = rank_pit(np.zeros((9, 200)), np.zeros(200), np.random.default_rng(0))
    assert ecdf_p(pit) > 0.05


def ranks(spread: float, shift: float, seed: int = 7, n: int = 100) -> np.ndarray:
    """Ranks of standard normal truths among draws that are too wide, too narrow or beside them."""
    rng = np.random.default_rng(seed)
    truth, centre = rng.normal(size=(2, n))
    truth += centre  # the right posterior is N(centre, 1)
    draws = centre + shift + spread * rng.normal(size=(99, n))
    return rank_pit(draws, truth, rng)


def test_the_right_posterior_fails_one_time_in_twenty():
    rejected = np.mean([ecdf_p(ranks(1.0, 0.0, seed)) < 0.05 for seed in range(200)])
    assert 0.005 <= rejected <= 0.11  # four standard errors around .05


@pytest.mark.parametrize(("spread", "shift"), [(0.5, 0.0), (2.0, 0.0), (1.0, 0.6), (1.0, -0.6)])
def test_a_posterior_too_narrow_too_wide_or_shifted_fails(spread, shift):
    assert ecdf_p(ranks(spread, shift)) < 0.001
    assert clustered_p(ranks(spread, shift)[:, None]) < 0.01


@settings(max_examples=60)
@example(tilt=1.625, seed=504)  # the samples at the edge of the band share one value
@given(tilt=st.floats(0.5, 2.0), seed=st.integers(0, 10_000))
def test_p_is_below_five_percent_where_the_curve_leaves_its_band(tilt, seed):
    values = np.random.default_rng(seed).beta(tilt, 1.0, size=40)
    band = simultaneous_band(40)
    curve = np.round(ecdf(values, band.points), 12)
    lower, upper = band.lower.round(12), band.upper.round(12)
    outside = bool(((curve < lower) | (curve > upper)).any())
    assert outside == (ecdf_p(values) <= 0.05)


def test_the_band_is_the_one_arviz_draws():
    from arviz_stats.ecdf_utils import ecdf_pit

    values = np.random.default_rng(1).uniform(size=100)
    points, _, lower, upper = ecdf_pit(values, 0.95, 2000)
    ours = simultaneous_band(100)
    np.testing.assert_allclose(points[1:-1], ours.points)
    # Counts differ by one where ArviZ keeps a count whose tail is just the critical one.
    assert np.abs(lower[1:-1] - ours.lower).max() <= 0.0201
    assert np.abs(upper[1:-1] - ours.upper).max() <= 0.0201


def test_elements_that_repeat_each_other_count_once():
    rng = np.random.default_rng(5)
    samples = [np.repeat(rng.uniform(size=(80, 1)), 4, axis=1) for _ in range(100)]
    rejected = np.mean([clustered_p(values, n_null=300) < 0.05 for values in samples])
    naive = np.mean([ecdf_p(values.ravel()) < 0.05 for values in samples[:20]])
    assert 0.005 <= rejected <= 0.12  # 5% with the error of a hundred samples
    assert naive > 0.5


def test_one_element_of_each_replication_in_turn():
    values = np.arange(8.0).reshape(4, 2)
    assert one_per_replication(values).tolist() == [0, 3, 4, 7]


def test_coverage_counts_central_intervals_and_errs_over_replications():
    share, error = coverage(np.array([[0.5, 0.6], [0.01, 0.4], [0.99, 0.02]]), 0.9)
    assert share == pytest.approx((1 + 0.5 + 0) / 3)
    assert error == pytest.approx(0.5 / np.sqrt(3))


# The joint draw ---------------------------------------------------------------------------------


def test_the_same_seed_draws_the_same(setting):
    one, two = draw_jointly(setting, 4), draw_jointly(setting, 4)
    np.testing.assert_array_equal(one.outcome, two.outcome)
    assert not np.array_equal(one.outcome, draw_jointly(setting, 5).outcome)


def test_without_noise_an_outcome_is_media_and_a_level_that_makes_up_its_mean(setting):
    scales = ("noise_share", "season_sd", "trend_sd", "demand_sd")
    still = Priors(demand_effect=0.0, **dict.fromkeys(scales, 1e-12))
    quiet = replace(setting, priors=still)
    drawn, panel = draw_jointly(quiet, 2), quiet.panel
    account, channel = quiet.cell_index
    roi = np.exp(cell_draws(drawn.position, quiet.layout, quiet.priors, account, channel).log_roi)
    mean_spend = panel.spend[account, channel].sum(axis=1) / panel.n_periods
    owed = np.bincount(account, roi * mean_spend) / quiet.design.outcome_scale
    # a cell that starts late carries nothing over from before its life
    np.testing.assert_allclose(drawn.media_share, owed, rtol=1e-6)
    weights = basis_weights(quiet, drawn.position[None])[0]
    for a, (rows, p) in enumerate(quiet.rows):
        media = rows[:, p:-1] @ weights[account == a].ravel()
        path = drawn.outcome[a] * panel.unit_value[a] / quiet.design.outcome_scale[a]
        np.testing.assert_allclose(path - media, 1 - owed[a], atol=1e-6)


def test_noise_has_the_median_of_its_prior(setting):
    priors = Priors(noise_df=2.0)
    with_two = replace(setting, priors=priors)
    drawn = np.array([draw_jointly(with_two, seed).noise_sd for seed in range(150)])
    # chi-squared with two degrees of freedom has median 2 log 2
    assert np.median(drawn) == pytest.approx(priors.noise_share / np.sqrt(np.log(2)), rel=0.12)


def test_tables_of_a_positive_draw_are_positive_and_read_back(setting):
    import adbudget as ab

    for seed in range(5):
        drawn = draw_jointly(setting, seed, positive=True)
        assert drawn.outcome.min() > 0
        scale = setting.design.outcome_scale / setting.panel.unit_value
        np.testing.assert_allclose(drawn.outcome.mean(axis=1), scale, rtol=1e-9)
    panel = ab.read_panel(*tables(setting, drawn))
    np.testing.assert_array_equal(panel.spend, setting.panel.spend)
    np.testing.assert_allclose(panel.outcome, drawn.outcome)


# What is plugged in, drawn too ------------------------------------------------------------------


def test_plugged_draws_repeat_are_above_zero_and_have_the_means_of_their_panel(setting):
    for kind in KINDS_OF_NOISE:
        moved, drawn = draw_plugged(setting, 5, kind)
        assert drawn.outcome.min() > 0
        scale = moved.design.outcome_scale / moved.panel.unit_value
        np.testing.assert_allclose(drawn.outcome.mean(axis=1), scale, rtol=1e-9)
        assert drawn.facts["noise"] == kind
        again = draw_plugged(setting, 5, kind)[1]
        np.testing.assert_array_equal(again.outcome, drawn.outcome)


def test_spend_of_a_plugged_draw_moves_together_by_what_demand_moves(setting):
    moved, _ = draw_plugged(setting, 3, "gaussian")
    on = moved.panel.spend > 0
    np.testing.assert_array_equal(on, setting.panel.spend > 0)
    change = np.log(np.where(on, moved.panel.spend, 1) / np.where(on, setting.panel.spend, 1))
    for account, used in zip(change, on, strict=True):
        size = np.linalg.svd(account[used.all(axis=1)], compute_uv=False)
        assert size[0] > 0.1
        np.testing.assert_allclose(size[1:], 0.0, atol=1e-9)  # one movement, loadings apart


def test_baselines_of_accounts_differ_less_from_each_other_than_from_the_priors_centre(setting):
    hidden = [draw_hidden(setting, "student", np.random.default_rng(s)) for s in range(300)]
    first_wave = np.array([[own[0] for own in one.moving] for one in hidden])  # (draw, account)
    # Half of the shared scale apart, of a guess worth three observations whose median is near it.
    apart = np.median(first_wave.std(axis=1, ddof=1)) / np.median(np.abs(first_wave.mean(axis=1)))
    assert 0.4 < apart < 1.1
    tails = np.array([one.noise.tail_df for one in hidden])
    assert ((tails >= 2) & (tails <= 12)).all()
    assert np.median(tails) == pytest.approx(np.sqrt(24), rel=0.15)
    persistent = np.mean([one.noise.autocorrelation.any() for one in hidden])
    assert persistent == pytest.approx(0.5, abs=0.12)


# Draws where they are rare ----------------------------------------------------------------------


def test_places_are_picked_in_proportion_to_their_weight():
    picked = likely._pick(np.array([0.0, 1.0, 1.0, 2.0]), 400, np.random.default_rng(0))
    assert np.bincount(picked).tolist() == [0, 100, 100, 200]
    assert likely._effective(np.array([1.0, 1.0, 0.0])) == 2.0
    assert likely._effective(np.zeros(3)) == 0.0


def test_likely_outcomes_are_what_a_table_may_hold(setting, monkeypatch):
    monkeypatch.setattr(likely, "N_BATCHES", 20)
    found = draw_likely(setting, seed=1, n_draws=30)
    assert found.paths.shape == (30, *setting.panel.outcome.shape)
    assert found.paths.min() >= 0.02
    np.testing.assert_allclose(found.paths.mean(axis=2), 1.0)
    monkeypatch.setattr(likely, "LEAST_EFFECTIVE", 1e9)
    with pytest.raises(RuntimeError, match="independent ones"):
        draw_likely(setting, seed=1, n_draws=30)


@pytest.mark.slow
def test_likely_draws_are_distributed_as_the_exact_ones(setting):
    exact = [draw_jointly(setting, seed, positive=True) for seed in range(150)]
    many = draw_likely(setting, seed=1, n_draws=300)
    shares = np.array([drawn.media_share for drawn in exact])
    assert ks_2samp(shares[:, 0], many.media_share[:, 0]).pvalue > 0.005
    variation = np.array(
        [drawn.outcome.std(axis=1) / drawn.outcome.mean(axis=1) for drawn in exact]
    )
    assert ks_2samp(variation[:, 1], many.paths.std(axis=2)[:, 1]).pvalue > 0.005


# Quantities -------------------------------------------------------------------------------------


def test_every_quantity_has_a_name_and_a_row_per_draw(setting, frame):
    positions = prior_positions(setting.layout, setting.priors, 5, seed=0)
    tested = quantities(frame, positions)
    tested["noise_sd"] = draw_noise_sd(frame, positions, np.random.default_rng(0))
    assert set(tested) == set(NAMES)
    assert {values.shape[0] for values in tested.values()} == {5}
    assert (tested["lift"] >= 0).all()
    assert (tested["marginal_roi"] >= 0).all()


def test_the_log_likelihood_is_that_of_the_compiled_density(setting, frame):
    first, second = prior_positions(setting.layout, setting.priors, 2, seed=1)
    block = pack(frame.likelihood, setting.priors)
    density = value_and_gradient(first, block)[0] - value_and_gradient(second, block)[0]
    prior = _log_prior(setting, first) - _log_prior(setting, second)
    ours = log_likelihood(frame, np.stack([first, second]))
    assert ours[0, 0] - ours[1, 0] == pytest.approx(density - prior, abs=1e-7)


def _log_prior(setting, position) -> float:
    priors, part = setting.priors, setting.layout.split(position)
    scaled = [
        part["channel_spread"] / priors.channel_spread,
        part["account_spread"] / priors.account_spread,
        (part["saturation_tilt"] - priors.saturation_centre) / priors.saturation_sd,
        (part["adstock_tilt"] - priors.adstock_centre) / priors.adstock_sd,
        part["account_effect"],
        (part["level_log_spread"] - level_centre(priors)[1]) / LOG_SPREAD_SD,
        *(part[name] for name in ("cell_saturation", "cell_adstock")),
    ]
    n_channels, df = part["channel_return"].size, priors.returns_df
    level = part["return_level"]
    returns = (
        t(df, np.log(priors.roi_median), priors.common_level).logpdf(level).item()
        + multivariate_t(
            np.repeat(level, n_channels), priors.between_channels**2 * np.eye(n_channels), df
        ).logpdf(part["channel_return"])
        + t(df).logpdf(part["cell_effect"]).sum()
    )
    return float(returns) - 0.5 * float(sum((z**2).sum() for z in scaled))


def test_ranks_are_uniform_when_the_posterior_is_the_prior(setting, frame):
    rng = np.random.default_rng(2)
    n_replications, n_draws = 150, 49
    n_positions = n_replications * (n_draws + 1)
    positions = prior_positions(setting.layout, setting.priors, n_positions, seed=3)
    p = {}
    for key, values in quantities(frame, positions).items():
        samples = values.reshape(n_replications, n_draws + 1, -1)
        pit = np.array([rank_pit(own[1:], own[0], rng) for own in samples])
        p[key] = min(ecdf_p(one_per_replication(pit)), clustered_p(pit, n_null=1000))
    assert min(p.values()) * 2 * len(p) > 0.05, p


# Moves ------------------------------------------------------------------------------------------


def test_moves_made_on_the_truth_are_certain_and_pay(frame, setting):
    position = draw_jointly(setting, 3).position[None]
    truth = curves(frame, position)
    moves = judge_moves(truth, truth, frame.current, None)
    considered = [move for move in moves if not move.called]
    assert len(considered) >= 4
    assert all(move.prob == 1.0 and move.pays for move in considered)


def test_moves_made_on_a_false_belief_are_certain_and_need_not_pay(frame, setting):
    believed, true = prior_positions(setting.layout, setting.priors, 2, seed=8)
    moves = judge_moves(
        curves(frame, believed[None]), curves(frame, true[None]), frame.current, None
    )
    assert all(move.prob == 1.0 for move in moves)
    assert not all(move.pays for move in moves)


def test_reliability_gap_and_its_error_over_replications():
    records = [
        {"moves": [[0.8, 1, 0], [0.8, 1, 0], [0.95, 1, 1]]},
        {"moves": [[0.8, 0, 0], [0.8, 0, 0]]},
    ]
    moves = stack_moves(records, called=False)
    gap, error = gap_and_error(moves)
    assert gap == pytest.approx(0.5 - 0.8)
    # two replications with sums +1 and -1 around the mean: sqrt(2 * 2) / 4
    assert error == pytest.approx(0.5)
    (only,) = bins(moves)
    assert (only.low, only.high, only.n_moves) == (0.8, 0.9, 4)
    assert stack_moves(records, called=True).tolist() == [[0, 0.95, 1]]


# Keeping and reporting --------------------------------------------------------------------------


def test_records_are_kept_by_kind_and_source(tmp_path):
    path = tmp_path / "results.jsonl"
    assert read_records("model", "a", path) == []
    for kind, seed, key in (("model", 1, "a"), ("model", 0, "a"), ("pipeline", 0, "a")):
        append_record({"kind": kind, "seed": seed}, key, path)
    append_record({"kind": "model", "seed": 0}, "b", path)
    assert [record["seed"] for record in read_records("model", "a", path)] == [0, 1]
    assert count_by_key(path) == {("model", "a"): 2, ("pipeline", "a"): 1, ("model", "b"): 1}


def test_only_what_stands_between_the_markers_is_rewritten():
    page = "before\n<!-- gain -->\nold\n<!-- end of gain -->\nafter"
    assert filled(page, "gain", "new") == "before\n<!-- gain -->\nnew\n<!-- end of gain -->\nafter"
    with pytest.raises(SystemExit, match="no markers"):
        filled(page, "runs", "new")


def test_the_page_has_every_marker():
    page = (ROOT / "docs" / "calibration.md").read_text(encoding="utf-8")
    for name in (*(f"{kind} ranks" for kind in KINDS), "noise kinds", "gain", "runs", "prior"):
        filled(page, name, "")


def test_a_report_without_replications_says_what_is_missing():
    command = [sys.executable, "-m", "benchmarks.calibration", "report", "--key", "no-such-source"]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert ended.returncode != 0
    assert f"no replications of {list(KINDS)} under source no-such-source" in ended.stderr


def test_the_source_is_one_key_that_a_change_of_the_decisions_changes(tmp_path, monkeypatch):
    import shutil

    import adbudget

    before = source_key()
    assert source_key() == before
    shutil.copytree(ROOT / "src", tmp_path / "src")
    monkeypatch.setattr(adbudget, "__file__", str(tmp_path / "src" / "adbudget" / "__init__.py"))
    assert source_key() == before
    guard = tmp_path / "src" / "adbudget" / "decision" / "decisions.py"
    guard.write_text(guard.read_text() + "\nCHANGED = True\n")
    assert source_key() != before


@pytest.fixture(scope="module")
def records():
    return {kind: [replicate(kind, seed) for seed in (1, 2)] for kind in KINDS}


def test_a_replication_ranks_every_quantity_and_repeats(records):
    again = replicate("plugged", 1, cores=1)
    first = dict(records["plugged"][0])
    assert {"pit", "sd", "truth", "moves", "divergences"} <= set(first)
    assert first.pop("seconds") > 0
    assert again.pop("seconds") > 0
    assert again == first
    assert again["drawn"]["noise"] == KINDS_OF_NOISE[1]
    for record in (one for kept in records.values() for one in kept):
        assert set(record["pit"]) == set(NAMES)
        assert all(0 <= u <= 1 for pit in record["pit"].values() for u in pit)
        assert record["moves"]


def test_tables_and_pictures_are_made_of_the_replications(records, tmp_path, monkeypatch):
    monkeypatch.setattr(plots, "IMAGES", tmp_path)
    table = rank_table(records["model"])
    assert all(f"| {name} |" in table for name in NAMES.values())
    assert "2 replications" in table
    n_considered = sum(not called for r in records["pipeline"] for _, _, called in r["moves"])
    assert f"| pipeline, considered | {n_considered} |" in gain_tables(records)
    assert "| pipeline | 2 |" in runs_table(records, "abc")
    by_noise = noise_table(records["plugged"])
    assert all(f"| {r['drawn']['noise']}" in by_noise for r in records["plugged"])
    for path in (
        plots.plot_ranks(stacked_pits(records["pipeline"]), "ranks", "ranks.png"),
        plots.plot_reliability(records, "gain.png"),
    ):
        assert path.parent == tmp_path
        assert path.read_bytes().startswith(b"\x89PNG")


def test_the_prior_page_says_what_the_priors_say(setting, tmp_path, monkeypatch):
    monkeypatch.setattr(plots, "IMAGES", tmp_path)
    monkeypatch.setattr(likely, "N_BATCHES", 20)
    rows = {row.name: row for row in prior_rows(setting, {"variation": ("seen", 0.0, 1e9)})}
    # A little less than the prior's median of 1: what lies far below the common level is nothing.
    assert np.median(rows["ROI of a channel"].drawn) == pytest.approx(0.9, abs=0.06)
    assert rows["marginal ROI at current spend"].drawn.min() > 0
    table = prior_table(list(rows.values()), "spend of four shops")
    assert "0.00 to 1000000000.00 (seen) | 100% |" in table
    assert plots.plot_priors(list(rows.values()), "prior.png").exists()


def test_a_folder_without_the_real_data_is_an_error(tmp_path):
    with pytest.raises(SystemExit, match="conjura_ecommerce_daily"):
        report_prior(tmp_path)


@pytest.mark.slow
def test_the_model_is_calibrated_against_itself():
    records = [replicate("model", seed) for seed in range(1000, 1060)]
    p = {key: clustered_p(np.array([record["pit"][key] for record in records])) for key in NAMES}
    assert min(p.values()) * len(p) > 0.01, p
    moves = stack_moves(records, called=False)
    gap, error = gap_and_error(moves)
    assert abs(gap) < 3 * error
