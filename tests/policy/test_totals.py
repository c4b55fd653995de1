"""Totals: exact per day, or at most; money that is left over, and cuts that find no taker."""

from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from adbudget import apply_policy, load_policy, open_ledger

POLICY = """\
target_cpl: $50
cadence: hourly
rest: 0
rules:
  - {name: scale, trigger: "cpl < target * 0.8", action: increase_budget_15%}
  - {name: cut, trigger: "cpl > target * 1.3", action: decrease_budget_20%}
constraints: {approval_limit: 100000, total_budget_change: CHANGE}
"""


def plan_of(rows, change, as_of="2026-03-10T08:00", **options):
    frame = pd.DataFrame(rows, columns=["campaign_id", "budget", "cpl"])
    policy = load_policy(POLICY.replace("CHANGE", str(change)))
    return apply_policy(policy, frame, as_of=as_of, **options)


def next_budgets(plan) -> dict[str, float]:
    return {call.campaign_id: float(call.recommended_budget) for call in plan.calls}


ALL_BAD = [("a", 1000, 77.78), ("b", 1000, 87.5), ("c", 1000, 100.0)]
MIXED = [("win", 1000, 35.0), ("lose", 3000, 75.0), ("ok", 2000, 50.0)]


@pytest.mark.parametrize(("change", "share"), [("5%", 1.05), ("at_most 5%", 1.05), ("-3%", 0.97)])
def test_a_change_of_the_total_holds_per_day_however_many_runs(tmp_path, change, share):
    rows = [("win", 3000.0, 35.0), ("win2", 3000.0, 35.0), ("ok", 4000.0, 50.0)]
    totals = []
    with open_ledger(tmp_path / "l.db") as ledger:
        for hour in range(8, 12):
            plan = plan_of(rows, change, as_of=f"2026-03-10T{hour:02d}:00", ledger=ledger)
            rows = [(name, next_budgets(plan)[name], cpl) for name, _, cpl in rows]
            totals.append(sum(budget for _, budget, _ in rows))
        assert totals == [10_000 * share] * 4
        tomorrow = plan_of(rows, change, as_of="2026-03-11T08:00", ledger=ledger)
        assert float(tomorrow.summary["total_after"]) == pytest.approx(totals[0] * share, abs=0.011)


def test_a_budget_that_a_person_raised_meanwhile_is_not_taken_back(tmp_path):
    with open_ledger(tmp_path / "l.db") as ledger:
        plan_of(MIXED, 0, ledger=ledger)
        by_hand = [("win", 20_000, 50.0), ("lose", 2400, 50.0), ("ok", 2200, 50.0)]
        plan = plan_of(by_hand, 0, as_of="2026-03-10T10:00", ledger=ledger)
        assert plan.summary["net_change"] == 0


def test_when_all_is_bad_at_most_cuts_and_leaves_the_money_over():
    plan = plan_of(ALL_BAD, "at_most 0")
    assert next_budgets(plan) == {"a": 800, "b": 800, "c": 800}
    assert plan.summary["banked"] == Decimal("600.00")
    assert plan.summary["unplaced"] == 0
    assert [(a.type, a.severity) for a in plan.alerts] == [("money_left", "info")]
    assert plan.alerts[0].evidence == {"budget": 600.0}


def test_when_all_is_bad_and_the_total_has_to_stay_somebody_is_told():
    plan = plan_of(ALL_BAD, 0)
    assert next_budgets(plan) == {"a": 1000, "b": 1000, "c": 1000}
    assert [(a.type, a.severity) for a in plan.alerts] == [("cuts_not_made", "warning")]
    assert "at_most 0" in plan.alerts[0].message
    assert plan.summary["banked"] == 0


def test_at_most_pays_what_rules_ask_for_and_gives_nothing_to_others():
    plan = plan_of(MIXED, "at_most 0")
    assert next_budgets(plan) == {"win": 1150, "lose": 2400, "ok": 2000}
    assert plan.summary["banked"] == Decimal("450.00")
    assert plan.of("win").funded_by == {"lose": Decimal("150.00")}
    assert plan.of("win").group_id == ""


def test_at_most_a_little_more_is_spent_only_on_raises():
    rows = [("win", 4000, 35.0), ("ok", 6000, 50.0)]
    assert next_budgets(plan_of(rows, "at_most 5%")) == {"win": 4500, "ok": 6000}
    assert next_budgets(plan_of(rows, "at_most 10%")) == {"win": 4600, "ok": 6000}


def test_what_is_left_over_in_the_morning_may_be_used_the_same_day(tmp_path):
    with open_ledger(tmp_path / "l.db") as ledger:
        plan_of(MIXED, "at_most 0", ledger=ledger)
        rows = [("win", 1150, 50.0), ("lose", 2400, 50.0), ("ok", 2000, 35.0)]
        plan = plan_of(rows, "at_most 0", as_of="2026-03-10T10:00", ledger=ledger)
    assert next_budgets(plan)["ok"] == 2300


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, 500_000), st.sampled_from([30.0, 50.0, 80.0])),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from(["at_most 0", "at_most 5%", "at_most -5%", "at_most $100"]),
)
def test_at_most_never_ends_above_its_total_unless_there_is_no_room_to_cut(rows, change):
    named = [(f"c{i}", cents / 100, cpl) for i, (cents, cpl) in enumerate(rows)]
    facts = plan_of(named, change).summary
    before = facts["total_before"]
    most = {"0": 0, "5%": before * 5 / 100, "-5%": -before * 5 / 100, "$100": Decimal(100)}
    limit = most[change.removeprefix("at_most ")]
    assert facts["net_change"] <= limit or facts["unplaced"] < 0
