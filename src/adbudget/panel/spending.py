"""An open table -> its channels and what was spent on them, in a long or a wide table."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.panel.joining import SpendRecords, summed_spend
from adbudget.panel.opened import AsTold, OpenTable
from adbudget.tables.laid_out import mapped_names
from adbudget.tables.messages import Note, Rows, distinct_values, every_quoted, quoted
from adbudget.tables.roles import (
    check_apart,
    column_of,
    find_column,
    has_column,
    need_column,
    need_columns,
    spend_suffixed_columns,
)
from adbudget.tables.totals import is_total_name
from adbudget.tables.values import check_not_negative, read_names, read_numbers

SUM_SHARE = 0.95  # of its rows, in which a column is the sum of the others
LARGEST = 1e15  # amounts beyond it are not known to the unit in double precision


def read_spend(
    table: OpenTable,
    channels: tuple[Hashable, ...],
    used: tuple,
    told: AsTold,
    notes: list[Note],
) -> tuple[tuple[str, ...], SpendRecords]:
    """Channels and spend of a table, its parts summed.

    Parameters
    ----------
    channels : that the caller lists
    used : columns that play another part

    Raises
    ------
    InputError : no channels, a total among them, or spend that cannot be used
    """
    names, spend = _spend_of(table, channels, used, told, notes)
    if not table.parts:
        return names, spend
    feed = None if spend.wide or table.feed is None else table.feed[spend.source]
    return names, summed_spend(spend, feed, notes, idle=table.idle)


def _spend_of(
    table: OpenTable,
    channels: tuple[Hashable, ...],
    used: tuple,
    told: AsTold,
    notes: list[Note],
) -> tuple[tuple[str, ...], SpendRecords]:
    """Wide when the caller's channels are columns, or when there is no channel column."""
    channel_column = find_column(table.frame, "channel", table.roles, table.rows.table)
    named = bool(channels) and all(has_column(table.frame, channel) for channel in channels)
    if channel_column is not None and not named:
        return _read_long_spend(table, channel_column, channels, used, told, notes)
    if channels:
        need_columns(table.frame, channels, "channels", table.rows.table)
        check_apart({"a channel": channels, "another role": (*table.taken, *used)})
        found = {column: str(column) for column in channels}
    elif table.laid.channels:
        found = dict(table.laid.channels)
    else:
        found = spend_suffixed_columns(table.frame, (*table.taken, *used), table.rows.table, notes)
    return _read_wide_spend(table, found, told=bool(channels))


def _read_wide_spend(
    table: OpenTable, found: dict[Hashable, str], *, told: bool
) -> tuple[tuple[str, ...], SpendRecords]:
    names = tuple(sorted(found.values()))
    if len(set(names)) < len(names):
        raise InputError(f"channels {quoted(names)} do not have different names; rename a column.")
    columns = sorted(found, key=lambda column: found[column])
    spend = np.array([_spend_numbers(table, column) for column in columns])
    if not told:
        _check_no_sum(columns, spend, table.rows)
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


def _check_no_sum(columns: list[Hashable], spend: np.ndarray, rows: Rows) -> None:
    """No column of three or more may be the sum of the others, unless the caller names them."""
    if len(columns) < 3:
        return
    known = np.nan_to_num(spend)
    for place, column in enumerate(columns):
        others = known.sum(axis=0) - known[place]
        spending = (others > 0) | (known[place] > 0)
        equal = np.isclose(known[place], others, rtol=1e-4, atol=0.01)[spending]
        if equal.size and equal.mean() >= SUM_SHARE:
            rest = [str(name) for name in columns if name != column]
            raise InputError(
                f"{rows.table} has spend columns {every_quoted(columns)}, and {column!r} is the "
                f"sum of the others in {equal.mean():.0%} of the rows, which would count money "
                f"twice. Name the channels: channels={rest}."
            )


def _read_long_spend(
    table: OpenTable,
    channel_column: Hashable,
    channels: tuple,
    used: tuple,
    told: AsTold,
    notes: list[Note],
) -> tuple[tuple[str, ...], SpendRecords]:
    spend_column = need_column(table.frame, "spend", table.roles, table.rows.table)
    roles = {"the channel": [channel_column], "the spend": [spend_column]}
    check_apart({**roles, "another role": (*table.taken, *used)})
    codes, names = read_names(column_of(table.frame, channel_column), channel_column, table.rows)
    if told.channel_of is not None:
        codes, names = _mapped(table, codes, names, told)
    spend = _spend_numbers(table, spend_column)
    wanted = _wanted_channels(names, channels, channel_column, notes)
    if not channels:
        _check_no_total(names, codes, spend, table)
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
        source=kept,
    )
    return wanted, records


def _mapped(
    table: OpenTable, codes: np.ndarray, names: tuple[str, ...], told: AsTold
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Codes and names of the channels that a caller's mapping makes; -1 for rows left out."""
    every = [names[code] for code in codes]
    also = [column_of(table.frame, name).astype(str).tolist() for name in table.laid.names]
    mapped = mapped_names(every, also, told.channel_of, "channel_of", told.fitted)
    new = tuple(sorted({name for name in mapped if name is not None}))
    place = {name: position for position, name in enumerate(new)}
    return np.array([-1 if name is None else place[name] for name in mapped], dtype=np.intp), new


def _check_no_total(
    names: tuple[str, ...], codes: np.ndarray, spend: np.ndarray, table: OpenTable
) -> None:
    """No channel may be called a total and be the sum of the others."""
    totals = [name for name in names if is_total_name(name)]
    if not totals or len(names) < 3:
        return
    columns = {"account": table.rows.account, "date": table.date, "channel": codes, "spend": spend}
    by_date: Any = pd.DataFrame(columns).groupby(["account", "date", "channel"])["spend"].sum()
    wide = by_date.unstack("channel", fill_value=0.0)  # noqa: PD010
    for name in totals:
        own = wide[names.index(name)].to_numpy()
        others = wide.to_numpy().sum(axis=1) - own
        equal = np.isclose(own, others, rtol=1e-4, atol=0.01)[(own > 0) | (others > 0)]
        if equal.size and equal.mean() >= SUM_SHARE:
            rest = [one for one in names if one != name]
            raise InputError(
                f"{table.rows.table} has a channel {name!r} that is the sum of the others, which "
                f"would count money twice. Leave it out: channels={rest}."
            )


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


def _spend_numbers(table: OpenTable, column: Hashable) -> np.ndarray:
    values = column_of(table.frame, column)
    if pd.api.types.is_bool_dtype(values.dtype):
        raise InputError(
            f"column {column!r} of {table.rows.table} holds true and false, not money. Name the "
            "column of what was spent; whether a channel was on is no spend."
        )
    spend = table_numbers(table, column) * table.scale("spend", column)
    check_not_negative(spend, column, table.rows)
    return spend


def table_numbers(table: OpenTable, column: Hashable) -> np.ndarray:
    """Amounts of a column: (row,) float, NaN where missing.

    Raises
    ------
    InputError : text that is no number, numbers with two readings, infinite or beyond 1e15
    """
    rows, values = table.rows, column_of(table.frame, column)
    numbers = read_numbers(values, column, rows, table.numbers)
    huge = np.abs(numbers) > LARGEST
    if huge.any():
        raise InputError(
            f"column {column!r} is beyond {LARGEST:.0e} in {rows.named(huge)}: "
            f"{distinct_values(numbers[huge])}. No amount is that large; put the true values in."
        )
    return numbers
