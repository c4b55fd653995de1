"""The caller's tables, in any accepted form -> Records: who spent and earned what, when."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.tables.dates import read_dates
from adbudget.tables.messages import LONE_ACCOUNT, Note, Rows, distinct_values, every_quoted, quoted
from adbudget.tables.roles import (
    as_frame,
    as_names,
    check_apart,
    checked_roles,
    column_of,
    find_column,
    has_column,
    matching_columns,
    need_column,
    need_columns,
    no_column,
    spend_suffixed_columns,
)
from adbudget.tables.values import check_not_negative, read_names, read_numbers

LARGEST = 1e15  # amounts beyond it are not known to the unit in double precision


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpendRecords:
    """One row per account, channel and date that the caller gave."""

    rows: Rows
    date: np.ndarray  # (row,) datetime64[D]
    channel: np.ndarray  # (row,) position in Records.channels
    spend: np.ndarray  # (row,) account currency, NaN where the caller gave none
    wide: bool  # one column per channel: a duplicate repeats all channels of a date
    key_columns: tuple[Hashable, ...]  # the caller's names of what makes a row unique
    value_columns: tuple[Hashable, ...]  # the caller's names of the columns with money


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutcomeRecords:
    """One row per row of the table with the outcome; dates may repeat on channel rows."""

    rows: Rows
    date: np.ndarray  # (row,) datetime64[D]
    outcome: np.ndarray  # (row,) outcome units, NaN where not observed
    control_values: np.ndarray  # (control, row)
    key_columns: tuple[Hashable, ...]  # the caller's names of what makes a date unique


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Records:
    """Everything the caller gave, parsed but not yet on a calendar."""

    channels: tuple[str, ...]
    controls: tuple[str, ...]
    outcome_name: str
    one_table: bool  # spend and outcome stand in one table
    spend: SpendRecords
    outcome: OutcomeRecords
    currency_columns: tuple[tuple[Hashable, pd.Series, Rows], ...]
    notes: list[Note] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Table:
    """A caller's frame whose account and date columns are read."""

    frame: pd.DataFrame
    rows: Rows
    date: np.ndarray
    roles: dict[str, Hashable]
    account_column: Hashable | None
    date_column: Hashable
    currency_column: Hashable | None

    @property
    def taken(self) -> tuple[Hashable | None, ...]:
        return (self.account_column, self.date_column, self.currency_column)

    @property
    def key_columns(self) -> tuple[Hashable, ...]:
        lone = self.account_column is None
        return (self.date_column,) if lone else (self.account_column, self.date_column)


def read_records(data: Any, outcome: Any, columns: Any, channels: Any, controls: Any) -> Records:
    """Parse every column that matters, whichever of the three forms the tables have.

    Raises
    ------
    InputError : a column is missing or ambiguous, or holds values that cannot be used
    """
    notes: list[Note] = []
    apart = outcome is not None and not isinstance(outcome, str)
    frames = {"the spend table" if apart else "the table": data}
    if apart:
        frames["the outcome table"] = outcome
    frames = {table: as_frame(frame, table) for table, frame in frames.items()}
    roles = _roles_with_outcome(columns, outcome, frames)
    tables = [_open_table(frame, table, roles, notes) for table, frame in frames.items()]
    if apart:
        _check_accounts_in_both(*tables)
    with_spend, with_outcome = tables[0], tables[-1]

    control_names = as_names(controls, "controls")
    need_columns(with_outcome.frame, control_names, "controls", with_outcome.rows.table)
    outcome_column = _outcome_column(with_outcome, control_names, apart, notes)
    used = (outcome_column, *control_names) if not apart else ()
    channel_names, spend = _read_spend(with_spend, as_names(channels, "channels"), used, notes)
    values = [_numbers(with_outcome, name) for name in (outcome_column, *control_names)]
    return Records(
        channels=channel_names,
        controls=tuple(str(name) for name in control_names),
        outcome_name=str(outcome_column),
        one_table=not apart,
        spend=spend,
        outcome=OutcomeRecords(
            rows=with_outcome.rows,
            date=with_outcome.date,
            outcome=values[0],
            control_values=np.array(values[1:]).reshape(len(control_names), len(values[0])),
            key_columns=with_outcome.key_columns,
        ),
        currency_columns=tuple(
            (table.currency_column, column_of(table.frame, table.currency_column), table.rows)
            for table in tables
            if table.currency_column is not None
        ),
        notes=notes,
    )


