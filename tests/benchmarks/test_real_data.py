"""The studies of public data: their machinery always, the data where they are at hand.

The data are found through ADBUDGET_DATA, or in ../shared/data beside the checkout.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from adbudget import CurveDraws, read_panel
from adbudget.synthetic import WorldSpec, synthesize
from benchmarks.real_data import code, describing, forecasting, reading, tables
from benchmarks.real_data.carry_over_length import (
    duration,
    kernels,
    koyck,
    lag_shares,
    marginal_weights,
)
from benchmarks.real_data.code import code_of
from benchmarks.real_data.marketing import write_tables
from benchmarks.real_data.report import write
from benchmarks.real_data.results import Result, Results
from benchmarks.real_data.scoring import bands, scores
from benchmarks.real_data.sets import SETS, data_folder, missing_files
from benchmarks.real_data.stability import (
    KINDS,
    calls_kept,
    count_changes,
    kind_of,
    reversed_once,
)
from benchmarks.real_data.studies import STUDIES
from benchmarks.real_data.tables import TABLES, difference, flips
from benchmarks.real_data.truth import contribution_paths, least_squares_on_truth
from benchmarks.worlds.report import MARKED

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "real-data.md"
KEPT = ROOT / "benchmarks" / "real_data" / "results.jsonl"
DATA = data_folder()
SHORT = {"draws": 150, "tune": 200, "chains": 2, "progress": False}
ACTIONS = ("increase", "monitor", "reduce")
DAYS = 140


def needs(name: str):
    absent = missing_files(DATA, name)
    return pytest.mark.skipif(bool(absent), reason=f"{DATA} holds no {', '.join(absent)}")


def panel_of(outcome: np.ndarray, freq: str = "D"):
    dates = pd.date_range("2024-01-01", periods=len(outcome), freq=freq)
    spend = 10.0 + np.arange(len(outcome)) % 5
    return read_panel(
        pd.DataFrame({"date": dates, "tv_spend": spend, "revenue": outcome}), outcome="revenue"
    )


@pytest.fixture(scope="module")
def small_panel():
    world = synthesize(WorldSpec(n_accounts=2, n_channels=2, n_periods=50), seed=4)
    return read_panel(world.spend, world.outcome, currency="EUR")


# Simple rules


def test_naive_rule_repeats_the_last_week_by_weekday():
    week = np.array([10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0])
    panel = panel_of(np.tile(week, DAYS // 7))
    (one,) = forecasting.seasonal_rule(panel, 14, "naive", 1)
    assert one.draws == pytest.approx(np.broadcast_to(one.observed, one.draws.shape))
    assert one.observed * 40.0 == pytest.approx(np.tile(week, 2))  # over the mean outcome, 40


def test_naive_rule_learns_steady_growth_from_its_own_errors():
    panel = panel_of(100.0 + np.arange(DAYS))
    (one,) = forecasting.seasonal_rule(panel, 28, "naive", 1)
    assert one.draws == pytest.approx(np.broadcast_to(one.observed, one.draws.shape))


def test_naive_rule_spreads_wider_the_further_it_looks():
    walk = 500 + np.random.default_rng(0).normal(size=2000).cumsum()
    (one,) = forecasting.seasonal_rule(panel_of(walk), 56, "naive", 1)
    spread = one.draws.std(axis=0)
    assert spread[50] > 1.5 * spread[0]


def test_a_rule_sees_nothing_of_the_held_out_periods():
    outcome = np.random.default_rng(1).gamma(5.0, 20.0, size=DAYS)
    later = outcome.copy()
    later[-28:] *= 7
    for n_back in (1, 4):
        one, other = (
            forecasting.seasonal_rule(panel_of(y), 28, "rule", n_back)[0] for y in (outcome, later)
        )
        assert (one.draws == other.draws).all()
        assert other.observed == pytest.approx(7 * one.observed)


def test_trailing_mean_of_two_seasons_on_paper():
    level = forecasting.trailing_mean(np.array([1.0, 2.0, 5.0, 6.0, 9.0]), season=2, n_back=2)
    assert np.isnan(level[:2]).all()
    assert level[2:].tolist() == [3.0, 4.0, 7.0]


def test_a_gap_in_the_last_weeks_seen_is_an_error():
    outcome = np.arange(1.0, DAYS + 1)
    outcome[-31] = np.nan
    with pytest.raises(ValueError, match="gaps"):
        forecasting.seasonal_rule(panel_of(outcome), 28, "naive", 1)


def test_unknown_spend_is_the_mean_of_the_weeks_before(small_panel):
    shown = forecasting.with_recent_spend(small_panel, 8)
    assert (shown.spend[..., :-8] == small_panel.spend[..., :-8]).all()
    recent = small_panel.spend[..., -12:-8].mean(axis=-1, keepdims=True)
    assert shown.spend[..., -8:] == pytest.approx(np.broadcast_to(recent, (2, 2, 8)))


# Scores


def test_difference_from_the_naive_rule_on_paper():
    found = [
        {"tool": "naive", "account": "a", "crps_by_row": [4.0, 6.0, 1.0, 3.0]},
        {"tool": "adbudget", "account": "a", "crps_by_row": [3.0, 5.0, 1.0, 1.0]},
    ]
    less, error = difference(found, "adbudget", rows_a_block=2)
    assert less == -1.0  # both blocks
    assert error == 0.0


def test_model_is_scored_on_the_periods_it_did_not_see(small_panel, monkeypatch):
    monkeypatch.setattr(forecasting, "SAMPLING", SHORT)
    monkeypatch.setattr("adbudget.model.sampling.MAX_RUNS", 1)
    made, fitted = forecasting.model_forecasts(small_panel, 6)
    assert fitted.panel.n_periods == small_panel.n_periods - 6
    assert [one.tool for one in made] == ["adbudget"] * 2 + ["adbudget, spend unknown"] * 2
    scale = np.abs(small_panel.outcome[0, :-6]).mean()
    assert made[0].observed * scale == pytest.approx(small_panel.outcome[0, -6:])
    assert made[0].dates[-1] == str(small_panel.dates[-1].astype("datetime64[D]"))
    for one in scores(made):
        assert len(one["crps_by_row"]) == 6
        assert 0 <= one["coverage"] <= 1
    assert json.loads(json.dumps(bands(made)))[0]["observed"]


# Decisions


def test_kinds_of_change_on_paper():
    assert kind_of("increase", "increase") == "same"
    assert kind_of("increase", "reduce") == "increase and reduce"
    assert kind_of("monitor", "reduce") == "call and monitor"


CALLS = st.dictionaries(
    st.tuples(st.sampled_from("ab"), st.sampled_from("xyz")), st.sampled_from(ACTIONS)
)


@given(CALLS, CALLS)
def test_changes_add_up_to_the_cells_both_origins_have(before, after):
    counts = count_changes([before, after])
    assert sum(counts.values()) == len(before.keys() & after.keys())
    assert counts == count_changes([after, before])
    assert count_changes([before, before])["same"] == len(before)


def test_a_call_is_kept_when_the_next_origin_makes_it_again():
    first = {("a", "x"): "increase", ("a", "y"): "reduce", ("a", "z"): "monitor"}
    then = {("a", "x"): "increase", ("a", "y"): "monitor", ("a", "z"): "reduce"}
    assert calls_kept([first, then]) == (1, 2)
    assert calls_kept([first, then, first]) == (2, 4)


def test_a_cell_raised_once_and_cut_once_is_named():
    cell = ("a", "x")
    origins = [{cell: "increase"}, {cell: "monitor"}, {cell: "reduce"}]
    assert reversed_once(origins) == [cell]
    assert count_changes(origins)["increase and reduce"] == 0


# Adstock


def curves(half_life_periods: float) -> CurveDraws:
    kept = 0.5 ** (1 / half_life_periods)
    return CurveDraws(
        accounts=("a",),
        channels=("x",),
        weights=np.full((3, 1, 1, 1, 1), 8.0),
        scale=np.array([[2.0]]),
        carry_in=np.zeros((1, 1, 1)),
        retention=np.array([kept]),
        half_saturation=np.array([1.0]),
        unit_value=np.ones(1),
        margin=np.ones(1),
        currency=("",),
        period_days=7.0,
    )


def test_long_run_effect_and_retention_of_one_adstock_on_paper():
    draws = curves(half_life_periods=1.0)
    weights = marginal_weights(draws)
    assert weights == pytest.approx(np.full((3, 1), 8.0 * 0.25 / 2.0))  # slope 1/4 at the mean
    assert draws.marginal({("a", "x"): 2.0}).to_numpy()[0, 0, 0] == pytest.approx(weights[0, 0])
    shares = lag_shares(weights, kernels(draws))
    assert shares[0, :3].tolist() == [0.5, 0.25, 0.125]
    assert shares.sum(axis=1) == pytest.approx(np.ones(3))


def test_ninety_percent_of_a_halving_effect_takes_three_periods_and_a_bit():
    shares = lag_shares(np.ones((1, 1)), kernels(curves(1.0)))
    assert duration(shares)[0] == pytest.approx(3 + 0.025 / 0.0625)  # .875 after three


def test_least_squares_finds_the_geometric_lag_that_made_the_sales():
    rng = np.random.default_rng(2)
    spend, sales = rng.gamma(4.0, 5.0, size=60), [100.0]
    for amount in spend[1:]:
        sales.append(20 + 0.5 * amount + 0.6 * sales[-1])
    found = koyck(np.array(sales), spend)
    assert found["retention"] == pytest.approx(0.6)
    assert found["short_run"] == pytest.approx(0.5)
    assert found["long_run"] == pytest.approx(1.25)


def test_least_squares_lets_the_level_step():
    rng = np.random.default_rng(3)
    spend, sales = rng.gamma(4.0, 5.0, size=60), [100.0]
    era = (np.arange(60) >= 30).astype(int)
    for amount, late in zip(spend[1:], era[1:], strict=True):
        sales.append(20 + 30 * late + 0.5 * amount + 0.6 * sales[-1])
    assert koyck(np.array(sales), spend, era)["retention"] == pytest.approx(0.6)
    assert koyck(np.array(sales), spend)["retention"] != pytest.approx(0.6, abs=0.02)


# Describing a fit


def test_a_description_holds_one_call_and_one_return_per_cell(small_panel, monkeypatch):
    monkeypatch.setattr(describing, "SAMPLING", SHORT)
    monkeypatch.setattr("adbudget.model.sampling.MAX_RUNS", 1)
    record, fitted = describing.describe(small_panel, seed=1)
    assert len(record["calls"]) == len(record["roi_by_cell"]) == len(small_panel.cells)
    assert list(record["roi"]) == list(small_panel.channels)
    roi = describing.roi_draws(fitted)
    owed = (roi[:, 0] * small_panel.spend[0].sum(axis=1)).sum(axis=1)
    share = np.median(owed) / small_panel.outcome[0].sum()
    assert record["media_share"][small_panel.accounts[0]][1] == pytest.approx(share)
    assert json.loads(json.dumps(record)) == record


def test_contributions_add_up_to_the_returns(monkeypatch):
    monkeypatch.setattr(describing, "SAMPLING", SHORT)
    monkeypatch.setattr("adbudget.model.sampling.MAX_RUNS", 1)
    world = synthesize(WorldSpec(n_accounts=1, n_channels=2, n_periods=50), seed=5)
    panel = read_panel(world.spend, world.outcome, currency="EUR")
    fitted = describing.describe(panel, seed=1)[1]
    owed = describing.roi_draws(fitted)[:, 0].mean(axis=0) * panel.spend[0].sum(axis=1)
    assert contribution_paths(fitted).sum(axis=1) == pytest.approx(owed, rel=1e-3)


# Results and report


def result(study: str = "dietary", **changes) -> Result:
    given = {"study": study, "code": "c", "data": "d", "seconds": 1.0, "found": {"n": 1}}
    return Result(**(given | changes))


def test_results_survive_a_restart_and_prefer_the_present_code(tmp_path):
    path = tmp_path / "results.jsonl"
    kept = Results(path)
    kept.add(result(code="new"))
    kept.add(result(code="old", found={"n": 2}))
    again = Results(path)
    assert again.has("dietary", "old", "d")
    assert not again.has("dietary", "old", "other data")
    assert again.latest(lambda _: "new")["dietary"].found == {"n": 1}
    assert again.latest(lambda _: "newer")["dietary"].found == {"n": 2}


def test_every_study_asks_a_known_set_and_has_a_fingerprint():
    assert {study.uses for study in STUDIES.values()} == set(SETS)
    assert all(len(code_of(name)) == 12 for name in STUDIES)


def test_a_peer_is_not_run_again_when_only_the_library_changed(monkeypatch):
    before = {name: code_of(name) for name in ("conjura_marketing", "dietary")}
    monkeypatch.setattr(code, "_library", lambda: "another library")
    assert code_of("conjura_marketing") == before["conjura_marketing"]
    assert code_of("dietary") != before["dietary"]


@pytest.mark.parametrize("name", TABLES)
def test_a_table_without_results_says_so(name):
    said = TABLES[name]({})
    assert said == tables.NOTHING or name == "sources"


def test_flips_table_on_paper():
    def at(*actions):
        return {
            "calls": [
                {"account": "a", "channel": str(i), "action": action}
                for i, action in enumerate(actions)
            ]
        }

    said = flips(
        {
            "conjura_origin_1": at("increase", "monitor", "reduce", "monitor"),
            "conjura_origin_0": at("reduce", "monitor", "monitor", "monitor"),
        }
    )
    assert "| four weeks later, same seed | 4 | 2 (50%) | 1 (25%) | 1 (25%) | 0 of 2 |" in said
    assert "cut at another: a 0." in said
    assert all(kind in said for kind in KINDS)


def test_the_page_marks_every_table():
    marked = [name for _, name, _ in MARKED.findall(PAGE.read_text(encoding="utf-8"))]
    assert sorted(marked) == sorted([*TABLES, "status"])


def test_the_page_and_its_plots_are_those_of_the_kept_results(tmp_path):
    docs = tmp_path / "docs"
    docs.mkdir()
    text = PAGE.read_text(encoding="utf-8")
    (docs / PAGE.name).write_text(text, encoding="utf-8")
    latest = Results(KEPT).latest(code_of)
    write(latest, docs, code_of)
    again = (docs / PAGE.name).read_text(encoding="utf-8")
    tables_of = {name: part for part, name, _ in MARKED.findall(text) if name != "status"}
    for name in tables_of:
        assert _part(again, name) == _part(text, name), name
    drawn = {path.name for path in (docs / "images").iterdir()}
    assert drawn == {path.name for path in (PAGE.parent / "images").glob("real_*.png")}


def _part(page: str, name: str) -> str:
    begin = page.index(f"<!-- begin {name} -->")
    return page[begin : page.index(f"<!-- end {name} -->")]


def test_absent_data_are_skipped_and_said(tmp_path):
    kept = tmp_path / "results.jsonl"
    command = [sys.executable, "-m", "benchmarks.real_data", "--data", str(tmp_path)]
    ended = subprocess.run(
        [*command, "--studies", "dietary", "--results", str(kept)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "dietary: skipped" in ended.stderr
    assert "fma_advsales.csv" in ended.stderr
    assert not kept.exists()


def test_an_unknown_study_is_refused(tmp_path):
    command = [sys.executable, "-m", "benchmarks.real_data", "--studies", "nonsense"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert "nonsense" in ended.stderr


def test_the_folder_of_the_variable_comes_before_the_default(monkeypatch, tmp_path):
    monkeypatch.setenv("ADBUDGET_DATA", str(tmp_path))
    assert data_folder() == tmp_path.resolve()
    assert data_folder(tmp_path / "asked") == (tmp_path / "asked").resolve()


def test_the_peer_gets_no_held_out_outcome_and_no_channel_it_never_saw(tmp_path, small_panel):
    write_tables(small_panel, 8, tmp_path)
    seen = pd.read_csv(tmp_path / "0.seen.csv")
    later = pd.read_csv(tmp_path / "0.later.csv")
    assert len(seen) == small_panel.n_periods - 8
    assert len(later) == 8
    assert "revenue" not in later
    assert list(seen.columns.drop("revenue")) == list(later.columns)


# The data themselves


@needs("conjura")
def test_conjura_reads_as_four_accounts_in_two_currencies():
    panel = reading.conjura_daily(DATA)
    assert (panel.n_accounts, panel.n_channels) == (4, 9)
    assert sorted(panel.currency) == ["GBP", "GBP", "USD", "USD"]
    assert np.isfinite(panel.outcome).sum() == 2035


@needs("conjura")
def test_conjura_weeks_hold_what_their_days_hold():
    days = reading.conjura_table(DATA).set_index("DATE_DAY")
    weeks = reading.conjura_weekly_table(DATA)
    one = weeks.iloc[5]
    end = one["DATE_DAY"] + pd.Timedelta(days=6)
    own = days[days["MMM_TIMESERIES_ID"] == one["MMM_TIMESERIES_ID"]].sort_index()
    assert own.loc[one["DATE_DAY"] : end, "revenue"].sum() == pytest.approx(one["revenue"])
    assert weeks["DATE_DAY"].dt.day_of_week.eq(0).all()


@needs("conjura")
def test_an_earlier_origin_leaves_out_the_end_of_every_series():
    last, before = (reading.conjura_daily(DATA, days) for days in (0, 28))
    assert (last.last - before.last == 28).all()


@needs("lydia")
def test_a_year_keeps_its_order_whatever_it_is_labelled_as():
    weeks, months = reading.lydia(DATA, "weekly"), reading.lydia(DATA, "monthly")
    assert (weeks.period, months.period) == ("weekly", "monthly")
    assert (weeks.outcome == months.outcome).all()
    assert weeks.outcome[0, [0, -1]].tolist() == [1016, 1289]


@needs("lydia")
def test_lydia_pinkham_gives_paldas_retention():
    panel = reading.lydia(DATA, "weekly")
    era = np.searchsorted([1914, 1925, 1940], 1907 + np.arange(54))
    found = koyck(panel.outcome[0], panel.spend[0, 0], era)
    assert 0.5 < found["retention"] < 0.65  # the range of the literature


@needs("dietary")
def test_dietary_product_reads_as_36_months():
    panel = reading.dietary(DATA)
    assert (panel.period, panel.n_periods) == ("monthly", 36)


@needs("mmm_simple")
def test_truth_of_mmm_simple_gives_its_published_returns():
    panel, truth = reading.mmm_simple(DATA), reading.mmm_simple_truth(DATA).sum()
    published = json.loads((DATA / "mmm_simple" / "ground_truth_parameters.json").read_text())
    roas = published["roas_values"]["Local"]
    for i, name in enumerate(panel.channels):
        spend = panel.spend[0, i].sum()
        assert truth[name] / spend == pytest.approx(roas[name.split("_", 1)[1]])


@needs("mmm_simple")
def test_least_squares_on_the_truth_of_mmm_simple_finds_about_one():
    panel, truth = reading.mmm_simple(DATA), reading.mmm_simple_truth(DATA)
    found = least_squares_on_truth(panel.outcome[0], truth, panel.dates)
    assert all(abs(factor - 1) < 3 * error for factor, error in found.values())


@needs("meridian")
def test_meridian_reads_as_twenty_geos():
    panel = reading.meridian(DATA)
    assert (panel.n_accounts, panel.n_channels, panel.n_periods) == (20, 4, 156)
    assert len(panel.controls) == 2


@needs("robyn")
def test_robyn_reads_with_its_events_as_controls():
    panel = reading.robyn(DATA)
    assert set(panel.channels) == set(reading.ROBYN_CHANNELS)
    events = [panel.controls.index(name) for name in ("event1", "event2")]
    assert panel.control_values[0, events].sum(axis=1).tolist() == [1.0, 1.0]
