"""Alerts -> a log, a file of JSON lines, a web address, or a service known to Apprise.

The only place of the policy engine that speaks to the outside. A sink that fails says so in its
SinkReport and stops nothing else. Knows nothing of rules or readings.
"""

import hashlib
import json
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from adbudget.alerts.alert import SEVERITIES, Alert
from adbudget.errors import InputError
from adbudget.outside.http_call import PASSING
from adbudget.plain_json import visible

LEVELS = dict(zip(SEVERITIES, (logging.INFO, logging.WARNING, logging.CRITICAL), strict=True))
FIRST_WAIT = 0.5  # seconds; doubled after every failed try


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkReport:
    """What became of some alerts at one sink.

    Attributes
    ----------
    sink : its name, without secrets
    sent : alerts that were handed over
    error : why not all were, or None
    left : alerts that were not, as far as :func:`adbudget.alerts.delivery.send_due` counts them
    """

    sink: str
    sent: int
    error: str | None = None
    left: int = 0


class Sink(Protocol):
    """Somewhere alerts can be sent."""

    def send(self, alerts: Sequence[Alert]) -> SinkReport:
        """Hand the alerts over; failures of the outside are told in the SinkReport."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSink:
    """The log of the program: info, warning or critical, as severe as the alert."""

    logger: str = "adbudget.alerts"

    def send(self, alerts: Sequence[Alert]) -> SinkReport:
        """Log one line for every alert."""
        log = logging.getLogger(self.logger)
        for alert in alerts:
            level = LEVELS.get(alert.severity, logging.WARNING)
            told = (visible(text) for text in (alert.message, alert.type, alert.action))
            log.log(level, "%s [%s] -> %s", *told)
        return SinkReport(sink=f"log {self.logger}", sent=len(alerts))


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonLinesSink:
    """A file that grows by one line of JSON for every alert."""

    path: Path

    def send(self, alerts: Sequence[Alert]) -> SinkReport:
        """Append all lines at once, so that two writers cannot mix within a line."""
        lines = "".join(_json(alert.as_dict()) + "\n" for alert in alerts)
        name = f"file {self.path}"
        try:
            if lines:
                with self.path.open("a", encoding="utf-8") as file:
                    file.write(lines)
        except OSError as error:
            return SinkReport(sink=name, sent=0, error=f"{type(error).__name__}: {error.strerror}")
        return SinkReport(sink=name, sent=len(alerts))


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSink:
    """A web address that takes {"source": "adbudget", "alerts": [...]} by POST.

    Attributes
    ----------
    url : http or https
    headers : sent along, e.g. an Authorization
    timeout : seconds for each try
    tries : at most; only failures that may pass are tried again
    wait : how to wait some seconds before the next try
    """

    url: str = field(repr=False)  # such addresses often are the secret
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float = 10.0
    tries: int = 3
    wait: Callable[[float], Any] = field(default=threading.Event().wait, repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError("a webhook is an address such as https://example.org/alerts.")
        if self.tries < 1:
            raise InputError(f"tries must be 1 or more; got {self.tries}.")

    def send(self, alerts: Sequence[Alert]) -> SinkReport:
        """Post all alerts in one request; its Idempotency-Key is the same in every try."""
        name = f"webhook {urlsplit(self.url).hostname}"
        if not alerts:
            return SinkReport(sink=name, sent=0)
        body = _json({"source": "adbudget", "alerts": [alert.as_dict() for alert in alerts]})
        error = ""
        for number in range(self.tries):
            if number:
                self.wait(FIRST_WAIT * 2 ** (number - 1))
            error, may_pass = self._post(body.encode())
            if not error:
                return SinkReport(sink=name, sent=len(alerts))
            if not may_pass:
                break
        return SinkReport(sink=name, sent=0, error=error)

    def _post(self, body: bytes) -> tuple[str, bool]:
        """One try: what went wrong ("" is nothing), and whether another may go better."""
        import httpx

        key = hashlib.sha256(body).hexdigest()
        headers = {"Content-Type": "application/json", "Idempotency-Key": key, **self.headers}
        try:
            answer = httpx.post(self.url, content=body, headers=headers, timeout=self.timeout)
        except httpx.TransportError as error:
            return f"no answer ({type(error).__name__})", True
        if answer.is_success:
            return "", False
        return f"answered {answer.status_code}", answer.status_code in PASSING


@dataclass(frozen=True, slots=True, kw_only=True)
class AppriseSink:
    """Slack, PagerDuty, e-mail and all else that Apprise knows (extra ``alerts``).

    Attributes
    ----------
    urls : Apprise addresses, e.g. "slack://...", "mailto://..."
    """

    urls: tuple[str, ...] = field(repr=False)

    def send(self, alerts: Sequence[Alert]) -> SinkReport:
        """Notify once for every severity, the most severe first.

        Raises
        ------
        InputError : Apprise is not installed, or does not know an address
        """
        try:
            import apprise
        except ImportError as error:
            raise InputError("this sink needs Apprise: install adbudget[alerts].") from error
        service = apprise.Apprise()
        for number, url in enumerate(self.urls):
            if not service.add(url):
                raise InputError(f"Apprise does not know address {number + 1} of this sink.")
        kinds = dict(zip(SEVERITIES, ("info", "warning", "failure"), strict=True))
        sent = 0
        for severity in reversed(SEVERITIES):
            chosen = [alert for alert in alerts if alert.severity == severity]
            if not chosen:
                continue
            body = "\n".join(visible(f"{alert.message} -> {alert.action}") for alert in chosen)
            title = f"adbudget: {len(chosen)} {severity}"
            if not service.notify(body=body, title=title, notify_type=kinds[severity]):
                return SinkReport(sink="apprise", sent=sent, error=f"{severity} alerts not taken")
            sent += len(chosen)
        return SinkReport(sink="apprise", sent=sent)


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkKind:
    """A kind of sink, as addresses name it.

    Attributes
    ----------
    form : what an address of the kind looks like
    open : whole address, and what follows the first colon -> sink
    bare : the address is the kind alone; all others need something after the colon
    """

    form: str
    open: Callable[[str, str], Sink]
    bare: bool = False


# What stands before the first colon of an address -> its kind. A new sink is one entry here.
KINDS: dict[str, SinkKind] = {
    "log": SinkKind(form="log", open=lambda address, rest: LogSink(), bare=True),
    "jsonl": SinkKind(form="jsonl:FILE", open=lambda address, rest: JsonLinesSink(path=Path(rest))),
    "http": SinkKind(form="http://...", open=lambda address, rest: WebhookSink(url=address)),
    "https": SinkKind(form="https://...", open=lambda address, rest: WebhookSink(url=address)),
    "apprise": SinkKind(
        form="apprise:ADDRESS", open=lambda address, rest: AppriseSink(urls=(rest,))
    ),
}


def open_sink(address: str) -> Sink:
    """Sink of an address: "log", "jsonl:FILE", "https://...", or "apprise:slack://...".

    Raises
    ------
    InputError : another form
    """
    name, colon, rest = address.partition(":")
    kind = KINDS.get(name)
    if kind is not None and (not colon if kind.bare else rest):
        return kind.open(address, rest)
    *forms, last = (kind.form for kind in KINDS.values())
    raise InputError(
        f"no alerts can be sent to an address of kind {name!r}. Expected {', '.join(forms)} or "
        f"{last}."
    )


def send_alerts(alerts: Sequence[Alert], sinks: Sequence[Sink]) -> tuple[SinkReport, ...]:
    """Send the alerts to every sink; one that fails does not stop the others."""
    return tuple(sink.send(alerts) for sink in sinks)


def _json(value: Any) -> str:
    return visible(json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False))
