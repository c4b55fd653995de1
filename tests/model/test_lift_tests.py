"""A lift test is one more row of evidence with an error of its own; it may contradict the rest."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st
from scipy.stats import norm

import adbudget as ab
from adbudget.model.block import pack
from adbudget.model.definition import build
from adbudget.model.density import value_and_gradient
from adbudget.model.evidence import gather
from adbudget.model.factor import make_likelihood
from adbudget.model.lift_left_out import REST, LeftOut, expected_lifts, left_out
from adbudget.model.lift_report import CONTRADICTION_SIGMAS, lift_report, lift_warnings
from adbudget.model.lift_rows import lift_rows, with_tests
from adbudget.model.lift_tests import read_lift_tests
from adbudget.model.reference import make_design
from adbudget.model.transform import CellDraws, cell_draws
from adbudget.synthetic import families, synthesize
from adbudget.synthetic.experiment import run_lift_test


def one_test(**changes) -> dict:
    test = {
        "account": "account_01",
        "channel": "search",
        "start": "2025-01-06",
        "end": "2025-02-02",
        "spend_before": 1_000.0,
        "spend_after": 2_000.0,
        "lift_total": 3_000.0,
        "standard_error": 500.0,
    }
    return {name: value for name, value in (test | changes).items() if value is not None}


def end_after(start: str, weeks: int) -> str:
    return str(np.datetime64(start) + np.timedelta64(7 * weeks - 1, "D"))


def frame_of(*tests: dict) -> pd.DataFrame:
    return pd.DataFrame(list(tests))


def read(panel, *tests: dict):
    return read_lift_tests(frame_of(*tests), panel)


@pytest.fixture(scope="module")
def lone():
    """One account, one channel, 40 weeks of changing spend: scale and basis in plain sight."""
    days = pd.date_range("2024-01-01", periods=40, freq="7D")
    spend = 100.0 * (1 + (np.arange(40) % 4) / 2)
    table = pd.DataFrame({"date": days, "channel": "search", "spend": spend})
    return ab.read_panel(table.assign(revenue=1_000.0 + spend))


@pytest.fixture(scope="module")
def tests_of_panel(panel):
    before = panel.current_spend()
    tests = [
        one_test(spend_before=before["account_01", "search"], spend_after=0.0, lift_total=-2e3),
        one_test(
            account="account_02",
            channel="social",
            spend_before=before["account_02", "social"],
            spend_after=2 * before["account_02", "social"],
            lift_total=None,
            iroas=0.8,
            standard_error=0.2,
        ),
        one_test(
            spend_before=None,
            spend_after=None,
            spend_change=500.0,
            end="2025-02-09",
            lift_total=None,
            lift_per_period=400.0,
        ),
    ]
    return read(panel, *tests)


@pytest.fixture(scope="module")
def tested_evidence(evidence, tests_of_panel, panel):
    return with_tests(evidence, tests_of_panel, panel.unit_value)


# The row ----------------------------------------------------------------------------------------


def gain_of(lone, priors: ab.Priors, **changes) -> tuple[np.ndarray, float, np.ndarray]:
    """(basis,) row of a test on the lone panel, the account's scale and the basis means."""
    design = make_design(lone, priors)
    scale = float(design.unit[0, 0])
    test = one_test(account=None, start="2024-05-06", end="2024-05-19")
    test |= {"spend_before": scale, "spend_after": 2 * scale} | changes
    rows = lift_rows(read(lone, test), design, lone.unit_value).rows[0]
    return rows, float(design.outcome_scale[0]), design.basis_mean[0, 0].ravel()


def test_a_test_without_adstock_is_the_step_of_the_curve_times_its_periods(lone):
    """From 1/2 to 2/3 in each of two weeks."""
    row, outcome, mean = gain_of(
        lone,
        ab.Priors(
            half_life_days=(0.0,), delayed_half_lives=(), half_saturation=(1.0,), s_shaped=()
        ),
    )
    assert row == pytest.approx(2 * (2 / 3 - 1 / 2) * outcome / mean)


def test_two_weeks_do_not_reach_the_steady_state(lone):
    """With a half-life of one week the adstock is 1.5, then 1.75 times the mean spend."""
    row, outcome, mean = gain_of(
        lone,
        ab.Priors(
            half_life_days=(7.0,), delayed_half_lives=(), half_saturation=(1.0,), s_shaped=()
        ),
    )
    assert row == pytest.approx((1.5 / 2.5 + 1.75 / 2.75 - 2 * 0.5) * outcome / mean)


