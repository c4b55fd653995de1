"""A caller's frame -> a table whose layout, rows that count, accounts and dates are read."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.tables.dates import DateStyle, read_dates
from adbudget.tables.laid_out import LaidOut, lay_out, mapped_names
from adbudget.tables.messages import LONE_ACCOUNT, Note, Rows, quoted
from adbudget.tables.roles import column_of, find_column, need_column, no_column
from adbudget.tables.text_tables import FILE_NOTES
from adbudget.tables.totals import is_total_name, without_totals
from adbudget.tables.values import NumberStyle, read_names
from adbudget.tables.written import decimal_signs, split_amount

LOOKED_AT = 2_000  # rows of a column, for the decimal sign of the others
MICROS = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class AsTold:
    """What the caller says of the tables, unchecked; see :func:`adbudget.read_panel`."""

    columns: Any = None
    channels: Any = None
    controls: Any = None
    layout: Any = None
    decimal: Any = None
    dayfirst: Any = None
    channel_of: Any = None
    account_of: Any = None
    duplicates: Any = "error"
    fitted: set[tuple[str, str]] = field(default_factory=set, init=False)  # patterns that fit


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OpenTable:
    """A caller's frame whose account and date columns are read."""

    frame: pd.DataFrame
    rows: Rows
    date: np.ndarray
    roles: dict[str, Hashable]
    account_column: Hashable | None
    date_column: Hashable
    currency_column: Hashable | None
    laid: LaidOut
    numbers: NumberStyle
    parts: bool  # rows of one account, channel and date are summed
    account_told: bool  # the caller's account_of names the accounts
    feed: np.ndarray | None  # (row,) code of the platform a row is from; None when all are from one

    @property
    def taken(self) -> tuple[Hashable | None, ...]:
        """Columns that play a part already."""
        return (self.account_column, self.date_column, self.currency_column)

    @property
    def key_columns(self) -> tuple[Hashable, ...]:
        """The caller's names of what makes a date unique."""
        lone = self.account_column is None
        return (self.date_column,) if lone else (self.account_column, self.date_column)

    @property
    def idle(self) -> bool:
        """Whether a day without a row had no spend."""
        return self.laid.layout is not None and self.laid.layout.missing_day == "zero"

    def scale(self, role: str, column: Hashable) -> float:
        """Money per unit of a column: millionths where layout or title say micros."""
        units = {} if self.laid.layout is None else self.laid.layout.units
        return MICROS if units.get(role) == "micros" or "micros" in str(column).casefold() else 1.0


def check_told(told: AsTold) -> None:
    """Refuse what is said of numbers and dates in another form than it can be said.

    Raises
    ------
    InputError : names what may be said
    """
    if told.decimal not in (None, ".", ","):
        raise InputError(f"decimal must be '.' or ','; got {told.decimal!r}.")
    if told.dayfirst is not None and not isinstance(told.dayfirst, bool):
        raise InputError(f"dayfirst must be True or False; got {told.dayfirst!r}.")
    if told.duplicates not in ("error", "sum"):
        raise InputError(f"duplicates must be 'error' or 'sum'; got {told.duplicates!r}.")


