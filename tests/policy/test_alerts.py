"""Alerts and built-in checks: what is told, what is not, and what is told only once."""

from datetime import UTC, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from adbudget.alerts.alert import Alert, fingerprint_of
from adbudget.errors import InputError, PolicyError
from adbudget.policy.alerts import raise_alerts
from adbudget.policy.anomalies import AnomalyLimits, find_anomalies
from adbudget.policy.language import parse_trigger
from adbudget.policy.readings.campaigns import read_campaigns
from adbudget.policy.rulebook import AlertRule
from tests.policy.tables import AS_OF, campaigns, past, read


def rule(text, type_="anomaly", severity="warning", action="alert_human", hours=24):
    return AlertRule(
        type=type_,
        trigger=parse_trigger(text, where=f'alerts[0] "{type_}"'),
        action=action,
        severity=severity,
        cooldown=timedelta(hours=hours),
    )


def told(readings, *rules, **options) -> list[tuple[str, str, str]]:
    report = raise_alerts(readings, rules, targets={}, **options)
    return [(alert.type, alert.campaign_id, alert.action) for alert in report.alerts]


# The usual alerts -------------------------------------------------------------------------------


@pytest.mark.parametrize(("spend", "expected"), [(150, []), (150.01, ["risk"])])
def test_spend_above_150_percent_of_the_daily_pace_is_told(spend, expected):
    assert [type_ for type_, _, _ in told(read(spend=spend, budget=100))] == expected


@pytest.mark.parametrize(("now", "expected"), [(61, ["anomaly"]), (60, [])])
def test_a_jump_of_the_cpl_within_a_day_is_told(now, expected):
    readings = read(cpl=now, history=past(cpl=[40]))
    assert [type_ for type_, _, _ in told(readings)] == expected


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [(7, 3, []), (700, 300, ["anomaly"]), (7, 0, []), (700, 500, [])],
)
def test_where_leads_are_counted_a_jump_of_the_cpl_is_told_when_chance_does_not_explain_it(
    before, now, expected
):
    readings = read(spend=100, leads=now, history=past(spend=[100], leads=[before]))
    assert [type_ for type_, _, _ in told(readings)] == expected


def test_alerts_of_a_policy_need_its_confidence_and_go_by_the_figures_without_one():
    readings = read(spend=100, leads=3, history=past(spend=[100], leads=[7]))
    jump = rule("cpl_change > 50% in 24h")
    assert [type_ for type_, _, _ in told(readings, jump)] == ["anomaly"]
    assert told(readings, jump, confidence=0.95) == []


@pytest.mark.parametrize(("started", "expected"), [("2026-03-10", 0), ("2026-03-01", 1)])
def test_a_campaign_that_begins_today_is_not_missed(started, expected):
    readings = read(impressions=0, budget=100, started_at=started)
    assert len(told(readings)) == expected


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ([6.1, 6.2], 6.3, [("opportunity", "c0", "suggest_scale")]),
        ([6.1, 5.9], 6.3, []),
    ],
)
def test_three_days_of_high_roas_suggest_scaling(before, now, expected):
    assert told(read(roas=now, history=past(roas=before))) == expected


def test_a_rule_of_the_policy_replaces_the_usual_one_on_its_metric():
    readings = read(spend=160, budget=100)
    assert told(readings, rule("spend_pace > 200%", "risk")) == []
    assert told(readings, rule("spend_pace > 155%", "mine", action="call")) == [
        ("mine", "c0", "call")
    ]
    assert told(readings, rule("roas > 9", "mine")) == [("risk", "c0", "alert_overspend")]


