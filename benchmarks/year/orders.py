"""New entries of the ledger -> what a team carries to its platforms, mostly at once."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from adbudget.ledger import Ledger
from benchmarks.year.book import Book
from benchmarks.year.campaigns import Platform
from benchmarks.year.deals import Deals
from benchmarks.year.judging_rules import campaign_of

NEVER, LATE = 0.02, 0.03  # shares of orders that a platform swallows, or that wait for a day


@dataclass(slots=True, kw_only=True)
class Orders:
    """Reads what is new, and does it.

    Attributes
    ----------
    cursor : last entry that was read
    waiting : orders for the next day, with the account they are of
    """

    platforms: dict[str, Platform]
    deals: Deals
    rng: np.random.Generator
    book: Book
    cursor: int = 0
    waiting: list[tuple[Any, str]] = field(default_factory=list)

    def new_rows(self, ledger: Ledger) -> list[Any]:
        """Entries since the last call, in order."""
        head = ledger.head().sequence
        if head <= self.cursor:
            return []
        rows: Any = ledger.entries(last=head - self.cursor).itertuples()
        found = [row for row in rows if row.sequence > self.cursor]
        self.cursor = head
        return found

    def carry_out(self, rows: list[Any], day: int, account: str = "") -> None:
        """Make the changes of these rows: of an account's campaigns, or of deals."""
        for row in rows:
            if row.kind != "change":
                continue
            chance = self.rng.random() if account else 1.0
            if chance < NEVER:
                self.book.counts["orders swallowed"] += 1
            elif chance < NEVER + LATE:
                self.waiting.append((row, account))
                self.book.counts["orders made late"] += 1
            else:
                self._make(row, account)

    def catch_up(self, ledger: Ledger, day: int) -> None:
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
