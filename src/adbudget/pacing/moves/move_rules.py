"""How boldly money may move: the settings of a reallocation. A record; moves nothing."""

from dataclasses import dataclass
from decimal import Decimal

from adbudget.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveRules:
    """What a reallocation may do in one cycle.

    Attributes
    ----------
    minimum : smallest move, in units of the currency
    max_share : share of a campaign's money that may move in one cycle at most
    keep_share : share of what a running deal has left that it keeps, however little it delivers,
        so that it can show when it delivers again
    sure_of_pace : probability of missing the budget from which a deal gives or takes
    sure_of_worth : probability that the money works better where it goes, from which a move needs
        nobody's approval; below one half it is not proposed at all

    Examples
    --------
    >>> rules = pacing.MoveRules(max_share=0.1, sure_of_worth=0.9)
    >>> ab.pace(booked, delivered, as_of="2026-03-11", move_rules=rules).moves.empty
    True
    """

    minimum: Decimal = Decimal(100)
    max_share: float = 0.25
    keep_share: float = 0.10
    sure_of_pace: float = 0.80
    sure_of_worth: float = 0.80

    def __post_init__(self) -> None:
        minimum = Decimal(str(self.minimum))
        if not minimum.is_finite() or minimum <= 0:
            raise InputError(
                f"minimum must be an amount of money above 0, such as 100; got {self.minimum}."
            )
        object.__setattr__(self, "minimum", minimum)
        for name, low in (("max_share", 0.0), ("keep_share", 0.0)):
            value = getattr(self, name)
            if not low < value <= 1:
                raise InputError(f"{name} must be a share in (0, 1], such as 0.25; got {value}.")
        for name in ("sure_of_pace", "sure_of_worth"):
            value = getattr(self, name)
            if not 0.5 <= value < 1:
                raise InputError(f"{name} must be in [0.5, 1), such as 0.80; got {value}.")
