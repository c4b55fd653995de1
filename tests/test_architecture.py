"""The structure of docs/architecture.md, read from the source. Each check is also shown to fail.

Imports are counted wherever they stand: at the top, inside functions, and for types only. The stubs
(``.pyi``) by which packages offer their names are not read: they load nothing.
"""

import ast
import inspect
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

import adbudget
from benchmarks.structure import (
    circles,
    folder_graph,
    folder_of,
    import_graph,
    imported_names,
    imports_of,
    is_folder,
    read_modules,
)

SOURCE = Path(adbudget.__file__).parent
MOST_LINES = 400
MOST_FILES_AT_THE_ROOT = 12

# The one table of allowed directions: what may import what, from the ground up. A file at the root
# and a folder, nested or not, are one entry each; a row may name rows above it only.
BASICS = "errors options plain_json money"
BOOKED = "pacing.booked"
MEASURED = f"{BOOKED} pacing.delivery"
POLICY = "policy.metrics policy.readings policy.language policy"
MAY_IMPORT = {
    "errors": "",
    "options": "errors",
    "plain_json": "errors",
    "money": "errors",
    "curves": "errors",
    # records and tables
    "tables": BASICS,
    "draws": f"{BASICS} curves",
    "plan": BASICS,
    "risk": "errors",
    "ledger": f"{BASICS} tables",
    "alerts": f"{BASICS} tables ledger",
    "synthetic": f"{BASICS} curves tables",
    # what stands on them
    "panel": f"{BASICS} tables plan",
    "optimizer": f"{BASICS} curves draws plan risk",
    "policy.metrics": BASICS,
    "policy.readings": f"{BASICS} tables policy.metrics",
    "policy.language": f"{BASICS} tables policy.metrics policy.readings",
    "policy": f"{BASICS} tables plan ledger alerts policy.metrics policy.readings policy.language",
    # learning, deciding, delivering
    "model": f"{BASICS} curves tables draws panel",
    "simulation": f"{BASICS} curves draws plan",
    "decision": f"{BASICS} tables draws plan risk panel optimizer {POLICY}",
    "pacing.booked": f"{BASICS} tables",
    "pacing.delivery": f"{BASICS} tables ledger alerts {BOOKED}",
    "pacing.moves": f"{BASICS} tables ledger alerts policy {MEASURED}",
    "pacing.requests": f"{BASICS} tables ledger alerts {MEASURED}",
    "pacing": f"{BASICS} tables ledger alerts policy {MEASURED} pacing.moves pacing.requests",
    # all of it in one call
    "recommendation": f"{BASICS} tables draws plan risk panel optimizer policy model decision",
    # views
    "report": f"{BASICS} curves tables draws plan panel policy decision pacing",
    # the command line: everything
    "cli": f"{BASICS} tables draws plan risk ledger alerts synthetic panel optimizer {POLICY} "
    f"model simulation decision {MEASURED} pacing.moves pacing.requests pacing recommendation "
    "report",
    "__main__": "cli",
}

SAMPLING = {"pymc", "nutpie", "arviz", "arviz_stats", "arviz_base", "numba", "pytensor"}
DRAWING = {"matplotlib"}
MAY_WRITE = {
    *("alerts.sinks", "cli.app", "model.storage", "pacing.requests.outbox"),
    *("synthetic.world", "tables.files"),
}
WRITERS = {
    *("write_text", "write_bytes", "writelines", "to_csv", "to_json", "to_parquet", "to_pickle"),
    *("to_netcdf", "to_zarr", "tofile", "savetxt", "savez", "savez_compressed", "savefig", "save"),
    *("mkdir", "makedirs", "mkstemp", "mkdtemp", "NamedTemporaryFile", "touch", "unlink", "dump"),
}
MAY_ASK_THE_TIME = {"cli"}
CLOCKS = {"now", "today", "utcnow", "perf_counter", "monotonic", "time_ns"}
MAY_CREATE_CHANCE = {"default_rng", "SeedSequence", "Generator", "PCG64"}


