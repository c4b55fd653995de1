"""Panel -> what a terminal shows of it: size, accounts, notes."""

from collections.abc import Iterator

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from adbudget.money import amount, estimate_text
from adbudget.panel.panel import Panel
from adbudget.report.decision_columns import GAP
from adbudget.report.text import counted

LEAST_MISSED = ("last", "first", "channels", "periods")


def panel_report(panel: Panel, width: int) -> RenderableType:
    """Show what was read: one line on the whole, one row per account, every note."""
    return Group(Text(_size(panel)), Text(), _accounts(panel, width), Text(), *_notes(panel))


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
    columns = _columns(panel)
    left_out = []
    for title in LEAST_MISSED:
        if _width(columns) <= width:
            break
        left_out.append(title)
        del columns[title]
    table = Table.grid(padding=(0, GAP, 0, 0))
    for title, cells in columns.items():
        first = title == "account"
        wide = max(map(cell_len, (title, *cells)))
        table.add_column(
            justify="left" if first else "right",
            min_width=None if first else wide,  # only an account's name may break
            overflow="fold",
        )
    table.add_row(*(Text(title, style="bold") for title in columns))
    for row in zip(*columns.values(), strict=True):
        table.add_row(*map(Text, row))
    if not left_out:
        return table
    return Group(table, Text(f"Left out at {width} columns: {', '.join(left_out)}.", style="dim"))


def _columns(panel: Panel) -> dict[str, list[str]]:
    """Title -> one text per account."""
    rows = panel.summary().to_dict("records")
    return {
        "account": [str(row["account"]) for row in rows],
        "periods": [f"{row['periods']:,}" for row in rows],
        "first": [f"{row['first']:%Y-%m-%d}" for row in rows],
        "last": [f"{row['last']:%Y-%m-%d}" for row in rows],
        "channels": [str(row["channels"]) for row in rows],
        "spend": [estimate_text(row["spend"], row["currency"]) for row in rows],
        panel.outcome_name: [amount(row["outcome"]) for row in rows],
        "ROAS": [amount(row["roas"], 2) for row in rows],
    }


def _width(columns: dict[str, list[str]]) -> int:
    wide = [max(map(cell_len, (title, *cells))) for title, cells in columns.items()]
    return sum(wide) + GAP * (len(wide) - 1)


def _notes(panel: Panel) -> Iterator[RenderableType]:
    if not panel.notes:
        yield Text("No notes: nothing in the input stands out.")
        return
    yield Text(f"{counted(len(panel.notes), 'note')}:")
    lines = Table.grid(padding=(0, 1))
    for note in panel.notes:
        lines.add_row("-", Text(note.message, overflow="fold"))
    yield lines
