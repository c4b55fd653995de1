"""Feeds of what accounts recorded -> a table and how far it is complete. Knows no loop.

A source says its watermark: days before it are complete, later ones may still be missing rows. What
is not known is never taken for zero.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import pandas as pd

from adbudget.errors import InputError, PlatformError
from adbudget.outside.queries import query_table
from adbudget.platforms.platform import OutcomeReport
from adbudget.tables.files import read_table
from adbudget.tables.messages import every_quoted, quoted
from adbudget.tables.named_columns import renamed

Role = Literal["outcome", "control"]
Late = Literal["wait", "hold"]
ENDINGS = (".csv", ".json", ".parquet")
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Feed:
    """What a source told, so far.

    Attributes
    ----------
    frame : account (may be missing for a control of all accounts), date (midnight, no zone), and
        one column per value; one row for an account and day
    complete_until : days before this one are complete

    Examples
    --------
    >>> from adbudget.loop import Feed
    >>> feed = Feed(frame=revenue, complete_until=revenue["date"].max().date())
    >>> len(feed.frame) == len(revenue)
    True
    """

    frame: pd.DataFrame
    complete_until: date


@runtime_checkable
class Source(Protocol):
    """A feed of the outcome of accounts, or of something that moves it besides advertising.

    Examples
    --------
    >>> from adbudget.loop import Source, TableSource
    >>> revenue.to_csv("revenue.csv", index=False)
    >>> told: Source = TableSource(path="revenue.csv")
    >>> told.name, told.role, told.late
    ('revenue.csv', 'outcome', 'wait')
    >>> len(told.read(now.date(), now.date()).frame)  # nothing of that day
    0
    """

    @property
    def name(self) -> str:
        """How messages call it; holds no secret."""
        ...

    @property
    def role(self) -> Role:
        """What its columns are."""
        ...

    @property
    def late(self) -> Late:
        """What to do when it ends before the others: wait for it, or hold its last value."""
        ...

    def read(self, since: date, until: date) -> Feed:
        """What is known of these days, both included.

        Raises
        ------
        InputError : the feed cannot be read
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformOutcome:
    """The outcome as a platform tells it beside its own figures; see ``OutcomeReport``.

    Attributes
    ----------
    zones : time zones of the accounts, whose days the report counts

    Examples
    --------
    >>> from adbudget.loop import PlatformOutcome
    >>> PlatformOutcome(platform=platform).role
    'outcome'
    """

    platform: Any
    role: Role = "outcome"
    late: Late = "wait"
    zones: Sequence[tzinfo] = (UTC,)

    @property
    def name(self) -> str:
        """How messages call it."""
        return f"outcome of {self.platform.name}"

    def read(self, since: date, until: date) -> Feed:
        """See :class:`Source`."""
        told = getattr(self.platform, "outcome", None)
        if told is None:
            raise InputError(
                f"{self.platform.name} tells no outcome of its own. Name where it is recorded: a "
                "table of account, date and the outcome (--outcome)."
            )
        try:
            report: OutcomeReport = told(since, until)
        except PlatformError as error:
            raise InputError(f"{self.name} could not be read: {error}") from error
        return Feed(frame=report.frame, complete_until=today_of(report.complete_until, self.zones))


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is said of a table, wherever it comes from.

    Attributes
    ----------
    role, late : see :class:`Source`
    columns : our name -> the name in the table, for account, date and values
    complete_days_ago : days before this many days ago are complete; None takes the last day that
        any row tells of as not complete, and all before it as complete
    """

    role: Role = "outcome"
    late: Late = "wait"
    columns: Mapping[str, str] | None = None
    complete_days_ago: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSource(Told):
    """A file, or every table in a folder: later files replace the rows of earlier ones.

    Attributes
    ----------
    path : CSV, JSON or Parquet file, or a folder of them, read in the order of their names

    Examples
    --------
    >>> from adbudget.loop import TableSource
    >>> revenue.to_csv("revenue.csv", index=False)
    >>> TableSource(path="revenue.csv").late
    'wait'
    """

    path: Path | str

    @property
    def name(self) -> str:
        """How messages call it."""
        return str(self.path)

    def read(self, since: date, until: date) -> Feed:
        """See :class:`Source`."""
        files = self._files()
        tables = [
            renamed(read_table(one, ("account",)), one.name, self.columns or {}) for one in files
        ]
        return feed_of(pd.concat(tables, ignore_index=True), self, since, until)

    def _files(self) -> list[Path]:
        path = Path(self.path)
        if path.is_dir():
            found = sorted(one for one in path.iterdir() if one.suffix in ENDINGS)
            if not found:
                raise InputError(f"{self.path} holds no {', '.join(ENDINGS)} file.")
            return found
        if not path.exists():
            raise InputError(f"there is no file {self.path}.")
        return [path]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuerySource(Told):
    """A query of a database; it may use the parameters :since and :until (days).

    Attributes
    ----------
    url : of the database, as SQLAlchemy reads it
    query : SELECT that gives account, date and values

    Examples
    --------
    >>> from adbudget.loop import QuerySource
    >>> QuerySource(url="sqlite:///shop.db", query="SELECT account, date, revenue FROM sales").role
    'outcome'
    """

    url: str
    query: str

    @property
    def name(self) -> str:
        """How messages call it, without a password."""
        from sqlalchemy import make_url

        return make_url(self.url).render_as_string(hide_password=True)

    def read(self, since: date, until: date) -> Feed:
        """See :class:`Source`."""
        days = {"since": since.isoformat(), "until": until.isoformat()}
        used = {name: value for name, value in days.items() if f":{name}" in self.query}
        table = query_table(self.url, self.query, used)
        table = renamed(table, self.name, self.columns or {})
        return feed_of(table, self, since, until)


def feed_of(
    table: pd.DataFrame, source: "TableSource | QuerySource", since: date, until: date
) -> Feed:
    """The rows of some days, the last telling of each, and how far they are complete.

    Raises
    ------
    InputError : no date column, or dates and values that cannot be read
    """
    if "date" not in table.columns:
        raise InputError(
            f"{source.name} has no column 'date'; found {every_quoted(table.columns)}. Name it: "
            "date=YOUR COLUMN."
        )
    if source.role == "outcome" and "account" not in table.columns:
        raise InputError(
            f"{source.name} has no column 'account'; found {every_quoted(table.columns)}. Name it: "
            "account=YOUR COLUMN."
        )
    days = pd.to_datetime(table["date"], errors="coerce")
    if days.isna().any():
        wrong = table.loc[days.isna(), "date"].astype(str).unique()
        raise InputError(f"{source.name} has dates that cannot be read: {quoted(wrong)}.")
    table = table.assign(date=days.dt.tz_localize(None).dt.normalize())
    keys = [name for name in ("account", "date") if name in table.columns]
    table = table.drop_duplicates(keys, keep="last").sort_values(keys)
    if source.complete_days_ago is not None:
        complete = until - timedelta(days=source.complete_days_ago) + DAY
    else:
        complete = table["date"].max().date() if len(table) else since
    chosen: Any = table[table["date"].between(pd.Timestamp(since), pd.Timestamp(until))]
    return Feed(frame=chosen.reset_index(drop=True), complete_until=complete)


def value_columns(feed: Feed) -> list[str]:
    """Columns of a feed that hold values."""
    return [
        str(name)
        for name in feed.frame.columns
        if name not in ("account", "date") and pd.api.types.is_numeric_dtype(feed.frame[name])
    ]


def today_of(now: datetime, zones: Sequence[tzinfo] = (UTC,)) -> date:
    """The day that an instant is in where it is earliest: days before it are over everywhere.

    Parameters
    ----------
    now : with a time zone
    zones : of the accounts
    """
    return min(now.astimezone(zone).date() for zone in zones)
