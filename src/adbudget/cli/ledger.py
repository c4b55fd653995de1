"""approve, reject, kill, ledger ...: arguments -> one call of the ledger, printed. Decides nothing.

Like app.py, this module may look at the clock and knows the terminal. The ledger and its database
library are imported inside the commands. Moves of pacing are approved the way pacing does it.
"""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from adbudget.cli.asked import instant, open_existing, person, text_of
from adbudget.cli.entries import age, minute, move_text, show_changes, with_exact_instants
from adbudget.cli.options import LEDGER_EXIT_CODES, Address, Form, When, Who
from adbudget.cli.terminal import complain, print_json_lines, say, show_rows
from adbudget.errors import InputError, LedgerError
from adbudget.money import minor_text
from adbudget.plain_json import visible

if TYPE_CHECKING:
    import pandas as pd

    from adbudget.ledger import KillState, Ledger, Ruling

TAMPERED = 1
THEN = 'What was "auto" is what an entry said when it was written.'
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


def approve(
    ledger: Address,
    items: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ID]...", help="Numbers, keys or groups of what waits (see: ledger pending)."
        ),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Everything that waits; narrowed by the next two.")
    ] = False,
    run: Run = None,
    rule: Annotated[
        str | None, typer.Option("--rule", metavar="NAME", help="With --all: only of this rule.")
    ] = None,
    override: Annotated[
        str,
        typer.Option(
            "--override", metavar="TEXT", help="Why what has expired is approved all the same."
        ),
    ] = "",
    who: Who = None,
    at: When = None,
) -> None:
    """Approve what waits; its change is ordered once all that funds it is approved too."""
    from adbudget.pacing.moves.decided import approve_item

    person_name, moment = person(who), instant(at, "--at")
    with open_existing(ledger) as opened:
        names = list(items or ()) or (_waiting_names(opened, moment, run, rule) if every else [])
        if not names and not every:
            raise InputError("name what to approve (see: adbudget ledger pending), or say --all.")
        if not names:
            say("Nothing waits for approval.")
        refused = 0
        for name in names:
            try:
                ruling = approve_item(opened, name, who=person_name, at=moment, override=override)
            except LedgerError as error:
                if len(names) == 1:
                    raise
                refused += 1
                complain(str(error))
                continue
            _print_ruling(opened, ruling)
    if refused:
        raise typer.Exit(2)


def _waiting_names(opened: "Ledger", at: datetime, run: str | None, rule: str | None) -> list[str]:
    """Groups, and keys of what hangs on nothing, in the order in which they were proposed."""
    table = opened.pending(at)
    if run is not None:
        table = table.loc[table["run_id"] == run]
    if rule is not None:
        table = table.loc[table["rule"] == rule]
    return list(dict.fromkeys(row["group_id"] or row["item"] for row in table.to_dict("records")))


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
                say(f"The kill switch was {switch} already; nothing was written.")
        state = opened.kill_state()
    say(_told(state))


def _told(state: "KillState") -> str:
    """How the kill switch stands, in one sentence."""
    told = "on: no change is written" if state.on else "off: changes are written"
    since = "" if state.since is None else f", since {state.since:%Y-%m-%d %H:%M} UTC, {state.who}"
    return f"The kill switch is {told}{since}{f' ({state.reason})' if state.reason else ''}."


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
        say(f"Tampered: {found.problem}.")
        say(f"Entries 1-{found.n_entries:,} are sound.")
        raise typer.Exit(TAMPERED)
    say(f"All {found.n_entries:,} entries are sound. Head: {found.head.as_text()}")
    if exported is None:
        say("Entries missing at the end show only against an exported head: --head FILE.")


@ledger_app.command()
def head(ledger: Address) -> None:
    """Print the head; keep it elsewhere, and `verify --head` detects missing entries."""
    with open_existing(ledger) as opened:
        say(opened.head().as_text())


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
    """Print entries, oldest first, as they were written."""
    with open_existing(ledger) as opened:
        table = _filtered(opened, kind, unit, run, since, until, last=last or None)
        total, switch = opened.head().sequence, opened.kill_state()
    if form == "json":
        if switch.on:
            typer.echo(visible(f"{_told(switch)} {THEN}"), err=True)
        print_json_lines(with_exact_instants(table))
        return
    rows: Any = table.itertuples()
    show_rows(
        ("no", "at (UTC)", "kind", "unit", "budget", "verdict", "rule", "who", "rationale"),
        [
            (
                *(str(row.sequence), f"{row.at:%Y-%m-%d %H:%M}", row.kind, row.unit),
                *(_move(row), _verdict(row.verdict, switch), row.rule, row.who, row.rationale),
            )
            for row in rows
        ],
    )
    if switch.on:
        say(f"{_told(switch)} {THEN}")
    say(f"{len(table):,} of {total:,} entries.")


def _verdict(word: str, switch: "KillState") -> str:
    """What an entry said; while the kill switch is on, nothing is "auto" but has been."""
    return f"was {word}" if switch.on and word == "auto" else word


