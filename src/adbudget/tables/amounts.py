"""Columns of amounts and counts -> exact figures, whole minor units. Knows no currencies' names."""

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.money import LARGEST_EXACT
from adbudget.tables.messages import Rows, distinct_values
from adbudget.tables.values import read_numbers


def read_amounts(values: pd.Series, name: str, exponent: np.ndarray, rows: Rows) -> np.ndarray:
    """Amounts of a column in whole minor units.

    Parameters
    ----------
    values : the column, in units of the currency
    name : of the column
    exponent : (row,) digits after the point
    rows : for messages

    Returns
    -------
    (row,) float, whole numbers; NaN where missing

    Raises
    ------
    InputError : negative, finer than a minor unit, or too large to be exact
    """
    return whole_minor(read_counts(values, name, rows), name, exponent, rows)


def whole_minor(amount: np.ndarray, name: str, exponent: np.ndarray, rows: Rows) -> np.ndarray:
    """Numbers of units of the currency as whole minor units; as :func:`read_amounts`."""
    scale = 10.0**exponent
    minor = np.rint(amount * scale)
    huge = minor >= LARGEST_EXACT
    if huge.any():
        raise InputError(
            f"{name} is too large to be exact in {rows.named(huge)}: "
            f"{distinct_values(amount[huge].tolist())}. Is it in another unit, e.g. micros?"
        )
    broken = (minor / scale != amount) & ~np.isnan(amount)
    if broken.any():
        digits = sorted({int(digit) for digit in exponent[broken]})
        raise InputError(
            f"{name} has more than {digits[0]} decimals in {rows.named(broken)}: "
            f"{distinct_values(amount[broken].tolist())}. Money is counted in whole minor units: "
            f"round it first, frame[{name!r}].round({digits[0]})."
        )
    return minor


def read_counts(values: pd.Series, name: str, rows: Rows) -> np.ndarray:
    """Numbers of at least 0: (row,) float, NaN where missing.

    Raises
    ------
    InputError : not numbers, or negative
    """
    numbers = read_as_written(values, name, rows)
    negative = numbers < 0
    if negative.any():
        raise InputError(
            f"{name} is negative in {rows.named(negative)}: "
            f"{distinct_values(numbers[negative].tolist())}. Expected 0 or more; a correction "
            "replaces the figure of its day, it is not a row of its own."
        )
    return numbers


def read_as_written(values: pd.Series, name: str, rows: Rows) -> np.ndarray:
    """Numbers as they were written: (row,) float, NaN where missing.

    Raises
    ------
    InputError : not numbers
    """
    if values.dtype in (np.float32, np.float16):  # 0.1 is meant, not the 0.10000000149 it becomes
        values = values.astype(str).replace("nan", np.nan).astype(float)
    return read_numbers(values, name, rows)


def need_every(numbers: np.ndarray, name: str, rows: Rows, advice: str) -> np.ndarray:
    """Refuse missing values.

    Raises
    ------
    InputError : some are missing
    """
    missing = np.isnan(numbers)
    if missing.any():
        raise InputError(f"{name} is missing in {rows.named(missing)}. {advice}")
    return numbers
