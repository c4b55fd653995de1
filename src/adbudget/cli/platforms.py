"""simulate-platform: arguments -> a server of platforms, which runs until it is told to end.

Like app.py, this module may look at the clock and knows the terminal. A token comes from the
environment only, never from the command line, which others can see.
"""

import os
import signal
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from adbudget.cli.asked import pairs_of
from adbudget.cli.loop import cycle_on
from adbudget.cli.terminal import say
from adbudget.cli.worlds import preset_spec, resized
from adbudget.errors import InputError

if TYPE_CHECKING:
    from adbudget.platforms import SimulatedPlatform
    from adbudget.platforms.state import StateFile

TOKEN = "ADBUDGET_PLATFORM_TOKEN"


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        "simulate-platform",
        epilog="Examples:\n\n"
        "adbudget simulate-platform --accounts 4 --channels 4 --state demo.db\n\n"
        "adbudget simulate-platform --speed 0 --start 2026-01-05\n\n"
        "adbudget simulate-platform --accounts 2 --loop loop.db\n\n"
        f"{TOKEN} in the environment is a token that callers have to send.\n\n"
        "Exit codes: 0 it was told to end, or the cycle made all it wanted, 1 the cycle did not, "
        "2 the input, the file or the port cannot be used.",
    )(simulate_platform)


def simulate_platform(
    world: Annotated[
        str | None,
        typer.Option(
            "--world",
            metavar="FILE|NAME",
            help="A .truth.json that synthesize wrote, or a preset of synthesize; days instead of "
            "weeks.",
        ),
    ] = None,
    accounts: Annotated[int | None, typer.Option("--accounts", help="How many.")] = None,
    channels: Annotated[int | None, typer.Option("--channels", help="How many.")] = None,
    history: Annotated[
        int | None, typer.Option("--history", metavar="DAYS", help="Length of every history.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Same seed, same platform.")] = None,
    rule: Annotated[
        list[str] | None,
        typer.Option(
            "--rule",
            metavar="NAME=VALUE",
            help="How the platform behaves, e.g. delay_hours=6 (PlatformRules); repeatable.",
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--start", metavar="DATE", help="Day its clock starts on; today, and now."),
    ] = None,
    speed: Annotated[
        float,
        typer.Option("--speed", help="Seconds of its clock in one; 0: only POST /clock moves it."),
    ] = 1.0,
    state: Annotated[
        Path | None,
        typer.Option("--state", metavar="FILE", help="Keep it here, and go on with it next time."),
    ] = None,
    host: Annotated[str, typer.Option("--host", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option("--port", help="0: any that is free; 8765 if not given.")
    ] = None,
    loop: Annotated[
        str | None,
        typer.Option(
            "--loop",
            metavar="LEDGER",
            help="Run one cycle of the loop on it, write its budgets, and end.",
        ),
    ] = None,
) -> None:
    """Run a made-up ad platform with true curves: budgets, reports, delays, faults on demand."""
    from adbudget.platforms.server import PlatformServer

    if not 0 <= speed <= 1e7:
        raise InputError(f"--speed must be from 0 to 10 million; got {speed}.")
    options = _Options(world, accounts, channels, history, seed, rule, start)
    platform, kept = _platform(options, state)
    if start is None and (kept is None or kept.clock is None):
        platform.advance_to(datetime.now(UTC))
    server = PlatformServer(
        platform,
        wall=lambda: datetime.now(UTC),
        speed=speed,
        state=kept,
        host=host,
        port=(8765 if loop is None else 0) if port is None else port,
        token=os.environ.get(TOKEN) or None,
    )
    _run(server, platform, kept, loop)


def _run(
    server: Any, platform: "SimulatedPlatform", kept: "StateFile | None", loop: str | None
) -> None:
    """Serve until a signal says to end, or for one cycle of the loop."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with server:
        say(f"Platform at {server.url}, {len(platform.budgets()):,} budgets; Ctrl-C ends it.")
        say(f"Its clock: {platform.now.isoformat(timespec='seconds')}.")
        say(f"Contract: {server.url}/v1/openapi.json")
        _flush()
        # A wait without an end would hold signals back on some systems.
        while loop is None and not ended.wait(1.0):
            continue
        code = 0 if loop is None else cycle_on(server.url, loop, token=server.token)
    if kept is not None:
        kept.close()
    raise typer.Exit(code)


def _flush() -> None:
    import sys

    sys.stdout.flush()  # whoever started this waits for the address


class _Options(NamedTuple):
    """What was said about the world; None where nothing was."""

    world: str | None
    accounts: int | None
    channels: int | None
    history: int | None
    seed: int | None
    rule: list[str] | None
    start: str | None


def _platform(
    options: _Options, state: Path | None
) -> "tuple[SimulatedPlatform, StateFile | None]":
    """Make the platform, and let happen again what its state says."""
    from adbudget.platforms import PlatformRules, SimulatedPlatform
    from adbudget.platforms.state import kept_settings, open_state
    from adbudget.synthetic import WorldSpec

    before = None if state is None else kept_settings(state)
    said = any(option is not None for option in options)
    settings = before if before is not None and not said else _settings(options, before)
    kept = None if state is None else open_state(state, settings)
    platform = SimulatedPlatform(
        WorldSpec.from_dict(settings["world"]),
        settings["seed"],
        rules=PlatformRules.from_dict(settings["rules"]),
    )
    if kept is not None:
        for event in kept.events():
            platform.replay(event)
        platform.journal = kept.append
    return platform, kept


def _settings(options: _Options, before: dict[str, Any] | None) -> dict[str, Any]:
    """What the world and its rules are to be made of; a start that nobody says is as before."""
    from dataclasses import replace

    from adbudget.platforms.simulated import DEMO, daily_spec
    from adbudget.synthetic import load_spec

    spec, seed = DEMO, 0
    if options.world is not None and Path(options.world).suffix == ".json":
        spec, seed = load_spec(options.world)
    elif options.world is not None:
        spec = preset_spec(options.world, "--world")
    if options.start is None and before is not None:
        start = date.fromisoformat(before["world"]["last_date"]) + timedelta(days=1)
    else:
        start = _day(options.start)
    spec = resized(daily_spec(spec, start), options.accounts, options.channels, None)
    if options.history is not None:
        spec = replace(spec, n_periods=options.history)
    return {
        "world": spec.to_dict(),
        "seed": seed if options.seed is None else options.seed,
        "rules": _rules(options.rule or []),
    }


def _rules(texts: list[str]) -> dict[str, Any]:
    """Rules by name, checked."""
    from adbudget.platforms import PlatformRules

    usual = PlatformRules().to_dict()
    rules: dict[str, Any] = {}
    for name, text in pairs_of(texts, "--rule", "NAME=VALUE").items():
        whole = isinstance(usual.get(name), int)
        try:
            numbers = [int(part) if whole else float(part) for part in text.split(",")]
        except ValueError:
            raise InputError(
                f"--rule {name} must be a number, or two as 1,4; got {text!r}."
            ) from None
        rules[name] = numbers if isinstance(usual.get(name), list) else numbers[0]
    return PlatformRules.from_dict(rules).to_dict()


def _day(text: str | None) -> date:
    """Day that was written, or today in UTC, in which the platform counts."""
    if text is None:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"--start must be a day such as 2026-01-05; got {text!r}.") from None
