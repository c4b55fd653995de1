"""Target budgets of a plan made elsewhere -> wishes of the campaigns they are for.

A plan of the model goes the way of a rule's wish: bounded by the guardrails, paid by cuts of its
own pool, approved, logged and stopped by the kill switch. Knows nothing of how the plan was made.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.policy.balance import Balance, Wishes, balance
from adbudget.policy.firing import Fired
from adbudget.policy.funding import OUTSIDE, Flow, Funding, fund
from adbudget.policy.readings.campaign_columns import read_units
from adbudget.policy.readings.readings import Readings
from adbudget.tables.amounts import need_every, whole_minor
from adbudget.tables.messages import Rows, quoted
from adbudget.tables.named_columns import checked_frame, refuse_twice
from adbudget.tables.roles import column_of
from adbudget.tables.units import split_unit
from adbudget.tables.values import check_not_negative, read_names, read_numbers

TABLE = "targets"
MONEY = ("target_budget", "based_on")


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


def read_targets(data: Any, readings: Readings) -> Targets:
    """Read a plan's budgets, and check every row against the campaigns.

    Parameters
    ----------
    data : one row per campaign that the plan speaks of: campaign_id (account and platform, where
        the campaign table has them) and target_budget, money per day; and where they are known
        based_on (the budget it was made from), pool (campaigns that share a total; the account when
        not given), reason (one sentence) and probability (that the move pays)
    readings : the campaigns as they are today

    Raises
    ------
    InputError : a row that cannot be used; names it
    """
    table = checked_frame(data, TABLE, ("campaign_id", "target_budget"))
    rows = Rows(table="the targets", labels=table.index)
    scopes = {split_unit(name)[0] for name in readings.campaign_ids}
    codes, names = read_units(table, rows, next(iter(scopes)) if len(scopes) == 1 else "")
    refuse_twice(codes, names, "campaign_id", rows, "Give each campaign one target.")
    known = {name: i for i, name in enumerate(readings.campaign_ids)}
    unknown = [name for name in names if name not in known]
    if unknown:
        at = np.isin(np.array(names, dtype=object)[codes], unknown)
        raise InputError(
            f"targets are given for campaigns that the campaign table does not have: "
            f"{quoted(unknown)}, in {rows.named(at)}. Add them to the table, or leave them out."
        )
    place = np.array([known[name] for name in names], dtype=np.intp)[codes]
    goal, based_on = (_minor(table, name, readings, rows) for name in MONEY)
    assert goal is not None
    aimed, moved = (np.zeros(len(readings), bool) for _ in range(2))
    aimed[place] = True
    if based_on is not None:
        moved[place] = based_on != readings.budget_minor[place]
    goals, why = readings.budget_minor.copy(), [""] * len(readings)
    goals[place] = goal
    for i, text in zip(place.tolist(), _texts(table, "reason"), strict=True):
        why[i] = text
    probability = np.full(len(readings), np.nan)
    if "probability" in table.columns:
        probability[place] = read_numbers(column_of(table, "probability"), "probability", rows)
    return Targets(
        aimed=aimed,
        goal=goals,
        moved_since=moved,
        pool=_pools(table, place, readings, rows),
        why=tuple(why),
        probability=probability,
    )


def _minor(table: pd.DataFrame, name: str, readings: Readings, rows: Rows) -> np.ndarray | None:
    """(row,) int64 minor units; None where there is no such column."""
    if name not in table.columns:
        return None
    money = read_numbers(column_of(table, name), name, rows)
    money = need_every(money, name, rows, "Leave out rows without one.")
    check_not_negative(money, name, rows)
    digits = np.full(money.size, readings.exponent)
    return whole_minor(money, name, digits, rows).astype(np.int64)


def _texts(table: pd.DataFrame, name: str) -> list[str]:
    if name not in table.columns:
        return [""] * len(table)
    return ["" if pd.isna(one) else str(one).strip() for one in table[name]]


def _pools(table: pd.DataFrame, place: np.ndarray, readings: Readings, rows: Rows) -> np.ndarray:
    """(campaign,) pool of each; a campaign no target names is in that of its account."""
    names: list[str] = [split_unit(name)[0] for name in readings.campaign_ids]
    if "pool" in table.columns:
        codes, given = read_names(column_of(table, "pool"), "pool", rows)
        for i, code in zip(place.tolist(), codes.tolist(), strict=True):
            names[i] = given[code]
    return np.unique(np.array(names, dtype=str), return_inverse=True)[1]


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
