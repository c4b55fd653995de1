"""Rows of a plan table -> which of them hold now, how deals are called, and when they pause."""

from collections.abc import Iterable
from datetime import date

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.pacing.booked.replanned import DAY, Pause
from adbudget.tables.dates import read_dates
from adbudget.tables.messages import Note, Rows, distinct_values, quoted
from adbudget.tables.roles import column_of
from adbudget.tables.values import read_names

STATUSES = {
    **dict.fromkeys(("active", "live", "running", "booked", ""), False),
    **dict.fromkeys(("paused", "on hold"), True),
}
LAST_DAY = np.datetime64("9999-12-31", "D")


def optional_dates(table: pd.DataFrame, name: str, rows: Rows, notes: list[Note]) -> np.ndarray:
    """Dates of a column that may be empty, or missing altogether: (row,) datetime64[D], or NaT."""
    days = np.full(len(table), np.datetime64("NaT"), dtype="datetime64[D]")
    if name not in table.columns:
        return days
    values = column_of(table, name)
    given = np.flatnonzero(~_is_empty(values))
    if given.size:
        days[given] = read_dates(values.iloc[given], name, rows.take(given), notes)
    return days


def optional_texts(table: pd.DataFrame, name: str) -> np.ndarray:
    """Texts of a column that may be empty, or missing altogether: (row,) object, "" for none."""
    if name not in table.columns:
        return np.full(len(table), "", dtype=object)
    values = column_of(table, name)
    empty = _is_empty(values)
    texts = ["" if none else str(value).strip() for value, none in zip(values, empty, strict=True)]
    return np.array(texts, dtype=object)


def _is_empty(values: pd.Series) -> np.ndarray:
    missing = values.isna().to_numpy(dtype=bool)
    return missing | np.array([isinstance(value, str) and not value.strip() for value in values])


def deal_names(table: pd.DataFrame, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Name of every row's deal, and what the table calls it: two (row,) object arrays.

    A name that stands in several campaigns is told apart by them: "spring / D1".
    """
    codes, names = read_names(column_of(table, "deal"), "deal", rows)
    labels = np.array(names, dtype=object)[codes]
    campaign_codes, campaigns = read_names(column_of(table, "campaign"), "campaign", rows)
    pairs = np.unique(np.stack([codes, campaign_codes]), axis=1)
    shared = np.bincount(pairs[0], minlength=len(names)) > 1
    named = labels.copy()
    for row in np.flatnonzero(shared[codes]).tolist():
        named[row] = f"{campaigns[campaign_codes[row]]} / {labels[row]}"
    return named, labels


def rows_in_force(
    names: np.ndarray, since: np.ndarray, today: date | None, rows: Rows
) -> tuple[np.ndarray, dict[int, list[int]]]:
    """Which rows hold today, where a deal has several.

    Parameters
    ----------
    names : (row,) deals
    since : (row,) datetime64[D], the day from which a row holds; NaT holds from the beginning
    today : later rows do not hold yet; None takes the newest

    Returns
    -------
    Positions of one row per deal, sorted by deal, and position -> the earlier rows of its deal,
    oldest first

    Raises
    ------
    InputError : two rows of one deal hold from the same day
    """
    begins = np.where(np.isnat(since), np.datetime64("0001-01-01", "D"), since)
    codes = np.unique(names.astype(str), return_inverse=True)[1]
    order = np.lexsort([begins, codes])
    again = (np.diff(codes[order]) == 0) & (np.diff(begins[order]).astype(np.int64) == 0)
    if again.any():
        both = np.zeros(len(names), dtype=bool)
        both[order[:-1][again]] = both[order[1:][again]] = True
        repeated = sorted({str(name) for name in names[both]})
        raise InputError(
            f"deal must be different in every row; {quoted(repeated)} come more than once, in "
            f"{rows.named(both)}. Give each flight of a deal a name of its own; where a row is a "
            "newer version of an earlier one, write from when on it holds in a column "
            "'valid_from'."
        )
    limit = LAST_DAY if today is None else np.datetime64(today, "D")
    versions: dict[int, list[int]] = {}
    for row in order.tolist():
        of_deal = versions.setdefault(int(codes[row]), [])
        if not of_deal or begins[row] <= limit:
            of_deal.append(row)
    chosen = np.array([of_deal[-1] for of_deal in versions.values()], dtype=np.int64)
    return chosen, {of_deal[-1]: of_deal[:-1] for of_deal in versions.values()}


def read_paused(table: pd.DataFrame, rows: Rows) -> np.ndarray:
    """Whether a deal is paused as the column ``status`` says: (row,) bool.

    Raises
    ------
    InputError : another word
    """
    words = np.array([text.lower() for text in optional_texts(table, "status")], dtype=object)
    wrong = np.array([word not in STATUSES for word in words], dtype=bool)
    if wrong.any():
        raise InputError(
            f"status is neither active nor paused in {rows.named(wrong)}: "
            f"{distinct_values(words[wrong].tolist())}. Write one of the two; a deal that is over "
            "is told by its dates."
        )
    return np.array([STATUSES[word] for word in words], dtype=bool)


def read_pauses(
    table: pd.DataFrame, end: np.ndarray, rows: Rows, notes: list[Note]
) -> tuple[Pause, ...]:
    """Pauses of the columns ``paused_from`` and ``paused_until``, both days included.

    Raises
    ------
    InputError : a pause that ends before it begins, or never begins
    """
    first = optional_dates(table, "paused_from", rows, notes)
    last = optional_dates(table, "paused_until", rows, notes)
    headless = np.isnat(first) & ~np.isnat(last)
    if headless.any():
        raise InputError(
            f"paused_until stands without paused_from in {rows.named(headless)}; write both, or "
            "only paused_from for a pause without an end."
        )
    last = np.where(np.isnat(last), np.maximum(end, np.where(np.isnat(first), end, first)), last)
    backwards = ~np.isnat(first) & (last < first)
    if backwards.any():
        raise InputError(f"paused_until is before paused_from in {rows.named(backwards)}.")
    return tuple(
        Pause(row=row, first=first[row], last=last[row])
        for row in np.flatnonzero(~np.isnat(first)).tolist()
    )


def merged(pauses: Iterable[Pause]) -> tuple[Pause, ...]:
    """The same days, without overlaps, in the order of deals and time."""
    joined: list[Pause] = []
    for pause in sorted(pauses, key=lambda one: (one.row, one.first)):
        before = joined[-1] if joined else None
        if before is not None and before.row == pause.row and pause.first <= before.last + DAY:
            joined[-1] = Pause(row=pause.row, first=before.first, last=max(before.last, pause.last))
        else:
            joined.append(pause)
    return tuple(joined)
