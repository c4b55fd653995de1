"""Policy + readings -> campaigns to be paused at once, and how many of them without a person.

A pause that waits for nobody needs money and proof: enough spent to have seen results, and, where
results are counted, a posterior probability that the cost is truly past its limit. No results at
all count as less than one. Knows nothing of rules or budgets to move.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal

import numpy as np

from adbudget.money import Money
from adbudget.policy.language import evaluate, parse_trigger
from adbudget.policy.metrics.registry import METRICS, costs_of_result
from adbudget.policy.readings.posterior import prob_cost_below
from adbudget.policy.readings.readings import Readings
from adbudget.policy.rulebook import Policy

EMERGENCY = "emergency_pause"
PROOF = 0.95  # posterior probability, when the policy does not say


def emergencies(policy: Policy, readings: Readings, share_in: np.ndarray) -> np.ndarray:
    """Campaigns that cost far too much, beyond doubt: (campaign,) bool.

    Parameters
    ----------
    policy : its targets, ``emergency_pause``, ``emergency_min_spend`` and confidence threshold
    readings : of the campaigns
    share_in : (campaign,) share of the results that is reported; those missing may excuse a cost
    """
    worst = np.zeros(len(readings), bool)
    for metric, target in _targets(policy):
        worst |= _past(policy, readings, metric, share_in) & _proven(
            policy, readings, metric, float(target), share_in
        )
    return worst


def doubtful(policy: Policy, readings: Readings) -> np.ndarray:
    """(campaign,) bool, past the limit by the figures, proven or not: no place for more money."""
    found = np.zeros(len(readings), bool)
    for metric, _ in _targets(policy):
        found |= _past(policy, readings, metric, np.ones(len(readings)))
    return found


def evidence_of(policy: Policy, readings: Readings, campaign: int) -> dict[str, float]:
    """Figures that prove one emergency: {"cpl": 151.0}, or {"spend": 800.0, "leads": 0.0}."""
    figures = {}
    for metric, target in _targets(policy):
        value = float(readings.metric(metric)[campaign])
        if value > float(target * policy.constraints.emergency_pause):
            figures[metric] = value
        elif np.isnan(value) and _none(readings, metric)[campaign]:
            spend, count = METRICS[metric].parts
            shown = readings.stands_for.get(count, count)
            figures |= {spend: float(readings.metric(spend)[campaign]), shown: 0.0}
    return figures


def too_many(
    policy: Policy, readings: Readings, emergency: np.ndarray, paused_today: Mapping[str, int]
) -> bool:
    """Whether so much would be paused in a day that a person has to look first.

    Parameters
    ----------
    emergency : (campaign,) bool, to be paused by this run
    paused_today : campaigns paused by earlier runs of the day, and their budgets in minor units
    """
    if not emergency.any():
        return False
    limits, budget = policy.constraints, readings.budget_minor
    status = dict(zip(readings.campaign_ids, readings.status.tolist(), strict=True))
    pausing = {name for name, is_one in zip(status, emergency, strict=True) if is_one}
    before = {name: minor for name, minor in paused_today.items() if name not in pausing}
    gone = sum(minor for name, minor in before.items() if status.get(name) != "active")
    running = int(budget[readings.status == "active"].sum()) + gone
    stopped = int(budget[emergency].sum()) + sum(before.values())
    too_much = stopped > limits.max_paused_share * running
    return bool(len(pausing) + len(before) > limits.max_pauses or too_much)


def _targets(policy: Policy) -> Iterator[tuple[str, Decimal]]:
    """Costs of a result that have a target."""
    for metric in costs_of_result():
        if (target := policy.targets.get(f"target_{metric}")) is not None:
            yield metric, target


def _none(readings: Readings, metric: str) -> np.ndarray:
    """(campaign,) bool, money was spent and not one result came."""
    spend, count = METRICS[metric].parts
    return (readings.metric(count) == 0) & (readings.metric(spend) > 0)


def _past(policy: Policy, readings: Readings, metric: str, share_in: np.ndarray) -> np.ndarray:
    """(campaign,) bool, the cost is past its limit even when the missing results come."""
    multiple = policy.constraints.emergency_pause
    limit = float(multiple * policy.targets[f"target_{metric}"])
    trigger = parse_trigger(f"{metric} > target * {multiple:f}", where=EMERGENCY)
    past = evaluate(trigger, readings, targets=policy.targets).fired
    when_all_are_in = readings.metric(metric) * share_in
    past = past & ((share_in >= 1) | (when_all_are_in > limit))
    spent = readings.metric(METRICS[metric].parts[0])
    unseen = np.isnan(readings.metric(metric)) & _none(readings, metric)
    return past | (unseen & (spent * share_in >= limit))  # less than one result cost that much


def _proven(
    policy: Policy, readings: Readings, metric: str, target: float, share_in: np.ndarray
) -> np.ndarray:
    """(campaign,) bool, enough was spent, and the counts rule chance out where there are any."""
    multiple = float(policy.constraints.emergency_pause)
    spend, count = (readings.metric(part) for part in METRICS[metric].parts)
    of_counts = np.where(np.isnan(spend), readings.metric(metric) * count, spend)
    meant = readings.metric("planned_spend")  # what stands for the spend where nobody gives it
    money = np.where(np.isnan(of_counts), meant, of_counts)
    below = prob_cost_below(np.full(len(readings), multiple * target), count, of_counts * share_in)
    certainty = PROOF if policy.confidence is None else policy.confidence
    least = policy.constraints.emergency_min_spend
    needed = float(least.amount) if isinstance(least, Money) else float(least) * target
    return (money >= needed) & (np.isnan(below) | (1 - below >= certainty))
