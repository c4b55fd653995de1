"""The people of the agency: they approve late or never, refuse, and edit budgets by hand."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from adbudget.ledger import Ledger
from adbudget.pacing.requests import read_requests
from benchmarks.year.book import Book
from benchmarks.year.campaigns import Platform
from benchmarks.year.deals import Deals
from benchmarks.year.hands import Hands
from benchmarks.year.judging_rules import RulesJudge, campaign_of
from benchmarks.year.sellers import Sellers
from benchmarks.year.stories import Story, active

WHO = ("Ann", "Bob")
WORDS = ("approve", "approve", "approve", "approve", "approve", "reject", "reject", "never")
DAYS_LATE = (0, 0, 0, 1, 2, 4)
PAUSED_FOR = 5  # days until a person looks at a paused campaign again


@dataclass(slots=True, kw_only=True)
class People:
    """What they have seen, and mean to do.

    Attributes
    ----------
    plans : group or item -> what to say, and from which day on
    paused_on : (account, campaign) -> day on which it was paused
    """

    rng: np.random.Generator
    book: Book
    plans: dict[str, tuple[str, int]] = field(default_factory=dict)
    paused_on: dict[tuple[str, str], int] = field(default_factory=dict)

    def edit(self, platform: Platform, stories: tuple[Story, ...]) -> None:
        """Edit budgets on the platform by hand, and start paused campaigns again."""
        day, account = platform.day, platform.account.name
        for story in stories:
            mine = story.about.startswith(f"{account}/")
            if story.kind == "edit by hand" and story.first == day and mine:
                i = int(story.about.split("/")[1])
                factor = float(self.rng.choice([0.6, 0.8, 1.25, 1.6]))
                platform.budget_minor[i] = int(platform.budget_minor[i] * factor) // 100 * 100
                self.book.touched["edits by hand"] += 1
        for i in np.flatnonzero(~platform.active).tolist():
            name = platform.names[i]
            since = self.paused_on.setdefault((account, name), day)
            if day - since >= PAUSED_FOR and (not platform.bad()[i] or day - since > 25):
                platform.active[i] = True
                del self.paused_on[account, name]
                self.book.touched["campaigns started again"] += 1

    def change_plans(self, deals: Deals, stories: tuple[Story, ...]) -> None:
        """Book more money for a deal in mid-flight."""
        for story in stories:
            if story.kind == "raised deal" and story.first == deals.day:
                deal = deals.of_place(int(story.about))
                if deal is not None and deal.last - deals.day > 5:
                    deals.raise_budget(deal, deal.booked_minor * 3 // 10)
                    self.book.touched["deals booked anew"] += 1

    def flip(self, hands: Hands, stories: tuple[Story, ...], day: int, at: datetime) -> None:
        """Turn the kill switch on and off."""
        for story in stories:
            if story.kind == "kill switch" and day in (story.first, story.last + 1):
                hands.kill(day == story.first, at)
                self.book.touched["kill switch"] += 1

    def rule(
        self,
        hands: Hands,
        ledger: Ledger,
        judges: dict[str, RulesJudge],
        accounts: dict[str, str],
        stories: tuple[Story, ...],
        day: int,
        at: datetime,
    ) -> None:
        """Say a word on what waits; late, or never."""
        waiting = ledger.pending()
        seen: set[str] = set()
        for row in waiting.itertuples():
            name: Any = row.group_id or row.item
            if name in seen:
                continue
            seen.add(name)
            word, due = self.plans.setdefault(
                name, (str(self.rng.choice(WORDS)), day + int(self.rng.choice(DAYS_LATE)))
            )
            if word == "never" or day < due or active(stories, "nobody approves", day):
                continue
            error = hands.rule(str(name), word, str(self.rng.choice(WHO)), at)
            self.book.touched[f"{word}d" if word == "approve" else "rejected"] += 1
            if error:
                self._came_too_late(error)
            elif word == "reject":
                members = waiting.loc[(waiting["group_id"] == name) | (waiting["item"] == name)]
                _remember(members, judges, accounts)

    def _came_too_late(self, error: str) -> None:
        """The word was refused: something else has happened to the item meanwhile."""
        self.book.counts[f"words refused: {error.split(':')[0]}"] += 1

    def answer_offers(
        self, hands: Hands, ledger: Ledger, sellers: Sellers, deals: Deals, at: datetime
    ) -> None:
        """Accept or refuse what sellers offer instead."""
        for request in read_requests(ledger):
            if request.state != "countered":
                continue
            word = "approved" if self.rng.random() < 0.7 else "rejected"
            if not hands.record(request.request_id, word, "Ann", at) and word == "approved":
                diffs = [
                    {"field": one.field, "new_value": one.new_value} for one in request.counter
                ]
                sellers.accepted(deals, request.ask.deal, diffs)
            self.book.touched["offers answered"] += 1


def _remember(members: Any, judges: dict[str, RulesJudge], accounts: dict[str, str]) -> None:
    """Tell the judges which moves were refused."""
    for row in members.itertuples():
        judge = judges.get(accounts.get(row.run_id, ""))
        if judge is not None and row.old_minor is not None and str(row.old_minor) != "<NA>":
            judge.refuse(campaign_of(row.unit), 1 if row.new_minor > row.old_minor else -1)
