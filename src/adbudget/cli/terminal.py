"""Pages, tables and complaints -> the terminal, or a log. Knows nothing of what they say.

Whatever a name or an address holds, nothing here moves the cursor, breaks a line or tells a
password.
"""

import io
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from adbudget.cli.options import option_for
from adbudget.plain_json import visible, without_secrets

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import RenderableType

    from adbudget.display.page import Shown

PIPE_WIDTH = 120  # columns when nobody's terminal says otherwise
NO_EDGE = 10_000


def say_json(value: Any) -> None:
    """Print one JSON document over several lines, for people and programs."""
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    print(visible(text, keep="\n"))


def say(text: str = "") -> None:
    """Print one line; blank lines before it are the caller's own."""
    own = text.lstrip("\n")
    print("\n" * (len(text) - len(own)) + visible(own))


def say_record(record: "Shown") -> None:
    """Print what a record shows of itself, less the Python one could type next."""
    from adbudget.display.page import as_text

    for line in as_text(replace(record.page(), next=())).splitlines():
        say(line)


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
    print("\n".join(_lines(render(width), width)))


def show_rows(titles: Sequence[str], rows: Sequence[tuple[str, ...]]) -> None:
    """Print a table without columns that are empty in every row; cut at a terminal's edge only."""
    from adbudget.reporting.columns import Column, columns_table

    if not rows:
        return
    kept = [i for i in range(len(titles)) if any(row[i] for row in rows)]
    columns = [Column(title=titles[i], text=itemgetter(i), right=False) for i in kept]
    edge = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for line in _lines(columns_table(columns, rows, width=None, indent=0), NO_EDGE):
        say(line if edge is None or len(line) <= edge else f"{line[: edge - 1]}…")


def _lines(page: "RenderableType", width: int) -> list[str]:
    """Lines of a page without colours or trailing blanks."""
    from rich.console import Console

    file = io.StringIO()
    Console(file=file, width=width, color_system=None).print(page, highlight=False)
    return [line.rstrip() for line in file.getvalue().splitlines()]


def note(message: str) -> None:
    """Print one line on standard error: worth knowing, and no error."""
    told = " ".join(without_secrets(message).split())
    print(f"Note: {visible(told)}", file=sys.stderr)


def complain(message: str) -> None:
    """Print one paragraph on standard error, with the options that set what it names."""
    from rich.console import Console
    from rich.text import Text

    said = without_secrets(f"{message} {_options_named(message)}")
    told = visible(" ".join(said.split()))
    Console(stderr=True, highlight=False, soft_wrap=True).print(
        Text.assemble(("Error: ", "bold red"), told)
    )


def _options_named(message: str) -> str:
    """Name the options that set the arguments a message names, as Python writes them."""
    options = option_for()
    named = re.findall(rf"\b({'|'.join(options)})=", message)
    told = dict.fromkeys(options[name] for name in named)
    if "has no outcome column" in message:
        told = {"--outcome FILE": None} | told
    if not told:
        return ""
    asks = "columns" in named and sys.argv[1:2] == ["recommend"]
    also = " `adbudget check` with the same files proposes a reading of tables nobody knows." * asks
    return f"On the command line: {', '.join(told)}.{also}"


def print_json_lines(table: "pd.DataFrame") -> None:
    """One object per row and line, for other programs."""
    from adbudget.plain_json import to_plain

    for record in table.astype(object).to_dict("records"):
        say(json.dumps(to_plain(record), ensure_ascii=False))
