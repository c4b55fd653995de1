"""The syntax tree of a trigger: figures (numbers per campaign) and conditions (true or false).

Records only. ``column`` is where a part starts in the text, from 1.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from adbudget.policy.metrics.units import Unit

ArithmeticSign = Literal["+", "-", "*", "/"]
ComparisonSign = Literal["<", "<=", ">", ">=", "==", "!="]


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """A number as written, exactly: 0.8, 50% (as 1/2), $1,000, 48h (as 2 days)."""

    value: Fraction
    unit: Unit
    sign: str | None  # of a currency
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """An identifier not yet resolved; none is left in a finished tree."""

    text: str
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A metric of the campaign."""

    metric: str
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Relative change of a metric against its reading ``days`` before: 0.5 is half more."""

    metric: str
    days: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A number of the policy: "target_cpl"."""

    word: str
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Negative:
    """Minus one figure."""

    operand: "Figure"
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Arithmetic:
    """Two figures combined into one."""

    sign: ArithmeticSign
    left: "Figure"
    right: "Figure"
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two figures compared; ``within`` is the number of days of ``in 24h``."""

    sign: ComparisonSign
    left: "Figure"
    right: "Figure"
    within: int | None
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A condition that is true in each of the last ``days`` daily readings."""

    condition: "Condition"
    days: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Negation:
    """A condition that is not true."""

    condition: "Condition"
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """Conditions of which every one ("and") or any one ("or") is true."""

    word: Literal["and", "or"]
    conditions: tuple["Condition", ...]
    column: int


Figure = Constant | Word | Reading | Change | Target | Negative | Arithmetic
Condition = Comparison | Held | Negation | Joined
Node = Figure | Condition
