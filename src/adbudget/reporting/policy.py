"""PolicyPlan -> what a terminal shows: moves, reasons, what waits, alerts, totals.

Reads the plan's records only.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table

from adbudget.money import exact_text
from adbudget.reporting.columns import GAP, INDENT, Column, columns_table
from adbudget.reporting.text import NO_VALUE, Text, change, counted

if TYPE_CHECKING:
    import pandas as pd

    from adbudget.policy.plan import PolicyPlan, Recommendation

Show = Literal["moves", "all", "none"]

STYLE = {"increase": "green", "decrease": "red", "pause": "bold red", "hold": "dim"}
SEVERITY_STYLE = {"critical": "bold red", "warning": "yellow", "info": "cyan"}
VERDICT = {"auto": "auto", "needs_approval": "needs approval", "blocked": "blocked"}
# Flags worth a line although nothing moves and no rule fires.
WORTH_A_LINE = {"over_cap", "under_minimum", "emergency", "test_budget_differs", "anomaly"}
MOST_NOTES = 8
MOST_ALERTS = 20


def policy_report(plan: "PolicyPlan", *, width: int, show: Show = "moves") -> RenderableType:
    """Everything a terminal shows of a plan.

    Parameters
    ----------
    plan : from :func:`adbudget.apply_policy`
    width : columns of the terminal
    show : campaigns that move or that something is to be said of, all of them, or only the totals
    """
    calls = [] if show == "none" else [c for c in plan.calls if show == "all" or _matters(c)]
    parts: list[RenderableType] = [_title(plan)]
    if calls:
        parts += [_table(calls, width), _rest(plan, calls), _why(calls)]
    elif show == "moves":
        parts.append(Text("No campaign moves, and no rule fires.\n"))
    if plan.alerts:
        parts.append(_alerts(plan))
    return Group(*parts, _foot(plan))


def _matters(call: "Recommendation") -> bool:
    return bool(call.action != "hold" or call.rule_fired or WORTH_A_LINE & set(call.flags))


def _title(plan: "PolicyPlan") -> Text:
    unit = f"{plan.currency} per day" if plan.currency else "budgets per day"
    when = f"{plan.at:%Y-%m-%d %H:%M %Z}".strip()
    return Text(f"{counted(len(plan.calls), 'campaign')}, {when}; {unit}.\n")


def _signed(amount: Decimal) -> str:
    return exact_text(amount, signed=bool(amount))


def _moved(call: "Recommendation") -> str:
    if call.action == "pause":
        return "pause"
    return change(call.change_pct) if call.change_pct else NO_VALUE


COLUMNS = (
    Column(title="campaign", text=lambda call: call.campaign_id, right=False),
    Column(title="now", text=lambda call: exact_text(call.current_budget)),
    Column(title="next", text=lambda call: exact_text(call.recommended_budget)),
    Column(title="change", text=_moved),
    Column(title="rule", text=lambda call: call.rule_fired or NO_VALUE, right=False),
    Column(title="sure", text=lambda call: call.confidence or NO_VALUE, right=False),
    Column(title="verdict", text=lambda call: VERDICT[call.verdict], right=False),
)
AT_ONCE = Column(title="at once", text=lambda call: exact_text(call.budget_now))
DROPPED_FIRST = ("sure", "change", "rule")


def _table(calls: Sequence["Recommendation"], width: int) -> RenderableType:
    columns = list(COLUMNS)
    if any("split" in call.flags for call in calls):
        columns.insert(3, AT_ONCE)
    return columns_table(
        columns,
        calls,
        width=width,
        dropped_first=DROPPED_FIRST,
        style=lambda call: STYLE[call.action],
    )


def _rest(plan: "PolicyPlan", shown: Sequence["Recommendation"]) -> Text:
    n_rest = len(plan.calls) - len(shown)
    if not n_rest:
        return Text()
    noun = "campaign keeps its budget" if n_rest == 1 else "campaigns keep their budgets"
    return Text(f"{n_rest:,} more {noun}; no rule fires.\n", style="dim")


def _why(calls: Sequence["Recommendation"]) -> RenderableType:
    grid = Table.grid(padding=(0, GAP))
    grid.add_column(overflow="fold", max_width=30)
    grid.add_column(overflow="fold")
    for call in calls:
        grid.add_row(Text(call.campaign_id, style=STYLE[call.action]), Text(call.rationale))
    return Group(Text("Why", style="bold"), Padding(grid, (0, 0, 0, INDENT)), Text())


def _alerts(plan: "PolicyPlan") -> RenderableType:
    grid = Table.grid(padding=(0, GAP))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for alert in plan.alerts[:MOST_ALERTS]:
        severity = Text(alert.severity, style=SEVERITY_STYLE.get(alert.severity, ""))
        grid.add_row(severity, Text(f"{alert.message} -> {alert.action}"))
    parts = [Text("Alerts", style="bold"), Padding(grid, (0, 0, 0, INDENT))]
    if len(plan.alerts) > MOST_ALERTS:
        more = counted(len(plan.alerts) - MOST_ALERTS, "more alert")
        parts.append(Text(f"  and {more}", style="dim"))
    return Group(*parts, Text())


def _foot(plan: "PolicyPlan") -> RenderableType:
    lines = Table.grid(padding=(0, GAP))
    lines.add_column(no_wrap=True, style="bold")
    lines.add_column(overflow="fold")
    facts = plan.summary
    lines.add_row("Total", Text(_total(facts)))
    if facts["projected_cpl_change"] is not None:
        lines.add_row("CPL", Text(_projection(facts)))
    lines.add_row("Calls", Text(_counts(facts)))
    if facts["kill_switch"]:
        lines.add_row("Stopped", Text("the kill switch is on: no change is made", style="bold red"))
    for group, names in _groups(plan).items():
        listed = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
        lines.add_row("Waiting", Text(f"group {group}: {listed}"))
    if plan.metrics:
        lines.add_row("Watch", Text(_watch(plan.metrics)))
    for position, note in enumerate(plan.notes[:MOST_NOTES]):
        lines.add_row("" if position else "Notes", Text(note.message))
    return lines


def _total(facts: Any) -> str:
    before, after = facts["total_before"], facts["total_after"]
    told = f"{exact_text(before)} -> {exact_text(after)} (net {_signed(facts['net_change'])})"
    told += f"; {exact_text(facts['moved'])} moves"
    if facts["banked"]:
        told += f"; {exact_text(facts['banked'])} is left over"
    if facts["unplaced"]:
        told += f"; {exact_text(abs(facts['unplaced']))} of the change asked for finds no room"
    return told


def _projection(facts: Any) -> str:
    before, after = facts["projected_cpl_before"], facts["projected_cpl_after"]
    moved = facts["projected_cpl_change"]
    assumption = facts["projected_cpl_assumption"]
    return f"{before:,.2f} -> {after:,.2f} ({moved:+.1f}%), if {assumption}"


def _counts(facts: Any) -> str:
    actions = ("increase", "decrease", "pause", "hold")
    calls = ", ".join(f"{facts[f'n_{name}']:,} {name}" for name in actions if facts[f"n_{name}"])
    verdicts = [
        f"{facts[f'n_{name}']:,} {words}"
        for name, words in (("needs_approval", "need approval"), ("blocked", "blocked"))
        if facts[f"n_{name}"]
    ]
    return f"{calls}; {', '.join(verdicts) or 'all automatic'}"


def _groups(plan: "PolicyPlan") -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for call in plan.calls:
        if call.group_id:
            groups.setdefault(call.group_id, []).append(call.campaign_id)
    return groups


def watch_lines(metrics: Any) -> list[tuple[str, str]]:
    """The five figures, each with its name; "-" for what the ledger cannot know yet."""

    def share(name: str, form: str) -> str:
        value = metrics[name]
        return NO_VALUE if value is None else format(value, form)

    return [
        ("changes a week", f"{metrics['changes_per_week']:,}"),
        ("share of spend on winners", share("winner_spend_share", ".1%")),
        ("rule trigger rate", share("rule_trigger_rate", ".1%")),
        ("alerts a week", f"{metrics['alerts_per_week']:,}"),
        ("CPL trend a week", share("cpl_trend", "+.1%")),
    ]


def _watch(metrics: Any) -> str:
    return "; ".join(f"{name} {value}" for name, value in watch_lines(metrics))


def verdicts_told(frame: "pd.DataFrame") -> str:
    """What a policy says of a model's decisions, in lines below their table.

    Parameters
    ----------
    frame : from :func:`adbudget.recommend` with a policy
    """
    rows: list[Any] = list(frame.itertuples())
    lines = []
    for name, words in VERDICT.items():
        moved = (row for row in rows if row.decision != "monitor" and row.verdict == name)
        cells = [f"{row.account} {row.channel}" for row in moved]
        if cells:
            lines.append(f"{words}: {', '.join(cells)}")
    against = len(frame.attrs["disagreements"])
    lines.append(
        f"{counted(against, 'call')} against a rule" if against else "no call is against a rule"
    )
    return f"\nPolicy   {'; '.join(lines)}."
