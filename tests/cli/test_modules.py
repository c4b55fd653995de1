"""Modules of the command line share what is public, and nothing else."""

import ast
from pathlib import Path

import pytest

from adbudget import cli

FOLDER = Path(cli.__file__).parent


def private_names(source: str) -> list[str]:
    imports = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)]
    return [
        f"{node.module}.{alias.name}"
        for node in imports
        for alias in node.names
        if (node.module or "").startswith("adbudget") and alias.name.startswith("_")
    ]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_no_module_imports_a_private_name(path):
    assert private_names(path.read_text("utf-8")) == []


def test_a_private_name_is_found():
    source = "def f():\n    from adbudget.cli.ledger import _open, register\n"
    assert private_names(source) == ["adbudget.cli.ledger._open"]
