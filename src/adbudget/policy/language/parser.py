"""Tokens -> syntax tree. Knows the grammar; knows no metric, target or unit of a metric.

::

    either     : both ("or" both)*
    both       : negation ("and" negation)*
    negation   : "not" negation | held
    held       : comparison ["for" duration]
    comparison : sum [("<" | "<=" | ">" | ">=" | "==" | "!=") sum] ["in" duration]
    sum        : product (("+" | "-") product)*
    product    : signed (("*" | "/") signed)*
    signed     : "-" signed | "(" either ")" | number [unit of time] | money | percent | word
"""

from fractions import Fraction
from typing import Literal, cast, get_args

from adbudget.errors import nearest
from adbudget.policy.language.diagnostics import Source
from adbudget.policy.language.lexer import Token, tokenize
from adbudget.policy.language.syntax import (
    Arithmetic,
    ArithmeticSign,
    Comparison,
    ComparisonSign,
    Condition,
    Constant,
    Figure,
    Held,
    Joined,
    Negation,
    Negative,
    Node,
    Word,
)
from adbudget.policy.language.vocabulary import AND, DAYS_IN, FOR, IN, KEYWORDS, NOT, OR
from adbudget.policy.metrics.units import DAYS, MONEY, PLAIN, RATIO

MAX_DEPTH = 20  # of parentheses, "not" and minus signs inside each other
MAX_DAYS = {IN: 366, FOR: 92}
COMPARISONS = get_args(ComparisonSign)
UNIT_OF_KIND = {"number": PLAIN, "money": MONEY, "percent": RATIO}


def parse_condition(source: Source) -> Condition:
    """Tree of a whole text, its words not yet resolved.

    Raises
    ------
    PolicyError : not of the grammar
    """
    if not source.text.strip():
        raise source.error(1, "it is empty; write a condition such as 'cpl < target * 0.8'.")
    parser = _Parser(source)
    node = parser.either()
    parser.expect_end()
    return parser.condition(node)


