"""Requests -> a seller agent's change-request API over HTTP. Knows no ledger and no clock.

Reading is tried several times, with waits that grow and are drawn by chance, so that many
clients do not come back in step; a seller that lets a call run out of time is not tried again.
Asking is done once: when its answer is lost, the list of the order's requests tells whether it
arrived. The token is sent to the seller and nowhere else.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import numpy as np

from adbudget.display.page import Listed
from adbudget.errors import InputError, SellerError, SellerSilentError
from adbudget.outside.http_call import PASSING, call_once, check_address, scrubbed
from adbudget.pacing.requests.gateway import Answer
from adbudget.pacing.requests.request import SellerRequest
from adbudget.pacing.requests.wire import answer_of, body_of, find_ours, refusal_of

if TYPE_CHECKING:
    import httpx

PATH = "/api/v1/change-requests"
CONFLICT = 409
REFUSING = (400, 404, CONFLICT, 422)  # the seller understood, and will not


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class HttpGateway(Listed):
    """A seller agent that speaks the IAB Tech Lab change-request API.

    Attributes
    ----------
    url : where it lives, e.g. "https://ads.example.org"; https, unless on this machine
    rng : draws the waits between tries
    token : the buyer's key, sent as ``Authorization: Bearer``; None sends none
    timeout : seconds for connecting, sending and each silence while reading
    tries : of a call that only reads
    first_wait, longest_wait : seconds; the n-th wait is uniform in [0, first_wait * 2**(n - 1)],
        at least what the seller asks for in Retry-After, never above longest_wait
    wait : how to wait some seconds

    References
    ----------
    IAB Tech Lab seller agent, docs/api/change-requests.md. Full jitter: Brooker (2015),
    "Exponential backoff and jitter", AWS Architecture Blog.

    Examples
    --------
    >>> seller = ab.HttpGateway(url="https://ads.example", rng=np.random.default_rng(0))
    >>> seller.name, seller.tries
    ('seller agent ads.example', 4)
    """

    url: str
    rng: np.random.Generator = field(repr=False)
    token: str | None = field(default=None, repr=False)
    timeout: float = 10.0
    tries: int = 4
    first_wait: float = 0.5
    longest_wait: float = 20.0
    wait: Callable[[float], Any] = field(default=threading.Event().wait, repr=False)

    def __post_init__(self) -> None:
        check_address(self.url, self.token, "a seller agent")
        if self.tries < 1:
            raise InputError(f"tries must be 1 or more; got {self.tries}.")

    @property
    def name(self) -> str:
        """See :class:`SellerGateway`."""
        return f"seller agent {urlsplit(self.url).netloc}"

    def submit(self, request: SellerRequest) -> Answer:
        """POST it once; a refusal is an answer.

        Raises
        ------
        SellerError : no answer, half an answer, or one that leaves open what became of it
        """
        response = self._once("POST", PATH, json=body_of(request))
        if response.is_success:
            return answer_of(self._json(response), request, self.name)
        code, words, reference = refusal_of(self._json(response, strict=False))
        # A 404 without a code is a wrong address, and no word about the order.
        told = code if response.status_code == 404 else code or words
        if response.status_code == CONFLICT:
            ours = self._ours(request)
            if ours is not None:  # it arrived before: the conflict is with ourselves
                return ours
        if response.status_code in REFUSING and told:
            return Answer(state="failed", seller_ref=reference, note=words or code)
        raise SellerError(
            f"{self.name} answered {response.status_code}: {words or 'no reason given'}."
        )

    def look_up(self, request: SellerRequest) -> Answer | None:
        """GET it by the seller's name of it, or search the order's list for our key.

        Raises
        ------
        SellerError : no answer after all tries, or one that cannot be used
        """
        if request.seller_ref:
            response = self._patiently(f"{PATH}/{quote(request.seller_ref, safe='')}")
            if response.status_code == 404:
                raise SellerError(
                    f"{self.name} no longer knows {request.seller_ref} ({request.request_id})."
                )
            self._check(response)
            return answer_of(self._json(response), request, self.name)
        return self._ours(request)

    def _ours(self, request: SellerRequest) -> Answer | None:
        """Our request in the list of its order."""
        response = self._patiently(PATH, params={"order_id": request.ask.order_id})
        self._check(response)
        return find_ours(self._json(response), request, self.name)

    def _patiently(self, path: str, params: Mapping[str, str] | None = None) -> "httpx.Response":
        """Read; what may pass is tried again."""
        for number in range(1, self.tries):
            try:
                response = self._once("GET", path, params=params)
            except SellerSilentError:
                raise
            except SellerError:
                self.wait(self._pause(number, None))
                continue
            if response.status_code not in PASSING:
                return response
            self.wait(self._pause(number, response.headers.get("Retry-After")))
        return self._once("GET", path, params=params)

    def _pause(self, number: int, retry_after: str | None) -> float:
        in_seconds = retry_after is not None and retry_after.isascii() and retry_after.isdecimal()
        wanted = float(retry_after or 0) if in_seconds else 0.0  # it may be a date, too
        drawn = float(self.rng.uniform(0, self.first_wait * 2 ** (number - 1)))
        return min(max(wanted, drawn), self.longest_wait)

    def _once(self, method: str, path: str, **options: Any) -> "httpx.Response":
        """One call."""
        address = self.url.rstrip("/") + path
        return call_once(
            method,
            address,
            name=self.name,
            token=self.token,
            timeout=self.timeout,
            no_answer=SellerError,
            silent=SellerSilentError,
            **options,
        )

    def _check(self, response: "httpx.Response") -> None:
        if response.is_success:
            return
        words = refusal_of(self._json(response, strict=False))[1] or "no reason given"
        raise SellerError(f"{self.name} answered {response.status_code}: {words}.")

    def _json(self, response: "httpx.Response", *, strict: bool = True) -> Any:
        try:
            return scrubbed(response.json(), self.token)
        except (ValueError, RecursionError):  # not JSON, only the beginning of it, or no end
            if not strict:
                return None
        raise SellerError(
            f"{self.name} answered {response.status_code} with something that is not JSON."
        )
