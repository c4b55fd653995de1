"""Let arms learn in made-up worlds: python -m benchmarks.learning --worlds 0-4.

Only what has no result yet is run. --report writes the tables of docs/tests-study.md.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

from benchmarks.asked import names_of

os.environ.setdefault("OMP_NUM_THREADS", "1")
HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results.jsonl"
FAMILIES = ("assumed", "noisy", "misspecified", "confounded")


def main() -> int:
    """Parse, run what is missing, and report when asked."""
    given = _options().parse_args()
    if given.report:
        from benchmarks.learning.report import write

        write(given.results, HERE.parents[1] / "docs" / "tests-study.md")
        return 0
    from benchmarks.learning.arms import ARMS
    from benchmarks.learning.run import run_world

    families = list(FAMILIES) if given.families == "usual" else given.families.split(",")
    arms = names_of(given.arms, list(ARMS), "arms")
    low, _, high = given.worlds.partition("-")
    for world in range(int(low), int(high or low) + 1):
        for family in families:
            missing = [arm for arm in arms if (family, world, arm) not in _done(given.results)]
            if not missing:
                continue
            began = time.process_time()
            rows = run_world(family, world, missing)
            with given.results.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(row) + "\n" for row in rows)
            last = {row["arm"]: row["gain_calls"] / row["gain_best"] for row in rows}
            told = ", ".join(f"{arm} {share:.2f}" for arm, share in last.items())
            seconds = time.process_time() - began
            print(f"{family} {world}: {told}, {seconds:.0f} s", file=sys.stderr, flush=True)
    return 0


def _done(results: Path) -> set[tuple[str, int, str]]:
    if not results.exists():
        return set()
    rows = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    return {(row["family"], row["world"], row["arm"]) for row in rows}


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="python -m benchmarks.learning", description=__doc__)
    options.add_argument("--families", default="usual", help="names with commas, or usual")
    options.add_argument("--worlds", default="0-4", help="numbers such as 0-4")
    options.add_argument("--arms", default="all", help="names with commas, or all")
    options.add_argument("--results", type=Path, default=RESULTS, help="where results are kept")
    options.add_argument("--report", action="store_true", help="only write the tables of the page")
    return options


if __name__ == "__main__":
    sys.exit(main())
