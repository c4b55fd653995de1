"""A campaign platform with known truth: budgets in, reports out, and what is wrong with them.

Every day has random numbers of its own, so that two ways to run the same year meet the same days.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from benchmarks.year.accounts import CHANNELS, Account
from benchmarks.year.stories import FIRST_DAY, Story

WARM_UP = 35  # days before the first one
LACKING = 0.10  # share of its results that a table may lack and still be sound
DIMINISHING = 0.25  # cost per lead grows with budget to this power
HISTORY_DAYS = 15  # before the window
CPM, CTR, SALE_RATE, SALE_VALUE = 8.0, 0.02, 0.2, 300.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Days:
    """What truly happened: (day, campaign), WARM_UP days before the first one included."""

    spend: np.ndarray
    leads: np.ndarray  # (day, campaign, age in days) reported by then
    impressions: np.ndarray


class Platform:
    """One account's campaigns; place i keeps its id until a newer campaign takes it.

    Attributes
    ----------
    account : whose it is
    names : (campaign,) ids
    budget_minor : (campaign,) minor units per day, as the platform has them now
    active : (campaign,) bool
    day : the next day to happen
    """

    def __init__(
        self, account: Account, *, seed: int, n_days: int, n_campaigns: int, stories: list[Story]
    ) -> None:
        self.account, self.seed, self.number = account, seed, sum(map(ord, account.name))
        self.stories = [one for one in stories if one.about.split("/")[0] in (account.name, "")]
        rng = np.random.default_rng([seed, self.number])
        n, total = n_campaigns, n_days + WARM_UP
        self.names = [f"c{i:02d}" for i in range(n)]
        self.channel = np.array([CHANNELS[i % len(CHANNELS)] for i in range(n)])
        level = np.exp(rng.normal(0.0, 0.22, n))
        drift = np.zeros((total, n))
        for day in range(1, total):
            drift[day] = 0.985 * drift[day - 1] + rng.normal(0.0, 0.02, n)
        self.true_cost = account.target * level * np.exp(drift)
        money = account.target * np.exp(rng.normal(1.9, 0.4, n)).clip(3, 14)
        self.budget_minor = np.rint(money).astype(np.int64) * 100
        self.usual_minor = self.budget_minor.copy()
        self.active = np.ones(n, bool)
        self.started = np.full(n, FIRST_DAY - 200)
        shape = (total, n)
        self.days = Days(
            spend=np.zeros(shape),
            leads=np.zeros((*shape, len(account.reported)), np.int64),
            impressions=np.zeros(shape),
        )
        self.seen_table: pd.DataFrame | None = None
        self.launches = sorted(rng.choice(max(n_days - 10, 1), size=max(1, n_days // 90)).tolist())
        self.day = -WARM_UP
        while self.day < 0:
            self.happen()

    # What happens --------------------------------------------------------------------------------

    def happen(self) -> None:
        """Let one day pass."""
        t, n = self.day, len(self.names)
        rng = np.random.default_rng([self.seed, self.number, t + WARM_UP])
        budget = np.where(self.active, self.budget_minor / 100, 0.0)
        spend = budget * rng.uniform(0.94, 1.0, n) * self._factor("overspend", t, 1.9)
        spend *= self._factor("not shown", t, 0.0)
        weekday = (np.datetime64(FIRST_DAY, "D") + t).astype(date).weekday()
        cost = self.cost_now() * (1.15 if weekday >= 5 else 1.0)
        leads = rng.poisson(spend / cost)
        share = np.diff(self.account.reported, prepend=0.0)
        by_age = np.array([rng.multinomial(k, share) for k in leads]).reshape(n, -1)
        self.days.spend[t + WARM_UP] = spend.round(2)
        self.days.leads[t + WARM_UP] = by_age.cumsum(axis=1)
        self.days.impressions[t + WARM_UP] = np.rint(1000 * spend / CPM)
        self.day += 1
        if self.launches and self.launches[0] == self.day:
            self._launch(self.launches.pop(0), rng)

    def cost_now(self) -> np.ndarray:
        """(campaign,) true cost per lead at the budgets that stand."""
        t = self.day
        share = np.maximum(self.budget_minor / self.usual_minor, 0.05)
        bad = self._factor("bad campaign", t, None)
        return self.true_cost[t + WARM_UP] * share**DIMINISHING * bad

    def _factor(self, kind: str, day: int, factor: float | None) -> np.ndarray:
        """(campaign,) 1, or the factor of a story about single campaigns."""
        found = np.ones(len(self.names))
        for story in self.stories:
            if story.kind == kind and story.on(day):
                found[int(story.about.split("/")[1])] = (
                    1 + 4 * story.size if factor is None else factor
                )
        return found

    def _launch(self, day: int, rng: np.random.Generator) -> None:
        """A campaign ends, and a new one takes its place and its budget."""
        i = int(rng.integers(len(self.names)))
        self.names[i] = f"n{day:03d}"
        self.started[i] = FIRST_DAY + day
        self.active[i] = True

    # What people and programs do -----------------------------------------------------------------

    def place(self, name: str) -> int | None:
        """Where the campaign is; None when it is over."""
        return self.names.index(name) if name in self.names else None

    # What is reported ----------------------------------------------------------------------------

    def shares(self, day: int, now: int) -> tuple[np.ndarray, np.ndarray]:
        """(campaign,) share of a day's results usually reported by now, and truly in the table."""
        reported = self.account.reported
        age = min(now - day, len(reported) - 1)
        usual = np.full(len(self.names), reported[age])
        late = 3 * any(one.kind == "late results" and one.on(now) for one in self.stories)
        told = np.full(len(self.names), reported[max(min(now - day - late, age), 0)])
        for story in self.stories:
            if story.kind in ("no results", "few results") and story.on(day):
                channel = story.about.partition("/")[2]
                hit = (self.channel == channel) if channel else np.ones(len(told), bool)
                lost = 1.0 if story.kind == "no results" else story.size
                told = np.where(hit, told * (1 - lost), told)
        return usual, told

    def _restated(self, day: int, now: int) -> float:
        """Share of a day's results that stays when the platform takes back doubtful ones."""
        kinds = [one for one in self.stories if one.kind == "restated" and one.first <= now]
        return 0.85 if any(one.first - 6 <= day < one.first for one in kinds) else 1.0

    def results(self, day: int, now: int) -> np.ndarray:
        """(campaign,) leads of a day as reported by now."""
        usual, told = self.shares(day, now)
        age = min(now - day, len(self.account.reported) - 1)
        counted = self.days.leads[day + WARM_UP, :, age]
        kept = np.divide(told, usual, out=np.zeros_like(told), where=usual > 0)
        told = np.floor(counted * kept * self._restated(day, now) + 0.5).astype(np.int64)
        return told * self._own(day)

    def _own(self, day: int) -> np.ndarray:
        """(campaign,) bool, the campaign of today ran on that day, not the one before it."""
        return FIRST_DAY + day >= self.started

    def lacking(self, now: int) -> np.ndarray:
        """(campaign,) share of its usual results that the table of now does not hold."""
        wanted, told = np.zeros(len(self.names)), np.zeros(len(self.names))
        newest = self.newest(now)
        for day in self._window(newest):
            usual, counted = self.shares(day, now)
            wanted += usual * self.days.spend[day + WARM_UP]
            told += counted * self.days.spend[day + WARM_UP]
        return 1 - np.divide(told, wanted, out=np.ones_like(told), where=wanted > 0)

    def broken(self, now: int) -> np.ndarray:
        """(campaign,) bool, its figures are known to be no ground for a move."""
        old = now - self.newest(now) > 2
        return (self.lacking(now) > LACKING) | old

    def newest(self, now: int) -> int:
        """Last day that the table of now holds: yesterday, or earlier when an export failed."""
        old = [one.first for one in self.stories if one.kind == "old table" and one.on(now)]
        return min([*old, now]) - 1

    def bad(self) -> np.ndarray:
        """(campaign,) bool, its leads truly cost too much, or it is not shown or overspends."""
        t = self.day
        odd = self._factor("not shown", t, 0.0) * self._factor("overspend", t, 2.0) != 1
        yesterday = self._factor("overspend", t - 1, 2.0) * self._factor("not shown", t - 1, 0.0)
        costly = self.cost_now() > 1.3 * self.account.target
        return costly | odd | (yesterday != 1)

    def _window(self, newest: int) -> Iterator[int]:
        yield from range(newest - self.account.window + 1, newest + 1)

    def table(self) -> pd.DataFrame:
        """Campaign table of this morning."""
        now = self.day
        newest = self.newest(now)
        window = list(self._window(newest))
        own = {day + WARM_UP: self._own(day) for day in window}
        leads = sum(self.results(day, now if newest == now - 1 else newest + 1) for day in window)
        return self._frame(
            {
                "date": str(FIRST_DAY + newest),
                "days": self.account.window,
                "budget": self.budget_minor / 100,
                "spend": sum(self.days.spend[row] * runs for row, runs in own.items()).round(2),
                "leads": leads,
                "impressions": sum(self.days.impressions[row] * runs for row, runs in own.items()),
                "started_at": [str(day) for day in self.started],
                "status": np.where(self.active, "active", "paused"),
                "currency": self.account.currency,
            }
        )

    def history(self) -> pd.DataFrame:
        """The same by day, as far back as triggers and outages look."""
        now = self.day
        newest = self.newest(now)
        seen = now if newest == now - 1 else newest + 1
        days = range(newest - HISTORY_DAYS - self.account.window + 1, newest + 1)
        leads = np.stack([self.results(day, seen) for day in days])
        refunds = {one.first for one in self.stories if one.kind == "refunds"}
        back = np.array([[day in refunds] for day in days])
        sales = np.floor(SALE_RATE * leads)
        rows = [day + WARM_UP for day in days]
        own = np.stack([self._own(day) for day in days]).ravel()
        n_days, n = leads.shape
        frame = pd.DataFrame(
            {
                "campaign_id": np.tile(self.names, n_days),
                "account": self.account.name,
                "channel": np.tile(self.channel, n_days),
                "date": np.repeat([str(FIRST_DAY + day) for day in days], n),
                "days": 1,
                "spend": self.days.spend[rows].ravel(),
                "leads": leads.ravel(),
                "revenue": (SALE_VALUE * (sales - (3 + sales) * back)).ravel(),
                "impressions": self.days.impressions[rows].ravel(),
            }
        )
        return frame.loc[own].reset_index(drop=True)

    def _frame(self, columns: dict) -> pd.DataFrame:
        names = {"campaign_id": self.names, "account": self.account.name, "channel": self.channel}
        return pd.DataFrame(names | columns)
