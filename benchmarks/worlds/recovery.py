"""Folder of panels that others made -> results: what intervals of returns hold. Copies no data.

A result belongs to a panel's name and the code; its measures say what the panel was.
"""

import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from benchmarks.worlds.jobs import Job
from benchmarks.worlds.worker import rounded

if TYPE_CHECKING:
    from benchmarks.worlds.results import Results

STUDY = "recovery"


def judge_folder(folder: Path, results: "Results") -> None:
    """Fit every panel that has no result of today's code yet, and keep and print what came of it.

    Parameters
    ----------
    folder : pairs of files as ``benchmarks/bench_recovery.py`` reads them
    results : where they are kept
    """
    from benchmarks.bench_recovery import pairs, said

    for path in pairs(folder):
        job = Job(study=STUDY, family=path.stem, world=0, tool="adbudget")
        if results.missing([job]):
            results.add(job, rounded(_measures(path, job.seed)))
        kept = next(one.measures for one in results.all() if one.job == job)
        print(said(path.stem, kept), file=sys.stderr, flush=True)


def _measures(path: Path, seed: int) -> dict[str, Any]:
    from benchmarks.bench_recovery import judged, read_pair

    panel, truth = read_pair(path)
    start = perf_counter()
    cells, health = judged(panel, truth, seed)
    return {
        "n_accounts": panel.n_accounts,
        "n_cells": len(cells),
        "n_held": int(cells["held"].sum()),
        "errors": cells["error"].tolist(),
        "unhealthy": int(not health.ok),
        "seconds": perf_counter() - start,
    }
