"""Amounts as exports and people write them -> numbers: 1.234,56 €, $1,234.00, (1,234.50), --.

Whether a point or a comma is the decimal sign is decided by all amounts together, and by nothing
where none of them shows it. Knows no tables.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

BLANKS = {"", "-", "--", "---", "\u2013", "\u2014", "n/a", "na", "nan", "null", "none", "<na>"}
SPACES = "\u00a0\u202f '\u2019"  # between thousands
PLAIN = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
MONEY = r"(?:[$€£¥₹]|[A-Z]{1,2}\$|[A-Z]{3}|kr\.?|zł)"
AMOUNT = re.compile(
    rf"(?P<open>\()?\s*(?P<minus>[-+\u2212])?\s*(?P<before>{MONEY})?\s*(?P<inner>[-\u2212])?\s*"
    rf"(?P<body>\d[\d.,{SPACES}]*|[.,]\d+)\s*(?P<after>{MONEY})?(?P<trailing>-)?\s*(?P<close>\))?"
)
EITHER, NEITHER = "?", "!"


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """One amount as written.

    Attributes
    ----------
    body : its digits, points and commas
    negative : by a minus before or behind, or by parentheses, as accountants write a loss
    money : sign or code of its currency, "" for none
    """

    body: str
    negative: bool
    money: str


def split_amount(text: str) -> Amount | None:
    """Take one text apart; None when it is no amount."""
    found = AMOUNT.fullmatch(text.strip())
    if found is None or bool(found["open"]) != bool(found["close"]):
        return None
    if found["before"] and found["after"]:
        return None
    body = found["body"].strip(SPACES)
    if any(space in body for space in SPACES):
        whole = re.split(r"[.,](?=\d*$)", body)[0]  # thousands apart come in threes
        if not re.fullmatch(rf"\d{{1,3}}(?:[{SPACES}]\d{{3}})+", whole):
            return None
        body = body.translate(dict.fromkeys(map(ord, SPACES)))
    minus = (found["minus"] or "") in ("-", "\u2212") or bool(found["inner"] or found["trailing"])
    money = (found["before"] or found["after"] or "").strip()
    return Amount(body=body, negative=minus or bool(found["open"]), money=money)


def shown_sign(body: str) -> str:
    """Decimal sign an amount shows: "." or ","; "?" for either, "" for none, "!" for nonsense.

    >>> [shown_sign(text) for text in ("1.234,56", "1,234,567", "12.5", "1.234", "987")]
    [',', '.', '.', '?', '']
    """
    dots, commas = body.count("."), body.count(",")
    if not dots and not commas:
        return ""
    if dots and commas:
        sign = "." if body.rfind(".") > body.rfind(",") else ","
        other = "," if sign == "." else "."
        whole = body.rpartition(sign)[0]
        return sign if body.count(sign) == 1 and _in_threes(whole, other) else NEITHER
    sign, other = (".", ",") if dots else (",", ".")
    if body.count(sign) > 1:
        return other if _in_threes(body, sign) else NEITHER
    whole, _, rest = body.partition(sign)
    return EITHER if len(rest) == 3 and 1 <= len(whole) <= 3 and whole[0] != "0" else sign


def _in_threes(whole: str, separator: str) -> bool:
    return re.fullmatch(rf"\d{{1,3}}(?:{re.escape(separator)}\d{{3}})+", whole) is not None


def number_of(amount: Amount, sign: str) -> float | None:
    """Its number when ``sign`` is the decimal sign; None when it cannot be written so."""
    other = "," if sign == "." else "."
    whole, _, rest = amount.body.partition(sign)
    if other in rest or sign in rest or (other in whole and not _in_threes(whole, other)):
        return None
    number = float(f"{whole.replace(other, '') or '0'}.{rest or '0'}")
    return -number if amount.negative else number


def decimal_signs(bodies: Iterable[str], *, guess: bool = True) -> set[str]:
    """What some amounts show together; "." and "," both when they contradict each other.

    Parameters
    ----------
    guess : take a number of four digits or more without a separator for a sign that thousands are
        not set apart, so that a lone sign is a decimal sign
    """
    every = list(bodies)
    shown = {body: shown_sign(body) for body in every}
    found = set(shown.values()) - {"", NEITHER}
    if guess and EITHER in found and not found & {".", ","}:
        bare = any(sign == "" and len(body) > 3 for body, sign in shown.items())
        lone = {"." if "." in body else "," for body, sign in shown.items() if sign == EITHER}
        if bare and len(lone) == 1:
            return lone
    return found
