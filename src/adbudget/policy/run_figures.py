"""Ledger -> the five figures that teams watch; case -> what the ledger needs for them.

Changes a week, share of spend on winners, rule trigger rate, alerts a week, CPL trend. A figure
that the ledger cannot know yet is None, never a guess.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from adbudget.policy.calls import Case
from adbudget.policy.metrics.registry import METRICS, costs_of_result
from adbudget.policy.plan import PolicyPlan
from adbudget.policy.readings.readings import Readings
from adbudget.policy.values import BudgetMove
from adbudget.tables.units import SCOPE, split_unit

if TYPE_CHECKING:
    from adbudget.ledger.store import Ledger

NO_EVIDENCE = {"budget", "days", "age_days", "spend"}  # they change by themselves
WEEK = timedelta(days=7)
TREND = timedelta(days=28)
ROUNDING = timedelta(microseconds=1)  # a window ends with the moment asked about, included


def figures_of(case: Case, plan: PolicyPlan) -> dict[str, Any]:
    """What a run adds to the figures: counts, spend on winners, blended CPL. JSON values."""
    readings, policy = case.readings, case.policy
    raising = [
        isinstance(rule.action, BudgetMove) and rule.action.sign > 0 for rule in policy.rules
    ]
    is_winner = np.array([any(raising[p] for p in which) for which in case.fired.rules], bool)
    active = readings.status == "active"
    spend = readings.metric("spend") / readings.metric("days")
    daily = np.where(np.isfinite(spend), spend, readings.budget_minor / 10.0**readings.exponent)
    return {
        "exponent": readings.exponent,
        "total_minor": int(case.balance.budget.sum()),
        "n_campaigns": len(readings),
        "n_rule_fired": int(case.fired.any.sum()),
        "spend": float(daily[active].sum()),
        "spend_on_winners": float(daily[active & is_winner].sum()),
        "outages": [
            {"group": one.group, "count": one.count, "day": str(one.day), "counted": one.counted}
            for one in case.outages
        ],
        "cpl": _blended_cpl(case) or plan.summary["projected_cpl_before"],
    }


def evidence_of(case: Case, campaign: int) -> dict[str, float]:
    """Figures that a call rests on: those its rules look at, or what a result costs."""
    rules = case.fired.rules[campaign]
    names = {name for position in rules for name in case.policy.rules[position].trigger.metrics}
    if case.balance.rebalanced[campaign] or not rules:
        names = {*costs_of_result(), "roas"}
    figures = {name: float(case.readings.metric(name)[campaign]) for name in names - NO_EVIDENCE}
    return {name: figures[name] for name in sorted(figures) if np.isfinite(figures[name])}


def counts_of(readings: Readings, campaign: int, evidence: Mapping[str, float]) -> dict[str, float]:
    """Of each cost of a result among some figures: how many results it is the cost of."""
    costs = [name for name in evidence if METRICS[name].cost_of_result]
    found = {name: float(readings.metric(METRICS[name].parts[1])[campaign]) for name in costs}
    return {name: count for name, count in found.items() if np.isfinite(count)}


Figures = dict[str, float | int | None]


def watch_accounts(ledger: "Ledger", at: datetime) -> dict[str, Figures]:
    """The figures of every account that a run of the last 28 days was about; see :func:`watch`."""
    runs = ledger.entries(kind="run", since=at - TREND, until=at + ROUNDING)["payload"]
    accounts = sorted({name for payload in runs for name in payload.get("scopes", [""])})
    return {account: watch(ledger, at, [account]) for account in accounts}


def watch(ledger: "Ledger", at: datetime, accounts: Sequence[str] | None = None) -> Figures:
    """Five figures as of a moment.

    Parameters
    ----------
    ledger : of runs and their consequences
    at : moment with time zone; nothing later counts
    accounts : whose campaigns, as :func:`adbudget.tables.units.scope_of` calls them; a run counts
        that was about no others. None counts all together

    Returns
    -------
    changes_per_week : changes of budgets in the 7 days up to ``at``
    winner_spend_share : spend of campaigns that a raising rule fires for, as a share of the spend
        of all active ones, in the last run
    rule_trigger_rate : share of campaigns for which some rule fired, over the runs of these 7 days
    alerts_per_week : alerts in these 7 days
    cpl_trend : change of the CPL of all campaigns together per week, as a share: the slope of its
        logarithm over the runs of 28 days, by least squares
    """
    until = at + ROUNDING
    recent = ledger.entries(kind=("change", "alert"), since=at - WEEK, until=until)
    runs = ledger.entries(kind="run", since=at - TREND, until=until)
    if accounts is not None:
        of_run = {
            run_id: set(payload.get("scopes", [""]))
            for run_id, payload in zip(runs["run_id"], runs["payload"], strict=True)
        }
        own = [of_run[run_id] <= set(accounts) for run_id in runs["run_id"]]
        ours = [
            _is_of(accounts, unit, of_run.get(run_id, {""}))
            for unit, run_id in zip(recent["unit"], recent["run_id"], strict=True)
        ]
        runs, recent = runs.loc[np.array(own, bool)], recent.loc[np.array(ours, bool)]
    kinds = recent["kind"].tolist()
    facts = [payload["figures"] for payload in runs["payload"] if "figures" in payload]
    moments = [
        at_run.to_pydatetime()
        for at_run, payload in zip(runs["at"], runs["payload"], strict=True)
        if "figures" in payload
    ]
    week = [figures for figures, moment in zip(facts, moments, strict=True) if moment >= at - WEEK]
    return {
        "changes_per_week": kinds.count("change"),
        "winner_spend_share": _ratio(facts[-1:], "spend_on_winners", "spend"),
        "rule_trigger_rate": _ratio(week, "n_rule_fired", "n_campaigns"),
        "alerts_per_week": kinds.count("alert"),
        "cpl_trend": _trend(moments, [figures["cpl"] for figures in facts]),
    }


def _is_of(accounts: Sequence[str], unit: str, of_run: set[str]) -> bool:
    """Whether an entry is of these accounts: as its unit says, or else its run."""
    return split_unit(unit)[0] in accounts if SCOPE in unit else of_run <= set(accounts)


def _ratio(facts: list[Mapping[str, Any]], top: str, bottom: str) -> float | None:
    whole = sum(figures[bottom] for figures in facts)
    return sum(figures[top] for figures in facts) / whole if whole else None


def _blended_cpl(case: Case) -> float | None:
    """Spend over leads of all active campaigns that have both."""
    spend, leads = (case.readings.metric(name) for name in METRICS["cpl"].parts)
    both = np.isfinite(spend) & np.isfinite(leads) & (case.readings.status == "active")
    total = leads[both].sum()
    return float(spend[both].sum() / total) if total > 0 else None


def _trend(moments: list[datetime], cpl: list[float | None]) -> float | None:
    """Growth per week, as a share; None without two different moments."""
    known = [(m, c) for m, c in zip(moments, cpl, strict=True) if c is not None and c > 0]
    weeks = np.array([(moment - known[0][0]) / WEEK for moment, _ in known])
    if not weeks.size or np.ptp(weeks) == 0:
        return None
    slope = np.polyfit(weeks, np.log([value for _, value in known]), 1)[0]
    return float(np.expm1(slope))
