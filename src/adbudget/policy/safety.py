"""Policy + readings + the day's history -> who may not move, and how far everybody else may.

The guardrails come before the rules' wishes and are never bent by them. Knows nothing of what a
rule wants or how money is shared out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from adbudget.policy.alerts import AlertReport
from adbudget.policy.daily_limit import day_bounds
from adbudget.policy.firing import NO_CAP, Fired
from adbudget.policy.language import evaluate, parse_trigger
from adbudget.policy.made import Made
from adbudget.policy.maturity import maturity
from adbudget.policy.metrics.registry import costs_of_result
from adbudget.policy.readings.readings import Readings
from adbudget.policy.refusals import Refusal, Refused, refused
from adbudget.policy.rulebook import Policy

EMERGENCY = "emergency_pause"
# Why a campaign may not move at all, in the order in which the reasons are told.
HOLDS = {
    "ended": "it has ended",
    "paused": "it is paused, and paused campaigns keep their budget",
    "locked": "its budget is locked",
    "muted": "a person has muted it",
    "emergency": "it is to be paused at once, and paused campaigns keep their budget",
    "unconfirmed": "a change of its budget is ordered and not confirmed yet",
    "pause_refused": "a person said no to pausing it, and nothing has changed materially",
    "rule_pause": "a rule pauses it, and paused campaigns keep their budget",
    "rule_hold": "a rule holds it",
    "zero_impressions": "it has no impressions, so its rules are frozen until it is shown again",
    "anomaly": "a built-in check suggests to pause it",
    "stale": "its figures are too old to act on",
    "observation": "it is younger than the observation period",
    "test_budget": "it is new and keeps its test budget",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a run has to know besides policy and tables. All of it comes from the ledger.

    Attributes
    ----------
    openings : minor units per campaign at the start of the day, of those that moved today
    kill_on : the kill switch stops every change
    past_since : campaigns that were past the trigger of a cutting rule in the last run, and the
        moment of the first run of those without a gap
    made : what became of the changes that were ordered before
    refusals : moves that people rejected or rolled back
    muted : campaigns that a person has muted, and until when
    at : moment of the run with its time zone; None without a ledger
    """

    openings: Mapping[str, int] = field(default_factory=dict)
    kill_on: bool = False
    past_since: Mapping[str, datetime] = field(default_factory=dict)
    made: Made = field(default_factory=Made)
    refusals: tuple[Refusal, ...] = ()
    muted: Mapping[str, datetime | None] = field(default_factory=dict)
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Guard:
    """What the guardrails say of every campaign.

    Attributes
    ----------
    hold : (campaign,) key of HOLDS, "" when it may move
    emergency : (campaign,) bool, to be paused at once
    immature : (campaign,) bool, too few of its conversions are in to lower anything
    lowest, highest : (campaign,) int64, bounds of the budget; they hold the budget of today
    cap, floor : (campaign,) int64, of the file alone, which today's budget may have passed
    day_low, day_high : (campaign,) int64, of the daily limit alone
    refused : moves that a person said no to, and that rest
    """

    hold: np.ndarray
    emergency: np.ndarray
    immature: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray
    cap: np.ndarray
    floor: np.ndarray
    day_low: np.ndarray
    day_high: np.ndarray
    refused: Refused


def guard(
    policy: Policy,
    readings: Readings,
    fired: Fired,
    report: AlertReport,
    circumstances: Circumstances,
    total_after: int,
) -> Guard:
    """Work out who may move, and between which budgets.

    Parameters
    ----------
    policy, readings : checked
    fired : for the caps, floors, pauses and holds of the rules that fire
    report : for campaigns that are frozen or that a built-in check would pause
    circumstances : the day so far
    total_after : minor units of all budgets after the run
    """
    share_in = maturity(policy.attribution, readings)
    stale = _stale(policy, readings)
    no = _refused(policy, readings, circumstances)
    is_muted = np.array([name in circumstances.muted for name in readings.campaign_ids], bool)
    emergency = _emergency(policy, readings, share_in) & ~stale & ~is_muted & ~no.of(0)
    least = 0.0 if policy.attribution is None else float(policy.attribution.mature_at)
    cap, floor = _caps_and_floors(policy, readings, fired, total_after)
    low, high = day_bounds(
        policy, readings.campaign_ids, readings.budget_minor, circumstances.openings
    )
    budget = readings.budget_minor
    return Guard(
        hold=_holds(policy, readings, fired, report, emergency, stale, circumstances, no),
        emergency=emergency & (readings.status == "active") & ~readings.locked,
        immature=share_in < least,
        lowest=np.where(no.of(-1), budget, np.minimum(np.maximum(floor, low), budget)),
        highest=np.where(no.of(1), budget, np.maximum(np.minimum(cap, high), budget)),
        cap=cap,
        floor=floor,
        day_low=low,
        day_high=high,
        refused=no,
    )


