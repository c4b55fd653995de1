"""forecast: arguments -> a fit and one call of adbudget.forecast or reach_target, printed."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from adbudget.cli.asked import pair_of
from adbudget.cli.options import (
    CHECK,
    ConfigFile,
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
    from adbudget.forecasting import Forecast, TargetPlan
    from adbudget.model.fit import Fit

UNHEALTHY = 1
EXIT_CODES = (
    "Exit codes: 0 all is well, 1 the fit cannot be trusted, 2 the input cannot be used or the "
    "target is out of reach, 3 adbudget itself failed."
)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        epilog="Examples:\n\n"
        "adbudget forecast spend.csv --outcome revenue.csv --weeks 8\n\n"
        "adbudget forecast spend.csv --outcome revenue.csv --plan budgets.csv --by channel\n\n"
        "adbudget forecast spend.csv --outcome revenue.csv --reach outcome=900000 "
        "--probability 0.8\n\n" + EXIT_CODES
    )(stated_options(*CHECK, SavedFitOptions)(forecast))


def forecast(
    files: FilesOrFit = None,
    outcome: OutcomeFiles = None,
    config: ConfigFile = None,
    *,
    fit: SavedFit = None,
    weeks: Annotated[
        int, typer.Option("--weeks", min=1, help="How far ahead, from the end of the record.")
    ] = 8,
    plan: Annotated[
        Path | None,
        typer.Option(
            "--plan",
            metavar="FILE",
            help="Spend per period to come: account, channel, spend, and date where it changes; "
            "the current spend if not given.",
        ),
    ] = None,
    future_controls: Annotated[
        Path | None,
        typer.Option(
            "--future-controls",
            metavar="FILE",
            help="Controls to come: date, one column per control, account if they differ.",
        ),
    ] = None,
    by: Annotated[
        Literal["account", "channel"],
        typer.Option("--by", help="Whole outcome by account, or what each channel brings."),
    ] = "account",
    each: Annotated[
        Literal["period", "horizon"],
        typer.Option("--each", help="One line per period, or one for all of them."),
    ] = "period",
    reach: Annotated[
        str | None,
        typer.Option(
            "--reach",
            metavar="METRIC=NUMBER",
            help="The plan that reaches an outcome, roas or cpa over the horizon, within the "
            "limits of the config file; then its forecast.",
        ),
    ] = None,
    probability: Annotated[
        float, typer.Option("--probability", help="With which the target is to be reached.")
    ] = 0.8,
    account: Annotated[
        str | None,
        typer.Option("--account", metavar="NAME", help="Whose target it is; of all if not given."),
    ] = None,
    out: OutFile = None,
    no_color: NoColor = False,
    **options: Any,
) -> None:
    """Say what outcome, ROAS and CPA to expect of a plan, or which plan reaches a target."""
    from adbudget.reporting.forecast import forecast_report, target_report
    from adbudget.tables.files import check_writable, write_table

    if out is not None:
        check_writable(out)  # before minutes go into a fit
    asked = _target(reach, plan)
    tables = {"plan": _table(plan), "controls": _table(future_controls)}
    settings = settings_of(config, given(options))
    if fit is None:
        fitted = fit_of(needed(files), outcome, settings)
    else:
        fitted = load_fit(fit, files, outcome, given(options), settings, ("limits", "risk"))
    how = {"horizon": f"{weeks}w", "controls": tables["controls"], "seed": fitted.seed}
    told: TargetPlan | None = None
    if asked:
        told = _reached(fitted, asked, settings, probability=probability, account=account, **how)
        made: Forecast = told.forecast
    else:
        import adbudget

        made = adbudget.forecast(fitted, plan=tables["plan"], **how)
    if told is not None:
        reached = told
        show(lambda width: target_report(reached, width), no_color=no_color)
    show(lambda width: forecast_report(made, by, each, width), no_color=no_color)
    if out is not None:
        frame = made.to_frame(by, each=each)
        write_table(frame, out)
        say(f"\nWrote {out}: {len(frame):,} rows.")
    if not made.ok:
        why = " ".join(made.health.problems)
        complain(f"the fit cannot be trusted, and this forecast with it. {why} {advice(why)}")
        raise typer.Exit(UNHEALTHY)


def _reached(
    fitted: "Fit", asked: dict[str, float], settings: dict[str, Any], **how: Any
) -> "TargetPlan":
    from adbudget.cli.config import recommend_arguments
    from adbudget.forecasting import reach_target

    stated = recommend_arguments(settings)
    named = {name: stated[name] for name in ("limits", "risk") if name in stated}
    return reach_target(fitted, **asked, **named, **how)


def _target(reach: str | None, plan: Path | None) -> dict[str, float]:
    """Metric and number of --reach."""
    if reach is None:
        return {}
    metric, number = pair_of(reach, "--reach", "METRIC=NUMBER")
    if plan is not None:
        raise InputError("--reach looks for a plan, so it cannot be given one: leave out --plan.")
    if metric not in ("outcome", "roas", "cpa"):
        raise InputError(f"--reach knows outcome, roas and cpa; got {metric!r}.")
    try:
        return {metric: float(number)}
    except ValueError:
        raise InputError(f"--reach needs a number after {metric}=; got {number!r}.") from None


def _table(path: Path | None) -> Any:
    """A table, by account and channel where it has them; without a date it is constant."""
    if path is None:
        return None
    from adbudget.tables.files import read_table

    frame = read_table(path, ("account", "channel"))
    constant = {"account", "channel", "spend"} <= set(frame.columns) and "date" not in frame.columns
    return frame.set_index(["account", "channel"])["spend"] if constant else frame
