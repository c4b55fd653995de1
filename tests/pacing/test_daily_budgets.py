"""Today's budgets on real plans and deliveries: what they spend, why, and what a ledger adds."""

import inspect
from dataclasses import fields
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

import adbudget
from adbudget import InputError, open_ledger, pace
from adbudget.pacing import DailyRules, learn_traffic
from adbudget.pacing.booked.clock import as_instant
from adbudget.pacing.daily.daily_budgets import DailyBudgets, daily_budgets, fill_level
from adbudget.pacing.options import PaceOptions
from tests.pacing.flights import daily, delivery_of, plan_frame, plan_of, plan_row

DAY_11 = "2026-03-11"


def budgets(plan, delivery, as_of=DAY_11, **options) -> DailyBudgets:
    return daily_budgets(plan, delivery, as_instant(as_of), **options)


def ten(spend: float, deal: str = "D1", **columns) -> pd.DataFrame:
    return daily(deal, np.full(10, spend), **columns)


# One deal ---------------------------------------------------------------------------------------


def test_an_even_deal_on_plan_goes_on_at_what_is_left_over_the_days_left():
    plan = plan_of()
    found = budgets(plan, delivery_of(plan, ten(1_000)))
    assert (found.minor.tolist(), found.basis.tolist()) == ([100_000], ["level"])


def test_a_deal_that_spent_too_much_is_allowed_less():
    plan = plan_of()
    found = budgets(plan, delivery_of(plan, ten(1_500)))
    assert (found.minor.tolist(), found.basis.tolist()) == ([75_000], ["level"])


def test_a_deal_short_of_traffic_is_allowed_a_quarter_more_than_its_traffic():
    plan = plan_of()
    found = budgets(plan, delivery_of(plan, ten(400)))
    assert found.basis.tolist() == ["traffic"]
    assert found.minor[0] == pytest.approx(1.25 * found.traffic_minor[0], abs=1)
    assert 40_000 <= found.traffic_minor[0] < 50_000


def test_the_budget_of_a_day_does_not_change_while_the_day_goes_on():
    plan = plan_of()
    before = budgets(plan, delivery_of(plan, ten(900)))
    today = daily("D1", [300.0], start=DAY_11, final=False)
    during = budgets(plan, delivery_of(plan, ten(900), today), "2026-03-11T15:00")
    assert during.minor.tolist() == before.minor.tolist()


