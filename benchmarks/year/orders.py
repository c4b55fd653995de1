"""New entries of the ledger -> what a team carries to its platforms, mostly at once."""

import json
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.year.book import Book
from benchmarks.year.campaigns import Platform
from benchmarks.year.deals import Deals
from benchmarks.year.judging_rules import campaign_of

SKIPPED = ("run", "measurement", "delivery")  # long, and not asked about
NEVER, LATE = 0.02, 0.03  # shares of orders that a platform swallows, or that wait for a day


class Row(NamedTuple):
    """What is read of an entry."""

    sequence: int
    kind: str
    at: str
    unit: str
    old_minor: int | None
    new_minor: int | None
    verdict: str
    rule: str
    run_id: str
    payload: dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Orders:
    """Reads what is new, and does it.

    Attributes
    ----------
    ledger : the file; what is new is read past adbudget, for a judge takes nobody's word
    cursor : last entry that was read
    swallowed : (account, campaign) of orders that the platform did not make
    waiting : orders for the next day, with the account they are of
    """

    platforms: dict[str, Platform]
    deals: Deals
    rng: np.random.Generator
    book: Book
    ledger: Path
    cursor: int = 0
    swallowed: list[tuple[str, str]] = field(default_factory=list)
    waiting: list[tuple[Any, str]] = field(default_factory=list)

    def new_rows(self) -> list[Row]:
        """Entries since the last call, in order."""
        if not self.ledger.exists():
            return []
        asked = f"SELECT {', '.join(Row._fields)} FROM ledger_entry WHERE sequence > ? ORDER BY 1"
        connection = sqlite3.connect(self.ledger)
        try:
            rows = connection.execute(asked, (self.cursor,)).fetchall()
        finally:
            connection.close()
        found = [
            Row(*row[:-1], {} if row[1] in SKIPPED else json.loads(row[-1]))  # pyright: ignore
            for row in rows
        ]
        self.cursor = found[-1].sequence if found else self.cursor
        return found

    def carry_out(self, rows: list[Row], account: str = "") -> None:
        """Make the changes of these rows: of an account's campaigns, or of deals."""
        for row in rows:
            if row.kind != "change":
                continue
            chance = self.rng.random() if account else 1.0
            if chance < NEVER:
                self.book.counts["orders swallowed"] += 1
                self.swallowed.append((account, campaign_of(row.unit)))
            elif chance < NEVER + LATE:
                self.waiting.append((row, account))
                self.book.counts["orders made late"] += 1
            else:
                self._make(row, account)

    def catch_up(self) -> None:
        """Make the orders that were left over yesterday."""
        for row, account in self.waiting:
            self._make(row, account)
        self.waiting.clear()

    def _make(self, row: Any, account: str) -> None:
        if not account:
            deal = self.deals.find(row.unit)
            if deal is not None and row.payload.get("budget") == "flight":
                deal.budget_minor = int(row.new_minor)
            return
        platform = self.platforms[account]
        i = platform.place(campaign_of(row.unit))
        if i is None:
            return
        if row.payload.get("action") == "pause":
            platform.active[i] = False
        else:
            platform.budget_minor[i] = int(row.new_minor)
