"""Two accounts in one ledger whose deals are called the same."""

from datetime import UTC, datetime

import pandas as pd
import pytest

from adbudget import InputError, open_ledger, pace
from adbudget.ledger.entry import Entry
from adbudget.pacing.delivery.past_measurements import measurement_history
from adbudget.pacing.delivery.scopes import in_scope, named_deals
from adbudget.pacing.moves.locks import lock_deal
from adbudget.pacing.requests.request_entries import read_requests
from tests.pacing.flights import daily, plan_frame, plan_of, plan_row, ten_days

AS_OF = "2026-03-11"
AT = datetime(2026, 3, 11, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path):
    with open_ledger(tmp_path / "ledger.db") as opened:
        yield opened


def of(account: str, **changes: object) -> pd.DataFrame:
    rows = [plan_row("D1"), plan_row("D2")]
    return plan_frame(*(row | {"account": account} | changes for row in rows))


def delivered(first: float, second: float) -> pd.DataFrame:
    parts = [daily("D1", ten_days(first)), daily("D2", ten_days(second))]
    return pd.concat(parts, ignore_index=True)


def test_two_accounts_with_the_same_deals_share_nothing(ledger):
    alone = pace(of("acme"), delivered(5_000, 14_000), as_of=AS_OF, ledger=ledger)
    n_before = ledger.head().sequence
    fresh = pace(of("beta"), delivered(12_000, 6_000), as_of=AS_OF)
    both = pace(of("beta"), delivered(12_000, 6_000), as_of=AS_OF, ledger=ledger)

    assert alone.status["deal"].tolist() == ["D1", "D2"]
    assert both.status["deal"].tolist() == ["beta::D1", "beta::D2"]
    assert both.corrections.empty  # the days of acme are no earlier figures of beta
    assert both.status["state"].tolist() == fresh.status["state"].tolist()
    assert len(both.raised) == len(fresh.raised) > 0  # no alert of acme silences one of beta
    entries = ledger.entries()
    new = entries[entries["sequence"] > n_before]
    assert not {"D1", "D2"} & set(new["unit"])
    names = [request.request_id for request in read_requests(ledger)]
    assert len(names) == len(set(names))
    assert {request.ask.order_id for request in read_requests(ledger)} <= {"D1", "D2"}

    lock_deal(ledger, "D1", who="ann", at=AT, reason="signed")
    corrected = pace(of("acme"), delivered(5_100, 14_000), as_of="2026-03-11T06:00", ledger=ledger)
    assert set(corrected.corrections["deal"]) == {"D1"}
    again = pace(of("beta"), delivered(12_000, 6_000), as_of="2026-03-11T06:00", ledger=ledger)
    assert again.corrections.empty
    assert again.status["deal"].tolist() == ["beta::D1", "beta::D2"]
    history = measurement_history(ledger, unit="beta::D1", level="deal")
    assert [str(spent) for spent in history["spent"]] == ["12000.00", "12000.00"]


def test_the_same_run_again_writes_nothing_whoever_came_between(ledger):
    pace(of("acme"), delivered(5_000, 14_000), as_of=AS_OF, ledger=ledger)
    first = pace(of("beta"), delivered(12_000, 6_000), as_of=AS_OF, ledger=ledger)
    before = ledger.head()
    again = pace(of("beta"), delivered(12_000, 6_000), as_of=AS_OF, ledger=ledger)
    pace(of("acme"), delivered(5_000, 14_000), as_of=AS_OF, ledger=ledger)
    assert ledger.head() == before
    assert again.status["deal"].tolist() == first.status["deal"].tolist()


def test_a_ledger_of_an_older_version_goes_on_with_the_names_it_has(ledger):
    run = Entry(kind="pacing", at=datetime(2026, 3, 1, tzinfo=UTC), who="old", payload={})
    ledger.append(run, key="pace:old")
    report = pace(of("acme"), delivered(5_000, 14_000), as_of=AS_OF, ledger=ledger)
    assert report.status["deal"].tolist() == ["D1", "D2"]


def test_a_plan_without_accounts_is_called_as_it_is(ledger):
    pace(of("acme"), delivered(5_000, 14_000), as_of=AS_OF, ledger=ledger)
    plan = plan_of(plan_row("D7"))
    assert in_scope(plan, ledger) is plan


def test_what_a_person_says_of_d1_is_taken_for_the_one_deal_called_so(ledger):
    pace(of("acme"), delivered(5_000, 14_000), as_of=AS_OF, ledger=ledger)
    report = pace(of("beta"), delivered(12_000, 6_000), as_of=AS_OF, ledger=ledger, locked=["D1"])
    assert not {"beta::D1"} & {*report.moves.get("source", ()), *report.moves.get("target", ())}
    plan = plan_of(plan_row("a::D1", account="a"), plan_row("b::D1", account="b"))
    with pytest.raises(InputError, match="could be any of a::D1, b::D1"):
        named_deals(plan, {"D1": 1})
