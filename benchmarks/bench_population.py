"""A newcomer with a population's prior, against a joint fit of everybody and a fit of its own.

    python benchmarks/bench_population.py --worlds 3

Accounts of one world are parted: most teach a population, the others are fitted one by one with
it, each on its last weeks only. The joint fit holds all of them, newcomers with the same weeks. The
true returns are known.
"""

import argparse
from dataclasses import dataclass, replace

import numpy as np
from _measure import Stopwatch, load_all, machine

FLOOR = 0.1  # returns below a tenth of one are all next to nothing
HEADER = (
    f"{'family':<12}{'seed':>5}{'weeks':>7}{'shift':>8}{'worst':>8}{'sd ratio':>10}{'P diff':>8}"
    f"{'holds':>7}{'joint':>7}{'alone':>7}{'width':>8}{'alone':>8}{'cpu s':>8}{'joint':>8}"
)


@dataclass(frozen=True, kw_only=True)
class Told:
    """Draws of one account's returns: (draw, cell), and the processor seconds they took."""

    returns: np.ndarray
    cpu: float

    @property
    def logs(self) -> np.ndarray:
        """Logarithms that tell no difference between nothing and next to nothing."""
        return np.log(FLOOR + self.returns)

    def holds(self, true: np.ndarray) -> float:
        """Share of cells whose 90% interval holds the truth."""
        low, high = np.quantile(self.returns, (0.05, 0.95), axis=0)
        return float(((low <= true) & (true <= high)).mean())


def returns_of(fit, account: str) -> np.ndarray:
    """(draw, cell) average returns of one account."""
    place = fit.panel.accounts.index(account)
    own = np.argwhere(fit.evidence.design.exists)[:, 0] == place
    roi = fit.cell_draws.roi[..., own]
    return roi.reshape(-1, roi.shape[-1])


def measure(family: str, seed: int, n_accounts: int, n_new: int, weeks: int) -> None:
    """One line: means over the newcomers of one world."""
    import adbudget as ab
    from adbudget.synthetic import families, synthesize

    spec = replace(families()[family], n_accounts=n_accounts + n_new)
    world = synthesize(spec, seed)
    frames = world.spend, world.outcome
    names = sorted(world.outcome["account"].unique())
    new = names[-n_new:]
    start = sorted(world.outcome["date"].unique())[-weeks]
    short = [f[~f["account"].isin(new) | (f["date"] >= start)] for f in frames]
    known = [f[~f["account"].isin(new)] for f in short]
    population = ab.fit(ab.read_panel(*known), seed=seed, progress=False).population
    watch = Stopwatch()
    joint = ab.fit(ab.read_panel(*short), seed=seed, progress=False)
    joint_cpu = watch.lap("joint")[1]
    rows = []
    for name in new:
        panel = ab.read_panel(*(f[f["account"] == name] for f in short))
        told = []
        for options in ({"population": population}, {}):
            watch = Stopwatch()
            fit = ab.fit(panel, seed=seed, progress=False, **options)
            told.append(Told(returns=returns_of(fit, name), cpu=watch.lap("own")[1]))
        own, alone = told
        together = Told(returns=returns_of(joint, name), cpu=joint_cpu)
        scale = fit.evidence.design.scale[0]
        used = [
            c
            for c, there in zip(panel.channels, fit.evidence.design.exists[0], strict=True)
            if there
        ]
        spend = dict(zip(panel.channels, scale, strict=True))
        true = np.array([true_return(world, name, c, spend[c]) for c in used])
        sd = together.logs.std(axis=0)
        shift = np.abs(own.logs.mean(axis=0) - together.logs.mean(axis=0)) / sd
        pays = np.abs((own.returns > 1).mean(axis=0) - (together.returns > 1).mean(axis=0))
        rows.append(
            (
                shift.mean(),
                shift.max(),
                (own.logs.std(axis=0) / sd).mean(),
                pays.mean(),
                own.holds(true),
                together.holds(true),
                alone.holds(true),
                own.logs.std(axis=0).mean(),
                alone.logs.std(axis=0).mean(),
                own.cpu,
                joint_cpu,
            )
        )
    found = np.mean(rows, axis=0)
    print(
        f"{family:<12}{seed:>5}{weeks:>7}{found[0]:>8.2f}{np.max(rows, axis=0)[1]:>8.2f}"
        f"{found[2]:>10.2f}{found[3]:>8.3f}{found[4]:>7.2f}{found[5]:>7.2f}{found[6]:>7.2f}"
        f"{found[7]:>8.2f}{found[8]:>8.2f}{found[9]:>8.1f}{found[10]:>8.1f}",
        flush=True,
    )


def true_return(world, account: str, channel: str, spend: float) -> float:
    """Return of a cell at its mean spend."""
    import pandas as pd

    at = pd.Series(world.truth.scale, index=world.truth.cells)
    at[account, channel] = spend
    return float(world.truth.roi(at)[account, channel])


def main() -> None:
    """Print a table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--families", nargs="+", default=["assumed", "confounded"])
    options.add_argument("--worlds", type=int, default=3)
    options.add_argument("--first", type=int, default=600, help="seed of the first world")
    options.add_argument("--accounts", type=int, default=16, help="that teach the population")
    options.add_argument("--new", type=int, default=4)
    options.add_argument("--weeks", type=int, nargs="+", default=[13, 52], help="of newcomers")
    given = options.parse_args()
    load_all()
    print(machine())
    print(HEADER)
    for family in given.families:
        for seed in range(given.first, given.first + given.worlds):
            for weeks in given.weeks:
                measure(family, seed, given.accounts, given.new, weeks)


if __name__ == "__main__":
    main()