def _holds(
    policy: Policy,
    readings: Readings,
    fired: Fired,
    report: AlertReport,
    emergency: np.ndarray,
    stale: np.ndarray,
    circumstances: Circumstances,
    no: Refused,
) -> np.ndarray:
    limits, names = policy.constraints, readings.campaign_ids
    age_s = _age_seconds(readings)
    is_new = age_s < limits.test_period.total_seconds()
    reasons = {
        "ended": readings.status == "ended",
        "paused": readings.status == "paused",
        "locked": readings.locked,
        "muted": np.array([name in circumstances.muted for name in names], bool),
        "emergency": emergency,
        "unconfirmed": np.array([name in circumstances.made.waiting for name in names], bool),
        "pause_refused": fired.pauses & no.of(0),
        "rule_pause": fired.pauses,
        "rule_hold": fired.holds,
        "zero_impressions": report.frozen,
        "anomaly": report.pause,
        "stale": stale,
        "observation": age_s < limits.observation_period.total_seconds(),
        "test_budget": is_new & (limits.new_campaign_test_budget is not None),
    }
    hold = np.full(len(readings), "", dtype=object)
    for name in reversed(HOLDS):
        hold[reasons[name]] = name
    return hold


def _refused(policy: Policy, readings: Readings, circumstances: Circumstances) -> Refused:
    limits = policy.constraints
    return refused(
        readings,
        circumstances.refusals,
        at=circumstances.at or readings.as_of,
        rest=limits.rejection_rest,
        material=float(limits.material_change),
    )


def _age_seconds(readings: Readings) -> np.ndarray:
    """(campaign,) since the start; NaN when unknown, which counts as old."""
    now = np.datetime64(readings.as_of.replace(tzinfo=None), "s")
    return _seconds(now - readings.started_at)


def _stale(policy: Policy, readings: Readings) -> np.ndarray:
    """(campaign,) figures older than the limit; without a time of update, their day decides."""
    now = np.datetime64(readings.as_of.replace(tzinfo=None), "s")
    day_end = (readings.day + np.timedelta64(1, "D")).astype("datetime64[s]")
    known = ~np.isnat(readings.updated_at)
    age_s = _seconds(now - np.where(known, readings.updated_at, day_end))
    return age_s > policy.constraints.max_data_age.total_seconds()


def _seconds(span: np.ndarray) -> np.ndarray:
    return np.where(np.isnat(span), np.nan, span / np.timedelta64(1, "s"))


def _emergency(policy: Policy, readings: Readings, share_in: np.ndarray) -> np.ndarray:
    """(campaign,) CPL so far past its target that not even outstanding conversions excuse it."""
    worst = np.zeros(len(readings), bool)
    multiple = policy.constraints.emergency_pause
    for metric in costs_of_result():
        target = policy.targets.get(f"target_{metric}")
        if target is None:
            continue
        trigger = parse_trigger(f"{metric} > target * {multiple:f}", where=EMERGENCY)
        past = evaluate(trigger, readings, targets=policy.targets).fired
        when_all_are_in = readings.metric(metric) * share_in
        worst |= past & ((share_in >= 1) | (when_all_are_in > float(multiple * target)))
    return worst


def _caps_and_floors(
    policy: Policy, readings: Readings, fired: Fired, total_after: int
) -> tuple[np.ndarray, np.ndarray]:
    """Strictest cap and highest floor of file and rule."""
    limits, exponent = policy.constraints, readings.exponent
    cap, floor = fired.cap.copy(), fired.floor.copy()
    if limits.max_single_campaign is not None:
        most = limits.max_single_campaign.minor(
            total_after, exponent, "constraints: max_single_campaign", up=False
        )
        cap = np.minimum(cap, most)
    if limits.min_campaign_budget is not None:
        least = limits.min_campaign_budget.minor(exponent, "constraints: min_campaign_budget")
        floor = np.maximum(floor, least)
    return np.minimum(cap, NO_CAP), floor
