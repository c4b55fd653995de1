"""Changes asked of sellers: drafted, sent, tracked, and believed only once agreed.

Plan and measures go in, requests come out; a ledger keeps how they stand, and gateways carry them.
Names are imported on first use, so that looking at a request loads no network library.
"""

from typing import TYPE_CHECKING

from adbudget._lazy import on_first_use

if TYPE_CHECKING:
    from adbudget.pacing.requests.agreed import agreed_plan
    from adbudget.pacing.requests.answers import Expectations, expect
    from adbudget.pacing.requests.drafting import AskRules, draft_requests
    from adbudget.pacing.requests.frames import requests_frame
    from adbudget.pacing.requests.gateway import Answer, SellerGateway
    from adbudget.pacing.requests.history import Step
    from adbudget.pacing.requests.logbook import (
        draft_pairs,
        find_request,
        lapse,
        read_requests,
        record,
    )
    from adbudget.pacing.requests.outbox import FileOutbox
    from adbudget.pacing.requests.request import Ask, Diff, Fallback, SellerRequest
    from adbudget.pacing.requests.seller_api import HttpGateway
    from adbudget.pacing.requests.sending import Sent, expire_overdue, send_requests

_HOME = {
    "Ask": "request",
    "Diff": "request",
    "Fallback": "request",
    "SellerRequest": "request",
    "Step": "history",
    "AskRules": "drafting",
    "draft_requests": "drafting",
    "agreed_plan": "agreed",
    "Expectations": "answers",
    "expect": "answers",
    "requests_frame": "frames",
    "draft_pairs": "logbook",
    "find_request": "logbook",
    "lapse": "logbook",
    "read_requests": "logbook",
    "record": "logbook",
    "Answer": "gateway",
    "SellerGateway": "gateway",
    "FileOutbox": "outbox",
    "HttpGateway": "seller_api",
    "Sent": "sending",
    "expire_overdue": "sending",
    "send_requests": "sending",
}

__all__ = [
    "Answer",
    "Ask",
    "AskRules",
    "Diff",
    "Expectations",
    "Fallback",
    "FileOutbox",
    "HttpGateway",
    "SellerGateway",
    "SellerRequest",
    "Sent",
    "Step",
    "agreed_plan",
    "draft_pairs",
    "draft_requests",
    "expect",
    "expire_overdue",
    "find_request",
    "lapse",
    "read_requests",
    "record",
    "requests_frame",
    "send_requests",
]

__getattr__ = on_first_use(__name__, _HOME)
