"""How many decisions change from night to night, with and without the run before.

python benchmarks/bench_nights.py                 # 26 nights of two made-up agencies
python benchmarks/bench_nights.py --seeds 5 --nights 26

Every night a day is added to the daily tables of a world and everything is fitted anew; the spend
goes on as it was, so nothing that is recommended is done. The same fits are decided twice: each
night by itself, and with ``previous=`` the frame of the night before. A change is a cell whose
decision differs from that of the night before.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

import adbudget as ab
from adbudget.recommendation import to_frame
from adbudget.synthetic import World, WorldSpec, synthesize

ACCOUNTS, DAYS = 4, 240


def tables_until(world: World, last: pd.Timestamp) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What was known on the evening of a day."""
    spend, outcome = (
        table[pd.to_datetime(table["date"]) <= last].reset_index(drop=True)
        for table in (world.spend, world.outcome)
    )
    return spend, outcome


def decided(fit: ab.Fit, previous: pd.DataFrame | None) -> pd.DataFrame:
    """Decisions as ``recommend`` makes them at a fixed total."""
    proposal = ab.optimize(fit, limits=ab.Limits(total="fixed"))
    return to_frame(ab.decide(proposal, health=fit.health, previous=previous), fit)


def n_changed(frame: pd.DataFrame, before: pd.DataFrame | None) -> int:
    """Cells whose decision is another."""
    return 0 if before is None else int((frame["decision"] != before["decision"]).sum())


def measured(seed: int, nights: int) -> list[dict[str, int]]:
    """One row a night: cells, calls and changes by itself and with the night before."""
    spec = replace(WorldSpec.shop_daily(), n_accounts=ACCOUNTS, n_periods=DAYS + nights)
    world = synthesize(spec, seed)
    last = pd.to_datetime(world.outcome["date"]).max()
    alone, chained = None, None
    rows = []
    for night in range(nights):
        tables = tables_until(world, last - pd.Timedelta(days=nights - 1 - night))
        panel = ab.read_panel(*tables, currency=spec.currency)
        fit = ab.fit(panel, seed=seed, progress=False)
        now, kept = decided(fit, None), decided(fit, chained)
        rows.append(
            {
                "cells": len(now),
                "calls": int((now["decision"] != "monitor").sum()),
                "changed": n_changed(now, alone),
                "calls_kept": int((kept["decision"] != "monitor").sum()),
                "changed_kept": n_changed(kept, chained),
            }
        )
        alone, chained = now, kept
    return rows


def main() -> None:
    """Print a line for each world and one for all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--nights", type=int, default=26)
    options = parser.parse_args()
    every = []
    for seed in range(options.seeds):
        rows = pd.DataFrame(measured(seed, options.nights))
        every.append(rows.iloc[1:])
        print(f"world {seed}: {told(rows.iloc[1:])}", flush=True)
    print(f"all: {told(pd.concat(every))}")


def told(rows: pd.DataFrame) -> str:
    """Means a night."""
    mean = rows.mean()
    return (
        f"{mean['cells']:.0f} cells; by itself {mean['calls']:.1f} calls and "
        f"{mean['changed']:.2f} changes a night; with the night before "
        f"{mean['calls_kept']:.1f} and {mean['changed_kept']:.2f}"
    )


if __name__ == "__main__":
    main()
