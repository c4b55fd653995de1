"""Requests <-> the JSON of the IAB Tech Lab seller agent's change-request API. Opens nothing.

Sent are all fields the API has ever asked for: releases since August 2026 want an idempotency
key in the body and take the requester's name from the credential, earlier ones the reverse. As
those keep no key, the reason ends with it, so that a request can be found again in a list.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from adbudget.errors import InputError, SellerError
from adbudget.ledger.entry import LARGEST
from adbudget.pacing.requests.change import Diff, diffs_of
from adbudget.pacing.requests.gateway import Answer
from adbudget.pacing.requests.request import SellerRequest
from adbudget.pacing.requests.states import OURS, STATES, State, check_state
from adbudget.plain_json import to_plain, without_passwords

REQUESTED_BY = "agent:adbudget"
LONGEST_NOTE = 500
MAKEGOOD = "audience_underdelivery"  # as TIP 5.1 types it, and the agent's linear TV terms
TELLS: tuple[State, ...] = tuple(state for state in STATES if state not in OURS)


def body_of(request: SellerRequest) -> dict[str, Any]:
    """Body of POST /api/v1/change-requests: the same for every try, as its key demands."""
    ask = request.ask
    proposed: dict[str, Any] = {diff.field: diff.new_value for diff in ask.diffs}
    if "daily_budget" in proposed and ask.currency:
        proposed["currency"] = ask.currency
    if ask.intent == "make_good":
        proposed["makegood_type"] = MAKEGOOD
    account = {"seller_account": ask.seller_account} if ask.seller_account else {}
    return account | {
        "idempotency_key": request.request_id,
        "order_id": ask.order_id,
        "change_type": ask.change_type,
        "diffs": to_plain(ask.diffs),
        "proposed_values": proposed,
        "reason": f"{ask.reason} {_mark(request)}",
        "requested_by": REQUESTED_BY,
    }


def answer_of(document: Any, request: SellerRequest, seller: str) -> Answer:
    """A change request as the seller writes it -> what it says of ours.

    Parameters
    ----------
    document : parsed JSON; the change request itself, or {"change_request": ...} around it
    request : the one it should be about
    seller : how messages call who wrote it

    Raises
    ------
    SellerError : not a change request, about another order, or in a state nobody knows
    """
    record = document.get("change_request", document) if isinstance(document, Mapping) else None
    if not isinstance(record, Mapping) or not isinstance(record.get("status"), str):
        raise SellerError(f"{seller} did not answer with a change request that has a status.")
    order = record.get("order_id")
    if order != request.ask.order_id:
        raise SellerError(
            f"{seller} answered about order {clean(str(order))!r}, not {request.ask.order_id!r}."
        )
    if record["status"] not in TELLS:
        raise SellerError(
            f"{seller} says the request is {clean(record['status'])!r}; known are "
            f"{', '.join(TELLS)}. Record what is meant by hand."
        )
    state = check_state(record["status"])
    counter = _offer(record, seller)
    if state == "countered" and not counter:
        raise SellerError(f"{seller} says countered, and does not say what it offers instead.")
    return Answer(
        state=state,
        seller_ref=clean(str(record.get("change_request_id") or "")),
        note=note_of(record),
        counter=counter if state == "countered" else (),
        decided_at=_instant(record.get("applied_at") or record.get("approved_at")),
    )


def _offer(record: Mapping[str, Any], seller: str) -> tuple[Diff, ...]:
    """The counter-offer, of values that a ledger and a terminal can hold."""
    try:
        offer = diffs_of(record.get("counter") or ())
    except InputError as cause:
        raise SellerError(f"{seller} made an offer that cannot be read: {cause}") from cause
    for diff in offer:
        for value in (diff.field, diff.old_value, diff.new_value):
            sound = abs(value) <= LARGEST if isinstance(value, int) else value == clean(value or "")
            if value is not None and not sound:
                raise SellerError(
                    f"{seller} made an offer that cannot be kept: {clean(str(value))!r} is not "
                    "printable, or too long or large."
                )
    return offer


def find_ours(document: Any, request: SellerRequest, seller: str) -> Answer | None:
    """Our request in a list of change requests, by the key its reason ends with.

    Of several the first one counts, and the note names the others: each is a change made twice.

    Raises
    ------
    SellerError : not a list of change requests
    """
    records = document.get("change_requests") if isinstance(document, Mapping) else None
    if not isinstance(records, Sequence) or isinstance(records, str):
        raise SellerError(f"{seller} did not answer with a list of change requests.")
    mark = _mark(request)
    ours = [
        record
        for record in records
        if isinstance(record, Mapping) and str(record.get("reason", "")).endswith(mark)
    ]
    if not ours:
        return None
    ours.sort(key=lambda record: str(record.get("requested_at", "")))
    answer = answer_of(ours[0], request, seller)
    if len(ours) == 1:
        return answer
    others = ", ".join(clean(str(record.get("change_request_id"))) for record in ours[1:])
    told = f"the seller holds it {len(ours)} times; have {others} taken back. {answer.note}"
    return Answer(
        state=answer.state,
        seller_ref=answer.seller_ref,
        note=told.strip(),
        counter=answer.counter,
        decided_at=answer.decided_at,
    )


def note_of(record: Mapping[str, Any]) -> str:
    """The seller's own words about its decision, as far as it gives any."""
    errors = record.get("validation_errors") or ()
    words = [*errors] if isinstance(errors, list) else [errors]
    words += [record.get("rejection_reason"), record.get("note")]
    return clean("; ".join(str(word) for word in words if word))


def refusal_of(document: Any) -> tuple[str, str, str]:
    """Error code, words and the seller's name of the request, of {"detail": ...}.

    The detail is what a handler raised, or the list of fields that a framework found wrong.
    """
    detail = document.get("detail") if isinstance(document, Mapping) else None
    if isinstance(detail, Mapping):
        words = note_of(detail) or clean(str(detail.get("message") or ""))
        return (
            clean(str(detail.get("error") or "")),
            words,
            clean(str(detail.get("change_request_id") or "")),
        )
    if isinstance(detail, list):
        found = [item for item in detail if isinstance(item, Mapping)]
        words = "; ".join(
            f"{'.'.join(str(part) for part in item.get('loc') or ())}: {item.get('msg')}"
            for item in found
        )
        return "", clean(words), ""
    return "", clean(str(detail or "")), ""


def clean(text: str) -> str:
    """A stranger's text as it may be kept: one printable line, no passwords, cut with a sign."""
    line = " ".join(re.sub(r"[^\x20-\x7e\xa0-\ud7ff\ue000-\U0010ffff]", " ", text).split())
    line = without_passwords("".join(letter for letter in line if letter.isprintable()))
    return line if len(line) <= LONGEST_NOTE else f"{line[: LONGEST_NOTE - 1]}…"


def _mark(request: SellerRequest) -> str:
    return f"[ref {request.request_id}]"


def _instant(value: Any) -> datetime | None:
    """The API writes UTC, mostly without saying so."""
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return at.replace(tzinfo=UTC) if at.utcoffset() is None else at.astimezone(UTC)
