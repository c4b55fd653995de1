"""Requests from draft to agreement: a real ledger, a real server, and everything going wrong."""

import json
import threading
import time
from datetime import timedelta

import pytest
from hypothesis import given, settings, strategies as st

from adbudget import open_ledger
from adbudget.errors import InputError, LedgerConflictError
from adbudget.pacing.requests import (
    Answer,
    Diff,
    FileOutbox,
    HttpGateway,
    SellerRequest,
    Step,
    draft_pairs,
    expire_overdue,
    find_request,
    gateways as known_gateways,
    open_gateway,
    read_requests,
    record,
    send_requests,
)
from tests.pacing.seller_cases import DAY, HOUR, LATER, MORNING, ask, filed, only, rng
from tests.pacing.seller_server import SellerAgent

TOKEN = "ask_live_0123456789abcdef"
REFERENCE = "CR-000000000001"


@pytest.fixture
def ledger():
    with open_ledger(":memory:") as opened:
        yield opened


def gateway(agent: SellerAgent, **options) -> dict[str, HttpGateway]:
    usual = {"rng": rng(), "timeout": 0.5, "tries": 2, "wait": lambda _: None}
    return {"Ad House": HttpGateway(url=agent.url, **(usual | options))}


def send(ledger, gateways, at=MORNING, **options):
    return send_requests(ledger, gateways, at=at, **options)


# Drafting and approval --------------------------------------------------------------------------


def test_a_material_request_waits_for_a_person_before_it_is_sent(ledger):
    filed(ledger, ask(), approve=False)
    with SellerAgent() as agent:
        (held,) = send(ledger, gateway(agent))
        assert agent.calls == []
    assert held.told == f"waits for approval: adbudget approve request:{held.request.request_id}"
    assert not held.error
    assert ledger.pending()["item"].tolist() == [f"request:{held.request.request_id}"]


def test_a_minor_one_waits_for_nobody(ledger):
    filed(ledger, ask(intent="shift_dates", diffs=(LATER,)), approve=False)
    with SellerAgent() as agent:
        (sent,) = send(ledger, gateway(agent))
    assert sent.request.state == "approved"
    assert sent.request.agreed == (LATER,)


def test_what_a_person_rejects_is_never_sent(ledger):
    (request,) = filed(ledger, ask(), approve=False)
    ledger.reject(f"request:{request.request_id}", who="Ann", at=MORNING, reason="not now")
    with SellerAgent() as agent:
        assert send(ledger, gateway(agent)) == []
        assert agent.calls == []
    assert (only(ledger).state, only(ledger).note) == ("rejected", "not now")


def test_drafting_the_same_again_is_one_request(ledger):
    filed(ledger, ask())
    filed(ledger, ask())
    assert len(read_requests(ledger)) == 1


# The good way -----------------------------------------------------------------------------------


def test_a_request_is_sent_reviewed_and_applied(ledger):
    filed(ledger, ask())
    with SellerAgent(token=TOKEN) as agent:
        gateways = gateway(agent, token=TOKEN)
        (sent,) = send(ledger, gateways)
        assert sent.request.state == "pending_approval"
        assert sent.request.seller_ref == REFERENCE
        before = ledger.head().sequence
        send(ledger, gateways, MORNING + HOUR)
        assert ledger.head().sequence == before  # nothing new is nothing written
        agent.review(REFERENCE, "approve", MORNING + 5 * HOUR)
        send(ledger, gateways, MORNING + 6 * HOUR)
        agent.apply(REFERENCE)
        send(ledger, gateways, MORNING + DAY)
        assert agent.posts() == 1
        assert send(ledger, gateways, MORNING + 2 * DAY) == []
    request = only(ledger)
    assert request.state == "applied"
    assert request.answered_at == MORNING + 5 * HOUR
    assert not request.automatic
    assert ledger.verify().ok
    assert TOKEN not in ledger.entries().to_csv()


def test_a_refusal_brings_its_fallback(ledger):
    filed(ledger, ask())
    with SellerAgent() as agent:
        send(ledger, gateway(agent))
        agent.review(REFERENCE, "reject", MORNING + HOUR, "sold out")
        (heard,) = send(ledger, gateway(agent), MORNING + 2 * HOUR)
    assert heard.told == "rejected: sold out"
    waiting = ledger.pending()
    assert waiting["rationale"].tolist() == ["Let the 6,000.00 EUR go elsewhere."]
    entry = ledger.entries(kind="recommendation").iloc[0]
    assert (entry["unit"], entry["verdict"]) == ("D1", "needs_approval")
    assert entry["payload"]["action"] == "reallocate"
    assert entry["payload"]["amount_minor"] == 600_000


