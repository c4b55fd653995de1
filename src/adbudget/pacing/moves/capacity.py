"""Plan + measures + rules -> who may give, who may take, and within which bounds. Moves nothing.

A donor gives what it is projected to leave, a taker takes what it is projected to need. Every
bound that is broken already may stay as it is, but not be broken further.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np

from adbudget.pacing.booked.flight import FlightPlan
from adbudget.pacing.delivery.measures import Measures
from adbudget.pacing.moves.flows import JointBound
from adbudget.pacing.moves.move_rules import MoveRules
from adbudget.policy.daily_limit import day_bounds
from adbudget.policy.rulebook import Policy


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Needs:
    """Who has money to spare and who is short. Minor units, (deal,) int64.

    Attributes
    ----------
    spare : what the deal is projected to leave, as far as it may give it away
    short : what the deal is projected to need beyond its budget, as far as it may take it
    held : (deal,) why a deal that misses its budget may not move; "" when it may
    """

    spare: np.ndarray
    short: np.ndarray
    held: np.ndarray


def needs_of(
    plan: FlightPlan,
    measures: Measures,
    rules: MoveRules,
    *,
    policy: Policy | None = None,
    locked: Collection[str] = (),
    openings: Mapping[str, int] | None = None,
    sides: np.ndarray | None = None,
    untouchable: Mapping[str, str] | None = None,
    refused: Mapping[tuple[str, int], str] | None = None,
) -> Needs:
    """What every deal may give or take.

    Parameters
    ----------
    plan, measures : of the same deals
    rules : how sure a projection must be, and what a running deal keeps
    policy : its ``max_daily_change`` bounds how far a budget moves from that of the morning
    locked : deals that must not move, besides those locked in the plan
    openings : budgets of the morning of the deals that have moved today, minor units
    sides : (deal,) +1 for deals that are too far above their plan to give, -1 for those too far
        below it to take; nobody when None
    untouchable : deal -> why nothing is known surely enough of it to move its money
    refused : (deal, 1 to get or -1 to give) -> why a person's no still holds
    """
    untouchable = untouchable or {}
    sides = np.zeros(len(plan), np.int64) if sides is None else sides
    budget, spent = plan.budget_minor, measures.spent_minor
    known = np.isfinite(measures.projected_minor) & (measures.elapsed_days > 0)
    projected = np.rint(np.where(known, measures.projected_minor, budget)).astype(np.int64)
    running = measures.remaining_days > 0
    still = np.array([deal in locked for deal in plan.deals], bool) | plan.locked
    unsure = np.array([deal in untouchable for deal in plan.deals], bool)
    low, high = np.zeros(len(plan), np.int64), plan.maximum_minor
    if policy is not None:
        low, high = day_bounds(policy, plan.deals, budget, openings or {})
    kept = -np.floor(-(budget - spent) * rules.keep_share).astype(np.int64)  # rounded up
    floor = np.where(running, spent + np.maximum(projected - spent, kept), spent)
    floor = np.maximum.reduce([floor, plan.minimum_minor, low])
    most = np.minimum.reduce([projected, plan.maximum_minor, high])
    leaves = known & (projected < budget) & (measures.prob_under >= rules.sure_of_pace)
    lacks = known & (projected > budget) & (measures.prob_over >= rules.sure_of_pace)
    may = ~still & ~unsure
    spare = np.where(leaves & may & (sides <= 0), np.maximum(budget - floor, 0), 0)
    short = np.where(lacks & running & may & (sides >= 0), np.maximum(most - budget, 0), 0)
    held = np.full(len(plan), "", dtype=object)
    held[(leaves | lacks) & (spare == 0) & (short == 0)] = "a bound of its own leaves no room"
    held[leaves & (sides > 0)] = "it is above its plan today, and slow only lately"
    held[lacks & (sides < 0)] = "it is below its plan today, and fast only lately"
    held[lacks & ~running] = "its flight is over"
    held[(leaves | lacks) & still] = "it is locked"
    for i in np.flatnonzero((leaves | lacks) & unsure).tolist():
        held[i] = untouchable[plan.deals[i]]
    place = plan.place
    for (deal, sign), why in (refused or {}).items():
        wanted = short if sign > 0 else spare
        if deal in place and wanted[place[deal]]:
            wanted[place[deal]] = 0
            held[place[deal]] = why
    return Needs(spare=spare.astype(np.int64), short=short.astype(np.int64), held=held)


def pools_of(plan: FlightPlan) -> tuple[np.ndarray, np.ndarray]:
    """Position of each deal's pool and of its channel in that pool: two (deal,) arrays.

    Money stays in its campaign, account and currency.
    """
    keys = list(zip(plan.campaign, plan.account, plan.currency, strict=True))
    pool = _codes(keys)
    return pool, _codes(list(zip(pool.tolist(), plan.channel, strict=True)))


def joint_bounds(plan: FlightPlan) -> tuple[JointBound, ...]:
    """Bounds of sellers and channels, as bounds of what their deals may change together."""
    inside: dict[tuple[str, str, str], list[int]] = {}
    levels: tuple[Literal["seller", "channel"], ...] = ("seller", "channel")
    for level in levels if plan.limits else ():
        for i, key in enumerate(zip(plan.campaign, plan.names(level), strict=True)):
            inside.setdefault((level, *key), []).append(i)
    groups = []
    for limit in plan.limits:
        members = np.array(inside.get((limit.level, limit.campaign, limit.name), []), np.int64)
        held = int(plan.budget_minor[members].sum())
        groups.append(
            JointBound(
                members=members,
                lowest=min(0, limit.minimum_minor - held),
                highest=max(0, limit.maximum_minor - held),
            )
        )
    return tuple(groups)


def most_of(plan: FlightPlan, pool: np.ndarray, rules: MoveRules) -> np.ndarray:
    """(pool,) what may move in one cycle, minor units."""
    total = np.zeros(int(pool.max()) + 1 if pool.size else 0, np.int64)
    np.add.at(total, pool, plan.budget_minor)
    top, bottom = Fraction(str(rules.max_share)).as_integer_ratio()
    return np.array([int(held) * top // bottom for held in total], dtype=np.int64)


def _codes(keys: list) -> np.ndarray:
    """Equal keys -> equal whole numbers, in the order of their first appearance."""
    seen: dict = {}
    return np.array([seen.setdefault(key, len(seen)) for key in keys], dtype=np.int64)
