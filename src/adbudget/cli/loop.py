"""loop once, run, status, resume: arguments -> cycles of the loop, printed. Decides nothing.

Like app.py, this module may look at the clock, and knows the terminal. Heavy libraries are imported
inside the commands.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from adbudget.cli.options import Address, NoColor, PageForm
from adbudget.cli.terminal import complain, say, say_json, show
from adbudget.errors import AdbudgetError, InputError

if TYPE_CHECKING:
    from adbudget.loop import CycleReport, Source
    from adbudget.platforms import Platform

UNMADE = 1
EXIT_CODES = (
    "Exit codes: 0 all is well, 1 something was not made, or the fit cannot be trusted, 2 the "
    "input, platform or ledger cannot be used."
)

PlatformAddress = Annotated[
    str,
    typer.Option(
        "--platform",
        metavar="ADDRESS",
        envvar="ADBUDGET_PLATFORM",
        help="Where the budgets stand: file:FOLDER, sqlite:///FILE, https://HOST, or of a package.",
    ),
]
Token = Annotated[
    str | None,
    typer.Option(
        "--token", metavar="TEXT", envvar="ADBUDGET_PLATFORM_TOKEN", help="Key to the platform."
    ),
]
PolicyFile = Annotated[
    str | None,
    typer.Option("--policy", metavar="FILE", help="Guardrails; the defaults if not given."),
]
Outcome = Annotated[
    str | None,
    typer.Option(
        "--outcome",
        metavar="FILE",
        help="File, folder or database URL (with --query); the platform's own if not given.",
    ),
]
Query = Annotated[
    str | None, typer.Option("--query", metavar="SQL", help="SELECT account, date, outcome.")
]
Controls = Annotated[
    list[str] | None,
    typer.Option("--control", metavar="FILE", help="Table of what moves the outcome; repeatable."),
]
SettingsFile = Annotated[
    Path | None,
    typer.Option("--settings", metavar="FILE", help="What the loop may do: YAML, TOML or JSON."),
]
Apply = Annotated[bool, typer.Option("--apply", help="Write to ledger and platform.")]
Seed = Annotated[int, typer.Option("--seed", help="Same seed and input, same cycle.")]
Cores = Annotated[int | None, typer.Option("--cores", help="Of the sampler; all if not given.")]

loop_app = typer.Typer(
    help="Decide again and again: gather, learn, propose, rehearse, review, apply.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add the commands of the loop to the command line."""
    app.add_typer(loop_app, name="loop")


@loop_app.command(
    epilog="Examples:\n\n"
    "adbudget loop once --platform http://127.0.0.1:8765 --ledger loop.db\n\n"
    "adbudget loop once --platform file:ads --outcome sales/ --policy policy.yaml --ledger loop.db "
    "--apply\n\n" + EXIT_CODES
)
def once(
    platform: PlatformAddress,
    ledger: Address,
    policy: PolicyFile = None,
    outcome: Outcome = None,
    query: Query = None,
    control: Controls = None,
    settings: SettingsFile = None,
    apply: Apply = False,
    at: Annotated[
        str | None,
        typer.Option(
            "--at", metavar="INSTANT", help="As 2026-03-01T09:00+01:00; the platform's now."
        ),
    ] = None,
    key: Annotated[
        str, typer.Option("--key", help="Name of the cycle; its minute if not given.")
    ] = "",
    seed: Seed = 0,
    cores: Cores = None,
    token: Token = None,
    form: PageForm = "table",
    no_color: NoColor = False,
) -> None:
    """Run one cycle; without --apply nothing is written to ledger and platform."""
    door = _open(platform, token)
    how = _how(policy, settings)
    sources = _sources(door, outcome, query, control)
    report = _cycle(
        door, sources, how, ledger, now=_now(door, at), apply=apply, key=key, seed=seed, cores=cores
    )
    _print(report, form=form, no_color=no_color)
    raise typer.Exit(_code(report))


@loop_app.command(
    epilog="Examples:\n\n"
    "adbudget loop run --every 1h --platform https://ads.example --ledger loop.db --apply\n\n"
    "adbudget loop run --cron '0 6 * * 1' --time-zone Europe/Berlin --platform file:ads "
    "--outcome sales/ --ledger loop.db --apply\n\n" + EXIT_CODES
)
def run(
    platform: PlatformAddress,
    ledger: Address,
    every: Annotated[str, typer.Option("--every", metavar="TIME", help="30m, 1h, 1d or 1w.")] = "",
    cron: Annotated[
        str, typer.Option("--cron", metavar="FIELDS", help="'0 6 * * 1' is Mondays at six.")
    ] = "",
    time_zone: Annotated[
        str, typer.Option("--time-zone", metavar="ZONE", help="IANA name, for --cron.")
    ] = "UTC",
    policy: PolicyFile = None,
    outcome: Outcome = None,
    query: Query = None,
    control: Controls = None,
    settings: SettingsFile = None,
    apply: Apply = False,
    cycles: Annotated[int, typer.Option("--cycles", help="End after so many; 0 goes on.")] = 0,
    seed: Seed = 0,
    cores: Cores = None,
    token: Token = None,
    no_color: NoColor = False,
) -> None:
    """Run cycles when they are due, until SIGTERM or Ctrl-C; one that runs is finished first."""
    from threading import Event

    from adbudget.loop.schedule import run_on, stopped_by_signals, trigger_of

    trigger = trigger_of(every=every, cron=cron, zone=time_zone)
    door = _open(platform, token)
    how = _how(policy, settings)
    sources = _sources(door, outcome, query, control)
    stop, worst, done = Event(), [0], [0]
    stopped_by_signals(stop)

    def cycle(_due: datetime) -> None:
        try:
            report = _cycle(
                door,
                sources,
                how,
                ledger,
                now=_now(door, None),
                apply=apply,
                key="",
                seed=seed,
                cores=cores,
            )
        except AdbudgetError as error:  # the next cycle may find the feed, or the platform, again
            complain(str(error))
            worst[0] = UNMADE
        else:
            _print(report, form="table", no_color=no_color)
            worst[0] = max(worst[0], _code(report))
        done[0] += 1
        if cycles and done[0] >= cycles:
            stop.set()

    run_on(trigger, cycle, clock=lambda: datetime.now(UTC), stop=stop)
    say(f"Stopped after {done[0]} cycles.")
    raise typer.Exit(worst[0])


