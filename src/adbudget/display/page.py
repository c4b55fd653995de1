"""Page -> text of one screen, and HTML for a notebook: what a record shows of itself.

A record says its facts, a few rows and what to do next; how they are laid out is decided here.
"""

import html
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import MISSING, dataclass, fields
from numbers import Number
from typing import Any

from adbudget.money import amount
from adbudget.plain_json import visible

MOST_ROWS = 18  # of a table in a page
MOST_ITEMS = 3  # of a list or mapping inside a line
WIDEST_CELL, WIDEST_LINE = 40, 100
MOST_LINES, MOST_LETTERS = 36, 3800
MOST_WRAPPED = 5  # lines of one fact
LONG = 600  # letters from which a small record shows only what is not as usual


def counted(number: int, noun: str) -> str:
    """1 call, 2 calls, 1,200 calls."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a record shows of itself.

    Attributes
    ----------
    title : one line: what it is, and how much of it there is
    facts : (name, what it is) line by line
    titles, rows : of a table; all columns but the first ``n_words`` are flush right
    n_rows : how many rows there are in all, of which ``rows`` are the first; all of them when None
    n_words : columns of words, flush left
    next : what to do with it: code, or a sentence
    """

    title: str
    facts: Sequence[tuple[str, str]] = ()
    titles: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    n_rows: int | None = None
    n_words: int = 1
    next: Sequence[str] = ()

    @property
    def shown(self) -> list[list[str]]:
        """The rows of the table, as many as a screen takes."""
        return [[_short(cell, WIDEST_CELL) for cell in row] for row in self.rows[:MOST_ROWS]]

    @property
    def left_out(self) -> str:
        """How many rows are not shown, "" when none."""
        more = (len(self.rows) if self.n_rows is None else self.n_rows) - len(self.shown)
        return f"... and {more:,} more" if more > 0 else ""


class Shown:
    """A record that shows itself as a page: ``repr`` on one screen, and HTML in a notebook."""

    __slots__ = ()

    def page(self) -> Page:
        """What it shows."""
        return Page(title=type(self).__name__)

    def __repr__(self) -> str:
        """As text, within a screen."""
        return as_text(self.page())

    def _repr_html_(self) -> str:
        """As HTML, for a notebook."""
        return as_html(self.page())


class Listed(Shown):
    """A small record that shows its fields, as it would be written in Python, long ones cut."""

    __slots__ = ()

    def page(self) -> Page:
        """Its fields, each on a line of its own."""
        values = [(one.name, getattr(self, one.name)) for one in fields(self) if one.repr]  # type: ignore[arg-type]
        return Page(title=type(self).__name__, facts=[(n, in_short(v)) for n, v in values])

    def __repr__(self) -> str:
        """As it would be written; where that is long, only what is not as usual, cut."""
        every = [(one, getattr(self, one.name)) for one in fields(self) if one.repr]  # type: ignore[arg-type]
        told = [f"{one.name}={in_short(value)}" for one, value in every]
        if sum(map(len, told)) > LONG:
            told = [
                f"{one.name}={in_short(value)}"
                for one, value in every
                if not _is_default(value, one)
            ]
        return _short(f"{type(self).__name__}({', '.join(told)})", MOST_LETTERS)


def _is_default(value: Any, field: Any) -> bool:
    """Whether a field is as it would be if nobody had set it."""
    if field.default is not MISSING:
        return value is field.default or (
            isinstance(value, str | int | float) and value == field.default
        )
    return False


