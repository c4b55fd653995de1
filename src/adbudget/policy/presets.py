"""What a policy says when its file is silent: one set of settings per kind of business.

Knows nothing of files. A setting written in the file always wins over its preset.
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from adbudget.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Settings that go together.

    Attributes
    ----------
    cadence_days : how often the policy is meant to be run
    observation_period : a younger campaign does not move
    test_period : a younger campaign keeps its test budget
    step : a smaller move is hardly worth somebody's time; told, never enforced
    approval_limit : a larger change waits for a person
    """

    cadence_days: int
    observation_period: timedelta
    test_period: timedelta
    step: Money
    approval_limit: Money


PRESETS = {
    "b2c": Preset(
        cadence_days=1,
        observation_period=timedelta(hours=48),
        test_period=timedelta(hours=48),
        step=Money(amount=Decimal(50)),
        approval_limit=Money(amount=Decimal(500)),
    ),
    "b2b": Preset(
        cadence_days=7,
        observation_period=timedelta(weeks=1),
        test_period=timedelta(weeks=2),
        step=Money(amount=Decimal(500)),
        approval_limit=Money(amount=Decimal(2000)),
    ),
}
DEFAULT_PRESET = "b2c"
