"""What an arm has seen -> whole levels of every line for the next round: rules, Gaussian processes.

Arms are told the budgets, whether curves may change and whether outcomes come in late. They see
spend by line and the outcome of an account; those whose name ends in "lines" see the outcome of
every line, as in the publications.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from benchmarks.bandit.gaussian import Belief, Kernel, believe, fit_kernel
from benchmarks.bandit.split import best_split, whole_levels
from benchmarks.bandit.worlds import N_LEVELS, World

HALF_LIFE = 15  # rounds after which a row counts half where curves may change
LATE_HALF_LIVES = (0.0, 1.5, 3.0, 6.0)  # in rounds, of spend where outcomes come in late
LEARN_EVERY = 5  # rounds after which kernels are fitted again
ROAS_ROUNDS = 7
ROAS_STEP = 0.1
DEVIATIONS = (
    1.0  # above the mean, of the upper confidence bound: the best of .5, 1, 2 on other seeds
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """What has happened so far, warm-up first.

    Attributes
    ----------
    budget : (account,) money a round
    changing, late : whether curves may change, and whether outcomes come in over several rounds
    levels : (round, account, line) what was set
    spend, outcome : (round, account, line); only what has come in
    """

    budget: np.ndarray
    changing: bool
    late: bool
    levels: np.ndarray
    spend: np.ndarray
    outcome: np.ndarray


class Arm(Protocol):
    """Decides a round."""

    def decide(self, seen: Seen) -> np.ndarray:
        """(account, line) whole levels, at most all of them."""
        ...


def equal(seen: Seen) -> np.ndarray:
    """Every line the same."""
    return whole_levels(np.ones(seen.levels.shape[1:]), N_LEVELS)


def roas_rule(seen: Seen) -> np.ndarray:
    """A tenth more to lines that returned more than their account lately, a tenth less to others.

    It reads the outcome of every line, as such rules do.
    """
    spend = seen.spend[-ROAS_ROUNDS:].sum(axis=0)
    outcome = seen.outcome[-ROAS_ROUNDS:].sum(axis=0)
    returned = outcome / np.maximum(spend, 1e-9)
    usual = outcome.sum(axis=1) / np.maximum(spend.sum(axis=1), 1e-9)
    step = np.where(returned > usual[:, None], 1 + ROAS_STEP, 1 - ROAS_STEP)
    return whole_levels(np.maximum(seen.levels[-1], 1) * step, N_LEVELS)


@dataclass(slots=True, kw_only=True, eq=False)
class Rule:
    """A function as an arm."""

    rule: Callable[[Seen], np.ndarray]

    def decide(self, seen: Seen) -> np.ndarray:
        """What the function says."""
        return self.rule(seen)


@dataclass(slots=True, kw_only=True, eq=False)
class Frozen:
    """What was set when the loop began."""

    def decide(self, seen: Seen) -> np.ndarray:
        """The last split."""
        return seen.levels[-1]


@dataclass(slots=True, kw_only=True, eq=False)
class GaussianProcess:
    """A belief of every curve, what it is read as, and the knapsack.

    Attributes
    ----------
    read : belief -> (unit, line * level) what the knapsack takes for the truth
    by_line : whether the outcome of every line is seen, or that of the account only
    """

    read: Callable[[Belief, np.random.Generator], np.ndarray]
    rng: np.random.Generator
    by_line: bool = False
    kernel: Kernel | None = None
    carried: float = 0.0
    learned: int = 0

    def decide(self, seen: Seen) -> np.ndarray:
        """The best split of what is read."""
        n_rounds, n_accounts, n_lines = seen.spend.shape
        weight = 0.5 ** (np.arange(n_rounds)[::-1] / HALF_LIFE if seen.changing else np.zeros(1))
        weight = np.broadcast_to(weight, n_rounds)
        kept = weight > 0.5**5
        y = self._outcomes(seen)[:, kept]
        if self.kernel is None or n_rounds - self.learned >= LEARN_EVERY:
            tried = LATE_HALF_LIVES if seen.late else (0.0,)
            found = [
                (*fit_kernel(self._inputs(seen, one)[:, kept], y, weight[kept]), one)
                for one in tried
            ]
            _, self.kernel, self.carried = max(found, key=lambda one: one[0])
            self.learned = n_rounds
        u = self._inputs(seen, self.carried)[:, kept]
        at = np.sqrt(np.arange(1, N_LEVELS + 1) / N_LEVELS)
        worth = self.read(believe(u, y, weight[kept], self.kernel, at), self.rng)
        worth = worth.reshape(n_accounts, n_lines, N_LEVELS)
        return best_split(np.concatenate([np.zeros((*worth.shape[:2], 1)), worth], axis=2))

    def _outcomes(self, seen: Seen) -> np.ndarray:
        """(unit, round) of accounts, or of lines."""
        if not self.by_line:
            return seen.outcome.sum(axis=2).T
        return np.moveaxis(seen.outcome, 0, 2).reshape(-1, len(seen.outcome))

    def _inputs(self, seen: Seen, half_life: float) -> np.ndarray:
        """(unit, round, line) roots of the share of the budget, carried over where it is late."""
        share = np.maximum(seen.spend, 0) / seen.budget[:, None]
        kept = 0.5 ** (1 / half_life) if half_life else 0.0
        for t in range(1, len(share)):
            share[t] = kept * share[t - 1] + (1 - kept) * share[t]
        u = np.moveaxis(np.sqrt(share), 0, 1)
        return np.moveaxis(u, 2, 1).reshape(-1, len(share), 1) if self.by_line else u


def mean(belief: Belief, rng: np.random.Generator) -> np.ndarray:
    """No exploring."""
    return belief.mean


def draw(belief: Belief, rng: np.random.Generator) -> np.ndarray:
    """Thompson (1933)."""
    return belief.draw(rng)


def upper_bound(belief: Belief, rng: np.random.Generator) -> np.ndarray:
    """Srinivas et al. (2010), with a factor that was tuned."""
    return belief.mean + DEVIATIONS * belief.deviation


ARMS = (
    *("equal", "frozen", "roas rule", "greedy", "gp-ts", "gp-ucb", "ours"),
    *("greedy lines", "gp-ts lines", "gp-ucb lines"),
)
READ = {"greedy": mean, "gp-ts": draw, "gp-ucb": upper_bound}


def make_arm(name: str, world: World) -> Arm:
    """An arm by name, with chance of its own."""
    if name == "ours":
        from benchmarks.bandit.ours import Ours

        return Ours(rng=np.random.default_rng([world.seed, 1]), seed=world.seed)
    if name == "frozen":
        return Frozen()
    if name in ("equal", "roas rule"):
        return Rule(rule=equal if name == "equal" else roas_rule)
    kind, _, lines = name.partition(" ")
    rng = np.random.default_rng([world.seed, 2])
    return GaussianProcess(read=READ[kind], rng=rng, by_line=lines == "lines")
