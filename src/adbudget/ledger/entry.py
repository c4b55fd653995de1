"""Facts of one event -> a checked, hashable record. Knows no database and no clock.

An entry's text form is canonical JSON: keys sorted, no blanks, UTF-8, shortest floats. What is
hashed is that text, so anybody can check a ledger with a JSON library and SHA-256.
"""

import hashlib
import json
import math
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from numbers import Integral
from types import NoneType
from typing import Any, Literal, cast

from adbudget.errors import InputError

FORMAT = "adbudget-ledger/1"
GENESIS = "0" * 64  # what the first entry names as the hash before it
KIND = re.compile(r"[a-z][a-z0-9_]{0,39}")
CURRENCY = re.compile(r"[A-Z]{3}|")
_dump = json.JSONEncoder(  # what it writes was copied before, so nothing holds itself
    sort_keys=True,
    separators=(",", ":"),
    ensure_ascii=False,
    allow_nan=False,
    check_circular=False,
).encode
LARGEST = 2**63 - 1  # whole numbers that SQLite, PostgreSQL and numpy all hold
DEEPEST = 64  # levels of nesting in a payload

NEEDS_APPROVAL = "needs_approval"
CHANGE = "change"  # the only kind that moves money, so the only one the kill switch stops
OBSERVATION = "observation"  # a budget that was seen and that no change of the ledger has made
# Keys of a payload that the ledger itself reads.
CONFIRMATION = "confirmation"  # what became of a change that was ordered
EXPIRES = "expires_at"  # until when a proposal stands
EDITS = "edits"  # the item in whose place a person's own amounts stand
STARTS = "starts"  # budgets a unit may still have where the change before was not made yet
REPEATS = "repeats"  # items of earlier runs that a run would propose again
FOUR_EYES, PROPOSED_BY = "four_eyes", "proposed_by"  # who made a run does not approve it
IDENTITY = "identity"  # how the name of whoever rules on it is checked
STATED, LOGIN, DATABASE = "stated", "login", "database"  # not, by the system, by the database
OWN_WAY = {"approval": "Ledger.approve or Ledger.reject", "kill": "Ledger.set_kill"}
OWN_KEYS = ("approval:", "cancel:", "change:", "kill:")  # written by the ledger alone
WRITTEN = "written_at"  # key of the payload under which the database notes when it wrote


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event, as it will be kept. Money is whole minor units (cents) of ``currency``.

    Attributes
    ----------
    kind : what happened: run, recommendation, verdict, approval, change, alert, kill, rollback,
        pacing, request, measurement, or any other name of small letters
    at : instant, with a time zone; kept as UTC, to the microsecond
    who : person or program that did it; never empty
    unit : campaign, cell or deal it is about; "" when it is about none
    currency : ISO 4217 code of the two amounts; "" when there are none
    old_minor, new_minor : budget before and after, per day, in minor units as ISO 4217 counts them
        (:func:`adbudget.money.digits_of`); None when there is none
    verdict : "auto", "needs_approval", "blocked" or "" on what is proposed; an entry that says
        "needs_approval" waits for :meth:`Ledger.approve` or :meth:`Ledger.reject`
    rule, rationale : which rule, and one sentence that a buyer can read aloud
    run_id, group_id : the run that wrote it; the linked group that stands or falls together
    inputs_hash, policy_hash : :func:`digest` of what went in
    seed : seed of the run, None when there is no chance in it
    payload : everything else, as JSON: text, whole numbers, finite floats, true, false, None,
        lists and mappings with text keys. Tuples are kept as lists. The key ``funded_by`` lists
        the keys of entries whose cuts pay for this raise: it happens only if all of them do

    Examples
    --------
    >>> from adbudget.ledger import Entry
    >>> entry = Entry(kind="change", at=now, who="Ann", unit="A", currency="EUR",
    ...               old_minor=2_000_00, new_minor=2_300_00)
    >>> entry.new_minor - entry.old_minor  # in cents
    30000
    >>> Entry.from_facts(entry.facts()) == entry
    True
    """

    kind: str
    at: datetime
    who: str
    unit: str = ""
    currency: str = ""
    old_minor: int | None = None
    new_minor: int | None = None
    verdict: str = ""
    rule: str = ""
    rationale: str = ""
    run_id: str = ""
    group_id: str = ""
    inputs_hash: str = ""
    policy_hash: str = ""
    seed: int | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        texts = [getattr(self, name) for name in TEXTS]
        if not _all_plain(texts):  # or merely not ASCII: look at each, and name it
            for name, text in zip(TEXTS, texts, strict=True):
                _check_text(text, name)
        if not KIND.fullmatch(self.kind):
            raise InputError(
                f"kind must be a name of small letters, digits and _, such as 'change'; "
                f"got {self.kind!r}."
            )
        if not self.who.strip():
            raise InputError("who must name the person or program that acts; got an empty text.")
        if not CURRENCY.fullmatch(self.currency):
            raise InputError(
                f"currency must be three capital letters, such as 'EUR'; got {self.currency!r}."
            )
        object.__setattr__(self, "at", _as_utc(self.at))
        for name in ("old_minor", "new_minor", "seed"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, _whole(value, name))
        if not isinstance(self.payload, Mapping):
            raise InputError(f"payload must be a mapping; got {type(self.payload).__name__}.")
        object.__setattr__(self, "payload", _checked_json(self.payload, "payload", 0))

    def facts(self, *, written_at: str = "") -> dict[str, str | int | None]:
        """Every field as the database keeps and hashes it: ``at`` and ``payload`` as text.

        Parameters
        ----------
        written_at : moment of writing, to be noted in the payload; "" notes none
        """
        payload = dict(self.payload) | {WRITTEN: written_at} if written_at else self.payload
        facts = {name: getattr(self, name) for name in FIELDS}
        return facts | {"at": at_text(self.at), "payload": _dump(payload)}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> "Entry":
        """Undo :meth:`facts`; what is not a field of an entry is left alone.

        Nothing is checked again: a row was an entry when it was written, and the hashes of
        :mod:`verify` say whether it is the same still.
        """
        entry = object.__new__(cls)
        for name in FIELDS:
            object.__setattr__(entry, name, facts[name])
        payload = json.loads(facts["payload"])
        payload.pop(WRITTEN, None)  # of the row, not of what happened
        object.__setattr__(entry, "at", datetime.fromisoformat(facts["at"]))
        object.__setattr__(entry, "payload", payload)
        return entry


FIELDS = tuple(each.name for each in fields(Entry))
TEXTS = tuple(
    name for name in FIELDS if name not in ("at", "old_minor", "new_minor", "seed", "payload")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of one append.

    Attributes
    ----------
    status : "written", or "replayed" when the same key held the same entry already
    sequence : place in the ledger, from 1
    hash : hash of the entry and, through it, of everything before it; 64 hexadecimal digits
    key : idempotency key of the entry

    Examples
    --------
    >>> from adbudget.ledger import Entry
    >>> with ab.open_ledger(":memory:") as ledger:
    ...     receipt = ledger.append(Entry(kind="run", at=now, who="Ann", run_id="r1"), key="first")
    ...     receipt.status, receipt.sequence
    ('written', 1)
    """

    status: Literal["written", "replayed"]
    sequence: int
    hash: str
    key: str


