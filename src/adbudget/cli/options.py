"""The options of the command line, each written once. Knows nothing of what the commands do.

Those that are arguments of the Python call are stated there (:mod:`adbudget.options`), and become
options of a command by ``stated_options``.
"""

import inspect
import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

import typer

from adbudget.alerts.sinks import KINDS
from adbudget.cli.asked import pairs_of, share_of
from adbudget.decision.options import DecisionOptions, ToldOptions
from adbudget.errors import InputError
from adbudget.model.options import SavedFitOptions
from adbudget.options import Option, Shell, options_of
from adbudget.panel.options import PanelOptions

EXIT_CODES = "Exit codes: 0 all is well, 2 the input cannot be used."
RUN_EXIT_CODES = "Exit codes: 0 all is well, 1 alerts were not taken, 2 the input cannot be used."
LEDGER_EXIT_CODES = "Exit codes: 0 all is well, 2 the input or the ledger cannot be used."

Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE",
        help="Tables of spend: CSV, Excel, JSON or Parquet, .gz or .zip, or a folder of them; with "
        "--sql a table or query.",
    ),
]
OutcomeFiles = Annotated[
    list[str] | None,
    typer.Option(
        "--outcome", metavar="FILE", help="Table of the outcome, if not in FILE; repeatable."
    ),
]
FilesOrFit = Annotated[
    list[str] | None,
    typer.Argument(metavar="FILE", help="Tables of spend, as check takes them; none with --fit."),
]
SavedFit = Annotated[
    Path | None,
    typer.Option("--fit", metavar="FILE", help="Decide from a saved fit, without fitting again."),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings as YAML, TOML or JSON; options win."),
]
OutFile = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="Also write a .csv, .json, .xlsx or .parquet file."),
]
ReportFile = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE", help="Also write a page to read and send: .html."),
]
PageForm = Annotated[
    Literal["table", "json"], typer.Option("--format", help="A page to read, or JSON.")
]
Address = Annotated[
    str,
    typer.Option(
        "--ledger",
        metavar="URL",
        envvar="ADBUDGET_LEDGER",
        help="File or database of the ledger: a path, or postgresql+psycopg://USER@HOST/DATABASE.",
    ),
]
Who = Annotated[
    str | None,
    typer.Option("--who", metavar="NAME", help="Who decides; your login name if not given."),
]
When = Annotated[
    str | None,
    typer.Option("--at", metavar="INSTANT", help="As 2026-03-01T09:00+01:00; now if not given."),
]
Form = Annotated[
    Literal["table", "json"],
    typer.Option("--format", help="A table to read, or one JSON object per line."),
]
NoColor = Annotated[bool, typer.Option("--no-color", help="Print without colours.")]


class TableOptions(TypedDict, total=False):
    """What only files need: which column is the outcome, columns made of others, and places."""

    outcome: Annotated[str | None, Option(help="Column that is the outcome")]
    derive: Annotated[
        Mapping[str, str] | None,
        Option(
            help="New column, a sum, difference or product",
            shell=Shell(kind="pairs", metavar="NAME=A - B"),
        ),
    ]
    sheet: Annotated[
        str | None,
        Option(
            help="Sheet of a workbook, or file of a .zip; BOOK.xlsx#SHEET says it of one file",
            shell=Shell(kind="text", metavar="NAME"),
        ),
    ]
    sql: Annotated[
        str | None,
        Option(
            help="Database in which FILE and --outcome are tables, queries or .sql files, e.g. "
            "duckdb:///FILE or postgresql+psycopg://USER@HOST/DATABASE",
            shell=Shell(kind="text", metavar="URL"),
        ),
    ]


class FieldOptions(TypedDict, total=False):
    """Fields of Limits, Risk and Thresholds that people set by hand; a config file has them all."""

    total: Annotated[
        str | None,
        Option(
            help="What an account may spend in all: fixed (exactly today's), at_most (today's or "
            "less, if not given), free, or at most N per period",
            shell=Shell(kind="text", metavar="fixed|at_most|free|N"),
        ),
    ]
    change: Annotated[
        str | None,
        Option(
            help="How far a channel may move: 20%, or down and up 20%,50%; 30% if not given",
            shell=Shell(kind="text", metavar="SHARE"),
        ),
    ]
    aversion: Annotated[
        str | None,
        Option(
            help="Weight of the worst tenth of outcomes, 0 to 1; 0.2 if not given",
            shell=Shell(kind="share", metavar="SHARE"),
        ),
    ]
    prob: Annotated[
        str | None,
        Option(
            help="How likely a move must be to pay before it is called; 0.8 if not given",
            shell=Shell(kind="share", metavar="SHARE"),
        ),
    ]


CHECK = (PanelOptions, TableOptions)
RECOMMEND = (*CHECK, SavedFitOptions, DecisionOptions, ToldOptions)
TYPES: dict[str, Any] = {
    "text": str,
    "number": float,
    "share": str,
    "whole number": int,
    "names": str,
    "pairs": list[str],
    "file": Path,
    "switch": bool,
}


def stated_options[F: Callable[..., None]](*statements: type) -> Callable[[F], F]:
    """Give a command one option for every stated one, in place of its ``**options``."""
    stated = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_typed(name, option)
        )
        for name, option in options_of(*statements).items()
        if option.shell is not None
    ]

    def decorate(command: F) -> F:
        signature = inspect.signature(command)
        own = [one for one in signature.parameters.values() if one.kind is not one.VAR_KEYWORD]
        first = [one for one in own if one.kind is not one.KEYWORD_ONLY]
        parameters = [*first, *stated, *own[len(first) :]]
        setattr(command, "__signature__", signature.replace(parameters=parameters))  # noqa: B010
        return command

    return decorate


