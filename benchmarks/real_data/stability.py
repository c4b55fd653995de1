"""Decisions at successive origins -> how often they flip. Runs no fit."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

Calls = dict[tuple[str, str], str]  # (account, channel) -> increase, monitor or reduce
REVERSED = {("increase", "reduce"), ("reduce", "increase")}
KINDS = ("same", "call and monitor", "increase and reduce")


def as_calls(records: Sequence[dict]) -> Calls:
    """Decisions of one origin by cell."""
    return {(one["account"], one["channel"]): one["action"] for one in records}


def kind_of(before: str, after: str) -> str:
    """How a decision changed: one of ``KINDS``."""
    if before == after:
        return "same"
    return "increase and reduce" if (before, after) in REVERSED else "call and monitor"


def count_changes(origins: Sequence[Calls]) -> dict[str, int]:
    """Changes between successive origins, over the cells that both have.

    Parameters
    ----------
    origins : oldest first

    Returns
    -------
    count by kind, every one of ``KINDS``
    """
    counts = Counter(
        kind_of(before[cell], after[cell])
        for before, after in pairwise(origins)
        for cell in before.keys() & after.keys()
    )
    return {kind: counts[kind] for kind in KINDS}


def calls_kept(origins: Sequence[Calls]) -> tuple[int, int]:
    """How many calls the next origin repeats, and of how many.

    Parameters
    ----------
    origins : oldest first
    """
    repeated = [
        after[cell] == action
        for before, after in pairwise(origins)
        for cell, action in before.items()
        if action != "monitor" and cell in after
    ]
    return sum(repeated), len(repeated)


def reversed_once(origins: Sequence[Calls]) -> list[tuple[str, str]]:
    """Cells that were raised at one origin and cut at any other."""
    seen: dict[tuple[str, str], set[str]] = {}
    for calls in origins:
        for cell, action in calls.items():
            seen.setdefault(cell, set()).add(action)
    return sorted(cell for cell, actions in seen.items() if {"increase", "reduce"} <= actions)


def called_share(calls: Calls) -> float:
    """Share of cells with a call."""
    return sum(action != "monitor" for action in calls.values()) / len(calls)
