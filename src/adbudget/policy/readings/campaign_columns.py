"""Columns of a campaign table or its history -> checked arrays. Knows no rules.

Every reader refuses what is unclear and names the rows.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.policy.metrics.registry import METRICS, quotients, table_columns
from adbudget.policy.readings.figures import Figures
from adbudget.tables.amounts import read_as_written
from adbudget.tables.messages import Note, Rows, distinct_values
from adbudget.tables.roles import column_of
from adbudget.tables.units import scope_of, unit_of
from adbudget.tables.values import read_names

SCOPES = ("account", "platform")  # whose a campaign is; two accounts may have one of the same name
OTHER = (
    *SCOPES,
    *("campaign_id", "date", "started_at", "updated_at", "status", "currency", "locked"),
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
    given = {name: read_as_written(column_of(frame, name), name, rows) for name in names}
    for name, values in given.items():
        about, negative = METRICS[name], values < 0
        if not about.negative and negative.any():
            raise InputError(
                f"{name} is negative in {rows.named(negative)}: "
                f"{distinct_values(values[negative].tolist())}. Expected 0 or more."
            )
        above = values > (np.inf if about.most is None else about.most)
        if above.any():
            raise InputError(
                f"{name} is above {about.most:g} in {rows.named(above)}: "
                f"{distinct_values(values[above].tolist())}. Expected a share: write 0.025 for "
                "2.5%, or leave the column out and give its parts."
            )
    if "days" in given and (given["days"] == 0).any():
        raise InputError(
            f"days is 0 in {rows.named(given['days'] == 0)}; expected how many days the figures "
            "of the row cover, e.g. 1 or 7."
        )
    return given


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


def contradictions(figures: Figures, name_of: Callable[[int], str], rows: Rows) -> list[Note]:
    """Notes on figures that are given and differ from what their parts say by over 1%.

    Parameters
    ----------
    name_of : position of a row -> what the message calls it
    """
    notes = []
    for metric in quotients():
        value, parts = figures.column(metric), figures.from_parts(metric)
        away = figures.given[metric] & (np.abs(value - parts) > 0.01 * np.abs(parts))
        if away.any():
            first = int(np.flatnonzero(away)[0])
            message = (
                f"{rows.table}: {metric} is not {METRICS[metric].formula} in "
                f"{int(away.sum())} rows, e.g. {name_of(first)}: {value[first]:g} is given, its "
                f"parts say {parts[first]:g}. The given figure is used."
            )
            notes.append(Note(kind="contradiction", message=message))
    return notes
