"""Syntax tree with plain words -> tree of metrics, changes and targets whose units fit.

Knows no readings, and no numbers of the policy.
"""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from adbudget.errors import nearest
from adbudget.policy.language.diagnostics import Source
from adbudget.policy.language.syntax import (
    Arithmetic,
    Change,
    Comparison,
    Condition,
    Constant,
    Figure,
    Held,
    Joined,
    Negation,
    Negative,
    Node,
    Reading,
    Target,
    Word,
)
from adbudget.policy.metrics.registry import (
    CHANGE,
    METRICS,
    TARGET,
    beyond,
    figure_words,
    target_words,
)
from adbudget.policy.metrics.units import RATIO, Unit

if TYPE_CHECKING:
    from adbudget.policy.metrics.bounds import Bounded


LARGE_SHARE = 10  # of what was, or was planned; written without %, it is meant as a percentage


def resolved(node: Condition, source: Source) -> Condition:
    """The same condition with every word resolved and every unit checked.

    Raises
    ------
    PolicyError : unknown word, a target of nothing, a change without a time, units that do not fit,
        a share compared with more than a share can be
    """
    if isinstance(node, Comparison):
        return _comparison(node, source)
    if isinstance(node, Joined):
        return replace(node, conditions=tuple(resolved(c, source) for c in node.conditions))
    return replace(node, condition=resolved(node.condition, source))


def children(node: Node) -> tuple[Node, ...]:
    """Nodes directly below a node, from left to right."""
    if isinstance(node, Comparison | Arithmetic):
        return (node.left, node.right)
    if isinstance(node, Joined):
        return node.conditions
    if isinstance(node, Held | Negation):
        return (node.condition,)
    if isinstance(node, Negative):
        return (node.operand,)
    return ()


def every_node(node: Node) -> Iterator[Node]:
    """The node and all below it, from left to right."""
    yield node
    for child in children(node):
        yield from every_node(child)


def unit_of(node: Figure, source: Source) -> Unit:
    """Unit of a figure.

    Raises
    ------
    PolicyError : it adds what cannot be added, or divides by zero
    """
    if isinstance(node, Constant):
        return node.unit
    if isinstance(node, Reading):
        return METRICS[node.metric].unit
    if isinstance(node, Target):
        return METRICS[target_words()[node.word]].unit
    if isinstance(node, Negative):
        return unit_of(node.operand, source)
    if not isinstance(node, Arithmetic):
        return RATIO
    left, right = unit_of(node.left, source), unit_of(node.right, source)
    if node.sign == "*":
        return left * right
    if node.sign == "/":
        if fixed_value(node.right) == 0:
            raise source.error(node.column, "division by zero.")
        return left / right
    if left.fits(right):
        return right if left.plain else left
    hint = " For a part of it, multiply: cpl * 150%." if RATIO in (left, right) else ""
    verb = "added to" if node.sign == "+" else "subtracted from"
    first, second = (left, right) if node.sign == "+" else (right, left)
    raise source.error(node.column, f"{first} cannot be {verb} {second}.{hint}")


def fixed_value(node: Figure) -> Fraction | None:
    """Value of a figure made of constants alone; None for others, and for a division by zero."""
    if isinstance(node, Constant):
        return node.value
    if isinstance(node, Negative):
        value = fixed_value(node.operand)
        return None if value is None else -value
    if not isinstance(node, Arithmetic):
        return None
    left, right = fixed_value(node.left), fixed_value(node.right)
    if left is None or right is None or (node.sign == "/" and right == 0):
        return None
    return combined(node.sign, left, right)


def combined[Number: (Fraction, Bounded)](sign: str, left: Number, right: Number) -> Number:
    """Result of one arithmetic sign; the caller keeps an exact zero from under the line."""
    if sign == "+":
        return left + right
    if sign == "-":
        return left - right
    return left * right if sign == "*" else left / right


