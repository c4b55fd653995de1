"""Alerts of now and of earlier runs -> those to send, and those told already. Sends nothing."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from adbudget.alerts.alert import SEVERITIES, Alert, Past
from adbudget.errors import InputError

COOLDOWN = timedelta(hours=24)  # unless a policy gives another
REMINDER = timedelta(days=7)  # of standing trouble that is not critical: told once a week


def fresh_and_silenced(
    found: Iterable[tuple[Alert, timedelta]], earlier: Sequence[Past]
) -> tuple[tuple[Alert, ...], tuple[Alert, ...]]:
    """Alerts to send, and those that an equal one silences: told within the cooldown, no milder.

    Parameters
    ----------
    found : alerts, each with its cooldown
    earlier : from :func:`adbudget.alerts.alert.past_alerts`
    """
    known: dict[str, list[Past]] = {}
    for past in earlier:
        known.setdefault(past.fingerprint, []).append(past)
    fresh, silenced = [], []
    for alert, cooldown in found:
        quiet = any(
            timedelta(0) <= alert.at - past.at < cooldown
            and _rank(past.severity) >= _rank(alert.severity)
            for past in known.get(alert.fingerprint, ())
        )
        (silenced if quiet else fresh).append(alert)
    return tuple(fresh), tuple(silenced)


def fresh_alerts(alerts: Iterable[Alert], earlier: Sequence[Past]) -> tuple[Alert, ...]:
    """Alerts to send: critical ones daily, others weekly; see :func:`fresh_and_silenced`."""
    usual = {"critical": COOLDOWN}
    found = ((alert, usual.get(alert.severity, REMINDER)) for alert in alerts)
    return fresh_and_silenced(found, earlier)[0]


def most_severe_first(alerts: Iterable[Alert]) -> tuple[Alert, ...]:
    """The alerts by severity, type, campaign and trigger."""
    return tuple(
        sorted(alerts, key=lambda a: (-_rank(a.severity), a.type, a.campaign_id, a.trigger))
    )


def check_zones(earlier: Sequence[Past], at: datetime) -> None:
    """Refuse alerts of earlier runs whose times cannot be compared with that of this run.

    Raises
    ------
    InputError : one has a time zone and the other has none
    """
    aware = at.tzinfo is not None
    for past in earlier:
        if (past.at.tzinfo is not None) != aware:
            raise InputError(
                f"an earlier alert is of {past.at.isoformat()}, this run of {at.isoformat()}: one "
                "has a time zone and the other has none. Pass as_of with a time zone."
            )


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else -1
