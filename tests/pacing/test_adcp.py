"""An AdCP seller: delivery is read from it, and changes are made once, whatever goes wrong."""

import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta

import pandas as pd
import pytest

from adbudget import open_ledger, pace
from adbudget.errors import SellerError
from adbudget.pacing.booked.plan_table import read_plan
from adbudget.pacing.requests import (
    AdcpGateway,
    Diff,
    McpServer,
    SellerRequest,
    adcp_delivery,
    open_gateway,
    read_requests,
    send_requests,
)
from adbudget.pacing.requests.adcp import update_of
from tests.pacing.adcp_server import KEY, AdcpAgent
from tests.pacing.flights import plan_frame, plan_row
from tests.pacing.seller_cases import HOUR, MORNING, ask, filed, only, rng

TOKEN = "ask_live_0123456789abcdef"
CAP = Diff(field="daily_budget", old_value="1000.00", new_value="1100.00")


def about(*diffs: Diff, order_id="mb_1", **changes):
    usual = {"seller_account": "ACC-42", "intent": "raise_delivery"}
    return ask(diffs=diffs or (CAP,), order_id=order_id, **(usual | changes))


def gateway(agent: AdcpAgent, **options) -> AdcpGateway:
    return AdcpGateway(server=McpServer(url=agent.url, timeout=0.5, **options))


@pytest.fixture
def ledger():
    with open_ledger(":memory:") as opened:
        yield opened


def send(ledger, agent, at=MORNING, **options):
    return send_requests(ledger, {"Ad House": gateway(agent, **options)}, at=at)


# Changes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
def test_a_daily_cap_is_changed_and_applied_at_once(ledger, stream):
    filed(ledger, about())
    with AdcpAgent(token=TOKEN, stream=stream) as agent:
        (sent,) = send(ledger, agent, token=TOKEN)
        ((tool, asked),) = agent.calls
    assert (tool, asked["daily_budget_cap"]) == ("update_media_buy", 1_100.0)
    assert asked["account"] == {"account_id": "ACC-42"}
    assert KEY.fullmatch(asked["idempotency_key"])
    assert sent.request.state == "applied"
    assert sent.request.agreed == (CAP,)
    assert TOKEN not in ledger.entries().to_csv()


@pytest.mark.parametrize(
    ("diff", "order_id", "fields"),
    [
        (
            Diff(field="budget", old_value="1.00", new_value="33000.00"),
            "mb_1",
            {"total_budget": {"amount": 33_000.0, "currency": "EUR"}},
        ),
        (
            Diff(field="budget", old_value="1.00", new_value="33000.00"),
            "mb_1/pk_2",
            {"packages": [{"package_id": "pk_2", "budget": 33_000.0}]},
        ),
        (
            Diff(field="flight_end", old_value="2026-04-30", new_value="2026-05-02"),
            "mb_1",
            {"end_time": "2026-05-03T00:00:00+02:00"},
        ),
        (
            Diff(field="paused", old_value="false", new_value="true"),
            "mb_1/pk_2",
            {"packages": [{"package_id": "pk_2", "paused": True}]},
        ),
        (
            Diff(field="impressions", old_value=1, new_value=2),
            "mb_1/pk_2",
            {"packages": [{"package_id": "pk_2", "impressions": 2}]},
        ),
    ],
)
def test_budget_end_and_pause_are_said_in_the_words_of_the_protocol(diff, order_id, fields):
    asked = about(diff, order_id=order_id, time_zone="Europe/Berlin")
    arguments = update_of(SellerRequest(ask=asked))
    assert {name: arguments[name] for name in fields} == fields
    with AdcpAgent() as agent:
        assert gateway(agent).submit(SellerRequest(ask=asked)).state == "applied"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"diffs": (Diff(field="daily_impressions", old_value=1, new_value=2),)}, "no field for"),
        ({"diffs": (CAP, replace(CAP, field="daily_budget_by_day"))}, "another amount every day"),
        ({"seller_account": "", "account": ""}, "column seller_account"),
    ],
)
def test_what_the_protocol_has_no_field_for_is_not_sent(ledger, changes, told):
    filed(ledger, replace(about(), **changes))
    with AdcpAgent() as agent:
        (sent,) = send(ledger, agent)
        assert agent.calls == []
    assert (sent.request.state, sent.error) == ("failed", True)
    assert told in sent.told


def test_a_person_at_the_seller_is_waited_for_by_the_task(ledger):
    filed(ledger, about())
    with AdcpAgent() as agent:
        agent.answers = "task"
        (sent,) = send(ledger, agent)
        assert (sent.request.state, sent.request.seller_ref) == ("pending_approval", "task tk_1")
        send(ledger, agent, MORNING + HOUR)
        assert only(ledger).state == "pending_approval"
        result = {"media_buy_id": "mb_1", "revision": 4, "daily_budget_cap": 1100}
        agent.task = {"status": "completed", "result": result}
        send(ledger, agent, MORNING + 2 * HOUR)
    assert only(ledger).state == "applied"
    assert agent.changes == 1


def test_a_change_without_a_day_waits_and_is_recorded_by_hand(ledger):
    filed(ledger, about())
    with AdcpAgent() as agent:
        agent.answers = "later"
        (sent,) = send(ledger, agent)
        (again,) = send(ledger, agent, MORNING + HOUR)
    assert (sent.request.state, again.error) == ("pending_approval", False)
    assert "record its answer by hand" in again.told


def test_a_task_that_is_refused_brings_the_fallback(ledger):
    filed(ledger, about())
    with AdcpAgent() as agent:
        agent.answers = "task"
        send(ledger, agent)
        agent.task = {"status": "rejected", "error": {"code": "x", "message": "sold out"}}
        (heard,) = send(ledger, agent, MORNING + HOUR)
    assert heard.told == "rejected: sold out"
    assert len(ledger.pending()) == 1


