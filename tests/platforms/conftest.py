"""Platforms to test with: one small world, behind every door there is.

The HTTP one is the server of the command line, started as a process of its own.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import insert, update

from adbudget.money import exact
from adbudget.platforms import (
    BudgetOrder,
    FilePlatform,
    HttpPlatform,
    Platform,
    PlatformRules,
    SimulatedPlatform,
    SqlPlatform,
    StandingBudget,
    create_platform_tables,
)
from adbudget.platforms.sql_platform import BUDGET, PERFORMANCE, REPORT
from adbudget.synthetic import WorldSpec
from tests.platforms.server_process import ServerProcess

SMALL = WorldSpec(n_accounts=2, n_channels=2, n_periods=60, period="daily", last_date="2026-03-01")
PATIENT = PlatformRules(edits_per_hour=1000)  # for tests of everything but edits
KEYS = count(1)
STARTUP_SECONDS = 240


@dataclass(frozen=True, kw_only=True)
class Stand:
    """A platform, and a way to pause one of its campaigns."""

    platform: Platform
    pause: Callable[[StandingBudget, bool], object]


def order_for(budget: StandingBudget, daily_minor: int, **facts) -> BudgetOrder:
    given = {
        "key": f"key-{next(KEYS)}",
        "account": budget.account,
        "channel": budget.channel,
        "campaign": budget.campaign,
        "currency": budget.currency,
        "based_on_minor": budget.daily_minor,
        "daily_minor": daily_minor,
        "at": pd.Timestamp("2026-03-02T10:00:00Z").to_pydatetime(),
    }
    return BudgetOrder(**(given | facts))


def budget_of(platform: Platform, unit: tuple[str, str, str]) -> StandingBudget:
    return next(budget for budget in platform.budgets() if budget.unit == unit)


def write_folder(source: SimulatedPlatform, folder: Path) -> None:
    rows = [
        {
            "account": budget.account,
            "channel": budget.channel,
            "campaign": budget.campaign,
            "currency": budget.currency,
            "daily_budget": str(exact(budget.daily_minor, 2)),
            "minimum": str(exact(budget.minimum_minor, 2)),
            "paused": "false",
            "owner": "007",
        }
        for budget in source.budgets()
    ]
    pd.DataFrame(rows).to_csv(folder / "budgets.csv", index=False)
    report = source.performance(SPAN[0], SPAN[1], by_hour=True)
    report.frame.to_csv(folder / "performance.csv", index=False)
    (folder / "complete_until.txt").write_text(report.complete_until.isoformat())


SPAN = (pd.Timestamp("2026-02-20").date(), pd.Timestamp("2026-03-02").date())


@pytest.fixture
def source() -> SimulatedPlatform:
    platform = SimulatedPlatform(SMALL, 3, rules=PATIENT)
    platform.advance(hours=12.5)
    return platform


@pytest.fixture
def file_stand(source, tmp_path) -> Stand:
    write_folder(source, tmp_path)

    def pause(budget: StandingBudget, paused: bool) -> None:
        table = pd.read_csv(tmp_path / "budgets.csv", dtype=str)
        mine = table["campaign"] == budget.campaign
        table.loc[mine, "paused"] = str(paused).lower()
        table.to_csv(tmp_path / "budgets.csv", index=False)

    return Stand(platform=FilePlatform(folder=tmp_path), pause=pause)


def sql_stand(source: SimulatedPlatform, url: str) -> Stand:
    platform = create_platform_tables(url)
    report = source.performance(*SPAN, by_hour=True)
    frame = report.frame.assign(date=report.frame["date"].dt.strftime("%Y-%m-%d"))
    names = ("account", "channel", "campaign", "currency", "daily_minor", "minimum_minor")
    with platform.engine.begin() as connection:
        rows = [{name: getattr(b, name) for name in names} for b in source.budgets()]
        connection.execute(insert(BUDGET), rows)
        connection.execute(insert(PERFORMANCE), frame.to_dict("records"))
        instants = {
            "complete_until": report.complete_until.isoformat(),
            "reported_at": report.reported_at.isoformat(),
        }
        connection.execute(insert(REPORT).values(number=1, **instants))

    def pause(budget: StandingBudget, paused: bool) -> None:
        with platform.engine.begin() as connection:
            mine = BUDGET.c.campaign == budget.campaign
            connection.execute(update(BUDGET).where(mine).values(paused=int(paused)))

    return Stand(platform=platform, pause=pause)


@pytest.fixture
def sqlite_stand(source, tmp_path) -> Iterator[Stand]:
    stand = sql_stand(source, f"sqlite:///{tmp_path / 'platform.db'}")
    yield stand
    assert isinstance(stand.platform, SqlPlatform)
    stand.platform.close()


@pytest.fixture
def postgresql_stand(source, request) -> Iterator[Stand]:
    stand = sql_stand(source, request.getfixturevalue("postgres_url"))
    yield stand
    assert isinstance(stand.platform, SqlPlatform)
    stand.platform.close()


@pytest.fixture
def simulated_stand(source) -> Stand:
    def pause(budget: StandingBudget, paused: bool) -> None:
        source.pause(*budget.unit, paused=paused)

    return Stand(platform=source, pause=pause)


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("server")
    options = ["--accounts", "2", "--channels", "2", "--history", "60", "--seed", "3"]
    options += ["--start", "2026-03-02", "--speed", "0", "--rule", "edits_per_hour=1000"]
    with ServerProcess(*options, "--state", str(folder / "state.db")) as running:
        running.post("/clock", {"hours": 12.5})
        yield running
        assert running.end() == 0


@pytest.fixture
def http_stand(server) -> Stand:
    def pause(budget: StandingBudget, paused: bool) -> dict:
        unit = dict(zip(("account", "channel", "campaign"), budget.unit, strict=True))
        return server.post("/pauses", unit | {"paused": paused})

    return Stand(platform=HttpPlatform(url=server.url, timeout=60.0), pause=pause)


@pytest.fixture(params=["file", "sqlite", "postgresql", "simulated", "http"])
def stand(request) -> Stand:
    return request.getfixturevalue(f"{request.param}_stand")
