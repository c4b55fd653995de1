"""Summary -> small plots of the validation page. Knows no tool and runs nothing."""

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.worlds.summary import Row
from benchmarks.worlds.tables import pick
from benchmarks.worlds.tools import TOOLS

DPI = 90
COLOURS = {
    "adbudget": "#0b6e8a",
    "unpooled": "#7fb7c8",
    "told": "#222222",
    "matched": "#777777",
    "naive": "#c0392b",
    "least_squares": "#d68910",
    "pymc_marketing": "#7d3c98",
}
BAND = (0.87, 0.94)  # where the coverage of live cells shall be in the first family
SHOWN_FROM = -0.2  # captured gains below it are off the plot; the tables have them
COVERAGES = {
    "best_cover_live": ("cells with effect, truly best plan", "#0b6e8a"),
    "own_cover_live": ("cells with effect, own plan", "#7fb7c8"),
    "own_cover_dud": ("cells without effect, own plan", "#d68910"),
}


def draw_all(summary: list[Row], bins: list[Row], folder: Path) -> None:
    """Draw every plot of the page into ``folder``."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    plots = {
        "captured": ((8.6, 3.8), lambda figure: _captured(figure, summary)),
        "coverage": ((8.6, 3.2), lambda figure: _coverage(figure, summary)),
        "growth": ((7.2, 3.0), lambda figure: _growth(figure, summary)),
        "reliability": ((3.8, 3.4), lambda figure: _reliability(figure, bins)),
    }
    for name, (size, draw) in plots.items():
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure)
        # No version in the file: the same results make the same bytes.
        figure.savefig(folder / f"validation_{name}.png", dpi=DPI, metadata={"Software": None})


def _captured(figure: Any, summary: list[Row]) -> None:
    axes = figure.subplots()
    rows = pick(summary, study="families")
    families = list(dict.fromkeys(row["family"] for row in rows))
    tools = [name for name in COLOURS if any(row["tool"] == name for row in rows)]
    for offset, tool in zip(np.linspace(-0.28, 0.28, len(tools)), tools, strict=True):
        own = [row for row in rows if row["tool"] == tool]
        place = [families.index(row["family"]) + offset for row in own]
        _points(axes, place, own, "captured", COLOURS[tool], TOOLS[tool].label)
    axes.axhline(1.0, color="grey", lw=0.8, ls=":")
    _by_family(axes, families, "captured gain")
    axes.set_ylim(max(axes.get_ylim()[0], SHOWN_FROM), None)


def _coverage(figure: Any, summary: list[Row]) -> None:
    axes = figure.subplots()
    rows = pick(summary, study="families", tool="adbudget")
    families = [row["family"] for row in rows]
    axes.axhspan(*BAND, color="#e8f1f4", zorder=0)
    axes.axhline(0.9, color="grey", lw=0.8, ls=":")
    offsets = (-0.12, 0.0, 0.12)
    for offset, (measure, (label, colour)) in zip(offsets, COVERAGES.items(), strict=True):
        own = [row for row in rows if measure in row]
        place = [families.index(row["family"]) + offset for row in own]
        _points(axes, place, own, measure, colour, label)
    _by_family(axes, families, "coverage of 90% intervals")


def _by_family(axes: Any, families: list[str], title: str) -> None:
    axes.set_xticks(range(len(families)), families, fontsize=8, rotation=30, ha="right")
    axes.legend(fontsize=7, frameon=False, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    _clean(axes, ylabel=title)


def _growth(figure: Any, summary: list[Row]) -> None:
    left, right = figure.subplots(1, 2, sharey=True)
    for axes, study, axis in ((left, "history", "weeks"), (right, "accounts", "group")):
        rows = pick(summary, study=study, family="assumed")
        for tool in (name for name in COLOURS if any(row["tool"] == name for row in rows)):
            own = sorted((r for r in rows if r["tool"] == tool), key=lambda row: row[axis])
            place = [row[axis] for row in own]
            _points(axes, place, own, "captured", COLOURS[tool], TOOLS[tool].label, line="-")
        if rows:
            sizes = sorted({row[axis] for row in rows})
            axes.set_xscale("log")
            axes.set_xticks(sizes, map(str, sizes))
            axes.minorticks_off()
    if left.get_legend_handles_labels()[0]:
        left.legend(fontsize=7, frameon=False)
    _clean(left, xlabel="weeks of history", ylabel="captured gain")
    _clean(right, xlabel="accounts fitted together")


def _reliability(figure: Any, bins: list[Row]) -> None:
    axes = figure.subplots()
    axes.plot([0.4, 1], [0.4, 1], color="grey", lw=0.8, ls=":")
    _points(axes, [b["stated"] for b in bins], bins, "right", COLOURS["adbudget"], "")
    axes.set_ylim(0.0, 1.05)
    _clean(axes, xlabel="stated probability that a move pays", ylabel="share truly right")


def _points(
    axes: Any, place: list, rows: list[Row], measure: str, colour: str, label: str, line: str = ""
) -> None:
    """Means with two standard errors on either side."""
    error = [2 * (row.get(f"{measure}_se") or 0.0) for row in rows]
    mean = [row[measure] for row in rows]
    style = {"fmt": f"o{line}", "ms": 4, "capsize": 2, "color": colour}
    axes.errorbar(place, mean, error, label=label, **style)


def _clean(axes: Any, **labels: str) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.set(**labels)