def canonical_json(value: Any) -> str:
    """Write a JSON value in the one way that equal values share.

    Parameters
    ----------
    value : text, whole number, finite float, bool, None, or lists and mappings of them

    Returns
    -------
    JSON with sorted keys and no blanks

    Raises
    ------
    InputError : the value is not JSON; the message names the place

    Examples
    --------
    >>> from adbudget.ledger import canonical_json
    >>> canonical_json({"b": 1, "a": [1, None]})
    '{"a":[1,null],"b":1}'
    """
    return _dump(_checked_json(value, "value", 0))


def digest(value: Any) -> str:
    """SHA-256 of :func:`canonical_json`, 64 hexadecimal digits: for inputs and policies.

    Raises
    ------
    InputError : the value is not JSON

    Examples
    --------
    >>> from adbudget.ledger import digest
    >>> digest({"b": 1, "a": 2}) == digest({"a": 2, "b": 1})
    True
    """
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def chain_hash(sequence: int, previous_hash: str, key: str, facts: Mapping[str, Any]) -> str:
    """Hash of one link of the chain. ``facts`` are those of :meth:`Entry.facts`."""
    text = _dump([FORMAT, sequence, previous_hash, key, dict(facts)])
    return hashlib.sha256(text.encode()).hexdigest()


def at_text(at: datetime) -> str:
    """2026-03-01T09:30:00.000000Z: of fixed width, so that text order is time order."""
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def check_key(key: str) -> str:
    """Refuse an idempotency key that is empty, long, not printable or the ledger's own."""
    _check_text(key, "key")
    if not 1 <= len(key) <= 250 or not key.isprintable() or key != key.strip():
        raise InputError(f"key must be 1 to 250 printable characters; got {key[:80]!r}.")
    if key.startswith(OWN_KEYS):
        raise InputError(
            f"key must not start with {', '.join(OWN_KEYS)}, which the ledger writes itself; "
            f"got {key!r}."
        )
    return key


