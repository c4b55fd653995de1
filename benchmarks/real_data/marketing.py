"""PyMC-Marketing's forecasts of the held-out weeks, account by account, in its own interpreter.

Its panels need one calendar for all accounts, and these series do not share one, so every account
is a model of its own. The interpreter is named by ADBUDGET_PEERS_PYTHON. A run out of time
keeps the accounts that were done.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd

from adbudget import Panel
from benchmarks.real_data.scoring import Forecast, held_out_rows, make_forecast

INTERPRETER = "ADBUDGET_PEERS_PYTHON"
MINUTES = 8
DRAWS = 500  # kept and tuning draws per chain, as in benchmarks/worlds
TOOL = "PyMC-Marketing, alone"
BENCHMARKS = Path(__file__).parents[1]
CHILD = Path(__file__).with_name("marketing_child.py")


def interpreter() -> str | None:
    """The Python that has the package, if it is named and exists."""
    path = os.environ.get(INTERPRETER)
    return path if path and Path(path).exists() else None


def marketing_forecasts(
    panel: Panel, n_periods: int, seed: int, minutes: float = MINUTES
) -> tuple[list[Forecast], dict]:
    """Forecasts of the accounts that were done in time, and what the run took.

    Raises
    ------
    SystemExit : no interpreter is named
    """
    python = interpreter()
    if python is None:
        raise SystemExit(f"Set {INTERPRETER} to a Python that has PyMC-Marketing.")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_tables(panel, n_periods, folder)
        start = perf_counter()
        child = subprocess.Popen(
            [python, "-W", "ignore", str(CHILD), name, str(seed), str(DRAWS)],
            env=os.environ | {"PYTHONPATH": str(BENCHMARKS)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            _, said = child.communicate(timeout=minutes * 60)
            ended = "done" if child.returncode == 0 else said.strip().splitlines()[-1][:300]
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            ended = f"stopped after {minutes:g} minutes"
        facts = {"seconds": perf_counter() - start, "ended": ended, "accounts": {}}
        made = list(_read(panel, n_periods, folder, facts["accounts"]))
    return made, facts


def write_tables(panel: Panel, n_periods: int, folder: Path) -> None:
    """Per account a table of the weeks seen and one of the weeks to come, with equal columns.

    Channels without spend in the weeks seen are left out: nothing can be learned of them.
    """
    dates = pd.DatetimeIndex(panel.dates.astype("datetime64[ns]"))
    for a, seen, later in held_out_rows(panel, n_periods):
        used = panel.spend[a][:, seen].any(axis=1)
        table = pd.DataFrame(panel.spend[a].T, columns=pd.Index(panel.channels), index=dates).loc[
            :, used
        ]
        table.insert(0, "date", dates)
        table.insert(1, "account", panel.accounts[a])
        table["revenue"] = panel.outcome[a]
        table.iloc[seen].to_csv(folder / f"{a}.seen.csv", index=False)
        table.iloc[later].drop(columns="revenue").to_csv(folder / f"{a}.later.csv", index=False)


def _read(panel: Panel, n_periods: int, folder: Path, facts: dict) -> Iterator[Forecast]:
    for a, seen, later in held_out_rows(panel, n_periods):
        path = folder / f"{a}.npy"
        if not path.exists():
            continue
        scale = np.abs(panel.outcome[a, seen]).mean()
        facts[panel.accounts[a]] = json.loads((folder / f"{a}.json").read_text())
        draws, observed = np.load(path) / scale, panel.outcome[a, later] / scale
        yield make_forecast(panel, TOOL, a, later, draws, observed)
