"""Balanced moves -> which cut pays for which raise, and what has to wait for approval.

Knows nothing of rules or reasons. Every plan is a flow of money from cuts to raises. A flow may
run at once when both its ends are within the approval limit; the other flows wait, and the moves
they join form a linked group that stands or falls together. Both parts balance on their own, so
the total is exact before and after the approval. Cuts and raises that need nobody's approval are
matched with each other first. A group holds only what depends on each other: a large move and those
that pay for it, or that it pays for. What is left of a small move that a group takes a part of goes
back to the moves that need nobody, so that it does not link one group to the next.
"""

from bisect import insort
from collections import deque
from dataclasses import dataclass
from heapq import heappop, heappush

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
    cuts, raises = (deque(_parts(order, np.maximum(sign * change, 0), ~large)) for sign in (-1, 1))
    total = int(change.sum())
    if total > 0:
        cuts.appendleft((OUTSIDE, total))
    if total < 0:
        raises.append((OUTSIDE, -total))  # what the campaigns do not take
    flows: list[Flow] = []
    for group in _filled(_bundles(change, order[large[order]]), cuts, raises):
        flows += _matched(group.cuts, group.raises, waits=True)
    flows += _matched(list(cuts), list(raises), waits=False)
    change_now = np.zeros_like(change)
    for flow in flows:
        if not flow.waits:
            for end, sign in ((flow.source, -1), (flow.target, 1)):
                if end != OUTSIDE:
                    change_now[end] += sign * flow.minor
    return Funding(flows=tuple(flows), change_now=change_now, group=_groups(flows, len(change)))


Part = tuple[int, int]  # position of a move, and minor units of it


@dataclass(slots=True, kw_only=True, eq=False)
class _Bundle:
    """Large moves that are matched with each other; small ones fill what is missing.

    Attributes
    ----------
    cuts, raises : its moves
    missing : minor units of cuts that are wanted; below zero: of raises
    """

    cuts: list[Part]
    raises: list[Part]
    missing: int

    def add(self, other: "_Bundle") -> None:
        """Take in what another holds."""
        self.cuts += other.cuts
        self.raises += other.raises
        self.missing += other.missing


def _parts(order: np.ndarray, size: np.ndarray, chosen: np.ndarray) -> list[Part]:
    """Chosen moves of one side, in the order of service."""
    return [(int(i), int(size[i])) for i in order[chosen[order] & (size[order] > 0)]]


def _bundles(change: np.ndarray, large: np.ndarray) -> list[_Bundle]:
    """Match large moves by size: each joins the bundle that it brings closest to balance.

    The largest come first. One that would leave a bundle further from balance than it was begins
    its own.
    """
    done: list[_Bundle] = []
    waiting: dict[int, list[tuple[int, int]]] = {1: [], -1: []}  # heaps, the most missing first
    for i in large[np.argsort(-np.abs(change[large]), kind="stable")].tolist():
        minor = int(change[i])
        part, sign = (i, abs(minor)), 1 if minor > 0 else -1
        new = _Bundle(
            cuts=[part] if minor < 0 else [], raises=[part] if minor > 0 else [], missing=minor
        )
        others = waiting[-sign]
        if others and -2 * others[0][0] > abs(minor):
            place = heappop(others)[1]
            done[place].add(new)
        else:
            place = len(done)
            done.append(new)
        missing = done[place].missing
        if missing:
            heappush(waiting[1 if missing > 0 else -1], (-abs(missing), place))
    return done


def _filled(bundles: list[_Bundle], cuts: deque[Part], raises: deque[Part]) -> list[_Bundle]:
    """Fill every bundle with small moves, which are taken from the two queues."""
    have = {1: sum(size for _, size in cuts), -1: sum(size for _, size in raises)}
    bundles = _joined(bundles, have)
    for sign, small in ((1, cuts), (-1, raises)):
        wanted = sum(max(sign * one.missing, 0) for one in bundles)
        rests = have[sign] - wanted  # what stays among the small moves, and may hold rests
        for one in bundles:
            if sign * one.missing > 0:
                taken, rests = _taken(abs(one.missing), small, rests)
                (one.cuts if sign > 0 else one.raises).extend(taken)
    return bundles


def _joined(bundles: list[_Bundle], have: dict[int, int]) -> list[_Bundle]:
    """Join bundles of which one misses what the other has, where small moves do not suffice."""
    by_size = sorted(bundles, key=lambda one: -one.missing)
    short = sum(max(one.missing, 0) for one in bundles) - have[1]
    while short > 0:
        first, last = by_size.pop(0), by_size.pop()
        short -= min(first.missing, -last.missing)
        first.add(last)
        insort(by_size, first, key=lambda one: -one.missing)
    return by_size


def _taken(need: int, small: deque[Part], rests: int) -> tuple[list[Part], int]:
    """Small moves from the end of their service; and how much room for rests is left.

    What is left of the last one goes to the front, where no other bundle takes of it.
    """
    taken: list[Part] = []
    while need:
        place, size = small.pop()
        minor = min(need, size)
        taken.append((place, minor))
        need, size = need - minor, size - minor
        if size and place != OUTSIDE and size <= rests:
            rests -= size
            small.appendleft((place, size))
        elif size:
            small.append((place, size))
    return taken[::-1], rests


def _matched(cuts: list[Part], raises: list[Part], *, waits: bool) -> list[Flow]:
    """Pay the raises one after the other out of the cuts one after the other."""
    flows, paid, spent, i, j = [], 0, 0, 0, 0
    while i < len(cuts) and j < len(raises):
        amount = min(cuts[i][1] - spent, raises[j][1] - paid)
        flows.append(Flow(source=cuts[i][0], target=raises[j][0], minor=amount, waits=waits))
        spent, paid = spent + amount, paid + amount
        if spent == cuts[i][1]:
            i, spent = i + 1, 0
        if paid == raises[j][1]:
            j, paid = j + 1, 0
    return flows


def _groups(flows: list[Flow], n: int) -> np.ndarray:
    """(campaign,) smallest position joined by flows that wait; -1 where none does."""
    ends = [
        [end if end != OUTSIDE else other for end, other in pair]
        for flow in flows
        if flow.waits
        for pair in [((flow.source, flow.target), (flow.target, flow.source))]
    ]
    one, other = np.array(ends, dtype=np.int64).reshape(-1, 2).T
    return linked_groups(n, one, other)
