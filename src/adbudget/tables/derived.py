"""Frame + formulas -> the frame with columns made of others: sums, differences and products."""

import re
from collections.abc import Mapping, Sequence

import pandas as pd

from adbudget.errors import InputError
from adbudget.tables.messages import every_quoted

SIGN = re.compile(r"\s+([+-])\s+")  # names may hold hyphens, so a sign stands between blanks
TIMES = re.compile(r"\s+\*\s+")


def add_derived(
    tables: Sequence[pd.DataFrame], formulas: Mapping[str, str]
) -> tuple[pd.DataFrame, ...]:
    """Give every table that has the columns of a formula the new column; the caller's stay as is.

    Parameters
    ----------
    tables : spend table, or spend and outcome tables
    formulas : new column -> "gross - discount + units * price"; missing values make missing values

    Raises
    ------
    InputError : no table has the columns, one of them is text, or the new name is taken
    """
    for name, formula in formulas.items():
        words = SIGN.split(f" + {str(formula).strip()}")[1:]
        terms = list(zip(words[1::2], words[::2], strict=True))
        columns = [column for term, _ in terms for column in TIMES.split(term)]
        able = [all(column in table.columns for column in columns) for table in tables]
        if not any(able):
            raise InputError(
                f"{name!r} cannot be made of {formula!r}: no table has all of its columns. Write "
                "column names with ' + ', ' - ' or ' * ' between them. The columns are "
                f"{every_quoted(dict.fromkeys(c for table in tables for c in table.columns))}."
            )
        tables = [
            _with_column(table, name, terms) if can else table
            for table, can in zip(tables, able, strict=True)
        ]
    return tuple(tables)


def _with_column(table: pd.DataFrame, name: str, terms: Sequence[tuple[str, str]]) -> pd.DataFrame:
    if name in table.columns:
        raise InputError(f"{name!r} is a column already; give the derived one another name.")
    total = pd.Series(0.0, index=table.index)
    for term, sign in terms:
        product = pd.Series(1.0, index=table.index)
        for column in TIMES.split(term):
            try:
                product = product * pd.to_numeric(table[column])
            except (ValueError, TypeError) as cause:
                raise InputError(
                    f"{name!r} cannot be made of column {column!r}: {cause}. It must hold numbers."
                ) from cause
        total = total - product if sign == "-" else total + product
    return table.assign(**{name: total})
