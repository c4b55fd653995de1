"""Runs replayed from the ledger, and changes taken back through review."""

from dataclasses import replace
from datetime import timedelta

import pytest

from adbudget import InputError, KillSwitchError, LedgerConflictError, LedgerError, open_ledger
from adbudget.ledger import digest
from tests.ledger.ledger_cases import AT, change, entry, move

LATER = AT + timedelta(days=1)
INPUTS = {"budgets": {"A": 2000, "B": 3000}, "percent": 15}


def run_a_rule(inputs: dict, run_id: str, ledger) -> list:
    """A run as small as can be: raise by a percentage of today's opening budget, and say so."""
    opening = ledger.opening_budgets(AT.date(), "UTC")
    pairs = [(run_id, entry("run", run_id=run_id, payload={"inputs": inputs},
                            inputs_hash=digest(inputs)))]  # fmt: skip
    for unit, budget in inputs["budgets"].items():
        start = opening.get(unit, budget)
        new = start + start * inputs["percent"] // 100
        pairs.append((f"{run_id}/{unit}", move(unit, budget, new, verdict="auto", run_id=run_id)))
    return pairs


@pytest.fixture
def logged(ledger):
    """A run, its changes, and history after it that a replay must not see."""
    ledger.append(change("A", 1000, 2000, run_id="run-0"), key="earlier today")
    pairs = run_a_rule(INPUTS, "run-1", ledger)
    ledger.append_many([*pairs, *apply(pairs)])
    ledger.append(change("B", 3450, 100, run_id="run-2", hours=-9), key="later, dated earlier")
    return ledger


def apply(pairs) -> list:
    return [(f"apply:{key}", replace(made, kind="change")) for key, made in pairs[1:]]


def test_a_logged_run_comes_out_again_letter_by_letter(logged):
    replay = logged.replay(
        "run-1", lambda run, then: run_a_rule(run.payload["inputs"], run.run_id, then)
    )
    assert replay.identical
    assert (replay.run_id, replay.n_entries, replay.differences) == ("run-1", 3, ())


def test_a_replay_sees_the_ledger_as_it_was_and_not_what_came_later(logged):
    run = logged.logged_run("run-1")
    assert list(run.decided) == ["run-1", "run-1/A", "run-1/B"]
    assert logged.opening_budgets(AT.date(), "UTC") == {"A": 1000, "B": 3450}
    assert run.decided["run-1/A"].new_minor == 1150
    now = {key: made.new_minor for key, made in run_a_rule(INPUTS, "run-1", logged)}
    assert now["run-1/B"] != run.decided["run-1/B"].new_minor


def test_a_replay_names_what_differs(logged):
    def rerun(run, then):
        pairs = dict(run_a_rule(run.payload["inputs"] | {"percent": 20}, run.run_id, then))
        del pairs["run-1/B"]
        return [*pairs.items(), ("run-1/C", move("C", 1, 2))]

    replay = logged.replay("run-1", rerun)
    assert not replay.identical
    assert replay.n_entries == 4
    joined = "\n".join(replay.differences)
    assert "'run-1/A': new_minor was 1150 and is 1200" in joined
    assert "'run-1': inputs_hash was" in joined
    assert "'run-1/B' was logged and did not come out again" in joined
    assert "'run-1/C' came out now and was not logged" in joined


def test_a_replay_cannot_write(logged):
    with pytest.raises(LedgerError, match="can only be read"):
        logged.replay("run-1", lambda run, then: [then.append(entry(), key="x")])


def test_what_people_did_with_a_run_does_not_change_its_replay(ledger):
    pairs = [("r", entry("run", run_id="run-1")), ("a", move("A", 1, 2)), ("b", move("B", 1, 2))]
    ledger.append_many(pairs)
    ledger.approve("a", who="Ann", at=LATER)
    ledger.reject("b", who="Ann", at=LATER, reason="no")
    assert ledger.replay("run-1", lambda run, then: pairs).identical


@pytest.mark.parametrize("run_id", ["", "run-9"])
def test_a_run_nobody_logged_is_refused(logged, run_id):
    with pytest.raises(LedgerError, match=f"no entry of kind 'run' with run_id '{run_id}'"):
        logged.replay(run_id, lambda run, then: [])


# Rolling back -----------------------------------------------------------------------------------


@pytest.fixture
def changed(ledger):
    ledger.append_many(
        [
            ("r", entry("run", run_id="run-1")),
            ("a", change("A", 2000, 2300, run_id="run-1")),
            ("c", change("C", 3000, 2700, run_id="run-1")),
        ]
    )
    return ledger


def all_auto(pairs):
    return [(key, replace(proposal, verdict="auto")) for key, proposal in pairs]


