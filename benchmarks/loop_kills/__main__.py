"""Kill cycles: python -m benchmarks.loop_kills --runs 100. Figures are printed and kept.

Each run lets an hour pass, puts faults in force, starts ``adbudget loop once --apply`` on a ledger
whose loop has learned already, and kills it at a random moment or step; then it is started again
until it has ended, at other instants of the clock. All runs share one platform. In the last runs a
week has passed, so that the fit is updated, too. Stopped, it goes on where it was: lines of the
results are runs that are over.
"""

import argparse
import json
import os
import shutil
import sqlite3
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import httpx
import numpy as np

from adbudget.loop.applying import unit_of_budget
from adbudget.platforms import open_platform
from adbudget.synthetic import synthesize
from benchmarks.loop_kills.audit import audited, n_events
from benchmarks.loop_kills.processes import Ended, import_all, run_command
from tests.loop.helpers import WORLD
from tests.platforms.server_process import ServerProcess

HERE = Path(__file__).resolve().parent
POLICY = {"currency": "EUR", "constraints": {"approval_limit": 1_000_000, "cadence": 0}}
SETTINGS = {"history_days": 133, "restate_days": 28, "refit_cycles": 1000}
START = "2025-04-01"  # the day after the history of the world
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "timeout", "seconds": 0.5},
    {"kind": "500"},
    {"kind": "500_after"},
    {"kind": "dropped"},
    {"kind": "slow", "seconds": 0.5},
    {"kind": "garbage"},
    {"kind": "half"},
)
PARTS = ("orders", "orders", "answers", "budgets", "performance", "outcome", "any")
MOST_TRIES = 12
HOURS = 36  # how far a clock may jump between a kill and the next start, back or ahead
PAUSE = 1.1  # hours between two runs: a platform takes a few edits of a budget an hour
WEEK = timedelta(days=7)
LAST = 0.05  # share of the runs after which a week has passed


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where all runs happen."""

    folder: Path
    server: ServerProcess

    @property
    def ledger(self) -> Path:
        """The database of the loop of a run."""
        return self.folder / "loop.db"

    @property
    def learned(self) -> Path:
        """The same before anything was decided."""
        return self.folder / "learned.db"

    @property
    def journal(self) -> Path:
        """The state of the platform."""
        return self.folder / "platform.db"

    def words(self, *more: str) -> list[str]:
        """The command of one cycle."""
        known = ["loop", "once", "--platform", self.server.url, "--ledger", str(self.ledger)]
        known += ["--policy", str(self.folder / "policy.json"), "--cores", "1"]
        return [*known, "--settings", str(self.folder / "settings.json"), *more]

    @property
    def now(self) -> datetime:
        """The platform's clock, which meets no fault."""
        told = httpx.get(self.server.url + "/clock", timeout=60).json()
        return datetime.fromisoformat(told["now"])

    def budgets(self) -> dict[str, int]:
        """What stands, in minor units a day."""
        found = open_platform(self.server.url).budgets()
        return {unit_of_budget(one): one.daily_minor for one in found}


