"""Replications on disk, one JSON line each, so that a run resumes where the last one stopped.

A line belongs to the source that made it: the key is a hash of everything that shapes a record.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import adbudget
from benchmarks.worlds.source import files_fingerprint, library_fingerprint
from benchmarks.worlds.tools import LIBRARY_ROOTS

RESULTS = Path(__file__).with_name("results.jsonl")
# What a record depends on, beside all that a fit and its decisions import.
OWN = ("joint.py", "plugged.py", "quantities.py", "moves.py", "ranks.py", "replication.py")


def source_key() -> str:
    """Short hash of the source in use; comments do not count."""
    src, own = Path(adbudget.__file__).parents[1], Path(__file__).parent
    ours = files_fingerprint([own / name for name in OWN])
    return f"{library_fingerprint(src, LIBRARY_ROOTS)[:8]}-{ours[:8]}"


def read_records(kind: str, key: str, path: Path = RESULTS) -> list[dict]:
    """Replications of one kind and one source, by seed."""
    found = {r["seed"]: r for r in _lines(path) if r["kind"] == kind and r["key"] == key}
    return [found[seed] for seed in sorted(found)]


def count_by_key(path: Path = RESULTS) -> dict[tuple[str, str], int]:
    """(kind, key) -> how many replications are kept, in the order they were made."""
    counts: dict[tuple[str, str], int] = {}
    for record in _lines(path):
        counts[record["kind"], record["key"]] = counts.get((record["kind"], record["key"]), 0) + 1
    return counts


def append_record(record: dict, key: str, path: Path = RESULTS) -> None:
    """Keep one replication."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"key": key, **record}, separators=(",", ":")) + "\n")


def _lines(path: Path) -> Iterator[dict]:
    if path.exists():
        with path.open(encoding="utf-8") as file:
            yield from (json.loads(line) for line in file)
