"""Run tools on worlds with known truth: python -m benchmarks.worlds, or python benchmarks/worlds.

Only what has no result yet is run. --recovery FOLDER judges panels that others made instead of
worlds. --report rewrites the tables and plots of docs/validation.md.
"""

import argparse
import hashlib
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
if not __package__:  # started as a folder
    sys.path.insert(0, str(ROOT))

RESULTS = HERE / "results.jsonl"
DEFAULT_TOOLS = "adbudget,unpooled,told,matched,hold,naive,least_squares"


def main() -> int:
    """Parse, run what is missing, print the means, and report when asked."""
    given = _options().parse_args()
    src = given.src.resolve()
    sys.path.insert(0, str(src))  # worlds are listed by the library that will be judged

    from adbudget.synthetic import families
    from benchmarks.asked import names_of
    from benchmarks.worlds import report, runner
    from benchmarks.worlds.jobs import STUDIES, make_grid
    from benchmarks.worlds.results import Results
    from benchmarks.worlds.tools import TOOLS

    names = names_of(given.families, list(families()), "families")
    tools = names_of(given.tools, list(TOOLS), "tools")
    studies = names_of(given.studies, list(STUDIES), "studies")
    worlds = None if given.worlds == "usual" else _numbers(given.worlds)
    jobs = make_grid(studies, names, worlds, tools)
    results = Results(given.results or _results_of(src), src)
    failed = 0
    if given.recovery:
        from benchmarks.worlds.recovery import judge_folder

        judge_folder(given.recovery, results)
    elif not given.report:
        runner.check_source(src)
        failed = runner.run_missing(jobs, results, given.jobs)
        asked = set(jobs)
        report.print_means([r for r in results.all() if r.job in asked])
        print(f"results: {results.path}", file=sys.stderr)
    else:
        report.write(results.all(), ROOT / "docs")
    return int(failed > 0)


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="python -m benchmarks.worlds", description=__doc__)
    options.add_argument("--families", default="all", help="names with commas, or all")
    options.add_argument(
        "--worlds",
        default="usual",
        help="numbers such as 0-19 or 3,5,8; usual: 0-39 for adbudget, 0-19 for other tools, "
        "0-4 of tiny, 0-9 in the studies of growth",
    )
    options.add_argument("--tools", default=DEFAULT_TOOLS, help="names with commas, or all")
    options.add_argument(
        "--studies",
        default="families",
        help="families, history (26 to 156 weeks), accounts (groups of 1 to 16), or all",
    )
    options.add_argument("--jobs", type=int, default=1, help="processes at once, 2 cores each")
    options.add_argument(
        "--src", type=Path, default=ROOT / "src", help="folder that holds the library to judge"
    )
    options.add_argument(
        "--results",
        type=Path,
        help="file of results; by default results.jsonl here, with another --src a temporary file",
    )
    options.add_argument(
        "--recovery",
        type=Path,
        metavar="FOLDER",
        help="judge the panels of this folder (benchmarks/bench_recovery.py says which files)",
    )
    options.add_argument(
        "--report", action="store_true", help="only rewrite docs/validation.md and its plots"
    )
    return options


def _numbers(text: str) -> list[int]:
    numbers: list[int] = []
    try:
        for part in text.split(","):
            first, _, last = part.partition("-")
            numbers += range(int(first), int(last or first) + 1)
    except ValueError:
        raise SystemExit(f"--worlds: {text!r} is not a list such as 0-19 or 3,5,8.") from None
    if not numbers:
        raise SystemExit(f"--worlds: {text!r} names no world.")
    return list(dict.fromkeys(numbers))


def _results_of(src: Path) -> Path:
    """The kept file for this checkout's library; a file of its own for any other."""
    if src == ROOT / "src":
        return RESULTS
    name = hashlib.sha256(str(src).encode()).hexdigest()[:8]
    return Path(tempfile.gettempdir()) / f"adbudget-worlds-{name}.jsonl"


if __name__ == "__main__":
    raise SystemExit(main())
