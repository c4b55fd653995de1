"""The command line: parses and prints. The only place that knows the terminal and exit codes.

0 all is well, 1 the fit cannot be trusted, 2 the input cannot be used, 130 stopped with Ctrl-C.
Heavy libraries are imported inside the commands that need them.
"""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from adbudget.cli import (
    backtest as cli_backtest,
    budgets as cli_budgets,
    forecast as cli_forecast,
    ledger as cli_ledger,
    loop as cli_loop,
    pacing as cli_pacing,
    platforms as cli_platforms,
    policy as cli_policy,
    requests as cli_requests,
    rulings as cli_rulings,
)
from adbudget.cli.options import (
    CHECK,
    RECOMMEND,
    ConfigFile,
    File,
    NoColor,
    OutcomeFile,
    OutFile,
    given,
    stated_options,
)
from adbudget.cli.panel_tables import advice, read_tables, settings_of
from adbudget.cli.terminal import complain, say, show
from adbudget.cli.worlds import preset_spec, resized
from adbudget.errors import AdbudgetError, FitError, InputError

UNHEALTHY, BAD_INPUT, INTERRUPTED = 1, 2, 130

HELP = {"help_option_names": ["-h", "--help"]}
EXIT_CODES = "Exit codes: 0 all is well, 1 the fit cannot be trusted, 2 the input cannot be used."

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings=HELP,
)