def test_carry_over_after_the_test_counts_as_long_as_outcomes_are_counted(lone):
    priors = ab.Priors(
        half_life_days=(7.0,), delayed_half_lives=(), half_saturation=(1.0,), s_shaped=()
    )
    row, outcome, mean = gain_of(lone, priors, end="2024-05-12", counted_until="2024-05-19")
    assert row == pytest.approx((1.5 / 2.5 + 1.25 / 2.25 - 2 * 0.5) * outcome / mean)


def test_a_part_of_a_period_counts_as_that_part(lone):
    priors = ab.Priors(
        half_life_days=(0.0,), delayed_half_lives=(), half_saturation=(1.0,), s_shaped=()
    )
    week, _, _ = gain_of(lone, priors, end="2024-05-12")
    ten_days, _, _ = gain_of(lone, priors, end="2024-05-15")
    assert ten_days == pytest.approx(week * 10 / 7)


def test_the_three_measures_are_one_test_in_three_units(lone):
    priors = ab.Priors()
    design = make_design(lone, priors)
    rows = {
        measure: gain_of(lone, priors, **{"lift_total": None, measure: 1.0})[0]
        for measure in ("lift_total", "lift_per_period", "iroas")
    }
    assert rows["lift_per_period"] * 2 == pytest.approx(rows["lift_total"])
    assert rows["iroas"] * 2 * design.unit[0, 0] == pytest.approx(rows["lift_total"])


@given(weeks=st.integers(1, 12), change=st.floats(0.1, 3.0))
@settings(max_examples=30)
def test_a_longer_test_sees_more_per_period_and_never_the_whole(lone, weeks, change):
    priors = ab.Priors(
        half_life_days=(14.0,), delayed_half_lives=(), half_saturation=(0.5,), s_shaped=()
    )
    per_period = []
    for n in (weeks, weeks + 1):
        end = end_after("2024-05-06", n)
        scale = make_design(lone, priors).unit[0, 0]
        row, outcome, mean = gain_of(lone, priors, end=end, spend_after=(1 + change) * scale)
        per_period.append(row.sum() / n)
    steady = ((1 + change) / (1.5 + change) - 1 / 1.5) * outcome / mean.sum()
    assert 0 < per_period[0] < per_period[1] < steady


def test_what_a_test_expects_is_what_simulate_plays(fitted, panel):
    """The same path of the same curves, by another way."""
    now, cell, weeks = fitted.current_spend, ("account_03", "search"), 5
    plan = now.copy()
    plan[cell] *= 1.7
    played = ab.simulate(fitted, plan, horizon=weeks, carry_in=False).lift_path
    test = one_test(
        account=cell[0],
        end=end_after("2025-01-06", weeks),
        spend_before=now[cell],
        spend_after=plan[cell],
    )
    tested = with_tests(fitted.evidence, read(panel, test), panel.unit_value)
    expected = lift_report(fitted.cell_draws, tested)["expected"].iloc[0]
    seen = played.sel(account=cell[0]).isel(period=slice(weeks)).sum("period")
    assert expected == pytest.approx(float(seen.mean()), rel=1e-6)


def test_a_count_of_things_is_worth_its_money(world, priors):
    """The iROAS of an outcome that counts, against the same outcome in money."""
    leads = world.outcome.assign(leads=world.outcome["revenue"] / 50).drop(columns="revenue")
    by_count = ab.read_panel(world.spend, leads, value_per_unit=50.0)
    by_money = ab.read_panel(world.spend, world.outcome)
    test = one_test(lift_total=None, iroas=1.0, standard_error=0.1)
    rows = [
        lift_rows(read(panel, test), make_design(panel, priors), panel.unit_value).rows
        for panel in (by_count, by_money)
    ]
    assert rows[0] == pytest.approx(rows[1])


# The density ------------------------------------------------------------------------------------


