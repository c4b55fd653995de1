"""Peak memory of fits beside what is foreseen: python benchmarks/bench_memory.py.

One process for every size: tables are read, the model is fitted once over (few tuning draws, as how
well the chains mix is no matter here), and the accounts are decided.
"""

import json

from _measure import assumed_world, machine, peak_megabytes, run_fresh

CHILD = "import sys, bench_memory; bench_memory.fit_once(*sys.argv[1:])"
# accounts, channels, periods, period, draws a chain
SIZES = (
    (5, 3, 52, "weekly", 1000),
    (20, 6, 104, "weekly", 1000),
    (20, 6, 104, "weekly", 4000),
    (20, 6, 730, "daily", 1000),
    (50, 6, 104, "weekly", 1000),
    (20, 20, 104, "weekly", 1000),
    (100, 6, 52, "weekly", 1000),
)
CHAINS, TUNE = 4, 100


def fit_once(accounts: str, channels: str, periods: str, period: str, draws: str) -> None:
    """Fit and decide in this process; print what was foreseen and taken as one JSON line."""
    import adbudget as ab
    from adbudget.model import sampling
    from adbudget.model.memory import size_of_fit

    sampling.MAX_RUNS = 1  # further chains are another size
    world = assumed_world(int(accounts), int(channels), int(periods), 1, period)
    panel = ab.read_panel(world.spend, world.outcome)
    size = size_of_fit(panel, ab.Priors(), CHAINS * int(draws))
    fit = ab.fit(panel, seed=1, draws=int(draws), tune=TUNE, chains=CHAINS, progress=False)
    fitted = peak_megabytes()
    ab.recommend(fit)
    record = {
        "foreseen": size.needed / 1e6,
        "fit": fitted * 1.048576,
        "decided": peak_megabytes() * 1.048576,
        "kept": int(fit.positions.shape[0] * fit.positions.shape[1]),
    }
    print(json.dumps(record))


def main() -> None:
    print(f"Peak memory of a process, MB. {machine()}")
    print(
        "| accounts x channels x periods | draws, kept | fit | fit and decide | foreseen | ratio |"
    )
    print("| --- | --- | --- | --- | --- | --- |")
    for accounts, channels, periods, period, draws in SIZES:
        run = run_fresh(CHILD, *map(str, (accounts, channels, periods, period, draws)))
        said = run.said
        print(
            f"| {accounts} x {channels} x {periods} {period} | {CHAINS * draws:,}, "
            f"{said['kept']:,} | {said['fit']:,.0f} | {said['decided']:,.0f} | "
            f"{said['foreseen']:,.0f} | {said['foreseen'] / said['decided']:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
