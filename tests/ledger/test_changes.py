"""Ordered, sent, confirmed: what became of changes, when it was written, and ledgers of before."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from sqlalchemy import insert

from adbudget import InputError, LedgerConflictError, LedgerError
from adbudget.ledger.entry import GENESIS, chain_hash
from adbudget.ledger.schema import ENTRY
from tests.ledger.ledger_cases import AT, change, entry, move

LATER = AT + timedelta(hours=1)


def open_units(ledger) -> list[str]:
    return ledger.open_changes()["unit"].tolist()


def test_a_change_is_open_until_somebody_says_it_was_made(ledger):
    ledger.append_many([("a", change("A", 100, 120)), ("b", change("B", 100, 80))])
    assert open_units(ledger) == ["A", "B"]
    ledger.confirm("a", who="platform", at=LATER)
    assert open_units(ledger) == ["B"]
    assert ledger.known_budgets() == {"A": 120}
    ledger.confirm("B", who="Ann", at=LATER, step="withdrawn", reason="campaign is gone")
    assert open_units(ledger) == []
    assert ledger.known_budgets() == {"A": 120}
    assert ledger.verify().ok


def test_a_later_change_takes_the_place_of_the_one_before(ledger):
    ledger.append_many([("1", change("A", 100, 120)), ("2", change("A", 100, 110, hours=1))])
    assert ledger.open_changes()["change"].tolist() == ["2"]
    with pytest.raises(LedgerError, match="no change called '1' is to be confirmed"):
        ledger.confirm("1", who="Ann", at=LATER)


def split_move(ledger, *, confirmed: bool) -> list[tuple[int, ...]]:
    """A raise whose first part went at once; the rest is approved later. Starts of what is open."""
    ledger.append_many([("first", change("A", 100, 120)), ("rest", move("A", 120, 150))])
    if confirmed:
        ledger.confirm("first", who="platform", at=LATER)
    ledger.approve("rest", who="Ann", at=LATER)
    table = ledger.open_changes()
    assert table["new_minor"].tolist() == [150]
    assert ledger.verify().ok
    return table["starts"].tolist()


def test_the_rest_of_a_move_says_where_the_budget_stands_if_its_first_part_was_not_made(ledger):
    assert split_move(ledger, confirmed=False) == [(100,)]


def test_the_rest_of_a_move_whose_first_part_was_made_has_one_start(ledger):
    assert split_move(ledger, confirmed=True) == [()]


def test_a_pause_and_a_budget_of_one_campaign_are_two_orders(ledger):
    pause = change("A", 100, 100, payload={"action": "pause"})
    ledger.append_many([("budget", change("A", 100, 120)), ("pause", pause)])
    assert ledger.open_changes()["action"].tolist() == ["", "pause"]
    ledger.confirm("pause", who="Ann", at=LATER)
    assert ledger.open_changes()["change"].tolist() == ["budget"]


def test_what_the_platform_made_of_it_may_be_another_amount(ledger):
    ledger.append_many([("a", change("A", 100, 120)), ("b", change("B", 1, 2))])
    ledger.confirm("a", who="Ann", at=LATER, budget_minor=115)
    assert ledger.known_budgets() == {"A": 115}
    ledger.append(change("A", 115, 120, hours=2), key="c")
    with pytest.raises(InputError, match="a budget is of one change; 2 are named"):
        ledger.confirm("b", "c", who="Ann", at=AT + timedelta(hours=3), budget_minor=5)


def test_a_confirmation_cannot_be_dated_before_the_change(ledger):
    ledger.append(change("A", 100, 120, hours=2), key="a")
    with pytest.raises(InputError, match="is before the change 'a' itself"):
        ledger.confirm("a", who="Ann", at=LATER)


def test_a_change_is_said_to_be_sent_once(ledger):
    ledger.append(change("A", 100, 120), key="a")
    first = ledger.confirm("a", who="gateway", at=LATER, step="sent")
    again = ledger.confirm("a", who="gateway", at=LATER + timedelta(hours=1), step="sent")
    assert (len(first), again) == (1, [])
    assert ledger.open_changes()["sent_at"].tolist() == [pd.Timestamp(LATER)]


def test_an_item_is_outdated_once_another_budget_was_confirmed(ledger):
    ledger.append_many([("made", change("A", 90, 100)), ("item", move("A", 100, 125))])
    ledger.confirm("made", who="Ann", at=LATER, budget_minor=95)
    with pytest.raises(
        LedgerConflictError, match=r"no longer stands: the budget was seen at 0\.95"
    ):
        ledger.approve("item", who="Ann", at=LATER)


def test_an_item_stands_when_the_budget_it_starts_from_is_confirmed(ledger):
    ledger.append_many([("made", change("A", 90, 100)), ("item", move("A", 100, 125))])
    ledger.confirm("made", who="Ann", at=LATER)
    assert ledger.approve("item", who="Ann", at=LATER).applied == ("item",)


def test_a_channel_that_is_measured_does_not_overtake_a_campaign_of_its_name(ledger):
    measured = entry(
        "measurement", unit="A", run_id="pace-1", at=LATER, payload={"level": "channel"}
    )
    ledger.append_many([("item", move("A", 100, 125)), ("measured", measured)])
    assert ledger.pending()["item"].tolist() == ["item"]


def test_the_database_notes_when_it_wrote_whatever_the_caller_calls_the_moment(ledger):
    before = datetime.now(UTC) - timedelta(seconds=5)
    ledger.append(entry(payload={"x": 1}), key="a")
    row = ledger.entries().iloc[0]
    assert row["at"] == pd.Timestamp(AT)
    assert before < row["written_at"] < datetime.now(UTC) + timedelta(seconds=5)
    assert row["payload"] == {"x": 1}
    assert ledger.append(entry(payload={"x": 1}), key="a").status == "replayed"
    with pytest.raises(InputError, match="written_at is noted by the ledger itself"):
        ledger.append(entry(payload={"written_at": "2026-01-01"}), key="b")


def as_before(ledger, *pairs) -> None:
    """Write entries as the version before this one did: no moment of writing in their payload."""
    previous, rows = GENESIS, []
    for sequence, (key, one) in enumerate(pairs, 1):
        facts = one.facts()
        digest = chain_hash(sequence, previous, key, facts)
        rows.append(
            facts | {"sequence": sequence, "key": key, "previous_hash": previous, "hash": digest}
        )
        previous = digest
    with ledger._writing() as connection:
        connection.execute(insert(ENTRY), rows)


def test_a_ledger_of_the_version_before_is_read_verified_and_goes_on(ledger):
    as_before(ledger, ("a", change("A", 100, 120)), ("item", move("B", 100, 125)))
    assert ledger.verify().ok
    assert ledger.entries()["written_at"].isna().all()
    assert ledger.append(change("A", 100, 120), key="a").status == "replayed"
    assert ledger.approve("item", who="Ann", at=LATER).applied == ("item",)
    assert open_units(ledger) == ["A", "B"]
    ledger.confirm("A", who="Ann", at=LATER)
    assert ledger.verify().ok
    assert ledger.entries()["written_at"].isna().tolist()[:3] == [True, True, False]
