"""budgets, lock, unlock, override: arguments -> one call of pacing or the ledger, printed.

Decides nothing. Like app.py, this module may look at the clock and knows the terminal.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from adbudget.cli.asked import instant, open_existing, pairs_of, person
from adbudget.cli.options import LEDGER_EXIT_CODES, Address, When, Who
from adbudget.cli.pacing import NAMES
from adbudget.cli.terminal import print_json_lines, show_rows

if TYPE_CHECKING:
    from adbudget.pacing.booked.flight import FlightPlan

Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it stays for others.")]
Deal = Annotated[str, typer.Argument(metavar="DEAL", help="As pace calls it.")]
PlanFile = Annotated[
    Path | None,
    typer.Option("--plan", metavar="FILE", help="Plan of pace, for deals and bounds."),
]
Currency = Annotated[
    str | None, typer.Option("--currency", metavar="CODE", help="For plans that do not say.")
]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (budgets, lock, unlock, override):
        app.command(epilog=LEDGER_EXIT_CODES)(command)


def budgets(
    ledger: Address,
    plan: PlanFile = None,
    currency: Currency = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="INSTANT", help="Changes from then on; a date is UTC."),
    ] = None,
    by: Annotated[
        Literal["deal", "campaign"], typer.Option("--by", help="One row per deal, or campaign.")
    ] = "deal",
    changed: Annotated[bool, typer.Option("--changed", help="Only what has changed.")] = False,
    form: Annotated[
        Literal["table", "csv", "json"],
        typer.Option("--format", help="A table to read, CSV, or one JSON object per line."),
    ] = "table",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Also write a .csv, .json or .parquet file."),
    ] = None,
) -> None:
    """Print the budgets that now stand, and what has changed since a date."""
    from adbudget.pacing.standing_budgets import standing_budgets
    from adbudget.tables.files import check_writable, csv_text, write_table

    if out is not None:
        check_writable(out)
    with open_existing(ledger) as opened:
        frame = standing_budgets(
            opened,
            plan=_plan(plan, currency),
            since=None if since is None else instant(since, "--since"),
            level=by,
        )
    total = len(frame)
    if changed:
        frame = frame.loc[frame["n_changes"] > 0].reset_index(drop=True)
    if out is not None:
        write_table(frame, out)
    if form == "csv":
        print(csv_text(frame), end="")
    elif form == "json":
        print_json_lines(frame)
    else:
        rows: Any = frame.itertuples(index=False)
        show_rows(
            ("unit", "campaign", "budget", "per", "change", "last changed (UTC)", "by", "locked"),
            [_line(row) for row in rows],
        )
        print(f"{len(frame):,} of {total:,} budgets.")


def lock(deal: Deal, ledger: Address, reason: Reason, who: Who = None, at: When = None) -> None:
    """Keep the budget of a deal as it is, and reject what waits about it."""
    from adbudget.pacing.moves.locks import lock_deal

    with open_existing(ledger) as opened:
        receipts = lock_deal(opened, deal, who=person(who), at=instant(at, "--at"), reason=reason)
    rejected = len(receipts) - 1
    also = f"; {rejected} that waited about it rejected" if rejected else ""
    print(f"{deal} is locked{also}.")


def unlock(deal: Deal, ledger: Address, reason: Reason, who: Who = None, at: When = None) -> None:
    """Let the budget of a deal move again."""
    from adbudget.pacing.moves.locks import unlock_deal

    with open_existing(ledger) as opened:
        unlock_deal(opened, deal, who=person(who), at=instant(at, "--at"), reason=reason)
    print(f"{deal} may move again.")


def override(
    group: Annotated[
        str, typer.Argument(metavar="GROUP", help="Moves that wait, by their group or an entry.")
    ],
    budget: Annotated[
        list[str],
        typer.Argument(metavar="DEAL=BUDGET...", help="Budgets of whole flights, same total."),
    ],
    ledger: Address,
    plan: Annotated[
        Path, typer.Option("--plan", metavar="FILE", help="Plan of pace, for deals and bounds.")
    ],
    reason: Reason,
    currency: Currency = None,
    who: Who = None,
    at: When = None,
) -> None:
    """Put budgets of your own in the place of moves that wait."""
    from adbudget.money import parse_money
    from adbudget.pacing.moves.decided import override_moves

    read = _plan(plan, currency)
    assert read is not None
    pairs = pairs_of(budget, "DEAL=BUDGET", "DEAL=BUDGET")
    own = {deal: parse_money(text, f"the budget of {deal}").amount for deal, text in pairs.items()}
    with open_existing(ledger) as opened:
        ruling = override_moves(
            opened, group, own, read, who=person(who), at=instant(at, "--at"), reason=reason
        )
    changes = sum(receipt.key.startswith("change:") for receipt in ruling.receipts)
    print(f"{group} is overridden: {changes} budgets changed.")


def _plan(path: Path | None, currency: str | None) -> "FlightPlan | None":
    if path is None:
        return None
    from adbudget.pacing.booked.curves import even
    from adbudget.pacing.booked.plan_table import read_plan
    from adbudget.tables.files import read_table

    curves = {"traffic": even()}  # no budget depends on the curve
    return read_plan(read_table(path, NAMES), currency=currency, curves=curves)


def _line(row: Any) -> tuple[str, ...]:
    import pandas as pd

    from adbudget.money import exact_text

    when = "" if pd.isna(row.changed_at) else f"{row.changed_at:%Y-%m-%d %H:%M}"
    change = exact_text(row.change, signed=True) if row.change else ""
    return (
        *(row.unit, row.campaign, f"{exact_text(row.budget)} {row.currency}".strip(), row.period),
        *(change, when, row.changed_by, "locked" if row.locked else ""),
    )
