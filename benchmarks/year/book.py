"""What is counted: violations, each with its day and unit, alerts, and what people had to touch."""

import sys
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

KINDS = ("harm", "limit", "contradiction", "duplicate", "refused", "lost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """Something that must not happen.

    Attributes
    ----------
    kind : harm (moved on data known to be broken), limit (of the policy or plan), contradiction (of
        what stands, or of what was said), duplicate, refused (a run that could not be made), lost
        (an alert or a write)
    day : of the year
    unit : campaign as "account/name", deal, or account
    text : one sentence, enough to look for the cause
    """

    kind: str
    day: int
    unit: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One alert, and whether there was anything to tell."""

    day: int
    unit: str
    type: str
    severity: str
    needed: bool


@dataclass(slots=True, kw_only=True)
class Book:
    """Everything counted in one year."""

    violations: list[Violation] = field(default_factory=list)
    alerts: list[Told] = field(default_factory=list)
    touched: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, day: int, unit: str, text: str) -> None:
        """Write one violation down, once."""
        found = Violation(kind=kind, day=day, unit=unit, text=text)
        if found not in self.violations[-50:]:
            self.violations.append(found)
            print(f"day {day} {unit}: {kind}: {text}", file=sys.stderr, flush=True)

    def by_kind(self) -> dict[str, int]:
        """Violations of every kind, those that never happened too."""
        found = Counter(one.kind for one in self.violations)
        return {kind: found[kind] for kind in KINDS}

    def alerts_a_week(self, weeks: list[int] | None = None) -> float:
        """Mean number of alerts in these weeks, or in all of ``alerts``; NaN for no week."""
        if weeks is None:
            days = max((one.day for one in self.alerts), default=0) + 1
            return 7 * len(self.alerts) / days
        chosen = set(weeks)
        found = sum(one.day // 7 in chosen for one in self.alerts)
        return found / len(chosen) if chosen else float("nan")

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "violations": [asdict(one) for one in self.violations],
            "needless": [asdict(one) for one in self.alerts if not one.needed],
            "touched": dict(self.touched),
            "counts": dict(self.counts),
        }