def test_both_engines_read_the_tests_alike(tested_evidence, priors, layout):
    likelihood = make_likelihood(tested_evidence, priors)
    block = pack(likelihood, priors)
    readable = build(tested_evidence, priors, likelihood).logp_dlogp_function(ravel_inputs=True)
    readable.set_extra_values({})
    rng, offsets = np.random.default_rng(2), []
    for _ in range(20):
        position = rng.normal(size=layout.size)
        value, gradient = value_and_gradient(position, block)
        pymc_value, pymc_gradient = readable(position)
        offsets.append(value - pymc_value)
        scale = max(1.0, np.abs(pymc_gradient).max())
        assert gradient / scale == pytest.approx(pymc_gradient / scale, rel=1e-8, abs=1e-8)
    assert np.ptp(offsets) < 1e-8 * max(1, np.abs(offsets).max())


def test_tests_add_their_own_gaussian_and_nothing_else(
    tested_evidence, evidence, priors, layout, position
):
    """Against the sum over tests of squared errors in units of their standard errors."""
    with_and_without = [
        value_and_gradient(position, pack(make_likelihood(e, priors), priors))[0]
        for e in (tested_evidence, evidence)
    ]
    account, channel = np.argwhere(evidence.design.exists).T
    cells = cell_draws(position[None], layout, priors, account, channel)
    cells = replace(cells, roi=np.exp(cells.log_roi))  # the density knows no cut to zero
    report = lift_report(cells, tested_evidence)
    error = (report["measured"] - report["expected"]) / report["standard_error"]
    assert np.diff(with_and_without)[0] == pytest.approx(0.5 * (error**2).sum())


def test_a_test_that_knows_nothing_changes_nothing(evidence, panel, priors, layout, position):
    vague = with_tests(evidence, read(panel, one_test(standard_error=1e12)), panel.unit_value)
    values = [
        value_and_gradient(position, pack(make_likelihood(e, priors), priors))
        for e in (vague, evidence)
    ]
    assert values[0][0] == pytest.approx(values[1][0], abs=1e-9)
    assert values[0][1] == pytest.approx(values[1][1], abs=1e-9)


def test_the_order_of_the_tests_does_not_matter(evidence, panel, priors, position):
    tests = [one_test(), one_test(account="account_03"), one_test(end="2025-01-19")]
    values = []
    for order in ((0, 1, 2), (2, 0, 1)):
        read_tests = read(panel, *(tests[i] for i in order))
        tested = with_tests(evidence, read_tests, panel.unit_value)
        values.append(value_and_gradient(position, pack(make_likelihood(tested, priors), priors)))
    assert values[0][0] == pytest.approx(values[1][0], rel=1e-12)
    assert values[0][1] == pytest.approx(values[1][1], rel=1e-9, abs=1e-9)


def test_evidence_that_adds_up_keeps_the_tests_of_both_parts(panel, design):
    early = np.arange(panel.n_periods) < panel.n_periods // 2
    halves = [gather(panel, design, rows=rows) for rows in (early, ~early)]
    first = with_tests(halves[0], read(panel, one_test()), panel.unit_value)
    assert (first + halves[1]).tests is first.tests
    assert (halves[0] + first).tests is first.tests
    second = with_tests(halves[1], read(panel, one_test(end="2025-01-19")), panel.unit_value)
    both = (first + second).tests
    assert both is not None
    assert len(both.tests) == both.rows.shape[0] == 2
    with pytest.raises(ab.InputError, match="part of the evidence already: 'search in account_01"):
        first + with_tests(halves[1], read(panel, one_test()), panel.unit_value)


# The fit ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cell():
    return ("account_01", "search")


@pytest.fixture(scope="module")
def test_table(world, cell):
    return run_lift_test(world, cell, seed=3, change=-1.0, iroas_error=0.05)


@pytest.fixture(scope="module")
def informed(panel, test_table):
    return ab.fit(panel, seed=5, lift_tests=test_table, progress=False)


def test_a_good_test_narrows_what_is_known_of_its_cell(informed, fitted, cell):
    with_it = informed.lift_tests.iloc[0]
    without_it = lift_report(fitted.cell_draws, informed.evidence).iloc[0]
    widths = [row["expected_high"] - row["expected_low"] for row in (with_it, without_it)]
    assert informed.health.ok
    assert widths[0] < 0.5 * widths[1]
    assert with_it["expected_low"] < with_it["measured"] < with_it["expected_high"]
    assert informed.health.prior_share[cell] < fitted.health.prior_share[cell]


