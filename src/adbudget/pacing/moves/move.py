"""Move and MovePlan: money from one deal to another, proposed. Records; know nothing of how."""

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd

Verdict = Literal["auto", "needs_approval", "blocked"]
COLUMNS = (
    *("campaign", "currency", "source", "target", "amount", "stage", "basis", "probability"),
    *("verdict", "group_id", "reason"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Money from the budget of one deal to that of another, both of one campaign.

    Attributes
    ----------
    campaign, currency : of both
    source, target : deals
    minor : minor units
    amount : the same in units of the currency, exact
    stage : "within_channel" or "across_channels"
    basis : what says where money works: "curves", "revenue", "conversions", or "delivery" when
        there are no outcomes
    probability : that the money works better at the target than with the donors of the campaign;
        None when nothing is known
    verdict : "auto" may happen now; "needs_approval" waits for a person; "blocked" cannot happen
    group_id : linked group of moves that stand or fall together, "" unless it waits
    reason : one or two sentences a buyer can read aloud
    """

    campaign: str
    currency: str
    source: str
    target: str
    minor: int
    amount: Decimal
    stage: Literal["within_channel", "across_channels"]
    basis: str
    probability: float | None
    verdict: Verdict
    group_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DealChange:
    """What the moves of a plan make of one deal's budget. Minor units, for the whole flight.

    Attributes
    ----------
    deal, campaign, currency : which deal
    budget_minor : of today
    now_minor : after the moves that need nobody
    next_minor : after everything is approved
    blocked_minor : what blocked moves would have added
    gap_minor : by how much it was projected to pass its budget
    group_id : linked group that waits, "" for none
    """

    deal: str
    campaign: str
    currency: str
    budget_minor: int
    now_minor: int
    next_minor: int
    blocked_minor: int
    gap_minor: int
    group_id: str


@dataclass(frozen=True, kw_only=True, eq=False)
class MovePlan:
    """Every move of one cycle, and why others were not made.

    Attributes
    ----------
    moves : by campaign
    changes : one per deal that moves, in the order of the plan
    held : deal -> why it gets or gives nothing although it misses its budget
    """

    moves: tuple[Move, ...]
    changes: tuple[DealChange, ...]
    held: dict[str, str]

    @property
    def gaining(self) -> frozenset[str]:
        """Deals that get money now, or would once a person agrees."""
        return frozenset(move.target for move in self.moves if move.verdict != "blocked")

    @property
    def giving(self) -> frozenset[str]:
        """Deals that give money now, or would once a person agrees."""
        return frozenset(move.source for move in self.moves if move.verdict != "blocked")

    @cached_property
    def frame(self) -> "pd.DataFrame":
        """One row per move; ``amount`` is Decimal, in units of the currency."""
        import pandas as pd

        columns = {name: [getattr(move, name) for move in self.moves] for name in COLUMNS}
        frame = pd.DataFrame(columns, columns=list(COLUMNS))
        frame["probability"] = frame["probability"].astype(float)
        return frame
