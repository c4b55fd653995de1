"""Config file -> arguments of recommend, checked by name. Knows nothing of tables.

The keys are the arguments of :func:`adbudget.recommend`, as they are stated there, so a config file
can do what Python can: records such as ``limits`` are mappings, and what Python writes per
(account, channel) is a mapping of mappings here, ``{account: {channel: value}}``.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import adbudget
from adbudget.cli.options import RECOMMEND, TableOptions
from adbudget.errors import InputError
from adbudget.options import check_names, options_of
from adbudget.panel.options import PanelOptions
from adbudget.tables.documents import read_document

FILE_ENDINGS = (".yaml", ".yml", ".json", ".toml")
PYTHON_ONLY = ("progress",)
PANEL_KEYS = tuple(options_of(PanelOptions))
TABLE_KEYS = tuple(options_of(TableOptions))  # of files only, not of the Python call
STATED = {name: one for name, one in options_of(*RECOMMEND).items() if name not in PYTHON_ONLY}
KEYS = tuple(STATED)

_TYPES = {name: option.type.removesuffix(" | None") for name, option in STATED.items()}
_KINDS = {name: option.shell.kind for name, option in STATED.items() if option.shell}
RECORDS = {name: stated for name, stated in _TYPES.items() if stated in dir(adbudget)}
FILE_KEYS = tuple(name for name, kind in _KINDS.items() if kind == "file")
MAPPINGS = (*RECORDS, *(name for name, kind in _KINDS.items() if kind == "pairs"), "current")
WHOLE_NUMBERS = tuple(name for name, stated in _TYPES.items() if stated == "int")
SWITCHES = ("beyond_observed", "dayfirst")  # the settings that take true and false
BY_CELL = ("change", "lower", "upper")  # of limits: one value, or {account: {channel: value}}


def read_config(path: Path) -> dict[str, Any]:
    """Read a mapping of arguments from YAML, JSON or TOML, and refuse names nobody knows.

    Raises
    ------
    InputError : unreadable file, unknown key (the nearest known one is named), or true or false
        where none is taken
    """
    settings = read_document(path, endings=FILE_ENDINGS, kind="a config file")
    if settings is None:
        return {}
    if not isinstance(settings, dict):
        raise InputError(
            f"{path} must be a mapping such as 'missing_spend: zero'; got "
            f"{type(settings).__name__}. The keys are {', '.join(KEYS)}."
        )
    settings = _with_text_keys(settings, str(path))
    check_names(settings, KEYS, str(path))
    for key in WHOLE_NUMBERS:
        if key in settings and not isinstance(settings[key], int):
            raise InputError(f"{path}: {key} must be a whole number; got {settings[key]!r}.")
    for key in MAPPINGS:
        if key in settings and not isinstance(settings[key], dict):
            raise InputError(f"{path}: {key} must be a mapping; got {settings[key]!r}.")
    for key in FILE_KEYS:
        if key in settings and not isinstance(settings[key], str):
            raise InputError(f"{path}: {key} must be the path of a file; got {settings[key]!r}.")
    return settings


def panel_arguments(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Pick the settings that :func:`adbudget.read_panel` takes."""
    return {key: settings[key] for key in PANEL_KEYS if key in settings}


def recommend_arguments(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Make the settings keyword arguments of :func:`adbudget.recommend`.

    What FILE_KEYS name stays a path: reading it is not for this module.

    Raises
    ------
    InputError : a record is given an unknown field, or a value it cannot hold
    """
    arguments = {key: value for key, value in settings.items() if key not in TABLE_KEYS}
    for key in RECORDS:
        if key in arguments:
            arguments[key] = make_record(key, arguments[key])
    if isinstance(arguments.get("forgetting"), str):  # an option is text, be it "auto" or "364"
        with suppress(ValueError):
            arguments["forgetting"] = float(arguments["forgetting"])
    if "current" in arguments:
        arguments["current"] = _by_cell(arguments["current"], "current")
    return arguments


def make_record(key: str, values: Mapping[str, Any]) -> Any:
    """One of RECORDS from its fields.

    Raises
    ------
    InputError : unknown field, or a value the record cannot hold
    """
    record = getattr(adbudget, RECORDS[key])  # imported on first use
    return _build(record, _limits(values) if key == "limits" else values, key)


def _with_text_keys(value: Any, where: str) -> Any:
    """Every key as text; true and false only where they are taken."""
    if isinstance(value, bool):
        raise InputError(
            f"{where} holds {str(value).lower()}, which it cannot take. If it is a name, write it "
            f'in quotes, "{str(value).lower()}".'
        )
    if isinstance(value, dict):
        for key in value:
            _with_text_keys(key, where)
        return {
            str(key): item
            if key in SWITCHES and isinstance(item, bool)
            else _with_text_keys(item, f"{where}: {key}")
            for key, item in value.items()
        }
    return [_with_text_keys(item, where) for item in value] if isinstance(value, list) else value


def _limits(values: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of Limits as Python writes them: cells as pairs, groups as records."""
    limits = dict(values)
    for key in BY_CELL:
        if isinstance(limits.get(key), dict):
            limits[key] = _by_cell(limits[key], f"limits: {key}")
    if isinstance(limits.get("fixed"), list):
        limits["fixed"] = _frozen(limits["fixed"])
    if isinstance(limits.get("groups"), list):
        limits["groups"] = tuple(_group(group) for group in limits["groups"])
    return limits


def _group(values: Any) -> Any:
    if not isinstance(values, dict):
        raise InputError(f"limits: a group must be a mapping with a name; got {values!r}.")
    return _build(adbudget.Group, values, "limits: groups")


def _build(record: type, values: Mapping[str, Any], where: str) -> Any:
    check_names(values, [field.name for field in fields(record)], where)
    try:
        return record(**{name: _frozen(value) for name, value in values.items()})
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    except TypeError as error:
        raise InputError(f"{where} cannot hold {dict(values)!r}: {error}.") from error


def _by_cell(values: Any, where: str) -> dict[tuple[str, str], Any]:
    """{account: {channel: value}} -> {(account, channel): value}."""
    if not all(isinstance(by_channel, dict) for by_channel in values.values()):
        raise InputError(f"{where} must be written {{account: {{channel: value}}}}; got {values}.")
    return {
        (account, channel): value
        for account, by_channel in values.items()
        for channel, value in by_channel.items()
    }


def _frozen(value: Any) -> Any:
    """Turn lists into tuples, at every depth; keys of a mapping stay."""
    if isinstance(value, dict):
        return {name: _frozen(item) for name, item in value.items()}
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value
