"""Reports as platforms write them: running totals, refunds, micros, empty, with holes."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from adbudget import InputError, PaceThresholds, open_ledger, pace
from adbudget.pacing.delivery.running_totals import in_whole_units
from tests.pacing.flights import daily, delivery_of, plan_frame, plan_of, plan_row


def first(report) -> Any:
    return report.status.iloc[0]


def kinds(report) -> set[str]:
    return {note.kind for note in report.notes}


# Running totals ---------------------------------------------------------------------------------

SPEND = [980.0, 1_020.0, 995.0, 1_005.0, 1_010.0, 990.0, 1_000.0, 1_003.0, 997.0, 1_000.0]


def running(deal: str = "D1", spend=SPEND) -> pd.DataFrame:
    return daily(deal, np.cumsum(spend))


def test_running_totals_are_recognised_and_told():
    report = pace(plan_frame(), running(), as_of="2026-03-11")
    assert (float(first(report)["spent"]), first(report)["state"]) == (10_000, "on_pace")
    assert "running_totals" in kinds(report)
    assert report.alerts.empty


def test_running_totals_may_be_stated_either_way():
    two = daily("D1", [500.0, 1_500.0])
    stated = pace(plan_frame(), two, as_of="2026-03-03", cumulative=True)
    assert float(first(stated)["spent"]) == 1_500
    meant = pace(plan_frame(), running(), as_of="2026-03-11", cumulative=False)
    assert float(first(meant)["spent"]) == pytest.approx(sum(np.cumsum(SPEND)))


@pytest.mark.parametrize("curve", ["even", "back_loaded(2)", "front_loaded(2)"])
@pytest.mark.parametrize("times", [0.5, 1.0, 1.4, 2.5])
def test_days_that_follow_any_curve_are_not_taken_for_totals(curve, times):
    plan = plan_of(plan_row(curve=curve))
    share = plan.planned_share(np.arange(11.0)[None, :])[0]
    report = pace(
        plan_frame(plan_row(curve=curve)),
        daily("D1", times * 30_000 * np.diff(share)),
        as_of="2026-03-11",
    )
    assert "running_totals" not in kinds(report)


def test_a_correction_of_a_running_total_is_a_refund_of_its_day():
    totals = [*np.cumsum(SPEND)[:5], np.cumsum(SPEND)[4] - 300]
    report = pace(plan_frame(), daily("D1", totals), as_of="2026-03-07", cumulative=True)
    assert float(first(report)["spent"]) == pytest.approx(sum(SPEND[:5]) - 300)


# Refunds and fractions --------------------------------------------------------------------------


def test_a_negative_row_is_a_refund_of_its_day():
    refund = daily("D1", [-200.0], start="2026-03-04", impressions=0.0)
    report = pace(plan_frame(), pd.concat([daily("D1", SPEND), refund]), as_of="2026-03-11")
    assert float(first(report)["spent"]) == 9_800
    assert "refund" in kinds(report)


def test_fractions_of_a_cent_are_rounded_once():
    """Seven days of 1285.714286 are 9,000.00, not 8,999.97."""
    table = pd.DataFrame(
        {
            "deal": "D1",
            "date": pd.date_range("2026-03-01", periods=7).astype(str),
            "spend": 1285.714286,
            "impressions": 100,
            "final": True,
        }
    )
    report = pace(plan_frame(), table, as_of="2026-03-08")
    assert str(first(report)["spent"]) == "9000.00"
    assert "rounded" in kinds(report)


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.floats(-1e6, 1e9, allow_nan=False, width=32)), min_size=1
    )
)
def test_the_sum_of_rounded_rows_is_the_rounded_sum(rows):
    rows.sort(key=lambda row: row[0])
    deal = np.array([row[0] for row in rows])
    minor = np.array([row[1] for row in rows])
    whole = in_whole_units(deal, minor)
    for each in set(deal.tolist()):
        total = minor[deal == each].sum()
        assert abs(whole[deal == each].sum() - total) <= 0.5 + 1e-6 * max(1, abs(total))


# Nothing, and holes -----------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [["deal", "date", "spend", "impressions", "final"], []])
def test_a_table_without_rows_is_a_launch_day(columns):
    report = pace(plan_frame(), pd.DataFrame(columns=columns), as_of="2026-03-01T09:00")
    assert float(first(report)["spent"]) == 0
    assert "nothing_yet" in kinds(report)
    assert report.alerts.empty
    assert report.requests.empty


def test_a_missing_value_holds_its_deal_and_not_the_run():
    rows = [plan_row("D1"), plan_row("D2", seller="Arena")]
    delivery = pd.concat(
        [
            daily("D1", [500.0 + day % 2 for day in range(10)]),
            daily("D2", [1_800.0 + day % 2 for day in range(10)]),
        ],
        ignore_index=True,
    )
    delivery.loc[3, "spend"] = np.nan
    report = pace(plan_frame(*rows), delivery, as_of="2026-03-11")
    status = report.status.set_index("deal")
    assert (status["state"]["D1"], status["severity"]["D1"]) == ("unknown", "none")
    assert status["state"]["D2"] == "over"
    assert report.moves.empty
    assert "D1" not in report.requests["deal"].tolist()
    told = report.alerts.set_index("unit")["type"]
    assert told["D1"] == "missing_figures"


# One name in two campaigns ----------------------------------------------------------------------


def test_one_deal_name_in_two_campaigns_is_two_deals():
    rows = [plan_row("D1"), plan_row("D1", campaign="autumn"), plan_row("D2")]
    plan = plan_of(*rows)
    assert plan.deals == ("D2", "autumn / D1", "spring / D1")
    delivery = pd.concat(
        [
            daily("D1", [1_000.0] * 3, campaign="spring"),
            daily("D1", [500.0] * 3, campaign="autumn"),
            daily("D2", [700.0] * 3, campaign="spring"),
        ]
    )
    report = pace(plan_frame(*rows), delivery, as_of="2026-03-04")
    spent = report.status.set_index("deal")["spent"].astype(float).to_dict()
    assert spent == {"D2": 2_100, "autumn / D1": 1_500, "spring / D1": 3_000}
    with pytest.raises(InputError, match="Add the column 'campaign'"):
        delivery_of(plan, daily("D1", [1.0]))


# Curves, thresholds, groups, bounds, run-out ----------------------------------------------------


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("linear", "even"),
        ("front_loaded", "front_loaded(2)"),
        ("back_loaded", "back_loaded(2)"),
        ("asap", "even"),
    ],
)
def test_a_curve_may_be_named_without_a_number(name, meant):
    times = np.arange(31.0)[None, :]
    one, other = (plan_of(plan_row(curve=curve)).planned_share(times) for curve in (name, meant))
    assert one.tolist() == other.tolist()


def test_a_deal_that_is_to_spend_as_soon_as_possible_is_never_too_fast():
    fast = [2_000.0 + day % 2 for day in range(10)]
    report = pace(plan_frame(plan_row(curve="asap")), daily("D1", fast), as_of="2026-03-11")
    assert first(report)["state"] == "on_pace"
    assert report.alerts.empty
    assert report.requests.empty
    slow = [500.0 + day % 2 for day in range(10)]
    report = pace(plan_frame(plan_row(curve="asap")), daily("D1", slow), as_of="2026-03-11")
    assert first(report)["state"] == "under"


def test_under_and_over_have_limits_of_their_own():
    apart = PaceThresholds(under_warning=0.3, under_critical=0.5, over_warning=0.04)
    for rate, severity in ((800.0, "none"), (1_050.0, "warning"), (600.0, "warning")):
        report = pace(plan_frame(), daily("D1", [rate] * 10), as_of="2026-03-11", thresholds=apart)
        assert first(report)["severity"] == severity
    with pytest.raises(InputError, match="under_warning must be above 0 and below under_critical"):
        PaceThresholds(under_warning=0.5)


def test_sellers_channels_and_campaigns_off_plan_together_are_told():
    rows = [plan_row("D1"), plan_row("D2"), plan_row("X", campaign="c2", channel="tv", seller="S")]
    parts = [
        daily(deal, [rate] * 10) for deal, rate in (("D1", 860.0), ("D2", 900.0), ("X", 700.0))
    ]
    report = pace(plan_frame(*rows), pd.concat(parts), as_of="2026-03-11")
    told = report.alerts[report.alerts["type"].str.endswith("_under_delivery")]
    assert sorted(told["unit"]) == [
        "campaign spring, EUR",
        "channel ctv, EUR",
        "seller Northstar, EUR",
    ]
    assert report.groups.set_index("name")["severity"]["spring"] == "warning"


def test_a_group_near_its_limit_does_not_flap(tmp_path):
    rows = plan_frame(plan_row("D1"), plan_row("D2"))

    def at(rate: float, n_days: int, ledger):
        parts = [daily(deal, [rate] * n_days) for deal in ("D1", "D2")]
        end = f"2026-03-{n_days + 1:02d}"
        return pace(rows, pd.concat(parts), as_of=end, ledger=ledger).groups["severity"].tolist()

    with open_ledger(tmp_path / "ledger.db") as ledger:
        assert set(at(880.0, 10, ledger)) == {"warning"}
        assert set(at(910.0, 11, ledger)) == {"warning"}
        assert set(at(930.0, 12, ledger)) == {"none"}


def test_a_plan_that_breaks_its_own_bounds_is_told():
    rows = [
        plan_row("D1", maximum=20_000, seller_maximum=50_000),
        plan_row("D2", minimum=40_000),
    ]
    parts = [daily(deal, [1_000.0] * 10) for deal in ("D1", "D2")]
    report = pace(plan_frame(*rows), pd.concat(parts), as_of="2026-03-11")
    told = report.alerts[report.alerts["type"] == "bound_broken"]["message"].tolist()
    assert told == [
        "D1: its budget of 30,000.00 EUR is above its maximum, 20,000.00 EUR.",
        "D2: its budget of 30,000.00 EUR is below its minimum, 40,000.00 EUR.",
        "seller Northstar of campaign spring: budgets of 60,000.00 EUR together are above its "
        "maximum, 50,000.00 EUR.",
    ]


def test_the_day_on_which_a_budget_runs_out_is_told():
    """15,000 in ten days leave ten days of 1,500: March 11 to 20."""
    report = pace(plan_frame(), daily("D1", [1_500.0] * 10), as_of="2026-03-11")
    assert first(report)["runs_out"] == pd.Timestamp("2026-03-20")
    steady = pace(plan_frame(), daily("D1", [1_000.0] * 10), as_of="2026-03-11")
    assert pd.isna(first(steady)["runs_out"])
