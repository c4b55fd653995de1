"""What each bar for a call is worth, on worlds whose truth is known.

python benchmarks/bench_calls.py                              # 12 worlds of each family, 1 hour
python benchmarks/bench_calls.py assumed noisy --seeds 300-305

Every world is fitted once; the same fit is decided under every setting. ``captured`` is the share
of the gain of the truly best plan that the plan of the calls earns, ``wrong`` the share of calls
without which the plan would truly earn more, ``expected`` the share of them that was stated,
``hurt`` the share of accounts that truly earn less than today.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

import adbudget as ab
from adbudget.synthetic import families, synthesize
from benchmarks.worlds.jobs import CHANGE
from benchmarks.worlds.library import Part, answer_of, read_group
from benchmarks.worlds.scoring import score

SETTINGS = {
    "defaults": (ab.Thresholds(), ab.Risk()),
    **{
        f"bar {bar}, any share wrong": (ab.Thresholds(prob=bar, max_wrong_share=1.0), ab.Risk())
        for bar in (0.6, 0.7, 0.75, 0.8, 0.85, 0.9)
    },
    **{
        f"bar 0.7, share {share}": (ab.Thresholds(prob=0.7, max_wrong_share=share), ab.Risk())
        for share in (0.08, 0.1, 0.12, 0.15)
    },
    "bar 0.8, mean only": (ab.Thresholds(max_wrong_share=1.0), ab.Risk(aversion=0.0)),
}
ALL = ("assumed", "noisy", "duds", "confounded", "growing", "heavy_tailed")


def measured(family: str, seed: int) -> list[dict[str, object]]:
    """One row for every setting."""
    world = synthesize(families()[family], seed)
    panel = read_group(world, world.spec.account_names)
    fit = ab.fit(panel, seed=seed, progress=False)
    current = world.current().reindex(panel.cells)
    limits = ab.Limits(change=CHANGE, total="fixed")
    best = ab.optimize(fit.draws, current, limits, ab.Risk(aversion=0.0))
    plans = {risk: ab.optimize(fit.draws, current, limits, risk) for _, risk in SETTINGS.values()}
    rows = []
    for name, (thresholds, risk) in SETTINGS.items():
        decisions = ab.decide(plans[risk], thresholds, health=fit.health)
        part = Part(fit=fit, current=current, best=best, decisions=decisions)
        found = score(
            answer_of([part], {"fit": 0.0, "decide": 0.0, "cpu": 0.0}), world.truth, current
        )
        rows.append({"family": family, "seed": seed, "setting": name, **found})
    return rows


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Means over worlds, and shares of all calls."""
    by = rows.groupby(["family", "setting"], sort=False)
    total = by[["n_calls", "n_wrong", "expected_wrong", "n_cells"]].sum()
    return pd.DataFrame(
        {
            "worlds": by.size(),
            "best plan": by["captured"].mean(),
            "captured": by["calls_captured"].mean(),
            "called": total["n_calls"] / total["n_cells"],
            "wrong": total["n_wrong"] / total["n_calls"],
            "expected": total["expected_wrong"] / total["n_calls"],
            "hurt": by["calls_hurt"].mean(),
        }
    )


def main() -> None:
    """Print one table for each family as it is done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("families", nargs="*", default=ALL)
    parser.add_argument("--seeds", default="300-311")
    options = parser.parse_args()
    first, last = (int(part) for part in options.seeds.split("-"))
    for family in options.families:
        rows = [row for seed in range(first, last + 1) for row in measured(family, seed)]
        print(summary(pd.DataFrame(rows)).round(3).to_string(), flush=True)


if __name__ == "__main__":
    main()
