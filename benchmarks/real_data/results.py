"""The file of results: one JSON line per study, keyed by code and data. Runs no study.

Lines are only ever added. A study whose code or data have changed is missing again; until it is
rerun, the report uses its last line and says so.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one study found.

    Attributes
    ----------
    study : its name
    code, data : hashes of the code and the files that made it
    seconds : it took
    found : JSON-able
    """

    study: str
    code: str
    data: str
    seconds: float
    found: dict[str, Any]


class Results:
    """Results in one file.

    Parameters
    ----------
    path : the file; made on the first result
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines: dict[str, list[Result]] = {}
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                self._take(Result(**json.loads(line)))

    def add(self, result: Result) -> None:
        """Append one result."""
        record = {name: getattr(result, name) for name in Result.__slots__}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, separators=(",", ":")) + "\n")
        self._take(result)

    def has(self, study: str, code: str, data: str) -> bool:
        """Whether the study was run with this code on these files."""
        return any((r.code, r.data) == (code, data) for r in self._lines.get(study, []))

    def latest(self, code_of: Callable[[str], str]) -> dict[str, Result]:
        """The best line of every study: the present code's if there is one, else the last."""
        best = {}
        for study, lines in self._lines.items():
            fresh = [result for result in lines if result.code == code_of(study)]
            best[study] = (fresh or lines)[-1]
        return best

    def _take(self, result: Result) -> None:
        self._lines.setdefault(result.study, []).append(result)
