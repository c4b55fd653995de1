"""Policy and table -> plan: the worked cases end to end, confidence, combining, the ledger."""

import itertools
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from adbudget import InputError, PolicyError, load_policy, open_ledger
from adbudget.policy.apply import rerun
from tests.policy.worked import EXAMPLE, FOUR, example, next_budgets, plan_of, table


def test_case_1_of_the_example_policy_exactly_as_written():
    plan = plan_of(table(*FOUR))
    told = {
        call.campaign_id: (call.recommended_budget, call.rule_fired, call.confidence)
        for call in plan.calls
    }
    assert told == {
        "A": (Decimal("2300.00"), "scale_winners", "high"),
        "B": (Decimal("2750.00"), "rebalance", "medium"),
        "C": (Decimal("2400.00"), "reduce_losers", "high"),
        "D": (Decimal("2550.00"), "rebalance", "low"),
    }
    assert plan.summary["net_change"] == 0
    assert plan.summary["total_before"] == plan.summary["total_after"] == 10_000


def test_projected_cpl_of_case_1_is_spend_over_leads_at_constant_cpl():
    plan = plan_of(table(*FOUR))
    leads = sum(budget / cpl for _, budget, cpl in FOUR)
    after = 2300 / 35 + 2750 / 45 + 2400 / 75 + 2550 / 52
    assert plan.summary["projected_cpl_before"] == pytest.approx(10_000 / leads)
    assert plan.summary["projected_cpl_after"] == pytest.approx(10_000 / after)
    assert plan.summary["projected_cpl_change"] == pytest.approx(100 * (leads / after - 1))
    assert "keeps its CPL" in plan.summary["projected_cpl_assumption"]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param(
            [("A", 5000, 40), ("B", 3000, 65), ("C", 2000, 50)], [5000, 3000, 2000], id="2"
        ),
        pytest.param(
            [("A", 4000, 35), ("B", 3000, 30), ("C", 1000, 75), ("D", 2000, 52)],
            [4000, 3200, 800, 2000],
            id="3",
        ),
        pytest.param(
            [("A", 1000, 75), ("B", 4000, 90), ("C", 4000, 80), ("D", 1000, 52)],
            [988.89, 3955.56, 3955.55, 1100],
            id="5",
        ),
        pytest.param(
            [("A", 3900, 35), ("B", 2500, 45), ("C", 1600, 75), ("D", 2000, 52)],
            [4000, 2720, 1280, 2000],
            id="6",
        ),
        pytest.param(
            [("A", 3990, 50), ("B", 3000, 50), ("C", 110, 75), ("D", 2900, 50)],
            [4000, 3000, 100, 2900],
            id="7",
        ),
    ],
)
def test_worked_case(rows, expected):
    for order in itertools.permutations(rows):
        plan = plan_of(table(*order))
        assert next_budgets(plan) == dict(zip("ABCD", expected, strict=False))
        assert plan.summary["net_change"] == 0


def test_case_4_nobody_to_take_from_leaves_all_unchanged_and_says_unfunded():
    rows = [("A", 2000, 35), ("B", 3000, 45), ("C", 3000, 50), ("D", 2000, 52)]
    plan = plan_of(table(*rows))
    assert next_budgets(plan) == {name: budget for name, budget, _ in rows}
    winner = plan.of("A")
    assert winner.rule_fired == "scale_winners"
    assert "unfunded" in winner.flags
    assert "unfunded" in winner.rationale


def test_case_8_the_cap_of_the_rule_holds_and_who_is_above_it_gets_nothing():
    rows = [("near", 2950, None), ("over", 4500, None), ("loser", 2550, 75)]
    plan = plan_of(table(*rows, roas=[5.0, 5.0, 1.0]))
    assert next_budgets(plan) == {"near": 3000, "over": 4500, "loser": 2500}
    assert "at_cap" in plan.of("near").flags
    assert "over_cap" in plan.of("over").flags
    assert plan.of("over").verdict == "blocked"
    assert "above its cap of 3,000.00 already" in plan.of("over").rationale


def test_counts_decide_whether_a_cpl_is_proof():
    rows = [("few", 2000, 35), ("many", 2000, 35), ("loser", 3000, 75), ("rest", 3000, 50)]
    counts = {"spend": [70, 7000, 75_000, 50_000], "conversions": [2, 200, 1000, 1000]}
    frame = table(*rows).drop(columns="cpl").assign(**counts, days=7)
    plan = plan_of(frame)
    assert plan.of("few").rule_fired == "", "what confidence refuses does not come back"
    assert next_budgets(plan)["few"] == 2000
    assert "not sure enough: probability 0.62" in plan.of("few").rationale
    assert plan.of("many").rule_fired == "scale_winners"
    assert plan.of("many").probability == pytest.approx(0.97, abs=0.005)


