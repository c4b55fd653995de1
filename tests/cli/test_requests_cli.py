"""The commands about sellers, against a real ledger and a real server; some as processes."""

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout

import pytest

from adbudget import open_ledger
from adbudget.cli import main
from adbudget.cli.requests import token_name
from adbudget.pacing.requests import read_requests
from tests.pacing.seller_cases import LATER, ask, filed
from tests.pacing.seller_server import SellerAgent

TOKEN = "ask_live_0123456789abcdef"
NOW = ("--at", "2026-04-10T09:00+00:00", "--who", "Ann")


@pytest.fixture
def place(tmp_path):
    """A folder with a ledger that holds an approved draft and one that waits for approval."""
    with open_ledger(tmp_path / "ledger.db") as ledger:
        filed(ledger, ask())
        filed(ledger, ask(deal="D2", order_id="ORD-2"), approve=False)
    return tmp_path


def process(place, *words, code=0, **environment) -> str:
    """What a process of its own prints."""
    done = subprocess.run(
        [sys.executable, "-m", "adbudget", "requests", *words, "--ledger", "ledger.db"],
        cwd=place,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def run(place, *words, code=0) -> str:
    """What the same command line prints in this process, which is quicker."""
    out, error = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(error):
        patch.chdir(place)
        patch.setattr(sys, "argv", ["adbudget", "requests", *words, "--ledger", "ledger.db"])
        with pytest.raises(SystemExit) as left:
            main()
    assert left.value.code == code, out.getvalue() + error.getvalue()
    return error.getvalue() if code else out.getvalue()


def requests_of(place):
    with open_ledger(place / "ledger.db") as ledger:
        return read_requests(ledger)


def test_what_is_open_is_listed(place):
    told = process(place, "list")
    assert "daily_impressions 8000 -> 11000" in told
    assert "draft, waits for approval" in told
    assert "2 of 2 requests." in told
    rows = [json.loads(line) for line in run(place, "list", "--format", "json").splitlines()]
    assert [row["deal"] for row in rows] == ["D1", "D2"]
    assert rows[0]["deadline"] == "2026-04-20T08:00:00+00:00"
    assert rows[0]["sent_at"] is None


def test_it_goes_to_the_outbox_unless_told_otherwise(place):
    told = run(place, "send", *NOW)
    first, second = requests_of(place)
    assert (first.state, second.state) == ("pending", "draft")
    assert (place / "outbox" / f"{first.request_id}.json").exists()
    assert f"waits for approval: adbudget approve request:{second.request_id}" in told


def test_it_goes_over_http_with_the_key_of_that_seller_only(place):
    with SellerAgent(token=TOKEN) as agent:
        key = {token_name("Ad House"): TOKEN}
        told = process(place, "send", "--to", f"Ad House={agent.url}", *NOW, **key)
        assert agent.posts() == 1
    assert "pending_approval" in told
    assert TOKEN not in told
    assert TOKEN.encode() not in (place / "ledger.db").read_bytes()


def test_a_seller_that_is_down_ends_with_one_and_harms_nothing(place):
    with SellerAgent() as agent:
        url = agent.url
    told = process(place, "send", "--to", f"Ad House={url}", *NOW, code=1)
    assert "gave no answer (ConnectError)" in told
    assert "2 requests, 1 with trouble." in told
    assert requests_of(place)[0].state == "pending"


def test_an_answer_is_recorded_and_an_offer_accepted(place):
    run(place, "send", *NOW)
    name = requests_of(place)[0].request_id
    told = run(
        place,
        "record",
        name,
        "countered",
        "--offer",
        "daily_impressions=9500",
        "--ref",
        "X-1",
        *NOW,
    )
    assert "pending -> countered." in told
    assert "No projection uses it until it is accepted" in told
    told = run(place, "record", "X-1", "approved", "--at", "2026-04-11T09:00+00:00", "--who", "Bob")
    assert "countered -> approved." in told
    assert "part of the projection from now on: daily_impressions -> 9500." in told
    (request, _) = requests_of(place)
    assert request.agreed[0].new_value == 9_500
    assert request.answered_at is not None
    assert request.answered_at.isoformat() == "2026-04-10T09:00:00+00:00"
    again = run(place, "record", "X-1", "approved", *NOW)
    assert "is approved already; nothing was written." in again


def test_a_refusal_tells_the_fallback(place):
    run(place, "send", *NOW)
    name = requests_of(place)[0].request_id
    told = run(place, "record", name, "rejected", "--note", "sold out", *NOW)
    assert "Fallback: Let the 6,000.00 EUR go elsewhere." in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("record", "SR-NONE", "approved", *NOW), "no request is called 'SR-NONE'"),
        (("record", "FIRST", "agreed", *NOW), "got 'agreed'"),
        (("record", "FIRST", "expired", *NOW), "expired is not for a person to record"),
        (("record", "FIRST", "countered", *NOW), "countered with at least one --offer"),
        (("record", "FIRST", "approved", "--offer", "impressions=5", *NOW), "goes with countered"),
        (("record", "FIRST", "countered", "--offer", "impressions=lots", *NOW), "a whole number"),
        (("record", "FIRST", "countered", "--offer", "flight_end=soon", *NOW), "must be a date"),
        (("record", "FIRST", "countered", "--offer", "x", *NOW), "written FIELD=VALUE"),
        (("record", "SECOND", "approved", *NOW), "waits for approval"),
        (("send", "--to", "https://example.org", *NOW), "must be written SELLER=URL"),
        (("send", "--to", "A=ftp://x", *NOW), "lives at an address"),
        (("send", "SR-NONE", *NOW), "no request is called SR-NONE"),
        (("list", "--state", "open"), "got 'open'"),
        (("sellers", "--at", "noon"), "--at must be an instant"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_paragraph(place, words, told):
    names = dict(zip(("FIRST", "SECOND"), requests_of(place), strict=True))
    words = [names[word].request_id if word in names else word for word in words]
    assert told in " ".join(run(place, *words, code=2).split())


def test_a_draft_carried_by_hand_can_be_answered_at_once(tmp_path):
    with open_ledger(tmp_path / "ledger.db") as ledger:
        filed(ledger, ask(intent="shift_dates", diffs=(LATER,)))
    name = requests_of(tmp_path)[0].request_id
    run(tmp_path, "record", name, "pending", "--note", "by phone", *NOW)
    run(tmp_path, "record", name, "approved", "--at", "2026-04-10T12:00+00:00", "--who", "Ann")
    (request,) = requests_of(tmp_path)
    assert request.agreed == (LATER,)
    told = run(tmp_path, "sellers", "--at", "2026-04-11")
    assert "Ad House" in told
    assert "1 sellers." in told


def test_a_draft_is_taken_back_without_a_fallback(place):
    name = requests_of(place)[0].request_id
    assert "draft -> rejected." in run(place, "record", name, "rejected", *NOW)
    (request, _) = requests_of(place)
    assert (request.state, request.attempts, request.received) == ("rejected", 0, False)
    with open_ledger(place / "ledger.db") as ledger:
        assert ledger.entries(kind="recommendation").empty


def test_a_missing_ledger_is_not_made(tmp_path):
    error = run(tmp_path, "list", code=2)
    assert "ledger.db" in error
    assert not (tmp_path / "ledger.db").exists()


def test_the_sellers_names_of_order_and_account_reach_it_from_the_plan(tmp_path):
    plan = "deal,campaign,channel,seller,currency,budget,start,end,curve,order_id,seller_account\n"
    plan += "007,c,ctv,Ad House,EUR,30000,2026-04-01,2026-04-30,even,ORD-1,ACC-42\n"
    rows = [f"007,2026-04-{day:02d},{600 + day % 2},50000,True" for day in range(1, 11)]
    (tmp_path / "plan.csv").write_text(plan)
    (tmp_path / "delivery.csv").write_text(
        "\n".join(["deal,date,spend,impressions,final", *rows]) + "\n"
    )
    command = (sys.executable, "-m", "adbudget", "pace", "plan.csv", "delivery.csv")
    options = ("--as-of", "2026-04-11", "--ledger", "ledger.db")
    subprocess.run([*command, *options], cwd=tmp_path, check=True, capture_output=True)
    (request,) = requests_of(tmp_path)
    with open_ledger(tmp_path / "ledger.db") as ledger:
        ledger.approve(f"request:{request.request_id}", who="Ann", at=request.ask.drafted_at)
    later = ("--at", "2026-04-11T09:00+00:00", "--who", "Ann")
    with SellerAgent() as agent:
        run(tmp_path, "send", "--to", f"Ad House={agent.url}", *later)
        body = agent.calls[0][2]
    assert body is not None
    assert (body["order_id"], body["seller_account"]) == ("ORD-1", "ACC-42")


def test_a_request_that_is_refused_as_written_ends_with_one(place):
    with SellerAgent() as agent:
        agent.orders = {}
        told = process(place, "send", "--to", f"Ad House={agent.url}", *NOW, code=1)
    assert "failed: Order 'ORD-1' not found." in told
