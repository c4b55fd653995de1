"""tests: arguments -> a fit and one call of adbudget.plan_tests, printed and written."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adbudget.cli.asked import share_of
from adbudget.cli.forecast import UNHEALTHY
from adbudget.cli.options import (
    CHECK,
    ConfigFile,
    FieldOptions,
    FilesOrFit,
    NoColor,
    OutcomeFiles,
    OutFile,
    SavedFit,
    given,
    stated_options,
)
from adbudget.cli.panel_tables import advice, settings_of
from adbudget.cli.saved_fit import fit_of, load_fit, needed
from adbudget.cli.terminal import complain, say, show
from adbudget.errors import InputError
from adbudget.model.options import SavedFitOptions

if TYPE_CHECKING:
    from adbudget.experiments import TestPlan

ASKED = ("limits", "risk", "thresholds", "current", "window_days", "accept_findings")
EXIT_CODES = (
    "Exit codes: 0 all is well, 1 the fit cannot be trusted, 2 the input cannot be used, 3 "
    "adbudget itself failed."
)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        name="tests",
        epilog="Examples:\n\n"
        "adbudget tests spend.csv --outcome revenue.csv\n\n"
        "adbudget tests --fit shops.fit --weeks 8 --budget 5000 --schedule schedule.csv\n\n"
        "adbudget tests --fit shops.fit --kinds holdout --holdout-error 2%\n\n" + EXIT_CODES,
    )(stated_options(*CHECK, SavedFitOptions, FieldOptions)(plan))


def plan(
    files: FilesOrFit = None,
    outcome: OutcomeFiles = None,
    config: ConfigFile = None,
    *,
    fit: SavedFit = None,
    weeks: Annotated[float, typer.Option("--weeks", help="Length of a test.")] = 4,
    budget: Annotated[
        float | None,
        typer.Option(
            "--budget",
            metavar="MONEY",
            help="Margin that all tests together may be expected to cost; no bound if not given.",
        ),
    ] = None,
    horizon: Annotated[
        float,
        typer.Option("--horizon", metavar="WEEKS", help="Time after the tests whose gain counts."),
    ] = 52,
    kinds: Annotated[
        str | None,
        typer.Option(
            "--kinds",
            metavar="KIND,KIND",
            help="pulse, on/off, on/off pair, factorial, holdout; all but the last, which needs "
            "regions, if not given.",
        ),
    ] = None,
    holdout_error: Annotated[
        str | None,
        typer.Option(
            "--holdout-error",
            metavar="SHARE",
            help="Standard error of a holdout's lift, as a share of the account's outcome.",
        ),
    ] = None,
    untested: Annotated[
        str | None,
        typer.Option("--untested", metavar="CHANNEL,CHANNEL", help="Channels no test may touch."),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--start", metavar="DATE", help="First day of the tests; after the record if not given."
        ),
    ] = None,
    schedule: Annotated[
        Path | None,
        typer.Option(
            "--schedule", metavar="FILE", help="Also write who spends what when, to hand over."
        ),
    ] = None,
    out: OutFile = None,
    no_color: NoColor = False,
    **options: Any,
) -> None:
    """Say which tests would turn a monitor into a decision, what they cost and are worth."""
    from adbudget.reporting.tests import tests_report
    from adbudget.tables.files import check_writable, write_table

    for path in (out, schedule):
        if path is not None:
            check_writable(path)  # before minutes go into a fit
    asked = _asked(kinds, holdout_error, untested)
    settings = settings_of(config, given(options))
    if fit is None:
        fitted = fit_of(needed(files), outcome, settings)
    else:
        fitted = load_fit(fit, files, outcome, given(options), settings, ASKED)
    how = {"weeks": weeks, "budget": budget, "horizon_weeks": horizon, **asked}

    import adbudget

    made: TestPlan = adbudget.plan_tests(fitted, **_decided(settings), **how)
    handed = made.schedule(start)
    show(lambda width: tests_report(made, width), no_color=no_color)
    for path, frame in ((out, made.to_frame()), (schedule, handed)):
        if path is not None:
            write_table(frame, path)
            say(f"\nWrote {path}: {len(frame):,} rows.")
    if not made.healthy:
        why = " ".join(fitted.health.problems)
        complain(f"the fit cannot be trusted, and these tests with it. {why} {advice(why)}")
        raise typer.Exit(UNHEALTHY)


def _asked(kinds: str | None, holdout_error: str | None, untested: str | None) -> dict[str, Any]:
    """What was given of the options that are lists and shares."""
    asked: dict[str, Any] = {}
    for name, text in (("kinds", kinds), ("untested", untested)):
        if text is not None:
            asked[name] = [part.strip() for part in text.split(",") if part.strip()]
            if not asked[name]:
                raise InputError(f"--{name} needs names with commas between them; got {text!r}.")
    if holdout_error is not None:
        asked["holdout_error"] = share_of(holdout_error, "--holdout-error")
    return asked


def _decided(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings about the calls that tests are to change."""
    from adbudget.cli.config import recommend_arguments

    stated = recommend_arguments(settings)
    return {name: stated[name] for name in ASKED if name in stated}
