"""Numbers -> the words and digits people read."""

import math

PERIOD_NOUNS = {"daily": "day", "weekly": "week", "monthly": "month"}
NO_VALUE = "-"
UNCHANGED = "unchanged"


def amount(value: float, digits: int | None = None, *, signed: bool = False) -> str:
    """1,240 or 87.50.

    Parameters
    ----------
    value : any number; "-" stands for one that is not finite
    digits : decimals; when None, none from 100 on and two below
    signed : write the plus of a gain
    """
    if not math.isfinite(value):
        return NO_VALUE
    if digits is None:
        digits = 0 if abs(value) >= 100 else 2
    value = round(value, digits)
    if value == 0:
        return "0"  # neither -0 nor +0.00
    return f"{value:{'+' if signed else ''},.{digits}f}"


def money(value: float, currency: str, digits: int | None = None) -> str:
    """EUR 1,240; just the number when no currency is stated."""
    return f"{currency} {amount(value, digits)}".strip()


def percent(share: float) -> str:
    """0.078 -> 8%; never 0% or 100% for what is not quite that."""
    if not math.isfinite(share):
        return NO_VALUE
    if 0 < share < 0.005:
        return "<1%"
    # No draw is proof, so even all of them are "over 99%".
    return ">99%" if share >= 0.995 else f"{share:.0%}"


def change(percentage: float) -> str:
    """30.0 -> +30%; a channel that starts from nothing is new."""
    if percentage == math.inf:
        return "new"
    if not math.isfinite(percentage):
        return NO_VALUE
    rounded = round(percentage) or round(percentage, 1)
    return f"{rounded:+g}%" if rounded else "0%"


def change_between(before: float, after: float) -> str:
    """Change of a total, +1.3%."""
    if round(after - before, 2) == 0:
        return UNCHANGED
    return f"{100 * (after / before - 1):+.1f}%" if before > 0 else change(math.inf)


def counted(number: int, noun: str) -> str:
    """1 call, 2 calls, 1,200 calls."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
