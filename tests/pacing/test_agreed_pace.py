"""What a seller agreed to is the plan from then on: pace, dates, impressions, budgets, prices."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

import adbudget
from adbudget import open_ledger
from adbudget.errors import InputError
from adbudget.pacing.booked.replanned import Mark
from adbudget.pacing.delivery.measures import measure
from adbudget.pacing.delivery.rebased import rebased
from adbudget.pacing.requests import Diff, SellerRequest, Step, agreed_plan, read_requests, record
from adbudget.pacing.requests.transitions import take
from tests.pacing.flights import daily, delivery_of, plan_frame, plan_of, plan_row
from tests.pacing.seller_cases import ask

DAY_11 = datetime(2026, 3, 11, tzinfo=UTC)


def agreed(*diffs: Diff, at=DAY_11) -> SellerRequest:
    request = SellerRequest(ask=ask(diffs=diffs, drafted_at=at, useful_until=at))
    request = take(request, Step(state="pending", at=at, sends=True, received=True))
    return take(request, Step(state="approved", at=at, by_seller=True))


def change(field, new, old=None) -> Diff:
    return Diff(field=field, old_value=old, new_value=new)


def measured(plan, delivery, *requests, as_of="2026-03-11"):
    day = np.full(len(plan), np.datetime64(as_of, "D"))
    now = rebased(agreed_plan(plan, requests, delivery), delivery, day)
    return measure(now, delivery, as_of)


FASTER = change("daily_budget", "1100.00", "1000.00")


def test_an_agreed_daily_budget_is_the_projection_from_the_day_of_the_agreement():
    plan = plan_of()
    delivery = delivery_of(plan, daily("D1", [800.0] * 10))
    before = measured(plan, delivery)
    after = measured(plan, delivery, agreed(FASTER))
    assert before.spend.projected[0] == pytest.approx(24_000_00)
    assert after.spend.projected[0] == pytest.approx(30_000_00)  # 8,000 and 20 days of 1,100
    assert after.spend.booked_next[0] == pytest.approx(1_100_00)
    assert after.index[0] == pytest.approx(1.0)


def test_an_agreed_pace_that_does_not_reach_the_budget_leaves_what_it_leaves():
    plan = plan_of()
    delivery = delivery_of(plan, daily("D1", [800.0] * 10))
    after = measured(plan, delivery, agreed(change("daily_budget", "1000.00")))
    assert after.spend.projected[0] == pytest.approx(28_000_00)
    assert after.required_rate[0] == pytest.approx(1_100_00)


def test_a_seller_that_agrees_and_does_not_deliver_is_under_again():
    plan = plan_of()
    delivery = delivery_of(plan, daily("D1", [800.0] * 17))
    after = measured(plan, delivery, agreed(FASTER), as_of="2026-03-18")
    assert after.index[0] == pytest.approx(13_600 / 15_700)
    assert after.spend.projected[0] == pytest.approx(24_000_00)


def test_agreed_impressions_a_day_are_money_at_the_booked_price():
    plan = plan_of(plan_row(planned_impressions=3_000_000))
    delivery = delivery_of(plan, daily("D1", [800.0] * 10))
    after = measured(plan, delivery, agreed(change("daily_impressions", 110_000)))
    assert after.impressions.projected[0] == pytest.approx(3_000_000)
    assert after.spend.projected[0] == pytest.approx(30_000_00)


def test_a_curve_that_is_agreed_day_by_day_keeps_its_shape():
    plan = plan_of(plan_row(curve="back_loaded(2)"))
    delivery = delivery_of(plan, daily("D1", [500.0] * 10))
    days = [date(2026, 3, 11) + timedelta(days=number) for number in range(20)]
    parts = [25_000 * (2 * number + 21) / 800 for number in range(20)]
    every = ", ".join(f"{day} {part:.2f}" for day, part in zip(days, parts, strict=True))
    diffs = (change("daily_budget", "656.25"), change("daily_budget_by_day", every))
    after = measured(plan, delivery, agreed(*diffs))
    assert after.spend.projected[0] == pytest.approx(30_000_00, rel=1e-4)
    assert after.spend.booked_next[0] == pytest.approx(656_25, rel=1e-4)


def test_an_agreed_budget_and_price_change_what_is_planned():
    plan = plan_of(plan_row(planned_impressions=3_000_000))
    delivery = delivery_of(plan, daily("D1", [1000.0] * 10))
    more = agreed_plan(plan, [agreed(change("budget", "33000.00"))], delivery)
    assert more.budget_minor.tolist() == [33_000_00]
    after = measured(plan, delivery, agreed(change("final_cpm", "8.00", "10.00")))
    assert after.impressions.target[0] == pytest.approx(1_000_000 + 20_000 / 8 * 1_000)
    assert after.impressions.index[0] == pytest.approx(1.0)
    assert after.spend.index[0] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("diff", "told"),
    [
        (change("daily_budget", "lots"), "an amount of money"),
        (change("cpm", "0"), "a price above 0"),
        (change("daily_impressions", "many"), "a whole number"),
        (change("daily_budget_by_day", "soon 5.00"), "pairs such as 2026-04-30 1100.00"),
    ],
)
def test_what_cannot_be_an_agreement_is_refused_by_name(diff, told):
    plan = plan_of(plan_row(planned_impressions=3_000_000))
    with pytest.raises(InputError, match=told):
        agreed_plan(plan, [agreed(diff)])


def test_a_budget_a_person_raises_is_planned_from_its_day_on():
    """15,000 of 30,000 as planned by half of the flight; 45,000 from then on."""
    plan = plan_of(plan_row(budget=45_000))
    delivery = delivery_of(plan, daily("D1", [1000.0] * 15))
    day = np.datetime64("2026-03-16", "D")
    mark = Mark(row=0, day=day, budget_before_minor=30_000_00)
    now = measure(
        rebased(replace(plan, marks=(mark,)), delivery, np.array([day])), delivery, "2026-03-16"
    )
    assert now.index[0] == pytest.approx(1.0)
    assert now.spend.booked_next[0] == pytest.approx(2_000_00)
    later = rebased(replace(plan, marks=(mark,)), delivery, np.array([day - 1]))
    assert later.spend_baseline is None  # not yet


# Ten days, one agreement, and all that followed -------------------------------------------------


def two_deals() -> pd.DataFrame:
    return plan_frame(plan_row("D1"), plan_row("D2", seller="Arena"))


def delivered(first: list[float], rate: float) -> pd.DataFrame:
    slow = daily("D1", [each + 3 * (-1) ** day for day, each in enumerate(first)])
    fast = daily("D2", [1_500.0 + rate * (-1) ** day for day in range(len(first))])
    return pd.concat([slow.assign(conversions=10), fast.assign(conversions=90)])


def test_a_deal_that_delivers_what_was_agreed_is_left_alone(tmp_path):
    """After the seller agrees: no request, no money taken, no alert; for eight days."""
    with open_ledger(tmp_path / "ledger.db") as ledger:
        first = [800.0] * 10
        table = plan_frame(plan_row("D1"))
        adbudget.pace(table, daily("D1", first), as_of=DAY_11, ledger=ledger)
        (request,) = read_requests(ledger)
        ledger.approve(f"request:{request.request_id}", who="Ann", at=DAY_11)
        (request,) = read_requests(ledger)
        sent = record(ledger, request, Step(state="pending", at=DAY_11, sends=True), who="Ann")
        hour = DAY_11 + timedelta(hours=5)
        record(ledger, sent, Step(state="approved", at=hour, by_seller=True), who="Ann")
        for day in range(1, 9):
            spend = first + [1_100.0] * day
            report = adbudget.pace(
                two_deals(), delivered(spend, 3), as_of=DAY_11 + timedelta(days=day), ledger=ledger
            )
            row = report.status.set_index("deal").loc["D1"]
            assert row["projected"] == pytest.approx(30_000, rel=0.01)
            assert row["state"] == "on_pace"
            assert "D1" not in report.requests["deal"].tolist()
            assert report.moves[report.moves["source"] == "D1"].empty
