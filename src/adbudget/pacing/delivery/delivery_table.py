"""Delivery table + plan -> Delivery: checked once, by local day. Knows nothing of curves.

Days without a row stay without one. Nothing is clipped, rounded or filled in; what is not read,
or replaced by a later row, is told in the notes and corrections.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.pacing.booked.clock import as_instant
from adbudget.pacing.booked.flight import FlightPlan
from adbudget.pacing.booked.slots import UNBOUNDED, Slots, begins_later, read_slots
from adbudget.pacing.delivery.delivered import Correction, Delivery
from adbudget.tables.amounts import need_every, read_amounts, read_counts
from adbudget.tables.instants import read_moments
from adbudget.tables.messages import Note, Rows, distinct_values, quoted
from adbudget.tables.named_columns import checked_frame, unread_columns
from adbudget.tables.roles import column_of
from adbudget.tables.values import read_names

NEEDED = ("deal", "spend", "impressions")
KNOWN = (*NEEDED, "date", "hour", "final", "conversions", "revenue", "reported_at")
FINAL_WORDS = {"final": True, "true": True, "provisional": False, "false": False}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """Rows of the table whose deal is planned. Arrays are (row,); money is minor units."""

    deal: np.ndarray
    slots: Slots
    spend: np.ndarray
    impressions: np.ndarray
    final: np.ndarray
    conversions: np.ndarray | None
    revenue: np.ndarray | None
    reported_at: np.ndarray | None


def read_delivery(
    frame: Any, plan: FlightPlan, *, as_of: date | datetime | str | None = None
) -> Delivery:
    """Check a delivery table: one row per deal and day, or per deal and hour.

    Parameters
    ----------
    frame : needs deal, date (local day of the account) or hour (2026-03-01T14:00, with an offset
        where an hour comes twice; or a number from 0 to 23 beside date), spend, impressions. May
        have final (True or False, or the words final and provisional), conversions, revenue,
        reported_at. Of two rows for the same deal and slot, the one reported later holds, and a
        final one before a provisional one
    plan : the deals
    as_of : refuse rows that begin at this moment or later; None does not ask

    Returns
    -------
    Delivery; figures that were replaced are in ``corrections``

    Raises
    ------
    InputError : names the rows, what was expected and what came
    """
    moment = None if as_of is None else as_instant(as_of)
    everything = checked_frame(frame, "delivery", NEEDED)
    rows = Rows(table="the delivery table", labels=everything.index)
    notes = unread_columns(everything, "delivery", KNOWN)
    codes, names = read_names(column_of(everything, "deal"), "deal", rows)
    place = plan.place
    deal = np.array([place.get(name, -1) for name in names])[codes]
    table = _planned_only(everything, deal, names, codes, notes)
    kept = np.flatnonzero(deal >= 0)
    deal, rows = deal[kept], rows.take(kept)
    read = _read(table, deal, plan, moment, rows, notes)
    chosen, corrections = _latest(read, plan, rows)
    return _by_day(read, chosen, corrections, plan, notes)


def _planned_only(
    table: pd.DataFrame,
    deal: np.ndarray,
    names: tuple[str, ...],
    codes: np.ndarray,
    notes: list[Note],
) -> pd.DataFrame:
    """Rows of planned deals, with a note on the others."""
    if (deal >= 0).all():
        return table
    unknown = [names[code] for code in np.unique(codes[deal < 0])]
    message = (
        f"delivery: {len(unknown)} deals are not in the plan, and their {int((deal < 0).sum())} "
        f"rows are not read: {quoted(unknown)}."
    )
    notes.append(Note(kind="unknown_deal", message=message))
    if (deal < 0).all():
        raise InputError(f"{message} No row is about a planned deal; are the names the same?")
    return cast(pd.DataFrame, table[deal >= 0])


def _read(
    table: pd.DataFrame,
    deal: np.ndarray,
    plan: FlightPlan,
    moment: datetime | None,
    rows: Rows,
    notes: list[Note],
) -> Table:
    zones, zone_of_deal = np.unique(plan.time_zone.astype(str), return_inverse=True)
    zone_code, zone_names = zone_of_deal[deal], [str(name) for name in zones]
    slots = read_slots(table, zone_code, zone_names, rows, notes)
    if moment is not None:
        late = begins_later(slots, moment, zone_code, zone_names)
        if late.any():
            raise InputError(
                f"{'hour' if slots.hourly else 'date'} is not before as_of "
                f"({moment.isoformat()}) in {rows.named(late)}: "
                f"{distinct_values(slots.day[late].astype(str).tolist())}. A date is the midnight "
                "at which it begins: for delivery up to the end of 2026-03-10, pass as_of "
                "2026-03-11, or during a day as_of with its time."
            )
    exponent = plan.exponent[deal]
    advice = "Write 0 for a day without any, or leave out a row nothing is known of."
    spend = read_amounts(column_of(table, "spend"), "spend", exponent, rows)
    impressions = read_counts(column_of(table, "impressions"), "impressions", rows)
    has = table.columns
    return Table(
        deal=deal,
        slots=slots,
        spend=need_every(spend, "spend", rows, advice).astype(np.int64),
        impressions=need_every(impressions, "impressions", rows, advice),
        final=_final(table, rows, notes),
        conversions=read_counts(column_of(table, "conversions"), "conversions", rows)
        if "conversions" in has
        else None,
        revenue=read_amounts(column_of(table, "revenue"), "revenue", exponent, rows)
        if "revenue" in has
        else None,
        reported_at=read_moments(table, "reported_at", moment or UNBOUNDED, rows)
        if "reported_at" in has
        else None,
    )


def _final(table: pd.DataFrame, rows: Rows, notes: list[Note]) -> np.ndarray:
    if "final" not in table.columns:
        message = "delivery: no column 'final', so every figure is taken as final."
        notes.append(Note(kind="all_final", message=message))
        return np.ones(len(table), dtype=bool)
    codes, different = pd.factorize(column_of(table, "final"))
    known = [
        FINAL_WORDS.get(str(value).strip().lower(), _zero_or_one(value)) for value in different
    ]
    wrong = np.array([value is None for value in known] + [True])[codes]
    if wrong.any():
        raise InputError(
            f"final is missing or unclear in {rows.named(wrong)}: "
            f"{distinct_values(column_of(table, 'final')[wrong].tolist())}. Write True (or final) "
            "where the seller changes nothing any more, False (or provisional) elsewhere."
        )
    return np.array([bool(value) for value in known] + [False])[codes]


def _zero_or_one(value: object) -> bool | None:
    is_number = isinstance(value, int | float | np.number) and value in (0, 1)
    return bool(value) if is_number else None


def _latest(
    table: Table, plan: FlightPlan, rows: Rows
) -> tuple[np.ndarray, tuple[Correction, ...]]:
    """Positions of the rows that hold, sorted by deal and slot, and what they replaced."""
    keys = [table.final, table.slots.begins, table.deal]
    if table.reported_at is not None:
        missing = np.isnat(table.reported_at)
        if missing.any():
            raise InputError(f"reported_at is missing in {rows.named(missing)}; write it in all.")
        keys.insert(1, table.reported_at)
    order = np.lexsort(keys)
    deal, begins = table.deal[order], table.slots.begins[order]
    again = (np.diff(deal) == 0) & (np.diff(begins) == np.timedelta64(0, "s"))
    if not again.any():
        return order, ()
    earlier, later = order[:-1][again], order[1:][again]
    equal = table.final[earlier] == table.final[later]
    if table.reported_at is not None:
        equal = table.reported_at[earlier] == table.reported_at[later]
    if equal.any():
        both = np.zeros(len(table.deal), dtype=bool)
        both[earlier[equal]] = both[later[equal]] = True
        slot = "hour" if table.slots.hourly else "day"
        hint = (
            " Where clocks go back an hour comes twice: write hours with their offset, e.g. "
            "2026-10-25T02:00+01:00."
            if table.slots.hourly
            else ""
        )
        raise InputError(
            f"two rows for one deal and {slot} in {rows.named(both)}, and nothing says which of "
            f"them holds. Keep one, or add a column 'reported_at'.{hint}"
        )
    corrections = tuple(
        Correction(
            deal=plan.deals[table.deal[new]],
            day=str(table.slots.begins[new] if table.slots.hourly else table.slots.day[new]),
            spend_minor_before=int(table.spend[old]),
            spend_minor=int(table.spend[new]),
            impressions_before=float(table.impressions[old]),
            impressions=float(table.impressions[new]),
        )
        for old, new in zip(earlier.tolist(), later.tolist(), strict=True)
        if table.spend[old] != table.spend[new] or table.impressions[old] != table.impressions[new]
    )
    return order[np.append(~again, True)], corrections


def _by_day(
    table: Table,
    chosen: np.ndarray,
    corrections: tuple[Correction, ...],
    plan: FlightPlan,
    notes: list[Note],
) -> Delivery:
    """Sum the rows that hold over each deal's days."""
    deal, day = table.deal[chosen], table.slots.day[chosen]
    new = np.ones(len(chosen), dtype=bool)
    new[1:] = (np.diff(deal) != 0) | (np.diff(day).astype(np.int64) != 0)
    first = np.flatnonzero(new)

    def summed(values: np.ndarray | None) -> np.ndarray | None:
        return None if values is None else np.add.reduceat(values[chosen], first)

    spend, impressions = summed(table.spend), summed(table.impressions)
    assert spend is not None
    assert impressions is not None
    deal, day = deal[first], day[first]
    _note_outside(deal, day, spend, plan, notes)
    return Delivery(
        deal=deal,
        day=day,
        spend_minor=spend,
        impressions=impressions,
        final=np.logical_and.reduceat(table.final[chosen], first),
        conversions=summed(table.conversions),
        revenue_minor=summed(table.revenue),
        first_row=np.searchsorted(deal, np.arange(len(plan) + 1)),
        reported_until=_reported_until(table, plan),
        corrections=corrections,
        notes=tuple(notes),
    )


