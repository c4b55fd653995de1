"""The command line: parses and prints. The only place that knows the terminal and exit codes.

0 all is well, 1 the fit cannot be trusted, 2 the input cannot be used, 3 adbudget itself failed,
130 stopped with Ctrl-C. Heavy libraries are imported inside the commands that need them.
"""

import logging
import sys
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

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
    population as cli_population,
    requests as cli_requests,
    rulings as cli_rulings,
    scale as cli_scale,
    tests as cli_tests,
)
from adbudget.cli.options import (
    CHECK,
    RECOMMEND,
    ConfigFile,
    FieldOptions,
    Files,
    FilesOrFit,
    NoColor,
    OutcomeFiles,
    OutFile,
    ReportFile,
    SavedFit,
    given,
    stated_options,
)
from adbudget.cli.pages import check_page, say_where, write_decisions, write_page
from adbudget.cli.panel_tables import advice, read_tables, settings_of
from adbudget.cli.proposed import proposed, show_proposed, write_config
from adbudget.cli.saved_fit import load_fit, needed
from adbudget.cli.terminal import complain, note, say, show
from adbudget.cli.worlds import preset_spec, resized
from adbudget.decision.options import DecisionOptions, ToldOptions
from adbudget.display.stages import LOG, stage, watched
from adbudget.errors import AdbudgetError, FitError, InputError
from adbudget.options import options_of

UNHEALTHY, BAD_INPUT, FAILED = 1, 2, 3

HELP = {"help_option_names": ["-h", "--help"]}
EXIT_CODES = (
    "Exit codes: 0 all is well, 1 the fit cannot be trusted, 2 the input cannot be used, "
    "3 adbudget itself failed."
)

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings=HELP,
)


def run() -> None:
    """Run the command line; what adbudget refuses on purpose becomes a paragraph, not a trace.

    What goes wrong otherwise keeps its trace, and has a code of its own: 1 says that the decisions
    are there and cannot be trusted.
    """
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _shown
            app()
    except FitError as error:
        complain(str(error))
        sys.exit(FAILED)
    except AdbudgetError as error:
        complain(str(error))
        sys.exit(BAD_INPUT)
    except Exception:
        traceback.print_exc()
        complain("this is a fault of adbudget, not of your data. Nothing was half written.")
        sys.exit(FAILED)


def _shown(message: Warning | str, *_where: object) -> None:
    """A warning as a line for a person, without the place in the code that it came from."""
    note(str(message))


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
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Log every stage to standard error.")
    ] = False,
) -> None:
    """Decide where an advertising budget should go, and say how sure that is."""
    if verbose:
        logging.basicConfig(format="%(asctime)s %(name)s: %(message)s")
        LOG.setLevel(logging.INFO)


