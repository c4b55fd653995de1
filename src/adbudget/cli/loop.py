"""loop once, run, status, resume: arguments -> cycles of the loop, printed. Decides nothing.

Like app.py, this module may look at the clock, and knows the terminal. Heavy libraries are imported
inside the commands.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from adbudget.cli.options import Address, NoColor, PageForm, record_options
from adbudget.cli.pages import check_folder, write_loop_page
from adbudget.cli.terminal import complain, say, say_json, show
from adbudget.errors import AdbudgetError, InputError

if TYPE_CHECKING:
    from adbudget.loop import CycleReport, LoopSettings, Source
    from adbudget.platforms import Platform
    from adbudget.policy.rulebook import Policy

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


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleOptions:
    """What every cycle is told on the command line."""

    platform: PlatformAddress
    ledger: Address
    policy: Annotated[
        str | None,
        typer.Option("--policy", metavar="FILE", help="Guardrails; the defaults if not given."),
    ] = None
    outcome: Annotated[
        str | None,
        typer.Option(
            "--outcome",
            metavar="FILE",
            help="File, folder or database URL (with --query); the platform's own if not given.",
        ),
    ] = None
    query: Annotated[
        str | None, typer.Option("--query", metavar="SQL", help="SELECT account, date, outcome.")
    ] = None
    control: Annotated[
        list[str] | None,
        typer.Option(
            "--control", metavar="FILE", help="Table of what moves the outcome; repeatable."
        ),
    ] = None
    settings: Annotated[
        Path | None,
        typer.Option(
            "--settings", metavar="FILE", help="What the loop may do: YAML, TOML or JSON."
        ),
    ] = None
    apply: Annotated[bool, typer.Option("--apply", help="Write to ledger and platform.")] = False
    seed: Annotated[int, typer.Option("--seed", help="Same seed and input, same cycle.")] = 0
    cores: Annotated[
        int | None, typer.Option("--cores", help="Of the sampler; all if not given.")
    ] = None
    token: Token = None
    report: Annotated[
        Path | None,
        typer.Option(
            "--report", metavar="DIR", help="Write index.html there anew with every cycle."
        ),
    ] = None
    no_color: NoColor = False


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
@record_options(CycleOptions)
def once(
    at: Annotated[
        str | None,
        typer.Option(
            "--at", metavar="INSTANT", help="As 2026-03-01T09:00+01:00; the platform's now."
        ),
    ] = None,
    key: Annotated[
        str, typer.Option("--key", help="Name of the cycle; its minute if not given.")
    ] = "",
    form: PageForm = "table",
    **options: Any,
) -> None:
    """Run one cycle; without --apply nothing is written to ledger and platform."""
    given = CycleOptions(**options)
    report = _cycle(given, _doors(given), at=at, key=key)
    _print(report, form=form, no_color=given.no_color)
    raise typer.Exit(_code(report))


@loop_app.command(
    epilog="Examples:\n\n"
    "adbudget loop run --every 1h --platform https://ads.example --ledger loop.db --apply\n\n"
    "adbudget loop run --cron '0 6 * * 1' --time-zone Europe/Berlin --platform file:ads "
    "--outcome sales/ --ledger loop.db --apply\n\n" + EXIT_CODES
)
@record_options(CycleOptions)
def run(
    every: Annotated[str, typer.Option("--every", metavar="TIME", help="30m, 1h, 1d or 1w.")] = "",
    cron: Annotated[
        str, typer.Option("--cron", metavar="FIELDS", help="'0 6 * * 1' is Mondays at six.")
    ] = "",
    time_zone: Annotated[
        str, typer.Option("--time-zone", metavar="ZONE", help="IANA name, for --cron.")
    ] = "UTC",
    cycles: Annotated[int, typer.Option("--cycles", help="End after so many; 0 goes on.")] = 0,
    **options: Any,
) -> None:
    """Run cycles when they are due, until SIGTERM or Ctrl-C; one that runs is finished first."""
    from threading import Event

    from adbudget.loop.schedule import run_on, stopped_by_signals, trigger_of

    given = CycleOptions(**options)
    trigger = trigger_of(every=every, cron=cron, zone=time_zone)
    doors = _doors(given)
    stop, worst, done = Event(), [0], [0]
    stopped_by_signals(stop)

    def cycle(_due: datetime) -> None:
        try:
            report = _cycle(given, doors)
        except AdbudgetError as error:  # the next cycle may find the feed, or the platform, again
            complain(str(error))
            worst[0] = UNMADE
        else:
            _print(report, form="table", no_color=given.no_color)
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
    from adbudget.reporting.loop import status_report

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


def cycle_on(address: str, ledger: str, *, token: str | None) -> int:
    """Run and print one cycle that is made, all options as they are by default; its exit code."""
    given = CycleOptions(platform=address, ledger=ledger, token=token, apply=True)
    report = _cycle(given, _doors(given))
    _print(report, form="table", no_color=given.no_color)
    return _code(report)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Doors:
    """What the options name, opened and read once for all cycles."""

    platform: "Platform"
    sources: "list[Source] | None"
    policy: "Policy | None"
    settings: "LoopSettings"


def _doors(given: CycleOptions) -> _Doors:
    from adbudget.policy.file import load_policy

    settings = _settings(given.settings)
    if given.report is not None:
        check_folder(given.report)
    platform = _open(given.platform, given.token)
    return _Doors(
        platform=platform,
        sources=_sources(platform, given, settings),
        policy=load_policy(given.policy) if given.policy else None,
        settings=settings,
    )


def _cycle(
    given: CycleOptions, doors: _Doors, *, at: str | None = None, key: str = ""
) -> "CycleReport":
    import numpy as np

    from adbudget.loop import open_state, run_cycle

    now = _now(doors.platform, at)
    name = key or now.strftime("%Y-%m-%dT%H:%M%z")
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
    with open_state(given.ledger) as state:
        report = run_cycle(
            doors.sources,
            doors.platform,
            doors.policy,
            state,
            now=now,
            rng=np.random.default_rng([given.seed, number]),
            settings=doors.settings,
            apply=given.apply,
            key=name,
            cores=given.cores,
        )
        if given.report is not None:
            write_loop_page(report, state, given.report)
        return report


def _open(address: str, token: str | None) -> "Platform":
    from adbudget.platforms import open_platform

    return open_platform(address, token=token)


def _settings(place: Path | None) -> "LoopSettings":
    from adbudget.loop import LoopSettings
    from adbudget.options import check_names
    from adbudget.tables.documents import read_document

    if place is None:
        return LoopSettings()
    endings = (".yaml", ".yml", ".json", ".toml")
    given = read_document(place, endings=endings, kind="a settings file")
    if not isinstance(given, dict):
        raise InputError(f"{place} must be a mapping, such as 'change: 0.2'; got {given!r}.")
    check_names(given, list(LoopSettings.__dataclass_fields__), str(place))
    return LoopSettings(**given)


def _sources(
    platform: "Platform", given: CycleOptions, settings: "LoopSettings"
) -> "list[Source] | None":
    from adbudget.loop import PlatformOutcome, QuerySource, TableSource

    if given.query is not None and given.outcome is None:
        raise InputError("--query needs the database: --outcome URL.")
    extra = [
        TableSource(path=_there(one, "--control"), role="control", late="hold")
        for one in given.control or ()
    ]
    if given.outcome is None:
        own = PlatformOutcome(platform=platform, zones=settings.zones)
        return [own, *extra] if extra else None
    if given.query is not None:
        return [QuerySource(url=given.outcome, query=given.query), *extra]
    return [TableSource(path=_there(given.outcome, "--outcome")), *extra]


def _there(text: str, option: str) -> Path:
    """A path that there is: seen before a ledger is made for nothing."""
    if not Path(text).exists():
        hint = " A database needs --query." if "://" in text else ""
        raise InputError(f"{option}: there is no file or folder {text}.{hint}")
    return Path(text)


def _now(door: "Platform", at: str | None) -> datetime:
    """The instant that is asked for, or the platform's own clock, or this machine's."""
    from adbudget.loop.schedule import instant

    if at is not None:
        return instant(at)
    told = getattr(door, "now", None)
    return told if isinstance(told, datetime) else datetime.now(UTC)


def _print(report: "CycleReport", *, form: Literal["table", "json"], no_color: bool) -> None:
    from adbudget.reporting.loop import cycle_report

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
