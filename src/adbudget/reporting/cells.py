"""Rows of decisions -> one line for each cell, as wide as the terminal allows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

from rich.cells import cell_len
from rich.console import Group, RenderableType

from adbudget.money import amount
from adbudget.reporting.columns import GAP, INDENT
from adbudget.reporting.text import NO_VALUE, Text, change, counted, percent

STYLE = {"increase": "green", "reduce": "red", "monitor": "dim"}
LEAST_NAME, SHARE_OF_NAMES = 10, 4  # names of channels get a fourth of the line, if they need it
CUT, SHARE_OF_ENDS = "…", 3  # a third of what is left of a cut name is its end
# What a monitored cell shows in the place of the numbers of a move.
WHY_MONITORED = {
    "too_uncertain": "too uncertain",
    "balanced": "balanced",
    "held_by_total": "held by its total",
    "held_by_limit": "held by a limit",
    "fixed": "fixed",
    "not_funded": "not funded",
    "not_needed": "not needed",
    "not_informed": "too little data",
    "no_better_plan": "no better plan",
    "nothing_spent": "nothing spent",
    "not_judged": "data to check",
    "unhealthy": "fit not healthy",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PartedColumn:
    """One column of the table: its title, and what it shows of a row of decisions.

    ``parts`` gives one text or several, such as a mean and its interval, and ``align`` says of each
    whether it is flush right ("r", numbers) or left ("l", words). ``of_move`` columns say nothing
    of a cell that does not move.
    """

    title: str
    parts: Callable[[Any], tuple[str, ...]]
    align: str = "r"
    of_move: bool = False


CHANNEL = PartedColumn(title="", parts=lambda row: (row.channel,), align="l")
DECISION = PartedColumn(title="decision", parts=lambda row: (row.decision,), align="l")
NOW = PartedColumn(title="now", parts=lambda row: (amount(row.current_spend, row.digits),))
NEXT = PartedColumn(
    title="next", parts=lambda row: (amount(row.recommended_spend, row.digits),), of_move=True
)
MOVE = PartedColumn(title="move", parts=lambda row: (change(row.change_pct),), of_move=True)
LIFT = PartedColumn(title="lift [90%]", parts=lambda row: _lift(row), align="rrr", of_move=True)
LIFT_MEAN = PartedColumn(title="lift", parts=lambda row: _lift(row)[:1], of_move=True)
WORTH = PartedColumn(
    title="worth",
    parts=lambda row: (
        amount(getattr(row, "expected_value", float("nan")), row.digits, signed=True),
    ),
    of_move=True,
)
SURE = PartedColumn(title="P(gain)", parts=lambda row: (percent(row.prob_gain),), of_move=True)
FLIP = PartedColumn(
    title="flips at", parts=lambda row: (percent(min(row.flip_at, 1.0)),), of_move=True
)
SLOPE = PartedColumn(
    title="marginal ROI [90%]", parts=lambda row: _ratio(row, "marginal_roi"), align="rrr"
)
SLOPE_MEAN = PartedColumn(title="mROI", parts=lambda row: _ratio(row, "marginal_roi")[:1])
ROI = PartedColumn(title="ROI [90%]", parts=lambda row: _ratio(row, "roi"), align="rrr")

BASE = (CHANNEL, DECISION, NOW, NEXT, MOVE)
MEANINGS = {
    "worth": "worth: margin of the lift, less the added spend",
    "P(gain)": "P(gain): how likely the move is to pay",
    "flips at": "flips at: share of its return that must be wrong to turn it",
    "mROI": "mROI: what one more unit of spend brings",
}
# From the widest to the narrowest, each with what it leaves out.
LAYOUTS: tuple[tuple[tuple[PartedColumn, ...], str], ...] = (
    ((*BASE, LIFT, WORTH, SURE, FLIP, SLOPE, ROI), ""),
    ((*BASE, LIFT, WORTH, SURE, FLIP, SLOPE), "ROI"),
    ((*BASE, LIFT, WORTH, SURE, FLIP, SLOPE_MEAN), "ROI, interval of the marginal ROI (mROI)"),
    ((*BASE, LIFT, WORTH, SURE, SLOPE_MEAN), "ROI, interval of the marginal ROI (mROI), flips at"),
    (
        (*BASE, LIFT_MEAN, WORTH, SURE, SLOPE_MEAN),
        "ROI, intervals of lift and marginal ROI (mROI), flips at",
    ),
    ((*BASE, LIFT_MEAN, WORTH, SURE), "ROI, marginal ROI, interval of the lift, flips at"),
    ((*BASE, WORTH, SURE), "ROI, marginal ROI, lift, flips at"),
    ((*BASE, WORTH), "ROI, marginal ROI, lift, flips at, P(gain)"),
    (BASE, "ROI, marginal ROI, lift, flips at, P(gain), worth"),
)


def cells_table(
    rows: Sequence[Any], headings: dict[str, RenderableType], width: int
) -> RenderableType:
    """One block of lines per account under its heading, all with the same columns.

    Parameters
    ----------
    rows : of decisions, with ``digits`` of their money
    headings : account -> what stands above its cells; accounts without rows have no block
    width : columns of the terminal; what does not fit is left out, and the last line says so
    """
    columns, left_out, filled = _fitting(rows, width)
    titles, *lines = zip(*filled, strict=True)
    parts: list[RenderableType] = [_joined([Text(title, style="bold") for title in titles])]
    for account, members in by_account(rows):
        parts.append(headings[account])
        parts += [_line(columns, lines[i], rows[i]) for i in members]
    told = [MEANINGS[column.title] for column in columns if column.title in MEANINGS]
    legend = f"{'; '.join(told)}." if told else ""
    gone = f"Left out at {width} columns: {left_out}." if left_out else ""
    if legend or gone:
        parts.append(Text("\n" + " ".join(filter(None, (legend, gone))), style="dim"))
    return Group(*parts)


def by_account(rows: Sequence[Any]) -> Iterator[tuple[str, list[int]]]:
    """Account -> positions of its rows."""
    members: dict[str, list[int]] = {}
    for i, row in enumerate(rows):
        members.setdefault(row.account, []).append(i)
    return iter(members.items())


def why_monitored(codes: Sequence[str]) -> str:
    """14 too uncertain, 9 balanced: the reasons of monitored cells, counted, the most first."""
    counts = {code: codes.count(code) for code in dict.fromkeys(codes)}
    ranked = sorted(counts, key=lambda code: -counts[code])
    return ", ".join(f"{counts[code]:,} {WHY_MONITORED.get(code, code)}" for code in ranked)


def _fitting(
    rows: Sequence[Any], width: int
) -> tuple[tuple[PartedColumn, ...], str, list[list[str]]]:
    """The widest layout that fits beside names that may need cutting, and its filled columns."""
    name_width = max(cell_len(row.channel) for row in rows)
    least = min(name_width, max(LEAST_NAME, width // SHARE_OF_NAMES))
    columns, left_out = LAYOUTS[-1]
    others, room = [], width
    for columns, left_out in LAYOUTS:  # noqa: B007 - the last one that was tried stands
        others = [_aligned(column, rows) for column in columns[1:]]
        room = width - INDENT - sum(GAP + cell_len(column[0]) for column in others)
        if room >= least:
            break
    room = max(min(room, name_width), 1)
    names = ["", *(_cut(row.channel, room) for row in rows)]
    return columns, left_out, [[_filled(name, room, "l") for name in names], *others]


def _aligned(column: PartedColumn, rows: Sequence[Any]) -> list[str]:
    """(1 + row,) title and cells, all of one width; each part flush with those above and below."""
    empty = ("",) * len(column.align)
    texts = [empty if column.of_move and not _moves(row) else column.parts(row) for row in rows]
    widths = [max(cell_len(parts[k]) for parts in texts) for k in range(len(column.align))]
    cells = [
        " ".join(_filled(*part) for part in zip(parts, widths, column.align, strict=True))
        for parts in texts
    ]
    lines = [column.title, *cells]
    width = max(map(cell_len, lines))
    return [_filled(line, width, column.align[0]) for line in lines]


def _filled(text: str, width: int, align: str) -> str:
    blanks = " " * (width - cell_len(text))
    return text + blanks if align == "l" else blanks + text


def _cut(text: str, width: int) -> str:
    """What fits of a text: its beginning and its end, as names of one family differ in either."""
    if cell_len(text) <= width:
        return text
    tail = text[len(text) - width // SHARE_OF_ENDS :]
    while cell_len(tail) > width // SHARE_OF_ENDS:
        tail = tail[1:]
    head = text
    while head and cell_len(head) + cell_len(CUT) + cell_len(tail) > width:
        head = head[:-1]
    return f"{head}{CUT}{tail}"


def _line(columns: tuple[PartedColumn, ...], cells: Sequence[str], row: Any) -> Text:
    """One row in its colours: calls stand out; what stays as it is steps back and says why."""
    if _moves(row):
        line = [Text(cell) for cell in cells]
        for cell, column in zip(line, columns, strict=True):
            if column in (DECISION, NEXT, MOVE):
                cell.stylize(STYLE.get(row.decision, ""))
        return _joined(line)
    of_move = [column.of_move for column in columns]
    first = of_move.index(True)
    room = sum(cell_len(cells[j]) + GAP for j in range(len(columns)) if of_move[j]) - GAP
    why = WHY_MONITORED.get(getattr(row, "reason_code", ""), NO_VALUE)
    kept = [cell for cell, skipped in zip(cells, of_move, strict=True) if not skipped]
    kept.insert(first, _filled(_cut(why, room), room, "l"))
    line = _joined([Text(cell) for cell in kept])
    line.stylize(STYLE["monitor"])
    return line


def _moves(row: Any) -> bool:
    return row.decision != "monitor"


def _joined(cells: list[Text]) -> Text:
    """Cells of one line, with no break in it."""
    line = Text(" " * INDENT, no_wrap=True, overflow="ellipsis")
    for j, cell in enumerate(cells):
        line.append(" " * GAP if j else "")
        line.append_text(cell)
    line.rstrip()
    return line


def _lift(row: Any) -> tuple[str, ...]:
    low, high = (amount(value, row.digits) for value in (row.lift_low, row.lift_high))
    return (amount(row.expected_lift, row.digits, signed=True), f"[{low};", f"{high}]")


def _ratio(row: Any, name: str) -> tuple[str, ...]:
    mean, low, high = (getattr(row, name + end) for end in ("", "_low", "_high"))
    if isnan(mean):  # nothing is spent, so there is no ratio
        return (NO_VALUE, "", "")
    return (f"{mean:,.2f}", f"[{low:,.2f};", f"{high:,.2f}]")


def listed_apart(n_cells: int) -> str:
    """What is said of cells that are not listed."""
    return f"{counted(n_cells, 'account-channel')} to monitor not listed: --all lists every one."
