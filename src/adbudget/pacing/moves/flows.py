"""Who can give, who can take, and how much groups may hold -> who pays whom, in whole cents.

One linear program over all deals of all campaigns: within a channel first, then across channels,
to the deals whose money is worth most. Knows nothing of pace, outcomes or approval.

Every deal is a row of its own inside the row of its seller, every move within a channel and every
move across channels is in one balance; two such nested families make a totally unimodular matrix
(Schrijver 2003, Combinatorial Optimization, theorem 41.11), so corners of the program are whole
cents. The limit on a pool's total can break that; then the best of the neighbouring whole cents is
searched. There always is one: the least total among them is a program without that limit, with
whole corners, and within it.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from adbudget.errors import InfeasibleError

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult
    from scipy.sparse import csr_array

WITHIN_FIRST = 100.0  # what a unit within a channel counts beyond its worth
ACROSS = 1.0
DONOR = 0.1  # of two donors, the one whose money is worth less gives
LARGER_NEED = 1e-3  # between deals of the same worth
CENT = 1e-3  # of a minor unit: how near to a whole one the solver comes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JointBound:
    """Deals whose budgets are bounded together.

    Attributes
    ----------
    members : positions of deals
    lowest, highest : of the sum of their changes, minor units; lowest <= 0 <= highest
    """

    members: np.ndarray
    lowest: int
    highest: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Capacity:
    """What may move. Money is minor units.

    Attributes
    ----------
    pool : (deal,) whole numbers from 0; money stays in its pool
    channel : (deal,) whole numbers, different for channels of different pools
    give, take : (deal,) int64 >= 0; a deal has at most one of the two
    worth : (deal,) in [0, 1], comparable within a pool
    most : (pool,) int64, what may move in a pool at most
    groups : every other bound
    """

    pool: np.ndarray
    channel: np.ndarray
    give: np.ndarray
    take: np.ndarray
    worth: np.ndarray
    most: np.ndarray
    groups: tuple[JointBound, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Flows:
    """Moves of money; a donor may appear several times, its money never twice.

    Attributes
    ----------
    source, target : (flow,) positions of deals
    minor : (flow,) int64 minor units, at least the minimum
    """

    source: np.ndarray
    target: np.ndarray
    minor: np.ndarray


def best_flows(capacity: Capacity, minimum: np.ndarray) -> Flows:
    """Move as much as helps, and never less than the minimum at a time.

    A pool in which the best amounts would need a move below the minimum is shared out in whole
    multiples of it instead, which gives up less than one minimum per deal.

    Parameters
    ----------
    capacity : what may move; moving nothing is always possible
    minimum : (pool,) int64, smallest move in minor units, at least 1

    Returns
    -------
    Flows, by pool; exact: what leaves the donors of a pool is what arrives
    """
    active = _active(capacity)
    flows = _pairs(capacity, _solve(capacity, active, np.ones_like(minimum)))
    least = minimum[capacity.pool[flows.source]]
    small = np.zeros(minimum.size, bool)
    small[capacity.pool[flows.source[flows.minor < least]]] = True
    if small.any():
        again = _pairs(capacity, _solve(capacity, active & small[capacity.pool], minimum))
        flows = _joined(_kept(flows, ~small[capacity.pool[flows.source]]), again)
    return _kept(flows, np.argsort(capacity.pool[flows.source], kind="stable"))


def _active(capacity: Capacity) -> np.ndarray:
    """(deal,) whether the deal can give or take, in a pool that has both."""
    n = capacity.most.size
    donors = np.bincount(capacity.pool[capacity.give > 0], minlength=n) > 0
    takers = np.bincount(capacity.pool[capacity.take > 0], minlength=n) > 0
    both = donors & takers & (capacity.most > 0)
    return ((capacity.give > 0) | (capacity.take > 0)) & both[capacity.pool]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Amounts:
    """(deal,) int64, below zero for donors: moved within the channel, and across channels."""

    within: np.ndarray
    across: np.ndarray


def _solve(capacity: Capacity, active: np.ndarray, step_of: np.ndarray) -> _Amounts:
    """Best amounts, in multiples of the (pool,) steps."""
    deals = np.flatnonzero(active)
    within, across = np.zeros(active.size, np.int64), np.zeros(active.size, np.int64)
    if deals.size:
        step = step_of[capacity.pool[deals]]
        limit = np.where(capacity.give > 0, capacity.give, capacity.take)[deals] // step
        sign = np.where(capacity.give[deals] > 0, -1, 1)
        found = _program(capacity, deals, sign, limit, step)
        within[deals], across[deals] = sign * found[0] * step, sign * found[1] * step
    return _Amounts(within=within, across=across)


def _program(
    capacity: Capacity, deals: np.ndarray, sign: np.ndarray, limit: np.ndarray, step: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Build and solve: two variables per deal, moved within the channel and across channels."""
    n = deals.size
    need = LARGER_NEED * capacity.take[deals] / max(1, int(capacity.take[deals].max(initial=1)))
    worth = capacity.worth[deals] + need
    gain = np.concatenate([WITHIN_FIRST + worth, ACROSS + worth])
    cost = np.where(np.tile(sign, 2) > 0, -gain, DONOR * np.tile(capacity.worth[deals], 2))
    balance = _balances(capacity, deals, sign)
    bounded, upper = _limits(capacity, deals, sign, limit, step)
    most = np.tile(limit, 2)
    x = _corner(cost, bounded, upper, balance, np.zeros(2 * n), most)
    whole = _whole(x, balance, bounded, upper)
    if whole is None:
        near = np.maximum(np.floor(x - CENT), 0), np.minimum(np.ceil(x + CENT), most)
        x = _whole_neighbour(cost, bounded, upper, balance, *near)
        whole = _whole(x, balance, bounded, upper)
    if whole is None:
        raise InfeasibleError(
            f"no reallocation in whole minor units was found for {n} deals. Moving nothing is "
            "always possible: leave this cycle out, and check the budgets for amounts too large."
        )
    return whole[:n], whole[n:]


