"""Facts about the HTTP platform and the server: what is lost on the way is found again."""

import signal
import threading
from dataclasses import fields

import httpx
import pandas as pd
import pytest

from adbudget.errors import InputError, PlatformError
from adbudget.platforms import BudgetOrder, HttpPlatform, OrderAnswer, StandingBudget
from adbudget.platforms.platform import DAILY
from adbudget.platforms.state import open_state
from tests.platforms.conftest import SPAN, ServerProcess, budget_of, order_for

SMALL_OPTIONS = (
    *("--accounts", "2", "--channels", "2", "--history", "60", "--seed", "3"),
    *("--start", "2026-03-02", "--speed", "0"),
)


@pytest.fixture
def platform(server):
    yield HttpPlatform(url=server.url, timeout=20.0)
    httpx.delete(f"{server.url}/faults", timeout=30).raise_for_status()


def fault(server: ServerProcess, kind: str, on: str = "orders", **facts) -> None:
    server.post("/faults", {"kind": kind, "on": on} | ({"count": 1} | facts))


# --- faults


@pytest.mark.parametrize("kind", ["dropped", "500_after", "garbage", "half"])
def test_an_order_whose_answer_is_lost_was_made_once(server, platform, kind):
    budget = platform.budgets()[0]
    order = order_for(budget, budget.daily_minor + 11)
    fault(server, kind)
    with pytest.raises(PlatformError) as lost:
        platform.set_budget(order)
    assert lost.value.retryable
    told = platform.answer_of(order.key)
    assert told.status == "made"
    after = budget_of(platform, budget.unit)
    assert after.daily_minor == order.daily_minor
    assert platform.set_budget(order) == told
    assert budget_of(platform, budget.unit) == after


@pytest.mark.parametrize(("kind", "seconds"), [("500", 0), ("timeout", 3)])
def test_an_order_that_never_arrived_can_be_sent_again(server, platform, kind, seconds):
    budget = platform.budgets()[0]
    order = order_for(budget, budget.daily_minor + 12)
    fault(server, kind, seconds=seconds)
    impatient = HttpPlatform(url=server.url, timeout=1.0 if seconds else 20.0)
    with pytest.raises(PlatformError) as failed:
        impatient.set_budget(order)
    assert failed.value.retryable
    assert platform.answer_of(order.key) is None
    assert budget_of(platform, budget.unit) == budget
    assert platform.set_budget(order).status == "made"


def test_a_slow_answer_is_heard_by_whoever_waits(server, platform):
    budget = platform.budgets()[0]
    fault(server, "slow", seconds=1)
    assert platform.set_budget(order_for(budget, budget.daily_minor + 13)).status == "made"


def test_faults_meet_only_the_calls_they_are_meant_for(server, platform):
    fault(server, "500", on="performance", count=2)
    platform.budgets()
    for _ in range(2):
        with pytest.raises(PlatformError, match="500"):
            platform.performance(*SPAN)
    platform.performance(*SPAN)
    fault(server, "500", on="any", count=None, probability=1.0)
    with pytest.raises(PlatformError):
        platform.budgets()


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "gone"}, {"kind": "500", "count": 0}, {"kind": "500"}, {"kind": "500", "x": 1}],
)
def test_a_fault_that_is_none_is_refused(server, wrong):
    answer = httpx.post(f"{server.url}/faults", json=wrong, timeout=30)
    assert answer.status_code == 400
    assert answer.json()["message"]


# --- the process


def test_killed_between_the_write_and_the_answer_nothing_is_lost(tmp_path):
    state = ("--state", str(tmp_path / "state.db"))
    with ServerProcess(*SMALL_OPTIONS, *state) as first:
        platform = HttpPlatform(url=first.url, timeout=60.0)
        first.post("/clock", {"days": 3, "hours": 7.25})
        budget = platform.budgets()[0]
        order = order_for(budget, budget.daily_minor * 2)
        fault(first, "slow", seconds=300)
        heard = []
        asking = threading.Thread(target=lambda: heard.append(_outcome(platform, order)))
        asking.start()
        while platform.answer_of(order.key) is None:
            assert asking.is_alive()
        report = platform.performance(*SPAN)
        standing = platform.budgets()
        first.kill()
        asking.join(timeout=60)
    assert isinstance(heard[0], PlatformError)
    assert heard[0].retryable
    with ServerProcess("--speed", "0", *state) as second:
        platform = HttpPlatform(url=second.url, timeout=60.0)
        assert platform.budgets() == standing
        assert platform.answer_of(order.key).status == "made"
        again = platform.performance(*SPAN)
        pd.testing.assert_frame_equal(again.frame, report.frame)
        assert (again.complete_until, again.reported_at) == (
            report.complete_until,
            report.reported_at,
        )
        assert platform.set_budget(order).status == "made"
        assert platform.budgets() == standing
        assert second.end(signal.SIGINT) == 0


def _outcome(platform: HttpPlatform, order: BudgetOrder) -> object:
    try:
        return platform.set_budget(order)
    except PlatformError as error:
        return error


