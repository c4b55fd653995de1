"""Where a request may go from where it stands, and how much a change weighs."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, strategies as st

from adbudget.errors import InputError, LedgerConflictError
from adbudget.pacing.requests import Ask, Diff, SellerRequest, Step
from adbudget.pacing.requests.change import severity_of
from adbudget.pacing.requests.states import NEXT, STATES, check_move, check_state
from adbudget.pacing.requests.transitions import take
from adbudget.plain_json import to_plain
from tests.pacing.seller_cases import DAY, HOUR, LATER, MORE, MORNING, ask

OFFER = (Diff(field="daily_impressions", old_value=None, new_value=9_500),)


def after(*steps: Step, request: SellerRequest | None = None) -> SellerRequest:
    request = SellerRequest(ask=ask()) if request is None else request
    for step in steps:
        request = take(request, step)
    return request


def sent(at=MORNING) -> Step:
    return Step(state="pending", at=at, sends=True)


def said(state, at=MORNING + HOUR, **facts) -> Step:
    return Step(state=state, at=at, by_seller=True, **facts)


# States -----------------------------------------------------------------------------------------


def test_what_is_settled_goes_nowhere():
    assert NEXT["applied"] == NEXT["rejected"] == NEXT["failed"] == ()


def test_nothing_becomes_a_draft_again():
    assert all("draft" not in then for then in NEXT.values())


@pytest.mark.parametrize("now", [state for state in STATES if state != "applied"])
def test_every_state_but_applied_can_be_reached_or_left_by_name(now):
    reachable = {then for ways in NEXT.values() for then in ways}
    assert now == "draft" or now in reachable


def test_a_step_back_is_refused_and_says_what_is_possible():
    told = "SR-1 is approved and cannot become pending. It may become applied, failed, rejected"
    with pytest.raises(LedgerConflictError, match=told):
        check_move("SR-1", "approved", "pending")
    with pytest.raises(LedgerConflictError, match="That is the end of it"):
        check_move("SR-1", "applied", "rejected")


def test_an_unknown_state_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="or withdrawn; got 'agreed'"):
        check_state("agreed")


steps = st.builds(
    Step,
    state=st.sampled_from(STATES[1:]),
    at=st.integers(0, 500).map(lambda hours: MORNING + timedelta(hours=hours)),
    by_seller=st.booleans(),
    sends=st.booleans(),
    counter=st.sampled_from([(), OFFER]),
)


@given(st.lists(steps, max_size=8))
def test_whatever_happens_only_an_agreement_is_believed(history):
    request = SellerRequest(ask=ask())
    for step in history:
        try:
            request = take(request, step)
        except LedgerConflictError:
            continue
        if request.state not in ("approved", "applied"):
            assert request.agreed == ()
        else:
            assert request.agreed in ((MORE,), OFFER)
    assert request.ask == ask()


@given(st.lists(steps, max_size=8))
def test_a_step_survives_being_written_down(history):
    for step in history:
        assert Step.from_payload(step.as_payload(), step.at) == step


# Offers -----------------------------------------------------------------------------------------


def test_an_offer_is_believed_once_we_accept_it():
    offered = after(sent(), said("countered", counter=OFFER))
    assert offered.agreed == ()
    accepted = after(Step(state="approved", at=MORNING + DAY), request=offered)
    assert accepted.agreed == OFFER
    assert after(said("applied", MORNING + 2 * DAY), request=accepted).agreed == OFFER


def test_a_seller_that_agrees_after_its_offer_agrees_to_what_was_asked():
    request = after(sent(), said("countered", counter=OFFER), said("approved", MORNING + DAY))
    assert request.agreed == (MORE,)


def test_a_second_offer_replaces_the_first():
    second = (Diff(field="daily_impressions", old_value=None, new_value=10_000),)
    request = after(
        sent(), said("countered", counter=OFFER), said("countered", MORNING + DAY, counter=second)
    )
    assert request.counter == second


# Time -------------------------------------------------------------------------------------------


def test_the_deadline_is_patience_after_sending_but_never_past_all_use():
    assert SellerRequest(ask=ask()).deadline == MORNING + 10 * DAY
    assert after(sent(MORNING + DAY)).deadline == MORNING + 3 * DAY
    assert after(sent(MORNING + 9 * DAY)).deadline == MORNING + 10 * DAY


def test_an_offer_stops_the_sellers_clock():
    assert after(sent(), said("countered", counter=OFFER)).deadline == MORNING + 10 * DAY


def test_the_sellers_own_time_counts_where_it_can_be_right():
    told = MORNING + 2 * HOUR
    late = MORNING + DAY
    assert after(sent(), said("approved", late, answered_at=told)).answered_at == told
    before_asking = said("approved", late, answered_at=MORNING - HOUR)
    assert after(sent(), before_asking).answered_at == late
    in_the_future = said("approved", late, answered_at=late + HOUR)
    assert after(sent(), in_the_future).answered_at == late


def test_only_the_first_answer_has_the_time():
    request = after(sent(), said("approved"), said("applied", MORNING + DAY))
    assert (request.first_answer, request.answered_at) == ("approved", MORNING + HOUR)


def test_a_late_answer_is_still_taken_down():
    request = after(sent(), Step(state="expired", at=MORNING + 2 * DAY))
    assert after(said("approved", MORNING + 3 * DAY), request=request).agreed == (MORE,)


# What is asked ----------------------------------------------------------------------------------


def test_the_same_ask_has_one_name_and_another_has_another():
    assert ask().request_id == ask(drafted_at=MORNING + HOUR).request_id
    assert ask().request_id != ask(drafted_at=MORNING + DAY).request_id
    assert ask().request_id != ask(deal="D2").request_id
    assert ask().request_id.startswith("SR-")


def test_an_ask_survives_being_written_down():
    assert Ask.from_payload(to_plain(ask())) == ask()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"seller": " "}, "needs a seller"),
        ({"diffs": ()}, "changes nothing"),
        ({"intent": "beg"}, "intent must be"),
        ({"patience_hours": 0.0}, "patience_hours must be above 0"),
        ({"drafted_at": MORNING.replace(tzinfo=None)}, "drafted_at must be an instant"),
    ],
)
def test_an_ask_that_says_nothing_is_refused(change, told):
    with pytest.raises(InputError, match=told):
        replace(ask(), **change)


# Severity ---------------------------------------------------------------------------------------


def dates(old: str, new: str) -> Diff:
    return Diff(field="flight_end", old_value=old, new_value=new)


@pytest.mark.parametrize(
    ("change_type", "diffs", "severity"),
    [
        ("flight_dates", [dates("2026-04-30", "2026-05-03")], "minor"),
        ("flight_dates", [dates("2026-04-30", "2026-04-27")], "minor"),
        ("flight_dates", [dates("2026-04-30", "2026-05-04")], "material"),
        ("flight_dates", [LATER, dates("2026-04-30", "2026-05-30")], "material"),
        ("flight_dates", [], "material"),
        ("impressions", [], "material"),
        ("other", [], "material"),
        ("pricing", [], "critical"),
        ("cancellation", [], "critical"),
    ],
)
def test_severity_is_that_of_the_seller_agent(change_type, diffs, severity):
    assert severity_of(change_type, diffs) == severity


def test_the_furthest_date_counts():
    far, near = dates("2026-04-30", "2026-05-30"), dates("2026-04-01", "2026-04-02")
    assert severity_of("flight_dates", [near, far]) == "material"


def test_a_date_that_is_none_is_refused():
    with pytest.raises(InputError, match="flight_end must change from one date to another"):
        severity_of("flight_dates", [dates("2026-04-30", "soon")])


def test_an_unknown_change_is_refused():
    with pytest.raises(InputError, match="change_type must be impressions"):
        severity_of("creative", [])
