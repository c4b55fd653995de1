"""The caller's tables, in any accepted form -> Records: who spent and earned what, when."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from adbudget.errors import InputError, nearest
from adbudget.panel.joining import (
    OutcomeRecords,
    SpendRecords,
    as_one_account,
    joined_outcome,
    joined_spend,
    summed_outcome,
)
from adbudget.panel.opened import AsTold, OpenTable, check_told, open_table
from adbudget.panel.spending import read_spend, table_numbers
from adbudget.tables.laid_out import MADE
from adbudget.tables.messages import Note, Rows, every_quoted, quoted
from adbudget.tables.roles import (
    as_frame,
    as_names,
    check_apart,
    checked_roles,
    column_of,
    find_column,
    has_column,
    matching_columns,
    need_columns,
    no_column,
)
from adbudget.tables.text_tables import TABLE_NAME


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
    idle_channels: frozenset[str] = frozenset()  # of tables that leave out days without spend
    notes: list[Note] = field(default_factory=list)


def read_records(data: Any, outcome: Any, told: AsTold) -> Records:
    """Parse every column that matters, whichever of the accepted forms the tables have.

    Parameters
    ----------
    data, outcome : frames, or lists of them
    told : what the caller says of them

    Raises
    ------
    InputError : a column is missing or ambiguous, or holds values that cannot be used
    """
    notes: list[Note] = []
    check_told(told)
    apart = outcome is not None and not isinstance(outcome, str)
    with_spend = _frames(data, "the spend table" if apart else "the table")
    with_outcome = _frames(outcome, "the outcome table") if apart else {}
    roles = _roles_with_outcome(told.columns, outcome, {**with_spend, **with_outcome})
    opened = [open_table(f, table, told, roles, notes) for table, f in with_outcome.items()]
    known = frozenset(name for table in opened for name in table.rows.accounts)
    spending = [open_table(f, table, told, roles, notes, known) for table, f in with_spend.items()]
    if apart:
        spending = _with_accounts_of_outcome(spending, opened, notes)
    earning = opened if apart else spending

    outcomes, outcome_name, controls = _read_outcomes(earning, told, apart, notes)
    used = (outcome_name, *controls) if not apart else ()
    channels = as_names(told.channels, "channels")
    spent = [read_spend(table, channels, used, told, notes) for table in spending]
    channel_names, spend = joined_spend(spent)
    records = Records(
        channels=channel_names,
        controls=tuple(str(name) for name in controls),
        outcome_name=str(outcome_name),
        one_table=not apart,
        spend=spend,
        outcome=outcomes,
        currency_columns=tuple(
            (table.currency_column, column_of(table.frame, table.currency_column), table.rows)
            for table in dict.fromkeys((*spending, *opened))
            if table.currency_column is not None
        ),
        idle_channels=frozenset(
            name
            for (names, _), table in zip(spent, spending, strict=True)
            for name in names
            if table.idle
        ),
        notes=notes,
    )
    _check_every_pattern(told, records)
    if apart:
        _check_accounts_in_both(records)
    return records


def _check_every_pattern(told: AsTold, records: Records) -> None:
    """A pattern that fits no row of any table is mistyped."""
    there = {"channel_of": records.channels, "account_of": records.spend.rows.accounts}
    for argument, names in there.items():
        every = [str(pattern) for pattern in getattr(told, argument) or {}]
        idle = [pattern for pattern in every if (argument, pattern) not in told.fitted]
        if idle:
            raise InputError(
                f"{argument} names {every_quoted(idle)}, which fits nothing, or only what an "
                f"earlier name took. With it there are {every_quoted(names)}."
            )


def _frames(data: Any, table: str) -> dict[str, pd.DataFrame]:
    """How messages call each table -> its frame."""
    several = isinstance(data, list | tuple) and any(hasattr(one, "columns") for one in data)
    if not several or len(data) == 1:
        return {table: as_frame(data[0] if several else data, table)}
    frames = {}
    for number, one in enumerate(data, start=1):
        called = getattr(one, "attrs", {}).get(TABLE_NAME, number)
        name = f"{table} {called}" if f"{table} {called}" not in frames else f"{table} {number}"
        frames[name] = as_frame(one, name)
    return frames


def _with_accounts_of_outcome(
    spending: list[OpenTable], opened: list[OpenTable], notes: list[Note]
) -> list[OpenTable]:
    """Spend tables whose layouts name accounts of platforms, where the outcome is one total."""
    lone = all(table.account_column is None for table in opened)
    by_layout = [table.account_column in table.laid.accounts for table in spending]
    named = any(table.account_column is not None for table in spending)
    told = any(table.account_told for table in spending)
    if not lone or not named or told or not any(by_layout):
        for one, other in ((spending, opened), (opened, spending)):
            for table in one:
                if table.account_column is None and any(
                    found.account_column is not None and not found.account_told for found in other
                ):
                    raise no_column(table.frame, "account", table.rows.table)
        return spending
    rows = as_one_account([(table.rows, table.feed) for table in spending], notes)
    return [replace(table, rows=one) for table, one in zip(spending, rows, strict=True)]


def _roles_with_outcome(
    columns: Any, outcome: Any, frames: dict[str, pd.DataFrame]
) -> dict[str, Hashable]:
    """Caller's roles; an outcome given as text is the name of the outcome column."""
    if not isinstance(outcome, str):
        return checked_roles(columns, frames)
    if not any(has_column(frame, outcome) for frame in frames.values()):
        table = next(iter(frames))
        need_columns(frames[table], [outcome], "outcome", table)
    roles = checked_roles(columns, frames)
    if roles.get("outcome", outcome) != outcome:
        raise InputError(
            f"the outcome is named twice: outcome={outcome!r} and columns={{'outcome': "
            f"{roles['outcome']!r}}}. Keep one of them."
        )
    return {**roles, "outcome": outcome}


