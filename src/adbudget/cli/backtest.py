"""backtest: arguments -> one walk through a history by adbudget.backtest, printed."""

from typing import Annotated, Any

import typer

from adbudget.cli.options import (
    CHECK,
    ConfigFile,
    Files,
    NoColor,
    OutcomeFiles,
    OutFile,
    given,
    stated_options,
)
from adbudget.cli.panel_tables import read_tables, settings_of
from adbudget.cli.terminal import say, show


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        epilog="Examples:\n\n"
        "adbudget backtest spend.csv --outcome revenue.csv\n\n"
        "adbudget backtest spend.csv --outcome revenue.csv --dates 3 --every 8 --out walk.csv\n\n"
        "Exit codes: 0 it was walked, 2 the input cannot be used."
    )(stated_options(*CHECK)(backtest))


def backtest(
    files: Files,
    outcome: OutcomeFiles = None,
    config: ConfigFile = None,
    *,
    dates: Annotated[int, typer.Option("--dates", min=1, help="Past dates to stand on.")] = 6,
    every: Annotated[
        int | None, typer.Option("--every", min=1, help="Periods between them; 28 days.")
    ] = None,
    horizon: Annotated[
        int | None, typer.Option("--horizon", min=1, help="Periods to foresee; 28 days.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Same seed and input, same walk.")] = 0,
    draws: Annotated[int, typer.Option("--draws", min=100, help="Per chain of every fit.")] = 1000,
    cores: Annotated[int | None, typer.Option("--cores", help="All cores if not given.")] = None,
    out: OutFile = None,
    no_color: NoColor = False,
    **options: Any,
) -> None:
    """Stand on past dates: what the loop would have proposed, and how it foresaw what came."""
    from rich.text import Text

    from adbudget.cli.config import panel_arguments, recommend_arguments
    from adbudget.tables.files import check_writable, write_table

    if out is not None:
        check_writable(out)  # before minutes go into fits
    settings = settings_of(config, given(options))
    data, outcome_data = read_tables(files, outcome, settings)

    import adbudget

    panel = adbudget.read_panel(data, outcome_data, **panel_arguments(settings))
    told = adbudget.backtest(
        panel,
        seed=seed,
        dates=dates,
        every=every,
        horizon=horizon,
        limits=recommend_arguments(settings).get("limits"),
        draws=draws,
        cores=cores,
    )
    show(lambda _: Text(repr(told)), no_color=no_color)
    if out is not None:
        frame = told.to_frame()
        write_table(frame, out)
        say(f"\nWrote {out}: {len(frame):,} rows.")