def test_without_counts_the_figures_decide_and_confidence_is_said_to_be_unknown():
    call = plan_of(table(*FOUR)).of("A")
    assert call.probability is None
    assert "confidence unknown" in call.rationale
    assert "confidence_unknown" in call.flags


def test_a_loser_that_is_not_proven_is_not_cut_and_is_given_nothing_either():
    frame = pd.DataFrame(
        {
            "campaign_id": ["doubtful", "loser", "rest"],
            "budget": [1000.0, 1000.0, 1000.0],
            "spend": [150, 75_000, 50_000],
            "conversions": [2, 1000, 1000],
        }
    )
    plan = plan_of(frame)
    assert plan.of("doubtful").rule_fired == ""
    assert next_budgets(plan)["doubtful"] == 1000
    assert next_budgets(plan)["rest"] > 1000


def test_without_a_threshold_a_weak_probability_is_low_confidence():
    rows = [("few", 2000, None), ("loser", 3000, None), ("rest", 5000, None)]
    counts = {"spend": [70, 75_000, 50_000], "conversions": [2, 1000, 1000]}
    frame = table(*rows).drop(columns="cpl").assign(**counts)
    plan = plan_of(frame, example(confidence_threshold=None))
    assert plan.of("few").rule_fired == "scale_winners"
    assert plan.of("few").confidence == "low"
    assert plan.of("loser").confidence == "high"


def test_first_rule_that_fires_decides_and_compound_adds_them_up():
    rows = [("both", 1000, 35), ("loser", 3000, 75), ("rest", 6000, 50)]
    frame = table(*rows, roas=[5.0, 1.0, 1.0])
    assert next_budgets(plan_of(frame))["both"] == 1150
    compound = plan_of(frame, example(combine="compound"))
    assert next_budgets(compound)["both"] == 1250  # 26.5% wanted, 25% a day allowed
    assert compound.of("both").rule_fired == "scale_winners + boost_roas"
    assert "daily_limit" in compound.of("both").flags
    wide = plan_of(frame, example(combine="compound", max_daily_change="50%"))
    assert next_budgets(wide)["both"] == 1265


def test_the_order_of_the_rules_decides_between_two():
    rules = [
        {"name": "small", "trigger": "cpl < 40", "action": "increase_budget_5%"},
        {"name": "large", "trigger": "cpl < 40", "action": "increase_budget_20%"},
        {"name": "cut", "trigger": "cpl > 65", "action": "decrease_budget_20%"},
    ]
    rows = [("A", 1000, 35), ("B", 3000, 75), ("C", 6000, 50)]
    assert next_budgets(plan_of(table(*rows), example(rules=rules)))["A"] == 1050
    turned = [rules[1], rules[0], rules[2]]
    assert next_budgets(plan_of(table(*rows), example(rules=turned)))["A"] == 1200


def test_a_missing_metric_is_the_reason_why_a_rule_does_not_fire():
    rows = [("A", 1000, None), ("B", 3000, 50)]
    assert "cpl" in plan_of(table(*rows)).of("A").rationale


def test_money_is_whole_cents_of_the_currency_of_the_table():
    rows = [("A", 3333, 75), *((name, 2500, 50) for name in "BCD")]
    plan = plan_of(table(*rows, currency="JPY"), load_policy(EXAMPLE.replace("$", "")))
    assert plan.of("A").recommended_budget == Decimal(3333 - 667)  # 20% is 666.6
    assert plan.summary["net_change"] == 0


def test_a_policy_in_dollars_refuses_a_table_in_euro():
    with pytest.raises(PolicyError, match=r"in \$ and the campaign table is in EUR"):
        plan_of(table(*FOUR, currency="EUR"))


def test_an_unusable_table_is_an_input_error():
    with pytest.raises(InputError, match="no column 'budget'"):
        plan_of(table(*FOUR).drop(columns="budget"))


def test_an_empty_rule_list_moves_nothing():
    plan = plan_of(table(*FOUR), example(rules=[]))
    assert plan.summary["n_hold"] == 4


def test_a_larger_total_is_shared_out_and_its_change_is_exact():
    plan = plan_of(table(*FOUR), example(total_budget_change="1.23%"))
    assert plan.summary["net_change"] == Decimal("123.00")


def test_recommendations_are_a_frame_with_the_promised_columns():
    frame = plan_of(table(*FOUR)).recommendations
    promised = ["campaign_id", "current_budget", "recommended_budget", "change_pct", "rule_fired"]
    promised += ["rationale", "confidence", "verdict"]
    assert set(promised) <= set(frame.columns)
    assert frame["recommended_budget"].sum() == Decimal("10000.00")
    assert frame["change_pct"].tolist() == [15.0, 10.0, -20.0, 2.0]


