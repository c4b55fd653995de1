"""Nothing inside reads the clock, draws by chance or writes a file but where it is said.

Read from the source. Each check is also shown to fail.
"""

import ast
from functools import cache
from pathlib import Path

import pytest

import adbudget
from benchmarks.structure import imported_names, read_modules

MAY_WRITE = {
    *(
        "alerts.sinks",
        "cli.app",
        "cli.pages",  # a folder for the page of the loop
        "cli.population",
        "model.archive",
        "model.checkpoint",
        "model.storage",
        "pacing.requests.outbox",
    ),
    *("platforms.file_platform", "synthetic.world", "tables.files"),
    *("tables.whole_files", "tables.workbooks", "reporting.workbook"),
    "model.machine_code",  # a folder for what numba compiles, where it finds none
    *("recommendation", "cli.saved_fit"),  # a fit that they are asked to save
    *("scale.store", "scale.inputs", "scale.learning", "scale.deciding", "scale.tasks"),
    "scale.accounts",  # an archive in memory
    "loop.state",  # a fit passes through a scratch file on its way into the database
}
WRITERS = {
    *("write_text", "write_bytes", "writelines", "to_csv", "to_json", "to_parquet", "to_pickle"),
    *("to_netcdf", "to_zarr", "tofile", "savetxt", "savez", "savez_compressed", "savefig", "save"),
    *("mkdir", "makedirs", "mkstemp", "mkdtemp", "NamedTemporaryFile", "touch", "unlink", "dump"),
}
MAY_ASK_THE_TIME = {"cli", "display.stages"}  # the log says how long a stage took
CLOCKS = {"now", "today", "utcnow", "perf_counter", "monotonic", "time_ns"}
MAY_CREATE_CHANCE = {"default_rng", "SeedSequence", "Generator", "PCG64"}


@cache
def modules() -> dict[str, ast.Module]:
    """Name below adbudget, "" for the package itself -> its syntax tree."""
    return read_modules(Path(adbudget.__file__).parent)


def top(name: str) -> str:
    """First part of a dotted name."""
    return name.partition(".")[0]


def called(node: ast.AST) -> str:
    """Last name of what a call calls: "now" of pd.Timestamp.now()."""
    if not isinstance(node, ast.Call):
        return ""
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def clocks(tree: ast.AST) -> list[str]:
    """Places where a module asks what time it is."""
    found = [name for name in imported_names(tree) if top(name) == "time"]
    for node in ast.walk(tree):
        name = called(node)
        if name in CLOCKS:
            found.append(name)
        if isinstance(node, ast.Call) and name == "datetime64":
            found += [a.value for a in node.args if getattr(a, "value", 0) in ("now", "today")]
    return found


def unseeded_chance(tree: ast.AST) -> list[str]:
    """Uses of a global generator, or of one that nobody can repeat."""
    found = [name for name in imported_names(tree) if top(name) in ("random", "secrets", "uuid")]
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name, owner = called(node), getattr(node.func, "value", None)
        of_numpy = getattr(owner, "attr", "") == "random"
        if of_numpy and name not in MAY_CREATE_CHANCE:
            found.append(f"np.random.{name}")
        if name in MAY_CREATE_CHANCE - {"Generator"} and not (node.args or node.keywords):
            found.append(f"{name}() without a seed")
    return found


def writes(tree: ast.AST) -> list[str]:
    """Calls that write to the disk."""
    found = []
    for node in ast.walk(tree):
        name = called(node)
        if not isinstance(node, ast.Call):
            continue
        if name in WRITERS and isinstance(node.func, ast.Attribute):
            found.append(name)
        if name == "replace" and getattr(getattr(node.func, "value", None), "id", "") == "os":
            found.append("os.replace")
        if name in ("open", "fdopen"):
            words = [*node.args, *(k.value for k in node.keywords)]
            modes = [w.value for w in words if isinstance(getattr(w, "value", None), str)]
            found += [f"{name}({mode!r})" for mode in modes if set(mode) & set("wax+")]
    return found


# The checks hold --------------------------------------------------------------------------------


@pytest.mark.parametrize("check", [clocks, unseeded_chance])
def test_nothing_inside_reads_the_clock_or_draws_by_chance(check):
    inside = {
        name: tree
        for name, tree in modules().items()
        if not {name, top(name)} & (MAY_ASK_THE_TIME if check is clocks else {"cli"})
    }
    guilty = {name: check(tree) for name, tree in inside.items()}
    assert {name: found for name, found in guilty.items() if found} == {}


def test_only_the_named_files_write():
    guilty = {name: writes(tree) for name, tree in modules().items() if name not in MAY_WRITE}
    assert {name: found for name, found in guilty.items() if found} == {}


def test_every_file_that_may_write_is_there():
    assert set(modules()) >= MAY_WRITE


# The checks can fail ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "snippet",
    [
        "import time\ntime.time()",
        "from time import perf_counter",
        "from datetime import datetime\ndatetime.now()",
        "import datetime\ndatetime.date.today()",
        "import pandas as pd\npd.Timestamp.now()",
        "import numpy as np\nnp.datetime64('today')",
    ],
)
def test_a_look_at_the_clock_is_seen(snippet):
    assert clocks(ast.parse(snippet))


@pytest.mark.parametrize(
    "snippet",
    [
        "import numpy as np\nnp.random.normal(size=3)",
        "import numpy as np\nnp.random.seed(1)",
        "import numpy as np\nnp.random.default_rng()",
        "from numpy.random import default_rng\ndefault_rng()",
        "import random",
    ],
)
def test_chance_without_a_seed_is_seen(snippet):
    assert unseeded_chance(ast.parse(snippet))


def test_a_seeded_generator_is_fine():
    assert unseeded_chance(ast.parse("np.random.default_rng(seed).normal()")) == []
    assert unseeded_chance(ast.parse("def f(rng: np.random.Generator): rng.normal()")) == []


@pytest.mark.parametrize(
    "snippet",
    [
        "open(path, 'w')",
        "path.open(mode='ab')",
        "path.write_text('x')",
        "frame.to_csv(path)",
        "os.replace(a, b)",
        "figure.savefig(path)",
    ],
)
def test_a_write_is_seen(snippet):
    assert writes(ast.parse(snippet))


def test_a_read_is_no_write():
    assert writes(ast.parse("open(path)\npath.open('rb')\ntext.replace('a', 'w')")) == []
