"""Readings + alert rules -> alerts to send now: built-in checks too, none of them twice.

Alerts move nothing. Knows nothing of budgets, plans, or where alerts are sent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from adbudget.alerts.alert import Alert, fingerprint_of, past_alerts
from adbudget.alerts.cooldown import COOLDOWN, check_zones, fresh_and_silenced, most_severe_first
from adbudget.errors import PolicyError
from adbudget.policy.anomalies import Anomaly, AnomalyLimits, find_anomalies
from adbudget.policy.language import Firing, evaluate, parse_trigger
from adbudget.policy.language.trigger import Number, Trigger
from adbudget.policy.metrics.registry import counts_of_results, with_parts
from adbudget.policy.metrics.wording import evidence_text
from adbudget.policy.readings.readings import Readings
from adbudget.policy.rulebook import AlertRule, Severity
from adbudget.tables.messages import Note

# Type, trigger, action, severity; a rule of the policy on the same metric replaces it.
USUAL: tuple[tuple[str, str, str, Severity], ...] = (
    ("anomaly", "cpl_change > 50% in 24h", "alert_human", "warning"),
    ("opportunity", "roas > 6 for 3 days", "suggest_scale", "info"),
    ("risk", "spend_pace > 150%", "alert_overspend", "warning"),
)
RESULTS = {*counts_of_results(), "revenue"}
SAYS = {  # type of a built-in check -> what is wrong, what to do when it is real, and when unsure
    "ctr_drop": ("the click-through rate fell by more than half in a day", "pause", "review"),
    "click_quality": ("many clicks, few conversions", "pause_and_review", "review"),
    "no_impressions": ("it should run and was not shown", "check_status", "check_status"),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AlertReport:
    """What there is to tell, and what it means for the rules.

    Attributes
    ----------
    alerts : to be sent, most severe first
    silenced : the same trouble was told before, and its cooldown is not over
    frozen : (campaign,) bool, not shown at all, so its figures are no ground for a rule
    pause : (campaign,) bool, a built-in check is sure enough to suggest a pause
    paused_by : (campaign,) type of that check, "" for none
    notes : alerts that could not be judged, and why
    """

    alerts: tuple[Alert, ...]
    silenced: tuple[Alert, ...]
    frozen: np.ndarray
    pause: np.ndarray
    paused_by: np.ndarray
    notes: tuple[Note, ...]


def raise_alerts(
    readings: Readings,
    rules: Sequence[AlertRule],
    *,
    targets: Mapping[str, Number],
    earlier: Any = (),
    limits: AnomalyLimits | None = None,
    at: datetime | None = None,
    uncounted: np.ndarray | None = None,
    confidence: float | None = None,
) -> AlertReport:
    """Judge every alert rule and built-in check for every campaign.

    Parameters
    ----------
    rules : of the policy; the usual ones (a jump of the CPL, a high ROAS, overspending) are added
        where no rule of the policy is about the same metric
    targets : by word: {"target_cpl": Decimal("50")}
    earlier : alerts of earlier runs, as records, dicts or a frame of ledger entries; an equal one
        within the cooldown silences, unless the trouble has become more severe
    limits : of the built-in checks
    at : stamped on the alerts; the moment of the readings when not given
    uncounted : (campaign,) bool, results are not being counted: nothing about them is told
    confidence : posterior probability that comparisons of costs in ``rules`` need where there are
        counts; None lets the figures decide. The usual ones always need that of ``limits``

    Raises
    ------
    PolicyError : a target is missing
    InputError : ``earlier`` cannot be read, or its times have a zone and ``at`` has none
    """
    at = readings.as_of if at is None else at
    uncounted = np.zeros(len(readings), bool) if uncounted is None else uncounted
    found: list[tuple[Alert, timedelta]] = []
    notes: list[Note] = []
    limits = AnomalyLimits() if limits is None else limits
    for rule in [*rules, *_usual_rules(rules)]:
        proof = confidence if rule in rules else limits.change_certainty
        firing = _judged(rule, readings, targets, proof)
        found += [
            (_of_rule(rule, firing, readings, int(i), at), rule.cooldown)
            for i in np.flatnonzero(firing.fired & ~(uncounted & _of_results(rule.trigger)))
        ]
        if rule in rules:
            notes += _not_judged(rule, firing, readings)
    anomalies = find_anomalies(readings, limits)
    for anomaly in anomalies:
        silent = uncounted & _of_results(parse_trigger(anomaly.trigger, where=anomaly.type))
        found += [
            (_of_anomaly(anomaly, readings, int(i), at), COOLDOWN)
            for i in np.flatnonzero(anomaly.struck & ~silent)
        ]
    once = {alert.fingerprint: (alert, cooldown) for alert, cooldown in reversed(found)}
    told = past_alerts(earlier)
    check_zones(told, at)
    fresh, silenced = fresh_and_silenced(once.values(), told)
    by_type = {anomaly.type: anomaly for anomaly in anomalies}
    bad_clicks = by_type["click_quality"].real & ~uncounted
    return AlertReport(
        alerts=most_severe_first(fresh),
        silenced=most_severe_first(silenced),
        frozen=by_type["no_impressions"].struck,
        pause=bad_clicks | by_type["ctr_drop"].real,
        paused_by=np.where(
            bad_clicks, "click_quality", np.where(by_type["ctr_drop"].real, "ctr_drop", "")
        ),
        notes=tuple(notes),
    )


def _of_results(trigger: Trigger) -> bool:
    """Whether a trigger depends on how many results were counted, or on their value."""
    return bool(RESULTS & set(with_parts(trigger.metrics)))


def _judged(
    rule: AlertRule, readings: Readings, targets: Mapping[str, Number], proof: float | None
) -> Firing:
    """Where a rule fires; by the figures alone where no posterior can judge its trigger."""
    if proof is not None:
        try:
            return evaluate(rule.trigger, readings, targets=targets, confidence=proof)
        except PolicyError:
            pass  # what else is wrong is said below
    return evaluate(rule.trigger, readings, targets=targets)


def _usual_rules(rules: Sequence[AlertRule]) -> list[AlertRule]:
    """Usual rules about metrics that the policy has no alert on."""
    covered = {metric for rule in rules for metric in rule.trigger.metrics}
    usual = [
        AlertRule(
            type=type_,
            trigger=parse_trigger(text, where=f"usual alert {type_!r}"),
            action=action,
            severity=severity,
            cooldown=COOLDOWN,
        )
        for type_, text, action, severity in USUAL
    ]
    return [rule for rule in usual if not covered & set(rule.trigger.metrics)]


def _of_rule(
    rule: AlertRule, firing: Firing, readings: Readings, campaign: int, at: datetime
) -> Alert:
    name = readings.campaign_ids[campaign]
    evidence = firing.evidence_of(campaign)
    return Alert(
        type=rule.type,
        severity=rule.severity,
        campaign_id=name,
        trigger=rule.trigger.text,
        evidence=evidence,
        message=f"{name}: {rule.trigger.text} ({evidence_text(evidence)}).",
        action=rule.action,
        fingerprint=fingerprint_of(rule.type, name, rule.trigger.text),
        at=at,
    )


def _of_anomaly(anomaly: Anomaly, readings: Readings, campaign: int, at: datetime) -> Alert:
    name, real = readings.campaign_ids[campaign], bool(anomaly.real[campaign])
    wrong, action, unsure = SAYS[anomaly.type]
    evidence = anomaly.firing.evidence_of(campaign)
    probability = float(anomaly.probability[campaign])
    how_sure = ""
    if np.isfinite(probability):
        evidence["probability"] = probability
    elif anomaly.type != "no_impressions":
        how_sure = " No counts are given, so chance cannot be ruled out."
    pauses = real and "pause" in action
    return Alert(
        type=anomaly.type,
        severity="critical" if pauses else "warning",
        campaign_id=name,
        trigger=anomaly.trigger,
        evidence=evidence,
        message=f"{name}: {wrong} ({evidence_text(evidence)}).{how_sure}",
        action=action if real else unsure,
        fingerprint=fingerprint_of(anomaly.type, name, anomaly.trigger),
        at=at,
    )


def _not_judged(rule: AlertRule, firing: Firing, readings: Readings) -> list[Note]:
    places = [i for i, reason in enumerate(firing.reason) if reason]
    if not places:
        return []
    example = f"{readings.campaign_ids[places[0]]!r}: {firing.reason[places[0]]}"
    message = f"{rule.trigger.where} could not be judged for {len(places)} campaigns; {example}."
    return [Note(kind="alert_not_judged", message=message)]
