"""Accounts from Parquet to decisions in shards, and how far from a joint fit.

    python benchmarks/bench_scale_out.py --accounts 1000 --channels 6 --weeks 104 --workers 2
    python benchmarks/bench_scale_out.py --accounts 60 --channels 3 --weeks 52 --joint

The first says what it takes: processor seconds and memory of all processes, and what the calls are
worth by the truth of the world. With ``--joint`` all accounts are fitted together, too, and the two
are compared cell by cell.
"""

import argparse
import os
import shutil
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
from _measure import assumed_world, load_all, machine

FILES = 20  # that the rows are spread over
TICK = 0.5  # seconds between two looks at the memory


def write_rows(folder: Path, n_accounts: int, n_channels: int, weeks: int, seed: int) -> None:
    """Spend and outcome of a made-up world, each in a folder of Parquet files by account."""
    world = assumed_world(n_accounts, n_channels, weeks, seed)
    names = np.array(sorted(world.outcome["account"].unique()))
    for kind, rows in (("spend", world.spend), ("outcome", world.outcome)):
        (folder / kind).mkdir(parents=True)
        for i, own in enumerate(np.array_split(names, min(FILES, names.size))):
            part = rows[rows["account"].isin(own)]
            part.to_parquet(folder / kind / f"part-{i:03d}.parquet", index=False)


class Watch:
    """Processor seconds and memory of this process and all below it, from now on."""

    def __enter__(self) -> "Watch":
        self.peak, self.largest, self.cpu = 0.0, 0.0, {}
        self._over = threading.Event()
        self._begin = time.perf_counter()
        self._look()
        self._before = dict(self.cpu)
        self._thread = threading.Thread(target=self._keep_looking, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._look()
        self._over.set()
        self._thread.join()
        self.seconds = time.perf_counter() - self._begin
        self.cpu_seconds = sum(self.cpu.values()) - sum(self._before.values())

    def _keep_looking(self) -> None:
        while not self._over.wait(TICK):
            self._look()

    def _look(self) -> None:
        """Resident memory less what is shared, and what each process has used so far."""
        total = 0.0
        for pid in _family():
            try:
                stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                pages = Path(f"/proc/{pid}/statm").read_text().split()
            except OSError:
                continue
            own = (int(pages[1]) - int(pages[2])) * 4096 / 1e6
            total += own
            self.largest = max(self.largest, own)
            self.cpu[pid] = (int(stat[11]) + int(stat[12])) / 100
        self.peak = max(self.peak, total)


def _family() -> list[int]:
    """Every process that came of this one, and itself."""
    parents = {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            try:
                stat = (path / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(path.name)] = int(stat[1])
    found = {os.getpid()}
    while True:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        if not more:
            return sorted(found)
        found |= more


def compare(rows: Path, fitted, seed: int) -> None:
    """A joint fit of all accounts beside the fits of the shards."""
    import adbudget as ab
    from adbudget.scale.comparing import cells_apart

    spend, outcome = (pd.read_parquet(rows / kind) for kind in ("spend", "outcome"))
    with Watch() as watch:
        joint = ab.fit(ab.read_panel(spend, outcome), seed=seed, progress=False)
    print(
        f"joint fit: {watch.cpu_seconds:.0f} processor seconds, r-hat {joint.health.rhat_max:.3f}, "
        f"{joint.positions.shape[0]} chains"
    )
    first = {shard: name for name, shard in fitted.accounts.items()}
    cells = cells_apart([fitted.fit_of(name) for name in first.values()], joint)
    now, then = cells["decision"], cells["decision_joint"]
    opposite = (now != then) & (now != "monitor") & (then != "monitor")
    print(
        f"shift {cells['shift'].abs().mean():.3f} sd (largest {cells['shift'].abs().max():.2f}, "
        f"mean {cells['shift'].mean():+.3f}), sd ratio {cells['sd_ratio'].mean():.3f}, "
        f"P(mROI > 1) differs by {(cells['pays'] - cells['pays_joint']).abs().mean():.4f}, "
        f"{(now == then).mean():.1%} of {len(cells)} calls equal, {opposite.sum()} opposite"
    )


def against_truth(decisions: Path, given: argparse.Namespace) -> None:
    """What the calls gain of what could be gained, and how many lose by the hurdle they name."""
    truth = assumed_world(given.accounts, given.channels, given.weeks, given.seed).truth
    parts = [pd.read_parquet(path) for path in sorted(decisions.glob("part-*.parquet"))]
    frame = pd.concat(parts).set_index(["account", "channel"]).sort_index()
    now, then = frame["current_spend"], frame["recommended_spend"]
    gained = truth.captured(then, now, change=0.3, total="at_most").overall
    value = truth.response(then) - truth.response(now) - (then - now) * frame["hurdle"]
    called = frame["decision"] != "monitor"
    print(
        f"by the truth: {gained:.0%} of what could be gained, {(value[called] < 0).mean():.1%} of "
        f"{called.sum():,} calls wrong"
    )


def main() -> None:
    """Print what a run takes."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--accounts", type=int, default=1000)
    options.add_argument("--channels", type=int, default=6)
    options.add_argument("--weeks", type=int, default=104)
    options.add_argument("--shard", type=int, default=25, help="accounts of a shard")
    options.add_argument("--passes", type=int, default=3)
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--cluster", help="address of a dask scheduler, in the place of workers")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--joint", action="store_true", help="compare with a fit of all together")
    options.add_argument("--folder", type=Path, help="kept, to go on from; a temporary one if none")
    given = options.parse_args()
    load_all()
    from adbudget import scale

    folder = given.folder or Path(tempfile.mkdtemp(prefix="scale-out-"))
    rows = folder / "rows"
    try:
        if not rows.exists():
            write_rows(rows, given.accounts, given.channels, given.weeks, given.seed)
        where = {"client": given.cluster} if given.cluster else {"workers": given.workers}
        with Watch() as watch:
            result = scale.recommend(
                rows / "spend",
                rows / "outcome",
                out=folder / "decisions",
                work=folder / "work",
                shard_size=given.shard,
                passes=given.passes,
                seed=given.seed,
                **where,
            )
        fitted = result.fitted
        print(f"{given.accounts} x {given.channels} x {given.weeks}, {where}; {machine()}")
        print(
            f"{watch.seconds:.0f} s, {watch.cpu_seconds:.0f} processor seconds; memory of all "
            f"processes {watch.peak:.0f} MB at most, of one {watch.largest:.0f} MB"
        )
        print(fitted.passes.round(3).to_string())
        print(
            fitted.shards[["rhat", "ess", "divergences", "draws"]].describe().round(3).to_string()
        )
        print(result)
        against_truth(folder / "decisions", given)
        if given.joint:
            compare(rows, fitted, given.seed)
    finally:
        if given.folder is None:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
