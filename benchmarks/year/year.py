"""Settings -> one year, day by day, and what was counted in it."""

import shutil
import sys
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from adbudget.ledger import Ledger, open_ledger
from adbudget.pacing.requests import read_requests
from adbudget.policy.apply import rerun
from benchmarks.year.accounts import ACCOUNTS, CHANNELS
from benchmarks.year.alert_box import AlertBox
from benchmarks.year.book import Book
from benchmarks.year.campaigns import Platform
from benchmarks.year.deals import SELLERS, Deals
from benchmarks.year.hands import Calls, Commands, Hands, Place
from benchmarks.year.judging_pace import PaceJudge
from benchmarks.year.judging_rules import RulesJudge
from benchmarks.year.orders import Orders
from benchmarks.year.people import People
from benchmarks.year.sellers import Sellers, open_sellers
from benchmarks.year.stories import FIRST_DAY, Cast, Story, active, make_stories, quiet_weeks

PARTS = ("pace", *(account.name for account in ACCOUNTS), "send", "people")
REPLAYED = 6  # runs of the year that are made again at its end


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a year is run.

    Attributes
    ----------
    seed, n_days : of the year, from its first day on
    hourly : policies every hour instead of every morning
    n_campaigns : of each account
    n_groups : campaigns of five deals each
    commands : share of the days on which the command line is used
    only : kinds of stories; all when empty
    """

    seed: int
    n_days: int = 365
    hourly: bool = False
    n_campaigns: int = 30
    n_groups: int = 8
    commands: float = 0.05
    only: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True, eq=False)
class Year:
    """Everything that takes part, while the year goes on."""

    settings: Settings
    stories: tuple[Story, ...]
    platforms: dict[str, Platform]
    deals: Deals
    sellers: Sellers
    box: AlertBox
    place: Place
    calls: Calls
    commands: Commands
    book: Book
    judges: dict[str, RulesJudge]
    pace_judge: PaceJudge
    people: People
    orders: Orders
    accounts: dict[str, str] = field(default_factory=dict)  # run -> account
    off_weeks: set[int] = field(default_factory=set)
    seconds: Counter[str] = field(default_factory=Counter)


def run_year(settings: Settings, folder: Path) -> dict[str, Any]:
    """Run one year in a folder of its own, and count.

    Returns
    -------
    Plain figures; ``violations`` among them, each with day and unit
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        year = _prepare(settings, folder, stack)
        started = time.monotonic()
        for day in range(settings.n_days):
            _live(year, day)
            if day % 30 == 29:
                told = f"seed {settings.seed}: day {day + 1}, {year.book.by_kind()}"
                print(told, file=sys.stderr, flush=True)
        return _figures(year, time.monotonic() - started)


def _prepare(settings: Settings, folder: Path, stack: ExitStack) -> Year:
    cast = Cast(
        accounts=tuple(one.name for one in ACCOUNTS),
        channels=CHANNELS,
        sellers=SELLERS,
        n_campaigns=settings.n_campaigns,
        n_deals=5 * settings.n_groups,
    )
    stories = make_stories(settings.seed, settings.n_days, cast, settings.only)
    book = Book()
    box = stack.enter_context(AlertBox())
    sellers = stack.enter_context(open_sellers(folder / "outbox", seed=settings.seed))
    place = Place(
        folder=folder, ledger=folder / "ledger.db", alerts=box.url, sellers=sellers.urls()
    )
    platforms = {
        account.name: Platform(
            account,
            seed=settings.seed,
            n_days=settings.n_days,
            n_campaigns=settings.n_campaigns,
            stories=list(stories),
        )
        for account in ACCOUNTS
    }
    for account in ACCOUNTS:
        place.policy(account.name).write_text(account.policy, encoding="utf-8")
    deals = Deals(
        seed=settings.seed,
        n_days=settings.n_days,
        n_campaigns=settings.n_groups,
        stories=list(stories),
    )
    rng = np.random.default_rng([settings.seed, 4])
    return Year(
        settings=settings,
        stories=stories,
        platforms=platforms,
        deals=deals,
        sellers=sellers,
        box=box,
        place=place,
        calls=Calls(place, stack),
        commands=Commands(place),
        book=book,
        judges={name: RulesJudge(platform=one, book=book) for name, one in platforms.items()},
        pace_judge=PaceJudge(deals=deals, book=book),
        people=People(rng=np.random.default_rng([settings.seed, 5]), book=book),
        orders=Orders(platforms=platforms, deals=deals, rng=rng, book=book, ledger=place.ledger),
    )


