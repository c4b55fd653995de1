"""Requests -> update_media_buy of an AdCP seller agent. Knows no ledger and no clock.

The Ad Context Protocol (AdCP) changes a media buy, or a package of one, in place: its budget, its
daily cap, its end, whether it is paused. A change is agreed when it is answered; where a person at
the seller decides, a task says how it stands. The same key may be sent again: it is done once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from adbudget.errors import SellerError
from adbudget.pacing.requests.change import Diff
from adbudget.pacing.requests.gateway import Answer
from adbudget.pacing.requests.mcp_calls import McpServer
from adbudget.pacing.requests.request import SellerRequest
from adbudget.pacing.requests.states import State
from adbudget.pacing.requests.wire import clean
from adbudget.pacing.requests.wording import BY_DAY

UPDATE, TASK = "update_media_buy", "get_task_status"
TASK_MARK = "task "  # before the name of a task, in what we keep as the seller's reference
PASSING = "transient"  # errors that another try may change
STATE_OF_TASK: dict[str, State] = {
    "submitted": "pending_approval",
    "working": "pending_approval",
    "input-required": "pending_approval",
    "auth-required": "pending_approval",
    "completed": "applied",
    "canceled": "rejected",
    "rejected": "rejected",
    "failed": "failed",
}


class NotInAdcpError(Exception):
    """What is asked has no field in the protocol; the message says so to a buyer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdcpGateway:
    """A seller agent that speaks AdCP over MCP.

    The plan's ``order_id`` is the media buy, or "media buy/package", and its ``seller_account`` the
    account of the buy.

    Attributes
    ----------
    server : where it lives

    References
    ----------
    Ad Context Protocol 3.2, media-buy/update-media-buy-request.json and protocol/get-task-status.

    Examples
    --------
    >>> server = requests.McpServer(url="https://ads.example.org/mcp")
    >>> requests.AdcpGateway(server=server).name
    'AdCP agent ads.example.org'
    """

    server: McpServer

    @property
    def name(self) -> str:
        """See :class:`SellerGateway`."""
        return self.server.name

    def submit(self, request: SellerRequest) -> Answer:
        """Call update_media_buy once. What the protocol has no field for has failed.

        Raises
        ------
        SellerError : no answer, or one that leaves open what became of it
        """
        try:
            arguments = update_of(request)
        except NotInAdcpError as error:
            return Answer(state="failed", note=str(error))
        return self._answer(self.server.call(UPDATE, arguments), request)

    def look_up(self, request: SellerRequest) -> Answer | None:
        """Ask after the task; None where none is known, for then the same key may go out again.

        Raises
        ------
        SellerError : no answer, or one that cannot be used
        """
        if request.seller_ref and not request.seller_ref.startswith(TASK_MARK):
            note = "the seller named no task to ask after; record its answer by hand"
            return Answer(state="pending_approval", seller_ref=request.seller_ref, note=note)
        if not request.seller_ref:
            return None
        name = request.seller_ref.removeprefix(TASK_MARK)
        account = {"account": account_of(request.ask.seller_account or request.ask.account)}
        told = self.server.call(TASK, {"task_id": name, **account, "include_result": True})
        if told.get("errors"):
            raise SellerError(f"{self.name}: {_words(told)}")
        state = STATE_OF_TASK.get(str(told.get("status")))
        if state is None:
            raise SellerError(f"{self.name} says the task is {clean(str(told.get('status')))!r}.")
        result = told.get("result")
        if state == "applied" and isinstance(result, Mapping):
            return self._answer(result, request)
        error = told.get("error")
        note = clean(str(error.get("message", ""))) if isinstance(error, Mapping) else ""
        return Answer(
            state=state, seller_ref=request.seller_ref, note=note, decided_at=_instant(told)
        )

    def _answer(self, document: Mapping[str, Any], request: SellerRequest) -> Answer:
        """One of the three shapes of an answer: done, refused, or handed on to a task."""
        state = STATE_OF_TASK.get(str(document.get("status")))
        if document.get("task_id") and state == "pending_approval":
            name = clean(str(document["task_id"]))
            note = clean(str(document.get("message") or ""))
            return Answer(state=state, seller_ref=f"{TASK_MARK}{name}", note=note)
        if document.get("errors") and "revision" not in document:
            if any(_recovery(error) == PASSING for error in document["errors"]):
                raise SellerError(f"{self.name} cannot do it now: {_words(document)}.")
            return Answer(state="failed", note=_words(document))
        media_buy, package = media_buy_of(request.ask.order_id)
        if document.get("media_buy_id") != media_buy:
            raise SellerError(
                f"{self.name} answered about media buy "
                f"{clean(str(document.get('media_buy_id')))!r}, not {media_buy!r}."
            )
        waits = "implementation_date" in document and document["implementation_date"] is None
        offer = () if package else _differences(document, request.ask.diffs)
        done: State = "countered" if offer else "pending_approval" if waits else "applied"
        return Answer(
            state=done,
            seller_ref=f"{media_buy} revision {clean(str(document.get('revision', '')))}",
            note=_words({"errors": document.get("warnings") or []}),
            counter=offer,
        )


