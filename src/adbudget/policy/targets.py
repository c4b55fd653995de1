"""Target budgets of a plan made elsewhere -> wishes of the campaigns, pool by pool.

A plan of the model goes the way of a rule's wish: bounded by the guardrails, paid by cuts of its
own pool, approved, logged and stopped by the kill switch. Knows nothing of how the plan was made.
"""

from dataclasses import dataclass, replace

import numpy as np

from adbudget.policy.balance import Balance, Wishes, balance
from adbudget.policy.firing import Fired
from adbudget.policy.funding import OUTSIDE, Flow, Funding, fund
from adbudget.policy.readings.readings import Readings


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Targets:
    """What a plan asks for, campaign by campaign, in the order of the readings.

    Attributes
    ----------
    aimed : (campaign,) bool, the plan speaks of it
    goal : (campaign,) int64, minor units per day; today's budget where it does not
    moved_since : (campaign,) bool, its budget is no longer the one the plan was made from
    pool : (campaign,) position of the pool in which money stays: cuts pay raises of their own pool
    why : (campaign,) one sentence, "" for none
    probability : (campaign,) that the move pays, NaN where nobody says
    """

    aimed: np.ndarray
    goal: np.ndarray
    moved_since: np.ndarray
    pool: np.ndarray
    why: tuple[str, ...]
    probability: np.ndarray


def aimed_at(fired: Fired, targets: Targets | None, readings: Readings) -> Fired:
    """What the rules say, with the plan's wish in the place of theirs where the plan has one.

    A rule that pauses or holds a campaign is obeyed. One that would move it the other way is an
    objection: the plan's move then waits for a person.
    """
    if targets is None:
        return fired
    asks = targets.aimed & ~fired.pauses & ~fired.holds
    wish = targets.goal - readings.budget_minor
    return replace(
        fired,
        wanted=np.where(asks, wish, np.where(targets.aimed, 0, fired.wanted)),
        objects=asks & (np.sign(wish) * np.sign(fired.wanted) < 0),
        probability=np.where(asks, targets.probability, fired.probability),
        planned=asks,
    )


def balance_pools(wishes: Wishes, targets: Targets | None) -> Balance:
    """As :func:`adbudget.policy.balance.balance`, each pool by itself where there is a plan.

    What a plan cuts and does not ask for stays unspent: no other campaign is given it.
    """
    if targets is None:
        return balance(wishes)
    total = max(int(wishes.budget.sum()), 1)
    made, allowed = np.array(wishes.budget), np.zeros_like(wishes.budget)
    rebalanced, unplaced = np.zeros(made.size, bool), 0
    for own in _members(targets.pool):
        share = int(wishes.budget[own].sum())
        one = balance(
            replace(
                wishes,
                campaign_ids=tuple(wishes.campaign_ids[i] for i in own),
                **{
                    name: getattr(wishes, name)[own]
                    for name in ("budget", "wanted", "lowest", "highest", "cost")
                },
                may_take_part=wishes.may_take_part[own] & ~targets.aimed[own],
                total_change=abs(wishes.total_change)
                * share
                // total
                * (1 if wishes.total_change > 0 else -1),
                at_most=True,
            )
        )
        made[own], allowed[own], rebalanced[own] = one.budget, one.allowed, one.rebalanced
        unplaced += one.unplaced
    return Balance(budget=made, allowed=allowed, rebalanced=rebalanced, unplaced=unplaced)


def fund_pools(
    change: np.ndarray,
    priority: np.ndarray,
    limit: int,
    always: np.ndarray,
    targets: Targets | None,
) -> Funding:
    """As :func:`adbudget.policy.funding.fund`, each pool by itself where there is a plan."""
    if targets is None:
        return fund(change, priority, limit, always)
    flows: list[Flow] = []
    now, group = np.zeros_like(change), np.full(change.size, -1)
    for own in _members(targets.pool):
        one = fund(change[own], priority[own], limit, always[own])
        place = [*own.tolist(), OUTSIDE]  # OUTSIDE is -1, the last
        flows += [
            replace(flow, source=place[flow.source], target=place[flow.target])
            for flow in one.flows
        ]
        now[own] = one.change_now
        group[own] = np.where(one.group >= 0, own[np.maximum(one.group, 0)], -1)
    return Funding(flows=tuple(flows), change_now=now, group=group)


def _members(pool: np.ndarray) -> list[np.ndarray]:
    return [np.flatnonzero(pool == name) for name in np.unique(pool)]