def _roles_with_outcome(
    columns: Any, outcome: Any, frames: dict[str, pd.DataFrame]
) -> dict[str, Hashable]:
    """Caller's roles; an outcome given as text is the name of the outcome column."""
    if not isinstance(outcome, str):
        return checked_roles(columns, frames)
    need_columns(frames["the table"], [outcome], "outcome", "the table")
    roles = checked_roles(columns, frames)
    if roles.get("outcome", outcome) != outcome:
        raise InputError(
            f"the outcome is named twice: outcome={outcome!r} and columns={{'outcome': "
            f"{roles['outcome']!r}}}. Keep one of them."
        )
    return {**roles, "outcome": outcome}


def _open_table(
    frame: pd.DataFrame, table: str, roles: dict[str, Hashable], notes: list[Note]
) -> _Table:
    rows = Rows(table=table, labels=frame.index)
    account_column = find_column(frame, "account", roles, table)
    if account_column is None:
        if "account" in roles or "account" in frame.index.names:
            raise no_column(frame, "account", table)
        codes, accounts = np.zeros(len(frame), dtype=np.intp), (LONE_ACCOUNT,)
        message = f"{table.capitalize()} has no account column: read as one account, 'account'."
        notes.append(Note(kind="one_account", message=message))
    else:
        codes, accounts = read_names(column_of(frame, account_column), account_column, rows)
    rows = Rows(table=table, labels=frame.index, account=codes, accounts=accounts)
    date_column = need_column(frame, "date", roles, table)
    return _Table(
        frame=frame,
        rows=rows,
        date=read_dates(column_of(frame, date_column), date_column, rows, notes),
        roles=roles,
        account_column=account_column,
        date_column=date_column,
        currency_column=find_column(frame, "currency", roles, table),
    )


def _check_accounts_in_both(with_spend: _Table, with_outcome: _Table) -> None:
    pairs = ((with_spend, with_outcome), (with_outcome, with_spend))
    for one, other in pairs:
        if one.account_column is None and other.account_column is not None:
            raise no_column(one.frame, "account", one.rows.table)
    for one, other in pairs:
        only = sorted(set(one.rows.accounts) - set(other.rows.accounts))
        if only:
            lonely = np.isin(np.array(one.rows.accounts)[one.rows.account], only)
            raise InputError(
                f"{len(only)} account(s) of {one.rows.table} have no row in {other.rows.table}: "
                f"{quoted(only)}, in {one.rows.named(lonely)}. {other.rows.table.capitalize()} "
                f"has {quoted(other.rows.accounts)}. Every account needs both: add the rows or "
                "drop the account; check that the names are spelled the same."
            )


def _outcome_column(
    table: _Table, controls: tuple[Hashable, ...], apart: bool, notes: list[Note]
) -> Hashable:
    """Column with the KPI; the only column left over counts when the table has its own."""
    frame, name = table.frame, table.rows.table
    found = find_column(frame, "outcome", table.roles, name)
    used = {*table.taken, *controls, *matching_columns(frame, "channel")}
    left = sorted((column for column in frame.columns if column not in used), key=str)
    if found is None and apart and len(left) > 1:
        raise InputError(
            f"{name} has {len(left)} columns that could be the outcome: {every_quoted(left)}. "
            f"Name it: columns={{'outcome': {left[0]!r}}}; list the others as controls or drop "
            "them."
        )
    if found is None and not (apart and left):
        raise no_column(frame, "outcome", name)
    outcome = left[0] if found is None else found
    check_apart({"the outcome": [outcome], "a control": controls, "another role": table.taken})
    ignored = [column for column in left if column != outcome]
    if apart and ignored:
        message = f"Outcome is column {outcome!r}; columns not used: {every_quoted(ignored)}."
        notes.append(Note(kind="ignored_columns", message=message))
    return outcome


