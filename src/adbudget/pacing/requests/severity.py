"""A change -> how much it weighs: minor, material or critical. Knows no states and no ledger.

The classes are those of the IAB Tech Lab seller agent, so that both sides expect the same care.
Where its reference program looks at the first date that moved little, the furthest counts here.
"""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Literal, get_args

from adbudget.errors import InputError

if TYPE_CHECKING:
    from adbudget.pacing.requests.request import Diff

ChangeType = Literal["impressions", "flight_dates", "pricing", "cancellation", "other"]
Severity = Literal["minor", "material", "critical"]

CHANGE_TYPES: tuple[ChangeType, ...] = get_args(ChangeType)
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
MINOR_SHIFT_DAYS = 3  # flight dates that move no further are minor
USUAL: dict[ChangeType, Severity] = {
    "impressions": "material",
    "flight_dates": "material",
    "pricing": "critical",
    "cancellation": "critical",
    "other": "material",
}


def severity_of(change_type: str, diffs: "Sequence[Diff]") -> Severity:
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


def _shift_days(diff: "Diff") -> int:
    try:
        days = [date.fromisoformat(str(value)) for value in (diff.old_value, diff.new_value)]
    except ValueError as cause:
        raise InputError(
            f"{diff.field} must change from one date to another, such as 2026-04-30; got "
            f"{diff.old_value!r} to {diff.new_value!r}."
        ) from cause
    return abs((days[1] - days[0]).days)
