"""Moves of a cycle -> the entries a ledger keeps of them. Writes nothing.

One recommendation per deal, a second one for the part that waits for a person, and one change per
deal for the part that does not. Amounts are budgets of whole flights: the payload says so.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from adbudget.ledger.entry import CHANGE, EXPIRES, NEEDS_APPROVAL, Entry, at_text
from adbudget.pacing.moves.move import DealChange, Move, MovePlan

GAP = "gap_minor"  # key of a payload: by how much the deal was projected to pass its budget
FLIGHT = {"budget": "flight"}  # what old_minor and new_minor are of
RULE = "reallocation"
Pair = tuple[str, Entry]


def move_entries(
    moves: MovePlan,
    *,
    at: datetime,
    who: str,
    run_id: str,
    inputs_hash: str = "",
    policy_hash: str = "",
    expires_at: datetime | None = None,
    of_items: Mapping[str, Any] | None = None,
) -> list[Pair]:
    """(key, entry) pairs of a cycle, in the order of writing.

    Parameters
    ----------
    moves : from :func:`adbudget.pacing.moves.reallocation.propose_moves`
    at : moment of the run, with time zone
    who : program or person that proposes
    run_id, inputs_hash, policy_hash : of the run
    expires_at : until when what needs approval stands, with time zone; None says for good
    of_items : what else the payload of what needs approval says, such as who may rule on it

    Returns
    -------
    Pairs for :meth:`adbudget.ledger.Ledger.append_many`. What needs nobody is a "change" at once;
    what needs approval is funded by the cuts of its own group, and waits for them
    """
    shared = {
        "at": at,
        "who": who,
        "run_id": run_id,
        "inputs_hash": inputs_hash,
        "policy_hash": policy_hash,
    }
    waits: dict[str, Any] = dict(of_items or {})
    if expires_at is not None:
        waits[EXPIRES] = at_text(expires_at.astimezone(UTC))
    about: dict[str, list[Move]] = {}
    for move in moves.moves:
        for deal in (move.source, move.target):
            about.setdefault(deal, []).append(move)
    pairs: list[Pair] = []
    for change in moves.changes:
        pairs += _entries(change, about[change.deal], shared, waits)
    return pairs


def recommendation_key(run_id: str, deal: str, *, waits: bool) -> str:
    """Key of the entry about one deal; the part that waits has a key of its own."""
    return f"move:{run_id}:{deal}" + (":waits" if waits else "")


def _entries(
    change: DealChange, own: list[Move], shared: dict[str, Any], waits: dict[str, Any]
) -> Iterator[Pair]:
    run_id = shared["run_id"]
    if change.blocked_minor:
        blocked = [move for move in own if move.verdict == "blocked"]
        ends = (change.budget_minor, change.budget_minor + change.blocked_minor)
        entry = _entry(change, ends, "blocked", blocked, {}, shared)
        yield f"{recommendation_key(run_id, change.deal, waits=False)}:blocked", entry
    if change.now_minor != change.budget_minor:
        done = [move for move in own if move.verdict == "auto"]
        key = recommendation_key(run_id, change.deal, waits=False)
        ends = (change.budget_minor, change.now_minor)
        funded = {"funded_by": _funders(done, change, run_id, waits=False)}
        yield key, _entry(change, ends, "auto", done, funded, shared)
        changed = {"item": key}
        yield f"apply:{key}", _entry(change, ends, "auto", done, changed, shared, kind=CHANGE)
    if change.next_minor != change.now_minor:
        waiting = [move for move in own if move.verdict == NEEDS_APPROVAL]
        ends = (change.now_minor, change.next_minor)
        more = waits | {"funded_by": _funders(waiting, change, run_id, waits=True)}
        entry = _entry(change, ends, NEEDS_APPROVAL, waiting, more, shared, change.group_id)
        yield recommendation_key(run_id, change.deal, waits=True), entry


def _funders(own: list[Move], change: DealChange, run_id: str, *, waits: bool) -> list[str]:
    """Keys of the cuts that pay for a raise; none for a cut."""
    donors = dict.fromkeys(move.source for move in own if move.target == change.deal)
    return [recommendation_key(run_id, donor, waits=waits) for donor in donors]


def _entry(
    change: DealChange,
    ends: tuple[int, int],
    verdict: str,
    own: list[Move],
    more: dict[str, Any],
    shared: dict[str, Any],
    group_id: str = "",
    *,
    kind: str = "recommendation",
) -> Entry:
    with_whom = [
        {
            "source": move.source,
            "target": move.target,
            "minor": move.minor,
            "basis": move.basis,
            "probability": move.probability,
        }
        for move in own
    ]
    return Entry(
        kind=kind,
        unit=change.deal,
        currency=change.currency,
        old_minor=ends[0],
        new_minor=ends[1],
        verdict=verdict,
        rule=RULE,
        rationale=" ".join(dict.fromkeys(move.reason for move in own)),
        group_id=group_id,
        payload=FLIGHT
        | {"campaign": change.campaign, "moves": with_whom, GAP: change.gap_minor}
        | more,
        **shared,
    )
