"""FILE, --outcome and --config -> settings by name, and the tables they are about."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adbudget.cli.asked import today

if TYPE_CHECKING:
    import pandas as pd


def settings_of(config: Path | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """Let options overrule the config file; roles and formulas are overruled one by one.

    The day the tables are read on is today's, unless either says another.
    """
    from adbudget.cli.config import read_config

    settings = read_config(config) if config is not None else {}
    for key, value in options.items():
        if isinstance(value, Mapping):
            settings[key] = settings.get(key, {}) | dict(value)
        else:
            settings[key] = value
    outcome = settings.pop("outcome", None)
    if outcome is not None:
        settings["columns"] = {"outcome": outcome} | settings.get("columns", {})
    settings.setdefault("today", today())
    return settings


def read_tables(
    files: list[str], outcome: list[str] | None, settings: Mapping[str, Any]
) -> "tuple[list[pd.DataFrame], list[pd.DataFrame] | None]":
    """The tables of spend and outcome, with the columns that formulas add."""
    from adbudget.tables.derived import add_derived

    spend = [table for one in files for table in _tables(one, settings)]
    earned = [table for one in outcome or () for table in _tables(one, settings)]
    tables = add_derived([*spend, *earned], settings.get("derive", {}))
    return list(tables[: len(spend)]), list(tables[len(spend) :]) or None


def _tables(asked: str, settings: Mapping[str, Any]) -> "list[pd.DataFrame]":
    """Tables of one FILE: a query's, one file's, or those of a folder."""
    from adbudget.tables.files import read_table, readable_in
    from adbudget.tables.layout import titles_of_names
    from adbudget.tables.text_tables import TABLE_NAME

    if settings.get("sql"):
        from adbudget.outside.queries import query_table, query_text

        return [query_table(str(settings["sql"]), query_text(asked))]
    roles = settings.get("columns", {})
    names = [str(roles.get(role, role)) for role in ("account", "channel")]
    names += titles_of_names()
    path, sheet = Path(asked), settings.get("sheet")
    if "#" in asked and not path.exists():
        book, _, sheet = asked.rpartition("#")
        path = Path(book)
    paths = readable_in(path) if path.is_dir() else [path]
    tables = []
    for one in paths:
        table = read_table(one, names, sheet=sheet, decimal=settings.get("decimal"))
        table.attrs[TABLE_NAME] = one.name
        tables.append(table)
    return tables


def advice(problems: str) -> str:
    """What has been seen to help against these problems of a fit."""
    if "diverged" in problems:
        return "Smaller steps may help: --target-accept 0.99."
    return "Longer chains may help: draws and tune in a --config file."