def _check_accounts_in_both(records: Records) -> None:
    pairs = ((records.spend.rows, records.outcome.rows), (records.outcome.rows, records.spend.rows))
    for one, other in pairs:
        only = sorted(set(one.accounts) - set(other.accounts))
        if only:
            lonely = np.isin(np.array(one.accounts)[one.account], only)
            raise InputError(
                f"{len(only)} account(s) of {one.table} have no row in {other.table}: "
                f"{quoted(only)}, in {one.named(lonely)}. {other.table.capitalize()} "
                f"has {quoted(other.accounts)}. Every account needs both: add the rows or "
                "drop the account; check that the names are spelled the same."
                f"{_same_accounts(only, other.accounts) if one is records.spend.rows else ''}"
            )


def _same_accounts(only: Sequence[str], others: Sequence[str]) -> str:
    """What may be the same accounts by other names, as the argument that says so."""
    free = [name for name in others if name not in only]
    pairs: dict[str, str] = {}
    for name in only:
        part = [one for one in free if one in name or name in one]
        alike = part[0] if len(part) == 1 else nearest(name, free)
        if alike is not None and alike not in pairs.values():
            pairs[name] = alike
    return f" If these are the same, say so: account_of={pairs!r}." if pairs else ""


def _read_outcomes(
    tables: list[OpenTable], told: AsTold, apart: bool, notes: list[Note]
) -> tuple[OutcomeRecords, Hashable, tuple[Hashable, ...]]:
    """Records of the outcome, the column it is in, and the columns of the controls."""
    read, names = [], []
    for table in tables:
        controls = as_names(told.controls, "controls")
        if told.controls is None:
            controls = table.laid.controls
        need_columns(table.frame, controls, "controls", table.rows.table)
        column = _outcome_column(table, controls, apart, notes)
        values = [table_numbers(table, name) for name in (column, *controls)]
        records = OutcomeRecords(
            rows=table.rows,
            date=table.date,
            outcome=values[0] * table.scale("outcome", column),
            control_values=np.array(values[1:]).reshape(len(controls), len(values[0])),
            key_columns=table.key_columns,
        )
        if table.parts:
            records = summed_outcome(records, tuple(str(name) for name in controls))
        read.append(records)
        names.append((_outcome_label(table, column), controls))
    if len(set(names)) > 1:
        raise InputError(
            f"the outcome tables have different outcomes or controls: {quoted(names)}. Name them "
            "alike, so that they can be one."
        )
    return joined_outcome(read), *names[0]


def _outcome_label(table: OpenTable, column: Hashable) -> Hashable:
    """What the outcome is called: a column made by a layout has the name of its role."""
    return "revenue" if column == MADE.format("outcome") else column


def _outcome_column(
    table: OpenTable, controls: tuple[Hashable, ...], apart: bool, notes: list[Note]
) -> Hashable:
    """Column with the KPI; the only column left over counts when the table has its own."""
    frame, name = table.frame, table.rows.table
    found = find_column(frame, "outcome", table.roles, name)
    used = {*table.taken, *controls, *matching_columns(frame, "channel")}
    left = sorted((column for column in frame.columns if column not in used), key=str)
    layout = table.laid.layout
    paid_for = layout is not None and "spend" in layout.needs and table.laid.own_outcome is None
    if found is None and apart and layout is not None and paid_for:
        raise InputError(
            f"{name} is read as {layout.title}, which holds spend and no outcome. Pass it as the "
            "spend, and what the shop or the books say as the outcome: are the two swapped?"
        )
    if found is None and apart and len(left) > 1:
        raise InputError(
            f"{name} has {len(left)} columns that could be the outcome: {every_quoted(left)}. "
            f"Name it: columns={{'outcome': {left[0]!r}}}; list the others as controls or drop "
            "them."
        )
    if found is None and table.laid.own_outcome is not None:
        raise _only_credited(table)
    if found is None and not (apart and left):
        raise no_column(frame, "outcome", name)
    outcome = left[0] if found is None else found
    check_apart({"the outcome": [outcome], "a control": controls, "another role": table.taken})
    ignored = [column for column in left if column != outcome]
    if found is not None and found == table.laid.own_outcome:
        notes.append(_credited(table, found))
    if apart and ignored and table.laid.layout is None:
        message = f"Outcome is column {outcome!r}; columns not used: {every_quoted(ignored)}."
        notes.append(Note(kind="ignored_columns", message=message))
    return outcome


def _only_credited(table: OpenTable) -> InputError:
    """Error for an export of a platform whose outcome is what it credits itself."""
    own, layout = table.laid.own_outcome, table.laid.layout
    assert layout is not None
    return InputError(
        f"{table.rows.table} is read as {layout.title}, and its {own!r} is what "
        f"{layout.credits_itself} count for their own ads: several platforms count the same sale. "
        "Pass what the shop or the books say as the outcome; to use it all the same: "
        f"columns={{'outcome': {own!r}}}.",
        remedy={"columns": {"outcome": own}},
    )


def _credited(table: OpenTable, column: Hashable) -> Note:
    assert table.laid.layout is not None
    return Note(
        kind="credited_outcome",
        message=f"The outcome {column!r} is what {table.laid.layout.credits_itself} count for "
        "their own ads: several platforms count the same sale, and each counts what would have "
        "come without it. Revenue of the shop or the books is better.",
    )
