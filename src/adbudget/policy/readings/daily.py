"""Readings by day, and how one looks up the reading of some days before.

Knows nothing of tables or rules.
"""

from dataclasses import dataclass

import numpy as np

from adbudget.policy.readings.figures import Figures

NO_ROW = -1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class History:
    """Readings by day, sorted by campaign and day; at most one row each.

    Attributes
    ----------
    campaign : (row,) position of the campaign in the table
    day : (row,) datetime64[D]
    figures : metrics of these rows
    """

    campaign: np.ndarray
    day: np.ndarray
    figures: Figures

    def rows_at(self, day: np.ndarray) -> np.ndarray:
        """Row of each campaign's reading on its day: (campaign,) int, -1 where there is none.

        Parameters
        ----------
        day : (campaign,) datetime64[D]
        """
        if not self.day.size:
            return np.full(day.size, NO_ROW)
        first = min(self.day.min(), day.min())
        span = int((max(self.day.max(), day.max()) - first) / np.timedelta64(1, "D")) + 1
        key = self.campaign * span + (self.day - first).astype(np.int64)
        wanted = np.arange(day.size) * span + (day - first).astype(np.int64)
        place = np.minimum(np.searchsorted(key, wanted), key.size - 1)
        return np.where(key[place] == wanted, place, NO_ROW)
