"""An AdCP seller agent on this machine: MCP over HTTP, with the shapes of the published schemas.

Tools, fields, patterns and the three shapes of an answer after media-buy/update-media-buy-*.json,
media-buy/get-media-buy-delivery-*.json and protocol/get-task-status-*.json of AdCP 3.2; what a
request holds beyond the fields known here, or in another type, is refused as the schema would.
"""

import json
import re
from http.server import BaseHTTPRequestHandler

from tests.pacing.loopback import Loopback

KEY = re.compile(r"[A-Za-z0-9_.:-]{16,255}")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
UPDATE = {"account", "media_buy_id", "idempotency_key", "context", "packages", "paused"}
UPDATE |= {"total_budget", "daily_budget_cap", "end_time"}
PACKAGE = {"package_id", "budget", "daily_budget_cap", "end_time", "paused", "impressions"}


class ShapeError(Exception):
    pass


def need(true: object, what: str) -> None:
    if not true:
        raise ShapeError(what)


def check_account(account: object) -> None:
    need(isinstance(account, dict) and list(account) == ["account_id"], "account")


def check_update(asked: dict) -> None:
    """update-media-buy-request.json, as far as we use it."""
    need({"account", "media_buy_id", "idempotency_key"} <= asked.keys() <= UPDATE, "fields")
    check_account(asked["account"])
    need(KEY.fullmatch(asked["idempotency_key"]), "idempotency_key")
    for part, known in [(asked, UPDATE), *((one, PACKAGE) for one in asked.get("packages", []))]:
        need(part.keys() <= known, "unknown field")
        need(isinstance(part.get("daily_budget_cap", 0.0), int | float), "daily_budget_cap")
        need(isinstance(part.get("paused", False), bool), "paused")
        need(re.fullmatch(r"\S+T\S+(Z|[+-]\d\d:\d\d)", part.get("end_time", "0T0Z")), "end_time")
        need(isinstance(part.get("budget", 0.0), int | float), "budget")
        need("package_id" in part or part is asked, "package_id")
    total = asked.get("total_budget", {"amount": 0, "currency": "EUR"})
    need(total.keys() == {"amount", "currency"}, "total_budget")


def check_delivery(asked: dict) -> None:
    """get-media-buy-delivery-request.json, as far as we use it."""
    known = {"account", "media_buy_ids", "start_date", "end_date"}
    need(asked.keys() <= known | {"include_package_daily_breakdown"}, "fields")
    need(DAY.fullmatch(asked["start_date"]) and DAY.fullmatch(asked["end_date"]), "dates")
    need(asked["media_buy_ids"] and asked["start_date"] < asked["end_date"], "range")


