"""Every tool by name: how it is run, and which code its results depend on. Runs nothing itself."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.worlds.source import files_fingerprint, library_fingerprint

if TYPE_CHECKING:
    from adbudget.synthetic import World
    from benchmarks.worlds.answer import Answer
    from benchmarks.worlds.jobs import Job

HERE = Path(__file__).parent
WORLD_ROOTS = ("adbudget.synthetic",)
LIBRARY_ROOTS = (
    *("adbudget.panel.panel", "adbudget.model.fit", "adbudget.optimizer.proposal"),
    *("adbudget.decision.decisions", *WORLD_ROOTS),
)
ALWAYS = ("jobs.py", "scoring.py")  # they shape every result


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """How a tool is called.

    Attributes
    ----------
    label : as people read it
    place : "module:function" of this folder, (World, Job) -> Answer
    files : of this folder, what its results depend on
    uses_library : whether they depend on adbudget's model and optimizer too
    only : families it can run on; None for all
    """

    label: str
    place: str
    files: tuple[str, ...]
    uses_library: bool = False
    only: tuple[str, ...] | None = None

    def load(self) -> "Callable[[World, Job], Answer]":
        """The function itself; imports what it needs."""
        module, function = self.place.split(":")
        return getattr(import_module(f"benchmarks.worlds.{module}"), function)

    def fingerprint(self, src: Path) -> str:
        """Hash of the code behind its results, with the library of ``src``."""
        roots = LIBRARY_ROOTS if self.uses_library else WORLD_ROOTS
        own = files_fingerprint([HERE / name for name in (*ALWAYS, *self.files)])
        return f"{library_fingerprint(src, roots)}-{own}"


TOOLS = {
    "adbudget": Tool(
        label="adbudget", place="library:pooled", files=("library.py",), uses_library=True
    ),
    "unpooled": Tool(
        label="adbudget, account by account",
        place="library:unpooled",
        files=("library.py",),
        uses_library=True,
    ),
    "told": Tool(
        label="limit of information",
        place="told:told",
        files=("library.py", "told.py"),
        uses_library=True,
        only=("assumed",),
    ),
    "matched": Tool(
        label="priors as worlds are drawn",
        place="matched:matched",
        files=("library.py", "matched.py"),
        uses_library=True,
        only=("assumed",),
    ),
    "hold": Tool(label="hold", place="rules:hold", files=("rules.py",)),
    "naive": Tool(label="dashboard ROAS", place="rules:follow_roas", files=("rules.py",)),
    "least_squares": Tool(
        label="least squares + SLSQP",
        place="least_squares:least_squares",
        files=("least_squares.py",),
    ),
    "pymc_marketing": Tool(
        label="PyMC-Marketing",
        place="marketing:pymc_marketing",
        files=("marketing.py", "marketing_child.py"),
    ),
}
