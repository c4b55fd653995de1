"""Records -> pictures of the documentation. Draws what it is given and decides nothing."""

from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np

from .quantities import NAMES
from .reliability import bins, stack_moves
from .uniformity import ecdf, one_per_replication, simultaneous_band

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .prior import Row

IMAGES = Path(__file__).parents[2] / "docs" / "images"
INK, ACCENT, BAND, QUIET = "#1b1b1b", "#c2410c", "#dbe4ee", "#7a8794"
GRID = np.linspace(0, 1, 201)
TITLE_WIDTH = 42  # characters that fit above a panel


def plot_ranks(pits: dict[str, np.ndarray], title: str, name: str) -> Path:
    """One panel per quantity: its distribution function less the uniform one, in its band.

    Parameters
    ----------
    pits : key -> (replication, element)
    title : of the figure
    name : of the file
    """
    import matplotlib.pyplot as plt

    across = 5
    down = -(-len(NAMES) // across)
    figure, axes = plt.subplots(down, across, figsize=(13, 7), sharex=True, sharey=True)
    for axis, key in zip(axes.flat, NAMES, strict=False):
        _rank_panel(axis, pits[key], NAMES[key])
    for axis in axes.flat[len(NAMES) :]:
        axis.set_visible(False)
    for axis in axes[:, 0]:
        axis.set_ylabel("share below, less u", fontsize=8)
    for axis in axes[-1]:
        axis.set_xlabel("u", fontsize=8)
    figure.suptitle(title, fontsize=11, x=0.01, ha="left")
    return _keep(figure, name)


def _rank_panel(axis: "Axes", pit: np.ndarray, label: str) -> None:
    single = one_per_replication(pit)
    band = simultaneous_band(single.size)
    lower, upper = band.lower - band.points, band.upper - band.points
    axis.fill_between(band.points, lower, upper, color=BAND, lw=0)
    axis.axhline(0, color=QUIET, lw=0.6)
    axis.plot(GRID, ecdf(single, GRID) - GRID, color=INK, lw=0.9)
    if pit.shape[1] > 1:
        axis.plot(GRID, ecdf(pit.ravel(), GRID) - GRID, color=ACCENT, lw=1.4)
    axis.set_title("\n".join(wrap(label, TITLE_WIDTH)), fontsize=8, loc="left")
    axis.tick_params(labelsize=7)


def plot_reliability(records: dict[str, list[dict]], name: str) -> Path:
    """Stated probability against the share that pays, one panel per kind of replication.

    Parameters
    ----------
    records : title of the panel -> replications
    name : of the file
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(records), figsize=(4.4 * len(records), 4.2), squeeze=False)
    for axis, (title, kept) in zip(axes.flat, records.items(), strict=True):
        axis.plot([0, 1], [0, 1], color=QUIET, lw=0.8)
        for called, colour, label in ((False, INK, "considered"), (True, ACCENT, "called")):
            moves = stack_moves(kept, called=called)
            if not len(moves):
                continue
            found = bins(moves)
            axis.errorbar(
                [b.stated for b in found],
                [b.pays for b in found],
                yerr=[2 * b.error for b in found],
                fmt="o",
                ms=4,
                color=colour,
                lw=1,
                label=f"{label}, {len(moves):,} moves",
            )
        axis.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="stated probability that the move pays")
        axis.set_title(title, fontsize=9, loc="left")
        axis.legend(fontsize=7, frameon=False, loc="upper left")
    axes[0, 0].set_ylabel("share of moves that pay (bars: 2 standard errors)")
    return _keep(figure, name)


def plot_priors(rows: list["Row"], name: str) -> Path:
    """Histograms of what the priors say, each beside the range seen in real data.

    What lies beyond an axis is counted in its last bar.

    Parameters
    ----------
    rows : one panel each
    name : of the file
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 3, figsize=(11, 5.6))
    for axis, row in zip(axes.flat, rows, strict=True):
        edges = (np.geomspace if row.log else np.linspace)(*row.axis, 41)
        axis.hist(np.clip(row.drawn, *row.axis), edges, color=BAND, edgecolor=QUIET, lw=0.4)
        if row.real:
            label, begin, end = row.real
            axis.axvspan(
                max(begin, row.axis[0]),
                min(end, row.axis[1]),
                color=ACCENT,
                alpha=0.18,
                lw=0,
                label=label,
            )
            axis.legend(fontsize=7, frameon=False)
        axis.set_xscale("log" if row.log else "linear")
        axis.set_title(row.name, fontsize=9, loc="left")
        axis.set_yticks([])
        axis.tick_params(labelsize=7)
    return _keep(figure, name)


def _keep(figure, name: str) -> Path:
    """Write a small picture."""
    import matplotlib.pyplot as plt

    IMAGES.mkdir(parents=True, exist_ok=True)
    path = IMAGES / name
    figure.tight_layout()
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)
    return path
