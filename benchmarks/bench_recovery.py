"""Panels that others made, with the contributions they are made of, and what intervals hold.

python benchmarks/bench_recovery.py FOLDER

The folder holds pairs NAME.csv (date, geo, channels x1_..., controls c1..., outcome y) and
NAME_truth.csv (geo, channel, spend, contribution, roi), as the generator of
https://github.com/pymc-labs/mmm-param-recovery makes them. Prints, by panel and for all of them,
the share of 90% intervals of the return that hold the true one, and the mean and median of the
logarithm of estimated (posterior median) over true return.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

import adbudget as ab

SHORTEST_NAME = 2  # a channel is x and a number, a control c and a number
LEAST_RATIO = 0.01  # of estimated to true return; an estimate may be exactly zero


def pairs(folder: Path) -> list[Path]:
    """The panels of a folder, each with its truth beside it.

    Raises
    ------
    SystemExit : there is none, or one without its truth
    """
    paths = [path for path in sorted(folder.glob("*.csv")) if not path.stem.endswith("_truth")]
    if not paths:
        raise SystemExit(f"{folder} holds no CSV file.")
    alone = [path.name for path in paths if not _truth_of(path).exists()]
    if alone:
        raise SystemExit(f"{folder}: there is no NAME_truth.csv beside {alone}.")
    return paths


def _truth_of(path: Path) -> Path:
    return path.with_name(f"{path.stem}_truth.csv")


def read_pair(path: Path) -> tuple[ab.Panel, pd.Series]:
    """The panel, and true returns by (account, channel)."""
    data = pd.read_csv(path).rename(columns={"geo": "account", "y": "revenue"})
    named = [name for name in data.columns if len(name) >= SHORTEST_NAME and name[1].isdigit()]
    channels = [name for name in named if name[0] == "x"]
    controls = [name for name in named if name[0] == "c"]
    panel = ab.read_panel(data, channels=channels, controls=controls or None)
    truth = pd.read_csv(_truth_of(path))
    return panel, truth.set_index(["geo", "channel"])["roi"]


def judged(panel: ab.Panel, truth: pd.Series, seed: int) -> tuple[pd.DataFrame, ab.Health]:
    """One line for each cell: whether the interval holds the truth, and the log error."""
    fit = ab.fit(panel, seed=seed, progress=False)
    roi = fit.cell_draws.roi
    low, middle, high = np.quantile(roi.reshape(-1, roi.shape[-1]), [0.05, 0.5, 0.95], axis=0)
    true = truth.reindex(panel.cells).to_numpy()
    held = (low <= true) & (true <= high)
    error = np.log(np.maximum(middle / true, LEAST_RATIO))
    cells = pd.DataFrame({"held": held, "error": error}, index=panel.cells)
    return cells, fit.health


def said(name: str, measures: dict[str, Any]) -> str:
    """One line: how many of the intervals hold, and the log errors."""
    errors = np.array(measures["errors"])
    return (
        f"{name}: {measures['n_held']} of {measures['n_cells']} held, log error mean "
        f"{errors.mean():+.2f}, median {np.median(errors):+.2f}"
    )


def main() -> None:
    """Print a line for each panel and one for all cells."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    found = {path.stem: judged(*read_pair(path), seed=1)[0] for path in pairs(folder)}
    for name, cells in {**found, "all cells": pd.concat(found.values())}.items():
        measures = {"n_held": int(cells["held"].sum()), "n_cells": len(cells)}
        print(said(name, measures | {"errors": cells["error"].tolist()}), flush=True)


if __name__ == "__main__":
    main()
