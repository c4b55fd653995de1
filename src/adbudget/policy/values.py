"""What a policy file writes ("$50", "40% of total", "7 days") -> exact values, or a PolicyError.

Knows nothing of keys, rules or campaigns. Money and shares are Decimal: 0.8 is eight tenths.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal

from adbudget.errors import PolicyError
from adbudget.money import (
    NUMBER,
    Money,
    number_of as _number,
    one_spelling as _text,
    parse_money,
)

SHARE = re.compile(rf"{NUMBER} ?%")
DURATION = re.compile(rf"{NUMBER} ?(?P<unit>[a-z]+)")
MULTIPLE = re.compile(rf"{NUMBER} ?x")
HOURS = {
    **dict.fromkeys(("h", "hour", "hours"), 1),
    **dict.fromkeys(("d", "day", "days"), 24),
    **dict.fromkeys(("w", "week", "weeks"), 24 * 7),
}
EVERY = {"hourly": "1 hour", "daily": "1 day", "weekly": "1 week"}
MOST_TIMES = Decimal("1e6")  # of a share or a multiple

Direction = Literal["increase", "decrease"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A cap or a floor: money, or a share of the total of all campaigns. One of the two is None.

    ``at_most`` is said of a change of the total only: less is as good, so money may be left over.
    """

    money: Money | None = None
    share: Decimal | None = None
    at_most: bool = False

    def minor(self, total_minor: int, exponent: int, where: str, *, up: bool) -> int:
        """Whole minor units; a share that falls between two cents goes up (floors) or down."""
        if self.money is not None:
            return self.money.minor(exponent, where)
        top, bottom = (self.share or Decimal(0)).as_integer_ratio()
        return -(-total_minor * top // bottom) if up else total_minor * top // bottom

    def __str__(self) -> str:
        size = str(self.money) if self.money is not None else f"{percent(self.share)} of total"
        return f"at most {size}" if self.at_most else size


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetMove:
    """Raise or cut a budget by a share of it, or by money."""

    direction: Direction
    share: Decimal | None = None
    money: Money | None = None

    @property
    def sign(self) -> int:
        """1 for a raise, -1 for a cut."""
        return 1 if self.direction == "increase" else -1

    def __str__(self) -> str:
        size = self.money if self.money is not None else percent(self.share)
        return f"{self.direction} by {size}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusAction:
    """An action without an amount: pause the campaign, or leave its budget alone."""

    name: Literal["pause", "hold"]

    def __str__(self) -> str:
        return self.name


Action = BudgetMove | StatusAction


def percent(share: Decimal | None) -> str:
    """Decimal("0.155") -> "15.5%"."""
    return f"{((share or Decimal(0)) * 100).normalize():f}%"


def parse_share(value: Any, where: str, *, most: Decimal | None = Decimal(1)) -> Decimal:
    """Read a share in (0, most]: "40%" or 0.4.

    Raises
    ------
    PolicyError : anything else; a bare number above 1 could mean two things and is refused
    """
    text = _text(value)
    match = SHARE.fullmatch(text)
    if match is not None:
        share = _number(match["number"]) / 100
    elif re.fullmatch(NUMBER, text) and Decimal(0) < _number(text) <= 1:
        share = _number(text)
    else:
        raise unreadable(value, where, "a share such as 40% or 0.4")
    if share <= 0 or (most is not None and share > most):
        top = f" and at most {percent(most)}" if most is not None else ""
        raise PolicyError(f"{where} must be above 0%{top}; got {value}.")
    return _sensible(share, value, where)


def parse_bound(value: Any, where: str) -> Bound:
    """Read a cap or floor: "40% of total", "40%", "$100 minimum", "$5,000 maximum" or 100.

    Raises
    ------
    PolicyError : anything else
    """
    text = re.sub(r" ?(minimum|maximum|min|max)$", "", _text(value))
    is_share = "%" in text
    text = re.sub(r" of (the )?total( budget)?$", "", text)
    try:
        if is_share:
            return Bound(share=parse_share(text, where))
        return Bound(money=parse_money(text, where))
    except PolicyError as error:
        if "must be above" in str(error) or "zeros" in str(error):
            raise
        wanted = "money or a share of the total, such as $100 minimum or 40% of total"
        raise unreadable(value, where, wanted) from None


def parse_change(value: Any, where: str) -> Bound:
    """How far the total moves: 0, "5%", "-10%", "$500", or "at_most 5%". Zero is money.

    Raises
    ------
    PolicyError : anything else
    """
    text = _text(value)
    at_most = re.match(r"at[_ -]most ", text) is not None
    if at_most:
        value = text = text[len("at_most ") :]
    unsigned = text.lstrip("+-").strip()
    if "%" not in unsigned:
        return Bound(money=parse_money(value, where, signed=True), at_most=at_most)
    if re.fullmatch(r"0+(\.0+)? ?%", unsigned):
        return Bound(money=Money(amount=Decimal(0)), at_most=at_most)
    share = parse_share(unsigned, where)
    return Bound(share=-share if text.startswith("-") else share, at_most=at_most)


def parse_duration(value: Any, where: str, *, bare: str = "days") -> timedelta:
    """Read a time: "7 days", "48 h", "2 weeks", "weekly", or a number of ``bare`` units.

    Raises
    ------
    PolicyError : anything else
    """
    text = _text(value).lower()
    text = EVERY.get(text, text)
    match = DURATION.fullmatch(text)
    unit = match["unit"] if match else bare
    number = match["number"] if match else text
    if unit not in HOURS or not re.fullmatch(NUMBER, number):
        raise unreadable(value, where, "a time such as 48 hours, 7 days or 2 weeks")
    hours = _number(number) * HOURS[unit]
    if hours > 24 * 3660:
        raise PolicyError(f"{where}: {value} is more than ten years; check the unit.")
    return timedelta(hours=float(hours))


def parse_multiple(value: Any, where: str) -> Decimal:
    """Read a multiple above 1: "3x" or 3.

    Raises
    ------
    PolicyError : anything else
    """
    text = _text(value)
    match = MULTIPLE.fullmatch(text) or re.fullmatch(NUMBER, text)
    if match is None or _number(match["number"]) <= 1:
        raise unreadable(value, where, "a multiple above 1, such as 3x")
    return _sensible(_number(match["number"]), value, where)


def parse_spend(value: Any, where: str) -> Money | Decimal:
    """Read an amount that may depend on a target: "$250", or "5x", five times the target.

    Raises
    ------
    PolicyError : anything else
    """
    match = MULTIPLE.fullmatch(_text(value))
    if match is not None:
        return _sensible(_number(match["number"]), value, where)
    try:
        return parse_money(value, where)
    except PolicyError as error:
        if "zeros" in str(error):
            raise
        raise unreadable(value, where, "money or a multiple of the target, such as 5x") from None


def parse_action(value: Any, where: str) -> Action:
    """Read an action: "increase_budget_15%", "decrease_budget_$50", "pause" or "hold".

    Raises
    ------
    PolicyError : anything else; a cut of more than 100%
    """
    text = _text(value)
    if text in ("pause", "pause_campaign"):
        return StatusAction(name="pause")
    if text in ("hold", "no_change"):
        return StatusAction(name="hold")
    match = re.fullmatch(r"(?P<direction>increase|decrease)_budget_(by_)?(?P<size>.+)", text)
    if match is None:
        wanted = "increase_budget_15%, decrease_budget_20%, increase_budget_$50, pause or hold"
        raise unreadable(value, where, f"one of the forms {wanted}")
    direction: Direction = "increase" if match["direction"] == "increase" else "decrease"
    size = match["size"]
    if "%" not in size:
        return BudgetMove(direction=direction, money=parse_money(size, where))
    most = Decimal(1) if direction == "decrease" else None
    return BudgetMove(direction=direction, share=parse_share(size, where, most=most))


def _sensible(number: Decimal, value: Any, where: str) -> Decimal:
    """A share or multiple, unless it makes more of a budget than any budget."""
    if number >= MOST_TIMES:
        text = f"{value:.40}..." if isinstance(value, str) and len(value) > 40 else value
        raise PolicyError(f"{where}: {text} is more than any budget; check the number of zeros.")
    return number


def unreadable(value: Any, where: str, wanted: str) -> PolicyError:
    """The error to raise for a value that is none of what was wanted."""
    return PolicyError(f"{where} must be {wanted}; got {value!r}.")
