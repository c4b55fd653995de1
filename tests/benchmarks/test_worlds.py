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
from benchmarks.worlds.jobs import FAMILY_ORDER, Job, make_grid, make_world, usual_count, world_seed
from benchmarks.worlds.matched import priors_of
from benchmarks.worlds.recovery import judge_folder
from benchmarks.worlds.report import fill, status
from benchmarks.worlds.results import Result, Results
from benchmarks.worlds.rules import follow_roas
from benchmarks.worlds.scoring import crps, is_right, lift_measures, score
from benchmarks.worlds.source import files_fingerprint, library_fingerprint
from benchmarks.worlds.summary import (
    alike,
    mean_and_error,
    paired,
    ratio_and_error,
    recovery,
    reliability,
    stratified_ratio,
    summarise,
)
from benchmarks.worlds.tables import TABLES, captured, recovery_table, wrong_calls
from benchmarks.worlds.tools import TOOLS
from benchmarks.worlds.worker import rounded, run_job

ROOT = Path(__file__).parents[2]
SMALL = WorldSpec(n_accounts=2, n_channels=3, n_periods=60)
JOB = Job(study="families", family="assumed", world=1, tool="hold")


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


def test_no_two_worlds_of_all_families_share_a_seed():
    assert sorted(FAMILY_ORDER) == sorted(families())
    seeds = [world_seed(family, world) for family in FAMILY_ORDER for world in range(200)]
    assert len(set(seeds)) == len(seeds)
    assert world_seed("assumed", 0) == 1_633_290_339, "kept results are of these worlds"


def test_the_same_number_in_two_families_is_of_two_worlds():
    one, other = (make_world(replace(JOB, family=name)) for name in ("assumed", "noisy"))
    r = np.corrcoef(one.spend["spend"], other.spend["spend"])[0, 1]
    assert abs(r) < 0.5
    assert not np.array_equal(one.truth.weight, other.truth.weight)


def test_adbudget_has_forty_worlds_of_a_family_other_tools_twenty_and_tiny_is_few():
    grid = make_grid(["families"], ["noisy", "tiny"], None, ["adbudget", "naive"])
    counts = {
        (family, tool): sum((job.family, job.tool) == (family, tool) for job in grid)
        for family in ("noisy", "tiny")
        for tool in ("adbudget", "naive")
    }
    assert list(counts.values()) == [40, 20, 5, 5]
    assert usual_count("history", "assumed", "adbudget") == 10


def test_the_grid_runs_every_tool_on_every_world_and_only_the_library_in_groups():
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
    again = replace(JOB, world=2)
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
            result({"n_calls": 10, "n_wrong": 1, "expected_wrong": 0.5, "n_cells": 20}, world=0),
            result({"n_calls": 0, "n_wrong": 0, "expected_wrong": 0.0, "n_cells": 20}, world=1),
        ]
    )
    assert rows[0]["wrong"] == pytest.approx(0.1)
    assert rows[0]["called"] == pytest.approx(0.25)


def test_tools_are_compared_on_the_worlds_that_both_have_run():
    ours = [result({"captured": 0.8 + s / 10}, tool="adbudget", world=s) for s in range(3)]
    theirs = [result({"captured": 0.7 + s / 10}, tool="naive", world=s) for s in (0, 2, 7)]
    (row,) = paired([*ours, *theirs])
    assert (row["tool"], row["n"]) == ("naive", 2)
    assert row["difference"] == pytest.approx(0.1)
    assert row["difference_se"] == pytest.approx(0.0, abs=1e-12)


def test_reliability_counts_every_move_in_its_bin():
    first = result({"moves": [[0.55, 1], [0.55, 0], [1.0, 1]]}, world=0)
    second = result({"moves": [[0.5, 1], [0.999, 1]]}, world=1)
    rows = reliability([first, second])
    assert [(row["low"], row["n"]) for row in rows] == [(0.5, 3), (0.99, 2)]
    assert rows[0]["right"] == pytest.approx(2 / 3)
    assert rows[0]["stated"] == pytest.approx(1.6 / 3)


def moves_of(family: str, *worlds: list[int]) -> list[Result]:
    """Worlds of a family whose moves, all stated at .55, are right (1) or not."""
    return [
        result({"moves": [[0.55, right] for right in each]}, family=family, world=w)
        for w, each in enumerate(worlds)
    ]


def test_a_family_of_many_moves_weighs_no_more_than_one_of_few():
    many = moves_of("tiny", [1] * 500, [1] * 500)
    few = moves_of("assumed", [0], [0])
    (row,) = reliability([*many, *few])
    assert row["right"] == pytest.approx(0.5)
    assert (row["n"], row["right_se"]) == (1002, 0.0), "neither family differs over its worlds"


def test_errors_of_the_reliability_are_over_worlds_not_moves():
    # One family, two worlds of two moves: weight 1/4 each; residuals +1/4 and -1/4 around .5,
    # so the variance of their sum is 2 * (1/8), over a whole of 1.
    worlds = moves_of("assumed", [1, 1], [0, 0])
    (row,) = reliability(worlds)
    assert row["right_se"] == pytest.approx(np.sqrt(2 * 0.125))
    more = moves_of("assumed", [1] * 100, [0] * 100)
    assert reliability(more)[0]["right_se"] == pytest.approx(row["right_se"])


def test_a_ratio_over_strata_on_paper_and_without_error_where_a_stratum_has_one_world():
    first, second = np.array([[1.0, 2.0], [3.0, 2.0]]), np.array([[2.0, 4.0], [2.0, 4.0]])
    ratio, error = stratified_ratio([first, second])
    assert ratio == pytest.approx(8 / 12)
    # residuals 1 - 4/3 and 3 - 4/3 in the first, none apart in the second
    assert error == pytest.approx(np.sqrt(2 * 2.0) / 12)
    assert stratified_ratio([first, second[:1]])[1] is None


