"""Fit + standing budgets -> a plan: the best step of the cycle, and a lean that is learned from.

A loop takes many small steps that can be taken back, so it follows the best plan under the stated
risk, where a single decision waits for calls that are sure. Constant spend teaches nothing, so a
plan also leans towards the best plan for one joint posterior draw (Thompson sampling), as far as
that is expected to cost no more than was set aside for it. The lean of the last cycle is taken back
first: what is only tried does not add up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from adbudget.decision.moves import cell_money
from adbudget.draws import CurveDraws
from adbudget.loop.campaigns import money_by_cell
from adbudget.loop.settings import LoopSettings
from adbudget.optimizer import Proposal, optimize
from adbudget.plan import Cell, Limits
from adbudget.risk import Risk

if TYPE_CHECKING:
    from adbudget.model.fit import Fit

HALVINGS = 20
ROUNDING = 1e-9  # of a cell's spend


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Draft:
    """A plan before it is rehearsed. Money is account currency per period of the fit.

    Attributes
    ----------
    current, settled, plan : Series by (account, channel): what is set, the same without what was
        only tried, and what is to be set
    base : Series by cell, the best step without the lean
    explored : Series by cell, how much of the plan is there to learn from
    exploration_cost : what exploring is expected to cost against the best plan, money per period
    proposal : the best plan within the limits, with the price of each
    """

    current: pd.Series
    settled: pd.Series
    plan: pd.Series
    base: pd.Series
    explored: pd.Series
    exploration_cost: float
    proposal: Proposal


def propose(
    fit: "Fit",
    current: pd.Series,
    settled: pd.Series,
    limits: Limits,
    settings: LoopSettings,
    rng: np.random.Generator,
    blocked: Mapping[Cell, str],
) -> Draft:
    """Make a plan within the limits.

    Parameters
    ----------
    fit : what is known
    current : the budgets that are set, per period, by cell of the fit
    settled : the same without what the last cycle only tried
    limits : what the step may be
    settings : for the risk and the exploration
    rng : chance of the draw that is explored
    blocked : cells whose data decide nothing, and why; they keep what they have
    """
    held = replace(limits, fixed=tuple({*limits.fixed, *blocked}))
    best = optimize(fit.draws, settled, held, Risk(aversion=settings.aversion))
    base = best.plan.spend.reindex(current.index) if fit.health.ok else settled
    explored, cost = pd.Series(0.0, index=current.index), 0.0
    if settings.exploration and fit.health.ok:
        room = settings.exploration * float(current.sum())
        tried = _around(held, base, settings.change / 2)
        explored, cost = explore(fit.draws, base, tried, room, rng)
    # What is tried already stays so where the fit cannot be trusted, and what of a lean a cycle has
    # no room for is not taken for one: it would be taken back from the step.
    plan = _within(base + explored, current, settings.change) if fit.health.ok else current
    lean = plan - base
    return Draft(
        current=current,
        settled=settled,
        plan=plan,
        base=base,
        explored=lean.where(lean.abs() > ROUNDING * base.abs(), 0.0),
        exploration_cost=cost,
        proposal=best,
    )


def explore(
    draws: CurveDraws,
    base: pd.Series,
    limits: Limits,
    room: float,
    rng: np.random.Generator,
) -> tuple[pd.Series, float]:
    """How far a plan leans towards the best plan of one draw.

    Parameters
    ----------
    draws : joint posterior draws
    base : the plan that is leaned away from, by cell
    limits : how far it may lean
    room : what it may be expected to cost, money per period
    rng : which draw

    Returns
    -------
    Spend added, by cell, and what that is expected to cost against ``base``: 0 where it is expected
    to gain. Value is concave in spend, so the cost is convex along the way, and the furthest point
    within the room is found by halving

    References
    ----------
    Thompson (1933), Biometrika 25, 285-294; Russo et al. (2018), A tutorial on Thompson sampling.
    """
    one = draws.isel([int(rng.integers(draws.n_draws))])
    target = optimize(one, base, limits, Risk(aversion=0.0)).plan.spend.reindex(base.index)
    way = target - base
    before = _value(draws, base)
    low, high = 0.0, 1.0
    if before - _value(draws, base + way) <= room:
        low = 1.0
    else:
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            if before - _value(draws, base + middle * way) <= room:
                low = middle
            else:
                high = middle
    return low * way, max(before - _value(draws, base + low * way), 0.0)


def _around(limits: Limits, base: pd.Series, change: float) -> Limits:
    """The same limits for a lean away from a plan that keeps them, up to rounding."""
    lower, upper = (
        value if isinstance(value, dict) else {} for value in (limits.lower, limits.upper)
    )
    money = money_by_cell(base)
    return replace(
        limits,
        change=change,
        lower={cell: min(bound, money[cell]) for cell, bound in lower.items()} or None,
        upper={cell: max(bound, money[cell]) for cell, bound in upper.items()} or None,
    )


def _within(plan: pd.Series, current: pd.Series, change: float) -> pd.Series:
    """The plan, no cell further from what is set than a cycle may move it, accounts balanced."""
    way = (plan - current).clip(-change * current, change * current)
    return current + way - _unbalanced(way)


def _unbalanced(way: Any) -> Any:
    """What must be taken back so that every account's moves add up to nothing, in proportion."""
    total = way.groupby(level=0).transform("sum")
    same = np.sign(way) == np.sign(total)
    size = way.abs().where(same, 0.0)
    whole = size.groupby(level=0).transform("sum")
    return pd.Series(
        np.where(whole > 0, total * size / whole.where(whole > 0, 1.0), 0.0), way.index
    )


def _value(draws: CurveDraws, spend: pd.Series) -> float:
    """Mean value per period: contribution margin less spend."""
    return float(cell_money(draws, spend).mean(axis=0).sum() - spend.sum())
