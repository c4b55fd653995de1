"""A simulated platform -> a server that speaks the HTTP contract of ``openapi.json``.

Beside the contract: ``/clock``, ``/pauses`` and ``/faults`` move the clock, pause campaigns and
make things go wrong. The clock of the outside is handed in.
"""

import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from adbudget.errors import AdbudgetError, InputError, PlatformError
from adbudget.platforms.faults import Fault, Faults
from adbudget.platforms.http_platform import UNKNOWN_KEY
from adbudget.platforms.simulated import SimulatedPlatform
from adbudget.platforms.state import StateFile
from adbudget.platforms.wire import (
    answer_to_json,
    budget_to_json,
    order_from_json,
    report_to_json,
)

CONTRACT = Path(__file__).with_name("openapi.json")
LONGEST_BODY = 1_000_000  # bytes
Reply = tuple[int, Any]


class PlatformServer:
    """A server while it is entered.

    Parameters
    ----------
    platform : what it serves
    wall : the clock of the outside
    speed : seconds of the platform's clock for one outside; 0 stands still until it is moved
    state : keeps where the clock stood; None keeps nothing
    host, port : where to listen; port 0 takes any that is free
    token : callers have to send it as ``Authorization: Bearer``; None asks for none

    Attributes
    ----------
    url : its address
    faults : what goes wrong on purpose

    Raises
    ------
    PlatformError : the port cannot be had
    """

    def __init__(
        self,
        platform: SimulatedPlatform,
        *,
        wall: Callable[[], datetime],
        speed: float = 1.0,
        state: StateFile | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str | None = None,
    ) -> None:
        self.platform, self.token = platform, token
        self.faults = Faults(platform.seed)
        self.closing = threading.Event()
        self._wall, self._speed, self._state = wall, speed, state
        self._anchor = self._first_anchor()
        self._keep_clock(self.inside)
        try:
            self._http = ThreadingHTTPServer((host, port), _handler_of(self))
        except OSError as cause:
            raise PlatformError(
                f"{host}:{port} cannot be listened on: {cause.strerror or cause}. Try --port 0."
            ) from cause
        self._http.daemon_threads = True
        self.url = f"http://{host}:{self._http.server_port}"

    def __enter__(self) -> "PlatformServer":
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._http.shutdown()
        self._keep_clock(self.inside)
        self._http.server_close()

    @property
    def inside(self) -> datetime:
        """The platform's clock, as the outside moves it."""
        outside, inside = self._anchor
        return max(inside + (self._wall() - outside) * self._speed, self.platform.now)

    def _first_anchor(self) -> tuple[datetime, datetime]:
        """Where the clock goes on from: in real time it ran on while nobody served."""
        kept = None if self._state is None else self._state.clock
        if kept is not None and self._speed == 1.0:
            return kept
        inside = self.platform.now if kept is None else max(kept[1], self.platform.now)
        return self._wall(), inside

    def move_clock(self, instant: datetime) -> None:
        """Let the platform's clock run to an instant; it never goes back."""
        self._keep_clock(max(instant, self.inside))

    def _keep_clock(self, inside: datetime) -> None:
        self._anchor = (self._wall(), inside)
        if self._state is not None:
            self._state.set_clock(*self._anchor)
        self.platform.advance_to(inside)


def answer(
    server: PlatformServer, method: str, path: str, query: Mapping[str, str], body: Any
) -> Reply:
    """Status and JSON of one call, without what goes wrong on purpose."""
    route = ROUTES.get((method, path))
    if route is None:
        known = [f"{one} {where}" for one, where in ROUTES]
        return 404, {"error": "unknown_path", "message": f"there is {', '.join(known)}"}
    try:
        return route(server, query, body)
    except InputError as refused:
        return 400, {"error": "bad_request", "message": str(refused)}


def _budgets(server: PlatformServer, query: Mapping[str, str], body: Any) -> Reply:
    return 200, {"budgets": [budget_to_json(budget) for budget in server.platform.budgets()]}


def _performance(server: PlatformServer, query: Mapping[str, str], body: Any) -> Reply:
    by_hour = query.get("by_hour", "false").lower() == "true"
    return 200, report_to_json(server.platform.performance(*_span(query), by_hour=by_hour))


def _outcome(server: PlatformServer, query: Mapping[str, str], body: Any) -> Reply:
    return 200, report_to_json(server.platform.outcome(*_span(query)))


def _order(server: PlatformServer, query: Mapping[str, str], body: Any) -> Reply:
    document = body if isinstance(body, Mapping) else {}
    try:
        order = order_from_json(document.get("order"), "the call")
    except PlatformError as cause:
        raise InputError(str(cause)) from cause
    validate_only = document.get("validate_only", False)
    if not isinstance(validate_only, bool):
        raise InputError(f"validate_only must be true or false; got {validate_only!r}.")
    return 200, answer_to_json(server.platform.set_budget(order, validate_only=validate_only))


def _answer_of(server: PlatformServer, query: Mapping[str, str], body: Any) -> Reply:
    if "key" not in query:
        raise InputError("say ?key= and the key of the order.")
    found = server.platform.answer_of(query["key"])
    if found is None:
        return 404, {"error": UNKNOWN_KEY, "message": "no order has this key"}
    return 200, answer_to_json(found)