def test_what_fails_a_check_at_the_seller_says_why(ledger):
    filed(ledger, ask())
    with SellerAgent() as agent:
        agent.orders["ORD-1"]["status"] = "cancelled"
        (heard,) = send(ledger, gateway(agent))
    assert heard.request.state == "failed"
    assert heard.request.note == "Cannot modify order in 'cancelled' status."


# Faults -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["lost", "half", "half json", "500 after"])
def test_a_lost_answer_is_found_in_the_list(ledger, fault):
    filed(ledger, ask())
    with SellerAgent() as agent:
        agent.faults = [fault]
        (sent,) = send(ledger, gateway(agent))
        assert agent.posts() == 1
        assert len(agent.records) == 1
    assert (sent.request.state, sent.request.seller_ref) == ("pending_approval", REFERENCE)
    assert not sent.error


@pytest.mark.parametrize("fault", ["silence", "500", 503])
def test_what_did_not_arrive_is_sent_again_the_next_time(ledger, fault):
    filed(ledger, ask())
    with SellerAgent() as agent:
        agent.faults = [fault]
        (first,) = send(ledger, gateway(agent))
        assert first.error
        assert "sent again if need be, the next time" in first.told
        assert first.request.state == "pending"
        assert first.request.is_unconfirmed
        assert agent.records == {}
        (second,) = send(ledger, gateway(agent), MORNING + HOUR)
        methods = [method for method, _, _ in agent.calls]
        looked_for = ["GET"] if fault == "silence" else ["GET", "GET"]  # time ran out: not at once
        assert methods == ["POST", *looked_for, "POST"]
        bodies = [body for method, _, body in agent.calls if method == "POST"]
        assert bodies[0] == bodies[1]
    assert second.request.state == "pending_approval"
    assert second.request.attempts == 2


def test_a_frozen_seller_costs_one_timeout_whatever_waits_for_it(ledger):
    filed(ledger, *(ask(deal=f"D{number}") for number in range(5)), ask(seller="Arena", deal="E"))
    with SellerAgent() as agent, SellerAgent() as other:
        agent.faults = ["silence"] * 9
        gateways = {"Arena": HttpGateway(url=other.url, rng=rng())} | gateway(agent)
        results = send(ledger, gateways)
        assert len(agent.calls) == 1
    assert [one.error for one in results] == [True] * 5 + [False]
    assert "left alone until next time" in results[4].told
    assert [one.state for one in read_requests(ledger)] == [
        *("pending", *["draft"] * 4, "pending_approval"),
    ]


@pytest.mark.parametrize(
    ("order", "state"), [({"status": "cancelled", "deal_id": "D1"}, "failed"), (None, "failed")]
)
def test_a_refusal_of_the_request_as_written_is_an_error(ledger, order, state):
    filed(ledger, ask())
    with SellerAgent() as agent:
        agent.orders = {} if order is None else {"ORD-1": order}
        (sent,) = send(ledger, gateway(agent))
    assert (sent.request.state, sent.error) == (state, True)


def test_thousands_of_overdue_drafts_lapse_at_once(ledger):
    requests = [SellerRequest(ask=ask(deal=f"D{n}"), approval="waiting") for n in range(3_000)]
    ledger.append_many(draft_pairs(requests))
    begun = time.process_time()
    assert {one.state for one in expire_overdue(ledger, at=MORNING + 20 * DAY)} == {"expired"}
    assert ledger.pending().empty
    assert time.process_time() - begun < 30  # one by one it was hours


FAULTS = st.lists(
    st.sampled_from([None, "lost", "half", "half json", "500", "500 after", 429, 503]), max_size=8
)


@pytest.mark.parametrize("remembers_keys", [True, False], ids=["keys", "no keys"])
@settings(max_examples=20)
@given(faults=FAULTS)
def test_whatever_goes_wrong_a_change_is_made_once(remembers_keys, faults):
    with (
        open_ledger(":memory:") as ledger,
        SellerAgent(remembers_keys=remembers_keys) as agent,
    ):
        filed(ledger, ask())
        agent.faults = list(faults)
        for number in range(len(faults) + 2):
            send(ledger, gateway(agent, tries=1), MORNING + number * timedelta(minutes=1))
        assert len(agent.records) == 1
        assert only(ledger).state == "pending_approval"
        assert only(ledger).seller_ref == REFERENCE