# What the source says ---------------------------------------------------------------------------


@cache
def modules() -> dict[str, ast.Module]:
    """Name below adbudget, "" for the package itself -> its syntax tree."""
    return read_modules(SOURCE)


@cache
def graph() -> dict[str, set[str]]:
    return import_graph(SOURCE)


def top(name: str) -> str:
    """First part of a dotted name: the folder, or the file, at the root."""
    return name.partition(".")[0]


def outside_imports(tree: ast.AST) -> set[str]:
    return {top(name) for name in imported_names(tree)}


def called(node: ast.AST) -> str:
    """Last name of what a call calls: "now" of pd.Timestamp.now()."""
    if not isinstance(node, ast.Call):
        return ""
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


# The checks -------------------------------------------------------------------------------------


def upward_imports(imports: Mapping[str, set[str]], source: Path = SOURCE) -> list[str]:
    """Imports between two folders that the table does not allow."""
    breaches = []
    for module, targets in imports.items():
        here = folder_of(module, source)
        allowed = {here, *MAY_IMPORT.get(here, "").split()}
        breaches += [
            f"{module} imports {t}" for t in targets if folder_of(t, source) not in allowed
        ]
    return sorted(breaches)


def rows_that_point_up(table: Mapping[str, str]) -> list[str]:
    """Rows that name themselves, a row below them or nothing there is: such a table may circle."""
    order = list(table)
    return [
        f"{name}: {other}"
        for i, (name, others) in enumerate(table.items())
        for other in others.split()
        if other not in order[:i]
    ]


def folders_without_words(trees: Mapping[str, ast.Module], source: Path) -> list[str]:
    """Folders whose ``__init__`` does not say what goes in, what comes out and who imports it."""
    silent = []
    for path in sorted(source.rglob("*.py")):
        name = ".".join(path.relative_to(source).parent.parts)
        said = ast.get_docstring(trees[name]) if name in trees and is_folder(name, source) else None
        if name and len((said or "").split("\n\n")) < 2 and name not in silent:
            silent.append(name)
    return silent


def not_the_product(source: Path) -> list[str]:
    """Modules at the root whose name begins with an underscore."""
    return sorted(p.name for p in source.glob("_*.py") if p.stem not in ("__init__", "__main__"))


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


def test_every_module_has_its_place_in_the_table():
    assert {folder_of(name, SOURCE) for name in graph()} == MAY_IMPORT.keys()


def test_the_table_points_downwards_only():
    assert rows_that_point_up(MAY_IMPORT) == []


def test_imports_point_downwards_only():
    assert upward_imports(graph()) == []


def test_imports_between_files_go_in_no_circle():
    assert circles(graph()) == []


def test_imports_between_folders_go_in_no_circle():
    assert circles(folder_graph(graph(), SOURCE)) == []


def test_the_package_root_imports_nothing_and_only_the_command_line_imports_it():
    known = set(modules())
    assert imports_of(modules()[""], known) == set()
    importing = {name for name, tree in modules().items() if "" in imports_of(tree, known)}
    assert {name for name in importing if top(name) != "cli"} == set()


def test_the_root_shows_the_product():
    assert len(list(SOURCE.glob("*.py"))) <= MOST_FILES_AT_THE_ROOT
    assert not_the_product(SOURCE) == []


def test_every_folder_says_what_goes_in_and_comes_out():
    assert folders_without_words(modules(), SOURCE) == []


def test_only_the_model_imports_samplers_and_compilers():
    guilty = {
        name
        for name, tree in modules().items()
        if outside_imports(tree) & SAMPLING and top(name) != "model"
    }
    assert guilty == set()


def test_only_the_plots_import_matplotlib():
    guilty = {name for name, tree in modules().items() if outside_imports(tree) & DRAWING}
    assert guilty <= {"report.plots"}


