"""What holds whatever the rules say: shared budgets, months, and the habits of platforms."""

from datetime import UTC, datetime

import pandas as pd
import pytest

from adbudget import InputError, PolicyError, apply_policy, load_policy, open_ledger
from adbudget.policy.apply import rerun
from adbudget.policy.physics import days_left
from adbudget.tables.units import split_unit

POLICY = """\
target_cpl: $50
rest: 0
cadence: 1 hour
rules:
  - {name: scale, trigger: "cpl < target * 0.8", action: increase_budget_15%}
  - {name: cut, trigger: "cpl > target * 1.3", action: decrease_budget_20%}
"""
AT = "2026-03-22T08:00"  # ten days of March are left


def table(*rows, **columns) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["campaign_id", "budget", "cpl"])
    return frame.assign(**columns)


THREE = (("win", 1000, 35.0), ("lose", 1000, 75.0), ("ok", 3000, 50.0))


def plan_of(frame, policy=POLICY, **options):
    return apply_policy(load_policy(policy), frame, **({"as_of": AT} | options))


def next_budgets(plan) -> dict[str, float]:
    """By the name of the campaign, without its platform."""
    return {split_unit(c.campaign_id)[1]: float(c.recommended_budget) for c in plan.calls}


# Shared budgets ---------------------------------------------------------------------------------


def shop(**changes) -> pd.DataFrame:
    columns = {
        "campaign_id": ["a", "b", "c", "d"],
        "budget": [1000, 1000, 1000, 3000],
        "budget_id": ["pot", "pot", None, None],
        "spend": [300, 700, 1000, 3000],
        "conversions": [10, 20, 13, 60],
    }
    return pd.DataFrame(columns | changes)


def test_campaigns_on_one_budget_are_one_and_their_money_is_there_once():
    plan = plan_of(shop())
    assert plan.summary["total_before"] == 5000
    assert next_budgets(plan) == {"c": 800, "d": 3050, "pot": 1150}
    call = plan.of("pot")
    assert call.rule_fired == "scale"
    assert "cpl 33.33" in call.rationale
    assert "shared by a, b" in call.rationale


def test_a_budget_that_one_campaign_has_alone_is_that_campaigns():
    plan = plan_of(shop(budget_id=["p1", "p2", "p3", "p4"]))
    assert [call.campaign_id for call in plan.calls] == ["a", "b", "c", "d"]


def test_the_history_of_a_shared_budget_is_added_up_by_day():
    history = pd.DataFrame(
        {
            "campaign_id": ["a", "b", "a", "b"],
            "date": ["2026-03-20", "2026-03-20", "2026-03-21", "2026-03-21"],
            "spend": [500, 500, 500, 500],
            "conversions": [20, 20, 5, 5],
        }
    )
    policy = POLICY.replace("cpl > target * 1.3", "cpl_change > 100% in 24h")
    policy = policy.replace("cpl < target * 0.8", "cpl < 1")
    plan = plan_of(shop(date="2026-03-21"), policy, history=history)
    assert plan.of("pot").rule_fired == "cut"
    assert "cpl 1 day before 25" in plan.of("pot").rationale


def test_what_a_shared_budget_has_once_must_be_the_same_in_every_row():
    with pytest.raises(InputError, match=r"budget differs .* 'pot' in rows 0, 1 .*: 1000, 1200"):
        plan_of(shop(budget=[1000, 1200, 1000, 3000]))
    with pytest.raises(InputError, match=r"account differs .* 'pot' .*call budgets of different"):
        plan_of(shop(account=["one", "two", "one", "one"]))
    with pytest.raises(InputError, match="'c' is a campaign_id too"):
        plan_of(shop(budget_id=["c", "c", None, None]))


def test_a_rate_that_is_given_for_each_cannot_be_added_and_is_unknown_for_all():
    frame = shop().drop(columns=["spend", "conversions"]).assign(cpl=[30, 35, 75, 50])
    assert "cpl is not given" in plan_of(frame).of("pot").rationale


def test_a_shared_budget_runs_while_one_of_its_campaigns_does(tmp_path):
    with open_ledger(tmp_path / "l.db") as ledger:
        plan = plan_of(shop(status=["paused", "active", "active", "active"]), ledger=ledger)
        assert plan.of("pot").recommended_budget == 1150
        assert ledger.replay(plan.run_id, rerun).identical
        payload = ledger.entries(kind="run")["payload"].iloc[0]
    assert payload["members"] == {"pot": ["a", "b"]}
    stopped = plan_of(shop(status=["paused", "paused", "active", "active"]))
    assert stopped.of("pot").flags[0] == "paused"


# Months -----------------------------------------------------------------------------------------


def test_days_left_count_the_day_itself():
    assert days_left(datetime(2026, 3, 22).date()) == 10
    assert days_left(datetime(2026, 2, 28).date()) == 1


def test_a_raise_ends_at_what_the_month_leaves():
    frame = table(*THREE, monthly_cap=[30_000, None, None], month_spend=[19_200, None, None])
    plan = plan_of(frame)
    assert next_budgets(plan)["win"] == 1080
    assert "at_cap" in plan.of("win").flags


def test_a_budget_above_what_the_month_leaves_comes_down_though_no_rule_fires():
    frame = table(*THREE, monthly_cap=[None, None, 60_000], month_spend=[None, None, 40_000])
    plan = plan_of(
        frame, POLICY.replace("rest: 0", "constraints: {total_budget_change: at_most 0}")
    )
    call = plan.of("ok")
    assert (call.recommended_budget, call.rule_fired) == (2000, "monthly_cap")
    assert "spend more than its monthly cap" in call.rationale
    assert "monthly_cap" not in {alert.type for alert in plan.alerts}


