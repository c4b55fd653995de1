"""Worlds with known truth -> where `flip_at` is small, calls are wrong; what lies beyond history.

    python benchmarks/bench_causes.py --family confounded --seeds 0-3

Prints three tables: relative width and coverage of the 90% interval of the marginal return at
multiples of the highest spend of each history; captured gain with and without the limit at that
spend; and the share of wrong calls by `flip_at`. A call is wrong when, under the truth, the final
plan is worth less than the best plan without it.
"""

import argparse
from typing import Any

import numpy as np
import pandas as pd

import adbudget as ab
from adbudget.optimizer.alternative import _plans_without
from adbudget.synthetic import World, families, synthesize

REACH = (0.5, 1.0, 1.3, 2.0, 3.0)  # multiples of the highest spend
FLIPS = (-0.01, 0.1, 0.25, 0.5, 1.0, np.inf)
WINDOW_DAYS = 91


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--family", default="confounded", choices=families())
    parser.add_argument("--seeds", default="0-3", help="first-end, the end left out")
    parser.add_argument("--draws", type=int, default=300)
    asked = parser.parse_args()
    tables: list[list[dict[str, Any]]] = [[], [], []]
    for seed in range(*map(int, asked.seeds.split("-"))):
        world = synthesize(families()[asked.family], seed)
        panel = ab.read_panel(world.spend, world.outcome)
        fit = ab.fit(
            panel, seed=seed, draws=asked.draws, tune=250, chains=2, cores=1, progress=False
        )
        for table, measure in zip(tables, (widths, captured, calls), strict=True):
            table += measure(world, panel, fit)
    reach, limit, flips = map(pd.DataFrame, tables)
    print(reach.groupby("times_highest").mean().round(3), "\n")
    print(limit.groupby("beyond_observed").mean().round(4), "\n")
    flips["flip_at"] = pd.cut(flips["flip_at"], FLIPS)
    by_flip = flips.groupby(["action", "flip_at"], observed=True)
    print(by_flip.agg(n=("wrong", "size"), wrong=("wrong", "mean"), said=("said", "mean")).round(3))


def truth_of(world: World, fit: ab.Fit, spend: pd.Series) -> np.ndarray:
    """(cell,) true outcome per period at a constant spend."""
    return world.truth.response(spend).reindex(fit.draws.cells).to_numpy()


def widths(world: World, panel: ab.Panel, fit: ab.Fit) -> list[dict[str, Any]]:
    """Interval of the marginal return inside and outside the history, live cells only."""
    live = np.array([not world.truth.is_dud(cell) for cell in fit.draws.cells])
    rows = []
    for times in REACH:
        spend = times * panel.highest_spend()
        slope = fit.draws.marginal(spend).to_numpy()[:, fit.draws.exists]
        low, high = np.quantile(slope, (0.05, 0.95), axis=0)
        rise = truth_of(world, fit, 1.01 * spend) - truth_of(world, fit, 0.99 * spend)
        true = rise / (0.02 * spend.to_numpy())
        rows.append(
            {
                "times_highest": times,
                "relative_width": np.median(((high - low) / slope.mean(axis=0))[live]),
                "coverage": ((low <= true) & (true <= high))[live].mean(),
            }
        )
    return rows


def captured(world: World, panel: ab.Panel, fit: ab.Fit) -> list[dict[str, Any]]:
    """Share of the best gain within +-30% that the best plan captures, with and without."""
    now = panel.current_spend(WINDOW_DAYS)
    rows = []
    for beyond in (False, True):
        limits = ab.Limits(total="fixed", beyond_observed=beyond)
        plan = ab.optimize(fit.draws, now, limits, ab.Risk(aversion=0.0)).plan.spend
        gain = world.truth.captured(plan, now).overall
        rows.append({"beyond_observed": beyond, "captured": gain})
    return rows


def calls(world: World, panel: ab.Panel, fit: ab.Fit) -> list[dict[str, Any]]:
    """Every call: what it flips at, what it said, whether it is wrong."""
    rows = []
    for limits in (ab.Limits(total="fixed"), ab.Limits()):
        decisions = ab.decide(ab.optimize(fit.draws, panel.current_spend(WINDOW_DAYS), limits))
        proposal = decisions.proposal
        plan, now = proposal.plan.spend, proposal.current.spend
        moved = np.flatnonzero(plan.to_numpy() != now.to_numpy())
        if not moved.size:
            continue
        for cell, members, other in _plans_without(proposal._problem, proposal._solution, moved):
            without = plan.copy()
            without.iloc[members] = other
            gain = truth_of(world, fit, plan) - truth_of(world, fit, without)
            call = decisions.calls[cell]
            rows.append(
                {
                    "action": str(call.action),
                    "flip_at": call.flip_at,
                    "said": 1 - call.prob_gain,
                    "wrong": gain.sum() < (plan - without).sum(),
                }
            )
    return rows


if __name__ == "__main__":
    main()
