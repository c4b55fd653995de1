"""Columns of a campaign table or its history -> checked arrays. Knows no rules.

Every reader refuses what is unclear and names the rows.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.money import WRITTEN, number_of
from adbudget.policy.metrics.registry import METRICS, counts_of_results, quotients, table_columns
from adbudget.policy.readings.figures import Figures
from adbudget.tables.amounts import read_as_written
from adbudget.tables.messages import Note, Rows, distinct_values
from adbudget.tables.roles import column_of
from adbudget.tables.units import scope_of, unit_of
from adbudget.tables.values import read_names

SCOPES = ("account", "platform")  # whose a campaign is; two accounts may have one of the same name
LABELS = (*SCOPES, "channel")
OTHER = (
    *("campaign_id", "date", "started_at", "changed_at", "updated_at", "status", "currency"),
    *("locked", "budget_id"),
    *LABELS,
)
STATUS = {
    **dict.fromkeys(("active", "enabled", "running"), "active"),
    **dict.fromkeys(("paused",), "paused"),
    **dict.fromkeys(("ended", "removed", "archived", "deleted"), "ended"),
}


def read_figures(frame: pd.DataFrame, rows: Rows) -> dict[str, np.ndarray]:
    """Figures that a table gives: metric -> (row,) float, NaN where missing.

    Raises
    ------
    InputError : not numbers, negative, or percents where shares are expected
    """
    names = [name for name in table_columns() if name in frame.columns]
    given = {
        name: read_as_written(_plain(column_of(frame, name), name, rows), name, rows)
        for name in names
    }
    for name, values in given.items():
        about, negative = METRICS[name], values < 0
        if not about.negative and negative.any():
            raise InputError(
                f"{name} is negative in {rows.named(negative)}: "
                f"{distinct_values(values[negative].tolist())}. Expected 0 or more."
            )
        above = values > (np.inf if about.most is None else about.most)
        if above.any():
            first = float(values[above][0])
            raise InputError(
                f"{name} is above {about.most:g} in {rows.named(above)}: "
                f"{distinct_values(values[above].tolist())}. Expected a share: for "
                f"{first:g}% write {first / 100:g}, or leave the column out and give its parts."
            )
    if "days" in given and (given["days"] == 0).any():
        raise InputError(
            f"days is 0 in {rows.named(given['days'] == 0)}; expected how many days the figures "
            "of the row cover, e.g. 1 or 7."
        )
    return given


def as_numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with amounts and counts that are written as text as numbers."""
    rows = Rows(table="the table", labels=frame.index)
    names = [name for name in table_columns() if name in frame.columns]
    return frame.assign(**{name: _plain(column_of(frame, name), name, rows) for name in names})


def signs_in(frame: pd.DataFrame) -> list[str]:
    """Signs and codes of currencies that columns of money are written with."""
    found: dict[str, None] = {}
    for name in table_columns():
        if name in frame.columns and METRICS[name].unit.money and not _is_numeric(frame, name):
            for value in column_of(frame, name).unique():
                written = WRITTEN.fullmatch(value.strip()) if isinstance(value, str) else None
                sign = (written["before"] or written["after"]) if written else None
                found |= {sign.strip(): None} if sign else {}
    return list(found)


def _is_numeric(frame: pd.DataFrame, name: str) -> bool:
    return pd.api.types.is_numeric_dtype(column_of(frame, name).dtype)


def _plain(values: pd.Series, name: str, rows: Rows) -> pd.Series:
    """Amounts and counts as people write them, "$1,000.00" or "1,200", as numbers.

    What is written otherwise is left as it is.

    Raises
    ------
    InputError : a percentage, where a share is to be written
    """
    if pd.api.types.is_numeric_dtype(values.dtype):
        return values
    percent = np.array([isinstance(value, str) and "%" in value for value in values], dtype=bool)
    if percent.any():
        text = str(values.to_numpy(dtype=object)[percent][0]).strip()
        share = re.fullmatch(r"([-+]?[\d.]+) ?%", text)
        write = f"; for {text} write {float(share[1]) / 100:g}" if share else ""
        raise InputError(
            f"{name} is written in percent in {rows.named(percent)}: "
            f"{distinct_values(values[percent].tolist())}. Write the share{write}."
        )
    return values.map(_number_of)


