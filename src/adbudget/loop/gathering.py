"""Platform + sources -> tables of whole periods, as far as every feed is complete.

What a platform spent, by account and channel; what the accounts recorded, where nearly all of it
is in; and the controls. Nothing is filled: a period that is not whole is left out, one whose
outcome is still coming in has spend and no outcome.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.loop.maturity import Maturity
from adbudget.loop.sources import DAY, Feed, Source, today_of, value_columns
from adbudget.platforms.platform import Platform, StandingBudget
from adbudget.tables.messages import Note, listed

CELL = ["account", "channel"]
OLDEST_READING = 28  # days for which outcomes are watched coming in


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gathered:
    """What is known at an instant.

    Attributes
    ----------
    budgets : as they stand
    spend : account, channel, date (first day of the period), spend
    outcome : account, date, the outcome (NaN where it is still coming in), controls
    outcome_name : its column
    controls : names
    until : the day after the last whole period
    days : account, date, outcome by day, as told now; what maturity is learned from
    notes : what is worth knowing: late feeds, days left out
    """

    budgets: tuple[StandingBudget, ...]
    spend: pd.DataFrame
    outcome: pd.DataFrame
    outcome_name: str
    controls: tuple[str, ...]
    until: date
    days: pd.DataFrame
    notes: tuple[Note, ...]


def gather(
    platform: Platform,
    sources: Sequence[Source],
    *,
    now: datetime,
    since: date,
    period_days: int,
    maturity: Maturity,
    zones: Sequence[tzinfo] = (UTC,),
) -> Gathered:
    """Read everything, and cut it to whole periods.

    Parameters
    ----------
    platform : its budgets and its spend
    sources : one of role "outcome" at least
    now : the instant, with a time zone
    since : first day; the first day of a period
    period_days : 1 or 7 (weeks begin on Monday)
    maturity : from which age an outcome counts
    zones : time zones of the accounts; a day is over when it is over in all of them

    Raises
    ------
    InputError : a source cannot be read, there is no outcome, or no whole period
    PlatformError : the platform cannot be asked
    """
    notes: list[Note] = []
    today = today_of(now, zones)
    budgets = platform.budgets()
    spent = platform.performance(since, today)
    feeds = [(source, source.read(since, today)) for source in sources]
    outcome_feeds = [(s, feed) for s, feed in feeds if s.role == "outcome"]
    if len(outcome_feeds) != 1:
        raise InputError(f"a loop needs one source of role 'outcome'; got {len(outcome_feeds)}.")
    source, outcome = outcome_feeds[0]
    name, extra = _outcome_column(source, outcome)
    waits = [feed.complete_until for s, feed in feeds if s.late == "wait"]
    over = today_of(spent.complete_until, zones)
    until = _whole(min([over, *waits]), since, period_days)
    if until <= since:
        raise InputError(
            f"there is no whole period from {since} on: spend is complete until "
            f"{over}, "
            + ", ".join(f"{s.name} until {feed.complete_until}" for s, feed in feeds)
            + ". Wait for the feeds, or begin earlier."
        )
    notes += _late(feeds, until)
    spend = _by_period(spent.frame, [*CELL], "spend", since, until, period_days)
    controls = [(s, feed) for s, feed in feeds if s.role == "control"]
    table = _outcome_table(outcome, name, since, until, period_days, today, maturity)
    table = _with_controls(table, [(source, extra, outcome)], since, until, period_days)
    table = _with_controls(
        table, [(s, value_columns(f), f) for s, f in controls], since, until, period_days
    )
    return Gathered(
        budgets=budgets,
        spend=spend,
        outcome=table,
        outcome_name=name,
        controls=tuple(c for c in table.columns if c not in ("account", "date", name)),
        until=until,
        days=pd.DataFrame(
            {
                "account": outcome.frame["account"],
                "date": outcome.frame["date"],
                "outcome": outcome.frame[name],
            }
        ),
        notes=tuple(notes),
    )


def readings_of(gathered: Gathered, today: date) -> list[tuple[str, date, int, float]]:
    """What was told of the days young enough to change: account, day, age in days, outcome."""
    rows = []
    for row in gathered.days.to_dict("records"):
        age = (today - row["date"].date()).days
        if 0 <= age <= OLDEST_READING and np.isfinite(row["outcome"]):
            rows.append((str(row["account"]), row["date"].date(), age, float(row["outcome"])))
    return rows


def first_day(day: date, period_days: int) -> date:
    """The first day of the period that holds a day; weeks begin on Monday."""
    return day if period_days == 1 else day - timedelta(days=day.weekday())


def _whole(until: date, since: date, period_days: int) -> date:
    """The end of the last whole period before a day."""
    return since + (until - since) // timedelta(days=period_days) * timedelta(days=period_days)


def _outcome_column(source: Source, feed: Feed) -> tuple[str, list[str]]:
    """The outcome, and the columns beside it, which are controls."""
    names = value_columns(feed)
    if not names:
        raise InputError(f"{source.name} has no column of numbers that could be the outcome.")
    known = [n for n in names if n in ("outcome", "revenue", "sales", "conversions", "leads")]
    if len(names) > 1 and len(known) != 1:
        raise InputError(
            f"{source.name} has {len(names)} columns that could be the outcome: {names}. Name it: "
            "outcome=COLUMN."
        )
    name = known[0] if known else names[0]
    return name, [other for other in names if other != name]


def _late(feeds: list[tuple[Source, Feed]], until: date) -> list[Note]:
    late = [(s, f) for s, f in feeds if f.complete_until < until]
    return [
        Note(
            kind="late_feed",
            message=f"{s.name} ends on {f.complete_until}; its last value is held until {until}.",
        )
        for s, f in late
    ]


def _by_period(
    frame: pd.DataFrame, keys: list[str], value: str, since: date, until: date, period_days: int
) -> pd.DataFrame:
    """Sums of whole periods; a cell without a row in a period that others have spent nothing."""
    chosen = _between(frame, since, until)
    start = _starts(chosen["date"], since, period_days)
    summed: Any = chosen.groupby([*keys, start])[value].sum().rename_axis([*keys, "date"])
    return summed.reset_index()


def _between(frame: pd.DataFrame, since: date, until: date) -> Any:
    """Rows of whole periods; what pandas' types cannot follow is checked by the tests."""
    return frame[frame["date"].between(pd.Timestamp(since), pd.Timestamp(until - DAY))]


