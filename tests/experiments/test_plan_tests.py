"""plan_tests on a small fit: what is offered, what is chosen, what is handed over."""

import numpy as np
import pandas as pd
import pytest

import adbudget as ab
from adbudget.errors import InputError
from adbudget.experiments import lift_rows
from adbudget.model.lift_tests import read_lift_tests

KINDS = ["pulse", "on/off", "on/off pair", "holdout"]


FIVE_YEARS = 260  # over one year few tests of this world pay, by more or less than chance


@pytest.fixture(scope="module")
def eight_weeks(noisy_fit):
    return ab.plan_tests(noisy_fit, weeks=8, kinds=KINDS, horizon_weeks=FIVE_YEARS)


def test_every_offer_is_worth_more_than_it_costs_and_changes_a_call(eight_weeks):
    frame = eight_weeks.to_frame()
    assert len(frame) > 3
    assert (frame["net"] > 0).all()
    assert (frame["value"] > 0).all()
    assert (frame["calls_changed"] >= 0.02).all()
    assert frame["prob_flip"].between(0, 1).all()
    assert frame["power"].between(0.05 - 1e-9, 1).all()
    assert (frame["cost"] <= frame["cost_high"]).all()


def test_chosen_tests_come_first_and_do_not_spoil_each_other(eight_weeks):
    chosen = eight_weeks.to_frame()["chosen"].to_numpy()
    assert chosen.any()
    assert not (np.diff(chosen.astype(int)) > 0).any()
    cells = [arm.cell for offer in eight_weeks.chosen for arm in offer.design.arms]
    assert len(cells) == len(set(cells))


def test_no_test_of_a_cell_alone_is_worth_more_than_knowing_its_curve(eight_weeks):
    cells = eight_weeks.cells.tolist()
    for offer in eight_weeks.offers:
        if len(offer.design.arms) == 1:
            most = eight_weeks.learn_value[cells[offer.design.arms[0].cell]]
            assert offer.worth.gain <= most * 1.1 + 1.0


def test_a_budget_is_kept(noisy_fit):
    free = ab.plan_tests(noisy_fit, weeks=8)
    spent = sum(max(offer.worth.cost, 0.0) for offer in free.chosen)
    for budget in (0.0, spent / 2, spent * 2):
        plan = ab.plan_tests(noisy_fit, weeks=8, budget=budget)
        cost = sum(max(offer.worth.cost, 0.0) for offer in plan.chosen)
        assert cost <= budget + 1e-9


def test_a_steadier_holdout_is_worth_more(noisy_fit):
    value = [
        max(
            (one.worth.gain for one in ab.plan_tests(
                noisy_fit, kinds=["holdout"], holdout_error=error
            ).offers),
            default=0.0,
        )
        for error in (0.05, 0.002)
    ]  # fmt: skip
    assert value[1] > value[0]


def test_what_must_not_be_touched_is_not(noisy_fit):
    named, pair = noisy_fit.panel.channels[0], noisy_fit.draws.cells[5]
    plan = ab.plan_tests(noisy_fit, weeks=8, untested=[named, pair], horizon_weeks=FIVE_YEARS)
    touched = {plan.cells[arm.cell] for offer in plan.offers for arm in offer.design.arms}
    assert touched
    assert pair not in touched
    assert named not in {channel for _, channel in touched}
    assert plan.learn_value.loc[pair] != plan.learn_value.loc[pair]  # not asked


def test_cells_held_by_limits_are_not_tested(noisy_fit):
    named = noisy_fit.panel.channels[1]
    plan = ab.plan_tests(noisy_fit, weeks=8, limits=ab.Limits(fixed=(named,)))
    touched = {plan.cells[arm.cell][1] for offer in plan.offers for arm in offer.design.arms}
    assert named not in touched


def test_the_same_question_has_the_same_answer(noisy_fit, eight_weeks):
    again = ab.plan_tests(noisy_fit, weeks=8, kinds=KINDS, horizon_weeks=FIVE_YEARS)
    pd.testing.assert_frame_equal(again.to_frame(), eight_weeks.to_frame())


def test_waiting_longer_tells_more(eight_weeks):
    for _, own in eight_weeks.wait.groupby(["account", "channel"]):
        assert own["weeks"].is_monotonic_increasing
        assert own["roi_width"].is_monotonic_decreasing
        assert own["roi_width"].between(0, 1).all()


# What is handed over -----------------------------------------------------------------------------


def test_the_schedule_says_who_spends_what_when(noisy_fit, eight_weeks):
    schedule, path = eight_weeks.schedule(), eight_weeks.path()
    assert set(schedule["test"]) == {f"T{i + 1}" for i in range(len(eight_weeks.chosen))}
    first = np.datetime64(noisy_fit.panel.dates[-1]) + np.timedelta64(7, "D")
    assert schedule["start"].min() == str(first)
    assert schedule["end"].max() == str(first + np.timedelta64(8 * 7 - 1, "D"))
    assert path.shape == (len(eight_weeks.cells), 8)
    days = (pd.to_datetime(schedule["end"]) - pd.to_datetime(schedule["start"])).dt.days + 1
    whole = schedule["share"] == 1
    money = (
        (schedule["spend_per_day"] * days)[whole]
        .groupby([schedule["account"], schedule["channel"]])
        .sum()
    )
    for cell, spent in money.items():
        assert spent == pytest.approx(path.loc[cell].sum())


