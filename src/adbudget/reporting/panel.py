"""Panel -> what a terminal shows of it: size, accounts, notes, findings."""

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table

from adbudget.money import amount, estimate_text
from adbudget.panel.findings import Finding
from adbudget.panel.panel import Panel
from adbudget.panel.unit_value import margin_assumed
from adbudget.reporting.columns import Column, columns_table
from adbudget.reporting.text import Text, counted, margin_question

LEAST_MISSED = ("last", "first", "channels", "periods")


def panel_report(panel: Panel, findings: Sequence[Finding], width: int) -> RenderableType:
    """Show what was read: one line on the whole, one row per account, every note and finding."""
    head = (Text(_size(panel)), Text(), _accounts(panel, width), Text())
    return Group(*head, *_margin(panel), *_notes(panel), *_findings(findings))


def _size(panel: Panel) -> str:
    channels = ", ".join(panel.channels)
    controls = f"; controls {', '.join(panel.controls)}" if panel.controls else ""
    return (
        f"{panel.period.capitalize()} {panel.outcome_name}, "
        f"{panel.dates[0]} to {panel.dates[-1]}: {counted(panel.n_accounts, 'account')}, "
        f"{counted(panel.n_periods, 'period')}, "
        f"{counted(panel.n_channels, 'channel')} ({channels}){controls}."
    )


def _accounts(panel: Panel, width: int) -> RenderableType:
    """One row per account; what does not fit is left out, and a last line says so."""
    columns = [
        Column(title="account", text=lambda row: str(row["account"]), right=False),
        Column(title="periods", text=lambda row: f"{row['periods']:,}"),
        Column(title="first", text=lambda row: f"{row['first']:%Y-%m-%d}"),
        Column(title="last", text=lambda row: f"{row['last']:%Y-%m-%d}"),
        Column(title="channels", text=lambda row: str(row["channels"])),
        Column(title="spend", text=lambda row: estimate_text(row["spend"], row["currency"])),
        Column(title=panel.outcome_name, text=lambda row: amount(row["outcome"])),
        Column(title="ROAS", text=lambda row: amount(row["roas"], 2)),
    ]
    rows = panel.summary().to_dict("records")
    return columns_table(columns, rows, width=width, dropped_first=LEAST_MISSED, indent=0)


def _margin(panel: Panel) -> Iterator[RenderableType]:
    """What share of the outcome's money counts; asked for where nobody has said."""
    assumed = margin_assumed(panel)
    low, high = panel.margin.min(), panel.margin.max()
    size = f"{low:.0%}" if low == high else f"{low:.0%} to {high:.0%}"
    if assumed:
        asked = margin_question(panel.outcome_name)
        whose = (
            "" if len(assumed) == panel.n_accounts else f" for {counted(len(assumed), 'account')}"
        )
        yield Text(f"Margin: 100% assumed{whose}: {asked}.", style="bold")
    else:
        yield Text(f"Margin: {size}.")
    yield Text()


def _notes(panel: Panel) -> Iterator[RenderableType]:
    if not panel.notes:
        yield Text("No notes: nothing in the input stands out.")
        return
    yield Text(f"{counted(len(panel.notes), 'note')}:")
    yield _listed(note.message for note in panel.notes)


def _findings(findings: Sequence[Finding]) -> Iterator[RenderableType]:
    """What cannot be true first, as its cells are not judged; then what only weakens an answer."""
    holding = [one for one in findings if one.decides]
    others = [one for one in findings if not one.decides]
    if holding:
        cells = len({cell for one in holding for cell in one.cells})
        what, whose = counted(len(holding), "finding"), counted(cells, "account-channel")
        yield Text()
        yield Text(f"{what} to see to first, as {whose} will only be monitored:", style="bold red")
        yield _listed((f"{one.message} ({one.kind})" for one in holding), style="red")
    if others:
        yield Text()
        yield Text(f"{counted(len(others), 'finding')} to know of:")
        yield _listed(f"{one.message} ({one.kind})" for one in others)


def _listed(messages: Iterable[str], style: str = "") -> RenderableType:
    lines = Table.grid(padding=(0, 1))
    for message in messages:
        lines.add_row("-", Text(message, overflow="fold", style=style))
    return lines
