"""YAML, JSON or TOML, as a file or as text -> plain values: the one reader of documents.

Policy files and config files come through here. YAML is version 1.2: 050 is fifty, ``no`` and
``on`` are text. A key written twice and aliases that repeat a document many times over are
refused. Knows nothing of what a document means; it imports errors only.
"""

import json
import re
import tomllib
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from adbudget.errors import InputError

LARGEST = 100_000  # values of a document, its aliases written out; a policy has some hundreds
OTHER_VERSION = re.compile(r"^%YAML(?! +1\.2\s)", re.MULTILINE)  # in 1.1 050 is forty, no is false
DEEPEST = 100  # mappings and lists inside each other


def read_document(path: Path, *, endings: Collection[str], kind: str) -> Any:
    """Read a file by the ending of its name.

    Parameters
    ----------
    path : a file of UTF-8 text
    endings : those of PARSERS that are allowed, e.g. (".yaml", ".yml", ".json")
    kind : what messages call such a file, e.g. "a policy file"

    Raises
    ------
    InputError : another ending, no such file, not UTF-8, or what :func:`parse_document` refuses
    """
    if path.suffix.lower() not in endings:
        *first, last = endings
        raise InputError(f"{path}: {kind} ends in {', '.join(first)} or {last}.")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as cause:
        raise InputError(f"{path} does not exist. Check the spelling and the folder.") from cause
    except OSError as cause:
        raise InputError(f"{path} cannot be read: {cause.strerror or cause}.") from cause
    except UnicodeDecodeError as cause:
        raise InputError(f"{path} is not UTF-8 text; save it as UTF-8.") from cause
    return parse_document(text, str(path), path.suffix.lower())


def parse_document(text: str, where: str, ending: str = ".yaml") -> Any:
    """Plain values of a text: mappings, lists, text, numbers, true, false, dates and None.

    Parameters
    ----------
    where : what messages call the text
    ending : one of PARSERS, which says how it is written

    Raises
    ------
    InputError : not of that form, a key written twice, or too large once aliases are written out
    """
    try:
        return PARSERS[ending](text, where)
    except InputError:
        raise
    except (ValueError, RecursionError) as cause:  # what the parsers raise
        told = " ".join(str(cause).split()) or type(cause).__name__
        name = ending.removeprefix(".").replace("yml", "yaml").upper()
        raise InputError(f"{where} cannot be read as {name}: {told}.") from cause


def _parse_yaml(text: str, where: str) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    if OTHER_VERSION.search(text):
        raise InputError(f"{where}: only YAML 1.2 is read; remove the line that begins with %YAML.")
    yaml = YAML(typ="safe", pure=True)
    try:
        node = yaml.compose(text)
        if node is None:
            return None
        _check_nodes(node, where)
        return yaml.constructor.construct_document(node)
    except YAMLError as cause:
        raise ValueError(str(cause)) from cause


def _check_nodes(root: Any, where: str) -> None:
    """Refuse keys written twice, and a tree that its aliases make huge or endless."""
    from ruamel.yaml.nodes import MappingNode, ScalarNode

    sizes: dict[int, int] = {}  # values below a node, by its identity: an alias is the node itself
    inside: set[int] = set()

    def size(node: Any) -> int:
        if isinstance(node, ScalarNode):
            return 1
        if id(node) in inside:
            raise InputError(f"{where}: line {_line(node)}: an alias stands inside what it names.")
        if len(inside) == DEEPEST:
            raise InputError(f"{where}: line {_line(node)}: nested more than {DEEPEST} deep.")
        if id(node) not in sizes:
            inside.add(id(node))
            if isinstance(node, MappingNode):
                _check_keys(node, where)
                below = [part for pair in node.value for part in pair]
            else:
                below = node.value
            sizes[id(node)] = 1 + sum(map(size, below))
            inside.remove(id(node))
        if sizes[id(node)] > LARGEST:
            raise InputError(
                f"{where}: line {_line(node)}: more than {LARGEST:,} values, counting those that "
                "aliases (*name) repeat. Write out what is meant."
            )
        return sizes[id(node)]

    size(root)


def _check_keys(node: Any, where: str) -> None:
    seen: dict[str, int] = {}
    for key, _ in node.value:
        name, line = str(key.value), _line(key)
        if name in seen:
            raise InputError(
                f"{where}: the key {name!r} is written twice, in lines {seen[name]} and {line}. "
                "Keep one."
            )
        seen[name] = line


def _line(node: Any) -> int:
    return node.start_mark.line + 1


def _parse_json(text: str, where: str) -> Any:
    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise InputError(f"{where}: the key {twice!r} is written twice. Keep one.")
        return found

    return json.loads(text, object_pairs_hook=mapping)


def _parse_toml(text: str, where: str) -> Any:
    return tomllib.loads(text)


PARSERS: dict[str, Callable[[str, str], Any]] = {
    ".yaml": _parse_yaml,
    ".yml": _parse_yaml,
    ".json": _parse_json,
    ".toml": _parse_toml,
}
