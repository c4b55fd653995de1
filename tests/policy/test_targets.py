"""A plan made elsewhere goes the way of a rule's wish: bounded, funded in its pool, logged."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from adbudget import InputError, load_policy, open_ledger
from adbudget.policy.apply import apply_policy, rerun

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
POLICY = {
    "currency": "EUR",
    "constraints": {
        "max_daily_change": "25%",
        "approval_limit": 100,
        "total_budget_change": 0,
    },
    "rules": [],
}


def campaigns(**columns):
    base = {
        "campaign_id": ["a", "b", "c", "d"],
        "account": ["x", "x", "y", "y"],
        "budget": [200.0, 200.0, 400.0, 100.0],
    }
    return pd.DataFrame(base | columns)


def targets(goals, **columns):
    table = campaigns()[["campaign_id", "account"]].assign(target_budget=goals)
    return table.assign(**columns)


def plan_of(goals, policy=POLICY, table=None, ledger=None, **columns):
    return apply_policy(
        load_policy(policy),
        campaigns() if table is None else table,
        targets=targets(goals, **columns),
        ledger=ledger,
        as_of=AT,
    )


def budgets(plan):
    return [float(call.recommended_budget) for call in plan.calls]


def test_targets_within_the_guardrails_are_what_is_recommended():
    plan = plan_of([220, 180, 380, 120], reason=["because"] * 4)
    assert budgets(plan) == [220, 180, 380, 120]
    assert {call.rule_fired for call in plan.calls} == {"plan"}
    assert (
        plan.calls[0].rationale == "The plan: +20.00 asked for, +20.00 made, paid by x::b. because."
    )
    assert plan.summary["net_change"] == 0


def test_cuts_pay_for_raises_of_their_own_account_only():
    """One account cuts and asks for nothing, the other only asks: nothing crosses over."""
    plan = plan_of([180, 180, 420, 110])
    assert budgets(plan) == [180, 180, 400, 100]
    assert plan.summary["net_change"] == -40
    assert "unfunded" in plan.calls[2].flags


def test_a_stated_pool_joins_accounts():
    assert budgets(plan_of([180, 180, 420, 120], pool="both")) == [180, 180, 420, 120]


def test_the_daily_limit_cuts_a_target_short_and_scales_what_it_paid_for():
    plan = plan_of([300, 100, 400, 100])
    assert budgets(plan) == [250, 150, 400, 100]
    assert "daily_limit" in plan.calls[0].flags


def test_a_target_for_a_budget_that_has_moved_since_is_not_carried_out():
    plan = plan_of([220, 180, 400, 100], based_on=[200, 190, 400, 100])
    assert budgets(plan) == [200, 200, 400, 100]
    assert "moved_since" in plan.calls[1].flags
    assert plan.calls[1].rationale.startswith(
        "It does not move: its budget is no longer the one that the plan was made from."
    )


def test_a_rule_that_says_otherwise_makes_the_move_wait_for_a_person():
    rule = {"name": "losers", "trigger": "cpl > 50", "action": "decrease_budget_10%"}
    table = campaigns(cpl=[80.0, 40.0, 40.0, 40.0])
    plan = plan_of([220, 180, 400, 100], policy=POLICY | {"rules": [rule]}, table=table)
    assert budgets(plan) == [220, 180, 400, 100]
    call = plan.of("a")
    assert call.verdict == "needs_approval"
    assert "rule_objects" in call.flags
    assert "A rule says otherwise, so a person has to look: losers fires" in call.rationale
    assert plan.of("b").verdict == "needs_approval"  # it pays for the raise


@pytest.mark.parametrize("action", ["pause", "hold"])
def test_a_rule_that_pauses_or_holds_is_obeyed(action):
    rule = {"name": "stop", "trigger": "cpl > 50", "action": action}
    table = campaigns(cpl=[80.0, 40.0, 40.0, 40.0])
    plan = plan_of([220, 180, 400, 100], policy=POLICY | {"rules": [rule]}, table=table)
    assert budgets(plan)[0] == 200
    assert f"rule_{action}" in plan.of("a").flags


def test_large_moves_wait_and_small_ones_are_changes_at_once(tmp_path):
    with open_ledger(tmp_path / "ledger.db") as ledger:
        wide = POLICY | {"constraints": POLICY["constraints"] | {"max_daily_change": "60%"}}
        plan = plan_of([210, 190, 250, 160], policy=wide, ledger=ledger)
        assert [call.verdict for call in plan.calls[:2]] == ["auto", "auto"]
        assert plan.of("d").verdict == plan.of("c").verdict == "needs_approval"
        changes = ledger.entries(kind="change")
        assert changes[["unit", "new_minor"]].to_numpy().tolist()[:2] == [
            ["x::a", 21_000],
            ["x::b", 19_000],
        ]
        assert changes["rule"].unique().tolist() == ["plan"]


def test_a_run_with_targets_replays_letter_by_letter_and_is_written_once(tmp_path):
    with open_ledger(tmp_path / "ledger.db") as ledger:
        first = plan_of([220, 180, 380, 120], ledger=ledger)
        again = plan_of([220, 180, 380, 120], ledger=ledger)
        assert again.run_id == first.run_id
        assert len(ledger.entries(kind="run")) == 1
        assert ledger.replay(first.run_id, rerun).identical
        other = plan_of([220, 180, 400, 100], ledger=ledger)
        assert other.run_id != first.run_id


def test_the_same_campaign_rests_after_a_plan_has_moved_it(tmp_path):
    """No second move before the first was seen."""
    with open_ledger(tmp_path / "ledger.db") as ledger:
        week = POLICY | {"rest": 7}
        plan_of([220, 180, 400, 100], policy=week, ledger=ledger)
        moved = campaigns(budget=[220.0, 180.0, 400.0, 100.0])
        ledger.confirm("x::a", "x::b", who="platform", at=AT)
        plan = apply_policy(
            load_policy(week),
            moved,
            targets=targets([240, 160, 400, 100]),
            ledger=ledger,
            as_of=AT + timedelta(days=3),
        )
        assert budgets(plan) == [220, 180, 400, 100]
        assert "rest" in plan.of("a").flags


def test_the_kill_switch_blocks_a_plan(tmp_path):
    with open_ledger(tmp_path / "ledger.db") as ledger:
        ledger.set_kill(True, who="boss", at=AT, reason="stop")
        plan = plan_of([220, 180, 380, 120], ledger=ledger)
        assert {call.verdict for call in plan.calls} == {"blocked"}
        assert ledger.entries(kind="change").empty


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"campaign_id": ["a", "b", "c", "z"]}, "campaign table does not have: 'y::z'"),
        ({"campaign_id": ["a", "a", "c", "d"]}, "campaign_id"),
        ({"target_budget": [1.0, np.nan, 1.0, 1.0]}, "target_budget"),
        ({"target_budget": [1.0, -5.0, 1.0, 1.0]}, "target_budget"),
        ({"target_budget": [1.0, 1.001, 1.0, 1.0]}, "target_budget"),
    ],
)
def test_a_target_that_cannot_be_used_is_named(change, says):
    with pytest.raises(InputError, match=says):
        apply_policy(
            load_policy(POLICY),
            campaigns(),
            targets=targets([200, 200, 400, 100]).assign(**change),
            as_of=AT,
        )


@settings(max_examples=60)
@given(
    st.lists(st.integers(0, 60_000), min_size=4, max_size=4),
    st.lists(st.integers(0, 60_000), min_size=4, max_size=4),
)
def test_no_pool_spends_more_and_no_campaign_moves_beyond_the_day_or_its_target(now, goals):
    table = campaigns(budget=np.array(now) / 100)
    plan = plan_of(np.array(goals) / 100, table=table)
    after = np.array([int(call.recommended_budget * 100) for call in plan.calls])
    before, goal = np.array(now), np.array(goals)
    for own in (slice(0, 2), slice(2, 4)):
        assert after[own].sum() <= before[own].sum()
    assert (np.abs(after - before) <= 0.25 * before + 1e-9).all()
    assert ((after - before) * np.sign(goal - before) >= 0).all()
    assert (np.abs(after - before) <= np.abs(goal - before)).all()
    assert plan.summary["total_after"] == Decimal(int(after.sum())) / 100