def table_of(frame: Any, columns: Sequence[str] | None = None) -> dict[str, Any]:
    """``titles``, ``rows``, ``n_rows`` and ``n_words`` of a page, from a data frame.

    Parameters
    ----------
    frame : numbers are rounded for people
    columns : which, and in what order; all of them when None
    """
    names = [str(name) for name in (frame.columns if columns is None else columns)]
    first = frame[names].head(MOST_ROWS)
    words = [not all(isinstance(value, Number) for value in first[name]) for name in names]
    rows = [[_cell(value) for value in row] for row in first.itertuples(index=False)]
    n_words = words.index(False) if False in words else len(words)
    return {"titles": names, "rows": rows, "n_rows": len(frame), "n_words": n_words}


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return amount(value)
    if hasattr(value, "strftime"):
        return f"{value:%Y-%m-%d}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def in_short(value: Any) -> str:
    """A value on part of a line: shapes of arrays and frames, the first items of collections."""
    if hasattr(value, "columns"):
        return f"<frame of {counted(len(value), 'row')}>"
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        sizes = " x ".join(map(str, value.shape))
        return f"<{sizes} {value.dtype}>" if value.shape else str(value)
    if isinstance(value, dict):
        items = [f"{in_short(k)}: {in_short(v)}" for k, v in list(value.items())[:MOST_ITEMS]]
        return f"{{{_joined(items, len(value))}}}"
    if isinstance(value, tuple | list | set | frozenset):
        items = _joined([in_short(item) for item in list(value)[:MOST_ITEMS]], len(value))
        return f"({items},)" if len(value) == 1 else f"({items})"
    return _short(visible(repr(value)), WIDEST_LINE - WIDEST_CELL)


def _joined(items: list[str], n_all: int) -> str:
    more = n_all - len(items)
    return ", ".join(items) + (f", ... {more:,} more" if more else "")


def as_text(page: Page) -> str:
    """The page in at most 36 lines and 3,800 letters, none of which a terminal obeys."""
    lines = [visible(page.title)]
    width = max((len(visible(name)) for name, _ in page.facts), default=0)
    for name, what in page.facts:
        wrapped = textwrap.wrap(visible(what), WIDEST_LINE - width - 4) or [""]
        more = [*wrapped[: MOST_WRAPPED - 1], "..."] if len(wrapped) > MOST_WRAPPED else wrapped
        told = visible(name)
        lines += [f"  {told if not i else '':<{width}}  {line}" for i, line in enumerate(more)]
    after = [f"  {visible(hint)}" for hint in page.next]
    table = _table(page)
    room = MOST_LINES - len(lines) - len(after) - 2
    if table:
        kept = table[: max(room - 1, 2)]
        hidden = len(table) - len(kept)
        lines += ["", *kept]
        lines += [f"  ... and {hidden:,} more lines"] if hidden else []
    lines += after
    text = "\n".join(_short(line, WIDEST_LINE) for line in lines[:MOST_LINES])
    return (
        text if len(text) <= MOST_LETTERS else text[: MOST_LETTERS - 4].rsplit("\n", 1)[0] + "\n..."
    )


def _table(page: Page) -> list[str]:
    """Lines of the table, columns flush."""
    if not page.rows:
        return []
    cells = [[visible(cell) for cell in row] for row in (page.titles, *page.shown)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(page.titles))]
    lines = [
        "  "
        + "  ".join(
            cell.ljust(width) if i < page.n_words else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
    return [*lines, f"  {page.left_out}"] if page.left_out else lines


def as_html(page: Page) -> str:
    """The page as HTML that stands alone; whatever stands in a name is shown, never carried out."""
    parts = [f"<strong>{_safe(page.title)}</strong>"]
    if page.facts:
        parts.append(_html_table([(name, what) for name, what in page.facts], n_words=2))
    if page.rows:
        parts.append(_html_table(page.shown, titles=page.titles, n_words=page.n_words))
        parts.append(f"<div>{_safe(page.left_out)}</div>" if page.left_out else "")
    parts += [f"<div><code>{_safe(hint)}</code></div>" for hint in page.next]
    return f"<div>{''.join(parts)}</div>"


def _html_table(rows: Iterable[Sequence[str]], *, n_words: int, titles: Sequence[str] = ()) -> str:
    aligned = ["left" if i < n_words else "right" for i in range(32)]

    def line(cells: Sequence[str], tag: str) -> str:
        return "".join(
            f'<{tag} style="text-align:{side}">{_safe(cell)}</{tag}>'
            for cell, side in zip(cells, aligned, strict=False)
        )

    head = f"<thead><tr>{line(titles, 'th')}</tr></thead>" if titles else ""
    body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    return f"<table>{head}<tbody>{body}</tbody></table>"


def _safe(text: str) -> str:
    return html.escape(visible(text))


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."
