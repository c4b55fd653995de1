"""The change-request API of seller agents, spoken to a server that fails in every way we know."""

import logging

import pytest

from adbudget.errors import InputError, SellerError, SellerSilentError
from adbudget.pacing.requests import Diff, HttpGateway, SellerRequest
from adbudget.pacing.requests.wire import answer_of, body_of, clean
from tests.pacing.seller_cases import LATER, MORNING, ask, rng
from tests.pacing.seller_server import SellerAgent

TOKEN = "ask_live_0123456789abcdef"
REQUEST = SellerRequest(ask=ask())
REFERENCE = "CR-000000000001"


def known(reference: str = REFERENCE) -> SellerRequest:
    return SellerRequest(ask=ask(), state="pending_approval", seller_ref=reference, received=True)


def gateway(agent: SellerAgent, **options) -> tuple[HttpGateway, list[float]]:
    waits: list[float] = []
    usual = {"rng": rng(), "timeout": 0.5, "wait": waits.append}
    return HttpGateway(url=agent.url, **(usual | options)), waits


# What goes over the wire ------------------------------------------------------------------------


def test_the_body_is_what_the_documentation_asks_for():
    body = body_of(REQUEST)
    assert body == {
        "idempotency_key": REQUEST.request_id,
        "order_id": "ORD-1",
        "change_type": "other",
        "diffs": [{"field": "daily_impressions", "old_value": 8000, "new_value": 11000}],
        "proposed_values": {"daily_impressions": 11000},
        "reason": f"{ask().reason} [ref {REQUEST.request_id}]",
        "requested_by": "agent:adbudget",
    }


def test_money_goes_with_its_currency():
    money = Diff(field="daily_budget", old_value="800.00", new_value="1100.00")
    body = body_of(SellerRequest(ask=ask(diffs=(money,))))
    assert body["proposed_values"] == {"daily_budget": "1100.00", "currency": "EUR"}


def test_a_material_change_waits_at_the_seller():
    with SellerAgent(token=TOKEN) as agent:
        answer = gateway(agent, token=TOKEN)[0].submit(REQUEST)
    assert (answer.state, answer.seller_ref) == ("pending_approval", REFERENCE)


def test_a_minor_change_is_approved_at_once():
    request = SellerRequest(ask=ask(intent="shift_dates", diffs=(LATER,)))
    with SellerAgent() as agent:
        answer = gateway(agent)[0].submit(request)
    assert answer.state == "approved"
    assert answer.decided_at is not None
    assert answer.decided_at.isoformat() == "2026-04-10T12:00:00+00:00"  # UTC, unsaid


def test_the_same_request_again_is_one_change():
    with SellerAgent() as agent:
        client, _ = gateway(agent)
        assert client.submit(REQUEST) == client.submit(REQUEST)
        assert len(agent.records) == 1


def test_it_is_found_by_the_sellers_name_and_by_ours():
    with SellerAgent() as agent:
        client, _ = gateway(agent)
        assert client.look_up(REQUEST) is None
        client.submit(REQUEST)
        agent.review(REFERENCE, "reject", MORNING, "sold out")
        by_ours, by_theirs = client.look_up(REQUEST), client.look_up(known())
        assert agent.calls[-2][1] == "/api/v1/change-requests?order_id=ORD-1"
        assert agent.calls[-1][1] == f"/api/v1/change-requests/{REFERENCE}"
    assert by_ours == by_theirs
    assert by_ours is not None
    assert (by_ours.state, by_ours.note) == ("rejected", "sold out")


def test_an_envelope_around_the_change_request_is_opened():
    record = {"status": "approved", "order_id": "ORD-1", "change_request_id": "CR-9"}
    assert answer_of({"change_request": record}, REQUEST, "x") == answer_of(record, REQUEST, "x")


# Refusals are answers ---------------------------------------------------------------------------


def test_what_the_seller_finds_wrong_is_told():
    with SellerAgent() as agent:
        agent.orders["ORD-1"]["status"] = "completed"
        answer = gateway(agent)[0].submit(REQUEST)
    assert answer.state == "failed"
    assert answer.note == "Cannot modify order in 'completed' status."
    assert answer.seller_ref == REFERENCE


def test_an_unknown_order_fails():
    with SellerAgent() as agent:
        answer = gateway(agent)[0].submit(SellerRequest(ask=ask(order_id="ORD-2")))
    assert (answer.state, answer.note) == ("failed", "Order 'ORD-2' not found.")


