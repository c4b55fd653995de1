"""Campaign table, and its history -> Readings: checked once, every metric derived that can be.

Knows nothing of rules, targets or ledgers.
"""

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.money import digits_of, may_be_in
from adbudget.policy.metrics.registry import counts_of_results, table_columns
from adbudget.policy.readings.campaign_columns import (
    OTHER,
    as_numbers,
    contradictions,
    read_figures,
    read_labels,
    read_status,
    read_units,
    signs_in,
    standing_for,
    with_both_counts,
)
from adbudget.policy.readings.daily import History
from adbudget.policy.readings.figures import derive
from adbudget.policy.readings.readings import Readings
from adbudget.policy.readings.shared import pooled, shared_budgets
from adbudget.tables.amounts import need_every, whole_minor
from adbudget.tables.currencies import currency_of_table
from adbudget.tables.dates import read_dates
from adbudget.tables.instants import as_moment, read_moments
from adbudget.tables.messages import Note, Rows, listed, quoted
from adbudget.tables.named_columns import (
    checked_frame,
    read_locked,
    refuse_twice,
    unread_columns,
)
from adbudget.tables.roles import column_of
from adbudget.tables.units import split_unit

__all__ = ["Readings", "read_campaigns"]

NO_READING = ("budget", "days", "age_days")  # given alone, they tell nothing of the day
DAY = np.timedelta64(1, "D")
FIRST_HOURS = 1 / 8  # of a day


def read_campaigns(
    frame: Any,
    *,
    history: Any = None,
    as_of: date | datetime | str,
    currency: str | None = None,
    exponent: int | None = None,
    scope: str = "",
) -> Readings:
    """Check a campaign table and its history, and derive every metric whose parts are given.

    Parameters
    ----------
    frame : one row per campaign. Needs campaign_id and budget (per day); may have any other of
        :func:`adbudget.policy.metrics.registry.table_columns`, date (the day the figures are for;
        the day of ``as_of`` when not given), started_at, changed_at, updated_at, status, currency,
        locked, and account, platform or channel, which name groups of campaigns
    history : the same by ``date``, one row per campaign and day; budget is optional there
    as_of : the moment of the decision; a date is its midnight
    currency : ISO code, when the table has no such column
    exponent : digits after the point of the currency; by default those of ISO 4217, and 2 for
        an unknown currency
    scope : whose campaigns they are, where the table has no column account or platform; from
        :func:`adbudget.tables.units.scope_of`

    Raises
    ------
    InputError : names the rows, what was expected and what came
    """
    moment = as_moment(as_of)
    table = checked_frame(frame, "campaigns", ("campaign_id", "budget"))
    members = shared_budgets(table)
    if members:
        _campaign_ids(table, Rows(table="the campaign table", labels=table.index), scope)
        table = pooled(
            as_numbers(table), members, Rows(table="the campaign table", labels=table.index)
        )
    rows = Rows(table="the campaign table", labels=table.index)
    notes = unread_columns(table, "campaigns", (*table_columns(), *OTHER))
    names = _campaign_ids(table, rows, scope)
    code = currency_of_table(table, rows, currency)
    for sign in signs_in(table):
        if code is not None and not may_be_in(sign, code):
            raise InputError(f"campaigns: money is written in {sign} and the table is in {code}.")
    digits = digits_of(code or "") if exponent is None else exponent
    started_at = read_moments(table, "started_at", moment, rows)
    served: list[Note] = []
    as_read = read_figures(table, rows)
    given = with_both_counts(as_read, "campaigns", served)
    stands_for = standing_for(given, as_read)
    now = np.datetime64(moment.replace(tzinfo=None), "s")
    given["age_days"] = np.divide(now - started_at, DAY)
    changed_at = read_moments(table, "changed_at", moment, rows)
    given["days_since_change"] = np.divide(now - changed_at, DAY)
    day = _days(table, moment, rows, notes)
    if "date" in table.columns:
        given["days"] = _of_today(given.get("days"), day, moment)
    figures = derive(given, len(table))
    notes += contradictions(figures, lambda row: f"campaign {names[row]!r}", rows, stands_for)
    readings = Readings(
        campaign_ids=names,
        as_of=moment,
        budget_minor=_budgets(given["budget"], digits, rows),
        currency=code,
        exponent=digits,
        status=read_status(table, rows),
        started_at=started_at,
        changed_at=changed_at,
        updated_at=read_moments(table, "updated_at", moment, rows),
        locked=read_locked(table, rows),
        day=day,
        last_day=day,
        figures=figures,
        labels=read_labels(table),
        members=members,
        history=None,
        notes=(),
        stands_for=stands_for,
        served=(),
    )
    if history is not None:
        past = read_history(history, readings, notes, served)
        readings = replace(readings, history=past, last_day=_last_days(readings, past, notes))
        notes += _two_readings_of_a_day(readings)
    return replace(readings, notes=tuple(notes), served=tuple(served))


