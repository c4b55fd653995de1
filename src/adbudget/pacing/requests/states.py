"""Where a request may stand, and where it may go from there. Knows no sellers and no ledger.

The names are those of the IAB Tech Lab seller agent, and four more: draft, countered, expired,
withdrawn.
"""

from typing import Literal, get_args

from adbudget.errors import InputError, LedgerConflictError

State = Literal[
    "draft",  # written down, not sent
    "pending",  # handed over; whether the seller has it may still be unknown
    "validating",  # the seller checks it against the order
    "pending_approval",  # somebody at the seller has to decide
    "countered",  # the seller offers something else, and waits for us
    "approved",  # agreed, not yet done
    "applied",  # done
    "rejected",  # refused by a person, theirs or ours
    "failed",  # refused by a check: it cannot be done as written
    "expired",  # no answer by the deadline; a late one is still written down
    "withdrawn",  # a later run no longer asks for it; it was never sent
]

STATES: tuple[State, ...] = get_args(State)
AGREED: tuple[State, ...] = ("approved", "applied")
OPEN: tuple[State, ...] = ("draft", "pending", "validating", "pending_approval", "countered")
WITH_SELLER: tuple[State, ...] = ("pending", "validating", "pending_approval")
ANSWERS: tuple[State, ...] = ("countered", "approved", "applied", "rejected", "failed")

# A seller that is asked rarely may be found several steps on, so steps may be jumped, not undone.
NEXT: dict[State, tuple[State, ...]] = {
    "draft": ("pending", "rejected", "expired", "withdrawn"),
    "pending": ("validating", "pending_approval", *ANSWERS, "expired"),
    "validating": ("pending_approval", *ANSWERS, "expired"),
    "pending_approval": (*ANSWERS, "expired"),
    "countered": ("countered", "approved", "applied", "rejected", "failed", "expired"),
    "approved": ("applied", "failed", "rejected"),  # a seller may find too late that it cannot
    "expired": ANSWERS,
    "applied": (),
    "rejected": (),
    "failed": (),
    "withdrawn": (),
}
OURS: tuple[State, ...] = ("draft", "expired", "withdrawn")  # a seller knows nothing of these


def check_state(name: str) -> State:
    """Give a known state back.

    Raises
    ------
    InputError : another word
    """
    for state in STATES:
        if state == name:
            return state
    raise InputError(f"a request is {', '.join(STATES[:-1])} or {STATES[-1]}; got {name!r}.")


def check_move(request_id: str, now: State, then: State) -> None:
    """Refuse a step that the history of a request leaves no room for.

    Raises
    ------
    LedgerConflictError : ``then`` cannot follow ``now``
    """
    if then in NEXT[now]:
        return
    way = f"It may become {', '.join(NEXT[now])}." if NEXT[now] else "That is the end of it."
    raise LedgerConflictError(f"request {request_id} is {now} and cannot become {then}. {way}")
