"""Drafts + a gateway -> requests with sellers, and what came of them. The order of the work.

A request is written down as handed over before it is, so that no crash makes it be asked twice:
whatever is pending without a seller's word is looked for before it is sent again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from adbudget.errors import InputError, LedgerConflictError, SellerError, SellerSilentError
from adbudget.ledger.store import Ledger
from adbudget.pacing.requests.gateway import Answer, SellerGateway
from adbudget.pacing.requests.request import SellerRequest
from adbudget.pacing.requests.request_entries import (
    close_items,
    draft_key,
    lapse,
    read_requests,
    record,
    record_first,
)
from adbudget.pacing.requests.states import WITH_SELLER
from adbudget.pacing.requests.transitions import Step

WHO = "adbudget requests"
ON_THE_WAY = timedelta(minutes=1)  # another process may be sending it in this very moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of one request in one call.

    Attributes
    ----------
    request : as it stands now
    told : one sentence for people
    error : the seller could not be asked, answered nonsense, or refused the request as it is
        written
    silent : the seller let the call run out of time

    Examples
    --------
    >>> requests.Sent(request=ab.SellerRequest(ask=ask), told="It waits for approval.").error
    False
    """

    request: SellerRequest
    told: str
    error: bool = False
    silent: bool = False


def send_requests(
    ledger: Ledger,
    gateways: Mapping[str, SellerGateway],
    *,
    at: datetime,
    who: str = WHO,
    names: Sequence[str] = (),
    default: SellerGateway | None = None,
) -> list[Sent]:
    """Send every draft that may be sent, and ask after every request that is with a seller.

    Nothing stops at one seller: what could not be sent or heard says so, ``error``, in its own
    result. A seller that lets a call run out of time is asked for nothing more in this call. While
    the kill switch is on, answers are still asked for, and nothing is sent.

    Parameters
    ----------
    ledger : where the drafts are
    gateways : seller -> how to reach it
    at : instant, with a time zone
    who : person or program
    names : only these requests, by id; all when empty
    default : for sellers without a gateway of their own; None leaves them alone

    Returns
    -------
    One per request that was looked at, in the order of drafting

    Raises
    ------
    InputError : a name stands for no request

    Examples
    --------
    >>> with ab.open_ledger(":memory:") as ledger:
    ...     report = ab.pace(booked, delivered, as_of=now, ledger=ledger)
    ...     (waiting,) = requests.read_requests(ledger)
    ...     _ = ledger.approve(f"request:{waiting.request_id}", who="Ann", at=now)
    ...     sent = ab.send_requests(ledger, {}, at=now, default=ab.FileOutbox(folder="outbox"))
    ...     [one.request.state for one in sent]
    ['pending']
    """
    requests = expire_overdue(ledger, at=at, who=who)
    chosen = _chosen(requests, names, at)
    results: list[Sent] = []
    silent: set[str] = set()
    for request in chosen:
        gateway = gateways.get(request.ask.seller, default)
        if gateway is None:
            results.append(Sent(request=request, told=f"no way to {request.ask.seller} is known"))
        elif gateway.name in silent and request.approval != "waiting":
            told = f"{gateway.name} gave no answer moments ago, so it is left alone until next time"
            results.append(Sent(request=request, told=told, error=True))
        elif request.state == "draft":
            results.append(_send_draft(ledger, gateway, request, at, who))
        else:
            results.append(_ask_after(ledger, gateway, request, at, who))
        if gateway is not None and results[-1].silent:
            silent.add(gateway.name)
    return results


def expire_overdue(ledger: Ledger, *, at: datetime, who: str = WHO) -> tuple[SellerRequest, ...]:
    """Give up on open requests whose deadline has passed, and propose their fallbacks.

    Parameters
    ----------
    ledger : where the requests are
    at : instant, with a time zone; a deadline that is reached is over

    Returns
    -------
    Every request of the ledger, as it stands then

    Examples
    --------
    >>> with ab.open_ledger(":memory:") as ledger:
    ...     _ = ledger.append_many(requests.draft_pairs([ab.SellerRequest(ask=ask)]))
    ...     later = now + pd.Timedelta(days=30).to_pytimedelta()
    ...     [one.state for one in requests.expire_overdue(ledger, at=later)]
    ['expired']
    """
    requests, pairs = lapse(read_requests(ledger), at=at, who=who)
    try:
        ledger.append_many(pairs)
    except LedgerConflictError:  # somebody else has written of one of them: on what that says
        requests, pairs = lapse(read_requests(ledger), at=at, who=who)
        ledger.append_many(pairs)
    close_items(ledger, requests, at=at, who=who)
    return requests


def _chosen(
    requests: Sequence[SellerRequest], names: Sequence[str], at: datetime
) -> list[SellerRequest]:
    unknown = sorted(set(names) - {request.request_id for request in requests})
    if unknown:
        raise InputError(f"no request is called {', '.join(unknown)}; see `requests list`.")
    wanted = [one for one in requests if not names or one.request_id in names]
    return [one for one in wanted if _may_move(one, at)]