# Laws -------------------------------------------------------------------------------------------

campaigns = st.lists(
    st.tuples(
        st.integers(0, 900_000).map(lambda cents: cents / 100),
        st.sampled_from([10.0, 35.0, 39.99, 40.0, 50.0, 52.0, 65.0, 65.01, 75.0, 160.0, None]),
        st.sampled_from([None, 1.0, 5.0]),
        st.sampled_from(["active", "active", "active", "paused"]),
        st.sampled_from([None, "2026-03-01", "2026-02-20"]),
    ),
    min_size=1,
    max_size=10,
)


def frame_of(rows) -> pd.DataFrame:
    columns = ["budget", "cpl", "roas", "status", "started_at"]
    frame = pd.DataFrame(rows, columns=columns)
    frame[["cpl", "roas"]] = frame[["cpl", "roas"]].astype(float)
    return frame.assign(campaign_id=[f"c{i}" for i in range(len(rows))])


@settings(max_examples=60)
@given(campaigns)
def test_every_plan_keeps_total_caps_floors_daily_limit_and_paused_campaigns(rows):
    frame = frame_of(rows)
    plan = plan_of(frame)
    total = plan.summary["total_before"]
    assert plan.summary["total_after"] == plan.summary["total_now"] == total
    for call, status in zip(plan.calls, frame["status"], strict=True):
        now, then = call.current_budget, call.recommended_budget
        assert then == round(then, 2)
        assert abs(then - now) <= now / 4 or "test_budget_differs" in call.flags
        assert min(now, then) <= call.budget_now <= max(now, then)
        if then > now:
            assert then <= total * 40 / 100
        if then < now:
            assert then >= 100
        if "test_budget_differs" in call.flags:
            assert then == now or call.verdict == "needs_approval"
        if status == "paused" or call.verdict == "blocked" or call.action == "pause":
            assert then == now
        if abs(then - now) > 500:
            assert call.verdict == "needs_approval"


@settings(max_examples=30)
@given(campaigns, st.randoms(use_true_random=False))
def test_the_order_of_the_table_decides_nothing(rows, random):
    frame = frame_of(rows)
    shuffled = list(range(len(frame)))
    random.shuffle(shuffled)
    before, after = plan_of(frame), plan_of(frame.iloc[shuffled].reset_index(drop=True))
    assert next_budgets(before) == next_budgets(after)
    assert all(after.of(call.campaign_id).verdict == call.verdict for call in before.calls)


# With a ledger ----------------------------------------------------------------------------------


@pytest.fixture
def ledger(tmp_path):
    with open_ledger(tmp_path / "ledger.db") as opened:
        yield opened


def test_the_same_run_again_writes_nothing_and_gives_the_same_plan(ledger):
    first = plan_of(table(*FOUR), ledger=ledger)
    n_entries = ledger.head().sequence
    again = plan_of(table(*FOUR), ledger=ledger)
    assert ledger.head().sequence == n_entries
    assert again.run_id == first.run_id
    pd.testing.assert_frame_equal(again.recommendations, first.recommendations)


def test_a_logged_run_replays_identically(ledger):
    history = pd.DataFrame(
        {"campaign_id": "A", "date": ["2026-02-28", "2026-03-01"], "cpl": [40.0, 61.0]}
    )
    plan = plan_of(table(*FOUR), history=history, ledger=ledger)
    plan_of(table(*FOUR), ledger=ledger, as_of="2026-03-03")
    replayed = ledger.replay(plan.run_id, rerun)
    assert replayed.identical, replayed.differences
    assert replayed.n_entries >= 5


def test_rejecting_the_cut_cancels_the_raises_it_was_to_fund(ledger):
    rows = (*FOUR, ("E", 500, 70))
    plan = plan_of(table(*rows), ledger=ledger)
    cut = next(key for key in ledger.pending()["item"] if key.endswith(":C"))
    ruling = ledger.reject(cut, who="Ana", at=datetime(2026, 3, 2, 9, tzinfo=UTC), reason="no")
    assert len(ruling.cancelled) == 3
    budgets = dict(zip("ABCDE", (2000, 2500, 3000, 2500, 500), strict=True))
    budgets |= {unit: cents / 100 for unit, cents in ledger.current_budgets().items()}
    assert sum(budgets.values()) == sum(budget for _, budget, _ in rows)
    assert budgets["A"] == float(plan.of("A").budget_now) == 2100


def test_approving_the_group_makes_the_whole_plan_happen(ledger):
    plan = plan_of(table(*FOUR, ("E", 500, 70)), ledger=ledger)
    group = plan.of("C").group_id
    ledger.approve(group, who="Ana", at=datetime(2026, 3, 2, 9, tzinfo=UTC))
    made = {unit: cents / 100 for unit, cents in ledger.current_budgets().items()}
    assert made == next_budgets(plan)


