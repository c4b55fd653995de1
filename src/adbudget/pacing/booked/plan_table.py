"""Plan table -> FlightPlan: checked once, nothing filled in. Knows nothing of delivery."""

from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.money import digits_of
from adbudget.pacing.booked.curve_kinds import parse_curve
from adbudget.pacing.booked.curves import Curve
from adbudget.pacing.booked.flight import NO_MAXIMUM, FlightPlan, GroupLimit
from adbudget.pacing.booked.plan_rows import (
    deal_names,
    merged,
    optional_dates,
    optional_texts,
    read_paused,
    read_pauses,
    rows_in_force,
)
from adbudget.pacing.booked.replanned import Mark
from adbudget.tables.amounts import need_every, read_amounts, read_counts
from adbudget.tables.currencies import currency_of_rows
from adbudget.tables.dates import read_dates
from adbudget.tables.instants import zone_of
from adbudget.tables.messages import Note, Rows, quoted
from adbudget.tables.named_columns import (
    checked_frame,
    read_locked,
    unread_columns,
)
from adbudget.tables.roles import column_of
from adbudget.tables.values import read_names

NEEDED = ("deal", "campaign", "channel", "seller", "budget", "start", "end")
GROUP_BOUNDS = ("seller_minimum", "seller_maximum", "channel_minimum", "channel_maximum")
KNOWN = (
    *NEEDED,
    *("curve", "account", "currency", "time_zone", "planned_impressions", "minimum", "maximum"),
    *GROUP_BOUNDS,
    *("locked", "status", "paused_from", "paused_until", "valid_from", "order_id"),
    "seller_account",
)


def read_plan(
    frame: Any,
    *,
    curves: Mapping[str, Curve] | None = None,
    currency: str | None = None,
    time_zone: str = "UTC",
    today: date | None = None,
) -> FlightPlan:
    """Check a plan table: one row per deal, or several with the days from which they hold.

    Parameters
    ----------
    frame : needs deal, campaign, channel, seller, budget, start, end (the last day of the
        flight). May have curve (even, front_loaded(2), back_loaded(2),
        custom((0,0),(0.5,0.7),(1,1)), or a name of ``curves``), account, currency, time_zone,
        planned_impressions, minimum, maximum (of the deal's budget), seller_minimum,
        seller_maximum, channel_minimum, channel_maximum (of the budgets of that seller or channel
        in that campaign together), locked, status (active or paused), paused_from, paused_until,
        order_id and seller_account (the seller's names), valid_from: of several rows of one deal,
        the newest that holds already counts, and the budget of the one before it until its day
    curves : name -> curve, for the column ``curve``
    currency : ISO code, when the table has no such column
    time_zone : in which days begin, when the table has no such column
    today : rows that hold from a later day on do not count yet; None takes the newest

    Returns
    -------
    FlightPlan, sorted by deal. Where a deal of the same name stands in several campaigns, the name
    is written after that of its campaign: "spring / D1"

    Raises
    ------
    InputError : names the rows, what was expected and what came

    Examples
    --------
    >>> plan = pacing.read_plan(booked)
    >>> plan.deals
    ('ctv-prime',)
    """
    everything = checked_frame(frame, "plan", NEEDED)
    all_rows = Rows(table="the plan", labels=everything.index)
    notes = unread_columns(everything, "plan", KNOWN)
    every_name, labels = deal_names(everything, all_rows)
    since = optional_dates(everything, "valid_from", all_rows, notes)
    every_code = currency_of_rows(everything, all_rows, currency)
    every_exponent = np.array([digits_of(code) for code in every_code], dtype=np.int64)
    every_budget = read_amounts(column_of(everything, "budget"), "budget", every_exponent, all_rows)
    every_budget = need_every(
        every_budget, "budget", all_rows, "Every deal needs its budget for the whole flight."
    )
    chosen, earlier = rows_in_force(every_name, since, today, all_rows)
    table, rows = everything.iloc[chosen], all_rows.take(chosen)
    names = tuple(str(name) for name in every_name[chosen])
    money, exponent, budget = every_code[chosen], every_exponent[chosen], every_budget[chosen]
    start, end = (
        read_dates(column_of(table, name), name, rows, notes) for name in ("start", "end")
    )
    _refuse_backwards(start, end, rows)
    campaign, channel, seller = (
        _texts(table, name, rows) for name in ("campaign", "channel", "seller")
    )
    every_curve, curve_code = _curves(table, rows, curves or {}, notes)
    _refuse_two_currencies(campaign, money, rows)
    minimum, maximum = _bounds(table, "minimum", "maximum", exponent, rows)
    limits = [
        limit
        for level, of_group in (("seller", seller), ("channel", channel))
        for limit in _group_limits(table, level, campaign, of_group, exponent, rows)
    ]
    return FlightPlan(
        deals=names,
        campaign=campaign,
        channel=channel,
        seller=seller,
        account=_texts(table, "account", rows, otherwise=""),
        currency=money,
        exponent=exponent,
        budget_minor=budget.astype(np.int64),
        minimum_minor=minimum,
        maximum_minor=maximum,
        start=start,
        end=end,
        n_days=(end - start).astype(np.int64) + 1,
        time_zone=_zones(table, rows, time_zone),
        curves=every_curve,
        curve_code=curve_code,
        planned_impressions=_impressions(table, rows),
        locked=read_locked(table, rows),
        limits=tuple(limits),
        paused=read_paused(table, rows),
        pauses=merged(read_pauses(table, end, rows, notes)),
        order_id=optional_texts(table, "order_id"),
        seller_account=optional_texts(table, "seller_account"),
        label=labels[chosen],
        marks=_versions(chosen, earlier, every_budget, since),
        notes=tuple(notes),
    )


