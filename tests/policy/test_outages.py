"""Thin and broken data: emergencies need proof, outages of tracking freeze, the brake holds."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from adbudget import apply_policy, load_policy, open_ledger
from adbudget.policy.apply import rerun

POLICY = """\
target_cpl: $50
rules:
  - {name: scale, trigger: "cpl < target * 0.8", action: increase_budget_15%}
  - {name: cut, trigger: "cpl > target * 1.3", action: decrease_budget_20%, floor: $100}
"""
TODAY = date(2026, 3, 10)
AT = "2026-03-11T08:00"


def table(results, *, spend=1000.0, day=TODAY, **columns) -> pd.DataFrame:
    """One day of campaigns c0, c1, ... with these numbers of results."""
    names = [f"c{i}" for i in range(len(results))]
    frame = pd.DataFrame({"campaign_id": names, "budget": 1000.0, "spend": spend})
    return frame.assign(conversions=results, date=day.isoformat(), **columns)


def days_before(results_by_day, **columns) -> pd.DataFrame:
    """History that ends the day before TODAY; each entry is one day's results by campaign."""
    n = len(results_by_day)
    return pd.concat(
        [
            table(results, day=TODAY - timedelta(days=n - k), **columns).drop(columns="budget")
            for k, results in enumerate(results_by_day)
        ]
    )


def plan_of(frame, history=None, policy=POLICY, as_of=AT, **options):
    return apply_policy(load_policy(policy), frame, history=history, as_of=as_of, **options)


def told(plan) -> list[tuple[str, str]]:
    return [(alert.type, alert.severity) for alert in plan.alerts]


def frozen(plan) -> set[str]:
    return {call.campaign_id for call in plan.calls if "outage" in call.flags}


# Outages ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("results", [2, 0])
def test_results_that_fall_everywhere_at_once_freeze_all_and_are_one_critical_alert(results):
    plan = plan_of(table([results] * 10), days_before([[25] * 10] * 7))
    assert all(call.recommended_budget == 1000 and call.action == "hold" for call in plan.calls)
    assert told(plan) == [("outage", "critical")]
    assert plan.alerts[0].evidence["conversions"] == 10 * results
    assert plan.alerts[0].evidence["expected"] == 250
    assert "2026-03-10" in plan.alerts[0].message


def test_one_campaign_that_fails_alone_is_cut_as_ever():
    plan = plan_of(table([12, *[25] * 9]), days_before([[25] * 10] * 7))
    assert frozen(plan) == set()
    assert plan.of("c0").recommended_budget == 800


def test_the_largest_campaign_failing_alone_is_no_outage_though_most_results_are_gone():
    history = days_before([[250, 25, 25]] * 7)
    assert frozen(plan_of(table([10, 25, 25]), history)) == set()


def test_an_outage_of_one_channel_freezes_that_channel_and_no_other():
    channels = ["search"] * 5 + ["social"] * 5
    frame = table([25] * 4 + [8] + [2] * 5, channel=channels)
    plan = plan_of(frame, days_before([[25] * 10] * 7))
    assert frozen(plan) == {f"c{i}" for i in range(5, 10)}
    assert plan.of("c4").recommended_budget == 800
    assert told(plan).count(("outage", "critical")) == 1
    assert "channel 'social'" in plan.alerts[0].message


def test_an_outage_that_loses_half_of_few_results_each_is_seen_in_their_sum():
    history = days_before([[6] * 12] * 7)
    assert len(frozen(plan_of(table([3, 2, 4, 3, 1, 3, 5, 2, 3, 4, 2, 3]), history))) == 12


def test_two_of_five_campaigns_that_fail_on_one_day_are_no_outage():
    history = days_before([[25] * 5] * 7)
    assert frozen(plan_of(table([0, 0, 25, 25, 25]), history)) == set()


