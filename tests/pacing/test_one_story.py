"""One story of a deal in one run, and drafts that do not outlive their reason."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from adbudget import FileOutbox, open_ledger, pace, send_requests
from adbudget.pacing.requests import read_requests
from tests.pacing.flights import daily, plan_frame, plan_row

DAY_11 = datetime(2026, 3, 11, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def ledger(tmp_path):
    with open_ledger(tmp_path / "ledger.db") as opened:
        yield opened


def states(ledger) -> list[tuple[str, str]]:
    return [(one.state, one.approval) for one in read_requests(ledger)]


def wobbling(mean: float, n_days: int = 10) -> list[float]:
    return [mean + 5 * (-1) ** day for day in range(n_days)]


def both(first: float, second: float, n_days: int = 10) -> pd.DataFrame:
    return pd.concat([daily("D1", wobbling(first, n_days)), daily("D2", wobbling(second, n_days))])


def test_a_deal_that_is_to_get_money_is_not_asked_to_slow_down_nor_the_giver_to_go_faster():
    alone = pace(plan_frame(plan_row("D2")), daily("D2", wobbling(1_500)), as_of=DAY_11)
    assert alone.requests["intent"].tolist() == ["throttle_delivery"]
    assert alone.alerts["action"].tolist() == ["throttle_delivery"]
    two = plan_frame(plan_row("D1"), plan_row("D2", seller="Arena"))
    report = pace(two, both(600, 1_500), as_of=DAY_11)
    assert report.moves[["source", "target"]].to_numpy().tolist() == [["D1", "D2"]]
    assert report.requests.empty
    advice = dict(zip(report.alerts["unit"], report.alerts["action"], strict=True))
    assert (advice["D1"], advice["D2"]) == ("take_budget", "give_budget")


CAUGHT_UP = [*wobbling(600), 2_400.0, 2_410.0, 2_390.0]  # on plan by now, and too fast


def test_a_draft_is_withdrawn_when_the_next_run_asks_for_something_else(ledger):
    pace(plan_frame(), daily("D1", wobbling(600)), as_of=DAY_11, ledger=ledger)
    assert states(ledger) == [("draft", "waiting")]
    assert len(ledger.pending()) == 1
    report = pace(plan_frame(), daily("D1", CAUGHT_UP), as_of=DAY_11 + 3 * DAY, ledger=ledger)
    assert report.requests["intent"].tolist() == ["throttle_delivery"]
    assert states(ledger) == [("withdrawn", "rejected"), ("draft", "waiting")]
    assert len(ledger.pending()) == 1


def test_a_draft_that_people_approved_is_withdrawn_too_and_never_sent(ledger, tmp_path):
    pace(plan_frame(), daily("D1", wobbling(600)), as_of=DAY_11, ledger=ledger)
    (draft,) = read_requests(ledger)
    ledger.approve(f"request:{draft.request_id}", who="Ann", at=DAY_11)
    pace(plan_frame(), daily("D1", CAUGHT_UP), as_of=DAY_11 + 3 * DAY, ledger=ledger)
    outbox = FileOutbox(folder=tmp_path / "out")
    (other,) = send_requests(ledger, {}, at=DAY_11 + 3 * DAY, default=outbox)
    assert other.request.request_id != draft.request_id
    assert not (tmp_path / "out").exists()


def test_a_draft_stays_while_nearly_the_same_is_asked_and_is_renewed_when_it_is_not(ledger):
    pace(plan_frame(), daily("D1", wobbling(600)), as_of=DAY_11, ledger=ledger)
    later = wobbling(600, 11)
    report = pace(plan_frame(), daily("D1", later), as_of=DAY_11 + DAY, ledger=ledger)
    assert report.requests.empty  # 1,231 a day instead of 1,200
    assert states(ledger) == [("draft", "waiting")]
    stopped = [*later, 100.0, 110.0, 90.0, 105.0]
    report = pace(plan_frame(), daily("D1", stopped), as_of=DAY_11 + 5 * DAY, ledger=ledger)
    assert len(report.requests) == 1
    assert states(ledger) == [("withdrawn", "rejected"), ("draft", "waiting")]
    assert len(ledger.pending()) == 1


def test_a_draft_stays_when_the_figures_say_nothing_new(ledger):
    pace(plan_frame(), daily("D1", wobbling(600)), as_of=DAY_11, ledger=ledger)
    pace(plan_frame(), daily("D1", wobbling(600)), as_of=DAY_11 + 5 * DAY, ledger=ledger)
    assert states(ledger) == [("draft", "waiting")]


def test_a_draft_of_a_deal_that_is_paused_is_withdrawn(ledger):
    pace(plan_frame(), daily("D1", wobbling(600)), as_of=DAY_11, ledger=ledger)
    paused = plan_frame(plan_row(status="paused"))
    pace(paused, daily("D1", [*wobbling(600), 0]), as_of=DAY_11 + DAY, ledger=ledger)
    assert states(ledger) == [("withdrawn", "rejected")]


def test_a_run_that_withdraws_made_again_writes_nothing(ledger):
    pace(plan_frame(), daily("D1", wobbling(600)), as_of=DAY_11, ledger=ledger)
    delivery = daily("D1", CAUGHT_UP)
    pace(plan_frame(), delivery, as_of=DAY_11 + 3 * DAY, ledger=ledger)
    head = ledger.head()
    pace(plan_frame(), delivery, as_of=DAY_11 + 3 * DAY, ledger=ledger)
    assert ledger.head() == head
    assert ledger.verify().ok