def test_two_processes_on_one_state_do_not_mix_their_orders(tmp_path):
    first, second = (open_state(tmp_path / "state.db", {"seed": 1}) for _ in range(2))
    for state in (first, second):
        assert list(state.events()) == []
    first.append({"order": 1})
    with pytest.raises(PlatformError, match="another process"):
        second.append({"order": 2})
    assert list(second.events()) == [{"order": 1}]
    first.close()
    second.close()


def test_a_state_of_another_world_is_refused(tmp_path):
    from typer.testing import CliRunner

    from adbudget.cli.app import app

    state = ["--state", str(tmp_path / "state.db")]
    with ServerProcess(*SMALL_OPTIONS, *state) as running:
        assert running.end() == 0
    refused = CliRunner().invoke(app, ["simulate-platform", "--seed", "4", *state])
    assert isinstance(refused.exception, PlatformError)
    assert "other" in str(refused.exception)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--speed", "-1"], "--speed"),
        (["--rule", "delay_hours=soon"], "delay_hours"),
        (["--rule", "nothing=1"], "no rule"),
        (["--start", "tomorrow"], "--start"),
        (["--world", "nowhere"], "--world"),
    ],
)
def test_options_that_cannot_be_used_are_refused(options, said):
    from typer.testing import CliRunner

    from adbudget.cli.app import app

    refused = CliRunner().invoke(app, ["simulate-platform", *options])
    assert isinstance(refused.exception, InputError)
    assert said in str(refused.exception)


# --- the clock, and what else it offers


def test_the_clock_runs_a_year_at_once_and_never_back(server, platform):
    before = pd.Timestamp(httpx.get(f"{server.url}/clock", timeout=30).json()["now"])
    server.post("/clock", {"to": (before + pd.Timedelta(days=40)).isoformat()})
    after = pd.Timestamp(server.post("/clock", {"to": before.isoformat()})["now"])
    assert after - before == pd.Timedelta(days=40)
    day = (before + pd.Timedelta(days=20)).date()
    assert len(platform.performance(day, day).frame) == 4
    assert len(platform.outcome(day, day).frame) == 2
    for wrong in ({"to": "soon"}, {"to": "2030-01-01"}, {"decades": 1}):
        answer = httpx.post(f"{server.url}/clock", json=wrong, timeout=30)
        assert answer.status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/v1/nothing", None, 404),
        ("GET", "/v1", None, 404),
        ("GET", "/v1/orders", None, 400),
        ("GET", "/v1/performance?since=2026-03-01", None, 400),
        ("GET", "/v1/performance?since=2026-03-02&until=2026-03-01", None, 400),
        ("POST", "/v1/orders", b"{", 400),
        ("POST", "/v1/orders", b'{"order": {"key": "k"}}', 400),
        ("POST", "/v1/orders", b'{"order": 5}', 400),
        ("POST", "/v1/orders", b"[]", 400),
        ("POST", "/pauses", b'{"account": "x"}', 400),
    ],
)
def test_calls_that_are_wrong_are_answered_with_words(server, method, path, body, status):
    answer = httpx.request(method, server.url + path, content=body, timeout=30)
    assert answer.status_code == status
    assert set(answer.json()) == {"error", "message"}


def test_a_token_is_asked_for_and_never_told(tmp_path, monkeypatch):
    monkeypatch.setenv("ADBUDGET_PLATFORM_TOKEN", "s3cret-token")
    with ServerProcess(*SMALL_OPTIONS) as running:
        assert len(HttpPlatform(url=running.url, token="s3cret-token").budgets()) == 4
        for token in (None, "other"):
            stranger = HttpPlatform(url=running.url, token=token)
            with pytest.raises(PlatformError, match="401") as refused:
                stranger.budgets()
            assert not refused.value.retryable
            assert "s3cret" not in f"{refused.value}{stranger!r}"


def test_nobody_at_the_address_may_be_tried_again():
    with pytest.raises(PlatformError, match="gave no answer") as silent:
        HttpPlatform(url="http://127.0.0.1:9").budgets()
    assert silent.value.retryable


def test_an_address_that_is_not_one_is_refused():
    for url in ("ftp://x", "http://", "https://u:p@x", "https://x/?a=1"):
        with pytest.raises(InputError):
            HttpPlatform(url=url)
    with pytest.raises(InputError, match="without encryption"):
        HttpPlatform(url="http://ads.example.org", token="t")


# --- the contract as it is written


def test_the_contract_names_the_fields_of_the_records(server):
    contract = httpx.get(f"{server.url}/v1/openapi.json", timeout=30).json()
    schemas = contract["components"]["schemas"]
    for record in (StandingBudget, BudgetOrder, OrderAnswer):
        properties = schemas[record.__name__]["properties"]
        assert set(properties) == {each.name for each in fields(record)}
    columns = schemas["PerformanceReport"]["properties"]["columns"]
    assert set(columns["required"]) == set(DAILY)
    assert set(columns["properties"]) == {*DAILY, "hour"}


def test_every_path_of_the_contract_is_served(server):
    contract = httpx.get(f"{server.url}/v1/openapi.json", timeout=30).json()
    for path, calls in contract["paths"].items():
        for method in calls:
            answer = httpx.request(method.upper(), server.url + path, timeout=30)
            assert answer.status_code in (200, 400), (method, path)
