"""Daily outcome of the accounts of a simulated platform -> what their own feed says so far."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from adbudget.platforms.traffic import known_share
from adbudget.synthetic import WorldSpec


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutcomeBook:
    """Every day that is over, the first of the records first.

    Attributes
    ----------
    spec : of the world
    first : date of the first day
    n_periods : (account,) days of its history, the longest of which begins on the first day
    outcome, signal : for every day, (account,) outcome as recorded, and the demand index
    """

    spec: WorldSpec
    first: date
    n_periods: np.ndarray
    outcome: list[np.ndarray]
    signal: list[np.ndarray]

    def report(self, span: tuple[date, date], *, seen: datetime, half_life: float) -> pd.DataFrame:
        """Account, date, outcome, and the demand index if there is one.

        Parameters
        ----------
        span : first and last day, both included
        seen : days that ended by this instant are told
        half_life : days until half of what is still to come is in; 0 is complete at once
        """
        low = max((span[0] - self.first).days, 0)
        high = min((span[1] - self.first).days, (seen.date() - self.first).days - 1)
        numbers = np.arange(low, high + 1)
        midnight = datetime(self.first.year, self.first.month, self.first.day, tzinfo=seen.tzinfo)
        age = (seen - midnight) / timedelta(days=1) - numbers - 0.5
        share = known_share(age, half_life) if half_life else np.ones(numbers.size)
        digits = 0 if self.spec.counts else 2
        dates = np.array([self.first], dtype="datetime64[D]") + numbers
        names = np.repeat(self.spec.account_names, numbers.size).tolist()
        columns: dict[str, Any] = {
            "account": pd.array(names, dtype="str"),
            "date": np.tile(dates.astype("datetime64[us]"), self.spec.n_accounts),
            self.spec.kpi: np.round(self._of(self.outcome, numbers) * share, digits).ravel(),
        }
        if self.spec.demand_signal:
            columns["demand_index"] = self._of(self.signal, numbers).round(4).ravel()
        recorded = numbers >= (self.n_periods.max() - self.n_periods)[:, None]
        return pd.DataFrame(pd.DataFrame(columns)[recorded.ravel()].reset_index(drop=True))

    def _of(self, days: list[np.ndarray], numbers: np.ndarray) -> np.ndarray:
        """(account, day)."""
        chosen = [days[t] for t in numbers]
        return np.stack(chosen, axis=1) if chosen else np.zeros((self.spec.n_accounts, 0))
