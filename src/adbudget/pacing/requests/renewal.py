"""Drafts that stand + what would be asked now -> which stay, which are withdrawn, which are new.

Nothing that a seller has is touched: a request can be taken back only until it is sent.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from adbudget.pacing.requests.change import Diff
from adbudget.pacing.requests.request import Ask, Intent, SellerRequest
from adbudget.pacing.requests.wording import BY_DAY

CLOSE = 0.10  # amounts that differ by less ask for the same thing


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """What becomes of drafts.

    Attributes
    ----------
    new : to be filed
    withdrawn : (draft, why) of those that no longer hold
    """

    new: tuple[SellerRequest, ...]
    withdrawn: tuple[tuple[SellerRequest, str], ...]


def standing_drafts(requests: Iterable[SellerRequest]) -> tuple[SellerRequest, ...]:
    """Requests that were never handed over, approved or not."""
    return tuple(request for request in requests if request.state == "draft")


def renewed(
    drafts: Sequence[SellerRequest],
    wanted: Sequence[SellerRequest],
    *,
    judged: Collection[str],
    known: Collection[str] = (),
) -> Renewal:
    """Compare drafts with what would be asked now.

    Parameters
    ----------
    drafts : that stand
    wanted : what would be asked if there were no drafts
    judged : deals of which this run knows enough to say that it asks for nothing
    known : names of all requests ever drafted; what was taken back is not asked for again on the
        same day

    Returns
    -------
    Renewal. A draft stays as long as nearly the same would be asked
    """
    new = {(request.ask.deal, request.ask.intent): request for request in wanted}
    withdrawn = []
    for draft in drafts:
        key: tuple[str, Intent] = (draft.ask.deal, draft.ask.intent)
        again = new.get(key)
        if again is not None and (same_matter(draft.ask, again.ask) or _is_same(draft, again)):
            del new[key]
        elif draft.ask.deal in judged:
            why = "the latest run asks for nothing of the kind"
            if again is not None:
                why = f"the latest run asks for something else: {again.request_id}"
            withdrawn.append((draft, why))
        elif again is not None:
            del new[key]
    fresh = tuple(request for request in new.values() if request.request_id not in set(known))
    return Renewal(new=fresh, withdrawn=tuple(withdrawn))


def _is_same(draft: SellerRequest, again: SellerRequest) -> bool:
    """Whether both would be filed under one name."""
    return draft.request_id == again.request_id


def same_matter(one: Ask, other: Ask) -> bool:
    """Whether two asks want nearly the same: the same fields, dates alike, amounts close."""
    amounts = [
        {diff.field: diff for diff in ask.diffs if not diff.field.endswith(BY_DAY)}
        for ask in (one, other)
    ]
    if amounts[0].keys() != amounts[1].keys() or one.order_id != other.order_id:
        return False
    return all(_is_close(diff, amounts[1][name]) for name, diff in amounts[0].items())


def _is_close(one: Diff, other: Diff) -> bool:
    if one.new_value == other.new_value:
        return True
    try:
        first, second = (float(str(diff.new_value)) for diff in (one, other))
    except ValueError:  # a date that moved
        return False
    return abs(first - second) <= CLOSE * max(abs(first), abs(second))
