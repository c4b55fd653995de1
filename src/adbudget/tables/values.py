"""One column of the caller's -> names or numbers. Refuses what is unclear."""

import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.tables.messages import Rows, distinct_values, quoted
from adbudget.tables.written import (
    BLANKS,
    EITHER,
    PLAIN,
    Amount,
    decimal_signs,
    number_of,
    shown_sign,
    split_amount,
)


def read_names(
    values: pd.Series, column: Hashable, rows: Rows
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Names as text: (row,) position in the sorted names, and the names.

    Raises
    ------
    InputError : a name is missing or blank
    """
    codes, texts = factorized(values, column, rows)
    names = [_name_text(text) for text in texts]
    blank = np.array([not name.strip() for name in names] + [True])[codes]
    if blank.any():
        raise InputError(
            f"column {column!r} is missing or blank in {rows.named(blank)}. Every row needs it: "
            f"fill it in, or drop those rows with frame.dropna(subset=[{column!r}])."
        )
    ordered = tuple(sorted(set(names)))
    position = {name: place for place, name in enumerate(ordered)}
    return np.array([position[name] for name in names], dtype=np.intp)[codes], ordered


def factorized(values: pd.Series, column: Hashable, rows: Rows) -> tuple[np.ndarray, list]:
    """Each row's position in the list of different values; -1 where the value is missing."""
    try:
        codes, different = pd.factorize(values)
    except TypeError as error:
        raise InputError(
            f"column {column!r} of {rows.table} holds values that cannot be compared ({error}). "
            "Put one plain value into each row."
        ) from error
    return codes, list(different)


def _name_text(value: object) -> str:
    """Text of a name; 1 and 1.0 are the same, because a missing cell makes ints floats."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberStyle:
    """How numbers may be written as text.

    Attributes
    ----------
    decimal : the decimal sign, "." or ",", where the column does not show it; None asks
    elsewhere : what other columns of the table show, "" for nothing
    """

    decimal: str | None = None
    elsewhere: str = ""


def read_numbers(
    values: pd.Series, column: Hashable, rows: Rows, style: NumberStyle | None = None
) -> np.ndarray:
    """Numbers as floats: (row,), NaN where the value is missing.

    Parameters
    ----------
    style : how amounts may be written as text; None takes plain numbers only

    Raises
    ------
    InputError : text that is no number, numbers with two readings, dates or infinite values
    """
    numeric = pd.api.types.is_numeric_dtype(values.dtype) and values.dtype.kind != "c"
    if numeric and not isinstance(values.dtype, pd.CategoricalDtype):
        numbers = values.to_numpy(dtype=float, na_value=np.nan)
    else:
        numbers = _numbers_of_objects(values, column, rows, style)
    infinite = np.isinf(numbers)
    if infinite.any():
        raise InputError(
            f"column {column!r} is infinite in {rows.named(infinite)}. Expected finite numbers; "
            "was something divided by zero? Put the true values in."
        )
    return numbers


def _numbers_of_objects(
    values: pd.Series, column: Hashable, rows: Rows, style: NumberStyle | None
) -> np.ndarray:
    codes, different = factorized(values, column, rows)
    texts = {value: value.strip() for value in different if isinstance(value, str)}
    if style is None:
        known = {value: float(text) for value, text in texts.items() if PLAIN.fullmatch(text)}
    else:
        known = _written(texts, codes, different, column, rows, style)
    wrong = [isinstance(value, str) and value not in known for value in different]
    wrong = [
        bad or not isinstance(value, str | int | float | Decimal | np.number | np.bool_)
        for bad, value in zip(wrong, different, strict=True)
    ]
    at = np.array([*wrong, False])[codes]
    if at.any():
        found = [value for value, bad in zip(different, wrong, strict=True) if bad]
        kind = "text" if isinstance(found[0], str) else f"{type(found[0]).__name__} values"
        raise InputError(
            f"column {column!r} has {kind} where numbers are expected, in {rows.named(at)}: "
            f"{distinct_values(found)}. {_number_advice(found, many=at.mean() > 0.5)}"
        )
    try:
        numbers = [float(known[v]) if isinstance(v, str) else float(v) for v in different]
    except OverflowError as error:
        raise InputError(
            f"column {column!r} of {rows.table} holds whole numbers too large to compute with. "
            "Is it an identifier? Name the column that holds amounts."
        ) from error
    return np.array([*numbers, np.nan])[codes]


def _written(
    texts: Mapping[str, str],
    codes: np.ndarray,
    different: list,
    column: Hashable,
    rows: Rows,
    style: NumberStyle,
) -> dict[str, float]:
    """Text -> number, for the texts that are amounts or say that there is none."""
    blank = {value: float("nan") for value, text in texts.items() if text.casefold() in BLANKS}
    amounts = {
        value: amount
        for value, text in texts.items()
        if value not in blank and (amount := split_amount(text)) is not None
    }
    _check_one_money(amounts, codes, different, column, rows)
    sign = _decided(amounts, codes, different, column, rows, style)
    numbers = {value: number_of(amount, sign) for value, amount in amounts.items()}
    exponents = {v: float(t) for v, t in texts.items() if "e" in t.lower() and PLAIN.fullmatch(t)}
    found = {value: number for value, number in numbers.items() if number is not None}
    return blank | exponents | found


def _check_one_money(
    amounts: Mapping[str, Amount], codes: np.ndarray, different: list, column: Hashable, rows: Rows
) -> None:
    signs = dict.fromkeys(amount.money for amount in amounts.values() if amount.money)
    if len(signs) > 1:
        last = list(signs)[-1]
        at = _rows_where(lambda value: value in amounts and amounts[value].money == last, different)
        raise InputError(
            f"column {column!r} holds money of several currencies, {quoted(signs)}; {last!r} is in "
            f"{rows.named(at[codes])}. Convert it first, or give each account one currency."
        )
    bare = [v for v, amount in amounts.items() if not amount.money and amount.body.strip("0.,")]
    if signs and bare:
        marked = _rows_where(
            lambda value: value in amounts and bool(amounts[value].money), different
        )
        plain = _rows_where(lambda value: value in bare, different)
        fewer = min(marked[codes], plain[codes], key=lambda at: at.sum())
        (sign,) = signs
        raise InputError(
            f"column {column!r} writes some amounts with {sign!r} and others without; fewer are as "
            f"in {rows.named(fewer)}. If all are the same money, write them one way; convert what "
            "is of another currency first."
        )


def _decided(
    amounts: Mapping[str, Amount],
    codes: np.ndarray,
    different: list,
    column: Hashable,
    rows: Rows,
    style: NumberStyle,
) -> str:
    """Decimal sign of a column, by all its amounts; a refusal where it has two readings."""
    said = style.decimal or ""
    signs = decimal_signs((amount.body for amount in amounts.values()), guess=not said)
    if {".", ","} <= signs:
        commas = _rows_where(
            lambda value: value in amounts and shown_sign(amounts[value].body) == ",", different
        )
        shown = [value for value, is_so in zip(different, commas, strict=False) if is_so]
        raise InputError(
            f"column {column!r} writes some numbers with decimal points and some with decimal "
            f"commas, these in {rows.named(commas[codes])}: {distinct_values(shown)}. Write all "
            "of them one way."
        )
    settled = signs & {".", ","}
    if settled or EITHER not in signs:
        return next(iter(settled), said or style.elsewhere or ".")
    if said or style.elsewhere:
        return said or style.elsewhere
    either = _rows_where(
        lambda value: value in amounts and shown_sign(amounts[value].body) == EITHER, different
    )
    shown = [value for value, is_so in zip(different, either, strict=False) if is_so]
    point, comma = (number_of(amounts[shown[0]], sign) for sign in ".,")
    raise InputError(
        f"column {column!r} has numbers with two readings in {rows.named(either[codes])}: "
        f"{distinct_values(shown)}; {shown[0]!r} is {point:,g} with a decimal point and "
        f"{comma:,g} with a decimal comma, and no number of the column settles it. Say which: "
        "decimal='.' or decimal=','."
    )


def _rows_where(chosen: Callable[[Any], bool], different: list) -> np.ndarray:
    """Whether each different value is chosen, and False for a missing one, to index with codes."""
    return np.array([*map(chosen, different), False], dtype=bool)


def _number_advice(found: list, *, many: bool) -> str:
    texts = [value.strip() for value in found if isinstance(value, str)]
    if not texts:
        return "Pass numbers, or name another column."
    if any(text.startswith("#") for text in texts):
        return (
            "That is the error of a spreadsheet's formula: put the true value in, or leave the "
            "cell empty where nobody knows it."
        )
    if any("%" in text for text in texts):
        return "Rates cannot be spend or outcome; name the column that holds amounts."
    if many and not any(re.search(r"\d", text) for text in texts):
        return (
            "Name the column that holds amounts; for a control that names events, make one 0/1 "
            "column for each with pandas.get_dummies."
        )
    return "Put the true values in, or leave the cell empty where nobody knows it."


def check_not_negative(spend: np.ndarray, column: Hashable, rows: Rows) -> None:
    """Money spent cannot be below zero."""
    negative = spend < 0
    if negative.any():
        raise InputError(
            f"spend in column {column!r} is negative in {rows.named(negative)}: "
            f"{distinct_values(spend[negative].tolist())}. Expected 0 or more; book credits and "
            "corrections on the date of the spend they correct, or set the rows to 0."
        )