def test_chance_is_no_outage():
    history = days_before([[2, 1, 2]] * 7)
    assert frozen(plan_of(table([0, 1, 0]), history)) == set()


def test_slow_weekends_are_no_outage():
    usual, weekend = [25] * 5, [3] * 5
    history = [usual, weekend, weekend, *[usual] * 5]  # TODAY is a week after the first weekend day
    assert frozen(plan_of(table(weekend), days_before(history[1:]))) == set()
    assert len(frozen(plan_of(table(weekend), days_before([usual] * 7)))) == 5


def test_an_outage_of_several_days_stays_one_until_results_are_back():
    fine, out = [25] * 5, [1] * 5
    assert len(frozen(plan_of(table(out), days_before([fine] * 7 + [out] * 3)))) == 5
    assert frozen(plan_of(table(fine), days_before([fine] * 7 + [out] * 3))) == set()


def test_a_window_that_holds_a_day_of_the_outage_stays_frozen_until_it_is_past():
    fine, out = [25] * 5, [0] * 5
    window = table([100] * 5, spend=7000.0, days=7)
    hit = days_before([fine] * 10 + [out] + [fine] * 3)
    assert len(frozen(plan_of(window, hit))) == 5
    past = days_before([fine] * 10 + [out] + [fine] * 7)
    assert frozen(plan_of(window, past)) == set()


def test_results_that_are_only_late_are_no_outage():
    late = (
        POLICY
        + "attribution: {curve: {0: 10%, 1: 20%, 2: 100%}}\nconstraints: {max_data_age: 9 days}"
    )
    history = days_before([[25] * 5] * 6 + [[10] * 5])
    assert frozen(plan_of(table([5] * 5), history, policy=late)) == set()
    assert len(frozen(plan_of(table([5] * 5), history))) == 5


@pytest.mark.parametrize("windows", [False, True])
def test_a_latest_day_that_is_always_low_when_it_is_new_is_no_outage(tmp_path, windows):
    """Late conversions that nobody declared: 25 in the end, 10 on the first morning."""
    with open_ledger(tmp_path / "l.db") as ledger:
        for before in range(6, -1, -1):
            day = TODAY - timedelta(days=before)
            new = table([10] * 5, day=day)
            history = pd.concat(
                [
                    table([25] * 5, day=day - timedelta(days=k)).drop(columns="budget")
                    for k in range(7, 0, -1)
                ]
            )
            if windows:
                history = pd.concat([history, new.drop(columns="budget")])
                new = table([160] * 5, day=day, days=7, spend=7000.0)
            morning = f"{day + timedelta(days=1)}T08:00"
            plan = plan_of(new, history, as_of=morning, ledger=ledger)
        assert frozen(plan) == set()
        assert ledger.replay(plan.run_id, rerun).identical


def test_without_a_history_the_tables_of_earlier_runs_say_what_is_usual(tmp_path):
    with open_ledger(tmp_path / "l.db") as ledger:
        for before in (4, 3, 2, 1):
            frame = table([20] * 5, day=TODAY - timedelta(days=before))
            plan_of(frame, as_of=f"{TODAY - timedelta(days=before - 1)}T08:00", ledger=ledger)
        plan = plan_of(table([2] * 5), ledger=ledger)
        assert len(frozen(plan)) == 5
        assert ledger.replay(plan.run_id, rerun).identical
        payload = ledger.entries(kind="run", last=1)["payload"].iloc[0]
    assert payload["figures"]["outages"][0]["group"] == "the account"


def test_an_account_without_a_single_result_is_an_outage_even_without_a_past():
    plan = plan_of(table([0] * 4))
    assert len(frozen(plan)) == 4
    assert told(plan) == [("outage", "critical")]
    assert told(plan_of(table([0] * 4, spend=20.0, budget=20.0))) == []


# Emergencies ------------------------------------------------------------------------------------


