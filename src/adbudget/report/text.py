"""Numbers -> the words and digits people read. Knows nothing of tables or colours."""

import math

PERIOD_WORDS = {"daily": "a day", "weekly": "a week", "monthly": "a month"}
NO_VALUE = "-"


def amount(value: float, *, signed: bool = False, scale: float | None = None) -> str:
    """1,240 or 87.50: no decimals from 100 on, two below.

    Parameters
    ----------
    value : any number
    signed : write the plus of a gain
    scale : number whose size decides the digits, so that an interval has as many as its mean
    """
    if not math.isfinite(value):
        return NO_VALUE
    digits = 0 if abs(value if scale is None else scale) >= 100 else 2
    value = round(value, digits) + 0.0  # no -0
    return f"{value:{'+' if signed and value else ''},.{digits}f}"


def money(value: float, currency: str, *, signed: bool = False) -> str:
    """EUR 1,240; just the number when no currency is stated."""
    return f"{currency} {amount(value, signed=signed)}".strip()


def interval(low: float, high: float, *, scale: float | None = None) -> str:
    """[310; 2,210], with equal digits on both sides."""
    scale = max(abs(low), abs(high)) if scale is None else scale
    return f"[{amount(low, scale=scale)}; {amount(high, scale=scale)}]"


def percent(share: float) -> str:
    """0.078 -> 8%; never 0% or 100% for what is not quite that."""
    if not math.isfinite(share):
        return NO_VALUE
    if 0 < share < 0.005:
        return "<1%"
    return ">99%" if 0.995 <= share < 1 else f"{share:.0%}"


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
    if before <= 0:
        return change(math.inf if after > 0 else 0.0)
    return f"{100 * (after / before - 1) + 0.0:+.1f}%" if round(after - before, 2) else "unchanged"


def counted(number: int, noun: str) -> str:
    """1 call, 2 calls, 1,200 calls."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
