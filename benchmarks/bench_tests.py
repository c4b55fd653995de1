"""What it takes to plan tests: processor seconds of ``plan_tests`` on a saved or a fresh fit.

python benchmarks/bench_tests.py                          # 20 accounts x 6 channels, 2,000 draws
python benchmarks/bench_tests.py --accounts 12 --channels 5
python benchmarks/bench_tests.py --fit shops.fit

Asked: all values of information of 120 cells in under 10 s. Deciding comes before it and is timed
by itself, and so is what ``recommend`` says of every monitored cell.
"""

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import adbudget as ab
from adbudget.experiments.advice import next_tests
from adbudget.experiments.planning import PlanTestsOptions, tests_of
from adbudget.options import options_of
from benchmarks._measure import assumed_world


def main() -> None:
    """Fit or load, decide, plan, and say what each step took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=20)
    parser.add_argument("--channels", type=int, default=6)
    parser.add_argument("--weeks", type=int, default=104)
    parser.add_argument("--fit", type=Path)
    asked = parser.parse_args()
    if asked.fit is None:
        world = assumed_world(asked.accounts, asked.channels, asked.weeks, 1)
        panel = ab.read_panel(world.spend, world.outcome)
        fit = ab.fit(panel, seed=1, draws=500, chains=4, progress=False)
    else:
        fit = ab.Fit.load(asked.fit)
    _ = fit.draws
    options = {name: one.default for name, one in options_of(PlanTestsOptions).items()}
    began = time.process_time()
    decisions = ab.decide(ab.optimize(fit), health=fit.health)
    decided = time.process_time()
    plan = tests_of(fit, decisions, options)  # pyright: ignore[reportArgumentType]
    planned = time.process_time()
    next_tests(fit, decisions)
    told = time.process_time()
    print(f"{len(fit.draws.cells)} cells, {fit.draws.n_draws:,} draws, {len(plan.offers)} offers")
    print(f"deciding {decided - began:.1f} s, plan_tests {planned - decided:.1f} s, ", end="")
    print(f"next tests of recommend {told - planned:.1f} s of processor")


if __name__ == "__main__":
    main()