def _corner(
    cost: np.ndarray,
    bounded: "csr_array",
    upper: np.ndarray,
    balance: "csr_array",
    low: np.ndarray,
    high: np.ndarray,
) -> np.ndarray:
    """A corner of the program with the least cost."""
    from scipy.optimize import linprog

    solved = linprog(
        cost,
        A_ub=bounded,
        b_ub=upper,
        A_eq=balance,
        b_eq=np.zeros_like(balance @ low),
        bounds=np.stack([low, high], axis=1),
        method="highs-ds",
    )
    return _solution(solved, cost.size // 2)


def _whole_neighbour(
    cost: np.ndarray,
    bounded: "csr_array",
    upper: np.ndarray,
    balance: "csr_array",
    low: np.ndarray,
    high: np.ndarray,
) -> np.ndarray:
    """The same program in whole numbers; nearly all of them are known but for one cent."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    # SciPy takes arrays here; its unannotated defaults read as single numbers.
    within: tuple[Any, Any] = low, high
    most: Any = upper
    solved = milp(
        cost,
        integrality=np.ones_like(cost),
        bounds=Bounds(*within),
        constraints=[LinearConstraint(bounded, ub=most), LinearConstraint(balance, 0, 0)],
    )
    return _solution(solved, cost.size // 2)


def _solution(solved: "OptimizeResult", n_deals: int) -> np.ndarray:
    """What a solver found, or an error that says what it said."""
    if solved.x is None:
        raise InfeasibleError(f"the reallocation of {n_deals} deals: {solved.message}")
    return solved.x


def _whole(
    x: np.ndarray, balance: "csr_array", bounded: "csr_array", upper: np.ndarray
) -> np.ndarray | None:
    """The whole numbers a solution consists of, if it does and every row holds exactly."""
    whole = np.rint(x).astype(np.int64)
    if np.any(np.abs(x - whole) > CENT):
        return None
    exact = np.all(balance.astype(np.int64) @ whole == 0)
    fits = np.all(bounded.astype(np.int64) @ whole <= upper)
    return whole if exact and fits and np.all(whole >= 0) else None


def _balances(capacity: Capacity, deals: np.ndarray, sign: np.ndarray) -> "csr_array":
    """What leaves is what arrives: in every channel, and across the channels of every pool."""
    from scipy.sparse import csr_array

    n = deals.size
    channel = np.unique(capacity.channel[deals], return_inverse=True)[1]
    pool = np.unique(capacity.pool[deals], return_inverse=True)[1]
    n_channels, n_pools = int(channel.max()) + 1, int(pool.max()) + 1
    rows, shape = np.concatenate([channel, n_channels + pool]), (n_channels + n_pools, 2 * n)
    return csr_array((np.tile(sign, 2).astype(float), (rows, np.arange(2 * n))), shape=shape)


def _limits(
    capacity: Capacity, deals: np.ndarray, sign: np.ndarray, limit: np.ndarray, step: np.ndarray
) -> tuple["csr_array", np.ndarray]:
    """Rows <= upper: each deal, each pool's total, each group from both sides."""
    from scipy.sparse import csr_array

    n = deals.size
    place = np.full(capacity.pool.size, -1)
    place[deals] = np.arange(n)
    donors = np.flatnonzero(sign < 0)
    pools, first, pool_row = np.unique(
        capacity.pool[deals[donors]], return_index=True, return_inverse=True
    )
    rows = [np.arange(n), n + pool_row]
    columns, values = [np.arange(n), donors], [np.ones(n), np.ones(donors.size)]
    upper = [*limit.tolist(), *(capacity.most[pools] // step[donors][first]).tolist()]
    for group in capacity.groups:
        inside = place[group.members]
        inside = inside[inside >= 0]
        if not inside.size:
            continue
        for side, bound in ((1, group.highest), (-1, -group.lowest)):
            rows.append(np.full(inside.size, len(upper)))
            columns.append(inside)
            values.append(side * sign[inside].astype(float))
            upper.append(bound // int(step[inside[0]]))
    row, column, value = (np.concatenate(part) for part in (rows, columns, values))
    both = (np.tile(value, 2), (np.tile(row, 2), np.concatenate([column, column + n])))
    return csr_array(both, shape=(len(upper), 2 * n)), np.array(upper, dtype=np.int64)


def _pairs(capacity: Capacity, amounts: _Amounts) -> Flows:
    """Match donors with targets, inside every channel and then across the channels of a pool."""
    within = _match(capacity.channel, amounts.within, capacity.worth)
    return _joined(within, _match(capacity.pool, amounts.across, capacity.worth))


def _match(hub: np.ndarray, change: np.ndarray, worth: np.ndarray) -> Flows:
    """Pay the targets of a hub one after the other, out of its donors one after the other."""
    place = np.arange(change.size)
    gives = np.flatnonzero(change < 0)
    gives = gives[np.lexsort((place[gives], worth[gives], hub[gives]))]
    takes = np.flatnonzero(change > 0)
    takes = takes[np.lexsort((place[takes], -worth[takes], hub[takes]))]
    # every hub balances, so along the line of all cents both orders change hubs at the same cent
    left, arrived = np.cumsum(-change[gives]), np.cumsum(change[takes])
    ends = np.union1d(left, arrived)
    starts = np.concatenate([np.zeros(min(1, ends.size), np.int64), ends[:-1]])
    return Flows(
        source=gives[np.searchsorted(left, starts, side="right")],
        target=takes[np.searchsorted(arrived, starts, side="right")],
        minor=ends - starts,
    )


def _kept(flows: Flows, which: np.ndarray) -> Flows:
    return replace(
        flows, source=flows.source[which], target=flows.target[which], minor=flows.minor[which]
    )


def _joined(first: Flows, second: Flows) -> Flows:
    return Flows(
        source=np.concatenate([first.source, second.source]),
        target=np.concatenate([first.target, second.target]),
        minor=np.concatenate([first.minor, second.minor]),
    )
