"""Config file -> arguments of recommend, checked by name. Knows nothing of tables.

The keys are the arguments of :func:`adbudget.recommend`, so a config file can do what
Python can: records such as ``limits`` are mappings, and what Python writes per (account, channel)
is a mapping of mappings here, ``{account: {channel: value}}``.
"""

import difflib
import json
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import adbudget
from adbudget.errors import InputError

PANEL_KEYS = (
    *("columns", "channels", "controls", "freq", "currency", "value_per_unit", "margin"),
    *("missing_spend", "holidays"),
)
RECORDS = {"limits": "Limits", "risk": "Risk", "priors": "Priors", "thresholds": "Thresholds"}
FILE_KEYS = ("policy", "lift_tests")  # paths, as on the command line
SAMPLER_KEYS = (
    *("forgetting", "seed", "engine", "draws", "tune", "chains", "target_accept", "cores"),
)
DECISION_KEYS = ("current", "window_days")
# What only a file needs: which column is the outcome, and columns made of others.
TABLE_KEYS = ("outcome", "derive")
KEYS = (*PANEL_KEYS, *RECORDS, *FILE_KEYS, *SAMPLER_KEYS, *DECISION_KEYS, *TABLE_KEYS)

WHOLE_NUMBERS = ("seed", "draws", "tune", "chains", "cores")
SWITCHES = ("beyond_observed",)  # the settings that take true and false
BY_CELL = ("change", "lower", "upper")  # of limits: one value, or {account: {channel: value}}


def read_config(path: Path) -> dict[str, Any]:
    """Read a mapping of arguments from YAML, JSON or TOML, and refuse names nobody knows.

    Raises
    ------
    InputError : unreadable file, unknown key (the nearest known one is named), or a value that
        YAML has read as true or false
    """
    settings = _parse(path)
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
    for key in (*RECORDS, "columns", "derive", "current"):
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


def check_names(given: Iterable[str], known: Iterable[str], where: str) -> None:
    """Refuse names nobody knows, and say what was probably meant.

    Raises
    ------
    InputError : names the unknown ones, the nearest known one of each, and all that are known
    """
    known = tuple(known)
    unknown = [name for name in given if name not in known]
    if not unknown:
        return
    near = [difflib.get_close_matches(name, known, n=1) for name in unknown]
    guesses = [
        f"{name!r} (did you mean {match[0]!r}?)" if match else repr(name)
        for name, match in zip(unknown, near, strict=True)
    ]
    raise InputError(f"{where}: unknown {', '.join(guesses)}. Known are {', '.join(known)}.")


def _parse(path: Path) -> Any:
    readers = {".yaml": _yaml, ".yml": _yaml, ".json": json.loads, ".toml": tomllib.loads}
    read = readers.get(path.suffix.lower())
    if read is None:
        raise InputError(f"{path}: a config file ends in .yaml, .yml, .json or .toml.")
    try:
        return read(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as cause:
        raise InputError(f"{path} does not exist. Check the spelling and the folder.") from cause
    except OSError as cause:
        raise InputError(f"{path} cannot be read: {cause.strerror or cause}.") from cause
    except ValueError as cause:  # what every parser raises, and text that is not UTF-8
        raise InputError(
            f"{path} cannot be read as {path.suffix[1:].upper()}: {' '.join(str(cause).split())}."
        ) from cause


def _yaml(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as cause:
        raise ValueError(str(cause)) from cause


def _with_text_keys(value: Any, where: str) -> Any:
    """Every key as text; true and false where none is taken are a name that YAML has misread."""
    if isinstance(value, bool):
        raise InputError(
            f"{where} holds {str(value).lower()}, which it cannot take. YAML reads NO, yes and "
            'on like this too: if it is a name, write it in quotes, "NO".'
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