def with_fine(spend, results, **columns) -> pd.DataFrame:
    """A campaign with these figures beside four that are on target."""
    frame = table([results, *[20] * 4], **columns)
    return frame.assign(spend=[spend, *[1000.0] * 4])


def test_one_dear_lead_of_a_young_campaign_is_no_proof():
    frame = with_fine(151.0, 1, started_at=["2026-03-11T06:00", *[None] * 4])
    plan = plan_of(frame)
    assert plan.of("c0").action == "hold"
    assert plan.of("c0").recommended_budget == 1000


def test_no_results_at_all_count_as_less_than_one():
    plan = plan_of(with_fine(900.0, 0))
    assert (plan.of("c0").action, plan.of("c0").verdict) == ("pause", "auto")
    assert "spend 900 and conversions 0" in plan.of("c0").rationale
    assert plan.alerts[0].evidence == {"spend": 900.0, "conversions": 0.0}


@pytest.mark.parametrize(("needed", "pauses"), [("$901", False), ("$900", True), ("19x", False)])
def test_an_emergency_needs_its_minimum_spend(needed, pauses):
    policy = POLICY + f"constraints: {{emergency_min_spend: {needed}}}"
    assert (plan_of(with_fine(900.0, 0), policy=policy).of("c0").action == "pause") == pauses


@pytest.mark.parametrize(("sure", "pauses"), [("95%", True), ("99.9%", False)])
def test_an_emergency_needs_the_confidence_of_the_policy_where_there_are_counts(sure, pauses):
    policy = POLICY + f"confidence_threshold: {sure}"
    assert (plan_of(with_fine(1000.0, 2), policy=policy).of("c0").action == "pause") == pauses


def test_a_cost_that_looks_like_an_emergency_is_given_no_money_either():
    frame = with_fine(160.0, 1).assign(budget=1000.0)
    frame.loc[1, ["spend", "conversions"]] = [1000.0, 12]  # is cut, and frees 200
    plan = plan_of(frame, policy=POLICY + "confidence_threshold: 80%")
    assert plan.of("c1").recommended_budget < 1000
    assert plan.of("c0").recommended_budget <= 1000


# The brake --------------------------------------------------------------------------------------


def many(n_bad: int, n: int = 20) -> pd.DataFrame:
    return table([2] * n_bad + [20] * (n - n_bad))


@pytest.mark.parametrize(("n_bad", "verdict"), [(3, "auto"), (4, "needs_approval")])
def test_more_pauses_than_the_brake_allows_wait_for_a_person(n_bad, verdict):
    plan = plan_of(many(n_bad))
    paused = [call for call in plan.calls if call.action == "pause"]
    assert len(paused) == n_bad
    assert {call.verdict for call in paused} == {verdict}
    expected = ["emergency_pause"] * 3 if verdict == "auto" else ["many_pauses"]
    assert [alert.type for alert in plan.alerts if alert.severity == "critical"] == expected


def test_a_pause_of_too_much_of_the_budget_waits_for_a_person():
    frame = table([1, 20, 20])
    assert plan_of(frame).of("c0").verdict == "needs_approval"
    wide = POLICY + "constraints: {max_paused_share: 34%}"
    assert plan_of(frame, policy=wide).of("c0").verdict == "auto"


def test_the_brake_counts_the_pauses_of_the_whole_day(tmp_path):
    with open_ledger(tmp_path / "l.db") as ledger:
        plan_of(many(3), ledger=ledger)
        later = many(20 - 17).assign(conversions=[20] * 3 + [2] + [20] * 16)
        later["status"] = ["paused"] * 3 + ["active"] * 17
        plan = plan_of(later, ledger=ledger, as_of="2026-03-11T09:00")
        assert plan.of("c3").verdict == "needs_approval"
        assert ledger.pending()["unit"].tolist() == ["c3"]
        changes = ledger.entries(kind="change")
    assert np.array_equal(changes["unit"], ["c0", "c1", "c2"])
