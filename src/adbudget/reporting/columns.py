"""Columns + rows -> a table that fits a terminal, leaving out what does not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table

from adbudget.reporting.text import Text

INDENT, GAP = 2, 2  # blanks before a row and between its columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: its title, its text for a row, and whether it is flush right, as numbers are."""

    title: str
    text: Callable[[Any], str]
    right: bool = True


def columns_table(
    columns: Sequence[Column],
    rows: Sequence[Any],
    *,
    width: int | None,
    dropped_first: Sequence[str] = (),
    style: Callable[[Any], str] = lambda row: "",
    indent: int = INDENT,
) -> RenderableType:
    """One line per row below the titles; only the first column may break.

    Parameters
    ----------
    columns : from left to right
    rows : one or more records that the columns can read
    width : columns of the terminal; None when there is no edge
    dropped_first : titles of what is left out, one by one, until the rest fits; the table says so
    style : row -> rich style of its line
    indent : blanks before every line
    """
    kept, left_out = list(columns), []
    for title in dropped_first:
        if width is None or indent + _width(kept, rows) <= width:
            break
        kept = [column for column in kept if column.title != title]
        left_out.append(title)
    grid = Table.grid(padding=(0, GAP, 0, 0))
    for column in kept:
        grid.add_column(
            justify="right" if column.right else "left",
            no_wrap=column is not kept[0],
            overflow="fold",
        )
    grid.add_row(*(Text(column.title, style="bold") for column in kept))
    for row in rows:
        grid.add_row(*(Text(column.text(row), style=style(row)) for column in kept))
    table: RenderableType = Padding(grid, (0, 0, 0, indent))
    if left_out:
        note = f"\nLeft out at {width} columns: {', '.join(left_out)}."
        return Group(table, Text(note, style="dim"))
    return table


def _width(columns: Sequence[Column], rows: Sequence[Any]) -> int:
    widths = [
        max(cell_len(column.title), *(cell_len(column.text(row)) for row in rows))
        for column in columns
    ]
    return sum(widths) + GAP * (len(widths) - 1)
