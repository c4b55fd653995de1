"""Trials -> the set that is worth most within a budget, none of which blurs another.

Greedy: the trial that adds most to what is known already comes next, laid out so that it blurs none
before it. What a trial adds falls as more becomes known, so only the best are looked at again.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field

from adbudget.experiments.designs import Design
from adbudget.experiments.trials import Laboratory, Trial, Worth

LEAST_COST = (
    0.01  # of its value: what costs nothing is not infinitely better than what costs little
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Selected:
    """One test of the set.

    Attributes
    ----------
    trial : its position among the trials
    design : how it is laid out beside the others
    worth : of this layout by itself
    adds : margin money per period that it adds to the tests before it
    """

    trial: int
    design: Design
    worth: Worth
    adds: float


@dataclass(slots=True, kw_only=True, eq=False)
class _Set:
    """The tests taken so far, and what each block is worth with them."""

    lab: Laboratory
    taken: list[Selected] = field(default_factory=list)
    value: dict[int, float] = field(default_factory=dict)

    def beside(self, trial: Trial) -> Design | None:
        """The first layout that blurs none of the tests taken; None where every one does."""
        for layout in trial.layouts:
            if not any(self.lab.spoils(layout, one.design) for one in self.taken):
                return layout
        return None

    def with_one_more(self, design: Design) -> dict[int, float]:
        """Block -> what it is worth with one more design."""
        designs = [*(one.design for one in self.taken), design]
        reached = self.lab.reached(design).tolist()
        return {block: self.lab.known(designs, block).value for block in reached}

    def adds(self, design: Design) -> float:
        """What one more design adds, money per period."""
        after = self.with_one_more(design)
        return sum(value - self.value.get(block, 0.0) for block, value in after.items())

    def take(self, one: Selected) -> None:
        """Add a test."""
        self.value |= self.with_one_more(one.design)
        self.taken.append(one)


def select(
    lab: Laboratory,
    trials: Sequence[Trial],
    worths: Sequence[Worth],
    periods: float,
    budget: dict[str, float] | None,
) -> tuple[Selected, ...]:
    """The set, in the order in which its tests were taken.

    Parameters
    ----------
    worths : of each trial in its first layout, by itself
    periods : for which a gain is counted
    budget : expected cost of all of them together by currency, at most; None sets no bound
    """
    left = None if budget is None else dict(budget)
    known = _Set(lab=lab)
    seen = {
        i: Selected(trial=i, design=trial.layouts[0], worth=worth, adds=worth.gain)
        for i, (trial, worth) in enumerate(zip(trials, worths, strict=True))
    }
    heap = [(-_rank(one, periods, left), i, 0) for i, one in seen.items()]
    heapq.heapify(heap)
    while heap:
        bound, i, n_known = heapq.heappop(heap)
        if bound >= 0:
            break
        one, code = seen[i], str(lab.currency[trials[i].cells[0]])
        design = known.beside(trials[i])
        if design is None or (left is not None and one.worth.cost > left.get(code, 0.0)):
            continue
        if n_known < len(known.taken) or design != one.design:
            worth = one.worth if design == one.design else lab.worth(design)
            seen[i] = Selected(trial=i, design=design, worth=worth, adds=known.adds(design))
            heapq.heappush(heap, (-_rank(seen[i], periods, left), i, len(known.taken)))
            continue
        known.take(one)
        if left is not None:
            left[code] -= max(one.worth.cost, 0.0)
    return tuple(known.taken)


def _rank(one: Selected, periods: float, left: dict[str, float] | None) -> float:
    """What a test brings in all; under a budget, what a unit of it brings."""
    value = one.adds * periods
    net = one.worth.net(one.adds, periods)
    return net if left is None else net / max(one.worth.cost, LEAST_COST * value, 1e-12)
