"""Facts of one campaign's call -> one or two sentences a buyer can read aloud.

Knows how to say it, not how it was decided.
"""

from typing import Any

import numpy as np

from adbudget.policy.firing import Fired
from adbudget.policy.metrics.registry import METRICS
from adbudget.policy.metrics.wording import figure_text
from adbudget.policy.rulebook import Policy, Rule
from adbudget.policy.safety import HOLDS
from adbudget.policy.values import BudgetMove
from adbudget.tables.messages import listed

UNKNOWN_CONFIDENCE = "confidence unknown: no counts"


def rule_fires(policy: Policy, fired: Fired, campaign: int) -> str:
    """'scale_winners fires: cpl < target * 0.8, with cpl 35 and target_cpl 50'."""
    told = []
    for position in fired.rules[campaign]:
        rule, firing = policy.rules[position], fired.firings[position]
        told.append(f"{rule.name} fires: {_condition(rule, firing.evidence_of(campaign))}")
        told[-1] += _odds(policy, rule, float(firing.probability[campaign]))
    return "; ".join(told)


def _condition(rule: Rule, evidence: dict[str, float]) -> str:
    figures = [f"{name} {figure_text(value, name)}" for name, value in evidence.items()]
    return f"{rule.trigger.text}, with {' and '.join(figures)}" if figures else rule.trigger.text


def _odds(policy: Policy, rule: Rule, probability: float) -> str:
    """What is known of how sure the rule can be of its cost per result."""
    if not any(METRICS[name].cost_of_result for name in rule.trigger.metrics):
        return ""
    if np.isfinite(probability):
        return f", probability {probability:.1%}"
    return f" ({UNKNOWN_CONFIDENCE})" if policy.confidence is not None else ""


def silence(fired: Fired, policy: Policy, campaign: int) -> str:
    """Why no rule fires, as far as there is something to say."""
    rules_by_reason: dict[str, list[str]] = {}
    for rule, firing in zip(policy.rules, fired.firings, strict=True):
        reason = firing.reason[campaign]
        if reason is not None:
            rules_by_reason.setdefault(reason, []).append(rule.name)
    told = [f"{listed(names, at_most=3)}: {why}" for why, names in rules_by_reason.items()]
    return f"No rule fires ({'; '.join(told)})." if told else "No rule fires."


def asked_for(policy: Policy, fired: Fired, campaign: int) -> str:
    """'+15%' of one rule, '+15%, then +10%' of several."""
    moves = [policy.rules[position].action for position in fired.rules[campaign]]
    sizes = [
        f"{'+' if move.sign > 0 else '-'}{str(move).split(' by ')[1]}"
        for move in moves
        if isinstance(move, BudgetMove)
    ]
    return ", then ".join(sizes)


def held(hold: str) -> str:
    """Sentence for a campaign that a guardrail holds."""
    return f"It does not move: {HOLDS[hold]}."


def paid_by(funders: dict[str, Any]) -> str:
    """'paid by C', or by the three largest and how many more."""
    if not funders:
        return ""
    largest = sorted(funders, key=lambda name: (-funders[name], name))
    return f"paid by {listed((name or 'new money' for name in largest), at_most=3)}"
