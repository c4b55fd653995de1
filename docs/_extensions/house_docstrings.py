"""Docstrings as this project writes them -> fields that Sphinx shows.

numpydoc sections, in which one line says all of a name: ``name : shape, unit and meaning``.
"""

import re
from typing import Any

SECTIONS = (
    "Parameters",
    "Attributes",
    "Returns",
    "Yields",
    "Raises",
    "Examples",
    "References",
    "Notes",
)
LISTS = {"Parameters", "Attributes", "Raises"}
UNDERLINE = re.compile(r"^-{3,}\s*$")
ENTRY = re.compile(r"^(\S.*?) : (.*)$")


def setup(app: Any) -> dict[str, Any]:
    app.connect("autodoc-process-docstring", process)
    return {"parallel_read_safe": True}


def process(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Write the lines of one docstring anew, in place, as Sphinx asks."""
    lines[:] = [line for title, body in split(lines) for line in shown(title, body)]


def split(lines: list[str]) -> list[tuple[str, list[str]]]:
    """Cut a docstring into its sections; what comes before the first has no title."""
    sections: list[tuple[str, list[str]]] = [("", [])]
    number = 0
    while number < len(lines):
        line, after = lines[number], lines[number + 1 : number + 2]
        if line.strip() in SECTIONS and after and UNDERLINE.match(after[0]):
            sections.append((line.strip(), []))
            number += 2
            continue
        sections[-1][1].append(line)
        number += 1
    return sections


def shown(title: str, body: list[str]) -> list[str]:
    if not title:
        return [*body, ""]
    if title in LISTS:
        return [f":{title}:", *(f"    {line}" for line in entries(body)), ""]
    if title == "Examples":
        return [".. rubric:: Example", "", *body, ""]
    return [f":{title}:", *(f"    {line}" for line in body), ""]


def entries(body: list[str]) -> list[str]:
    """``name : words`` and the lines indented below it -> a definition list."""
    made: list[str] = []
    for line in body:
        entry = ENTRY.match(line)
        if entry:
            names = ", ".join(f"**{name.strip()}**" for name in entry[1].split(","))
            made += [f"* {names}: {entry[2]}"]
        elif line.strip():
            made.append(f"  {line.strip()}")
    return ["", *made, ""]