def test_a_rollback_is_a_new_change_and_history_stays(changed):
    receipts = changed.rollback("run-1", who="Ann", at=LATER, review=all_auto)
    assert changed.current_budgets() == {"A": 2000, "C": 3000}
    log = changed.entries().iloc[3:]
    assert log["kind"].tolist() == ["rollback", *["recommendation"] * 2, *["change"] * 2]
    assert log["old_minor"].tolist()[1:3] == [2300, 2700]
    assert log["rule"].tolist()[1:] == ["rollback"] * 4
    assert log["rationale"].tolist()[1] == "undoes the change of run 'run-1'"
    assert log["who"].unique().tolist() == ["Ann"]
    assert [receipt.status for receipt in receipts] == ["written"] * 5
    assert changed.verify().ok


def test_a_rollback_starts_from_todays_budget_and_tells_of_later_runs(changed):
    changed.append(change("A", 2300, 2500, run_id="run-2"), key="a2")
    changed.rollback("run-1", who="Ann", at=LATER, review=all_auto)
    row = changed.entries(kind="recommendation", unit="A").iloc[0]
    assert (row["old_minor"], row["new_minor"]) == (2500, 2000)
    assert row["rationale"] == "undoes the change of run 'run-1', and of 'run-2' after it"


def test_a_rollback_goes_through_the_same_review_as_any_change(changed):
    def guarded(pairs):
        """25% a day is the most: 2700 -> 3000 is fine, and A is a campaign somebody locked."""
        verdicts = {"A": "blocked", "C": "needs_approval"}
        return [(key, replace(made, verdict=verdicts[made.unit])) for key, made in pairs]

    changed.rollback("run-1", who="Ann", at=LATER, review=guarded)
    assert changed.current_budgets() == {"A": 2300, "C": 2700}
    waiting = changed.pending()
    assert waiting["unit"].tolist() == ["C"]
    changed.approve(waiting["item"].iloc[0], who="Bob", at=LATER)
    assert changed.current_budgets() == {"A": 2300, "C": 3000}


def test_a_review_may_go_only_part_of_the_way(changed):
    def halfway(pairs):
        return [(k, replace(made, verdict="auto", new_minor=2500)) for k, made in pairs]

    changed.rollback("run-1", who="Ann", at=LATER, review=halfway)
    assert changed.current_budgets() == {"A": 2500, "C": 2500}


@pytest.mark.parametrize(
    ("review", "message"),
    [
        (lambda pairs: pairs, "verdict of auto, needs_approval, blocked"),
        (lambda pairs: all_auto(pairs)[:1], r"missing: \['rollback:run-1:.*:C'\], unknown: \[\]"),
        (lambda pairs: [*all_auto(pairs), ("x", move("X", 1, 2))], r"unknown: \['x'\]"),
        (lambda pairs: [(k, replace(made, verdict="auto", unit="Z")) for k, made in pairs],
         "leave its unit as it is; got verdict 'auto' for 'Z'"),
    ],
)  # fmt: skip
def test_a_review_that_is_none_is_refused(changed, review, message):
    with pytest.raises(InputError, match=message):
        changed.rollback("run-1", who="Ann", at=LATER, review=review)
    assert changed.head().sequence == 3


def test_a_rollback_stops_at_the_kill_switch(changed):
    changed.set_kill(True, who="Ann", at=AT, reason="stop")
    with pytest.raises(KillSwitchError):
        changed.rollback("run-1", who="Ann", at=LATER, review=all_auto)
    assert changed.head().sequence == 4


def test_a_rollback_decided_on_an_older_ledger_is_not_written(changed):
    def slow(pairs):
        changed.append(change("A", 2300, 2400, run_id="run-2"), key="meanwhile")
        return all_auto(pairs)

    with pytest.raises(LedgerConflictError, match="has grown"):
        changed.rollback("run-1", who="Ann", at=LATER, review=slow)
    assert changed.current_budgets() == {"A": 2400, "C": 2700}


def test_there_is_nothing_to_undo_twice(changed):
    changed.rollback("run-1", who="Ann", at=LATER, review=all_auto)
    with pytest.raises(LedgerError, match="every budget is back where it was"):
        changed.rollback("run-1", who="Ann", at=LATER + timedelta(1), review=all_auto)


def test_a_run_that_changed_nothing_cannot_be_rolled_back():
    with open_ledger(":memory:") as ledger:
        ledger.append(move("A", 1, 2), key="a")
        with pytest.raises(LedgerError, match="'run-1' changed no budget"):
            ledger.rollback("run-1", who="Ann", at=LATER, review=all_auto)