@app.command(
    epilog="Examples:\n\n"
    "adbudget recommend spend.csv --outcome revenue.csv --currency EUR --out decisions.csv\n\n"
    "adbudget recommend wide.csv --channels meta,google --missing-spend zero\n\n"
    "adbudget recommend leads.csv --columns outcome=leads --value-per-unit 40\n\n"
    "adbudget recommend spend.csv --outcome revenue.csv --save-fit shops.fit\n\n"
    "adbudget recommend --fit shops.fit --config other_limits.yaml\n\n"
    "adbudget recommend shop.csv --report report.html --out plan.xlsx\n\n"
    "adbudget recommend shop.csv --margin 0.4 --total fixed --change 20% --prob 0.9\n\n"
    "adbudget recommend rows/ --cluster tcp://scheduler:8786 --work steps/ --out decisions/\n\n"
    "A config file holds arguments of adbudget.recommend by name, for example "
    "limits: {change: 0.2, total: fixed} and risk: {aversion: 0.5}.\n\n" + EXIT_CODES
)
@stated_options(*RECOMMEND, FieldOptions)
def recommend(
    files: FilesOrFit = None,
    outcome: OutcomeFiles = None,
    config: ConfigFile = None,
    *,
    fit: SavedFit = None,
    out: OutFile = None,
    page: ReportFile = None,
    cluster: cli_scale.ClusterAddress = None,
    workers: cli_scale.Workers = None,
    work: cli_scale.WorkFolder = None,
    why: Annotated[
        list[str] | None,
        typer.Option(
            "--why",
            metavar="CELL",
            help="Explain account/channel, or an account, in full; repeatable.",
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="List and explain every cell, note and finding.")
    ] = False,
    no_color: NoColor = False,
    **options: Any,
) -> None:
    """Say for every channel of every account: increase, monitor or reduce."""
    from adbudget.cli.config import recommend_arguments
    from adbudget.tables.files import check_writable, read_table

    in_shards = cli_scale.is_asked(cluster, workers, work)
    if out is not None and not in_shards:
        check_writable(out)  # before minutes go into a fit
    if page is not None:
        check_page(page)
    settings = settings_of(config, given(options))
    data, outcome_data = None, None
    if fit is not None:
        used = tuple(options_of(DecisionOptions, ToldOptions))
        data = load_fit(fit, files, outcome, given(options), settings, used)
    arguments = recommend_arguments(settings)
    if "policy" in arguments:
        from adbudget.policy.file import load_policy

        arguments["policy"] = load_policy(Path(arguments["policy"]))  # before minutes go into a fit
    for name in ("lift_tests", "budgets", "previous"):
        if name in arguments:
            arguments[name] = read_table(Path(arguments[name]), ("account", "channel"))
    if in_shards:
        where = {"cluster": cluster, "workers": workers, "work": work}
        of_files = [name for name in ("derive", "sheet", "sql") if settings.get(name)]
        of_files += [name for name, one in {"fit": fit, "why": why, "report": page}.items() if one]
        if cli_scale.recommend_folder(files, outcome, out, arguments, of_files, **where):
            raise typer.Exit(UNHEALTHY)
        return
    with watched(), stage(f"reading {fit or ', '.join(needed(files))}"):
        if data is None:
            data, outcome_data = read_tables(needed(files), outcome, settings)

        import adbudget
        from adbudget.recommendation import recommend_with_fit
        from adbudget.reporting.table import check_asked, report

        if why:  # before minutes go into a fit
            check_asked(why, _cells_of(data, outcome_data, settings))
        decide = adbudget.recommend  # loads what it needs, which takes a moment
    if page is None:
        frame, fitted = decide(data, outcome_data, **arguments), None
    else:
        asked = {"frontier": True, **arguments}
        frame, fitted = recommend_with_fit(data, outcome_data, **asked)
    if "policy" in arguments:
        frame = cli_policy.stopped_by_switch(frame)
    written: tuple[Path, ...] = ()
    try:  # before the page: whoever reads it may stop after its first lines, as head does
        if page is not None:
            write_page(frame, page, quiet=True, fit=fitted)
        if out is not None:
            written = write_decisions(frame, out)
    finally:
        show(
            lambda width: report(frame, width=width, why=why or (), everything=everything),
            no_color=no_color,
        )
    if "policy" in arguments:
        from adbudget.reporting.policy import verdicts_told

        say(verdicts_told(frame))
    if page is not None:
        say_where(page)
    if out is not None:
        beside = "".join(f" What goes with them: {path}." for path in written[1:])
        say(f"\nWrote {out}: {len(frame):,} decisions.{beside}")
    health = frame.attrs.get("health", {})
    if not health.get("ok", True):
        told = " ".join(health.get("problems", []))
        complain(
            f"the fit cannot be trusted, so every decision is to monitor. {told} {advice(told)}"
        )
        raise typer.Exit(UNHEALTHY)


def _cells_of(data: Any, outcome: Any, settings: dict[str, Any]) -> Sequence[tuple[str, str]]:
    """(account, channel) of all cells of some tables, or of a fit."""
    if hasattr(data, "panel"):
        return data.panel.cells.tolist()
    from adbudget.cli.config import panel_arguments
    from adbudget.panel.read import read_panel

    return read_panel(data, outcome, **panel_arguments(settings)).cells.tolist()


@app.command(
    epilog="Examples:\n\n"
    "adbudget check spend.csv --outcome revenue.csv\n\n"
    "adbudget check google_ads.csv meta.csv --outcome shopify.csv --write-config reading.yaml\n\n"
    "adbudget check wide.csv --channels meta,google --missing-spend zero\n\n" + EXIT_CODES
)
@stated_options(*CHECK)
def check(
    files: Files,
    outcome: OutcomeFiles = None,
    config: ConfigFile = None,
    *,
    keep: Annotated[
        Path | None,
        typer.Option(
            "--write-config", metavar="FILE", help="Keep the reading as settings for --config."
        ),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Take the proposed reading where nothing is in doubt.")
    ] = False,
    no_color: NoColor = False,
    **options: Any,
) -> None:
    """Read the tables, check everything, print what was understood and found; fit nothing.

    Where the tables cannot be read as they are, a whole reading is proposed.
    """
    from adbudget.cli.config import panel_arguments

    settings = settings_of(config, given(options))
    data, outcome_data = read_tables(files, outcome, settings)

    from adbudget.panel.findings import check_identification
    from adbudget.panel.integrity import check_data
    from adbudget.panel.read import read_panel
    from adbudget.reporting.panel import panel_report

    try:
        panel = read_panel(data, outcome_data, **panel_arguments(settings))
    except InputError as problem:
        found = proposed(data, outcome_data or [], settings, problem)
        settings = settings | dict(found.options)
        if not yes or found.doubts or found.panel is None:
            show_proposed(found, files, outcome or [], problem)
            if keep is not None:
                write_config(keep, settings)
                say(f"Wrote {keep}.")
            raise typer.Exit(BAD_INPUT) from problem
        panel = found.panel
    if keep is not None:
        write_config(keep, settings)
        say(f"Wrote {keep}: adbudget recommend ... --config {keep}\n")
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
cli_tests.register(app)
cli_backtest.register(app)
cli_ledger.register(app)
cli_loop.register(app)
cli_rulings.register(app)
cli_policy.register(app, cli_ledger.ledger_app)
cli_pacing.register(app)
cli_budgets.register(app)
cli_population.register(app)
cli_requests.register(app)
cli_platforms.register(app)
