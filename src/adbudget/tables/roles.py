"""The caller's frame -> which column plays which role. Knows names and types, reads no values."""

import difflib
import re
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, cast

import pandas as pd

from adbudget.errors import InputError
from adbudget.tables.messages import Note, every_quoted, quoted
from adbudget.tables.totals import is_total_name

DEFAULT_NAMES = {
    "account": ("account",),
    "channel": ("channel",),
    "date": ("date",),
    "spend": ("spend", "cost_micros", "spend_micros"),
    "outcome": ("outcome", "revenue", "sales", "conversion_value"),
    "currency": ("currency",),
}
HINTS = {  # never read as the role, only offered in the message when the column is missing
    "account": ("client", "brand", "customer", "geo"),
    "channel": ("platform", "source", "medium", "network", "publisher"),
    "date": ("day", "week", "month", "time", "ds"),
    "spend": ("cost", "amount", "budget"),
    "outcome": ("kpi", "income", "orders", "conversions", "leads", "value"),
    "currency": (),
}


def as_frame(data: Any, argument: str) -> pd.DataFrame:
    """Caller's table as a pandas frame with plain, unique columns and at least one row.

    Raises
    ------
    InputError : not a frame, empty, or columns that cannot be told apart
    """
    frame = _to_pandas(data, argument)
    if frame.columns.nlevels > 1:
        raise InputError(
            f"{argument} has columns on {frame.columns.nlevels} levels; expected one. "
            "Flatten them, e.g. frame.columns = frame.columns.map('_'.join)."
        )
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()].unique()
        raise InputError(
            f"{argument} has more than one column called {quoted(twice)}. "
            "Rename or drop the extra ones, so that each column has its own name."
        )
    if frame.empty:
        raise InputError(
            f"{argument} is empty ({len(frame)} rows, {frame.shape[1]} columns). "
            "Pass at least 8 periods of spend and outcome; was a filter too strict?"
        )
    return frame


def _to_pandas(data: Any, argument: str) -> pd.DataFrame:
    if isinstance(data, pd.DataFrame):
        return data
    if hasattr(data, "to_pandas") and hasattr(data, "columns"):
        try:
            frame = data.to_pandas()
        except ImportError as error:
            raise InputError(
                f"{argument} is a {type(data).__name__}, which needs pyarrow to be read: "
                "install adbudget[polars], or pass a pandas frame."
            ) from error
        if isinstance(frame, pd.DataFrame):
            return frame
    raise InputError(
        f"{argument} must be a pandas or polars DataFrame; got {type(data).__name__}. "
        "Read files first, e.g. pandas.read_csv(path); collect a lazy frame with .collect()."
    )


def checked_roles(columns: Any, frames: Mapping[str, pd.DataFrame]) -> dict[str, Hashable]:
    """Caller's role -> column mapping, every role known and every column present somewhere."""
    if columns is None:
        return {}
    if not isinstance(columns, Mapping):
        raise InputError(
            "columns must map roles to your column names, e.g. {'date': 'day'}; "
            f"got {type(columns).__name__}."
        )
    unknown = [role for role in columns if role not in DEFAULT_NAMES]
    if unknown:
        raise InputError(
            f"columns names unknown roles {quoted(unknown)}. The roles are "
            f"{every_quoted(DEFAULT_NAMES)}: write {{role: your column}}, in this order."
        )
    for role, name in columns.items():
        if not any(has_column(frame, name) for frame in frames.values()):
            every = list(dict.fromkeys(c for frame in frames.values() for c in frame.columns))
            raise InputError(
                f"columns says that {role!r} is in column {name!r}, but there is no such column in "
                f"{' or '.join(frames)}.{_close_matches([name], every)} "
                f"The columns are {every_quoted(every)}."
            )
    _check_each_once(columns)
    return dict(columns)


def _check_each_once(columns: Mapping[str, Hashable]) -> None:
    roles_by_name: dict[Hashable, list[str]] = {}
    for role, name in columns.items():
        roles_by_name.setdefault(name, []).append(role)
    for name, roles in roles_by_name.items():
        if len(roles) > 1:
            raise InputError(f"columns gives column {name!r} more than one role: {quoted(roles)}.")


def has_column(frame: pd.DataFrame, name: object) -> bool:
    """Whether the caller's name is a column; a list or a dict never is."""
    return isinstance(name, Hashable) and name in frame.columns


def column_of(frame: pd.DataFrame, name: Hashable) -> pd.Series:
    """One column; names are unique, so it is never a frame."""
    return cast(pd.Series, frame[name])


def matching_columns(frame: pd.DataFrame, role: str) -> list[Hashable]:
    """Columns whose name is a default name of the role, whatever their case."""
    names = DEFAULT_NAMES[role]
    matches = [name for name in frame.columns if str(name).strip().casefold() in names]
    exact = [name for name in matches if name in names]
    return exact if len(names) == 1 and exact else matches


def find_column(
    frame: pd.DataFrame, role: str, columns: Mapping[str, Hashable], table: str
) -> Hashable | None:
    """Column that plays a role: the caller's choice, else the one default name; else None.

    Raises
    ------
    InputError : several columns could play it
    """
    if role in columns and columns[role] in frame.columns:
        return columns[role]
    matches = matching_columns(frame, role)
    if len(matches) > 1:
        raise InputError(
            f"{table} has {len(matches)} columns that could be the {role}: {quoted(matches)}. "
            f"Name the right one: columns={{{role!r}: {matches[0]!r}}}."
        )
    return matches[0] if matches else None


