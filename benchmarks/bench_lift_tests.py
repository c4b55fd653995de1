"""What one lift test does to returns that confounding has biased: python bench_lift_tests.py.

Worlds that are more confounded than the family of that name: spend is proportional to demand, four
fifths of which no calendar explains and no column shows, so the history alone is misled. The cell
with the largest spend is tested by switching it off for eight weeks, and its outcome is counted for
some weeks more (a cool-down); its siblings are the cells of the same channel in other accounts.
Bias is log(estimated / true) of the average and the marginal return at today's spend, the estimate
being the posterior mean.
"""

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from _measure import Stopwatch, machine

if TYPE_CHECKING:
    from adbudget import Fit
    from adbudget.synthetic import World

GROUPS = ("tested", "siblings", "others")
WEEKS = 8
HIDDEN = {"demand_follow": 1.0, "hidden_demand_share": 0.8}
TRUTH_FLOOR = 0.05  # money per money; the logarithm of nothing says nothing


def bias_and_cover(fitted: "Fit", world: "World", cell: tuple[str, str]) -> pd.DataFrame:
    """By group of cells: bias and its size in log units, share of 90% intervals with the truth."""
    now, draws = fitted.current_spend, fitted.draws
    value = world.truth.value
    roi = value * draws.response(now).to_numpy()[:, draws.exists] / now.to_numpy()
    marginal = value * draws.marginal(now).to_numpy()[:, draws.exists]
    low, high = np.quantile(roi, (0.05, 0.95), axis=0)
    truth = world.truth.roi(now).reindex(now.index).to_numpy()
    marginal_truth = value * world.truth.marginal(now).reindex(now.index).to_numpy()
    group = [
        "tested" if name == cell else "siblings" if name[1] == cell[1] else "others"
        for name in now.index
    ]
    frame = pd.DataFrame(
        {
            "group": group,
            "bias": _log_ratio(roi.mean(axis=0), truth),
            "size": np.abs(_log_ratio(roi.mean(axis=0), truth)),
            "marginal": np.abs(_log_ratio(marginal.mean(axis=0), marginal_truth)),
            "cover": (low <= truth) & (truth <= high),
            "width": (high - low) / roi.mean(axis=0),
        }
    )
    return frame.groupby("group").mean().loc[list(GROUPS)]


def _log_ratio(estimate: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return np.log((estimate + TRUTH_FLOOR) / (truth + TRUTH_FLOOR))


def study(
    seed: int, n_accounts: int, iroas_error: float, cool_down: int, draws: int
) -> dict[str, pd.DataFrame]:
    """One world, fitted without and with a test of its largest cell."""
    import adbudget as ab
    from adbudget.synthetic import families, run_lift_test, synthesize

    world = synthesize(replace(families()["confounded"], n_accounts=n_accounts, **HIDDEN), seed)
    panel = ab.read_panel(world.spend, world.outcome[["account", "date", world.spec.kpi]])
    cell = panel.current_spend().idxmax()
    test = run_lift_test(
        world,
        cell,
        seed=seed,
        change=-1.0,
        n_periods=WEEKS,
        cool_down=cool_down,
        iroas_error=iroas_error,
    )
    found = {}
    watch = Stopwatch()
    for name, tests in (("history alone", None), ("with the test", test)):
        watch.skip()
        fitted = ab.fit(panel, seed=seed, lift_tests=tests, draws=draws, progress=False)
        seconds = watch.lap(name)[0]
        found[name] = bias_and_cover(fitted, world, cell).assign(seconds=seconds)
        for sentence in fitted.health.warnings:
            print(f"  seed {seed}: {sentence}")
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4])
    options.add_argument("--accounts", type=int, default=8)
    options.add_argument("--draws", type=int, default=1000)
    options.add_argument("--iroas-error", type=float, default=0.1)
    options.add_argument("--cool-down", type=int, default=WEEKS, help="weeks")
    given = options.parse_args()
    print(machine())
    studies = [
        study(seed, given.accounts, given.iroas_error, given.cool_down, given.draws)
        for seed in given.seeds
    ]
    print(f"\n{len(studies)} confounded worlds, one test each (standard error of its iROAS", end="")
    print(f" {given.iroas_error:g}); means over worlds, se over worlds in brackets")
    print(f"{'':16}{'cells':10}{'ROI bias':>16}{'|bias|':>9}{'|marg.|':>9}", end="")
    print(f"{'covered':>9}{'width':>8}{'fit s':>8}")
    for name in studies[0]:
        for group in GROUPS:
            rows = pd.DataFrame([found[name].loc[group] for found in studies])
            mean, error = rows.mean(), rows["bias"].std() / np.sqrt(max(len(rows), 1))
            print(f"{name:16}{group:10}{mean['bias']:8.2f} ({error:4.2f})", end="")
            print(f"{mean['size']:9.2f}{mean['marginal']:9.2f}", end="")
            print(f"{mean['cover']:9.0%}", end="")
            print(f"{mean['width']:8.2f}{mean['seconds']:8.1f}")


if __name__ == "__main__":
    main()
