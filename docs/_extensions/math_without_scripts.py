"""TeX of the pages -> MathML, which browsers show by themselves: no script, no font, no network."""

from typing import Any

from docutils.nodes import SkipNode
from latex2mathml.converter import convert


def setup(app: Any) -> dict[str, Any]:
    app.add_html_math_renderer("mathml", (inline, None), (displayed, None))
    app.connect("config-inited", choose)
    return {"parallel_read_safe": True}


def choose(app: Any, config: Any) -> None:
    config.html_math_renderer = "mathml"


def inline(writer: Any, node: Any) -> None:
    writer.body.append(convert(node.astext()))
    raise SkipNode


def displayed(writer: Any, node: Any) -> None:
    formula = convert(node.astext(), display="block")
    writer.body.append(f'<div class="math-displayed">{formula}</div>')
    raise SkipNode
