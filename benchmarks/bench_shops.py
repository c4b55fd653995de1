"""Does one shop alone get an answer? Clean shops of 26 to 200 periods, daily and weekly.

python benchmarks/bench_shops.py                 # 100 shops
python benchmarks/bench_shops.py --shops 10 --target-accept 0.95

Prints shops whose fit is not healthy, and why; then divergences and the worst of the chains.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

import adbudget as ab
from adbudget.synthetic import WorldSpec, synthesize

SHORTEST, LONGEST = 26, 200
FIRST_SEED = 5_000  # of worlds that no choice of the model was made on


def health_of(number: int, n_periods: int, target_accept: float) -> ab.Health:
    """Health of the fit of one shop; every second one is daily."""
    spec = WorldSpec(n_accounts=1, n_periods=n_periods, period="weekly" if number % 2 else "daily")
    world = synthesize(spec, FIRST_SEED + number)
    panel = ab.read_panel(world.spend, world.outcome)
    return ab.fit(panel, seed=number, target_accept=target_accept, progress=False).health


def main() -> None:
    """Fit every shop and say what went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shops", type=int, default=100)
    parser.add_argument("--target-accept", type=float, default=0.85)
    asked = parser.parse_args()
    lengths = np.linspace(SHORTEST, LONGEST, asked.shops).round().astype(int)
    found = []
    for number, n_periods in enumerate(lengths):
        health = health_of(number, int(n_periods), asked.target_accept)
        found.append(health)
        if not health.ok:
            print(f"shop {number}, {n_periods} periods: {' '.join(health.problems)}", flush=True)
    share = [one.divergences / one.n_draws for one in found]
    print(
        f"{sum(not one.ok for one in found)} of {len(found)} shops are not healthy; "
        f"{np.mean(share):.3%} of the draws diverge, {max(share):.2%} at most; "
        f"r-hat at most {max(one.rhat_max for one in found):.3f}, "
        f"effective draws at least {min(one.ess_bulk_min for one in found):.0f}"
    )


if __name__ == "__main__":
    main()
