"""Ledger -> moves that a person rejected lately: which deals do not give, or do not get, again yet.

A no lasts for a rest, or until the deal misses its budget by materially more. Reads, never writes.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from adbudget.pacing.booked.flight import FlightPlan
from adbudget.pacing.delivery.measures import Measures
from adbudget.pacing.moves.move_entries import FLIGHT, GAP, RULE
from adbudget.policy.rulebook import Constraints, Policy

if TYPE_CHECKING:
    from adbudget.ledger.store import Ledger

Refused = Mapping[tuple[str, int], str]  # deal, and 1 to get or -1 to give -> why not


def refused_moves(
    ledger: "Ledger", plan: FlightPlan, measures: Measures, *, at: datetime, policy: Policy | None
) -> dict[tuple[str, int], str]:
    """Deals that a person said no about, and what to.

    Parameters
    ----------
    ledger : as it is before the run
    plan, measures : of the same deals; what a deal is projected to miss its budget by is the
        evidence for its moves
    at : moment of the run, with time zone
    policy : its ``rejection_rest`` and ``material_change`` hold; the defaults when None

    Returns
    -------
    (deal, 1 to get money or -1 to give it) -> one sentence that says who said no, and until when
    """
    limits = Constraints() if policy is None else policy.constraints
    rest: timedelta = limits.rejection_rest
    said = ledger.entries(kind="approval", rule=RULE, since=at - rest, until=at)
    said = said.loc[said["verdict"] == "rejected"].to_dict("records")
    proposed = ledger.kept([str(entry["payload"]["item"]) for entry in said])
    gap = gaps(plan, measures)
    place, found = plan.place, {}
    for entry in said:
        item = proposed.get(str(entry["payload"]["item"]))
        ours = item is not None and item.entry.payload.get("budget") == FLIGHT["budget"]
        if item is None or not ours or entry["unit"] not in place:
            continue
        then, now = item.entry.payload.get(GAP), int(gap[place[entry["unit"]]])
        if then is not None and abs(now) > (1 + float(limits.material_change)) * abs(then):
            continue
        sign = 1 if entry["new_minor"] > entry["old_minor"] else -1
        found[entry["unit"], sign] = (
            f"{entry['who']} said no to it on {entry['at']:%Y-%m-%d} ({entry['rationale']}); asked "
            f"again from {entry['at'] + rest:%Y-%m-%d}"
        )
    return found


def gaps(plan: FlightPlan, measures: Measures) -> np.ndarray:
    """(deal,) int64, minor units by which a deal is projected to pass its budget; 0 if unknown."""
    projected = np.where(
        np.isfinite(measures.projected_minor), measures.projected_minor, plan.budget_minor
    )
    return np.rint(projected).astype(np.int64) - plan.budget_minor
