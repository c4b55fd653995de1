"""A plan + what sellers have agreed to -> the plan as it stands. Believes no offer and no draft.

Dates, impressions, budgets and prices change what is booked; a daily budget, or daily impressions,
is a newer plan of the deal from the day of the agreement on.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np

from adbudget.errors import InputError
from adbudget.pacing.booked.clock import local_moment, utc
from adbudget.pacing.booked.flight import FlightPlan
from adbudget.pacing.booked.replanned import Mark
from adbudget.pacing.delivery.delivered import Delivery
from adbudget.pacing.requests.change import Diff, Value
from adbudget.pacing.requests.request import SellerRequest
from adbudget.pacing.requests.wording import BY_DAY
from adbudget.tables.messages import Note

DATES = {"flight_start": "start", "flight_end": "end"}
IMPRESSIONS = "impressions"
BUDGETS = ("budget", "total_budget")
PRICES = ("price", "cpm", "final_cpm", "base_cpm")  # of a thousand impressions
DAILY = ("daily_budget", "daily_impressions")
MILLE = 1_000


def agreed_plan(
    plan: FlightPlan, requests: Sequence[SellerRequest], delivery: Delivery | None = None
) -> FlightPlan:
    """Put agreed changes into a plan whose table does not show them yet.

    Parameters
    ----------
    plan : as booked
    requests : in the order of drafting; those not approved or applied change nothing
    delivery : of the same deals; a price agreed in mid-flight holds for what was not delivered by
        then, or without delivery for all of it

    Returns
    -------
    The plan with the agreed dates, impressions, budgets and prices, a mark for every agreed pace,
    and a note for each. Where the table already says what was agreed, nothing changes; where it
    says a third thing, it has moved on and holds, and a note says so

    Raises
    ------
    InputError : an agreed date, number or amount is none, or would end a flight before it begins

    Examples
    --------
    >>> plan = pacing.read_plan(booked)
    >>> requests.agreed_plan(plan, []).deals  # nothing was agreed: as booked
    ('ctv-prime',)
    """
    place = plan.place
    start, end = plan.start.copy(), plan.end.copy()
    impressions, budget = plan.planned_impressions.copy(), plan.budget_minor.copy()
    columns: dict[str, np.ndarray] = {
        "flight_start": start,
        "flight_end": end,
        IMPRESSIONS: impressions,
        **dict.fromkeys(BUDGETS, budget),
    }
    notes: list[Note] = []
    marks: list[Mark] = []
    for request in requests:
        row = place.get(request.ask.deal)
        if row is None or not request.agreed:
            continue
        exponent = int(plan.exponent[row])
        for diff in request.agreed:
            if diff.field in columns:
                notes += _put(columns[diff.field], row, diff, request, exponent)
            elif diff.field in PRICES:
                money, seen = _until(plan, delivery, row, request)
                rest = (int(budget[row]) - money) / _price(diff, request, exponent) * MILLE
                impressions[row] = seen + rest
                day = agreement_day(plan, row, request)
                marks.append(Mark(row=row, day=day, rest_impressions=rest, only_impressions=True))
                notes.append(_used(diff, request))
        mark = _mark(plan, row, request, exponent)
        if mark is not None:
            marks.append(mark)
            notes += [_used(diff, request) for diff in request.agreed if diff.field in DAILY]
        if end[row] < start[row]:
            raise InputError(
                f"request {request.request_id} would end the flight of {request.ask.deal} on "
                f"{end[row]}, before it begins on {start[row]}. Record what was really agreed."
            )
    if not notes:
        return plan
    return replace(
        plan,
        start=start,
        end=end,
        n_days=(end - start).astype("int64") + 1,
        planned_impressions=impressions,
        budget_minor=budget,
        marks=(*plan.marks, *marks),
        notes=(*plan.notes, *notes),
    )


def _mark(plan: FlightPlan, row: int, request: SellerRequest, exponent: int) -> Mark | None:
    """The agreed pace, from the local day of the agreement on; None when none was agreed."""
    agreed = {diff.field: diff for diff in request.agreed}
    day = agreement_day(plan, row, request)
    facts: dict[str, float] = {}
    for field, daily, rest in (
        ("daily_budget", "daily_minor", "rest_minor"),
        ("daily_impressions", "daily_impressions", "rest_impressions"),
    ):
        every = agreed.get(f"{field}{BY_DAY}")
        if every is not None:
            facts[rest] = _total(every, request, day, exponent, money=field == DAILY[0])
        elif field in agreed:
            money = field == DAILY[0]
            found = _amount(agreed[field], request, exponent) if money else None
            facts[daily] = (
                float(found) if found is not None else float(_count(agreed[field], request))
            )
    if not facts:
        return None
    return replace(Mark(row=row, day=day), **facts)


def agreement_day(plan: FlightPlan, row: int, request: SellerRequest) -> np.datetime64:
    """Local day on which a request was agreed to."""
    at = request.agreed_at or request.answered_at or request.ask.drafted_at
    return np.datetime64(local_moment(utc(at), str(plan.time_zone[row])).date(), "D")


def _until(
    plan: FlightPlan, delivery: Delivery | None, row: int, request: SellerRequest
) -> tuple[int, float]:
    """Money and impressions delivered before the day of the agreement."""
    if delivery is None:
        return 0, 0.0
    rows = slice(int(delivery.first_row[row]), int(delivery.first_row[row + 1]))
    before = delivery.day[rows] < agreement_day(plan, row, request)
    money = int(delivery.spend_minor[rows][before].sum())
    return money, float(delivery.impressions[rows][before].sum())


def _total(
    every: Diff, request: SellerRequest, day: np.datetime64, exponent: int, *, money: bool
) -> float:
    """Sum of what is agreed day by day, from a day on."""
    total = 0.0
    for part in str(every.new_value).split(", "):
        when, _, amount = part.partition(" ")
        diff = replace(every, new_value=amount)
        value = float(_amount(diff, request, exponent) if money else _count(diff, request))
        try:
            total += value if np.datetime64(date.fromisoformat(when), "D") >= day else 0.0
        except ValueError as cause:
            raise InputError(
                f"request {request.request_id} changes {every.field} to {every.new_value!r}; "
                "expected pairs such as 2026-04-30 1100.00."
            ) from cause
    return total


def _amount(diff: Diff, request: SellerRequest, exponent: int) -> int:
    """An amount of money, in minor units."""
    try:
        minor = Decimal(str(diff.new_value)).scaleb(exponent)
        if not minor.is_finite() or minor < 0:
            raise InvalidOperation
    except InvalidOperation as cause:
        raise InputError(
            f"request {request.request_id} changes {diff.field} to {diff.new_value!r}; expected "
            "an amount of money such as 1100.00."
        ) from cause
    return round(minor)


def _price(diff: Diff, request: SellerRequest, exponent: int) -> float:
    """Price of a thousand impressions in minor units, fractions of one allowed."""
    try:
        price = float(Decimal(str(diff.new_value)).scaleb(exponent))
    except InvalidOperation:
        price = float("nan")
    if not 0 < price < float("inf"):
        raise InputError(
            f"request {request.request_id} changes {diff.field} to {diff.new_value!r}; expected a "
            "price above 0, such as 12.50."
        )
    return price


def _count(diff: Diff, request: SellerRequest) -> int:
    try:
        return int(str(diff.new_value))
    except ValueError as cause:
        raise InputError(
            f"request {request.request_id} changes {diff.field} to {diff.new_value!r}; expected "
            "a whole number."
        ) from cause


def _used(diff: Diff, request: SellerRequest) -> Note:
    ask = request.ask
    return Note(
        kind="agreement_used",
        message=f"{diff.field} of {ask.deal} is {diff.new_value}, as {ask.seller} agreed "
        f"({request.request_id}).",
        account=ask.account,
    )


def _put(
    column: np.ndarray, row: int, diff: Diff, request: SellerRequest, exponent: int
) -> list[Note]:
    """Change one cell, if it still says what the request started from."""
    ask = request.ask
    before = {one.field: one.old_value for one in ask.diffs}.get(diff.field, diff.old_value)
    old, new = (_cell(value, diff, request, exponent) for value in (before, diff.new_value))
    if column[row] == new:
        return []
    about = f"{diff.field} of {ask.deal}"
    if old is not None and column[row] != old:
        return [
            Note(
                kind="agreement_superseded",
                message=f"{about}: the plan says {column[row]}, request {request.request_id} "
                f"changed {before} to {diff.new_value}; the plan holds.",
                account=ask.account,
            )
        ]
    column[row] = new
    return [
        Note(
            kind="agreement_used",
            message=f"{about} is {diff.new_value} instead of {before}, as {ask.seller} agreed "
            f"({request.request_id}).",
            account=ask.account,
        )
    ]


def _cell(value: Value, diff: Diff, request: SellerRequest, exponent: int) -> Any:
    if diff.field in BUDGETS:
        return None if value is None else _amount(replace(diff, new_value=value), request, exponent)
    try:
        if diff.field in DATES:
            return np.datetime64(date.fromisoformat(str(value)), "D")
        return float("nan") if value is None else float(int(value))
    except ValueError as cause:
        raise InputError(
            f"request {request.request_id} changes {diff.field} to {value!r}; expected "
            f"{'a date such as 2026-04-30' if diff.field in DATES else 'a whole number'}."
        ) from cause
