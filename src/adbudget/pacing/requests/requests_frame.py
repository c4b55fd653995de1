"""Requests -> a DataFrame. Knows no ledger and no network."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from adbudget.pacing.requests.change import Diff
from adbudget.pacing.requests.request import SellerRequest

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    *("request_id", "deal", "campaign", "seller", "order_id", "intent", "change_type", "changes"),
    *("severity", "state", "approval", "sent_at", "deadline", "answered_at", "seller_ref"),
    *("counter", "agreed", "prob_in_time", "prob_granted", "fallback", "reason", "note"),
)


def requests_frame(requests: Sequence[SellerRequest]) -> "pd.DataFrame":
    """One row per request, in order.

    Returns
    -------
    Columns of :data:`COLUMNS`. ``changes``, ``counter`` and ``agreed`` are text such as
    "flight_end 2026-04-30 -> 2026-05-02"; instants are datetime64 in UTC, NaT where there is none

    Examples
    --------
    >>> table = requests.requests_frame([ab.SellerRequest(ask=ask)])
    >>> table[["deal", "state"]].to_dict("records")
    [{'deal': 'ctv-prime', 'state': 'draft'}]
    """
    import pandas as pd

    frame = pd.DataFrame([_row(request) for request in requests], columns=list(COLUMNS))
    for name in ("sent_at", "deadline", "answered_at"):
        frame[name] = pd.to_datetime(frame[name], utc=True).astype("datetime64[us, UTC]")
    for name in ("prob_in_time", "prob_granted"):
        frame[name] = frame[name].astype(float)
    return frame


def changes_text(diffs: Sequence[Diff]) -> str:
    """'flight_end 2026-04-30 -> 2026-05-02'; "" for nothing."""
    told = []
    for diff in diffs:
        before = "" if diff.old_value is None else f"{diff.old_value} "
        told.append(f"{diff.field} {before}-> {diff.new_value}")
    return ", ".join(told)


def _row(request: SellerRequest) -> tuple[object, ...]:
    ask = request.ask
    return (
        *(request.request_id, ask.deal, ask.campaign, ask.seller, ask.order_id, ask.intent),
        *(ask.change_type, changes_text(ask.diffs), ask.severity, request.state),
        *(request.approval, request.sent_at, request.deadline, request.answered_at),
        *(request.seller_ref, changes_text(request.counter), changes_text(request.agreed)),
        *(ask.prob_in_time, ask.prob_granted, ask.fallback.text, ask.reason, request.note),
    )
