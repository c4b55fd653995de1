"""Files of layouts/ -> Layouts, and which of them a table has by its column titles.

A layout says what the columns of somebody's export mean: one TOML file each, and a new file is a
new layout. A caller's own is read in the same way. Reads titles only, no values.
"""

import re
import tomllib
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from adbudget.errors import InputError, nearest
from adbudget.tables.messages import every_quoted, quoted

NO_LAYOUT = "none"
TELLS_PLATFORMS_APART = {"channel", "platform", "publisher", "source"}  # a table of several
ROLES = ("account", "channel", "date", "spend", "outcome", "currency")
CURRENCY = "{currency}"  # in a title: Amount spent (EUR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What the columns of one kind of export mean. ``columns`` maps words to titles.

    Attributes
    ----------
    name : of its file
    title, about : what people call it, and where it comes from
    columns : word -> titles it may have, best first. A word is a role (account, date, spend,
        outcome, currency) or what other keys speak of. Case, blanks and _ make no difference
    needs : words that must all be there for the layout to be recognised
    channel : how a channel is named, the first that can be: "google_ads_{type}" takes the word type
    channels : regular expression of the spend columns of a wide table, with a group "channel"
    controls : regular expressions of columns that move the outcome too
    made : role -> formulas, the first that can be, where no column has the role
    less : role -> word of a column that is taken off it
    keep, drop : word -> values of the rows that are kept, or left out; "*" is any value
    filled : words whose column is blank in rows of totals
    once : word whose every value counts once
    spread : words of the columns with names and values, to be made one column per name
    rows : "summed" when rows of one day are parts of it, "apart" when each stands for itself
    missing_day : "zero" when a day without a row had no spend, "error" when nobody knows
    clock : whether dates have times, whose day counts
    units : role -> "micros" where money is in millionths
    credits_itself : who counts the outcome for their own ads; "" for an independent one
    remark : what a reader must know of the outcome
    """

    name: str
    title: str
    about: str
    columns: Mapping[str, tuple[str, ...]]
    needs: tuple[str, ...]
    channel: tuple[str, ...] = ()
    channels: str = ""
    controls: tuple[str, ...] = ()
    made: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    less: Mapping[str, str] = field(default_factory=dict)
    keep: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    drop: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    filled: tuple[str, ...] = ()
    once: str = ""
    spread: Mapping[str, str] = field(default_factory=dict)
    rows: Literal["summed", "apart"] = "apart"
    missing_day: Literal["zero", "error"] = "error"
    clock: bool = False
    units: Mapping[str, str] = field(default_factory=dict)
    credits_itself: str = ""
    remark: str = ""


def layout_names() -> tuple[str, ...]:
    """Names of the layouts there are."""
    return tuple(layout.name for layout in _known())


def titles_of_names() -> tuple[str, ...]:
    """Titles of every layout whose columns hold names or ids, not numbers."""
    words = ("account", "platform", "type", "campaign", "shop")
    titles = (layout.columns.get(word, ()) for layout in _known() for word in words)
    return tuple(dict.fromkeys(title for some in titles for title in some))


def find_layout(frame: pd.DataFrame, asked: object, table: str) -> Layout | None:
    """Layout of a table: the one asked for, else the one its titles show, else None.

    Parameters
    ----------
    asked : name of a layout, path of a file of one, "none", or None to look at the titles

    Raises
    ------
    InputError : no such layout, its columns are not there, or the titles fit two
    """
    if asked is None:
        fits = [layout for layout in _known() if _fits(frame, layout)]
        found = [layout for layout in fits if not _is_of_several(frame, layout)]
        if len(found) > 1:
            raise InputError(
                f"{table} may be laid out as {quoted(one.name for one in found)}. Say which: "
                f"layout={found[0].name!r}, or layout='none' to name its columns yourself."
            )
        return found[0] if found else None
    layout = _asked(asked)
    if layout is not None and not _fits(frame, layout, _read(layout)):
        lacking = [word for word in _read(layout) if _title(frame, layout, word) is None]
        words = {word: layout.columns.get(word, ()) for word in lacking}
        told = "; ".join(f"{word} ({every_quoted(titles)})" for word, titles in words.items())
        raise InputError(
            f"layout={asked!r}, but {table} lacks what it needs: {told or repr(layout.channels)}. "
            f"Its columns are {every_quoted(frame.columns)}."
        )
    return layout


def without_spend(frame: pd.DataFrame) -> Layout | None:
    """Layout of an export that lacks what was spent; None where nothing looks like one."""
    paid = [layout for layout in _known() if "spend" in layout.needs]
    if any(_title(frame, layout, "spend") is not None for layout in paid):
        return None
    there = {
        layout.name: {word for word in layout.columns if _title(frame, layout, word) is not None}
        for layout in paid
    }
    near = [one for one in paid if {"date", "campaign"} <= there[one.name]]
    return max(near, key=lambda one: len(there[one.name]), default=None)


def column_of_word(frame: pd.DataFrame, layout: Layout, word: str) -> Hashable | None:
    """Column that has one of the titles of a word, the best one."""
    found = _title(frame, layout, word)
    return None if found is None else found[0]


def columns_of_word(frame: pd.DataFrame, layout: Layout, word: str) -> list[Hashable]:
    """Every column that has one of the titles of a word, best first."""
    by_plain = {_plain(name): name for name in frame.columns}
    named = [by_plain.get(_plain(title)) for title in layout.columns.get(word, ())]
    return [name for name in dict.fromkeys(named) if name is not None]


def currency_in_title(frame: pd.DataFrame, layout: Layout) -> str:
    """Currency that the title of the spend column names; "" for none."""
    found = _title(frame, layout, "spend")
    return found[1] if found else ""


def channel_columns(frame: pd.DataFrame, layout: Layout) -> dict[Hashable, str]:
    """Column -> channel of a wide table; empty for a long one."""
    if not layout.channels:
        return {}
    matches = {name: re.fullmatch(layout.channels, str(name)) for name in frame.columns}
    return {name: match["channel"] for name, match in matches.items() if match}


def control_columns(frame: pd.DataFrame, layout: Layout) -> list[Hashable]:
    """Columns of numbers that the layout calls controls."""
    return [
        name
        for name in frame.columns
        if any(re.fullmatch(one, str(name), re.IGNORECASE) for one in layout.controls)
        and pd.api.types.is_numeric_dtype(frame[name].dtype)
    ]


def factors_of(formula: str) -> list[str]:
    """Columns of a formula, "a * b"."""
    return formula.split(" * ")


def _read(layout: Layout) -> tuple[str, ...]:
    """Needed words that are read; others only show which layout it is."""
    read = {*ROLES, *layout.spread.values(), *layout.keep}
    return tuple(word for word in layout.needs if word in read)


def _fits(frame: pd.DataFrame, layout: Layout, needs: tuple[str, ...] | None = None) -> bool:
    needed = all(
        _title(frame, layout, word) is not None or _can_be_made(frame, layout, word)
        for word in (layout.needs if needs is None else needs)
    )
    return needed and (not layout.channels or bool(layout.spread or channel_columns(frame, layout)))


def _is_of_several(frame: pd.DataFrame, layout: Layout) -> bool:
    """Whether a column that the layout does not know tells platforms apart."""
    known = {_plain(title) for titles in layout.columns.values() for title in titles}
    there = {_plain(name) for name in frame.columns}
    return bool(layout.channel) and bool(there & TELLS_PLATFORMS_APART - known)


def _can_be_made(frame: pd.DataFrame, layout: Layout, word: str) -> bool:
    return any(
        all(name in frame.columns for name in factors_of(formula))
        for formula in layout.made.get(word, ())
    )


def _title(frame: pd.DataFrame, layout: Layout, word: str) -> tuple[Hashable, str] | None:
    """Column of a word, and the currency its title names."""
    by_plain = {_plain(name): name for name in frame.columns}
    for title in layout.columns.get(word, ()):
        if CURRENCY not in title:
            if _plain(title) in by_plain:
                return by_plain[_plain(title)], ""
            continue
        before, _, behind = (re.escape(_plain(part)) for part in title.partition(CURRENCY))
        pattern = re.compile(rf"{before}\s*([a-z]{{3}})\s*{behind}")
        for plain, name in by_plain.items():
            if match := pattern.fullmatch(plain):
                return name, match[1].upper()
    return None


def _plain(title: object) -> str:
    return " ".join(str(title).strip("\ufeff ").casefold().replace("_", " ").split())


def _asked(asked: object) -> Layout | None:
    if not isinstance(asked, str | Path):
        raise InputError(f"layout must be a name or the path of a .toml file; got {asked!r}.")
    if asked == NO_LAYOUT:
        return None
    if str(asked).endswith(".toml"):
        return _from_text(_file_text(Path(asked)), Path(asked).stem)
    for layout in _known():
        if layout.name == asked:
            return layout
    names = (*layout_names(), NO_LAYOUT)
    close = nearest(str(asked), names)
    hint = f" Did you mean {close!r}?" if close else ""
    raise InputError(
        f"there is no layout {str(asked)!r}.{hint} There are {', '.join(names)}; or name a .toml "
        "file of your own."
    )


def _file_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as cause:
        raise InputError(f"{path} cannot be read: {cause.strerror or cause}.") from cause


@cache
def _known() -> tuple[Layout, ...]:
    folder = files("adbudget.tables") / "layouts"
    every = [one for one in folder.iterdir() if one.name.endswith(".toml")]
    return tuple(
        _from_text(one.read_text(encoding="utf-8"), one.name.removesuffix(".toml"))
        for one in sorted(every, key=lambda one: one.name)
    )


def _from_text(text: str, name: str) -> Layout:
    """Layout of the text of a file.

    Raises
    ------
    InputError : not TOML, or keys nobody knows
    """
    try:
        told = tomllib.loads(text)
        known = {one.name for one in fields(Layout)} - {"name"}
        unknown = [key for key in told if key not in known]
        if unknown:
            raise InputError(
                f"layout {name}: unknown {quoted(unknown)}. Known are {', '.join(sorted(known))}."
            )
        return Layout(name=name, **{key: _frozen(value) for key, value in told.items()})
    except (tomllib.TOMLDecodeError, TypeError) as cause:
        raise InputError(f"layout {name} cannot be used: {cause}.") from cause


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _frozen(item) for key, item in value.items()}
    return tuple(value) if isinstance(value, list) else value
