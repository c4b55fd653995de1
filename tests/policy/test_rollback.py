"""Undoing a run: a new change through the same guardrails, as a whole."""

from datetime import UTC, datetime

import pytest

from adbudget import LedgerError, open_ledger
from adbudget.policy.rollback import rollback_review
from tests.policy.worked import example, plan_of, table

ROWS = (("A", 1000, 35), ("B", 1000, 75), ("C", 2000, 50), ("D", 2000, 50))
LATER = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY_AFTER = datetime(2026, 3, 3, 12, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path):
    with open_ledger(tmp_path / "l.db") as opened:
        yield opened


def rolled_back(ledger, policy, at, run_id):
    review = rollback_review(policy, ledger, at)
    ledger.rollback(run_id, who="Ana", at=at, review=review)
    frame = ledger.entries(kind="recommendation")
    return frame[frame["rule"] == "rollback"]


def test_small_changes_are_taken_back_at_once(ledger):
    plan = plan_of(table(*ROWS), ledger=ledger)
    assert ledger.current_budgets() == {"A": 1150_00, "B": 800_00, "C": 2050_00}
    proposals = rolled_back(ledger, example(), LATER, plan.run_id)
    assert set(proposals["verdict"]) == {"auto"}
    assert ledger.current_budgets() == {"A": 1000_00, "B": 1000_00, "C": 2000_00}
    assert ledger.verify().ok


def test_large_changes_wait_and_the_raises_hang_on_the_cuts(ledger):
    plan = plan_of(table(*ROWS), ledger=ledger)
    proposals = rolled_back(ledger, example(approval_limit=100), LATER, plan.run_id)
    assert set(proposals["verdict"]) == {"needs_approval"}
    funders = {row.unit: row.payload.get("funded_by", []) for row in proposals.itertuples()}
    assert len(funders["B"]) == 2
    assert funders["A"] == funders["C"] == []


def test_the_kill_switch_stops_a_rollback_too(ledger):
    plan = plan_of(table(*ROWS), ledger=ledger)
    ledger.set_kill(True, who="Ana", at=LATER, reason="stop")
    proposals = rolled_back(ledger, example(), LATER, plan.run_id)
    assert set(proposals["verdict"]) == {"blocked"}
    assert ledger.current_budgets()["A"] == 1150_00


def test_one_move_beyond_the_daily_limit_blocks_the_whole_rollback(ledger):
    policy = example(max_daily_change="20%")
    plan = plan_of(table(*ROWS), policy, ledger=ledger)
    proposals = rolled_back(ledger, policy, DAY_AFTER, plan.run_id)  # B: 800 -> 1000 is +25%
    assert set(proposals["verdict"]) == {"blocked"}
    assert proposals["rationale"].str.contains("B would move by more than 20% in a day").all()


def test_a_ledger_without_a_run_has_nothing_to_roll_back(ledger):
    with pytest.raises(LedgerError, match="holds no run of a policy"):
        rollback_review(example(), ledger, LATER)
