"""Balanced budgets + guardrails -> for every campaign, what became of the rule's wish.

One flag per cause; flags are what tests, ledgers and sentences agree on. Knows no words for
people and no verdicts.
"""

from dataclasses import dataclass

import numpy as np

from adbudget.policy.balance import Balance
from adbudget.policy.firing import Fired
from adbudget.policy.metrics.registry import costs_of_result
from adbudget.policy.physics import Physics
from adbudget.policy.readings.readings import Readings
from adbudget.policy.rulebook import Policy
from adbudget.policy.safety import Guard


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RuleOutcome:
    """What became of every campaign's wish.

    Attributes
    ----------
    change : (campaign,) int64, minor units per day
    stopped : (campaign,) bool, a guardrail leaves nothing of what a rule wanted
    flags : flag -> (campaign,) bool, in this order.
        immature: too few conversions are in, so the cut is not made;
        over_cap: its budget is above its cap already;
        under_minimum: its budget is below the smallest of the file or of its platform;
        at_cap: the cap cut the raise short;
        at_floor: the floor cut the cut short;
        daily_limit: the daily limit cut the move short;
        refused: a person said no to such a move, and nothing has changed materially;
        unfunded: no money for the raise;
        scaled: money for a part of the raise;
        scaled_back: the cut frees more than others can take;
        restarts_learning: an edit so large that a platform learns from the start;
        below_step: a move smaller than the step of the policy;
        test_budget_differs: a new campaign has not the test budget of the file, which is proposed;
        monthly_cap: at today's budget the month would cost more than it may;
        confidence_unknown: a probability is asked for and there are no counts;
        rule_objects: a rule would move it the other way than the plan does;
        pause_recommended: past the trigger of a cutting rule for too long, or a built-in check
    """

    change: np.ndarray
    stopped: np.ndarray
    flags: dict[str, np.ndarray]

    def of(self, campaign: int) -> tuple[str, ...]:
        """Flags of one campaign."""
        return tuple(name for name, where in self.flags.items() if where[campaign])


def outcome(
    policy: Policy,
    readings: Readings,
    fired: Fired,
    guard: Guard,
    balance: Balance,
    pause_due: np.ndarray,
    physics: Physics,
) -> RuleOutcome:
    """Compare what the rules wanted with what came of it."""
    budget, wanted = readings.budget_minor, fired.wanted
    change = balance.budget - budget
    free = guard.hold == ""
    waits = free | (guard.hold == "cadence")  # a pause is no move of money, but a cut may yet help
    raises, cuts = free & (wanted > 0), free & (wanted < 0)
    goal = budget + wanted
    kept_up = guard.immature & cuts
    active = readings.status == "active"
    minimum = policy.constraints.min_campaign_budget
    own = 0 if minimum is None else minimum.minor(readings.exponent, "min_campaign_budget")
    least = np.maximum(own, physics.least)
    flags = {
        "immature": kept_up,
        "over_cap": active & (budget > guard.cap),
        "under_minimum": active & (budget < least),
        "at_cap": raises
        & (budget <= guard.cap)
        & (goal > guard.cap)
        & (guard.cap <= guard.day_high),
        "at_floor": cuts & ~kept_up & (goal < guard.floor) & (guard.floor >= guard.day_low),
        "daily_limit": (raises & (goal > guard.day_high) & (guard.day_high < guard.cap))
        | (cuts & ~kept_up & (goal < guard.day_low) & (guard.day_low > guard.floor)),
        "refused": (raises & guard.refused.of(1)) | (cuts & guard.refused.of(-1)),
        "unfunded": raises & (balance.allowed > 0) & (change == 0),
        "scaled": raises & (change > 0) & (change < balance.allowed),
        "scaled_back": cuts & (balance.allowed < 0) & (change > balance.allowed),
        "restarts_learning": (budget > 0)
        & (guard.proposed != "test_budget")
        & (np.abs(change) > float(policy.constraints.learning_edit) * budget),
        "below_step": (change != 0) & (np.abs(change) < _step(policy, readings)),
        "test_budget_differs": guard.proposed == "test_budget",
        "monthly_cap": guard.proposed == "monthly_cap",
        "confidence_unknown": _unknown(policy, fired) & ~fired.planned,
        "rule_objects": fired.objects & (change != 0),
        "pause_recommended": ((pause_due & waits & ~guard.immature) | (guard.hold == "anomaly"))
        & ~guard.refused.of(0),
    }
    return RuleOutcome(
        change=change,
        stopped=(fired.any | fired.planned) & (wanted != 0) & (~free | (balance.allowed == 0)),
        flags=flags,
    )


def _step(policy: Policy, readings: Readings) -> int:
    return policy.constraints.step.minor(readings.exponent, "constraints: step")


def _unknown(policy: Policy, fired: Fired) -> np.ndarray:
    if policy.confidence is None:
        return np.zeros(len(fired.rules), bool)
    judged = set(costs_of_result())
    rated = [judged & set(rule.trigger.metrics) != set() for rule in policy.rules]
    by_rate = [any(rated[position] for position in which) for which in fired.rules]
    return np.array(by_rate, dtype=bool) & np.isnan(fired.probability)