def test_what_is_said_without_a_test_is_what_a_fit_without_it_says(panel, test_table, fitted):
    """A strong test, too far from the rest for weights: the history is sampled by itself."""
    strong = test_table.assign(standard_error=test_table["standard_error"] / 50)
    informed = ab.fit(panel, seed=5, lift_tests=strong, draws=400, progress=False)
    said = informed.lift_tests.iloc[0]
    alone = expected_lifts(fitted.cell_draws, informed.evidence)[:, 0]
    assert informed.lift_history is not None
    error = alone.std() / np.sqrt(min(fitted.health.ess_bulk_min, 400))
    assert said["without_it"] == pytest.approx(alone.mean(), abs=4 * error)
    assert said["without_it_sd"] == pytest.approx(alone.std(), rel=0.15)
    assert said["source"] == REST


def test_a_weak_test_is_divided_out_of_the_draws_and_nothing_is_sampled(panel, fitted, cell):
    """Weighted draws say what a fit without the test says, skewed as it is."""
    lift = -float(fitted.current_spend[cell])
    test = one_test(spend_before=-lift, spend_after=0.0, lift_total=2 * lift)
    weak = ab.fit(
        panel, seed=6, lift_tests=frame_of(test | {"standard_error": -6 * lift}), progress=False
    )
    assert weak.lift_history is None
    said = weak.lift_tests.iloc[0]
    alone = expected_lifts(fitted.cell_draws, weak.evidence)[:, 0]
    assert said["without_it"] == pytest.approx(alone.mean(), abs=0.3 * alone.std())
    assert said["without_it_sd"] == pytest.approx(alone.std(), rel=0.25)


def test_nothing_is_expected_beyond_what_curves_allow(informed, fitted, panel, cell):
    """History alone cannot expect a gain of switching a channel off, whatever a test measured."""
    spend = float(fitted.current_spend[cell])
    test = one_test(spend_before=spend, spend_after=0.0, standard_error=0.1 * spend)
    for measured in (-30 * spend, 5 * spend):
        tested = with_tests(
            fitted.evidence, read(panel, test | {"lift_total": measured}), panel.unit_value
        )
        history = expected_lifts(fitted.cell_draws, tested)
        row = lift_report(informed.cell_draws, tested, history).iloc[0]
        assert history.min() <= row["without_it"] <= 0
        assert np.sign(row["z"]) == np.sign(measured)


def test_a_saved_fit_keeps_its_tests(informed, tmp_path):
    informed.save(tmp_path / "a.fit")
    loaded = ab.Fit.load(tmp_path / "a.fit")
    pd.testing.assert_frame_equal(loaded.lift_tests, informed.lift_tests)
    assert loaded.health.warnings == informed.health.warnings
    assert (loaded.evidence.tests.rows == informed.evidence.tests.rows).all()


def test_a_fit_without_tests_has_an_empty_table_of_them(fitted, informed):
    assert len(fitted.lift_tests) == 0
    assert list(fitted.lift_tests.columns) == list(informed.lift_tests.columns)


@pytest.mark.slow
def test_one_good_test_pulls_a_biased_return_to_the_truth_and_its_siblings_part_of_the_way():
    bias = {"tested": [], "siblings": []}
    for seed in (1, 2, 3, 4):
        hidden = {"demand_follow": 1.0, "hidden_demand_share": 0.8}
        world = synthesize(replace(families()["confounded"], n_accounts=6, **hidden), seed)
        panel = ab.read_panel(world.spend, world.outcome[["account", "date", "revenue"]])
        now = panel.current_spend()
        cell = now.idxmax()
        table = run_lift_test(
            world, cell, seed=seed, change=-1.0, n_periods=8, cool_down=8, iroas_error=0.1
        )
        truth = np.log(world.truth.roi(now).reindex(now.index) + 0.05)
        sibling = now.index.get_level_values("channel") == cell[1]
        sibling &= now.index != cell
        found = []
        for tests in (None, table):
            fitted = ab.fit(panel, seed=seed, lift_tests=tests, progress=False)
            mean = fitted.draws.response(now).mean("draw").to_numpy()[fitted.draws.exists]
            found.append(np.log(mean / now + 0.05) - truth)
        bias["tested"].append([b[cell] for b in found])
        bias["siblings"].append([b[sibling].mean() for b in found])
    tested, siblings = (np.array(bias[name]) for name in ("tested", "siblings"))
    assert np.abs(tested[:, 1]).mean() < 0.5 * np.abs(tested[:, 0]).mean()
    assert np.abs(siblings[:, 1]).mean() < np.abs(siblings[:, 0]).mean()
    assert np.abs(tested[:, 1]).mean() < np.abs(siblings[:, 1]).mean()


