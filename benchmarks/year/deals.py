"""Booked deals of five sellers with known truth: plans in, deliveries out, and what is wrong.

Forty places, five sellers in each of eight campaigns; a place is booked anew after its flight.
"""

from calendar import monthrange
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd

from benchmarks.year.stories import FIRST_DAY, Story

SELLERS = ("Northstar", "Ad House", "Pole TV", "Promise Media", "Paper Post")
DEAL_CHANNELS = ("video", "ctv", "display", "audio", "video")
CURVES = ("even", "even", "even", "front_loaded(1.5)", "back_loaded(1.5)")
KEPT_DAYS = 4  # a flight stays in the plan after its end, until its last figures are final
PROVISIONAL_DAYS = 2
OFF = 0.10  # share of the plan by which a deal is truly off
CPM = 12.0


@dataclass(slots=True, kw_only=True, eq=False)
class Deal:
    """One booked flight, as the platform and its seller have it.

    Attributes
    ----------
    name, campaign, channel, seller, currency, curve : as booked
    place : of the forty
    first, last : days of the year
    booked_minor : budget in the plan of the team; versions are kept in ``versions``
    budget_minor : as it stands now, with all moves
    capacity : money a day that the seller can deliver
    daily : day from which a daily budget was agreed on -> the amount
    promised : amounts that were agreed on day by day, the newest agreement
    spend_minor : by day
    told : by day, what a provisional figure tells of the spend, and the outcomes
    wins : outcomes per unit of money
    """

    name: str
    campaign: str
    channel: str
    seller: str
    currency: str
    curve: str
    place: int
    first: int
    last: int
    booked_minor: int
    budget_minor: int
    capacity: float
    wins: float
    versions: list[tuple[int, int]] = field(default_factory=list)
    daily: dict[int, float] = field(default_factory=dict)
    promised: dict[int, float] = field(default_factory=dict)
    spend_minor: dict[int, int] = field(default_factory=dict)
    told: dict[int, tuple[float, float]] = field(default_factory=dict)

    def share(self, days: float) -> float:
        """Share of the budget planned for so many days from the start."""
        t = min(max(days / (self.last - self.first + 1), 0.0), 1.0)
        if self.curve.startswith("front"):
            return 1 - (1 - t) ** 1.5
        return t**1.5 if self.curve.startswith("back") else t

    def spent(self, day: int) -> int:
        """Minor units spent before a day."""
        return sum(minor for when, minor in self.spend_minor.items() if when < day)


