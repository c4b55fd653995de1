"""Latest results -> the tables of docs/real-data.md between their markers, and its plots.

The prose around the markers is written by hand and never touched. Runs no study.
"""

from collections.abc import Callable
from pathlib import Path

from benchmarks.real_data.results import Result
from benchmarks.real_data.studies import STUDIES
from benchmarks.real_data.tables import TABLES
from benchmarks.worlds.report import fill


def write(latest: dict[str, Result], docs: Path, code_of: Callable[[str], str]) -> None:
    """Rewrite the tables and plots.

    Parameters
    ----------
    latest : study -> its best result
    docs : folder that holds the page, and ``images``
    code_of : study -> fingerprint of the present code

    Raises
    ------
    SystemExit : there is no result, or the page's markers are not those of the tables
    """
    from benchmarks.real_data.plots import draw_all

    known = {name: result for name, result in latest.items() if name in STUDIES}
    if not known:
        raise SystemExit("There are no results yet. Run without --report first.")
    found = {name: {**result.found, "seconds": result.seconds} for name, result in known.items()}
    parts = {name: build(found) for name, build in TABLES.items()}
    parts["status"] = status(known, code_of)
    page = docs / "real-data.md"
    page.write_text(fill(page.read_text(encoding="utf-8"), parts), encoding="utf-8")
    draw_all(found, docs / "images")
    print(f"{page}: {parts['status']}")


def status(known: dict[str, Result], code_of: Callable[[str], str]) -> str:
    """How many studies the page rests on, and whether the present code made them."""
    stale = [name for name, result in known.items() if result.code != code_of(name)]
    absent = [name for name in STUDIES if name not in known]
    said = f"{len(known)} of {len(STUDIES)} studies"
    said += f", {len(stale)} of them made by earlier code" if stale else ", all by the present code"
    return said + (f"; not run: {', '.join(absent)}." if absent else ".")
