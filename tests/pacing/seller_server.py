"""A seller agent on this machine: the change-request API as its documentation says, with faults.

Behaviour after docs/api/change-requests.md and docs/state-machines/change-request-flow.md of the
IAB Tech Lab seller agent. ``remembers_keys=False`` is a release before keys were required, which
files a repeated request twice.
"""

import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from itertools import count
from urllib.parse import parse_qs, urlsplit

from tests.pacing.loopback import Loopback

PATH = "/api/v1/change-requests"
TYPES = ("flight_dates", "impressions", "pricing", "creative", "targeting", "cancellation", "other")
NOON = datetime(2026, 4, 10, 12)  # the agent writes UTC without saying so


class RefusedError(Exception):
    def __init__(self, status: int, detail: object) -> None:
        super().__init__(status)
        self.status, self.detail = status, detail


class SellerAgent(Loopback):
    """Use as a context manager; ``url`` is its address.

    Attributes
    ----------
    faults : what goes wrong with the next calls, one each: None, "silence" (nothing is read or
        answered), "lost" (done, never answered), "500" (not done), "500 after" (done all the
        same), "half" (done, half a body), "half json", "echo" (a 400 that repeats the key sent),
        "twice" (filed twice), or a number, which is answered as status
    calls : (method, path with query, body) of every call, in order
    frozen : every call meets silence until it is set back
    """

    def __init__(self, *, token: str | None = None, remembers_keys: bool = True) -> None:
        self.token, self.remembers_keys = token, remembers_keys
        self.orders = {"ORD-1": {"status": "booked", "deal_id": "D1"}}
        self.records: dict[str, dict] = {}
        self.keys: dict[tuple[str, str], tuple[str, str]] = {}
        self.faults: list = []
        self.frozen = False
        self.calls: list[tuple[str, str, dict | None]] = []
        self.numbers = count(1)
        self.lock = threading.Lock()
        super().__init__(handler_of(self))

    def create(self, body: dict) -> dict:
        if "idempotency_key" not in body and self.remembers_keys:
            missing = {"loc": ["body", "idempotency_key"], "msg": "Field required"}
            raise RefusedError(422, [missing])
        if body["change_type"] not in TYPES:
            message = f"'{body['change_type']}' is not a valid change type."
            raise RefusedError(400, {"error": "invalid_change_type", "message": message})
        order = self.orders.get(body["order_id"])
        if order is None:
            message = f"Order '{body['order_id']}' not found."
            raise RefusedError(404, {"error": "order_not_found", "message": message})
        key = (body["order_id"], body.get("idempotency_key", ""))
        text = json.dumps(body, sort_keys=True)
        if self.remembers_keys and key in self.keys:
            number, before = self.keys[key]
            if before != text:
                raise RefusedError(
                    409, {"error": "idempotency_conflict", "message": "another body"}
                )
            return self.records[number]
        record = self.file(body, order)
        self.keys[key] = (record["change_request_id"], text)
        if record["status"] == "failed":
            raise RefusedError(
                422,
                {
                    "error": "validation_failed",
                    "change_request_id": record["change_request_id"],
                    "validation_errors": record["validation_errors"],
                },
            )
        return record

    def file(self, body: dict, order: dict) -> dict:
        number = next(self.numbers)
        errors = []
        if order["status"] in ("completed", "cancelled", "failed"):
            errors.append(f"Cannot modify order in '{order['status']}' status.")
        errors += [
            "Impressions must be positive."
            for diff in body.get("diffs", [])
            if diff["field"] == "impressions" and int(diff["new_value"]) <= 0
        ]
        minor = body["change_type"] == "flight_dates" and all(
            abs(days(diff["new_value"]) - days(diff["old_value"])) <= timedelta(days=3)
            for diff in body["diffs"]
        )
        record = {
            "change_request_id": f"CR-{number:012X}",
            "order_id": body["order_id"],
            "deal_id": order["deal_id"],
            "status": "failed" if errors else "approved" if minor else "pending_approval",
            "change_type": body["change_type"],
            "severity": "minor" if minor else "material",
            "requested_by": "buyer:agency",
            "requested_at": (NOON + timedelta(seconds=number)).isoformat(),
            "reason": body.get("reason", ""),
            "diffs": body.get("diffs", []),
            "proposed_values": body.get("proposed_values") or {},
            "validation_errors": errors,
            "approved_by": "system:auto-approve" if minor else "",
            "approved_at": NOON.isoformat() if minor else None,
            "rejection_reason": "",
            "applied_at": None,
        }
        self.records[record["change_request_id"]] = record
        return record

    def review(self, number: str, decision: str, at: datetime, reason: str = "") -> None:
        """What an operator at the seller does."""
        record = self.records[number]
        assert record["status"] == "pending_approval"
        record["status"] = {"approve": "approved", "reject": "rejected"}[decision]
        record["approved_at"] = at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
        record["rejection_reason"] = reason

    def counter(self, number: str, offer: list[dict]) -> None:
        """What an operator at the seller offers instead."""
        record = self.records[number]
        assert record["status"] == "pending_approval"
        record["status"], record["counter"] = "countered", offer

    def apply(self, number: str) -> None:
        assert self.records[number]["status"] == "approved"
        self.records[number]["status"] = "applied"

    def read(self, path: str, query: dict) -> dict:
        if path == PATH:
            found = [
                record
                for record in self.records.values()
                if all(record[name] == values[0] for name, values in query.items())
            ]
            return {"change_requests": found, "count": len(found)}
        record = self.records.get(path.removeprefix(f"{PATH}/"))
        if record is None:
            raise RefusedError(404, {"error": "change_request_not_found", "message": "not found"})
        return record

    def posts(self) -> int:
        return sum(method == "POST" for method, _, _ in self.calls)


def days(text: str) -> datetime:
    return datetime.fromisoformat(text)


def handler_of(agent: SellerAgent) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.serve(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def do_GET(self):
            self.serve(None)

        def serve(self, body):
            with agent.lock:
                agent.calls.append((self.command, self.path, body))
                fault = agent.faults.pop(0) if agent.faults else None
                fault = "silence" if agent.frozen else fault
            if fault == "silence":
                agent.closing.wait(5)
                self.close_connection = True
                return
            if fault == "echo":
                said = f"key {self.headers['Authorization']} is odd"
                return self.answer(400, {"detail": {"error": "odd", "message": said}})
            if isinstance(fault, int) or fault == "500":
                return self.answer(int(fault), {"detail": "Internal Server Error"})
            status, document = self.work(body)
            if fault == "twice":
                agent.file(body, agent.orders[body["order_id"]])
            if fault == "lost":
                self.close_connection = True
            elif fault == "500 after":
                self.answer(500, {"detail": "Internal Server Error"})
            else:
                self.answer(status, document, fault)

        def work(self, body):
            if agent.token and self.headers["Authorization"] != f"Bearer {agent.token}":
                return 401, {"detail": "Authentication required"}
            parts = urlsplit(self.path)
            try:
                with agent.lock:
                    if body is not None:
                        return 200, agent.create(body)
                    return 200, agent.read(parts.path, parse_qs(parts.query))
            except RefusedError as refused:
                return refused.status, {"detail": refused.detail}

        def answer(self, status, document, fault=None):
            text = json.dumps(document).encode()
            sent = text[: len(text) // 2] if fault in ("half", "half json") else text
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent if fault == "half json" else text)))
            if status == 429:
                self.send_header("Retry-After", "7")
            self.end_headers()
            self.wfile.write(sent)
            if fault == "half":
                self.close_connection = True

        def log_message(self, *_):
            pass

    return Handler