def test_an_alert_carries_its_figures_in_words_and_numbers():
    readings = read(cpl=61, history=past(cpl=[40]))
    (alert,) = raise_alerts(readings, (), targets={}).alerts
    assert alert.evidence == pytest.approx({"cpl": 61, "cpl 1 day before": 40, "cpl_change": 0.525})
    assert alert.message == (
        "c0: cpl_change > 50% in 24h (cpl 61, cpl 1 day before 40, cpl_change +52.5%)."
    )
    assert alert.at == AS_OF
    assert alert.as_dict()["at"] == "2026-03-10T00:00:00"


def test_a_rule_that_cannot_be_judged_is_noted():
    report = raise_alerts(read(2), [rule("roas > 6")], targets={})
    (note,) = report.notes
    assert note.message == (
        "alerts[0] \"anomaly\" could not be judged for 2 campaigns; 'c0': roas is not given."
    )


def test_targets_reach_the_rules():
    readings = read(cpl=101)
    report = raise_alerts(readings, [rule("cpl > 2 * target")], targets={"target_cpl": 50})
    assert len(report.alerts) == 1
    with pytest.raises(PolicyError, match="no target for cpl"):
        raise_alerts(readings, [rule("cpl > 2 * target")], targets={})


# A drop of the click-through rate ---------------------------------------------------------------


def clicked(now, before, shown=10_000):
    history = past(clicks=[float(before)], impressions=[float(shown)])
    return read(clicks=now, impressions=shown, history=history)


def test_a_drop_by_more_than_half_with_volume_asks_for_a_pause():
    report = raise_alerts(clicked(90, 200), (), targets={})
    (alert,) = report.alerts
    assert (alert.type, alert.severity, alert.action) == ("ctr_drop", "critical", "pause")
    assert alert.evidence["probability"] > 0.99
    assert report.pause.tolist() == [True]


def test_a_drop_by_exactly_half_is_not_told():
    assert told(clicked(100, 200)) == []


def test_a_drop_of_a_handful_of_clicks_is_chance():
    report = raise_alerts(clicked(0, 2, shown=100), (), targets={})
    assert report.alerts == ()
    assert report.pause.tolist() == [False]


def test_a_drop_that_is_likely_but_not_sure_asks_only_for_a_look():
    report = raise_alerts(clicked(9, 20, shown=1000), (), targets={})
    (alert,) = report.alerts
    assert (alert.severity, alert.action) == ("warning", "review")
    assert 0.95 < alert.evidence["probability"] < 0.99
    assert report.pause.tolist() == [False]


def test_a_drop_without_counts_is_told_and_asks_only_for_a_look():
    report = raise_alerts(read(ctr=0.009, history=past(ctr=[0.02])), (), targets={})
    (alert,) = report.alerts
    assert (alert.severity, alert.action) == ("warning", "review")
    assert "chance cannot be ruled out" in alert.message
    assert report.pause.tolist() == [False]


def test_the_probability_of_a_drop_agrees_with_simulation():
    (drop, *_) = find_anomalies(clicked(20, 45, shown=1000), AnomalyLimits())
    rng = np.random.default_rng(3)
    now, before = (rng.gamma(count + 0.5, 1 / 1000, 200_000) for count in (20, 45))
    assert drop.probability[0] == pytest.approx(np.mean(now < before), abs=0.003)


def test_chance_alone_rarely_pauses_a_campaign():
    rng = np.random.default_rng(11)
    n, shown = 4000, 500
    clicks = rng.binomial(shown, 0.02, size=(2, n)).astype(float)
    ids = [f"c{i}" for i in range(n)]
    history = pd.DataFrame(
        {"campaign_id": ids, "date": "2026-03-09", "clicks": clicks[0], "impressions": shown}
    )
    readings = read(n, clicks=clicks[1], impressions=shown, history=history)
    drop = find_anomalies(readings, AnomalyLimits())[0]
    by_figures = drop.firing.fired.mean()
    assert by_figures > 0.04  # many drops by half without any cause
    assert drop.real.mean() < 0.01


# Clicks too good to be true ---------------------------------------------------------------------