def test_provisional_days_are_spent_but_teach_no_traffic():
    plan = plan_of()
    late = ten(1_000)
    late.loc[8:, ["spend", "final"]] = [100.0, False]
    found = budgets(plan, delivery_of(plan, late))
    assert found.minor.tolist() == [(3_000_000 - 820_000) // 20]


def test_a_front_loaded_deal_is_allowed_what_its_curve_wants():
    plan = plan_of(plan_row(curve="front_loaded(2)", budget=9_000))
    share = plan.planned_share(np.array([10.0]))[0]
    spent = daily("D1", np.full(10, round(9_000 * share / 10, 2)))
    found = budgets(plan, delivery_of(plan, spent))
    tomorrow = plan.planned_share(np.array([11.0]))[0]
    assert found.minor[0] == pytest.approx(900_000 * (tomorrow - share), rel=1e-3)


def test_weekends_of_a_learned_curve_are_allowed_less():
    history = pd.DataFrame({"date": pd.date_range("2026-01-05", periods=28), "impressions": 1_000})
    history.loc[history["date"].dt.day_of_week > 4, "impressions"] = 500
    plan = plan_of(plan_row(curve="traffic"), curves={"traffic": learn_traffic(history)})
    friday, saturday = (
        budgets(plan, delivery_of(plan, ten(1_000)), as_of=day).minor[0]
        for day in ("2026-03-13", "2026-03-14")
    )
    assert saturday == pytest.approx(0.5 * friday, rel=0.1)


def test_deals_that_do_not_run_have_none():
    plan = plan_of(
        plan_row("A", start="2026-04-01", end="2026-04-30"),
        plan_row("B", start="2026-02-01", end="2026-02-28"),
        plan_row("C"),
    )
    found = budgets(plan, delivery_of(plan, ten(1_000, "C")))
    assert found.minor.tolist() == [0, 0, 100_000]
    assert found.basis.tolist() == ["", "", "level"]
    assert np.isnan(found.traffic_minor).tolist() == [True, True, False]


def test_the_last_day_is_allowed_all_that_is_left_and_an_exhausted_deal_nothing():
    plan = plan_of(plan_row("A"), plan_row("B"))
    spent = [daily("A", np.full(29, 1_000.0)), daily("B", np.full(29, 1_100.0))]
    found = budgets(plan, delivery_of(plan, *spent), as_of="2026-03-30")
    assert found.minor.tolist() == [100_000, 0]
    assert found.basis.tolist() == ["left", "left"]


@pytest.mark.filterwarnings("error")
def test_a_flight_of_years_is_set_by_the_days_that_are_near():
    plan = plan_of(plan_row(end="2031-02-28", budget=365_200))
    n_days = int(plan.n_days[0])
    spent = daily("D1", np.full(10, round(365_200 / n_days, 2)))
    found = budgets(plan, delivery_of(plan, spent))
    assert found.minor[0] == pytest.approx(36_520_000 / n_days, rel=0.01)


@settings(max_examples=40)
@given(
    st.lists(st.floats(0, 5_000), min_size=1, max_size=29),
    st.sampled_from(["even", "front_loaded(3)", "back_loaded(2)", "custom((0,0),(0.5,1),(1,1))"]),
)
def test_no_daily_budget_is_below_nothing_or_above_what_is_left(spend, curve):
    plan = plan_of(plan_row(curve=curve))
    given_days = daily("D1", np.round(spend, 2))
    as_of = str(np.datetime64("2026-03-01") + len(spend))
    found = budgets(plan, delivery_of(plan, given_days), as_of=as_of)
    left = 3_000_000 - round(100 * given_days["spend"].sum())
    assert 0 <= found.minor[0] <= max(left, 0)
    if left > 30_000:
        assert found.minor[0] > 0 or curve != "even"


# Earlier daily budgets --------------------------------------------------------------------------


def test_a_daily_budget_goes_a_part_of_the_way_and_at_most_thirty_percent():
    plan = plan_of()
    delivery = delivery_of(plan, ten(1_500))  # the level is 750
    near = budgets(plan, delivery, ordered={"D1": [["2026-03-10", 100_000]]})
    assert near.minor[0] == pytest.approx(100_000 * 0.75**0.35, abs=1)
    far = budgets(plan, delivery, ordered={"D1": [["2026-03-10", 20_000]]})
    assert far.minor[0] == pytest.approx(26_000, abs=1)
    assert (near.basis.tolist(), far.basis.tolist()) == (["step"], ["step"])


def test_a_small_gap_is_left_alone():
    plan = plan_of()
    delivery = delivery_of(plan, ten(1_000))
    found = budgets(plan, delivery, ordered={"D1": [["2026-03-10", 98_000]]})
    assert (found.minor.tolist(), found.basis.tolist()) == ([98_000], ["unchanged"])


def test_several_days_between_two_runs_are_several_steps():
    plan = plan_of()
    delivery = delivery_of(plan, ten(1_500))
    found = budgets(plan, delivery, ordered={"D1": [["2026-03-08", 100_000]]})
    part = 1 - (1 - 0.35) ** 3
    assert found.minor[0] == pytest.approx(100_000 * 0.75**part, abs=1)


def test_a_day_that_spent_its_small_daily_budget_does_not_show_a_shortage():
    plan = plan_of()
    delivery = delivery_of(plan, ten(400))
    held_back = [[f"2026-03-{day:02d}", 40_000] for day in range(1, 11)]
    found = budgets(plan, delivery, ordered={"D1": held_back})
    assert found.traffic_minor[0] >= 150_000  # what a booked deal is taken to have


def test_rules_out_of_range_are_refused():
    for wrong in ({"gain": 0}, {"largest_step": 1.5}, {"floor": -0.1}, {"reach": 0.9}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            DailyRules(**wrong)


# The level --------------------------------------------------------------------------------------


def test_a_day_the_curve_wants_nothing_of_takes_nothing():
    expected, weight = np.full((3, 1), 10.0), np.array([[1.0], [0.0], [2.0]])
    np.testing.assert_allclose(fill_level(np.array([6.0]), expected, 1.25, weight), [2.0])


# The whole run ----------------------------------------------------------------------------------


def test_the_report_says_the_budget_of_the_day_and_what_it_rests_on():
    plan = plan_frame(plan_row("A"), plan_row("B", start="2026-04-01", end="2026-04-30"))
    status = pace(plan, ten(1_000, "A"), as_of=DAY_11).status.set_index("deal")
    assert status["daily_budget"].tolist() == [Decimal("1000.00"), None]
    assert status["daily_basis"].tolist() == ["level", ""]
    assert pace(plan, ten(1_000, "A"), as_of=DAY_11).as_dict()["status"][1]["daily_budget"] is None


def test_daily_budgets_are_those_of_the_budgets_after_the_moves_that_need_nobody():
    plan = plan_frame(plan_row("A"), plan_row("B"))
    frames = [
        ten(500, "A", conversions=2.0),
        ten(1_400, "B", conversions=40.0),
    ]
    report = pace(plan, pd.concat(frames, ignore_index=True), as_of=DAY_11)
    assert (report.moves["verdict"] == "auto").all()
    moved = int(100 * report.moves["amount"].sum())
    assert moved > 0
    assert report.daily.minor[1] == (3_000_000 + moved - 1_400_000) // 20


def test_with_a_ledger_the_next_day_goes_on_from_the_last_one_and_the_same_day_stays():
    plan = plan_frame(plan_row())
    with open_ledger(":memory:") as ledger:
        first = pace(plan, ten(1_000), as_of=DAY_11, ledger=ledger)
        more = pd.concat([ten(1_000), daily("D1", [3_000.0], start=DAY_11)], ignore_index=True)
        second = pace(plan, more, as_of="2026-03-12", ledger=ledger)
        later = pace(plan, more, as_of="2026-03-12T12:00", ledger=ledger)
        assert ledger.verify().ok
    level = (3_000_000 - 1_300_000) / 19
    assert first.daily.minor.tolist() == [100_000]
    assert second.daily.minor[0] == pytest.approx(100_000 * (level / 100_000) ** 0.35, abs=1)
    assert later.daily.minor.tolist() == second.daily.minor.tolist()


def test_the_options_of_a_run_are_the_keywords_of_the_call():
    signature = inspect.signature(adbudget.pace).parameters
    own = ["plan", "delivery", "as_of", "ledger"]
    stated = {each.name: each for each in fields(PaceOptions)}
    assert set(signature) == {*own, *stated}
    for name, each in stated.items():
        if name != "thresholds":  # None stands for the usual ones
            assert signature[name].default == each.default
