"""Guardrails: who may not move, how far the others may, who pauses, what waits."""

from datetime import UTC, datetime

import pandas as pd
import pytest

from adbudget import open_ledger
from tests.policy.worked import FOUR, example, next_budgets, plan_of, table

AT = "2026-03-10T08:00"


def plan_at(frame, policy=None, as_of=AT, **options):
    return plan_of(frame, policy, as_of=as_of, **options)


# Age --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("started", "moves"), [("2026-03-08T08:01", False), ("2026-03-08T08:00", True)]
)
def test_nothing_moves_before_the_observation_period_of_48_hours(started, moves):
    policy = example(observation_period=None, new_campaign_test_budget=None)
    frame = table(*FOUR, started_at=[started, None, None, None])
    plan = plan_at(frame, policy)
    assert (plan.of("A").recommended_budget != 2000) == moves
    if not moves:
        assert plan.of("A").verdict == "blocked"
        assert "observation" in plan.of("A").flags
        assert "younger than the observation period" in plan.of("A").rationale


def test_a_new_campaign_keeps_its_test_budget_through_the_test_period():
    policy = example(test_period="2 weeks", observation_period="2 days")
    frame = table(*FOUR, ("new", 500, 30), started_at=[None] * 4 + ["2026-03-01"])
    plan = plan_at(frame, policy)
    assert next_budgets(plan)["new"] == 500
    assert plan.of("new").flags[0] == "test_budget"
    other = frame.assign(budget=[2000, 2500, 3000, 2500, 800])
    assert "test_budget_differs" in plan_at(other, policy).of("new").flags


def test_a_campaign_of_unknown_age_counts_as_old():
    assert next_budgets(plan_at(table(*FOUR)))["A"] == 2300


def test_b2b_waits_a_week_and_keeps_test_budgets_for_two():
    from adbudget import load_policy

    limits = load_policy("preset: b2b").constraints
    assert (limits.observation_period.days, limits.test_period.days) == (7, 14)
    assert (limits.approval_limit.amount, limits.step.amount) == (2000, 500)


# Pauses -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cpl", "pauses"), [(150.00, False), (150.01, True)])
def test_cpl_above_three_times_its_target_pauses_at_once(cpl, pauses):
    plan = plan_at(table(("A", 1000, cpl), ("B", 3000, 50)))
    call = plan.of("A")
    assert (call.action == "pause") == pauses
    if pauses:
        assert call.rule_fired == "emergency_pause"
        assert call.verdict == "auto"
        assert call.recommended_budget == call.current_budget
        assert ("emergency_pause", "critical") in {(a.type, a.severity) for a in plan.alerts}


def test_an_emergency_pause_does_not_wait_for_the_observation_period():
    frame = table(("A", 1000, 151), ("B", 3000, 50), started_at=["2026-03-10T00:00", None])
    assert plan_at(frame).of("A").action == "pause"


def test_an_emergency_pause_is_written_as_a_change_and_stopped_by_the_kill_switch(tmp_path):
    frame = table(("A", 1000, 151), ("B", 3000, 50))
    with open_ledger(tmp_path / "l.db") as ledger:
        at = datetime(2026, 3, 10, 7, tzinfo=UTC)
        ledger.set_kill(True, who="Ana", at=at, reason="test")
        assert plan_at(frame, ledger=ledger).of("A").verdict == "blocked"
        assert ledger.entries(kind="change").empty
        ledger.set_kill(False, who="Ana", at=at, reason="test")
        plan_at(frame, ledger=ledger)
        assert ledger.entries(kind="change")["payload"].iloc[0]["action"] == "pause"


@pytest.mark.parametrize(("as_of", "due"), [("2026-03-02T23:00", False), ("2026-03-03", True)])
def test_pause_is_recommended_after_48_hours_of_history_past_the_trigger(as_of, due):
    history = pd.DataFrame(
        {
            "campaign_id": ["C"] * 3,
            "date": ["2026-02-28", "2026-03-01", "2026-03-02"],
            "cpl": [60.0, 70.0, 80.0],
        }
    )
    plan = plan_at(table(*FOUR, date="2026-03-02"), history=history, as_of=as_of)
    assert ("pause_recommended" in plan.of("C").flags) == due
    assert ("pause_recommended" in {alert.type for alert in plan.alerts}) == due
    assert plan.of("C").recommended_budget == 2400, "the rule goes on until somebody pauses it"


