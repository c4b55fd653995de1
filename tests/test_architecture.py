"""The structure of docs/architecture.md, read from the source. Each check is also shown to fail.

Imports are counted wherever they stand: at the top, inside functions, and for types only. The stubs
(``.pyi``) by which packages offer their names are not read: they load nothing.
"""

import ast
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
TESTS = Path(__file__).parent
MOST_LINES = 400
MOST_FILES_AT_THE_ROOT = 12

# Tests of more than one part of the package.
WHOLE = {
    *("architecture", "side_effects", "public_names", "docs", "notebooks", "benchmarks"),
    *("examples", "site"),
    *("recovery", "typing"),
}

# The one table of allowed directions: what may import what, from the ground up. A file at the root
# and a folder, nested or not, are one entry each; a row may name rows above it only.
BASICS = "errors options plain_json money display"
BOOKED = "pacing.booked"
MEASURED = f"{BOOKED} pacing.delivery"
NEXT = "pacing.moves pacing.daily pacing.requests"
POLICY = "policy.metrics policy.readings policy.language policy"
MAY_IMPORT = {
    "errors": "",
    "options": "errors",
    "plain_json": "errors",
    "money": "errors",
    "display": "errors plain_json money",
    "curves": "errors",
    "outside": BASICS,
    # records and tables
    "tables": BASICS,
    "draws": f"{BASICS} curves",
    "plan": BASICS,
    "risk": "errors display",
    "ledger": f"{BASICS} outside",
    "alerts": f"{BASICS} outside ledger",
    "synthetic": f"{BASICS} curves",
    "platforms": f"{BASICS} curves outside tables synthetic",
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
    "pacing.moves": f"{BASICS} tables ledger policy {MEASURED}",
    "pacing.daily": f"{BASICS} tables {MEASURED}",
    "pacing.requests": f"{BASICS} outside tables ledger {MEASURED}",
    "pacing": f"{BASICS} tables ledger alerts policy {MEASURED} {NEXT}",
    "forecasting": f"{BASICS} tables draws plan risk panel optimizer model",
    # the calls of a fit, and the tests that would change them
    "experiments": f"{BASICS} curves tables draws plan risk panel optimizer model simulation "
    "decision",
    # all of it in one call
    "recommendation": f"{BASICS} tables draws plan risk panel optimizer policy model decision "
    "experiments",
    # for thousands of accounts
    "scale": f"{BASICS} tables draws plan risk panel model decision recommendation",
    # again and again
    "loop": f"{BASICS} outside tables draws plan risk ledger panel optimizer {POLICY} model "
    "simulation decision forecasting platforms",
    "backtesting": f"{BASICS} plan synthetic panel model forecasting loop",
    # views
    "plot": f"{BASICS} curves draws ledger panel policy model decision pacing forecasting loop "
    "backtesting",
    "reporting": f"{BASICS} tables panel policy decision experiments pacing forecasting loop",
    "reporting.html": f"{BASICS} tables draws ledger policy model decision pacing forecasting loop "
    "backtesting plot reporting",
    # the command line: everything
    "cli": f"{BASICS} outside tables draws plan risk ledger alerts synthetic panel optimizer "
    f"{POLICY} model simulation decision {MEASURED} {NEXT} pacing forecasting recommendation "
    "experiments "
    "scale platforms loop backtesting plot reporting reporting.html",
    "__main__": "cli",
}

SAMPLING = {"pymc", "nutpie", "arviz", "arviz_stats", "arviz_base", "numba", "llvmlite", "pytensor"}
DRAWING = {"matplotlib"}


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


def out_of_place(tests: Path, known: set[str]) -> set[str]:
    """Files and folders of tests that are named after nothing at the root of the package."""
    names = {path.stem.removeprefix("test_") for path in tests.glob("test_*.py")}
    names |= {path.relative_to(tests).parts[0] for path in tests.glob("*/**/test_*.py")}
    return names - {top(name) for name in known} - WHOLE


def not_the_product(source: Path) -> list[str]:
    """Modules at the root whose name begins with an underscore."""
    return sorted(p.name for p in source.glob("_*.py") if p.stem not in ("__init__", "__main__"))


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
    # Fit.recommend is adbudget.recommend by its public name: the model knows no later step.
    assert {name for name in importing if top(name) != "cli"} == {"model.fit"}


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
    assert {name for name in guilty if top(name) != "plot"} == set()


def test_every_file_is_short_enough_to_read():
    lines = {
        str(path.relative_to(SOURCE)): path.read_text(encoding="utf-8").count("\n")
        for path in SOURCE.rglob("*.py")
    }
    assert {name: count for name, count in lines.items() if count >= MOST_LINES} == {}


def test_every_module_says_what_it_is():
    silent = [name for name, tree in modules().items() if not ast.get_docstring(tree)]
    assert silent == []


def test_tests_mirror_the_tree():
    assert out_of_place(TESTS, set(modules())) == set()


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


def test_tests_of_nothing_are_seen(package_of):
    tests = package_of(
        {"test_risk.py": "", "test_risky.py": "", "a/test_b.py": "", "c/help.py": ""}
    )
    assert out_of_place(tests, {"risk", "model.fit"}) == {"risky", "a"}


def test_names_inside_a_module_count_as_the_module():
    tree = ast.parse("from adbudget.model.fit import Fit\nfrom adbudget.model import fit")
    assert imports_of(tree, {"", "model", "model.fit"}) == {"model.fit"}
