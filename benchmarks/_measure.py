"""Worlds, fresh processes, stopwatch and peak memory. Knows nothing of what is timed."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adbudget.synthetic import World

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One child process that has ended: what it took, and what it said about itself."""

    seconds: float
    cpu_seconds: float
    said: dict


class Stopwatch:
    """Wall and processor seconds since the last lap, all threads of this process counted."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.cpu_seconds: dict[str, float] = {}
        self.skip()

    def skip(self) -> None:
        """Start again from now; what passed belongs to no lap."""
        self._last = time.perf_counter(), time.process_time()

    def lap(self, name: str) -> tuple[float, float]:
        """Keep and return the wall and processor seconds of the lap that ends now."""
        wall, cpu = time.perf_counter() - self._last[0], time.process_time() - self._last[1]
        self.seconds[name], self.cpu_seconds[name] = wall, cpu
        self.skip()
        return wall, cpu


def assumed_world(
    n_accounts: int, n_channels: int, n_periods: int, seed: int, period: str = "weekly"
) -> "World":
    """A world that is as the model assumes, of any size."""
    from adbudget.synthetic import families, synthesize

    spec = replace(
        families()["assumed"],
        n_accounts=n_accounts,
        n_channels=n_channels,
        n_periods=n_periods,
        period=period,
    )
    return synthesize(spec, seed)


def load_all() -> None:
    """Import now what ``adbudget.recommend`` imports on first use, so that it counts as import.

    The density is compiled here when its cache is empty.
    """
    for name in (
        "adbudget.recommendation",
        "adbudget.model.fit",
        "adbudget.model.health",
        "adbudget.model.sampler",
        "adbudget.model.density",
        "arviz_stats.base",
        "nutpie.compile_pymc",
    ):
        import_module(name)


def run_fresh(
    code: str, *arguments: str, timeout: float | None = None, **environment: str
) -> Run | None:
    """Run Python code in a process of its own; its last printed line is a JSON record.

    Parameters
    ----------
    code : may import this folder's modules; reads ``sys.argv[1:]``
    arguments : the child's arguments
    timeout : seconds after which the child is stopped, and the answer is None
    environment : variables set for the child
    """
    paths = [str(HERE), os.environ.get("PYTHONPATH", "")]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))} | environment
    command = [sys.executable, "-c", code, *arguments]
    start, cpu_before = time.perf_counter(), _children_cpu()
    try:
        ended = subprocess.run(
            command, env=env, stdout=subprocess.PIPE, text=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired:
        return None
    seconds = time.perf_counter() - start
    if ended.returncode != 0:
        raise SystemExit(f"the timed process ended with code {ended.returncode}")
    said = json.loads(ended.stdout.splitlines()[-1])
    return Run(seconds=seconds, cpu_seconds=_children_cpu() - cpu_before, said=said)


def _children_cpu() -> float:
    """Processor seconds of all children that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def peak_megabytes() -> float:
    """Most memory this process has held at once (resident set), in MB."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count what the parent held when it forked
        line = next(row for row in status.read_text().splitlines() if row.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    import resource

    unit = 1024**2 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def machine() -> str:
    """The machine in general words."""
    import platform

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{cores} cores, {platform.system()}, Python {platform.python_version()}"
