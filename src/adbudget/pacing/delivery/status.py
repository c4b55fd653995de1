"""Measures -> in words: on pace, over, under, stalled ... and how severe. Moves nothing.

Limits are exclusive, and a severity once reached is left only well inside its limit, so that a
deal at the edge does not flap from run to run.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from adbudget.errors import InputError
from adbudget.pacing.booked.clock import times_at
from adbudget.pacing.booked.flight import FlightPlan
from adbudget.pacing.delivery.delivered import Delivery
from adbudget.pacing.delivery.measures import Measures
from adbudget.pacing.delivery.thresholds import PaceThresholds
from adbudget.pacing.delivery.window import Window, recent_days

STATES = (
    *("not_started", "on_pace", "under", "over", "stalled", "exhausted", "paused", "unknown"),
    "ended",
)
QUIET = ("paused", "unknown")  # nothing is said about the pace of these
SEVERITIES = ("none", "warning", "critical")
SIDE = {"under": -1, "stalled": -1, "over": 1, "exhausted": 1}  # of the plan, by state
ROUNDING = 1e-9  # 0.9 - 1 must not count as more than 10% off


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Standing:
    """What to call each deal. Arrays are (deal,), of text.

    Attributes
    ----------
    state : one of STATES. not_started: before its first day; stalled: no impression on the
        latest days, all final; exhausted: the budget is spent before the last day is over;
        paused: it is not to deliver now, so nothing of it is off; unknown: a figure is missing
    severity : "none", "warning" or "critical"
    stalled_days : (deal,) int64, final days in a row without an impression; 0 for others
    """

    state: np.ndarray
    severity: np.ndarray
    stalled_days: np.ndarray

    @property
    def sides(self) -> np.ndarray:
        """+1 for deals too far above their plan, -1 for those too far below it, else 0."""
        return np.array([SIDE.get(state, 0) for state in self.state], dtype=np.int64)


def judge(
    plan: FlightPlan,
    delivery: Delivery,
    measures: Measures,
    thresholds: PaceThresholds | None = None,
    earlier: Mapping[str, tuple[str, str]] | None = None,
) -> Standing:
    """Name the state and severity of every deal.

    Parameters
    ----------
    plan, delivery, measures : what :func:`adbudget.pacing.measure` was given and gave
    thresholds : limits
    earlier : deal -> (state, severity) of the run before, for hysteresis; None for the first run

    Returns
    -------
    Standing
    """
    limits = PaceThresholds() if thresholds is None else thresholds
    now = times_at(measures.measured_at, plan.time_zone)
    window = recent_days(plan, delivery, now, limits.stall_days)
    silent = silent_days(plan, delivery, window)
    deviation = measures.spend.deviation
    level = severity_level(deviation, limits, *_before(plan, earlier or {}))

    level = np.where(plan.is_asap & (deviation > 0), 0, level)  # never too fast

    ended = measures.remaining_days <= 0
    waits = measures.elapsed_days <= 0
    paused = plan.paused_on(now.day)
    exhausted = (measures.spent_minor >= plan.budget_minor) & (plan.budget_minor > 0)
    stalled = silent >= limits.stall_days
    off_pace = np.where(deviation < 0, "under", "over")
    state = np.select(
        [delivery.unknown, ended, paused, waits, exhausted, stalled, level > 0],
        ["unknown", "ended", "paused", "not_started", "exhausted", "stalled", off_pace],
        default="on_pace",
    ).astype(object)
    level = np.where(np.isin(state, QUIET), 0, level)
    level = np.where(state == "stalled", 2, level)
    level = np.where(state == "exhausted", np.maximum(level, 1), level)
    return Standing(
        state=state,
        severity=np.array(SEVERITIES, dtype=object)[level],
        stalled_days=np.where(state == "stalled", silent, 0),
    )


def severity_level(
    deviation: np.ndarray,
    thresholds: PaceThresholds,
    level_before: np.ndarray | int = 0,
    sign_before: np.ndarray | int = 0,
) -> np.ndarray:
    """0, 1 (warning) or 2 (critical), with hysteresis.

    Parameters
    ----------
    deviation : from plan, as a share; NaN is 0
    thresholds : limits, exclusive
    level_before, sign_before : of the run before; a level is kept on the same side of the plan
        until the deviation is ``hysteresis`` inside its limit
    """
    away = np.nan_to_num(np.abs(deviation), nan=0.0, posinf=np.inf)
    below = np.nan_to_num(deviation) < 0
    (low_warning, low_critical), (high_warning, high_critical) = (
        thresholds.limits(side) for side in ("under", "over")
    )
    warning = np.where(below, low_warning, high_warning)
    critical = np.where(below, low_critical, high_critical)
    back = thresholds.hysteresis
    level = (away > warning + ROUNDING).astype(int) + (away > critical + ROUNDING)
    kept = (away > warning - back + ROUNDING).astype(int) + (away > critical - back + ROUNDING)
    same_side = np.sign(np.nan_to_num(deviation)) == sign_before
    return np.where(same_side, np.maximum(level, np.minimum(kept, level_before)), level)


def _before(
    plan: FlightPlan, earlier: Mapping[str, tuple[str, str]]
) -> tuple[np.ndarray, np.ndarray]:
    """Level and side of the plan of every deal in the run before."""
    known = [earlier.get(deal, ("on_pace", "none")) for deal in plan.deals]
    for deal, (state, severity) in zip(plan.deals, known, strict=True):
        if state not in STATES or severity not in SEVERITIES:
            raise InputError(
                f"earlier status of deal {deal!r} must be one of {', '.join(STATES)} with one of "
                f"{', '.join(SEVERITIES)}; got {state!r} with {severity!r}."
            )
    level = np.array([SEVERITIES.index(severity) for _, severity in known], dtype=int)
    return level, np.array([SIDE.get(state, 0) for state, _ in known], dtype=int)


def silent_days(plan: FlightPlan, delivery: Delivery, window: Window) -> np.ndarray:
    """Final days in a row, up to the latest, without one impression: (deal,) int64.

    Impressions reported since, even if only provisionally, show that the deal delivers.
    """
    heard = window.final & (window.impressions > 0)
    column = np.arange(window.days.size)
    last_heard = np.where(heard, column, -1).max(axis=1, initial=-1)
    silent = (window.final & (column > last_heard[:, None])).sum(axis=1)
    some = delivery.impressions > 0
    latest = np.full(len(plan), np.datetime64(0, "D"))
    np.maximum.at(latest, delivery.deal[some], delivery.day[some])
    last_final = np.where(window.final, window.days, np.datetime64(0, "D")).max(axis=1)
    return np.where(latest > last_final, 0, silent)
