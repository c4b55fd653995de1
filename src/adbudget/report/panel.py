"""Panel -> what a terminal shows of it: size, accounts, notes. Knows nothing of decisions."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from adbudget.panel import Panel
from adbudget.report.text import amount, counted, money


def panel_report(panel: Panel) -> RenderableType:
    """Show what was read: one line on the whole, one row per account, every note."""
    return Group(Text(_size(panel)), Text(), _accounts(panel), Text(), *_notes(panel))


def _size(panel: Panel) -> str:
    channels = ", ".join(panel.channels)
    controls = f"; controls {', '.join(panel.controls)}" if panel.controls else ""
    return (
        f"{panel.period.capitalize()} {panel.outcome_name}, "
        f"{panel.dates[0]} to {panel.dates[-1]}: {counted(panel.n_accounts, 'account')}, "
        f"{counted(panel.n_periods, 'period')}, "
        f"{counted(panel.n_channels, 'channel')} ({channels}){controls}."
    )


def _accounts(panel: Panel) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("account", overflow="fold")
    for title in ("periods", "first", "last", "channels", "spend", panel.outcome_name, "ROAS"):
        table.add_column(title, justify="right", no_wrap=True)
    for row in panel.summary().to_dict("records"):
        cells = (
            str(row["account"]),
            f"{row['periods']:,}",
            f"{row['first']:%Y-%m-%d}",
            f"{row['last']:%Y-%m-%d}",
            str(row["channels"]),
            money(row["spend"], row["currency"]),
            amount(row["outcome"]),
            amount(row["roas"], 2),
        )
        table.add_row(*map(Text, cells))
    return table


def _notes(panel: Panel) -> Iterator[RenderableType]:
    if not panel.notes:
        yield Text("No notes: nothing in the input stands out.")
        return
    yield Text(f"{counted(len(panel.notes), 'note')}:")
    lines = Table.grid(padding=(0, 1))
    for note in panel.notes:
        lines.add_row("-", Text(note.message, overflow="fold"))
    yield lines