# The tests of synthetic worlds --------------------------------------------------------------------


def test_a_synthetic_test_measures_the_true_curve(world):
    """A cool-down adds the carry-over to what the test has seen; together they see it all."""
    cell = ("account_01", "search")
    now = world.current()
    doubled = now.copy()
    doubled[cell] *= 2
    step = world.truth.response(doubled)[cell] - world.truth.response(now)[cell]
    seen = [
        run_lift_test(world, cell, seed=1, change=1.0, cool_down=weeks, iroas_error=1e-9)
        for weeks in (0, 26)
    ]
    without, with_cool_down = (float(table["lift_total"].iloc[0]) for table in seen)
    assert 0 < without < with_cool_down
    # Curves bend, so carry-over is worth a little more than the step it was bought with.
    assert with_cool_down == pytest.approx(6 * step, rel=0.1)


def test_the_error_of_a_synthetic_test_is_as_large_as_it_says(world):
    tables = [run_lift_test(world, ("account_01", "search"), seed=s) for s in range(200)]
    table = pd.concat(tables)
    error = table["lift_total"].std() / table["standard_error"].iloc[0]
    added = (table["spend_after"] - table["spend_before"]).iloc[0] * 6
    assert error == pytest.approx(1.0, abs=4 / np.sqrt(400))
    assert table["standard_error"].iloc[0] == pytest.approx(0.2 * added)


@pytest.mark.parametrize(
    ("settings_", "words"),
    [
        ({"cell": ("account_01", "radio")}, "no cell"),
        ({"change": 0.0}, "change must be"),
        ({"change": -1.5}, "change must be"),
        ({"n_periods": 0}, "n_periods"),
        ({"cool_down": -1}, "cool_down"),
        ({"iroas_error": 0.0}, "iroas_error"),
    ],
)
def test_a_synthetic_test_refuses_what_cannot_be_tested(world, settings_, words):
    arguments = {"cell": ("account_01", "search"), "seed": 1} | settings_
    with pytest.raises(ab.InputError, match=words):
        run_lift_test(world, **arguments)


# Contradictions ---------------------------------------------------------------------------------


def hand_made_draws(evidence, spread: float = 0.1, n_draws: int = 20_000) -> CellDraws:
    """Returns around one, shapes known exactly."""
    n_cells = int(evidence.design.exists.sum())
    n_adstock, n_shape = evidence.design.basis_mean.shape[2:]
    roi = 1 + spread * np.random.default_rng(0).normal(size=(n_draws, n_cells))
    return CellDraws(
        log_roi=np.log(roi),
        roi=roi,
        adstock=np.full((n_draws, n_cells, n_adstock), 1 / n_adstock),
        shape=np.full((n_draws, n_cells, n_shape), 1 / n_shape),
    )


def expected_lift(evidence, panel, **changes) -> float:
    tested = with_tests(evidence, read(panel, one_test(**changes)), panel.unit_value)
    return lift_report(hand_made_draws(evidence), tested)["expected"].iloc[0]


def warnings_of(evidence, panel, *tests: dict) -> tuple[str, ...]:
    tested = with_tests(evidence, read(panel, *tests), panel.unit_value)
    draws = hand_made_draws(evidence)
    return lift_warnings(draws, tested, expected_lifts(draws, tested))


def test_without_its_own_evidence_a_posterior_is_the_prior_again(evidence, panel):
    """N(10, 1) and a test N(13, e) of the same thing make N((10 + 13 / e^2) / p, 1 / p).

    With p = 1 + 1 / e^2. Weights suffice for the weaker test, the stronger one needs the history.
    """
    sd = 0.1 * expected_lift(evidence, panel)
    history = 10 * sd + sd * np.random.default_rng(1).normal(size=(20_000, 1))
    for error, sampled in ((2.0, None), (1.0, history)):
        test = one_test(lift_total=13 * sd, standard_error=error * sd)
        tested = with_tests(evidence, read(panel, test), panel.unit_value)
        precision = 1 + error**-2
        posterior = hand_made_draws(evidence, 0.1 / np.sqrt(precision))
        centre = (10 + 13 * error**-2) / precision
        posterior = replace(posterior, roi=posterior.roi - 1 + centre / 10)
        row = lift_report(posterior, tested, sampled).iloc[0]
        assert row["without_it"] / sd == pytest.approx(10, abs=0.1)
        assert row["without_it_sd"] / sd == pytest.approx(1, rel=0.05)
        assert row["z"] == pytest.approx(3 / np.hypot(1, error), rel=0.05)


