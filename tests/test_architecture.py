"""The walls of docs/architecture.md, read from the source. Each check is also shown to fail."""

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import adbudget

SOURCE = Path(adbudget.__file__).parent
MOST_LINES = 400

# From the ground up. A module may import what stands above it in this list, never what stands
# below or beside it. A folder is one entry; what happens inside it is only checked for circles.
ORDER = (
    ("errors", "curves", "_messages", "_lazy"),
    ("plan", "risk", "causes", "draws", "ledger", "_columns", "_values", "_calendar"),
    ("_reading", "_money"),
    ("_checks", "controls"),
    ("_arrays",),
    ("panel",),
    ("_following",),
    ("model", "optimizer", "simulation", "synthetic", "variation", "policy"),
    ("identification", "reasons", "pacing"),
    ("moves", "guard"),
    ("decision",),
    ("recommendation",),
    ("report",),
    ("_config", "_derive", "_files", "_options", "_sinks", "_terminal"),
    ("cli_ledger", "cli_policy", "cli_pacing"),
    ("cli_requests",),
    ("cli",),
)
# What each station may not know even though it stands above it.
BLIND = {
    "optimizer": {"panel"},
    "simulation": {"panel", "risk"},
    "synthetic": {"panel", "plan", "draws", "risk"},
    "policy": {"panel", "draws", "risk"},
    "pacing": {"panel", "draws", "risk", "model", "optimizer", "simulation", "plan"},
    "reasons": {"panel", "model"},
    "identification": {"model"},
    "moves": {"panel", "model", "plan", "identification"},
    "decision": {"panel", "model", "plan", "identification"},
    "report": {"model", "optimizer", "decision", "recommendation"},
}
# The only import that points backwards: reading a file gives back the record that writes it.
BACKWARDS = {("model.storage", "model.fit")}

SAMPLING = {"pymc", "nutpie", "arviz", "arviz_stats", "arviz_base", "numba", "pytensor"}
DRAWING = {"matplotlib"}
MAY_WRITE = {
    *("cli", "_files", "model.storage", "synthetic.world", "policy.sinks"),
    "pacing.requests.outbox",
}
WRITERS = {
    *("write_text", "write_bytes", "writelines", "to_csv", "to_json", "to_parquet", "to_pickle"),
    *("to_netcdf", "to_zarr", "tofile", "savetxt", "savez", "savez_compressed", "savefig", "save"),
    *("mkdir", "makedirs", "mkstemp", "mkdtemp", "NamedTemporaryFile", "touch", "unlink", "dump"),
}
MAY_ASK_THE_TIME = {"cli", "cli_ledger", "cli_policy", "cli_pacing"}
CLOCKS = {"now", "today", "utcnow", "perf_counter", "monotonic", "time_ns"}
MAY_CREATE_CHANCE = {"default_rng", "SeedSequence", "Generator", "PCG64"}


# What the source says ---------------------------------------------------------------------------


@cache
def modules() -> dict[str, ast.Module]:
    """Name below adbudget, "" for the package itself -> its syntax tree."""
    trees = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        trees[name] = ast.parse(path.read_text(encoding="utf-8"))
    return trees


def run_time_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node but those that only a type checker reads."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            continue
        yield node
        yield from run_time_nodes(node)


