"""Text -> tokens, each with its column. Knows no grammar and no metric."""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from adbudget.money import CURRENCIES_OF
from adbudget.policy.language.diagnostics import Source

MAX_LENGTH = 500
MAX_TOKENS = 150  # bounds the depth of the tree, and so of every function that walks it
MAX_DIGITS = 15  # more than a float can tell apart

Kind = Literal["number", "money", "percent", "word", "sign", "end"]

SIGNS = ("<=", ">=", "==", "!=", "<", ">", "+", "-", "*", "/", "(", ")")
INSTEAD = {  # habits of other languages -> what to write here
    "=": "'=='",
    "<>": "'!='",
    "=<": "'<='",
    "=>": "'>='",
    "&&": "'and'",
    "&": "'and'",
    "||": "'or'",
    "|": "'or'",
    "!": "'not'",
    "≤": "'<='",
    "≥": "'>='",
    "≠": "'!='",
    "\u00d7": "'*'",
    "\u00f7": "'/'",
    "**": "the product in full",
    "^": "the product in full",
}
SPACE = re.compile(r"[ \t\r\n]+")
NUMBER = re.compile(r"[0-9]+(?:,[0-9]+)*(?:\.[0-9]+)?|\.[0-9]+")
GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
PERCENT = re.compile(r"[ \t]*%")
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SIGN = re.compile("|".join(re.escape(sign) for sign in SIGNS))
FOREIGN = re.compile("|".join(re.escape(sign) for sign in sorted(INSTEAD, key=len, reverse=True)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One piece of text.

    Attributes
    ----------
    kind : what it is
    text : as written; words in lower case
    column : where it starts, from 1
    value : of a number; percents are shares
    """

    kind: Kind
    text: str
    column: int
    value: Fraction = Fraction(0)


def tokenize(source: Source) -> tuple[Token, ...]:
    """Tokens of the text, closed by one of kind "end".

    Raises
    ------
    PolicyError : a character or a number that cannot be read
    """
    if len(source.text) > MAX_LENGTH:
        raise source.error(
            MAX_LENGTH + 1,
            f"a trigger has at most {MAX_LENGTH} characters; this one has {len(source.text)}. "
            "Split it into several rules.",
        )
    tokens = []
    place = 0
    while place < len(source.text):
        if space := SPACE.match(source.text, place):
            place = space.end()
            continue
        if len(tokens) == MAX_TOKENS:
            raise source.error(
                place + 1,
                f"a trigger has at most {MAX_TOKENS} words, numbers and signs. Split it into "
                "several rules.",
            )
        token, place = _next_token(source, place)
        tokens.append(token)
    return (*tokens, Token(kind="end", text="the end", column=len(source.text) + 1))


def _next_token(source: Source, place: int) -> tuple[Token, int]:
    column = place + 1
    if source.text[place] in CURRENCIES_OF or NUMBER.match(source.text, place):
        return _number(source, place)
    if word := WORD.match(source.text, place):
        return Token(kind="word", text=word[0].lower(), column=column), word.end()
    foreign = FOREIGN.match(source.text, place)
    sign = SIGN.match(source.text, place)
    if foreign and (not sign or len(foreign[0]) > len(sign[0])):
        raise source.error(column, f"{foreign[0]!r} is not known; write {INSTEAD[foreign[0]]}.")
    if sign:
        return Token(kind="sign", text=sign[0], column=column), sign.end()
    raise source.error(
        column,
        f"{source.text[place]!r} is not part of the language; expected a metric, a number, "
        "a comparison such as '<', or 'and', 'or', 'not'.",
    )


def _number(source: Source, place: int) -> tuple[Token, int]:
    column = place + 1
    money = source.text[place] in CURRENCIES_OF
    found = NUMBER.match(source.text, place + money)
    if not found:
        raise source.error(column, f"{source.text[place]!r} must stand before a number, as in $50.")
    digits, end = found[0], found.end()
    if "," in digits and not GROUPED.fullmatch(digits):
        raise source.error(
            column,
            f"{digits!r} is not a number: commas separate thousands (1,000) and the point "
            "decimals (0.8).",
        )
    digits = digits.replace(",", "")
    if len(digits) > MAX_DIGITS:
        raise source.error(column, f"{digits!r} has too many digits; at most {MAX_DIGITS}.")
    value = Fraction("0" + digits if digits.startswith(".") else digits)
    percent = PERCENT.match(source.text, end)
    if percent and money:
        raise source.error(column, "a number is money or a percent, not both.")
    if percent:
        end, value = percent.end(), value / 100
    kind: Kind = "money" if money else "percent" if percent else "number"
    return Token(kind=kind, text=source.text[place:end], column=column, value=value), end
