"""A table + its layout -> the rows that count, the columns that play a role, and notes.

What a caller says of columns goes before what a layout says. Reads no numbers but those it adds up.
"""

import re
import string
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, cast

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.tables.derived import add_derived
from adbudget.tables.layout import (
    ROLES,
    Layout,
    channel_columns,
    column_of_word,
    columns_of_word,
    control_columns,
    currency_in_title,
    factors_of,
    find_layout,
    without_spend,
)
from adbudget.tables.messages import Note, Rows, every_quoted
from adbudget.tables.roles import column_of
from adbudget.tables.totals import without_totals

DELIVERED = re.compile(r"id$|impr|click|reach|conversion|result|view|ct[rs]", re.IGNORECASE)
LEFT_OUT = "-"  # what a name is mapped to when its rows are to be left out
MADE = "{} by layout"  # title of a column that a layout makes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LaidOut:
    """A table and what is known of it before any value is read.

    Attributes
    ----------
    frame : the rows that count, with the columns that the layout makes
    roles : role -> column
    channels : column -> channel, of a wide table whose layout says so
    controls : columns of the layout's controls
    layout : what it was recognised as; None for a table of no known layout
    accounts : columns that may be the account, ids before names
    names : columns whose values may stand for a channel in a mapping, such as the campaign's
    feed : column that says which platform a row is from; None when all are from one
    own_outcome : column of the outcome that whoever is paid reports of itself
    """

    frame: pd.DataFrame
    roles: Mapping[str, Hashable] = field(default_factory=dict)
    channels: Mapping[Hashable, str] = field(default_factory=dict)
    controls: tuple[Hashable, ...] = ()
    layout: Layout | None = None
    accounts: tuple[Hashable, ...] = ()
    names: tuple[Hashable, ...] = ()
    feed: Hashable | None = None
    own_outcome: Hashable | None = None


def lay_out(
    frame: pd.DataFrame,
    table: str,
    asked: object,
    told: Mapping[str, Hashable],
    notes: list[Note],
) -> LaidOut:
    """Find the layout of a table and carry it out.

    Parameters
    ----------
    asked : as in :func:`adbudget.tables.layout.find_layout`
    told : role -> column, as the caller says
    notes : gains what was recognised and left out

    Raises
    ------
    InputError : as :func:`adbudget.tables.layout.find_layout`, or no row is left
    """
    roles = {role: name for role, name in told.items() if name in frame.columns}
    layout = find_layout(frame, asked, table)
    if layout is None:
        if asked is None and not {"spend", "channel"} & set(roles):
            _check_spend_was_exported(frame, table)
        return LaidOut(frame=frame, roles=roles)
    date = roles.get("date", column_of_word(frame, layout, "date"))
    if date is not None:
        frame = without_totals(frame, date, table, notes)
    frame = _counting(frame, layout, table, notes)
    if layout.spread:
        frame = _spread(frame, layout)
    frame = _with_made(frame, layout)
    own = {role: column_of_word(frame, layout, role) for role in ROLES}
    own = {role: column for role, column in own.items() if column is not None}
    for role in layout.made:
        if MADE.format(role) in frame.columns:
            own[role] = MADE.format(role)
    for role, word in layout.less.items():
        frame, own = _less(frame, layout, role, word, own)
    wide = channel_columns(frame, layout)
    if layout.channel and "channel" not in roles:
        frame, own["channel"] = _with_channel(frame, layout, table)
    code = currency_in_title(frame, layout)
    if code and "currency" not in own:
        frame = frame.assign(**{MADE.format("currency"): code})
        own["currency"] = MADE.format("currency")
    reported = own.pop("outcome", None) if layout.credits_itself else None
    laid = LaidOut(
        frame=frame,
        roles={**own, **roles},
        channels=wide,
        controls=tuple(control_columns(frame, layout)),
        layout=layout,
        accounts=tuple(columns_of_word(frame, layout, "account")),
        names=tuple(columns_of_word(frame, layout, "campaign")),
        feed=column_of_word(frame, layout, "platform"),
        own_outcome=reported,
    )
    notes.append(_recognised(laid, table, frame))
    return laid


