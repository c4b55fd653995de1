"""The whole way: pace drafts, a person approves, a seller agrees, and pace believes it."""

from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest

import adbudget
from adbudget.pacing.requests import AskRules, HttpGateway, Step, read_requests, record
from tests.pacing.seller_cases import only, rng
from tests.pacing.seller_server import SellerAgent

START = date(2026, 4, 1)
RULES = AskRules(most_raise=1.2, most_extension_days=8)  # rather longer than faster


def plan() -> pd.DataFrame:
    row = {"deal": "D1", "campaign": "spring", "channel": "video", "seller": "Ad House"}
    money = {"budget": 30_000, "currency": "EUR", "curve": "even"}
    return pd.DataFrame([row | money | {"start": START, "end": START + timedelta(days=29)}])


def delivery(n_days: int) -> pd.DataFrame:
    days = [START + timedelta(days=day) for day in range(n_days)]
    spend = [800 + 10 * (-1) ** day for day in range(n_days)]
    return pd.DataFrame(
        {"deal": "D1", "date": days, "spend": spend, "impressions": 1000, "final": True}
    )


def paced(ledger, n_days: int):
    return adbudget.pace(
        plan(),
        delivery(n_days),
        as_of=after(n_days),
        ledger=ledger,
        ask_rules=RULES,
        orders={"D1": "ORD-1"},
    )


def after(n_days: int) -> datetime:
    return datetime(2026, 4, 1, tzinfo=UTC) + timedelta(days=n_days)


@pytest.fixture
def ledger():
    with adbudget.open_ledger(":memory:") as opened:
        yield opened


def test_what_pace_drafts_is_in_its_report_and_in_the_ledger(ledger):
    report = paced(ledger, 10)
    (row,) = report.requests.to_dict("records")
    request = only(ledger)
    assert row["request_id"] == request.request_id
    assert row["changes"] == "flight_end 2026-04-30 -> 2026-05-08"
    assert (row["state"], row["approval"]) == ("draft", "waiting")
    entry = ledger.entries(kind="request").iloc[0]
    assert (entry["run_id"], entry["unit"]) == (report.run_id, "D1")
    assert len(paced(ledger, 10).requests) == 1  # the same run again is the same report
    assert len(read_requests(ledger)) == 1
    assert paced(ledger, 11).requests.empty  # while an answer is due, nobody is asked again


def test_an_agreed_end_moves_the_projection_and_an_offer_does_not(ledger):
    before = paced(ledger, 10).status.iloc[0]
    assert before["projected"] == pytest.approx(24_000, rel=2e-3)
    ledger.approve(f"request:{only(ledger).request_id}", who="Ann", at=after(10))
    with SellerAgent() as agent:
        gateways = {"Ad House": HttpGateway(url=agent.url, rng=rng())}
        (sent,) = adbudget.send_requests(ledger, gateways, at=after(10))
        assert sent.request.state == "pending_approval"
        assert paced(ledger, 11).status.iloc[0]["end"].date() == date(2026, 4, 30)
        agent.review("CR-000000000001", "approve", after(11))
        adbudget.send_requests(ledger, gateways, at=after(12))
    report = paced(ledger, 12)
    now = report.status.iloc[0]
    assert now["end"].date() == date(2026, 5, 8)
    assert now["projected"] == pytest.approx(30_400, rel=2e-3)
    assert "agreement_used" in {note.kind for note in report.notes}
    assert report.requests.empty


def test_pace_gives_up_on_what_is_overdue_and_proposes_the_fallback(ledger):
    paced(ledger, 10)
    step = Step(state="pending", at=after(10), sends=True, received=True)
    record(ledger, only(ledger), step, who="Ann")
    report = paced(ledger, 14)
    assert only(ledger).state == "expired"
    fallbacks = ledger.pending()
    assert "let the" in " ".join(fallbacks["rationale"])
    assert set(ledger.entries(kind="request")["run_id"]) >= {report.run_id}
    assert ledger.verify().ok


def test_how_a_seller_answered_is_expected_of_it_next(ledger):
    fresh = paced(ledger, 10).requests.iloc[0]
    step = Step(state="pending", at=after(10), sends=True, received=True)
    request = record(ledger, only(ledger), step, who="Ann")
    refusal = Step(state="rejected", at=after(10) + timedelta(hours=1), by_seller=True)
    record(ledger, request, refusal, who="Ann")
    assert paced(ledger, 13).requests.empty  # it rests
    again = paced(ledger, 14).requests.iloc[0]
    assert again["prob_granted"] < fresh["prob_granted"]
    patience = again["deadline"] - pd.Timestamp(after(14))
    assert patience <= fresh["deadline"] - pd.Timestamp(after(10))
