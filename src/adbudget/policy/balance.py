"""Wanted moves and bounds -> new budgets whose total is exact to the cent.

Knows nothing of rules, metrics or reasons. All money is whole minor units (cents) per day.

The order of service: money freed by cuts pays the raises that rules want; what is left goes to
campaigns that hold, cheapest result first; what is still left scales the cuts back. Where the total
may change by less than it is allowed to, what no rule asks for is left over instead. When the freed
money does not reach, the raises are scaled back instead. Scaling is in proportion, and cents are
given out by largest remainder, so no campaign ends outside its bounds. The order of rows decides
nothing: equals are served in the order of their campaign id.
"""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

REBALANCE_LIMIT = Decimal("0.10")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Wishes:
    """What every campaign has, what its rule wants, and how far it may go.

    Attributes
    ----------
    campaign_ids : (campaign,) different from each other
    budget : (campaign,) int64
    wanted : (campaign,) int64, the move a rule asks for; below zero is a cut
    lowest, highest : (campaign,) int64, lowest <= budget <= highest
    may_take_part : (campaign,) bool, campaigns that hold and may be given money that is left, or
        asked for money that is missing
    cost : (campaign,) what a result costs; the lowest is served first, NaN never
    total_change : by how much the total shall change
    at_most : it may change by less, so that what is freed and not asked for is left over
    rebalance_limit : largest move of a campaign that holds, as a share of its budget
    """

    campaign_ids: tuple[str, ...]
    budget: np.ndarray
    wanted: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray
    may_take_part: np.ndarray
    cost: np.ndarray
    total_change: int = 0
    at_most: bool = False
    rebalance_limit: Decimal = REBALANCE_LIMIT


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Balance:
    """Budgets after balancing.

    Attributes
    ----------
    budget : (campaign,) int64, within the bounds
    allowed : (campaign,) int64, the wanted move cut to the bounds, before scaling
    rebalanced : (campaign,) bool, moved although no rule asked for it
    unplaced : total change asked for minus total change made; not zero only when the bounds leave
        no room for a change of the total
    """

    budget: np.ndarray
    allowed: np.ndarray
    rebalanced: np.ndarray
    unplaced: int


def balance(wishes: Wishes) -> Balance:
    """New budgets: raises paid by cuts, exact to the cent, inside every bound.

    Parameters
    ----------
    wishes : budgets, wanted moves, bounds

    Returns
    -------
    Balance

    References
    ----------
    Largest remainder: Hamilton's method; Balinski & Young (1982), Fair Representation.
    """
    room_down, room_up = wishes.lowest - wishes.budget, wishes.highest - wishes.budget
    allowed = np.clip(wishes.wanted, room_down, room_up)
    raised, freed = int(allowed[allowed > 0].sum()), -int(allowed[allowed < 0].sum())
    pool = freed + wishes.total_change
    order = np.array(sorted(range(len(allowed)), key=wishes.campaign_ids.__getitem__), dtype=int)
    shared = np.zeros_like(allowed)
    if pool >= raised and wishes.at_most:
        moves = [np.maximum(allowed, 0), np.minimum(allowed, 0)]
    elif pool >= raised:
        shared = _share_out(pool - raised, room_up, wishes, order)
        back = pool - raised - int(shared.sum())
        kept_cut = max(freed - back, 0)
        moves = [_part(allowed, allowed > 0, raised, order)]
        moves += [_part(allowed, allowed < 0, kept_cut, order)]
    else:
        missing = max(-pool, 0)
        shared = -_share_out(missing, -room_down, wishes, order, dearest_first=True)
        moves = [_part(allowed, allowed > 0, max(pool, 0), order)]
        moves += [_part(allowed, allowed < 0, freed, order)]
    made = moves[0] + moves[1] + shared
    change = wishes.total_change - int(made.sum())
    return Balance(
        budget=wishes.budget + made,
        allowed=allowed,
        rebalanced=shared != 0,
        unplaced=min(change, 0) if wishes.at_most else change,
    )


def _share_out(
    money: int,
    room: np.ndarray,
    wishes: Wishes,
    order: np.ndarray,
    *,
    dearest_first: bool = False,
) -> np.ndarray:
    """(campaign,) what campaigns that hold are given, one after the other, each up to its limit."""
    top, bottom = wishes.rebalance_limit.as_integer_ratio()
    shared = np.zeros_like(wishes.budget)
    may = order[(wishes.may_take_part & (wishes.wanted == 0) & ~np.isnan(wishes.cost))[order]]
    cost = -wishes.cost[may] if dearest_first else wishes.cost[may]
    for i in may[np.argsort(cost, kind="stable")]:
        if money == 0:
            break
        limit = int(wishes.budget[i]) * top // bottom
        shared[i] = min(money, limit, max(int(room[i]), 0))
        money -= int(shared[i])
    return shared


def _part(allowed: np.ndarray, chosen: np.ndarray, total: int, order: np.ndarray) -> np.ndarray:
    """(campaign,) the chosen moves scaled in proportion so that their sizes add up to ``total``.

    Fractions of a cent are settled on the budgets, not on the moves: the new budget with the
    largest fraction is rounded up first, of equals the first campaign id.
    """
    moves = np.zeros_like(allowed)
    members = order[chosen[order]]
    wanted = [int(move) for move in allowed[members]]
    whole = sum(map(abs, wanted))
    if not whole:
        return moves
    sign = 1 if wanted[0] > 0 else -1
    pairs = [divmod(move * total, whole) for move in wanted]  # Python integers cannot overflow
    moves[members] = [cents for cents, _ in pairs]
    missing = sign * total - sum(cents for cents, _ in pairs)
    largest = sorted(range(len(pairs)), key=lambda k: -pairs[k][1])[:missing]
    moves[members[largest]] += 1
    return moves
