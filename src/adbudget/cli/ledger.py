"""approve, reject, ledger, kill: arguments -> one call of the ledger, printed. Decides nothing.

Like app.py, this module may look at the clock and knows the terminal. The ledger and its database
library are imported inside the commands. Moves of pacing are approved the way pacing does it.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from adbudget.cli.asked import instant, open_existing, person, text_of
from adbudget.cli.options import LEDGER_EXIT_CODES, Address, Form, When, Who
from adbudget.cli.terminal import print_json_lines, show_rows
from adbudget.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from adbudget.ledger import Ledger, Ruling

TAMPERED = 1
ItemName = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="Number or key of what waits (see: ledger pending), or its group."
    ),
]
Unit = Annotated[str | None, typer.Option("--unit", metavar="NAME", help="Only this campaign.")]
Kind = Annotated[
    list[str] | None, typer.Option("--kind", metavar="KIND", help="Only this kind; repeatable.")
]
Run = Annotated[str | None, typer.Option("--run", metavar="RUN_ID", help="Only this run.")]
Since = Annotated[
    str | None, typer.Option("--since", metavar="INSTANT", help="From then on; a date is UTC.")
]
Until = Annotated[
    str | None, typer.Option("--until", metavar="INSTANT", help="Before then; a date is UTC.")
]
ledger_app = typer.Typer(no_args_is_help=True, help="Look into the ledger, and check it.")


def register(app: typer.Typer) -> None:
    """Add the commands of the ledger to the command line."""
    app.command(epilog=LEDGER_EXIT_CODES)(approve)
    app.command(epilog=LEDGER_EXIT_CODES)(reject)
    app.command(epilog=LEDGER_EXIT_CODES)(kill)
    app.add_typer(ledger_app, name="ledger")


def approve(item: ItemName, ledger: Address, who: Who = None, at: When = None) -> None:
    """Approve what waits; its change is written once all that funds it is approved too."""
    from adbudget.pacing.moves.decided import approve_item

    with open_existing(ledger) as opened:
        ruling = approve_item(opened, item, who=person(who), at=instant(at, "--at"))
        _print_ruling(opened, ruling)


def reject(
    item: ItemName,
    ledger: Address,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.")],
    who: Who = None,
    at: When = None,
) -> None:
    """Reject what waits; raises that it was to fund are cancelled with it."""
    from adbudget.pacing.moves.decided import reject_item

    with open_existing(ledger) as opened:
        when = instant(at, "--at")
        ruling = reject_item(opened, item, who=person(who), at=when, reason=reason)
        _print_ruling(opened, ruling)


def kill(
    switch: Annotated[
        Literal["on", "off", "status"], typer.Argument(help="Stop changes, let them, or just ask.")
    ],
    ledger: Address,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="TEXT", help="Why; needed for on and off.")
    ] = None,
    who: Who = None,
    at: When = None,
) -> None:
    """Stop every budget change at once, or let changes through again."""
    if switch != "status" and not (reason or "").strip():
        raise InputError(f"kill {switch} needs --reason TEXT: it stays in the ledger for others.")
    with open_existing(ledger) as opened:
        if switch != "status":
            wanted = switch == "on"
            receipt = opened.set_kill(
                wanted, who=person(who), at=instant(at, "--at"), reason=str(reason)
            )
            if receipt.status == "replayed":
                print(f"The kill switch was {switch} already; nothing was written.")
        state = opened.kill_state()
    told = "on: no change is written" if state.on else "off: changes are written"
    since = "" if state.since is None else f", since {state.since:%Y-%m-%d %H:%M} UTC, {state.who}"
    print(f"The kill switch is {told}{since}{f' ({state.reason})' if state.reason else ''}.")


@ledger_app.command(
    epilog="Exit codes: 0 the ledger is sound, 1 it was tampered with, 2 it cannot be read."
)
def verify(
    ledger: Address,
    head: Annotated[
        Path | None,
        typer.Option("--head", metavar="FILE", help="What `ledger head` printed at some time."),
    ] = None,
) -> None:
    """Check every link of the chain; name the first entry that was tampered with."""
    from adbudget.ledger import Head

    exported = None if head is None else Head.from_text(text_of(head))
    with open_existing(ledger) as opened:
        found = opened.verify(exported)
    if not found.ok:
        print(f"Tampered: {found.problem}.\nEntries 1-{found.n_entries:,} are sound.")
        raise typer.Exit(TAMPERED)
    print(f"All {found.n_entries:,} entries are sound. Head: {found.head.as_text()}")
    if exported is None:
        print("Entries missing at the end show only against an exported head: --head FILE.")


@ledger_app.command()
def head(ledger: Address) -> None:
    """Print the head; keep it elsewhere, and `verify --head` detects missing entries."""
    with open_existing(ledger) as opened:
        print(opened.head().as_text())


@ledger_app.command()
def show(
    ledger: Address,
    kind: Kind = None,
    unit: Unit = None,
    run: Run = None,
    since: Since = None,
    until: Until = None,
    last: Annotated[
        int, typer.Option("--last", metavar="N", help="How many of the newest; 0 for all.")
    ] = 20,
    form: Form = "table",
) -> None:
    """Print entries, oldest first."""
    with open_existing(ledger) as opened:
        table = opened.entries(
            kind=kind or None,
            unit=unit,
            run_id=run,
            since=None if since is None else instant(since, "--since"),
            until=None if until is None else instant(until, "--until"),
            last=last or None,
        )
        total = opened.head().sequence
    if form == "json":
        print_json_lines(_with_exact_instants(table))
        return
    rows: Any = table.itertuples()
    show_rows(
        ("no", "at (UTC)", "kind", "unit", "budget", "verdict", "rule", "who", "rationale"),
        [
            (
                *(str(row.sequence), f"{row.at:%Y-%m-%d %H:%M}", row.kind, row.unit),
                *(_move(row), row.verdict, row.rule, row.who, row.rationale),
            )
            for row in rows
        ],
    )
    print(f"{len(table):,} of {total:,} entries.")


@ledger_app.command()
def pending(ledger: Address, form: Form = "table") -> None:
    """Print what waits for approval."""
    with open_existing(ledger) as opened:
        table = opened.pending()
    if form == "json":
        print_json_lines(_with_exact_instants(table))
        return
    rows: Any = list(table.itertuples())
    numbers = {row.item: str(row.sequence) for row in rows}
    show_rows(
        ("no", "unit", "budget", "paid by", "rule", "group", "rationale"),
        [
            (
                *(str(row.sequence), row.unit, _move(row)),
                ", ".join(str(numbers.get(key, key)) for key in row.funded_by),
                *(row.rule, row.group_id, row.rationale),
            )
            for row in rows
        ],
    )
    print(f"{len(table):,} waiting." if len(table) else "Nothing waits for approval.")


def _print_ruling(opened: "Ledger", ruling: "Ruling") -> None:
    new = any(receipt.status == "written" for receipt in ruling.receipts)
    what = ", ".join(ruling.items)
    print(f"{ruling.verdict.capitalize()}: {what}{'' if new else ' (already; nothing written)'}.")
    written = {receipt.key for receipt in ruling.receipts if receipt.status == "written"}
    if ruling.applied:
        rows: Any = opened.entries(kind="change", last=len(ruling.applied)).itertuples()
        for row in (row for row in rows if row.key in written):
            print(f"Changed: {row.unit} {_move(row)}.")
    for item, funders in ruling.waiting_for.items():
        print(f"Waiting: {item} changes once {', '.join(funders)} is approved.")
    for item, why in ruling.cancelled.items():
        print(f"Cancelled: {item}, because {why}.")
    for item in ruling.idle:
        print(f"Note: the money of {item} has no taker left; approving it lowers the total.")


def _move(row: Any) -> str:
    """2,000.00 -> 2,300.00 EUR."""
    import pandas as pd

    from adbudget.money import minor_text

    amounts = [value for value in (row.old_minor, row.new_minor) if not pd.isna(value)]
    shown = " -> ".join(minor_text(int(value), row.currency, row.digits) for value in amounts)
    return f"{shown} {row.currency}".strip()


def _with_exact_instants(table: "pd.DataFrame") -> "pd.DataFrame":
    """Instants as the ledger holds them: text of fixed width."""
    from adbudget.ledger.entry import at_text

    return table.assign(at=table["at"].map(at_text))