def _may_move(request: SellerRequest, at: datetime) -> bool:
    """Something is to be sent, or may be heard.

    An agreement is followed until it is applied; an expired request as long as the flight goes
    on, for a seller that answers late changes what is delivered all the same.
    """
    if request.state == "expired":
        ask = request.ask
        return request.received and at < ask.useful_until + (ask.useful_until - ask.drafted_at)
    return request.state in ("draft", *WITH_SELLER, "countered", "approved")


def _send_draft(
    ledger: Ledger, gateway: SellerGateway, request: SellerRequest, at: datetime, who: str
) -> Sent:
    if request.approval == "waiting":
        key = draft_key(request.request_id)
        return Sent(request=request, told=f"waits for approval: adbudget approve {key}")
    return _hand_over(ledger, gateway, request, at, who)


def _ask_after(
    ledger: Ledger, gateway: SellerGateway, request: SellerRequest, at: datetime, who: str
) -> Sent:
    """Hear how it stands with the seller; what may never have arrived is sent again."""
    try:
        answer = gateway.look_up(request)
    except SellerError as error:
        silent = isinstance(error, SellerSilentError)
        return Sent(request=request, told=str(error), error=True, silent=silent)
    if answer is not None and _is_old_offer(request, answer):
        told = "we have answered its offer; it has not written that down yet"
        return Sent(request=request, told=told)
    if answer is not None:
        return _note_answer(ledger, request, answer, at, who, automatic=False)
    if not request.is_unconfirmed:
        told = f"{gateway.name} knows nothing of it"
        return Sent(request=request, told=told, error=True)
    if request.tried_at is not None and at - request.tried_at < ON_THE_WAY:
        told = "handed over moments ago; it may still be on its way, so it is not sent again yet"
        return Sent(request=request, told=told, error=True)
    return _hand_over(ledger, gateway, request, at, who)


def _is_old_offer(request: SellerRequest, answer: Answer) -> bool:
    """The seller still shows the offer that we have accepted."""
    offered = {(diff.field, diff.new_value) for diff in answer.counter}
    agreed = {(diff.field, diff.new_value) for diff in request.agreed}
    return answer.state == "countered" and request.state == "approved" and offered == agreed


def _hand_over(
    ledger: Ledger, gateway: SellerGateway, request: SellerRequest, at: datetime, who: str
) -> Sent:
    """Write down that it goes out, and only then let it go."""
    state = ledger.kill_state()
    if state.on:  # a seller that agrees changes what is spent
        why = f" ({state.reason})" if state.reason else ""
        told = f"not sent: the kill switch is on, set by {state.who}{why}"
        return Sent(request=request, told=told, error=True)
    step = Step(state="pending", at=at, sends=True, note=f"to {gateway.name}")
    try:
        request, ours = record_first(ledger, request, step, who=who)
    except LedgerConflictError as error:
        return Sent(request=request, told=str(error), error=True)
    if not ours:
        told = "another process is sending it in this very moment"
        return Sent(request=request, told=told, error=True)
    return _submit(ledger, gateway, request, at, who)


def _submit(
    ledger: Ledger, gateway: SellerGateway, request: SellerRequest, at: datetime, who: str
) -> Sent:
    try:
        answer = gateway.submit(request)
    except SellerSilentError as error:
        told = f"{error} It is looked for, and sent again if need be, the next time."
        return Sent(request=request, told=told, error=True, silent=True)
    except SellerError as first:
        try:  # it may have arrived all the same
            found = gateway.look_up(request)
        except SellerError:
            found = None
        if found is None:
            told = f"{first} It is looked for, and sent again if need be, the next time."
            return Sent(request=request, told=told, error=True)
        return _note_answer(ledger, request, found, at, who, automatic=True)
    return _note_answer(ledger, request, answer, at, who, automatic=True)


def _note_answer(
    ledger: Ledger,
    request: SellerRequest,
    answer: Answer,
    at: datetime,
    who: str,
    *,
    automatic: bool,
) -> Sent:
    step = Step(
        state=answer.state,
        at=at,
        by_seller=True,
        received=True,
        automatic=automatic,
        answered_at=answer.decided_at,
        seller_ref=answer.seller_ref,
        counter=answer.counter,
        note=answer.note,
    )
    if answer.state in WITH_SELLER and request.state not in WITH_SELLER:
        told = f"{request.state}; the seller still says {answer.state}"
        return Sent(request=request, told=told)
    try:
        later = record(ledger, request, step, who=who)
    except LedgerConflictError as error:
        return Sent(request=request, told=str(error), error=True)
    told = later.state if not answer.note else f"{later.state}: {answer.note}"
    refused = later.state == "failed" and request.state != "failed"
    return Sent(request=later, told=told, error=refused)
