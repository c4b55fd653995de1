"""Deals that pause, plans that change in mid-flight, and figures that are too old to act on."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from adbudget import open_ledger, pace
from adbudget.errors import InputError
from tests.pacing.flights import daily, plan_frame, plan_of, plan_row


@pytest.fixture
def ledger(tmp_path):
    with open_ledger(tmp_path / "ledger.db") as opened:
        yield opened


def first(report) -> Any:
    return report.status.iloc[0]


# Pauses -----------------------------------------------------------------------------------------


def test_a_paused_deal_has_no_alert_no_request_and_no_move():
    rows = [plan_row("D1", status="paused"), plan_row("D2", status="active", seller="Arena")]
    delivery = pd.concat([daily("D1", [500.0, 510.0] * 5), daily("D2", [1_800.0, 1_810.0] * 5)])
    busy = pace(plan_frame(plan_row("D1"), rows[1]), delivery, as_of="2026-03-11")
    assert {"D1", "D2"} <= set(busy.moves[["source", "target"]].to_numpy().ravel())
    report = pace(plan_frame(*rows), delivery, as_of="2026-03-11")
    assert first(report)["state"] == "paused"
    assert first(report)["daily_budget"] is None
    assert "D1" not in report.alerts["unit"].tolist()
    assert "D1" not in report.requests["deal"].tolist()
    assert report.moves.empty


def test_a_curve_goes_on_after_a_pause_with_what_is_left():
    plan = plan_of(plan_row(paused_from="2026-03-11", paused_until="2026-03-20"))
    share = [plan.planned_share(np.array([float(day)]))[0] for day in (10, 15, 20, 25, 30)]
    assert share == pytest.approx([1 / 3, 1 / 3, 1 / 3, 2 / 3, 1])


def test_days_of_a_pause_are_no_days_without_delivery():
    row = plan_row(paused_from="2026-03-08", paused_until="2026-03-10")
    report = pace(plan_frame(row), daily("D1", [1_000.0] * 7 + [0.0] * 3), as_of="2026-03-11")
    assert first(report)["state"] == "on_pace"
    assert first(report)["index"] == pytest.approx(1.0)
    assert first(report)["projected"] == pytest.approx(30_000)
    assert first(report)["required_rate"] == pytest.approx(23_000 / 20)


def test_a_pause_that_only_a_status_tells_is_remembered_by_the_ledger(ledger):
    spend = [1_000.0] * 10
    running, paused = plan_frame(plan_row(status="active")), plan_frame(plan_row(status="paused"))
    pace(running, daily("D1", spend), as_of="2026-03-11", ledger=ledger)
    pace(paused, daily("D1", [*spend, 0]), as_of="2026-03-12", ledger=ledger)
    pace(paused, daily("D1", [*spend, 0, 0, 0]), as_of="2026-03-14", ledger=ledger)
    later = pace(running, daily("D1", [*spend, 0, 0, 0, 0]), as_of="2026-03-15", ledger=ledger)
    assert first(later)["state"] == "on_pace"  # paused from the 12th to the 14th
    assert first(later)["index"] == pytest.approx(10_000 / 11_000)


def test_a_pause_without_an_end_goes_on():
    report = pace(
        plan_frame(plan_row(paused_from="2026-03-08")),
        daily("D1", [1_000.0] * 7),
        as_of="2026-03-20",
    )
    assert first(report)["state"] == "paused"
    assert report.alerts.empty


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"status": "sleeping"}, "status is neither active nor paused"),
        ({"paused_until": "2026-03-08"}, "paused_until stands without paused_from"),
        ({"paused_from": "2026-03-09", "paused_until": "2026-03-08"}, "is before paused_from"),
    ],
)
def test_a_pause_that_cannot_be_is_refused(columns, told):
    with pytest.raises(InputError, match=told):
        plan_of(plan_row(**columns))


@settings(max_examples=60)
@given(
    st.sampled_from(["even", "back_loaded(2)", "front_loaded(3)", "custom((0,0),(0.5,0.7),(1,1))"]),
    st.lists(st.tuples(st.integers(0, 29), st.integers(0, 9)), max_size=3),
)
def test_whatever_pauses_a_plan_never_falls_and_stands_still_while_paused(curve, spans):
    days = np.datetime64("2026-03-01", "D") + np.array([first for first, _ in spans], dtype=int)
    lasts = [day + length for day, (_, length) in zip(days, spans, strict=True)]
    plans = plan_of(plan_row(curve=curve))
    from dataclasses import replace

    from adbudget.pacing.booked.plan_rows import merged
    from adbudget.pacing.booked.replanned import Pause

    pauses = merged(
        Pause(row=0, first=day, last=last) for day, last in zip(days, lasts, strict=True)
    )
    plan = replace(plans, pauses=pauses)
    times = np.arange(61)[None, :] / 2
    share = plan.planned_share(times)[0]
    assert (np.diff(share) >= -1e-12).all()
    assert (share >= 0).all()
    assert (share <= 1 + 1e-12).all()
    held = plan.paused_days(np.datetime64("2026-03-01", "D") + np.arange(30))[0]
    assert np.abs((share[2::2] - share[:-1:2])[held]).max(initial=0) < 1e-9
    if not held[-1]:
        assert share[-1] == pytest.approx(1.0)


# Plans that change ------------------------------------------------------------------------------


def test_a_budget_raised_in_mid_flight_is_planned_anew_from_its_day():
    rows = [plan_row(), plan_row(budget=45_000, valid_from="2026-03-16")]
    plan = plan_frame(*rows)
    report = pace(plan, daily("D1", [1_000.0] * 15), as_of="2026-03-16")
    assert (first(report)["budget"], first(report)["state"]) == (45_000, "on_pace")
    assert first(report)["index"] == pytest.approx(1.0)
    before = pace(plan, daily("D1", [1_000.0] * 10), as_of="2026-03-11")
    assert (first(before)["budget"], first(before)["index"]) == (30_000, pytest.approx(1.0))
    assert report.requests.empty


def test_a_deal_behind_its_plan_stays_behind_when_its_budget_is_raised():
    rows = [plan_row(), plan_row(budget=45_000, valid_from="2026-03-16")]
    report = pace(plan_frame(*rows), daily("D1", [500.0] * 15), as_of="2026-03-16")
    assert first(report)["index"] == pytest.approx(0.5)


def test_a_raise_that_only_the_table_shows_is_noticed_with_a_ledger(ledger):
    pace(plan_frame(), daily("D1", [1_000.0] * 14), as_of="2026-03-15", ledger=ledger)
    raised = plan_frame(plan_row(budget=45_000))
    report = pace(raised, daily("D1", [1_000.0] * 15), as_of="2026-03-16", ledger=ledger)
    assert first(report)["index"] == pytest.approx(1.0)
    assert "new_budget" in {note.kind for note in report.notes}
    spend = [1_000.0] * 15 + [2_000.0] * 2
    later = pace(raised, daily("D1", spend), as_of="2026-03-18", ledger=ledger)
    assert first(later)["index"] == pytest.approx(1.0)


def test_two_rows_of_a_deal_that_hold_from_the_same_day_are_refused():
    with pytest.raises(InputError, match="write from when on it holds in a column 'valid_from'"):
        plan_of(plan_row(), plan_row(budget=40_000))


# Old figures ------------------------------------------------------------------------------------


def old_and_new(as_of: str):
    rows = [plan_row("D1", budget=40_000), plan_row("D2", budget=40_000, seller="Arena")]
    low = daily("D1", [800.0 + i % 3 for i in range(15)]).assign(revenue=400.0)
    high = daily("D2", [1_733.0 + i % 3 for i in range(15)]).assign(revenue=5_000.0)
    return pace(plan_frame(*rows), pd.concat([low, high]), as_of=as_of)


def test_no_money_moves_and_nobody_is_asked_on_figures_that_are_too_old():
    fresh = old_and_new("2026-03-16")
    assert set(fresh.moves["verdict"]) == {"auto"}
    stale = old_and_new("2026-03-24")  # 192 hours
    assert stale.moves.empty
    assert stale.requests.empty
    assert stale.held["D1"] == "its figures are 192 hours old"
    assert "stale_data" in stale.alerts["type"].tolist()
