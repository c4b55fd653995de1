"""SellerRequest: one change asked of one seller, and how it stands. Knows no ledger, no network.

What is asked never changes once drafted; how it stands is folded from the ledger's entries.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Literal, get_args

from adbudget.display.page import Listed
from adbudget.errors import InputError
from adbudget.ledger.entry import digest
from adbudget.pacing.requests.change import ChangeType, Diff, Severity, diffs_of, severity_of
from adbudget.pacing.requests.states import AGREED, OPEN, WITH_SELLER, State

Intent = Literal[
    "raise_delivery", "make_good", "throttle_delivery", "shift_dates", "change_impressions"
]
Approval = Literal["not_needed", "waiting", "approved", "rejected"]

INTENTS: tuple[Intent, ...] = get_args(Intent)
CHANGE_TYPE_OF: dict[Intent, ChangeType] = {
    "raise_delivery": "other",
    "make_good": "other",
    "throttle_delivery": "other",
    "shift_dates": "flight_dates",
    "change_impressions": "impressions",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """What to do when no answer comes in time, or a refusal does.

    Attributes
    ----------
    action : reallocate, cap_daily_budget or keep_plan
    text : one sentence a buyer can read aloud
    amount_minor : money it is about, minor units of the deal's currency; None when about none

    Examples
    --------
    >>> ask.fallback.action
    'reallocate'
    """

    action: Literal["reallocate", "cap_daily_budget", "keep_plan"]
    text: str
    amount_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What is asked: settled when drafted.

    Attributes
    ----------
    deal, campaign, seller, account : who and what it is about
    order_id : the seller's name of the order
    seller_account : the seller's name of our account; "" when it has none
    time_zone : in which the days of the flight begin
    currency : ISO 4217 code of every amount
    intent : raise_delivery, make_good, throttle_delivery, shift_dates or change_impressions
    diffs : what is to change; never empty
    reason : one sentence to the seller
    drafted_at : instant of the figures behind it
    patience_hours : how long the seller has to answer once asked
    useful_until : instant after which the change could help no more
    prob_in_time : expected probability of an answer within ``patience_hours``
    prob_granted : expected probability that an answer agrees
    fallback : what is proposed when it expires or is refused

    Examples
    --------
    >>> ask.intent, [diff.field for diff in ask.diffs]
    ('raise_delivery', ['daily_budget'])
    >>> ask.change_type, ask.severity, ask.request_id[:3]
    ('other', 'material', 'SR-')
    >>> from adbudget.plain_json import to_plain
    >>> requests.Ask.from_payload(to_plain(ask)) == ask
    True
    """

    deal: str
    campaign: str
    seller: str
    account: str
    order_id: str
    currency: str
    intent: Intent
    diffs: tuple[Diff, ...]
    reason: str
    drafted_at: datetime
    patience_hours: float
    useful_until: datetime
    prob_in_time: float
    prob_granted: float
    fallback: Fallback
    seller_account: str = ""
    time_zone: str = "UTC"

    def __post_init__(self) -> None:
        for name in ("deal", "seller", "order_id", "reason"):
            if not getattr(self, name).strip():
                raise InputError(f"a request needs a {name}; got an empty text.")
        if self.intent not in INTENTS:
            raise InputError(f"intent must be {', '.join(INTENTS)}; got {self.intent!r}.")
        if not self.diffs:
            raise InputError(f"the request about {self.deal} changes nothing: diffs is empty.")
        for name in ("drafted_at", "useful_until"):
            if getattr(self, name).utcoffset() is None:
                raise InputError(f"{name} must be an instant with a time zone.")
        if not self.patience_hours > 0:
            raise InputError(f"patience_hours must be above 0; got {self.patience_hours}.")

    @property
    def change_type(self) -> ChangeType:
        """How the seller agent's API files such a change."""
        return CHANGE_TYPE_OF[self.intent]

    @property
    def severity(self) -> Severity:
        """Minor, material or critical."""
        return severity_of(self.change_type, self.diffs)

    @property
    def request_id(self) -> str:
        """Name it everywhere: the same ask on the same day has the same one.

        It is the idempotency key too, so no seller carries an ask out twice.
        """
        about = (self.deal, self.seller, self.account, self.order_id, self.intent, self.currency)
        return _name_of(about, self.diffs, self.drafted_at.date().isoformat())

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> "Ask":
        """Ask of its plain JSON values; other keys are left alone."""
        values = {each.name: payload[each.name] for each in fields(cls) if each.name in payload}
        for name in ("drafted_at", "useful_until"):
            values[name] = datetime.fromisoformat(values[name])
        return cls(
            **values
            | {"diffs": diffs_of(values["diffs"]), "fallback": Fallback(**values["fallback"])}
        )


