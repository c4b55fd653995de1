"""Try the library on public data: python -m benchmarks.real_data --data FOLDER.

Only what has no result yet is run. --report rewrites the tables and plots of docs/real-data.md.
"""

import argparse
import sys
from pathlib import Path
from time import perf_counter

from benchmarks.real_data.code import code_of
from benchmarks.real_data.marketing import INTERPRETER, interpreter
from benchmarks.real_data.results import Result, Results
from benchmarks.real_data.sets import (
    DEFAULT_FOLDER,
    FOLDER_VARIABLE,
    ROOT,
    content_hash,
    data_folder,
    missing_files,
)
from benchmarks.real_data.studies import STUDIES

RESULTS = Path(__file__).with_name("results.jsonl")


def main() -> int:
    """Run what is missing, or rewrite the page."""
    given = _options().parse_args()
    results = Results(given.results)
    if given.report:
        from benchmarks.real_data.report import write

        write(results.latest(code_of), ROOT / "docs", code_of)
        return 0
    names = list(STUDIES) if given.studies == "all" else given.studies.split(",")
    unknown = [name for name in names if name not in STUDIES]
    if unknown:
        raise SystemExit(f"--studies: unknown {unknown}; choose from {', '.join(STUDIES)}, or all.")
    folder = data_folder(given.data)
    return sum(run(name, folder, results) for name in names)


def run(name: str, folder: Path, results: Results) -> bool:
    """Run one study if its result is missing; True when it failed."""
    study = STUDIES[name]
    absent = missing_files(folder, study.uses)
    if absent:
        _say(f"{name}: skipped, {folder} holds no {', '.join(absent)}")
        return False
    if study.peer and interpreter() is None:
        _say(f"{name}: skipped, {INTERPRETER} names no Python that has PyMC-Marketing")
        return False
    code, data = code_of(name), content_hash(folder, study.uses)
    if results.has(name, code, data):
        _say(f"{name}: kept")
        return False
    start = perf_counter()
    try:
        found = study.run(folder)
    except Exception as error:  # one bad set must not cost the others
        _say(f"{name}: FAILED, {type(error).__name__}: {error}")
        return True
    seconds = perf_counter() - start
    results.add(Result(study=name, code=code, data=data, seconds=round(seconds, 1), found=found))
    _say(f"{name}: {seconds:.0f} s")
    return False


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="python -m benchmarks.real_data", description=__doc__)
    options.add_argument(
        "--data",
        type=Path,
        help=f"folder of the sets; else ${FOLDER_VARIABLE}, else "
        f"{Path('..') / DEFAULT_FOLDER.relative_to(ROOT.parent)} beside the checkout",
    )
    options.add_argument("--studies", default="all", help="names with commas, or all")
    options.add_argument("--results", type=Path, default=RESULTS, help="file of results")
    options.add_argument(
        "--report", action="store_true", help="only rewrite docs/real-data.md and its plots"
    )
    return options


if __name__ == "__main__":
    raise SystemExit(main())
