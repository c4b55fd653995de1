"""Base sales of any size, growing or shrinking: how far returns are from the truth.

python benchmarks/bench_level.py                        # every case, 6 worlds each
python benchmarks/bench_level.py high shrinking --seeds 20
python benchmarks/bench_level.py steady --family confounded

A return is that of the record: what the curve was owed over it per unit spent. "error" is the
median over cells of log(estimated / true), the estimate being the posterior median; "distance" the
median of its size; coverage that of 90% intervals of these returns.
"""

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))

import adbudget as ab
from adbudget.synthetic import World, WorldSpec, families, synthesize
from benchmarks.worlds.library import answer_of, decide_part, read_group
from benchmarks.worlds.scoring import score

FIRST_PERIODS = 4  # their mean stands in for the spend before the record, as in the model
# case -> what differs from the family's spec
CASES: dict[str, dict[str, Any]] = {
    "steady": {},
    "low": {"baseline_share": (0.25, 0.35)},
    "high": {"baseline_share": (0.85, 0.95)},
    "very-high": {"baseline_share": (0.93, 0.98)},
    "mixed": {"baseline_share": (0.3, 0.98)},
    "growing": {"growth": 0.7},
    "shrinking": {"growth": -0.7},
}
ACCOUNTS = {"steady": (1, 8), "growing": (8,), "shrinking": (8,)}
EVERY_SIZE = (1, 2, 4, 16, 50)
SHORT = {"draws": 400, "tune": 400, "chains": 2}


def true_returns(world: World) -> np.ndarray:
    """(cell,) money owed to each cell over its record per unit spent."""
    truth = world.truth
    by_cell = world.spend.groupby(["account", "channel"], sort=False)["spend"]
    spend = {cell: values.to_numpy() for cell, values in by_cell}
    before = round(2 * 365.25 / truth.period_days)
    longest = before + max(len(values) for values in spend.values())
    padded = np.zeros((len(truth.cells), longest))
    for row, cell in zip(padded, truth.cells, strict=True):
        own = spend[cell]
        row[: before + own.size] = own[:FIRST_PERIODS].mean()
        row[before : before + own.size] = own
    owed = truth.path(padded)
    lengths = [spend[cell].size for cell in truth.cells]
    return np.array(
        [
            truth.value * path[before : before + n].sum() / row[before : before + n].sum()
            for path, row, n in zip(owed, padded, lengths, strict=True)
        ]
    )


def measured(world: World) -> dict[str, Any]:
    """One fit: returns against the truth, and what is called."""
    panel = read_group(world, world.spec.account_names)
    start = time.perf_counter()
    fit = ab.fit(panel, seed=world.seed, cores=2, progress=False, **SHORT)
    seconds = time.perf_counter() - start
    roi = fit.cell_draws.roi.reshape(-1, len(world.truth.cells))
    true = pd.Series(true_returns(world), world.truth.cells).reindex(panel.cells).to_numpy()
    low, middle, high = np.quantile(roi, (0.05, 0.5, 0.95), axis=0)
    live = true > 0
    error = np.log(np.maximum(middle, 1e-3)[live] / true[live])
    part = decide_part(fit, world.current().reindex(panel.cells))
    scored = score(
        answer_of([part], dict.fromkeys(("fit", "decide", "cpu"), 0.0)), world.truth, part.current
    )
    return {
        "error": error,
        "covered": ((low <= true) & (true <= high))[live],
        "width": np.log(high / np.maximum(low, 1e-3))[live],
        "captured": scored["captured"],
        "calls": scored["n_calls"],
        "wrong": scored["n_wrong"],
        "divergences": fit.health.divergences,
        "seconds": seconds,
    }


def line_of(name: str, spec: WorldSpec, seeds: range) -> dict[str, Any]:
    """One case over all its worlds."""
    found = [measured(synthesize(spec, seed)) for seed in seeds]
    error, covered, width = (
        np.concatenate([one[key] for one in found]) for key in ("error", "covered", "width")
    )
    calls = sum(one["calls"] for one in found)
    by_world = np.array([np.median(one["error"]) for one in found])
    return {
        "case": name,
        "accounts": spec.n_accounts,
        "error": np.median(error),
        "se": by_world.std(ddof=1) / np.sqrt(by_world.size),
        "distance": np.median(np.abs(error)),
        "coverage": covered.mean(),
        "width": np.median(width),
        "captured": np.nanmean([one["captured"] for one in found]),
        "calls": calls,
        "wrong": sum(one["wrong"] for one in found) / max(calls, 1),
        "divergences": sum(one["divergences"] for one in found),
        "seconds": np.median([one["seconds"] for one in found]),
    }


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=[])
    parser.add_argument("--family", default="assumed")
    parser.add_argument("--accounts", type=int, nargs="*")
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--first-seed", type=int, default=0)
    asked = parser.parse_args()
    seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
    print("| " + " | ".join(COLUMNS) + " |\n" + "| --- " * len(COLUMNS) + "|", flush=True)
    for case in asked.cases or CASES:
        for size in asked.accounts or ACCOUNTS.get(case, EVERY_SIZE):
            spec = replace(families()[asked.family], n_accounts=size, **CASES[case])
            line = line_of(f"{asked.family} {case}", spec, seeds)
            shown = [f"{v:.2f}" if isinstance(v, float) else str(v) for v in line.values()]
            print("| " + " | ".join(shown) + " |", flush=True)


COLUMNS = (
    *("case", "accounts", "error", "standard error", "distance", "coverage", "width"),
    *("captured", "calls", "wrong", "divergences", "seconds"),
)

if __name__ == "__main__":
    main()
