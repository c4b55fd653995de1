"""Rules + readings -> what every campaign's rule wants: a move, a pause, or to be left alone.

Rules are tried in file order. With ``combine: first`` the first one that fires decides; with
``compound`` every one that fires adds to the move. Knows nothing of balancing or safety.
"""

from dataclasses import dataclass

import numpy as np

from adbudget.policy.language import Firing, evaluate
from adbudget.policy.readings.readings import Readings
from adbudget.policy.rulebook import Policy, Rule
from adbudget.policy.values import BudgetMove

NO_CAP = np.iinfo(np.int64).max
REBALANCE = "rebalance"  # stands for a rule where balancing alone moves a campaign
PLAN = "plan"  # stands for a rule where a plan made elsewhere asks for the move


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fired:
    """What the rules say of every campaign, before balancing and safety.

    Attributes
    ----------
    rules : (campaign,) tuples of positions of the rules that decide; () where none fires
    wanted : (campaign,) int64, minor units per day; below zero is a cut
    cap, floor : (campaign,) int64, of the rules that decide
    pauses, holds : (campaign,) bool, a rule says pause or hold
    probability : (campaign,) smallest posterior probability behind the rules that decide, NaN when
        there is none
    suspect : (campaign,) bool, a rule that moves money would fire on the figures alone
    firings : one per rule, in file order
    planned : (campaign,) bool, ``wanted`` is that of a plan made elsewhere
    objects : (campaign,) bool, a rule would move it the other way than the plan
    """

    rules: tuple[tuple[int, ...], ...]
    wanted: np.ndarray
    cap: np.ndarray
    floor: np.ndarray
    pauses: np.ndarray
    holds: np.ndarray
    probability: np.ndarray
    suspect: np.ndarray
    firings: tuple[Firing, ...]
    planned: np.ndarray
    objects: np.ndarray

    @property
    def any(self) -> np.ndarray:
        """(campaign,) bool, some rule fires."""
        return np.array([bool(which) for which in self.rules])


def fire_rules(policy: Policy, readings: Readings, total_after: int) -> Fired:
    """Evaluate every rule for every campaign.

    Parameters
    ----------
    policy, readings : checked
    total_after : minor units of all budgets after the run, what shares of the total are of

    Raises
    ------
    PolicyError : a rule's amount is finer than the smallest unit of the currency
    """
    n = len(readings)
    firings = tuple(
        evaluate(rule.trigger, readings, targets=policy.targets, confidence=policy.confidence)
        for rule in policy.rules
    )
    state = _State(n, readings.budget_minor)
    for position, (rule, firing) in enumerate(zip(policy.rules, firings, strict=True)):
        chosen = firing.fired & (~state.decided if policy.combine == "first" else ~state.stopped)
        state.take(position, rule, firing, chosen, total_after, readings.exponent)
    return Fired(
        rules=tuple(tuple(which) for which in state.rules),
        wanted=state.wanted,
        cap=state.cap,
        floor=state.floor,
        pauses=state.pauses,
        holds=state.holds,
        probability=state.probability,
        suspect=_suspect(policy.rules, firings, n),
        firings=firings,
        planned=np.zeros(n, bool),
        objects=np.zeros(n, bool),
    )


class _State:
    """What has been decided while the rules are tried one after the other."""

    def __init__(self, n: int, budget: np.ndarray) -> None:
        self.budget = budget
        self.rules: list[list[int]] = [[] for _ in range(n)]
        self.decided = np.zeros(n, bool)
        self.pauses, self.holds = np.zeros(n, bool), np.zeros(n, bool)
        self.wanted = np.zeros(n, np.int64)
        self.cap, self.floor = np.full(n, NO_CAP), np.zeros(n, np.int64)
        self.probability = np.full(n, np.nan)

    @property
    def stopped(self) -> np.ndarray:
        """A pause or a hold has the last word, so that nothing is added to it."""
        return self.pauses | self.holds

    def take(
        self,
        position: int,
        rule: Rule,
        firing: Firing,
        chosen: np.ndarray,
        total_after: int,
        exponent: int,
    ) -> None:
        where = f"rules[{position}] {rule.name!r}"
        for i in np.flatnonzero(chosen):
            self.rules[i].append(position)
        self.decided |= chosen
        self.probability[chosen] = np.fmin(self.probability[chosen], firing.probability[chosen])
        if not isinstance(rule.action, BudgetMove):
            kind = self.pauses if rule.action.name == "pause" else self.holds
            kind |= chosen
            self.wanted[chosen] = 0
            return
        for i in np.flatnonzero(chosen):
            start = int(self.budget[i] + self.wanted[i])  # compound goes on from here
            self.wanted[i] = max(start + _size(rule.action, start, exponent, where), 0) - int(
                self.budget[i]
            )
        if rule.cap is not None:
            cap = rule.cap.minor(total_after, exponent, f"{where}: cap", up=False)
            self.cap[chosen] = np.minimum(self.cap[chosen], cap)
        if rule.floor is not None:
            floor = rule.floor.minor(total_after, exponent, f"{where}: floor", up=True)
            self.floor[chosen] = np.maximum(self.floor[chosen], floor)


def _size(move: BudgetMove, budget: int, exponent: int, where: str) -> int:
    """Signed move in minor units, a share rounded to the nearest cent, half a cent away from 0."""
    if move.money is not None:
        return move.sign * move.money.minor(exponent, f"{where}: action")
    assert move.share is not None
    top, bottom = move.share.as_integer_ratio()
    return move.sign * ((2 * budget * top + bottom) // (2 * bottom))


def _suspect(rules: tuple[Rule, ...], firings: tuple[Firing, ...], n: int) -> np.ndarray:
    """A move not proven is not made, neither by its rule nor with other campaigns' money."""
    suspect = np.zeros(n, bool)
    for rule, firing in zip(rules, firings, strict=True):
        if isinstance(rule.action, BudgetMove):
            suspect |= firing.by_figures
    return suspect
