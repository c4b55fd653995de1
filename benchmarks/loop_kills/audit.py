"""Ledger of a loop + journal of its platform -> what was done twice, lost, or is not as it is said.

The platform's journal is the truth: it holds every order that it took, and what it answered.
"""

import json
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from adbudget.loop import open_state
from adbudget.loop.applying import unit_of_budget
from adbudget.loop.state import DONE, GIVEN_UP
from adbudget.platforms.platform import Platform
from adbudget.platforms.wire import order_from_json

ENDED = (DONE, GIVEN_UP)
REST = timedelta(days=6.9)  # no campaign moves twice within it


def n_events(journal: Path) -> int:
    """How much was done at a platform so far."""
    with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as database:
        return database.execute("select count(*) from simulated_event").fetchone()[0]


def audited(
    ledger: Path, journal: Path, platform: Platform, start: dict[str, int], since: int = 0
) -> tuple[list[str], int]:
    """Everything that should not be, one sentence each; and how many changes were made.

    Parameters
    ----------
    ledger : the database of the loop
    journal : the state of the platform
    platform : where the budgets stand
    start : minor units a day by campaign, before the first cycle
    since : what was done at the platform before it
    """
    made = _made(journal, since)
    with open_state(ledger) as state:
        entries = state.ledger.entries()
        whole = state.ledger.verify().ok
        is_open = state.ledger.open_changes()
        cycles = state.cycles()
        fit = state.fit()
    wrong = [] if whole else ["the ledger does not verify"]
    wrong += [f"{one} is open" for one in is_open["change"]]
    if fit is None:
        wrong.append("the fit is lost")
    steps = {one.key: one.step for one in cycles}
    wrong += [f"cycle {key} is {step}" for key, step in steps.items() if step not in ENDED]
    if DONE not in steps.values():
        wrong.append("no cycle is done")
    by_kind = {str(kind): rows for kind, rows in entries.groupby("kind")}
    changes = by_kind["change"].to_dict("records") if "change" in by_kind else []
    words = by_kind["confirmation"].to_dict("records") if "confirmation" in by_kind else []
    promises = by_kind["promise"].to_dict("records") if "promise" in by_kind else []
    confirmed = {
        row["payload"]["change"]: int(row["new_minor"])
        for row in words
        if row["verdict"] == "confirmed"
    }
    wrong += _twice(made, changes)
    wrong += _lost(made, confirmed, changes, promises)
    wrong += _standing(platform, start, changes, confirmed)
    return wrong, len(made)


def _made(journal: Path, since: int) -> list[tuple[datetime, str, str, int]]:
    """(instant, change, campaign, minor units a day) of every order that was made."""
    asked = "select event from simulated_event where number > ? order by number"
    with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as database:
        rows = database.execute(asked, (since,)).fetchall()
    found = []
    for (text,) in rows:
        event = json.loads(text)
        if event.get("answer", {}).get("status") == "made":
            order = order_from_json(event["order"], "journal")
            change = order.key.rpartition(":")[0]
            at = datetime.fromisoformat(event["at"])
            found.append((at, change, unit_of_budget(order), order.daily_minor))
    return found


def _twice(made: list, changes: list) -> list[str]:
    """Changes that were made more than once, and campaigns that were moved again too early."""
    many = Counter(change for _, change, _, _ in made)
    wrong = [f"{change} was made {n} times" for change, n in many.items() if n > 1]
    decided: dict[str, datetime] = {}
    made_ones = set(many)
    for row in changes:
        if row["key"] not in made_ones:
            continue
        at, last = row["at"].to_pydatetime(), decided.get(row["unit"])
        if last is not None and at - last < REST:
            wrong.append(f"{row['unit']} was moved at {last} and again at {at}")
        decided[row["unit"]] = at
    return wrong


def _lost(made: list, confirmed: dict[str, int], changes: list, promises: list) -> list[str]:
    """Orders that were made and stand nowhere, and moves that nobody has promised anything of."""
    known = {row["key"] for row in changes}
    wrong = [
        f"{change} was made and never decided" for _, change, _, _ in made if change not in known
    ]
    wrong += [
        f"{change} was made and not confirmed"
        for _, change, _, _ in made
        if change not in confirmed
    ]
    really = {change for _, change, _, _ in made}
    wrong += [
        f"{change} was confirmed and not made" for change in confirmed if change not in really
    ]
    promised = {
        (row["payload"]["account"], channel)
        for row in promises
        for channel in row["payload"]["moves"]
    }
    moves = Counter(unit for _, _, unit, _ in made)
    told = Counter(
        f"{row['payload']['account']}::{channel}"
        for row in promises
        for channel in row["payload"]["moves"]
    )
    for unit, n in moves.items():
        account, _, campaign = unit.partition("::")
        channel = campaign.rpartition("-")[0]
        if told[f"{account}::{channel}"] != n:
            wrong.append(f"{unit} was moved {n} times and promised {told[f'{account}::{channel}']}")
    return wrong if promised or not made else [*wrong, "nothing was promised"]


def _standing(
    platform: Platform, start: dict[str, int], changes: list, confirmed: dict[str, int]
) -> list[str]:
    """Budgets that are not what the ledger says, and accounts that spend more than they did."""
    said = dict(start)
    for row in changes:
        if row["key"] in confirmed:
            said[row["unit"]] = confirmed[row["key"]]
    now = {unit_of_budget(one): one.daily_minor for one in platform.budgets()}
    wrong = [
        f"{unit} stands at {now[unit]} and was set to {minor}"
        for unit, minor in said.items()
        if now[unit] != minor
    ]
    before, after = _totals(start), _totals(now)
    wrong += [
        f"{account} spends {after[account]} a day and had {before[account]}"
        for account in before
        if after[account] > before[account]
    ]
    return wrong


def _totals(minor: dict[str, int]) -> Counter[str]:
    total: Counter[str] = Counter()
    for unit, money in minor.items():
        total[unit.partition("::")[0]] += money
    return total