def open_table(
    frame: pd.DataFrame,
    table: str,
    told: AsTold,
    roles: Mapping[str, Hashable],
    notes: list[Note],
    accounts: frozenset[str] = frozenset(),
) -> OpenTable:
    """Read what the rows of a table are about.

    Parameters
    ----------
    table : how messages call it
    roles : role -> column, as the caller says, checked
    notes : gains what was recognised, left out and found
    accounts : those that another table names, to tell ids from names

    Raises
    ------
    InputError : accounts or dates cannot be read
    """
    notes += [Note(kind="file", message=said) for said in frame.attrs.get(FILE_NOTES, [])]
    laid = lay_out(frame, table, told.layout, roles, notes)
    known = dict(laid.roles)
    if "account" in frame.index.names and "account" not in known:
        raise no_column(frame, "account", table)
    date_column = need_column(laid.frame, "date", known, table)
    frame = without_totals(laid.frame, date_column, table, notes)
    laid = replace(laid, frame=frame)
    clock = laid.layout is not None and laid.layout.clock
    style = DateStyle(dayfirst=told.dayfirst, clock=clock, sayable=True)
    account_column, rows = _accounts(laid, table, told, known, accounts, notes)
    kept = rows.account is None or np.asarray(rows.account) >= 0
    if not np.all(kept):  # rows whose account is mapped to nothing
        place = np.flatnonzero(kept)
        frame, rows = frame.iloc[place], rows.take(place)
        laid = replace(laid, frame=frame)
    return OpenTable(
        frame=frame,
        rows=rows,
        date=read_dates(column_of(frame, date_column), date_column, rows, notes, style),
        roles=known,
        account_column=account_column,
        date_column=date_column,
        currency_column=find_column(frame, "currency", known, table),
        laid=laid,
        numbers=NumberStyle(decimal=told.decimal, elsewhere=_shown_decimal(frame)),
        parts=told.duplicates == "sum"
        or told.channel_of is not None
        or told.account_of is not None
        or (laid.layout is not None and laid.layout.rows == "summed"),
        account_told=told.account_of is not None,
        feed=None if laid.feed is None else pd.factorize(column_of(frame, laid.feed))[0],
    )


def _accounts(
    laid: LaidOut,
    table: str,
    told: AsTold,
    roles: dict[str, Hashable],
    known: frozenset[str],
    notes: list[Note],
) -> tuple[Hashable | None, Rows]:
    """Column of the account, and rows with their accounts; -1 for those left out."""
    frame = laid.frame
    rows = Rows(table=table, labels=frame.index)
    column = _account_column(laid, roles, known) or find_column(frame, "account", roles, table)
    if column is None:
        codes, names = np.zeros(len(frame), dtype=np.intp), (LONE_ACCOUNT,)
        if told.account_of is None:
            message = f"{table.capitalize()} has no account column: read as one account, 'account'."
            notes.append(Note(kind="one_account", message=message))
    else:
        codes, names = read_names(column_of(frame, column), column, rows)
    if told.account_of is not None:
        every = [names[code] for code in codes]
        also = [column_of(frame, name).astype(str).tolist() for name in laid.accounts]
        mapped = mapped_names(every, also, told.account_of, "account_of", told.fitted)
        names = tuple(sorted({name for name in mapped if name is not None}))
        place = {name: position for position, name in enumerate(names)}
        codes = np.array([-1 if name is None else place[name] for name in mapped], dtype=np.intp)
    totals = [name for name in names if is_total_name(name)]
    if totals and len(names) > 1:
        raise InputError(
            f"{table} has accounts called {quoted(totals)} beside {len(names) - len(totals)} "
            "others: the sum of the others would count money twice. Leave it out: "
            f"account_of={{{totals[0]!r}: '-'}}; or rename it if it is an account."
        )
    return column, Rows(table=table, labels=frame.index, account=codes, accounts=names)


def _account_column(
    laid: LaidOut, roles: dict[str, Hashable], known: frozenset[str]
) -> Hashable | None:
    """Of ids and names of accounts, those that the other table uses; else the ids."""
    candidates = laid.accounts
    if roles.get("account") not in (None, *candidates):
        return None
    for column in candidates:
        if known & set(laid.frame[column].dropna().map(str)):
            return column
    return candidates[0] if candidates else None


def _shown_decimal(frame: pd.DataFrame) -> str:
    """Decimal sign that the columns of a frame agree on; "" when they show none, or both."""
    signs: set[str] = set()
    for name in frame.columns:
        values = frame[name]
        if pd.api.types.is_float_dtype(values.dtype):
            numbers = values.dropna().to_numpy(dtype=float)
            signs |= {"."} if (numbers != np.floor(numbers)).any() else set()
        elif values.dtype == object or pd.api.types.is_string_dtype(values.dtype):
            texts = {one for one in values.iloc[:LOOKED_AT] if isinstance(one, str)}
            amounts = [amount for text in texts if (amount := split_amount(text)) is not None]
            signs |= decimal_signs(amount.body for amount in amounts) & {".", ","}
    return signs.pop() if len(signs) == 1 else ""
