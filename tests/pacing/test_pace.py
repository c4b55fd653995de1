"""The whole run: report, memory, corrections, and what the ledger keeps."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import adbudget
from adbudget import InputError, PaceThresholds, open_ledger, pace
from adbudget.pacing.delivery.past_days import KEPT_DAYS
from adbudget.pacing.delivery.past_measurements import measurement_history
from tests.pacing.flights import daily, plan_frame, plan_row, ten_days

AS_OF = "2026-03-11"
NEXT_DAY = "2026-03-12"


@pytest.fixture
def ledger(tmp_path):
    with open_ledger(tmp_path / "ledger.db") as opened:
        yield opened


def deal(report: adbudget.PacingReport, name: str = "D1") -> pd.Series:
    return report.status.set_index("deal").loc[name]


# Without a ledger -------------------------------------------------------------------------------


def test_the_report_holds_the_worked_figures():
    report = pace(plan_frame(), daily("D1", ten_days(8_000)), as_of=AS_OF)
    row = deal(report)
    assert (row["state"], row["severity"]) == ("under", "warning")
    assert (row["budget"], row["spent"]) == (Decimal("30000.00"), Decimal("8000.00"))
    assert row["index"] == pytest.approx(0.80)
    assert row["deviation_pct"] == pytest.approx(-20)
    assert row["required_rate"] == pytest.approx(1_100)
    assert row["projected"] == pytest.approx(28_000)
    assert (round(row["projected_low"]), round(row["projected_high"])) == (25_749, 30_251)
    assert round(100 * row["prob_over"], 1) == 12.7


def test_groups_are_sellers_channels_and_campaigns():
    report = pace(plan_frame(), daily("D1", ten_days(8_000)), as_of=AS_OF)
    assert report.groups[["level", "name"]].to_numpy().tolist() == [
        ["seller", "Northstar"],
        ["channel", "ctv"],
        ["campaign", "spring"],
    ]
    assert report.groups["index"].tolist() == pytest.approx([0.8] * 3)


def test_the_run_before_is_remembered_by_its_status_frame():
    before = pace(plan_frame(), daily("D1", ten_days(8_000)), as_of=AS_OF)
    delivery = daily("D1", [*ten_days(8_000), 2_010])  # 9% below plan
    fresh = pace(plan_frame(), delivery, as_of=NEXT_DAY)
    assert deal(fresh)["severity"] == "none"
    again = pace(plan_frame(), delivery, as_of=NEXT_DAY, earlier=before.status)
    assert deal(again)["severity"] == "warning"


def test_a_row_that_replaces_another_is_in_the_report():
    rows = [daily("D1", [10.0], final=False), daily("D1", [12.0])]
    report = pace(plan_frame(), pd.concat(rows, ignore_index=True), as_of="2026-03-02")
    assert report.corrections["spend"].tolist() == [Decimal("12.00")]
    assert report.corrections["spend_before"].tolist() == [Decimal("10.00")]


def test_thresholds_may_be_wider():
    wide = PaceThresholds(warning=0.3, critical=0.5)
    report = pace(plan_frame(), daily("D1", ten_days(8_000)), as_of=AS_OF, thresholds=wide)
    assert deal(report)["severity"] == "none"


def test_the_report_is_json():
    report = pace(plan_frame(), daily("D1", [1_000] * 2), as_of="2026-03-03")
    text = json.dumps(report.as_dict(), allow_nan=False)
    assert json.loads(text)["status"][0]["projected_low"] is None


def test_seven_to_one_without_outcomes_moves_no_money_by_itself():
    """0 of 50k beside 60k of 50k, half-way."""
    rows = [plan_row("A", budget=50_000), plan_row("B", budget=50_000)]
    delivery = pd.concat([daily("A", [0] * 15), daily("B", [4_000] * 15)])
    report = pace(plan_frame(*rows), delivery, as_of="2026-03-16")
    assert "auto" not in set(report.moves["verdict"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"locked": ["D9"]}, "locked names 'D9', not in the plan"),
        ({"earlier": 3}, "earlier must be the status frame"),
        (
            {"earlier": pd.DataFrame({"deal": ["D1"], "state": ["fast"], "severity": ["none"]})},
            "earlier holds state 'fast'",
        ),
        ({"as_of": "2026-03-05"}, "date is not before as_of"),
    ],
)
def test_what_cannot_be_used_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        pace(plan_frame(), daily("D1", [1_000] * 10), **({"as_of": AS_OF} | arguments))


def test_equal_input_gives_an_equal_report_whatever_its_order():
    rows = [plan_row(f"D{i}") for i in range(4)]
    delivery = pd.concat([daily(f"D{i}", ten_days(7_000 + 500 * i)) for i in range(4)])
    one = pace(plan_frame(*rows), delivery, as_of=AS_OF)
    two = pace(plan_frame(*rows[::-1]), delivery.sample(frac=1, random_state=1), as_of=AS_OF)
    pd.testing.assert_frame_equal(one.status, two.status)
    pd.testing.assert_frame_equal(one.alerts, two.alerts)


# With a ledger ----------------------------------------------------------------------------------


def test_every_measurement_is_kept_and_comes_back_as_a_frame(ledger):
    pace(plan_frame(), daily("D1", ten_days(8_000)), as_of=AS_OF, ledger=ledger)
    delivery = daily("D1", [*ten_days(8_000), 900])
    pace(plan_frame(), delivery, as_of=NEXT_DAY, ledger=ledger)
    history = measurement_history(ledger, unit="D1", level="deal")
    assert history["spent"].tolist() == [Decimal("8000.00"), Decimal("8900.00")]
    assert history["index"].tolist() == pytest.approx([0.8, 8_900 / 11_000])
    assert history["projected"].iloc[0] == pytest.approx(28_000)
    assert history["state"].tolist() == ["under", "under"]
    levels = ledger.entries(kind="measurement")["payload"].map(lambda one: one["level"])
    assert sorted(set(levels)) == ["campaign", "channel", "deal", "seller"]
    assert ledger.verify().ok


def test_the_history_is_cut_by_time_and_level(ledger):
    assert list(measurement_history(ledger).columns)[:3] == ["at", "level", "unit"]
    pace(plan_frame(), daily("D1", ten_days(8_000)), as_of=AS_OF, ledger=ledger)
    later = datetime(2026, 3, 11, 0, 1, tzinfo=UTC)
    assert measurement_history(ledger, since=later).empty
    assert len(measurement_history(ledger, until=later, level="channel")) == 1


def test_the_same_run_again_writes_nothing_and_says_the_same(ledger):
    first = pace(plan_frame(), daily("D1", ten_days(8_000)), as_of=AS_OF, ledger=ledger)
    head = ledger.head()
    again = pace(plan_frame(), daily("D1", ten_days(8_000)), as_of=AS_OF, ledger=ledger)
    assert ledger.head() == head
    assert again.run_id == first.run_id != ""
    pd.testing.assert_frame_equal(again.alerts, first.alerts)


def test_a_run_after_others_is_answered_as_it_was(ledger):
    first = pace(plan_frame(), daily("D1", ten_days(8_000)), as_of=AS_OF, ledger=ledger)
    pace(plan_frame(), daily("D1", [*ten_days(8_000), 900]), as_of=NEXT_DAY, ledger=ledger)
    head = ledger.head()
    again = pace(plan_frame(), daily("D1", ten_days(8_000)), as_of=AS_OF, ledger=ledger)
    assert ledger.head() == head
    pd.testing.assert_frame_equal(again.status, first.status)


def test_hysteresis_comes_from_the_ledger(ledger):
    pace(plan_frame(), daily("D1", ten_days(8_000)), as_of=AS_OF, ledger=ledger)
    delivery = daily("D1", [*ten_days(8_000), 2_010])
    assert (
        deal(pace(plan_frame(), delivery, as_of=NEXT_DAY, ledger=ledger))["severity"] == "warning"
    )


def test_a_figure_that_changed_since_the_last_run_is_logged_as_a_correction(ledger):
    days = ten_days(8_000)
    pace(plan_frame(), daily("D1", days), as_of=AS_OF, ledger=ledger)
    corrected = days.copy()
    corrected[3] = 500.25
    delivery = daily("D1", [*corrected, 900])
    report = pace(plan_frame(), delivery, as_of=NEXT_DAY, ledger=ledger)
    assert report.corrections["day"].tolist() == ["2026-03-04"]
    assert report.corrections["spend"].tolist() == [Decimal("500.25")]
    logged = ledger.entries(kind="correction")
    assert logged["unit"].tolist() == ["D1"]
    assert logged["payload"].iloc[0]["spend_minor"] == 500_25
    assert deal(report)["spent"] == Decimal(str(round(corrected.sum() + 900, 2)))


def test_a_correction_long_ago_shows_in_the_sum_of_old_days(ledger):
    n_days = KEPT_DAYS + 5
    plan = plan_frame(plan_row(end="2026-05-30"))
    days = np.full(n_days, 500.0)
    as_of = np.datetime64("2026-03-01") + np.timedelta64(n_days, "D")
    pace(plan, daily("D1", days), as_of=str(as_of), ledger=ledger)
    days[0] = 400.0
    tomorrow = str(as_of + np.timedelta64(1, "D"))
    report = pace(plan, daily("D1", [*days, 500]), as_of=tomorrow, ledger=ledger)
    assert report.corrections["day"].tolist() == ["before 2026-03-06"]
    assert report.corrections["spend"].tolist() == [Decimal("2400.00")]


def test_a_day_that_was_not_over_is_not_corrected_but_completed(ledger):
    pace(plan_frame(), daily("D1", [1_000, 400]), as_of="2026-03-02T12:00", ledger=ledger)
    report = pace(plan_frame(), daily("D1", [1_000, 950]), as_of="2026-03-03", ledger=ledger)
    assert report.corrections.empty


def test_a_table_that_forgets_the_beginning_of_the_flight_is_refused(ledger):
    pace(plan_frame(), daily("D1", [1_000] * 10), as_of=AS_OF, ledger=ledger)
    recent = daily("D1", [1_000] * 3, start="2026-03-09")
    with pytest.raises(InputError, match="knows of delivery of deal 'D1' from 2026-03-01 on"):
        pace(plan_frame(), recent, as_of=NEXT_DAY, ledger=ledger)


def test_an_alert_is_written_once_a_day(ledger):
    pace(plan_frame(), daily("D1", ten_days(8_000)), as_of=AS_OF, ledger=ledger)
    evening = "2026-03-11T18:00"
    report = pace(plan_frame(), daily("D1", ten_days(8_000)), as_of=evening, ledger=ledger)
    assert (len(report.alerts), len(report.raised)) == (1, 0)
    assert report.alerts["new"].tolist() == [False]
    assert len(ledger.entries(kind="alert")) == 1


def test_two_plans_in_one_ledger_do_not_disturb_each_other(ledger):
    pace(plan_frame(), daily("D1", ten_days(8_000)), as_of=AS_OF, ledger=ledger)
    other = plan_frame(plan_row("X"))
    pace(other, daily("X", [1_000] * 10), as_of="2026-03-11T01:00", ledger=ledger)
    delivery = daily("D1", [*ten_days(8_000), 2_010])
    assert (
        deal(pace(plan_frame(), delivery, as_of=NEXT_DAY, ledger=ledger))["severity"] == "warning"
    )


def test_money_that_moved_by_itself_is_the_budget_of_the_next_run(ledger):
    rows = [plan_row("D1", budget=40_000), plan_row("D2", budget=40_000, seller="Arena")]
    rng = np.random.default_rng(3)

    def delivery(n_days: int) -> pd.DataFrame:
        noise = rng.normal(1, 0.01, (2, 20))[:, :n_days]
        low = daily("D1", 800 * noise[0]).assign(revenue=np.round(400 * noise[0], 2))
        high = daily("D2", 1_733 * noise[1]).assign(revenue=np.round(5_000 * noise[1], 2))
        return pd.concat([low, high], ignore_index=True)

    first_half = delivery(15)
    report = pace(plan_frame(*rows), first_half, as_of="2026-03-16", ledger=ledger)
    assert set(report.moves["verdict"]) == {"auto"}
    moved = report.moves["amount"].sum()
    assert moved == pytest.approx(Decimal(12_000), rel=Decimal("0.05"))
    assert len(ledger.entries(kind="change")) == 2
    day_later = pd.concat(
        [
            first_half,
            daily("D1", [800.0], start="2026-03-16").assign(revenue=400.0),
            daily("D2", [1_733.0], start="2026-03-16").assign(revenue=5_000.0),
        ]
    )
    after = pace(plan_frame(*rows), day_later, as_of="2026-03-17", ledger=ledger)
    assert deal(after, "D1")["budget"] == 40_000 - moved
    assert deal(after, "D2")["budget"] == 40_000 + moved
    assert "moved_budget" in {note.kind for note in after.notes}


def test_the_kill_switch_stops_moves_but_not_measuring(ledger):
    at = datetime(2026, 3, 15, tzinfo=UTC)
    ledger.set_kill(True, who="Ann", at=at, reason="audit")
    rows = [plan_row("D1", budget=40_000), plan_row("D2", budget=40_000)]
    low = daily("D1", [800 + i % 3 for i in range(15)]).assign(revenue=400.0)
    high = daily("D2", [1_733 + i % 3 for i in range(15)]).assign(revenue=5_000.0)
    report = pace(plan_frame(*rows), pd.concat([low, high]), as_of="2026-03-16", ledger=ledger)
    assert set(report.moves["verdict"]) == {"blocked"}
    assert ledger.entries(kind="change").empty
    assert len(measurement_history(ledger, level="deal")) == 2


def test_requests_of_a_run_are_in_the_ledger_and_not_asked_again(ledger):
    days = ten_days(5_000, mean=500, sd=20)
    first = pace(plan_frame(), daily("D1", days), as_of=AS_OF, ledger=ledger)
    assert first.requests["deal"].tolist() == ["D1"]
    assert len(ledger.entries(kind="request")) == 1
    again = pace(plan_frame(), daily("D1", [*days, 500]), as_of=NEXT_DAY, ledger=ledger)
    assert again.requests.empty


def test_the_ledger_may_be_an_address(tmp_path: Path):
    path = tmp_path / "new.db"
    report = pace(plan_frame(), daily("D1", [1_000] * 10), as_of=AS_OF, ledger=path)
    with open_ledger(path, create=False) as opened:
        assert len(measurement_history(opened, run_id=report.run_id)) == 4


def test_earlier_and_a_ledger_exclude_each_other(ledger):
    status = pace(plan_frame(), daily("D1", [1_000] * 10), as_of=AS_OF).status
    with pytest.raises(InputError, match="earlier comes from the ledger"):
        pace(plan_frame(), daily("D1", [1_000] * 10), as_of=AS_OF, ledger=ledger, earlier=status)


def test_two_curves_that_print_alike_are_two_questions():
    """A large array is printed in part; the run's name has to see all of it."""
    from adbudget.pacing.run_id import _hash_of

    draws = np.zeros((3000, 1, 1))
    coords = {"account": ["a"], "channel": ["c"]}
    first = xr.DataArray(draws, dims=("draw", "account", "channel"), coords=coords)
    second = first.copy(data=np.where(np.arange(3000) == 1500, 1.0, 0.0)[:, None, None])
    assert repr(first) == repr(second)
    assert _hash_of(first) != _hash_of(second)
