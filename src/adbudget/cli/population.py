"""population: a saved fit -> what its accounts have in common, printed and kept in a file."""

from pathlib import Path
from typing import Annotated

import typer

from adbudget.cli.options import EXIT_CODES
from adbudget.cli.terminal import say, say_record


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        epilog="Examples:\n\n"
        "adbudget population agency.fit --save agency.population\n\n"
        "adbudget recommend newcomer.csv --population agency.population\n\n" + EXIT_CODES
    )(population)


def population(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A saved fit, or a saved population.")
    ],
    *,
    save: Annotated[
        Path | None, typer.Option("--save", metavar="FILE", help="Keep it in this file.")
    ] = None,
) -> None:
    """Show what accounts have in common, and keep it as the prior of accounts to come."""
    from adbudget.errors import FileFormatError
    from adbudget.model.fit import Fit
    from adbudget.model.population import Population

    try:
        found = Population.load(file)
    except FileFormatError:
        found = Fit.load(file).population
    say_record(found)
    if save is not None:
        found.save(save)
        say(f"\nWrote {save}: {save.stat().st_size / 1000:,.0f} kB, no name of an account in it.")