class Deals:
    """Every deal of the year; those of today are in the plan of today.

    Attributes
    ----------
    deals : running, and ended lately, in the order of booking
    day : the next day to happen
    """

    def __init__(self, *, seed: int, n_days: int, n_campaigns: int, stories: list[Story]) -> None:
        self.seed, self.n_campaigns, self.stories = seed, n_campaigns, stories
        self.deals: list[Deal] = []
        self.next_start = [0] * n_campaigns
        self.flights = [0] * n_campaigns
        self.day = 0
        self._book()

    # What happens --------------------------------------------------------------------------------

    def happen(self) -> None:
        """Let one day pass."""
        t = self.day
        for deal in self.deals:
            if deal.first <= t <= deal.last:
                rng = np.random.default_rng([self.seed, 77, t, deal.place])
                minor = self._delivered(deal, t, rng)
                won = float(rng.poisson(minor / 100 * deal.wins))
                deal.spend_minor[t] = minor
                deal.told[t] = (float(rng.uniform(0.93, 1.03)), won)
        self.day += 1
        self.deals = [one for one in self.deals if self.day <= one.last + KEPT_DAYS]
        self._book()

    def _delivered(self, deal: Deal, t: int, rng: np.random.Generator) -> int:
        noise = float(rng.normal(1.0, 0.06))
        left = max(deal.budget_minor - deal.spent(t), 0)
        ahead = 1 - deal.share(t - deal.first)
        wanted = left * (deal.share(t - deal.first + 1) - deal.share(t - deal.first)) / ahead
        agreed = [amount for day, amount in deal.daily.items() if day <= t]
        agreed = [deal.promised[t]] if t in deal.promised else agreed
        if agreed:
            wanted = agreed[-1] * 100
        capacity = 100 * deal.capacity
        if self._on("short deal", deal, t) and not agreed:
            capacity *= 0.45
        if self._on("over deal", deal, t) and not agreed:
            wanted = 1.5 * wanted
        if self._on("stalled deal", deal, t) or self.paused(deal, t):
            return 0
        return int(min(wanted * noise, capacity, left))

    def _on(self, kind: str, deal: Deal, day: int) -> bool:
        return any(
            one.kind == kind and one.on(day) and one.about == str(deal.place)
            for one in self.stories
        )

    def paused(self, deal: Deal, day: int) -> bool:
        """Whether a person has paused the deal."""
        return self._on("paused deal", deal, day)

    def _book(self) -> None:
        """New flights of the campaigns whose last one ends within a week; of whole months."""
        for c in range(self.n_campaigns):
            while self.next_start[c] <= self.day + 5:
                self._book_campaign(c)

    def _book_campaign(self, c: int) -> None:
        first, number = self.next_start[c], self.flights[c]
        rng = np.random.default_rng([self.seed, 55, c, number])
        last = first - 1
        for _ in range(1 + (c + number) % 3):
            start: date = (FIRST_DAY + last + 1).astype(date)
            last += monthrange(start.year, start.month)[1]
        self.next_start[c], self.flights[c] = last + 1, number + 1
        n_days = last - first + 1
        for k, seller in enumerate(SELLERS):
            budget = int(rng.integers(40, 160)) * 10_000 * n_days // 30
            curve = str(rng.choice(CURVES))
            deal = Deal(
                name=f"{c}{k}-{number}",
                campaign=f"campaign {c}-{number}",
                channel=DEAL_CHANNELS[k],
                seller=seller,
                currency="EUR" if c % 2 else "USD",
                curve=curve,
                place=5 * c + k,
                first=first,
                last=last,
                booked_minor=budget,
                budget_minor=budget,
                capacity=budget / 100 / n_days * (1.6 if curve != "even" else 1.35),
                wins=float(np.exp(rng.normal(-3.0, 0.3))),
            )
            self.deals.append(deal)

    # What people do ------------------------------------------------------------------------------

    def find(self, name: str) -> Deal | None:
        """The deal of a name, while it is in the plan."""
        return next((one for one in self.deals if one.name == name), None)

    def of_place(self, place: int) -> Deal | None:
        """The deal that runs in a place today."""
        running = (one for one in self.deals if one.place == place)
        return next((one for one in running if one.first <= self.day <= one.last), None)

    def raise_budget(self, deal: Deal, minor: int) -> None:
        """A person books more money for the rest of a flight."""
        deal.versions.append((self.day, deal.booked_minor))
        deal.booked_minor += minor
        deal.budget_minor += minor

    # What is reported ----------------------------------------------------------------------------

    def broken(self, deal: Deal) -> bool:
        """Whether nothing was reported of a running deal for more than two days."""
        newest = self._newest(deal.seller)
        return deal.first <= self.day - 1 and self.day - 1 - newest >= 2

    def _newest(self, seller: str) -> int:
        """Last day a seller has reported."""
        silent = [
            one.first
            for one in self.stories
            if one.kind == "silent feed" and one.about == seller and one.on(self.day)
        ]
        return min([*silent, self.day]) - 1

    def off(self, deal: Deal) -> bool:
        """Whether a deal is truly off its plan, or was until lately."""
        return any(self._off_on(deal, day) for day in range(self.day - 2, self.day + 1))

    def _off_on(self, deal: Deal, day: int) -> bool:
        if not deal.first < day <= deal.last + 1 + KEPT_DAYS:
            return False
        planned = deal.budget_minor * deal.share(day - deal.first)
        told = any(
            self._on(kind, deal, day - 1) for kind in ("short deal", "over deal", "stalled deal")
        )
        return told or abs(deal.spent(day) - planned) > OFF * planned

    def plan(self) -> pd.DataFrame:
        """Plan table of this morning; budgets as booked, for moves are in the ledger only."""
        rows = []
        for deal in self.deals:
            row = {
                "deal": deal.name,
                "campaign": deal.campaign,
                "channel": deal.channel,
                "seller": deal.seller,
                "account": deal.seller,
                "currency": deal.currency,
                "budget": deal.booked_minor / 100,
                "start": str(FIRST_DAY + deal.first),
                "end": str(FIRST_DAY + deal.last),
                "curve": deal.curve,
                "time_zone": "Europe/Berlin",
                "status": "paused" if self.paused(deal, self.day) else "active",
                "order_id": f"ORD-{deal.name}",
                "maximum": deal.booked_minor * 2 / 100,
            }
            rows.append(row)
        return pd.DataFrame(rows)

    def delivery(self) -> pd.DataFrame:
        """Delivery of every deal in the plan, by day, as reported by this morning."""
        rows = [
            self._row(deal, day, minor)
            for deal in self.deals
            for day, minor in deal.spend_minor.items()
            if day <= self._newest(deal.seller)
        ]
        columns = ["deal", "date", "spend", "impressions", "conversions", "final"]
        return pd.DataFrame(rows, columns=columns)

    def _row(self, deal: Deal, day: int, minor: int) -> tuple:
        told, final = float(minor), self.day - day > PROVISIONAL_DAYS
        early, wins = deal.told[day]
        if not final:
            told *= early
        for one in self.stories:
            if one.kind == "restated delivery" and one.about == deal.seller:
                told *= 0.94 if one.first - 6 <= day < one.first <= self.day else 1.0
            if one.kind == "credit" and one.about == str(deal.place) and day == one.first:
                told = -0.3 * told if self.day - day > PROVISIONAL_DAYS + 1 else told
        shown = float(np.rint(10 * max(told, 0.0) / CPM))
        return (deal.name, str(FIRST_DAY + day), round(told) / 100, shown, wins, final)
