"""Which comparisons are about one cost per lead, so that its posterior can judge them.

Knows no readings: only the shape of the tree.
"""

from typing import Literal

from adbudget.policy.language.semantics import every_node
from adbudget.policy.language.syntax import (
    Arithmetic,
    Change,
    Comparison,
    Figure,
    Negative,
    Reading,
)
from adbudget.policy.metrics.registry import METRICS

Rate = Reading | Change


def rates_in(comparison: Comparison) -> tuple[Rate, ...]:
    """Different costs per lead, or changes of them, that a comparison names."""
    found = {}
    for node in every_node(comparison):
        if isinstance(node, Rate) and METRICS[node.metric].cost_of_result:
            found.setdefault(same_rate(node), node)
    return tuple(found.values())


def same_rate(node: Rate) -> tuple[str, int]:
    """Equal for two mentions of the same figure, wherever they stand."""
    return node.metric, node.days if isinstance(node, Change) else 0


def rate_judged(comparison: Comparison) -> Literal["no", "linear", "unclear"]:
    """Whether a posterior can judge the comparison: it names no rate, one linearly, or else."""
    rates = rates_in(comparison)
    if not rates:
        return "no"
    if len(rates) > 1 or comparison.sign in ("==", "!="):
        return "unclear"
    rate = next(iter(rates))
    left, right = (_degree(side, rate) for side in (comparison.left, comparison.right))
    return "linear" if max(left, right) == 1 else "unclear"


def _degree(node: Figure, rate: Rate) -> int:
    """Power of the rate in a figure; 2 stands for anything that is not linear."""
    if isinstance(node, Rate):
        return int(same_rate(node) == same_rate(rate))
    if isinstance(node, Negative):
        return _degree(node.operand, rate)
    if not isinstance(node, Arithmetic):
        return 0
    left, right = _degree(node.left, rate), _degree(node.right, rate)
    if node.sign == "*":
        return min(left + right, 2)
    if node.sign == "/":
        return left if right == 0 else 2
    return max(left, right)
