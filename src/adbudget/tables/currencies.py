"""Columns and arguments that name currencies -> one code for every row, account or table.

Codes are ISO 4217 in capitals, "" where nobody says. Money of two currencies is never mixed.
"""

import re
from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.money import code_of
from adbudget.tables.by_account import by_account
from adbudget.tables.messages import Rows, account_names, quoted
from adbudget.tables.roles import column_of
from adbudget.tables.values import factorized, read_names

CALLED = {  # what people write for a code
    **dict.fromkeys(("EURO", "EUROS", "€"), "EUR"),
    **dict.fromkeys(("DOLLAR", "DOLLARS", "US DOLLAR", "US$", "$"), "USD"),
    **dict.fromkeys(("POUND", "POUNDS", "STERLING", "£"), "GBP"),
    **dict.fromkeys(("YEN", "¥"), "JPY"),
    **dict.fromkeys(("FRANC", "FRANKEN", "SFR"), "CHF"),
}


def check_code(written: object, what: str) -> None:
    """Refuse what is no code of three letters, and say which was probably meant.

    Raises
    ------
    InputError : names the code
    """
    code = code_of(written)
    if not re.fullmatch("[A-Z]{3}", code):
        meant = CALLED.get(code)
        hint = f"did you mean {meant!r}?" if meant else "write 'EUR' or 'USD'."
        raise InputError(f"{what} must be a code of three letters; got {written!r}: {hint}")


def codes_in(values: pd.Series, column: Hashable, rows: Rows) -> np.ndarray:
    """(row,) currency code in capitals, "" where the row states none."""
    position, different = factorized(values, column, rows)
    for value in different:
        if code_of(value):
            check_code(value, f"column {column!r} of {rows.table}")
    codes = [code_of(value) for value in different]
    return np.array([*codes, ""], dtype=object)[position]


def currency_of_accounts(
    currency: Any,
    currency_columns: tuple[tuple[Hashable, pd.Series, Rows], ...],
    accounts: tuple[str, ...],
) -> tuple[str, ...]:
    """Currency code of each account, "" when neither the argument nor a column states it.

    Raises
    ------
    InputError : one account has several currencies, or argument and column disagree
    """
    stated = by_account(currency, "currency", accounts, default="")
    wrong = [name for name, code in stated.items() if not isinstance(code, str)]
    if wrong:
        raise InputError(
            f"currency must be text such as 'EUR'; got {quoted(stated[name] for name in wrong)} "
            f"for {account_names(wrong)}."
        )
    for name, code in stated.items():
        if code_of(code):
            check_code(code, f"currency of {account_names([name])}")
    found = {name: {code_of(code)} - {""} for name, code in stated.items()}
    for column, values, rows in currency_columns:
        codes = codes_in(values, column, rows)
        stated_in = pd.DataFrame({"account": rows.account, "code": codes}).drop_duplicates()
        for account, code in stated_in.itertuples(index=False):
            found[rows.accounts[account]] |= {code} - {""}
        _check_one_currency(found, column, codes, rows, argument_given=currency is not None)
    return tuple(next(iter(found[name]), "") for name in accounts)


def _check_one_currency(
    found: dict[str, set], column: Hashable, codes: np.ndarray, rows: Rows, *, argument_given: bool
) -> None:
    mixed = {name: sorted(several) for name, several in found.items() if len(several) > 1}
    if not mixed:
        return
    name, several = next(iter(mixed.items()))
    in_account = (np.asarray(rows.account) == rows.accounts.index(name)) & (codes != "")
    different, counts = np.unique(codes[in_account].astype(str), return_counts=True)
    rarest = str(different[np.argmin(counts)])
    odd = in_account & (codes == rarest)
    also = f" The same holds for {account_names(list(mixed)[1:])}." if len(mixed) > 1 else ""
    source = f"column {column!r}" + (" and the currency argument" if argument_given else "")
    raise InputError(
        f"account {name!r} has {len(several)} currencies, {quoted(several)}, by {source}; "
        f"{rarest!r} is in {rows.named(odd)}.{also} Money of one account needs one "
        "currency: convert it first, or split the account by currency."
    )


def currency_of_table(frame: pd.DataFrame, rows: Rows, argument: str | None) -> str | None:
    """The one currency of all rows, or None when nobody says.

    Raises
    ------
    InputError : missing cells, several currencies, or another one than the argument
    """
    own = code_of(argument) if argument else None
    if "currency" not in frame.columns:
        return own
    values = column_of(frame, "currency")
    missing = values.isna().to_numpy()
    if missing.any():
        raise InputError(f"currency is missing in {rows.named(missing)}; every row needs it.")
    codes = sorted({code_of(value) for value in values.unique()})
    if own is not None and codes != [own]:
        raise InputError(f"currency is {own!r} by argument, but {quoted(codes)} by column.")
    if len(codes) > 1:
        raise InputError(
            f"campaigns are in several currencies: {quoted(codes)}. Money cannot move between "
            "them at an unknown rate: pass one table for each."
        )
    return codes[0]


def currency_of_rows(frame: pd.DataFrame, rows: Rows, argument: str | None) -> np.ndarray:
    """ISO code of every row: (row,) object; "" when nobody says.

    Raises
    ------
    InputError : blank cells, what is no code, or another one than the argument
    """
    own = code_of(argument) if argument else ""
    codes = np.full(len(frame), own, dtype=object)
    if "currency" in frame.columns:
        position, names = read_names(column_of(frame, "currency"), "currency", rows)
        codes = np.array([code_of(name) for name in names], dtype=object)[position]
    wrong = np.array([bool(code) and not (len(code) == 3 and code.isalpha()) for code in codes])
    if wrong.any():
        raise InputError(
            f"currency must be an ISO code of three letters, such as EUR, in {rows.named(wrong)}; "
            f"got {quoted(dict.fromkeys(codes[wrong]))}."
        )
    if own and (codes != own).any():
        raise InputError(
            f"currency is {own!r} by argument, but {quoted(sorted(set(codes)))} by column."
        )
    return codes
