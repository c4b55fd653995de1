"""Text of one trigger -> Trigger: parsed, words resolved, units checked.

Knows nothing of campaigns, and no number of the policy but those in the text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from adbudget.errors import PolicyError
from adbudget.policy.language.diagnostics import Source
from adbudget.policy.language.linear import rate_judged
from adbudget.policy.language.parser import parse_condition
from adbudget.policy.language.semantics import every_node, resolved
from adbudget.policy.language.syntax import (
    Change,
    Comparison,
    Condition,
    Constant,
    Held,
    Negation,
    Reading,
    Target,
)
from adbudget.policy.language.vocabulary import CURRENCIES_OF
from adbudget.policy.metrics.registry import costs_of_result, target_words

Number = int | float | Decimal | Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """One condition, ready to be evaluated.

    Attributes
    ----------
    text : as written
    where : what messages call it, e.g. 'rules[0] "scale_winners"'
    tree : root of the syntax tree
    metrics : metrics it reads, in order of appearance, without the suffix "_change"
    targets : target words it needs, e.g. ("target_cpl",); `target` is already resolved
    needs_history : whether it says `in 24h` or `for 3 days`
    """

    text: str
    where: str
    tree: Condition
    metrics: tuple[str, ...]
    targets: tuple[str, ...]
    needs_history: bool


def parse_trigger(text: str, *, where: str) -> Trigger:
    """Read one trigger.

    Parameters
    ----------
    text : e.g. "cpl < target * 0.8", "cpl_change > 50% in 24h", "roas > 6 for 3 days"
    where : what messages call it, e.g. 'rules[0] "scale_winners"'

    Raises
    ------
    PolicyError : syntax, unknown word or units; names ``where``, the column of the text and the
        nearest known word
    """
    if not isinstance(text, str):
        raise PolicyError(
            f"{where}: a trigger is a text such as 'cpl < target * 0.8'; got {text!r}."
        )
    source = Source(text=text, where=where)
    tree = resolved(parse_condition(source), source)
    nodes = list(every_node(tree))
    return Trigger(
        text=text,
        where=where,
        tree=tree,
        metrics=tuple(dict.fromkeys(n.metric for n in nodes if isinstance(n, Reading | Change))),
        targets=tuple(dict.fromkeys(n.word for n in nodes if isinstance(n, Target))),
        needs_history=any(isinstance(n, Change | Held) for n in nodes),
    )


def check_targets(trigger: Trigger, targets: Mapping[str, Number]) -> None:
    """Refuse a trigger whose targets the policy does not set. Call it when a policy is loaded.

    Parameters
    ----------
    targets : by word: {"target_cpl": Decimal("50"), "target_roas": 2.5}

    Raises
    ------
    PolicyError : a target the trigger needs is missing
    """
    for node in every_node(trigger.tree):
        if isinstance(node, Target) and node.word not in targets:
            metric = target_words()[node.word]
            raise Source(text=trigger.text, where=trigger.where).error(
                node.column,
                f"the policy sets no target for {metric}; add '{node.word}: ...' to it, or write "
                "the number into the trigger.",
            )


def check_confidence(trigger: Trigger) -> None:
    """Refuse a trigger whose cpl or cpa comparisons cannot be judged by their probability.

    Call it when a policy with a confidence threshold is loaded.

    Raises
    ------
    PolicyError : e.g. "target / cpl > 2", where cpl does not stand on its own
    """
    source = Source(text=trigger.text, where=trigger.where)
    for node in every_node(trigger.tree):
        if isinstance(node, Comparison) and rate_judged(node) == "unclear":
            raise source.error(
                node.column,
                f"with confidence_threshold, {' or '.join(costs_of_result())} must stand on one "
                "side only, neither squared nor under a line nor as a change; write "
                "'cpl < target * 0.8' instead of 'target / cpl > 1.25'.",
            )
        if isinstance(node, Negation) and any(
            isinstance(below, Held) and _judges_a_rate(below) for below in every_node(node)
        ):
            raise source.error(
                node.column,
                "with confidence_threshold, 'not (... for 3 days)' about a cost per lead has no "
                "probability; write the condition that shall hold.",
            )


def check_currency(trigger: Trigger, currency: str | None) -> None:
    """Refuse a trigger whose money is of another currency than the campaigns.

    Parameters
    ----------
    currency : ISO code of the campaigns; None when unknown, then nothing is checked

    Raises
    ------
    PolicyError : "$" for campaigns in EUR
    """
    for node in every_node(trigger.tree):
        if not isinstance(node, Constant) or node.sign is None or currency is None:
            continue
        if currency not in CURRENCIES_OF[node.sign]:
            raise Source(text=trigger.text, where=trigger.where).error(
                node.column,
                f"{node.sign!r} is not the sign of {currency}, the currency of the campaigns; "
                "write the number without it, in the currency of the campaigns.",
            )


def exact_targets(targets: Mapping[str, Number]) -> dict[str, Fraction]:
    """Targets as they were written, without rounding.

    Raises
    ------
    PolicyError : not a finite number
    """
    exact = {}
    for word, value in targets.items():
        try:
            exact[word] = value if isinstance(value, Fraction) else Fraction(str(value))
            float(exact[word])
        except (ValueError, OverflowError):
            raise PolicyError(f"{word} must be a number; got {value!r}.") from None
    return exact


def _judges_a_rate(condition: Condition) -> bool:
    found = (n for n in every_node(condition) if isinstance(n, Comparison))
    return any(rate_judged(comparison) != "no" for comparison in found)
