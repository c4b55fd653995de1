"""Figures of a trigger for every campaign: in floats with a bound, or exactly for one campaign.

Knows no conditions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from adbudget.policy.language.semantics import combined, every_node
from adbudget.policy.language.syntax import (
    Arithmetic,
    Change,
    Comparison,
    Constant,
    Figure,
    Negative,
    Reading,
    Target,
)
from adbudget.policy.metrics.bounds import Bounded, exactly
from adbudget.policy.metrics.registry import CHANGE, METRICS

if TYPE_CHECKING:
    from adbudget.policy.readings.figures import Figures
    from adbudget.policy.readings.readings import Readings

Day = int | None  # the table itself (None), or the daily reading so many days before


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gap:
    """A figure that some campaigns do not have.

    Attributes
    ----------
    where : (campaign,) bool
    reason : what is missing
    metric : the figure; "" where it is not one metric
    """

    where: np.ndarray
    reason: str
    metric: str = ""

    def filled(self, where: np.ndarray) -> "Gap":
        """The gap that is left once some campaigns have the figure."""
        return replace(self, where=self.where & ~where)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Environment:
    """Readings and targets that a trigger is evaluated with; remembers what was looked at.

    Attributes
    ----------
    readings, targets : what figures are made of; targets by word, exact
    metrics : those of the trigger, and their parts
    seen : label -> (campaign,) figures looked at so far
    days : figures of days already looked up
    """

    readings: "Readings"
    targets: Mapping[str, Fraction]
    metrics: tuple[str, ...]
    seen: dict[str, np.ndarray] = field(default_factory=dict)
    days: dict[Day, "Figures"] = field(default_factory=dict)

    def evidence(self) -> dict[str, np.ndarray]:
        """Figures looked at, by label."""
        return dict(self.seen)

    def at(self, day: Day) -> "Figures":
        """The trigger's metrics in the table, or in one daily reading."""
        if day not in self.days:
            self.days[day] = self.readings.figures_at(day, self.metrics)
        return self.days[day]

    def figure(self, node: Figure, day: Day) -> Bounded:
        """Value for every campaign: (campaign,), or () where it is the same for all."""
        if isinstance(node, Constant):
            return exactly(float(node.value)) if _short(node.value) else _inexact(node.value)
        if isinstance(node, Target):
            value = self.targets[node.word]
            self.seen.setdefault(node.word, np.full(len(self.readings), float(value)))
            return exactly(float(value)) if _short(value) else _inexact(value)
        if isinstance(node, Negative):
            return -self.figure(node.operand, day)
        if isinstance(node, Arithmetic):
            left = self.figure(node.left, day)
            return combined(node.sign, left, self.figure(node.right, day))
        if isinstance(node, Change):
            return self._change(node, day or 0)
        if isinstance(node, Reading):
            return self._looked_up(node.metric, day)
        raise TypeError(f"no figure: {node!r}")

    def exact(self, node: Figure, day: Day, campaign: int) -> Fraction | None:
        """Value for one campaign without rounding; None if unknown or divided by zero."""
        if isinstance(node, Constant):
            return node.value
        if isinstance(node, Target):
            return self.targets[node.word]
        if isinstance(node, Reading):
            return self.at(day).exact(node.metric, campaign)
        if isinstance(node, Negative):
            value = self.exact(node.operand, day, campaign)
            return None if value is None else -value
        if isinstance(node, Change):
            now = self.at(day or 0).exact(node.metric, campaign)
            before = self.at((day or 0) + node.days).exact(node.metric, campaign)
            return now / before - 1 if now is not None and before else None
        if not isinstance(node, Arithmetic):
            raise TypeError(f"no figure: {node!r}")
        left = self.exact(node.left, day, campaign)
        right = self.exact(node.right, day, campaign)
        if left is None or right is None or (node.sign == "/" and right == 0):
            return None
        return combined(node.sign, left, right)

    def gaps(self, comparison: Comparison, day: Day) -> list[Gap]:
        """What is missing for a comparison, in the order of its text."""
        found = []
        for node in every_node(comparison):
            if isinstance(node, Reading):
                found += self._gaps_of(node.metric, day)
            elif isinstance(node, Change):
                before = (day or 0) + node.days
                found += [*self._gaps_of(node.metric, day or 0)]
                found += [*self._gaps_of(node.metric, before)]
                value = self.at(before).column(node.metric)
                reason = f"{node.metric} was not above 0 {_ago(before)}, so it has no change"
                found.append(Gap(where=value <= 0, reason=reason))
        return [gap for gap in found if gap.where.any()]

    def written(self, comparison: Comparison, day: Day) -> np.ndarray:
        """Given numbers that decide a comparison: (campaign, number)."""
        columns = []
        for node in every_node(comparison):
            if isinstance(node, Reading):
                columns += self.at(day).written(node.metric)
            elif isinstance(node, Change):
                columns += self.at(day or 0).written(node.metric)
                columns += self.at((day or 0) + node.days).written(node.metric)
        return np.column_stack(columns)

    def _looked_up(self, metric: str, day: Day) -> Bounded:
        found = self.at(day).bounded(metric)
        label = f"{metric} {_ago(day)}" if day else metric
        self.seen.setdefault(label, found.value)
        return found

    def _change(self, node: Change, day: int) -> Bounded:
        now = self._looked_up(node.metric, day)
        before = self._looked_up(node.metric, day + node.days)
        change = now / before - exactly(1.0)
        if not day:
            self.seen.setdefault(node.metric + CHANGE, change.value)
        return change

    def _gaps_of(self, metric: str, day: Day) -> list[Gap]:
        missing = np.isnan(self.at(day).column(metric))
        if not missing.any():
            return []
        absent, when = np.zeros(missing.shape, dtype=bool), ""
        if day is not None:
            rows, of_table = self.readings.places(day)
            absent, when = (rows < 0) & ~of_table, f" {_ago(day)}" if day else " of the day"
        divisor = METRICS[metric].denominator
        zero = absent & False if divisor is None else missing & (self.at(day).column(divisor) == 0)
        shown = self.readings.stands_for.get(divisor or "", divisor)
        why = {
            f"no reading{when}, so {metric} is unknown": absent,
            f"{metric}{when} is undefined, because {shown} is 0": zero,
            f"{metric}{when} is not given": missing & ~zero & ~absent,
        }
        return [Gap(where=where, reason=text, metric=metric) for text, where in why.items()]


def _short(value: Fraction) -> bool:
    """Whether a float holds the number without rounding."""
    return Fraction(float(value)) == value


def _inexact(value: Fraction) -> Bounded:
    near = float(value)
    return Bounded(value=np.asarray(near), error=np.asarray(float(abs(Fraction(near) - value)) * 2))


def _ago(days: int) -> str:
    return f"{days} day{'s' if days != 1 else ''} before"
