"""Words of the command line -> a process that runs them, and may be killed at a given step.

The process is forked from this one, which has imported everything already: it saves the seconds of
importing and changes nothing else. A step is a commit of the database or a call over HTTP.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

IMPORTED = (
    "adbudget.cli.app",
    "adbudget.loop.cycle",
    "adbudget.loop.schedule",
    "adbudget.reporting.loop",
    "adbudget.platforms.http_platform",
    "adbudget.policy.apply",
    "adbudget.model.fit",
    "adbudget.forecasting.forecasts",
    "adbudget.optimizer",
    "scipy.optimize",
    "httpx",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A process that has ended.

    Attributes
    ----------
    code : exit code; negative the signal that killed it
    seconds : how long it took
    steps : how many steps it went through; those before the last may be missing when it was killed
    output : what it printed, errors too
    """

    code: int
    seconds: float
    steps: int
    output: str


def import_all() -> None:
    """Import what the command needs, before anything is forked."""
    for name in IMPORTED:
        import_module(name)


def run_command(
    words: Sequence[str],
    folder: Path,
    *,
    kill_after: float | None = None,
    kill_at: int | None = None,
) -> Ended:
    """Run ``adbudget WORDS`` in a process.

    Parameters
    ----------
    words : the arguments
    folder : where its output goes
    kill_after : seconds after which it is killed
    kill_at : number of the step at which it is killed
    """
    output, steps = folder / "output.txt", folder / "steps.txt"
    steps.write_text("0")
    begun = time.monotonic()
    child = os.fork()
    if not child:
        _be_the_command(words, output, steps, kill_at)
    code = _wait(child, None if kill_after is None else begun + kill_after)
    return Ended(
        code=code,
        seconds=time.monotonic() - begun,
        steps=int(steps.read_text() or 0),  # killed while it wrote
        output=output.read_text(errors="replace"),
    )


def _wait(child: int, until: float | None) -> int:
    while True:
        ended, status = os.waitpid(child, 0 if until is None else os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if until is not None and time.monotonic() >= until:
            os.kill(child, signal.SIGKILL)
            until = None
        time.sleep(0.002)


def _be_the_command(words: Sequence[str], output: Path, steps: Path, kill_at: int | None) -> None:
    """The child: never returns."""
    code = 1
    try:
        file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, 1)
        os.dup2(file, 2)
        os.environ["COLUMNS"] = "160"
        _count_steps(steps, kill_at)
        sys.argv = ["adbudget", *words]
        from adbudget.cli.app import run

        try:
            run()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _count_steps(place: Path, kill_at: int | None) -> None:
    """Count commits and calls, each before and after it happens; die at one of them."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    from adbudget.platforms import http_platform

    passed = 0

    def step(*_: object) -> None:
        nonlocal passed
        passed += 1
        place.write_text(str(passed))
        if passed == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "commit", step)  # before it; after it is before the next step
    http_platform.call_once = _around(http_platform.call_once, step)


def _around[**P, T](call: Callable[P, T], step: Callable[[], None]) -> Callable[P, T]:
    def stepped(*args: P.args, **kwargs: P.kwargs) -> T:
        step()
        answer = call(*args, **kwargs)
        step()
        return answer

    return stepped
