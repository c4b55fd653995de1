"""Source files -> fingerprint: which code made a result. Runs none of it.

Comments, docstrings and layout do not count: only what can change a number does.
"""

import ast
import hashlib
from pathlib import Path

PACKAGE = "adbudget"


def library_fingerprint(src: Path, roots: tuple[str, ...]) -> str:
    """Hash of modules and of everything they import from the package, however late.

    Parameters
    ----------
    src : folder that holds the package
    roots : modules, such as "adbudget.synthetic"
    """
    modules: dict[str, Path] = {}
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        path = _file_of(src, name)
        if path is None or name in modules or name == PACKAGE:  # its __init__ only names names
            continue
        modules[name] = path
        waiting += _imports(path)
    return files_fingerprint([modules[name] for name in sorted(modules)])


def files_fingerprint(paths: list[Path]) -> str:
    """Hash of what the files do, in the order given."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(ast.dump(_without_docstrings(path)).encode())
    return digest.hexdigest()[:12]


def _file_of(src: Path, module: str) -> Path | None:
    base = src.joinpath(*module.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


def _imports(path: Path) -> list[str]:
    """Modules of the package that a file names, and names that may be modules."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{name.name}" for name in node.names)]
    return [name for name in found if name.startswith(f"{PACKAGE}.")]


def _without_docstrings(path: Path) -> ast.Module:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        documented = isinstance(
            node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        )
        if documented and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return tree
