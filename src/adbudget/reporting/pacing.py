"""PacingReport -> what a terminal shows: deals off pace, alerts, moves, requests, totals.

Reads the report's frames only.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table

from adbudget.money import NO_VALUE, amount, exact_text
from adbudget.reporting.columns import GAP, INDENT, Column, columns_table
from adbudget.reporting.text import Text, counted, percent

if TYPE_CHECKING:
    from adbudget.pacing.report import PacingReport

Show = Literal["off", "all", "none"]

STYLE = {"critical": "bold red", "warning": "yellow", "none": "", "info": "cyan"}
MOST_ROWS = 40
MOST_LINES = 20
MOST_NOTES = 8


def _number(value: float, form: str) -> str:
    return NO_VALUE if value != value else format(value, form)


def _daily(budget: Any) -> str:
    return NO_VALUE if budget is None else f"{budget:,f}"


def _interval(row: Any) -> str:
    if row.projected_low != row.projected_low:
        return NO_VALUE
    return f"{amount(row.projected_low, 0)} to {amount(row.projected_high, 0)}"


COLUMNS = (
    Column(title="deal", text=lambda row: row.deal, right=False),
    Column(title="state", text=lambda row: row.state.replace("_", " "), right=False),
    Column(title="budget", text=lambda row: exact_text(row.budget)),
    Column(title="spent", text=lambda row: exact_text(row.spent)),
    Column(title="index", text=lambda row: _number(row.index_of_pace, ".2f")),
    Column(title="off %", text=lambda row: _number(row.deviation_pct, "+.1f")),
    Column(title="needs a day", text=lambda row: amount(row.required_rate)),
    Column(title="today", text=lambda row: _daily(row.daily_budget)),
    Column(title="ends at", text=lambda row: amount(row.projected, 0)),
    Column(title="likely range", text=_interval),
    Column(title="over", text=lambda row: percent(row.prob_over)),
    Column(title="days left", text=lambda row: _number(row.remaining_days, ".3g")),
)
DROPPED_FIRST = ("days left", "likely range", "off %", "over", "needs a day", "today", "state")


def pacing_report(report: "PacingReport", *, width: int, show: Show = "off") -> RenderableType:
    """Everything a terminal shows of a report.

    Parameters
    ----------
    report : from :func:`adbudget.pace`
    width : columns of the terminal
    show : deals that are off pace, all of them, or only the totals
    """
    status = report.status
    chosen = status if show == "all" else status[status["severity"] != "none"]
    parts: list[RenderableType] = [_title(report)]
    if show != "none" and len(chosen):
        rows = list(chosen.assign(index_of_pace=chosen["index"]).itertuples(index=False))
        parts += [_table(rows[:MOST_ROWS], width), _rest(len(rows), len(status))]
    elif show == "off":
        parts.append(Text("No deal is off pace.\n"))
    if len(report.alerts):
        parts.append(_lines("Alerts", report.alerts, _alert))
    if len(report.moves):
        parts.append(_lines("Moves", report.moves, _move))
    if report.held and show != "none":
        parts.append(_held(report.held))
    if len(report.requests):
        parts.append(_lines("Requests to sellers", report.requests, _request))
    if len(report.corrections):
        parts.append(_lines("Corrections", report.corrections, _correction))
    return Group(*parts, _foot(report))


def _title(report: "PacingReport") -> Text:
    when = f"{report.as_of:%Y-%m-%d %H:%M %Z}".strip()
    codes = sorted({code for code in report.status["currency"] if code})
    unit = f"; {', '.join(codes)}" if codes else ""
    return Text(f"{counted(len(report.status), 'deal')}, {when}{unit}.\n")


def _table(rows: Sequence[Any], width: int) -> RenderableType:
    return columns_table(
        COLUMNS,
        rows,
        width=width,
        dropped_first=DROPPED_FIRST,
        style=lambda row: STYLE[row.severity],
    )


def _rest(n_chosen: int, n_deals: int) -> Text:
    hidden, quiet = max(n_chosen - MOST_ROWS, 0), n_deals - n_chosen
    told = [f"{hidden:,} more like these"] if hidden else []
    told += [f"{counted(quiet, 'deal')} as planned"] if quiet else []
    return Text(f"{', '.join(told)}.\n" if told else "", style="dim")


def _lines(title: str, frame: Any, told: Callable[[Any], tuple[str, str, str]]) -> RenderableType:
    """A heading and one line per row, the first ones."""
    grid = Table.grid(padding=(0, GAP))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for row in frame.head(MOST_LINES).itertuples(index=False):
        word, text, style = told(row)
        grid.add_row(Text(word, style=style), Text(text))
    parts: list[RenderableType] = [
        Text(title, style="bold"),
        Padding(grid, (0, 0, 0, INDENT)),
    ]
    if len(frame) > MOST_LINES:
        parts.append(Text(f"  and {len(frame) - MOST_LINES:,} more", style="dim"))
    return Group(*parts, Text())


def _alert(row: Any) -> tuple[str, str, str]:
    told = "" if row.new else " (told before)"
    return row.severity, f"{row.message} -> {row.action}{told}", STYLE[row.severity]


def _move(row: Any) -> tuple[str, str, str]:
    verdict = row.verdict.replace("_", " ")
    money = f"{exact_text(row.amount)} {row.currency}".strip()
    return verdict, f"{money} from {row.source} to {row.target}: {row.reason}", ""


def _held(held: Mapping[str, str]) -> RenderableType:
    """Deals that miss their budgets and whose money stays, with the reason."""
    told = [f"{deal}: {why}" for deal, why in held.items()]
    rest = len(told) - MOST_LINES
    lines = [Text(f"  {line}") for line in told[:MOST_LINES]]
    more = [Text(f"  and {rest:,} more")] if rest > 0 else []
    return Group(Text("Not moved", style="bold"), *lines, *more, Text())


def _request(row: Any) -> tuple[str, str, str]:
    style = STYLE["critical"] if row.severity == "critical" else ""
    return row.severity, f"{row.seller}, {row.deal}: {row.changes}. {row.reason}", style


def _correction(row: Any) -> tuple[str, str, str]:
    return row.deal, f"{row.day}: {exact_text(row.spend_before)} became {exact_text(row.spend)}", ""


def _foot(report: "PacingReport") -> RenderableType:
    lines = Table.grid(padding=(0, GAP))
    lines.add_column(no_wrap=True, style="bold")
    lines.add_column(overflow="fold")
    groups: list[Any] = list(report.groups.itertuples(index=False))
    campaigns = [group for group in groups if group.level == "campaign"]
    for code in dict.fromkeys(group.currency for group in campaigns):
        rows = [group for group in campaigns if group.currency == code]
        budget = sum((row.budget for row in rows), Decimal(0))
        spent = sum((row.spent for row in rows), Decimal(0))
        planned, projected = sum(row.planned for row in rows), sum(row.projected for row in rows)
        told = f"{exact_text(spent)} of {exact_text(budget)} {code}".rstrip()
        told += f" spent, {amount(planned)} planned"
        lines.add_row("Total", Text(f"{told}; heads for {amount(projected)}"))
        pairs = zip(report.status["currency"], report.status["daily_budget"], strict=True)
        daily = [budget for currency, budget in pairs if currency == code and budget is not None]
        if daily:
            told = f"{sum(daily):,f} {code}".rstrip()
            told += f" for {counted(len(daily), 'running deal')}"
            lines.add_row("Today", Text(f"daily budgets of {told}"))
    counts = report.status["state"].value_counts()
    states = ", ".join(f"{n:,} {str(name).replace('_', ' ')}" for name, n in counts.items())
    lines.add_row("Deals", Text(states))
    waiting = report.moves.loc[report.moves["verdict"] == "needs_approval", "group_id"]
    for group in dict.fromkeys(name for name in waiting if name and report.run_id):
        lines.add_row("Waiting", Text(f"group {group}"))
    for position, note in enumerate(report.notes[:MOST_NOTES]):
        lines.add_row("" if position else "Notes", Text(note.message))
    return lines
