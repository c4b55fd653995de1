"""What was booked: one flight per deal, and how much sellers and channels may hold.

Records only; knows nothing of tables, of what was delivered or of what time it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from adbudget.tables.messages import Note

if TYPE_CHECKING:
    from adbudget.pacing.booked.curves import Curve

NO_MAXIMUM = 2**62  # minor units; no budget comes near, and two of them still fit 64 bits
Level = Literal["seller", "channel", "campaign"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupLimit:
    """What the deals of one seller, or of one channel, of one campaign may hold together.

    Attributes
    ----------
    level : "seller" or "channel"
    campaign : whose deals
    name : the seller or channel
    minimum_minor : least sum of budgets, minor units; 0 when there is none
    maximum_minor : largest sum of budgets, minor units; NO_MAXIMUM when there is none
    """

    level: Literal["seller", "channel"]
    campaign: str
    name: str
    minimum_minor: int = 0
    maximum_minor: int = NO_MAXIMUM


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FlightPlan:
    """Every deal as booked, sorted by deal. Money is whole minor units of the deal's currency.

    Attributes
    ----------
    deals : (deal,) names, different
    campaign, channel, seller, account, currency : (deal,) text, object arrays; "" where the
        table does not say
    exponent : (deal,) digits after the point of the currency: budget = budget_minor / 10**exponent
    budget_minor : (deal,) int64, for the whole flight
    minimum_minor, maximum_minor : (deal,) int64 bounds of the budget of the deal alone; 0 and
        NO_MAXIMUM where there are none
    start, end : (deal,) datetime64[D], first and last day of the flight, both included
    n_days : (deal,) int64, days of the flight
    time_zone : (deal,) names of the zones in which days begin, e.g. "Europe/Berlin"
    curves : the different curves
    curve_code : (deal,) position in ``curves``
    planned_impressions : (deal,) float; NaN where none are planned
    locked : (deal,) bool; the budget must not be touched
    limits : of sellers and channels
    notes : what is worth knowing about the table
    """

    deals: tuple[str, ...]
    campaign: np.ndarray
    channel: np.ndarray
    seller: np.ndarray
    account: np.ndarray
    currency: np.ndarray
    exponent: np.ndarray
    budget_minor: np.ndarray
    minimum_minor: np.ndarray
    maximum_minor: np.ndarray
    start: np.ndarray
    end: np.ndarray
    n_days: np.ndarray
    time_zone: np.ndarray
    curves: "tuple[Curve, ...]"
    curve_code: np.ndarray
    planned_impressions: np.ndarray
    locked: np.ndarray
    limits: tuple[GroupLimit, ...] = ()
    notes: tuple[Note, ...] = ()

    def __len__(self) -> int:
        return len(self.deals)

    @property
    def place(self) -> Mapping[str, int]:
        """Deal -> its position in every array."""
        return {deal: i for i, deal in enumerate(self.deals)}

    def names(self, level: Level) -> np.ndarray:
        """Seller, channel or campaign of every deal: (deal,) text."""
        return {"seller": self.seller, "channel": self.channel, "campaign": self.campaign}[level]

    def planned_share(self, elapsed_days: np.ndarray) -> np.ndarray:
        """Cumulative share of the budget planned after so many days of each flight: F(t).

        Parameters
        ----------
        elapsed_days : (deal,) days since the flight began, fractions allowed; below 0 counts as
            0 and beyond the flight as its length

        Returns
        -------
        (deal,) shares in [0, 1]
        """
        days = np.clip(np.asarray(elapsed_days, dtype=float), 0, self.n_days)
        share = np.empty(len(self))
        for code, curve in enumerate(self.curves):
            of_curve = self.curve_code == code
            share[of_curve] = curve.share(
                days[of_curve], self.n_days[of_curve], self.start[of_curve]
            )
        return share

    def group_limit(
        self, level: Literal["seller", "channel"], campaign: str, name: str
    ) -> GroupLimit:
        """Limit of one seller or channel of a campaign; open on both sides when there is none."""
        for limit in self.limits:
            if (limit.level, limit.campaign, limit.name) == (level, campaign, name):
                return limit
        return GroupLimit(level=level, campaign=campaign, name=name)