def _campaign_ids(table: pd.DataFrame, rows: Rows, scope: str) -> tuple[str, ...]:
    codes, different = read_units(table, rows, scope)
    advice = "Sum the rows of a campaign, or pass earlier days as history."
    refuse_twice(codes, different, "campaign_id", rows, advice)
    return tuple(different[code] for code in codes)


def _budgets(budget: np.ndarray, digits: int, rows: Rows) -> np.ndarray:
    """(campaign,) int64 whole minor units."""
    advice = "Every campaign needs its budget per day; write 0 for one that has none."
    budget = need_every(budget, "budget", rows, advice)
    return whole_minor(budget, "budget", np.full(budget.size, digits), rows).astype(np.int64)


def _days(table: pd.DataFrame, moment: datetime, rows: Rows, notes: list[Note]) -> np.ndarray:
    today = np.datetime64(moment.date(), "D")
    if "date" not in table.columns:
        return np.full(len(table), today)
    days = read_dates(column_of(table, "date"), "date", rows, notes)
    _refuse_later(days, today, rows)
    return days


def _of_today(days: np.ndarray | None, day: np.ndarray, moment: datetime) -> np.ndarray:
    """(campaign,) days of each row, where those of today cover no more than what is gone of it.

    As of midnight a row of that day is the whole of it, because a date has no time. The first
    hours count as three, for nobody spends evenly from the first minute on.
    """
    days = np.full(day.size, 1.0) if days is None else np.where(np.isnan(days), 1.0, days)
    gone = (moment.hour + moment.minute / 60 + moment.second / 3600) / 24
    if not gone:
        return days
    today = (day == np.datetime64(moment.date(), "D")) & (days <= 1)
    return np.where(today, np.minimum(days, max(gone, FIRST_HOURS)), days)


def _refuse_later(days: np.ndarray, today: np.datetime64, rows: Rows) -> None:
    late = days > today
    if late.any():
        raise InputError(
            f"date is after as_of ({today}) in {rows.named(late)}: "
            f"{listed(np.unique(days[late]))}. Nothing can be known from later: pass only rows up "
            "to as_of, or check as_of."
        )


