"""Kill cycles: python -m benchmarks.loop_kills --runs 100. Figures are printed and kept.

Each run lets a week pass, puts faults in force, starts ``adbudget loop once --apply`` and kills it
at a random moment or step; then it is started again until it has ended, at another instant of the
clock. All runs share one ledger and one platform, so that what one has lost meets all that follow.
Stopped, it goes on where it was: lines of the results are runs that are over.
"""

import argparse
import json
import os
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import httpx
import numpy as np

from adbudget.loop.applying import unit_of_budget
from adbudget.platforms import open_platform
from benchmarks.loop_kills.audit import audited
from benchmarks.loop_kills.processes import Ended, import_all, run_command
from tests.platforms.server_process import ServerProcess

HERE = Path(__file__).resolve().parent
WORLD = ("--accounts", "2", "--channels", "2", "--history", "182", "--seed", "3")
POLICY = {"currency": "EUR", "constraints": {"approval_limit": 1_000_000, "cadence": 0}}
SETTINGS = {"history_days": 175, "restate_days": 28, "refit_cycles": 1000}
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where all runs happen."""

    folder: Path
    server: ServerProcess

    @property
    def ledger(self) -> Path:
        """The database of the loop."""
        return self.folder / "loop.db"

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
    options.add_argument("--folder", type=Path, help="ledger and platform; kept to go on from")
    options.add_argument("--results", type=Path, default=HERE / "results.jsonl")
    given = options.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="adbudget-kills-"))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "policy.json").write_text(json.dumps(POLICY))
    (folder / "settings.json").write_text(json.dumps(SETTINGS))
    import_all()
    options = WORLD if not (folder / "platform.db").exists() else ()
    state = ("--state", str(folder / "platform.db"), "--speed", "0")
    with ServerProcess(*options, *state) as server:
        stage = Stage(folder=folder, server=server)
        start = _start(stage)
        done = _lines(given.results) if (folder / "start.json").exists() else []
        usual = max([one["seconds"] for one in done] or [0.0]), 0
        for number in range(len(done), given.runs):
            line, usual = _run(stage, number, given.seed, start, usual)
            with given.results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
            print(f"{number:4} {line['kill']:24} {line['tries']} tries {line['wrong']}", flush=True)
    return _summed(_lines(given.results))


def _start(stage: Stage) -> dict[str, int]:
    """Budgets before the first cycle; the fit is made by a dry one."""
    place = stage.folder / "start.json"
    if place.exists():
        return json.loads(place.read_text())
    stage.server.post("/clock", {"hours": 12})
    first = run_command(stage.words(), stage.folder)
    assert first.code == 0, first.output
    start = stage.budgets()
    place.write_text(json.dumps(start))
    return start


def _run(
    stage: Stage, number: int, seed: int, start: dict[str, int], usual: tuple[float, int]
) -> tuple[dict[str, Any], tuple[float, int]]:
    """One cycle, killed and started again; and how long one takes."""
    rng = np.random.default_rng([seed, number])
    stage.server.post("/clock", {"days": 7, "hours": float(rng.uniform(0, 6))})
    faults = _faults(rng)
    for one in faults:
        stage.server.post("/faults", one)
    seconds, steps = usual
    kill: dict[str, Any] = {}
    if number and rng.random() < 0.5:
        kill["kill_after"] = float(rng.uniform(0, seconds))
    elif number:
        kill["kill_at"] = int(rng.integers(1, max(steps, 2) + 1))
    tries: list[Ended] = [run_command(stage.words("--apply"), stage.folder, **kill)]
    jumps = []
    while not _over(stage, tries):
        if len(tries) == 4:
            _clear(stage)
        jumps.append(round(float(rng.uniform(-HOURS, HOURS)), 1))
        at = stage.now + timedelta(hours=jumps[-1])
        if jumps[-1] > 0:
            stage.server.post("/clock", {"hours": jumps[-1]})
        more = ("--apply", "--at", at.isoformat())
        again: dict[str, Any] = {}
        if len(tries) < 3 and rng.random() < 0.3:
            again["kill_at"] = int(rng.integers(1, max(steps, 2) + 1))
        tries.append(run_command(stage.words(*more), stage.folder, **again))
    _clear(stage)
    last = tries[-1]
    wrong = audited(stage.ledger, stage.journal, open_platform(stage.server.url), start)
    line = {
        "run": number,
        "kill": " ".join(f"{name} {value:.4g}" for name, value in kill.items()) or "none",
        "killed": sum(one.code == -9 for one in tries),
        "faults": [f"{one['kind']} on {one['on']}" for one in faults],
        "jumps": jumps,
        "tries": len(tries),
        "codes": [one.code for one in tries],
        "seconds": round(last.seconds, 2),
        "steps": last.steps,
        "wrong": wrong,
    }
    if last.steps >= steps / 2:
        usual = (last.seconds, max(steps, last.steps))
    return line, usual


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
        f"{sum(line['killed'] for line in lines)} of them killed; faults: "
        + ", ".join(f"{n} {kind}" for kind, n in sorted(faults.items()))
        + f"; {len(wrong)} violations."
    )
    return int(bool(wrong))


if __name__ == "__main__":
    raise SystemExit(main())