def _note_outside(
    deal: np.ndarray, day: np.ndarray, spend: np.ndarray, plan: FlightPlan, notes: list[Note]
) -> None:
    outside = ((day < plan.start[deal]) | (day > plan.end[deal])) & (spend > 0)
    if outside.any():
        names = [plan.deals[code] for code in np.unique(deal[outside])]
        message = (
            f"delivery: {len(names)} deals spent on days outside their flight: {quoted(names)}. "
            "That money counts against their budgets."
        )
        notes.append(Note(kind="outside_flight", message=message))


def account_codes(plan: FlightPlan) -> tuple[np.ndarray, int]:
    """Which deals report together: (deal,) code of account and zone, and how many there are."""
    pairs = list(zip(plan.account, plan.time_zone, strict=True))
    position = {pair: i for i, pair in enumerate(dict.fromkeys(pairs))}
    return np.array([position[pair] for pair in pairs], dtype=np.int64), len(position)


def _reported_until(table: Table, plan: FlightPlan) -> np.ndarray:
    account, n_accounts = account_codes(plan)
    latest = np.full(n_accounts, np.iinfo(np.int64).min)  # what numpy calls NaT
    np.maximum.at(latest, account[table.deal], table.slots.ends.astype(np.int64))
    return latest.astype("datetime64[s]")[account]
