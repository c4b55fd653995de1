"""Balanced moves -> which cut pays for which raise, and what has to wait for approval.

Knows nothing of rules or reasons. Every plan is a flow of money from cuts to raises. A flow may
run at once when both its ends are within the approval limit; the other flows wait, and the moves
they join form a linked group that stands or falls together. Both parts balance on their own, so
the total is exact before and after the approval. Cuts and raises that need nobody's approval are
matched with each other first; at most one move ends up in both parts.
"""

from dataclasses import dataclass

import numpy as np

from adbudget.ledger.linked import linked_groups

OUTSIDE = -1  # position that stands for money that comes from, or goes, outside the campaigns


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Money from a cut to a raise.

    Attributes
    ----------
    source, target : positions of campaigns; OUTSIDE for a change of the total
    minor : amount, minor units per day
    waits : whether it needs approval
    """

    source: int
    target: int
    minor: int
    waits: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Funding:
    """Who pays whom, and who waits.

    Attributes
    ----------
    flows : in the order of service
    change_now : (campaign,) int64, the part of each change that needs no approval
    group : (campaign,) position of the first member of the linked group that waits, or -1
    """

    flows: tuple[Flow, ...]
    change_now: np.ndarray
    group: np.ndarray

    @property
    def waits(self) -> np.ndarray:
        """(campaign,) bool, part of the change or all of it needs approval."""
        return self.group >= 0


def fund(
    change: np.ndarray, priority: np.ndarray, limit: int, always: np.ndarray | None = None
) -> Funding:
    """Match cuts with raises, and find what waits.

    Parameters
    ----------
    change : (campaign,) int64, minor units per day; below zero is a cut
    priority : (campaign,) different numbers; low ones are served first
    limit : a change above it needs approval, one of exactly the limit does not
    always : (campaign,) bool, needs approval whatever its size
    """
    large = np.abs(change) > limit
    large = large if always is None else large | always
    order = np.argsort(priority, kind="stable")
    cuts = _queue(order, np.maximum(-change, 0), large)
    raises = _queue(order, np.maximum(change, 0), large)
    total = int(change.sum())
    if total > 0:
        cuts.insert(0, (OUTSIDE, total))
    if total < 0:
        raises.append((OUTSIDE, -total))  # what the campaigns do not take
    flows = _match(cuts, raises, large)
    change_now = np.zeros_like(change)
    for flow in flows:
        if not flow.waits:
            for end, sign in ((flow.source, -1), (flow.target, 1)):
                if end != OUTSIDE:
                    change_now[end] += sign * flow.minor
    return Funding(flows=flows, change_now=change_now, group=_groups(flows, len(change)))


def _queue(order: np.ndarray, size: np.ndarray, large: np.ndarray) -> list[tuple[int, int]]:
    """(position, minor units) of those with any, the small ones first."""
    some = order[size[order] > 0]
    sorted_some = [*some[~large[some]], *some[large[some]]]
    return [(int(i), int(size[i])) for i in sorted_some]


def _match(
    cuts: list[tuple[int, int]], raises: list[tuple[int, int]], large: np.ndarray
) -> tuple[Flow, ...]:
    """Pay the raises one after the other out of the cuts one after the other."""
    flows, paid, spent, i, j = [], 0, 0, 0, 0
    while i < len(cuts) and j < len(raises):
        source, target = cuts[i][0], raises[j][0]
        amount = min(cuts[i][1] - spent, raises[j][1] - paid)
        waits = any(end != OUTSIDE and bool(large[end]) for end in (source, target))
        flows.append(Flow(source=source, target=target, minor=amount, waits=waits))
        spent, paid = spent + amount, paid + amount
        if spent == cuts[i][1]:
            i, spent = i + 1, 0
        if paid == raises[j][1]:
            j, paid = j + 1, 0
    return tuple(flows)


def _groups(flows: tuple[Flow, ...], n: int) -> np.ndarray:
    """(campaign,) smallest position joined by flows that wait; -1 where none does."""
    ends = [
        [end if end != OUTSIDE else other for end, other in pair]
        for flow in flows
        if flow.waits
        for pair in [((flow.source, flow.target), (flow.target, flow.source))]
    ]
    one, other = np.array(ends, dtype=np.int64).reshape(-1, 2).T
    return linked_groups(n, one, other)
