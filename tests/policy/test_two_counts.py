"""Leads and conversions: two counts, two costs, two targets; one serves as both when alone."""

import pandas as pd
import pytest

from adbudget import apply_policy, load_policy
from tests.policy.tables import past, read

RULES = """\
rules:
  - {name: scale, trigger: "cpl < target * 0.8", action: increase_budget_15%}
  - {name: cut, trigger: "cpl > target * 1.3", action: decrease_budget_20%}
"""
SHOP = pd.DataFrame(
    {
        "campaign_id": ["a", "b", "c", "d"],
        "budget": [2000, 2500, 3000, 2500],
        "spend": [14_000, 17_500, 21_000, 17_500],
        "leads": [400, 389, 280, 336],
        "conversions": [20, 15, 14, 12],
        "days": 7,
    }
)


def plan_of(frame, targets="target_cpl: $50\n", more="", **options):
    policy = load_policy(targets + RULES + more)
    return apply_policy(policy, frame, as_of="2026-03-10", **options)


def test_cpl_is_per_lead_and_cpa_per_conversion():
    readings = read(1, spend=[1000.0], leads=[20], conversions=[4])
    assert readings.metric("cpl").tolist() == [50]
    assert readings.metric("cpa").tolist() == [250]
    assert (readings.notes, readings.served) == ((), ())


def test_many_leads_with_few_sales_pause_nothing():
    plan = plan_of(SHOP)
    assert [call.action for call in plan.calls] == ["increase", "increase", "decrease", "increase"]
    assert plan.of("a").rule_fired == "scale"
    assert "cpl 35" in plan.of("a").rationale
    assert plan.notes == ()


def test_each_cost_is_judged_by_its_own_target():
    fine = plan_of(SHOP, "target_cpl: $50\ntarget_cpa: $1,500\n")
    assert "pause" not in {call.action for call in fine.calls}
    dear = plan_of(SHOP, "target_cpl: $50\ntarget_cpa: $250\n")
    assert {call.rule_fired for call in dear.calls[1:]} == {"emergency_pause"}
    assert "cpa 1,458.33" in dear.of("d").rationale


@pytest.mark.parametrize(("given", "other"), [("leads", "conversions"), ("conversions", "leads")])
def test_the_one_count_that_is_given_serves_as_both_and_a_note_says_so(given, other):
    frame = SHOP.drop(columns=other)
    readings = read(1, spend=[1000.0], **{given: [20]})
    assert readings.metric("cpl").tolist() == readings.metric("cpa").tolist() == [50]
    both = "target_cpl: $50\ntarget_cpa: $2,000\n"
    told = [note.message for note in plan_of(frame, both).notes]
    assert told == [f"campaigns: {other} are not given; {given} stand for them."]


def test_a_count_that_no_rule_or_target_needs_is_no_note():
    assert plan_of(SHOP.drop(columns="conversions")).notes == ()


def test_counts_under_either_name_feed_the_confidence_check():
    sure = "confidence_threshold: 95%"
    for name in ("leads", "conversions"):
        frame = SHOP.drop(columns=["leads", "conversions"]).assign(**{name: [400, 1, 280, 336]})
        frame.loc[1, "spend"] = 35.0
        plan = plan_of(frame, more=sure)
        assert plan.of("a").rule_fired == "scale"
        assert plan.of("a").probability == pytest.approx(0.996, abs=0.001)
        assert "not sure enough" in plan.of("b").rationale


def test_money_refused_by_confidence_does_not_come_back_as_a_rebalance():
    frame = SHOP.drop(columns="conversions").assign(leads=[400, 1, 280, 336], cpl=[35, 35, 75, 52])
    frame.loc[1, "spend"] = 35.0
    plan = plan_of(frame, more="confidence_threshold: 95%")
    assert plan.of("b").recommended_budget == 2500
    assert plan.of("b").rule_fired == ""
    assert plan.of("d").rule_fired == "rebalance"
    assert plan.summary["net_change"] == 0


def test_a_history_with_one_count_of_two_leaves_the_other_unknown():
    history = past(spend=[100.0, 100.0], leads=[4, 5])
    readings = read(1, history, spend=[100.0], leads=[5], conversions=[1])
    assert readings.daily("cpl", 1).tolist() == [20]
    assert pd.isna(readings.daily("cpa", 1)[0])
    assert "what needs them is unknown" in readings.served[0].message


def test_campaigns_are_ranked_by_the_cost_that_has_a_target():
    frame = SHOP.assign(leads=[300, 300, 300, 300], conversions=[30, 10, 8, 20])
    cut = 'rules: [{name: cut, trigger: "cpa > 2000", action: decrease_budget_20%}]'
    policy = load_policy("target_cpa: $1,000\n" + cut)
    plan = apply_policy(policy, frame, as_of="2026-03-10")
    changes = {call.campaign_id: call.change_pct for call in plan.calls}
    assert changes == {"a": 10.0, "b": 6.0, "c": -20.0, "d": 10.0}  # 466.67, 1,750, 2,625 and 875


def test_clicks_that_bring_leads_are_no_bad_clicks_however_few_buy():
    frame = SHOP.assign(clicks=2000, impressions=10_000, conversions=[5, 5, 5, 5])
    assert "click_quality" not in {alert.type for alert in plan_of(frame).alerts}
    frame = frame.assign(leads=[400, 5, 280, 336])
    bad = [a.campaign_id for a in plan_of(frame).alerts if a.type == "click_quality"]
    assert bad == ["b"]
