"""Policy + readings + the day's history -> who may not move, and how far everybody else may.

The guardrails come before the rules' wishes and are never bent by them. Knows nothing of what a
rule wants or how money is shared out.
"""

from dataclasses import dataclass

import numpy as np

from adbudget.policy.alerts import AlertReport
from adbudget.policy.daily_limit import day_bounds
from adbudget.policy.day_so_far import Circumstances
from adbudget.policy.emergency import emergencies, too_many
from adbudget.policy.excused import Complete
from adbudget.policy.firing import NO_CAP, Fired
from adbudget.policy.maturity import maturity
from adbudget.policy.physics import Physics
from adbudget.policy.readings.readings import Readings
from adbudget.policy.refusals import Refused, refused
from adbudget.policy.rest import Rest, resting
from adbudget.policy.rulebook import Policy

# Why a campaign may not move at all, in the order in which the reasons are told.
HOLDS = {
    "ended": "it has ended",
    "paused": "it is paused, and paused campaigns keep their budget",
    "locked": "its budget is locked",
    "outage": "its results are not being counted, so nothing is cut or paused there",
    "muted": "a person has muted it",
    "emergency": "it is to be paused at once, and paused campaigns keep their budget",
    "moved_since": "its budget is no longer the one that the plan was made from",
    "unconfirmed": "a change of its budget is ordered and not confirmed yet",
    "pause_refused": "a person said no to pausing it, and nothing has changed materially",
    "rule_pause": "a rule pauses it, and paused campaigns keep their budget",
    "rule_hold": "a rule holds it",
    "zero_impressions": "it has no impressions, so its rules are frozen until it is shown again",
    "anomaly": "a built-in check would pause it, and paused campaigns keep their budget",
    "stale": "its figures are too old to act on",
    "observation": "it is younger than the observation period",
    "test_budget": "it is new and keeps its test budget",
    "edits_an_hour": "its platform takes no further edit of its budget within the hour",
    "cadence": "its budget changed less than a cadence ago",
    "rest": "it was moved a short while ago, and its figures cannot have answered yet",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Guard:
    """What the guardrails say of every campaign.

    Attributes
    ----------
    hold : (campaign,) key of HOLDS, "" when it may move
    proposed : (campaign,) what the policy itself asks for, before any rule: "test_budget" of a new
        campaign, "monthly_cap" where today's budget would spend more; "" for nothing
    goal : (campaign,) int64, the budget that is proposed
    rested : (campaign,) bool, no change of its budget is so recent that its figures wait for more
    emergency : (campaign,) bool, to be paused at once
    braked : so many are to be paused at once that a person has to look first
    immature : (campaign,) bool, too few of its conversions are in to lower anything
    excused : (campaign,) bool, with what is still to come no rule would lower it
    lowest, highest : (campaign,) int64, bounds of the budget; they hold the budget of today
    cap, floor : (campaign,) int64, of the file alone, which today's budget may have passed
    day_low, day_high : (campaign,) int64, of the daily limit alone
    refused : moves that a person said no to, and that rest
    """

    hold: np.ndarray
    proposed: np.ndarray
    goal: np.ndarray
    rested: np.ndarray
    emergency: np.ndarray
    braked: bool
    immature: np.ndarray
    excused: np.ndarray
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
    outage: np.ndarray,
    physics: Physics,
    moved_since: np.ndarray,
    complete: Complete,
) -> Guard:
    """Work out who may move, and between which budgets.

    Parameters
    ----------
    policy, readings : checked
    fired : for the caps, floors, pauses and holds of the rules that fire
    report : for campaigns that are frozen or that a built-in check would pause
    circumstances : the day so far
    total_after : minor units of all budgets after the run
    outage : (campaign,) bool, its results are not being counted
    physics : what platforms and months allow
    moved_since : (campaign,) bool, its budget is no longer the one that a plan was made from
    complete : what the cutting rules say of complete figures
    """
    share_in = maturity(policy.attribution, readings)
    stale = _stale(policy, readings)
    no = _refused(policy, readings, circumstances)
    is_muted = np.array([name in circumstances.muted for name in readings.campaign_ids], bool)
    emergency = emergencies(policy, readings, share_in) & ~stale & ~outage & ~is_muted & ~no.of(0)
    pausing = emergency & (readings.status == "active") & ~readings.locked
    least = 0.0 if policy.attribution is None else float(policy.attribution.mature_at)
    cap, floor = _caps_and_floors(policy, readings, fired, total_after)
    low, high = day_bounds(
        policy, readings.campaign_ids, readings.budget_minor, circumstances.openings
    )
    budget = readings.budget_minor
    rest = resting(policy, readings, fired, circumstances)
    cap, floor = np.minimum(cap, physics.month), np.maximum(floor, physics.least)
    hold = _holds(
        policy,
        readings,
        fired,
        report,
        emergency,
        stale,
        outage,
        rest,
        physics,
        circumstances,
        no,
        moved_since,
    )
    proposed, goal = _proposed(policy, readings, hold, physics)
    asked = proposed != ""
    hold[asked] = ""
    low, high = (np.where(asked, goal, bound) for bound in (low, high))
    floor = np.where(proposed == "monthly_cap", np.minimum(floor, goal), floor)
    return Guard(
        hold=hold,
        proposed=proposed,
        goal=goal,
        rested=~rest.recent,
        emergency=pausing,
        braked=too_many(policy, readings, pausing, circumstances.paused_today),
        immature=(share_in < least) | complete.excused,
        excused=complete.excused & (share_in >= least),
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
    outage: np.ndarray,
    rest: Rest,
    physics: Physics,
    circumstances: Circumstances,
    no: Refused,
    moved_since: np.ndarray,
) -> np.ndarray:
    limits, names = policy.constraints, readings.campaign_ids
    age_s = _age_seconds(readings)
    is_new = age_s < limits.test_period.total_seconds()
    wants_more = fired.wanted > 0  # a person's no to it is told before a rest
    reasons = {
        "ended": readings.status == "ended",
        "paused": readings.status == "paused",
        "locked": readings.locked,
        "outage": outage,
        "muted": np.array([name in circumstances.muted for name in names], bool),
        "emergency": emergency,
        "moved_since": moved_since,
        "unconfirmed": np.array([name in circumstances.made.waiting for name in names], bool),
        "pause_refused": fired.pauses & no.of(0),
        "rule_pause": fired.pauses,
        "rule_hold": fired.holds,
        "zero_impressions": report.frozen,
        "anomaly": report.pause,
        "stale": stale,
        "observation": age_s < limits.observation_period.total_seconds(),
        "test_budget": is_new & (limits.new_campaign_test_budget is not None),
        "edits_an_hour": physics.edited,
        "cadence": rest.cadence & (fired.wanted != 0),
        "rest": rest.rest & (fired.wanted != 0) & ~np.where(wants_more, no.of(1), no.of(-1)),
    }
    hold = np.full(len(readings), "", dtype=object)
    for name in reversed(HOLDS):
        hold[reasons[name]] = name
    return hold


def _proposed(
    policy: Policy, readings: Readings, hold: np.ndarray, physics: Physics
) -> tuple[np.ndarray, np.ndarray]:
    """What the policy itself asks for, and the budget of it: two (campaign,)."""
    budget, test = readings.budget_minor, test_budget(policy, readings)
    young = np.isin(hold, ("observation", "test_budget"))
    over = (young | np.isin(hold, ("", "cadence", "rest"))) & (budget > physics.month)
    new = young & (test >= 0) & (budget != test) & ~over
    proposed = np.where(over, "monthly_cap", np.where(new, "test_budget", "")).astype(object)
    return proposed, np.where(over, physics.month, np.where(new, test, budget))


def test_budget(policy: Policy, readings: Readings) -> np.ndarray:
    """(campaign,) int64 minor units that a new campaign is meant to have; -1 for others."""
    limits = policy.constraints
    if limits.new_campaign_test_budget is None:
        return np.full(len(readings), -1)
    where = "constraints: new_campaign_test_budget"
    meant = limits.new_campaign_test_budget.minor(readings.exponent, where)
    is_new = _age_seconds(readings) < limits.test_period.total_seconds()
    return np.where(is_new, meant, -1)


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