def _live(year: Year, day: int) -> None:
    """One day: morning runs, then sellers and people, then what the day brings."""
    hands = _hands(year, day)
    year.box.down = bool(active(year.stories, "alerts down", day))
    year.sellers.open_day(year.deals, year.stories)
    year.people.change_plans(year.deals, year.stories)
    for platform in year.platforms.values():
        year.people.edit(platform, year.stories)
    _note_trouble(year, day)
    ledger = year.calls.ledger
    year.people.flip(year.calls, year.stories, day, _at(day, 0.5))
    year.orders.catch_up()
    _pace(year, hands, ledger, day)
    _rules(year, hands, day)
    year.calls.tell(_at(day, 18))
    year.sellers.answer(year.deals, _at(day, 19))
    people = hands["people"]
    year.people.rule(people, ledger, year.judges, year.accounts, year.stories, day, _at(day, 20))
    year.people.answer_offers(people, ledger, year.sellers, year.deals, _at(day, 21))
    _after_approvals(year, ledger, day)
    for platform in year.platforms.values():
        platform.happen()
    year.deals.happen()


def _hands(year: Year, day: int) -> dict[str, Hands]:
    """Part of the day's work -> who does it: one part by the command line on some days.

    On days with a kill the command is killed in the middle of that part, and run again.
    """
    hands: dict[str, Hands] = dict.fromkeys(PARTS, year.calls)
    rng = np.random.default_rng([year.settings.seed, 6, day])
    killed = bool(active(year.stories, "killed", day)) and year.settings.commands > 0
    chosen = str(rng.choice(PARTS[:3] if killed else PARTS))
    if killed:
        usual = year.seconds["command"] or 2.0
        year.commands.kill_after = float(rng.uniform(0.4, 1.05)) * usual
    if killed or rng.random() < year.settings.commands:
        hands[chosen] = year.commands
    return hands


