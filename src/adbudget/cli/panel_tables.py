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
    file: Path, outcome: Path | None, settings: Mapping[str, Any]
) -> "tuple[pd.DataFrame, pd.DataFrame | None]":
    """The tables of spend and outcome, with the columns that formulas add."""
    from adbudget.tables.derived import add_derived
    from adbudget.tables.files import read_table

    roles = settings.get("columns", {})
    names = [str(roles.get(role, role)) for role in ("account", "channel")]
    paths = [file] if outcome is None else [file, outcome]
    tables = add_derived([read_table(path, names) for path in paths], settings.get("derive", {}))
    return tables[0], tables[1] if outcome is not None else None


def advice(problems: str) -> str:
    """What has been seen to help against these problems of a fit."""
    if "diverged" in problems:
        return "Smaller steps may help: --target-accept 0.99."
    return "Longer chains may help: draws and tune in a --config file."
