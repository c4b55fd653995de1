"""Every public name has an example in its docstring, and it runs as it stands.

An example of a class uses all that the reference tells of it: methods, and properties.

What examples start from is written on docs/reference/README.md, block by block; a block runs, once,
when an example uses a name that it makes.
"""

import ast
import doctest
import functools
import importlib
import inspect
import os
import warnings
from pathlib import Path

import pytest

from tests.test_docs import blocks
from tests.test_site import PUBLIC

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "README.md"
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL
WITHOUT = {"EVIDENCE", "__version__", "plot"}  # the first has one on docs/reference/scale.rst

SHOWN = {"page"}  # what a record shows of itself: seen in tests/display/test_public_records.py
KINDS = (property, functools.cached_property, classmethod, staticmethod)
TAKES_A_MINUTE = {"adbudget.scale.compare_with_joint"}


NAMES = [
    f"{module}.{name}"
    for module in PUBLIC
    for name in importlib.import_module(module).__all__
    if name not in WITHOUT
]


def object_of(name: str) -> object:
    module, _, last = name.rpartition(".")
    return getattr(importlib.import_module(module), last)


class Beginnings(dict):
    """Names that examples may use -> what they stand for, made when first asked for."""

    def __init__(self, folder: Path):
        super().__init__()
        self.folder = folder
        first, *rest = blocks(PAGE.read_text(encoding="utf-8"), "py")
        exec(first, self)
        self.blocks = {code: names_in(code, ast.Store) - set(self) for code in rest}

    def used_by(self, code: str) -> dict:
        """The names an example starts with; blocks that make one of them run before."""
        for block in [one for one, made in self.blocks.items() if made & names_in(code, ast.Load)]:
            if self.blocks.pop(block, None):
                self.used_by(block)
                os.chdir(self.folder)
                exec(compile(block, str(PAGE), "exec"), self)
        return {name: value for name, value in self.items() if not name.startswith("__")}


def names_in(code: str, context: type[ast.expr_context]) -> set[str]:
    """Names that code reads, or makes other than by an import."""
    nodes = (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name))
    return {node.id for node in nodes if isinstance(node.ctx, context)}


@pytest.fixture(scope="module")
def beginnings(tmp_path_factory):
    stands, patch = Path.cwd(), pytest.MonkeyPatch()
    patch.setattr("adbudget.model.sampling.MAX_RUNS", 1)  # short chains are not run again
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield Beginnings(tmp_path_factory.mktemp("beginnings"))
    os.chdir(stands)
    patch.undo()


def examples_of(name: str) -> doctest.DocTest:
    text = inspect.getdoc(object_of(name)) or ""
    return doctest.DocTestParser().get_doctest(text, {}, name, None, 0)


def marked(name: str):
    return pytest.param(name, marks=pytest.mark.slow) if name in TAKES_A_MINUTE else name


@pytest.mark.parametrize("name", [marked(name) for name in NAMES])
def test_the_example_runs(name, beginnings, tmp_path, monkeypatch):
    if name.startswith("adbudget.plot."):
        matplotlib = pytest.importorskip("matplotlib", reason="the extra adbudget[plot]")
        matplotlib.use("Agg")
    if name.startswith("adbudget.scale."):
        pytest.importorskip("pyarrow", reason="the extra adbudget[scale]")
    first = f"adbudget.{name.rpartition('.')[2]}"
    if name != first and first in NAMES and object_of(name) is object_of(first):
        return  # it runs under that name
    test = examples_of(name)
    assert test.examples, f"{name} has no example in its docstring"
    test.globs = beginnings.used_by("".join(one.source for one in test.examples))
    monkeypatch.chdir(tmp_path)
    told: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        doctest.DocTestRunner(optionflags=FLAGS).run(test, out=told.append)
    if name.startswith("adbudget.plot."):
        importlib.import_module("matplotlib.pyplot").close("all")
    assert told == []


def members_of(one: type) -> set[str]:
    """Methods and properties that the reference tells of, those of bases of ours among them."""
    found: set[str] = set()
    for base in one.__mro__:
        if base.__module__.startswith("adbudget."):
            for name, value in vars(base).items():
                if inspect.isfunction(value) or isinstance(value, KINDS):
                    found |= {name} if inspect.getdoc(value) else set()
    return {name for name in found if not name.startswith("_")} - SHOWN


def used_in(text: str) -> set[str]:
    """Names that the examples of a docstring read of something, or call on it."""
    code = "".join(one.source for one in doctest.DocTestParser().get_examples(text))
    return {node.attr for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Attribute)}


def used_of(one: type, promises: list[type]) -> set[str]:
    """What examples of a class use of it, or of a promise that it keeps, such as ``Platform``."""
    kept = [each for each in promises if methods_of(each) <= methods_of(one)]
    texts = [inspect.getdoc(each) or "" for each in (one, *kept)]
    texts += [inspect.getdoc(getattr(one, name)) or "" for name in members_of(one)]
    return set().union(*map(used_in, texts))


def methods_of(one: type) -> set[str]:
    return {name for name in members_of(one) if inspect.isfunction(getattr(one, name))}


def classes() -> dict[type, str]:
    """Every public class, and its name; what is at home in two modules once."""
    named = {object_of(name): name for name in reversed(NAMES)}
    return {one: name for one, name in named.items() if inspect.isclass(one)}


def test_every_public_method_and_property_is_used_in_an_example():
    promises = [one for one in classes() if getattr(one, "_is_protocol", False)]
    without = [
        f"{name}.{member}"
        for one, name in classes().items()
        if not issubclass(one, Exception)
        for member in sorted(members_of(one) - used_of(one, promises))
    ]
    assert without == []


def test_an_example_that_does_not_use_a_method_is_noticed():
    class Told:
        """One.

        Examples
        --------
        >>> told.first()
        """

        __module__ = "adbudget.told"

        def first(self) -> None:
            """First."""

        def second(self) -> None:
            """Second."""

    assert members_of(Told) - used_of(Told, []) == {"second"}
