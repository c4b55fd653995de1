"""Caller's table of experiments + Panel -> LiftTests, checked row by row.

A lift test spends differently on one channel of one account for a while and measures, against a
control group, what that changed. Knows nothing of curves, weights or sampling.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.panel.panel import Panel
from adbudget.tables.currencies import codes_in
from adbudget.tables.dates import read_dates
from adbudget.tables.messages import Rows, dates_text, every_quoted, quoted
from adbudget.tables.roles import as_frame, column_of
from adbudget.tables.values import read_names, read_numbers

TABLE = "the lift tests"
MEASURES = ("lift_total", "lift_per_period", "iroas")
REQUIRED = ("account", "channel", "start", "end", "standard_error")
AMOUNTS = ("spend_before", "spend_after", "spend_change", *MEASURES)
KNOWN = (*REQUIRED, "counted_until", "currency", *AMOUNTS)
BEFORE_DAYS = 28  # spend before a test that states only its change: the mean of this many days


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LiftTests:
    """What experiments measured, one entry per test.

    Attributes
    ----------
    account, channel : (test,) names of the cell
    start, end : (test,) datetime64[D] first and last day on which spend was different
    counted_until : (test,) datetime64[D] last day whose outcome was counted, ``end`` or later
    spend_before, spend_after : (test,) account currency per period of the panel
    measure : (test,) "lift_total" (outcome units over the whole test), "lift_per_period" (outcome
        units per counted period) or "iroas" (money gained per money added)
    measured, standard_error : (test,) in the unit of ``measure``
    """

    account: tuple[str, ...]
    channel: tuple[str, ...]
    start: np.ndarray
    end: np.ndarray
    counted_until: np.ndarray
    spend_before: np.ndarray
    spend_after: np.ndarray
    measure: tuple[str, ...]
    measured: np.ndarray
    standard_error: np.ndarray

    def __len__(self) -> int:
        return len(self.account)

    def joined(self, later: "LiftTests") -> "LiftTests":
        """These tests, then those.

        Raises
        ------
        InputError : one of those is known already
        """
        known = set(map(self.describe, range(len(self))))
        again = [name for name in map(later.describe, range(len(later))) if name in known]
        if again:
            raise InputError(
                f"these lift tests are part of the evidence already: {quoted(again)}. Evidence "
                "counted twice looks surer than it is: give only new ones."
            )
        values: dict[str, Any] = {}
        for field in fields(LiftTests):
            mine, theirs = getattr(self, field.name), getattr(later, field.name)
            tuples = isinstance(mine, tuple)
            values[field.name] = mine + theirs if tuples else np.concatenate([mine, theirs])
        return LiftTests(**values)

    def describe(self, test: int) -> str:
        """Name of one test: "search in shop_a, 2024-03-04 to 2024-04-14"."""
        return (
            f"{self.channel[test]} in {self.account[test]}, {self.start[test]} to {self.end[test]}"
        )


def read_lift_tests(data: Any, panel: Panel) -> LiftTests:
    """Read a table of lift tests and check every row against the panel.

    Parameters
    ----------
    data : pandas or polars frame, one row per test. Columns account (may be left out when the
        panel has one account), channel, start, end (first and last day on which spend was
        different), standard_error, and

        - what was spent per period of the panel: ``spend_before`` and ``spend_after``, or
          ``spend_change``; without ``spend_before`` it is the panel's mean spend of the cell over
          the 28 days before the test
        - what was measured, one of ``lift_total`` (outcome units over the whole test),
          ``lift_per_period`` (outcome units per period) and ``iroas`` (money gained per money
          added); ``standard_error`` is in the same unit
        - optionally ``counted_until``, the last day whose outcome was counted when that is after
          ``end``, and ``currency``, which has to be the panel's
    panel : the history the tests belong to

    Returns
    -------
    LiftTests, in the order of the rows

    Raises
    ------
    InputError : a column or value that cannot be used; names the rows and what to change
    """
    if hasattr(data, "columns") and len(data) == 0:
        raise InputError("lift_tests has no rows. Leave it out when there is no test.")
    frame = as_frame(data, "lift_tests")
    _check_columns(frame, panel)
    rows = Rows(table=TABLE, labels=frame.index)
    account, channel = _cells(frame, panel, rows)
    start, end = (read_dates(column_of(frame, name), name, rows, []) for name in ("start", "end"))
    counted = _counted_until(frame, end, rows)
    _check_dates(start, end, counted, rows)
    _check_in_record(panel, account, start, counted, rows)
    _check_currency(frame, panel, account, rows)
    amounts = {name: _amounts(frame, name, rows) for name in AMOUNTS}
    before, after = _spends(panel, account, channel, start, amounts, rows)
    measure, measured = _measured(amounts, rows)
    standard_error = _standard_error(frame, rows)
    _check_once(account, channel, start, end, rows)
    return LiftTests(
        account=tuple(panel.accounts[a] for a in account),
        channel=tuple(panel.channels[c] for c in channel),
        start=start,
        end=end,
        counted_until=counted,
        spend_before=before,
        spend_after=after,
        measure=measure,
        measured=measured,
        standard_error=standard_error,
    )


def _check_columns(frame: pd.DataFrame, panel: Panel) -> None:
    if "lift" in frame.columns:
        raise InputError(
            f"column 'lift' of {TABLE} does not say over what: rename it to 'lift_total' (outcome "
            "units over the whole test) or 'lift_per_period' (per period of the panel), and state "
            "standard_error in the same unit."
        )
    required = set(REQUIRED) - ({"account"} if panel.n_accounts == 1 else set())
    missing = [name for name in REQUIRED if name in required and name not in frame.columns]
    if missing:
        raise InputError(
            f"{TABLE} lack the column(s) {quoted(missing)}; they have "
            f"{every_quoted(frame.columns)}. Every test needs {every_quoted(REQUIRED)}, its spend "
            f"and one of {every_quoted(MEASURES)}."
        )
    unknown = [name for name in frame.columns if name not in KNOWN]
    if unknown:
        raise InputError(
            f"{TABLE} have columns nobody reads: {quoted(unknown)}. Expected "
            f"{every_quoted(KNOWN)}. Rename a misspelt one, or drop them: "
            f"frame.drop(columns={unknown[:5]!r})."
        )


def _cells(frame: pd.DataFrame, panel: Panel, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """(test,) positions of account and channel in the panel."""
    account = np.zeros(len(rows), dtype=int)
    if "account" in frame.columns:
        account = _positions(column_of(frame, "account"), "account", panel.accounts, rows)
    channel = _positions(column_of(frame, "channel"), "channel", panel.channels, rows)
    unused = ~panel.exists[account, channel]
    if unused.any():
        pairs = dict.fromkeys(
            (panel.accounts[a], panel.channels[c])
            for a, c in zip(account[unused], channel[unused], strict=True)
        )
        raise InputError(
            f"{rows.numbered(unused)} test channels their account never spent on in the panel: "
            f"{quoted(pairs)}. Correct the name, or drop the rows: without a history there is "
            "no curve to test."
        )
    return account, channel


def _positions(values: pd.Series, column: str, known: tuple[str, ...], rows: Rows) -> np.ndarray:
    code, names = read_names(values, column, rows)
    unknown = [name for name in names if name not in known]
    if unknown:
        wrong = np.isin(code, [names.index(name) for name in unknown])
        raise InputError(
            f"{rows.numbered(wrong)}: the panel has no {column} called {quoted(unknown)}. "
            f"Expected one of {every_quoted(known)}."
        )
    return np.array([known.index(name) for name in names])[code]


def _counted_until(frame: pd.DataFrame, end: np.ndarray, rows: Rows) -> np.ndarray:
    """(test,) last counted day; the end of the test where the caller states none."""
    if "counted_until" not in frame.columns:
        return end
    values = column_of(frame, "counted_until")
    given = values.notna().to_numpy(dtype=bool)
    counted = np.array(end)
    if given.any():
        stated = rows.take(np.flatnonzero(given))
        counted[given] = read_dates(values.loc[given], "counted_until", stated, [])
    return counted


def _check_dates(start: np.ndarray, end: np.ndarray, counted: np.ndarray, rows: Rows) -> None:
    for early, late, what in ((start, end, "end before"), (end, counted, "are counted until")):
        wrong = late < early
        if wrong.any():
            then = "they start" if what == "end before" else "a day before their end"
            raise InputError(
                f"{rows.numbered(wrong)} {what} {then}: {dates_text(late[wrong])} against "
                f"{dates_text(early[wrong])}. start and end are the first and the last day of "
                "different spend; counted_until is end or later."
            )


def _check_in_record(
    panel: Panel, account: np.ndarray, start: np.ndarray, counted: np.ndarray, rows: Rows
) -> None:
    """A label day is the first or the last day of its period, so one period is allowed for."""
    slack = np.timedelta64(int(np.ceil(panel.period_days)) - 1, "D")
    first, last = panel.dates[panel.first[account]], panel.dates[panel.last[account]]
    outside = (start < first - slack) | (counted > last + slack)
    if outside.any():
        i = int(np.flatnonzero(outside)[0])
        raise InputError(
            f"{rows.numbered(outside)} reach outside the history: account "
            f"{panel.accounts[account[i]]!r} is recorded from {first[i]} to {last[i]}, the test "
            f"runs from {start[i]} to {counted[i]}. Add those periods to the panel, or drop the "
            "test: returns of another time may be other returns."
        )


def _check_currency(frame: pd.DataFrame, panel: Panel, account: np.ndarray, rows: Rows) -> None:
    if "currency" not in frame.columns:
        return
    stated = codes_in(column_of(frame, "currency"), "currency", rows)
    own = np.array(panel.currency, dtype=object)[account]
    wrong = (stated != "") & (stated != own)
    if wrong.any():
        i = int(np.flatnonzero(wrong)[0])
        has = f"is in {own[i]!r}" if own[i] else "states no currency"
        raise InputError(
            f"{rows.numbered(wrong)} are in another currency than the panel: account "
            f"{panel.accounts[account[i]]!r} {has}, the test is in {stated[i]!r}. Convert the "
            "test's money, or state the panel's with read_panel(..., currency=...)."
        )


def _amounts(frame: pd.DataFrame, name: str, rows: Rows) -> np.ndarray:
    """(test,) numbers; NaN where the caller gives none."""
    if name not in frame.columns:
        return np.full(len(rows), np.nan)
    return read_numbers(column_of(frame, name), name, rows)


def _spends(
    panel: Panel,
    account: np.ndarray,
    channel: np.ndarray,
    start: np.ndarray,
    amounts: dict[str, np.ndarray],
    rows: Rows,
) -> tuple[np.ndarray, np.ndarray]:
    """(test,) spend per period without and with the test."""
    before, after = amounts["spend_before"].copy(), amounts["spend_after"]
    change = amounts["spend_change"]
    unclear = np.isfinite(after) == np.isfinite(change)
    lonely = np.isfinite(after) & ~np.isfinite(before)
    if (unclear | lonely).any():
        raise InputError(
            f"{rows.numbered(unclear | lonely)} do not say what was spent. Give spend_before and "
            "spend_after, or spend_change (with spend_before, or the panel's mean of the 28 days "
            "before the test is taken), all per period of the panel, and not both forms in one row."
        )
    for i in np.flatnonzero(~np.isfinite(before)).tolist():
        before[i] = _mean_before(panel, account[i], channel[i], start[i], rows, i)
    after = np.where(np.isfinite(after), after, before + change)
    negative = (before < 0) | (after < 0)
    if negative.any():
        raise InputError(
            f"{rows.numbered(negative)}: spend without or with the test is below zero: "
            f"{quoted(before[negative].tolist())} before, {quoted(after[negative].tolist())} "
            "after. Expected 0 or more per period; a channel switched off has spend_after 0."
        )
    if (before == after).any():
        raise InputError(
            f"{rows.numbered(before == after)} changed no spend: spend_before equals spend_after. "
            "Nothing can be learnt from them; drop the rows or correct the spend."
        )
    return before, after


def _mean_before(panel: Panel, account: int, channel: int, start, rows: Rows, row: int) -> float:
    """Mean spend of a cell over the last 28 recorded days before a test."""
    whole = panel.dates <= start - np.timedelta64(int(panel.period_days), "D")
    recorded = np.flatnonzero(whole & panel.in_record[account])
    if recorded.size == 0:
        raise InputError(
            f"{rows.numbered(np.arange(len(rows)) == row)}: the panel records no period of account "
            f"{panel.accounts[account]!r} before the test starts ({start}), so spend_before is "
            "not known. State it."
        )
    window = max(1, round(BEFORE_DAYS / panel.period_days))
    return float(panel.spend[account, channel, recorded[-window:]].mean())


def _measured(amounts: dict[str, np.ndarray], rows: Rows) -> tuple[tuple[str, ...], np.ndarray]:
    """(test,) which measure each row states, and its value."""
    values = np.stack([amounts[name] for name in MEASURES])
    given = np.isfinite(values)
    wrong = given.sum(axis=0) != 1
    if wrong.any():
        raise InputError(
            f"{rows.numbered(wrong)} state {quoted(given.sum(axis=0)[wrong].tolist())} of the "
            f"measures {every_quoted(MEASURES)}. Every test needs exactly one of them."
        )
    which = given.argmax(axis=0)
    return tuple(MEASURES[w] for w in which), values[which, np.arange(len(rows))]


def _standard_error(frame: pd.DataFrame, rows: Rows) -> np.ndarray:
    error = read_numbers(column_of(frame, "standard_error"), "standard_error", rows)
    wrong = ~(error > 0)
    if wrong.any():
        raise InputError(
            f"column 'standard_error' must be above zero, in the unit of the measure; it is not "
            f"in {rows.numbered(wrong)}: {quoted(error[wrong].tolist())}. A 90% interval of "
            "width w has the standard error w / 3.29."
        )
    return error


def _check_once(account, channel, start, end, rows: Rows) -> None:
    keys = pd.DataFrame({"a": account, "c": channel, "s": start, "e": end})
    twice = keys.duplicated(keep=False).to_numpy()
    if twice.any():
        raise InputError(
            f"{rows.numbered(twice)} are the same test more than once (account, channel, start "
            "and end agree). Evidence counted twice looks surer than it is: keep one row of each."
        )
