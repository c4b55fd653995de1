"""Missing jobs -> fresh processes -> results. Knows nothing of what the tools do."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.worlds.jobs import Job
from benchmarks.worlds.results import Results
from benchmarks.worlds.tools import TOOLS

ROOT = Path(__file__).parents[2]
DASH = "-"
CHECK = "import adbudget, sys; print(adbudget.__file__)"


def check_source(src: Path) -> None:
    """Make sure that processes really import the library of ``src``.

    Raises
    ------
    SystemExit : they import another one
    """
    ended = subprocess.run(
        [sys.executable, "-c", CHECK], env=_environment(src), capture_output=True, text=True
    )
    found = ended.stdout.strip()
    if not found or not Path(found).is_relative_to(src):
        raise SystemExit(f"adbudget is imported from {found or ended.stderr}, not from {src}.")


def run_missing(jobs: list[Job], results: Results, n_processes: int) -> int:
    """Run what has no result yet; results are kept one by one, so a stopped run resumes.

    Parameters
    ----------
    jobs : to be in ``results`` afterwards
    results : where they are kept
    n_processes : processes at the same time; each samples on 2 cores

    Returns
    -------
    number of jobs that failed
    """
    missing = [job for job in results.missing(jobs) if _can_run(job)]
    print(f"{len(jobs)} jobs, {len(missing)} to run", file=sys.stderr, flush=True)
    batches = list(_batches(missing))
    with ThreadPoolExecutor(max_workers=n_processes) as pool:
        return sum(pool.map(lambda batch: _run_batch(batch, results), batches))


def _can_run(job: Job) -> bool:
    only = TOOLS[job.tool].only
    return only is None or (job.family in only and job.study == "families")


def _batches(jobs: list[Job]) -> Iterator[list[Job]]:
    """Jobs of one study, family and tool together, in the order given."""
    groups: dict[tuple, list[Job]] = {}
    for job in jobs:
        groups.setdefault((job.study, job.family, job.tool, job.weeks, job.group), []).append(job)
    yield from groups.values()


def _run_batch(jobs: list[Job], results: Results) -> int:
    if not results.still_holds(jobs[0].tool):
        raise SystemExit("The code has changed since the run began. Start it again.")
    child = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.worlds.worker"],
        env=_environment(results.src),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdin is not None  # for the type checker: both are pipes
    assert child.stdout is not None
    child.stdin.write(json.dumps([job.to_dict() for job in jobs]))
    child.stdin.close()
    done = 0
    for line in child.stdout:
        record = json.loads(line)
        job = Job(**record["job"])
        if "error" in record:
            print(f"FAILED {_say(job)}: {record['error']}", file=sys.stderr, flush=True)
            continue
        results.add(job, record["measures"])
        done += 1
        _print_progress(job, record["measures"])
    if child.wait() not in (0, 1):  # 1: jobs failed, and were named above
        print(
            f"The process of {_say(jobs[0])} and on ended with {child.returncode}.", file=sys.stderr
        )
    return len(jobs) - done


def _print_progress(job: Job, measures: dict) -> None:
    captured = measures["captured"]  # None where a world has nothing to gain
    said = [f"{_say(job)}: captured " + (DASH if captured is None else f"{captured:.3f}")]
    if measures.get("seconds"):
        said.append(f"{measures['seconds']:.0f} s")
    print(", ".join(said), file=sys.stderr, flush=True)


def _say(job: Job) -> str:
    cut = f" {job.weeks} weeks" if job.weeks else f" by {job.group}" if job.group else ""
    return f"{job.study} {job.family}{cut} world {job.world} {job.tool}"


def _environment(src: Path) -> dict[str, str]:
    """The library of ``src`` comes before an installed one."""
    paths = [str(src), str(ROOT), os.environ.get("PYTHONPATH", "")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
