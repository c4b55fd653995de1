"""Plan + what earlier runs knew of it -> the plan with the changes and pauses seen since.

A plan table says what holds now. When a budget became another, and since when a deal is paused, is
seen by comparing it with the run before, and kept in every measurement for the next one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from adbudget.pacing.booked.flight import FlightPlan
from adbudget.pacing.booked.plan_rows import merged
from adbudget.pacing.booked.replanned import DAY, Mark, Pause
from adbudget.tables.messages import Note, quoted

KEPT = 20  # versions and pauses of one deal that a measurement holds
Bookings = Mapping[str, Mapping[str, Any]]


def followed(
    plan: FlightPlan,
    earlier: Bookings,
    moved: Mapping[str, Sequence[int]],
    today: np.ndarray,
) -> tuple[FlightPlan, list[dict[str, Any]]]:
    """Mark what has changed since the run before.

    Parameters
    ----------
    plan : as its table says
    earlier : deal -> what this function said in the run before
    moved : deal -> budgets of moves in the ledger, in minor units, oldest first; a table that
        says one of them follows a move, or is older than it
    today : (deal,) datetime64[D]

    Returns
    -------
    The plan with a mark for every change of a budget and with the pauses seen so far, and per deal
    what the next run has to know: budget, versions as [day, budget before] pairs, pauses as
    [first, last] pairs, and whether the deal is paused now
    """
    of_table = {mark.row for mark in plan.marks}
    marks, pauses = list(plan.marks), list(plan.pauses)
    changed: list[str] = []
    kept: list[dict[str, Any]] = []
    for row, deal in enumerate(plan.deals):
        before = earlier.get(deal, {})
        budget, day = int(plan.budget_minor[row]), str(today[row])
        versions = [list(pair) for pair in before.get("versions", ())]
        known = before.get("budget", budget)
        amounts = moved.get(deal, ())
        if budget != known and budget not in amounts and row not in of_table:
            versions.append([day, amounts[-1] if amounts else known])
            changed.append(deal)
        spans = _pauses(before, bool(plan.paused[row]), today[row])
        if row not in of_table:
            marks += [
                Mark(row=row, day=np.datetime64(since, "D"), budget_before_minor=int(minor))
                for since, minor in versions
            ]
        pauses += [
            Pause(row=row, first=np.datetime64(first, "D"), last=np.datetime64(last, "D"))
            for first, last in spans
        ]
        kept.append(
            {
                "budget": budget,
                "versions": versions[-KEPT:],
                "pauses": spans[-KEPT:],
                "paused": bool(plan.paused[row]),
            }
        )
    notes = plan.notes
    if changed:
        message = (
            f"plan: the budgets of {len(changed)} deals are others than in the run before: "
            f"{quoted(changed)}. What was planned until today stays planned; the rest is planned "
            "anew from today on."
        )
        notes = (*notes, Note(kind="new_budget", message=message))
    return replace(plan, marks=tuple(marks), pauses=merged(pauses), notes=notes), kept


def _pauses(before: Mapping[str, Any], paused: bool, today: np.datetime64) -> list[list[str]]:
    """Pauses seen so far; one that goes on lasts until today, one that is over until yesterday."""
    spans = [list(pair) for pair in before.get("pauses", ())]
    if before.get("paused") and spans:
        spans[-1][1] = max(spans[-1][1], str(today if paused else today - DAY))
    elif paused:
        spans.append([str(today), str(today)])
    return spans