def test_how_far_a_test_is_from_the_rest_is_its_predictive_probability():
    """Three draws, on paper: the mean of three normal distribution functions."""
    rest = LeftOut(
        lift=np.array([0.0, 1.0, 5.0]), log_weights=np.log([0.5, 0.25, 0.25]), source=REST
    )
    below = 0.5 * norm.cdf(1.5) + 0.25 * norm.cdf(1.0) + 0.25 * norm.cdf(-1.0)
    assert rest.z(3.0, 2.0) == pytest.approx(norm.ppf(below))
    assert rest.mean == pytest.approx(1.5)
    assert rest.sd == pytest.approx(np.sqrt(0.5 * 1.5**2 + 0.25 * 0.5**2 + 0.25 * 3.5**2))
    assert rest.z(-200.0, 2.0) < -90, "far in the tail, where probabilities are zero to a computer"


@given(
    draws=st.lists(st.floats(-10, 0), min_size=200, max_size=200, unique=True),
    measured=st.floats(-100, 100),
    error=st.floats(0.1, 100),
)
@settings(max_examples=50)
def test_what_the_rest_says_is_a_mean_of_draws(draws, measured, error):
    """Whatever a test measured, how strong it was, and whether weights fail."""
    lifts = np.array(draws)[:, None]
    tests = SimpleNamespace(measured=np.array([measured]), standard_error=np.array([error]))
    rest = left_out(SimpleNamespace(tests=tests), lifts, lifts)[0]
    assert np.exp(rest.log_weights).sum() == pytest.approx(1)
    assert lifts.min() <= rest.mean <= lifts.max()


def test_a_channel_that_returns_exactly_nothing_in_most_draws_can_be_tested():
    """The largest weights are then all the same, which leaves no tail to smooth."""
    lifts = np.append(np.zeros(300), np.linspace(-9.0, -1.0, 100))[:, None]
    tests = SimpleNamespace(measured=np.array([-6.0]), standard_error=np.array([2.0]))
    rest = left_out(SimpleNamespace(tests=tests), lifts, lifts)[0]
    assert np.exp(rest.log_weights).sum() == pytest.approx(1)
    assert rest.source == REST
    weights = np.exp(0.5 * ((lifts[:, 0] + 6.0) / 2.0) ** 2)
    assert rest.mean == pytest.approx((weights * lifts[:, 0]).sum() / weights.sum())


def test_weights_too_uneven_are_not_used(evidence, panel):
    """A test that has all but made the posterior leaves no draws where the rest would be."""
    sd = 0.1 * expected_lift(evidence, panel)
    strong = with_tests(
        evidence,
        read(panel, one_test(lift_total=10 * sd, standard_error=0.1 * sd)),
        panel.unit_value,
    )
    posterior = hand_made_draws(evidence, spread=0.01)
    row = lift_report(posterior, strong).iloc[0]
    assert (row["source"], np.isnan(row["without_it"]), np.isnan(row["z"])) == ("", True, True)
    history = expected_lifts(hand_made_draws(evidence, spread=0.1), strong)
    row = lift_report(posterior, strong, history).iloc[0]
    assert row["without_it_sd"] == pytest.approx(sd, rel=0.05)


def test_a_test_that_agrees_is_not_reported(evidence, panel):
    lift = expected_lift(evidence, panel)
    assert warnings_of(evidence, panel, one_test(lift_total=lift, standard_error=lift / 5)) == ()


def test_a_test_against_everything_else_is_reported_with_its_figures(evidence, panel):
    lift = expected_lift(evidence, panel)
    said = warnings_of(evidence, panel, one_test(lift_total=3 * lift, standard_error=lift / 5))
    assert len(said) == 1
    assert "search in account_01, 2025-01-06 to 2025-02-02" in said[0]
    assert "contradicts the history" in said[0]


