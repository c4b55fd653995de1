"""Tool and arguments -> what a seller's MCP server answers. Speaks the streamable HTTP transport.

Nothing is known of what the tools do. Each call opens a session of its own, so that nothing has to
be kept or closed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from adbudget.errors import SellerError, SellerSilentError
from adbudget.outside.http_call import call_once, check_address, scrubbed
from adbudget.pacing.requests.wire import clean

if TYPE_CHECKING:
    import httpx

PROTOCOL = "2025-06-18"
SESSION = "mcp-session-id"
STREAM = "text/event-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class McpServer:
    """A seller's MCP server.

    Attributes
    ----------
    url : its address, e.g. "https://ads.example.org/mcp"; https, unless on this machine
    token : the buyer's key, sent as ``Authorization: Bearer``; None sends none
    timeout : seconds for connecting, sending and each silence while reading

    Examples
    --------
    >>> server = requests.McpServer(url="https://ads.example.org/mcp")
    >>> server.timeout
    10.0
    >>> server.name
    'AdCP agent ads.example.org'
    >>> requests.McpServer(url="http://127.0.0.1:9/mcp").call("get_products", {})
    Traceback (most recent call last):
        ...
    adbudget.errors.SellerError: AdCP agent 127.0.0.1:9 gave no answer (ConnectError).
    """

    url: str
    token: str | None = field(default=None, repr=False)
    timeout: float = 10.0

    def __post_init__(self) -> None:
        check_address(self.url, self.token, "a seller agent")

    @property
    def name(self) -> str:
        """How messages call it; holds no secret."""
        return f"AdCP agent {urlsplit(self.url).netloc}"

    def call(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Call one tool, once.

        Returns
        -------
        The structured answer, errors of the tool included (``errors``)

        Raises
        ------
        SellerSilentError : time ran out
        SellerError : no answer, or one that cannot be used
        """
        about = {"name": "adbudget", "version": "0.1"}
        opened = self._post(
            {
                "id": 1,
                "method": "initialize",
                "params": {"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": about},
            },
            {},
        )
        self._result(opened, 1)
        session = opened.headers.get(SESSION)
        headers = {"MCP-Protocol-Version": PROTOCOL}
        headers |= {"Mcp-Session-Id": session} if session else {}
        self._post({"method": "notifications/initialized"}, headers)
        asked = {"name": tool, "arguments": dict(arguments)}
        answer = self._post({"id": 2, "method": "tools/call", "params": asked}, headers)
        return self._structured(self._result(answer, 2))

    def _post(self, message: dict[str, Any], headers: dict[str, str]) -> "httpx.Response":
        response = call_once(
            "POST",
            self.url,
            name=self.name,
            token=self.token,
            timeout=self.timeout,
            no_answer=SellerError,
            silent=SellerSilentError,
            headers=headers | {"Accept": f"application/json, {STREAM}"},
            json={"jsonrpc": "2.0", **message},
        )
        if not response.is_success:
            raise SellerError(f"{self.name} answered {response.status_code}.")
        return response

    def _result(self, response: "httpx.Response", number: int) -> dict[str, Any]:
        """Result of our own call, out of one message or a stream of them."""
        for message in self._messages(response):
            if not isinstance(message, dict) or message.get("id") != number:
                continue
            if isinstance(message.get("result"), dict):
                return message["result"]
            error = message.get("error")
            words = error.get("message") if isinstance(error, dict) else error
            raise SellerError(f"{self.name} refused the call: {clean(str(words))}.")
        raise SellerError(f"{self.name} did not answer the call.")

    def _messages(self, response: "httpx.Response") -> list[Any]:
        texts = [response.text]
        if response.headers.get("Content-Type", "").startswith(STREAM):
            lines = response.text.splitlines()
            texts = [line.removeprefix("data:") for line in lines if line.startswith("data:")]
        try:
            return [scrubbed(json.loads(text), self.token) for text in texts if text.strip()]
        except (ValueError, RecursionError):
            pass
        raise SellerError(f"{self.name} answered with something that is not JSON.")

    def _structured(self, result: dict[str, Any]) -> dict[str, Any]:
        """The tool's own answer: structured, or JSON in the first text."""
        answer = result.get("structuredContent")
        if not isinstance(answer, dict):
            answer = _first_json(result.get("content"))
        if isinstance(answer, dict) and isinstance(answer.get("adcp_error"), dict):
            return {"errors": [answer["adcp_error"]]}
        if isinstance(answer, dict) and (not result.get("isError") or "errors" in answer):
            return answer
        raise SellerError(f"{self.name} did not answer with anything that can be read.")


def _first_json(content: Any) -> Any:
    for part in content if isinstance(content, list) else ():
        try:
            return json.loads(part["text"])
        except (ValueError, TypeError, KeyError):
            continue
    return None
