"""pace: arguments -> one call of the pacing engine, printed. Decides nothing.

Like app.py, this module may look at the clock, write the file it is asked for, and knows the
terminal. Heavy libraries are imported inside the command.
"""

from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from adbudget.cli.addresses import ledger_option
from adbudget.cli.options import (
    RUN_EXIT_CODES,
    NoColor,
    PageForm,
    ReportFile,
    alert_sinks,
    run_ledger,
)
from adbudget.cli.pages import check_page, write_page
from adbudget.cli.sinks import deliver, open_sinks
from adbudget.cli.terminal import say, say_json
from adbudget.pacing.delivery.thresholds import PaceThresholds
from adbudget.pacing.options import PaceOptions

if TYPE_CHECKING:
    from adbudget.pacing.booked.curves import Curve
    from adbudget.pacing.report import PacingReport
    from adbudget.pacing.requests.drafting import AskRules

NAMES = (  # read as text, even "007"
    *("deal", "campaign", "channel", "seller", "account", "order_id", "seller_account"),
)


def _help(record: type, option: str) -> str:
    """What the record of the options says of one of them."""
    return next(each.metadata["help"] for each in fields(record) if each.name == option)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        epilog="Examples:\n\n"
        "adbudget pace plan.csv delivery.csv\n\n"
        "adbudget pace plan.csv delivery.csv --as-of 2026-03-11 --ledger history.db\n\n"
        "adbudget pace plan.csv delivery.csv --report pacing.html\n\n" + RUN_EXIT_CODES
    )(pace)


def pace(
    plan: Annotated[
        Path, typer.Argument(metavar="PLAN", help="One row per deal: CSV, JSON or Parquet.")
    ],
    delivery: Annotated[
        Path, typer.Argument(metavar="DELIVERY", help="One row per deal and day, or hour.")
    ],
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            metavar="DATE",
            help="Instant to measure at; a date is its midnight, so 2026-03-11 is after March 10. "
            "Now if not given.",
        ),
    ] = None,
    ledger: Annotated[str | None, run_ledger("Remember earlier runs and log this one")] = None,
    policy: Annotated[
        Path | None,
        typer.Option("--policy", metavar="FILE", help=_help(PaceOptions, "policy")),
    ] = None,
    traffic: Annotated[
        Path | None,
        typer.Option(
            "--traffic",
            metavar="FILE",
            help=_help(PaceOptions, "curves"),
        ),
    ] = None,
    time_zone: Annotated[
        str, typer.Option("--time-zone", help=_help(PaceOptions, "time_zone"))
    ] = PaceOptions().time_zone,
    currency: Annotated[
        str | None,
        typer.Option("--currency", metavar="CODE", help=_help(PaceOptions, "currency")),
    ] = None,
    warning: Annotated[
        float, typer.Option("--warning", help=_help(PaceThresholds, "warning"))
    ] = PaceThresholds().warning,
    critical: Annotated[
        float, typer.Option("--critical", help=_help(PaceThresholds, "critical"))
    ] = PaceThresholds().critical,
    under_warning: Annotated[
        float | None,
        typer.Option("--under-warning", help=_help(PaceThresholds, "under_warning")),
    ] = None,
    under_critical: Annotated[
        float | None,
        typer.Option("--under-critical", help=_help(PaceThresholds, "under_critical")),
    ] = None,
    over_warning: Annotated[
        float | None,
        typer.Option("--over-warning", help=_help(PaceThresholds, "over_warning")),
    ] = None,
    over_critical: Annotated[
        float | None,
        typer.Option("--over-critical", help=_help(PaceThresholds, "over_critical")),
    ] = None,
    cumulative: Annotated[
        bool | None,
        typer.Option("--cumulative/--daily", help=_help(PaceOptions, "cumulative")),
    ] = None,
    send_minor: Annotated[
        bool,
        typer.Option(
            "--send-minor",
            help="Requests that move the end of a flight by up to 3 days need no approval.",
        ),
    ] = False,
    show: Annotated[
        Literal["off", "all", "none"],
        typer.Option("--show", help="Deals to print: those off pace, all, none."),
    ] = "off",
    form: PageForm = "table",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Also write the status of all deals."),
    ] = None,
    page: ReportFile = None,
    send: Annotated[list[str] | None, alert_sinks("new alerts")] = None,
    no_color: NoColor = False,
) -> None:
    """Hold delivery against plan: on pace or not, what is off, what to do."""
    from adbudget.pacing.engine import pace as run
    from adbudget.tables.files import check_writable, read_table, write_table

    if out is not None:
        check_writable(out)
    if page is not None:
        check_page(page)
    sinks = open_sinks(send)
    report = run(
        read_table(plan, NAMES),
        read_table(delivery, NAMES),
        as_of=as_of if as_of is not None else datetime.now(UTC).replace(microsecond=0),
        thresholds=PaceThresholds(
            warning=warning,
            critical=critical,
            under_warning=under_warning,
            under_critical=under_critical,
            over_warning=over_warning,
            over_critical=over_critical,
        ),
        cumulative=cumulative,
        ask_rules=_ask_rules(send_minor=send_minor),
        curves=_curves(traffic, time_zone),
        currency=currency,
        time_zone=time_zone,
        ledger=ledger,
        policy=_policy(policy),
    )
    _print(report, form=form, show=show, no_color=no_color)
    if out is not None:
        write_table(report.status, out)
        if form == "table":
            say(f"\nWrote {out}: {len(report.status):,} deals.")
    if page is not None:
        write_page(report, page, quiet=form != "table")
    if ledger is not None and form == "table":
        _next(report, ledger)
    deliver(report.raised, sinks, ledger=ledger, at=_instant_of(report))


def _instant_of(report: "PacingReport") -> datetime:
    """Instant of the run with a time zone, as the ledger holds it."""
    moment = report.as_of
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _curves(traffic: Path | None, time_zone: str) -> "dict[str, Curve] | None":
    if traffic is None:
        return None
    from adbudget.pacing.booked.traffic import learn_traffic
    from adbudget.tables.files import read_table

    return {"traffic": learn_traffic(read_table(traffic, NAMES), time_zone=time_zone)}


def _ask_rules(*, send_minor: bool) -> "AskRules | None":
    if not send_minor:
        return None
    from adbudget.pacing.requests.drafting import AskRules

    return AskRules(asks_a_person=("material", "critical"))


def _policy(path: Path | None) -> Any:
    if path is None:
        return None
    from adbudget.policy.file import load_policy

    return load_policy(path)


def _print(
    report: "PacingReport", *, form: str, show: Literal["off", "all", "none"], no_color: bool
) -> None:
    if form == "json":
        say_json(report.as_dict())
        return
    from adbudget.cli.terminal import show as show_page
    from adbudget.reporting.pacing import pacing_report

    show_page(lambda width: pacing_report(report, width=width, show=show), no_color=no_color)


def _next(report: "PacingReport", ledger: str) -> None:
    """What a person may do now about what waits."""
    waiting = report.moves.loc[report.moves["verdict"] == "needs_approval", "group_id"]
    groups = dict.fromkeys(name for name in waiting if name)
    if groups:
        say(f"\nNext: adbudget approve {next(iter(groups))}{ledger_option(ledger)}")
    if len(report.requests):
        say(f"\nNext: adbudget requests list{ledger_option(ledger)}")