def test_two_tests_of_one_cell_that_cannot_both_be_right_are_reported(evidence, panel):
    """Each is within reach of the rest, but not of the other one."""
    lift = expected_lift(evidence, panel)
    later = {"start": "2024-10-07", "end": "2024-11-03"}
    tests = [
        one_test(lift_total=1.5 * lift, standard_error=0.25 * lift),
        one_test(lift_total=0.5 * lift, standard_error=0.25 * lift, **later),
    ]
    said = warnings_of(evidence, panel, *tests)
    z = 1 / (0.25 * np.sqrt(2))
    assert z > CONTRADICTION_SIGMAS
    assert [text for text in said if "contradict each other" in text] == list(said[-1:])
    assert f"{z:.1f} standard errors apart" in said[-1]
    other = one_test(account="account_02", lift_total=0.5 * lift, standard_error=lift, **later)
    assert not any("each other" in s for s in warnings_of(evidence, panel, tests[0], other))


def test_a_longer_test_of_the_same_effect_contradicts_nothing(evidence, panel):
    """Totals differ because durations do; the fit's own ratio knows that."""
    long = {"end": "2025-03-02"}
    lifts = [expected_lift(evidence, panel, **extra) for extra in ({}, long)]
    assert lifts[1] > 1.9 * lifts[0]
    tests = [
        one_test(lift_total=lift, standard_error=0.05 * lift, **extra)
        for lift, extra in zip(lifts, ({}, long), strict=True)
    ]
    assert warnings_of(evidence, panel, *tests) == ()


def test_totals_given_as_spend_per_period_are_suspected(evidence, panel, design):
    total = 30 * design.scale[0, list(design.channels).index("search")]
    test = one_test(spend_before=total / 2, spend_after=total, standard_error=1e9)
    assert any("They are per period" in text for text in warnings_of(evidence, panel, test))


@pytest.mark.parametrize(
    ("measure", "other"), [("lift_total", "lift_per_period"), ("lift_per_period", "lift_total")]
)
def test_a_lift_over_another_time_than_stated_is_suspected(evidence, panel, measure, other):
    """Six weeks: a total given as a weekly figure is six times too high, and the reverse."""
    test = {"end": "2025-02-16", "lift_total": None}
    right = expected_lift(evidence, panel, **(test | {measure: 1.0}))
    wrong = expected_lift(evidence, panel, **(test | {other: 1.0}))
    assert max(right / wrong, wrong / right) == pytest.approx(6)
    test |= {"standard_error": 0.3 * wrong}
    said = warnings_of(evidence, panel, one_test(**(test | {measure: wrong})))
    assert any(f"call its column {other}" in text for text in said)
    assert warnings_of(evidence, panel, one_test(**(test | {other: wrong}))) == ()


def test_spend_before_a_test_that_is_nothing_like_the_history_is_suspected(evidence, panel, design):
    """Six weeks' spend given for one."""
    usual = float(design.scale[0, list(design.channels).index("search")])
    for before, after, told in ((6, 8, True), (1, 8, True), (1, 2, False), (1.5, 0, False)):
        test = one_test(spend_before=before * usual, spend_after=after * usual, standard_error=1e9)
        said = any("They are per period" in text for text in warnings_of(evidence, panel, test))
        assert said == told


def test_a_dead_channel_contradicts_no_test_of_nothing(evidence, panel):
    dead = hand_made_draws(evidence)
    dead = replace(dead, roi=np.zeros_like(dead.roi))
    tests = [one_test(lift_total=10.0), one_test(lift_total=-10.0, end="2025-01-19")]
    tested = with_tests(evidence, read(panel, *tests), panel.unit_value)
    assert lift_warnings(dead, tested) == ()


# The table --------------------------------------------------------------------------------------


def test_a_test_may_state_only_the_change_of_spend(panel):
    test = one_test(spend_before=None, spend_after=None, spend_change=250.0)
    tests = read(panel, test)
    weeks = (panel.dates < np.datetime64("2025-01-06")) & panel.in_record[0]
    place = panel.channels.index("search")
    before = panel.spend[0, place, np.flatnonzero(weeks)[-4:]].mean()
    assert tests.spend_before[0] == pytest.approx(before)
    assert tests.spend_after[0] == pytest.approx(before + 250)


def test_rows_may_mix_measures_and_forms_of_spend(tests_of_panel):
    assert tests_of_panel.measure == ("lift_total", "iroas", "lift_per_period")
    assert tests_of_panel.measured.tolist() == [-2e3, 0.8, 400.0]
    assert (tests_of_panel.counted_until == tests_of_panel.end).all()


