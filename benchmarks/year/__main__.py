"""Run a year: python -m benchmarks.year --seed 1. Figures are printed; --report writes docs.

Every violation is written with its day and unit to results.jsonl, so that its cause can be found.
"""

import argparse
import json
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results.jsonl"


def main() -> int:
    """Parse, run, print, and keep what was asked for."""
    given = _options().parse_args()
    if given.report:
        from benchmarks.year.report import write

        write(RESULTS, HERE.parents[1] / "docs" / "year.md")
        return 0
    seeds = range(given.seed, given.seed + given.seeds)
    jobs = [(seed, given) for seed in seeds]
    if given.jobs > 1:
        with ProcessPoolExecutor(max_workers=given.jobs) as pool:
            found = list(pool.map(_one, jobs))
    else:
        found = [_one(job) for job in jobs]
    return int(any(each["harm"] for each in found))


def _one(job: tuple[int, argparse.Namespace]) -> dict:
    from benchmarks.year.report import lines
    from benchmarks.year.year import Settings, run_year

    seed, given = job
    settings = Settings(
        seed=seed,
        n_days=given.days,
        hourly=given.hourly,
        commands=given.commands,
        only=tuple(filter(None, given.only.split(","))),
    )
    # A folder of its own: a second run of a seed would put its ledger in the place of the first's.
    folder = given.folder or Path(tempfile.mkdtemp(prefix="adbudget-year-"))
    figures = run_year(settings, folder / f"{seed}")
    print("\n".join(lines(figures, given.show)), flush=True)
    if given.keep:
        with given.keep.open("a", encoding="utf-8") as file:
            file.write(json.dumps(figures) + "\n")
    return figures


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="python -m benchmarks.year", description=__doc__)
    options.add_argument("--seed", type=int, default=1, help="of the first year")
    options.add_argument("--seeds", type=int, default=1, help="how many years, each with its seed")
    options.add_argument("--days", type=int, default=365, help="of each year")
    options.add_argument("--hourly", action="store_true", help="policies every hour")
    options.add_argument(
        "--commands", type=float, default=0.05, help="share of days done on the command line"
    )
    options.add_argument("--only", default="", help="kinds of stories, with commas; all if none")
    options.add_argument("--jobs", type=int, default=1, help="years at once")
    options.add_argument("--folder", type=Path, help="where ledgers and tables go")
    options.add_argument("--keep", type=Path, help="file of JSON lines to add the figures to")
    options.add_argument("--show", type=int, default=40, help="violations to print")
    options.add_argument("--report", action="store_true", help="write docs/year.md from results")
    return options


if __name__ == "__main__":
    raise SystemExit(main())
