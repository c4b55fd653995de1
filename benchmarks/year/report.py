"""Figures of some years -> lines to read, and the table of docs/year.md."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.year.book import KINDS

ROWS = (
    ("days", "days run"),
    ("harm", "harm: moved on data known to be broken"),
    ("limit", "limits broken"),
    ("contradiction", "contradictory orders"),
    ("duplicate", "duplicate orders"),
    ("refused", "runs refused"),
    ("lost", "alerts or writes lost"),
    ("alerts_a_week", "alerts a week"),
    ("alerts_needed_share", "of them needed"),
    ("quiet_weeks", "quiet weeks"),
    ("alerts_a_quiet_week", "alerts in a quiet week"),
    ("announced_a_week", "approvals announced, a week"),
    ("touched_a_week", "items a person touched, a week"),
    ("entries", "entries of the ledger"),
    ("ledger_mb", "ledger, MB"),
    ("killed", "processes killed"),
    ("seconds", "seconds"),
)
MARK = "<!-- years -->"


def lines(figures: Mapping[str, Any], most: int) -> list[str]:
    """What is printed of one year."""
    skipped = ("violations", "needless")
    told = [f"{name}: {value}" for name, value in figures.items() if name not in skipped]
    found = figures["violations"]
    seen: dict[tuple[str, str], int] = {}
    shown = []
    for one in found:
        seen[one["kind"], one["text"][:25]] = seen.get((one["kind"], one["text"][:25]), 0) + 1
        if seen[one["kind"], one["text"][:25]] <= 4:
            shown.append(f"  day {one['day']} {one['unit']}: {one['kind']}: {one['text']}")
    needless = [f"  day {one['day']} {one['unit']}: {one['type']}" for one in figures["needless"]]
    told += [f"{len(needless)} alerts that were not needed:", *needless[: most // 2]]
    return [*told, f"{len(found)} violations:", *shown[:most]]


def table(years: Iterable[Mapping[str, Any]]) -> str:
    """One column a year."""
    years = sorted(years, key=lambda one: one["seed"])
    head = "| | " + " | ".join(f"seed {one['seed']}" for one in years) + " |"
    rows = [head, "|---" * (len(years) + 1) + "|"]
    for name, words in ROWS:
        values = [_value(one, name) for one in years]
        rows.append(f"| {words} | " + " | ".join(values) + " |")
    return "\n".join(rows)


def _value(year: Mapping[str, Any], name: str) -> str:
    if name == "alerts_needed_share":
        return f"{year['alerts_needed'] / max(year['alerts'], 1):.0%}"
    value = year[name]
    return f"{value:,}" if isinstance(value, int) else f"{value:.1f}"


def write(results: Path, page: Path) -> None:
    """Put the table of the kept years in its place on the page."""
    years = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(MARK)
    _, _, after = rest.partition(MARK)
    page.write_text(f"{before}{MARK}\n{table(years)}\n{MARK}{after}", encoding="utf-8")


__all__ = ["KINDS", "lines", "table", "write"]
