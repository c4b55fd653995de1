"""Results -> printed means, and the tables of docs/validation.md between their markers.

The prose around the markers is written by hand and never touched. Runs no tool.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from benchmarks.worlds.results import Result
from benchmarks.worlds.summary import Row, paired, recovery, reliability, summarise
from benchmarks.worlds.tables import TABLES, paired_table, recovery_table, reliability_table

PRINTED = {
    "captured": "captured",
    "worst_account": "worst",
    "calls_captured": "by calls",
    "called": "called",
    "wrong": "wrong",
    "stated_wrong": "stated",
    "excess_wrong": "excess",
    "own_cover_live": "cover",
    "own_cover_dud": "cov.dud",
    "best_cover_live": "cover*",
    "best_width_live": "width*",
    "best_crps": "crps*",
    "seconds": "s",
    "rhat": "r-hat",
}
FOOTNOTE = "cover*, width*, crps*: of the truly best plan's moves, the same question for all tools"
MARKED = re.compile(r"(<!-- begin (\w+) -->\n).*?(<!-- end \2 -->)", flags=re.DOTALL)


def print_means(results: Sequence[Result]) -> None:
    """Means (and standard errors) of what was asked, to standard output."""
    summary = summarise(results)
    known = {key: label for key, label in PRINTED.items() if any(key in row for row in summary)}
    print(f"{'family':13}{'':6}{'tool':15}{'n':>3}", end="")
    print("".join(f"{label:>13}" for label in known.values()))
    for row in summary:
        cut = f"{row['weeks']}w" if row["weeks"] else f"by{row['group']}" if row["group"] else ""
        print(f"{row['family']:13}{cut:6}{row['tool']:15}{row['n']:3}", end="")
        print("".join(f"{_short(row, measure):>13}" for measure in known))
    print(FOOTNOTE)


def _short(row: Row, measure: str) -> str:
    if row.get(measure) is None:
        return ""
    if measure == "seconds":
        return f"{row[measure]:.1f}"
    error = row.get(f"{measure}_se")
    return f"{row[measure]:.3f}" + ("" if error is None else f"({error:.3f})")


def write(results: Sequence[Result], docs: Path) -> None:
    """Rewrite the tables and plots of ``validation.md``.

    Parameters
    ----------
    results : every result there is
    docs : folder that holds the page, and ``images``

    Raises
    ------
    SystemExit : there is no result, or the page's markers are not those of the tables
    """
    from benchmarks.worlds.figures import draw_all

    if not results:
        raise SystemExit("There are no results yet. Run without --report first.")
    summary = summarise([r for r in results if r.job.study != "recovery"])
    own = [r for r in results if r.job.study == "families" and r.job.tool == "adbudget"]
    bins = reliability(own)
    parts = {name: build(summary) for name, build in TABLES.items()}
    parts |= {
        "status": status(results),
        "paired": paired_table(paired(results)),
        "reliability": reliability_table(bins),
        "recovery": recovery_table(recovery(results)),
    }
    page = docs / "validation.md"
    page.write_text(fill(page.read_text(encoding="utf-8"), parts), encoding="utf-8")
    draw_all(summary, bins, docs / "images")
    print(f"{page}: {parts['status']}")


def fill(page: str, parts: dict[str, str]) -> str:
    """Put each part between its markers.

    Raises
    ------
    SystemExit : a part without a marker, a marker without a part, or one of them twice
    """
    marked = [name for _, name, _ in MARKED.findall(page)]
    if sorted(marked) != sorted(parts):
        raise SystemExit(f"The page marks {sorted(marked)}; the tables are {sorted(parts)}.")
    return MARKED.sub(lambda found: f"{found[1]}{parts[found[2]]}\n{found[3]}", page)


def status(results: Sequence[Result]) -> str:
    """How many results the page rests on, and whether today's code made them."""
    stale = sum(not result.fresh for result in results)
    if not stale:
        return f"{len(results)} results, all made by the present code."
    return (
        f"{len(results)} results, {stale} of them made by earlier code; run the command above to "
        "renew them."
    )
