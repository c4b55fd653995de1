"""rules, ledger metrics: arguments -> one call of the policy engine, printed. Decides nothing.

Like app.py, this module may look at the clock, write the file it is asked for, and knows the
terminal. Heavy libraries are imported inside the commands.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from adbudget.cli.addresses import LEDGER, ledger_option
from adbudget.cli.asked import open_existing, pairs_of, person
from adbudget.cli.options import (
    RUN_EXIT_CODES,
    NoColor,
    OutFile,
    PageForm,
    Who,
    alert_sinks,
    run_ledger,
)
from adbudget.cli.sinks import deliver, open_sinks
from adbudget.cli.terminal import say, say_json
from adbudget.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from adbudget.policy.plan import PolicyPlan
    from adbudget.policy.rulebook import Policy

PolicyFile = Annotated[
    str, typer.Argument(metavar="POLICY", help="Policy file: .yaml, .yml or .json.")
]
Campaigns = Annotated[
    Path | None,
    typer.Argument(
        metavar="[CAMPAIGNS]",
        help="One row per campaign: CSV, JSON or Parquet; not if the policy lists them.",
    ),
]


def register(app: typer.Typer, ledger_app: typer.Typer) -> None:
    """Add the commands of the policy engine to the command line."""
    app.command(
        epilog="Examples:\n\n"
        "adbudget rules policy.yaml campaigns.csv\n\n"
        "adbudget rules policy_with_campaigns.yaml\n\n"
        "adbudget rules policy.yaml campaigns.csv --history daily.csv --ledger history.db\n\n"
        + RUN_EXIT_CODES
    )(rules)
    ledger_app.command()(metrics)


def rules(
    policy: PolicyFile,
    campaigns: Campaigns = None,
    history: Annotated[
        Path | None, typer.Option("--history", metavar="FILE", help="The same by date.")
    ] = None,
    targets: Annotated[
        Path | None,
        typer.Option(
            "--targets",
            metavar="FILE",
            help="Budgets that a plan asks for: campaign_id, target_budget, and what it knows.",
        ),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--columns",
            metavar="NAME=COLUMN",
            help="What a column is called in the files, as in campaign_id=Campaign; repeatable.",
        ),
    ] = None,
    ledger: Annotated[str | None, run_ledger("Log the run, and be bound by the day so far")] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            metavar="DATE",
            help="Moment of the decision, 2026-03-01 or with a time; now.",
        ),
    ] = None,
    show: Annotated[
        Literal["moves", "all", "none"],
        typer.Option("--show", help="Campaigns to print: those with something to say, all, none."),
    ] = "moves",
    form: PageForm = "table",
    out: OutFile = None,
    account: Annotated[
        str,
        typer.Option("--account", metavar="NAME", help="Whose campaigns; a column may say it."),
    ] = "",
    platform: Annotated[
        str,
        typer.Option("--platform", metavar="NAME", help="Where they run; a column may say it."),
    ] = "",
    who: Who = None,
    send: Annotated[list[str] | None, alert_sinks("the alerts")] = None,
    no_color: NoColor = False,
) -> None:
    """Carry a team's own rules out on a campaign table: a safe, explained plan."""
    from adbudget.policy.apply import apply_policy
    from adbudget.policy.file import load_policy
    from adbudget.tables.files import check_writable, read_table, write_table

    if out is not None:
        check_writable(out)
    sinks = open_sinks(send)
    loaded = load_policy(policy)
    called = pairs_of(columns or [], "--columns", "NAME=COLUMN")
    names = tuple(called.get(name, name) for name in ("campaign_id", "account", "platform"))
    plan = apply_policy(
        loaded,
        None if campaigns is None else read_table(campaigns, names),
        history=None if history is None else read_table(history, names),
        targets=None if targets is None else read_table(targets, names),
        columns=called,
        ledger=ledger,
        as_of=_moment(as_of, loaded),
        account=account,
        platform=platform,
        who=person(who),
    )
    _print_plan(plan, form=form, show=show, no_color=no_color)
    if out is not None:
        write_table(plan.table(), out)
        if form == "table":
            say(f"\nWrote {out}: {len(plan.calls):,} recommendations.")
    groups = sorted({call.group_id for call in plan.calls if call.group_id})
    if ledger is not None and form == "table" and groups:
        say(f"\nNext: adbudget approve {groups[0]}{ledger_option(ledger)}")
    deliver(plan.alerts, sinks, ledger=ledger, at=plan.at)


def metrics(
    ledger: Annotated[
        str,
        typer.Option("--ledger", metavar="URL", envvar="ADBUDGET_LEDGER", help="The ledger."),
    ],
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="INSTANT", help="As 2026-03-01T09:00+01:00; now."),
    ] = None,
    form: Annotated[
        Literal["table", "json"], typer.Option("--format", help="Lines to read, or JSON.")
    ] = "table",
) -> None:
    """Print the five figures that teams watch, of all accounts and of each."""
    from adbudget.ledger import open_ledger
    from adbudget.policy.run_figures import watch, watch_accounts
    from adbudget.reporting.policy import watch_lines

    moment = datetime.now(UTC) if at is None else _instant(at)
    with open_ledger(ledger, create=False) as opened:
        figures, by_account = watch(opened, moment), watch_accounts(opened, moment)
    several = by_account if len(by_account) > 1 else {}
    if form == "json":
        say(json.dumps(figures | ({"accounts": several} if several else {})))
        return
    for name, value in watch_lines(figures):
        say(f"{name:<28}{value}")
    for account, own in several.items():
        say(f"\n{account or 'campaigns of no account'}")
        for name, value in watch_lines(own):
            say(f"{name:<28}{value}")


def stopped_by_switch(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Decisions with verdicts, all of them blocked while the kill switch of the ledger is on.

    Parameters
    ----------
    frame : from :func:`adbudget.recommend` with a policy; the ledger is that of the environment
    """
    import os

    address = os.environ.get(LEDGER)
    if not address:
        return frame
    with open_existing(address) as opened:
        state = opened.kill_state()
    if not state.on:
        return frame
    say(f"The kill switch is on since {state.since:%Y-%m-%d %H:%M} UTC: nothing may be changed.")
    return frame.assign(verdict="blocked")


def _moment(text: str | None, policy: "Policy") -> Any:
    """What was written, or now, in the time zone of the policy."""
    if text is not None:
        return text
    from zoneinfo import ZoneInfo

    return datetime.now(ZoneInfo(policy.timezone)).replace(microsecond=0)


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as cause:
        raise InputError(f"--at must be a moment such as 2026-03-01; got {text!r}.") from cause
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _print_plan(
    plan: "PolicyPlan", *, form: str, show: Literal["moves", "all", "none"], no_color: bool
) -> None:
    if form == "json":
        say_json(plan.as_dict())
        return
    from adbudget.cli.terminal import show as show_page
    from adbudget.reporting.policy import policy_report

    show_page(lambda width: policy_report(plan, width=width, show=show), no_color=no_color)
