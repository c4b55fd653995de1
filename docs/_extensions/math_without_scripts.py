"""TeX of the pages -> MathML, which browsers show by themselves: no script, no font, no network."""

from typing import Any

from latex2mathml.converter import convert


def setup(app: Any) -> dict[str, Any]:
    app.add_html_math_renderer("mathml", (inline, None), (displayed, None))
    app.connect("config-inited", choose)
    return {"parallel_read_safe": True}


def choose(app: Any, config: Any) -> None:
    config.html_math_renderer = "mathml"


def inline(writer: Any, node: Any) -> None:
    write(writer, node, "inline")


def displayed(writer: Any, node: Any) -> None:
    writer.body.append('<div class="math-displayed">')
    write(writer, node, "block")
    writer.body.append("</div>")


def write(writer: Any, node: Any, display: str) -> None:
    from docutils.nodes import SkipNode

    writer.body.append(convert(node.astext(), display=display))
    raise SkipNode
