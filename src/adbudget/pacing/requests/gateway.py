"""What every way to a seller can do, and what comes back. Knows no protocol and no ledger."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from adbudget.pacing.requests.change import Diff
from adbudget.pacing.requests.request import SellerRequest
from adbudget.pacing.requests.states import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a seller says of one request.

    Attributes
    ----------
    state : where it stands with the seller
    seller_ref : the seller's own name of it; "" when it gives none
    note : the seller's words, printable and without our secrets
    counter : what it offers instead, with state "countered"
    decided_at : when it decided, by its own clock; None when it does not say

    Examples
    --------
    >>> requests.Answer(state="approved", seller_ref="4711").state
    'approved'
    """

    state: State
    seller_ref: str = ""
    note: str = ""
    counter: tuple[Diff, ...] = ()
    decided_at: datetime | None = None


class SellerGateway(Protocol):
    """A way to ask sellers for changes and to hear what became of them.

    Examples
    --------
    >>> gateway: requests.SellerGateway = ab.FileOutbox(folder="outbox")
    >>> gateway.name
    'outbox outbox'
    >>> request = ab.SellerRequest(ask=ask)
    >>> gateway.submit(request).state, gateway.look_up(request).state
    ('pending', 'pending')
    """

    @property
    def name(self) -> str:
        """How messages call it; holds no secret."""
        ...

    def submit(self, request: SellerRequest) -> Answer:
        """Hand a request over, once. Never tries again by itself: asking moves money.

        Raises
        ------
        SellerError : nobody knows whether the seller has it now; ``look_up`` may tell
        """
        ...

    def look_up(self, request: SellerRequest) -> Answer | None:
        """What the seller says of it now; None when the seller has no such request.

        Changes nothing, so it may be tried several times.

        Raises
        ------
        SellerError : the seller cannot be asked, or answers nonsense
        """
        ...
