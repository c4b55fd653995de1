"""Entries of a pacing run + the truth -> violations and needed alerts. Reads nothing else."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.year.book import Book, Told
from benchmarks.year.deals import Deal, Deals
from tests.pacing.seller_server import SellerAgent

RAISES, LOWERS = ("raise_delivery", "make_good"), ("throttle_delivery",)
SETTLED = ("failed", "rejected")


@dataclass(slots=True, kw_only=True)
class PaceJudge:
    """Judges one run after the other; remembers nothing but the book."""

    deals: Deals
    book: Book

    def add(self, kind: str, unit: str, text: str) -> None:
        """Write a violation of a deal down."""
        self.book.add(kind, self.deals.day, unit, text)

    def judge_run(self, rows: Sequence[Any], *, kill_on: bool) -> None:
        """Judge what one run has written, before anything of it is made."""
        moved = self._judge_moves([row for row in rows if row.kind == "change"], kill_on, False)
        told = {row.unit: row for row in rows if row.kind == "alert"}
        for row in rows:
            if row.kind == "request" and "ask" in row.payload:
                self._judge_ask(row, moved, told)
            elif row.kind == "alert":
                self._judge_alert(row)

    def judge_approved(self, rows: Sequence[Any], *, kill_on: bool) -> None:
        """Judge moves that a person has let through."""
        changes = [r for r in rows if r.kind == "change" and r.payload.get("budget") == "flight"]
        self._judge_moves(changes, kill_on, True)

    def _judge_moves(self, rows: Sequence[Any], kill_on: bool, signed: bool) -> dict[str, int]:
        moved: dict[str, int] = {}
        by_campaign: dict[str, int] = defaultdict(int)
        for row in rows:
            deal = self.deals.find(row.unit)
            if deal is None:
                self.add("contradiction", row.unit, "money moved in a deal that is over")
                continue
            old, new = int(row.old_minor), int(row.new_minor)
            moved[deal.name] = moved.get(deal.name, 0) + new - old
            by_campaign[deal.campaign] += new - old
            self._judge_move(deal, old, new, kill_on, signed)
        for campaign, change in by_campaign.items():
            if change and not signed:
                self.add("limit", campaign, f"the campaign's money changes by {change}")
        self.book.counts["moves of deals"] += len(rows)
        return moved

    def _judge_move(self, deal: Deal, old: int, new: int, kill_on: bool, signed: bool) -> None:
        if kill_on:
            self.add("limit", deal.name, "moved while the kill switch is on")
        if self.deals.broken(deal) and not signed:
            self.add("harm", deal.name, f"{old} -> {new} while its seller reports nothing")
        if self.deals.paused(deal, self.deals.day):
            self.add("limit", deal.name, f"{old} -> {new} while it is paused")
        if old != deal.budget_minor:
            self.add("contradiction", deal.name, f"from {old}, it stands at {deal.budget_minor}")
        if new > 2 * deal.booked_minor:
            self.add("limit", deal.name, f"{new} is above its maximum")
        if new < deal.spent(self.deals.day) and new < old:
            self.add("limit", deal.name, f"{new} is less than what is spent already")

    def _judge_ask(self, row: Any, moved: dict[str, int], told: dict[str, Any]) -> None:
        deal = self.deals.find(row.unit)
        if deal is None:
            return
        ask = row.payload["ask"]
        intent, first = ask["intent"], ask["diffs"][0]
        self.book.counts["requests drafted"] += 1
        if self.deals.broken(deal):
            self.add("harm", deal.name, f"{intent} asked while its seller reports nothing")
        if self.deals.paused(deal, self.deals.day):
            self.add("limit", deal.name, f"{intent} asked while it is paused")
        if str(first["field"]).startswith("daily"):
            up = float(first["new_value"]) - float(first["old_value"])
            if (intent in RAISES and up < 0) or (intent in LOWERS and up > 0):
                told_text = f"{first['old_value']} to {first['new_value']}"
                self.add("contradiction", deal.name, f"{intent} asks for {told_text}")
        if intent in LOWERS and moved.get(deal.name, 0) > 0:
            self.add("contradiction", deal.name, "is given money and asked to slow down in one run")
        if intent in RAISES and moved.get(deal.name, 0) < 0:
            self.add("contradiction", deal.name, "gives money and is asked to hurry in one run")
        alert = told.get(deal.name)
        type_ = str(alert.payload.get("type", "")) if alert is not None else ""
        if (type_.startswith("over") and intent in RAISES) or (
            type_.startswith("under") and intent in LOWERS
        ):
            self.add("contradiction", deal.name, f"alert {type_}, request {intent}")

    def judge_requests(self, requests: Sequence[Any]) -> None:
        """No deal has two requests on the way that ask for opposite things."""
        open_now: dict[str, set[str]] = defaultdict(set)
        for request in requests:
            if request.is_open:
                side = "up" if request.ask.intent in RAISES else "down"
                if request.ask.intent in (*RAISES, *LOWERS):
                    open_now[request.ask.deal].add(side)
        for name, sides in open_now.items():
            if len(sides) > 1:
                self.add("contradiction", name, "asked to hurry and to slow down at the same time")

    def judge_agent(self, seller: str, agent: SellerAgent) -> None:
        """No change was made twice at a seller."""
        seen: dict[str, str] = {}
        for number, record in agent.records.items():
            mark = record["reason"].rpartition("[ref ")[2]
            if mark in seen and record["status"] not in SETTLED:
                self.add("duplicate", record["deal_id"], f"{seller} has {seen[mark]} and {number}")
            seen[mark] = number

    def _judge_alert(self, row: Any) -> None:
        unit = row.unit.rpartition("::")[2].partition(", ")[0]
        unit = unit.removeprefix("campaign ").removeprefix("seller ").removeprefix("channel ")
        about = [
            one
            for one in self.deals.deals
            if unit in (one.name, one.campaign.removeprefix("campaign "), one.seller, one.channel)
            or unit == one.campaign
        ]
        silent = any(self.deals.broken(one) for one in about)
        needed = silent or any(self.deals.off(one) for one in about)
        payload = row.payload
        told = Told(
            day=self.deals.day,
            unit=row.unit,
            type=str(payload.get("type", row.rule)),
            severity=str(payload.get("severity", "")),
            needed=needed,
        )
        self.book.alerts.append(told)