def test_a_month_that_will_cost_too_much_whatever_is_done_is_told():
    alone = table(("only", 1000, 50.0), monthly_cap=30_000, month_spend=25_000)
    plan = plan_of(alone)
    assert next_budgets(plan) == {"only": 1000}, "the total has to stay"
    (alert,) = (alert for alert in plan.alerts if alert.type == "monthly_cap")
    assert alert.evidence == {"month_spend": 25_000, "monthly_cap": 30_000, "budget": 1000}


def test_the_monthly_cap_of_the_policy_bounds_the_total():
    policy = POLICY + "constraints: {monthly_cap: $148000}"
    frame = table(*THREE, month_spend=[30_000, 30_000, 40_000])
    plan = plan_of(frame, policy)
    assert plan.summary["total_after"] == 4800
    unknown = plan_of(table(*THREE), policy)
    assert unknown.summary["net_change"] == 0
    assert "monthly_cap" in {note.kind for note in unknown.notes}


# Platforms --------------------------------------------------------------------------------------


def test_a_fifth_edit_within_the_hour_waits_on_meta_and_not_elsewhere(tmp_path):
    policy = (
        POLICY.replace("cadence: 1 hour", "cadence: 0") + "constraints: {max_daily_change: 90%}"
    )
    small = policy.replace("increase_budget_15%", "increase_budget_$5")
    for platform, edits in (("Facebook Ads", 4), ("bing", 6)):
        frame = table(*THREE, platform=platform)
        with open_ledger(tmp_path / f"{platform}.db") as ledger:
            for minute in range(0, 60, 10):
                plan = plan_of(frame, small, ledger=ledger, as_of=f"2026-03-22T08:{minute:02d}")
                frame["budget"] = [float(call.budget_now) for call in plan.calls]
            assert frame["budget"][0] == 1000 + 5 * edits
            flags = plan.of("win").flags
            later = plan_of(frame, small, ledger=ledger, as_of="2026-03-22T09:05")
        assert ("edits_an_hour" in flags) == (edits == 4)
        assert later.of("win").change_pct > 0


def test_a_platform_has_a_smallest_budget_in_the_currency_of_the_table():
    rows = (("win", 1000, 35.0), ("lose", 55, 75.0), ("ok", 3000, 50.0))
    plan = plan_of(table(*rows, platform="TikTok"))
    assert next_budgets(plan)["lose"] == 50
    assert "at_floor" in plan.of("lose").flags
    assert next_budgets(plan_of(table(*rows, platform="search")))["lose"] == 44
    yen = [(name, 100 * budget, cpl) for name, budget, cpl in rows]
    plain = POLICY.replace("$", "")
    assert (
        next_budgets(plan_of(table(*yen, platform="tiktok", currency="JPY"), plain))["lose"] == 5000
    )


def test_a_policy_may_say_otherwise_of_a_platform_or_name_its_own():
    more = "platforms: {tiktok: {min_budget: $20}, Own Shop: {min_budget: $48}}\n"
    rows = (("win", 1000, 35.0), ("lose", 55, 75.0), ("ok", 3000, 50.0))
    for platform, least in (("TikTok", 44), ("own shop", 48)):
        plan = plan_of(table(*rows, platform=platform), more + POLICY)
        assert next_budgets(plan)["lose"] == least
    with pytest.raises(PolicyError, match="unknown key 'min_bugdet'"):
        load_policy("platforms: {tiktok: {min_bugdet: $20}}")


def test_google_may_spend_twice_the_highest_budget_of_the_day_and_the_ledger_says_so(tmp_path):
    frame = table(*THREE, platform="google")
    with open_ledger(tmp_path / "l.db") as ledger:
        plan_of(frame, ledger=ledger)
        frame["budget"] = [1150.0, 800, 3050]
        plan = plan_of(frame, ledger=ledger, as_of="2026-03-22T12:00")
        payload = ledger.entries(kind="run", last=1)["payload"].iloc[0]
        assert ledger.replay(plan.run_id, rerun).identical
    told = payload["physics"]["campaigns"]["google::lose"]
    assert told == {"may_spend_today": 200_000, "highest_today": 100_000}


def test_on_google_the_last_days_of_a_month_leave_room_for_twice_the_budget():
    frame = table(*THREE, platform="google", monthly_cap=[30_000, None, None])
    frame["month_spend"] = [27_800.0, None, None]
    plan = plan_of(frame, as_of="2026-03-31T08:00")
    assert next_budgets(plan)["win"] == 1100, (
        "2,200 are left, and the day may cost twice its budget"
    )


def test_what_an_approval_changes_counts_as_an_edit(tmp_path):
    policy = POLICY + "constraints: {approval_limit: $1}\nplatforms: {meta: {changes_per_hour: 1}}"
    frame = table(*THREE, platform="meta")
    with open_ledger(tmp_path / "l.db") as ledger:
        group = plan_of(frame, policy, ledger=ledger).of("win").group_id
        ledger.approve(group, who="Ana", at=datetime(2026, 3, 22, 8, 30, tzinfo=UTC))
        frame["budget"] = [1150.0, 800, 3050]
        plan = plan_of(
            frame,
            policy.replace("cadence: 1 hour", "cadence: 0"),
            ledger=ledger,
            as_of="2026-03-22T09:00",
        )
    assert plan.of("win").flags[0] == "edits_an_hour"
