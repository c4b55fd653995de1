"""Ordered is not made: what the table shows, what it does not, and what somebody else has set."""

from datetime import timedelta

import pandas as pd
import pytest

from adbudget import load_policy, open_ledger
from adbudget.policy.apply import apply_policy, rerun
from adbudget.policy.made import Ordered, compare
from adbudget.policy.readings.campaigns import read_campaigns
from tests.policy.test_standing import at, policy, run, table


@pytest.fixture
def ledger(tmp_path):
    with open_ledger(tmp_path / "l.db") as opened:
        yield opened


def kinds(ledger, kind="confirmation") -> list[tuple[str, str]]:
    found = ledger.entries(kind=kind)
    return list(zip(found["unit"], found["verdict"], strict=True))


def test_hourly_runs_of_a_table_that_nobody_changed_order_once(ledger):
    plan = run(ledger, table(), at(2), policy(limit=5000))
    for hour in range(10, 21):
        plan = run(ledger, table(), at(2, hour), policy(limit=5000))
    assert sorted(ledger.entries(kind="change")["unit"]) == ["lose", "ok", "win"]
    assert {"unconfirmed"} <= set(plan.of("win").flags)
    assert any("3 campaigns wait for a change" in note.message for note in plan.notes)
    assert plan.summary["net_change"] == 0


def test_a_table_that_shows_the_new_budgets_confirms_the_changes(ledger):
    run(ledger, table(), at(2), policy(limit=5000))
    assert len(ledger.open_changes()) == 3
    made = {unit: minor // 100 for unit, minor in ledger.current_budgets().items()}
    run(ledger, table(**made), at(2, 12), policy(limit=5000))
    assert set(kinds(ledger)) == {(unit, "confirmed") for unit in made}
    assert set(ledger.open_changes()["unit"]) <= {"win", "ok", "lose"}
    assert ledger.known_budgets()["win"] == 11_500_00


def test_a_person_confirms_and_the_next_run_goes_on(ledger):
    run(ledger, table(), at(2), policy(limit=5000))
    ledger.confirm("win", who="Ann", at=at(2, 10), step="sent")
    assert ledger.open_changes().set_index("unit")["sent_at"].notna().tolist() == [
        True,
        False,
        False,
    ]
    ledger.confirm("win", "ok", "lose", who="Ann", at=at(2, 11))
    assert ledger.open_changes().empty
    assert ledger.known_budgets() == ledger.current_budgets()


def test_a_change_that_was_not_made_in_time_counts_as_never_made_and_is_ordered_again(ledger):
    run(ledger, table(), at(2), policy(limit=5000))
    run(ledger, table(), at(3, 10), policy(limit=5000))
    assert set(kinds(ledger)) == {(unit, "withdrawn") for unit in ("win", "ok", "lose")}
    assert len(ledger.entries(kind="change")) == 6


def test_a_budget_that_somebody_else_set_is_noted_once(ledger):
    run(ledger, table(), at(2), policy(limit=5000))
    plan = run(ledger, table(win=20_000, ok=10_500, lose=8_000), at(2, 11), policy(limit=5000))
    (note,) = [note for note in plan.notes if note.kind == "budget_drift"]
    assert "win: 11,500.00 in the ledger, 20,000.00 in the table" in note.message
    assert dict(
        zip(*[ledger.entries(kind="observation")[c] for c in ("unit", "new_minor")], strict=True)
    ) == {"win": 20_000_00}
    again = run(ledger, table(win=20_000, ok=10_500, lose=8_000), at(2, 12), policy(limit=5000))
    assert not [note for note in again.notes if note.kind == "budget_drift"]


def test_drift_after_a_confirmed_change_is_noted_too(ledger):
    calm = table(lose_leads=1400)
    run(ledger, table(), at(2), policy(limit=5000))
    ledger.confirm("win", "ok", "lose", who="Ann", at=at(2, 11))
    plan = run(ledger, calm.assign(budget=[11_000, 10_500, 8_000]), at(4), policy(limit=5000))
    (note,) = [note for note in plan.notes if note.kind == "budget_drift"]
    assert "win: 11,500.00 in the ledger, 11,000.00 in the table" in note.message


def test_an_ordered_pause_is_not_ordered_again_and_a_paused_campaign_confirms_it(ledger):
    bad = pd.DataFrame({"campaign_id": ["bad", "ok"], "budget": [1000, 5000], "cpl": [400.0, 50.0]})
    rules = load_policy("target_cpl: $50")
    for hour in (9, 10, 11):
        plan = apply_policy(rules, bad, ledger=ledger, as_of=at(2, hour))
        assert plan.of("bad").action == "pause"
    assert len(ledger.entries(kind="change")) == 1
    apply_policy(rules, bad.assign(status=["paused", "active"]), ledger=ledger, as_of=at(2, 12))
    assert kinds(ledger) == [("bad", "confirmed")]


def test_runs_of_a_ledger_in_use_replay_identically(ledger):
    plans = [run(ledger, table(), at(2, hour), policy(limit=5000)) for hour in (9, 10)]
    plans.append(run(ledger, table(win=20_000), at(2, 11), policy(limit=5000)))
    for plan in plans:
        replayed = ledger.replay(plan.run_id, rerun)
        assert replayed.identical, replayed.differences


def test_a_budget_from_before_an_order_that_was_not_made_is_waited_for_not_drifted():
    """An order built on another one: the table may show either budget before it."""
    table = pd.DataFrame({"campaign_id": ["a"], "budget": [100.0]})
    readings = read_campaigns(table, as_of=at(2, 12), currency="EUR")
    order = {"key": "k", "unit": "a", "old_minor": 120_00, "new_minor": 150_00, "pauses": False}
    for starts, waits in (((100_00,), True), ((), False)):
        ordered = Ordered(**order, at=at(2), starts=starts)
        made = compare(readings, [ordered], {}, at=at(2, 12), patience=timedelta(days=1))
        assert (set(made.waiting) == {"a"}) is waits
        assert (made.drifted == ()) is waits
