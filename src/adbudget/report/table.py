"""Decisions -> what a terminal shows: a table by account, the reasons, the summary.

Knows nothing of how the decisions were made; reads the frame of
:func:`adbudget.recommend.recommend` and its attrs.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import isnan
from typing import Any, Literal

import pandas as pd
from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from adbudget.report.text import (
    NO_VALUE,
    PERIOD_WORDS,
    amount,
    change,
    change_between,
    counted,
    interval,
    money,
    percent,
)

Reasons = Literal["moves", "all", "none"]

STYLE = {"increase": "green", "reduce": "red", "monitor": "dim"}
INDENT, GAP = 2, 2  # blanks before a row and between its columns
MOST_NOTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
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
    frame : from :func:`adbudget.recommend.recommend`
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


def summary(frame: pd.DataFrame) -> RenderableType:
    """Totals by currency, calls, health and notes: the last lines, where a reader looks first."""
    lines = Table.grid(padding=(0, 2))
    lines.add_column(no_wrap=True, style="bold")
    lines.add_column(overflow="fold")
    facts = frame.attrs
    for total in facts.get("totals", []):
        lines.add_row("Total", Text(_total(total, facts)))
    lines.add_row("Calls", Text(_calls(frame, facts)))
    if "health" in facts:
        healthy = facts["health"].get("ok", True)
        lines.add_row("Fit", Text(_health(facts), style="" if healthy else "bold red"))
    for label, line in (("Plan", _certificate(facts)), ("Now", facts.get("current_window"))):
        if line:
            lines.add_row(label, Text(line))
    for position, note in enumerate(_notes(facts)):
        lines.add_row("" if position else "Notes", Text(note))
    return lines


def _title(frame: pd.DataFrame) -> Text:
    facts = frame.attrs
    period = facts.get("period", "")
    outcome = facts.get("outcome_name", "")
    accounts = counted(frame["account"].nunique(), "account")
    about = f"{period} {outcome}".strip().capitalize()
    where = f"{accounts}, {counted(len(frame), 'channel')}"
    per = f"Money is {PERIOD_WORDS[period]}; brackets" if period in PERIOD_WORDS else "Brackets"
    return Text(f"{about} of {where}. {per} hold 90%.\n" if about else f"{where}.\n")


def _tables(frame: pd.DataFrame, width: int) -> RenderableType:
    """One block of rows per account under its heading, all with the same columns."""
    rows = list(_rows(frame))
    for columns, left_out in _layouts():
        filled = [_aligned(column, rows) for column in columns]
        if INDENT + sum(cell_len(cells[0]) + GAP for cells in filled) - GAP <= width:
            break
    titles, *lines = zip(*filled, strict=True)
    parts: list[RenderableType] = [_grid([[Text(title, style="bold") for title in titles]])]
    for account, members in _by_account(rows):
        parts.append(_heading(account, [rows[i] for i in members], frame))
        parts.append(_grid([_line(lines[i], rows[i]) for i in members]))
    if left_out:
        parts.append(Text(f"\nLeft out at {width} columns: {left_out}.", style="dim"))
    return Group(*parts, Text())


def _layouts() -> list[tuple[list[Column], str]]:
    """From the widest to the narrowest table, each with what it leaves out."""
    channel = Column(title="", parts=lambda row: (row.channel,), align="l")
    decision = Column(title="decision", parts=lambda row: (row.decision,), align="l")
    now = Column(title="now", parts=_now)
    after = Column(title="next", parts=_next)
    move = Column(title="change", parts=lambda row: (change(row.change_pct),))
    lift = Column(title="lift [90%]", parts=_lift, align="rrr")
    lift_mean = Column(title="lift", parts=lambda row: _lift(row)[:1])
    sure = Column(title="P(gain)", parts=_sure, align="rl")
    roi = Column(title="ROI [90%]", parts=lambda row: _ratio(row, "roi"), align="rrr")
    slope = Column(
        title="marginal ROI [90%]", parts=lambda row: _ratio(row, "marginal_roi"), align="rrr"
    )
    slope_mean = Column(title="mROI", parts=lambda row: _ratio(row, "marginal_roi")[:1])
    base = [channel, decision, now, after, move]
    return [
        ([*base, lift, sure, roi, slope], ""),
        ([*base, lift, sure, slope], "ROI"),
        ([*base, lift, sure, slope_mean], "ROI, interval of the marginal ROI (mROI)"),
        ([*base, lift, sure], "ROI, marginal ROI"),
        ([*base, lift_mean, sure], "ROI, marginal ROI, interval of the lift"),
        ([*base, lift_mean], "ROI, marginal ROI, interval of the lift, P(gain)"),
    ]


def _rows(frame: pd.DataFrame) -> Iterator[Any]:
    return frame.itertuples(index=False)


def _by_account(rows: list[Any]) -> Iterator[tuple[str, list[int]]]:
    members: dict[str, list[int]] = {}
    for i, row in enumerate(rows):
        members.setdefault(row.account, []).append(i)
    return iter(members.items())


def _aligned(column: Column, rows: list[Any]) -> list[str]:
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


def _now(row: Any) -> tuple[str, ...]:
    return (amount(row.current_spend, scale=max(row.current_spend, row.recommended_spend)),)


def _next(row: Any) -> tuple[str, ...]:
    return (amount(row.recommended_spend, scale=max(row.current_spend, row.recommended_spend)),)


def _lift(row: Any) -> tuple[str, ...]:
    if row.recommended_spend == row.current_spend:
        return (NO_VALUE, "", "")
    size = max(abs(row.lift_low), abs(row.lift_high))
    low, high = (amount(value, scale=size) for value in (row.lift_low, row.lift_high))
    return (amount(row.expected_lift, signed=True, scale=size), f"[{low};", f"{high}]")


def _sure(row: Any) -> tuple[str, ...]:
    """What a monitored cell would gain by a move it does not make stands in its reason."""
    if row.decision == "monitor":
        return (NO_VALUE, "")
    return (percent(row.prob_gain), row.confidence)


def _ratio(row: Any, name: str) -> tuple[str, ...]:
    mean, low, high = (getattr(row, name + end) for end in ("", "_low", "_high"))
    if isnan(mean):  # nothing is spent, so there is no ratio
        return (NO_VALUE, "", "")
    return (f"{mean:,.2f}", f"[{low:,.2f};", f"{high:,.2f}]")


def _line(cells: list[str], row: Any) -> list[Text]:
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
    currency = frame.attrs.get("currency", {}).get(account, "")
    before = sum(row.current_spend for row in rows)
    after = sum(row.recommended_spend for row in rows)
    spends = f"{money(before, currency)} -> {amount(after)} ({change_between(before, after)})"
    if round(after - before, 2) == 0:
        spends = money(before, currency)
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


def _total(total: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    before, after = total["current_spend"], total["recommended_spend"]
    currency = total.get("currency", "")
    per = PERIOD_WORDS.get(facts.get("period", ""), "a period")
    spend = f"spend {money(before, currency)} -> {amount(after)} {per}"
    moved = change_between(before, after)
    lift = total.get("expected_lift", 0.0)
    range_of = interval(total.get("lift_low", 0.0), total.get("lift_high", 0.0))
    if lift == 0 and moved == "unchanged":
        return f"spend {money(before, currency)} {per}, unchanged"
    gain = f"expected {facts.get('outcome_name', 'outcome')} {amount(lift, signed=True)} {range_of}"
    value = total.get("expected_value")
    worth = "" if value is None else f", worth {amount(value, signed=True)} after spend"
    return f"{spend} ({moved}), {gain} {per}{worth}"


def _calls(frame: pd.DataFrame, facts: Mapping[str, Any]) -> str:
    numbers = frame["decision"].value_counts()
    counts = {name: int(facts.get(f"n_{name}", numbers.get(name, 0))) for name in STYLE}
    told = ", ".join(f"{number:,} {name}" for name, number in counts.items())
    n_calls = counts["increase"] + counts["reduce"]
    if not n_calls or "expected_wrong_share" not in facts:
        return told
    wrong = f"{told}; {facts['expected_wrong_share']:.1%} of the {n_calls:,} moves expected wrong"
    most = facts.get("max_wrong_share")
    return wrong if most is None else f"{wrong} (at most {most:.0%} allowed)"


def _health(facts: Mapping[str, Any]) -> str:
    health = facts["health"]
    numbers = (
        f"r-hat {health.get('rhat_max', float('nan')):.3f}, "
        f"effective draws {health.get('ess_bulk_min', float('nan')):,.0f} "
        f"of {health.get('n_draws', 0):,}, "
        f"{counted(health.get('divergences', 0), 'divergence')}, seed {facts.get('seed')}"
    )
    if health.get("ok", True):
        return f"healthy: {numbers}"
    return f"NOT HEALTHY: {' '.join(health.get('problems', []))} ({numbers})"


def _certificate(facts: Mapping[str, Any]) -> str:
    gap = facts.get("gap")
    if gap is None or not gap == gap:
        return ""
    per = PERIOD_WORDS.get(facts.get("period", ""), "a period")
    codes = set(facts.get("currency", {}).values())
    size = money(gap, codes.pop()) if len(codes) == 1 else amount(gap)
    return f"within {size} {per} of the best plan the limits allow"


def _notes(facts: Mapping[str, Any]) -> list[str]:
    notes = list(facts.get("notes", []))
    shown = [str(note) for note in notes[:MOST_NOTES]]
    more = len(notes) - len(shown)
    return [*shown, f"and {more} more: adbudget check lists them all."] if more else shown
