"""Time an update against a refit, and how far their answers differ: bench_update.py."""

import argparse

import numpy as np
from _measure import Stopwatch, assumed_world, load_all, machine

HEADER = (
    f"{'weeks':>6}{'refit s':>9}{'update s':>10}{'ratio':>7}{'cpu ratio':>11}{'update rms':>12}"
    f"{'refit rms':>11}{'old rms':>9}{'ESS':>7}{'refit ESS':>11}  how"
)


def log_returns(fit) -> np.ndarray:
    """(draw, cell) logarithms that tell no difference between nothing and next to nothing."""
    return np.log(0.1 * fit.priors.roi_median + fit.cell_draws.roi).reshape(
        -1, fit.cell_draws.roi.shape[-1]
    )


def distance(one, other) -> float:
    """Root mean square over cells of the difference of posterior means, in posterior sd."""
    here, there = log_returns(one), log_returns(other)
    shift = (here.mean(axis=0) - there.mean(axis=0)) / there.std(axis=0)
    return float(np.sqrt((shift**2).mean()))


def measure(world, n_new: int, seed: int) -> None:
    """Fit all but the last weeks, add them, and compare with fits of everything."""
    import adbudget as ab

    cut = sorted(world.outcome["date"].unique())[-n_new]
    frames = (world.spend, world.outcome)
    old, new = ([f[(f["date"] >= cut) == later] for f in frames] for later in (False, True))
    known = ab.fit(ab.read_panel(*old), seed=seed, progress=False)
    panel = ab.read_panel(world.spend, world.outcome)
    watch = Stopwatch()
    updated = known.update(*new, seed=seed + 1)
    seconds, cpu = watch.lap("update")
    refit = ab.fit(panel, seed=seed + 2, progress=False)
    full_seconds, full_cpu = watch.lap("refit")
    again = ab.fit(panel, seed=seed + 3, progress=False)
    how = updated.panel.notes[-1].message.partition("draws ")[2]
    print(
        f"{n_new:6}{full_seconds:9.1f}{seconds:10.2f}{seconds / full_seconds:7.2f}"
        f"{cpu / full_cpu:11.2f}{distance(updated, refit):12.3f}{distance(again, refit):11.3f}"
        f"{distance(known, refit):9.3f}{updated.health.ess_bulk_min:7.0f}"
        f"{refit.health.ess_bulk_min:11.0f}  {how}"
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--accounts", type=int, default=20)
    options.add_argument("--channels", type=int, default=6)
    options.add_argument("--weeks", type=int, default=104)
    options.add_argument("--new", type=int, nargs="+", default=[1, 4, 13])
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    world = assumed_world(given.accounts, given.channels, given.weeks, given.seed)
    print(
        f"{given.accounts} accounts x {given.channels} channels x {given.weeks} weeks; {machine()}"
    )
    load_all()
    warm_up(world)
    print(HEADER)
    for n_new in given.new:
        measure(world, n_new, given.seed)


def warm_up(world) -> None:
    """One short fit and update, so that nothing is compiled or imported under the stopwatch."""
    import adbudget as ab

    cut = sorted(world.outcome["date"].unique())[-1]
    some = world.outcome["account"].unique()[:2]
    spend = world.spend[world.spend["account"].isin(some)]
    outcome = world.outcome[world.outcome["account"].isin(some)]
    panel = ab.read_panel(spend[spend["date"] < cut], outcome[outcome["date"] < cut])
    fit = ab.fit(panel, seed=0, draws=200, tune=200, progress=False)
    fit.update(spend[spend["date"] == cut], outcome[outcome["date"] == cut])


if __name__ == "__main__":
    main()