def _comparison(node: Comparison, source: Source) -> Comparison:
    left = _known(node.left, node, source)
    right = _known(node.right, node, source)
    found = [*every_node(left), *every_node(right)]
    metrics = [n for n in found if isinstance(n, Reading | Change)]
    if not metrics:
        raise source.error(node.column, "nothing of the campaign is compared; name a metric.")
    changes = [n for n in found if isinstance(n, Change)]
    if node.within and not changes:
        raise source.error(
            node.column,
            f"'in' goes with a change over time; did you mean '{metrics[0].metric}{CHANGE}'?",
        )
    if any(isinstance(n, Word) for n in found):
        target = _target_of(node, metrics, source)
        left, right = _with_target(left, target), _with_target(right, target)
    first, second = unit_of(left, source), unit_of(right, source)
    if not first.fits(second):
        raise source.error(node.column, f"{first} cannot be compared with {second}.")
    for side, other in ((left, right), (right, left)):
        _check_reachable(side, other, source)
    return replace(node, left=left, right=right)


def _check_reachable(figure: Figure, other: Figure, source: Source) -> None:
    """Refuse to compare a share with a number that no share is: 25 or 1 where percents are."""
    value = fixed_value(other)
    if value is None or not isinstance(figure, Reading | Change):
        return
    name, about = figure.metric, METRICS[figure.metric]
    if isinstance(figure, Reading) and (why := beyond(name, value)):
        raise source.error(other.column, f"{why}.")
    if not unit_of(other, source).plain:
        return
    if isinstance(figure, Reading) and about.percent and about.most == value:
        raise source.error(
            other.column, f"{name} is a share, and 1 is all; for 1 percent write 1%."
        )
    if (isinstance(figure, Change) or about.percent) and abs(value) >= LARGE_SHARE:
        name += CHANGE if isinstance(figure, Change) else ""
        raise source.error(
            other.column,
            f"{name} is a share, and {float(value):g} is {float(100 * value):,.0f}%; for "
            f"{float(value):g} percent write {float(value):g}%.",
        )


def _known(node: Figure, comparison: Comparison, source: Source) -> Figure:
    """The figure with its words resolved, but for the bare word `target`."""
    if isinstance(node, Word):
        return _figure_of_word(node, comparison, source)
    if isinstance(node, Negative):
        return replace(node, operand=_known(node.operand, comparison, source))
    if isinstance(node, Arithmetic):
        return replace(
            node,
            left=_known(node.left, comparison, source),
            right=_known(node.right, comparison, source),
        )
    return node


def _figure_of_word(word: Word, comparison: Comparison, source: Source) -> Figure:
    if word.text == TARGET:
        return word
    if word.text in METRICS:
        return Reading(metric=word.text, column=word.column)
    if word.text in target_words():
        return Target(word=word.text, column=word.column)
    metric = word.text.removesuffix(CHANGE)
    if word.text.endswith(CHANGE) and metric in METRICS:
        if comparison.within is None:
            raise source.error(
                word.column, f"say since when {metric} changed: '{word.text} > 50% in 24h'."
            )
        return Change(metric=metric, days=comparison.within, column=word.column)
    close = nearest(word.text, figure_words())
    hint = f"did you mean {close!r}?" if close else f"known are {', '.join(METRICS)}."
    raise source.error(word.column, f"unknown word {word.text!r}; {hint}")


def _target_of(comparison: Comparison, metrics: list[Reading | Change], source: Source) -> Target:
    """What the bare word `target` of this comparison stands for."""
    column = next(
        n.column
        for side in (comparison.left, comparison.right)
        for n in every_node(side)
        if isinstance(n, Word) and n.text == TARGET
    )
    named = {n.metric for n in metrics}
    words = [word for word, metric in target_words().items() if metric in named]
    if any(isinstance(n, Change) for n in metrics) or len(named) > 1 or not words:
        raise source.error(
            column,
            "'target' is the target of the one metric it is compared with; here it is compared "
            f"with {', '.join(sorted(named))}. Name the target: {', '.join(target_words())}.",
        )
    return Target(word=words[0], column=column)


def _with_target(node: Figure, target: Target) -> Figure:
    if isinstance(node, Word):
        return replace(target, column=node.column)
    if isinstance(node, Negative):
        return replace(node, operand=_with_target(node.operand, target))
    if isinstance(node, Arithmetic):
        left, right = _with_target(node.left, target), _with_target(node.right, target)
        return replace(node, left=left, right=right)
    return node
