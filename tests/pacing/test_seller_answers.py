"""What past answers say of the next one: figures that can be worked out on paper."""

import pytest
from hypothesis import given, strategies as st

from adbudget.pacing.requests import Diff, SellerRequest, Step, expect
from adbudget.pacing.requests.answers import Expectation, Expectations, Tally
from adbudget.pacing.requests.transitions import take
from tests.pacing.seller_cases import DAY, HOUR, MORNING, ask

OFFER = (Diff(field="daily_impressions", old_value=None, new_value=9_500),)


def past(seller="Ad House", *steps: Step) -> SellerRequest:
    request = SellerRequest(ask=ask(seller=seller))
    for step in (Step(state="pending", at=MORNING, sends=True, received=True), *steps):
        request = take(request, step)
    return request


def said(state, hours, **facts) -> Step:
    return Step(state=state, at=MORNING + hours * HOUR, by_seller=True, **facts)


def test_of_a_seller_nobody_has_asked_one_answer_a_day_is_expected():
    hope = Expectations().of("new")
    assert (hope.shape, hope.hours, hope.prob_granted) == (2.0, 48.0, 0.5)
    assert hope.prob_within(24) == pytest.approx(1 - (48 / 72) ** 2)
    assert hope.hours_for(0.8) == pytest.approx(48 * (5**0.5 - 1))


def test_answers_and_hours_waited_add_up():
    tally = expect([past("A", said("approved", 6)), past("A", said("rejected", 12))], at=MORNING)
    assert tally.tallies["A"] == Tally(
        sent=2, answered=2, hours_waited=18.0, decided=2, granted=1, rejected=1
    )
    hope = tally.of("A")
    # All sellers: (1 + 2) answers in (24 + 18) hours, 14 hours each; two of these, and A's own.
    assert (hope.shape, hope.hours) == (4.0, 2 * 14 + 18)
    assert hope.prob_granted == pytest.approx((2 * (1 + 1) / (2 + 2) + 1) / (2 + 2))


def test_a_seller_never_asked_is_expected_to_be_like_the_others():
    hope = expect([past("A", said("approved", 6))], at=MORNING).of("B")
    assert (hope.shape, hope.hours) == (2.0, 2 * (24 + 6) / 2)


def test_an_open_request_counts_with_the_hours_it_has_waited():
    tally = expect([past("A")], at=MORNING + 10 * HOUR).tallies["A"]
    assert tally == Tally(sent=1, hours_waited=10.0, open=1)


def test_one_that_expired_counts_until_its_deadline():
    lapsed = past("A", Step(state="expired", at=MORNING + 3 * DAY))
    assert expect([lapsed], at=MORNING + 9 * DAY).tallies["A"] == Tally(
        sent=1, hours_waited=48.0, expired=1
    )


def test_what_a_program_answers_says_nothing_of_people():
    prompt = past("A", said("approved", 0, automatic=True))
    failed = past("A", said("failed", 0, automatic=True))
    assert expect([prompt, failed], at=MORNING).tallies["A"] == Tally(sent=2, automatic=1, failed=1)


def test_an_offer_is_an_answer_and_a_grant_once_it_is_accepted():
    offered = past("A", said("countered", 5, counter=OFFER))
    assert expect([offered], at=MORNING).tallies["A"] == Tally(
        sent=1, answered=1, hours_waited=5.0, countered=1, open=1
    )
    accepted = take(offered, Step(state="approved", at=MORNING + DAY))
    tally = expect([accepted], at=MORNING).tallies["A"]
    assert (tally.decided, tally.granted, tally.hours_waited) == (1, 1, 5.0)


def test_drafts_and_what_may_not_have_arrived_count_for_nothing():
    unsure = take(SellerRequest(ask=ask()), Step(state="pending", at=MORNING, sends=True))
    assert expect([SellerRequest(ask=ask()), unsure], at=MORNING + DAY).tallies == {}


def test_a_slow_seller_is_given_more_time_than_a_quick_one():
    quick = [past("quick", said("approved", 2)) for _ in range(8)]
    slow = [past("slow", said("approved", 40)) for _ in range(8)]
    hopes = expect([*quick, *slow], at=MORNING)
    assert hopes.of("quick").hours_for(0.8) < 24 < hopes.of("slow").hours_for(0.8)


@given(
    st.floats(1, 50),
    st.floats(0.1, 1e4),
    st.floats(0.01, 0.99),
)
def test_hours_and_probability_undo_each_other(shape, hours, probability):
    hope = Expectation(shape=shape, hours=hours, prob_granted=0.5)
    assert hope.prob_within(hope.hours_for(probability)) == pytest.approx(probability, rel=1e-6)


counts = st.integers(0, 50)


@given(counts, counts, st.floats(0, 5_000))
def test_expectations_are_probabilities_and_patience_only_helps(granted, refused, hours):
    tally = Tally(
        sent=granted + refused,
        answered=granted + refused,
        hours_waited=hours,
        decided=granted + refused,
        granted=granted,
        rejected=refused,
    )
    hope = Expectations(tallies={"A": tally}).of("A")
    assert 0 < hope.prob_granted < 1
    assert 0 <= hope.prob_within(1) <= hope.prob_within(24) <= hope.prob_within(240) <= 1


def test_the_frame_has_one_row_per_seller():
    frame = expect([past("B"), past("A", said("approved", 6))], at=MORNING + HOUR).as_frame()
    assert frame["seller"].tolist() == ["A", "B"]
    assert frame["sent"].tolist() == [1, 1]
    assert frame["prob_answer_24h"].between(0, 1).all()
    assert expect([], at=MORNING).as_frame().empty
