"""Daily budgets and moves against no control and common practice, on 200 made-up flights.

Run: python -m benchmarks.bench_pacing_control [number of seeds]
"""

import sys
from decimal import Decimal

import numpy as np
import pandas as pd

from adbudget.pacing.booked.flight import FlightPlan
from adbudget.pacing.booked.plan_table import read_plan
from adbudget.pacing.moves.move_rules import MoveRules
from adbudget.synthetic.flights import Control, SimulatedDeal, SimulatedFlight, simulate_delivery
from benchmarks.pacing_controls import (
    FixedDailyBudget,
    NoControl,
    PacingControl,
    RemainingOverDays,
)

N_SEEDS, N_DAYS, N_DEALS = 200, 28, 6
START = pd.Timestamp("2026-03-02")  # a Monday
FIGURES = ("missed", "left", "overspent", "volatility", "spend_volatility", "value")


def campaign(seed: int) -> tuple[SimulatedDeal, ...]:
    """Six deals of two channels and three sellers; a third of them cannot take their money."""
    rng = np.random.default_rng([seed, 1])
    short = rng.permutation(N_DEALS) < N_DEALS // 3
    deals = []
    for i in range(N_DEALS):
        budget = float(np.round(rng.uniform(10_000, 60_000), -2))
        ample = rng.uniform(0.5, 0.9) if short[i] else rng.uniform(1.2, 2.5)
        week = np.array([1, 1, 1, 1, 1, 1 - rng.uniform(0, 0.5), 1 - rng.uniform(0, 0.5)])
        deals.append(
            SimulatedDeal(
                deal=f"d{i}",
                channel=("video", "display")[i % 2],
                seller=f"s{i % 3}",
                budget=budget,
                capacity=ample * budget / N_DAYS,
                weekday=tuple(week / week.mean()),
                noise=rng.uniform(0.1, 0.3),
                outage_chance=0.02,
                outage_days=2.0,
                worth=0.02 * rng.lognormal(0, 0.35),
            )
        )
    return tuple(deals)


def plan_of(deals: tuple[SimulatedDeal, ...]) -> FlightPlan:
    """The same deals as a plan table says them."""
    return read_plan(
        pd.DataFrame(
            {
                "deal": [deal.deal for deal in deals],
                "campaign": "campaign",
                "channel": [deal.channel for deal in deals],
                "seller": [deal.seller for deal in deals],
                "budget": [deal.budget for deal in deals],
                "start": START,
                "end": START + pd.Timedelta(days=N_DAYS - 1),
            }
        ),
        currency="EUR",
    )


def controls(deals: tuple[SimulatedDeal, ...]) -> dict[str, Control]:
    """What is compared. The control without moves shows what its daily budgets do alone."""
    rules = MoveRules(minimum=Decimal(100))
    return {
        "no control": NoControl(),
        "fixed daily budget": FixedDailyBudget(),
        "remaining / days": RemainingOverDays(),
        "adbudget, no moves": PacingControl(),
        "adbudget, approved": PacingControl(plan=plan_of(deals), rules=rules, approves=True),
        "adbudget": PacingControl(plan=plan_of(deals), rules=rules),
    }


def figures(flight: SimulatedFlight) -> dict[str, float]:
    """Shares of the money, changes from day to day, outcomes."""
    return {
        "missed": flight.left + flight.overspent,
        "left": flight.left,
        "overspent": flight.overspent,
        "volatility": flight.volatility,
        "spend_volatility": flight.spend_volatility,
        "value": float(flight.value.sum()),
        "out_of_reach": float(max(0.0, 1 - flight.available.sum() / flight.budget.sum())),
    }


def run(n_seeds: int, first: int = 0) -> dict[str, dict[str, np.ndarray]]:
    """Control -> figure -> (seed,) values."""
    results: dict[str, dict[str, list[float]]] = {}
    for seed in range(first, first + n_seeds):
        deals = campaign(seed)
        for name, control in controls(deals).items():
            rng = np.random.default_rng([seed, 2])
            flight = simulate_delivery(deals, control, n_days=N_DAYS, seed=rng)
            for figure, value in figures(flight).items():
                results.setdefault(name, {}).setdefault(figure, []).append(value)
    return {
        name: {figure: np.array(values) for figure, values in by_figure.items()}
        for name, by_figure in results.items()
    }


def relative(results: dict[str, dict[str, np.ndarray]]) -> dict[str, dict[str, np.ndarray]]:
    """The same with the value of every flight as a share of that without control."""
    base = results["no control"]["value"]
    return {name: by | {"value": by["value"] / base} for name, by in results.items()}


def report(results: dict[str, dict[str, np.ndarray]]) -> None:
    """Means with standard errors, and paired differences from the controller."""
    shown = relative(results)
    n = shown["adbudget"]["value"].size
    print(f"{n} flights, mean (standard error); value relative to no control")
    print("| control | " + " | ".join(FIGURES) + " |")
    for name, by in shown.items():
        print(f"| {name} | " + " | ".join(cell(by[figure]) for figure in FIGURES) + " |")
    own = shown["adbudget"]
    print(f"all traffic together could not take {cell(own['out_of_reach'])} of the money")
    print("adbudget minus the other, flight by flight")
    for name, by in shown.items():
        if name != "adbudget":
            cells = [cell(own[figure] - by[figure]) for figure in FIGURES]
            print(f"| {name} | " + " | ".join(cells) + " |")


def cell(values: np.ndarray) -> str:
    """Mean and its standard error, in percent."""
    return f"{values.mean():.2%} ({values.std(ddof=1) / np.sqrt(values.size):.2%})"


if __name__ == "__main__":
    report(run(int(sys.argv[1]) if len(sys.argv) > 1 else N_SEEDS))
