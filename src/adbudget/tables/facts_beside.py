"""Attributes of a table whose format has no place for them <-> a JSON file beside it.

The file names the content it is about, so that facts of another run are never believed.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adbudget.plain_json import to_plain
from adbudget.tables.whole_files import write_whole

FACTS = ".attrs.json"


def write_facts(attrs: Mapping[Any, Any], path: Path, content: bytes) -> tuple[Path, ...]:
    """Write what is known of a table beside it; nothing where nothing is.

    Parameters
    ----------
    attrs : JSON-able
    path, content : of the table, uncompressed

    Returns
    -------
    The path written, ``decisions.attrs.json`` beside ``decisions.csv``, or none
    """
    if not attrs:
        return ()
    whole = {"of": path.name, "sha256": _digest(content), "attrs": to_plain(attrs)}
    text = json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write_whole(_beside(path), text.encode())
    return (_beside(path),)


def facts_beside(path: Path, content: bytes) -> dict[str, Any]:
    """What :func:`write_facts` wrote about this very content; nothing otherwise.

    Parameters
    ----------
    path, content : of the table, uncompressed
    """
    try:
        known = json.loads(_beside(path).read_bytes())
        told = known["attrs"] if known["sha256"] == _digest(content) else {}
    except (OSError, ValueError, KeyError, TypeError):  # none, or a file of somebody else's
        return {}
    return told if isinstance(told, dict) else {}


def _beside(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(".gz").rpartition(".")[0] + FACTS)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
