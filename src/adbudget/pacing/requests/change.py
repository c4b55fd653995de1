"""Diff: one field of an order that is to change; and how severe a change is: minor ... critical.

The severities are those of the IAB Tech Lab seller agent, so that both sides expect the same care.
Where its reference program looks at the first date that moved little, the furthest counts here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, get_args

from adbudget.errors import InputError

ChangeType = Literal["impressions", "flight_dates", "pricing", "cancellation", "other"]
Severity = Literal["minor", "material", "critical"]
Value = str | int | None

CHANGE_TYPES: tuple[ChangeType, ...] = get_args(ChangeType)
MINOR_SHIFT_DAYS = 3  # flight dates that move no further are minor
USUAL: dict[ChangeType, Severity] = {
    "impressions": "material",
    "flight_dates": "material",
    "pricing": "critical",
    "cancellation": "critical",
    "other": "material",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """One field of an order that is to change.

    Attributes
    ----------
    field : impressions, daily_impressions, daily_budget, flight_start, flight_end ...
    old_value, new_value : whole numbers; money and dates as text ("1100.00", "2026-04-30")

    Examples
    --------
    >>> requests.Diff(field="flight_end", old_value="2026-03-30", new_value="2026-04-02").field
    'flight_end'
    """

    field: str
    old_value: Value
    new_value: Value


def diffs_of(plain: Sequence[Mapping[str, Any]]) -> tuple[Diff, ...]:
    """Diffs from their mappings.

    Raises
    ------
    InputError : one has no field, or a value that is neither text nor a whole number
    """
    return tuple(_diff(item) for item in plain)


def severity_of(change_type: str, diffs: Sequence[Diff]) -> Severity:
    """How much care a change needs.

    Parameters
    ----------
    change_type : impressions, flight_dates, pricing, cancellation or other
    diffs : what changes; dates of ``flight_start`` and ``flight_end`` as ISO text

    Returns
    -------
    "minor" for flight dates that all move by 3 days or less; "critical" for pricing and
    cancellation; "material" for everything else

    Raises
    ------
    InputError : another change type, or a date that is none

    References
    ----------
    IAB Tech Lab seller agent, docs/state-machines/change-request-flow.md.
    """
    kind = _known(change_type)
    if kind == "flight_dates" and diffs:
        shifts = [_shift_days(diff) for diff in diffs]
        if max(shifts) <= MINOR_SHIFT_DAYS:
            return "minor"
    return USUAL[kind]


def _known(change_type: str) -> ChangeType:
    for kind in CHANGE_TYPES:
        if kind == change_type:
            return kind
    raise InputError(f"change_type must be {', '.join(CHANGE_TYPES)}; got {change_type!r}.")


def _shift_days(diff: Diff) -> int:
    try:
        days = [date.fromisoformat(str(value)) for value in (diff.old_value, diff.new_value)]
    except ValueError as cause:
        raise InputError(
            f"{diff.field} must change from one date to another, such as 2026-04-30; got "
            f"{diff.old_value!r} to {diff.new_value!r}."
        ) from cause
    return abs((days[1] - days[0]).days)


def _diff(item: Mapping[str, Any]) -> Diff:
    field = item.get("field") if isinstance(item, Mapping) else None
    shown = repr(item)[:200]
    if not isinstance(field, str) or not field:
        raise InputError(f"a change needs a field and its new value; got {shown}.")
    values = [item.get("old_value"), item.get("new_value")]
    for value in values:
        if isinstance(value, bool) or not isinstance(value, str | int | None):
            raise InputError(
                f"{field} must be text or a whole number (money and dates are text); got {value!r}."
            )
    return Diff(field=field, old_value=values[0], new_value=values[1])
