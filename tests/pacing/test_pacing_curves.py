"""Planned shares: what can be worked out on paper, and laws of every curve."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, strategies as st

from adbudget import InputError, pace
from adbudget.pacing.booked import curve_kinds
from adbudget.pacing.booked.curve_kinds import CurveKind, parse_curve
from adbudget.pacing.booked.curves import (
    Curve,
    TrafficCurve,
    back_loaded,
    custom,
    even,
    front_loaded,
)
from tests.pacing.flights import daily, plan_frame, plan_row

MONDAY = np.datetime64("2026-03-02", "D")
WEEKLY = TrafficCurve(
    name="traffic", weekday=(1.0, 1.0, 1.0, 1.0, 1.0, 1.5, 0.5), hour=tuple([1 / 24] * 24)
)
EVENINGS = TrafficCurve(name="traffic", weekday=(1.0,) * 7, hour=(0.0,) * 18 + (1 / 6,) * 6)


def share(curve: Curve, days: float, n_days: int = 30, start: np.datetime64 = MONDAY) -> float:
    return float(curve.share(np.array([days]), np.array([n_days]), np.array([start]))[0])


@pytest.mark.parametrize(
    ("curve", "planned"),
    [(even(), 1 / 3), (front_loaded(2), 5 / 9), (back_loaded(2), 1 / 9)],
)
def test_after_ten_of_thirty_days(curve, planned):
    assert share(curve, 10) == pytest.approx(planned, abs=1e-12)


def test_custom_points_are_joined_by_straight_lines():
    curve = custom([(0, 0), (0.5, 0.7), (1, 1)])
    assert share(curve, 0.25 * 40, n_days=40) == pytest.approx(0.35)
    assert share(curve, 0.75 * 40, n_days=40) == pytest.approx(0.85)


def test_traffic_plans_a_strong_saturday():
    assert share(WEEKLY, 5, n_days=7) == pytest.approx(5 / 7)
    assert share(WEEKLY, 6, n_days=7) == pytest.approx(6.5 / 7)
    assert share(WEEKLY, 5.5, n_days=7) == pytest.approx(5.75 / 7)


def test_traffic_knows_on_which_weekday_a_flight_begins():
    saturday = MONDAY + np.timedelta64(5, "D")
    assert share(WEEKLY, 1, n_days=2, start=saturday) == pytest.approx(0.75)


def test_traffic_of_the_evening_plans_nothing_before_six():
    assert share(EVENINGS, 0.75, n_days=1) == 0
    assert share(EVENINGS, 0.875, n_days=1) == pytest.approx(0.5)


@given(
    st.sampled_from([even(), front_loaded(3), back_loaded(1.5), WEEKLY, EVENINGS]),
    st.integers(1, 400),
    st.integers(0, 3000),
    st.lists(st.floats(0, 1), min_size=2, max_size=6).map(sorted),
)
def test_every_curve_runs_from_zero_to_one_and_never_falls(curve, n_days, later, parts):
    start = np.full(len(parts), MONDAY + np.timedelta64(later, "D"))
    shares = curve.share(n_days * np.array(parts), np.full(len(parts), n_days), start)
    assert (np.diff(shares) >= -1e-12).all()
    assert share(curve, 0, n_days, start[0]) == pytest.approx(0, abs=1e-12)
    assert share(curve, n_days, n_days, start[0]) == pytest.approx(1)


@given(st.floats(1, 20), st.floats(0, 1))
def test_front_and_back_are_mirror_images(k, t):
    assert share(front_loaded(k), 30 * t) == pytest.approx(1 - share(back_loaded(k), 30 - 30 * t))


@pytest.mark.parametrize(
    "points",
    [
        [(0, 0), (0.5, 0.8), (0.7, 0.6), (1, 1)],  # falls
        [(0, 0.1), (1, 1)],
        [(0, 0), (1, 0.9)],
        [(0, 0), (0.5, 0.2), (0.5, 0.4), (1, 1)],
        [(0, 0)],
        [(0, 0), (float("nan"), 0.5), (1, 1)],
        [("start", 0), (1, 1)],
        [0, 1],
    ],
)
def test_custom_points_that_make_no_plan_are_refused(points):
    with pytest.raises(InputError, match="curve 'custom' must"):
        custom(points)


@pytest.mark.parametrize("k", [0.5, 0, -1, 21, float("nan"), True])
def test_steepness_outside_its_range_is_refused(k):
    with pytest.raises(InputError, match="from 1"):
        front_loaded(k)


@pytest.mark.parametrize(
    ("text", "curve"),
    [
        ("even", even()),
        (" front_loaded(2) ", front_loaded(2)),
        ("back_loaded(1.5)", back_loaded(1.5)),
    ],
)
def test_a_plan_names_curves(text, curve):
    assert parse_curve(text, {}, "row 0") == curve


def test_a_plan_writes_points_out():
    read = parse_curve("custom((0,0),(0.5, 0.7),(1,1))", {}, "row 0")
    assert share(read, 10, n_days=40) == pytest.approx(0.35)


def test_a_plan_names_the_callers_own_curve():
    assert parse_curve("traffic", {"traffic": WEEKLY}, "row 0") is WEEKLY


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("front_loaded()", r"front_loaded\(2\)"),
        ("traffic", "learn_traffic"),
        ("evne", "Expected even"),
        ("custom((0,0);(1,1))", "Expected even"),
        ("front_loaded(x)", "not a number"),
    ],
)
def test_an_unknown_curve_is_refused_with_what_to_write(text, hint):
    with pytest.raises(InputError, match=hint):
        parse_curve(text, {}, "row 4 of the plan")


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCurve:
    """A curve as somebody may add it, in a file of its own."""

    name: str
    n_steps: int

    def share(self, elapsed_days, n_days, start):
        return np.floor(elapsed_days / n_days * self.n_steps) / self.n_steps


def test_a_new_curve_is_one_entry_and_every_plan_can_name_it(monkeypatch):
    def read(argument, where):
        return StepCurve(name=f"steps({argument})", n_steps=int(argument)) if argument else None

    monkeypatch.setitem(
        curve_kinds.KINDS, "steps", CurveKind(example="steps(4)", read=read, hint=" How many?")
    )
    plan = plan_frame(plan_row(curve="steps(3)"))
    status = pace(plan, daily("D1", np.full(10, 1_000.0)), as_of="2026-03-11").status
    assert status["curve"].tolist() == ["steps(3)"]
    assert status["planned"].tolist() == [10_000]  # after ten of thirty days, the first third
    with pytest.raises(InputError, match=r"steps\(4\).* How many\?"):
        parse_curve("steps", {}, "row 0")
