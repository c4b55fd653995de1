"""One HTTP call -> its response, or an error without secrets. Never tries again."""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from adbudget.errors import InputError

if TYPE_CHECKING:
    import ssl

    import httpx

LOCAL = ("127.0.0.1", "::1", "localhost")
PASSING = (408, 425, 429, 500, 502, 503, 504)  # answers that another try may change


def check_address(url: str, token: str | None, what: str) -> None:
    """Refuse an address that cannot be one, or that a key must not go to.

    Parameters
    ----------
    url : http or https, without a name, password or query
    token : the key that will be sent there; None for none
    what : how messages call what lives there, e.g. "a seller agent"

    Raises
    ------
    InputError : says what is wrong with it
    """
    try:
        parts = urlsplit(url)
    except ValueError:  # its message would tell the address
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(f"{what} lives at an address such as https://ads.example.org.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise InputError(
            f"the address of {what} must hold no name, password or query: it is told in "
            "messages. Give the key as token."
        )
    if parts.scheme == "http" and parts.hostname not in LOCAL and token is not None:
        raise InputError(f"a key is not sent to {parts.hostname} without encryption; use https.")
    if token is not None and not (token.isascii() and token.isprintable()):
        raise InputError("token must be printable ASCII; check where it was copied from.")


def call_once(
    method: str,
    address: str,
    *,
    name: str,
    token: str | None,
    timeout: float,
    no_answer: Callable[[str], Exception],
    silent: Callable[[str], Exception],
    headers: dict[str, str] | None = None,
    **options: Any,
) -> "httpx.Response":
    """One call. The cause is not chained: it holds the request, and with it the token.

    Parameters
    ----------
    method, address : of the call
    name : how messages call whoever is called
    token : sent as ``Authorization: Bearer``; None sends none
    timeout : seconds for connecting, sending and each silence while reading
    no_answer : words -> the error to raise when there is no answer
    silent : words -> the error to raise when time ran out
    headers, options : more of ``httpx.request``

    Raises
    ------
    what ``no_answer`` and ``silent`` make
    """
    import httpx

    every = {"Accept": "application/json"} | (headers or {})
    if token is not None:
        every["Authorization"] = f"Bearer {token}"
    kind = late = ""
    try:
        return httpx.request(
            method, address, headers=every, timeout=timeout, verify=_trusted(), **options
        )
    except httpx.InvalidURL:
        kind = "InvalidURL"
    except httpx.TimeoutException as error:
        late = type(error).__name__
    except (httpx.TransportError, httpx.DecodingError) as error:
        kind = type(error).__name__
    if late:
        raise silent(f"{name} gave no answer ({late}).")
    raise no_answer(f"{name} gave no answer ({kind}).")


def scrubbed(value: Any, token: str | None) -> Any:
    """Take our key out of an answer: whoever repeats it must not get it kept."""
    if not token:
        return value
    if isinstance(value, str):
        return value.replace(token, "***")
    if isinstance(value, list):
        return [scrubbed(item, token) for item in value]
    if isinstance(value, dict):
        return {scrubbed(name, token): scrubbed(item, token) for name, item in value.items()}
    return value


@cache
def _trusted() -> "ssl.SSLContext":
    """Whom to trust, read once and not for every call."""
    import httpx

    return httpx.create_ssl_context()
