"""Policy + readings + circumstances -> PolicyPlan. Pure: no ledger, no clock, no file.

The order of the work: rules fire, guardrails bound them, balancing shares the money out, funding
says what waits, and every campaign gets its sentence.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np

from adbudget.alerts.alert import SEVERITIES
from adbudget.policy.alerts import raise_alerts
from adbudget.policy.balance import Wishes
from adbudget.policy.calls import Case, make_calls
from adbudget.policy.day_so_far import Circumstances
from adbudget.policy.emergency import doubtful
from adbudget.policy.excused import judge_complete
from adbudget.policy.firing import Fired, fire_rules
from adbudget.policy.metrics.registry import target_words, with_parts
from adbudget.policy.outages import find_outages
from adbudget.policy.outcome import outcome
from adbudget.policy.pausing import pause_due
from adbudget.policy.physics import physics_of
from adbudget.policy.plan import PolicyPlan
from adbudget.policy.readings.readings import Readings
from adbudget.policy.rulebook import Policy
from adbudget.policy.safety import Guard, guard
from adbudget.policy.soft import soft_alerts
from adbudget.policy.summary import summarize
from adbudget.policy.targets import Targets, aimed_at, balance_pools, fund_pools
from adbudget.tables.messages import Note, listed


def make_case(
    policy: Policy,
    readings: Readings,
    circumstances: Circumstances,
    *,
    targets: Targets | None = None,
    earlier: Any = (),
    at: datetime,
) -> Case:
    """Everything decided about a table, before it is put into words.

    Parameters
    ----------
    policy, readings : checked
    circumstances : what the ledger knows
    targets : budgets that a plan made elsewhere asks for, in the place of the rules' moves
    earlier : alerts of earlier runs
    at : moment of the run, with time zone

    Raises
    ------
    PolicyError : an amount of the policy does not fit the currency of the table
    """
    total = int(readings.budget_minor.sum())
    physics = physics_of(policy, readings, circumstances)
    total_change = _total_change(policy, readings, circumstances)
    if physics.total is not None:
        total_change = min(total_change, physics.total - total)
    outages = find_outages(policy, readings, circumstances.earlier_days)
    uncounted = np.zeros(len(readings), bool)
    for outage in outages:
        uncounted |= outage.members
    report = raise_alerts(
        readings,
        policy.alerts,
        targets=policy.targets,
        earlier=earlier,
        at=at,
        uncounted=uncounted,
        confidence=policy.confidence,
    )
    fired = aimed_at(fire_rules(policy, readings, total + total_change), targets, readings)
    after = total + total_change
    moved_since = np.zeros(len(readings), bool) if targets is None else targets.moved_since
    complete = judge_complete(policy, readings, fired)
    guards = guard(
        policy,
        readings,
        fired,
        report,
        circumstances,
        after,
        uncounted,
        physics,
        moved_since,
        complete,
    )
    asked = guards.proposed != ""
    fired = replace(
        fired, wanted=np.where(asked, guards.goal - readings.budget_minor, fired.wanted)
    )
    due = pause_due(policy, readings, fired, circumstances) & complete.proven
    cost = result_cost(policy, readings)
    wishes = _wishes(policy, readings, fired, guards, due, cost, total_change)
    balanced = balance_pools(wishes, targets)
    result = outcome(policy, readings, fired, guards, balanced, due, physics)
    limit = policy.constraints.approval_limit.minor(readings.exponent, "approval_limit")
    return Case(
        policy=policy,
        readings=readings,
        circumstances=circumstances,
        report=report,
        outages=outages,
        physics=physics,
        fired=fired,
        guard=guards,
        balance=balanced,
        outcome=result,
        funding=fund_pools(
            result.change,
            _priority(readings, fired, cost),
            limit,
            (guards.proposed == "test_budget") | fired.objects,
            targets,
        ),
        targets=targets,
        cost=cost,
    )


def _total_change(policy: Policy, readings: Readings, circumstances: Circumstances) -> int:
    """Minor units by which this run is to change the total: what the day has left of its change.

    The change of the file is of the total that the day opened with. What was done too much is not
    taken back, because a person may have meant it.
    """
    if policy.total_budget is not None:
        total = policy.total_budget.minor(readings.exponent, "total_budget")
        return total - int(readings.budget_minor.sum())
    meant, before = policy.constraints.total_budget_change, circumstances.net_today
    opening = int(readings.budget_minor.sum()) - before
    where = "constraints: total_budget_change"
    whole = meant.minor(opening, readings.exponent, where, up=False)
    if meant.at_most:
        return whole - before if whole < 0 else max(whole - before, 0)
    return max(whole - before, 0) if whole > 0 else min(whole - before, 0) if whole < 0 else 0


def plan_of(case: Case, *, earlier: Any = (), at: datetime, run_id: str) -> PolicyPlan:
    """Put a case into words and numbers; arguments as in :func:`make_case`."""
    calls = make_calls(case, run_id)
    alerts = (*case.report.alerts, *soft_alerts(case, earlier=earlier, at=at))
    return PolicyPlan(
        calls=calls,
        alerts=tuple(sorted(alerts, key=lambda alert: -SEVERITIES.index(alert.severity))),
        summary=summarize(case, calls),
        metrics={},
        notes=(*_notes(case), *_learning(case), *_month_unknown(case), *case.report.notes),
        at=at,
        run_id=run_id,
        currency=case.readings.currency or case.policy.currency,
        exponent=case.readings.exponent,
    )


def _notes(case: Case) -> list[Note]:
    """Notes on the tables; one on a count that is not given, only when the policy needs it."""
    policy = case.policy
    asked = {metric for rule in (*policy.rules, *policy.alerts) for metric in rule.trigger.metrics}
    asked |= {target_words()[word] for word in policy.targets}
    needed = set(with_parts(asked))
    return [*case.readings.notes, *(note for note in case.readings.served if note.kind in needed)]


def _month_unknown(case: Case) -> list[Note]:
    """A note on a monthly cap that cannot be kept, because nobody says what was spent."""
    if case.policy.constraints.monthly_cap is None or case.physics.total is not None:
        return []
    message = (
        "constraints: monthly_cap cannot be judged; month_spend is not given for every campaign."
    )
    return [Note(kind="monthly_cap", message=message)]


def _learning(case: Case) -> list[Note]:
    """A note on edits so large that a platform learns from the start."""
    where = np.flatnonzero(case.outcome.flags["restarts_learning"])
    if not where.size:
        return []
    share = float(case.policy.constraints.learning_edit)
    told = listed(case.readings.campaign_ids[i] for i in where)
    message = f"edits above {share:.0%} restart the learning of a platform: {told}."
    return [Note(kind="restarts_learning", message=message)]


def result_cost(policy: Policy, readings: Readings) -> np.ndarray:
    """(campaign,) rank of what a result costs, from 0 on, equals alike; NaN when unknown.

    The cost that has a target decides, CPL before CPA. Campaigns with neither come after them,
    best ROAS first.
    """
    cost, roas = readings.cost_of_result(policy.targets), readings.metric("roas")
    by_roas = ~np.isfinite(cost) & np.isfinite(roas)
    value = np.where(by_roas, -roas, cost)
    known = np.isfinite(value)
    rank = np.full(len(readings), np.nan)
    if known.any():
        pairs = np.stack([by_roas[known].astype(float), value[known]], axis=1)
        rank[known] = np.unique(pairs, axis=0, return_inverse=True)[1].reshape(-1)
    return rank


def _wishes(
    policy: Policy,
    readings: Readings,
    fired: Fired,
    guards: Guard,
    due: np.ndarray,
    cost: np.ndarray,
    total_change: int,
) -> Wishes:
    """What balancing has to know; a held campaign wants nothing and takes no part."""
    free = guards.hold == ""
    budget = readings.budget_minor
    return Wishes(
        campaign_ids=readings.campaign_ids,
        budget=budget,
        wanted=np.where(free, fired.wanted, 0),
        lowest=np.where(guards.immature, budget, guards.lowest),
        highest=guards.highest,
        may_take_part=free
        & guards.rested
        & ~fired.any
        & ~fired.suspect
        & ~due
        & ~doubtful(policy, readings),
        cost=cost,
        total_change=total_change,
        at_most=policy.constraints.total_budget_change.at_most,
        rebalance_limit=policy.constraints.rebalance_limit,
    )


def _priority(readings: Readings, fired: Fired, cost: np.ndarray) -> np.ndarray:
    """(campaign,) place in the order of service: rules, then rebalancing; cheapest first."""
    ids = np.array(readings.campaign_ids)
    order = np.lexsort((ids, np.nan_to_num(cost, nan=np.inf), ~fired.any))
    place = np.empty(len(readings), dtype=np.int64)
    place[order] = np.arange(len(readings))
    return place