@ledger_app.command()
def pending(ledger: Address, at: When = None, form: Form = "table") -> None:
    """Print what waits for approval, since when and until when."""
    moment = instant(at, "--at")
    with open_existing(ledger) as opened:
        table = opened.pending(moment)
    if form == "json":
        print_json_lines(with_exact_instants(table))
        return
    rows: Any = list(table.itertuples())
    numbers = {row.item: str(row.sequence) for row in rows}
    titles = ("no", "since (UTC)", "age", "until (UTC)", "unit", "budget", "paid by", "rule")
    show_rows(
        (*titles, "group", "rationale"),
        [
            (
                *(
                    str(row.sequence),
                    minute(row.at),
                    age(moment - row.at),
                    minute(row.expires_at),
                ),
                *(row.unit, _move(row) or row.action),
                ", ".join(str(numbers.get(key, key)) for key in row.funded_by),
                *(row.rule, row.group_id, row.rationale),
            )
            for row in rows
        ],
    )
    say(f"{len(table):,} waiting." if len(table) else "Nothing waits for approval.")


@ledger_app.command()
def changes(ledger: Address, form: Form = "table") -> None:
    """Print the changes that are ordered and not confirmed: what is still to be made."""
    with open_existing(ledger) as opened:
        table = opened.open_changes()
    if form == "json":
        print_json_lines(with_exact_instants(table))
        return
    rows: Any = list(table.itertuples())
    show_rows(
        ("no", "ordered (UTC)", "sent (UTC)", "unit", "budget", "rule", "group"),
        [
            (
                *(str(row.sequence), minute(row.at), minute(row.sent_at), row.unit),
                *(_order(row), row.rule, row.group_id),
            )
            for row in rows
        ],
    )
    say(f"{len(table):,} to be confirmed." if len(table) else "Every change is confirmed.")


@ledger_app.command()
def expire(ledger: Address, who: Who = None, at: When = None) -> None:
    """Cancel what waits and no longer stands; runs do so by themselves."""
    with open_existing(ledger) as opened:
        gone = opened.lapse(who=person(who), at=instant(at, "--at"))
    for item, why in gone.items():
        say(f"Cancelled: {item}, because {why}.")
    say(f"{len(gone):,} cancelled.")


@ledger_app.command(
    epilog="CSV holds text that a spreadsheet takes for a formula with a ' before it; JSON lines "
    "hold every letter, and can be hashed again."
)
def export(
    ledger: Address,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="Where to: .csv, or .jsonl of JSON lines.")
    ],
    kind: Kind = None,
    unit: Unit = None,
    run: Run = None,
    since: Since = None,
    until: Until = None,
) -> None:
    """Write entries to a file for an auditor: all of them, or those that pass every filter."""
    from adbudget.tables.files import check_writable, write_lines, write_table

    as_lines = out.suffix == ".jsonl"
    check_writable(out.with_suffix(".json") if as_lines else out)
    with open_existing(ledger) as opened:
        table = _filtered(opened, kind, unit, run, since, until)
        head = opened.head()
    table = with_exact_instants(table)
    if as_lines:
        write_lines(table, out)
    else:
        write_table(table.assign(payload=table["payload"].map(_json_text)), out)
    say(f"Wrote {out}: {len(table):,} of {head.sequence:,} entries. Head: {head.as_text()}")


def _json_text(payload: Any) -> str:
    from adbudget.ledger import canonical_json

    return canonical_json(payload)


def _filtered(
    opened: "Ledger",
    kind: list[str] | None,
    unit: str | None,
    run: str | None,
    since: str | None,
    until: str | None,
    *,
    last: int | None = None,
) -> "pd.DataFrame":
    """Entries that pass what was asked on the command line."""
    return opened.entries(
        kind=kind or None,
        unit=unit,
        run_id=run,
        since=None if since is None else instant(since, "--since"),
        until=None if until is None else instant(until, "--until"),
        last=last,
    )


def _print_ruling(opened: "Ledger", ruling: "Ruling") -> None:
    new = any(receipt.status == "written" for receipt in ruling.receipts)
    what = ", ".join(ruling.items)
    say(f"{ruling.verdict.capitalize()}: {what}{'' if new else ' (already; nothing written)'}.")
    show_changes(opened, ruling.receipts)
    for item, funders in ruling.waiting_for.items():
        say(f"Waiting: {item} changes once {', '.join(funders)} is approved.")
    for item, why in ruling.cancelled.items():
        say(f"Cancelled: {item}, because {why}.")
    for item in ruling.idle:
        say(f"Note: the money of {item} has no taker left; approving it lowers the total.")


def _order(row: Any) -> str:
    """The change as an order; from which budget else, where the one before was not made yet."""
    if row.action == "pause":
        return "pause"
    others = [minor_text(start, row.currency, row.digits) for start in row.starts]
    return _move(row) + (f" (or from {', '.join(others)})" if others else "")


def _move(row: Any) -> str:
    return move_text(row._asdict())