@pytest.mark.parametrize(("hours", "due"), [(47, False), (48, True)])
def test_pause_is_recommended_after_48_hours_of_runs_past_the_trigger(tmp_path, hours, due):
    start = pd.Timestamp("2026-03-01T00:00")
    with open_ledger(tmp_path / "l.db") as ledger:
        for passed in (0, 24, hours):
            moment = (start + pd.Timedelta(hours=passed)).isoformat()
            plan = plan_at(table(*FOUR), ledger=ledger, as_of=moment)
        assert ("pause_recommended" in plan.of("C").flags) == due
        waiting = ledger.pending()["item"].str.startswith("pause:")
        assert waiting.any() == due


@pytest.mark.parametrize(("leads", "due"), [(40, False), (400, True)])
def test_a_pause_needs_95_percent_even_where_a_cut_needs_less(leads, due):
    """CPL 75, trigger 65: of 40 leads P(CPL > 65) is .82, of 400 above .99."""
    history = pd.DataFrame(
        {"campaign_id": "C", "date": ["2026-02-28", "2026-03-01", "2026-03-02"], "cpl": 75.0}
    ).assign(leads=leads, spend=75.0 * leads)
    frame = table(*FOUR, date="2026-03-02")
    frame.loc[frame["campaign_id"] == "C", "cpl"] = 75.0
    frame["leads"] = float(leads)
    frame["spend"] = frame["cpl"] * leads
    plan = plan_at(frame, example(confidence_threshold="80%"), history=history, as_of="2026-03-03")
    assert plan.of("C").recommended_budget == 2400
    assert ("pause_recommended" in plan.of("C").flags) == due
    for alert in plan.alerts:
        if alert.type == "pause_recommended":
            assert alert.evidence == {"cpl": 75.0, "target_cpl": 50.0}


def test_one_good_run_in_between_starts_the_clock_again(tmp_path):
    good = table(*(("C", 3000, 60) if row[0] == "C" else row for row in FOUR))
    with open_ledger(tmp_path / "l.db") as ledger:
        plan_at(table(*FOUR), ledger=ledger, as_of="2026-03-01")
        plan_at(good, ledger=ledger, as_of="2026-03-02")
        plan = plan_at(table(*FOUR), ledger=ledger, as_of="2026-03-03")
    assert "pause_recommended" not in plan.of("C").flags


def test_a_rule_may_ask_for_a_pause_which_waits_for_a_person():
    rules = [{"name": "stop", "trigger": "cpl > 70", "action": "pause"}]
    call = plan_at(table(*FOUR), example(rules=rules)).of("C")
    assert (call.action, call.verdict, call.rule_fired) == ("pause", "needs_approval", "stop")
    assert call.recommended_budget == 3000


# Status -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["paused", "ended"])
def test_paused_and_ended_campaigns_hold(status):
    plan = plan_at(table(*FOUR, status=["active", status, status, "active"]))
    assert next_budgets(plan) == {"A": 2000, "B": 2500, "C": 3000, "D": 2500}
    assert plan.of("C").verdict == "blocked"


def test_a_locked_campaign_holds():
    plan = plan_at(table(*FOUR, locked=[False, False, True, False]))
    assert next_budgets(plan)["C"] == 3000


def test_zero_impressions_raise_an_alert_and_freeze_the_rules():
    plan = plan_at(table(*FOUR, impressions=[0, 100, 100, 100]))
    assert next_budgets(plan)["A"] == 2000
    assert "zero_impressions" in plan.of("A").flags
    assert "no_impressions" in {alert.type for alert in plan.alerts}


def test_a_click_through_rate_that_really_halved_recommends_a_pause():
    history = pd.DataFrame(
        {
            "campaign_id": "A",
            "date": ["2026-03-09", "2026-03-10"],
            "impressions": [100_000, 100_000],
            "clicks": [5_000, 2_000],
        }
    )
    plan = plan_at(table(*FOUR), history=history)
    assert "pause_recommended" in plan.of("A").flags
    assert next_budgets(plan)["A"] == 2000