def record_options[F: Callable[..., None]](record: type) -> Callable[[F], F]:
    """Make the fields of a record options of a command that takes ``**options``.

    Several commands so share options that are no arguments of a Python call.
    """

    def decorate(command: F) -> F:
        signature = inspect.signature(command)
        own = [one for one in signature.parameters.values() if one.kind != one.VAR_KEYWORD]
        shared = [
            inspect.Parameter(
                one.name,
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                annotation=one.type,
                default=inspect.Parameter.empty if one.default is MISSING else one.default,
            )
            for one in fields(record)
        ]
        parameters = sorted([*shared, *own], key=lambda one: one.default is not one.empty)
        setattr(command, "__signature__", signature.replace(parameters=parameters))  # noqa: B010
        return command

    return decorate


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """What was given of the stated options, as Python and config files write it."""
    stated = options_of(*RECOMMEND, FieldOptions)
    values = {
        name: _value(value, name, stated[name])
        for name, value in options.items()
        if value is not None and value != []
    }
    return _in_records(values)


def _in_records(values: dict[str, Any]) -> dict[str, Any]:
    """Fields of records in their records, as config files have them: total -> limits: {total}."""
    total = values.pop("total", None)
    limits = {} if total is None else _total(total)
    if "change" in values:
        limits["change"] = _change(values.pop("change"))
    records = {"limits": limits}
    for record, field in (("risk", "aversion"), ("thresholds", "prob")):
        records[record] = {field: values.pop(field)} if field in values else {}
    return values | {record: fields for record, fields in records.items() if fields}


def _total(text: str) -> dict[str, Any]:
    from adbudget.plan import TOTALS

    if text in TOTALS:
        return {"total": text, "budget": None}
    try:
        return {"total": "at_most", "budget": float(text)}
    except ValueError:
        raise InputError(
            f"--total must be {', '.join(TOTALS)}, or an amount per period; got {text!r}."
        ) from None


def _change(text: str) -> float | tuple[float, ...]:
    sides = tuple(share_of(side.strip().lstrip("+-"), "--change") for side in text.split(","))
    return sides[0] if len(sides) == 1 else sides


def words_of(name: str, value: Any) -> list[str]:
    """One setting as the words that set it on the command line; none when it has no option."""
    option = options_of(*RECOMMEND)[name]
    if option.shell is None or value is None:
        return []
    named = f"--{name.replace('_', '-')}"
    if option.shell.kind == "switch":
        return [named if value else f"--no-{name.replace('_', '-')}"]
    flag = _flag(name, option)
    if isinstance(value, Mapping):
        return [word for key, item in value.items() for word in (flag, f"{key}={item}")]
    if option.shell.kind == "names":
        return [flag, ",".join(map(str, value))]
    return [flag, f"{value:g}" if isinstance(value, float) else str(value)]


def option_for() -> dict[str, str]:
    """Argument of the Python call -> the option that sets it, for errors raised inside."""
    return {
        name: f"{_flag(name, option)} {_metavar(option)}".rstrip().replace("/--", " or --")
        for name, option in options_of(*RECOMMEND, FieldOptions).items()
        if option.shell is not None
    }


def _flag(name: str, option: Option) -> str:
    named = f"--{name.replace('_', '-')}"
    if option.shell and option.shell.kind == "switch":
        return f"{named}/--no-{named.removeprefix('--')}"
    return (option.shell.flag if option.shell else "") or named


def _metavar(option: Option) -> str:
    shell = option.shell or Shell(kind="text")
    if shell.kind == "switch":
        return ""
    return shell.metavar or "|".join(shell.choices) or "N"


def _typed(name: str, option: Option) -> Any:
    """Type and option of one parameter, as typer reads it."""
    shell = option.shell or Shell(kind="text")
    kind = Literal[shell.choices] if shell.kind == "choice" else TYPES[shell.kind]
    told = option.help + "; repeatable" * (shell.kind == "pairs")
    told += "" if option.default is None else f"; {option.default} if not given"
    metavar = shell.metavar or None
    return Annotated[
        kind | None, typer.Option(_flag(name, option), metavar=metavar, help=f"{told}.")
    ]


def _value(value: Any, name: str, option: Option) -> Any:
    kind = option.shell.kind if option.shell else "text"
    if kind == "pairs":
        if name == "columns":
            _check_one_each(value)
        return pairs_of(value, _flag(name, option), "NAME=VALUE")
    if kind == "share":
        return share_of(value, _flag(name, option))
    if kind == "names":
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _check_one_each(texts: Iterable[str]) -> None:
    """Refuse several columns in one --columns, which takes one."""
    from adbudget.tables.roles import DEFAULT_NAMES

    for text in texts:
        parts = re.split(rf",\s*(?=(?:{'|'.join(DEFAULT_NAMES)})=)", text)
        if len(parts) > 1:
            each = shlex.join(word for part in parts for word in ("--columns", part))
            raise InputError(f"--columns takes one column each time: {each}.")


def run_ledger(use: str) -> Any:
    """``--ledger`` of a command that logs a run; ``use`` says what for."""
    return typer.Option(
        "--ledger",
        metavar="URL",
        envvar="ADBUDGET_LEDGER",
        show_envvar=True,
        help=f"{use}: a path, made when missing, or postgresql+psycopg://USER@HOST/DATABASE.",
    )


def alert_sinks(which: str) -> Any:
    """``--send`` of a command that raises alerts; ``which`` says which it sends."""
    return typer.Option(
        "--send",
        metavar="SINK",
        help=f"Send {which}: {', '.join(kind.form for kind in KINDS.values())}; repeatable.",
    )
