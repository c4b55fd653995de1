"""One process: jobs on standard input, one JSON record per line on standard output.

All jobs of a process are of one tool and family, so its peak memory is theirs.
"""

import json
import os
import sys
import traceback
from typing import Any

import numpy as np

from benchmarks._measure import load_all, peak_megabytes
from benchmarks.worlds.jobs import Job, make_world
from benchmarks.worlds.scoring import score
from benchmarks.worlds.tools import TOOLS

DIGITS = 5


def run_job(job: Job) -> dict[str, Any]:
    """Make the world, run the tool, judge it."""
    world = make_world(job)
    answer = TOOLS[job.tool].load()(world, job)
    return score(answer, world.truth, world.current())


def rounded(value: Any) -> Any:
    """Numbers to a few digits, NaN as None, containers alike."""
    if isinstance(value, dict):
        return {key: rounded(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(entry) for entry in value]
    if isinstance(value, bool | np.bool_ | int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None
    return value


def main() -> int:
    """Run every job; a job that fails is reported and the next one runs."""
    # Whatever a tool prints must not get between the records.
    records = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    sys.stdout = sys.stderr
    jobs = [Job(**one) for one in json.load(sys.stdin)]
    if TOOLS[jobs[0].tool].uses_library:
        load_all()  # imported and compiled now, so that no job's seconds hold it
    failed = False
    for job in jobs:
        try:
            measures = run_job(job)
            measures.setdefault("peak_mb", peak_megabytes())  # a tool's own process says its own
            record = {"job": job.to_dict(), "measures": rounded(measures)}
        except Exception as error:  # one bad world must not cost the others
            failed = True
            traceback.print_exc()
            record = {"job": job.to_dict(), "error": f"{type(error).__name__}: {error}"}
        print(json.dumps(record), file=records, flush=True)
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