# Limits of a move -------------------------------------------------------------------------------


def test_a_move_of_more_than_a_quarter_stops_at_a_quarter():
    rules = [
        {"name": "up", "trigger": "cpl < 40", "action": "increase_budget_60%"},
        {"name": "down", "trigger": "cpl > 65", "action": "decrease_budget_60%"},
    ]
    plan = plan_at(table(("A", 1000, 35), ("B", 1000, 75), ("C", 2000, 50)), example(rules=rules))
    assert next_budgets(plan) == {"A": 1250, "B": 750, "C": 2000}
    assert "daily_limit" in plan.of("A").flags
    assert "25% a day ends at 1,250.00" in plan.of("A").rationale


def test_a_campaign_below_the_minimum_is_not_cut_and_is_flagged():
    plan = plan_at(table(("A", 1000, 35), ("B", 80, 75), ("C", 2000, 50)))
    assert next_budgets(plan)["B"] == 80
    assert "under_minimum" in plan.of("B").flags


def test_exactly_500_is_automatic_and_a_cent_more_waits():
    rows = [("A", 6000, 35), ("B", 2500, 75), *((f"x{i}", 3000, 50) for i in range(4))]
    plan = plan_at(table(*rows))
    assert plan.of("B").recommended_budget == 2000
    assert {call.verdict for call in plan.calls} == {"auto"}
    rows[1] = ("B", 2500.05, 75)
    plan = plan_at(table(*rows))
    assert plan.of("B").verdict == plan.of("A").verdict == "needs_approval"
    assert plan.of("A").waits_for == ("B",)


def test_moves_below_the_step_are_made_and_pointed_out():
    plan = plan_at(table(("A", 3990, 50), ("B", 3000, 50), ("C", 110, 75), ("D", 2900, 50)))
    assert "below_step" in plan.of("C").flags
    assert next_budgets(plan)["C"] == 100


# Data -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("updated", "moves"), [("2026-03-08T08:00", True), ("2026-03-08T07:59", False)]
)
def test_figures_older_than_the_limit_move_nothing(updated, moves):
    plan = plan_at(table(*FOUR, updated_at=[None, None, updated, None]))
    assert (next_budgets(plan)["C"] < 3000) == moves
    assert ("stale" in plan.of("C").flags) != moves


def test_the_day_of_the_figures_tells_their_age_when_nothing_else_does():
    assert next_budgets(plan_at(table(*FOUR, date="2026-03-08")))["C"] == 2400
    assert "stale" in plan_at(table(*FOUR, date="2026-03-07")).of("C").flags


CURVE = {"curve": {0: "30%", 1: "60%", 7: "100%"}}


def test_immature_conversions_lower_nothing_and_may_raise():
    policy = example(attribution=CURVE, max_data_age="3 days")
    young = plan_at(table(*FOUR, date="2026-03-09"), policy)
    assert next_budgets(young)["C"] == 3000
    assert "immature" in young.of("C").flags
    assert young.of("C").verdict == "blocked"
    lenient = example(attribution=CURVE | {"mature_at": "60%"})
    dear = [("C", 3000, 120) if row[0] == "C" else row for row in FOUR]  # 72 with all results
    assert next_budgets(plan_at(table(*dear, date="2026-03-09"), lenient))["C"] == 2400


def test_a_cost_that_the_results_still_to_come_excuse_lowers_nothing():
    lenient = example(attribution=CURVE | {"mature_at": "60%"})
    young = plan_at(table(*FOUR, date="2026-03-09"), lenient)  # 60% are in: 80 becomes 48
    assert next_budgets(young)["C"] == 3000
    assert "immature" in young.of("C").flags
    assert "with the results still to come no rule would lower it" in young.of("C").rationale


def test_an_emergency_pause_waits_while_missing_conversions_may_excuse_the_cpl():
    policy = example(attribution=CURVE, max_data_age="3 days")
    frame = table(("A", 1000, 240), ("B", 1000, 260), ("C", 2000, 50), date="2026-03-09")
    plan = plan_at(frame, policy)  # 60% are in: 240 becomes 144 at best, 260 becomes 156
    assert plan.of("A").action == "hold"
    assert plan.of("B").action == "pause"


