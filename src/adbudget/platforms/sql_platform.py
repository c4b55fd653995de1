"""A platform that is four tables of a database: others fill them and carry the orders out.

``platform_budget`` : account, channel, campaign (key), currency, daily_minor, version (a number
    that rises with every change), paused, minimum_minor, changed_at
``platform_order`` : order_key (key), account, channel, campaign, currency, based_on_minor,
    daily_minor, asked_at; status, standing_minor, reason, answered_at
``platform_performance`` : account, channel, campaign, date, hour (key; -1 for a whole day), spend,
    impressions, clicks, conversions, revenue
``platform_report`` : number (1), complete_until, reported_at

Instants are ISO text with a time zone, dates ISO text, paused 0 or 1.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import pandas as pd
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Float,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
    and_,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from adbudget.errors import PlatformError
from adbudget.outside.database import Kept, open_engine, place, read_url, reading, writing
from adbudget.platforms.deciding import Answered, by_unit, changes, check_days, decide
from adbudget.platforms.platform import (
    FIGURES,
    KEY_LENGTH,
    UNIT,
    BudgetOrder,
    OrderAnswer,
    Performance,
    StandingBudget,
)
from adbudget.platforms.wire import (
    answer_from_json,
    budget_from_json,
    by_day as summed_by_day,
    order_from_json,
    performance_frame,
)

WHOLE_DAY = -1
TABLES = MetaData()


def _unit_columns() -> list[Column]:
    return [Column(name, String(KEY_LENGTH), primary_key=True) for name in UNIT]


BUDGET = Table(
    "platform_budget",
    TABLES,
    *_unit_columns(),
    Column("currency", String(3), nullable=False),
    Column("daily_minor", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False, server_default="1"),
    Column("paused", Integer, nullable=False, server_default="0"),
    Column("minimum_minor", BigInteger),
    Column("changed_at", Text),
)
ORDER = Table(
    "platform_order",
    TABLES,
    Column("order_key", String(KEY_LENGTH), primary_key=True),
    *(Column(name, String(KEY_LENGTH), nullable=False) for name in UNIT),
    Column("currency", String(3), nullable=False),
    Column("based_on_minor", BigInteger, nullable=False),
    Column("daily_minor", BigInteger, nullable=False),
    Column("asked_at", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("standing_minor", BigInteger),
    Column("reason", Text, nullable=False),
    Column("answered_at", Text, nullable=False),
)
PERFORMANCE = Table(
    "platform_performance",
    TABLES,
    *_unit_columns(),
    Column("date", String(10), primary_key=True),
    Column("hour", Integer, primary_key=True, server_default=str(WHOLE_DAY)),
    *(Column(name, Float(53), nullable=False) for name in FIGURES),
)
REPORT = Table(
    "platform_report",
    TABLES,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("complete_until", Text, nullable=False),
    Column("reported_at", Text, nullable=False),
)


def _failed(words: str) -> PlatformError:
    return PlatformError(words, retryable=True)


KEPT = Kept(
    what="platform",
    error=_failed,
    advice="Ask what became of the order's key, or send the order again under it.",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SqlPlatform:
    """See :class:`Platform`.

    Attributes
    ----------
    engine : of the database; SQLite or PostgreSQL

    Examples
    --------
    >>> from adbudget.platforms import create_platform_tables
    >>> standing = create_platform_tables("sqlite:///platform.db")
    >>> list(standing.budgets())
    []
    >>> standing.close()
    """

    engine: Engine = field(repr=False)

    @property
    def name(self) -> str:
        """See :class:`Platform`."""
        return f"tables of {place(self.engine)}"

    def budgets(self) -> tuple[StandingBudget, ...]:
        """See :class:`Platform`."""
        with reading(self.engine, KEPT) as connection:
            rows = connection.execute(select(BUDGET)).all()
        return tuple(by_unit((_budget(row, self.name) for row in rows), self.name).values())

    def performance(self, since: date, until: date, *, by_hour: bool = False) -> Performance:
        """See :class:`Platform`."""
        check_days(since, until)
        days = (since.isoformat()[:10], until.isoformat()[:10])
        asked = select(PERFORMANCE).where(PERFORMANCE.c.date.between(*days))
        with reading(self.engine, KEPT) as connection:
            result = connection.execute(asked)
            table = pd.DataFrame(result.all(), columns=list(result.keys()))
            report = connection.execute(select(REPORT)).first()
        if report is None:
            raise PlatformError(f"{self.name}: {REPORT.name} has no row, so nothing is reported.")
        instants = (_instant(report.complete_until), _instant(report.reported_at))
        frame = self._frame(table, by_hour=by_hour)
        return Performance(frame=frame, complete_until=instants[0], reported_at=instants[1])

    def set_budget(self, order: BudgetOrder, *, validate_only: bool = False) -> OrderAnswer:
        """See :class:`Platform`. The order and the budget are written in one transaction."""
        try:
            with writing(self.engine, KEPT) as connection:
                return self._set(connection, order, validate_only)
        except PlatformError as cause:
            if not isinstance(cause.__cause__, IntegrityError):
                raise
        # Somebody else has used the key since we looked; this time it will be found.
        with writing(self.engine, KEPT) as connection:
            return self._set(connection, order, validate_only)

    def answer_of(self, key: str) -> OrderAnswer | None:
        """See :class:`Platform`."""
        with reading(self.engine, KEPT) as connection:
            found = self._answered(connection, key)
        return None if found is None else found[1]

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    def _set(self, connection: Connection, order: BudgetOrder, validate_only: bool) -> OrderAnswer:
        ours = and_(*(BUDGET.c[name] == getattr(order, name) for name in UNIT))
        row = connection.execute(select(BUDGET).where(ours).with_for_update()).first()
        earlier = self._answered(connection, order.key)
        standing = None if row is None else _budget(row, self.name)
        answer = decide(order, standing, earlier, at=order.at, validate_only=validate_only)
        if earlier is not None or validate_only:
            return answer
        connection.execute(insert(ORDER).values(_order_row(order, answer)))
        if changes(order, answer):
            set_to = {
                "daily_minor": order.daily_minor,
                "version": BUDGET.c.version + 1,
                "changed_at": order.at.isoformat(),
            }
            connection.execute(update(BUDGET).where(ours).values(set_to))
        return answer

    def _answered(self, connection: Connection, key: str) -> Answered | None:
        row = connection.execute(select(ORDER).where(ORDER.c.order_key == key)).first()
        if row is None:
            return None
        told = dict(row._mapping)
        document = told | {"key": told["order_key"], "at": told["asked_at"]}
        answered = document | {"at": told["answered_at"], "daily_minor": told["standing_minor"]}
        return order_from_json(document, self.name), answer_from_json(answered, self.name)

    def _frame(self, table: pd.DataFrame, *, by_hour: bool) -> pd.DataFrame:
        """Rows of days or of hours; a table that mixes both is refused."""
        whole = table["hour"].to_numpy() == WHOLE_DAY
        if whole.all():
            return performance_frame(table.drop(columns="hour"), self.name)
        if whole.any():
            raise PlatformError(
                f"{self.name}: {PERFORMANCE.name} has rows of whole days (hour {WHOLE_DAY}) beside "
                "rows of hours between these dates. Keep one kind."
            )
        frame = performance_frame(table, self.name)
        return frame if by_hour else summed_by_day(frame)


def open_sql(address: str, token: str | None) -> SqlPlatform:
    """Entry point of "sqlite:" and "postgresql:".

    Raises
    ------
    InputError : no address of a database
    PlatformError : it cannot be reached, or holds no tables of a platform
    """
    engine = open_engine(read_url(address, KEPT.what), KEPT, create=False)
    try:
        with reading(engine, KEPT) as connection:
            missing = set(TABLES.tables) - set(inspect(connection).get_table_names())
        if missing:
            raise PlatformError(
                f"{place(engine)} lacks the tables {sorted(missing)}; make them with "
                "adbudget.platforms.create_platform_tables(url)."
            )
    except BaseException:
        engine.dispose()
        raise
    return SqlPlatform(engine=engine)


def create_platform_tables(address: str) -> SqlPlatform:
    """Make the tables of a platform that are not there yet, and open it.

    Parameters
    ----------
    address : as for :func:`open_platform`; a SQLite file is made

    Raises
    ------
    InputError, PlatformError : as :func:`open_platform`

    Examples
    --------
    >>> from adbudget.platforms import create_platform_tables
    >>> type(create_platform_tables("sqlite:///platform.db")).__name__
    'SqlPlatform'
    """
    engine = open_engine(read_url(address, KEPT.what), KEPT, create=True)
    with writing(engine, KEPT) as connection:
        TABLES.create_all(connection)
    return SqlPlatform(engine=engine)


def _budget(row: Row, name: str) -> StandingBudget:
    told = dict(row._mapping)
    typed = {"version": str(told["version"]), "paused": bool(told["paused"])}
    return budget_from_json(told | typed, name)


def _order_row(order: BudgetOrder, answer: OrderAnswer) -> dict[str, Any]:
    return {
        "order_key": order.key,
        **{name: getattr(order, name) for name in UNIT},
        "currency": order.currency,
        "based_on_minor": order.based_on_minor,
        "daily_minor": order.daily_minor,
        "asked_at": order.at.isoformat(),
        "status": answer.status,
        "standing_minor": answer.daily_minor,
        "reason": answer.reason,
        "answered_at": answer.at.isoformat(),
    }


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise PlatformError(f"{REPORT.name} holds {text!r}; an instant with a time zone is needed.")
    return instant
