"""A page of text -> the terminal, or a log. Knows nothing of what the page says."""

import io
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType

PIPE_WIDTH = 120  # columns when nobody's terminal says otherwise


def show(render: "Callable[[int], RenderableType]", *, no_color: bool) -> None:
    """Print for a person on a terminal, for a log anywhere else: no colour, no trailing blanks.

    ``render`` makes the rich renderable for a width.
    """
    from rich.console import Console

    console = Console(no_color=no_color or None, highlight=False)
    if console.is_terminal:
        console.print(render(console.width))
        return
    width = console.width if "COLUMNS" in os.environ else PIPE_WIDTH
    page = io.StringIO()
    Console(file=page, width=width, color_system=None).print(render(width), highlight=False)
    print("\n".join(line.rstrip() for line in page.getvalue().splitlines()))
