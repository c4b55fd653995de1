"""The file of results: one JSON line per job, keyed by the code that made it. Runs no tool.

Lines are only ever added. A job whose code has changed is missing again; until it is rerun, reports
use its last line and say that it is stale.
"""

import hashlib
import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.worlds.jobs import STUDIES, Job, spec_of
from benchmarks.worlds.tools import TOOLS


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One line: the job, what was measured, and whether today's code would say the same."""

    job: Job
    measures: dict[str, Any]
    fresh: bool


class Results:
    """Results of one library source, in one file.

    Parameters
    ----------
    path : the file; made on the first result
    src : folder that holds the library
    """

    def __init__(self, path: Path, src: Path) -> None:
        self.path, self.src = path, src
        self._fingerprints: dict[str, str] = {}
        self._lock = threading.Lock()
        self._lines: dict[Job, dict[str, Any]] = {}
        self._keys: dict[Job, str] = {}
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                self._take(json.loads(line))

    def missing(self, jobs: list[Job]) -> list[Job]:
        """Jobs without a result of today's code."""
        for tool in {job.tool for job in jobs}:
            self._fingerprint(tool)
        return [job for job in jobs if not self._is_fresh(job)]

    def add(self, job: Job, measures: dict[str, Any]) -> None:
        """Append one result."""
        record = {"key": self.key(job), "job": job.to_dict(), "measures": measures}
        with self._lock:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
            self._take(record)

    def all(self) -> list[Result]:
        """The best line of every job: today's code if there is one, else the latest."""
        return [
            Result(job=job, measures=record["measures"], fresh=self._is_fresh(job))
            for job, record in self._lines.items()
        ]

    def key(self, job: Job) -> str:
        """Hash of the job, its world's settings and the code behind its tool."""
        if job not in self._keys:
            settings = spec_of(job).to_dict() if job.study in STUDIES else None
            parts = [job.to_dict(), settings, self._fingerprint(job.tool)]
            text = json.dumps(parts, sort_keys=True)
            self._keys[job] = hashlib.sha256(text.encode()).hexdigest()[:16]
        return self._keys[job]

    def still_holds(self, tool: str) -> bool:
        """Whether the code behind a tool is what it was when keys were made."""
        return TOOLS[tool].fingerprint(self.src) == self._fingerprint(tool)

    def _fingerprint(self, tool: str) -> str:
        """As it was when first asked: one run, one code."""
        if tool not in self._fingerprints:
            self._fingerprints[tool] = TOOLS[tool].fingerprint(self.src)
        return self._fingerprints[tool]

    def _take(self, record: dict[str, Any]) -> None:
        job = Job(**record["job"])
        if job.tool in TOOLS and not self._is_fresh(job):
            self._lines[job] = record

    def _is_fresh(self, job: Job) -> bool:
        return job in self._lines and self._lines[job]["key"] == self.key(job)
