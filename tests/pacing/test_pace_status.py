"""States and severities: limits, hysteresis, silence; groups and alerts made of them."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from adbudget import InputError, PaceThresholds
from adbudget.alerts.alert import Alert, past_alerts
from adbudget.alerts.cooldown import fresh_alerts
from adbudget.pacing.booked.clock import as_instant
from adbudget.pacing.delivery.groups import measure_groups
from adbudget.pacing.delivery.measures import measure
from adbudget.pacing.delivery.pace_alerts import deal_alerts, deal_sentences
from adbudget.pacing.delivery.status import Standing, judge, severity_level
from tests.pacing.flights import daily, delivery_of, plan_of, plan_row, ten_days

LIMITS = PaceThresholds()
AFTER_TEN_DAYS = "2026-03-11"


def standing(
    spend: object, as_of: str = AFTER_TEN_DAYS, earlier=None, row=None, **columns
) -> Standing:
    plan = plan_of(row or plan_row())
    delivery = delivery_of(plan, daily("D1", spend, **columns))
    return judge(plan, delivery, measure(plan, delivery, as_of), LIMITS, earlier)


def said(found: Standing) -> tuple[str, str]:
    return found.state[0], found.severity[0]


# Limits -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("percent", "severity"),
    [(-10.00, 0), (-10.01, 1), (-25.00, 1), (-25.01, 2), (0, 0), (10, 0), (10.01, 1), (25.01, 2)],
)
def test_limits_are_exclusive(percent, severity):
    assert severity_level(np.array([percent / 100]), LIMITS).tolist() == [severity]


@pytest.mark.parametrize(("spent", "severity"), [(9_000, "none"), (8_999, "warning")])
def test_ten_percent_below_plan_is_still_on_pace_in_real_figures(spent, severity):
    assert standing(ten_days(spent)).severity[0] == severity


@pytest.mark.parametrize(("spent", "severity"), [(7_500, "warning"), (7_499, "critical")])
def test_25_percent_below_plan_is_still_a_warning_in_real_figures(spent, severity):
    assert standing(ten_days(spent)).severity[0] == severity


def test_nothing_planned_and_nothing_known_is_no_severity():
    assert severity_level(np.array([np.nan, np.inf]), LIMITS).tolist() == [0, 2]


# Hysteresis -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "percent", "after"),
    [
        (1, -9.0, 1),  # came back across the limit, but not far enough
        (1, -8.0, 0),
        (2, -24.0, 2),
        (2, -23.0, 1),
        (2, -9.0, 1),
        (2, -7.0, 0),
        (0, -9.0, 0),
        (1, 9.0, 0),  # the other side of the plan is another matter
    ],
)
def test_a_severity_is_left_only_well_inside_its_limit(before, percent, after):
    assert severity_level(np.array([percent / 100]), LIMITS, before, -1).tolist() == [after]


@given(st.lists(st.floats(-0.014, 0.014), min_size=2, max_size=30), st.sampled_from([0.10, 0.25]))
def test_noise_around_a_limit_changes_the_severity_once_at_most(noise, limit):
    level, seen = 0, []
    for wiggle in noise:  # narrower than the hysteresis of 2 points, on either side of the limit
        deviation = np.array([-(limit - 0.001 + min(wiggle, 0.014) * 0.7)])
        level = int(severity_level(deviation, LIMITS, level, -1 if level else 0)[0])
        seen.append(level)
    assert (np.diff(seen) >= 0).all()


def test_the_run_before_decides_on_the_edge():
    spend = ten_days(9_100)  # 9% below plan
    assert said(standing(spend)) == ("on_pace", "none")
    assert said(standing(spend, earlier={"D1": ("under", "warning")})) == ("under", "warning")
    assert said(standing(spend, earlier={"D1": ("over", "warning")})) == ("on_pace", "none")


def test_an_unknown_state_of_the_run_before_is_refused():
    with pytest.raises(InputError, match="earlier status of deal 'D1' must be one of"):
        standing(ten_days(9_100), earlier={"D1": ("slow", "warning")})


# States -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spend", "as_of", "state"),
    [
        ([1_000] * 10, AFTER_TEN_DAYS, ("on_pace", "none")),
        ([1_150] * 10, AFTER_TEN_DAYS, ("over", "warning")),
        ([1_300] * 10, AFTER_TEN_DAYS, ("over", "critical")),
        ([850] * 10, AFTER_TEN_DAYS, ("under", "warning")),
        ([3_000] * 10, AFTER_TEN_DAYS, ("exhausted", "critical")),
        ([1_000] * 30, "2026-03-31", ("ended", "none")),
        ([800] * 30, "2026-04-10", ("ended", "warning")),
        ([1_000] * 8 + [0, 0], AFTER_TEN_DAYS, ("stalled", "critical")),
        ([0] * 10, AFTER_TEN_DAYS, ("stalled", "critical")),
    ],
)
def test_each_state(spend, as_of, state):
    assert said(standing(spend, as_of)) == state


def test_before_its_first_day_a_deal_has_not_started():
    found = standing([1], "2026-02-20", start="2026-02-19", row=plan_row())
    assert said(found) == ("not_started", "critical")  # and has spent already
    assert said(standing([0], "2026-02-20", start="2026-02-19")) == ("not_started", "none")


def test_silence_on_provisional_figures_is_no_stall():
    final = [True] * 8 + [False, False]
    assert said(standing([1_000] * 8 + [0, 0], final=final))[0] != "stalled"


def test_impressions_since_end_a_stall_even_when_provisional():
    final = [True] * 9 + [False]
    assert said(standing([1_000] * 7 + [0, 0, 900], final=final))[0] != "stalled"
    assert said(standing([1_000] * 7 + [0, 0, 0], final=final))[0] == "stalled"


def test_one_silent_day_is_no_stall():
    assert said(standing([1_100] * 9 + [0]))[0] == "on_pace"


def test_days_of_silence_are_counted():
    assert standing([1_000] * 5 + [0] * 5).stalled_days.tolist() == [5]


@pytest.mark.parametrize(
    "wrong",
    [
        {"warning": 0.3},
        {"warning": 0},
        {"hysteresis": 0.2},
        {"window_days": 2},
        {"stall_days": 1.5},
        {"interval": 1},
        {"max_data_age_hours": 0},
    ],
)
def test_thresholds_that_make_no_sense_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        PaceThresholds(**wrong)


# Groups -----------------------------------------------------------------------------------------


def grouped(frames: list, rows: list, level="seller"):
    plan = plan_of(*rows)
    delivery = delivery_of(plan, *frames)
    measures = measure(plan, delivery, AFTER_TEN_DAYS)
    return measures, measure_groups(plan, delivery, measures, level)


def two(first: np.ndarray, second: np.ndarray):
    return grouped([daily("A", first), daily("B", second)], [plan_row("A"), plan_row("B")])


def test_a_group_adds_its_deals_up():
    measures, group = two(ten_days(8_000), ten_days(11_000))
    assert group.name.tolist() == ["Northstar"]
    assert group.spend.delivered.tolist() == [19_000_00]
    assert group.spend.index.tolist() == pytest.approx([0.95])
    assert group.spend.projected[0] == pytest.approx(measures.spend.projected.sum())
    assert group.spend.required[0] == pytest.approx(measures.spend.required.sum())


def test_deals_that_vary_together_add_their_spreads_and_opposite_ones_cancel():
    days = ten_days(8_000)
    measures, together = two(days, days)
    assert together.spend.projection_sd[0] == pytest.approx(measures.spend.projection_sd.sum())
    _, opposite = two(days, 2_000 - days)
    assert opposite.spend.projection_sd[0] == pytest.approx(0, abs=1e-3)


def test_a_group_of_one_deal_is_that_deal():
    measures, group = grouped([daily("A", ten_days(8_000))], [plan_row("A")], "campaign")
    for name in ("index", "projected", "projection_sd", "low", "high", "prob_over"):
        assert getattr(group.spend, name) == pytest.approx(getattr(measures.spend, name))


def test_a_deal_that_has_not_begun_is_taken_to_spend_its_budget_and_counted():
    later = plan_row("B", start="2026-03-20")
    _, group = grouped([daily("A", [1_000] * 10)], [plan_row("A"), later])
    assert group.n_assumed.tolist() == [1]
    assert group.spend.projected[0] == pytest.approx(60_000_00)


def test_two_currencies_are_two_groups():
    rows = [plan_row("A"), plan_row("B", currency="USD", campaign="autumn")]
    _, group = grouped([daily("A", [1]), daily("B", [1])], rows)
    assert group.currency.tolist() == ["EUR", "USD"]


# Alerts -----------------------------------------------------------------------------------------


def alerts_of(spend: object, as_of: str = AFTER_TEN_DAYS, **changes: object) -> tuple[Alert, ...]:
    plan = plan_of(plan_row(**changes))
    delivery = delivery_of(plan, daily("D1", spend))
    measures = measure(plan, delivery, as_of)
    found = judge(plan, delivery, measures, LIMITS)
    told = deal_sentences(plan, measures, found)
    at = as_instant(f"{as_of}T00:00+00:00")
    return deal_alerts(plan, delivery, measures, found, told, LIMITS, at)


def test_a_deal_on_pace_raises_no_alert():
    assert alerts_of([1_000] * 10) == ()


def test_an_alert_says_what_was_spent_where_it_leads_and_what_it_needs():
    (alert,) = alerts_of(ten_days(8_000))
    assert (alert.type, alert.severity) == ("under_delivery", "warning")
    assert alert.message == (
        "D1: 20.0% below plan, 8,000.00 EUR of 30,000.00 EUR spent with 20 days to go; heads for "
        "28,000.00 EUR, needs 1,100.00 EUR a day."
    )
    assert alert.evidence["index"] == pytest.approx(0.8)


def test_a_deal_on_pace_that_leads_off_it_is_told():
    spend = [1_500] * 3 + [780] * 7
    assert [alert.type for alert in alerts_of(spend)] == ["projected_under"]


def test_impressions_off_plan_while_the_money_is_on_it_are_told():
    found = alerts_of([1_000] * 10, planned_impressions=5_000_000)
    assert [(alert.type, alert.severity) for alert in found] == [("impressions_under", "critical")]


def test_old_figures_are_told_once_for_the_account():
    types = [alert.type for alert in alerts_of([1_000] * 5, "2026-03-09")]
    assert types.count("stale_data") == 1


def test_an_equal_alert_is_told_again_when_worse_daily_when_critical_and_weekly_else():
    first = alerts_of([850] * 10)
    assert fresh_alerts(first, past_alerts(first)) == ()
    worse = alerts_of([600] * 10)
    assert fresh_alerts(worse, past_alerts(first)) == worse
    next_day = alerts_of([850] * 11, "2026-03-12")
    assert fresh_alerts(next_day, past_alerts(first)) == ()
    next_week = alerts_of([850] * 17, "2026-03-18")
    assert fresh_alerts(next_week, past_alerts(first)) == next_week
    still_worse = alerts_of([600] * 11, "2026-03-12")
    assert fresh_alerts(still_worse, past_alerts(worse)) == still_worse
