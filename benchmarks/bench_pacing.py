"""How long one run of the pacing engine takes, and how soon the command line is ready.

python benchmarks/bench_pacing.py [--deals N] [--days N]

Runs that are logged are measured in a process of their own each, for its peak of memory.
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

import adbudget


def tables(n_deals: int, n_days: int, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A plan of flights of 120 days, and daily delivery of its first ``n_days``."""
    rng = np.random.default_rng(seed)
    deals = np.array([f"deal-{i:05d}" for i in range(n_deals)], dtype=object)
    number = np.arange(n_deals)
    budget = rng.integers(5_000, 100_000, n_deals)
    plan = pd.DataFrame(
        {
            "deal": deals,
            "campaign": [f"campaign-{i}" for i in number % (n_deals // 50 + 1)],
            "channel": np.array(["ctv", "display", "audio", "video"], dtype=object)[number % 4],
            "seller": [f"seller-{i}" for i in number % 200],
            "account": [f"account-{i}" for i in number % (n_deals // 50 + 1) % 100],
            "time_zone": np.array(["Europe/Berlin", "America/New_York"], dtype=object)[number % 2],
            "currency": "EUR",
            "budget": budget,
            "start": "2026-01-05",
            "end": "2026-05-04",
            "curve": np.array(["even", "front_loaded(2)", "back_loaded(2)"], dtype=object)[
                number % 3
            ],
            "planned_impressions": budget * 100,
        }
    )
    days = pd.date_range("2026-01-05", periods=n_days).strftime("%Y-%m-%d").to_numpy(dtype=object)
    t = np.arange(n_days + 1) / 120
    planned = np.stack([np.diff(t), np.diff(1 - (1 - t) ** 2), np.diff(t**2)])[number % 3]
    level = budget * rng.normal(1, 0.15, n_deals).clip(0.2)
    spend = np.round(level[:, None] * planned * rng.lognormal(0, 0.2, (n_deals, n_days)), 2)
    delivery = pd.DataFrame(
        {
            "deal": np.repeat(deals, n_days),
            "date": np.tile(days, n_deals),
            "spend": spend.ravel(),
            "impressions": np.rint(100 * spend).ravel(),
            "final": np.tile(np.arange(n_days) < n_days - 2, n_deals),
            "conversions": rng.poisson(spend / 50).ravel(),
        }
    )
    return plan, delivery


def seconds(work: Callable[[], object], repeats: int = 3) -> tuple[float, float]:
    """Best of several runs: of the clock, and of the processor in this process and its children."""
    clock, processor = [], []
    for _ in range(repeats):
        start, used = time.perf_counter(), os.times()
        work()
        clock.append(time.perf_counter() - start)
        processor.append(sum(os.times()[:4]) - sum(used[:4]))
    return min(clock), min(processor)


def told(name: str, work: Callable[[], object], repeats: int = 3) -> None:
    """Print one line."""
    clock, processor = seconds(work, repeats)
    print(f"{name:<52}{clock:>8.2f} s{processor:>8.2f} s of processor")


def process(*arguments: object) -> Callable[[], object]:
    """A run of Python as a process of its own."""
    command = [sys.executable, *map(str, arguments)]
    return lambda: subprocess.run(command, check=True, capture_output=True)


def alone(what: str, ledger: str, n_deals: int, n_days: int) -> None:
    """One run in this process: seconds of the processor, and the peak of its memory."""
    plan, delivery = tables(n_deals, n_days)
    as_of = str(np.datetime64("2026-01-05", "D") + np.timedelta64(n_days, "D"))
    small = plan["deal"].head(50)
    with TemporaryDirectory() as folder:  # imports what a run needs
        first = {} if what == "paper" else {"ledger": f"{folder}/first.db"}
        adbudget.pace(plan.head(50), delivery[delivery["deal"].isin(small)], as_of=as_of, **first)
    at = f"{as_of}T06:00" if what == "next" else as_of
    started = time.process_time()
    adbudget.pace(plan, delivery, as_of=at, **({} if what == "paper" else {"ledger": ledger}))
    used = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    names = {"paper": "on paper", "new": "to a new ledger", "next": "six hours later, same ledger"}
    print(
        f"{'pace ' + names[what]:<52}{used:>8.2f} s of processor, peak {peak:,.0f} MB", flush=True
    )


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deals", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--one", nargs=2, metavar=("WHAT", "LEDGER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        alone(*options.one, options.deals, options.days)
        return
    plan, delivery = tables(options.deals, options.days)
    as_of = str(np.datetime64("2026-01-05", "D") + np.timedelta64(options.days, "D"))
    told(
        f"pace, {options.deals:,} deals x {options.days} days",
        lambda: adbudget.pace(plan, delivery, as_of=as_of),
    )
    report = adbudget.pace(plan, delivery, as_of=as_of)
    print(
        f"  {len(report.alerts):,} alerts, {len(report.moves):,} moves, "
        f"{len(report.requests):,} requests"
    )
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        sizes = ("--deals", str(options.deals), "--days", str(options.days))
        for what in ("paper", "new", "next"):
            command = [sys.executable, __file__, *sizes, "--one", what, str(path)]
            subprocess.run(command, check=True)
    data = Path(__file__).parents[1] / "data" / "synthetic"
    files = data / "pacing_plan.csv", data / "pacing_delivery.csv"
    told("import pandas", process("-c", "import pandas"), 5)
    told("import adbudget.pacing.engine", process("-c", "import adbudget.pacing.engine"), 5)
    command = ("-m", "adbudget", "pace")
    told("adbudget pace --help", process(*command, "--help"), 5)
    told("adbudget pace on the example", process(*command, *files, "--as-of", "2026-03-16"), 5)


if __name__ == "__main__":
    main()
