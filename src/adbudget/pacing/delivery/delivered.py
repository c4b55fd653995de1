"""What was delivered, by deal and local day, and which figures replaced earlier ones.

Records only; knows nothing of tables, budgets or thresholds.
"""

from dataclasses import dataclass, field

import numpy as np

from adbudget.pacing.booked.flight import FlightPlan
from adbudget.tables.messages import Note


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A figure that was replaced by a later one. Money is minor units.

    Attributes
    ----------
    deal : which deal
    day : local day as ISO text; "before 2026-03-01" for the sum of older days
    spend_minor_before, spend_minor : the replaced figure and the one that holds
    impressions_before, impressions : the same
    """

    deal: str
    day: str
    spend_minor_before: int
    spend_minor: int
    impressions_before: float
    impressions: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Delivery:
    """Delivery of the deals of a plan, one row per deal and local day, sorted by both.

    Days without a row are not filled in: nothing was reported for them.

    Attributes
    ----------
    deal : (row,) position in the plan's deals, ascending
    day : (row,) datetime64[D], day of the deal's account, ascending within a deal
    spend_minor : (row,) int64
    impressions : (row,) float
    final : (row,) bool; False while the seller may still change the figures
    conversions : (row,) float, NaN where missing; None when the table has no such column
    revenue_minor : (row,) float minor units, NaN where missing; None without such a column
    first_row : (deal + 1,) rows of deal i are first_row[i]:first_row[i + 1]
    reported_until : (deal,) datetime64[s] in UTC: end of the last hour, or of the last day, for
        which any deal of the same account has a row; NaT when the account has none
    unknown : (deal,) bool, deals of which a figure is missing; False throughout when left out
    paused : (deal,) bool, deals that their seller says are paused; False throughout when left out
    corrections : figures of this table that replaced earlier rows of the same table
    notes : what is worth knowing about the table

    Examples
    --------
    >>> delivery = pacing.read_delivery(delivered, pacing.read_plan(booked))
    >>> delivery.day.shape, bool(delivery.final.all())
    ((10,), True)
    >>> delivery.n_deals, delivery.total(delivery.spend_minor).tolist()
    (1, [800000])
    """

    deal: np.ndarray
    day: np.ndarray
    spend_minor: np.ndarray
    impressions: np.ndarray
    final: np.ndarray
    conversions: np.ndarray | None
    revenue_minor: np.ndarray | None
    first_row: np.ndarray
    reported_until: np.ndarray
    unknown: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool))
    paused: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool))
    corrections: tuple[Correction, ...] = ()
    notes: tuple[Note, ...] = ()

    def __post_init__(self) -> None:
        for name in ("unknown", "paused"):
            if not getattr(self, name).size:
                object.__setattr__(self, name, np.zeros(self.n_deals, dtype=bool))

    def __len__(self) -> int:
        return int(self.deal.size)

    @property
    def n_deals(self) -> int:
        """Number of deals of the plan."""
        return int(self.first_row.size - 1)

    def total(self, values: np.ndarray) -> np.ndarray:
        """Sum of a (row,) array over the rows of each deal: (deal,), 0 for a deal without rows."""
        exact = np.asarray(values)
        running = np.concatenate([np.zeros(1, exact.dtype), np.cumsum(exact)])
        return running[self.first_row[1:]] - running[self.first_row[:-1]]


def nothing_yet(plan: FlightPlan) -> Delivery:
    """No rows at all: launch day."""
    none = np.zeros(0)
    message = "delivery: the table has no rows, so nothing is delivered yet."
    return Delivery(
        deal=none.astype(np.int64),
        day=none.astype("datetime64[D]"),
        spend_minor=none.astype(np.int64),
        impressions=none,
        final=none.astype(bool),
        conversions=None,
        revenue_minor=None,
        first_row=np.zeros(len(plan) + 1, dtype=np.int64),
        reported_until=np.full(len(plan), np.datetime64("NaT", "s")),
        notes=(Note(kind="nothing_yet", message=message),),
    )