def main() -> int:
    """Parse, run, print, and keep what came of it."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.loop_kills", description=__doc__)
    options.add_argument("--runs", type=int, default=100)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--part", type=int, nargs=2, default=(0, 1), help="only each K of N runs")
    options.add_argument("--folder", type=Path, help="ledger and platform; kept to go on from")
    options.add_argument("--results", type=Path, default=HERE / "results.jsonl")
    given = options.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="adbudget-kills-"))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "policy.json").write_text(json.dumps(POLICY))
    (folder / "settings.json").write_text(json.dumps(SETTINGS))
    import_all()
    place = ["--state", str(folder / "platform.db"), "--speed", "0"]
    if not (folder / "platform.db").exists():
        synthesize(WORLD, 3).save(folder, "world", tables="wide")
        place += ["--world", str(folder / "world.truth.json"), "--start", START]
    part, parts = given.part
    with ServerProcess(*place) as server:
        stage = Stage(folder=folder, server=server)
        _learn(stage)
        done = {line["run"] for line in _lines(given.results)}
        seconds, steps = 0.0, 0
        for number in range(part, given.runs, parts):
            if number in done:
                continue
            late = number >= given.runs * (1 - LAST)
            line = _run(stage, number, given.seed, late, seconds, steps)
            if line["codes"][-1] == 0:
                seconds, steps = line["seconds"], max(steps, line["steps"])
            with given.results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
            print(f"{number:4} {line['kill']:24} {line['tries']} tries {line['wrong']}", flush=True)
    return _summed(_lines(given.results))


def _learn(stage: Stage) -> None:
    """Make the fit, once, by a dry cycle."""
    if stage.learned.exists():
        return
    stage.server.post("/clock", {"hours": 12})
    first = run_command(stage.words(), stage.folder)
    assert first.code == 0, first.output
    with sqlite3.connect(stage.ledger) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(stage.ledger, stage.learned)


def _begin(stage: Stage) -> None:
    """Let the next run find the loop as it was when it had learned."""
    for left in stage.folder.glob("loop.db*"):
        left.unlink()
    shutil.copy(stage.learned, stage.ledger)


def _run(
    stage: Stage, number: int, seed: int, late: bool, seconds: float, steps: int
) -> dict[str, Any]:
    """One cycle, killed and started again; ``seconds`` and ``steps`` are what one usually takes."""
    rng = np.random.default_rng([seed, number])
    if late and stage.now < datetime.fromisoformat(START).replace(tzinfo=UTC) + WEEK:
        stage.server.post("/clock", {"days": 7})
    stage.server.post("/clock", {"hours": PAUSE})
    _begin(stage)
    start, since = stage.budgets(), n_events(stage.journal)
    faults = _faults(rng)
    for one in faults:
        stage.server.post("/faults", one)
    kill: dict[str, Any] = {}
    if seconds and rng.random() < 0.5:
        kill["kill_after"] = float(rng.uniform(0, seconds))
    elif seconds:
        kill["kill_at"] = int(rng.integers(1, steps + 1))
    tries: list[Ended] = [run_command(stage.words("--apply"), stage.folder, **kill)]
    jumps = []
    while not _over(stage, tries):
        if len(tries) == 4:
            _clear(stage)
        jumps.append(round(float(rng.uniform(-HOURS, HOURS)), 1))
        at = stage.now + timedelta(hours=jumps[-1])
        again: dict[str, Any] = {}
        if steps and len(tries) < 3 and rng.random() < 0.3:
            again["kill_at"] = int(rng.integers(1, steps + 1))
        words = stage.words("--apply", "--at", at.isoformat())
        tries.append(run_command(words, stage.folder, **again))
    _clear(stage)
    platform = open_platform(stage.server.url)
    wrong, made = audited(stage.ledger, stage.journal, platform, start, since)
    return {
        "run": number,
        "kill": " ".join(f"{name} {value:.4g}" for name, value in kill.items()) or "none",
        "killed": sum(one.code == -9 for one in tries),
        "faults": [f"{one['kind']} on {one['on']}" for one in faults],
        "jumps": jumps,
        "tries": len(tries),
        "codes": [one.code for one in tries],
        "steps": tries[-1].steps,
        "seconds": round(tries[-1].seconds, 2),
        "made": made,
        "updated": late,
        "wrong": wrong,
    }


def _over(stage: Stage, tries: list[Ended]) -> bool:
    """Whether the last one ended by itself, and left nothing open."""
    from adbudget.loop import open_state

    if len(tries) >= MOST_TRIES:
        return True
    if tries[-1].code not in (0, 1):
        return False
    with open_state(stage.ledger) as state:
        return state.ledger.open_changes().empty and state.unfinished() is None


def _faults(rng: np.random.Generator) -> list[dict[str, Any]]:
    """None to three of them."""
    chosen = []
    for _ in range(int(rng.integers(0, 4))):
        kind = FAULTS[int(rng.integers(len(FAULTS)))]
        part = PARTS[int(rng.integers(len(PARTS)))]
        chosen.append({**kind, "on": part, "count": int(rng.integers(1, 4))})
    return chosen


def _clear(stage: Stage) -> None:
    httpx.delete(stage.server.url + "/faults", timeout=60).raise_for_status()


def _lines(place: Path) -> list[dict[str, Any]]:
    if not place.exists():
        return []
    return [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines()]


def _summed(lines: list[dict[str, Any]]) -> int:
    """Print what came of all runs; 1 when anything was wrong."""
    faults = Counter(one.partition(" ")[0] for line in lines for one in line["faults"])
    wrong = [one for line in lines for one in line["wrong"]]
    print(
        f"{len(lines)} runs, {sum(line['tries'] for line in lines)} processes, "
        f"{sum(line['killed'] for line in lines)} of them killed, "
        f"{sum(line['made'] for line in lines)} changes made; faults: "
        + ", ".join(f"{n} {kind}" for kind, n in sorted(faults.items()))
        + f"; {len(wrong)} violations."
    )
    return int(bool(wrong))


if __name__ == "__main__":
    raise SystemExit(main())
