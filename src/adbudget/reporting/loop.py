"""CycleReport, cycles of a state -> what a terminal shows of them."""

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from adbudget.loop.cycle_report import CycleReport
from adbudget.loop.promises import told as told_promise
from adbudget.loop.state import Cycle
from adbudget.money import amount
from adbudget.reporting.columns import Column, columns_table
from adbudget.reporting.text import Text, change, counted

Row = dict[str, Any]
SMALL = 0.005
HOURS = 24
LEFT_OVER = 0.05  # of a budget; less is not worth a word
DEAREST = 5  # limits whose price is told, and days


def cycle_report(report: CycleReport, width: int, *, reasons: bool = True) -> RenderableType:
    """What a cycle did: head, moves, why, accounts, what became of changes, notes.

    Parameters
    ----------
    report : of the cycle
    width : of the terminal
    reasons : whether every move says why
    """
    parts: list[RenderableType] = [Text(_head(report), style="bold"), Text()]
    rows = [dict(row) for row in report.table.to_dict("records")]
    moves = [row for row in rows if abs(row["decided"] - row["budget"]) >= SMALL]
    if moves:
        parts += [columns_table(_columns(), moves, width=width, indent=0), Text()]
    still = len(rows) - len(moves)
    if still:
        parts += [Text(f"{counted(still, 'campaign')} kept as they are."), Text()]
    if reasons and moves:
        parts += [_reasons(moves), Text()]
    parts += _facts(report)
    return Group(*parts)


def status_report(cycles: Sequence[Cycle], width: int) -> RenderableType:
    """The last cycles of a loop, one a line."""
    if not cycles:
        return Text("No cycle was run yet. Run one: adbudget loop once.")
    columns = [
        Column(title="cycle", text=lambda one: one.key, right=False),
        Column(title="at (UTC)", text=lambda one: f"{one.at:%Y-%m-%d %H:%M}", right=False),
        Column(title="step", text=lambda one: one.step, right=False),
        Column(title="made", text=lambda one: str(one.facts.get("made", ""))),
        Column(title="open", text=lambda one: str(one.facts.get("open", ""))),
        Column(title="learned", text=lambda one: str(one.facts.get("learned", "")), right=False),
    ]
    return columns_table(columns, list(cycles), width=width, indent=0)


def _head(report: CycleReport) -> str:
    known = f", known until {report.until}" if report.until else ""
    what = "dry run, nothing is written" if report.dry else "applied"
    resumed = ", finished after it was stopped" if report.resumed else ""
    return f"Cycle {report.key}{known}: {what}{resumed}."


def _columns() -> list[Column]:
    return [
        Column(title="account", text=lambda row: str(row["account"]), right=False),
        Column(title="campaign", text=lambda row: str(row["campaign"]), right=False),
        Column(title="now", text=lambda row: amount(row["budget"], 2)),
        Column(title="plan", text=lambda row: amount(row["decided"], 2)),
        Column(title="change", text=lambda row: change(_percent(row))),
        Column(title="to learn", text=lambda row: amount(row["explored"], 2)),
        Column(title="verdict", text=lambda row: str(row["verdict"]), right=False),
        Column(title="state", text=lambda row: str(row["state"]), right=False),
    ]


def _percent(row: Row) -> float:
    return 100 * (row["decided"] / row["budget"] - 1) if row["budget"] else float("inf")


def _reasons(moves: list[Row]) -> RenderableType:
    lines = Table.grid(padding=(0, 2))
    lines.add_column(no_wrap=True, style="bold")
    lines.add_column(overflow="fold")
    for row in moves:
        lines.add_row(f"{row['account']} {row['campaign']}", Text(row["reason"]))
    return lines


def _day(report: CycleReport) -> list[str]:
    """Budgets that are used up early in the day, or not at all; one sentence each."""
    told = []
    for row in report.table.to_dict("records"):
        whose, left = f"{row['account']} {row['campaign']}", row["unspent"]
        if row["used_up"] < HOURS:
            minutes = round(60 * row["used_up"])
            told.append(f"{whose} is used up at {minutes // 60:02d}:{minutes % 60:02d}.")
        elif left > LEFT_OVER * row["set_now"]:
            told.append(f"{whose} leaves {amount(left, 2)} of {amount(row['set_now'], 2)} unspent.")
    more = len(told) - DEAREST
    return told[:DEAREST] + ([f"{more} more are not used up, or early."] if more > 0 else [])


def _dearest(report: CycleReport) -> list[str]:
    """The limits that cost most, one sentence each, and how many more there are."""
    rows = report.prices.to_dict("records")
    told = []
    for row in rows[:DEAREST]:
        whose = " ".join(str(row[name]) for name in ("account", "channel") if row[name])
        way = "more" if row["price"] > 0 else "less"
        told.append(
            f"{whose + ': ' if whose else ''}{row['limit']}: one unit {way} would be worth "
            f"{abs(row['price']):,.2f}."
        )
    rest = len(rows) - DEAREST
    return [*told, f"{rest} more limits bind, and cost less."] if rest > 0 else told


def _facts(report: CycleReport) -> list[RenderableType]:
    lines = Table.grid(padding=(0, 2))
    lines.add_column(no_wrap=True, style="bold")
    lines.add_column(overflow="fold")
    accounts: list[Row] = [
        {str(key): value for key, value in row.items()}
        for row in report.rehearsal.reset_index().to_dict("records")
    ]
    for row in accounts:
        pulled = (
            ""
            if row["kept"] >= 1
            else (
                f" Pulled back to {row['kept']:.0%} of the plan, which gives up "
                f"{amount(row['given_up'])}."
            )
        )
        lines.add_row(
            str(row["account"]),
            Text(
                f"rehearsed: {amount(row['value_mean'])} [{amount(row['value_low'])}; "
                f"{amount(row['value_high'])}] against today; worse than allowed with "
                f"{row['prob_worse']:.1%}.{pulled}"
            ),
        )
    for row in _day(report):
        lines.add_row("Day", Text(row))
    for row in _dearest(report):
        lines.add_row("Limit", Text(row))
    for one in report.judged:
        lines.add_row("Promise", Text(told_promise(one)))
    if report.learned:
        lines.add_row("Learned", Text(report.learned))
    if not report.healthy:
        lines.add_row("Unhealthy", Text("the fit cannot be trusted, so nothing moves."))
    for one in [] if report.applied is None else report.applied.changes:
        if one.reason:
            lines.add_row(one.state, Text(f"{one.unit}: {one.reason}"))
    for note in report.notes:
        lines.add_row("Note", Text(note))
    return [lines]