def test_another_body_under_our_key_fails():
    with SellerAgent() as agent:
        client, _ = gateway(agent)
        client.submit(REQUEST)
        agent.records.clear()  # the seller knows the key, and lists nothing of ours
        answer = client.submit(SellerRequest(ask=ask(reason="Something else.")))
    assert (answer.state, answer.note) == ("failed", "another body")


def test_a_field_the_seller_misses_is_named():
    class Forgetful(SellerAgent):
        def create(self, body):
            return super().create({name: body[name] for name in body if name != "idempotency_key"})

    with Forgetful() as agent:
        answer = gateway(agent)[0].submit(REQUEST)
    assert (answer.state, answer.note) == ("failed", "body.idempotency_key: Field required")


@pytest.mark.parametrize("status", [401, 403, 404, 405, 429, 500, 503])
def test_what_says_nothing_of_the_request_is_no_answer(status):
    with SellerAgent() as agent:
        agent.faults = [status]
        with pytest.raises(SellerError, match=f"answered {status}"):
            gateway(agent)[0].submit(REQUEST)


# Faults -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("silence", r"gave no answer \(ReadTimeout\)"),
        ("lost", r"gave no answer \(RemoteProtocolError\)"),
        ("half", r"gave no answer \(RemoteProtocolError\)"),
        ("half json", "something that is not JSON"),
        ("500", "answered 500"),
        ("500 after", "answered 500"),
    ],
)
def test_asking_is_never_tried_again_by_itself(fault, told):
    with SellerAgent() as agent:
        agent.faults = [fault]
        client, waits = gateway(agent)
        with pytest.raises(SellerError, match=told):
            client.submit(REQUEST)
        assert agent.posts() == 1
    assert waits == []


def test_a_seller_that_lets_time_run_out_is_not_tried_again():
    with SellerAgent() as agent:
        client, waits = gateway(agent)
        agent.faults = ["silence"]
        with pytest.raises(SellerSilentError, match=r"gave no answer \(ReadTimeout\)"):
            client.look_up(known())
        assert len(agent.calls) == 1
    assert waits == []


def test_a_conflict_with_our_own_request_is_its_answer():
    """It arrived before, in other words; the list of the order holds our reference."""
    with SellerAgent() as agent:
        client, _ = gateway(agent)
        client.submit(REQUEST)
        number, text = agent.keys[(REQUEST.ask.order_id, REQUEST.request_id)]
        agent.keys[(REQUEST.ask.order_id, REQUEST.request_id)] = (number, text + " ")
        answer = client.submit(REQUEST)
    assert (answer.state, answer.seller_ref) == ("pending_approval", number)


@pytest.mark.parametrize("fault", ["lost", "half", "500", 429, 502, 503, 504])
def test_reading_is_tried_again(fault):
    with SellerAgent() as agent:
        client, waits = gateway(agent)
        client.submit(REQUEST)
        agent.faults = [fault, fault]
        answer = client.look_up(known())
        assert len(agent.calls) == 4
    assert answer is not None
    assert answer.state == "pending_approval"
    assert len(waits) == 2


def test_waits_grow_at_most_twofold_and_are_drawn():
    with SellerAgent() as agent:
        agent.faults = ["500"] * 5
        client, waits = gateway(agent, tries=5)
        with pytest.raises(SellerError, match="answered 500"):
            client.look_up(known())
        assert len(agent.calls) == 5
    assert all(0 <= wait <= 0.5 * 2**number for number, wait in enumerate(waits))
    assert len(set(waits)) == 4
    draws = rng()
    assert waits == [draws.uniform(0, 0.5 * 2**number) for number in range(4)]


def test_the_seller_may_ask_for_a_longer_wait_within_bounds():
    with SellerAgent() as agent:
        agent.faults = [429, 429]
        client, waits = gateway(agent, longest_wait=5.0)
        assert client.look_up(REQUEST) is None
        assert waits == [5.0, 5.0]
        agent.faults = [429]
        client, waits = gateway(agent)
        assert client.look_up(REQUEST) is None
    assert waits == [7.0]


@pytest.mark.parametrize("status", [400, 401, 403, 422])
def test_a_refused_reading_is_not_tried_again(status):
    with SellerAgent() as agent:
        agent.faults = [status]
        client, waits = gateway(agent)
        with pytest.raises(SellerError, match=f"answered {status}"):
            client.look_up(REQUEST)
        assert len(agent.calls) == 1
    assert waits == []


def test_a_request_the_seller_forgot_is_told():
    with SellerAgent() as agent, pytest.raises(SellerError, match="no longer knows CR-77"):
        gateway(agent)[0].look_up(known("CR-77"))


