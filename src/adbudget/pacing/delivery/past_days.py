"""Figures a ledger holds of earlier days -> which of them a later table has replaced.

Each measurement keeps the latest days of its deal one by one and the sum of all before them, so
that the newest measurement alone is enough to notice every correction.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from adbudget.errors import InputError
from adbudget.pacing.booked.clock import times_at
from adbudget.pacing.booked.flight import FlightPlan
from adbudget.pacing.delivery.delivered import Correction, Delivery
from adbudget.pacing.delivery.measures import Measures

KEPT_DAYS = 35  # platforms correct invalid traffic up to a month later


def days_payload(plan: FlightPlan, delivery: Delivery, measures: Measures) -> list[dict[str, Any]]:
    """What each deal's measurement holds of its days: JSON values.

    Returns
    -------
    (deal,) mappings: ``days`` holds [day, spend in minor units, impressions, final] of days that
    were over, the latest KEPT_DAYS rows; ``before`` the first of these days and [spend,
    impressions] summed over all days before it
    """
    today = times_at(measures.measured_at, plan.time_zone).day
    texts = delivery.day.astype(str).tolist()
    spend, impressions = delivery.spend_minor.tolist(), delivery.impressions.tolist()
    final = delivery.final.tolist()
    payloads = []
    for i in range(len(plan)):
        first, end = int(delivery.first_row[i]), int(delivery.first_row[i + 1])
        end = first + int(np.searchsorted(delivery.day[first:end], today[i]))
        kept = max(first, end - KEPT_DAYS)
        payloads.append(
            {
                "from": texts[first] if end > first else "",
                "before": [
                    texts[kept] if end > first else "",
                    int(delivery.spend_minor[first:kept].sum()),
                    float(delivery.impressions[first:kept].sum()),
                ],
                "days": [
                    [texts[row], spend[row], impressions[row], final[row]]
                    for row in range(kept, end)
                ],
            }
        )
    return payloads


def later_corrections(
    plan: FlightPlan, delivery: Delivery, known: Mapping[str, Mapping[str, Any]]
) -> tuple[Correction, ...]:
    """Figures that differ from what the newest measurement of each deal holds.

    Parameters
    ----------
    plan, delivery : of this run
    known : deal -> what :func:`days_payload` said in the run before

    Raises
    ------
    InputError : the table begins after days the ledger knows of, so that their delivery would
        silently be lost
    """
    found: list[Correction] = []
    for i, deal in enumerate(plan.deals):
        before = known.get(deal)
        if not before or not before["from"]:
            continue
        rows = slice(int(delivery.first_row[i]), int(delivery.first_row[i + 1]))
        _refuse_shorter(deal, before, delivery.day[rows])
        found += _of_deal(deal, before, delivery, rows)
    return tuple(found)


def _refuse_shorter(deal: str, before: Mapping[str, Any], day: np.ndarray) -> None:
    first = np.datetime64(before["from"], "D")
    if not day.size or day[0] > first:
        begins = f"begins on {day[0]}" if day.size else "has none"
        raise InputError(
            f"the ledger knows of delivery of deal {deal!r} from {first} on, but the delivery "
            f"table {begins}. Pass the delivery of the whole flight; a day taken back is a row "
            "with spend 0."
        )


def _of_deal(
    deal: str, before: Mapping[str, Any], delivery: Delivery, rows: slice
) -> list[Correction]:
    day, spend = delivery.day[rows], delivery.spend_minor[rows]
    impressions = delivery.impressions[rows]
    start, old_spend, old_impressions = before["before"]
    older = day < np.datetime64(start, "D")
    now = (int(spend[older].sum()), float(impressions[older].sum()))
    figures = [(f"before {start}", (old_spend, old_impressions), now)]
    place = {text: row for row, text in enumerate(day.astype(str).tolist())}
    for text, then_spend, then_impressions, _ in before["days"]:
        row = place.get(text)
        after = (0, 0.0) if row is None else (int(spend[row]), float(impressions[row]))
        figures.append((text, (then_spend, then_impressions), after))
    return [
        Correction(
            deal=deal,
            day=name,
            spend_minor_before=then[0],
            spend_minor=after[0],
            impressions_before=then[1],
            impressions=after[1],
        )
        for name, then, after in figures
        if then != after
    ]