def test_a_crash_between_writing_and_sending_asks_once(ledger):
    (request,) = filed(ledger, ask())
    record(ledger, request, Step(state="pending", at=MORNING, sends=True), who="x")
    with SellerAgent() as agent:
        (sent,) = send(ledger, gateway(agent), MORNING + HOUR)
        assert [method for method, _, _ in agent.calls] == ["GET", "POST"]
    assert sent.request.state == "pending_approval"
    assert sent.request.sent_at == MORNING


def test_a_crash_between_sending_and_writing_finds_the_answer(ledger):
    (request,) = filed(ledger, ask())
    request = record(ledger, request, Step(state="pending", at=MORNING, sends=True), who="x")
    with SellerAgent() as agent:
        gateway(agent)["Ad House"].submit(request)
        (sent,) = send(ledger, gateway(agent), MORNING + HOUR)
        assert agent.posts() == 1
    assert sent.request.seller_ref == REFERENCE


def test_one_broken_seller_does_not_stop_the_others(ledger):
    filed(ledger, ask(seller="Gone", deal="D0"), ask())
    with SellerAgent() as agent:
        gateways = gateway(agent)
        nowhere = HttpGateway(url="http://127.0.0.1:9", rng=rng(), tries=1, timeout=0.5)
        first, second = send(ledger, {**gateways, "Gone": nowhere})
    assert (first.error, second.error) == (True, False)
    assert second.request.state == "pending_approval"


def test_a_seller_that_goes_back_in_time_is_told_of(ledger):
    filed(ledger, ask())
    with SellerAgent() as agent:
        send(ledger, gateway(agent))
        agent.records[REFERENCE]["status"] = "validating"
        (heard,) = send(ledger, gateway(agent), MORNING + HOUR)
    assert heard.error
    assert "is pending_approval and cannot become validating" in heard.told
    assert only(ledger).state == "pending_approval"


@pytest.mark.parametrize("remembers_keys", [True, False], ids=["keys", "no keys"])
def test_senders_at_once_ask_once(tmp_path, remembers_keys):
    url = tmp_path / "ledger.db"
    with open_ledger(url) as ledger:
        filed(ledger, ask())
    with SellerAgent(remembers_keys=remembers_keys) as agent:

        def work():
            with open_ledger(url) as ledger:
                send(ledger, gateway(agent))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(agent.records) == 1
    with open_ledger(url) as ledger:
        assert only(ledger).state == "pending_approval"
        assert ledger.verify().ok


# Stopping ---------------------------------------------------------------------------------------


def test_the_kill_switch_stops_sending_and_not_listening(ledger):
    filed(ledger, ask())
    with SellerAgent() as agent:
        send(ledger, gateway(agent))
        filed(ledger, ask(deal="D2"))
        ledger.set_kill(True, who="Ann", at=MORNING, reason="odd figures")
        agent.review(REFERENCE, "approve", MORNING + HOUR)
        heard, held = send(ledger, gateway(agent), MORNING + 2 * HOUR)
        assert agent.posts() == 1
    assert heard.request.state == "approved"
    assert held.request.state == "draft"
    assert held.told == "not sent: the kill switch is on, set by Ann (odd figures)"


# Deadlines --------------------------------------------------------------------------------------


def test_no_answer_by_the_deadline_expires_and_proposes_the_fallback(ledger):
    filed(ledger, ask())
    with SellerAgent() as agent:
        send(ledger, gateway(agent))
        (waiting,) = expire_overdue(ledger, at=MORNING + 47 * HOUR)
        assert waiting.state == "pending_approval"
        (lapsed,) = expire_overdue(ledger, at=MORNING + 48 * HOUR)
    assert lapsed.state == "expired"
    assert lapsed.note == "no agreement by 2026-04-12 08:00 UTC"
    assert ledger.pending()["rationale"].tolist() == ["Let the 6,000.00 EUR go elsewhere."]
    before = ledger.head().sequence
    expire_overdue(ledger, at=MORNING + 60 * HOUR)
    assert ledger.head().sequence == before


