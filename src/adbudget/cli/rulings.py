"""rollback, confirm, edit, mute: arguments -> one call of the ledger, printed. Decides nothing.

Like app.py, this module may look at the clock and knows the terminal. The limits that a rollback or
an edit must keep are those of the policy the run itself was made with, unless another is given.
"""

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adbudget.cli.asked import instant, open_existing, pairs_of, person
from adbudget.cli.entries import move_text, show_changes
from adbudget.cli.options import LEDGER_EXIT_CODES, Address, When, Who
from adbudget.cli.terminal import say
from adbudget.errors import InputError, LedgerError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adbudget.ledger import Ledger
    from adbudget.policy.rulebook import Policy

PolicyFile = Annotated[
    Path | None,
    typer.Option("--policy", metavar="FILE", help="Limits to keep; those of the run if not given."),
]
Reason = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why; it stays in the ledger.")
]
UnitName = Annotated[
    str, typer.Argument(metavar="UNIT", help="Campaign or deal, as pending shows it.")
]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (rollback, confirm, edit, mute, unmute):
        app.command(epilog=LEDGER_EXIT_CODES)(command)


def rollback(
    run: Annotated[str, typer.Argument(metavar="RUN_ID", help="The run whose changes to undo.")],
    ledger: Address,
    policy: PolicyFile = None,
    who: Who = None,
    at: When = None,
) -> None:
    """Take the budgets that a run changed back to what they were, within the policy's limits."""
    from adbudget.policy.rollback import rollback_review

    moment = instant(at, "--at")
    with open_existing(ledger) as opened:
        review = rollback_review(_policy(opened, run, policy), opened, moment)
        receipts = opened.rollback(run, who=person(who), at=moment, review=review)
        kept = opened.kept([one.key for one in receipts])
        proposals = [one.entry for one in kept.values() if one.entry.kind == "recommendation"]
        show_changes(opened, receipts)
    for entry in proposals:
        row = {name: getattr(entry, name) for name in ("currency", "old_minor", "new_minor")}
        told = f"{entry.unit} {move_text(row | {'digits': None})}"
        if entry.verdict == "needs_approval":
            say(f"Waits for approval: {told} (adbudget approve {entry.group_id}).")
        if entry.verdict == "blocked":
            say(f"Blocked: {told}; {entry.rationale}.")
    if any(entry.verdict == "blocked" for entry in proposals):
        say(
            "A blocked rollback changes nothing and cannot be overridden: give a --policy whose "
            "limits allow it, or set the budgets on the platform."
        )


def confirm(
    ledger: Address,
    changes: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ID]...", help="Numbers of changes (see: ledger changes), units, groups, runs."
        ),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every change that is not confirmed.")
    ] = False,
    budget: Annotated[
        str | None,
        typer.Option("--budget", metavar="AMOUNT", help="What the platform made of it instead."),
    ] = None,
    sent: Annotated[
        bool, typer.Option("--sent", help="Handed to the platform, not made yet.")
    ] = False,
    withdrawn: Annotated[bool, typer.Option("--withdrawn", help="It will never be made.")] = False,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="One sentence.")] = "",
    who: Who = None,
    at: When = None,
) -> None:
    """Say that changes were made on the platform; until then they are only ordered."""
    if sent and withdrawn:
        raise InputError("a change is either --sent or --withdrawn; give one of the two.")
    step = "sent" if sent else "withdrawn" if withdrawn else "confirmed"
    with open_existing(ledger) as opened:
        table = opened.open_changes()
        names = list(changes or ()) or (table["change"].tolist() if every else [])
        if not names and not every:
            raise InputError("name what to confirm (see: adbudget ledger changes), or say --all.")
        minor = None
        if budget is not None:
            minor = _minor(budget, _currency_of(table, names))
        receipts = opened.confirm(
            *names,
            who=person(who),
            at=instant(at, "--at"),
            step=step,
            budget_minor=minor,
            reason=reason,
        )
        for kept in opened.kept([one.key for one in receipts]).values():
            entry = kept.entry
            row = {name: getattr(entry, name) for name in ("currency", "old_minor", "new_minor")}
            say(
                f"{step.capitalize()}: {entry.unit} {move_text(row | {'digits': None})}".rstrip()
                + "."
            )
    if not receipts:
        say("Nothing is to be confirmed.")


