"""Numbers -> the words and digits people read; names -> text that a terminal only shows."""

import math
from typing import Any

from rich.text import Text as _Text

from adbudget.display.page import counted as counted
from adbudget.money import NO_VALUE
from adbudget.plain_json import visible

PERIOD_NOUNS = {"daily": "day", "weekly": "week", "monthly": "month"}
UNCHANGED = "unchanged"


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


def margin_question(outcome: str) -> str:
    """What is asked for where nobody has said what share of the outcome's money is margin."""
    return (
        f"all {outcome} counts as earned. If 40 of 100 are left after goods and fees, say "
        "--margin 0.4: less margin, fewer raises"
    )


class Text(_Text):
    """Text of a page. Names in it cannot move the cursor, turn lines around or break them.

    Newlines before and after the text are the page's own.
    """

    def __init__(self, text: str = "", style: str = "", **how: Any) -> None:
        own = text.strip("\n")
        start = text.index(own) if own else len(text)
        super().__init__(text[:start] + visible(own) + text[start + len(own) :], style=style, **how)
