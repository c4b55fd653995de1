"""Metrics of many rows: as given, or derived from their parts; exact when asked for one row.

Knows nothing of tables, rules or targets.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from adbudget.policy.language.bounds import Bounded, is_whole, leaf
from adbudget.policy.language.vocabulary import DERIVED, METRICS

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

    def quotient(self, metric: str) -> np.ndarray:
        """A derived metric from its parts, whether given or not: (row,), NaN where it cannot be."""
        return _quotient(self.values, metric)

    def exact(self, metric: str, row: int) -> Fraction | None:
        """One figure exactly: as written when it was given, else computed from its exact parts."""
        value = float(self.values[metric][row])
        if np.isnan(value):
            return None
        if metric == "age_days":  # moments are whole seconds
            return Fraction(round(value * SECONDS), SECONDS)
        if self.given[metric][row]:
            return Fraction(Decimal(repr(value)))
        if metric == "planned_spend":
            budget, days = self.exact("budget", row), self.exact("days", row)
            return None if budget is None or days is None else budget * days
        parts = METRICS[metric]
        if not parts.numerator or not parts.denominator:
            return Fraction(value)
        above, below = self.exact(parts.numerator, row), self.exact(parts.denominator, row)
        return parts.times * above / below if above is not None and below else None

    def written(self, metric: str) -> list[np.ndarray]:
        """All the given numbers that the exact figure depends on: arrays (row,)."""
        own = [self.values[metric], self.given[metric].astype(float)]
        if metric == "planned_spend":
            return [*own, *self.written("budget"), *self.written("days")]
        parts = METRICS[metric]
        if not parts.numerator or not parts.denominator:
            return own
        return [*own, *self.written(parts.numerator), *self.written(parts.denominator)]

    def _divides(self, metric: str) -> np.ndarray:
        """Where a derived metric is a whole number without any rounding: (row,) bool."""
        parts, value = METRICS[metric], self.values[metric]
        if metric == "planned_spend":
            return is_whole(value) & is_whole(self.values["budget"]) & is_whole(self.values["days"])
        if not parts.numerator or not parts.denominator:
            return is_whole(value)
        above = parts.times * self.values[parts.numerator]
        below = self.values[parts.denominator]
        whole = is_whole(value) & is_whole(above) & is_whole(below)
        return whole & (value * below == above)


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
    with np.errstate(all="ignore"):
        planned = values["budget"] * values["days"]
        values["planned_spend"] = np.where(
            was_given["planned_spend"], values["planned_spend"], planned
        )
        for name in DERIVED:
            values[name] = np.where(was_given[name], values[name], _quotient(values, name))
    return Figures(values=values, given=was_given)


def _quotient(values: Mapping[str, np.ndarray], metric: str) -> np.ndarray:
    parts = METRICS[metric]
    above, below = values[parts.numerator or ""], values[parts.denominator or ""]
    with np.errstate(all="ignore"):
        value = parts.times * above / below
    return np.where((below > 0) & np.isfinite(value), value, np.nan)