@loop_app.command(epilog=EXIT_CODES)
def status(
    ledger: Address,
    last: Annotated[int, typer.Option("--last", help="How many cycles.")] = 10,
    form: PageForm = "table",
    no_color: NoColor = False,
) -> None:
    """Show the last cycles, and what is open."""
    from adbudget.loop import open_state
    from adbudget.report.loop import status_report

    with open_state(ledger) as state:
        cycles, waiting = state.cycles(last), state.ledger.open_changes()
    if form == "json":
        say_json(
            [{"key": c.key, "at": c.at.isoformat(), "step": c.step, **c.facts} for c in cycles]
        )
        return
    show(lambda width: status_report(cycles, width), no_color=no_color)
    if len(waiting):
        say(f"\n{len(waiting)} changes are ordered and not confirmed: adbudget loop resume.")


@loop_app.command(epilog=EXIT_CODES)
def resume(
    platform: PlatformAddress,
    ledger: Address,
    token: Token = None,
    no_color: NoColor = False,
) -> None:
    """Make what is ordered and not made yet: after a stop, an approval, or the kill switch."""
    from adbudget.loop import apply_changes, open_state
    from adbudget.loop.applying import told

    door = _open(platform, token)
    with open_state(ledger) as state:
        now = _now(door, None)
        with state.locked(now):
            applied = apply_changes(state.ledger, door, now=now)
    for one in applied.changes:
        say(told(one) + (f": {one.reason}" if one.reason else ""))
    say(f"{applied.count('made', 'made before')} of {len(applied.changes)} changes are made.")
    unmade = applied.count("unknown", "waits", "stopped", "refused", "conflict")
    raise typer.Exit(UNMADE if unmade else 0)


def _cycle(
    door: "Platform",
    sources: "list[Source] | None",
    how: Mapping[str, Any],
    ledger: str,
    *,
    now: datetime,
    apply: bool,
    key: str,
    seed: int,
    cores: int | None,
) -> "CycleReport":
    import numpy as np

    from adbudget.loop import open_state, run_cycle

    name = key or now.strftime("%Y-%m-%dT%H:%M%z")
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
    with open_state(ledger) as state:
        return run_cycle(
            sources,
            door,
            how["policy"],
            state,
            now=now,
            rng=np.random.default_rng([seed, number]),
            settings=how["settings"],
            apply=apply,
            key=name,
            cores=cores,
        )


def _open(address: str, token: str | None) -> "Platform":
    from adbudget.platforms import open_platform

    return open_platform(address, token=token)


def _how(policy: str | None, settings: Path | None) -> dict[str, Any]:
    from adbudget.loop import LoopSettings
    from adbudget.options import check_names
    from adbudget.policy.file import load_policy
    from adbudget.tables.documents import read_document

    given = (
        {}
        if settings is None
        else read_document(
            settings, endings=(".yaml", ".yml", ".json", ".toml"), kind="a settings file"
        )
    )
    if not isinstance(given, dict):
        raise InputError(f"{settings} must be a mapping, such as 'change: 0.2'; got {given!r}.")
    check_names(given, list(LoopSettings.__dataclass_fields__), str(settings))
    return {
        "policy": load_policy(policy) if policy else None,
        "settings": LoopSettings(**given),
    }


def _sources(
    door: "Platform", outcome: str | None, query: str | None, control: list[str] | None
) -> "list[Source] | None":
    from adbudget.loop import PlatformOutcome, QuerySource, TableSource

    if query is not None and outcome is None:
        raise InputError("--query needs the database: --outcome URL.")
    extra = [TableSource(path=Path(one), role="control", late="hold") for one in control or ()]
    if outcome is None:
        return [PlatformOutcome(platform=door), *extra] if extra else None
    if query is not None:
        return [QuerySource(url=outcome, query=query), *extra]
    return [TableSource(path=Path(outcome)), *extra]


def _now(door: "Platform", at: str | None) -> datetime:
    """The instant that is asked for, or the platform's own clock, or this machine's."""
    from adbudget.loop.schedule import instant

    if at is not None:
        return instant(at)
    told = getattr(door, "now", None)
    return told if isinstance(told, datetime) else datetime.now(UTC)


def _print(report: "CycleReport", *, form: Literal["table", "json"], no_color: bool) -> None:
    from adbudget.report.loop import cycle_report

    if form == "json":
        say_json(report.as_dict())
        return
    show(lambda width: cycle_report(report, width), no_color=no_color)
    if report.dry:
        say("\nNothing was written. To make it: the same with --apply.")


def _code(report: "CycleReport") -> int:
    unmade = report.applied is not None and report.applied.count(
        "unknown", "waits", "stopped", "refused", "conflict"
    )
    return UNMADE if unmade or not report.healthy else 0