class _Parser:
    """One pass over the tokens; every method reads one rule of the grammar."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.tokens = tokenize(source)
        self.place = 0
        self.depth = 0

    @property
    def now(self) -> Token:
        return self.tokens[self.place]

    def take(self) -> Token:
        token = self.now
        self.place += token.kind != "end"
        return token

    def at(self, *texts: str) -> bool:
        return self.now.kind in ("word", "sign") and self.now.text in texts

    def either(self) -> Node:
        return self._joined(OR, self.both)

    def both(self) -> Node:
        return self._joined(AND, self.negation)

    def _joined(self, word: Literal["and", "or"], part) -> Node:
        first, column = part(), self.now.column
        if not self.at(word):
            return first
        conditions = [self.condition(first)]
        while self.at(word):
            self.take()
            conditions.append(self.condition(part()))
        return Joined(word=word, conditions=tuple(conditions), column=column)

    def negation(self) -> Node:
        if not self.at(NOT):
            return self.held()
        column = self.take().column
        with _Nesting(self, column):
            return Negation(condition=self.condition(self.negation()), column=column)

    def held(self) -> Node:
        node = self.comparison()
        if not self.at(FOR):
            return node
        column = self.take().column
        return Held(condition=self.condition(node), days=self.whole_days(FOR), column=column)

    def comparison(self) -> Node:
        left = self.sum()
        if not self.at(*COMPARISONS):
            if self.at(IN):
                raise self.source.error(self.now.column, "'in' must follow a comparison.")
            return left
        token = self.take()
        right = self.sum()
        if self.at(*COMPARISONS):
            raise self.source.error(
                self.now.column, "comparisons cannot be chained; join two of them with 'and'."
            )
        within = self.whole_days(IN) if self.at(IN) and self.take() else None
        return Comparison(
            sign=cast(ComparisonSign, token.text),
            left=self.figure(left),
            right=self.figure(right),
            within=within,
            column=token.column,
        )

    def sum(self) -> Node:
        return self._combined(("+", "-"), self.product)

    def product(self) -> Node:
        return self._combined(("*", "/"), self.signed)

    def _combined(self, signs: tuple[str, ...], part) -> Node:
        node = part()
        while self.at(*signs):
            token = self.take()
            node = Arithmetic(
                sign=cast(ArithmeticSign, token.text),
                left=self.figure(node),
                right=self.figure(part()),
                column=token.column,
            )
        return node

    def signed(self) -> Node:
        token = self.now
        if self.at("-"):
            self.take()
            with _Nesting(self, token.column):
                return Negative(operand=self.figure(self.signed()), column=token.column)
        if self.at("("):
            self.take()
            with _Nesting(self, token.column):
                node = self.either()
            if not self.at(")"):
                raise self.source.error(
                    self.now.column,
                    f"expected ')' for the '(' in column {token.column}; found {self.found()}.",
                )
            self.take()
            return node
        if token.kind in UNIT_OF_KIND:
            return self.constant()
        if token.kind == "word" and token.text not in KEYWORDS:
            self.take()
            return Word(text=token.text, column=token.column)
        raise self.source.error(
            token.column, f"expected a metric, a number or '('; found {self.found()}."
        )

    def constant(self) -> Constant:
        token = self.take()
        value, unit = token.value, UNIT_OF_KIND[token.kind]
        if token.kind == "number" and self.now.kind == "word" and self.now.text in DAYS_IN:
            value, unit = value * Fraction(*DAYS_IN[self.take().text]), DAYS
        sign = token.text[0] if token.kind == "money" else None
        return Constant(value=value, unit=unit, sign=sign, column=token.column)

    def whole_days(self, after: str) -> int:
        """Days of the duration behind "in" or "for"."""
        token, example = self.now, "24h" if after == IN else "3 days"
        if token.kind != "number":
            raise self.source.error(
                token.column,
                f"expected a duration after '{after}', as in '{after} {example}'; "
                f"found {self.found()}.",
            )
        duration = self.constant()
        if duration.unit != DAYS:
            word = nearest(self.now.text, DAYS_IN) if self.now.kind == "word" else None
            raise self.source.error(
                self.now.column,
                f"expected hours, days or weeks after '{after} {token.text}'; found "
                f"{self.found()}." + (f" Did you mean {word!r}?" if word else ""),
            )
        if duration.value.denominator != 1 or not 1 <= duration.value <= MAX_DAYS[after]:
            raise self.source.error(
                token.column,
                f"a duration after '{after}' is a whole number of days, 1 to {MAX_DAYS[after]}, "
                f"because readings are by date; this one is {float(duration.value):g} days.",
            )
        return int(duration.value)

    def expect_end(self) -> None:
        """Raise unless the whole text was read."""
        if self.now.kind == "end":
            return
        if self.now.kind == "word":
            word = nearest(self.now.text, KEYWORDS)
            hint = f" Did you mean {word!r}?" if word else ""
        else:
            hint = " Close what was opened, and put a sign between two figures."
        raise self.source.error(
            self.now.column,
            "expected 'and', 'or', an arithmetic sign, a comparison or the end; found "
            f"{self.found()}.{hint}",
        )

    def found(self) -> str:
        return self.now.text if self.now.kind == "end" else repr(self.now.text)

    def condition(self, node: Node) -> Condition:
        """The node, which must be true or false."""
        if isinstance(node, Condition):
            return node
        raise self.source.error(
            node.column, "this is a figure, not a condition; compare it with something."
        )

    def figure(self, node: Node) -> Figure:
        """The node, which must be a number."""
        if isinstance(node, Figure):
            return node
        raise self.source.error(
            node.column, "this is true or false; it cannot be computed or compared with."
        )


class _Nesting:
    """One level further inside; refuses texts nested so deep that reading them could fail."""

    def __init__(self, parser: _Parser, column: int) -> None:
        self.parser = parser
        self.column = column

    def __enter__(self) -> None:
        self.parser.depth += 1
        if self.parser.depth > MAX_DEPTH:
            raise self.parser.source.error(
                self.column, f"nested more than {MAX_DEPTH} deep; write it more simply."
            )

    def __exit__(self, *raised: object) -> None:
        self.parser.depth -= 1
