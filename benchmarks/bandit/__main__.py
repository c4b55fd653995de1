"""Let arms split budgets in made-up worlds: python -m benchmarks.bandit --seeds 20.

Only what has no result yet is run. --report writes the tables of docs/bandit.md.
"""

import argparse
import json
import os
import sys
from pathlib import Path

from benchmarks.asked import names_of

os.environ.setdefault("OMP_NUM_THREADS", "1")
HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results.jsonl"


def main() -> int:
    """Parse, run what is missing, and report when asked."""
    given = _options().parse_args()
    if given.report:
        from benchmarks.bandit.report import write

        write(given.results, HERE.parents[1] / "docs" / "bandit.md")
        return 0
    from benchmarks.bandit.arms import ARMS
    from benchmarks.bandit.run import run_arm
    from benchmarks.bandit.worlds import WORLDS, make_world

    worlds = names_of(given.worlds, list(WORLDS), "worlds")
    arms = names_of(given.arms, list(ARMS), "arms")
    for seed in range(given.seed, given.seed + given.seeds):
        for name in worlds:
            for arm in arms:
                # Asked anew every time: another process may be at work on the same file.
                if (name, seed, arm) in _done(given.results):
                    continue
                figures = run_arm(make_world(name, seed, given.rounds), arm)
                with given.results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(figures) + "\n")
                share = sum(figures["reward"]) / sum(figures["oracle"])
                told = f"{name} {seed} {arm}: {share:.3f}, {figures['seconds']:.2f} s a round"
                print(told, file=sys.stderr, flush=True)
    return 0


def _done(results: Path) -> set[tuple[str, int, str]]:
    if not results.exists():
        return set()
    rows = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    return {(row["world"], row["seed"], row["arm"]) for row in rows}


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="python -m benchmarks.bandit", description=__doc__)
    options.add_argument("--seed", type=int, default=0, help="the first")
    options.add_argument("--seeds", type=int, default=20, help="how many of them")
    options.add_argument("--worlds", default="all", help="names with commas, or all")
    options.add_argument("--arms", default="all", help="names with commas, or all")
    options.add_argument("--rounds", type=int, help="fewer or more than usual")
    options.add_argument("--results", type=Path, default=RESULTS, help="file of JSON lines")
    options.add_argument("--report", action="store_true", help="write docs/bandit.md from them")
    return options


if __name__ == "__main__":
    raise SystemExit(main())