def imported(tree: ast.AST) -> set[str]:
    """Full names of everything imported at run time, inside functions too."""
    names: set[str] = set()
    for node in run_time_nodes(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written in full"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def own_imports(tree: ast.AST, known: set[str]) -> set[str]:
    """Modules of adbudget that a module imports, as named by :func:`modules`."""
    found = set()
    for name in imported(tree):
        package, _, rest = name.partition(".")
        if package != "adbudget":
            continue
        while rest and rest not in known:  # the last part may be a name inside the module
            rest = rest.rpartition(".")[0]
        found.add(rest)
    return found


def outside_imports(tree: ast.AST) -> set[str]:
    return {name.partition(".")[0] for name in imported(tree)}


@cache
def graph() -> dict[str, set[str]]:
    known = set(modules())
    return {name: own_imports(tree, known) for name, tree in modules().items()}


def station(module: str) -> str:
    return module.partition(".")[0]


def called(node: ast.AST) -> str:
    """Last name of what a call calls: "now" of pd.Timestamp.now()."""
    if not isinstance(node, ast.Call):
        return ""
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


# The checks -------------------------------------------------------------------------------------


def upward_imports(imports: dict[str, set[str]]) -> list[str]:
    """Imports of a station that stands beside or below the importing one, or is out of sight."""
    level = {name: i for i, names in enumerate(ORDER) for name in names}
    breaches = []
    for module, targets in imports.items():
        for target in targets:
            here, there = station(module), station(target)
            if here == there or "" in (here, there):
                continue
            if level[there] >= level[here] or there in BLIND.get(here, ()):
                breaches.append(f"{module} imports {target}")
    return sorted(breaches)


def circle(imports: dict[str, set[str]]) -> list[str]:
    """Modules of one import circle, if there is any."""
    open_ends = {name: set(targets) - {name} for name, targets in imports.items()}
    while True:
        done = [name for name, targets in open_ends.items() if not targets & open_ends.keys()]
        if not done:
            return sorted(open_ends)
        for name in done:
            del open_ends[name]


def clocks(tree: ast.AST) -> list[str]:
    """Places where a module asks what time it is."""
    found = [name for name in imported(tree) if station(name) == "time"]
    for node in ast.walk(tree):
        name = called(node)
        if name in CLOCKS:
            found.append(name)
        if isinstance(node, ast.Call) and name == "datetime64":
            found += [a.value for a in node.args if getattr(a, "value", 0) in ("now", "today")]
    return found


def unseeded_chance(tree: ast.AST) -> list[str]:
    """Uses of a global generator, or of one that nobody can repeat."""
    found = [name for name in imported(tree) if station(name) in ("random", "secrets", "uuid")]
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


# The walls stand --------------------------------------------------------------------------------


def test_every_module_has_its_place_in_the_order():
    known = {name for names in ORDER for name in names}
    assert {station(name) for name in modules()} - {""} <= known


def test_only_the_model_imports_samplers_and_compilers():
    guilty = {
        name
        for name, tree in modules().items()
        if outside_imports(tree) & SAMPLING and station(name) != "model"
    }
    assert guilty == set()


def test_only_the_plots_import_matplotlib():
    guilty = {name for name, tree in modules().items() if outside_imports(tree) & DRAWING}
    assert guilty <= {"report.plots.curves"}


def test_imports_point_downwards_only():
    assert upward_imports(graph()) == []


def test_imports_go_in_no_circle():
    forwards = {
        name: {target for target in targets if (name, target) not in BACKWARDS}
        for name, targets in graph().items()
    }
    assert circle(forwards) == []


def test_the_package_root_imports_nothing_and_few_import_it():
    assert graph()[""] == set()
    assert {name for name, targets in graph().items() if "" in targets} <= {"_config", "cli"}


@pytest.mark.parametrize("check", [clocks, unseeded_chance])
def test_nothing_inside_reads_the_clock_or_draws_by_chance(check):
    inside = {name: tree for name, tree in modules().items() if name not in MAY_ASK_THE_TIME}
    guilty = {name: check(tree) for name, tree in inside.items()}
    assert {name: found for name, found in guilty.items() if found} == {}


def test_only_the_doors_write_files():
    guilty = {name: writes(tree) for name, tree in modules().items() if name not in MAY_WRITE}
    assert {name: found for name, found in guilty.items() if found} == {}


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


def test_a_sampler_outside_the_model_is_seen_even_inside_a_function():
    tree = ast.parse("def f():\n    import pymc.sampling as s\n    from numba import njit")
    assert outside_imports(tree) & SAMPLING == {"pymc", "numba"}


def test_what_only_a_type_checker_reads_is_not_an_import():
    tree = ast.parse("if TYPE_CHECKING:\n    import pymc\nelse:\n    pass")
    assert imported(tree) == set()


@pytest.mark.parametrize(
    "imports",
    [
        {"curves": {"panel"}},  # upward
        {"model.fit": {"optimizer.solve"}},  # beside
        {"decision": {"model.fit"}},  # out of sight
        {"risk": {"cli"}},
    ],
)
def test_an_upward_import_is_seen(imports):
    assert len(upward_imports(imports)) == 1


def test_a_downward_import_is_fine():
    assert upward_imports({"recommendation": {"model.fit", "panel"}, "cli": {"panel"}}) == []


def test_a_circle_is_seen_and_a_chain_is_not():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == ["a", "b", "c", "d"]
    assert circle({"a": {"b"}, "b": {"c"}, "c": set()}) == []


def test_names_inside_a_module_count_as_the_module():
    tree = ast.parse("from adbudget.model.fit import Fit\nfrom adbudget.model import fit")
    assert own_imports(tree, {"", "model", "model.fit"}) == {"model.fit"}


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
        "import importlib, inspect, adbudget as ab\n"
        "for home in set(ab._HOME.values()):\n"
        "    importlib.import_module('adbudget.' + home)\n"
        "print(*[inspect.isfunction(getattr(ab, name)) for name in "
        "('read_panel', 'fit', 'simulate', 'optimize', 'decide', 'recommend')])"
    )
    assert output.split() == ["True"] * 6


def test_a_name_nobody_knows_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'recomend'"):
        adbudget.recomend  # noqa: B018
