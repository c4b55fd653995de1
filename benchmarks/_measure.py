"""Worlds, fresh processes and peak memory for the benchmarks. Knows nothing of what is timed."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from adbudget.synthetic import World, families, synthesize

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One child process that has ended: its wall time and what it said about itself."""

    seconds: float
    said: dict


def assumed_world(
    n_accounts: int, n_channels: int, n_periods: int, seed: int, period: str = "weekly"
) -> World:
    """A world that is as the model assumes, of any size."""
    spec = replace(
        families()["assumed"],
        n_accounts=n_accounts,
        n_channels=n_channels,
        n_periods=n_periods,
        period=period,
    )
    return synthesize(spec, seed)


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
    start = time.perf_counter()
    command = [sys.executable, "-c", code, *arguments]
    try:
        ended = subprocess.run(
            command, env=env, stdout=subprocess.PIPE, text=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired:
        return None
    seconds = time.perf_counter() - start
    if ended.returncode != 0:
        raise SystemExit(f"the timed process ended with code {ended.returncode}")
    return Run(seconds=seconds, said=json.loads(ended.stdout.splitlines()[-1]))


def peak_megabytes() -> float:
    """Most memory this process has held at once (resident set), in MB."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count what the parent held when it forked
        line = next(row for row in status.read_text().splitlines() if row.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    import resource

    unit = 1024**2 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


@contextmanager
def stopwatch(laps: dict[str, float], name: str) -> Iterator[None]:
    """Add the seconds spent inside to ``laps[name]``."""
    start = time.perf_counter()
    yield
    laps[name] = laps.get(name, 0.0) + time.perf_counter() - start


def machine() -> str:
    """The machine in general words."""
    import platform

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{cores} cores, {platform.system()}, Python {platform.python_version()}"
