"""What is written once, what is refused, and what is read back. In both databases."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from adbudget import InputError, LedgerConflictError, LedgerError, open_ledger
from tests.ledger.ledger_cases import AT, change, entry, move

BERLIN = ZoneInfo("Europe/Berlin")


def test_the_same_key_and_entry_twice_is_one_write(ledger):
    first = ledger.append(move("A", 100, 115), key="run-1/A")
    again = ledger.append(move("A", 100, 115), key="run-1/A")
    assert (first.status, again.status) == ("written", "replayed")
    assert (again.sequence, again.hash, again.key) == (first.sequence, first.hash, "run-1/A")
    assert len(ledger.entries()) == 1


def test_another_entry_under_the_same_key_is_a_conflict_that_names_the_difference(ledger):
    ledger.append(move("A", 100, 115), key="run-1/A")
    with pytest.raises(
        LedgerConflictError, match=r"'run-1/A' .* entry 1: new_minor is 115 there and 120 here"
    ):
        ledger.append(move("A", 100, 120), key="run-1/A")
    assert ledger.entries()["new_minor"].tolist() == [115]


def test_a_payload_that_differs_only_in_the_kind_of_number_is_another_entry(ledger):
    ledger.append(entry(payload={"leads": 1}), key="k")
    with pytest.raises(LedgerConflictError, match="payload is"):
        ledger.append(entry(payload={"leads": 1.0}), key="k")


def test_many_entries_are_written_all_or_none(ledger):
    ledger.append(entry(unit="old"), key="b")
    with pytest.raises(LedgerConflictError):
        ledger.append_many([("a", entry()), ("b", entry(unit="other")), ("c", entry())])
    assert ledger.entries()["key"].tolist() == ["b"]


def test_receipts_come_in_the_order_of_the_call(ledger):
    ledger.append(entry(), key="b")
    receipts = ledger.append_many([(key, entry()) for key in "cbac"])
    assert [receipt.key for receipt in receipts] == list("cbac")
    assert [receipt.status for receipt in receipts] == [
        "written",
        "replayed",
        "written",
        "replayed",
    ]
    assert [receipt.sequence for receipt in receipts] == [2, 1, 3, 2]


def test_a_call_with_nothing_in_it_writes_nothing(ledger):
    assert ledger.append_many([]) == []
    assert ledger.head().sequence == 0


def test_one_call_cannot_use_a_key_for_two_entries(ledger):
    with pytest.raises(LedgerConflictError, match="in this very call"):
        ledger.append_many([("a", entry()), ("a", entry(unit="B"))])
    assert len(ledger.entries()) == 0


def test_an_entry_comes_back_as_it_went_in(ledger):
    kept = move(
        "Köln 💶 %s '\" ;--",
        2**63 - 1,
        -(2**53) - 1,
        seed=2**62 + 1,
        payload={"text": "a\nb\t\\", "none": None, "f": 1e-300, "nested": [{"x": [1, 2.5]}]},
        rationale="100 % :of :it",
    )
    ledger.append(kept, key="a key: with %s :and ünicode")
    row = ledger.entries().iloc[0]
    for name, value in kept.facts().items():
        if name not in ("at", "payload"):
            assert row[name] == value, name
    assert row["payload"] == kept.payload
    assert row["at"] == pd.Timestamp(AT)
    assert row["key"] == "a key: with %s :and ünicode"


def test_whole_numbers_beyond_floats_survive_beside_missing_ones(ledger):
    ledger.append_many([("a", entry()), ("b", entry(seed=2**53 + 1))])
    seeds = ledger.entries()["seed"]
    assert seeds.dtype == "Int64"
    assert seeds.isna().tolist() == [True, False]
    assert int(seeds[1]) == 2**53 + 1


def test_an_empty_ledger_has_the_same_columns_as_a_full_one(ledger):
    empty = ledger.entries()
    ledger.append(move("A", 1, 2), key="a")
    full = ledger.entries()
    assert empty.dtypes.to_dict() == full.dtypes.to_dict()
    assert ledger.pending().dtypes.to_dict() == ledger.as_of(0).pending().dtypes.to_dict()


def test_entries_are_found_by_kind_unit_run_rule_and_time(ledger):
    hour = timedelta(hours=1)
    ledger.append_many(
        [
            ("run", entry("run", run_id="run-1")),
            ("a", entry("alert", unit="A", run_id="run-1", at=AT + hour)),
            ("b", entry("alert", unit="B", run_id="run-2", rule="cpl", at=AT + 2 * hour)),
            ("c", entry("measurement", unit="A", at=AT + 3 * hour)),
        ]
    )

    def keys(**filters) -> list[str]:
        return ledger.entries(**filters)["key"].tolist()

    assert keys() == ["run", "a", "b", "c"]
    assert keys(kind="alert") == ["a", "b"]
    assert keys(kind=["run", "measurement"]) == ["run", "c"]
    assert keys(unit="A") == ["a", "c"]
    assert keys(run_id="run-1") == ["run", "a"]
    assert keys(rule="cpl") == ["b"]
    assert keys(since=AT + hour, until=AT + 3 * hour) == ["a", "b"]
    assert keys(since=(AT + 2 * hour).astimezone(BERLIN)) == ["b", "c"]
    assert keys(last=2) == ["b", "c"]
    assert keys(kind="alert", last=1) == ["b"]
    assert ledger.alerts(AT + 2 * hour)["key"].tolist() == ["b"]


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"since": datetime(2026, 3, 1)}, "since must be a datetime with a time zone"),
        ({"until": "2026-03-01"}, "until must be a datetime with a time zone"),
        ({"last": 0}, "last must be a whole number of at least 1; got 0"),
    ],
)
def test_a_filter_that_means_nothing_is_refused(ledger, filters, message):
    with pytest.raises(InputError, match=message):
        ledger.entries(**filters)


@pytest.mark.parametrize("key", ["", " a", "a\n", "x" * 251, "approval:a", "kill:0", "change:a"])
def test_a_key_nobody_could_type_or_of_the_ledgers_own_is_refused(ledger, key):
    with pytest.raises(InputError, match="key must"):
        ledger.append(entry(), key=key)


@pytest.mark.parametrize(("kind", "way"), [("approval", "Ledger.approve"), ("kill", "set_kill")])
def test_what_only_a_person_may_say_cannot_be_appended(ledger, kind, way):
    with pytest.raises(InputError, match=f"kind '{kind}' is written by .*{way}"):
        ledger.append(entry(kind), key="k")


def test_a_change_cannot_wait_for_approval(ledger):
    with pytest.raises(InputError, match="write 'k' as a recommendation"):
        ledger.append(change("A", 1, 2, verdict="needs_approval"), key="k")


def test_only_entries_are_appended(ledger):
    with pytest.raises(InputError, match="must come with an Entry; got dict"):
        ledger.append({"kind": "alert"}, key="k")


# Deciding on what was read ----------------------------------------------------------------------


def test_a_decision_made_on_an_older_ledger_is_not_written(ledger):
    known = ledger.head().sequence
    ledger.append(change("A", 100, 125), key="somebody else")
    with pytest.raises(LedgerConflictError, match="grown from entry 0 to 1 since it was read"):
        ledger.append_many([("mine", change("A", 100, 125))], expected_head=known)
    assert len(ledger.entries()) == 1


def test_a_decision_made_on_this_very_ledger_is_written_and_may_be_repeated(ledger):
    ledger.append(entry(), key="a")
    pairs = [("b", change("A", 100, 125)), ("c", entry())]
    first = ledger.append_many(pairs, expected_head=1)
    ledger.append(entry(), key="d")
    again = ledger.append_many(pairs, expected_head=1)
    assert [receipt.status for receipt in first + again] == ["written"] * 2 + ["replayed"] * 2


# Budgets of a day -------------------------------------------------------------------------------


def test_a_days_opening_budget_is_the_one_before_its_first_change(ledger):
    ledger.append_many(
        [
            ("1", change("A", 900, 1000, hours=-24)),
            ("2", change("A", 1000, 1100)),
            ("3", change("B", 500, 450, hours=1)),
            ("4", change("A", 1100, 1200, hours=2)),
            ("5", move("C", 100, 200)),  # proposed only
        ]
    )
    assert ledger.opening_budgets(date(2026, 3, 1), "UTC") == {"A": 1000, "B": 500}
    assert ledger.opening_budgets(date(2026, 2, 28), "UTC") == {"A": 900}
    assert ledger.opening_budgets(date(2026, 3, 2), "UTC") == {}
    assert ledger.current_budgets() == {"A": 1200, "B": 450}


@pytest.mark.parametrize(
    ("day", "midnight", "hours"),
    [
        (date(2026, 3, 29), "2026-03-28T23:00Z", 23),
        (date(2026, 10, 25), "2026-10-24T22:00Z", 25),
        (date(2026, 7, 1), "2026-06-30T22:00Z", 24),
    ],
)
def test_a_day_in_berlin_has_23_24_or_25_hours(ledger, day, midnight, hours):
    start, tick = datetime.fromisoformat(midnight), timedelta(microseconds=1)
    end = start + timedelta(hours=hours)
    instants = {"before": start - tick, "first": start, "last": end - tick, "after": end}
    ledger.append_many([(unit, change(unit, 1, 2, at=at)) for unit, at in instants.items()])
    assert set(ledger.opening_budgets(day, "Europe/Berlin")) == {"first", "last"}


def test_a_day_that_is_no_day_is_refused(ledger):
    with pytest.raises(InputError, match="day must be a date without a time"):
        ledger.opening_budgets(AT, "UTC")
    with pytest.raises(InputError, match="time zone such as 'Europe/Berlin'; got 'Berlin'"):
        ledger.opening_budgets(date(2026, 3, 1), "Berlin")


# The ledger as it was ---------------------------------------------------------------------------


def test_the_ledger_as_of_an_entry_sees_nothing_later_and_cannot_be_written(ledger):
    ledger.append_many([("a", change("A", 1, 2)), ("b", change("A", 2, 3))])
    ledger.set_kill(True, who="Ann", at=AT, reason="audit")
    then = ledger.as_of(1)
    assert then.entries()["key"].tolist() == ["a"]
    assert then.current_budgets() == {"A": 2}
    assert not then.kill_state().on
    assert then.head() == then.verify().head
    assert ledger.as_of(1).as_of(3).head() == then.head()
    with pytest.raises(LedgerError, match="as of entry 1, which can only be read"):
        then.append(entry(), key="c")


def test_entries_are_listed_without_their_payloads_and_payloads_without_the_rest(ledger):
    for day, key in ((1, "a"), (2, "b"), (3, "c")):
        when = AT + timedelta(days=day)
        ledger.append(entry(at=when, payload={"n": day}, policy_hash=key * 64), key=key)
    kind = entry().kind
    assert [key for key, _, _ in ledger.index(kind=kind, last=2)] == ["b", "c"]
    since, until = AT + timedelta(days=2), AT + timedelta(days=3)
    assert ledger.index(kind=kind, since=since, until=until) == [("b", since, "b" * 64)]
    assert ledger.payloads(["c", "a", "none"]) == {"a": {"n": 1}, "c": {"n": 3}}


# Opening ----------------------------------------------------------------------------------------


def test_what_was_written_is_there_after_opening_again(ledger_url):
    with open_ledger(ledger_url) as ledger:
        receipt = ledger.append(entry(), key="a")
    with open_ledger(ledger_url, create=False) as ledger:
        assert (ledger.head().sequence, ledger.head().hash) == (1, receipt.hash)


def test_a_place_without_a_ledger_is_refused_unless_one_is_wanted(ledger_url):
    with pytest.raises(LedgerError, match=r"there is no ledger at|holds no ledger"):
        open_ledger(ledger_url, create=False)
    open_ledger(ledger_url).close()
    open_ledger(ledger_url, create=False).close()


def test_a_ledger_of_a_later_format_is_refused(ledger_url):
    with open_ledger(ledger_url) as ledger, ledger._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE ledger_about SET format = 2")
    with pytest.raises(LedgerError, match="has format 2; this version reads format 1"):
        open_ledger(ledger_url)