@lru_cache(maxsize=10_000)  # a run asks several times for the name of each request
def _name_of(about: tuple[str, ...], diffs: tuple[Diff, ...], day: str) -> str:
    changes = [[diff.field, diff.old_value, diff.new_value] for diff in diffs]
    return f"SR-{digest([*about, changes, day])[:12].upper()}"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SellerRequest(Listed):
    """One ask and how it stands.

    Attributes
    ----------
    ask : what is asked
    state : draft, pending, validating, pending_approval, countered, approved, applied, rejected,
        failed, expired or withdrawn
    approval : whether a person on our side has agreed to send it: not_needed, waiting, approved
        or rejected
    n_events : entries the ledger holds of it; 0 as long as it is in none
    attempts : times it was handed to the gateway
    sent_at, tried_at : first and last of them; None before
    received : the seller has confirmed having it
    answered_at : instant of the seller's first answer; None before
    agreed_at : instant from which what was agreed holds; None without an agreement
    automatic : that answer came in the very call that asked, so no person gave it
    first_answer : state the first answer led to; "" before
    seller_ref : the seller's own name of it; "" when unknown
    counter : what the seller offers instead; empty when it offers nothing else
    note : what was last said of it

    Examples
    --------
    >>> request = ab.SellerRequest(ask=ask)
    >>> request.state, request.ask.severity
    ('draft', 'material')
    >>> request.request_id == ask.request_id, request.is_open, request.is_unconfirmed
    (True, True, False)
    >>> request.agreed == ask.diffs, request.deadline == ask.useful_until
    (False, True)
    """

    ask: Ask
    state: State = "draft"
    approval: Approval = "not_needed"
    n_events: int = 0
    attempts: int = 0
    sent_at: datetime | None = None
    tried_at: datetime | None = None
    received: bool = False
    answered_at: datetime | None = None
    agreed_at: datetime | None = None
    automatic: bool = False
    first_answer: State | Literal[""] = ""
    seller_ref: str = ""
    counter: tuple[Diff, ...] = ()
    note: str = ""

    @property
    def request_id(self) -> str:
        """Our name of it, and the idempotency key with the seller."""
        return self.ask.request_id

    @property
    def is_open(self) -> bool:
        """Something may still come of it without anybody reopening it."""
        return self.state in OPEN

    @property
    def deadline(self) -> datetime:
        """Instant of expiry: patience after sending, or the end of all use.

        A counter-offer stops the first clock: the seller has answered, and waits for us.
        """
        if self.sent_at is None or self.answered_at is not None:
            return self.ask.useful_until
        patient = self.sent_at + timedelta(hours=self.ask.patience_hours)
        return min(patient, self.ask.useful_until)

    @property
    def agreed(self) -> tuple[Diff, ...]:
        """Changes that may be believed: the counter-offer once accepted, else what was asked.

        Empty unless approved or applied: an offer is no agreement.
        """
        if self.state not in AGREED:
            return ()
        return self.counter or self.ask.diffs

    @property
    def is_unconfirmed(self) -> bool:
        """It was handed over, and nobody knows yet whether the seller has it."""
        return self.state in WITH_SELLER and not self.received
