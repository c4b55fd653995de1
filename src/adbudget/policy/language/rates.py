"""A comparison of one cost per lead, or of its change -> how probably it is true.

The comparison is linear in the rate, so it says that the rate lies on one side of a threshold.
Knows no conditions around it.
"""

import numpy as np

from adbudget.policy.language.environment import Day, Environment
from adbudget.policy.language.linear import Rate, rates_in, same_rate
from adbudget.policy.language.operators import compared
from adbudget.policy.language.syntax import (
    Arithmetic,
    Comparison,
    ComparisonSign,
    Figure,
    Negative,
    Reading,
)
from adbudget.policy.metrics.registry import METRICS
from adbudget.policy.readings.posterior import prob_cost_below, prob_rate_ratio_above


def posterior(
    environment: Environment, node: Comparison, window: tuple[Day, ...], sign: ComparisonSign
) -> np.ndarray:
    """Probability that the comparison is true of the rate itself: (campaign,), NaN if unknown.

    Over several days a cost is judged by the counts of all of them together, against the hardest
    of the thresholds; a change is judged by its last day.
    """
    rate = rates_in(node)[0]
    days = window if isinstance(rate, Reading) else window[:1]
    lines = [line(environment, node, day, rate) for day in days]
    upward = lines[0][0] > 0
    below = upward == (sign in ("<", "<="))  # whether small rates make it true
    with np.errstate(all="ignore"):
        thresholds = [-intercept / slope for slope, intercept in lines]
    threshold = np.where(below, np.minimum.reduce(thresholds), np.maximum.reduce(thresholds))
    prob_below = _prob_below(environment, rate, threshold, days)
    return np.where(below, prob_below, 1 - prob_below)


def without_outcome(
    environment: Environment, node: Comparison, day: Day, sign: ComparisonSign
) -> tuple[np.ndarray, np.ndarray]:
    """Campaigns that spent without a conversion, and whether an endless cost makes it true.

    Returns
    -------
    two of (campaign,) bool
    """
    rate = rates_in(node)[0]
    if not isinstance(rate, Reading):
        nowhere = np.zeros(len(environment.readings), dtype=bool)
        return nowhere, nowhere
    count, money = _counts(environment, rate.metric, day)
    cost = environment.figure(rate, day).value
    slope, intercept = line(environment, node, day, rate)
    with np.errstate(all="ignore"):
        endless = np.where(slope == 0, intercept, slope * np.inf)
    return np.isnan(cost) & (count == 0) & (money > 0), compared(endless, sign)


def line(
    environment: Environment, node: Comparison, day: Day, rate: Rate
) -> tuple[np.ndarray, np.ndarray]:
    """Left minus right as a function of the rate: slope and intercept, each (campaign,)."""
    with np.errstate(all="ignore"):
        left, right = (_line_of(environment, side, day, rate) for side in (node.left, node.right))
        slope, intercept = left[0] - right[0], left[1] - right[1]
    shape = (len(environment.readings),)
    return np.broadcast_to(slope, shape), np.broadcast_to(intercept, shape)


def _line_of(
    environment: Environment, node: Figure, day: Day, rate: Rate
) -> tuple[np.ndarray, np.ndarray]:
    """Slope and intercept of a figure that is linear in the rate."""
    if isinstance(node, Rate) and same_rate(node) == same_rate(rate):
        return np.array(1.0), np.array(0.0)
    if isinstance(node, Negative):
        slope, intercept = _line_of(environment, node.operand, day, rate)
        return -slope, -intercept
    if not isinstance(node, Arithmetic):
        return np.array(0.0), environment.figure(node, day).value
    left, right = (_line_of(environment, side, day, rate) for side in (node.left, node.right))
    if node.sign == "*":
        return left[0] * right[1] + right[0] * left[1], left[1] * right[1]
    if node.sign == "/":
        return left[0] / right[1], left[1] / right[1]
    sign = 1 if node.sign == "+" else -1
    return left[0] + sign * right[0], left[1] + sign * right[1]


def _prob_below(
    environment: Environment, rate: Rate, threshold: np.ndarray, days: tuple[Day, ...]
) -> np.ndarray:
    if isinstance(rate, Reading):
        pooled = np.sum([_counts(environment, rate.metric, day) for day in days], axis=0)
        return prob_cost_below(threshold, count=pooled[0], money=pooled[1])
    day = days[0] or 0
    count, money = _counts(environment, rate.metric, day)
    count_before, money_before = _counts(environment, rate.metric, day + rate.days)
    # The cost changed by less than x where the rate of leads is above its old one over (1 + x)
    with np.errstate(all="ignore"):
        ratio = np.where(threshold > -1, 1 / (1 + threshold), np.inf)
    return prob_rate_ratio_above(ratio, (count, count_before), (money, money_before))


def _counts(environment: Environment, metric: str, day: Day) -> tuple[np.ndarray, np.ndarray]:
    """Conversions and the money they cost, which follows from the cost where it is not given.

    Counts are never worked out from money: without them nothing is known about chance.
    """
    money, count, cost = (environment.at(day).column(n) for n in (*METRICS[metric].parts, metric))
    with np.errstate(all="ignore"):
        return count, np.where(np.isnan(money), cost * count, money)
