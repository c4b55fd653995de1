"""A plan whose money has moved -> the impressions its sellers should book. Asks nobody."""

from decimal import Decimal

import numpy as np

from adbudget.pacing.booked.flight import FlightPlan

Wanted = tuple[int, int, int]  # impressions, the budget that pays for them, the booked budget


def wanted_impressions(plan: FlightPlan, booked: FlightPlan) -> dict[str, Wanted]:
    """Impressions that moved budgets pay for at the booked price.

    Parameters
    ----------
    plan : as it stands: moved budgets, agreed impressions
    booked : the same deals as their table has them

    Returns
    -------
    Deal -> (impressions, budget, booked budget), money in minor units. Only deals for which the
    first is another number than is planned; one that loses all its money is not among them, for
    that is a cancellation, which a person decides
    """
    known = ~np.isnan(booked.planned_impressions) & (booked.budget_minor > 0)
    known &= (plan.budget_minor != booked.budget_minor) & (plan.budget_minor > 0)
    wanted = {}
    for row in np.flatnonzero(known):
        old, new = int(booked.budget_minor[row]), int(plan.budget_minor[row])
        impressions = round(Decimal(round(float(booked.planned_impressions[row]))) * new / old)
        if impressions != round(float(plan.planned_impressions[row])):
            wanted[plan.deals[row]] = (impressions, new, old)
    return wanted