def test_a_draft_nobody_approved_in_time_lapses_and_asks_nobody_any_more(ledger):
    filed(ledger, ask(), approve=False)
    (lapsed,) = expire_overdue(ledger, at=MORNING + 11 * DAY)
    assert (lapsed.state, lapsed.note) == ("expired", "never sent by 2026-04-20 08:00 UTC")
    assert ledger.pending().empty
    assert ledger.entries(kind="recommendation").empty
    assert only(ledger).state == "expired"


def test_an_answer_after_the_deadline_is_heard_and_believed(ledger):
    filed(ledger, ask())
    with SellerAgent() as agent:
        send(ledger, gateway(agent))
        expire_overdue(ledger, at=MORNING + 3 * DAY)
        agent.review(REFERENCE, "approve", MORNING + 4 * DAY)
        (heard,) = send(ledger, gateway(agent), MORNING + 5 * DAY)
    assert heard.request.state == "approved"
    assert heard.request.agreed == ask().diffs
    assert len(ledger.entries(kind="recommendation")) == 1


# Offers -----------------------------------------------------------------------------------------


def test_an_offer_is_used_once_accepted_and_the_accepting_is_kept(ledger):
    filed(ledger, ask())
    offer = (Diff(field="daily_impressions", old_value=None, new_value=9_500),)
    with SellerAgent() as agent:
        send(ledger, gateway(agent))
        offered = Step(state="countered", at=MORNING + HOUR, by_seller=True, counter=offer)
        request = record(ledger, only(ledger), offered, who="Ann")
        assert request.agreed == ()
        (heard,) = send(ledger, gateway(agent), MORNING + 2 * HOUR)
        assert heard.told == "countered; the seller still says pending_approval"
    record(ledger, only(ledger), Step(state="approved", at=MORNING + DAY), who="Bob")
    assert only(ledger).agreed == offer
    assert ledger.entries(kind="request")["who"].iloc[-1] == "Bob"


def test_an_offer_we_have_accepted_may_go_on_standing_with_the_seller(ledger):
    filed(ledger, ask())
    offer = [{"field": "daily_impressions", "old_value": None, "new_value": 9_500}]
    with SellerAgent() as agent:
        send(ledger, gateway(agent))
        agent.counter(REFERENCE, offer)
        (heard,) = send(ledger, gateway(agent), MORNING + HOUR)
        assert heard.request.state == "countered"
        record(ledger, only(ledger), Step(state="approved", at=MORNING + DAY), who="Bob")
        (again,) = send(ledger, gateway(agent), MORNING + 2 * DAY)
    assert not again.error
    assert again.told == "we have answered its offer; it has not written that down yet"
    assert only(ledger).state == "approved"


# Writing ----------------------------------------------------------------------------------------


def test_two_words_on_one_request_conflict_and_the_same_word_does_not(ledger):
    (request,) = filed(ledger, ask())
    step = Step(state="pending", at=MORNING, sends=True)
    later = record(ledger, request, step, who="x")
    assert record(ledger, request, step, who="x") == later
    with pytest.raises(LedgerConflictError, match="somebody else has written of request SR-"):
        record(ledger, request, Step(state="rejected", at=MORNING), who="Ann")


def test_a_request_is_found_by_either_name(ledger):
    filed(ledger, ask(), ask(deal="D2"))
    with SellerAgent() as agent:
        send(ledger, gateway(agent))
    requests = read_requests(ledger)
    assert find_request(requests, REFERENCE).request_id == requests[0].request_id
    assert find_request(requests, requests[1].request_id) == requests[1]
    with pytest.raises(InputError, match=r"no request is called 'CR-9'. Open: SR-"):
        find_request(requests, "CR-9")
    with pytest.raises(InputError, match="no request is called SR-NONE"):
        send(ledger, {}, names=["SR-NONE"])


def test_a_seller_nobody_can_reach_is_left_alone(ledger):
    filed(ledger, ask())
    (left,) = send(ledger, {})
    assert left.told == "no way to Ad House is known"
    assert left.request.state == "draft"


# The outbox -------------------------------------------------------------------------------------