def test_many_clicks_that_never_convert_ask_for_pause_and_review():
    report = raise_alerts(read(impressions=5000, clicks=800, conversions=0), (), targets={})
    (alert,) = report.alerts
    assert (alert.type, alert.severity, alert.action) == (
        "click_quality",
        "critical",
        "pause_and_review",
    )
    assert report.pause.tolist() == [True]


@pytest.mark.parametrize(
    "counts",
    [
        {"impressions": 5000, "clicks": 800, "conversions": 40},  # they convert
        {"impressions": 5000, "clicks": 400, "conversions": 0},  # the rate is not that high
        {"impressions": 100, "clicks": 15, "conversions": 0},  # too few to say
    ],
)
def test_clicks_that_convert_or_are_few_are_not_told(counts):
    assert told(read(**counts)) == []


def test_some_clicks_that_hardly_convert_ask_only_for_a_look_and_only_where_told():
    readings = read(impressions=1000, clicks=130, conversions=0)
    assert told(readings) == []
    report = raise_alerts(readings, (), targets={}, limits=AnomalyLimits(worth_telling=0.8))
    (alert,) = report.alerts
    assert (alert.severity, alert.action) == ("warning", "review")
    assert report.pause.tolist() == [False]


def test_suspicious_rates_without_counts_ask_for_pause_and_review_and_say_so():
    report = raise_alerts(read(ctr=0.12, cvr=0.001), (), targets={})
    (alert,) = report.alerts
    assert alert.action == "pause_and_review"
    assert "chance cannot be ruled out" in alert.message
    assert report.pause.tolist() == [True]


@pytest.mark.parametrize("rates", [{"ctr": 0.10, "cvr": 0.001}, {"ctr": 0.12, "cvr": 0.01}])
def test_rates_exactly_at_their_limits_are_not_told(rates):
    assert told(read(**rates)) == []


# Nothing shown ----------------------------------------------------------------------------------


def test_a_campaign_that_is_not_shown_is_told_and_its_rules_are_frozen():
    readings = read(4, impressions=[0, 0, 0, 5], status=["active", "paused", "active", "active"])
    readings = read_campaigns(
        campaigns(4, impressions=[0, 0, 0, 5], budget=[100, 100, 0, 100]).assign(
            status=["active", "paused", "active", "active"]
        ),
        as_of=AS_OF,
    )
    report = raise_alerts(readings, (), targets={})
    assert [(alert.type, alert.campaign_id) for alert in report.alerts] == [
        ("no_impressions", "c0")
    ]
    assert report.frozen.tolist() == [True, False, False, False]


@pytest.mark.parametrize("value", [0, 1, -0.1, 50])
def test_limits_of_the_checks_are_shares(value):
    with pytest.raises(InputError, match="ctr_drop must be in"):
        AnomalyLimits(ctr_drop=value)


# Told once --------------------------------------------------------------------------------------


def earlier_by(hours, severity="warning", readings=None):
    readings = readings or read(cpl=61, history=past(cpl=[40]))
    (alert,) = raise_alerts(readings, (), targets={}, at=AS_OF - timedelta(hours=hours)).alerts
    return alert, {**alert.as_dict(), "severity": severity}


@pytest.mark.parametrize(("hours", "again"), [(1, False), (23, False), (24, True), (48, True)])
def test_the_same_trouble_is_silent_until_its_cooldown_is_over(hours, again):
    alert, as_dict = earlier_by(hours)
    readings = read(cpl=61, history=past(cpl=[40]))
    for earlier in ([alert], [as_dict], pd.DataFrame([as_dict])):
        report = raise_alerts(readings, (), targets={}, earlier=earlier)
        assert bool(report.alerts) is again
        assert bool(report.silenced) is not again


def test_entries_of_a_ledger_silence_too():
    alert, as_dict = earlier_by(1)
    entries = pd.DataFrame({"kind": "alert", "at": [alert.at], "payload": [as_dict]})
    report = raise_alerts(read(cpl=61, history=past(cpl=[40])), (), targets={}, earlier=entries)
    assert report.alerts == ()