class AdcpAgent(Loopback):
    """Use as a context manager; ``url`` is its address.

    Attributes
    ----------
    faults : what goes wrong with the next tool calls: "silence", "lost" (done, never answered), a
        number (an HTTP status)
    answers : "done", "task", "later", "other cap", "refused" or "busy": how changes are answered
    days : media buy or package -> daily_breakdown
    calls : (tool, arguments)
    """

    def __init__(self, *, token: str | None = None, stream: bool = False) -> None:
        self.token, self.stream = token, stream
        self.answers = "done"
        self.faults: list = []
        self.calls: list[tuple[str, dict]] = []
        self.keys: dict[str, tuple[str, dict]] = {}
        self.changes = 0
        self.days: dict[str, list[dict]] = {}
        self.buy: dict = {"status": "active", "currency": "EUR", "is_final": False}
        self.task = {"status": "working"}
        super().__init__(handler_of(self))
        self.url += "/mcp"

    def call(self, tool: str, asked: dict) -> dict:
        self.calls.append((tool, asked))
        try:
            if tool == "update_media_buy":
                check_update(asked)
                return self.update(asked)
            if tool == "get_media_buy_delivery":
                check_delivery(asked)
                return self.deliver(asked)
            need(asked.keys() <= {"task_id", "account", "include_result"}, "fields")
            base = {"task_id": asked["task_id"], "task_type": "update_media_buy"}
            times = dict.fromkeys(("created_at", "updated_at"), "2026-04-10T08:00:00Z")
            return base | times | {"protocol": "media-buy"} | self.task
        except ShapeError as wrong:
            error = {"code": "VALIDATION_ERROR", "message": str(wrong), "recovery": "correctable"}
            return {"status": "failed", "errors": [error]}

    def update(self, asked: dict) -> dict:
        key, text = asked["idempotency_key"], json.dumps(asked, sort_keys=True)
        if key in self.keys:
            before, answer = self.keys[key]
            if before != text:
                error = {"code": "IDEMPOTENCY_CONFLICT", "message": "another body"}
                return {"status": "failed", "errors": [error]}
            return answer
        if self.answers == "busy":
            error = {"code": "SERVICE_UNAVAILABLE", "message": "later", "recovery": "transient"}
            return {"status": "failed", "errors": [error]}
        if self.answers == "refused":
            error = {"code": "BUDGET_TOO_LOW", "message": "below the minimum"}
            return {"status": "failed", "errors": [error | {"recovery": "correctable"}]}
        self.changes += 1
        done = {"media_buy_id": asked["media_buy_id"], "revision": self.changes}
        done |= {
            "status": "completed",
            "implementation_date": "2026-04-10T09:00:00Z",
            "affected_packages": [],
        }
        if "daily_budget_cap" in asked:
            cap = asked["daily_budget_cap"]
            done["daily_budget_cap"] = cap if self.answers != "other cap" else cap - 100
        if self.answers == "later":
            done["implementation_date"] = None
        answer = done
        if self.answers == "task":
            answer = {"status": "submitted", "task_id": "tk_1", "message": "Awaiting approval."}
        self.keys[key] = (text, answer)
        return answer

    def deliver(self, asked: dict) -> dict:
        def inside(days: list[dict]) -> list[dict]:
            return [day for day in days if asked["start_date"] <= day["date"] < asked["end_date"]]

        buys = []
        for name in asked["media_buy_ids"]:
            packages = [
                {"package_id": part.partition("/")[2], "daily_breakdown": inside(days)}
                | {"spend": 0, "pricing_model": "cpm", "rate": 1, "currency": "EUR"}
                for part, days in self.days.items()
                if part.startswith(f"{name}/") and "include_package_daily_breakdown" in asked
            ]
            own = inside(self.days.get(name, []))
            totals = {"spend": sum(day["spend"] for day in own), "impressions": 0}
            parts = {"totals": totals, "by_package": packages, "daily_breakdown": own}
            buys.append({"media_buy_id": name, **self.buy, **parts})
        period = {"start": asked["start_date"], "end": asked["end_date"]}
        told = {"reporting_period": period, "media_buy_deliveries": buys, "currency": "EUR"}
        return {"status": "completed", **told}


def handler_of(agent: AdcpAgent) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if agent.token and self.headers["Authorization"] != f"Bearer {agent.token}":
                return self.answer(401, None)
            if message["method"] == "initialize":
                result = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}}
                info = {"serverInfo": {"name": "ours", "version": "1"}}
                return self.answer(200, {"id": message["id"], "result": result | info})
            assert self.headers["Mcp-Session-Id"] == "s1"
            if message["method"] == "notifications/initialized":
                return self.answer(202, None)
            fault = agent.faults.pop(0) if agent.faults else None
            if fault == "silence":
                agent.closing.wait(5)
                self.close_connection = True
                return None
            if isinstance(fault, int):
                return self.answer(fault, None)
            params = message["params"]
            found = agent.call(params["name"], params["arguments"])
            if fault == "lost":
                self.close_connection = True
                return None
            text = [{"type": "text", "text": json.dumps(found)}]
            result = {"content": text, "isError": "errors" in found}
            if not agent.stream:
                result["structuredContent"] = found
            return self.answer(200, {"id": message["id"], "result": result})

        def answer(self, status, document):
            text = "" if document is None else json.dumps({"jsonrpc": "2.0", **document})
            kind = "application/json"
            if agent.stream and text:
                text, kind = f"event: message\ndata: {text}\n\n", "text/event-stream"
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Mcp-Session-Id", "s1")
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    return Handler
