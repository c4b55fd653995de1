"""The structure of the package in figures: files at the root, circles, lines, arrows, chains.

``python -m benchmarks.structure`` reads the imports below src/adbudget, those that only a type
checker reads too, and prints one line a figure. ``--list`` prints the arrows between folders too,
``--tree`` only the tree, and ``--write`` puts the tree into docs/architecture.md.
"""

import ast
import re
import sys
from collections.abc import Container, Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "adbudget"
PAGE = ROOT / "docs" / "architecture.md"
START = "recommendation"
TREE = re.compile(r"(<!-- tree -->\n+```text\n).*?(^```$)", flags=re.MULTILINE | re.DOTALL)
COLUMN = 30  # where the words of a file begin


def read_modules(source: Path = SOURCE) -> dict[str, ast.Module]:
    """Name below the package, "" for the package itself -> its syntax tree."""
    trees = {}
    for path in sorted(source.rglob("*.py")):
        parts = path.relative_to(source).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        trees[name] = ast.parse(path.read_text(encoding="utf-8"))
    return trees


def imported_names(tree: ast.AST) -> set[str]:
    """Full names of everything imported: at run time, in functions, for types only."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written in full"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def imports_of(tree: ast.AST, known: Container[str]) -> set[str]:
    """Modules of the package that a module imports; ``known`` are all there are."""
    found = set()
    for name in imported_names(tree):
        package, _, rest = name.partition(".")
        if package != "adbudget":
            continue
        while rest and rest not in known:  # the last part may be a name inside the module
            rest = rest.rpartition(".")[0]
        found.add(rest)
    return found


def import_graph(source: Path = SOURCE) -> dict[str, set[str]]:
    """Module -> modules of the package that it imports."""
    trees = read_modules(source)
    root = ""  # loads names on first use only
    return {
        name: imports_of(tree, trees) - {name, root} for name, tree in trees.items() if name != root
    }


def is_folder(name: str, source: Path = SOURCE) -> bool:
    """Whether a module is the ``__init__`` of a folder."""
    return (source / Path(*name.split("."))).is_dir()


def folder_of(name: str, source: Path = SOURCE) -> str:
    """Folder a module stands in; a file at the root counts as one of its own."""
    if is_folder(name, source):
        return name
    return name.rpartition(".")[0] or name


def folder_graph(graph: Mapping[str, set[str]], source: Path = SOURCE) -> dict[str, set[str]]:
    """As :func:`import_graph`, between folders."""
    arrows: dict[str, set[str]] = {}
    for name, targets in graph.items():
        here = arrows.setdefault(folder_of(name, source), set())
        here |= {folder_of(target, source) for target in targets}
    return {name: targets - {name} for name, targets in arrows.items()}


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Groups of nodes that reach one another: strongly connected parts of two or more."""

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = list(graph.get(start, ()))
        while waiting:
            node = waiting.pop()
            if node not in seen:
                seen.add(node)
                waiting += graph.get(node, ())
        return seen

    reach = {node: reached(node) for node in graph}
    found: list[list[str]] = []
    for node in graph:
        group = sorted(other for other in reach[node] if node in reach[other])
        if len(group) > 1 and group not in found:
            found.append(group)
    return found


def longest_chain(graph: Mapping[str, set[str]], start: str) -> list[str]:
    """Longest path of imports from a module; modules of a circle are passed once."""

    @cache
    def chain(node: str, above: frozenset[str]) -> tuple[str, ...]:
        below = [chain(n, frozenset()) for n in graph[node] if n != node and n not in above]
        return (node, *max(below, key=len, default=()))

    assert not circles(graph), "a longest chain needs a graph without circles"
    return list(chain(start, frozenset()))


def first_sentence(module: ast.Module) -> str:
    """What a module says of itself first, without its full stop."""
    paragraph = " ".join((ast.get_docstring(module) or "").split("\n\n")[0].split())
    return re.split(r"(?<=[.?]) ", paragraph)[0].rstrip(".")


def draw_tree(source: Path = SOURCE) -> str:
    """The files of the package, each with the first sentence of its docstring.

    Files of a folder stand before the folders in it; of a folder, its ``__init__`` speaks.
    """
    trees = read_modules(source)

    def words(name: str) -> str:
        return first_sentence(trees[name]) if name in trees else ""

    def line(indent: str, label: str, said: str) -> str:
        return f"{indent + label:<{COLUMN}}{said}".rstrip()

    def below(folder: Path, prefix: str, indent: str) -> list[str]:
        files = (path for path in sorted(folder.glob("*.py")) if path.name != "__init__.py")
        lines = [line(indent, path.name, words(prefix + path.stem)) for path in files]
        for inner in sorted(path for path in folder.iterdir() if any(path.glob("*.py"))):
            name = prefix + inner.name
            lines.append(line(indent, f"{inner.name}/", words(name)))
            lines += below(inner, f"{name}.", indent + "  ")
        return lines

    return "\n".join(["src/adbudget/", *below(source, "", "  ")])


def with_tree(page: str, tree: str) -> str:
    """The page with another tree between its marks."""
    return TREE.sub(lambda found: f"{found[1]}{tree}\n{found[2]}", page)


def main() -> None:
    """Print the figures, or the tree."""
    if "--tree" in sys.argv:
        print(draw_tree())
        return
    if "--write" in sys.argv:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(with_tree(page, draw_tree()), encoding="utf-8")
        return
    graph = import_graph()
    between = folder_graph(graph)
    lines = sum(len(p.read_text(encoding="utf-8").splitlines()) for p in SOURCE.rglob("*.py"))
    print(f"files at the root             {len(list(SOURCE.glob('*.py')))}")
    print(f"files                         {len(list(SOURCE.rglob('*.py')))}")
    print(f"lines of source               {lines}")
    print(f"circles of files              {len(circles(graph))}  {circles(graph) or ''}")
    print(f"circles of folders            {len(circles(between))}  {circles(between) or ''}")
    print(f"arrows between folders        {sum(map(len, between.values()))}")
    if not circles(graph):
        chain = longest_chain(graph, START)
        print(f"longest chain from recommend  {len(chain)}  {' > '.join(chain)}")
    if "--list" in sys.argv:
        for name in sorted(between):
            print(f"{name}: {', '.join(sorted(between[name]))}")


if __name__ == "__main__":
    main()
