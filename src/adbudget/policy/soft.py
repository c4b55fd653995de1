"""A decided case -> alerts on soft limits and pauses: told to people, never enforced.

Five or more paused campaigns, money that is not spent, a winner near its cap; and every pause a
plan recommends. The same trouble is told once within its cooldown.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import numpy as np

from adbudget.alerts.alert import SEVERITIES, Alert, fingerprint_of, past_alerts
from adbudget.alerts.cooldown import fresh_alerts
from adbudget.policy.calls import Case
from adbudget.policy.emergency import EMERGENCY, evidence_of
from adbudget.policy.firing import NO_CAP
from adbudget.policy.metrics.wording import evidence_text
from adbudget.tables.messages import listed

MOST_LEFT = 0.5  # of the cuts that rules want
WHOLE_TABLE = ""  # campaign of an alert about all of them


def soft_alerts(case: Case, *, earlier: Any = (), at: datetime) -> tuple[Alert, ...]:
    """Alerts of a case that no trigger of the file speaks of.

    Parameters
    ----------
    case : decided
    earlier : alerts of earlier runs, as :func:`adbudget.policy.alerts.raise_alerts` takes them
    at : moment of the run, with time zone
    """
    checks = (_outages, _pauses, _months, _money_left, _paused, _utilization, _near_cap)
    found = [alert for check in checks for alert in check(case, at)]
    return fresh_alerts(found, past_alerts(earlier))


def _alert(
    kind: str,
    severity: str,
    name: str,
    trigger: str,
    evidence: dict[str, float],
    said: str,
    action: str,
    at: datetime,
) -> Alert:
    assert severity in SEVERITIES
    figures = evidence_text(evidence)
    subject = f"{name}: " if name else ""
    return Alert(
        type=kind,
        severity=severity,
        campaign_id=name,
        trigger=trigger,
        evidence=evidence,
        message=f"{subject}{said}{f' ({figures})' if figures else ''}.",
        action=action,
        fingerprint=fingerprint_of(kind, name, trigger),
        at=at,
    )


def _outages(case: Case, at: datetime) -> Iterator[Alert]:
    """One alert a group, however many campaigns it has."""
    for outage in case.outages:
        n = int(outage.members.sum())
        text = f"{outage.count} of {outage.group} fall by {case.policy.constraints.outage_drop:.0%}"
        evidence = {outage.count: outage.counted, "expected": round(outage.expected, 1)}
        evidence |= {"spend": outage.spent} if np.isfinite(outage.spent) else {}
        fell = "fell at once" if outage.counted else "count none"
        said = (
            f"results of {outage.group} are not being counted on {outage.day}: {n} campaigns "
            f"{fell}, so none of them is cut or paused"
        )
        yield _alert("outage", "critical", WHOLE_TABLE, text, evidence, said, "check_tracking", at)


def _pauses(case: Case, at: datetime) -> Iterator[Alert]:
    names, limits = case.readings.campaign_ids, case.policy.constraints
    hours = limits.pause_threshold.total_seconds() / 3600
    emergency = np.flatnonzero(case.guard.emergency)
    if case.guard.braked:
        told = listed([names[i] for i in emergency])
        text = f"pauses in a day > {limits.max_pauses} or {limits.max_paused_share:.0%} of budget"
        evidence = {"pauses": float(len(emergency))}
        said = f"{told} cost too much, and so many pauses in a day wait for a person"
        yield _alert("many_pauses", "critical", WHOLE_TABLE, text, evidence, said, "approve", at)
        emergency = emergency[:0]
    for i in emergency:
        evidence = evidence_of(case.policy, case.readings, int(i))
        text = f"cost per result > target * {limits.emergency_pause:f}"
        said = f"cost per result above {limits.emergency_pause:f} times the target"
        yield _alert(EMERGENCY, "critical", names[i], text, evidence, said, "pause", at)
    due = case.outcome.flags["pause_recommended"] & (case.guard.hold != "anomaly")
    for i in np.flatnonzero(due):
        text = f"past the trigger of a cutting rule for {hours:g} hours"
        evidence = _figures_of_cuts(case, int(i))
        yield _alert("pause_recommended", "warning", names[i], text, evidence, text, "pause", at)


def _figures_of_cuts(case: Case, i: int) -> dict[str, float]:
    """Figures by which the cutting rules that fire judge a campaign."""
    return {
        name: value
        for rule, firing in zip(case.policy.rules, case.fired.firings, strict=True)
        if rule.cuts and firing.fired[i]
        for name, value in firing.evidence_of(i).items()
    }


def _months(case: Case, at: datetime) -> Iterator[Alert]:
    """Months that would cost more than they may even after the plan."""
    readings, unit = case.readings, 10.0**case.readings.exponent
    running = (readings.status == "active") & ~case.guard.emergency
    for i in np.flatnonzero(running & (case.balance.budget > case.physics.month)):
        evidence = {
            name: float(readings.metric(name)[i]) for name in ("month_spend", "monthly_cap")
        }
        evidence["budget"] = float(case.balance.budget[i] / unit)
        text, name = "month_spend + budget * days left > monthly_cap", readings.campaign_ids[i]
        said = "the month would cost more than its cap"
        yield _alert("monthly_cap", "warning", name, text, evidence, said, "review", at)
    total, most = float(case.balance.budget.sum()), case.physics.total
    if most is not None and total > most:
        evidence = {"budget": total / unit, "budget that the month leaves": most / unit}
        text = "month_spend + budget * days left > monthly_cap"
        said = "the month would cost more than its cap over all campaigns"
        yield _alert("monthly_cap", "critical", WHOLE_TABLE, text, evidence, said, "review", at)


def _money_left(case: Case, at: datetime) -> Iterator[Alert]:
    """Cuts that nobody can take the money of: left over, or not made because it may not be."""
    unit = 10.0**case.readings.exponent
    allowed, change = case.balance.allowed, case.outcome.change
    wanted = -int(allowed[allowed < 0].sum())
    made = -int(change[allowed < 0].sum())
    banked = max(-int(change.sum()), 0)
    meant = case.policy.constraints.total_budget_change
    if meant.at_most and banked:
        evidence = {"budget": banked / unit}
        said = "money is cut that no rule asks for elsewhere, and left over for a person to place"
        yield _alert("money_left", "info", WHOLE_TABLE, str(meant), evidence, said, "review", at)
    elif wanted and made < (1 - MOST_LEFT) * wanted:
        text = f"cuts not made > {MOST_LEFT:.0%} of those wanted"
        evidence = {"budget cuts wanted": wanted / unit, "budget cuts made": made / unit}
        said = (
            "cuts are not made, because the total has to stay and no campaign can take the money; "
            "total_budget_change: at_most 0 would leave it over"
        )
        yield _alert("cuts_not_made", "warning", WHOLE_TABLE, text, evidence, said, "review", at)


def _paused(case: Case, at: datetime) -> Iterator[Alert]:
    most = case.policy.constraints.max_paused
    n_paused = int((case.readings.status == "paused").sum())
    if n_paused >= most:
        text = f"paused campaigns >= {most}"
        evidence = {"paused campaigns": float(n_paused)}
        said = f"{n_paused} campaigns are paused"
        yield _alert("paused_campaigns", "info", WHOLE_TABLE, text, evidence, said, "review", at)


def _utilization(case: Case, at: datetime) -> Iterator[Alert]:
    """Of all active campaigns whose spend is known, together."""
    spend, planned = (case.readings.metric(name) for name in ("spend", "planned_spend"))
    known = np.isfinite(spend) & np.isfinite(planned) & (case.readings.status == "active")
    whole = float(planned[known].sum())
    if not whole:
        return
    share = float(spend[known].sum()) / whole
    least = float(case.policy.constraints.min_utilization)
    if share < least:
        text = f"utilization < {least:.0%}"
        said = "the active campaigns together do not spend their budgets"
        evidence = {"utilization": share}
        yield _alert("low_utilization", "info", WHOLE_TABLE, text, evidence, said, "review", at)


def _near_cap(case: Case, at: datetime) -> Iterator[Alert]:
    near = float(case.policy.constraints.near_cap)
    budget, cap = case.balance.budget, case.guard.cap
    winners = (case.fired.wanted > 0) & (case.guard.hold == "") & (cap < NO_CAP)
    unit = 10.0**case.readings.exponent
    for i in np.flatnonzero(winners & (budget >= near * cap)):
        evidence = {"budget": float(budget[i] / unit), "cap": float(cap[i] / unit)}
        text = f"budget of a winner >= {near:.0%} of its cap"
        said = "a winner at or near its cap"
        name = case.readings.campaign_ids[i]
        yield _alert("winner_near_cap", "info", name, text, evidence, said, "review_cap", at)
