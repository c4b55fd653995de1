"""Markdown links that leave docs/ -> addresses in the repository; lists in comments -> toctrees.

The pages are read on GitHub as well. There, a link to a file of the repository works as it stands,
and a table of contents would be noise: pages say it in a comment,
``<!-- pages Caption: a b c -->``.
"""

import re
from pathlib import Path
from typing import Any

REPOSITORY = "https://github.com/adbudget/adbudget/blob/main/"
LINK = re.compile(r"(\]\()([^)\s#:]+)((?:#[^)\s]*)?\))")
CONTENTS = re.compile(r"^<!-- pages ([^:]*): (.+?) -->$", flags=re.MULTILINE | re.DOTALL)


def setup(app: Any) -> dict[str, Any]:
    app.connect("source-read", rewrite)
    return {"parallel_read_safe": True}


def rewrite(app: Any, docname: str, source: list[str]) -> None:
    """Rewrite one page in place, as Sphinx asks of whoever listens."""
    path = Path(app.env.doc2path(docname))
    if path.suffix == ".md":
        text = LINK.sub(lambda link: outside(link, path, Path(app.srcdir)), source[0])
        source[0] = CONTENTS.sub(contents, text)


def outside(link: re.Match[str], page: Path, root: Path) -> str:
    target = (page.parent / link[2]).resolve()
    if target.is_relative_to(root.resolve()):
        return link[0]
    return f"{link[1]}{REPOSITORY}{target.relative_to(root.resolve().parent)}{link[3]}"


def contents(found: re.Match[str]) -> str:
    pages = "\n".join(found[2].split())
    return f"```{{toctree}}\n:hidden:\n:maxdepth: 1\n:caption: {found[1]}\n\n{pages}\n```"
