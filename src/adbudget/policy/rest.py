"""Changes of the days before -> which campaigns rest: their last change has not shown yet.

A rule that has moved a campaign leaves it alone until the figures can have answered; no rule moves
a campaign more often than the cadence of the policy. Knows nothing of money or reasons.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from adbudget.policy.day_so_far import Circumstances
from adbudget.policy.firing import PLAN, REBALANCE, Fired
from adbudget.policy.readings.readings import Readings
from adbudget.policy.rulebook import Policy

WORD = "days_since_change"
LOOK_BACK = timedelta(days=366)  # a budget that has not changed for longer counts as so old
DAY = timedelta(days=1)
EARLY = timedelta(hours=2)  # a run may come a little early, and days have 23 to 25 hours
LONGEST_WINDOW = 92  # days of figures that a change waits for


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rest:
    """Which campaigns rest.

    Attributes
    ----------
    cadence : (campaign,) bool, its budget changed less than a cadence ago
    rest : (campaign,) bool, a rule that decides moved it less than its rest ago, or rebalancing
        moved it the other way so lately
    recent : (campaign,) bool, either, or any change within the rest of the policy: money that is
        left over goes elsewhere
    """

    cadence: np.ndarray
    rest: np.ndarray
    recent: np.ndarray


def resting(policy: Policy, readings: Readings, fired: Fired, around: Circumstances) -> Rest:
    """Find the campaigns that rest.

    Parameters
    ----------
    policy : its cadence, its rest and those of its rules
    readings : for the moment, and for changes that the table itself tells
    fired : which rules decide
    around : changes that the ledger knows
    """
    place = {name: i for i, name in enumerate(readings.campaign_ids)}
    last: dict[int, datetime] = {}
    turned: dict[int, int] = {}
    moved: dict[tuple[int, str], datetime] = {}
    for change in around.changes:
        if (i := place.get(change.unit)) is not None:
            last[i] = change.at
            turned[i] = int(np.sign(change.minor)) if change.rule == REBALANCE else 0
            moved |= {(i, rule): change.at for rule in change.rule.split(" + ")}
    now = readings.as_of
    for i in np.flatnonzero(~np.isnat(readings.changed_at)).tolist():
        told = readings.changed_at[i].item().replace(tzinfo=now.tzinfo)
        last[i] = max(told, last.get(i, told))
    cadence, rest, recent = (np.zeros(len(readings), bool) for _ in range(3))
    usual = _usual_rest(policy, readings)
    for i, at in last.items():
        cadence[i] = _too_soon(now - at, policy.constraints.cadence)
        recent[i] = cadence[i] or _too_soon(now - at, usual[i])
        # What rebalancing gave or took, no rule undoes before it can have shown.
        rest[i] |= turned.get(i, 0) * np.sign(fired.wanted[i]) < 0 and recent[i]
        for name, period in _deciding(policy, fired, i):
            if (i, name) in moved:
                rest[i] |= _too_soon(now - moved[i, name], usual[i] if period is None else period)
    return Rest(cadence=cadence, rest=rest, recent=recent | rest)


def _deciding(policy: Policy, fired: Fired, i: int) -> list[tuple[str, timedelta | None]]:
    """What decides about a campaign, and the rest it states: rules, or a plan."""
    if fired.planned[i]:
        return [(PLAN, None)]
    return [(policy.rules[p].name, policy.rules[p].rest) for p in fired.rules[i]]


def longest_rest(policy: Policy, readings: Readings) -> timedelta:
    """How far back a change may still hold a campaign still, or is asked about."""
    asked = [rule.trigger.metrics for rule in (*policy.rules, *policy.alerts)]
    if any(WORD in metrics for metrics in asked):
        return LOOK_BACK
    rests = [rule.rest for rule in policy.rules if rule.rest is not None]
    return max(policy.constraints.cadence, DAY, *rests, *_usual_rest(policy, readings))


def with_last_changes(readings: Readings, around: Circumstances) -> Readings:
    """The readings with what the ledger knows of the word ``days_since_change``.

    A budget that the ledger has not seen changing is as old as its campaign; LOOK_BACK at most.
    """
    last = {change.unit: change.at for change in around.changes}
    most = LOOK_BACK / DAY
    known = [
        (readings.as_of - last[name]) / DAY if name in last else np.nan
        for name in readings.campaign_ids
    ]
    age = np.fmin(readings.metric("age_days"), most)
    own = np.fmin(readings.metric(WORD), np.array(known, dtype=float))
    values = np.where(np.isnan(own), np.where(np.isnan(age), most, age), own)
    figures = replace(
        readings.figures,
        values={**readings.figures.values, WORD: np.fmin(values, most)},
        given={**readings.figures.given, WORD: np.zeros(len(readings), bool)},
    )
    return replace(readings, figures=figures)


def _usual_rest(policy: Policy, readings: Readings) -> list[timedelta]:
    """(campaign,) rest of rules that have none of their own."""
    limits = policy.constraints
    if limits.rest is not None:
        return [limits.rest] * len(readings)
    days = np.clip(np.nan_to_num(readings.metric("days"), nan=1.0), 0, LONGEST_WINDOW)
    by_window = {
        window: max(limits.observation_period, timedelta(days=window))
        for window in dict.fromkeys(days.tolist())
    }
    return [by_window[window] for window in days.tolist()]


def _too_soon(since: timedelta, period: timedelta) -> bool:
    return since < (period - EARLY if period >= DAY else period)
