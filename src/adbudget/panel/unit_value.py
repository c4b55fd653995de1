"""What an outcome unit is worth, and in which currency -> one value per account."""

import re
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.tables.messages import Note, Rows, account_names, every_quoted, quoted
from adbudget.tables.values import factorized

LARGEST = 1e15  # no unit is worth more
COUNT_WORD = re.compile(
    r"(lead|conversion|order|purchase|signup|install|download|click|booking|unit|transaction|"
    r"customer|subscription|subscriber|registration|visit|session|call|appointment|trial|demo|"
    r"application|count|ticket|user)s?|quantity|qty"
)
MONEY_WORD = re.compile(
    r"revenues?|sales|values?|amount|turnover|income|price|gmv|money|profit|margin|usd|eur|gbp"
)


def counts_things(outcome_name: str) -> bool:
    """Whether a column's name says that it counts things rather than money."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", outcome_name)
    words = re.findall(r"[a-z]+", spaced.casefold())
    words.append("".join(words))  # sign_ups
    return any(map(COUNT_WORD.fullmatch, words)) and not any(map(MONEY_WORD.fullmatch, words))


def read_unit_value(
    value_per_unit: Any, outcome_name: str, accounts: tuple[str, ...]
) -> np.ndarray:
    """(account,) money per outcome unit; 1 when the outcome is money.

    Raises
    ------
    InputError : the outcome counts things and no value is given, or a value is not positive
    """
    if value_per_unit is None and counts_things(outcome_name):
        raise InputError(
            f"outcome column {outcome_name!r} seems to count things, but decisions compare money "
            "with money. Say what one is worth: value_per_unit=50 (a lead its target cost, an "
            "order its margin), or a mapping from account to value. If the column already holds "
            "money, pass value_per_unit=1."
        )
    return _positive_by_account(value_per_unit, "value_per_unit", accounts)


def read_margin(margin: Any, accounts: tuple[str, ...], notes: list[Note]) -> np.ndarray:
    """(account,) share of the outcome's money that is contribution margin; 1 when not stated."""
    shares = _positive_by_account(margin, "margin", accounts)
    above = [name for name, share in zip(accounts, shares, strict=True) if share > 1]
    if above:
        message = f"margin is above 1 for {account_names(above)}: 30 percent is written 0.30."
        notes.append(Note(kind="margin_above_one", message=message))
    return shares


def _positive_by_account(value: Any, argument: str, accounts: tuple[str, ...]) -> np.ndarray:
    given_by_account = by_account(value, argument, accounts, default=1.0)
    wrong = {name: given for name, given in given_by_account.items() if not _is_positive(given)}
    if wrong:
        raise InputError(
            f"{argument} must be a positive number; got "
            f"{quoted(wrong.values())} for {account_names(wrong)}."
        )
    return np.array([float(given_by_account[name]) for name in accounts])


def _is_positive(value: Any) -> bool:
    number = isinstance(value, (int, float, np.integer, np.floating))
    return bool(number and not isinstance(value, bool) and 0 < value < LARGEST)


def by_account(
    value: Any, argument: str, accounts: tuple[str, ...], default: Any
) -> dict[str, Any]:
    """Caller's one value, or value per account, as a value for every account.

    Raises
    ------
    InputError : a mapping that misses an account, names an unknown one, or one twice
    """
    if value is None:
        return dict.fromkeys(accounts, default)
    if not isinstance(value, (Mapping, pd.Series)):
        return dict.fromkeys(accounts, value)
    given = {str(name): item for name, item in value.items()}
    if len(given) < len(value):
        raise InputError(f"{argument} names an account more than once; give each account once.")
    unknown = [name for name in given if name not in accounts]
    missing = [name for name in accounts if name not in given]
    if unknown or missing:
        wrong = [f"does not name {account_names(missing)}"] if missing else []
        wrong += [f"names unknown {account_names(unknown)}"] if unknown else []
        raise InputError(
            f"{argument} {' and '.join(wrong)}. Give one value for every account of the panel: "
            f"{every_quoted(accounts)}."
        )
    return given


def read_currency(
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
    found = {name: {code.strip().upper()} - {""} for name, code in stated.items()}
    for column, values, rows in currency_columns:
        codes = _codes_in_column(values, column, rows)
        stated_in = pd.DataFrame({"account": rows.account, "code": codes}).drop_duplicates()
        for account, code in stated_in.itertuples(index=False):
            found[rows.accounts[account]] |= {code} - {""}
        _check_one_currency(found, column, codes, rows, argument_given=currency is not None)
    return tuple(next(iter(found[name]), "") for name in accounts)


def _codes_in_column(values: pd.Series, column: Hashable, rows: Rows) -> np.ndarray:
    """(row,) currency code in capitals, "" where the row states none."""
    position, different = factorized(values, column, rows)
    codes = [str(value).strip().upper() for value in different]
    return np.array([*codes, ""], dtype=object)[position]


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
