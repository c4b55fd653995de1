"""Time a fit of 50 accounts x 30 channels x 208 weeks: python benchmarks/bench_scale.py."""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
from _measure import Stopwatch, assumed_world, machine, peak_megabytes, run_fresh

CHILD = "import sys, bench_scale; bench_scale.fit_once(*map(int, sys.argv[1:]))"


def fit_once(n_accounts: int, n_channels: int, n_periods: int, seed: int) -> None:
    """Fit in this process and print what it took as one JSON line."""
    import adbudget as ab

    world = assumed_world(n_accounts, n_channels, n_periods, seed)
    watch = Stopwatch()
    panel = ab.read_panel(world.spend, world.outcome)
    watch.lap("read")
    fit = ab.fit(panel, seed=seed, progress=False)
    _, fit_cpu = watch.lap("fit")
    ab.optimize(fit)
    watch.lap("optimize")
    peak = peak_megabytes()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.fit"
        watch.skip()
        fit.save(path)
        watch.lap("save")
        size = path.stat().st_size
        ab.Fit.load(path)
        watch.lap("load")
    health = fit.health
    record = {
        "laps": watch.seconds,
        "fit_cpu_seconds": fit_cpu,
        "peak_mb": peak,
        "file_mb": size / 1e6,
        "rhat_max": health.rhat_max,
        "ess_bulk_min": health.ess_bulk_min,
        "divergences": health.divergences,
        "chains": fit.positions.shape[0],
        "draws_sampled": health.n_draws,
        "draws_kept": int(np.prod(fit.positions.shape[:2])),
        "parameters": fit.positions.shape[2],
        "steps_per_draw": float(fit.sample_stats["n_steps"].mean()),
    }
    print(json.dumps(record))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--accounts", type=int, default=50)
    options.add_argument("--channels", type=int, default=30)
    options.add_argument("--weeks", type=int, default=208)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    sizes = (given.accounts, given.channels, given.weeks)
    run = run_fresh(CHILD, *map(str, (*sizes, given.seed)))
    said, laps = run.said, run.said["laps"]
    print(
        f"{given.accounts} accounts x {given.channels} channels x {given.weeks} weeks; {machine()}"
    )
    rows = [
        ("fit, seconds", laps["fit"], 600, ".0f"),
        ("r-hat, largest", said["rhat_max"], 1.01, ".4f"),
        ("bulk ESS, smallest", said["ess_bulk_min"], 400, ".0f"),
        ("peak memory of the process, MB", said["peak_mb"], 2000, ".0f"),
        ("saved file, MB", said["file_mb"], 50, ".1f"),
    ]
    print(f"{'':34}{'measured':>12}{'target':>10}")
    for name, value, target, form in rows:
        reached = value >= target if name.startswith("bulk") else value <= target
        print(f"{name:34}{value:12{form}}{target:10g}{'' if reached else '   MISSED'}")
    print(
        f"{said['parameters']} parameters, {said['chains']} chains, {said['draws_sampled']} draws "
        f"({said['draws_kept']} kept), {said['steps_per_draw']:.1f} gradients a draw, "
        f"{said['divergences']} divergences"
    )
    print("seconds: " + ", ".join(f"{name} {value:.1f}" for name, value in laps.items()))


if __name__ == "__main__":
    main()
