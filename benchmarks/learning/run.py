"""One arm in one world: two rounds of four weeks, fitted anew after each, judged by the truth."""

from typing import Any

import numpy as np
import pandas as pd

import adbudget as ab
from adbudget.backtesting.market import Market, money_per_period, open_market
from adbudget.experiments.schedule import lift_rows
from adbudget.synthetic import families
from benchmarks.learning.arms import ARMS, HOLDOUT_ERROR, WEEKS, Round
from benchmarks.worlds.jobs import CHANGE, world_seed

ROUNDS = 2
BUDGET = 0.02  # of what is spent in a round, as expected cost
TAIL = 26  # weeks of carry-over that a cost is counted over
FIRST_WORLD = 500  # none that a choice of the model or of the tests was made on
LIMITS = ab.Limits(change=CHANGE, total="fixed")


def run_world(family: str, number: int, arms: list[str]) -> list[dict[str, Any]]:
    """Figures of every arm and round; the fit of the history is shared by all arms."""
    seed = world_seed(family, FIRST_WORLD + number)
    market, start = open_market(families()[family], seed, ROUNDS * WEEKS, 0.0)
    first = _fit(market, seed)
    rows = []
    for arm in arms:
        now, fit, tests = market, first, []
        row = _judged(fit, now, start) | {"round": 0, "cost": 0.0, "predicted": 0.0, "budget": 0.0}
        rows.append({"family": family, "world": number, "arm": arm, **row})
        for round_number in range(1, ROUNDS + 1):
            base = _called(fit, start).proposal.plan.spend
            budget = BUDGET * WEEKS * float(start.sum())
            given = Round(
                fit=fit, start=start, base=base, limits=LIMITS, budget=budget,
                seed=seed + round_number,
            )  # fmt: skip
            spent = ARMS[arm](given)
            cost = _true_cost(now, base, spent.path)
            for period in spent.path.columns:
                now = now.after(spent.path[period].rename("spend"))
            if spent.holdouts is not None and len(spent.holdouts):
                tests.append(_measured(market, spent.holdouts, seed + round_number))
            fit = _fit(now, seed, pd.concat(tests) if tests else None)
            told = {
                "round": round_number,
                "cost": cost,
                "predicted": spent.predicted,
                "budget": budget,
            }
            row = _judged(fit, now, start) | told
            rows.append({"family": family, "world": number, "arm": arm, **row})
    return rows


def _fit(market: Market, seed: int, tests: pd.DataFrame | None = None) -> ab.Fit:
    panel = ab.read_panel(market.spend, market.outcome)
    return ab.fit(panel, seed=seed % 100_000, lift_tests=tests, progress=False)


def _measured(market: Market, schedule: pd.DataFrame, seed: int) -> pd.DataFrame:
    """What holdouts of a schedule find: the true lift of being off, and the error they state."""
    truth, filled = market.truth, schedule.copy()
    outcome = market.outcome.groupby("account")[market.world.history.spec.kpi].mean()
    rng = np.random.default_rng(seed)
    for i, row in schedule.iterrows():
        spend = np.zeros(len(truth.cells))
        cell = truth.cells.get_loc((row["account"], row["channel"]))
        spend[cell] = row["spend_before"]
        before = np.repeat(spend[:, None], 2 * TAIL, axis=1)
        paths = [
            truth.path(np.hstack([before, np.repeat(spend[:, None], WEEKS, axis=1) * on]))
            for on in (1.0, 0.0)
        ]
        lift = paths[1][cell, -WEEKS:].sum() - paths[0][cell, -WEEKS:].sum()
        error = HOLDOUT_ERROR * outcome[row["account"]] * WEEKS
        filled.loc[i, "lift_total"] = lift + error * rng.normal()
        filled.loc[i, "standard_error"] = error
    return lift_rows(filled)


def _called(fit: ab.Fit, start: pd.Series):
    proposal = ab.optimize(fit, start.reindex(fit.draws.cells), LIMITS)
    return ab.decide(proposal, health=fit.health)


def _judged(fit: ab.Fit, market: Market, start: pd.Series) -> dict[str, Any]:
    """What the calls and the best plan truly earn, against the spend of the start."""
    decisions, truth = _called(fit, start), market.truth
    plans = {
        "calls": decisions.proposal.plan.spend,
        "plan": decisions.considered.plan.spend,
        "best": truth.optimal(start, CHANGE, "fixed"),
    }
    gain = {
        name: money_per_period(truth, plan.reindex(truth.cells)) - money_per_period(truth, start)
        for name, plan in plans.items()
    }
    return {
        **{f"gain_{name}": value for name, value in gain.items()},
        "spend": float(start.sum()),
        "monitored": float(np.mean([call.action == "monitor" for call in decisions.calls])),
        "healthy": fit.health.ok,
        "expected": float(decisions.proposal.value.mean()),
    }


def _true_cost(market: Market, base: pd.Series, path: pd.DataFrame) -> float:
    """Margin truly given up against the plan of the calls, carry-over included."""
    truth = market.truth
    start = truth.aligned(base)[:, None]
    before, after = np.repeat(start, 2 * TAIL, axis=1), np.repeat(start, TAIL, axis=1)
    spent = np.stack([truth.aligned(path[period]) for period in path.columns], axis=1)
    plain = np.repeat(start, spent.shape[1], axis=1)
    money = [
        truth.value * truth.path(np.hstack([before, one, after])).sum() - one.sum()
        for one in (spent, plain)
    ]
    return float(money[1] - money[0])
