"""Seed -> what is broken when: outages, late figures, absent people, sellers who do not deliver.

Stories begin in some weeks and leave others quiet. They are the truth that a run is judged by;
nothing of them is told to adbudget.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

FIRST_DAY = np.datetime64("2026-01-01")
CYCLE, BUSY = 8, 2  # weeks; stories begin in the first two of eight
AFTERMATH = 14  # days after a story on which its figures still show

# kind -> (how many a year, shortest, longest in days, whom it is about)
KINDS: dict[str, tuple[int, int, int, str]] = {
    "no results": (3, 1, 3, "account"),
    "few results": (3, 2, 4, "channel"),
    "late results": (2, 3, 5, "account"),
    "restated": (3, 1, 1, "account"),
    "refunds": (3, 1, 1, "account"),
    "old table": (2, 3, 5, "account"),
    "bad campaign": (8, 10, 21, "campaign"),
    "not shown": (4, 2, 5, "campaign"),
    "overspend": (4, 1, 2, "campaign"),
    "edit by hand": (24, 1, 1, "campaign"),
    "short deal": (6, 14, 21, "deal"),
    "over deal": (4, 10, 15, "deal"),
    "stalled deal": (3, 4, 7, "deal"),
    "silent feed": (3, 3, 5, "seller"),
    "restated delivery": (3, 1, 1, "seller"),
    "credit": (4, 1, 1, "deal"),
    "paused deal": (4, 4, 8, "deal"),
    "raised deal": (4, 1, 1, "deal"),
    "frozen seller": (2, 4, 7, "frozen"),
    "kill switch": (2, 2, 3, "all"),
    "nobody approves": (2, 8, 12, "all"),
    "alerts down": (3, 1, 1, "all"),
    "killed": (24, 1, 1, "all"),
}
QUIET = ("edit by hand", "killed", "alerts down", "kill switch", "nobody approves", "frozen seller")


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Something that goes wrong.

    Attributes
    ----------
    kind : of KINDS
    first, last : days of the year, both included
    about : account, (account, channel), (account, place of the campaign), place of the deal, or
        seller, as text; "" for everybody
    size : in (0, 1], how badly
    """

    kind: str
    first: int
    last: int
    about: str = ""
    size: float = 1.0

    def on(self, day: int) -> bool:
        """Whether it is going on."""
        return self.first <= day <= self.last

    def tells(self, day: int) -> bool:
        """Whether it is going on, or still shows in figures of some days."""
        return self.first <= day <= self.last + AFTERMATH


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Whom stories can be about.

    Attributes
    ----------
    accounts, channels, sellers : names
    n_campaigns, n_deals : places of an account, and of all campaigns of deals
    """

    accounts: tuple[str, ...]
    channels: tuple[str, ...]
    sellers: tuple[str, ...]
    n_campaigns: int
    n_deals: int


def make_stories(seed: int, n_days: int, cast: Cast, only: Iterable[str] = ()) -> tuple[Story, ...]:
    """Stories of a year, or of the first days of one: at least one of every kind.

    Parameters
    ----------
    seed : of the year
    n_days : how many days are run
    cast : whom they can be about
    only : kinds; all when empty
    """
    rng = np.random.default_rng([seed, 1])
    starts = [d for d in range(2, n_days) if (d // 7) % CYCLE < BUSY]
    found = []
    for kind, (a_year, shortest, longest, about) in KINDS.items():
        wanted = max(1, round(a_year * n_days / 365))
        days = rng.choice(starts, size=min(wanted, len(starts)), replace=False)
        for first in sorted(days.tolist()):
            length = int(rng.integers(shortest, longest + 1))
            story = Story(
                kind=kind,
                first=first,
                last=first + length - 1,
                about=_about(about, cast, rng),
                size=float(rng.uniform(0.6, 0.95)),
            )
            found.append(story)
    chosen = set(only)
    return tuple(one for one in found if not chosen or one.kind in chosen)


def _about(about: str, cast: Cast, rng: np.random.Generator) -> str:
    account = str(rng.choice(cast.accounts))
    return {
        "account": account,
        "channel": f"{account}/{rng.choice(cast.channels)}",
        "campaign": f"{account}/{rng.integers(cast.n_campaigns)}",
        "deal": str(rng.integers(cast.n_deals)),
        "seller": str(rng.choice(cast.sellers)),
        "frozen": cast.sellers[2],
        "all": "",
    }[about]


def active(stories: Iterable[Story], kind: str, day: int, about: str | None = None) -> list[Story]:
    """Stories of a kind that go on that day, about somebody or anybody."""
    return [
        one
        for one in stories
        if one.kind == kind and one.on(day) and (about is None or one.about == about)
    ]


def quiet_weeks(stories: Iterable[Story], n_days: int) -> list[int]:
    """Whole weeks of the year in which no story shows."""
    loud = [one for one in stories if one.kind not in QUIET]
    return [
        week
        for week in range(n_days // 7)
        if not any(one.tells(day) for one in loud for day in range(7 * week, 7 * week + 7))
    ]