def test_a_cooldown_is_of_the_rule_the_campaign_and_the_type():
    readings = read(2, spend=160, budget=100)
    rules = [rule("spend_pace > 150%", "risk", hours=2)]
    first = raise_alerts(readings, rules, targets={}, at=AS_OF - timedelta(hours=3)).alerts
    assert len(first) == 2
    assert len(raise_alerts(readings, rules, targets={}, earlier=first).alerts) == 2
    half = raise_alerts(
        readings, [rule("spend_pace > 150%", "risk")], targets={}, earlier=first[:1]
    )
    assert [alert.campaign_id for alert in half.alerts] == ["c1"]


def test_trouble_that_becomes_more_severe_is_told_again():
    _, mild = earlier_by(1, severity="info")
    report = raise_alerts(read(cpl=61, history=past(cpl=[40])), (), targets={}, earlier=[mild])
    assert len(report.alerts) == 1


def test_an_alert_of_later_does_not_silence_an_earlier_run():
    later, _ = earlier_by(-5)
    report = raise_alerts(read(cpl=61, history=past(cpl=[40])), (), targets={}, earlier=[later])
    assert len(report.alerts) == 1


def test_a_frozen_campaign_stays_frozen_while_its_alert_is_silent():
    readings = read(impressions=0)
    first = raise_alerts(readings, (), targets={}).alerts
    again = raise_alerts(readings, (), targets={}, earlier=first)
    assert again.alerts == ()
    assert again.frozen.tolist() == [True]


def test_the_same_rule_twice_tells_once():
    same = [rule("spend_pace > 150%"), rule("SPEND_PACE  >  150%", action="other")]
    assert told(read(spend=160, budget=100), *same) == [("anomaly", "c0", "alert_human")]


def test_times_with_and_without_zone_are_not_compared():
    alert, _ = earlier_by(1)
    with pytest.raises(InputError, match="Pass as_of with a time zone"):
        raise_alerts(read(cpl=61), (), targets={}, earlier=[alert], at=AS_OF.replace(tzinfo=UTC))


@pytest.mark.parametrize("earlier", ["alerts.jsonl", 5, [{"fingerprint": "x"}], [3]])
def test_earlier_alerts_that_are_none_are_refused(earlier):
    with pytest.raises(InputError, match="earlier alert"):
        raise_alerts(read(), (), targets={}, earlier=earlier)


def test_the_most_severe_comes_first():
    readings = read(2, spend=160, budget=100, impressions=5000, clicks=[800, 10], conversions=0)
    types = [type_ for type_, _, _ in told(readings)]
    assert types == ["click_quality", "risk", "risk"]


@given(st.permutations(range(6)))
def test_the_order_of_campaigns_changes_nothing(order):
    frame = campaigns(6, spend=[160, 10, 170, 0, 200, 90], impressions=[1, 0, 5, 0, 9, 8])
    plain = raise_alerts(read_campaigns(frame, as_of=AS_OF), (), targets={})
    mixed = raise_alerts(read_campaigns(frame.iloc[list(order)], as_of=AS_OF), (), targets={})
    assert plain.alerts == mixed.alerts


def test_a_fingerprint_names_the_trouble_and_not_the_spelling():
    assert fingerprint_of("risk", "a", "cpl  > 5") == fingerprint_of("risk", "a", "CPL > 5")
    different = {
        fingerprint_of(*key)
        for key in [("risk", "a", "x"), ("risk", "b", "x"), ("info", "a", "x"), ("risk", "a", "y")]
    }
    assert len(different) == 4


def test_an_alert_is_a_record():
    alert = earlier_by(1)[0]
    assert isinstance(alert, Alert)
    with pytest.raises(AttributeError):
        alert.severity = "info"