def test_the_daily_limit_counts_from_the_opening_budget_over_all_runs_of_the_day(ledger):
    policy = example(approval_limit=10_000, rest=0, cadence="1 hour")
    frame, moved = table(("A", 1000, 35), ("B", 3000, 75), ("C", 6000, 50)), []
    for hour in (8, 10, 12):
        plan = plan_of(frame, policy, ledger=ledger, as_of=f"2026-03-02T{hour:02d}:00")
        moved.append(next_budgets(plan)["A"])
        frame["budget"] = list(next_budgets(plan).values())
    assert moved == [1150, 1250, 1250]
    assert "daily_limit" in plan.of("A").flags
    tomorrow = plan_of(frame, policy, ledger=ledger, as_of="2026-03-03T08:00")
    assert next_budgets(tomorrow)["A"] == 1437.5


def test_the_kill_switch_blocks_changes_and_alerts_still_run(ledger):
    at = datetime(2026, 3, 2, 7, tzinfo=UTC)
    ledger.set_kill(True, who="Ana", at=at, reason="holiday")
    frame = table(*FOUR, spend=[4000.0, 2500, 3000, 2500])
    policy = example(confidence_threshold=None)
    plan = plan_of(frame, policy, ledger=ledger)
    assert {call.verdict for call in plan.calls} == {"blocked"}
    assert all(call.budget_now == call.current_budget for call in plan.calls)
    assert ledger.entries(kind="change").empty
    assert "risk" in {alert.type for alert in plan.alerts}
    ledger.set_kill(False, who="Ana", at=at, reason="back")
    assert plan_of(frame, policy, ledger=ledger).of("A").verdict == "needs_approval"


def test_an_alert_told_today_is_not_told_again(ledger):
    frame = table(*FOUR, spend=[4000.0, 2500, 3000, 2500])
    first = plan_of(frame, ledger=ledger)
    later = plan_of(frame, ledger=ledger, as_of="2026-03-02T09:00")
    assert "risk" in {alert.type for alert in first.alerts}
    assert "risk" not in {alert.type for alert in later.alerts}


def test_a_ledger_may_be_named_by_its_path(tmp_path):
    plan_of(table(*FOUR), ledger=tmp_path / "l.db")
    with open_ledger(tmp_path / "l.db", create=False) as ledger:
        assert ledger.verify().ok
        assert not ledger.entries(kind="run").empty


def test_five_figures_come_from_the_ledger(ledger):
    policy = example(approval_limit=10_000)
    days = {"2026-03-02": 50.0, "2026-03-09": 55.0, "2026-03-16": 60.5}
    for day, cpl in days.items():
        frame = table(("A", 1000, 35), ("B", 3000, 75), ("C", 6000, 50))
        frame = frame.drop(columns="cpl").assign(
            spend=[1000.0, 3000, 6000], conversions=[1000 / 20, 3000 / 90, 0]
        )
        frame["conversions"] *= 10_000 / cpl / frame["conversions"].sum()
        plan = plan_of(frame, policy, ledger=ledger, as_of=day)
    figures = plan.metrics
    assert figures["cpl_trend"] == pytest.approx(0.10)
    assert figures["winner_spend_share"] == pytest.approx(
        sum(
            s
            for s, call in zip((1, 3, 6), plan.calls, strict=True)
            if call.rule_fired == "scale_winners"
        )
        / 10
    )
    assert figures["changes_per_week"] == len(
        ledger.entries(kind="change", since=datetime(2026, 3, 9, tzinfo=UTC))
    )
    assert 0 < figures["rule_trigger_rate"] <= 1


def test_ten_thousand_campaigns_and_twenty_rules_leave_the_total_where_it_is():
    n = 10_000
    rng = np.random.default_rng(0)
    budget = np.round(rng.lognormal(6, 1, n), 2)
    frame = pd.DataFrame(
        {
            "campaign_id": [f"c{i:05d}" for i in range(n)],
            "budget": budget,
            "spend": np.round(7 * budget, 2),
            "conversions": rng.poisson(7 * budget / rng.lognormal(np.log(50), 0.6, n)),
            "days": 7,
        }
    )
    rules = [
        {
            "name": f"r{i}",
            "trigger": f"cpl {'<>'[i % 2]} target * {(0.5, 1.5)[i % 2] + i / 100:.2f}",
            "action": ("increase_budget_15%", "decrease_budget_20%")[i % 2],
        }
        for i in range(20)
    ]
    policy = example(rules=rules)
    plan = plan_of(frame, policy)
    assert len(plan.recommendations) == n
    assert plan.summary["n_rule_fired"] > 100
    assert plan.summary["net_change"] == 0
