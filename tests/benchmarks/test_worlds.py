"""The proving ground judges rightly: its scores, its baselines, its cache and its page."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from adbudget import InputError
from adbudget.synthetic import WorldSpec, families, synthesize
from benchmarks.worlds import jobs as job_grid, least_squares as analyst
from benchmarks.worlds.answer import Answer, Calls, Move
from benchmarks.worlds.jobs import Job, make_grid, make_world
from benchmarks.worlds.matched import priors_of
from benchmarks.worlds.report import fill, status
from benchmarks.worlds.results import Result, Results
from benchmarks.worlds.rules import follow_roas
from benchmarks.worlds.scoring import crps, is_right, lift_measures, score
from benchmarks.worlds.source import files_fingerprint, library_fingerprint
from benchmarks.worlds.summary import (
    mean_and_error,
    paired,
    ratio_and_error,
    reliability,
    summarise,
)
from benchmarks.worlds.tables import TABLES, captured
from benchmarks.worlds.tools import TOOLS
from benchmarks.worlds.worker import rounded, run_job

ROOT = Path(__file__).parents[2]
SMALL = WorldSpec(n_accounts=2, n_channels=3, n_periods=60)
JOB = Job(study="families", family="assumed", seed=1, tool="hold")


@pytest.fixture(scope="module")
def world():
    return synthesize(SMALL, seed=3)


@pytest.fixture(scope="module")
def best(world):
    return world.truth.optimal(world.current(), 0.3, "fixed")


def result(measures: dict, **changes) -> Result:
    fresh = changes.pop("fresh", True)
    return Result(job=replace(JOB, **changes), measures=measures, fresh=fresh)


# Scores


def test_crps_of_one_draw_is_the_absolute_error():
    assert crps(np.array([3.0]), 5.0) == 2.0


def test_crps_of_two_draws_on_paper():
    # E|X - y| = (1 + 3) / 2; E|X - X'| over the one pair = 2
    assert crps(np.array([1.0, 3.0]), 0.0) == pytest.approx(2.0 - 2.0 / 2)


@given(
    arrays(float, st.integers(2, 40), elements=st.floats(-1e3, 1e3)),
    st.floats(-1e3, 1e3),
)
def test_crps_equals_its_definition_over_all_pairs(draws, actual):
    n = draws.size
    pairs = np.abs(draws[:, None] - draws).sum() / (n * (n - 1))
    assert crps(draws, actual) == pytest.approx(np.abs(draws - actual).mean() - pairs / 2, abs=1e-8)


def test_the_truly_best_plan_scores_one_and_todays_plan_zero(world, best):
    now = world.current()
    assert score(Answer(plan=best), world.truth, now)["captured"] == pytest.approx(1.0)
    held = score(Answer(plan=now), world.truth, now)
    assert held["captured"] == 0.0
    assert held["hurt"] == 0.0


def test_a_plan_that_breaks_the_rules_is_not_scored(world):
    with pytest.raises(InputError, match="moves"):
        score(Answer(plan=world.current() * 1.5), world.truth, world.current())


def test_lifts_known_exactly_are_covered_with_no_width_and_no_error(world, best):
    now = world.current()
    true = (world.truth.response(best) - world.truth.response(now)).to_numpy()
    found = lift_measures(np.tile(true, (10, 1)), best, world.truth, now)
    assert found["cover_live"] == 1.0
    assert found["width_live"] == pytest.approx(0.0, abs=1e-9)
    assert found["crps"] == pytest.approx(0.0, abs=1e-9)


def test_lifts_that_are_all_too_high_cover_nothing(world, best):
    now = world.current()
    true = (world.truth.response(best) - world.truth.response(now)).to_numpy()
    draws = true + np.linspace(1.0, 2.0, 50)[:, None] * np.abs(best - now).to_numpy()
    assert lift_measures(draws, best, world.truth, now)["cover_live"] == 0.0


def test_intervals_of_the_very_noise_around_the_truth_cover_nine_in_ten():
    spec = replace(SMALL, n_accounts=60, n_channels=8)
    wide = synthesize(spec, seed=0)
    now, plan = wide.current(), wide.current() * 1.3
    true = (wide.truth.response(plan) - wide.truth.response(now)).to_numpy()
    rng = np.random.default_rng(0)
    scale = now.to_numpy()
    centre = true + scale * rng.normal(size=true.size)  # what a calibrated posterior would do
    draws = centre + scale * rng.normal(size=(2000, true.size))
    found = lift_measures(draws, plan, wide.truth, now)
    assert found["cover_live"] == pytest.approx(0.9, abs=4 * np.sqrt(0.09 / true.size))


def test_cells_that_do_not_move_ask_no_question(world):
    now = world.current()
    plan = now.copy()
    plan.iloc[0] *= 1.2
    found = lift_measures(np.zeros((5, len(now))), plan, world.truth, now)
    assert (found["n_live"], found["n_dud"]) == (1, 0)
    assert found["cover_dud"] is None


def test_a_move_to_the_best_plan_is_right_and_the_way_back_is_wrong(world, best):
    now = world.current()
    cell = now.index[0]
    forth = Move(cell=cell, prob=0.9, plan=best, without=now)
    back = Move(cell=cell, prob=0.9, plan=now, without=best)
    assert is_right(forth, world.truth, now)
    assert not is_right(back, world.truth, now)


def test_wrong_calls_are_counted_and_moves_listed(world, best):
    now = world.current()
    cell = now.index[0]
    good = Move(cell=cell, prob=0.95, plan=best, without=now)
    bad = Move(cell=cell, prob=0.85, plan=now, without=best)
    calls = Calls(plan=best, considered=(good, bad), called=(good, bad), expected_wrong=0.2)
    found = score(Answer(plan=best, calls=calls), world.truth, now)
    assert (found["n_calls"], found["n_wrong"], found["expected_wrong"]) == (2, 1, 0.2)
    assert found["moves"] == [[0.95, 1], [0.85, 0]]


# Tools without sampling


def test_the_dashboard_rule_ignores_control_columns(world):
    control = np.linspace(0, 1, len(world.outcome))
    controlled = replace(world, outcome=world.outcome.assign(demand_index=control))
    pd.testing.assert_series_equal(follow_roas(controlled, JOB).plan, follow_roas(world, JOB).plan)


def test_least_squares_finds_curves_of_its_own_grid_exactly_where_there_is_no_noise():
    quiet = synthesize(replace(SMALL, n_periods=104), seed=0)
    account = analyst.read_account(quiet, "account_01")
    half_life, half_saturation = np.array([0, 2, 1]), np.array([1, 3, 2])
    effect = np.array([300.0, 0.0, 500.0])
    media = analyst._chosen(account, half_life, half_saturation) @ effect
    level = account.baselines[1] @ np.array([900.0, 50.0, 80.0, -40.0])
    found = analyst.fit_account(replace(account, outcome=media + level))
    assert found.effect == pytest.approx(effect, abs=1e-6)
    assert found.half_saturation[[0, 2]] == pytest.approx([0.6, 1.2])


def test_least_squares_beats_holding_where_noise_is_small():
    spec = replace(SMALL, noise=0.005, n_periods=150)
    for seed in range(3):
        clear = synthesize(spec, seed)
        answer = analyst.least_squares(clear, JOB)
        assert score(answer, clear.truth, clear.current())["captured"] > 0.3


def test_least_squares_keeps_every_total_and_bound(world):
    now, plan = world.current(), analyst.least_squares(world, JOB).plan
    totals = [s.groupby(level="account").sum() for s in (plan, now)]
    np.testing.assert_allclose(*totals, rtol=1e-9)
    assert (np.abs(plan / now - 1) <= 0.3 + 1e-9).all()


def test_slsqp_finds_the_split_where_slopes_are_equal():
    curves = analyst.Curves(
        effect=np.array([300.0, 300.0]),
        half_saturation=np.array([1.0, 1.0]),
        scale=np.array([100.0, 100.0]),
    )
    split = analyst.split_total(curves, np.array([110.0, 90.0]))
    assert split == pytest.approx([100.0, 100.0], abs=1e-3)  # equal curves share equally


def test_partialling_out_gives_the_effects_of_the_joint_regression():
    rng = np.random.default_rng(0)
    media, base = rng.uniform(size=(50, 2)), rng.normal(size=(50, 3))
    outcome = media @ [2.0, 3.0] + base @ [1.0, -1.0, 0.5] + 0.01 * rng.normal(size=50)
    joint = np.linalg.lstsq(np.column_stack([media, base]), outcome, rcond=None)[0][:2]
    basis = np.linalg.qr(base)[0]
    assert analyst._partial(media, outcome, basis) == pytest.approx(joint)


# Grid and worlds


def test_the_grid_runs_every_tool_on_every_seed_and_only_the_library_in_groups():
    grid = make_grid(["families", "accounts"], ["assumed"], [0, 1], ["adbudget", "naive"])
    by_study = [[job for job in grid if job.study == name] for name in ("families", "accounts")]
    assert len(by_study[0]) == 4
    assert {(job.tool, job.group) for job in by_study[1]} == {
        ("adbudget", size) for size in job_grid.GROUP_SIZES
    }


def test_a_shorter_history_is_the_end_of_the_same_world():
    job = replace(JOB, study="history")
    short, long = (make_world(replace(job, weeks=weeks)) for weeks in (26, 156))
    assert short.outcome.groupby("account").size().unique().tolist() == [26]
    assert long.outcome.groupby("account").size().unique().tolist() == [156]
    pd.testing.assert_series_equal(short.current(), long.current())
    merged = short.outcome.merge(long.outcome, on=["account", "date"], suffixes=("", "_long"))
    assert len(merged) == len(short.outcome)
    assert (merged["revenue"] == merged["revenue_long"]).all()


# Cache


def test_comments_and_docstrings_do_not_change_a_fingerprint_but_code_does(tmp_path):
    path = tmp_path / "one.py"
    seen = []
    for text in (
        'def f():\n    """Say."""\n    return 1\n',
        "# why\ndef f():\n    return 1\n",
        "def f():\n    return 2\n",
    ):
        path.write_text(text)
        seen.append(files_fingerprint([path]))
    assert seen[0] == seen[1] != seen[2]


def test_a_module_imported_late_and_deep_is_part_of_the_fingerprint(tmp_path):
    package = tmp_path / "adbudget"
    package.mkdir()
    (package / "door.py").write_text("def f():\n    from adbudget import deep\n    return deep\n")
    (package / "deep.py").write_text("x = 1\n")
    (package / "other.py").write_text("x = 1\n")
    before = library_fingerprint(tmp_path, ("adbudget.door",))
    (package / "other.py").write_text("x = 2\n")
    assert library_fingerprint(tmp_path, ("adbudget.door",)) == before
    (package / "deep.py").write_text("x = 2\n")
    assert library_fingerprint(tmp_path, ("adbudget.door",)) != before


def test_the_model_is_part_of_what_the_library_depends_on_and_not_of_the_rules(tmp_path):
    import shutil

    shutil.copytree(ROOT / "src", tmp_path / "src")
    src = tmp_path / "src"
    before = {name: TOOLS[name].fingerprint(src) for name in ("adbudget", "naive")}
    density = src / "adbudget" / "model" / "density.py"
    density.write_text(density.read_text() + "\nCHANGED = True\n")
    assert TOOLS["adbudget"].fingerprint(src) != before["adbudget"]
    assert TOOLS["naive"].fingerprint(src) == before["naive"]


def test_results_resume_and_tell_stale_from_fresh(tmp_path):
    path, src = tmp_path / "results.jsonl", ROOT / "src"
    first = Results(path, src)
    again = replace(JOB, seed=2)
    assert first.missing([JOB, again]) == [JOB, again]
    first.add(JOB, {"captured": 0.0})
    second = Results(path, src)
    assert second.missing([JOB, again]) == [again]
    assert [one.fresh for one in second.all()] == [True]
    record = json.loads(path.read_text()) | {"key": "of earlier code"}
    path.write_text(json.dumps(record) + "\n")
    third = Results(path, src)
    assert third.missing([JOB]) == [JOB]
    assert [one.fresh for one in third.all()] == [False]
    third.add(JOB, {"captured": 0.5})
    assert [(one.fresh, one.measures["captured"]) for one in third.all()] == [(True, 0.5)]


def test_records_hold_what_json_can():
    said = rounded({"a": np.float64(1 / 3), "b": float("nan"), "c": [np.int64(2), True], "d": None})
    assert json.loads(json.dumps(said)) == {"a": 0.33333, "b": None, "c": [2, 1], "d": None}


# Summary and page


def test_standard_errors_on_paper():
    assert mean_and_error(np.array([1.0, 3.0])) == (2.0, pytest.approx(1.0))
    assert mean_and_error(np.array([1.0])) == (1.0, None)
    # Every world has the same rate, so the ratio has no error, however unequal the worlds are.
    assert ratio_and_error(np.array([1.0, 10.0]), np.array([10.0, 100.0])) == (0.1, 0.0)


def test_rates_pool_calls_and_leave_out_worlds_that_make_none():
    rows = summarise(
        [
            result({"n_calls": 10, "n_wrong": 1, "expected_wrong": 0.5, "n_cells": 20}, seed=0),
            result({"n_calls": 0, "n_wrong": 0, "expected_wrong": 0.0, "n_cells": 20}, seed=1),
        ]
    )
    assert rows[0]["wrong"] == pytest.approx(0.1)
    assert rows[0]["called"] == pytest.approx(0.25)


def test_tools_are_compared_on_the_worlds_that_both_have_run():
    ours = [result({"captured": 0.8 + s / 10}, tool="adbudget", seed=s) for s in range(3)]
    theirs = [result({"captured": 0.7 + s / 10}, tool="naive", seed=s) for s in (0, 2, 7)]
    (row,) = paired([*ours, *theirs])
    assert (row["tool"], row["n"]) == ("naive", 2)
    assert row["difference"] == pytest.approx(0.1)
    assert row["difference_se"] == pytest.approx(0.0, abs=1e-12)


def test_reliability_counts_every_move_in_its_bin():
    first = result({"moves": [[0.55, 1], [0.55, 0], [1.0, 1]]}, seed=0)
    second = result({"moves": [[0.5, 1], [0.999, 1]]}, seed=1)
    rows = reliability([first, second])
    assert [(row["low"], row["n"]) for row in rows] == [(0.5, 3), (0.99, 2)]
    assert rows[0]["right"] == pytest.approx(2 / 3)


def test_the_page_is_filled_between_markers_and_prose_is_kept():
    page = "Before.\n<!-- begin one -->\nold\n<!-- end one -->\nAfter.\n"
    filled = fill(page, {"one": "new"})
    assert filled == "Before.\n<!-- begin one -->\nnew\n<!-- end one -->\nAfter.\n"
    assert fill(filled, {"one": "new"}) == filled
    with pytest.raises(SystemExit, match="marks"):
        fill(page, {"two": "new"})


def test_the_validation_page_has_a_place_for_every_table():
    page = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
    parts = dict.fromkeys([*TABLES, "status", "paired", "reliability"], "x")
    assert fill(page, parts) != page


def test_stale_results_are_said_to_be_stale():
    assert "1 of them made by earlier code" in status([result({}), result({}, fresh=False)])


def test_the_table_of_captured_gains_names_worlds_and_time_outs():
    rows = summarise(
        [
            result({"captured": 0.9}, tool="adbudget", seed=0),
            result({"captured": 0.8}, tool="adbudget", seed=1),
            result({"captured": 0.0, "timed_out": 1}, tool="pymc_marketing"),
        ]
    )
    assert captured(rows).splitlines()[-1] == (
        "| assumed | 0.85 ± 0.05 (2) | 0.00 (1, 1 out of time) |"
    )


# The real thing


def test_the_command_runs_tools_keeps_results_and_does_not_run_them_twice(tmp_path):
    kept = tmp_path / "results.jsonl"
    command = [sys.executable, "benchmarks/worlds", "--families", "assumed", "--seeds", "0"]
    command += ["--tools", "hold,naive", "--results", str(kept)]
    first = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert first.returncode == 0, first.stderr
    assert "2 jobs, 2 to run" in first.stderr
    assert len(kept.read_text().splitlines()) == 2
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert "2 jobs, 0 to run" in again.stderr
    assert again.stdout == first.stdout


def test_an_unknown_family_is_named_with_the_known_ones():
    command = [sys.executable, "benchmarks/worlds", "--families", "perfect"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode != 0
    assert "perfect" in ended.stderr
    assert "misspecified" in ended.stderr


@pytest.mark.slow
def test_telling_the_population_narrows_intervals_and_sampling_agrees_with_the_told():
    job = replace(JOB, tool="adbudget", seed=0)
    pooled, told = run_job(job), run_job(replace(job, tool="told"))
    assert told["best_width_live"] < pooled["best_width_live"]
    assert told["best_crps"] < pooled["best_crps"] * 1.1
    assert told["rhat"] < 1.02


@pytest.mark.slow
def test_all_accounts_in_one_group_are_the_pooled_fit():
    job = replace(JOB, tool="adbudget", seed=0)
    whole, group = run_job(job), run_job(replace(job, group=8))
    assert whole["captured"] == group["captured"]
    assert whole["moves"] == group["moves"]


def test_matched_priors_are_refused_where_the_world_has_what_they_rule_out():
    matched = priors_of(families()["assumed"])
    assert matched.roi_median == families()["assumed"].roi_median
    assert matched.between_channels == pytest.approx(families()["assumed"].roi_spread)
    for family in ("duds", "confounded"):
        with pytest.raises(ValueError, match="without duds and hidden demand"):
            priors_of(families()[family])