def edit(
    item: Annotated[str, typer.Argument(metavar="ID", help="Number, key or group of what waits.")],
    ledger: Address,
    budget: Annotated[
        list[str],
        typer.Option("--budget", metavar="UNIT=AMOUNT", help="Another budget per day; repeatable."),
    ],
    reason: Reason,
    policy: PolicyFile = None,
    override: Annotated[
        str, typer.Option("--override", metavar="TEXT", help="Why a limit may be broken.")
    ] = "",
    who: Who = None,
    at: When = None,
) -> None:
    """Put other amounts in the place of those that wait; they wait for approval in turn."""
    from adbudget.policy.rollback import edit_check

    moment = instant(at, "--at")
    amounts = pairs_of(budget, "--budget", "UNIT=AMOUNT")
    with open_existing(ledger) as opened:
        pending = opened.pending(moment).to_dict("records")
        found = [
            row for row in pending if item in (row["item"], row["group_id"], str(row["sequence"]))
        ]
        if not found:
            raise LedgerError(f"nothing called {item!r} waits; see: adbudget ledger pending.")
        loaded = _policy(opened, str(found[0]["run_id"]), policy)
        receipts = opened.edit(
            item,
            {unit: _minor(amount, found[0]["currency"]) for unit, amount in amounts.items()},
            who=person(who),
            at=moment,
            reason=reason,
            check=edit_check(loaded, opened, moment),
            override=override,
        )
        kept = opened.kept([one.key for one in receipts if one.key.startswith("edit:")])
        for one in kept.values():
            row = {n: getattr(one.entry, n) for n in ("currency", "old_minor", "new_minor")}
            say(f"Waits for approval: {one.entry.unit} {move_text(row | {'digits': None})}.")
        last = next(reversed(kept.values()))
    say(f"Next: adbudget approve {last.entry.group_id or last.sequence}")


def mute(
    unit: UnitName,
    ledger: Address,
    reason: Reason,
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="INSTANT", help="Until then; for good if not given."),
    ] = None,
    who: Who = None,
    at: When = None,
) -> None:
    """Ask no moves of a campaign and tell no alerts of it, but critical ones, until some time."""
    end = None if until is None else instant(until, "--until")
    moment = instant(at, "--at")
    if end is not None and end <= moment:
        raise InputError(f"--until must be later than now, {moment:%Y-%m-%d %H:%M} UTC.")
    _set_muted(ledger, unit, True, until=end, who=person(who), at=moment, reason=reason)
    say(f"{unit} is muted{'' if end is None else f' until {end:%Y-%m-%d %H:%M %Z}'}.")


def unmute(
    unit: UnitName, ledger: Address, reason: Reason, who: Who = None, at: When = None
) -> None:
    """Let a campaign move and alert again."""
    moment = instant(at, "--at")
    _set_muted(ledger, unit, False, until=None, who=person(who), at=moment, reason=reason)
    say(f"{unit} is no longer muted.")


def _set_muted(
    ledger: str, unit: str, muted: bool, *, until: Any, who: str, at: Any, reason: str
) -> None:
    from adbudget.policy.refusals import mute_pair

    with open_existing(ledger) as opened:
        opened.check_person(who, unit=unit)
        key, entry = mute_pair(unit, muted, until=until, who=who, at=at, reason=reason)
        opened.append(entry, key=key)


def _policy(opened: "Ledger", run: str, file: Path | None) -> "Policy":
    """The policy of the file, or that of the run, which the ledger holds word for word."""
    from adbudget.policy.file import load_policy

    if file is not None:
        return load_policy(file)
    payload: Mapping[str, Any] = opened.logged_run(run).entry.payload
    return load_policy(payload["policy"])


def _currency_of(table: Any, names: list[str]) -> str:
    """Currency of the one change that is named."""
    for row in table.to_dict("records"):
        if set(names) & {row["change"], str(row["sequence"]), row["unit"], row["group_id"]}:
            return str(row["currency"])
    return ""


def _minor(amount: str, currency: str) -> int:
    """1,150.50 -> 115050 minor units."""
    from adbudget.money import digits_of

    try:
        minor = Decimal(amount.replace(",", "")).scaleb(digits_of(currency))
    except InvalidOperation:
        minor = Decimal("NaN")
    if not minor.is_finite() or minor < 0 or minor != minor.to_integral_value():
        raise InputError(
            f"--budget must be an amount such as 1150.50, no finer than the currency; "
            f"got {amount!r}."
        )
    return int(minor)
