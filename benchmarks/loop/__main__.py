"""Run the loop for twenty weeks in twenty worlds; ``python -m benchmarks.loop --help`` says how.

Every world is kept as one line of results.jsonl as soon as it is done, and a world that is there is
not run again: a run that was stopped goes on where it was. ``--report`` writes docs/loop-study.md.
"""

import argparse
import json
import os
import sys
import time
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results.jsonl"
PAGE = HERE.parents[1] / "docs" / "loop-study.md"


def main() -> int:
    """Parse, run what is missing, keep it."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.loop", description=__doc__)
    options.add_argument("--worlds", type=int, default=20, help="so many of the twenty")
    options.add_argument("--cycles", type=int, default=20, help="weeks in each")
    options.add_argument("--exploration", type=float, default=None, help="in place of the default")
    options.add_argument("--aversion", type=float, default=None, help="in place of the default")
    options.add_argument("--cores", type=int, default=1, help="of the sampler")
    options.add_argument("--keep", type=Path, default=RESULTS, help="file of JSON lines")
    options.add_argument("--report", action="store_true", help="write docs/loop-study.md from it")
    given = options.parse_args()
    if given.report:
        from benchmarks.loop.report import write

        write(given.keep, PAGE)
        return 0
    warnings.simplefilter("ignore")  # of short histories; what a fit says stands in the rows
    done = {_name(row) for row in rows_of(given.keep)}
    for row in _rows(given, done):
        with given.keep.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(json.dumps({k: row[k] for k in ("kind", "seed", "room", "cpu")}), flush=True)
        print(json.dumps(row["shares"]["loop"]), flush=True)
    return 0


def rows_of(path: Path) -> list[dict]:
    """Every world that was run."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def _name(row: dict) -> tuple:
    return (row["kind"], row["seed"], row["cycles"], row["exploration"], row["aversion"])


def _rows(given: argparse.Namespace, done: set[tuple]):
    from adbudget import backtest_world
    from adbudget.loop import LoopSettings
    from benchmarks.loop.worlds import study_worlds

    stated = {name: getattr(given, name) for name in ("exploration", "aversion")}
    settings = LoopSettings(**{name: value for name, value in stated.items() if value is not None})
    for world in study_worlds()[: given.worlds]:
        row = {
            "kind": world.kind,
            "seed": world.seed,
            "cycles": given.cycles,
            "exploration": settings.exploration,
            "aversion": settings.aversion,
        }
        if _name(row) in done:
            continue
        began = time.process_time()
        told = backtest_world(
            world.spec,
            seed=world.seed,
            cycles=given.cycles,
            settings=settings,
            late=world.late,
            drift=world.drift,
            cores=given.cores,
        )
        spent = float(told.start.sum())
        shares, table = told.shares(), told.summary()
        verdicts = [one.verdict for each in told.told for one in each.judged]
        yield row | {
            "room": round(float(told.gains["best"].iloc[-1]) / spent, 5),
            "shares": {arm: shares[arm].round(4).tolist() for arm in shares},
            "gains": {arm: (told.gains[arm] / spent).round(6).tolist() for arm in told.gains},
            "worst_month": table["worst_month"].round(4).to_dict(),
            "churn": table["churn"].round(5).to_dict(),
            "broken": told.broken,
            "promises": {name: verdicts.count(name) for name in ("kept", "broken", "unclear")},
            "unhealthy": sum(not one.healthy for one in told.told),
            "explored": round(sum(one.explored for one in told.told) / len(told.told) / spent, 6),
            "cpu": round(time.process_time() - began),
        }


if __name__ == "__main__":
    sys.exit(main())
