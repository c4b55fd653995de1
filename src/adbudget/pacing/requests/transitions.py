"""Request + what happened next -> request. Knows how each step changes what stands, no ledger."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from adbudget.pacing.requests.change import Diff, diffs_of
from adbudget.pacing.requests.request import SellerRequest
from adbudget.pacing.requests.states import AGREED, ANSWERS, State, check_move, check_state
from adbudget.plain_json import to_plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that happened to a request.

    Attributes
    ----------
    state : where it stands from then on
    at : instant of writing it down
    by_seller : the seller said so; False for us, and for the passing of a deadline
    sends : it is handed to a gateway
    received : the seller has it, as it confirmed
    automatic : the seller answered in the call that asked
    answered_at : when the seller decided, where it says so; else ``at`` counts
    seller_ref : the seller's name of the request; "" leaves it as it is
    counter : what the seller offers instead
    note : one sentence; "" leaves the last one

    Examples
    --------
    >>> step = requests.Step(state="approved", at=now, by_seller=True, note="from Monday on")
    >>> requests.Step.from_payload(step.as_payload(), at=now) == step
    True
    """

    state: State
    at: datetime
    by_seller: bool = False
    sends: bool = False
    received: bool = False
    automatic: bool = False
    answered_at: datetime | None = None
    seller_ref: str = ""
    counter: tuple[Diff, ...] = ()
    note: str = ""

    def as_payload(self) -> dict[str, Any]:
        """Plain JSON values, without ``at``, which the entry holds."""
        plain = to_plain(self)
        del plain["at"]
        return plain

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any], at: datetime) -> "Step":
        """Step of its plain JSON values, and the instant of its entry."""
        answered_at = payload["answered_at"]
        return cls(
            state=check_state(payload["state"]),
            at=at,
            by_seller=payload["by_seller"],
            sends=payload["sends"],
            received=payload["received"],
            automatic=payload["automatic"],
            answered_at=None if answered_at is None else datetime.fromisoformat(answered_at),
            seller_ref=payload["seller_ref"],
            counter=diffs_of(payload["counter"]),
            note=payload["note"],
        )


def take(request: SellerRequest, step: Step) -> SellerRequest:
    """The request after one more step.

    Parameters
    ----------
    request : as it stands
    step : what happened; the same state again may add a reference, an attempt or a note

    Returns
    -------
    The request with one event more

    Raises
    ------
    LedgerConflictError : the step cannot follow
    """
    if step.state != request.state:
        check_move(request.request_id, request.state, step.state)
    answers = step.by_seller and step.state in ANSWERS
    first = answers and request.answered_at is None
    agrees = step.state in AGREED and request.agreed_at is None
    return replace(
        request,
        state=step.state,
        n_events=request.n_events + 1,
        attempts=request.attempts + step.sends,
        sent_at=step.at if step.sends and request.sent_at is None else request.sent_at,
        tried_at=step.at if step.sends else request.tried_at,
        received=request.received or step.received or step.by_seller,
        answered_at=_decided_at(request, step) if first else request.answered_at,
        agreed_at=(_decided_at(request, step) if step.by_seller else step.at)
        if agrees
        else request.agreed_at,
        automatic=step.automatic if first else request.automatic,
        first_answer=step.state if first else request.first_answer,
        seller_ref=step.seller_ref or request.seller_ref,
        counter=_counter(request, step),
        note=step.note or request.note,
    )


def _decided_at(request: SellerRequest, step: Step) -> datetime:
    """The seller's own time where its clock can be right: after asking, before being heard of."""
    told, asked = step.answered_at, request.sent_at
    if told is None or told > step.at or (asked is not None and told < asked):
        return step.at
    return told


def _counter(request: SellerRequest, step: Step) -> tuple[Diff, ...]:
    """The offer that stands. A seller that agrees after its own offer agrees to what was asked."""
    if step.state == "countered":
        return step.counter or request.counter
    if step.state in AGREED and step.by_seller and request.state not in AGREED:
        return ()
    return request.counter