def test_stretches_of_a_cell_follow_each_other_without_a_gap(eight_weeks):
    for _, own in eight_weeks.schedule("2030-01-07").groupby(["account", "channel"]):
        starts, ends = pd.to_datetime(own["start"]), pd.to_datetime(own["end"])
        assert starts.iloc[0] == pd.Timestamp("2030-01-07")
        assert (starts.iloc[1:].to_numpy() == (ends.iloc[:-1] + pd.Timedelta(days=1))).all()


def test_a_plan_that_is_simulated_costs_what_it_says(noisy_fit):
    plan = ab.plan_tests(noisy_fit, weeks=8)
    current = pd.Series(plan.current, index=plan.cells)
    value = ab.simulate(noisy_fit, plan.path(), current=current, carry_in=False).value
    cost = sum(offer.worth.cost for offer in plan.chosen)
    assert -float(value.sum("account").mean("draw")) == pytest.approx(cost, rel=1e-6)


def test_results_of_holdouts_go_back_into_a_fit(noisy_world, noisy_fit):
    plan = ab.plan_tests(noisy_fit, kinds=["holdout"], holdout_error=0.01)
    schedule = plan.schedule()
    assert set(schedule["kind"]) == {"holdout"}
    with pytest.raises(InputError, match="no result is filled in"):
        lift_rows(schedule)
    schedule.loc[0, "lift_total"] = -1_000.0
    with pytest.raises(InputError, match="only one of lift_total and standard_error"):
        lift_rows(schedule)
    schedule.loc[0, "standard_error"] = 500.0
    tests = lift_rows(schedule)
    weeks = pd.date_range(schedule.loc[0, "start"], periods=4, freq="7D")
    later = [
        table.assign(date=pd.to_datetime(table["date"])) for table in
        (noisy_world.spend, noisy_world.outcome)
    ]  # fmt: skip
    longer = [
        pd.concat([t, *(t[t["date"] == t["date"].max()].assign(date=d) for d in weeks)])
        for t in later
    ]
    read = read_lift_tests(tests, ab.read_panel(*longer, currency="EUR"))
    assert len(read) == 1
    assert (read.spend_after == 0).all()
    assert read.measured.tolist() == [-1_000.0]


def test_lift_rows_wants_its_columns(eight_weeks):
    with pytest.raises(InputError, match="lacks the column"):
        lift_rows(eight_weeks.schedule().drop(columns="kind"))


# What is refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"weeks": 1}, "weeks must be at least 2"),
        ({"weeks": 0}, "weeks must be a number above 0"),
        ({"weeks": 60}, "26 at most"),
        ({"kinds": ["wave"]}, "kinds must be some of"),
        ({"kinds": []}, "kinds must be some of"),
        ({"changes": (1.5,)}, "changes must be shares above 0"),
        ({"changes": ()}, "changes must be shares above 0"),
        ({"budget": -1}, "budget must be money, 0 or more"),
        ({"budget": {"USD": 5.0}}, "the accounts are in"),
        ({"holdout_share": 1.0}, "holdout_share must be a number above 0"),
        ({"holdout_error": 0}, "holdout_error must be a share"),
        ({"horizon_weeks": float("nan")}, "horizon_weeks must be a number"),
        ({"untested": ["radio"]}, "untested names 'radio'"),
        ({"fortnights": 2}, "fortnights"),
    ],
)
def test_what_cannot_be_asked_is_refused(noisy_fit, asked, told):
    with pytest.raises(InputError, match=told):
        ab.plan_tests(noisy_fit, **asked)


def test_something_that_is_no_fit_is_refused(noisy_world):
    with pytest.raises(InputError, match="plan_tests needs a Fit"):
        ab.plan_tests(noisy_world.spend)


@pytest.mark.parametrize(
    ("start", "told"),
    [("soon", "start must be a date"), ("2020-01-06", "start must be a day after the record")],
)
def test_a_start_that_cannot_be_is_refused(eight_weeks, start, told):
    with pytest.raises(InputError, match=told):
        eight_weeks.schedule(start)


def test_a_test_that_is_not_there_is_named(eight_weeks):
    with pytest.raises(InputError, match="no test called 'T999'"):
        eight_weeks.schedule(tests=["T999"])


# What recommend says of it -----------------------------------------------------------------------


def test_a_monitored_cell_says_what_would_decide_it(noisy_fit):
    frame = noisy_fit.recommend()
    watched = frame["decision"] == "monitor"
    assert frame.loc[~watched, "learn_value"].isna().all()
    assert (frame.loc[~watched, "next_test"] == "").all()
    if noisy_fit.health.ok:
        assert frame.loc[watched, "learn_value"].notna().any()
        told = frame.loc[watched & (frame["next_test"] != "")]
        assert len(told)
        assert all(
            reason.endswith(test)
            for reason, test in zip(told["reason"], told["next_test"], strict=True)
        )