@pytest.mark.parametrize("check", [clocks, unseeded_chance])
def test_nothing_inside_reads_the_clock_or_draws_by_chance(check):
    inside = {name: tree for name, tree in modules().items() if top(name) not in MAY_ASK_THE_TIME}
    guilty = {name: check(tree) for name, tree in inside.items()}
    assert {name: found for name, found in guilty.items() if found} == {}


def test_only_the_named_files_write():
    guilty = {name: writes(tree) for name, tree in modules().items() if name not in MAY_WRITE}
    assert {name: found for name, found in guilty.items() if found} == {}


def test_every_file_that_may_write_is_there():
    assert set(modules()) >= MAY_WRITE


def test_every_file_is_short_enough_to_read():
    lines = {
        str(path.relative_to(SOURCE)): path.read_text(encoding="utf-8").count("\n")
        for path in SOURCE.rglob("*.py")
    }
    assert {name: count for name, count in lines.items() if count >= MOST_LINES} == {}


def test_every_module_says_what_it_is():
    silent = [name for name, tree in modules().items() if not ast.get_docstring(tree)]
    assert silent == []


# The checks can fail ----------------------------------------------------------------------------


@pytest.fixture
def package_of(tmp_path):
    """Texts by file -> the folder of a package made of them."""

    def write(texts: dict[str, str]) -> Path:
        for name, text in texts.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return write


def test_a_sampler_outside_the_model_is_seen_even_inside_a_function():
    tree = ast.parse("def f():\n    import pymc.sampling as s\n    from numba import njit")
    assert outside_imports(tree) & SAMPLING == {"pymc", "numba"}


def test_what_only_a_type_checker_reads_is_an_import_too():
    tree = ast.parse("if TYPE_CHECKING:\n    import pymc\nelse:\n    pass")
    assert imported_names(tree) == {"pymc"}


@pytest.mark.parametrize(
    "imports",
    [
        {"curves": {"panel.panel"}},  # upward
        {"model.fit": {"optimizer.solve"}},  # beside
        {"simulation": {"risk"}},  # below, and still none of its business
        {"decision.moves": {"model.fit"}},
        {"policy.readings.figures": {"policy.plan"}},  # from a folder to the one around it
        {"pacing.booked.flight": {"pacing.delivery.measures"}},
        {"risk": {"cli.app"}},
        {"newcomer": {"errors"}},
    ],
)
def test_an_upward_import_is_seen(imports):
    assert len(upward_imports(imports)) == 1


def test_a_downward_import_is_fine():
    assert upward_imports({"recommendation": {"model.fit"}, "cli.app": {"panel"}}) == []


@pytest.mark.parametrize("table", [{"a": "a"}, {"a": "b", "b": ""}, {"a": "nowhere"}])
def test_a_table_that_points_up_is_seen(table):
    assert len(rows_that_point_up(table)) == 1


def test_a_circle_is_seen_and_a_chain_is_not():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    assert circles({"a": {"b"}, "b": {"c"}, "c": set()}) == []


def test_a_circle_closed_for_types_or_inside_a_function_is_seen(package_of):
    source = package_of(
        {
            "one.py": "from adbudget.two import a",
            "two.py": "if TYPE_CHECKING:\n    from adbudget.three import a",
            "three.py": "def f():\n    from adbudget import one",
        }
    )
    assert circles(import_graph(source)) == [["one", "three", "two"]]


def test_a_circle_of_folders_is_seen_where_no_file_is_in_one(package_of):
    source = package_of(
        {
            "outer/__init__.py": "",
            "outer/high.py": "from adbudget.outer.inner.low import a",
            "outer/base.py": "",
            "outer/inner/__init__.py": "",
            "outer/inner/low.py": "from adbudget.outer.base import a",
        }
    )
    arrows = import_graph(source)
    assert circles(arrows) == []
    assert circles(folder_graph(arrows, source)) == [["outer", "outer.inner"]]


