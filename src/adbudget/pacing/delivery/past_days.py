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
    (deal,) mappings: ``days`` holds the days that were over, the latest KEPT_DAYS rows, column by
    column: the first, how many days after it each is (None for day after day), spend in minor
    units, impressions, and a letter each for final; ``before`` the first of these days and [spend,
    impressions] summed over all days before it
    """
    today = times_at(measures.measured_at, plan.time_zone).day
    first_row = delivery.first_row
    over = delivery.day < today[delivery.deal]
    ends = first_row[:-1] + np.rint(delivery.total(over.astype(np.int64))).astype(np.int64)
    kept = np.maximum(first_row[:-1], ends - KEPT_DAYS)
    running = np.concatenate([[0], np.cumsum(delivery.spend_minor)])
    impressions_running = np.concatenate([[0.0], np.cumsum(delivery.impressions)])
    number = delivery.day.astype(np.int64)
    spend, impressions = delivery.spend_minor.tolist(), whole_where_possible(delivery.impressions)
    final = "".join(np.where(delivery.final, "1", "0").tolist())
    payloads = []
    for first, start, end in zip(first_row.tolist(), kept.tolist(), ends.tolist(), strict=False):
        none = end <= first
        days = number[start:end]
        payloads.append(
            {
                "from": "" if none else str(delivery.day[first]),
                "before": [
                    "" if none else str(delivery.day[start]),
                    int(running[start] - running[first]),
                    float(impressions_running[start] - impressions_running[first]),
                ],
                "days": {
                    "first": "" if none else str(delivery.day[start]),
                    "after": None
                    if none or days[-1] - days[0] == days.size - 1
                    else (days - days[0]).tolist(),
                    "spend": spend[start:end],
                    "impressions": impressions[start:end],
                    "final": final[start:end],
                },
            }
        )
    return payloads


def whole_where_possible(values: np.ndarray) -> list[float]:
    """Whole numbers as such, which are shorter to write; all others as they are."""
    if np.array_equal(np.rint(values), values):
        return values.astype(np.int64).tolist()
    return values.tolist()


def _days_of(known: Any) -> list[tuple[str, int, float]]:
    """Day, spend and impressions of what a measurement holds; older ones hold rows."""
    if isinstance(known, list):
        return [(row[0], row[1], row[2]) for row in known]
    if not known["first"]:
        return []
    after = known["after"] or range(len(known["spend"]))
    first = np.datetime64(known["first"], "D")
    days = [str(first + np.timedelta64(number, "D")) for number in after]
    return list(zip(days, known["spend"], known["impressions"], strict=True))


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
    for text, then_spend, then_impressions in _days_of(before["days"]):
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
