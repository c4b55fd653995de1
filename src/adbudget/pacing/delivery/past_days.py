"""Figures a ledger holds of earlier days -> which of them a later table has replaced.

Each measurement keeps the latest days of its deal one by one and the sum of all before them, so
that the newest measurement alone is enough to notice every correction.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from adbudget.errors import InputError
from adbudget.pacing.booked.clock import times_at
from adbudget.pacing.booked.flight import FlightPlan
from adbudget.pacing.delivery.delivered import Correction, Delivery
from adbudget.pacing.delivery.measures import Measures

KEPT_DAYS = 35  # platforms correct invalid traffic up to a month later
EPOCH = date(1970, 1, 1).toordinal()
MOST_DAYS = 2**21  # more than any date is away from 1970
ROUNDING = 1e-9  # of a sum of impressions: it depends on what else was added up
_Held = Sequence[tuple[int, Mapping[str, Any]]]  # position of a deal, and what is known of it


def days_payload(
    plan: FlightPlan, delivery: Delivery, measures: Measures
) -> Iterator[dict[str, Any]]:
    """What each deal's measurement holds of its days: JSON values.

    Yields
    ------
    A mapping per deal: ``days`` holds the days that were over, the latest KEPT_DAYS rows, column by
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
    length = np.maximum(ends - kept, 0)
    until = np.cumsum(length)
    chosen = np.repeat(kept - (until - length), length) + np.arange(int(until[-1]))
    spend = delivery.spend_minor[chosen].tolist()
    impressions = whole_where_possible(delivery.impressions[chosen])
    final = "".join(np.where(delivery.final[chosen], "1", "0").tolist())
    columns = (first_row[:-1], kept, ends, until - length, until)
    for first, start, end, begin, stop in zip(*(each.tolist() for each in columns), strict=True):
        none = end <= first
        days = number[start:end]
        yield {
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
                "spend": spend[begin:stop],
                "impressions": impressions[begin:stop],
                "final": final[begin:stop],
            },
        }


def whole_where_possible(values: np.ndarray) -> list[float]:
    """Whole numbers as such, which are shorter to write; all others as they are."""
    if np.array_equal(np.rint(values), values):
        return values.astype(np.int64).tolist()
    return values.tolist()


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
    held = [
        (i, before)
        for i, deal in enumerate(plan.deals)
        if (before := known.get(deal)) and before["from"]
    ]
    if not held:
        return ()
    for i, before in held:
        rows = slice(int(delivery.first_row[i]), int(delivery.first_row[i + 1]))
        _refuse_shorter(plan.deals[i], before, delivery.day[rows])
    of_deal = _place(delivery.deal, delivery.day.astype(np.int64))
    figures = _earlier_sums(held, delivery, of_deal), _earlier_days(held, delivery, of_deal)
    changed = [each for some in figures for each in some.changed(plan.deals)]
    changed.sort(key=lambda each: (each[0], each[1]))  # by deal; the sum before its days
    return tuple(correction for *_, correction in changed)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Figures:
    """Figures as they were and as they are, row by row: spend in minor units, and impressions."""

    deal: np.ndarray
    day: np.ndarray  # days since 1970; the first day that is not in the sum, for sums
    is_sum: bool
    spend_before: np.ndarray
    impressions_before: np.ndarray
    spend: np.ndarray
    impressions: np.ndarray

    def changed(self, names: Sequence[str]) -> Iterator[tuple[int, int, Correction]]:
        """Deal, day (-1 for a sum) and correction of those that differ."""
        apart = np.abs(self.impressions - self.impressions_before)
        noise = ROUNDING * self.impressions_before if self.is_sum else 0.0
        differs = (self.spend != self.spend_before) | (apart > noise)
        for row in np.flatnonzero(differs).tolist():
            day = str(np.datetime64(int(self.day[row]), "D"))
            correction = Correction(
                deal=names[int(self.deal[row])],
                day=f"before {day}" if self.is_sum else day,
                spend_minor_before=int(self.spend_before[row]),
                spend_minor=int(self.spend[row]),
                impressions_before=float(self.impressions_before[row]),
                impressions=float(self.impressions[row]),
            )
            yield int(self.deal[row]), -1 if self.is_sum else int(self.day[row]), correction


def _place(deal: np.ndarray, day: np.ndarray) -> np.ndarray:
    """One number for a deal and a day, in the order of the rows of a delivery."""
    return deal.astype(np.int64) * MOST_DAYS + day


def _earlier_sums(held: _Held, delivery: Delivery, of_deal: np.ndarray) -> _Figures:
    """The days before those that are held one by one."""
    deal = np.array([i for i, _ in held])
    before = [each["before"] for _, each in held]
    start = np.array([_number(day) for day, _, _ in before])
    ends = np.searchsorted(of_deal, _place(deal, start))
    begins = delivery.first_row[deal]
    spend = np.concatenate([[0], np.cumsum(delivery.spend_minor)])
    impressions = np.concatenate([[0.0], np.cumsum(delivery.impressions)])
    return _Figures(
        deal=deal,
        day=start,
        is_sum=True,
        spend_before=np.array([minor for _, minor, _ in before]),
        impressions_before=np.array([count for _, _, count in before], dtype=float),
        spend=spend[ends] - spend[begins],
        impressions=impressions[ends] - impressions[begins],
    )


def _earlier_days(held: _Held, delivery: Delivery, of_deal: np.ndarray) -> _Figures:
    """The days that are held one by one; a day that is gone has brought nothing."""
    number, day, spend, impressions = [], [], [], []
    for i, before in held:
        days = before["days"]
        if isinstance(days, list):  # as older versions wrote them, row by row
            columns = zip(*(row[:3] for row in days), strict=True) if days else ((), (), ())
            names, minor, count = (list(column) for column in columns)
            day += map(_number, names)
        else:
            first, minor, count = days["first"], days["spend"], days["impressions"]
            after = days["after"] or range(len(minor))
            day += [_number(first) + each for each in after] if first else []
        number += [i] * len(minor)
        spend += minor
        impressions += count
    deal, on = np.array(number, dtype=np.int64), np.array(day, dtype=np.int64)
    place = np.searchsorted(of_deal, _place(deal, on))
    place = np.minimum(place, of_deal.size - 1)
    there = of_deal[place] == _place(deal, on)
    return _Figures(
        deal=deal,
        day=on,
        is_sum=False,
        spend_before=np.array(spend, dtype=np.int64),
        impressions_before=np.array(impressions, dtype=float),
        spend=np.where(there, delivery.spend_minor[place], 0),
        impressions=np.where(there, delivery.impressions[place], 0.0),
    )


def _number(day: str) -> int:
    """Days since 1970."""
    return date.fromisoformat(day).toordinal() - EPOCH


def _refuse_shorter(deal: str, before: Mapping[str, Any], day: np.ndarray) -> None:
    first = np.datetime64(before["from"], "D")
    if not day.size or day[0] > first:
        begins = f"begins on {day[0]}" if day.size else "has none"
        raise InputError(
            f"the ledger knows of delivery of deal {deal!r} from {first} on, but the delivery "
            f"table {begins}. Pass the delivery of the whole flight; a day taken back is a row "
            "with spend 0."
        )
