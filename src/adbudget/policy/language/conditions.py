"""Conditions of a trigger -> where they hold, and how surely. Knows no text and no actions."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from adbudget.policy.language.environment import Day, Environment, Gap
from adbudget.policy.language.linear import rate_judged, rates_in
from adbudget.policy.language.operators import OPPOSITE, compared
from adbudget.policy.language.rates import posterior, without_outcome
from adbudget.policy.language.syntax import (
    Comparison,
    ComparisonSign,
    Condition,
    Held,
    Joined,
    Negation,
)

CERTAIN = np.inf  # "probability" of figures that are no estimates; the identity of the minimum


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConditionTruth:
    """Where a condition holds.

    Attributes
    ----------
    holds : (campaign,) bool, by the figures
    proven : (campaign,) bool, as surely as asked for
    probability : (campaign,) of the estimates behind it; NaN unknown, inf where there are none
    gaps : what is missing; ``holds`` means nothing there
    """

    holds: np.ndarray
    proven: np.ndarray
    probability: np.ndarray
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evaluator:
    """Evaluates conditions in one environment.

    Attributes
    ----------
    environment : readings and targets
    confidence : probability that a comparison of a cost per lead needs; None: any
    known : posteriors already computed, for conditions asked again on several days
    """

    environment: Environment
    confidence: float | None
    known: dict = field(default_factory=dict)

    def condition(
        self,
        node: Condition,
        *,
        day: Day = None,
        window: tuple[Day, ...] = (None,),
        negated: bool = False,
    ) -> ConditionTruth:
        """ConditionTruth of a condition, or of its opposite when ``negated``.

        Parameters
        ----------
        day : which reading the figures are of
        window : readings whose counts are pooled to judge an estimate
        """
        if isinstance(node, Negation):
            return self.condition(node.condition, day=day, window=window, negated=not negated)
        if isinstance(node, Joined):
            every = (node.word == "and") != negated  # not (a and b) is (not a) or (not b)
            parts = [
                self.condition(part, day=day, window=window, negated=negated)
                for part in node.conditions
            ]
            return _all(parts) if every else _any(parts)
        if isinstance(node, Held):
            days = tuple((day or 0) + k for k in range(node.days))
            parts = [
                self.condition(node.condition, day=k, window=days, negated=negated) for k in days
            ]
            return _any(parts) if negated else _all(parts)
        return self._comparison(node, day, window, OPPOSITE[node.sign] if negated else node.sign)

    def _comparison(
        self, node: Comparison, day: Day, window: tuple[Day, ...], sign: ComparisonSign
    ) -> ConditionTruth:
        gaps = self.environment.gaps(node, day)
        holds, by_zero = self._holds(node, day, sign, gaps)
        if by_zero.any():
            gaps.append(Gap(where=by_zero, reason="zero stands under a line"))
        if rate_judged(node) != "linear":
            estimated = bool(rates_in(node))
            probability = np.full(holds.shape, np.nan if estimated else CERTAIN)
            return ConditionTruth(
                holds=holds, proven=holds, probability=probability, gaps=tuple(gaps)
            )
        probability = self._posterior(node, window, sign)
        if self.confidence is None:
            return ConditionTruth(
                holds=holds, proven=holds, probability=probability, gaps=tuple(gaps)
            )
        free, endless = without_outcome(self.environment, node, day, sign)
        rate = rates_in(node)[0].metric
        gaps = [gap.filled(free) if gap.metric == rate else gap for gap in gaps]
        holds = np.where(free, endless, holds)
        sure = np.isnan(probability) | (probability >= self.confidence)
        return ConditionTruth(
            holds=holds, proven=holds & sure, probability=probability, gaps=tuple(gaps)
        )

    def _posterior(
        self, node: Comparison, window: tuple[Day, ...], sign: ComparisonSign
    ) -> np.ndarray:
        key = (id(node), window, sign)
        if key not in self.known:
            self.known[key] = posterior(self.environment, node, window, sign)
        return self.known[key]

    def _holds(
        self, node: Comparison, day: Day, sign: ComparisonSign, gaps: Sequence[Gap]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Where the comparison is true, and where zero stands under a line: (campaign,) bool.

        Floats decide where their rounding error cannot matter, exact numbers elsewhere.
        """
        shape = (len(self.environment.readings),)
        with np.errstate(all="ignore"):
            left, right = (
                self.environment.figure(node.left, day),
                self.environment.figure(node.right, day),
            )
            difference = np.broadcast_to(left.value - right.value, shape).copy()
            error = np.broadcast_to(left.error + right.error, shape)
            sure = (np.abs(difference) > error) | (error == 0)
        for gap in gaps:
            sure = sure | gap.where
        by_zero = np.zeros(shape, dtype=bool)
        if not sure.all():
            close = np.flatnonzero(~sure)
            numbers = self.environment.written(node, day)[close]
            _, first, like = np.unique(numbers, axis=0, return_index=True, return_inverse=True)
            exact = np.array([self._exact_sign(node, day, int(i)) for i in close[first]])
            difference[close] = exact[like.ravel()]
            by_zero[close] = np.isnan(difference[close])
        return compared(difference, sign), by_zero

    def _exact_sign(self, node: Comparison, day: Day, campaign: int) -> float:
        """Sign of left minus right of one campaign; NaN where zero stands under a line."""
        left = self.environment.exact(node.left, day, campaign)
        right = self.environment.exact(node.right, day, campaign)
        if left is None or right is None:
            return np.nan
        return float((left > right) - (left < right))


def _all(parts: Sequence[ConditionTruth]) -> ConditionTruth:
    return ConditionTruth(
        holds=np.logical_and.reduce([part.holds for part in parts]),
        proven=np.logical_and.reduce([part.proven for part in parts]),
        probability=np.minimum.reduce([part.probability for part in parts]),
        gaps=tuple(gap for part in parts for gap in part.gaps),
    )


def _any(parts: Sequence[ConditionTruth]) -> ConditionTruth:
    """Any of them; the probability is that of the surest one that makes it true."""
    proven = np.logical_or.reduce([part.proven for part in parts])
    holds = np.logical_or.reduce([part.holds for part in parts])
    probability = np.full(holds.shape, np.nan)
    for part in parts:
        counts = np.where(proven, part.proven, part.holds)
        probability = np.fmax(probability, np.where(counts, part.probability, np.nan))
    return ConditionTruth(
        holds=holds,
        proven=proven,
        probability=probability,
        gaps=tuple(gap for part in parts for gap in part.gaps),
    )
