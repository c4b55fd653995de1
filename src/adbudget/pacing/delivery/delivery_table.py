"""Delivery table + plan -> Delivery: checked once, by local day.

Days without a row stay without one. Nothing is clipped or filled in; what is not read, rounded,
missing, or replaced by a later row, is told in the notes and corrections.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.money import LARGEST_EXACT
from adbudget.pacing.booked.clock import as_instant
from adbudget.pacing.booked.flight import FlightPlan
from adbudget.pacing.booked.slots import UNBOUNDED, Slots, begins_later, read_slots
from adbudget.pacing.delivery.deals_of_rows import complete_only, deals_of_rows, planned_only
from adbudget.pacing.delivery.delivered import Correction, Delivery, nothing_yet
from adbudget.pacing.delivery.running_totals import are_running, differences, in_whole_units
from adbudget.tables.amounts import read_as_written
from adbudget.tables.instants import read_moments
from adbudget.tables.messages import Note, Rows, distinct_values, quoted
from adbudget.tables.named_columns import checked_frame, read_flags, unread_columns
from adbudget.tables.roles import column_of

NEEDED = ("deal", "spend", "impressions")
KNOWN = (
    *NEEDED,
    "date",
    "hour",
    "final",
    "conversions",
    "revenue",
    "reported_at",
    "campaign",
    "paused",
)
FINAL_WORDS = {"final": True, "true": True, "provisional": False, "false": False}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """Rows of the table whose deal is planned. Arrays are (row,).

    Money is minor units, fractions of one included; ``refund`` rows take something back.
    """

    deal: np.ndarray
    slots: Slots
    spend: np.ndarray
    impressions: np.ndarray
    final: np.ndarray
    conversions: np.ndarray | None
    revenue: np.ndarray | None
    reported_at: np.ndarray | None
    refund: np.ndarray


def read_delivery(
    frame: Any,
    plan: FlightPlan,
    *,
    as_of: date | datetime | str | None = None,
    cumulative: bool | None = None,
) -> Delivery:
    """Check a delivery table: one row per deal and day, or per deal and hour.

    Parameters
    ----------
    frame : needs deal, date (local day of the account) or hour (2026-03-01T14:00, with an offset
        where an hour comes twice; or a number from 0 to 23 beside date), spend, impressions. May
        have final (True or False, or the words final and provisional), conversions, revenue,
        reported_at, campaign (where deals of several campaigns share a name), paused (as the
        newest row of a deal says). Of two rows for the
        same deal and slot, the one reported later holds, and a final one before a provisional one;
        a negative row is a refund and adds to them. A table without rows says that nothing is
        delivered yet
    plan : the deals
    as_of : refuse rows that begin at this moment or later; None does not ask
    cumulative : figures are running totals of the flight (True) or of their own day (False); None
        finds out, and says so in a note

    Returns
    -------
    Delivery; figures that were replaced are in ``corrections``, and deals with a missing figure
    are ``unknown``. Fractions of a minor unit are rounded once, in the sum of a deal

    Raises
    ------
    InputError : names the rows, what was expected and what came

    Examples
    --------
    >>> plan = pacing.read_plan(booked)
    >>> delivery = pacing.read_delivery(delivered, plan)
    >>> int(delivery.spend_minor.sum())  # in cents
    800000
    """
    moment = None if as_of is None else as_instant(as_of)
    if hasattr(frame, "shape") and not frame.shape[0]:
        return nothing_yet(plan)
    everything = checked_frame(frame, "delivery", NEEDED)
    rows = Rows(table="the delivery table", labels=everything.index)
    notes = unread_columns(everything, "delivery", KNOWN)
    deal, codes, names = deals_of_rows(everything, plan, rows)
    table = planned_only(everything, deal, names, codes, notes)
    del codes  # tables are long: what is not needed any more is let go
    if len(table) < deal.size:
        kept = np.flatnonzero(deal >= 0)
        deal, rows = deal[kept], rows.take(kept)
    table, deal, rows, unknown = complete_only(table, deal, plan, rows, notes)
    if not deal.size:
        return replace(nothing_yet(plan), unknown=unknown, notes=tuple(notes))
    read = _read(table, deal, plan, moment, rows, notes)
    chosen, corrections = _latest(read, plan, rows)
    read = _daily(read, chosen, plan, cumulative, notes)
    paused = _paused(table, read, plan, rows)
    return replace(_by_day(read, chosen, corrections, plan, notes), unknown=unknown, paused=paused)


def _paused(table: pd.DataFrame, read: Table, plan: FlightPlan, rows: Rows) -> np.ndarray:
    """Deals whose newest row says that they are paused: (deal,) bool."""
    paused = np.zeros(len(plan), dtype=bool)
    if "paused" not in table.columns:
        return paused
    flags = read_flags(table, "paused", rows)
    order = np.lexsort([read.slots.begins, read.deal])
    paused[read.deal[order]] = flags[order]  # the last of a deal holds
    return paused


def _read(
    table: pd.DataFrame,
    deal: np.ndarray,
    plan: FlightPlan,
    moment: datetime | None,
    rows: Rows,
    notes: list[Note],
) -> Table:
    zones, zone_of_deal = np.unique(plan.time_zone.astype(str), return_inverse=True)
    zone_code = zone_of_deal.astype(np.int16)[deal]
    zone_names = [str(name) for name in zones]
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
    del zone_code
    scale = (10.0**plan.exponent)[deal]
    has = table.columns
    spend = _minor(column_of(table, "spend"), "spend", scale, rows)
    impressions = read_as_written(column_of(table, "impressions"), "impressions", rows)
    return Table(
        deal=deal,
        slots=slots,
        spend=spend,
        impressions=impressions,
        final=_final(table, rows, notes),
        conversions=read_as_written(column_of(table, "conversions"), "conversions", rows)
        if "conversions" in has
        else None,
        revenue=_minor(column_of(table, "revenue"), "revenue", scale, rows)
        if "revenue" in has
        else None,
        reported_at=read_moments(table, "reported_at", moment or UNBOUNDED, rows)
        if "reported_at" in has
        else None,
        refund=(spend < 0) | (impressions < 0),
    )


def _minor(values: pd.Series, name: str, scale: np.ndarray, rows: Rows) -> np.ndarray:
    """Amounts in minor units, whole where they are written so."""
    amount = read_as_written(values, name, rows)
    scaled = amount * scale
    huge = np.abs(scaled) >= LARGEST_EXACT
    if huge.any():
        raise InputError(
            f"{name} is too large to be exact in {rows.named(huge)}: "
            f"{distinct_values(amount[huge].tolist())}. Is it in another unit, e.g. micros?"
        )
    whole = np.rint(scaled)
    return np.where(whole / scale == amount, whole, scaled)


def _daily(
    table: Table,
    chosen: np.ndarray,
    plan: FlightPlan,
    cumulative: bool | None,
    notes: list[Note],
) -> Table:
    """What each row that holds adds, in whole minor units; told in the notes where it matters."""
    deal, spend = table.deal[chosen], table.spend[chosen]
    running = cumulative
    if cumulative is None:

        def wanted() -> tuple[np.ndarray, np.ndarray]:
            day = table.slots.day[chosen] - plan.start[deal]
            days = (day.astype(float) + 1, day.astype(float))
            until, before = (plan.budget_minor[deal] * _planned(plan, deal, each) for each in days)
            return until, before

        running = are_running(deal, (spend, table.impressions[chosen]), wanted)
        if running:
            message = (
                "delivery: figures only grow, and add up to far more than is planned, so they are "
                "read as running totals of the flight. Where each row is its own day's, pass "
                "cumulative=False (--daily)."
            )
            notes.append(Note(kind="running_totals", message=message))
    if table.refund[chosen].any() and not running:
        held = [plan.deals[i] for i in np.unique(deal[table.refund[chosen]])]
        message = f"delivery: {quoted(held)} have negative rows, which are taken as refunds."
        notes.append(Note(kind="refund", message=message))
    own = {"impressions": table.impressions, "conversions": table.conversions}
    own |= {"spend": table.spend, "revenue": table.revenue}
    columns: dict[str, np.ndarray | None] = dict(own)
    for name, values in own.items():
        if values is not None and running:
            columns[name] = _put(values, chosen, differences(deal, values[chosen]))
    money = columns["spend"]
    assert money is not None
    whole = in_whole_units(deal, money[chosen])
    if (whole != money[chosen]).any():
        message = (
            "delivery: spend is written finer than the currency's smallest unit; it is rounded "
            "once, in the sum of each deal."
        )
        notes.append(Note(kind="rounded", message=message))
    columns["spend"] = _put(money, chosen, whole).astype(np.int64)
    return replace(table, **columns)


def _planned(plan: FlightPlan, deal: np.ndarray, elapsed: np.ndarray) -> np.ndarray:
    """Planned share of each row's deal by the end of the row's day: (row,)."""
    rows = np.arange(deal.size) - np.searchsorted(deal, deal)
    days = np.zeros((len(plan), int(rows.max(initial=0)) + 1))
    days[deal, rows] = elapsed
    return plan.planned_share(days)[deal, rows]


def _put(values: np.ndarray, at: np.ndarray, new: np.ndarray) -> np.ndarray:
    changed = values.astype(float)
    changed[at] = new
    return changed


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
    refunds = order[table.refund[order]]
    order = order[~table.refund[order]]
    deal, begins = table.deal[order], table.slots.begins[order]
    again = (np.diff(deal) == 0) & (np.diff(begins) == np.timedelta64(0, "s"))
    if not again.any():
        return _with_refunds(order, refunds, table), ()
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
            spend_minor_before=round(float(table.spend[old])),
            spend_minor=round(float(table.spend[new])),
            impressions_before=float(table.impressions[old]),
            impressions=float(table.impressions[new]),
        )
        for old, new in zip(earlier.tolist(), later.tolist(), strict=True)
        if table.spend[old] != table.spend[new] or table.impressions[old] != table.impressions[new]
    )
    return _with_refunds(order[np.append(~again, True)], refunds, table), corrections


def _with_refunds(order: np.ndarray, refunds: np.ndarray, table: Table) -> np.ndarray:
    """Rows that hold and those that take something back, sorted by deal and slot."""
    if not refunds.size:
        return order
    every = np.concatenate([order, refunds])
    return every[np.lexsort([table.slots.begins[every], table.deal[every]])]


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
