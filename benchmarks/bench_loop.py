"""Time a cycle of the loop over many campaigns, and watch its memory over many: bench_loop.py.

``bench_loop.py`` fits once, then runs weekly cycles that update the fit, decide, and make what was
decided. ``bench_loop.py --cycles 500 --accounts 2 --channels 2 --hours 24`` shows whether memory is
flat. The platform is simulated within the process; its own time is not counted.
"""

import argparse
import gc
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import numpy as np
from _measure import Stopwatch, load_all, machine, peak_megabytes

POLICY = {
    "currency": "EUR",
    "rules": [],
    "constraints": {"approval_limit": 1_000_000, "cadence": 0, "max_daily_change": "25%"},
}


def resident_megabytes() -> float:
    """What this process holds now (resident set), in MB; the peak where that is not told."""
    status = Path("/proc/self/status")
    if not status.exists():
        return peak_megabytes()
    line = next(row for row in status.read_text().splitlines() if row.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def opened(given: argparse.Namespace):
    """The platform at noon, and settings that fit its history."""
    from adbudget.loop import LoopSettings
    from adbudget.platforms import SimulatedPlatform
    from adbudget.synthetic import WorldSpec

    world = WorldSpec(
        n_accounts=given.accounts,
        n_channels=given.channels,
        n_periods=7 * given.weeks,
        period="daily",
        noise=0.1,
        unused_share=0.0,
    )
    platform = SimulatedPlatform(world, given.seed)
    platform.advance(hours=12)
    settings = LoopSettings(history_days=7 * given.weeks - 1, refit_cycles=1000)
    return platform, settings


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--accounts", type=int, default=50)
    options.add_argument("--channels", type=int, default=20)
    options.add_argument("--weeks", type=int, default=52)
    options.add_argument("--cycles", type=int, default=3)
    options.add_argument("--hours", type=int, default=168, help="between two cycles")
    options.add_argument("--cores", type=int, default=None)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--state", type=Path, help="a file that keeps the first fit")
    options.add_argument("--profile", type=Path, help="write a profile of the last cycle here")
    given = options.parse_args()
    load_all()
    with tempfile.TemporaryDirectory() as folder:
        measure(given, given.state or Path(folder) / "loop.db")


def measure(given: argparse.Namespace, place: Path) -> None:
    """The first cycle, dry; then cycles that are made."""
    from adbudget.loop import open_state, run_cycle

    platform, settings = opened(given)
    count = len(platform.budgets())
    print(f"{count:,} campaigns, {given.weeks} weeks; {machine()}", flush=True)
    print(f"{'cycle':>6}{'seconds':>9}{'cpu s':>8}{'MB':>7}{'made':>6}  learned", flush=True)
    with open_state(place) as state:
        for number in range(given.cycles + 1):
            first = number == 0
            if not first:
                platform.advance_to(platform.now + timedelta(hours=given.hours))
            if first and state.fit() is not None:
                continue
            gc.collect()
            watch = Stopwatch()
            with profiled(given.profile if number == given.cycles else None):
                report = run_cycle(
                    None,
                    platform,
                    POLICY,
                    state,
                    now=platform.now,
                    rng=np.random.default_rng([given.seed, number]),
                    settings=settings,
                    apply=not first,
                    cores=given.cores,
                )
            seconds, cpu = watch.lap("cycle")
            made = 0 if report.applied is None else report.applied.count("made")
            if number <= 3 or number % 50 == 0 or number == given.cycles:
                print(
                    f"{number:6}{seconds:9.1f}{cpu:8.1f}{resident_megabytes():7.0f}{made:6}  "
                    f"{report.learned}{'' if report.healthy else ' (unhealthy)'}",
                    flush=True,
                )
        assert state.ledger.verify().ok


@contextmanager
def profiled(place: Path | None) -> Iterator[None]:
    """Write a profile of what is done inside it, where a place is given."""
    import cProfile

    if place is None:
        yield
        return
    with cProfile.Profile() as profile:
        yield
    profile.dump_stats(place)


if __name__ == "__main__":
    main()
