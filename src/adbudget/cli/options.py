"""The options of the command line, each written once. Knows nothing of what the commands do."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from adbudget.errors import InputError

EXIT_CODES = "Exit codes: 0 all is well, 2 the input cannot be used."
# Argument of the Python call -> the option that sets it, for errors raised inside.
OPTION_FOR = {
    "columns": "--columns ROLE=NAME",
    "channels": "--channels A,B,C",
    "controls": "--controls A,B,C",
    "holidays": "--holidays COUNTRY",
    "freq": "--freq",
    "missing_spend": "--missing-spend zero",
    "currency": "--currency CODE",
    "value_per_unit": "--value-per-unit NUMBER",
    "margin": "--margin SHARE",
    "window_days": "--current-window DAYS",
    "lift_tests": "--lift-tests FILE",
    "forgetting": "--forgetting DAYS",
}
File = Annotated[Path, typer.Argument(metavar="FILE", help="Table of spend: CSV, JSON or Parquet.")]
OutcomeFile = Annotated[
    Path | None,
    typer.Option("--outcome", metavar="FILE", help="Table of the outcome, if it is not in FILE."),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings as YAML, TOML or JSON; options win."),
]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--columns",
        metavar="ROLE=NAME",
        help="Column that is the account, channel, date, spend, outcome or currency; repeatable.",
    ),
]
Channels = Annotated[
    str | None,
    typer.Option("--channels", metavar="A,B,C", help="Spend columns of a wide table."),
]
Controls = Annotated[
    str | None,
    typer.Option("--controls", metavar="A,B,C", help="Columns that move the outcome too."),
]
Holidays = Annotated[
    str | None,
    typer.Option(
        "--holidays",
        metavar="COUNTRY",
        help="Country whose public holidays are a control, e.g. DE or DE-BY.",
    ),
]
Derive = Annotated[
    list[str] | None,
    typer.Option(
        "--derive", metavar="NAME=A - B", help="New column, a sum or difference; repeatable."
    ),
]
Period = Annotated[
    Literal["daily", "weekly", "monthly"] | None,
    typer.Option("--freq", help="Length of a period; found in the dates if not given."),
]
MissingSpend = Annotated[
    Literal["error", "zero"] | None,
    typer.Option("--missing-spend", help="What missing spend inside a channel's life means."),
]
Currency = Annotated[
    str | None,
    typer.Option("--currency", metavar="CODE", help="Currency of every account, e.g. EUR."),
]
UnitValue = Annotated[
    float | None,
    typer.Option("--value-per-unit", help="Money that one unit of the outcome is worth."),
]
Margin = Annotated[
    float | None,
    typer.Option("--margin", help="Share of the outcome's money that is margin, e.g. 0.4."),
]
PolicyFile = Annotated[
    Path | None,
    typer.Option(
        "--policy", metavar="FILE", help="Policy whose constraints and rules guard the calls."
    ),
]
LiftTestFile = Annotated[
    Path | None,
    typer.Option(
        "--lift-tests", metavar="FILE", help="Table of experiments, one a row, for the fit."
    ),
]
HalfLife = Annotated[
    str | None,
    typer.Option(
        "--forgetting",
        metavar="DAYS",
        help="Days after which evidence counts half, or auto; nothing is forgotten if not given.",
    ),
]
OutFile = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="Also write a .csv, .json or .parquet file."),
]
PageForm = Annotated[
    Literal["table", "json"], typer.Option("--format", help="A page to read, or JSON.")
]
NoColor = Annotated[bool, typer.Option("--no-color", help="Print without colours.")]


def run_ledger(use: str) -> Any:
    """``--ledger`` of a command that logs a run; ``use`` says what for."""
    return typer.Option(
        "--ledger",
        metavar="URL",
        help=f"{use}: a path, made when missing, or postgresql+psycopg://USER@HOST/DATABASE.",
    )


def alert_sinks(which: str) -> Any:
    """``--send`` of a command that raises alerts; ``which`` says which it sends."""
    return typer.Option(
        "--send",
        metavar="SINK",
        help=f"Send {which}: log, jsonl:FILE, https://..., apprise:ADDRESS; repeatable.",
    )


def pair_of(text: str, option: str, form: str) -> tuple[str, str]:
    """Split what an option was given as NAME=VALUE; ``form`` is how the option calls the two."""
    name, equals, value = (part.strip() for part in text.partition("="))
    if not (name and equals and value):
        raise InputError(f"{option} must be written {form}; got {text!r}.")
    return name, value


def pairs_of(texts: Iterable[str], option: str, form: str) -> dict[str, str]:
    """Pairs of an option that may be repeated, but not for the same name."""
    pairs: dict[str, str] = {}
    for text in texts:
        name, value = pair_of(text, option, form)
        if name in pairs:
            raise InputError(f"{option} names {name!r} twice; give it once.")
        pairs[name] = value
    return pairs