def test_another_cap_than_asked_is_an_offer(ledger):
    filed(ledger, about())
    with AdcpAgent() as agent:
        agent.answers = "other cap"
        (sent,) = send(ledger, agent)
    assert sent.request.state == "countered"
    assert sent.request.counter[0].new_value == "1000.00"
    assert sent.request.agreed == ()


def test_a_refusal_is_final_and_a_passing_trouble_is_not(ledger):
    filed(ledger, about())
    with AdcpAgent() as agent:
        agent.answers = "busy"
        (first,) = send(ledger, agent)
        assert (first.request.state, first.error) == ("pending", True)
        agent.answers = "refused"
        (second,) = send(ledger, agent, MORNING + HOUR)
    assert (second.request.state, second.error) == ("failed", True)
    assert second.told == "failed: BUDGET_TOO_LOW: below the minimum"


@pytest.mark.parametrize("fault", ["silence", "lost", 500, 503, 429])
def test_whatever_goes_wrong_the_change_is_made_once(ledger, fault):
    filed(ledger, about())
    with AdcpAgent() as agent:
        agent.faults = [fault]
        (first,) = send(ledger, agent)
        assert (first.request.state, first.error) == ("pending", True)
        (second,) = send(ledger, agent, MORNING + HOUR)
        assert agent.changes == 1
    assert second.request.state == "applied"


def test_an_address_names_the_gateway():
    opened = open_gateway("adcp:https://ads.example.org/mcp", rng=rng(), token=TOKEN)
    assert isinstance(opened, AdcpGateway)
    assert opened.name == "AdCP agent ads.example.org"
    assert TOKEN not in repr(opened)


def test_a_wrong_key_is_no_answer_to_the_request():
    with AdcpAgent(token=TOKEN) as agent, pytest.raises(SellerError, match="answered 401"):
        gateway(agent).submit(SellerRequest(ask=about()))


# Delivery ---------------------------------------------------------------------------------------


def days(rate: float, number: int = 10) -> list[dict]:
    first = date(2026, 3, 1)
    return [
        {"date": str(first + timedelta(days=day)), "spend": rate + day % 2, "impressions": 1000}
        for day in range(number)
    ]


def plan_table() -> pd.DataFrame:
    return plan_frame(
        plan_row("D1", order_id="mb_1", seller_account="ACC-42"),
        plan_row("D2", order_id="mb_2/pk_1", seller_account="ACC-42"),
        plan_row("D3"),
    )


def test_delivery_is_read_day_by_day_for_buys_and_packages():
    table = plan_table()
    with AdcpAgent() as agent:
        agent.days = {"mb_1": days(1_000), "mb_2/pk_1": days(700), "mb_2/pk_2": days(50)}
        found = adcp_delivery(McpServer(url=agent.url), read_plan(table), until=date(2026, 3, 11))
    spent = found.groupby("deal")["spend"].sum()
    assert spent.to_dict() == {"D1": 10_005, "D2": 7_005}
    assert found[found["deal"] == "D1"]["final"].tolist() == [True] * 8 + [False] * 2
    report = pace(table, found, as_of="2026-03-11")
    assert float(report.status.set_index("deal")["spent"]["D2"]) == 7_005


def test_a_final_buy_is_final_and_a_paused_one_is_paused():
    with AdcpAgent() as agent:
        agent.days = {"mb_1": days(1_000)}
        agent.buy |= {"is_final": True, "status": "paused"}
        plan = read_plan(plan_table())
        found = adcp_delivery(McpServer(url=agent.url), plan, until=date(2026, 3, 11))
    assert found["final"].all()
    report = pace(plan_table(), found, as_of="2026-03-11")
    assert report.status.set_index("deal")["state"]["D1"] == "paused"


def test_delivery_in_another_currency_is_refused():
    with AdcpAgent() as agent:
        agent.days = {"mb_1": days(1_000)}
        agent.buy["currency"] = "USD"
        with pytest.raises(SellerError, match="in USD, and the plan is in EUR"):
            adcp_delivery(
                McpServer(url=agent.url), read_plan(plan_table()), until=date(2026, 3, 11)
            )


def test_the_command_line_reads_paces_and_asks(tmp_path):
    def adbudget(*words: str) -> str:
        command = [sys.executable, "-m", "adbudget", *words]
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    rows = plan_frame(plan_row("D1", order_id="mb_1", seller_account="ACC-42"))
    rows.to_csv(tmp_path / "plan.csv", index=False)
    with AdcpAgent() as agent:
        agent.days = {"mb_1": days(600)}
        source = ("--from", f"Northstar=adcp:{agent.url}", "--until", "2026-03-11")
        adbudget("requests", "delivery", "plan.csv", *source, "--out", "delivery.csv")
        words = ("plan.csv", "delivery.csv", "--as-of", "2026-03-11", "--ledger", "ledger.db")
        adbudget("pace", *words)
        with open_ledger(tmp_path / "ledger.db") as ledger:
            (request,) = read_requests(ledger)
        at = ("--at", "2026-03-11T09:00+00:00", "--who", "Ann", "--ledger", "ledger.db")
        adbudget("approve", f"request:{request.request_id}", *at)
        adbudget("requests", "send", "--to", f"Northstar=adcp:{agent.url}", *at)
        asked = agent.calls[-1][1]
    assert asked["daily_budget_cap"] == pytest.approx(1_199.75)
    with open_ledger(tmp_path / "ledger.db") as ledger:
        assert read_requests(ledger)[0].state == "applied"
