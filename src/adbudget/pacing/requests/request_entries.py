"""Requests <-> entries of the ledger. The only place here that writes; talks to no seller.

A request is one entry when drafted and one for every step after, under keys that number them:
two processes that take the same step write one entry, two that take different ones conflict.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from adbudget.errors import InputError, LedgerConflictError
from adbudget.ledger.entry import NEEDS_APPROVAL, Entry
from adbudget.ledger.store import Ledger
from adbudget.pacing.requests.renewal import Renewal
from adbudget.pacing.requests.request import Ask, SellerRequest
from adbudget.pacing.requests.transitions import Step, take
from adbudget.plain_json import to_plain

WHO = "adbudget pace"
KIND = "request"

Pair = tuple[str, Entry]


def draft_pairs(
    requests: Iterable[SellerRequest],
    *,
    who: str = WHO,
    run_id: str = "",
    inputs_hash: str = "",
    of_items: Mapping[str, Any] | None = None,
) -> list[Pair]:
    """Drafts -> (key, entry) pairs, to be written with the run that made them.

    Those with approval "waiting" wait for :meth:`Ledger.approve` before they may be sent.

    Parameters
    ----------
    requests : new ones; those the ledger holds already (``n_events`` above 0) are left out
    who, run_id, inputs_hash : of the run
    of_items : what else the payload of what waits says, such as who may rule on it

    Examples
    --------
    >>> [(key, entry)] = requests.draft_pairs([ab.SellerRequest(ask=ask)])
    >>> entry.kind
    'request'
    """
    return [
        (
            draft_key(request.request_id),
            _entry(
                request,
                who=who,
                at=request.ask.drafted_at,
                verdict=NEEDS_APPROVAL if request.approval == "waiting" else "auto",
                rationale=request.ask.reason,
                payload={"request": request.request_id, "ask": to_plain(request.ask)}
                | (dict(of_items or {}) if request.approval == "waiting" else {}),
                run_id=run_id,
                inputs_hash=inputs_hash,
            ),
        )
        for request in requests
        if request.n_events == 0
    ]


def read_requests(ledger: Ledger) -> tuple[SellerRequest, ...]:
    """Every request of a ledger as it stands, in the order of drafting.

    Examples
    --------
    >>> with ab.open_ledger(":memory:") as ledger:
    ...     _ = ledger.append_many(requests.draft_pairs([ab.SellerRequest(ask=ask)]))
    ...     [one.state for one in requests.read_requests(ledger)]
    ['draft']
    """
    rows: Any = ledger.entries(kind=[KIND, "approval"]).itertuples()
    found: dict[str, SellerRequest] = {}
    for row in rows:
        if row.kind == "approval":
            _rule(found, row)
        elif "ask" in row.payload:
            approval = "waiting" if row.verdict == NEEDS_APPROVAL else "not_needed"
            ask = Ask.from_payload(row.payload["ask"])
            name = row.payload["request"]
            found[name] = SellerRequest(ask=ask, approval=approval, n_events=1)
        elif row.payload.get("request") in found and "step" in row.payload:
            step = Step.from_payload(row.payload["step"], row.at.to_pydatetime())
            found[row.payload["request"]] = take(found[row.payload["request"]], step)
    return tuple(found.values())


def find_request(requests: Sequence[SellerRequest], name: str) -> SellerRequest:
    """Request of a name, by its id or the seller's.

    Raises
    ------
    InputError : none, or several

    Examples
    --------
    >>> request = ab.SellerRequest(ask=ask)
    >>> requests.find_request([request], request.request_id) is request
    True
    """
    chosen = [one for one in requests if name in (one.request_id, one.seller_ref) and name]
    if len(chosen) == 1:
        return chosen[0]
    if chosen:
        names = ", ".join(one.request_id for one in chosen)
        raise InputError(f"{name!r} is the seller's name of {names}; give one of these.")
    known = ", ".join(one.request_id for one in requests if one.is_open)
    raise InputError(f"no request is called {name!r}. Open: {known or 'none'}.")


def record(ledger: Ledger, request: SellerRequest, step: Step, *, who: str) -> SellerRequest:
    """Write one step of a request; when this returns, it is on disk.

    A refusal, and the deadline of a request that was sent, bring its fallback along as a
    recommendation that waits for a person.

    Parameters
    ----------
    request : as the ledger holds it
    step : what happened
    who : person or program that says so

    Returns
    -------
    The request after it; unchanged when the step says nothing new

    Raises
    ------
    LedgerConflictError : the step cannot follow, or somebody else has written of the request

    Examples
    --------
    >>> with ab.open_ledger(":memory:") as ledger:
    ...     _ = ledger.append_many(requests.draft_pairs([ab.SellerRequest(ask=ask)]))
    ...     (request,) = requests.read_requests(ledger)
    ...     step = requests.Step(state="pending", at=now, sends=True)
    ...     requests.record(ledger, request, step, who="Ann").state
    'pending'
    """
    return record_first(ledger, request, step, who=who)[0]


def record_first(
    ledger: Ledger, request: SellerRequest, step: Step, *, who: str
) -> tuple[SellerRequest, bool]:
    """As :func:`record`, and whether this call wrote it: of two that take the same step, one did.

    Whoever acts on a step, and does not only tell of it, acts when it was the one to write it.
    """
    later, pairs = step_pairs(request, step, who=who)
    if not pairs:
        return request, False
    try:
        receipts = ledger.append_many(pairs)
    except LedgerConflictError as cause:
        raise LedgerConflictError(
            f"somebody else has written of request {request.request_id} meanwhile; read it again. "
            "Nothing was written."
        ) from cause
    return later, receipts[0].status == "written"


def step_pairs(
    request: SellerRequest, step: Step, *, who: str, run_id: str = ""
) -> tuple[SellerRequest, list[Pair]]:
    """The request after a step, and the entries that say so; none when it says nothing new.

    Parameters and errors as in :func:`record`.
    """
    if request.n_events == 0:
        raise InputError(f"request {request.request_id} is in no ledger yet; write its draft.")
    later = take(request, step)
    if replace(later, n_events=request.n_events) == request:
        return request, []
    entry = _entry(
        request,
        who=who,
        at=step.at,
        verdict="",
        rationale=step.note or f"{request.state} -> {step.state}",
        payload={"request": request.request_id, "step": step.as_payload()},
        run_id=run_id,
    )
    key = f"{draft_key(request.request_id)}:{request.n_events}"
    return later, [(key, entry), *_fallback_pairs(request, step, who, run_id)]


def lapse(
    requests: Iterable[SellerRequest], *, at: datetime, who: str = WHO, run_id: str = ""
) -> tuple[tuple[SellerRequest, ...], list[Pair]]:
    """Give up on open requests whose deadline has passed, and propose their fallbacks.

    Parameters
    ----------
    requests : as the ledger holds them
    at : instant, with a time zone; a deadline that is reached is over
    who, run_id : who gives up

    Returns
    -------
    All of them as they stand then, and the entries that say so

    Examples
    --------
    >>> later = now + pd.Timedelta(days=30).to_pytimedelta()
    >>> with ab.open_ledger(":memory:") as ledger:
    ...     _ = ledger.append_many(requests.draft_pairs([ab.SellerRequest(ask=ask)]))
    ...     stand, entries = requests.lapse(requests.read_requests(ledger), at=later)
    >>> [one.state for one in stand]
    ['expired']
    """
    standing, pairs = [], []
    for request in requests:
        if request.is_open and request.deadline <= at:
            why = "never sent" if request.state == "draft" else "no agreement"
            note = f"{why} by {request.deadline:%Y-%m-%d %H:%M} UTC"
            step = Step(state="expired", at=at, note=note)
            request, written = step_pairs(request, step, who=who, run_id=run_id)
            pairs += written
        standing.append(request)
    return tuple(standing), pairs


def withdrawal_pairs(
    renewal: Renewal, *, at: datetime, who: str = WHO, run_id: str = ""
) -> list[Pair]:
    """The entries that say which drafts are taken back."""
    pairs: list[Pair] = []
    for draft, why in renewal.withdrawn:
        step = Step(state="withdrawn", at=at, note=why)
        pairs += step_pairs(draft, step, who=who, run_id=run_id)[1]
    return pairs


def close_items(
    ledger: Ledger, requests: Iterable[SellerRequest], *, at: datetime, who: str = WHO
) -> None:
    """Ask nobody any more to approve what has lapsed or was withdrawn, all in one go."""
    ledger.withdraw(closed_items(requests), who=who, at=at)


def closed_items(
    requests: Iterable[SellerRequest], renewal: Renewal | None = None
) -> dict[str, str]:
    """Items nobody needs to rule on any more -> why: the request has lapsed or was withdrawn.

    Parameters
    ----------
    requests : as they stand
    renewal : which of them are taken back besides
    """
    over = {
        draft_key(request.request_id): request.note
        for request in requests
        if request.state in ("expired", "withdrawn") and request.approval == "waiting"
    }
    taken_back = () if renewal is None else renewal.withdrawn
    return over | {
        draft_key(draft.request_id): why for draft, why in taken_back if draft.approval == "waiting"
    }


def draft_key(request_id: str) -> str:
    """Key of the draft's entry: what ``adbudget approve`` takes."""
    return f"request:{request_id}"