def _note_trouble(year: Year, day: int) -> None:
    """Weeks in which something is truly wrong are not quiet, whatever the stories say."""
    off = any(year.deals.off(deal) or year.deals.broken(deal) for deal in year.deals.deals)
    if off:
        year.off_weeks.add(day // 7)


def _pace(year: Year, hands: dict[str, Hands], ledger: Ledger, day: int) -> None:
    kill_on = bool(active(year.stories, "kill switch", day))
    tables = year.deals.plan(), year.deals.delivery()
    own = hands["pace"]
    error = _timed(year, "pace", own, lambda: own.pace(*tables, _at(day, 4)))
    if error:
        year.book.add("refused", day, "pace", error[:300])
    rows = year.orders.new_rows()
    year.pace_judge.judge_run(rows, kill_on=kill_on)
    year.orders.carry_out(rows)
    own = hands["send"]
    error = _timed(year, "send", own, lambda: own.send(_at(day, 5)))
    if error and not active(year.stories, "frozen seller", day):
        year.book.add("refused", day, "requests send", error[:300])
    year.pace_judge.judge_requests(read_requests(ledger))


def _rules(year: Year, hands: dict[str, Hands], day: int) -> None:
    kill_on = bool(active(year.stories, "kill switch", day))
    for account in ACCOUNTS:
        platform, judge = year.platforms[account.name], year.judges[account.name]
        for at in moments(account.time_zone, day, hourly=year.settings.hourly):
            year.orders.new_rows()
            tables = platform.table(), platform.history()
            judge.open_day()
            own = hands[account.name]
            error = _timed(
                year, "rules", own, lambda a=account, t=tables, w=at, o=own: o.rules(a.name, t, w)
            )
            if error:
                year.book.add("refused", day, account.name, error[:300])
            rows = year.orders.new_rows()
            year.accounts |= {row.run_id: account.name for row in rows if row.kind == "run"}
            judge.judge_run(rows, kill_on=kill_on)
            year.orders.carry_out(rows, account.name)
            _forget_swallowed(year)


def _after_approvals(year: Year, ledger: Ledger, day: int) -> None:
    kill_on = bool(active(year.stories, "kill switch", day))
    rows = [row for row in year.orders.new_rows() if row.kind == "change"]
    for name, judge in year.judges.items():
        own = [row for row in rows if year.accounts.get(row.run_id) == name]
        judge.judge_approved(own, kill_on=kill_on)
        year.orders.carry_out(own, name)
    flights = [row for row in rows if row.payload.get("budget") == "flight"]
    year.pace_judge.judge_approved(flights, kill_on=kill_on)
    year.orders.carry_out(flights)
    _forget_swallowed(year)


def _forget_swallowed(year: Year) -> None:
    """What a platform did not make is no change that anything has to rest after."""
    for account, name in year.orders.swallowed:
        year.judges[account].moved.pop(name, None)
    year.orders.swallowed.clear()


def _timed(year: Year, what: str, hands: Hands, work: Any) -> str:
    started = time.monotonic()
    error = work()
    took = time.monotonic() - started
    if hands is year.commands:
        year.seconds["command"] = took
    else:
        year.seconds[what] += took
    return error


def _at(day: int, hour: float) -> datetime:
    """An instant of a day, UTC."""
    first = datetime.fromisoformat(str(FIRST_DAY)).replace(tzinfo=UTC)
    return first + timedelta(days=day, hours=hour)


def moments(zone: str, day: int, *, hourly: bool) -> list[datetime]:
    """Every full hour of the local day, 23 to 25 of them, or eight in the morning."""
    local = datetime.fromisoformat(str(FIRST_DAY + day)).replace(tzinfo=ZoneInfo(zone))
    if not hourly:
        return [local.replace(hour=8)]
    start = local.astimezone(UTC)
    end = datetime.fromisoformat(str(FIRST_DAY + day + 1)).replace(tzinfo=ZoneInfo(zone))
    n_hours = round((end.astimezone(UTC) - start) / timedelta(hours=1))
    return [(start + timedelta(hours=h)).astimezone(ZoneInfo(zone)) for h in range(n_hours)]


def _figures(year: Year, seconds: float) -> dict[str, Any]:
    """Count what can only be counted at the end."""
    n_days, book = year.settings.n_days, year.book
    with open_ledger(year.place.ledger) as ledger:
        found = ledger.verify()
        if not found.ok:
            book.add("lost", n_days, "ledger", str(found.problem))
        n_alerts = _count_lost_alerts(year, ledger)
        _make_again(year, ledger)
        entries = ledger.head().sequence
        n_runs = len(ledger.entries(kind=["run", "pacing"])["run_id"].unique())
    for seller, agent in year.sellers.agents.items():
        year.pace_judge.judge_agent(seller, agent)
    quiet = [w for w in quiet_weeks(year.stories, n_days) if w not in year.off_weeks]
    needed = sum(one.needed for one in book.alerts)
    return {
        "seed": year.settings.seed,
        "days": n_days,
        "hourly": year.settings.hourly,
        **book.by_kind(),
        "alerts": n_alerts,
        "alerts_needed": needed,
        "alerts_a_week": round(7 * len(book.alerts) / n_days, 2),
        "quiet_weeks": len(quiet),
        "alerts_a_quiet_week": round(book.alerts_a_week(quiet), 2),
        "alert_types": _types(book),
        "announced_a_week": round(
            7 * sum(one["type"] == "approval" for one in year.box.taken) / n_days, 2
        ),
        "touched_a_week": round(7 * sum(book.touched.values()) / n_days, 2),
        "runs": n_runs,
        "entries": entries,
        "ledger_mb": round(year.place.ledger.stat().st_size / 1e6, 1),
        "killed": year.commands.n_killed,
        "seconds": round(seconds),
        "seconds_of": {what: round(took, 1) for what, took in year.seconds.items()},
        **book.as_dict(),
    }


def _types(book: Book) -> dict[str, list[int]]:
    """Type of alert -> how many, and how many of them needed."""
    found: dict[str, list[int]] = {}
    for one in book.alerts:
        pair = found.setdefault(one.type, [0, 0])
        pair[0] += 1
        pair[1] += one.needed
    return found


def _count_lost_alerts(year: Year, ledger: Ledger) -> int:
    """Every alert of the ledger must have arrived, be it a day late."""
    arrived = Counter(str(one.get("fingerprint")) for one in year.box.taken)
    last_day = year.settings.n_days - 1
    rows: Any = ledger.entries(kind="alert").itertuples()
    n_alerts = 0
    for row in rows:
        n_alerts += 1
        mark = str(row.payload.get("fingerprint"))
        if arrived[mark]:
            arrived[mark] -= 1
        elif row.at < _at(last_day, 0):
            day = (row.at - _at(0, 0)).days
            year.book.add("lost", day, row.unit, f"alert {row.payload.get('type')} never arrived")
    return n_alerts


def _make_again(year: Year, ledger: Ledger) -> None:
    """Some runs of the year, made again, decide the same."""
    names = [name for name in year.accounts if name]
    rng = np.random.default_rng([year.settings.seed, 8])
    for name in rng.choice(names, size=min(REPLAYED, len(names)), replace=False).tolist():
        again = ledger.replay(name, rerun)
        if not again.identical:
            told = "; ".join(map(str, again.differences))[:300]
            year.book.add("lost", year.settings.n_days, name, f"made again it differs: {told}")
