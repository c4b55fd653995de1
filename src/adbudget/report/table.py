"""Decisions -> what a terminal shows: a table by account, the reasons, the summary.

Reads the frame of :func:`adbudget.recommend` and its attrs only.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import isnan
from typing import Any, Literal

import pandas as pd
from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table

from adbudget.money import amount, estimate_text
from adbudget.report.columns import GAP, INDENT
from adbudget.report.summary import facts_of, summary
from adbudget.report.text import (
    NO_VALUE,
    PERIOD_NOUNS,
    UNCHANGED,
    Text,
    change,
    change_between,
    counted,
    percent,
)

Reasons = Literal["moves", "all", "none"]

STYLE = {"increase": "green", "reduce": "red", "monitor": "dim"}
MOST_WITH_DECIMALS = 1_000  # spend of an account per period


@dataclass(frozen=True, slots=True, kw_only=True)
class PartedColumn:
    """One column of the table: its title, and what it shows of a row of decisions.

    ``parts`` gives one text or several, such as a mean and its interval, and ``align`` says of each
    whether it is flush right ("r", numbers) or left ("l", words).
    """

    title: str
    parts: Callable[[Any], tuple[str, ...]]
    align: str = "r"


def report(frame: pd.DataFrame, *, width: int, reasons: Reasons = "moves") -> RenderableType:
    """Everything a terminal shows of a recommendation.

    Parameters
    ----------
    frame : from :func:`adbudget.recommend`
    width : columns of the terminal; what does not fit is left out, and the report says so
    reasons : of the calls that move money, of all cells, or of none

    Returns
    -------
    rich renderable
    """
    parts = [_title(frame), _tables(frame, width)]
    if reasons != "none":
        parts += [_reasons(frame, only_moves=reasons == "moves")]
    return Group(*parts, summary(frame))


def _title(frame: pd.DataFrame) -> Text:
    facts = facts_of(frame)
    period = facts.get("period", "")
    outcome = facts.get("outcome_name", "")
    accounts = counted(len(set(frame["account"])), "account")
    facts_told = [f"{period} {outcome}".strip(), accounts, counted(len(frame), "account-channel")]
    per = f"money per {PERIOD_NOUNS[period]}, " if period in PERIOD_NOUNS else ""
    told = ", ".join(filter(None, facts_told))
    return Text(f"{told[0].upper()}{told[1:]}; {per}brackets hold 90%.\n")


def _tables(frame: pd.DataFrame, width: int) -> RenderableType:
    """One block of rows per account under its heading, all with the same columns."""
    rows = _rows(frame)
    filled, left_out = _fitting(rows, width)
    titles, *lines = zip(*filled, strict=True)
    parts: list[RenderableType] = [_grid([[Text(title, style="bold") for title in titles]])]
    for account, members in _by_account(rows):
        parts.append(_heading(account, [rows[i] for i in members], frame))
        parts.append(_grid([_line(lines[i], rows[i]) for i in members]))
    if left_out:
        parts.append(Text(f"\nLeft out at {width} columns: {left_out}.", style="dim"))
    return Group(*parts, Text())


def _fitting(rows: list[Any], width: int) -> tuple[list[list[str]], str]:
    """(column, 1 + row) texts of the widest layout that fits, and what it leaves out."""
    choices = [
        ([_aligned(column, rows) for column in columns], left_out)
        for columns, left_out in _layouts()
    ]
    fitting = [choice for choice in choices if _width(choice[0]) <= width]
    return fitting[0] if fitting else choices[-1]


def _width(filled: list[list[str]]) -> int:
    return INDENT + sum(cell_len(cells[0]) for cells in filled) + GAP * (len(filled) - 1)


def _layouts() -> list[tuple[list[PartedColumn], str]]:
    """From the widest to the narrowest table, each with what it leaves out."""
    channel = PartedColumn(title="", parts=lambda row: (row.channel,), align="l")
    decision = PartedColumn(title="decision", parts=lambda row: (row.decision,), align="l")
    now = PartedColumn(title="now", parts=lambda row: (amount(row.current_spend, row.digits),))
    after = PartedColumn(
        title="next", parts=lambda row: (amount(row.recommended_spend, row.digits),)
    )
    move = PartedColumn(title="move", parts=lambda row: (change(row.change_pct),))
    lift = PartedColumn(title="lift [90%]", parts=_lift, align="rrr")
    lift_mean = PartedColumn(title="lift", parts=lambda row: _lift(row)[:1])
    sure = PartedColumn(title="P(gain)", parts=_sure, align="rl")
    flip = PartedColumn(title="flips at", parts=_flip)
    roi = PartedColumn(title="ROI [90%]", parts=lambda row: _ratio(row, "roi"), align="rrr")
    slope = PartedColumn(
        title="marginal ROI [90%]", parts=lambda row: _ratio(row, "marginal_roi"), align="rrr"
    )
    slope_mean = PartedColumn(title="mROI", parts=lambda row: _ratio(row, "marginal_roi")[:1])
    base = [channel, decision, now, after, move]
    return [
        ([*base, lift, sure, flip, roi, slope], ""),
        ([*base, lift, sure, flip, slope], "ROI"),
        ([*base, lift, sure, flip, slope_mean], "ROI, interval of the marginal ROI (mROI)"),
        ([*base, lift, sure, flip], "ROI, marginal ROI"),
        ([*base, lift, sure], "ROI, marginal ROI, flips at"),
        ([*base, lift_mean, sure], "ROI, marginal ROI, interval of the lift, flips at"),
        ([*base, lift_mean], "ROI, marginal ROI, interval of the lift, flips at, P(gain)"),
    ]


def _rows(frame: pd.DataFrame) -> list[Any]:
    """One record per cell, with the decimals that suit its account: none from 1,000 on."""
    spend = frame[["current_spend", "recommended_spend"]].groupby(frame["account"])
    total = spend.transform("sum").max(axis=1)
    digits = (total < MOST_WITH_DECIMALS).map({True: 2, False: 0})
    return list(frame.assign(digits=digits).itertuples(index=False))


def _by_account(rows: list[Any]) -> Iterator[tuple[str, list[int]]]:
    members: dict[str, list[int]] = {}
    for i, row in enumerate(rows):
        members.setdefault(row.account, []).append(i)
    return iter(members.items())


def _aligned(column: PartedColumn, rows: list[Any]) -> list[str]:
    """(1 + row,) title and cells, all of one width; each part flush with those above and below."""
    texts = [column.parts(row) for row in rows]
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


def _lift(row: Any) -> tuple[str, ...]:
    if row.recommended_spend == row.current_spend:
        return (NO_VALUE, "", "")
    low, high = (amount(value, row.digits) for value in (row.lift_low, row.lift_high))
    return (amount(row.expected_lift, row.digits, signed=True), f"[{low};", f"{high}]")


def _sure(row: Any) -> tuple[str, ...]:
    """Say it of calls only: what a move not made would gain stands in the reason."""
    if row.decision == "monitor":
        return (NO_VALUE, "")
    return (percent(row.prob_gain), row.confidence)


def _flip(row: Any) -> tuple[str, ...]:
    """Of calls only: a held cell is near its balance, so little always turns it."""
    return (NO_VALUE,) if row.decision == "monitor" else (percent(min(row.flip_at, 1.0)),)


def _ratio(row: Any, name: str) -> tuple[str, ...]:
    mean, low, high = (getattr(row, name + end) for end in ("", "_low", "_high"))
    if isnan(mean):  # nothing is spent, so there is no ratio
        return (NO_VALUE, "", "")
    return (f"{mean:,.2f}", f"[{low:,.2f};", f"{high:,.2f}]")


def _line(cells: Iterable[str], row: Any) -> list[Text]:
    """Cells of one row in their colours: calls stand out, what stays as it is steps back."""
    line = [Text(cell) for cell in cells]
    coloured = range(len(line)) if row.decision == "monitor" else (1, 3, 4)
    for j in coloured:
        line[j].stylize(STYLE.get(row.decision, ""))
    return line


def _grid(lines: list[list[Text]]) -> RenderableType:
    grid = Table.grid(padding=(0, GAP, 0, 0))
    for cell in lines[0]:
        grid.add_column(min_width=cell.cell_len, overflow="fold")
    for line in lines:
        grid.add_row(*line)
    return Padding(grid, (0, 0, 0, INDENT))


def _heading(account: str, rows: list[Any], frame: pd.DataFrame) -> RenderableType:
    """Account and what it spends now and next."""
    currency = facts_of(frame).get("currency", {}).get(account, "")
    before = sum(row.current_spend for row in rows)
    after = sum(row.recommended_spend for row in rows)
    spends = estimate_text(before, currency, rows[0].digits)
    if change_between(before, after) != UNCHANGED:
        moved = change_between(before, after)
        spends = f"{spends} -> {amount(after, rows[0].digits)} ({moved})"
    return Text.assemble((account, "bold"), "  ", (spends, "dim"))


def _reasons(frame: pd.DataFrame, *, only_moves: bool) -> RenderableType:
    """Why, in full, account by account."""
    rows = [row for row in _rows(frame) if not only_moves or row.decision != "monitor"]
    if not rows:
        return _shared_reason(frame)
    width = max(cell_len(row.channel) for row in rows)
    parts: list[RenderableType] = [Text("Why", style="bold")]
    for account, members in _by_account(rows):
        parts.append(Text(account, style="bold"))
        grid = Table.grid(padding=(0, GAP))
        grid.add_column(min_width=width, overflow="fold")
        grid.add_column(overflow="fold")
        for row in (rows[i] for i in members):
            grid.add_row(Text(row.channel, style=STYLE.get(row.decision, "")), Text(row.reason))
        parts.append(Padding(grid, (0, 0, 0, INDENT)))
    return Group(*parts, Text())


def _shared_reason(frame: pd.DataFrame) -> RenderableType:
    """No call moves money: say why once when every cell says the same."""
    reasons = frame["reason"].unique()
    why = f" {reasons[0]}" if len(reasons) == 1 else " --reasons all tells why, for every channel."
    return Group(Text(f"No call moves money.{why}"), Text())