# Soft limits ------------------------------------------------------------------------------------


def soft(frame, policy=None):
    return {alert.type for alert in plan_at(frame, policy).alerts}


def test_five_paused_campaigns_are_told_and_four_are_not():
    five = table(*((f"c{i}", 1000, 50) for i in range(7)), status=["paused"] * 5 + ["active"] * 2)
    assert "paused_campaigns" in soft(five)
    assert "paused_campaigns" not in soft(five.iloc[1:])


@pytest.mark.parametrize(("spend", "told"), [(1599.0, True), (1600.0, False)])
def test_utilization_below_80_percent_is_told(spend, told):
    frame = table(("A", 1000, 50), ("B", 1000, 50)).assign(spend=[spend - 600, 600])
    assert ("low_utilization" in soft(frame)) == told


def test_a_winner_near_its_cap_is_told():
    near = [("A", 3500, 35), ("B", 3000, 52), ("C", 1000, 75), ("D", 2500, 52)]
    assert "winner_near_cap" in soft(table(*near))  # 3,700 of 4,000
    assert "winner_near_cap" not in soft(table(*FOUR))


# Proposals that only a person can make happen ---------------------------------------------------


@pytest.mark.parametrize(("budget", "change"), [(1000, -500), (300, 200)])
def test_the_test_budget_of_a_new_campaign_is_proposed_and_waits_for_a_person(
    tmp_path, budget, change
):
    frame = table(*FOUR, ("new", budget, 50), started_at=[None] * 4 + ["2026-03-09"])
    policy = example(rebalance_limit="40%")
    with open_ledger(tmp_path / "l.db") as ledger:
        plan = plan_at(frame, policy, ledger=ledger)
        call = plan.of("new")
        assert call.recommended_budget == 500
        assert (call.rule_fired, call.verdict) == ("test_budget", "needs_approval")
        assert call.recommended_budget - call.current_budget == change
        assert "test budget" in call.rationale
        assert plan.summary["net_change"] == 0
        ledger.approve(call.group_id, who="Ana", at=datetime(2026, 3, 10, 9, tzinfo=UTC))
        assert ledger.current_budgets()["new"] == 50_000


def test_a_new_campaign_without_a_budget_is_given_its_test_budget_when_money_is_free():
    frame = table(*FOUR, ("new", 0, None), started_at=[None] * 4 + ["2026-03-09"])
    call = plan_at(frame).of("new")
    assert call.recommended_budget > 0
    assert call.funded_by


def fraud(**columns):
    frame = table(*FOUR, clicks=[2000, 20, 20, 20], impressions=[10_000] * 4)
    return frame.assign(conversions=[5, 5, 5, 5], spend=[175.0, 225, 375, 260], **columns)


def test_a_pause_for_bad_clicks_is_an_item_that_a_person_approves(tmp_path):
    with open_ledger(tmp_path / "l.db") as ledger:
        call = plan_at(fraud(), ledger=ledger).of("A")
        assert (call.action, call.verdict) == ("pause", "needs_approval")
        assert call.rule_fired == "click_quality"
        assert "many clicks, few conversions" in call.rationale
        assert "pause_recommended" in call.flags
        pending = ledger.pending()
        (key,) = pending.loc[pending["unit"] == "A", "item"]
        ledger.approve(key, who="Ana", at=datetime(2026, 3, 10, 9, tzinfo=UTC))
        changes = ledger.entries(kind="change")
        assert "A" in changes["unit"].tolist()


def test_a_pause_for_a_crash_of_the_click_through_rate_is_an_item_too():
    history = pd.DataFrame(
        {
            "campaign_id": "A",
            "date": ["2026-03-09", "2026-03-10"],
            "impressions": [100_000, 100_000],
            "clicks": [5_000, 2_000],
        }
    )
    call = plan_at(table(*FOUR), history=history).of("A")
    assert (call.action, call.verdict, call.rule_fired) == ("pause", "needs_approval", "ctr_drop")