def _versions(
    chosen: np.ndarray, earlier: Mapping[int, list[int]], budget: np.ndarray, since: np.ndarray
) -> tuple[Mark, ...]:
    """A mark for every day on which the budget of a deal became another."""
    marks = []
    for row, newest in enumerate(chosen.tolist()):
        for before, after in pairwise([*earlier[newest], newest]):
            day: np.datetime64 = since[after]
            if budget[before] != budget[after] and not np.isnat(day):
                marks.append(Mark(row=row, day=day, budget_before_minor=int(budget[before])))
    return tuple(marks)


def _refuse_backwards(start: np.ndarray, end: np.ndarray, rows: Rows) -> None:
    backwards = end < start
    if backwards.any():
        raise InputError(
            f"end is before start in {rows.named(backwards)}. end is the last day of the flight; "
            "for a flight of one day, write the same day twice."
        )


def _texts(table: pd.DataFrame, name: str, rows: Rows, otherwise: str | None = None) -> np.ndarray:
    """Names of a column: (row,) object; ``otherwise`` when the table has no such column."""
    if otherwise is not None and name not in table.columns:
        return np.full(len(table), otherwise, dtype=object)
    codes, names = read_names(column_of(table, name), name, rows)
    return np.array(names, dtype=object)[codes]


def _refuse_two_currencies(campaign: np.ndarray, currency: np.ndarray, rows: Rows) -> None:
    pairs = dict.fromkeys(zip(campaign, currency, strict=True))
    names = [name for name, _ in pairs]
    mixed = (
        sorted({name for name in names if names.count(name) > 1})
        if len(pairs) > len(set(names))
        else []
    )
    if mixed:
        raise InputError(
            f"campaigns {quoted(mixed)} have deals in several currencies, in "
            f"{rows.named(np.isin(campaign, mixed))}. Their money cannot be compared: give each "
            "currency a campaign of its own."
        )


def _zones(table: pd.DataFrame, rows: Rows, otherwise: str) -> np.ndarray:
    zones = _texts(table, "time_zone", rows, otherwise=otherwise)
    for name in dict.fromkeys(zones):
        try:
            zone_of(name)
        except InputError as error:
            raise InputError(f"{error} Found in {rows.named(zones == name)}.") from None
    return zones