def _number_of(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = value.strip()
    if not text:
        return np.nan
    sign = -1.0 if text.startswith("-") else 1.0
    written = WRITTEN.fullmatch(text.lstrip("-").strip())
    if written is None or (written["before"] and written["after"]):
        return value
    if any(letter.isalpha() for letter in (written["before"] or written["after"] or "")):
        return value  # the code of a currency has a column of its own
    return sign * float(number_of(written["number"]))


def with_both_counts(
    given: dict[str, np.ndarray], table: str, notes: list[Note], *, alone: bool = True
) -> dict[str, np.ndarray]:
    """Let the one count of results that a table gives serve as the other one too.

    Parameters
    ----------
    given : from :func:`read_figures`
    table : how the note calls the table
    notes : a note whose kind is the count that is not given is added
    alone : whether the other count is given nowhere else either; otherwise it stays unknown
    """
    counts = counts_of_results()
    have = [name for name in counts if name in given and np.isfinite(given[name]).any()]
    if len(have) != 1:
        return given
    missing = next(name for name in counts if name not in have)
    message = f"{table}: {missing} are not given; " + (
        f"{have[0]} stand for them." if alone else "what needs them is unknown."
    )
    notes.append(Note(kind=missing, message=message))
    return given | {missing: given[have[0]]} if alone else given


def read_units(
    frame: pd.DataFrame, rows: Rows, scope: str = ""
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Campaigns by the names the ledger knows them by: (row,) position in the names, and these.

    Parameters
    ----------
    frame : its columns account and platform, where it has them, say whose a campaign is
    rows : of the frame
    scope : whose they are where the frame has neither column

    Raises
    ------
    InputError : a name is missing, blank, or one that no ledger can hold; names the rows
    """
    codes, names = _names(frame, "campaign_id", rows)
    whose = {name: _names(frame, name, rows) for name in SCOPES if name in frame.columns}
    if not whose:
        return codes, tuple(unit_of(name, scope) for name in names)
    known: dict[str, int] = {}
    units = np.empty(len(frame), np.intp)
    for row, code in enumerate(codes):
        of_row = {name: given[1][given[0][row]] for name, given in whose.items()}
        units[row] = known.setdefault(unit_of(names[code], scope_of(**of_row)), len(known))
    return units, tuple(known)


def _names(frame: pd.DataFrame, column: str, rows: Rows) -> tuple[np.ndarray, tuple[str, ...]]:
    codes, names = read_names(column_of(frame, column), column, rows)
    bad = np.array([any(c == "\0" or "\ud800" <= c <= "\udfff" for c in name) for name in names])
    if bad.any():
        wrong = [name for name, is_bad in zip(names, bad, strict=True) if is_bad]
        raise InputError(
            f"{column} holds a character that no ledger can hold in {rows.named(bad[codes])}: "
            f"{distinct_values(wrong)}. Leave it out."
        )
    return codes, names


def read_status(frame: pd.DataFrame, rows: Rows) -> np.ndarray:
    """Status: (row,) "active", "paused" or "ended"; active when the table has no such column.

    Raises
    ------
    InputError : missing or unknown
    """
    if "status" not in frame.columns:
        return np.full(len(frame), "active", dtype=object)
    codes, different = pd.factorize(column_of(frame, "status"))
    words = [STATUS.get(str(value).strip().lower()) for value in different]
    wrong = np.array([word is None for word in words] + [True])[codes]
    if wrong.any():
        raise InputError(
            f"status is missing or unknown in {rows.named(wrong)}: "
            f"{distinct_values(frame['status'][wrong].tolist())}. Expected one of "
            f"{', '.join(STATUS)}."
        )
    return np.array([*words, None], dtype=object)[codes]


def read_labels(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """Columns that name groups of campaigns: name -> (row,) text, "" where missing."""
    found = {}
    for name in (name for name in LABELS if name in frame.columns):
        codes, different = pd.factorize(column_of(frame, name))
        texts = [*(str(value).strip() for value in different), ""]  # -1, a missing one, is the last
        found[name] = np.array(texts, dtype=object)[codes]
    return found


def standing_for(given: dict[str, np.ndarray], read: dict[str, np.ndarray]) -> dict[str, str]:
    """Count that :func:`with_both_counts` has added to what was read -> the one it is made of."""
    counts = counts_of_results()
    return {
        new: next(c for c in counts if c != new)
        for new in counts
        if given.get(new) is not read.get(new)
    }


def contradictions(
    figures: Figures,
    name_of: Callable[[int], str],
    rows: Rows,
    stands_for: Mapping[str, str],
) -> list[Note]:
    """Notes on figures that are given and differ from what their parts say by over 1%.

    Parameters
    ----------
    name_of : position of a row -> what the message calls it
    stands_for : count that is not given -> the one that serves instead
    """
    notes = []
    for metric in quotients():
        value, parts = figures.column(metric), figures.from_parts(metric)
        away = figures.given[metric] & (np.abs(value - parts) > 0.01 * np.abs(parts))
        if away.any():
            first = int(np.flatnonzero(away)[0])
            below = str(METRICS[metric].denominator)
            formula = f"{METRICS[metric].quotient} / {stands_for.get(below, below)}"
            message = (
                f"{rows.table}: {metric} is not {formula} in "
                f"{int(away.sum())} rows, e.g. {name_of(first)}: {value[first]:g} is given, its "
                f"parts say {parts[first]:g}. The given figure is used."
            )
            notes.append(Note(kind="contradiction", message=message))
    return notes
