"""How often budgets change: cadence, rests, the word days_since_change, the day's clock."""

import pandas as pd
import pytest

from adbudget import PolicyError, apply_policy, load_policy, open_ledger
from adbudget.policy.apply import rerun
from tests.policy.tables import read

POLICY = """\
target_cpl: $50
rules:
  - {name: scale, trigger: "cpl < target * 0.8", action: increase_budget_10%}
  - {name: cut, trigger: "cpl > target * 1.3", action: decrease_budget_20%}
"""
ROWS = {"campaign_id": ["win", "lose", "ok"], "budget": [1000.0, 1000.0, 3000.0]}


@pytest.fixture
def ledger(tmp_path):
    with open_ledger(tmp_path / "l.db") as opened:
        yield opened


def table(**columns) -> pd.DataFrame:
    return pd.DataFrame(ROWS | {"cpl": [35.0, 75.0, 50.0]} | columns)


def budgets_over(ledger, moments, policy=POLICY, **columns) -> list[dict[str, float]]:
    """Budgets after runs at these moments, each made at once; the figures never change."""
    frame, made = table(**columns), []
    for moment in moments:
        plan = apply_policy(load_policy(policy), frame, ledger=ledger, as_of=moment)
        frame["budget"] = [float(call.budget_now) for call in plan.calls]
        made.append(dict(zip(frame["campaign_id"], frame["budget"], strict=True)))
    return made


def days(first: int, last: int) -> list[str]:
    return [f"2026-03-{day:02d}T08:00" for day in range(first, last + 1)]


# Rests ------------------------------------------------------------------------------------------


def test_an_unchanged_window_of_seven_days_is_cut_once_in_seven_days(ledger):
    cut = [made["lose"] for made in budgets_over(ledger, days(2, 9), days=7)]
    assert cut == [800] * 7 + [640]


def test_a_rule_rests_for_the_observation_period_after_it_has_moved_a_campaign(ledger):
    cut = [made["lose"] for made in budgets_over(ledger, days(2, 6))]
    assert cut == [800, 800, 640, 640, 512]


def test_a_resting_rule_says_so_and_is_blocked(ledger):
    made = budgets_over(ledger, days(2, 2))[-1]
    again = table(budget=[made[name] for name in ROWS["campaign_id"]])
    plan = apply_policy(load_policy(POLICY), again, ledger=ledger, as_of="2026-03-03T12:00")
    call = plan.of("lose")
    assert (call.verdict, call.flags, call.change_pct) == ("blocked", ("rest",), 0.0)
    assert "cannot have answered yet" in call.rationale
    assert plan.summary["net_change"] == 0
    assert ledger.replay(plan.run_id, rerun).identical


def test_a_run_a_little_early_does_not_lose_its_turn(ledger):
    moments = ["2026-03-02T08:00", "2026-03-04T07:30"]
    assert budgets_over(ledger, moments)[-1]["lose"] == 640


@pytest.mark.parametrize(("rest", "cut"), [("rest: 0", 512), ("rest: 2 days", 640)])
def test_the_rest_of_the_policy_is_settable(ledger, rest, cut):
    assert budgets_over(ledger, days(2, 4), POLICY + rest)[-1]["lose"] == cut


def test_a_rule_may_have_a_rest_of_its_own(ledger):
    own = POLICY.replace("decrease_budget_20%", "decrease_budget_20%, rest: 5 days")
    assert [made["lose"] for made in budgets_over(ledger, days(2, 7), own)] == [800] * 5 + [640]


def test_the_rest_is_per_rule_so_another_rule_may_turn_a_campaign_around(ledger):
    budgets_over(ledger, days(2, 2), POLICY)
    better = table(budget=[1100.0, 800.0, 3100.0], cpl=[75.0, 35.0, 50.0])
    plan = apply_policy(load_policy(POLICY), better, ledger=ledger, as_of="2026-03-03T12:00")
    assert plan.of("lose").recommended_budget == 880
    assert plan.of("win").change_pct < 0


def test_money_left_over_goes_to_nobody_whose_budget_has_just_changed(ledger):
    first = budgets_over(ledger, days(2, 2))[0]
    assert first["ok"] == 3100, "what the winner does not take is shared out"
    other = table(budget=[1100.0, 800.0, 3100.0], cpl=[75.0, 50.0, 50.0])
    plan = apply_policy(load_policy(POLICY), other, ledger=ledger, as_of="2026-03-03T12:00")
    assert {call.change_pct for call in plan.calls} == {0.0}


def test_what_rebalancing_raised_is_not_cut_by_a_rule_before_it_can_have_shown(ledger):
    """The day before, 100 of what was cut elsewhere went to it: a cut now would contradict it."""
    first = budgets_over(ledger, days(2, 2))[0]
    assert first["ok"] == 3100
    worse = table(budget=[1100.0, 800.0, 3100.0], cpl=[50.0, 50.0, 75.0])
    plan = apply_policy(load_policy(POLICY), worse, ledger=ledger, as_of="2026-03-03T12:00")
    assert plan.of("ok").change_pct == 0
    assert "rest" in plan.of("ok").flags
    later = apply_policy(load_policy(POLICY), worse, ledger=ledger, as_of="2026-03-05T12:00")
    assert later.of("ok").change_pct < 0


