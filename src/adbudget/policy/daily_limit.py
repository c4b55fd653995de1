"""Budgets of the morning + the daily limit of a policy -> those of today, to the cent."""

from collections.abc import Iterable, Mapping

import numpy as np

from adbudget.policy.rulebook import Policy


def day_bounds(
    policy: Policy, units: Iterable[str], budget_minor: np.ndarray, openings: Mapping[str, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest budget of today by ``max_daily_change``: two (unit,) int64.

    Whole minor units on the safe side, around the budget of the morning.

    Parameters
    ----------
    units : names of campaigns or deals
    budget_minor : (unit,) budgets now, those of the morning where nothing has moved today
    openings : budgets of the morning of the units that have moved today
    """
    top, bottom = policy.constraints.max_daily_change.as_integer_ratio()
    morning = [
        openings.get(unit, int(budget)) for unit, budget in zip(units, budget_minor, strict=True)
    ]
    room = np.array([budget * top // bottom for budget in morning], dtype=np.int64)
    opened = np.array(morning, dtype=np.int64)
    return opened - room, opened + room