def _curves(
    table: pd.DataFrame, rows: Rows, own: Mapping[str, Curve], notes: list[Note]
) -> tuple[tuple[Curve, ...], np.ndarray]:
    """The different curves, and which one each deal has."""
    if "curve" not in table.columns:
        message = "plan: no column 'curve', so every deal is planned evenly."
        notes.append(Note(kind="even_curve", message=message))
    names = _texts(table, "curve", rows, otherwise="even")
    different = tuple(dict.fromkeys(names))
    read = tuple(parse_curve(name, own, rows.named(names == name)) for name in different)
    position = {name: i for i, name in enumerate(different)}
    return read, np.array([position[name] for name in names], dtype=np.int64)


def _impressions(table: pd.DataFrame, rows: Rows) -> np.ndarray:
    """Planned impressions: (row,) float; NaN where the table does not say."""
    if "planned_impressions" not in table.columns:
        return np.full(len(table), np.nan)
    return read_counts(column_of(table, "planned_impressions"), "planned_impressions", rows)


def _bounds(
    table: pd.DataFrame, least: str, most: str, exponent: np.ndarray, rows: Rows
) -> tuple[np.ndarray, np.ndarray]:
    """Two columns of bounds in minor units, int64; 0 and NO_MAXIMUM where nothing is given."""
    bounds = []
    for name, none in ((least, 0), (most, NO_MAXIMUM)):
        given = np.full(len(table), np.nan)
        if name in table.columns:
            given = read_amounts(column_of(table, name), name, exponent, rows)
        bound = np.full(len(table), none, dtype=np.int64)
        bound[~np.isnan(given)] = given[~np.isnan(given)].astype(np.int64)
        bounds.append(bound)
    crossed = bounds[0] > bounds[1]
    if crossed.any():
        raise InputError(f"{least} is above {most} in {rows.named(crossed)}; check the two.")
    return bounds[0], bounds[1]


def _group_limits(
    table: pd.DataFrame,
    level: Any,
    campaign: np.ndarray,
    group: np.ndarray,
    exponent: np.ndarray,
    rows: Rows,
) -> list[GroupLimit]:
    """Limits of one level, from rows that repeat them or leave them empty."""
    if not {f"{level}_minimum", f"{level}_maximum"} & set(table.columns):
        return []
    least, most = _bounds(table, f"{level}_minimum", f"{level}_maximum", exponent, rows)
    members: dict[tuple[str, str], list[int]] = {}
    for row, key in enumerate(zip(campaign, group, strict=True)):
        members.setdefault(key, []).append(row)
    limits = []
    for (of_campaign, name), at in members.items():
        minimum = _agreed(least, 0, f"{level}_minimum", at, name, rows)
        maximum = _agreed(most, NO_MAXIMUM, f"{level}_maximum", at, name, rows)
        if minimum > maximum:
            raise InputError(
                f"{level}_minimum of {name!r} in campaign {of_campaign!r} is above its "
                f"{level}_maximum; check {rows.named(_chosen(at, len(rows)))}."
            )
        if minimum > 0 or maximum < NO_MAXIMUM:
            limits.append(
                GroupLimit(
                    level=level,
                    campaign=of_campaign,
                    name=name,
                    minimum_minor=minimum,
                    maximum_minor=maximum,
                )
            )
    return limits


def _agreed(bound: np.ndarray, none: int, name: str, at: list[int], group: str, rows: Rows) -> int:
    """The one value that the rows of a group give."""
    given = sorted({int(value) for value in bound[at]} - {none})
    if len(given) > 1:
        raise InputError(
            f"{name} of {group!r} differs between {rows.named(_chosen(at, len(rows)))}, which "
            "belong to one campaign. It is one limit for all of them together: write it once, or "
            "the same in every row."
        )
    return given[0] if given else none


def _chosen(at: list[int], n_rows: int) -> np.ndarray:
    chosen = np.zeros(n_rows, dtype=bool)
    chosen[at] = True
    return chosen