def main() -> None:
    """Run the command line; what adbudget refuses on purpose becomes a paragraph, not a trace."""
    try:
        app()
    except FitError as error:
        complain(str(error))
        sys.exit(UNHEALTHY)
    except AdbudgetError as error:
        complain(str(error))
        sys.exit(BAD_INPUT)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        say(f"adbudget {version('adbudget')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Decide where an advertising budget should go, and say how sure that is."""


@app.command(
    epilog="Examples:\n\n"
    "adbudget recommend spend.csv --outcome revenue.csv --currency EUR --out decisions.csv\n\n"
    "adbudget recommend wide.csv --channels meta,google --missing-spend zero\n\n"
    "adbudget recommend leads.csv --columns outcome=leads --value-per-unit 40\n\n"
    "A config file holds arguments of adbudget.recommend by name, for example "
    "limits: {change: 0.2, total: fixed} and risk: {aversion: 0.5}.\n\n" + EXIT_CODES
)
@stated_options(*RECOMMEND)
def recommend(
    file: File,
    outcome: OutcomeFile = None,
    config: ConfigFile = None,
    *,
    out: OutFile = None,
    reasons: Annotated[
        Literal["moves", "all", "none"],
        typer.Option("--reasons", help="Say why: for calls that move money, for all, for none."),
    ] = "moves",
    no_color: NoColor = False,
    **options: Any,
) -> None:
    """Say for every channel of every account: increase, monitor or reduce."""
    from adbudget.cli.config import recommend_arguments
    from adbudget.tables.files import check_writable, read_table, write_table

    if out is not None:
        check_writable(out)  # before minutes go into a fit
    settings = settings_of(config, given(options))
    arguments = recommend_arguments(settings)
    if "policy" in arguments:
        from adbudget.policy.file import load_policy

        arguments["policy"] = load_policy(Path(arguments["policy"]))  # before minutes go into a fit
    for name in ("lift_tests", "budgets", "previous"):
        if name in arguments:
            arguments[name] = read_table(Path(arguments[name]), ("account", "channel"))
    data, outcome_data = read_tables(file, outcome, settings)

    import adbudget
    from adbudget.report.table import report

    frame = adbudget.recommend(data, outcome_data, **arguments)
    if "policy" in arguments:
        frame = cli_policy.stopped_by_switch(frame)
    show(lambda width: report(frame, width=width, reasons=reasons), no_color=no_color)
    if "policy" in arguments:
        from adbudget.report.policy import verdicts_told

        say(verdicts_told(frame))
    if out is not None:
        write_table(frame, out)
        say(f"\nWrote {out}: {len(frame):,} decisions.")
    health = frame.attrs.get("health", {})
    if not health.get("ok", True):
        why = " ".join(health.get("problems", []))
        complain(f"the fit cannot be trusted, so every decision is to monitor. {why} {advice(why)}")
        raise typer.Exit(UNHEALTHY)


@app.command(
    epilog="Examples:\n\n"
    "adbudget check spend.csv --outcome revenue.csv\n\n"
    "adbudget check wide.csv --channels meta,google --missing-spend zero\n\n" + EXIT_CODES
)
@stated_options(*CHECK)
def check(
    file: File,
    outcome: OutcomeFile = None,
    config: ConfigFile = None,
    *,
    no_color: NoColor = False,
    **options: Any,
) -> None:
    """Read the tables, check everything, print what was understood and found; fit nothing."""
    from adbudget.cli.config import panel_arguments

    settings = settings_of(config, given(options))
    data, outcome_data = read_tables(file, outcome, settings)

    from adbudget.panel.findings import check_identification
    from adbudget.panel.integrity import check_data
    from adbudget.panel.read import read_panel
    from adbudget.report.panel import panel_report

    panel = read_panel(data, outcome_data, **panel_arguments(settings))
    findings = (*check_data(panel), *check_identification(panel))
    show(lambda width: panel_report(panel, findings, width), no_color=no_color)


@app.command(
    epilog="Examples:\n\n"
    "adbudget synthesize demo\n\n"
    "adbudget synthesize demo --preset confounded --accounts 20 --seed 7\n\n" + EXIT_CODES
)
def synthesize(
    folder: Annotated[Path, typer.Argument(metavar="OUT_FOLDER", help="Made when missing.")],
    preset: Annotated[
        str,
        typer.Option(
            "--preset",
            metavar="NAME",
            help="agency, shop_daily, assumed, misspecified, ragged, confounded, duds, noisy, "
            "drifting, tiny, growing, shrinking, high_base, heavy_tailed, outliers, flighted "
            "or high_return.",
        ),
    ] = "agency",
    seed: Annotated[int, typer.Option("--seed", help="Same seed, same files.")] = 0,
    accounts: Annotated[int | None, typer.Option("--accounts", help="How many.")] = None,
    channels: Annotated[int | None, typer.Option("--channels", help="How many.")] = None,
    periods: Annotated[
        int | None, typer.Option("--periods", help="Length of every history.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="Start of the file names; the preset's name.")
    ] = None,
) -> None:
    """Write a made-up panel whose truth is known, to try things on."""
    from adbudget.synthetic import synthesize as make_world

    spec = resized(preset_spec(preset, "--preset"), accounts, channels, periods)
    name = preset if name is None else name
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; name a folder to write into.")
    if not name or Path(name).name != name:
        raise InputError(f"--name must be the start of a file name, not a path; got {name!r}.")
    world = make_world(spec, seed)
    try:
        paths = world.save(folder, name)
    except OSError as cause:
        raise InputError(f"{folder} cannot be written: {cause.strerror or cause}.") from cause
    n_cells = len(world.truth.cells)
    say(
        f"{spec.n_accounts} accounts, {n_cells} account-channels, {spec.period}, seed {seed}; "
        "the true curves are in the .truth.json file."
    )
    for path in paths:
        say(f"  {path}")
    spend, outcome = paths[0], paths[1]
    say(f"Next: adbudget recommend {spend} --outcome {outcome} --currency {spec.currency}")


cli_forecast.register(app)
cli_backtest.register(app)
cli_ledger.register(app)
cli_loop.register(app)
cli_rulings.register(app)
cli_policy.register(app, cli_ledger.ledger_app)
cli_pacing.register(app)
cli_budgets.register(app)
cli_requests.register(app)
cli_platforms.register(app)
