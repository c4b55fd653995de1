"""A platform that speaks the HTTP contract of ``openapi.json``. Calls once; keeps nothing.

An order whose answer is lost can be sent again under its key, and is done once all the same; that
is the caller's to decide, as is every other second try.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from adbudget.errors import PlatformError
from adbudget.outside.http_call import PASSING, call_once, check_address, scrubbed
from adbudget.plain_json import visible
from adbudget.platforms.deciding import by_unit, check_days
from adbudget.platforms.platform import (
    BudgetOrder,
    OrderAnswer,
    OutcomeReport,
    Performance,
    StandingBudget,
)
from adbudget.platforms.wire import (
    LONGEST,
    answer_from_json,
    budget_from_json,
    order_to_json,
    outcome_from_json,
    performance_from_json,
)

if TYPE_CHECKING:
    import httpx

UNKNOWN_KEY = "unknown_key"  # a 404 without it is a wrong address, and no word about the order


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpPlatform:
    """See :class:`Platform`.

    Attributes
    ----------
    url : where it lives, e.g. "https://ads.example.org"; https, unless on this machine
    token : sent as ``Authorization: Bearer``; None sends none
    timeout : seconds for connecting, sending and each silence while reading

    Examples
    --------
    >>> from adbudget.platforms import HttpPlatform
    >>> HttpPlatform(url="https://ads.example.org").timeout
    30.0
    >>> nobody = HttpPlatform(url="http://127.0.0.1:9")
    >>> nobody.now
    Traceback (most recent call last):
        ...
    adbudget.errors.PlatformError: platform 127.0.0.1:9 gave no answer (ConnectError).
    >>> nobody.outcome(now.date(), now.date())
    Traceback (most recent call last):
        ...
    adbudget.errors.PlatformError: platform 127.0.0.1:9 gave no answer (ConnectError).
    """

    url: str
    token: str | None = field(default=None, repr=False)
    timeout: float = 30.0

    def __post_init__(self) -> None:
        check_address(self.url, self.token, "a platform")

    @property
    def name(self) -> str:
        """See :class:`Platform`."""
        return f"platform {urlsplit(self.url).netloc}"

    @property
    def now(self) -> datetime:
        """The platform's clock, which a simulated one moves as it likes; see :class:`Platform`.

        Raises
        ------
        PlatformError : it does not answer
        """
        day = date(2000, 1, 1)  # of which it tells nothing, so that the answer is short
        return self.performance(day, day).reported_at

    def budgets(self) -> tuple[StandingBudget, ...]:
        """See :class:`Platform`."""
        document = self._read("/v1/budgets")
        listed = document.get("budgets") if isinstance(document, Mapping) else None
        if not isinstance(listed, list):
            raise PlatformError(f"{self.name} answered without 'budgets', a list.")
        return tuple(
            by_unit((budget_from_json(each, self.name) for each in listed), self.name).values()
        )

    def performance(self, since: date, until: date, *, by_hour: bool = False) -> Performance:
        """See :class:`Platform`."""
        check_days(since, until)
        asked = _span(since, until) | {"by_hour": str(by_hour).lower()}
        return performance_from_json(self._read("/v1/performance", asked), self.name)

    def outcome(self, since: date, until: date) -> OutcomeReport:
        """What the accounts recorded themselves, of a service that offers it (/v1/outcome).

        Raises
        ------
        PlatformError : as for performance; also where the service does not offer it
        """
        check_days(since, until)
        return outcome_from_json(self._read("/v1/outcome", _span(since, until)), self.name)

    def set_budget(self, order: BudgetOrder, *, validate_only: bool = False) -> OrderAnswer:
        """See :class:`Platform`."""
        body = {"order": order_to_json(order), "validate_only": validate_only}
        answer = answer_from_json(
            self._document(self._call("POST", "/v1/orders", json=body)), self.name
        )
        wrong = answer.key != order.key or (
            answer.status in ("made", "valid")
            and validate_only is False
            and (answer.status, answer.daily_minor) != ("made", order.daily_minor)
        )
        if wrong:
            raise PlatformError(
                f"{self.name} answered order {order.key!r} with {answer}, which is no answer to "
                "it. Ask it what became of the key before anything else is done."
            )
        return answer

    def answer_of(self, key: str) -> OrderAnswer | None:
        """See :class:`Platform`."""
        response = self._call("GET", "/v1/orders", params={"key": key})
        if response.status_code == 404 and _error_of(self._json(response)) == UNKNOWN_KEY:
            return None
        answer = answer_from_json(self._document(response), self.name)
        if answer.key != key:
            raise PlatformError(f"{self.name} was asked of key {key!r} and told of {answer.key!r}.")
        return answer

    def _read(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        return self._document(self._call("GET", path, params=params))

    def _call(self, method: str, path: str, **options: Any) -> "httpx.Response":
        return call_once(
            method,
            self.url.rstrip("/") + path,
            name=self.name,
            token=self.token,
            timeout=self.timeout,
            no_answer=_passing,
            silent=_passing,
            **options,
        )

    def _document(self, response: "httpx.Response") -> Any:
        """What a successful answer holds."""
        document = self._json(response)
        if response.is_success and document is not None:
            return document
        if response.is_success:  # cut off on the way, or a page of somebody in between
            raise _passing(f"{self.name} answered with something that is not JSON.")
        words = document.get("message") if isinstance(document, Mapping) else None
        told = visible(str(words))[:LONGEST] if words else "no reason given"
        raise PlatformError(
            f"{self.name} answered {response.status_code}: {told.rstrip('.')}.",
            retryable=response.status_code in PASSING,
        )

    def _json(self, response: "httpx.Response") -> Any:
        try:
            return scrubbed(response.json(), self.token)
        except (ValueError, RecursionError):
            return None


def open_http(address: str, token: str | None) -> HttpPlatform:
    """Entry point of "http:" and "https:"."""
    return HttpPlatform(url=address, token=token)


def _span(since: date, until: date) -> dict[str, str]:
    return {"since": since.isoformat()[:10], "until": until.isoformat()[:10]}


def _passing(words: str) -> PlatformError:
    return PlatformError(words, retryable=True)


def _error_of(document: Any) -> str | None:
    return document.get("error") if isinstance(document, Mapping) else None
