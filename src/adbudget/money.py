"""Currencies, whole minor units, exact amounts, and how money is written and read: once for all.

Minor units or text go in; exact Decimals, text and :class:`Money` come out. Knows only errors.
Budgets are whole minor units (cents) from end to end; what a model estimates is a float and is
printed rounded.
"""

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from adbudget.errors import PolicyError

# ISO 4217: digits after the point, where they are not two. Generated from the published table:
# tests/test_money.py compares every currency with the package iso4217, which carries that table.
_BY_DIGITS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
DIGITS = {code: digits for digits, codes in _BY_DIGITS.items() for code in codes.split()}
USUAL_DIGITS = 2  # of every other currency, and of money whose currency nobody names
CURRENCIES_OF = {  # "$" is the sign of many currencies; a sign only contradicts those it is not of
    "$": ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "CLP", "COP", "ARS", "TWD"),
    "€": ("EUR",),
    "£": ("GBP",),
    "¥": ("JPY", "CNY"),
    "₹": ("INR",),
}
SIGNS = "".join(CURRENCIES_OF)
NUMBER = r"(?P<number>(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+)"
WRITTEN = re.compile(
    rf"(?P<before>[{SIGNS}]|[A-Z]{{3}} ?)?{NUMBER}(?P<after> ?[{SIGNS}]| ?[A-Z]{{3}})?"
)
LARGEST_EXACT = 2**53  # minor units that a float still tells apart
# Every amount that is read from text stays far below this, so that sums fit 64-bit integers.
LARGEST_WRITTEN = Decimal("1e12")
NO_VALUE = "-"


# Currencies --------------------------------------------------------------------------------------


def digits_of(currency: str) -> int:
    """Digits after the point of a currency, by ISO 4217; 2 when it is unknown or nobody says."""
    return DIGITS.get(currency, USUAL_DIGITS)


def code_of(value: object) -> str:
    """Currency code as a table or an argument writes it, in capitals: " eur " -> "EUR"."""
    return str(value).strip().upper()


def may_be_in(written: str, code: str) -> bool:
    """Whether money written with this sign or code can be money of ``code``; "" can be any."""
    return not written or code == written or code in CURRENCIES_OF.get(written, ())


def check_currency(written: str, code: str | None, what: str) -> None:
    """Refuse a policy's amounts for money of another currency: the two cannot be compared.

    Parameters
    ----------
    written : sign or ISO code that the policy's amounts are in; "" when in none
    code : ISO code of the money it is to be applied to; None or "" when unknown
    what : how messages call that money, e.g. "the campaign table"

    Raises
    ------
    PolicyError : the two differ
    """
    if code and not may_be_in(written, code):
        raise PolicyError(
            f"the policy's amounts are in {written} and {what} is in {code}; amounts of two "
            "currencies cannot be compared. Use a policy for each currency."
        )


# Minor units and exact amounts -------------------------------------------------------------------


def exact(minor: int, digits: int) -> Decimal:
    """Whole minor units -> exact amount with all its digits: 98889, 2 -> Decimal("988.89")."""
    return Decimal(int(minor)).scaleb(-digits)


def exact_amounts(minor: np.ndarray, digits: np.ndarray) -> list[Decimal]:
    """As :func:`exact`, for arrays of whole numbers."""
    return [exact(*pair) for pair in zip(minor.tolist(), digits.tolist(), strict=True)]


def in_digits(minor: int, digits: int, wanted: int) -> int:
    """The same money counted in another number of digits: 20000000, 2, 0 -> 200000.

    Half a unit is rounded to the even one; that takes an amount finer than ``wanted`` can say.
    """
    return round(exact(minor, digits).scaleb(wanted))


# Printing ----------------------------------------------------------------------------------------


def exact_text(amount: Decimal, *, signed: bool = False) -> str:
    """Decimal("2300.00") -> "2,300.00"; ``signed`` writes the plus of a gain."""
    return f"{amount:{'+' if signed else ''},f}"


def minor_text(minor: int, currency: str, digits: int | None = None) -> str:
    """230000, EUR -> "2,300.00"; ``digits`` where money is not counted as ISO 4217 says."""
    return exact_text(exact(minor, digits_of(currency) if digits is None else digits))


def money_text(minor: float, currency: str) -> str:
    """230000, EUR -> "2,300.00 EUR"; rounded to a minor unit."""
    return f"{minor_text(round(minor), currency)} {currency}".strip()


def amount(value: float, digits: int | None = None, *, signed: bool = False) -> str:
    """Print an estimate, rounded: 1,240 or 87.50.

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


def estimate_text(value: float, currency: str, digits: int | None = None) -> str:
    """EUR 1,240, as :func:`amount` rounds; just the number when no currency is stated."""
    return f"{currency} {amount(value, digits)}".strip()


# Reading -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """An amount as written.

    Attributes
    ----------
    amount : in units of the currency, not cents
    currency : symbol or ISO code as written; "" when only a number was
    """

    amount: Decimal
    currency: str = ""

    def minor(self, exponent: int, where: str) -> int:
        """Whole minor units (cents).

        Raises
        ------
        PolicyError : the currency has no unit as small as the amount needs
        """
        scaled = self.amount.scaleb(exponent)
        if scaled != scaled.to_integral_value():
            raise PolicyError(
                f"{where}: {self} is finer than the currency's smallest unit "
                f"({Decimal(1).scaleb(-exponent)}). Round it."
            )
        return int(scaled)

    def __str__(self) -> str:
        gap = " " if len(self.currency) > 1 else ""
        return f"{self.currency}{gap}{exact_text(self.amount)}"


def parse_money(value: Any, where: str, *, signed: bool = False) -> Money:
    """Read money: "$50", "1,000", "EUR 20.50", "2,300.00 EUR" or 50.

    Parameters
    ----------
    value : text or a number
    where : how messages call the place
    signed : whether the amount may be negative

    Raises
    ------
    PolicyError : anything else; negative amounts, unless ``signed``
    """
    text, sign = one_spelling(value), 1
    if signed and text[:1] in ("-", "+"):
        sign, text = (-1 if text[0] == "-" else 1), text[1:].lstrip()
    match = WRITTEN.fullmatch(text)
    if match is None or (match["before"] and match["after"]):
        raise PolicyError(
            f"{where} must be an amount of money, such as $50 or 1,000; got {value!r}."
        )
    number = number_of(match["number"])
    if number >= LARGEST_WRITTEN:
        raise PolicyError(f"{where}: {value} is more than any budget; check the number of zeros.")
    currency = (match["before"] or match["after"] or "").strip()
    return Money(amount=sign * number, currency=currency)


def one_spelling(value: Any) -> str:
    """One spelling of a plain value; what is no text and no number matches no pattern."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return "\0"
    return " ".join(str(value).split())


def number_of(text: str) -> Decimal:
    """Exact number of a text that matches ``NUMBER``: "1,000.50" -> Decimal("1000.50")."""
    return Decimal(text.replace(",", ""))