def _rule(found: dict[str, SellerRequest], row: Any) -> None:
    """Take in a person's word on a draft."""
    name = str(row.payload.get("item", "")).removeprefix("request:")
    if row.payload.get("item") != draft_key(name) or name not in found:
        return
    request = found[name]
    if row.verdict == "approved":
        found[name] = replace(request, approval="approved")
    elif row.verdict == "cancelled":  # nobody is asked for a word on it any more
        found[name] = replace(request, approval="rejected")
    else:
        refused = "rejected" if request.state == "draft" else request.state
        note = row.rationale or request.note
        found[name] = replace(request, approval="rejected", state=refused, note=note)


def _fallback_pairs(request: SellerRequest, step: Step, who: str, run_id: str) -> list[Pair]:
    lapsed = step.state == "expired" and request.state != "draft"
    refused = step.state in ("rejected", "failed") and step.by_seller
    late = request.state == "expired"  # its fallback is written already
    if late or not (lapsed or refused) or step.state == request.state:
        return []
    fallback = request.ask.fallback
    entry = _entry(
        request,
        who=who,
        at=step.at,
        kind="recommendation",
        verdict="" if fallback.action == "keep_plan" else NEEDS_APPROVAL,
        rationale=fallback.text,
        payload={"request": request.request_id, "because": step.state, **to_plain(fallback)},
        run_id=run_id,
    )
    return [(f"fallback:{request.request_id}", entry)]


def _entry(
    request: SellerRequest,
    *,
    who: str,
    at: datetime,
    verdict: str,
    rationale: str,
    payload: dict[str, Any],
    kind: str = KIND,
    run_id: str = "",
    inputs_hash: str = "",
) -> Entry:
    ask = request.ask
    return Entry(
        kind=kind,
        at=at,
        who=who,
        unit=ask.deal,
        currency=ask.currency if len(ask.currency) == 3 else "",
        verdict=verdict,
        rule=ask.intent,
        rationale=rationale,
        run_id=run_id,
        inputs_hash=inputs_hash,
        payload=payload,
    )
