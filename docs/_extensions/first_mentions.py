"""The first mention of a term of the glossary on a page -> a link to it. Only on the site.

Terms that only specialists know are linked where a page begins to use them. Code, links, headings
and tables are left alone; on GitHub the pages are as they are written.
"""

import re
from pathlib import Path
from typing import Any

TERMS = {
    "CVaR": "cvar",
    "elpd": "elpd",
    "CRPS": "crps",
    "r-hat": "r-hat",
    "adstock": "adstock",
    "half-life": "half-life",
    "half-saturation": "half-saturation",
    "saturation": "saturation",
    "posterior": "posterior",
    "prior": "prior",
    "marginal ROI": "marginal-roi",
    "marginal return": "marginal-roi",
    "shadow price": "shadow-price",
    "shadow prices": "shadow-price",
    "hurdle": "hurdle",
    "divergences": "divergences",
    "effective draws": "ess",
    "effective sample size": "ess",
    "effective sample sizes": "ess",
    "ESS": "ess",
    "base sales": "base-sales",
    "lift tests": "lift-test",
    "steady state": "steady-state",
    "pooling": "pooling",
    "regret": "regret",
    "cell": "cell",
    "cells": "cell",
    "flight": "flight",
    "carry-over": "adstock",
}
LEFT_ALONE = re.compile(
    r"^```.*?^```$|\$\$.*?\$\$|^\|.*?$|^#.*?$|^<!--.*?-->|`[^`\n]*`|!?\[[^\]]*\]\([^)]*\)",
    re.MULTILINE | re.DOTALL,
)
WORD = re.compile(r"(?<![\w-])(" + "|".join(sorted(TERMS, key=len, reverse=True)) + r")(?![\w-])")
WITHOUT = ("glossary", "architecture", "style", "comparison", "decisions/")


def setup(app: Any) -> dict[str, Any]:
    app.connect("source-read", link, priority=600)  # after links that leave were rewritten
    return {"parallel_read_safe": True}


def link(app: Any, docname: str, source: list[str]) -> None:
    """Rewrite one page in place, as Sphinx asks of whoever listens."""
    page = Path(app.env.doc2path(docname))
    if page.suffix == ".md" and not docname.startswith(WITHOUT):
        source[0] = linked(source[0], "../" * docname.count("/") + "glossary.md")


def linked(text: str, glossary: str) -> str:
    told: set[str] = set()

    def replace(found: re.Match[str]) -> str:
        anchor = TERMS[found[1]]
        if anchor in told:
            return found[0]
        told.add(anchor)
        return f"[{found[1]}]({glossary}#{anchor})"

    parts, end = [], 0
    for kept in LEFT_ALONE.finditer(text):
        parts += [WORD.sub(replace, text[end : kept.start()]), kept[0]]
        end = kept.end()
    return "".join([*parts, WORD.sub(replace, text[end:])])