def _check_spend_was_exported(frame: pd.DataFrame, table: str) -> None:
    """Say which column an export lacks, before anybody is asked for the date."""
    layout = without_spend(frame)
    numbers = frame.select_dtypes("number").columns
    if layout is not None and all(DELIVERED.search(str(name)) for name in numbers):
        title = layout.columns["spend"][0].replace(" ({currency})", "")
        raise InputError(
            f"{table} looks like {layout.title} without what was spent: add {title!r} to the "
            f"columns of the export. It has {every_quoted(frame.columns)}. If one of these is the "
            "spend, say so: columns={'spend': 'your spend column'}."
        )


def _recognised(laid: LaidOut, table: str, frame: pd.DataFrame) -> Note:
    assert laid.layout is not None
    layout = laid.layout
    said = [f"{role} is {column!r}" for role, column in laid.roles.items() if role != "channel"]
    if laid.channels:
        pairs = (f"{column!r} as {channel!r}" for column, channel in laid.channels.items())
        said.append(f"channels are {', '.join(pairs)}")
    elif "channel" in laid.roles:
        found = sorted({str(name) for name in frame[laid.roles["channel"]].dropna()})
        said.append(f"channels are {every_quoted(found)}")
    if laid.controls:
        said.append(f"controls are {every_quoted(laid.controls)}")
    used = {*laid.roles.values(), *laid.channels, *laid.controls, *laid.accounts, *laid.names}
    unused = [name for name in frame.columns if name not in used and name != laid.feed]
    tail = f" Not used: {every_quoted(unused)}." if unused else ""
    if laid.names and laid.roles.get("channel") not in laid.names:
        column = laid.names[0]
        tail += (
            f" Its {frame[column].nunique():,} different {column!r} are summed to these channels; "
            f"for others: channel_of={{'brand*': 'search_brand'}}, or "
            f"columns={{'channel': {column!r}}}."
        )
    if layout.missing_day == "zero":
        tail += " Days without a row count as no spend, as this export leaves idle days out."
    remark = f" {layout.remark[:1].upper()}{layout.remark[1:]}." if layout.remark else ""
    return Note(
        kind="layout",
        message=f"{table[:1].upper()}{table[1:]} is read as {layout.title} "
        f"(layout {layout.name!r}): {'; '.join(said)}.{tail}{remark}",
    )


# Rows --------------------------------------------------------------------------------------------


def _counting(frame: pd.DataFrame, layout: Layout, table: str, notes: list[Note]) -> pd.DataFrame:
    """Rows that the layout counts; a note says how many it leaves out, and why."""
    rows = Rows(table=table, labels=frame.index)
    left_out = np.zeros(len(frame), dtype=bool)
    why = []
    for words, wanted, is_kept in ((layout.keep, True, "is not"), (layout.drop, False, "is")):
        for word, values in words.items():
            column = column_of_word(frame, layout, word)
            if column is None:
                continue
            has = frame[column].notna() & (frame[column].astype(str).str.strip() != "")
            named = frame[column].astype(str).str.strip().str.casefold().isin(values)
            chosen = ((has if values == ("*",) else named) != wanted).to_numpy()
            if (chosen & ~left_out).any():
                shown = "filled" if values == ("*",) else " or ".join(values)
                why.append(f"{int((chosen & ~left_out).sum())} whose {column!r} {is_kept} {shown}")
            left_out |= chosen
    for word in layout.filled:
        column = column_of_word(frame, layout, word)
        if column is not None:
            blank = frame[column].isna() | (frame[column].astype(str).str.strip() == "")
            chosen = blank.to_numpy(dtype=bool) & ~left_out
            if chosen.any() and not blank.all():
                why.append(f"{rows.numbered(chosen)}, a total: no {column!r}")
                left_out |= chosen
    if layout.once and (column := column_of_word(frame, layout, layout.once)) is not None:
        known = frame[column].notna().to_numpy() & ~left_out
        again = np.zeros(len(frame), dtype=bool)
        again[known] = frame.loc[known, column].duplicated().to_numpy()
        if again.any():
            why.append(f"{int(again.sum())} that repeat a {column!r}")
        left_out |= again
    if left_out.all():
        raise InputError(
            f"{table}: layout {layout.name!r} leaves out every row: {'; '.join(why)}. Say "
            "layout='none' to name its columns yourself."
        )
    if why:
        message = f"{table[:1].upper()}{table[1:]}: rows left out: {'; '.join(why)}."
        notes.append(Note(kind="rows_left_out", message=message))
    return frame.loc[~left_out] if left_out.any() else frame


