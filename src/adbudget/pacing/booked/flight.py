"""What was booked: one flight per deal, and how much sellers and channels may hold.

Records only; knows nothing of tables, of what was delivered or of what time it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from adbudget.pacing.booked.curves import ASAP
from adbudget.pacing.booked.replanned import Baseline, Mark, Pause, with_baseline, with_pauses
from adbudget.tables.messages import Note

if TYPE_CHECKING:
    from adbudget.pacing.booked.curves import Curve

NO_MAXIMUM = 2**62  # minor units; no budget comes near, and two of them still fit 64 bits
Level = Literal["seller", "channel", "campaign"]
Quantity = Literal["spend", "impressions"]
NO_TEXT = np.zeros(0, dtype=object)
NO_FLAG = np.zeros(0, dtype=bool)


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
    paused : (deal,) bool, paused as the plan says now; False throughout when left out
    pauses : days on which deals do not deliver; of one deal they stand in the order of time
    order_id, seller_account : (deal,) text, the seller's names of the order and of our account;
        "" where the table does not say, and throughout when left out
    label : (deal,) text, the deal as its table calls it, where deals of several campaigns share
        a name; ``deals`` when left out
    marks : newer plans of deals, from which the two baselines are made
    spend_baseline, impressions_baseline : newer plans that hold from a day on; None where every
        deal is measured against its booking
    notes : what is worth knowing about the table

    Examples
    --------
    >>> plan = pacing.read_plan(booked)
    >>> plan.deals, plan.campaign.tolist()
    (('ctv-prime',), ['spring'])
    >>> plan.place, plan.names("seller").tolist(), plan.is_asap.tolist()
    ({'ctv-prime': 0}, ['Northstar'], [False])
    >>> after = np.array([10.0])  # days
    >>> plan.planned_share(after).round(2).tolist(), plan.share_ahead(after).round(2).tolist()
    ([0.33], [0.67])
    >>> day = np.array(["2026-03-11"], "M8[D]")
    >>> plan.paused_on(day).tolist(), plan.paused_days(day).shape, plan.paused_ahead(after).tolist()
    ([False], (1, 1), [0.0])
    >>> plan.group_limit("seller", "spring", "Northstar").minimum_minor
    0
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
    paused: np.ndarray = field(default_factory=NO_FLAG.copy)
    pauses: tuple[Pause, ...] = ()
    order_id: np.ndarray = field(default_factory=NO_TEXT.copy)
    seller_account: np.ndarray = field(default_factory=NO_TEXT.copy)
    label: np.ndarray = field(default_factory=NO_TEXT.copy)
    marks: tuple[Mark, ...] = ()
    spend_baseline: Baseline | None = None
    impressions_baseline: Baseline | None = None
    notes: tuple[Note, ...] = ()

    def __post_init__(self) -> None:
        usual = {
            "paused": np.zeros(len(self.deals), dtype=bool),
            "order_id": np.full(len(self.deals), "", dtype=object),
            "seller_account": np.full(len(self.deals), "", dtype=object),
            "label": np.array(self.deals, dtype=object),
        }
        for name, values in usual.items():
            if not getattr(self, name).size:
                object.__setattr__(self, name, values)

    def __len__(self) -> int:
        return len(self.deals)

    @property
    def place(self) -> Mapping[str, int]:
        """Deal -> its position in every array."""
        return {deal: i for i, deal in enumerate(self.deals)}

    def names(self, level: Level) -> np.ndarray:
        """Seller, channel or campaign of every deal: (deal,) text."""
        return {"seller": self.seller, "channel": self.channel, "campaign": self.campaign}[level]

    def planned_share(self, elapsed_days: np.ndarray, of: Quantity = "spend") -> np.ndarray:
        """Cumulative share of the target planned after so many days of each flight.

        Parameters
        ----------
        elapsed_days : (deal,) or (deal, time) days since the flight began, fractions allowed;
            below 0 counts as 0 and beyond the flight as its length
        of : "spend" as a share of the budget, or "impressions" of the planned impressions

        Returns
        -------
        Shares of the same shape: F(t) of the curve, held while a deal is paused, and led through
        what was reached where a newer plan holds
        """
        given = np.asarray(elapsed_days, dtype=float)
        days = given if given.ndim == 2 else given[:, None]
        days = np.clip(days, 0, self.n_days[:, None])
        share = self._with_pauses(days)
        baseline = self.spend_baseline if of == "spend" else self.impressions_baseline
        if baseline is not None:
            share = with_baseline(share, days, self._with_pauses, baseline, self.n_days)
        return share if given.ndim == 2 else share[:, 0]

    def share_ahead(self, elapsed_days: np.ndarray, of: Quantity = "spend") -> np.ndarray:
        """Share of the target planned from then to the end of the flight: (deal,) from 0 up."""
        end = self.planned_share(self.n_days.astype(float), of)
        return np.maximum(end - self.planned_share(elapsed_days, of), 0.0)

    def paused_days(self, days: np.ndarray) -> np.ndarray:
        """Whether a deal is paused on each of these days: (deal, day) bool."""
        held = np.zeros((len(self), days.size), dtype=bool)
        for pause in self.pauses:
            held[pause.row] |= (days >= pause.first) & (days <= pause.last)
        return held

    def paused_on(self, day: np.ndarray) -> np.ndarray:
        """Whether each deal is paused on its own (deal,) day, or as the plan says now: bool."""
        held = self.paused.copy()
        for pause in self.pauses:
            held[pause.row] |= bool(pause.first <= day[pause.row] <= pause.last)
        return held

    def paused_ahead(self, elapsed_days: np.ndarray) -> np.ndarray:
        """Days of pauses still to come in each flight: (deal,) float."""
        ahead = np.zeros(len(self))
        for pause in self.pauses:
            row = pause.row
            begins = max((pause.first - self.start[row]).astype(float), elapsed_days[row])
            ends = min((pause.last - self.start[row]).astype(float) + 1, self.n_days[row])
            ahead[row] += max(ends - begins, 0.0)
        return ahead

    @property
    def is_asap(self) -> np.ndarray:
        """Deals whose money is to go out as soon as possible: (deal,) bool."""
        return np.array([curve.name == ASAP for curve in self.curves])[self.curve_code]

    def _with_pauses(self, days: np.ndarray) -> np.ndarray:
        booked = self._booked(days)
        if not self.pauses:
            return booked
        return with_pauses(booked, days, self._booked, self.pauses, self.start, self.n_days)

    def _booked(self, days: np.ndarray) -> np.ndarray:
        """F of every curve at (deal, time) days."""
        share = np.empty(days.shape)
        for code, curve in enumerate(self.curves):
            chosen = self.curve_code == code
            n_days, start = (
                np.repeat(values[chosen], days.shape[1]) for values in (self.n_days, self.start)
            )
            flat = curve.share(days[chosen].ravel(), n_days, start)
            share[chosen] = flat.reshape(-1, days.shape[1])
        return share

    def group_limit(
        self, level: Literal["seller", "channel"], campaign: str, name: str
    ) -> GroupLimit:
        """Limit of one seller or channel of a campaign; open on both sides when there is none."""
        for limit in self.limits:
            if (limit.level, limit.campaign, limit.name) == (level, campaign, name):
                return limit
        return GroupLimit(level=level, campaign=campaign, name=name)
