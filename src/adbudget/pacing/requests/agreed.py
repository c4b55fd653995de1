"""A plan + what sellers have agreed to -> the plan as it stands. Believes no offer and no draft.

Only flight dates and planned impressions are part of a plan; how fast a seller delivers shows in
its delivery.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from adbudget.errors import InputError
from adbudget.pacing.booked.flight import FlightPlan
from adbudget.pacing.requests.change import Diff, Value
from adbudget.pacing.requests.request import SellerRequest
from adbudget.tables.messages import Note

DATES = {"flight_start": "start", "flight_end": "end"}
IMPRESSIONS = "impressions"


def agreed_plan(plan: FlightPlan, requests: Sequence[SellerRequest]) -> FlightPlan:
    """Put agreed changes into a plan whose table does not show them yet.

    Parameters
    ----------
    plan : as booked
    requests : in the order of drafting; those not approved or applied change nothing

    Returns
    -------
    The plan with the agreed dates and impressions, and a note for each. Where the table already
    says what was agreed, nothing changes; where it says a third thing, it has moved on and holds,
    and a note says so

    Raises
    ------
    InputError : an agreed date or number is none, or would end a flight before it begins
    """
    place = plan.place
    start, end = plan.start.copy(), plan.end.copy()
    impressions = plan.planned_impressions.copy()
    columns = {"flight_start": start, "flight_end": end, IMPRESSIONS: impressions}
    notes: list[Note] = []
    for request in requests:
        row = place.get(request.ask.deal)
        if row is None:
            continue
        for diff in request.agreed:
            if diff.field in columns:
                notes += _put(columns[diff.field], row, diff, request)
        if end[row] < start[row]:
            raise InputError(
                f"request {request.request_id} would end the flight of {request.ask.deal} on "
                f"{end[row]}, before it begins on {start[row]}. Record what was really agreed."
            )
    if not notes:
        return plan
    n_days = (end - start).astype("int64") + 1
    return replace(
        plan,
        start=start,
        end=end,
        n_days=n_days,
        planned_impressions=impressions,
        notes=(*plan.notes, *notes),
    )


def _put(column: np.ndarray, row: int, diff: Diff, request: SellerRequest) -> list[Note]:
    """Change one cell, if it still says what the request started from."""
    ask = request.ask
    before = {one.field: one.old_value for one in ask.diffs}.get(diff.field, diff.old_value)
    old, new = (_cell(value, column, diff, request) for value in (before, diff.new_value))
    if column[row] == new:
        return []
    about = f"{diff.field} of {ask.deal}"
    if column[row] != old:
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


def _cell(value: Value, column: np.ndarray, diff: Diff, request: SellerRequest) -> Any:
    try:
        if diff.field in DATES:
            return np.datetime64(date.fromisoformat(str(value)), "D")
        return float("nan") if value is None else float(int(value))
    except ValueError as cause:
        raise InputError(
            f"request {request.request_id} changes {diff.field} to {value!r}; expected "
            f"{'a date such as 2026-04-30' if diff.field in DATES else 'a whole number'}."
        ) from cause
