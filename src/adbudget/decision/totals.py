"""Plan of the calls -> the totals that hold it, and what the next money would earn there.

With the default a total never rises, so a channel that earns three times its cost stays where it is
once nothing else may give. That is a limit and not a balance, and worth money to whoever sets it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from adbudget.decision.moves import cell_money, marginal_money
from adbudget.errors import InfeasibleError
from adbudget.optimizer import Proposal, optimize
from adbudget.risk import prob_gain

NEXT_SHARE = 0.10  # of a total, which is what is tried beside it
INTERVAL = (0.05, 0.95)
SPENT = 1e-6  # share of a total below which what is left of it is rounding
LEAST_RISE = 1e-3  # share of a cell's spend below which a rise is rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldTotal:
    """A total that is spent, and what a little more of it would earn. Money per period.

    Attributes
    ----------
    pool : name of the account, or of the pool of accounts, whose total it is
    accounts, currency : of the pool
    total : money that may be spent
    added : of the next tenth of it, what would find a use that is likely enough to pay
    gain, gain_low, gain_high : margin that ``added`` would earn after what it costs, and its 90%
        interval
    price, price_low, price_high : margin that one more unit of money would bring at the cell where
        it brings most: the shadow price, its cost included
    channels : where it would be spent, the largest part first
    """

    pool: str
    accounts: tuple[str, ...]
    currency: str
    total: float
    added: float
    gain: float
    gain_low: float
    gain_high: float
    price: float
    price_low: float
    price_high: float
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NextMoney:
    """What the cells of spent totals would do with a tenth more.

    Attributes
    ----------
    totals : those that more money would be likely enough to pay in
    prob : (cell,) probability that the money a cell would get pays; NaN where it would get none
    pays : (cell,) whether that is likely enough
    """

    totals: tuple[HeldTotal, ...]
    prob: np.ndarray
    pays: np.ndarray

    @classmethod
    def none(cls, n_cells: int) -> "NextMoney":
        """Nothing is held by a total."""
        return cls(totals=(), prob=np.full(n_cells, np.nan), pays=np.zeros(n_cells, dtype=bool))


def next_money(
    kept: Proposal, considered: Proposal, needed: np.ndarray, smallest: np.ndarray
) -> NextMoney:
    """Give every total that is spent a tenth more, on top of the plan, and see what it earns.

    No cell falls for it, and none rises above its own limits. Cells whose part is not likely enough
    to pay get none, nor do cells whose own limits leave no room for a meaningful move: it is not
    the total that holds those.

    Parameters
    ----------
    kept : the plan of the calls
    considered : the plan as first proposed, whose bounds say how far each cell may go
    needed : (cell,) probability that a cell's part needs; above 1 where no part is likely enough
    smallest : (cell,) smallest meaningful move, money per period
    """
    n_cells = needed.size
    spent = dict(_spent_totals(kept, considered))
    if not spent:
        return NextMoney.none(n_cells)
    spend = kept.plan.spend
    pool = considered.pool_of_cell
    room = (considered.most_spend(spend) - spend).to_numpy()
    may_rise = pool.isin(list(spent)).to_numpy() & (needed <= 1) & (room > 0)
    may_rise &= room >= smallest * (1 - SPENT)
    prob = np.full(n_cells, np.nan)
    today = cell_money(kept.draws, spend)
    while True:
        try:
            after = _with_more(kept, considered, spent, may_rise)
        except InfeasibleError:  # other limits leave next to no room for more
            return NextMoney.none(n_cells)
        added = (after - spend).to_numpy()
        gain = cell_money(kept.draws, after) - today - added
        rises = added > LEAST_RISE * np.maximum(spend.to_numpy(), SPENT * added.max(initial=0.0))
        own = np.array([prob_gain(column) for column in gain.T])
        prob = np.where(np.isnan(prob) & rises, own, prob)
        failing = rises & (own < needed)
        if not failing.any():
            break
        may_rise &= ~failing
    totals = tuple(_held(kept, considered, spent, np.where(rises, added, 0.0), gain))
    return NextMoney(totals=totals, prob=prob, pays=rises)


def _spent_totals(kept: Proposal, considered: Proposal) -> Iterator[tuple[str, float]]:
    """(pool, total) of those that the plan spends to the last cent."""
    by_pool: Any = kept.plan.spend.groupby(considered.pool_of_cell.to_numpy(), sort=False).sum()
    for name, total in considered.totals.items():
        if by_pool[name] >= total * (1 - SPENT) and total > 0:
            yield str(name), float(total)


def _with_more(
    kept: Proposal, considered: Proposal, spent: dict[str, float], may_rise: np.ndarray
) -> pd.Series:
    """Spend by cell with a tenth more in the totals that are spent; none falls."""
    spend, cells = kept.plan.spend, kept.plan.spend.index
    most = np.maximum(considered.most_spend(spend), spend)
    highest = np.where(may_rise, most, spend)
    limits = replace(
        considered.limits,
        change=None,
        lower=dict(zip(cells, spend, strict=True)),
        upper=dict(zip(cells, highest, strict=True)),
        total="at_most",
        budget={
            str(name): (1 + NEXT_SHARE * (name in spent)) * max(total, 0.0)
            for name, total in considered.totals.items()
        },
        fixed=(),
        step=None,
        beyond_observed=True,
    )
    after = optimize(kept.draws, spend, limits, kept.risk).plan.spend
    return after.clip(lower=spend)


def _held(
    kept: Proposal,
    considered: Proposal,
    spent: dict[str, float],
    added: np.ndarray,
    gain: np.ndarray,
) -> Iterator[HeldTotal]:
    """One record per total that would use more."""
    spend = kept.plan.spend
    pool, account = considered.pool_of_cell.to_numpy(), spend.index.get_level_values(0)
    currency = dict(zip(kept.draws.accounts, kept.draws.currency, strict=True))
    slope = marginal_money(kept.draws, spend)
    for name, total in spent.items():
        cells = np.flatnonzero((pool == name) & (added > 0))
        if not cells.size:
            continue
        earned = gain[:, cells].sum(axis=1)
        best = slope[:, cells[slope[:, cells].mean(axis=0).argmax()]]
        low, high = np.quantile(earned, INTERVAL)
        price_low, price_high = np.quantile(best, INTERVAL)
        channels = spend.index.get_level_values(1)[cells[np.argsort(-added[cells])]]
        members = tuple(dict.fromkeys(account[pool == name]))
        yield HeldTotal(
            pool=name,
            accounts=members,
            currency=currency[members[0]],
            total=total,
            added=float(added[cells].sum()),
            gain=float(earned.mean()),
            gain_low=float(low),
            gain_high=float(high),
            price=float(best.mean()),
            price_low=float(price_low),
            price_high=float(price_high),
            channels=tuple(dict.fromkeys(channels)),
        )
