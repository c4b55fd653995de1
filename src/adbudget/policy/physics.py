"""What platforms and months allow -> bounds of budgets, and edits that have to wait.

A platform takes so many edits of a budget an hour, has a smallest budget, and may spend a multiple
of the highest budget of the day; a month may cost so much. Knows nothing of rules.
"""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from adbudget.policy.day_so_far import Circumstances
from adbudget.policy.firing import NO_CAP
from adbudget.policy.presets import platform_of
from adbudget.policy.readings.readings import Readings
from adbudget.policy.rulebook import Policy

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Physics:
    """What holds for every campaign whatever the rules say. Money is minor units per day.

    Attributes
    ----------
    least : (campaign,) int64, smallest budget of its platform, 0 where it has none
    month : (campaign,) int64, most that its monthly cap leaves for a day; NO_CAP where it has none
    edited : (campaign,) bool, its platform takes no further edit within the hour
    highest : (campaign,) int64, highest budget that was set today
    day_most : (campaign,) int64, what the platform may spend today; NO_CAP where nobody knows
    total : most that the monthly cap of the policy leaves for a day in all; None where it has none
    """

    least: np.ndarray
    month: np.ndarray
    edited: np.ndarray
    highest: np.ndarray
    day_most: np.ndarray
    total: int | None


def physics_of(policy: Policy, readings: Readings, around: Circumstances) -> Physics:
    """Work out what platforms and months allow.

    Parameters
    ----------
    policy : its platforms and its monthly cap
    readings : columns platform, monthly_cap and month_spend, as far as the table has them
    around : changes of today, for edits an hour and the highest budget of the day
    """
    n, unit = len(readings), 10**readings.exponent
    least, edited = np.zeros(n, np.int64), np.zeros(n, bool)
    multiple = np.full(n, np.nan)
    recent = _edits_since(readings, around)
    names = readings.labels.get("platform", np.full(n, "", dtype=object))
    for name in dict.fromkeys(names.tolist()):
        platform = platform_of(policy, name, readings.currency or policy.currency)
        own = names == name
        if platform.min_budget is not None:
            least[own] = np.ceil(float(platform.min_budget.amount) * unit)
        if platform.changes_per_hour is not None:
            edited |= own & (recent >= platform.changes_per_hour)
        if platform.day_multiple is not None:
            multiple[own] = float(platform.day_multiple)
    highest = _highest_today(readings, around)
    return Physics(
        least=least,
        month=_month_room(readings, multiple),
        edited=edited,
        highest=highest,
        day_most=_whole(np.floor(multiple * highest)),
        total=_total_room(policy, readings),
    )


def as_json(physics: Physics, readings: Readings) -> dict[str, Any]:
    """Bounds that somebody set, by campaign, for the ledger."""
    told: dict[str, Any] = {}
    bounded = (physics.least > 0) | physics.edited
    bounded |= (physics.month < NO_CAP) | (physics.day_most < NO_CAP)
    for i in np.flatnonzero(bounded).tolist():
        found = {
            "smallest": int(physics.least[i]) or None,
            "month_leaves": None if physics.month[i] == NO_CAP else int(physics.month[i]),
            "may_spend_today": None if physics.day_most[i] == NO_CAP else int(physics.day_most[i]),
            "highest_today": None if physics.day_most[i] == NO_CAP else int(physics.highest[i]),
            "no_edit_this_hour": bool(physics.edited[i]) or None,
        }
        own = {key: value for key, value in found.items() if value is not None}
        told[readings.campaign_ids[i]] = own
    return {"campaigns": told, "month_leaves": physics.total}


def days_left(day: date) -> int:
    """Days of the month from this one on, itself included."""
    return calendar.monthrange(day.year, day.month)[1] - day.day + 1


def _edits_since(readings: Readings, around: Circumstances) -> np.ndarray:
    """(campaign,) edits of its budget within the last hour."""
    place = {name: i for i, name in enumerate(readings.campaign_ids)}
    edits = np.zeros(len(readings), np.int64)
    for change in around.changes:
        if change.unit in place and readings.as_of - change.at < HOUR:
            edits[place[change.unit]] += 1
    return edits


def _highest_today(readings: Readings, around: Circumstances) -> np.ndarray:
    """(campaign,) highest budget that was set today, the one of now included."""
    place = {name: i for i, name in enumerate(readings.campaign_ids)}
    highest = readings.budget_minor.copy()
    for change in around.changes:
        if change.unit in place and change.at.date() == readings.as_of.date():
            i = place[change.unit]
            highest[i] = max(highest[i], change.old_minor, change.new_minor)
    return highest


def _month_room(readings: Readings, multiple: np.ndarray) -> np.ndarray:
    """(campaign,) what is left of the monthly cap, over the days left.

    Where a day may cost a multiple of its budget, that day has to fit too.
    """
    cap, spent = (readings.metric(name) for name in ("monthly_cap", "month_spend"))
    left = np.maximum(cap - spent, 0.0) * 10.0**readings.exponent
    parts = np.fmax(float(days_left(readings.as_of.date())), multiple)
    room = np.floor((left / parts).round(6))
    return _whole(room)


def _whole(amount: np.ndarray) -> np.ndarray:
    """Whole numbers; NO_CAP where there is none."""
    whole = np.full(amount.size, NO_CAP)
    known = np.isfinite(amount)
    whole[known] = amount[known].astype(np.int64)
    return whole


def _total_room(policy: Policy, readings: Readings) -> int | None:
    """What is left of the policy's monthly cap for a day; None when it or the spend is unknown."""
    if policy.constraints.monthly_cap is None:
        return None
    spent = readings.metric("month_spend")
    if np.isnan(spent).any():
        return None
    cap = policy.constraints.monthly_cap.minor(readings.exponent, "constraints: monthly_cap")
    left = max(cap - round(float(spent.sum()) * 10**readings.exponent), 0)
    return left // days_left(readings.as_of.date())