def test_nobody_listening_is_told_without_a_wait_for_asking():
    with SellerAgent() as agent:
        client, waits = gateway(agent)
    with pytest.raises(SellerError, match=r"seller agent 127.0.0.1:\d+ gave no answer \(Connect"):
        client.submit(REQUEST)
    assert waits == []


def test_a_request_filed_twice_is_found_once_and_the_other_named():
    with SellerAgent(remembers_keys=False) as agent:
        agent.faults = ["twice"]
        client, _ = gateway(agent)
        client.submit(REQUEST)
        found = client.look_up(REQUEST)
    assert found is not None
    assert found.seller_ref == REFERENCE
    assert found.note == "the seller holds it 2 times; have CR-000000000002 taken back."


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ([], "did not answer with a change request"),
        ({"status": 3, "order_id": "ORD-1"}, "did not answer with a change request"),
        ({"status": "approved", "order_id": "ORD-2"}, "answered about order 'ORD-2'"),
        (
            {"status": "maybe", "order_id": "ORD-1"},
            "says the request is 'maybe'; known are",
        ),
        ({"status": "draft", "order_id": "ORD-1"}, "says the request is 'draft'"),
        ({"status": "countered", "order_id": "ORD-1"}, "does not say what it offers"),
        (
            {
                "status": "countered",
                "order_id": "ORD-1",
                "counter": [{"field": "x", "new_value": 1.5}],
            },
            "an offer that cannot be read: x must be text or a whole number",
        ),
        (
            {
                "status": "countered",
                "order_id": "ORD-1",
                "counter": [{"field": "x", "new_value": "a\x00b"}],
            },
            "an offer that cannot be kept: 'a b' is not printable",
        ),
        (
            {
                "status": "countered",
                "order_id": "ORD-1",
                "counter": [{"field": "x", "new_value": 2**70}],
            },
            "an offer that cannot be kept",
        ),
    ],
)
def test_an_answer_that_makes_no_sense_is_refused(document, told):
    with pytest.raises(SellerError, match=told):
        answer_of(document, REQUEST, "the seller")


# Secrets ----------------------------------------------------------------------------------------


def test_the_key_is_sent_and_shown_nowhere(caplog):
    caplog.set_level(logging.DEBUG)
    with SellerAgent(token=TOKEN) as agent:
        client, _ = gateway(agent, token=TOKEN)
        answer = client.submit(REQUEST)
        agent.faults = ["echo"]
        refusal = client.submit(REQUEST)
        agent.faults = ["lost"]
        with pytest.raises(SellerError) as caught:
            client.submit(REQUEST)
    assert answer.state == "pending_approval"
    assert refusal.note == "key Bearer *** is odd"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    for shown in (repr(client), caplog.text, str(caught.value), client.name, str(refusal)):
        assert TOKEN not in shown


def test_without_the_key_the_seller_tells_nothing():
    refused = pytest.raises(SellerError, match="answered 401: Authentication required")
    with SellerAgent(token=TOKEN) as agent, refused:
        gateway(agent)[0].submit(REQUEST)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"url": "ftp://x"}, "lives at an address"),
        ({"url": "https://name:pass@example.org"}, "must hold no name, password or query"),
        ({"url": "https://example.org?key=1"}, "must hold no name, password or query"),
        ({"url": "http://example.org", "token": TOKEN}, "without encryption; use https"),
        ({"url": "https://example.org", "token": "a\nb"}, "token must be printable"),
        ({"url": "https://example.org", "tries": 0}, "tries must be 1 or more"),
    ],
)
def test_an_unsafe_address_is_refused(options, told):
    with pytest.raises(InputError, match=told) as caught:
        HttpGateway(rng=rng(), **options)
    assert "pass@" not in str(caught.value)


def test_a_strangers_text_is_one_printable_line():
    assert clean("a\n\tb\x00\x1b[31mred\u202e") == "a b [31mred"
    assert len(clean("x" * 900)) == 500
    assert clean("größe 5 €") == "größe 5 €"


def test_a_password_in_an_address_is_told_to_nobody():
    told = clean("moved to https://ann:s3cret@ads.example.org/v2, ask there")
    assert told == "moved to https://ann:***@ads.example.org/v2, ask there"
    for url in ("https://ann:s3cret@ads.example.org", "https://ann:s3cret@[ads.example.org"):
        with pytest.raises(InputError) as caught:
            HttpGateway(url=url, rng=rng())
        assert "s3cret" not in str(caught.value)
