"""Five sellers on this machine: one grants, one counters, one freezes, one breaks its word.

Four are agents over HTTP, those of the tests; the fifth is reached by files that a person carries.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.year.deals import CPM, SELLERS, Deal, Deals
from benchmarks.year.stories import FIRST_DAY, Story, active
from tests.pacing.seller_server import SellerAgent

GENEROUS, COUNTERS, FREEZES, BREAKS_WORD, ON_PAPER = SELLERS
WAITS = {GENEROUS: 1, COUNTERS: 1, FREEZES: 2, BREAKS_WORD: 0, ON_PAPER: 2}  # days to an answer
DAILY = ("daily_budget", "daily_impressions")


class Sellers:
    """What the sellers do with requests.

    Attributes
    ----------
    agents : seller -> its agent
    outbox : folder of requests to the seller on paper
    granted : (day, deal, field, value) of everything a seller agreed to
    """

    def __init__(self, agents: dict[str, SellerAgent], outbox: Path, *, seed: int) -> None:
        self.agents, self.outbox = agents, outbox
        self.rng = np.random.default_rng([seed, 3])
        self.asked_on: dict[str, int] = {}
        self.granted: list[tuple[int, str, str, Any]] = []

    def urls(self) -> dict[str, str]:
        """Seller -> address, as ``--to`` takes it."""
        return {seller: agent.url for seller, agent in self.agents.items()}

    def open_day(self, deals: Deals, stories: tuple[Story, ...]) -> None:
        """Orders of today's deals are known, and who is frozen does not answer."""
        for seller, agent in self.agents.items():
            agent.frozen = bool(active(stories, "frozen seller", deals.day, seller))
            for deal in deals.deals:
                if deal.seller == seller:
                    order = {"status": "booked", "deal_id": deal.name}
                    agent.orders.setdefault(f"ORD-{deal.name}", order)

    def answer(self, deals: Deals, at: datetime) -> None:
        """Operators look at what waits for them."""
        for seller, agent in self.agents.items():
            if agent.frozen:
                continue
            for number, record in list(agent.records.items()):
                if record["status"] == "approved":
                    agent.apply(number)
                    self._carry_out(deals, record["deal_id"], record["diffs"])
                elif record["status"] == "pending_approval" and self._time_to(
                    seller, number, deals
                ):
                    self._decide(seller, agent, number, at)
        self._answer_on_paper(deals)

    def _time_to(self, seller: str, number: str, deals: Deals) -> bool:
        return deals.day - self.asked_on.setdefault(number, deals.day) >= WAITS[seller]

    def _decide(self, seller: str, agent: SellerAgent, number: str, at: datetime) -> None:
        record = agent.records[number]
        offer = _less(record["diffs"]) if seller == COUNTERS else []
        if offer:
            agent.counter(number, offer)
        elif seller == FREEZES and self.rng.random() < 0.4:
            agent.review(number, "reject", at, reason="sold out")
        else:
            agent.review(number, "approve", at)

    def _answer_on_paper(self, deals: Deals) -> None:
        for path in sorted(self.outbox.glob("SR-*.json")):
            answer = path.with_suffix(".answer.json")
            if path.name.endswith(".answer.json") or answer.exists():
                continue
            if self._time_to(ON_PAPER, path.name, deals) and self.rng.random() < 0.5:
                body = json.loads(path.read_text(encoding="utf-8"))
                told = {"order_id": body["order_id"], "status": "approved"}
                answer.write_text(json.dumps(told), encoding="utf-8")
                self._carry_out(deals, body["order_id"].removeprefix("ORD-"), body["diffs"])

    def accepted(self, deals: Deals, deal: str, diffs: list[dict]) -> None:
        """A person has accepted an offer, and told the seller."""
        self._carry_out(deals, deal, diffs)

    def _carry_out(self, deals: Deals, name: str, diffs: list[dict]) -> None:
        deal = deals.find(name)
        if deal is None:
            return
        for diff in diffs:
            self.granted.append((deals.day, name, diff["field"], diff["new_value"]))
            if deal.seller != BREAKS_WORD:
                change_deal(deal, diff["field"], diff["new_value"], deals.day)


def change_deal(deal: Deal, field: str, value: Any, day: int) -> None:
    """What an agreed field does to what the seller delivers."""
    if field in DAILY:
        amount = float(value) * (CPM / 1000 if field == "daily_impressions" else 1.0)
        deal.daily[day], deal.promised = amount, {}
        deal.capacity = max(deal.capacity, 1.05 * amount)
    elif field.endswith("_by_day"):
        deal.daily.pop(day, None)  # the first of these days, told twice
        amounts = _by_day(str(value), field)
        deal.promised = amounts
        deal.capacity = max(deal.capacity, 1.05 * max(amounts.values()))
    elif field == "flight_end":
        deal.last = int((np.datetime64(value) - FIRST_DAY).astype(int))


def _by_day(text: str, field: str) -> dict[int, float]:
    """'2026-04-02 500.00, ...' -> day of the year -> money."""
    price = CPM / 1000 if field.startswith("daily_impressions") else 1.0
    pairs = (part.split(" ") for part in text.split(", "))
    return {
        int((np.datetime64(date.fromisoformat(day)) - FIRST_DAY).astype(int)): price * float(amount)
        for day, amount in pairs
    }


def _less(diffs: list[dict]) -> list[dict]:
    """Half of the change that was asked for, where it is a single amount."""
    if len(diffs) != 1 or diffs[0]["field"] not in DAILY:
        return []
    old, new = float(diffs[0]["old_value"]), float(diffs[0]["new_value"])
    half = (old + new) / 2
    value = round(half) if diffs[0]["field"] == "daily_impressions" else f"{half:.2f}"
    return [diffs[0] | {"new_value": value}]


@contextmanager
def open_sellers(outbox: Path, *, seed: int) -> Iterator[Sellers]:
    """Start the agents; they stop with the block."""
    with ExitStack() as stack:
        agents = {
            seller: stack.enter_context(SellerAgent(token=f"key of {seller}"))
            for seller in SELLERS
            if seller != ON_PAPER
        }
        for agent in agents.values():
            agent.orders.clear()
        outbox.mkdir(parents=True, exist_ok=True)
        yield Sellers(agents, outbox, seed=seed)