def test_the_outbox_holds_a_letter_and_takes_an_answer(ledger, tmp_path):
    filed(ledger, ask())
    outbox = FileOutbox(folder=tmp_path / "out")
    (sent,) = send(ledger, {}, default=outbox)
    name = sent.request.request_id
    letter = json.loads((tmp_path / "out" / f"{name}.json").read_text(encoding="utf-8"))
    assert letter["idempotency_key"] == name
    assert letter["seller"] == "Ad House"
    assert letter["answer_by"] == "2026-04-12T08:00:00+00:00"
    assert [path.name for path in (tmp_path / "out").iterdir()] == [f"{name}.json"]
    before = ledger.head().sequence
    send(ledger, {}, MORNING + HOUR, default=outbox)
    assert ledger.head().sequence == before
    answer = {
        "order_id": "ORD-1",
        "status": "countered",
        "counter": [{"field": "daily_impressions", "new_value": 9_500}],
        "note": "as much as we have",
    }
    path = tmp_path / "out" / f"{name}.answer.json"
    path.write_text(json.dumps(answer), encoding="utf-8")
    (heard,) = send(ledger, {}, MORNING + DAY, default=outbox)
    assert heard.told == "countered: as much as we have"
    assert heard.request.counter[0].new_value == 9_500


def test_a_letter_that_was_changed_is_not_written_over(ledger, tmp_path):
    (request,) = filed(ledger, ask())
    (tmp_path / f"{request.request_id}.json").write_text("{}", encoding="utf-8")
    (held,) = send(ledger, {}, default=FileOutbox(folder=tmp_path))
    assert not held.error  # a letter of this name is there, so it is taken as handed over
    assert (tmp_path / f"{request.request_id}.json").read_text(encoding="utf-8") == "{}"


def test_half_an_answer_in_the_outbox_is_told(ledger, tmp_path):
    outbox = FileOutbox(folder=tmp_path)
    (request,) = filed(ledger, ask())
    send(ledger, {}, default=outbox)
    (tmp_path / f"{request.request_id}.answer.json").write_text('{"status": ', encoding="utf-8")
    (held,) = send(ledger, {}, MORNING + HOUR, default=outbox)
    assert held.error
    assert "cannot be read as JSON" in held.told


def test_a_folder_that_cannot_be_written_is_told(ledger, tmp_path):
    filed(ledger, ask())
    (tmp_path / "file").write_text("x", encoding="utf-8")
    (held,) = send(ledger, {}, default=FileOutbox(folder=tmp_path / "file"))
    assert held.error
    assert "cannot be written" in held.told


def test_two_that_give_up_at_different_times_give_up_once(ledger, monkeypatch):
    filed(ledger, ask())
    with SellerAgent() as agent:
        send(ledger, gateway(agent))
    stale = [read_requests(ledger)]
    expire_overdue(ledger, at=MORNING + 3 * DAY)
    head = ledger.head().sequence

    def read(opened):
        return stale.pop() if stale else read_requests(opened)

    monkeypatch.setattr("adbudget.pacing.requests.sending.read_requests", read)
    (lapsed,) = expire_overdue(ledger, at=MORNING + 4 * DAY)
    assert lapsed.state == "expired"
    assert ledger.head().sequence == head


# Ways to a seller -------------------------------------------------------------------------------


class ByPhone:
    """A gateway as somebody may add it, in a file of its own."""

    name = "phone"

    def submit(self, request) -> Answer:
        return Answer(state="approved", note="agreed on the phone")

    def look_up(self, request) -> Answer | None:
        return None


def test_a_new_gateway_is_one_entry_and_an_address_of_its_kind_opens_it(ledger, monkeypatch):
    monkeypatch.setitem(known_gateways.GATEWAYS, "phone", lambda *_: ByPhone())
    filed(ledger, ask())
    (sent,) = send(ledger, {"Ad House": open_gateway("phone:+49-30-1", rng=rng())})
    assert sent.told == "approved: agreed on the phone"


def test_an_address_says_by_its_kind_how_a_seller_is_reached(tmp_path):
    agent = open_gateway("https://ads.example.org", rng=rng(), token=TOKEN)
    assert agent == HttpGateway(url="https://ads.example.org", rng=agent.rng, token=TOKEN)
    assert open_gateway(f"outbox:{tmp_path}", rng=rng()) == FileOutbox(folder=str(tmp_path))
    for wrong, told in (("ftp://x", "got kind 'ftp'"), ("x", "lives at"), ("outbox:", "folder")):
        with pytest.raises(InputError, match=told):
            open_gateway(wrong, rng=rng())
