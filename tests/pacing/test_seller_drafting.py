"""From plan and delivery to what is asked of whom, and from agreement back into the plan."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from adbudget.errors import InputError
from adbudget.pacing.booked.plan_table import read_plan
from adbudget.pacing.delivery.delivery_table import read_delivery
from adbudget.pacing.delivery.measures import measure
from adbudget.pacing.requests import (
    AskRules,
    Diff,
    SellerRequest,
    Step,
    agreed_plan,
    draft_requests,
    requests_frame,
)
from adbudget.pacing.requests.transitions import take
from tests.pacing.seller_cases import DAY, MORNING, ask

START = date(2026, 4, 1)
AFTER_DAY_10 = "2026-04-11T00:00+00:00"


def booked(n_days=30, **columns):
    """One deal of 30,000 over 30 days, unless said otherwise."""
    row = {
        "deal": "D1",
        "campaign": "spring",
        "channel": "video",
        "seller": "Ad House",
        "budget": 30_000,
        "start": START,
        "end": START + timedelta(days=n_days - 1),
        "currency": "EUR",
    }
    return read_plan(pd.DataFrame([row | columns]))


def delivered(plan, spend, impressions=None):
    """Final days from the first on, of the one deal."""
    impressions = [1000] * len(spend) if impressions is None else impressions
    rows = pd.DataFrame(
        {
            "deal": "D1",
            "date": [START + timedelta(days=day) for day in range(len(spend))],
            "spend": spend,
            "impressions": impressions,
            "final": True,
        }
    )
    return read_delivery(rows, plan)


def drafts(plan, spend, impressions=None, as_of=AFTER_DAY_10, **options):
    measures = measure(plan, delivered(plan, spend, impressions), as_of)
    return draft_requests(plan, measures, **options)


def steady(mean, n_days=10, wobble=10):
    """Days whose mean is exact, of the last seven too."""
    return [mean] * (n_days - 7) + [mean + wobble * sign for sign in (-1, 1, 0, -1, 1, 0, 0)]


SLOW = steady(800)  # 8,000 after day 10, heading for 24,000
FAST = steady(1500)
EVEN = steady(1000)


# What is asked ----------------------------------------------------------------------------------


def test_a_deal_on_pace_is_left_alone():
    assert drafts(booked(), EVEN) == ()


def test_a_deal_heading_short_is_asked_to_deliver_what_is_required():
    (request,) = drafts(booked(), SLOW)
    assert request.ask.intent == "raise_delivery"
    assert request.ask.diffs == (
        Diff(field="daily_budget", old_value="1000.00", new_value="1100.00"),
    )
    assert request.ask.severity == "material"
    assert request.ask.reason == (
        "Deal D1 delivered 803.33 EUR a day on its last 3 days and is heading for 24,000.00 EUR of "
        "30,000.00 EUR by 2026-04-30: please raise the daily budget from 1000.00, as booked, to "
        "1100.00."
    )
    assert request.ask.fallback.action == "reallocate"
    assert request.ask.fallback.amount_minor == 6_000_00


def test_a_deal_heading_over_is_asked_to_slow_down():
    (request,) = drafts(booked(), FAST)
    assert request.ask.intent == "throttle_delivery"
    assert request.ask.diffs == (
        Diff(field="daily_budget", old_value="1000.00", new_value="750.00"),
    )
    assert request.ask.fallback.action == "cap_daily_budget"
    assert request.ask.fallback.amount_minor == 750_00


def test_impressions_are_asked_for_where_they_are_booked_and_short():
    plan = booked(planned_impressions=3_000_000)
    (request,) = drafts(plan, SLOW, steady(80_000, wobble=500))
    assert request.ask.diffs == (
        Diff(field="daily_impressions", old_value=100_000, new_value=110_000),
    )


def test_money_on_pace_with_impressions_short_asks_to_deliver_what_is_booked():
    plan = booked(planned_impressions=3_000_000)
    (request,) = drafts(plan, EVEN, steady(80_000, wobble=500))
    assert request.ask.diffs[0].new_value == 110_000
    assert "600,000 impressions less than the 3,000,000 booked" in request.ask.reason
    assert request.ask.fallback.action == "keep_plan"


def test_a_seller_that_cannot_go_so_fast_is_asked_to_run_longer():
    # 26 of 30 days over, 800 a day: 9,200 left would need 2,300 a day. 6,000 missing is 8 days.
    spend = steady(800, 26)
    as_of = "2026-04-27T00:00+00:00"
    (request,) = drafts(booked(), spend, as_of=as_of, rules=AskRules(most_extension_days=8))
    assert request.ask.intent == "shift_dates"
    assert request.ask.diffs == (
        Diff(field="flight_end", old_value="2026-04-30", new_value="2026-05-08"),
    )
    assert request.ask.severity == "material"
    (faster,) = drafts(booked(), spend, as_of=as_of, rules=AskRules(most_extension_days=7))
    assert faster.ask.intent == "raise_delivery"


def test_a_flight_nearly_over_is_past_asking():
    spend = steady(800, 29)
    assert drafts(booked(), spend, as_of="2026-04-30T00:00+00:00") == ()


def test_a_miss_that_is_not_sure_is_not_asked_about():
    noisy = [0, 1900, 100, 1800, 200, 1700, 300, 1500, 200, 300]
    assert drafts(booked(), noisy) == ()


def test_a_deal_too_young_to_project_is_not_asked_about():
    assert drafts(booked(), [10, 10], as_of="2026-04-03T00:00+00:00") == ()


def test_orders_have_the_sellers_name_where_it_is_given():
    assert drafts(booked(), SLOW)[0].ask.order_id == "D1"
    assert drafts(booked(), SLOW, orders={"D1": "ORD-7"})[0].ask.order_id == "ORD-7"


def test_an_answer_is_waited_for_as_long_as_most_take_and_half_the_flight_at_most():
    (request,) = drafts(booked(), SLOW)
    assert request.ask.patience_hours == pytest.approx(48 * (5**0.5 - 1))
    assert request.ask.prob_in_time == pytest.approx(0.8)
    assert request.ask.useful_until == request.ask.drafted_at + 10 * DAY
    (late,) = drafts(booked(), steady(800, 26), as_of="2026-04-27T00:00+00:00")
    assert late.ask.patience_hours == 48.0  # of the four days left
    assert late.ask.prob_in_time == pytest.approx(0.75)


# The ask follows the curve ----------------------------------------------------------------------


def amount(request, place=0) -> tuple[float, float]:
    diff = request.ask.diffs[place]
    return float(str(diff.old_value)), float(str(diff.new_value))


def test_a_deal_over_plan_that_is_slower_than_its_curve_needs_is_not_asked_to_slow_down():
    """Half again over plan after 10 of 30 days, at 500 a day; the curve needs 656.25 next."""
    assert drafts(booked(curve="back_loaded(2)"), steady(500)) == ()


def test_a_back_loaded_deal_that_outruns_its_curve_is_asked_for_what_the_curve_can_bear():
    spend = [round(30_000 * 1.5 * (2 * day + 1) / 900, 2) for day in range(10)]
    (request,) = drafts(booked(curve="back_loaded(2)"), spend)
    assert request.ask.intent == "throttle_delivery"
    assert amount(request) == (700.0, 656.25)  # 25,000 left, 21 / 800 of it on day 11
    days = [part.split() for part in str(request.ask.diffs[1].new_value).split(", ")]
    assert (days[0], days[-1]) == (["2026-04-11", "656.25"], ["2026-04-30", "1843.75"])
    assert sum(float(value) for _, value in days) == pytest.approx(25_000, abs=0.2)


def test_a_front_loaded_deal_that_is_under_is_asked_for_more_than_it_is_booked_at():
    """18,025 left; day 11 is 39 of the 400 parts of the rest of the curve."""
    (request,) = drafts(booked(curve="front_loaded(2)"), [*[1355] * 3, *steady(1130, 7)])
    assert request.ask.intent == "raise_delivery"
    assert amount(request) == (1300.0, 1757.43)


def test_a_deal_above_plan_is_never_asked_to_go_faster():
    """12.5% over plan so far, and slow lately."""
    spend = [1750] * 3 + steady(857, 7)
    assert drafts(booked(), spend) == ()


@settings(max_examples=60)
@given(
    st.sampled_from(["even", "back_loaded(2)", "front_loaded(2)", "back_loaded(4)"]),
    st.lists(st.integers(0, 3_000), min_size=4, max_size=27),
    st.integers(0, 23),
)
def test_a_throttle_never_asks_for_more_and_a_raise_never_for_less(curve, spend, hour):
    plan = booked(curve=curve)
    as_of = f"{START + timedelta(days=len(spend))}T{hour:02d}:00+00:00"
    measures = measure(plan, delivered(plan, spend), as_of)
    for request in draft_requests(plan, measures):
        intent, lately = request.ask.intent, sum(spend[-3:]) / 3
        if intent == "shift_dates":
            assert measures.index[0] < 1
            continue
        old, new = amount(request)
        if intent == "throttle_delivery":
            assert new <= old
            assert new <= lately
            assert measures.index[0] > 1
        else:
            assert new >= old
            assert new >= lately - 0.01  # rounded down
            assert measures.index[0] < 1


# Bookings follow the money ----------------------------------------------------------------------


def test_a_moved_budget_asks_for_as_many_impressions_as_it_pays_for():
    table = booked(planned_impressions=3_000_000)
    moved = replace(table, budget_minor=np.array([33_000_00]))
    (request,) = drafts(moved, EVEN, steady(100_000, wobble=500), booked=table)
    assert request.ask.intent == "change_impressions"
    assert request.ask.diffs == (
        Diff(field="impressions", old_value=3_000_000, new_value=3_300_000),
    )
    assert request.ask.change_type == "impressions"


def test_a_budget_that_people_moved_before_is_followed_too_and_once():
    table = booked(planned_impressions=3_000_000)
    decided = replace(table, budget_minor=np.array([36_000_00]))
    good = steady(1200), steady(120_000)
    (request,) = drafts(decided, *good, booked=table)
    assert request.ask.diffs[0].new_value == 3_600_000
    assert drafts(decided, *good, booked=table, earlier=(request,)) == ()
    refused = take(request, Step(state="rejected", at=MORNING - 9 * DAY))
    assert drafts(decided, *good, booked=table, earlier=(refused,)) == ()
    agreed = replace(decided, planned_impressions=np.array([3_600_000.0]))
    assert drafts(agreed, *good, booked=table) == ()


def test_a_table_that_books_the_impressions_already_is_not_followed_further():
    table = booked(planned_impressions=3_000_000)
    decided = replace(table, budget_minor=np.array([36_000_00]))
    good = steady(1200), steady(120_000)
    first = drafts(decided, *good, booked=table)
    later = booked(planned_impressions=3_600_000)
    again = replace(later, budget_minor=np.array([36_000_00]))
    assert drafts(again, *good, booked=later, earlier=first) == ()


def test_a_deal_that_gave_its_surplus_away_is_not_asked_to_spend_it():
    table = booked(planned_impressions=3_000_000)
    gave = replace(table, budget_minor=np.array([24_000_00]))
    (request,) = drafts(gave, SLOW, steady(80_000, wobble=500), booked=table)
    assert request.ask.intent == "change_impressions"
    assert request.ask.diffs[0].new_value == 2_400_000


def test_a_table_of_other_deals_is_refused():
    with pytest.raises(InputError, match="booked must hold the same deals"):
        drafts(booked(), EVEN, booked=booked(deal="D9"))


# Nobody is asked twice --------------------------------------------------------------------------


def settled(request: SellerRequest, state, at) -> SellerRequest:
    request = take(request, Step(state="pending", at=at, sends=True, received=True))
    return take(request, Step(state=state, at=at, by_seller=True))


def test_an_open_request_about_the_same_matter_is_not_repeated():
    first = drafts(booked(), SLOW)
    assert drafts(booked(), SLOW, earlier=first) == ()
    assert len(drafts(booked(), FAST, earlier=first)) == 1  # that is another matter


def test_a_settled_one_rests_and_may_be_asked_again_later():
    (first,) = drafts(booked(), SLOW)
    at = first.ask.drafted_at
    lately = settled(first, "rejected", at - 2 * DAY)
    assert drafts(booked(), SLOW, earlier=(lately,)) == ()
    long_ago = settled(first, "rejected", at - 3 * DAY)
    assert len(drafts(booked(), SLOW, earlier=(long_ago,))) == 1


@settings(max_examples=40)
@given(st.lists(st.integers(0, 3_000), min_size=4, max_size=28))
def test_what_is_asked_never_spends_more_than_the_budget(spend):
    as_of = f"{START + timedelta(days=len(spend))}T00:00+00:00"
    plan = booked()
    for request in drafts(plan, spend, as_of=as_of):
        if request.ask.diffs[0].field == "daily_budget":
            daily = float(str(request.ask.diffs[0].new_value))
            assert sum(spend) + daily * (30 - len(spend)) <= max(30_000, sum(spend)) + 1e-6
            assert daily >= 0


# Agreements go back into the plan ---------------------------------------------------------------


def agreed(*diffs: Diff, **changes) -> SellerRequest:
    request = SellerRequest(ask=ask(diffs=diffs, **changes))
    return settled(request, "approved", MORNING)


def shift(old="2026-04-30", new="2026-05-05") -> Diff:
    return Diff(field="flight_end", old_value=old, new_value=new)


def test_an_agreed_end_changes_what_the_plan_wants_by_now():
    plan = booked()
    later = agreed_plan(plan, [agreed(shift(new="2026-05-30"), intent="shift_dates")])
    assert later.n_days.tolist() == [60]
    assert later.end.tolist() == [date(2026, 5, 30)]
    now = measure(later, delivered(later, [500] * 10), AFTER_DAY_10)
    assert now.index.tolist() == [1.0]
    assert [note.kind for note in later.notes[len(plan.notes) :]] == ["agreement_used"]
    assert plan.n_days.tolist() == [30]


def test_an_offer_changes_the_projection_only_once_accepted():
    plan = booked()
    asked = SellerRequest(ask=ask(intent="shift_dates", diffs=(shift(),)))
    waiting = take(asked, Step(state="pending", at=MORNING, sends=True))
    offer = (Diff(field="flight_end", old_value=None, new_value="2026-05-02"),)
    offered = take(waiting, Step(state="countered", at=MORNING, by_seller=True, counter=offer))
    for request in (asked, waiting, offered):
        assert agreed_plan(plan, [request]) is plan
    accepted = take(offered, Step(state="approved", at=MORNING))
    longer = agreed_plan(plan, [accepted])
    assert longer.end.tolist() == [date(2026, 5, 2)]
    before, after = (
        measure(each, delivered(each, SLOW), AFTER_DAY_10).projected_minor[0]
        for each in (plan, longer)
    )
    assert (before, after) == pytest.approx((24_000_00, 25_600_00))  # two more days of 800


def test_agreed_impressions_are_planned():
    plan = booked(planned_impressions=3_000_000)
    diff = Diff(field="impressions", old_value=3_000_000, new_value=3_600_000)
    more = agreed_plan(plan, [agreed(diff, intent="change_impressions")])
    assert more.planned_impressions.tolist() == [3_600_000]


def test_a_table_that_shows_the_agreement_already_is_left_as_it_is():
    plan = booked(end=date(2026, 5, 5))
    assert agreed_plan(plan, [agreed(shift(), intent="shift_dates")]) is plan


def test_a_plan_that_has_moved_on_holds_and_says_so():
    plan = booked(end=date(2026, 6, 30))
    kept = agreed_plan(plan, [agreed(shift(), intent="shift_dates")])
    assert kept.end.tolist() == [date(2026, 6, 30)]
    (note,) = kept.notes[len(plan.notes) :]
    assert note.kind == "agreement_superseded"
    assert "the plan says 2026-06-30" in note.message


def test_one_agreement_may_follow_another():
    first = agreed(shift(), intent="shift_dates")
    second = agreed(shift("2026-05-05", "2026-05-09"), intent="shift_dates")
    assert agreed_plan(booked(), [first, second]).end.tolist() == [date(2026, 5, 9)]


def test_an_end_before_the_start_is_refused_by_name():
    wrong = agreed(shift(new="2026-03-01"), intent="shift_dates")
    with pytest.raises(InputError, match="would end the flight of D1 on 2026-03-01, before"):
        agreed_plan(booked(), [wrong])


def test_an_agreed_nonsense_is_refused_by_name():
    wrong = agreed(Diff(field="impressions", old_value=None, new_value="lots"))
    with pytest.raises(InputError, match="changes impressions to 'lots'; expected a whole number"):
        agreed_plan(booked(planned_impressions=1), [wrong])


# Frames -----------------------------------------------------------------------------------------


def test_the_frame_says_what_is_asked_and_how_it_stands():
    frame = requests_frame(drafts(booked(), SLOW))
    row = frame.iloc[0]
    assert row["changes"] == "daily_budget 1000.00 -> 1100.00"
    assert (row["state"], row["agreed"], row["deal"]) == ("draft", "", "D1")
    assert str(frame["deadline"].dtype) == "datetime64[us, UTC]"
    assert pd.isna(row["sent_at"])
    assert requests_frame(()).columns.tolist() == frame.columns.tolist()
