"""How budgets are paced where nobody looks closely: three rules to compare a control with.

Each turns a morning of a simulated flight into orders. None knows traffic, lateness or value.
"""

import numpy as np

from adbudget.pacing.control.simulator import Morning, Orders


class NoControl:
    """No daily budget: whatever is left may be spent today."""

    def order(self, morning: Morning) -> Orders:
        """Order all that has not been reported as spent."""
        left = np.maximum(morning.budget - morning.spend.sum(axis=0), 0)
        return Orders(daily=left, budget=morning.budget)


class FixedDailyBudget:
    """Budget / days, set once and never looked at again."""

    def order(self, morning: Morning) -> Orders:
        """Order the same every day."""
        return Orders(daily=morning.budget / morning.n_days, budget=morning.budget)


class RemainingOverDays:
    """Remaining budget / remaining days, every morning: the common practice."""

    def order(self, morning: Morning) -> Orders:
        """Order an equal part of what has not been reported as spent."""
        left = np.maximum(morning.budget - morning.spend.sum(axis=0), 0)
        return Orders(daily=left / (morning.n_days - morning.day), budget=morning.budget)
