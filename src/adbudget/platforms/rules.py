"""How a simulated platform behaves: edits, learning, delivery, reporting. A record, checked."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from adbudget.errors import InputError

_RANGES = {
    "edits_per_hour": (1, 1000),
    "minimum": (0.0, 1e6),
    "large_edit": (0.0, 10.0),
    "learning_days": (0.0, 90.0),
    "learning_loss": (0.0, 0.9),
    "learning_noise": (0.0, 2.0),
    "unspent": (0.0, 0.9),
    "headroom": (1.0, 100.0),
    "delay_hours": (0, 240),
    "maturity_days": (0.0, 30.0),
    "claimed": (0.0, 1.0),
    "outcome_delay_hours": (0, 2400),
    "outcome_maturity_days": (0.0, 30.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformRules:
    """What a simulated platform does with budgets, and what it tells of them.

    Attributes
    ----------
    edits_per_hour : changes of one budget within any 60 minutes
    minimum : least daily budget, account currency
    large_edit : a budget that differs by more than this share from what it was 24 hours ago sends
        the campaign into learning
    learning_days : how long that takes
    learning_loss, learning_noise : share of what advertising brings in that is lost meanwhile, and
        log-sd of what is left, from day to day
    unspent : mean share of a budget that stays unspent on a day of ordinary traffic
    headroom : (least, most) of what a campaign can spend a day, in units of its spend so far
    delay_hours : until the spend of an hour is in the reports
    maturity_days : (shortest, longest) half-life of the conversions still to come, by channel
    claimed : share of the sales without advertising that campaigns claim for themselves
    outcome_delay_hours : until the accounts' own outcome of a day is in
    outcome_maturity_days : half-life of the outcome still to come; 0 is complete at once

    Examples
    --------
    >>> from adbudget.platforms import PlatformRules, SimulatedPlatform
    >>> SimulatedPlatform(seed=1, rules=PlatformRules(edits_per_hour=1)).name
    'simulated platform'
    >>> PlatformRules.from_dict(PlatformRules().to_dict()) == PlatformRules()
    True
    """

    edits_per_hour: int = 4
    minimum: float = 5.0
    large_edit: float = 0.2
    learning_days: float = 5.0
    learning_loss: float = 0.15
    learning_noise: float = 0.15
    unspent: float = 0.03
    headroom: tuple[float, float] = (1.6, 4.0)
    delay_hours: int = 3
    maturity_days: tuple[float, float] = (0.5, 4.0)
    claimed: float = 0.15
    outcome_delay_hours: int = 6
    outcome_maturity_days: float = 0.0

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            pair = isinstance(value, tuple)
            values = value if pair else (value,)
            whole = isinstance(low, int)
            kinds = int if whole else int | float
            good = all(isinstance(v, kinds) and low <= v <= high for v in values)
            if not good or (pair and (len(value) != 2 or value[0] > value[1])):
                raise InputError(
                    f"{name} must be {'a whole number' if whole else 'a number'} in [{low}, "
                    f"{high}]{', lowest first' if pair else ''}; got {value!r}."
                )

    def to_dict(self) -> dict[str, Any]:
        """Every rule as JSON can hold it."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_dict(cls, rules: dict[str, Any]) -> "PlatformRules":
        """Read the rules :meth:`to_dict` wrote.

        Raises
        ------
        InputError : unknown rule, or one out of its range
        """
        unknown = sorted(set(rules) - {field.name for field in fields(cls)})
        if unknown:
            raise InputError(f"PlatformRules has no rule {unknown}. Remove it.")
        thawed: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in rules.items()
        }
        return cls(**thawed)
