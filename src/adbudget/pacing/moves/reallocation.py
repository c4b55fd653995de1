"""Plan + delivery + measures -> moves of money between deals. All of reallocation in one call.

From deals that will not spend their money to deals that can use it and deserve it, in one
optimization over all deals. Knows no ledger and sends nothing: what it knows of earlier runs comes
in as arguments.
"""

from collections.abc import Collection, Mapping

import numpy as np

from adbudget.money import check_currency
from adbudget.pacing.booked.flight import FlightPlan
from adbudget.pacing.delivery.delivered import Delivery
from adbudget.pacing.delivery.measures import Measures
from adbudget.pacing.moves.capacity import Needs, joint_bounds, most_of, needs_of, pools_of
from adbudget.pacing.moves.efficiency import Worth, drawn_worth, observed_worth
from adbudget.pacing.moves.flows import Capacity, best_flows
from adbudget.pacing.moves.move import Move, MovePlan
from adbudget.pacing.moves.move_rules import MoveRules
from adbudget.pacing.moves.verdicts import MoveCase, judged
from adbudget.policy.rulebook import Policy

__all__ = ["Move", "MovePlan", "MoveRules", "propose_moves"]


def propose_moves(
    plan: FlightPlan,
    delivery: Delivery,
    measures: Measures,
    *,
    rules: MoveRules | None = None,
    policy: Policy | None = None,
    marginal: object | None = None,
    seed: int = 0,
    locked: Collection[str] = (),
    openings: Mapping[str, int] | None = None,
    sides: np.ndarray | None = None,
    untouchable: Mapping[str, str] | None = None,
    refused: Mapping[tuple[str, int], str] | None = None,
    kill_on: bool = False,
    run_id: str = "",
) -> MovePlan:
    """Move money from deals that will not spend it to deals where it works.

    Money stays in its campaign, account and currency, goes to the same channel first, and every
    total is exact. With outcomes, a deal is given money only if it more likely than not works
    better than with the donors. Without them, every move waits for a person.

    Parameters
    ----------
    plan, delivery, measures : of the same deals
    rules : limits of one cycle; the defaults of :class:`MoveRules` when None
    policy : from :func:`adbudget.load_policy`. ``max_daily_change`` bounds how far the budget of a
        flight moves in a day; ``approval_limit`` is compared with the change per remaining day
    marginal : (draw, account, channel) value per extra unit of money, such as
        ``curves.marginal(spend)`` times ``unit_value``; then it compares channels
    seed : of draws, needed only with ``marginal``
    locked : deals that must not move, besides those the plan locks
    openings : deal -> budget of the morning in minor units, of deals that have moved today
    sides : (deal,) +1 for deals too far above their plan to give money away, -1 for those too far
        below it to be given any; nobody when None
    untouchable : deal -> why nothing is known surely enough of it to move its money
    refused : (deal, 1 to get or -1 to give) -> why a person's no to such a move still holds; from
        :func:`adbudget.pacing.moves.refused.refused_moves`
    kill_on : the kill switch is on: moves are shown, and blocked
    run_id : of the run in the ledger

    Returns
    -------
    MovePlan

    Raises
    ------
    InputError : ``marginal`` is not what it should be
    PolicyError : the policy is in another currency than the plan
    """
    rules = rules or MoveRules()
    if policy is not None:
        for code in sorted(set(plan.currency)):
            check_currency(policy.currency, code, "the flight plan")
    needs = needs_of(
        plan,
        measures,
        rules,
        policy=policy,
        locked=locked,
        openings=openings,
        sides=sides,
        untouchable=untouchable,
        refused=refused,
    )
    if not (needs.spare.any() and needs.short.any()):
        return MovePlan(moves=(), changes=(), held=_held(plan, needs, None, None))
    pool, channel = pools_of(plan)
    worth = _worth(plan, delivery, pool, marginal, seed)
    probability = worth.prob_better(pool, needs.spare)
    deserves = ~(probability < 0.5)  # nothing known is no reason against it: a person decides
    flows = best_flows(
        Capacity(
            pool=pool,
            channel=channel,
            give=needs.spare,
            take=np.where(deserves, needs.short, 0),
            worth=_within_pool(worth.mean, pool),
            most=most_of(plan, pool, rules),
            groups=joint_bounds(plan),
        ),
        _minimum(plan, rules, pool),
    )
    case = MoveCase(
        plan=plan,
        measures=measures,
        worth=worth,
        flows=flows,
        probability=probability,
        rules=rules,
        policy=policy,
        kill_on=kill_on,
        run_id=run_id,
    )
    moves, changes = judged(case)
    moved = np.zeros(len(plan), bool)
    moved[flows.source] = moved[flows.target] = True
    return MovePlan(moves=moves, changes=changes, held=_held(plan, needs, deserves, moved))


def _worth(
    plan: FlightPlan, delivery: Delivery, pool: np.ndarray, marginal: object | None, seed: int
) -> Worth:
    observed = observed_worth(plan, delivery, pool)
    if marginal is None:
        return observed
    return drawn_worth(plan, observed, pool, marginal, seed=seed)


def _within_pool(mean: np.ndarray, pool: np.ndarray) -> np.ndarray:
    """(deal,) worth as a share of the best of the pool; 0 where nothing is known."""
    known = np.nan_to_num(mean, nan=0.0)
    best = np.zeros(int(pool.max()) + 1)
    np.maximum.at(best, pool, known)
    return np.where(best[pool] > 0, known / np.where(best[pool] > 0, best[pool], 1.0), 0.0)


def _minimum(plan: FlightPlan, rules: MoveRules, pool: np.ndarray) -> np.ndarray:
    """(pool,) smallest move in minor units; a minimum finer than the currency is one unit of it."""
    least = np.ones(int(pool.max()) + 1, np.int64)
    for digits in np.unique(plan.exponent).tolist():
        minor = -int(-rules.minimum.scaleb(digits) // 1)  # rounded up to a whole minor unit
        least[pool[plan.exponent == digits]] = max(1, minor)
    return least


def _held(
    plan: FlightPlan, needs: Needs, deserves: np.ndarray | None, moved: np.ndarray | None
) -> dict[str, str]:
    """Deal -> why it neither gives nor gets although it misses its budget."""
    why = needs.held.copy()
    misses = (needs.spare > 0) | (needs.short > 0)
    if moved is not None:
        misses &= ~moved
    why[misses & (needs.spare > 0)] = "nobody in its campaign can take more of its money"
    why[misses & (needs.short > 0)] = "nobody in its campaign can give it more"
    if deserves is not None:
        why[misses & (needs.short > 0) & ~deserves] = "money works better with the donors"
    return {plan.deals[i]: why[i] for i in np.flatnonzero(why != "")}
