"""PyMC-Marketing's hierarchical model and its own budget optimizer. World -> Answer.

It runs in an interpreter of its own, named by the environment variable ADBUDGET_PEERS_PYTHON (this
one when it has the package), with the settings of ``benchmarks/bench_peers.py``. A run that is out
of time counts as holding today's plan, and says so.
"""

import json
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from benchmarks.worlds.answer import Answer
from benchmarks.worlds.jobs import CHANGE, Job, control_names

if TYPE_CHECKING:
    from adbudget.synthetic import World

INTERPRETER = "ADBUDGET_PEERS_PYTHON"
MINUTES = 30
CELL = ["account", "channel"]
DRAWS = 500  # kept and tuning draws per chain
HERE = Path(__file__).parent


def pymc_marketing(world: "World", job: Job) -> Answer:
    """Fit and plan in a process of its own."""
    current = world.current()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        world.wide().to_csv(folder / "panel.csv", index=False)
        current.reset_index().to_csv(folder / "current.csv", index=False)
        asked = {"outcome": world.spec.kpi, "controls": control_names(world), "change": CHANGE}
        (folder / "asked.json").write_text(json.dumps(asked))
        start = perf_counter()
        try:
            said = _run(folder, job.seed)
        except subprocess.TimeoutExpired:
            return Answer(plan=current, facts={"timed_out": 1, "seconds": perf_counter() - start})
        table = pd.read_csv(folder / "plan.csv")
        cells = pd.MultiIndex.from_arrays([table[name] for name in CELL], names=CELL)
        plan = pd.Series(table["spend"].array, cells)
        curves = dict(np.load(folder / "curves.npz"))
    return Answer(
        plan=within_rules(plan.reindex(current.index), current),
        lift=lambda asked: response(curves, asked) - response(curves, current),
        facts={"timed_out": 0, **said},
    )


def within_rules(plan: pd.Series, current: pd.Series) -> pd.Series:
    """Totals and bounds made exact: its optimizer keeps them to its tolerance only."""
    now, planned = (spend.groupby("account").transform("sum") for spend in (current, plan))
    return (plan * now / planned).clip(current * (1 - CHANGE), current * (1 + CHANGE))


def response(curves: dict[str, np.ndarray], spend: pd.Series) -> np.ndarray:
    """(draw, cell) outcome per period at a constant spend, where its adstock equals the spend."""
    account = pd.Index(curves["accounts"]).get_indexer(spend.index.get_level_values("account"))
    channel = pd.Index(curves["channels"]).get_indexer(spend.index.get_level_values("channel"))
    level = spend.to_numpy(float) / curves["channel_scale"][account, channel]
    saturated = np.tanh(curves["steepness"][:, channel] * level / 2)
    height = curves["height"][:, account, channel] * curves["outcome_scale"][account]
    return height * saturated


def _run(folder: Path, seed: int) -> dict:
    interpreter = os.environ.get(INTERPRETER, sys.executable)
    if INTERPRETER not in os.environ and find_spec("pymc_marketing") is None:
        raise RuntimeError(
            f"PyMC-Marketing is not installed here. Set {INTERPRETER} to a Python that has it."
        )
    environment = os.environ | {"PYTHONPATH": str(HERE.parent)}
    ended = subprocess.run(
        [interpreter, "-W", "ignore", HERE / "marketing_child.py", folder, str(seed), str(DRAWS)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        timeout=MINUTES * 60,
        check=True,
    )
    return json.loads(ended.stdout.splitlines()[-1])
