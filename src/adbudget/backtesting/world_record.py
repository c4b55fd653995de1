"""WorldBacktest: what a loop truly gained in a world, beside other rules. A record."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from adbudget.backtesting.loop_arm import Told
from adbudget.display.page import Page, Shown, counted, table_of
from adbudget.loop.settings import LoopSettings
from adbudget.synthetic import WorldSpec

ARMS = ("loop", "frozen", "roas", "oracle")
MONTH_DAYS = 28


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class WorldBacktest(Shown):
    """What came of a loop in a world with known truth. Money is account currency per period.

    Gains are those of the true curves at a constant spend, against the budgets of the start: no
    chance is in them. A share is that of what the best split of all gains, however far away it is.

    Attributes
    ----------
    spec, seed, settings : what was run
    start : Series by (account, channel), spend per period at the beginning
    spend : arm -> (cycle, cell) spend per period; cells as in ``start``
    gains : one row per cycle, a column per arm, and "best"
    broken : arm -> how often a total, a step or a quarter went beyond what was allowed
    told : what the loop said before every cycle

    Examples
    --------
    >>> list(gained.gains.columns)
    ['loop', 'frozen', 'roas', 'oracle', 'best']
    >>> gained.shares().shape, list(gained.to_frame().columns[:3]), gained.summary().index.tolist()
    ((1, 4), ['arm', 'cycle', 'gain'], ['loop', 'frozen', 'roas', 'oracle'])
    """

    spec: WorldSpec
    seed: int
    settings: LoopSettings
    start: pd.Series
    spend: dict[str, np.ndarray]
    gains: pd.DataFrame
    broken: dict[str, int]
    told: tuple[Told, ...]

    def shares(self) -> pd.DataFrame:
        """Cycles x arms: gain as a share of what the best split gains; NaN where that is nothing.

        Row 0 is the first cycle.
        """
        best = self.gains["best"].where(self.gains["best"] > 0)
        return pd.DataFrame({arm: self.gains[arm] / best for arm in ARMS})

    def to_frame(self) -> pd.DataFrame:
        """One row per arm and cycle.

        Returns
        -------
        pd.DataFrame with arm, cycle (from 1), gain, best_gain, share, moved (share of all spend
        that was moved in this cycle)
        """
        shares = self.shares()
        total = float(self.start.sum())
        parts = []
        for arm in ARMS:
            stood = np.vstack([self.start.to_numpy(float), self.spend[arm]])
            moved = np.abs(np.diff(stood, axis=0)).sum(axis=1) / 2 / total
            parts.append(
                pd.DataFrame(
                    {
                        "arm": arm,
                        "cycle": np.arange(1, len(self.gains) + 1),
                        "gain": self.gains[arm].to_numpy(),
                        "best_gain": self.gains["best"].to_numpy(),
                        "share": shares[arm].to_numpy(),
                        "moved": moved,
                    }
                )
            )
        return pd.concat(parts, ignore_index=True)

    def summary(self) -> pd.DataFrame:
        """One row per arm.

        Returns
        -------
        pd.DataFrame indexed by arm: share (after the last cycle), mean_share (over the cycles),
        worst_share (of any cycle), worst_month (mean gain of the worst 28 days in a row, as a
        share), churn (share of all spend moved per cycle), broken
        """
        frame, shares = self.to_frame(), self.shares()
        month = max(1, round(MONTH_DAYS / self.settings.period_days))
        by_month = shares.rolling(min(month, len(shares))).mean()
        moved: Any = frame.groupby("arm")["moved"].mean()
        return pd.DataFrame(
            {
                "share": shares.iloc[-1],
                "mean_share": shares.mean(),
                "worst_share": shares.min(),
                "worst_month": by_month.min(),
                "churn": moved.reindex(list(ARMS)),
                "broken": pd.Series(self.broken).reindex(list(ARMS)),
            }
        ).rename_axis("arm")

    def page(self) -> Page:
        """What ``repr`` and a notebook show: every rule on a line."""
        best = self.gains["best"].iloc[-1] / float(self.start.sum())
        verdicts = [one.verdict for each in self.told for one in each.judged]
        kept, broken = verdicts.count("kept"), verdicts.count("broken")
        table = self.summary().reset_index()
        return Page(
            title=f"WorldBacktest: {counted(len(self.gains), 'cycle')}, "
            f"{counted(len(self.start), 'cell')}, seed {self.seed}",
            facts=[
                ("best split", f"gains {best:.1%} of the spend; the table has shares of that"),
                (
                    "promises",
                    f"{len(verdicts)} judged, {kept} kept, {broken} broken, "
                    f"{len(verdicts) - kept - broken} unclear",
                ),
            ],
            next=(".to_frame()  .summary()  .shares()",),
            **table_of(table),
        )
