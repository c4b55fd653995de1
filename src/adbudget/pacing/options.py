"""How a pacing run is made: the options of :func:`adbudget.pace`, stated once. A record.

The engine builds it from its keywords and passes it down; the command line takes its defaults and
help from it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from adbudget.pacing.delivery.thresholds import PaceThresholds

if TYPE_CHECKING:
    from adbudget.pacing.booked.curves import Curve
    from adbudget.pacing.daily.daily_budgets import DailyRules
    from adbudget.pacing.moves.move_rules import MoveRules
    from adbudget.pacing.requests.drafting import AskRules
    from adbudget.policy.rulebook import Policy


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PaceOptions:
    """What a run is given beside its tables, its instant and its ledger.

    Attributes
    ----------
    thresholds : how far off is too far
    curves : name -> curve, for the plan's column ``curve``
    currency, time_zone : for plans without these columns
    cumulative : figures of the delivery are running totals; None finds out
    policy : guards the moves
    earlier : ``status`` of the report before, for hysteresis without a ledger
    locked : deals whose budget must not move, besides those the plan locks
    move_rules, marginal, seed : of the moves
    ask_rules, orders : of the requests
    daily_rules : of the daily budgets
    """

    thresholds: PaceThresholds = field(default_factory=PaceThresholds)
    curves: "Mapping[str, Curve] | None" = field(
        default=None,
        metadata={
            "help": "History by date or hour with impressions, to learn the curve 'traffic' from."
        },
    )
    currency: str | None = field(default=None, metadata={"help": "For plans that do not say."})
    time_zone: str = field(
        default="UTC", metadata={"help": "Where days begin, for plans that do not say."}
    )
    cumulative: bool | None = field(
        default=None,
        metadata={
            "help": "Figures are running totals of the flight, or those of each day; found out "
            "and told if not given."
        },
    )
    policy: "Policy | None" = field(
        default=None, metadata={"help": "Policy whose constraints guard the moves."}
    )
    earlier: Any = None
    locked: Collection[str] = ()
    move_rules: "MoveRules | None" = None
    ask_rules: "AskRules | None" = None
    daily_rules: "DailyRules | None" = None
    orders: Mapping[str, str] | None = None
    marginal: object | None = None
    seed: int = 0
