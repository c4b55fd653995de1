"""One alert, and how severe, how it is recognised again, and how it is written down.

A record; knows nothing of rules, readings or where alerts are sent.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from adbudget.errors import InputError
from adbudget.plain_json import to_plain

SEVERITIES: tuple[str, ...] = ("info", "warning", "critical")


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something about one campaign that a person should know. It moves no money by itself.

    Attributes
    ----------
    type : anomaly, opportunity, risk, or the name of a built-in check
    severity : "info", "warning" or "critical"
    campaign_id : what it is about
    trigger : the condition that fired, as written
    evidence : the figures behind it
    message : one sentence to read aloud
    action : what is suggested: alert_human, suggest_scale, pause ...
    fingerprint : equal for the same trouble of the same campaign, whenever it comes
    at : when
    """

    type: str
    severity: str
    campaign_id: str
    trigger: str
    evidence: Mapping[str, float]
    message: str
    action: str
    fingerprint: str
    at: datetime

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values; ``at`` as ISO text."""
        return to_plain(self)


def fingerprint_of(type_: str, campaign_id: str, trigger: str) -> str:
    """Sixteen hexadecimal digits that name the trouble, not the moment."""
    text = json.dumps([type_, campaign_id, " ".join(trigger.lower().split())])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def alert_of(payload: Mapping[str, Any], at: datetime) -> Alert:
    """Undo :meth:`Alert.as_dict`: the payload of an entry of kind "alert", and its instant."""
    names = [each.name for each in fields(Alert)]
    return Alert(**{**{name: payload[name] for name in names}, "at": at})


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """An alert of an earlier run, as far as it matters now."""

    fingerprint: str
    severity: str
    at: datetime


def past_alerts(earlier: Any) -> tuple[Past, ...]:
    """Alerts of earlier runs: Alert records, their dicts, or a frame of ledger entries.

    Parameters
    ----------
    earlier : iterable of Alert or of mappings with fingerprint, severity and at; or a frame with
        these columns, or with a column ``payload`` of such mappings and ``at``

    Raises
    ------
    InputError : something else
    """
    if hasattr(earlier, "to_dict") and hasattr(earlier, "columns"):
        earlier = earlier.to_dict("records")
    if isinstance(earlier, str) or not isinstance(earlier, Iterable):
        raise InputError(f"earlier alerts must be a list or a frame; got {type(earlier).__name__}.")
    return tuple(_past(item) for item in earlier)


def _past(item: Any) -> Past:
    if isinstance(item, Alert):
        return Past(fingerprint=item.fingerprint, severity=item.severity, at=item.at)
    found = dict(item) if isinstance(item, Mapping) else {}
    payload = found.get("payload")
    if isinstance(payload, str):
        payload = json.loads(payload)
    if isinstance(payload, Mapping):
        found = {**payload, "at": found.get("at", payload.get("at"))}
    missing = [name for name in ("fingerprint", "severity", "at") if name not in found]
    if missing:
        raise InputError(
            f"an earlier alert has no {', '.join(missing)}; pass Alert records, their as_dict(), "
            "or the entries of kind 'alert' of a ledger."
        )
    at = found["at"]
    at = datetime.fromisoformat(at) if isinstance(at, str) else at
    return Past(fingerprint=str(found["fingerprint"]), severity=str(found["severity"]), at=at)