# Cadence ----------------------------------------------------------------------------------------


def test_b2b_changes_a_budget_once_a_week_whatever_the_rule(ledger):
    weekly = "preset: b2b\nrest: 0\n" + POLICY
    cut = [made["lose"] for made in budgets_over(ledger, days(2, 9), weekly)]
    assert cut == [800] * 7 + [640]
    assert load_policy("preset: b2b").constraints.cadence.days == 7


def test_hourly_runs_change_a_budget_once_a_day(ledger):
    hours = [f"2026-03-02T{hour:02d}:00" for hour in range(8, 20)]
    cut = [made["lose"] for made in budgets_over(ledger, hours, "rest: 0\n" + POLICY)]
    assert cut == [800] * 12


def test_cadence_is_written_once():
    for written in ("cadence: weekly", "constraints: {cadence: 7 days}"):
        assert load_policy(written).constraints.cadence.days == 7
    with pytest.raises(PolicyError, match=r"cadence stands at the top .* and under constraints"):
        load_policy("cadence: weekly\nconstraints: {cadence: 2 days}")


def test_a_change_that_the_table_tells_counts_too():
    changed = ["2026-03-09T20:00", None, None]
    plan = apply_policy(load_policy(POLICY), table(changed_at=changed), as_of="2026-03-10T08:00")
    assert plan.of("win").flags == ("cadence",)
    assert plan.of("lose").recommended_budget == 800
    assert plan.of("ok").recommended_budget == 3200


# The word ---------------------------------------------------------------------------------------

PATIENT = POLICY.replace('> target * 1.3"', '> target * 1.3 and days_since_change > 3"') + "rest: 0"


def test_days_since_change_counts_from_the_last_change_in_the_ledger(ledger):
    cut = [made["lose"] for made in budgets_over(ledger, days(2, 9), PATIENT)]
    assert cut == [800] * 4 + [640] * 4


def test_days_since_change_is_exact_from_a_column_and_unknown_without():
    readings = read(2, changed_at=["2026-03-07", None])
    assert readings.metric("days_since_change")[0] == 3
    plan = apply_policy(load_policy(PATIENT), table(), as_of="2026-03-10")
    assert "days_since_change is not given" in plan.of("lose").rationale


# Large edits ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "told"), [("20%", False), ("21%", True)])
def test_an_edit_above_what_restarts_learning_is_noted(size, told):
    policy = POLICY.replace("decrease_budget_20%", f"decrease_budget_{size}")
    plan = apply_policy(load_policy(policy), table(), as_of="2026-03-10")
    assert ("restarts_learning" in plan.of("lose").flags) == told
    assert ("restarts_learning" in {note.kind for note in plan.notes}) == told
    wide = policy + "constraints: {learning_edit: 25%}"
    assert apply_policy(load_policy(wide), table(), as_of="2026-03-10").notes == ()


# The day's clock --------------------------------------------------------------------------------


def pace(as_of, spend=950.0, timezone="UTC", **columns) -> tuple[float, set[str]]:
    frame = pd.DataFrame({"campaign_id": ["a"], "budget": 1000.0, "spend": spend, **columns})
    policy = load_policy(
        f"timezone: {timezone}\n" + 'rules: [{name: r, trigger: "spend_pace > 2", action: hold}]'
    )
    plan = apply_policy(policy, frame, as_of=as_of)
    return plan.of("a").rule_fired == "r", {alert.type for alert in plan.alerts}


def test_most_of_a_budget_spent_by_eight_is_a_spike_and_by_evening_is_none():
    assert pace("2026-03-10T08:00", date="2026-03-10") == (True, {"risk"})
    assert pace("2026-03-10T22:00", date="2026-03-10") == (False, set())
    assert pace("2026-03-11T08:00", date="2026-03-10") == (False, set())
    assert pace("2026-03-10", date="2026-03-10") == (False, set()), "as of a date, the whole day"


def test_the_first_minutes_of_a_day_are_no_spike():
    assert pace("2026-03-10T00:10", spend=100.0, date="2026-03-10") == (False, set())
    assert pace("2026-03-10T00:10", spend=300.0, date="2026-03-10") == (True, {"risk"})


def test_days_are_those_of_the_policys_time_zone():
    at = "2026-03-09T23:00+00:00"  # 08:00 of the 10th in Tokyo
    assert pace(at, timezone="Asia/Tokyo", date="2026-03-10") == (True, {"risk"})
    with pytest.raises(Exception, match="date is after as_of"):
        pace(at, date="2026-03-10")


def test_the_age_of_figures_is_judged_in_the_policys_time_zone():
    frame = table(updated_at=["2026-03-07T23:00"] * 3)
    at = "2026-03-10T08:00+09:00"  # 57 hours later in Tokyo, 48 in UTC
    for zone, stale in (("Asia/Tokyo", True), ("UTC", False)):
        plan = apply_policy(load_policy(f"timezone: {zone}\n" + POLICY), frame, as_of=at)
        assert ("stale" in plan.of("lose").flags) == stale
    assert plan.at.isoformat() == "2026-03-09T23:00:00+00:00"