def read_history(data: Any, readings: Readings, notes: list[Note], served: list[Note]) -> History:
    """History of the campaigns of the table, sorted by campaign and day; adds to the notes.

    A history that does not say whose its campaigns are is of the account of the table, if that
    has one only.

    Raises
    ------
    InputError : as :func:`read_campaigns`
    """
    table = checked_frame(data, "history", ("campaign_id", "date"))
    rows = Rows(table="the history", labels=table.index)
    if readings.members:
        table = pooled(as_numbers(table), readings.members, rows, by_day=True)
        rows = Rows(table="the history", labels=table.index)
    notes += unread_columns(table, "history", (*table_columns(), *OTHER))
    codes, different = read_units(table, rows, _only_scope(readings))
    days = read_dates(column_of(table, "date"), "date", rows, notes)
    _refuse_later(days, np.datetime64(readings.as_of.date(), "D"), rows)
    one = _one_count(readings)
    as_read = read_figures(table, rows)
    given = with_both_counts(as_read, "history", served, alone=one)
    stands_for = standing_for(given, as_read)
    place = {name: i for i, name in enumerate(readings.campaign_ids)}
    campaign = np.array([place.get(name, -1) for name in different])[codes]
    gone = [name for name in different if name not in place]
    if gone:
        message = f"history: not in the campaign table, and not read: {quoted(gone)}."
        notes.append(Note(kind="unknown_campaign", message=message))
    order = np.lexsort((days, campaign))
    order = order[campaign[order] >= 0]
    campaign, days = campaign[order], days[order]
    again = (np.diff(campaign) == 0) & (np.diff(days).astype(int) == 0)
    if again.any():
        twice = np.zeros(len(table), dtype=bool)
        twice[order[1:][again]] = True
        raise InputError(
            f"the history has two readings of one campaign and day, the second in "
            f"{rows.named(twice)}. Keep one: history.drop_duplicates(['campaign_id', 'date'])."
        )
    given = {name: values[order] for name, values in given.items()}
    given["age_days"] = np.divide(days - readings.started_at[campaign], DAY)
    figures = derive(given, order.size)
    notes += contradictions(
        figures,
        lambda row: f"{readings.campaign_ids[campaign[row]]!r} on {days[row]}",
        rows,
        stands_for,
    )
    return History(campaign=campaign, day=days, figures=figures)


def _only_scope(readings: Readings) -> str:
    """Whose all the campaigns of the table are; "" when they are of several accounts."""
    scopes = {split_unit(name)[0] for name in readings.campaign_ids}
    return next(iter(scopes)) if len(scopes) == 1 else ""


def _one_count(readings: Readings) -> bool:
    """Whether the campaign table counts results in one way, or not at all."""
    first, second = (readings.metric(name) for name in counts_of_results())
    return bool(
        np.array_equal(first, second, equal_nan=True) or np.isnan([first, second]).all(1).any()
    )


def _last_days(readings: Readings, history: History, notes: list[Note]) -> np.ndarray:
    """Day of each campaign's latest daily reading: (campaign,) datetime64[D].

    Figures of whole days come in the morning after, so a history may end a day before the table.
    """
    told = [given for name, given in readings.figures.given.items() if name not in NO_READING]
    of_table = (readings.metric("days") <= 1) & np.logical_or.reduce(told)
    before = readings.day - np.timedelta64(1, "D")
    ends_before = ~of_table & (history.rows_at(readings.day) < 0) & (history.rows_at(before) >= 0)
    if ends_before.any():
        message = (
            f"{int(ends_before.sum())} campaigns have no daily reading of the day of the table; "
            "rules about changes and several days take the day before as their latest."
        )
        notes.append(Note(kind="latest_reading", message=message))
    return np.where(ends_before, before, readings.day)


def _two_readings_of_a_day(readings: Readings) -> list[Note]:
    """A note when the table and the history tell different things about the same day."""
    notes = []
    for name in ("cpl", "cpa", "roas"):
        table, past = readings.metric(name), readings.daily(name)
        away = (readings.metric("days") <= 1) & (np.abs(table - past) > 0.01 * np.abs(past))
        if away.any():
            first = int(np.flatnonzero(away)[0])
            message = (
                f"{name} of {int(away.sum())} campaigns differs between the table and the history "
                f"of the same day, e.g. {readings.campaign_ids[first]!r}: {table[first]:g} and "
                f"{past[first]:g}. Rules about the present use the table, those about changes and "
                "several days the history."
            )
            notes.append(Note(kind="contradiction", message=message))
    return notes
