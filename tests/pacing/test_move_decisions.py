"""Moves in the ledger: written, approved, rejected, overridden, locked, and never made twice."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

import pandas as pd
import pytest

from adbudget import (
    InputError,
    KillSwitchError,
    LedgerConflictError,
    LedgerError,
    open_ledger,
    pace,
)
from adbudget.ledger import Entry
from adbudget.pacing.delivery.measures import measure
from adbudget.pacing.moves.decided import approve_moves, budgets_now, override_moves, reject_moves
from adbudget.pacing.moves.locks import lock_deal, locked_deals, unlock_deal
from adbudget.pacing.moves.move import MovePlan
from adbudget.pacing.moves.move_entries import move_entries
from adbudget.pacing.moves.reallocation import propose_moves
from tests.pacing.moving import deal, delivery_table, flight, plan_table

MORNING = datetime(2026, 4, 11, 8, tzinfo=UTC)
ANN = {"who": "Ann", "at": MORNING + timedelta(hours=1)}
SURE = (deal("D1", 40_000, 12_000, 1.0), deal("D2", 40_000, 26_000, 3.0))
UNSURE = (
    deal("D1", 40_000, 12_000, seller_maximum=None),
    deal("D2", 40_000, 26_000, seller_maximum=60_000),
)
GROUP = "moves:r1:D1"


@pytest.fixture
def ledger(tmp_path):
    with open_ledger(tmp_path / "l.db") as opened:
        yield opened


def written(ledger, *rows, run_id="r1", **options) -> MovePlan:
    moved = propose_moves(*flight(*rows), run_id=run_id, **options)
    ledger.append_many(move_entries(moved, at=MORNING, who="adbudget pace", run_id=run_id))
    return moved


def last_budgets(ledger) -> dict[str, int]:
    return {deal: minor // 100 for deal, minor in ledger.current_budgets().items()}


def test_moves_that_need_nobody_are_changes_at_once_and_balance(ledger):
    written(ledger, *SURE)
    assert last_budgets(ledger) == {"D1": 28_000, "D2": 52_000}
    assert ledger.pending().empty
    assert ledger.verify().ok


def test_the_same_cycle_again_writes_nothing(ledger):
    written(ledger, *SURE)
    before = ledger.head()
    written(ledger, *SURE)
    assert ledger.head() == before


def test_moves_that_wait_change_nothing_until_somebody_approves_the_group(ledger):
    written(ledger, *UNSURE)
    assert ledger.current_budgets() == {}
    assert set(ledger.pending()["group_id"]) == {GROUP}
    ruling = approve_moves(ledger, GROUP, **ANN)
    assert len(ruling.applied) == 2
    assert last_budgets(ledger) == {"D1": 28_000, "D2": 52_000}


def test_one_entry_of_a_group_stands_for_the_whole_group(ledger):
    written(ledger, *UNSURE)
    approve_moves(ledger, "move:r1:D2:waits", **ANN)
    assert last_budgets(ledger) == {"D1": 28_000, "D2": 52_000}


def test_a_rejected_group_changes_nothing_and_leaves_nothing_waiting(ledger):
    written(ledger, *UNSURE)
    reject_moves(ledger, GROUP, **ANN, reason="D2 is nearly done")
    assert ledger.current_budgets() == {}
    assert ledger.pending().empty
    with pytest.raises(LedgerConflictError, match="rejected by Ann"):
        approve_moves(ledger, GROUP, who="Bob", at=MORNING)


def test_the_part_that_waits_starts_from_what_the_other_part_has_made_of_the_budget(ledger):
    rows = (
        deal("a", 40_000, 12_000, 1.0),
        deal("b", 40_000, 24_000, 3.0),
        deal("c", 40_000, 24_000, 1.08),
    )
    moved = written(ledger, *rows)
    assert {move.target: move.verdict for move in moved.moves} == {
        "b": "auto",
        "c": "needs_approval",
    }
    assert last_budgets(ledger) == {"a": 32_000, "b": 48_000}
    approve_moves(ledger, "moves:r1:a", **ANN)
    assert last_budgets(ledger) == {"a": 24_000, "b": 48_000, "c": 48_000}


def test_the_kill_switch_stops_changes_and_approvals(ledger):
    ledger.set_kill(True, **ANN, reason="site is down")
    written(ledger, *SURE, kill_on=True)
    assert ledger.current_budgets() == {}
    assert set(ledger.entries(kind="recommendation")["verdict"]) == {"blocked"}
    written(ledger, *UNSURE, run_id="r2")
    with pytest.raises(KillSwitchError):
        approve_moves(ledger, "moves:r2:D1", **ANN)
    with pytest.raises(KillSwitchError, match="site is down"):
        override_moves(
            ledger,
            "moves:r2:D1",
            {"D1": 39_000, "D2": 41_000},
            flight(*UNSURE)[0],
            **ANN,
            reason="x",
        )
    assert set(ledger.pending()["group_id"]) == {"moves:r2:D1"}


def test_a_group_nobody_proposed_is_named_with_those_that_wait(ledger):
    written(ledger, *UNSURE)
    with pytest.raises(LedgerError, match=f"'moves:r9:D1' were proposed. Waiting: {GROUP}"):
        approve_moves(ledger, "moves:r9:D1", **ANN)


def test_moves_of_an_earlier_run_cannot_be_approved_once_a_later_one_proposes_others(ledger):
    written(ledger, *UNSURE)
    more = deal("D2", 40_000, 27_000, seller_maximum=60_000)
    written(ledger, UNSURE[0], more, run_id="r2")
    with pytest.raises(
        LedgerConflictError, match=r"later run proposes other moves .* 'moves:r2:D1'"
    ):
        approve_moves(ledger, GROUP, **ANN)
    approve_moves(ledger, "moves:r2:D1", **ANN)
    assert last_budgets(ledger) == {"D1": 26_000, "D2": 54_000}


def test_a_paced_campaign_moves_by_way_of_the_ledger_and_only_once(ledger):
    rows = [row | {"curve": "even"} for row in UNSURE]
    plan, delivery = plan_table(*rows), delivery_table(*rows)
    asked = {"currency": "EUR", "ledger": ledger}
    report = pace(plan, delivery, as_of="2026-04-11T08:00", **asked)
    (group,) = set(report.moves["group_id"])
    approve_moves(ledger, group, who="Ann", at=MORNING + timedelta(hours=2))
    later = pace(plan, delivery, as_of="2026-04-11T12:00", **asked)
    assert later.moves.empty
    assert later.plan.budget_minor.tolist() == [28_000_00, 52_000_00]
    again = pace(plan, delivery, as_of="2026-04-11T08:00", **asked)
    assert again.run_id == report.run_id
    pd.testing.assert_frame_equal(again.moves, report.moves)
    assert ledger.verify().ok


def test_a_move_rejected_with_a_reason_does_not_come_back_every_day(ledger):
    rows = [row | {"curve": "even"} for row in UNSURE]
    plan, delivery = plan_table(*rows), delivery_table(*rows)
    asked = {"currency": "EUR", "ledger": ledger}
    report = pace(plan, delivery, as_of="2026-04-11T08:00", **asked)
    (group,) = set(report.moves["group_id"])
    said = MORNING + timedelta(hours=2)
    reject_moves(ledger, group, who="Ann", at=said, reason="the seller is new")
    for hour in (12, 16, 20):
        later = pace(plan, delivery, as_of=f"2026-04-11T{hour}:00", **asked)
        assert later.moves.empty
        assert "Ann said no to it on 2026-04-11 (the seller is new)" in later.held["D1"]
        assert "reallocation" not in set(ledger.pending()["rule"])
    worse = delivery_table(rows[0] | {"_spent": 2_000}, rows[1] | {"_spent": 36_000})
    again = pace(plan, worse, as_of="2026-04-11T21:00", **asked)
    assert set(again.moves["verdict"]) == {"needs_approval"}


# Override ---------------------------------------------------------------------------------------


def override(ledger, budgets, reason="the client asked"):
    return override_moves(ledger, GROUP, budgets, flight(*UNSURE)[0], **ANN, reason=reason)


def test_a_person_may_set_other_budgets_with_a_reason(ledger):
    written(ledger, *UNSURE)
    override(ledger, {"D1": Decimal("35000.50"), "D2": Decimal("44999.50")})
    assert ledger.current_budgets() == {"D1": 35_000_50, "D2": 44_999_50}
    assert ledger.pending().empty
    told = ledger.entries(kind="approval")["rationale"].tolist()
    assert "overridden: the client asked" in told


def test_an_override_made_again_writes_nothing_new(ledger):
    written(ledger, *UNSURE)
    override(ledger, {"D1": 35_000, "D2": 45_000})
    before = ledger.head()
    override(ledger, {"D1": 35_000, "D2": 45_000})
    assert ledger.head() == before


@pytest.mark.parametrize(
    ("budgets", "complaint"),
    [
        ({"D1": 35_000, "D2": 44_000}, "keep the total of campaign c"),
        ({"D1": 35_000}, "change it by -5,000.00 EUR"),
        ({"D1": 15_000, "D2": 65_000}, "seller seller of D2 of campaign c would hold 65,000.00"),
        ({"D1": 35_000, "D3": 45_000}, "'D3', which is no deal"),
        ({"D1": Decimal("35000.005"), "D2": 45_000}, "whole minor units"),
        ({"D1": -1, "D2": 80_001}, "0 or more"),
        ({"D1": 40_000, "D2": 40_000}, "hold already"),
    ],
)
def test_an_override_that_breaks_something_is_refused_and_the_proposal_still_waits(
    ledger, budgets, complaint
):
    written(ledger, *UNSURE)
    with pytest.raises(InputError, match=complaint):
        override(ledger, budgets)
    assert set(ledger.pending()["group_id"]) == {GROUP}


def test_an_override_needs_a_reason(ledger):
    written(ledger, *UNSURE)
    with pytest.raises(InputError, match="reason"):
        override(ledger, {"D1": 35_000, "D2": 45_000}, reason=" ")


# Locks ------------------------------------------------------------------------------------------


def test_a_lock_holds_until_it_is_lifted(ledger):
    lock_deal(ledger, "D1", **ANN, reason="guaranteed")
    assert locked_deals(ledger) == {"D1"}
    unlock_deal(ledger, "D1", who="Ann", at=ANN["at"] + timedelta(days=1), reason="over")
    assert locked_deals(ledger) == frozenset()


def test_locking_a_deal_rejects_what_waits_about_it(ledger):
    written(ledger, *UNSURE)
    lock_deal(ledger, "D2", **ANN, reason="guaranteed")
    assert ledger.pending().empty
    assert ledger.current_budgets() == {}


def test_moves_of_a_deal_locked_meanwhile_cannot_be_approved(ledger):
    lock_deal(ledger, "D2", **ANN, reason="guaranteed")
    written(ledger, *UNSURE)  # a run that had not seen the lock
    with pytest.raises(LedgerConflictError, match="D2 is locked"):
        approve_moves(ledger, GROUP, **ANN)
    with pytest.raises(InputError, match="D2 is locked"):
        override(ledger, {"D1": 35_000, "D2": 45_000})


def test_a_lock_needs_a_reason(ledger):
    with pytest.raises(InputError, match="reason"):
        lock_deal(ledger, "D1", **ANN, reason="")


# On the command line ----------------------------------------------------------------------------


@pytest.fixture
def rule_on(ledger, tmp_path):
    """`adbudget approve` or `reject` as a process, on the ledger of the test."""

    def run(verb: str, item: object, *options: str) -> subprocess.CompletedProcess:
        words = (verb, item, "--who", "Ann", "--at", ANN["at"].isoformat(), *options)
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "adbudget",
                *map(str, words),
                "--ledger",
                tmp_path / "l.db",
            ],
            **{"capture_output": True, "text": True, "timeout": 120, "check": False},
        )

    return run


@pytest.fixture
def approve(rule_on):
    return partial(rule_on, "approve")


def test_the_command_line_approves_a_group_of_moves(ledger, approve):
    written(ledger, *UNSURE)
    answer = approve(GROUP)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "Changed: D2 40,000.00 -> 52,000.00 EUR." in answer.stdout
    assert last_budgets(ledger) == {"D1": 28_000, "D2": 52_000}


@pytest.mark.parametrize("column", ["item", "sequence"])
def test_one_entry_stands_for_its_group_on_the_command_line_too(ledger, approve, column):
    written(ledger, *UNSURE)
    assert approve(ledger.pending()[column].iloc[0]).returncode == 0
    assert last_budgets(ledger) == {"D1": 28_000, "D2": 52_000}


@pytest.mark.parametrize("column", ["item", "sequence"])
def test_one_entry_is_rejected_with_its_group_on_the_command_line_too(ledger, rule_on, column):
    written(ledger, *UNSURE)
    answer = rule_on("reject", ledger.pending()[column].iloc[-1], "--reason", "D2 is nearly done")
    assert answer.returncode == 0
    assert ledger.pending().empty
    assert ledger.current_budgets() == {}


def test_the_command_line_refuses_moves_of_a_locked_deal(ledger, approve):
    lock_deal(ledger, "D2", **ANN, reason="guaranteed")
    written(ledger, *UNSURE)  # a run that had not seen the lock
    answer = approve(GROUP)
    assert answer.returncode == 2
    assert f"D2 is locked, so the moves '{GROUP}' cannot be approved" in one_line(answer.stderr)
    assert ledger.current_budgets() == {}


def test_the_command_line_refuses_moves_once_a_later_run_proposes_others(ledger, approve):
    written(ledger, *UNSURE)
    more = deal("D2", 40_000, 27_000, seller_maximum=60_000)
    written(ledger, UNSURE[0], more, run_id="r2")
    answer = approve(GROUP)
    assert answer.returncode == 2
    told = "a later run proposes other moves of the same deals, 'moves:r2:D1'"
    assert told in one_line(answer.stderr)
    assert ledger.current_budgets() == {}


def test_a_policy_rule_of_the_same_name_makes_no_move(ledger, approve):
    rise = Entry(
        **{"kind": "recommendation", "verdict": "needs_approval", "rule": "reallocation"},
        **{"unit": "D2", "currency": "EUR", "old_minor": 100, "new_minor": 120},
        **{"at": MORNING, "who": "adbudget rules", "group_id": "g"},
    )
    lock_deal(ledger, "D2", **ANN, reason="a deal of the same name is guaranteed")
    ledger.append(rise, key="rise")
    assert approve("rise").returncode == 0
    assert ledger.current_budgets() == {"D2": 120}


def one_line(text: str) -> str:
    return " ".join(text.split())


# Budgets that hold ------------------------------------------------------------------------------


def test_a_plan_older_than_a_move_gets_the_budgets_of_the_ledger(ledger):
    plan = flight(*SURE)[0]
    written(ledger, *SURE)
    now = budgets_now(plan, ledger)
    assert now.budget_minor.tolist() == [28_000_00, 52_000_00]
    assert [note.kind for note in now.notes[-2:]] == ["moved_budget", "moved_budget"]


def test_a_move_approved_by_a_person_or_set_by_one_counts_too(ledger):
    plan = flight(*UNSURE)[0]
    written(ledger, *UNSURE)
    approve_moves(ledger, GROUP, **ANN)
    assert budgets_now(plan, ledger).budget_minor.tolist() == [28_000_00, 52_000_00]


def test_a_plan_that_follows_the_ledger_is_left_alone(ledger):
    plan = flight(*SURE)[0]
    written(ledger, *SURE)
    now = budgets_now(plan, ledger)
    assert budgets_now(replace(now, notes=()), ledger).notes == ()


def test_a_budget_the_ledger_has_never_seen_is_a_new_booking(ledger):
    written(ledger, *SURE)
    booked = flight(SURE[0], SURE[1] | {"budget": 70_000})[0]
    now = budgets_now(booked, ledger)
    assert now.budget_minor.tolist() == [28_000_00, 70_000_00]
    assert [note.kind for note in now.notes[-2:]] == ["moved_budget", "new_booking"]


def test_a_daily_budget_of_a_campaign_of_the_same_name_is_not_the_deals(ledger):
    daily = Entry(
        kind="change", at=MORNING, who="x", unit="D1", old_minor=40_000_00, new_minor=1_00
    )
    ledger.append(daily, key="daily")
    assert budgets_now(flight(*SURE)[0], ledger).budget_minor.tolist() == [40_000_00] * 2


def test_after_its_moves_the_same_delivery_moves_nothing_again(ledger):
    plan, delivery, _ = flight(*SURE)
    written(ledger, *SURE)
    now = budgets_now(plan, ledger)
    again = propose_moves(now, delivery, measure(now, delivery, "2026-04-11"))
    assert again.moves == ()


def test_the_frame_has_one_row_per_move_and_exact_amounts():
    frame = propose_moves(*flight(*SURE)).frame
    assert isinstance(frame, pd.DataFrame)
    assert frame["amount"].tolist() == [Decimal("12000.00")]
    assert frame["verdict"].tolist() == ["auto"]