def update_of(request: SellerRequest) -> dict[str, Any]:
    """Arguments of update_media_buy: the same for every try, as the key demands.

    Raises
    ------
    NotInAdcpError : something that is asked has no field in the protocol
    """
    ask = request.ask
    if not (ask.seller_account or ask.account):
        raise NotInAdcpError(
            f"AdCP wants the account of {ask.deal}: write it in the plan's column seller_account."
        )
    media_buy, package = media_buy_of(ask.order_id)
    fields: dict[str, Any] = {}
    for diff in ask.diffs:
        fields |= _field(diff, request, package=bool(package))
    changes = {"packages": [{"package_id": package, **fields}]} if package else fields
    return {
        "account": account_of(ask.seller_account or ask.account),
        "media_buy_id": media_buy,
        **changes,
        "idempotency_key": key_of(request),
        "context": {"reason": ask.reason, "reference": request.request_id},
    }


def key_of(request: SellerRequest) -> str:
    """Idempotency key: at least 16 letters, as the protocol wants."""
    return f"adbudget:{request.request_id}"


def account_of(name: str) -> dict[str, str]:
    """Reference to an account by the seller's name of it."""
    return {"account_id": name}


def media_buy_of(order_id: str) -> tuple[str, str]:
    """Media buy and package of "media buy/package"; "" for the whole buy."""
    media_buy, _, package = order_id.partition("/")
    return media_buy, package


def _field(diff: Diff, request: SellerRequest, *, package: bool) -> dict[str, Any]:
    """One change in the words of the protocol."""
    value = str(diff.new_value)
    match diff.field:
        case "daily_budget":
            return {"daily_budget_cap": float(value)}
        case "budget" | "total_budget":
            amount = float(value)
            money = {"amount": amount, "currency": request.ask.currency}
            return {"budget": amount} if package else {"total_budget": money}
        case "flight_end":
            return {"end_time": _end_of(value, request.ask.time_zone)}
        case "paused":
            return {"paused": value.lower() == "true"}
        case "impressions" if package:
            return {"impressions": int(value)}
    if diff.field.endswith(BY_DAY):
        raise NotInAdcpError(
            "AdCP has one daily cap, and this asks for another amount every day: agree on it by "
            "hand, or plan the deal evenly."
        )
    where = "" if package else " of a whole media buy"
    raise NotInAdcpError(
        f"AdCP has no field for {diff.field}{where}: ask by hand, or name the package in order_id "
        "as media-buy/package."
    )


def _end_of(day: str, zone: str) -> str:
    """The instant at which a last day is over, with its offset."""
    after = date.fromisoformat(day) + timedelta(days=1)
    return datetime(after.year, after.month, after.day, tzinfo=ZoneInfo(zone)).isoformat()


def _differences(document: Mapping[str, Any], diffs: tuple[Diff, ...]) -> tuple[Diff, ...]:
    """What the seller set instead of what was asked, where it says so."""
    offers = []
    for diff in diffs:
        name = {"daily_budget": "daily_budget_cap", "budget": "total_budget"}.get(diff.field)
        told = None if name is None else document.get(name)
        if isinstance(told, int | float) and abs(told - float(str(diff.new_value))) > 0.005:
            offer = Diff(field=diff.field, old_value=diff.old_value, new_value=f"{told:.2f}")
            offers.append(offer)
    return tuple(offers)


def _recovery(error: Any) -> str:
    return str(error.get("recovery", "")) if isinstance(error, Mapping) else ""


def _words(document: Mapping[str, Any]) -> str:
    told = [
        f"{error.get('code', '')}: {error.get('message', '')}".strip(": ")
        if isinstance(error, Mapping)
        else str(error)
        for error in document.get("errors") or ()
    ]
    return clean("; ".join(told))


def _instant(document: Mapping[str, Any]) -> datetime | None:
    """When a task was done; None when it does not say."""
    try:
        at = datetime.fromisoformat(str(document.get("completed_at")))
    except ValueError:
        return None
    return at if at.utcoffset() is not None else None
