"""How long has a campaign been past the trigger of a cutting rule? Long enough -> pause.

Two witnesses: earlier runs in the ledger, and the daily readings of the history. Knows nothing
of money.
"""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from adbudget.policy.day_so_far import Circumstances
from adbudget.policy.firing import Fired
from adbudget.policy.language import evaluate
from adbudget.policy.language.syntax import Held
from adbudget.policy.readings.readings import Readings
from adbudget.policy.rulebook import Policy, Rule

DAY = timedelta(days=1)


def past_trigger(policy: Policy, fired: Fired) -> np.ndarray:
    """(campaign,) bool, a cutting rule of the file decides, or would if no other rule did."""
    past = np.zeros(len(fired.rules), bool)
    for rule, firing in zip(policy.rules, fired.firings, strict=True):
        if rule.cuts:
            past |= firing.fired
    return past


def past_since(
    policy: Policy, readings: Readings, fired: Fired, circumstances: Circumstances
) -> dict[str, datetime]:
    """Campaign past the trigger now -> first run without a gap that found it there."""
    now = readings.as_of
    return {
        name: min(circumstances.past_since.get(name, now), now)
        for name, is_past in zip(readings.campaign_ids, past_trigger(policy, fired), strict=True)
        if is_past
    }


def pause_due(
    policy: Policy, readings: Readings, fired: Fired, circumstances: Circumstances
) -> np.ndarray:
    """(campaign,) bool, past the trigger for the whole of ``pause_threshold``.

    A day of the history counts from its midnight, so two bad days are 48 hours at the end of the
    second one.
    """
    wait = policy.constraints.pause_threshold
    since = past_since(policy, readings, fired, circumstances)
    by_runs = np.array(
        [name in since and readings.as_of - since[name] >= wait for name in readings.campaign_ids],
        dtype=bool,
    )
    past = past_trigger(policy, fired)
    return past & (by_runs | _held_long(policy, readings, wait))


def _held_long(policy: Policy, readings: Readings, wait: timedelta) -> np.ndarray:
    """(campaign,) bool, daily readings show the trigger held since ``wait`` before now."""
    held = np.zeros(len(readings), bool)
    if readings.history is None:
        return held
    now = readings.as_of.replace(tzinfo=None)
    for day in np.unique(readings.day):
        midnight = datetime.fromisoformat(str(day))
        n_days = max(-((midnight - (now - wait)) // -DAY), 0) + 1
        on_day = readings.day == day
        for rule in policy.rules:
            if rule.cuts:
                held |= on_day & _holds_for(rule, n_days, policy, readings)
    return held


def _holds_for(rule: Rule, n_days: int, policy: Policy, readings: Readings) -> np.ndarray:
    """(campaign,) bool; a trigger that looks back by itself is not asked about earlier days."""
    if rule.trigger.needs_history:
        return np.zeros(len(readings), bool)
    tree = Held(condition=rule.trigger.tree, days=n_days, column=1)
    trigger = replace(rule.trigger, tree=tree, needs_history=True)
    return evaluate(trigger, readings, targets=policy.targets).fired
