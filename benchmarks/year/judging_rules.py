"""Entries of a policy run + the truth -> violations and needed alerts. Reads nothing else."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from benchmarks.year.book import Book, Told
from benchmarks.year.campaigns import Platform

MINOR = 100
FLIP_DAYS = 3  # a campaign that is raised and cut within so many days is pulled to and fro
NO_LASTS = 7  # days
SAME_FIGURE = 0.20  # share by which the true cost must have changed for a no to be asked again


def campaign_of(unit: str) -> str:
    """Name of a campaign without its account."""
    return unit.rpartition("::")[2]


@dataclass(slots=True, kw_only=True)
class RulesJudge:
    """What has to be remembered of one account from run to run.

    Attributes
    ----------
    moved : campaign -> day and sign of its last change by adbudget, and the rule
    opening : campaign -> minor units at the first run of the day
    refused : (campaign, sign) -> day of a person's no, and true cost on it
    """

    platform: Platform
    book: Book
    moved: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    opening: dict[str, int] = field(default_factory=dict)
    refused: dict[tuple[str, int], tuple[int, float]] = field(default_factory=dict)
    opened_on: int = -1

    def unit(self, name: str) -> str:
        """How violations call a campaign."""
        return f"{self.platform.account.name}/{name}"

    def add(self, kind: str, name: str, text: str) -> None:
        """Write a violation of a campaign down."""
        self.book.add(kind, self.platform.day, self.unit(name), text)

    def open_day(self) -> None:
        """Keep the budgets that the day opens with."""
        if self.opened_on != self.platform.day:
            self.opened_on = self.platform.day
            now = self.platform.budget_minor.tolist()
            self.opening = dict(zip(self.platform.names, now, strict=True))

    def judge_run(self, rows: Sequence[Any], *, kill_on: bool) -> None:
        """Judge what one run has written, before anything of it is made."""
        self.open_day()
        changes = [row for row in rows if row.kind == "change"]
        for row in changes:
            self._judge_change(row, kill_on=kill_on, signed=False)
        self._judge_total(changes)
        self._judge_twice(changes)
        for row in rows:
            if row.kind == "alert":
                self._judge_alert(row)
            elif row.kind == "recommendation" and row.verdict == "needs_approval":
                self._judge_item(row)

    def judge_approved(self, rows: Sequence[Any], *, kill_on: bool) -> None:
        """Judge changes that a person has let through."""
        for row in rows:
            if row.kind == "change":
                self._judge_change(row, kill_on=kill_on, signed=True)

    def _judge_change(self, row: Any, *, kill_on: bool, signed: bool) -> None:
        name = campaign_of(row.unit)
        i = self.platform.place(name)
        if i is None:
            return self.add("contradiction", name, "an order for a campaign that is over")
        if kill_on:
            self.add("limit", name, "changed while the kill switch is on")
        pauses = row.payload.get("action") == "pause"
        if self.platform.broken(self.platform.day)[i] and not signed:
            what = "paused" if pauses else f"{row.old_minor} -> {row.new_minor}"
            lacking = self.platform.lacking(self.platform.day)[i]
            self.add(
                "harm", name, f"{what} by {row.rule}; {lacking:.0%} of its results are lacking"
            )
        self.book.counts["pauses" if pauses else "changes"] += 1
        if pauses:
            if not self.platform.bad()[i]:
                self.book.counts["pauses of sound campaigns"] += 1
            return None
        self._judge_amount(row, name, i, signed=signed)
        return None

    def _judge_amount(self, row: Any, name: str, i: int, *, signed: bool) -> None:
        old, new, account = int(row.old_minor), int(row.new_minor), self.platform.account
        now, opening = int(self.platform.budget_minor[i]), self.opening[name]
        if now not in (old, *row.payload.get("starts", ())):
            self.add("contradiction", name, f"order from {old}, the budget that stands is {now}")
        if abs(new - opening) > account.daily_change * opening + 1:
            self.add("limit", name, f"{opening} -> {new} in a day, {row.rule}")
        if new > old and new > account.cap * self.platform.budget_minor.sum() + 1:
            self.add("limit", name, f"{new} is above {account.cap:.0%} of the total")
        if new < old and new < account.least * MINOR:
            self.add("limit", name, f"{new} is below the least budget")
        if not signed and abs(new - old) > account.approval_limit * MINOR:
            self.add("limit", name, f"{old} -> {new} without a person")
        if not self.platform.active[i]:
            self.add("limit", name, "a paused campaign was moved")
        self._judge_rest(row, name, 1 if new > old else -1)

    def _judge_rest(self, row: Any, name: str, sign: int) -> None:
        day = self.platform.day
        last, last_sign, last_rule = self.moved.get(name, (-999, 0, ""))
        if last_sign == -sign and day - last < FLIP_DAYS and row.rule != "rollback":
            told = f"{row.rule} {sign:+d} on day {day}, {last_rule} {last_sign:+d} on day {last}"
            self.add("contradiction", name, f"to and fro: {told}")
        again = row.rule == last_rule and last_sign == sign
        if again and 0 < day - last < self.platform.account.rest_days - 1:
            self.add("limit", name, f"{row.rule} again after {day - last} days of rest")
        self.moved[name] = (day, sign, row.rule)

    def _judge_total(self, changes: Sequence[Any]) -> None:
        moved = sum(int(row.new_minor) - int(row.old_minor) for row in changes if _amounts(row))
        if moved:
            self.add("limit", "", f"the total changes by {moved} in one run")

    def _judge_twice(self, changes: Sequence[Any]) -> None:
        by_name: dict[str, list[int]] = defaultdict(list)
        for row in changes:
            if _amounts(row):
                by_name[campaign_of(row.unit)].append(int(row.new_minor))
        for name, amounts in by_name.items():
            if len(amounts) > 1:
                self.add("duplicate", name, f"{len(amounts)} changes in one run: {amounts}")

    def _judge_item(self, row: Any) -> None:
        """A move that a person has refused lately must not be asked for again."""
        if not _amounts(row):
            return
        name, sign = campaign_of(row.unit), 1 if row.new_minor > row.old_minor else -1
        day, cost = self.refused.get((name, sign), (-999, 0.0))
        i = self.platform.place(name)
        if i is None or self.platform.day - day >= NO_LASTS:
            return
        now = float(self.platform.cost_now()[i])
        if abs(now - cost) < SAME_FIGURE * cost:
            self.add("contradiction", name, f"asked again, refused on day {day}: {row.rule}")

    def refuse(self, name: str, sign: int) -> None:
        """A person said no."""
        i = self.platform.place(name)
        if i is not None:
            cost = float(self.platform.cost_now()[i])
            self.refused[name, sign] = (self.platform.day, cost)

    def _judge_alert(self, row: Any) -> None:
        name, platform = campaign_of(row.unit), self.platform
        i = platform.place(name)
        if i is not None:
            needed = bool(platform.bad()[i])
        else:
            lacking = platform.lacking(platform.day)
            needed = bool((lacking > 0.02).any() or platform.broken(platform.day).any())
            needed |= row.rule == "many_pauses" and bool(platform.bad().sum() > 3)
        payload = row.payload
        told = Told(
            day=platform.day,
            unit=self.unit(name if i is not None else ""),
            type=str(payload.get("type", row.rule)),
            severity=str(payload.get("severity", "")),
            needed=needed,
        )
        self.book.alerts.append(told)


def _amounts(row: Any) -> bool:
    """Whether the entry names two budgets."""
    return not (pd.isna(row.old_minor) or pd.isna(row.new_minor))