def test_a_polars_frame_is_read_like_a_pandas_one(panel):
    polars = pytest.importorskip("polars")
    table = frame_of(one_test(), one_test(account="account_02"))
    tests = read_lift_tests(polars.from_pandas(table), panel)
    assert tests.account == ("account_01", "account_02")


def test_the_callers_frame_is_left_as_it_was(panel):
    table = frame_of(one_test())
    kept = table.copy()
    read_lift_tests(table, panel)
    pd.testing.assert_frame_equal(table, kept)


def test_a_lone_account_need_not_be_named(lone):
    tests = read(lone, one_test(account=None, start="2024-05-06", end="2024-05-19"))
    assert tests.account == lone.accounts


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"account": "account_9"}, r"row 0 .*no account called 'account_9'"),
        ({"channel": "radio"}, r"no channel called 'radio'"),
        ({"channel": None}, r"lack the column\(s\) 'channel'"),
        ({"account": None}, r"lack the column\(s\) 'account'"),
        ({"lift": 5.0}, "lift_total.*lift_per_period"),
        ({"note": "geo test"}, "nobody reads: 'note'"),
        ({"start": "06.01.2025"}, "ambiguous dates"),
        ({"end": "2025-01-05"}, "end before they start"),
        ({"counted_until": "2025-02-01"}, "are counted until a day before their end"),
        ({"start": "2019-01-07"}, "outside the history.*2019-01-07"),
        ({"end": "2025-04-28"}, "outside the history"),
        ({"counted_until": "2025-06-01"}, "outside the history"),
        ({"standard_error": 0.0}, "standard_error.*above zero"),
        ({"standard_error": -5.0}, "standard_error.*above zero"),
        ({"standard_error": np.nan}, "standard_error.*above zero"),
        ({"standard_error": "5%"}, "numbers are expected"),
        ({"spend_after": 1_000.0}, "changed no spend"),
        ({"spend_after": -1.0}, "below zero"),
        ({"spend_after": None}, "do not say what was spent"),
        ({"spend_before": None}, "do not say what was spent"),
        ({"spend_change": 10.0}, "not both forms"),
        ({"spend_after": None, "spend_change": -1_500.0}, "below zero"),
        ({"lift_total": np.inf}, "infinite"),
        ({"lift_total": None}, "exactly one"),
        ({"iroas": 1.0}, "exactly one"),
        ({"currency": "USD"}, "another currency"),
    ],
)
def test_a_table_that_cannot_be_used_says_where_and_why(panel, changes, words):
    with pytest.raises(ab.InputError, match=words):
        read(panel, one_test(**changes))


def test_the_right_currency_is_accepted(world):
    panel = ab.read_panel(world.spend, world.outcome, currency="EUR")
    assert len(read(panel, one_test(currency="eur"))) == 1
    with pytest.raises(ab.InputError, match=r"is in 'EUR', the test is in 'USD'"):
        read(panel, one_test(currency="USD"))


def test_the_same_test_twice_is_refused(panel):
    with pytest.raises(ab.InputError, match=r"rows 0, 1 .*more than once"):
        read(panel, one_test(), one_test(lift_total=10.0))


def test_no_rows_and_no_frame_are_refused(panel):
    with pytest.raises(ab.InputError, match="no rows"):
        read_lift_tests(frame_of(one_test()).iloc[:0], panel)
    with pytest.raises(ab.InputError, match="must be a pandas or polars DataFrame"):
        read_lift_tests([one_test()], panel)


def test_a_channel_the_account_never_used_cannot_be_tested(lone):
    days = pd.date_range("2024-01-01", periods=40, freq="7D")
    rows = [
        {"account": a, "channel": c, "date": day, "spend": 10.0 + i % 3}
        for i, day in enumerate(days)
        for a, c in (("a", "search"), ("b", "search"), ("b", "social"))
    ]
    spend = pd.DataFrame(rows)
    outcome = spend[["account", "date"]].drop_duplicates().assign(revenue=100.0)
    panel = ab.read_panel(spend, outcome)
    with pytest.raises(ab.InputError, match=r"never spent on.*\('a', 'social'\)"):
        read(panel, one_test(account="a", channel="social", start="2024-05-06", end="2024-05-19"))


def test_a_spend_before_the_record_has_to_be_stated(panel):
    start = str(panel.dates[panel.first[0]])
    test = one_test(start=start, spend_before=None, spend_after=None, spend_change=100.0)
    with pytest.raises(ab.InputError, match="spend_before is not known"):
        read(panel, test)