def _spread(frame: pd.DataFrame, layout: Layout) -> pd.DataFrame:
    """One column per variable name, values of one place and period added up."""
    words = ("date", "account")
    keys = [c for c in (column_of_word(frame, layout, word) for word in words) if c is not None]
    name, value = (column_of_word(frame, layout, layout.spread[key]) for key in ("name", "value"))
    values: Any = frame.assign(**{str(value): _amounts(frame, value, layout)})
    wide = values.groupby([*keys, name], sort=False)[value].sum(min_count=1).unstack(name)  # noqa: PD010
    return wide.rename_axis(columns=None).reset_index()


# Columns -----------------------------------------------------------------------------------------


def _with_made(frame: pd.DataFrame, layout: Layout) -> pd.DataFrame:
    """Add a column for each role that a formula makes; formulas go before single columns."""
    for role, formulas in layout.made.items():
        able = [one for one in formulas if all(n in frame.columns for n in factors_of(one))]
        if able:
            (frame,) = add_derived([frame], {MADE.format(role): able[0]})
    return frame


def _less(
    frame: pd.DataFrame, layout: Layout, role: str, word: str, own: dict[str, Hashable]
) -> tuple[pd.DataFrame, dict[str, Hashable]]:
    taken_off = column_of_word(frame, layout, word)
    if taken_off is None or role not in own:
        return frame, own
    made = MADE.format(role)
    off = _amounts(frame, taken_off, layout).abs().fillna(0.0)
    return frame.assign(**{made: _amounts(frame, own[role], layout) - off}), {**own, role: made}


def _amounts(frame: pd.DataFrame, column: Any, layout: Layout) -> pd.Series:
    try:
        return cast(pd.Series, pd.to_numeric(column_of(frame, column)))
    except (ValueError, TypeError) as cause:
        raise InputError(
            f"layout {layout.name!r} counts with column {column!r}, which is not all numbers: "
            f"{cause}. Put the true values in, or leave the cell empty where nobody knows it."
        ) from cause


def _with_channel(frame: pd.DataFrame, layout: Layout, table: str) -> tuple[pd.DataFrame, Hashable]:
    """Add the channel of every row by the first rule whose words are columns."""
    made = MADE.format("channel")
    for rule in layout.channel:
        words = [word for _, word, _, _ in string.Formatter().parse(rule) if word]
        columns = {word: column_of_word(frame, layout, word) for word in words}
        if None in columns.values():
            continue
        names = pd.Series(rule, index=frame.index, dtype=object)
        for word, column in columns.items():
            parts = frame[column].astype(str).where(frame[column].notna(), "").str.strip()
            if rule != f"{{{word}}}":
                parts = parts.str.casefold().str.replace(r"\W+", "_", regex=True).str.strip("_")
            texts = zip(names, parts, strict=True)
            slot = f"{{{word}}}"
            names = pd.Series([n.replace(slot, p).rstrip("_") for n, p in texts], index=frame.index)
        return frame.assign(**{made: names}), made
    raise InputError(f"{table}: layout {layout.name!r} has no rule that names its channels.")


# A caller's own names -----------------------------------------------------------------------------


def mapped_names(
    names: Sequence[str],
    also: Sequence[Sequence[str]],
    mapping: Any,
    argument: str,
    fitted: set[tuple[str, str]],
) -> list[str | None]:
    """Each row's name by the first pattern that fits it or what else it is called; None: left out.

    Parameters
    ----------
    names : of every row
    also : for every further column, the row's name there, such as its campaign's
    mapping : pattern, with * and ?, in any case -> name; "-" leaves the rows out
    fitted : gains (argument, pattern) for every pattern that fits a row

    Raises
    ------
    InputError : not a mapping
    """
    if not isinstance(mapping, Mapping) or not mapping:
        raise InputError(
            f"{argument} must map names to names, e.g. {{'brand*': 'search'}}; got {mapping!r}."
        )
    found: dict[tuple[str, ...], str | None] = {}
    for called in dict.fromkeys(zip(names, *also, strict=True)):
        found[called] = called[0]
        for pattern, to in mapping.items():
            if any(_fits_pattern(one, pattern) for one in called):
                fitted.add((argument, str(pattern)))
                found[called] = None if str(to).strip() in ("", LEFT_OUT) else str(to).strip()
                break
    return [found[called] for called in zip(names, *also, strict=True)]


def _fits_pattern(name: str, pattern: object) -> bool:
    return fnmatchcase(name.strip().casefold(), str(pattern).strip().casefold())