def _all_plain(texts: Iterable[object]) -> bool:
    """Whether all are plainly text that every database keeps; nearly always they are."""
    if set(map(type, texts)) - {str}:
        return False
    joined = "".join(cast("Iterable[str]", texts))
    return joined.isascii() and "\0" not in joined


def _check_text(value: object, name: str) -> None:
    if type(value) is not str:
        raise InputError(f"{name} must be text; got {type(value).__name__} {value!r}.")
    if not value.isascii() or "\0" in value:
        bad = next((c for c in value if c == "\0" or "\ud800" <= c <= "\udfff"), None)
        if bad is not None:
            raise InputError(f"{name} holds {bad!r}, which no database keeps; leave it out.")


def _as_utc(at: object) -> datetime:
    if not isinstance(at, datetime) or at.utcoffset() is None:
        raise InputError(f"at must be a datetime with a time zone; got {at!r}.")
    if getattr(at, "nanosecond", 0):
        raise InputError(f"at must be whole microseconds; got {at!r}.")
    if type(at) is datetime and at.tzinfo is UTC:
        return at
    at = at.astimezone(UTC)
    return datetime(
        at.year, at.month, at.day, at.hour, at.minute, at.second, at.microsecond, tzinfo=UTC
    )


def _whole(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise InputError(
            f"{name} must be a whole number"
            f"{' of minor units (cents)' if name != 'seed' else ''}; got {value!r}."
        )
    if not -LARGEST <= int(value) <= LARGEST:
        raise InputError(f"{name} must fit in 64 bits; got {value}.")
    return int(value)


def _checked_json(value: Any, where: str, depth: int) -> Any:
    """Refuse what is no JSON; a copy in dicts and lists. ``where`` is its place for messages."""
    try:
        return _plain_copy(value, depth)
    except _OddValueError:  # or merely unusual: look at every value, and name its place
        return _checked_slowly(value, where, depth)


class _OddValueError(Exception):
    """Something that is not plainly JSON."""


def _plain_copy(value: Any, depth: int) -> Any:
    """A copy of plain ASCII JSON; anything else is odd. Nearly all payloads are plain."""
    kind = type(value)
    if kind is list or kind is tuple:
        if depth < DEEPEST:
            if _all_numbers(value):
                return list(value)
            return [_plain_copy(item, depth + 1) for item in value]
    elif kind is str:
        if value.isascii() and "\0" not in value:
            return value
    elif kind is int:
        if -LARGEST <= value <= LARGEST:
            return value
    elif kind is float:
        if math.isfinite(value):
            return value
    elif kind is dict:
        if depth < DEEPEST and _all_plain(value):
            if _all_numbers(value.values()):
                return value.copy()
            return {name: _plain_copy(item, depth + 1) for name, item in value.items()}
    elif value is None or kind is bool:
        return value
    raise _OddValueError


def _all_numbers(values: Collection[Any]) -> bool:
    """Whether all are plainly numbers that JSON and databases hold, or None: without a loop."""
    kinds = set(map(type, values))
    if not kinds or kinds - {int, float, NoneType}:
        return False
    if NoneType in kinds:
        values = [value for value in values if value is not None]
        if not values:
            return True
    if not (min(values) >= -LARGEST and max(values) <= LARGEST):  # NaN is first, or passes
        return False
    return all(map(math.isfinite, values))


def _checked_slowly(value: Any, where: str, depth: int) -> Any:
    """As :func:`_checked_json`, value by value."""
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        value = str(value)
        _check_text(value, where)
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InputError(f"{where} is {float(value)}, which JSON cannot hold; write None.")
        return float(value)
    if isinstance(value, Integral):
        return _whole(value, where)
    if depth >= DEEPEST:
        raise InputError(f"{where} is nested more than {DEEPEST} levels deep.")
    if isinstance(value, list | tuple):
        return [_checked_slowly(item, f"{where}[{i}]", depth + 1) for i, item in enumerate(value)]
    if isinstance(value, Mapping):
        copy = {}
        for name, item in value.items():
            _check_text(name, f"a key of {where}")
            copy[name] = _checked_slowly(item, f"{where}.{name}", depth + 1)
        return copy
    raise InputError(
        f"{where} is of type {type(value).__name__}; JSON holds text, numbers, true, false, None, "
        "lists and mappings. Write a date or a Decimal as text."
    )
