"""Rows of the study -> the tables of docs/loop-study.md."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.loop.__main__ import rows_of
from benchmarks.loop.worlds import COUNTS

Rows = Sequence[dict]
AFTER = (1, 4, 8, 12, 16, 20)
MARK = "<!-- study -->"


def write(results: Path, page: Path) -> None:
    """Put the tables between the marks of the page."""
    text = page.read_text(encoding="utf-8")
    told = "\n".join(lines(rows_of(results)))
    pattern = re.compile(f"{MARK}.*?{MARK}", flags=re.DOTALL)
    page.write_text(pattern.sub(lambda _: f"{MARK}\n{told}\n{MARK}", text), encoding="utf-8")


def lines(rows: Rows) -> list[str]:
    """Every table."""
    if not rows:
        raise SystemExit("no world is in yet: run python -m benchmarks.loop first.")
    longest = max(row["cycles"] for row in rows)
    rows = [row for row in rows if row["cycles"] == longest]
    variants = sorted({(row["aversion"], row["exploration"]) for row in rows})
    most = max(variants, key=lambda one: sum(_variant(row) == one for row in rows))
    main = [row for row in rows if _variant(row) == most]
    told = [
        f"{len(main)} worlds, {main[0]['cycles']} weekly cycles, aversion {most[0]:g}, exploration "
        f"{most[1]:g} of spend.",
        "",
        *_arms(main),
        "",
        *_by_kind(main),
        "",
        *_by_world(main),
    ]
    if len(variants) > 1:
        told += ["", *_variants(rows, variants)]
    return told


def _variant(row: dict) -> tuple[float, float]:
    return (row["aversion"], row["exploration"])


def _arms(rows: Rows) -> list[str]:
    cycles = [n for n in AFTER if n <= rows[0]["cycles"]]
    head = ["rule", *(f"after {n}" for n in cycles), "money", "worst month", "churn", "broken"]
    table = [_row(head), _row("---" for _ in head)]
    for arm in ("loop", "frozen", "roas", "oracle"):
        shares = np.array([row["shares"][arm] for row in rows])
        table.append(
            _row(
                [
                    arm,
                    *(f"{shares[:, n - 1].mean():.2f}" for n in cycles),
                    f"{_money(rows, arm):.2f}",
                    f"{min(row['worst_month'][arm] for row in rows):.2f}",
                    f"{np.mean([row['churn'][arm] for row in rows]):.1%}",
                    sum(row["broken"][arm] for row in rows),
                ]
            )
        )
    return table


def _by_kind(rows: Rows) -> list[str]:
    head = ["kind", "worlds", "to be gained", "loop", "money", "least at any time", "roas"]
    table = [_row(head), _row("---" for _ in head)]
    for kind in COUNTS:
        own = [row for row in rows if row["kind"] == kind]
        if own:
            table.append(
                _row(
                    [
                        kind,
                        len(own),
                        f"{np.mean([row['room'] for row in own]):.1%}",
                        f"{np.mean([row['shares']['loop'][-1] for row in own]):.2f}",
                        f"{_money(own, 'loop'):.2f}",
                        f"{min(min(row['shares']['loop']) for row in own):.2f}",
                        f"{np.mean([row['shares']['roas'][-1] for row in own]):.2f}",
                    ]
                )
            )
    return table


def _by_world(rows: Rows) -> list[str]:
    ends = np.array([row["shares"]["loop"][-1] for row in rows])
    lows = np.array([min(row["shares"]["loop"]) for row in rows])
    low_money = np.array([min(row["gains"]["loop"]) for row in rows])
    promises = {
        name: sum(row["promises"][name] for row in rows) for name in ("kept", "broken", "unclear")
    }
    below, once = int((ends < 0).sum()), int((lows < 0).sum())
    worlds = ", ".join(
        f"{row['kind']} {row['shares']['loop'][-1]:.2f} of {row['room']:.1%}" for row in rows
    )
    return [
        f"After the last cycle {below} of {len(rows)} worlds stand below their start; {once} did "
        f"at some time. The lowest was {lows.min():.2f} of what could be gained there; the "
        f"largest loss {max(-low_money.min(), 0):.1%} of the spend.",
        "",
        f"By world, after the last cycle, the share of what could be gained: {worlds}.",
        "",
        f"Promises: {promises['kept']} kept, {promises['broken']} broken, "
        f"{promises['unclear']} unclear. Fits that could not be trusted: "
        f"{sum(row['unhealthy'] for row in rows)}. A world took "
        f"{np.mean([row['cpu'] for row in rows]):.0f} seconds of one processor.",
    ]


def _variants(rows: Rows, variants: Sequence[tuple[float, float]]) -> list[str]:
    head = ["aversion", "exploration", "worlds", "loop", "money", "least at any time"]
    table = ["On the worlds that all of these have in common:", "", _row(head)]
    table.append(_row("---" for _ in head))
    common = set.intersection(
        *({(r["kind"], r["seed"]) for r in rows if _variant(r) == one} for one in variants)
    )
    for one in variants:
        own = [r for r in rows if _variant(r) == one and (r["kind"], r["seed"]) in common]
        if own:
            table.append(
                _row(
                    [
                        f"{one[0]:g}",
                        f"{one[1]:g}",
                        len(own),
                        f"{np.mean([row['shares']['loop'][-1] for row in own]):.2f}",
                        f"{_money(own, 'loop'):.2f}",
                        f"{min(min(row['shares']['loop']) for row in own):.2f}",
                    ]
                )
            )
    return table


def _money(rows: Rows, arm: str) -> float:
    """What is gained in all worlds together over what the best splits would, at the end."""
    gained = sum(row["gains"][arm][-1] for row in rows)
    return gained / sum(row["gains"]["best"][-1] for row in rows)


def _row(cells) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"