def _read_spend(
    table: _Table, channels: tuple[Hashable, ...], used: tuple, notes: list[Note]
) -> tuple[tuple[str, ...], SpendRecords]:
    """Wide when the caller's channels are columns, or when there is no channel column."""
    channel_column = find_column(table.frame, "channel", table.roles, table.rows.table)
    named = bool(channels) and all(has_column(table.frame, channel) for channel in channels)
    if channel_column is not None and not named:
        return _read_long_spend(table, channel_column, channels, used, notes)
    if channels:
        need_columns(table.frame, channels, "channels", table.rows.table)
        check_apart({"a channel": channels, "another role": (*table.taken, *used)})
        found = {column: str(column) for column in channels}
    else:
        found = spend_suffixed_columns(table.frame, (*table.taken, *used), table.rows.table, notes)
    return _read_wide_spend(table, found)


def _read_wide_spend(
    table: _Table, found: dict[Hashable, str]
) -> tuple[tuple[str, ...], SpendRecords]:
    names = tuple(sorted(found.values()))
    if len(set(names)) < len(names):
        raise InputError(f"channels {quoted(names)} do not have different names; rename a column.")
    columns = sorted(found, key=lambda column: found[column])
    spend = np.array([_spend_numbers(table, column) for column in columns])
    n_rows = len(table.rows)
    every_row = np.tile(np.arange(n_rows), len(names))
    records = SpendRecords(
        rows=table.rows.take(every_row),
        date=table.date[every_row],
        channel=np.repeat(np.arange(len(names)), n_rows),
        spend=spend.reshape(-1),
        wide=True,
        key_columns=table.key_columns,
        value_columns=tuple(columns),
    )
    return names, records


def _read_long_spend(
    table: _Table, channel_column: Hashable, channels: tuple, used: tuple, notes: list[Note]
) -> tuple[tuple[str, ...], SpendRecords]:
    spend_column = need_column(table.frame, "spend", table.roles, table.rows.table)
    roles = {"the channel": [channel_column], "the spend": [spend_column]}
    check_apart({**roles, "another role": (*table.taken, *used)})
    codes, names = read_names(column_of(table.frame, channel_column), channel_column, table.rows)
    spend = _spend_numbers(table, spend_column)
    wanted = _wanted_channels(names, channels, channel_column, notes)
    kept = np.flatnonzero(np.isin(codes, [names.index(name) for name in wanted]))
    position = np.array([wanted.index(name) if name in wanted else -1 for name in names])
    records = SpendRecords(
        rows=table.rows.take(kept),
        date=table.date[kept],
        channel=position[codes[kept]],
        spend=spend[kept],
        wide=False,
        key_columns=(*table.key_columns, channel_column),
        value_columns=(spend_column,),
    )
    return wanted, records


def _wanted_channels(
    names: tuple[str, ...], channels: tuple, column: Hashable, notes: list[Note]
) -> tuple[str, ...]:
    """All channels of a long table, or those the caller listed."""
    wanted = tuple(sorted(str(name) for name in channels)) or names
    unknown = [name for name in wanted if name not in names]
    if unknown:
        raise InputError(
            f"channels names {quoted(unknown)}, but column {column!r} has no such channel. "
            f"It has {every_quoted(names)}."
        )
    dropped = [name for name in names if name not in wanted]
    if dropped:
        message = f"Channels not listed in channels= are left out: {quoted(dropped)}."
        notes.append(Note(kind="dropped", message=message))
    return wanted


def _spend_numbers(table: _Table, column: Hashable) -> np.ndarray:
    spend = _numbers(table, column)
    check_not_negative(spend, column, table.rows)
    return spend


def _numbers(table: _Table, column: Hashable) -> np.ndarray:
    rows, numbers = table.rows, read_numbers(column_of(table.frame, column), column, table.rows)
    huge = np.abs(numbers) > LARGEST
    if huge.any():
        raise InputError(
            f"column {column!r} is beyond {LARGEST:.0e} in {rows.named(huge)}: "
            f"{distinct_values(numbers[huge])}. No amount is that large; put the true values in."
        )
    return numbers