def test_wrong_calls_of_all_families_weigh_families_alike():
    counts = {"n_cells": 20, "captured": 0.5}
    rows = summarise(
        [
            result(counts | {"n_calls": n, "n_wrong": wrong, "expected_wrong": n / 20}, **job)
            for n, wrong, job in (
                (10, 1, {"family": "assumed", "tool": "adbudget", "world": 0}),
                (10, 3, {"family": "assumed", "tool": "adbudget", "world": 1}),
                (100, 0, {"family": "noisy", "tool": "adbudget", "world": 0}),
                (100, 0, {"family": "noisy", "tool": "adbudget", "world": 1}),
            )
        ]
    )
    assumed, noisy = rows
    assert assumed["excess_wrong"] == pytest.approx(0.2 - 0.05)
    assert assumed["excess_wrong_se"] == pytest.approx(0.1)  # one call more, one less, of twenty
    assert alike([assumed, noisy], "wrong") == {"wrong": 0.1, "wrong_se": pytest.approx(0.05)}
    assert wrong_calls(rows).splitlines()[-1] == (
        "| all families, each alike | 4 | 220 | 0.100 ± 0.050 | 0.050 ± 0.000 | 0.050 ± 0.050 |"
    )


def test_panels_of_others_are_rows_and_one_for_all_of_them_with_errors_over_panels():
    panels = [
        result(
            {"n_accounts": 1, "n_cells": 2, "n_held": held, "errors": errors, "unhealthy": 0},
            study="recovery",
            family=name,
            tool="adbudget",
        )
        for name, held, errors in (("two", 2, [0.0, 0.2]), ("one", 1, [0.4, 0.6]))
    ]
    rows = recovery(panels)
    assert [row["family"] for row in rows] == ["one", "two", "all panels"]
    assert rows[-1]["held"] == 0.75
    assert rows[-1]["held_se"] == pytest.approx(0.25)
    assert recovery_table(rows).splitlines()[-1] == (
        "| all panels | 2 | 4 | 0.750 ± 0.250 | 0.30 ± 0.20 | 0.30 | 0 |"
    )
    assert recovery([result({})]) == []


def test_the_page_is_filled_between_markers_and_prose_is_kept():
    page = "Before.\n<!-- begin one -->\nold\n<!-- end one -->\nAfter.\n"
    filled = fill(page, {"one": "new"})
    assert filled == "Before.\n<!-- begin one -->\nnew\n<!-- end one -->\nAfter.\n"
    assert fill(filled, {"one": "new"}) == filled
    with pytest.raises(SystemExit, match="marks"):
        fill(page, {"two": "new"})


def test_the_validation_page_has_a_place_for_every_table():
    page = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
    parts = dict.fromkeys([*TABLES, "status", "paired", "reliability", "recovery"], "x")
    assert fill(page, parts) != page


def test_stale_results_are_said_to_be_stale():
    assert "1 of them made by earlier code" in status([result({}), result({}, fresh=False)])


def test_the_table_of_captured_gains_names_worlds_and_time_outs():
    rows = summarise(
        [
            result({"captured": 0.9}, tool="adbudget", world=0),
            result({"captured": 0.8}, tool="adbudget", world=1),
            result({"captured": 0.0, "timed_out": 1}, tool="pymc_marketing"),
        ]
    )
    assert captured(rows).splitlines()[-1] == (
        "| assumed | 0.85 ± 0.05 (2) | 0.00 (1, 1 out of time) |"
    )


# The real thing


def test_panels_of_a_folder_are_judged_once_and_told(tmp_path, capsys):
    small = synthesize(replace(SMALL, n_accounts=1, n_channels=2), seed=3)
    table = small.wide().rename(columns={"account": "geo", "revenue": "y"})
    table = table.rename(columns=dict(zip(small.spec.channel_names, ("x1", "x2"), strict=True)))
    table.to_csv(tmp_path / "shop.csv", index=False)
    with pytest.raises(SystemExit, match=r"no NAME_truth\.csv beside"):
        judge_folder(tmp_path, Results(tmp_path / "kept.jsonl", ROOT / "src"))
    roi = small.truth.roi(small.current())
    truth = pd.DataFrame({"geo": "account_01", "channel": ["x1", "x2"], "roi": roi.to_numpy()})
    truth.to_csv(tmp_path / "shop_truth.csv", index=False)
    for _ in range(2):
        judge_folder(tmp_path, Results(tmp_path / "kept.jsonl", ROOT / "src"))
        assert "shop: " in capsys.readouterr().err
    (line,) = (tmp_path / "kept.jsonl").read_text().splitlines()
    measures = json.loads(line)["measures"]
    assert (measures["n_cells"], len(measures["errors"])) == (2, 2)


def test_the_command_runs_tools_keeps_results_and_does_not_run_them_twice(tmp_path):
    kept = tmp_path / "results.jsonl"
    command = [sys.executable, "benchmarks/worlds", "--families", "assumed", "--worlds", "0"]
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
    job = replace(JOB, tool="adbudget", world=0)
    pooled, told = run_job(job), run_job(replace(job, tool="told"))
    assert told["best_width_live"] < pooled["best_width_live"]
    assert told["best_crps"] < pooled["best_crps"] * 1.1
    assert told["rhat"] < 1.02


@pytest.mark.slow
def test_all_accounts_in_one_group_are_the_pooled_fit():
    job = replace(JOB, tool="adbudget", world=0)
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
