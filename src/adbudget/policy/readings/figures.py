"""Metrics of many rows: as given, or derived from their parts; exact when asked for one row.

Knows nothing of tables, rules or targets.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from adbudget.policy.metrics.bounds import Bounded, is_whole, leaf
from adbudget.policy.metrics.registry import METRICS

SECONDS = 24 * 60 * 60
ROUNDINGS_DERIVED = 8  # at most: parts, products and the quotient, each off by one rounding


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Figures:
    """Every metric of the language for a number of rows.

    Attributes
    ----------
    values : metric -> (row,) float, NaN where unknown; money in major units
    given : metric -> (row,) bool, whether the value was given and not derived
    """

    values: Mapping[str, np.ndarray]
    given: Mapping[str, np.ndarray]

    def column(self, metric: str) -> np.ndarray:
        """Values of one metric: (row,) float, NaN where unknown."""
        return self.values[metric]

    def bounded(self, metric: str) -> Bounded:
        """Values of one metric with a bound of their rounding error: (row,)."""
        value = self.values[metric]
        as_given = leaf(value)
        if self.given[metric].all():
            return as_given
        derived = leaf(value, rounded=ROUNDINGS_DERIVED)
        error = np.where(self.given[metric] | self._divides(metric), as_given.error, derived.error)
        return Bounded(value=value, error=error)

    def from_parts(self, metric: str) -> np.ndarray:
        """A metric worked out from its parts, whether given or not: (row,), NaN where unknown."""
        return _from_parts(self.values, metric)

    def exact(self, metric: str, row: int) -> Fraction | None:
        """One figure exactly: as written when it was given, else computed from its exact parts."""
        value = float(self.values[metric][row])
        if np.isnan(value):
            return None
        if metric in ("age_days", "days_since_change"):  # moments are whole seconds
            return Fraction(round(value * SECONDS), SECONDS)
        if self.given[metric][row]:
            return Fraction(Decimal(repr(value)))
        about = METRICS[metric]
        if not about.parts:
            return Fraction(value)
        first, second = (self.exact(part, row) for part in about.parts)
        if first is None or second is None:
            return None
        if about.factors:
            return first * second
        return about.times * first / second if second else None

    def written(self, metric: str) -> list[np.ndarray]:
        """All the given numbers that the exact figure depends on: arrays (row,)."""
        own = [self.values[metric], self.given[metric].astype(float)]
        return [*own, *(array for part in METRICS[metric].parts for array in self.written(part))]

    def _divides(self, metric: str) -> np.ndarray:
        """Where a derived metric is a whole number without any rounding: (row,) bool."""
        about, value = METRICS[metric], self.values[metric]
        if not about.parts:
            return is_whole(value)
        first, second = (self.values[part] for part in about.parts)
        whole = is_whole(value) & is_whole(about.times * first) & is_whole(second)
        return whole if about.factors else whole & (value * second == about.times * first)


def derive(given: Mapping[str, np.ndarray], n_rows: int) -> Figures:
    """Every metric of the language, from those that a table gives.

    A figure that is given wins; a cell that is missing is derived where its parts are known.

    Parameters
    ----------
    given : metric -> (row,) float, NaN where missing
    """
    missing = np.full(n_rows, np.nan)
    values = {name: given.get(name, missing) for name in METRICS}
    values["days"] = np.where(np.isnan(values["days"]), 1.0, values["days"])
    was_given = {name: ~np.isnan(value) for name, value in values.items()}
    for name, about in METRICS.items():  # the parts of a metric come before it
        if about.parts:
            values[name] = np.where(was_given[name], values[name], _from_parts(values, name))
    return Figures(values=values, given=was_given)


def _from_parts(values: Mapping[str, np.ndarray], metric: str) -> np.ndarray:
    about = METRICS[metric]
    first, second = (values[part] for part in about.parts)
    with np.errstate(all="ignore"):
        if about.factors:
            return first * second
        value = about.times * first / second
    return np.where((second > 0) & np.isfinite(value), value, np.nan)