def _starts(dates: Any, since: date, period_days: int) -> Any:
    number = (dates - pd.Timestamp(since)).dt.days // period_days
    return pd.Timestamp(since) + pd.to_timedelta(number * period_days, unit="D")


def _outcome_table(
    feed: Feed,
    name: str,
    since: date,
    until: date,
    period_days: int,
    today: date,
    maturity: Maturity,
) -> pd.DataFrame:
    """Outcome by period: NaN where a day of it is missing or young."""
    chosen = _between(feed.frame, since, until)
    start = _starts(chosen["date"], since, period_days)
    grouped = chosen.groupby(["account", start])[name]
    sums: Any = grouped.agg(["sum", "count"])
    table = sums.rename_axis(["account", "date"]).reset_index()
    last = table["date"] + pd.Timedelta(days=period_days - 1)
    young = (pd.Timestamp(today) - last).dt.days < maturity.mature_days
    table[name] = np.where(young | (table["count"] < period_days), np.nan, table["sum"])
    return table[["account", "date", name]]


def _with_controls(
    table: pd.DataFrame,
    controls: list[tuple[Source, list[str], Feed]],
    since: date,
    until: date,
    period_days: int,
) -> pd.DataFrame:
    """The table with the mean of every control over each period; the last value is held."""
    for source, names, feed in controls:
        if not names:
            continue
        keys = [key for key in ("account",) if key in feed.frame.columns]
        frame = _between(feed.frame, since, until)
        start = _starts(frame["date"], since, period_days)
        means: Any = frame.groupby([*keys, start])[names].mean()
        mean = means.rename_axis([*keys, "date"]).reset_index()
        table = table.merge(mean, on=[*keys, "date"], how="left").sort_values(["account", "date"])
        table[names] = table.groupby("account")[names].ffill()
        known = np.array([table[name].notna() for name in names]).all(axis=0)
        if not known.all():
            gone = listed(str(day.date()) for day in table.loc[~known, "date"].unique())
            raise InputError(f"{source.name} tells nothing of {gone}. Give the days before, too.")
    return table
