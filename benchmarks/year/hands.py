"""How a team runs adbudget: by the public calls, or by the command line in a process of its own.

Both do the same work on the same ledger. A process may be killed in the middle of it.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
import typer

from adbudget import apply_policy, load_policy, open_ledger, pace, send_requests
from adbudget.cli.sinks import NOT_TAKEN, deliver, open_sinks
from adbudget.errors import AdbudgetError
from adbudget.pacing.moves.decided import approve_item, reject_item
from adbudget.pacing.requests import (
    FileOutbox,
    HttpGateway,
    Step,
    find_request,
    read_requests,
    record,
)

PATIENCE = 300  # seconds for a command


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the team works.

    Attributes
    ----------
    folder : of policies, tables and the outbox
    ledger : file
    alerts : address that takes alerts
    sellers : seller -> address
    """

    folder: Path
    ledger: Path
    alerts: str
    sellers: Mapping[str, str]

    @property
    def outbox(self) -> Path:
        """Folder of requests to sellers without a program."""
        return self.folder / "outbox"

    def policy(self, account: str) -> Path:
        """Policy file of an account."""
        return self.folder / f"{account}.yaml"


class Hands(Protocol):
    """What a team does; an error is returned as its text, "" when all went well."""

    def rules(self, account: str, tables: Sequence[pd.DataFrame], at: datetime) -> str: ...
    def pace(self, plan: pd.DataFrame, delivery: pd.DataFrame, at: datetime) -> str: ...
    def send(self, at: datetime) -> str: ...
    def rule(self, item: str, verdict: str, who: str, at: datetime) -> str: ...
    def record(self, request: str, state: str, who: str, at: datetime) -> str: ...
    def kill(self, on: bool, at: datetime) -> str: ...


class Calls:
    """The public calls, in this process."""

    def __init__(self, place: Place, stack: ExitStack) -> None:
        self.place = place
        self.ledger = stack.enter_context(open_ledger(place.ledger))
        self.sinks = open_sinks([place.alerts])
        self.gateways = {
            seller: HttpGateway(
                url=url,
                rng=np.random.default_rng(0),
                token=f"key of {seller}",
                timeout=2.0,  # on a loaded machine too
                tries=2,
                wait=lambda s: None,
            )
            for seller, url in place.sellers.items()
        }

    def rules(self, account: str, tables: Sequence[pd.DataFrame], at: datetime) -> str:
        policy = load_policy(self.place.policy(account))
        try:
            apply_policy(policy, tables[0], history=tables[1], ledger=self.ledger, as_of=at)
        except AdbudgetError as error:
            return _told(error)
        return ""

    def pace(self, plan: pd.DataFrame, delivery: pd.DataFrame, at: datetime) -> str:
        try:
            pace(plan, delivery, as_of=at, ledger=self.ledger)
        except AdbudgetError as error:
            return _told(error)
        return ""

    def tell(self, at: datetime) -> None:
        """Send what is due, as every command does; a sink that is down is tried again tomorrow."""
        with suppress(typer.Exit):
            deliver((), self.sinks, ledger=str(self.place.ledger), at=at)

    def send(self, at: datetime) -> str:
        default = FileOutbox(folder=self.place.outbox)
        results = send_requests(self.ledger, self.gateways, at=at, who="Ann", default=default)
        return "; ".join(f"{one.request.ask.seller}: {one.told}" for one in results if one.error)

    def rule(self, item: str, verdict: str, who: str, at: datetime) -> str:
        try:
            if verdict == "approve":
                approve_item(self.ledger, item, who=who, at=at)
            else:
                reject_item(self.ledger, item, who=who, at=at, reason="not this week")
        except AdbudgetError as error:
            return _told(error)
        return ""

    def record(self, request: str, state: str, who: str, at: datetime) -> str:
        found = find_request(read_requests(self.ledger), request)
        try:
            record(self.ledger, found, Step(state=state, at=at), who=who)  # pyright: ignore
        except AdbudgetError as error:
            return _told(error)
        return ""

    def kill(self, on: bool, at: datetime) -> str:
        self.ledger.set_kill(on, who="Ann", at=at, reason="the board wants to look at it")
        return ""


class Commands:
    """The command line, one process a command; ``kill_after`` seconds kill the next one."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.kill_after: float | None = None
        self.n_killed = 0

    def rules(self, account: str, tables: Sequence[pd.DataFrame], at: datetime) -> str:
        paths = self._written(("campaigns", "history"), tables)
        given = [str(self.place.policy(account)), str(paths[0]), "--history", str(paths[1])]
        more = ["--as-of", at.isoformat(), "--show", "none", "--send", self.place.alerts]
        return self._run("rules", *given, *self._ledger(), *more)

    def pace(self, plan: pd.DataFrame, delivery: pd.DataFrame, at: datetime) -> str:
        paths = self._written(("plan", "delivery"), (plan, delivery))
        more = ["--as-of", at.isoformat(), "--show", "none", "--send", self.place.alerts]
        return self._run("pace", *map(str, paths), *self._ledger(), *more)

    def send(self, at: datetime) -> str:
        to = [f"--to={seller}={url}" for seller, url in self.place.sellers.items()]
        more = ["--outbox", str(self.place.outbox), "--who", "Ann", "--at", at.isoformat()]
        return self._run("requests", "send", *to, *self._ledger(), *more)

    def rule(self, item: str, verdict: str, who: str, at: datetime) -> str:
        why = ["--reason", "not this week"] if verdict == "reject" else []
        more = ["--who", who, "--at", at.isoformat()]
        return self._run(verdict, item, *why, *self._ledger(), *more)

    def record(self, request: str, state: str, who: str, at: datetime) -> str:
        more = ["--who", who, "--at", at.isoformat(), "--by", "us"]
        return self._run("requests", "record", request, state, *self._ledger(), *more)

    def kill(self, on: bool, at: datetime) -> str:
        more = ["--reason", "the board wants to look at it", "--who", "Ann", "--at", at.isoformat()]
        return self._run("kill", "on" if on else "off", *self._ledger(), *more)

    def _ledger(self) -> list[str]:
        return ["--ledger", str(self.place.ledger)]

    def _written(self, names: Sequence[str], tables: Sequence[pd.DataFrame]) -> list[Path]:
        paths = [self.place.folder / f"{name}.csv" for name in names]
        for path, table in zip(paths, tables, strict=True):
            table.to_csv(path, index=False)
        return paths

    def _run(self, *words: str) -> str:
        """Run a command, killed in the middle and run again when that is wanted."""
        if self.kill_after is not None:
            self._kill_one(words)
        done = subprocess.run(
            [sys.executable, "-m", "adbudget", *words],
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        told = done.stderr.strip()
        if done.returncode == NOT_TAKEN and "alerts not sent" in told:
            return ""  # the run was made and says that a sink was down; it is tried again tomorrow
        return "" if done.returncode == 0 else told or done.stdout.strip()

    def _kill_one(self, words: Sequence[str]) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "adbudget", *words],
            env=self._environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            process.wait(timeout=self.kill_after)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            self.n_killed += 1
        self.kill_after = None

    def _environment(self) -> dict[str, str]:
        tokens = {
            f"ADBUDGET_SELLER_TOKEN_{seller.upper().replace(' ', '_')}": f"key of {seller}"
            for seller in self.place.sellers
        }
        return {**os.environ, **tokens, "PYTHONUTF8": "1", "COLUMNS": "200"}


def _told(error: AdbudgetError) -> str:
    return f"{type(error).__name__}: {error}"