def need_column(
    frame: pd.DataFrame, role: str, columns: Mapping[str, Hashable], table: str
) -> Hashable:
    """As :func:`find_column`, but the column has to be there."""
    name = find_column(frame, role, columns, table)
    if name is None:
        raise no_column(frame, role, table)
    return name


def no_column(frame: pd.DataFrame, role: str, table: str) -> InputError:
    """Error for a role that no column plays; looks into the index and at similar names."""
    names = DEFAULT_NAMES[role]
    expected = " or ".join(repr(name) for name in names)
    in_index = [name for name in frame.index.names if str(name).casefold() in names]
    help_index = " It is in the index: call frame.reset_index() first." if in_index else ""
    example = "'the outcome column'" if role == "outcome" else f"'your {role} column'"
    return InputError(
        f"{table} has no {role} column: looked for one called {expected}."
        f"{help_index}{_close_matches((*names, *HINTS[role]), frame.columns)} "
        f"Its columns are {every_quoted(frame.columns)}. "
        f"Name the right one: columns={{{role!r}: {example}}}."
    )


def _close_matches(wanted: Iterable[object], available: Iterable[Hashable]) -> str:
    by_text = {str(name).casefold(): name for name in available}
    close: dict[Hashable, None] = {}
    for name in (str(name).casefold() for name in wanted):
        parts = [text for text in by_text if name in re.split(r"[^a-z0-9]+", text)]
        parts += [text for text in by_text if text.startswith(name) or text.endswith(name)]
        for text in [*difflib.get_close_matches(name, by_text, n=3), *parts]:
            close[by_text[text]] = None
    return f" Did you mean {quoted(list(close)[:3])}?" if close else ""


def as_names(names: Any, argument: str) -> tuple[Hashable, ...]:
    """Caller's list of column names; one name alone is a list of one."""
    if names is None:
        return ()
    if isinstance(names, str):
        return (names,)
    if isinstance(names, Mapping) or not isinstance(names, Iterable):
        raise InputError(
            f"{argument} must be a list of column names; got {type(names).__name__}. "
            f"Example: {argument}=['meta', 'google']."
        )
    every = tuple(names)
    twice = [name for position, name in enumerate(every) if name in every[:position]]
    if twice:
        raise InputError(f"{argument} names {quoted(dict.fromkeys(twice))} more than once.")
    return every


def need_columns(frame: pd.DataFrame, names: Iterable[Hashable], argument: str, table: str) -> None:
    """Every name the caller listed has to be a column of the table."""
    missing = [name for name in names if not has_column(frame, name)]
    if missing:
        raise InputError(
            f"{argument} names {quoted(missing)}, which {table} does not have."
            f"{_close_matches(missing, frame.columns)} "
            f"Its columns are {every_quoted(frame.columns)}."
        )


def check_apart(roles: Mapping[str, Iterable[Hashable | None]]) -> None:
    """No column may be used for two purposes, e.g. as a control and as the outcome."""
    user: dict[Hashable, str] = {}
    for purpose, names in roles.items():
        for name in names:
            if name is None:
                continue
            if name in user:
                raise InputError(
                    f"column {name!r} is used both as {user[name]} and as {purpose}. "
                    "Each column can play one part: leave it out of one of them."
                )
            user[name] = purpose


def spend_suffixed_columns(
    frame: pd.DataFrame, taken: Iterable[Hashable | None], table: str, notes: list[Note]
) -> dict[Hashable, str]:
    """Column -> channel name, for the columns of a wide table whose names end in "spend".

    Raises
    ------
    InputError : there is none, one is a total, or two get the same name
    """
    used = set(taken)
    free = sorted((name for name in frame.columns if name not in used), key=str)
    found = {n: _channel_name(str(n)) for n in free if str(n).casefold().endswith("spend")}
    if not found or "" in found.values():
        raise _no_channels(frame, free, table)
    totals = [name for name, channel in found.items() if is_total_name(channel)]
    if totals and len(found) > 1:
        raise InputError(
            f"{table} has spend columns {every_quoted(found)}, and {quoted(totals)} looks like the "
            "sum of the others, which would count money twice. Name the channels: "
            f"channels={[str(name) for name in found if name not in totals]}."
        )
    if len(set(found.values())) < len(found):
        raise InputError(
            f"{table} has spend columns {every_quoted(found)}, and two of them give the same "
            "channel name. Rename one, or name the channels with channels=[...]."
        )
    pairs = ", ".join(f"{name!r} as {channel!r}" for name, channel in found.items())
    notes.append(
        Note(kind="channels_found", message=f"Channels were found by their column names: {pairs}.")
    )
    return found


def _channel_name(column: str) -> str:
    return column[: -len("spend")].rstrip("_- .")


def _no_channels(frame: pd.DataFrame, free: list[Hashable], table: str) -> InputError:
    numeric = [name for name in free if pd.api.types.is_numeric_dtype(frame[name])]
    shown = numeric or free
    close = _close_matches((*DEFAULT_NAMES["channel"], *HINTS["channel"]), frame.columns)
    return InputError(
        f"{table} has no channel column and no columns like 'meta_spend', so its channels are "
        f"unknown.{close} {'Numeric columns' if numeric else 'Columns'} that might be spend: "
        f"{every_quoted(shown)}. Name the ones that are, one column per channel: channels=[...]; "
        "or, for one row per channel, name the column: columns={'channel': 'your column'}."
    )