def test_a_stub_is_no_import(package_of):
    source = package_of(
        {
            "box/__init__.py": "",
            "box/__init__.pyi": "from .inside import a as a",
            "box/inside.py": "import adbudget.box",
        }
    )
    assert import_graph(source) == {"box": set(), "box.inside": {"box"}}


def test_a_folder_without_words_is_seen(package_of):
    source = package_of(
        {
            "said/__init__.py": '"""What it does.\n\nThis goes in; that comes out."""',
            "short/__init__.py": '"""What it does."""',
            "short/part.py": "",
            "none/part.py": "",
        }
    )
    assert folders_without_words(read_modules(source), source) == ["none", "short"]


def test_a_private_module_at_the_root_is_seen(package_of):
    source = package_of({"_hidden.py": "", "shown.py": "", "__main__.py": ""})
    assert not_the_product(source) == ["_hidden.py"]


def test_names_inside_a_module_count_as_the_module():
    tree = ast.parse("from adbudget.model.fit import Fit\nfrom adbudget.model import fit")
    assert imports_of(tree, {"", "model", "model.fit"}) == {"model.fit"}


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


# What is loaded, and what the package offers ----------------------------------------------------

LIGHT_WORK = """
import sys
import numpy as np
import pandas as pd
import adbudget as ab

days = np.repeat(pd.date_range("2024-01-01", periods=10), 2)
spend = pd.DataFrame({"account": "a", "channel": ["x", "y"] * 10, "date": days, "spend": 5.0})
panel = ab.read_panel(spend.assign(revenue=10.0))
draws = ab.CurveDraws(
    accounts=panel.accounts, channels=panel.channels,
    weights=np.linspace(1, 30, 40).reshape(20, 1, 2, 1, 1), scale=np.full((1, 2), 5.0),
    carry_in=np.ones((1, 2, 1)), retention=np.zeros(1), half_saturation=np.ones(1),
    unit_value=panel.unit_value, margin=panel.margin, currency=panel.currency,
    period_days=panel.period_days,
)
now = panel.current_spend()
ab.simulate(draws, now * 1.1, current=now)
ab.decide(ab.optimize(draws, now))
ab.Priors(), ab.fit, ab.recommend
from adbudget import synthetic
from adbudget.report import panel, plots, table
print(*sorted(sys.modules))
"""


def run(code: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_everything_that_does_not_sample_loads_no_heavy_library():
    assert set(run(LIGHT_WORK).split()) & (SAMPLING | DRAWING) == set()


def test_importing_the_package_loads_nothing_but_itself():
    loaded = run("import sys, adbudget\nprint(*sys.modules)").split()
    assert [name for name in loaded if name.startswith("adbudget")] == ["adbudget"]
    assert set(loaded) & {"numpy", "pandas", "xarray", "scipy", *SAMPLING} == set()


@pytest.mark.parametrize("name", adbudget.__all__)
def test_every_public_name_resolves_and_says_what_it_is(name):
    found = getattr(adbudget, name)
    assert found is not None
    if name != "__version__":
        assert inspect.getdoc(found)


def test_no_module_hides_a_public_function():
    beside = {name for name in modules() if name and "." not in name}
    assert beside & set(adbudget.__all__) == set()


def test_public_functions_stay_functions_after_their_modules_were_imported():
    output = run(
        "import importlib, inspect, pkgutil, adbudget as ab\n"
        "for found in pkgutil.walk_packages(ab.__path__, 'adbudget.'):\n"
        "    if not found.name.endswith('__main__'):\n"
        "        importlib.import_module(found.name)\n"
        "print(*[inspect.isfunction(getattr(ab, name)) for name in "
        "('read_panel', 'fit', 'simulate', 'optimize', 'decide', 'recommend')])"
    )
    assert output.split() == ["True"] * 6


def test_a_name_nobody_knows_is_an_attribute_error():
    with pytest.raises(AttributeError, match="attribute recomend"):
        adbudget.recomend  # noqa: B018