def _contract(server: PlatformServer, query: Mapping[str, str], body: Any) -> Reply:
    return 200, json.loads(CONTRACT.read_text(encoding="utf-8"))


def _clock(server: PlatformServer, query: Mapping[str, str], body: Any) -> Reply:
    return 200, {"now": server.platform.now.isoformat()}


def _move_clock(server: PlatformServer, query: Mapping[str, str], body: Any) -> Reply:
    try:
        if "to" in body:
            instant = datetime.fromisoformat(body["to"])
        else:
            span = timedelta(**{name: float(body[name]) for name in body})
            instant = server.platform.now + span
    except (TypeError, ValueError, OverflowError) as cause:
        raise InputError('say {"to": an instant} or {"days": 7}, {"hours": 1} ...') from cause
    if instant.tzinfo is None:
        raise InputError("the instant needs a time zone, such as 2026-03-01T09:00:00+00:00.")
    server.move_clock(instant.astimezone(UTC))
    return _clock(server, query, body)


def _pause(server: PlatformServer, query: Mapping[str, str], body: Any) -> Reply:
    try:
        server.platform.pause(**body)
    except TypeError as cause:
        raise InputError("say account, channel, campaign, and paused: true or false.") from cause
    return 200, {"paused": body.get("paused", True)}


def _faults(server: PlatformServer, query: Mapping[str, str], body: Any) -> Reply:
    return 200, {"faults": server.faults.listed()}


def _add_fault(server: PlatformServer, query: Mapping[str, str], body: Any) -> Reply:
    server.faults.add(body)
    return _faults(server, query, body)


def _clear_faults(server: PlatformServer, query: Mapping[str, str], body: Any) -> Reply:
    server.faults.clear()
    return _faults(server, query, body)


ROUTES: dict[tuple[str, str], Callable[[PlatformServer, Mapping[str, str], Any], Reply]] = {
    ("GET", "/v1/budgets"): _budgets,
    ("GET", "/v1/performance"): _performance,
    ("GET", "/v1/outcome"): _outcome,
    ("GET", "/v1/orders"): _answer_of,
    ("POST", "/v1/orders"): _order,
    ("GET", "/v1/openapi.json"): _contract,
    ("GET", "/clock"): _clock,
    ("POST", "/clock"): _move_clock,
    ("POST", "/pauses"): _pause,
    ("GET", "/faults"): _faults,
    ("POST", "/faults"): _add_fault,
    ("DELETE", "/faults"): _clear_faults,
}


def _span(query: Mapping[str, str]) -> tuple[date, date]:
    try:
        return date.fromisoformat(query["since"]), date.fromisoformat(query["until"])
    except (KeyError, ValueError) as cause:
        raise InputError("since and until must be days such as 2026-03-01.") from cause


def _handler_of(server: PlatformServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """One call."""

        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def do_DELETE(self) -> None:
            self._serve()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: callers may put anything into a path."""

        def _serve(self) -> None:
            try:
                fault = self._fault()
                if fault is not None and fault.kind == "timeout":
                    server.closing.wait(fault.seconds)
                    return self._drop()
                if fault is not None and fault.kind == "500":
                    return self._send(500, {"error": "fault", "message": "on purpose"})
                self._reply(fault, *self._work())
            except OSError:  # whoever asked has gone
                self._drop()

        def _fault(self) -> Fault | None:
            version, _, part = urlsplit(self.path).path.removeprefix("/").partition("/")
            part = "answers" if (self.command, part) == ("GET", "orders") else part
            return server.faults.next_for(part) if version == "v1" else None

        def _work(self) -> Reply:
            if server.token and self.headers.get("Authorization") != f"Bearer {server.token}":
                return 401, {"error": "unauthorized", "message": "the token is missing or wrong"}
            parts = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            try:
                length = int(self.headers.get("Content-Length") or 0)
                if not 0 <= length <= LONGEST_BODY:
                    return 413, {"error": "too_large", "message": f"at most {LONGEST_BODY} bytes"}
                body = json.loads(self.rfile.read(length)) if length else {}
            except (ValueError, RecursionError):
                return 400, {"error": "bad_request", "message": "the body must be JSON"}
            try:
                server.platform.advance_to(server.inside)
                return answer(server, self.command, parts.path, query, body)
            except AdbudgetError as cause:
                return 500, {"error": "failed", "message": str(cause)}

        def _reply(self, fault: Fault | None, status: int, document: Any) -> None:
            kind = None if fault is None else fault.kind
            if fault is not None and kind == "slow":
                server.closing.wait(fault.seconds)
            if kind == "dropped":
                return self._drop()
            if kind == "500_after":
                return self._send(500, {"error": "fault", "message": "on purpose"})
            text = json.dumps(document).encode()
            if kind == "garbage":
                text = b"<html><body>Sign in to this network</body></html>"
            self._send_bytes(status, text, cut=kind == "half")

        def _drop(self) -> None:
            self.close_connection = True

        def _send(self, status: int, document: Any) -> None:
            self._send_bytes(status, json.dumps(document).encode())

        def _send_bytes(self, status: int, text: bytes, *, cut: bool = False) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text[: len(text) // 2] if cut else text)
            if cut:
                self._drop()

    return Handler
