"""Groups of deals, bounds of a plan -> alerts about sellers, channels, campaigns and bounds."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import numpy as np

from adbudget.alerts.alert import Alert
from adbudget.money import money_text
from adbudget.pacing.booked.flight import NO_MAXIMUM, FlightPlan
from adbudget.pacing.delivery.groups import Groups
from adbudget.pacing.delivery.measures import Measures
from adbudget.pacing.delivery.pace_alerts import evidence_of, pace_alert
from adbudget.pacing.delivery.status import SEVERITIES, severity_level
from adbudget.pacing.delivery.thresholds import PaceThresholds
from adbudget.tables.units import unit_of

FEWEST_DEALS = 2  # a group of one deal has that deal's alert


def group_severities(
    groups: Sequence[Groups],
    thresholds: PaceThresholds,
    earlier: Mapping[tuple[str, str, str], tuple[str, float]],
) -> list[np.ndarray]:
    """Severity of every group: one (group,) array of text for each level.

    Parameters
    ----------
    groups : sellers, channels and campaigns
    thresholds : limits, with hysteresis
    earlier : (level, currency, name) -> severity and deviation in the run before
    """
    found = []
    for group in groups:
        before = [
            earlier.get((group.level, code, name), ("none", 0.0))
            for code, name in zip(group.currency, group.name, strict=True)
        ]
        level = severity_level(
            group.spend.deviation,
            thresholds,
            np.array([SEVERITIES.index(severity) for severity, _ in before], dtype=int),
            np.array([np.sign(deviation) for _, deviation in before], dtype=int),
        )
        found.append(np.array(SEVERITIES, dtype=object)[level])
    return found


def group_alerts(
    groups: Sequence[Groups], severities: Sequence[np.ndarray], at: datetime, scope: str = ""
) -> Iterator[Alert]:
    """Sellers, channels and campaigns whose deals together are off plan.

    ``scope`` says whose they are, where several accounts share a ledger.
    """
    for group, severity in zip(groups, severities, strict=True):
        told = (severity != "none") & (group.n_deals >= FEWEST_DEALS)
        for i in np.flatnonzero(told).tolist():
            track, code = group.spend, str(group.currency[i])
            side = "over" if track.deviation[i] > 0 else "under"
            away = f"{abs(track.deviation[i]):.1%}" if np.isfinite(track.deviation[i]) else "far"
            message = (
                f"{group.level} {group.name[i]}: its {group.n_deals[i]} deals are {away} "
                f"{'above' if side == 'over' else 'below'} plan together, "
                f"{money_text(track.delivered[i], code)} of {money_text(track.target[i], code)} "
                f"spent; they head for {money_text(track.projected[i], code)}."
            )
            evidence = evidence_of(track, i, 10.0 ** int(group.exponent[i]))
            name = f"{group.level} {group.name[i]}" + (f", {code}" if code else "")
            unit = unit_of(name, scope)
            type_ = f"{group.level}_{side}_delivery"
            yield pace_alert(unit, type_, str(severity[i]), evidence, message, at)


def bound_alerts(
    plan: FlightPlan, measures: Measures, at: datetime, scope: str = ""
) -> Iterator[Alert]:
    """Budgets that break the bounds of the plan itself, and spend that is beyond one.

    ``scope`` as in :func:`group_alerts`.
    """
    for i, deal in enumerate(plan.deals):
        code, budget = str(plan.currency[i]), int(plan.budget_minor[i])
        least, most = int(plan.minimum_minor[i]), int(plan.maximum_minor[i])
        spent = int(measures.spent_minor[i])
        told = ""
        if budget < least:
            told = f"its budget of {money_text(budget, code)} is below its minimum, "
            told += money_text(least, code)
        elif budget > most:
            told = f"its budget of {money_text(budget, code)} is above its maximum, "
            told += money_text(most, code)
        elif spent > most:
            told = f"it has spent {money_text(spent, code)}, more than its maximum, "
            told += money_text(most, code)
        if told:
            evidence = {"budget_minor": float(budget), "spent_minor": float(spent)}
            yield pace_alert(deal, "bound_broken", "warning", evidence, f"{deal}: {told}.", at)
    yield from _joint_bounds(plan, at, scope)


def _joint_bounds(plan: FlightPlan, at: datetime, scope: str) -> Iterator[Alert]:
    for limit in plan.limits:
        inside = (plan.campaign == limit.campaign) & (plan.names(limit.level) == limit.name)
        held = int(plan.budget_minor[inside].sum())
        if limit.minimum_minor <= held <= limit.maximum_minor:
            continue
        code = str(plan.currency[np.flatnonzero(inside)[0]])
        side, bound = "above its maximum", limit.maximum_minor
        if held < limit.minimum_minor:
            side, bound = "below its minimum", limit.minimum_minor
        assert bound < NO_MAXIMUM
        message = (
            f"{limit.level} {limit.name} of campaign {limit.campaign}: budgets of "
            f"{money_text(held, code)} together are {side}, {money_text(bound, code)}."
        )
        evidence = {"budget_minor": float(held), "bound_minor": float(bound)}
        unit = unit_of(f"{limit.level} {limit.name} of {limit.campaign}", scope)
        yield pace_alert(unit, "bound_broken", "warning", evidence, message, at)
