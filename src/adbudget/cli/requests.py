"""requests list, send, record, sellers: arguments -> one call of pacing.requests, printed.

Decides nothing. Like app.py, this module may look at the clock and knows the terminal. The keys
of sellers come from the environment only, never from the command line, which others can see.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from adbudget.cli.asked import instant, open_existing, pair_of, pairs_of, person, today
from adbudget.cli.options import LEDGER_EXIT_CODES, Address, Form, When, Who
from adbudget.cli.terminal import print_json_lines, say, show_rows
from adbudget.errors import InputError
from adbudget.plain_json import visible, without_secrets

if TYPE_CHECKING:
    from adbudget.pacing.requests import SellerGateway, SellerRequest

UNHEARD = 1
TOKEN = "ADBUDGET_SELLER_TOKEN"
WHOLE = ("impressions", "daily_impressions")
DATES = ("flight_start", "flight_end")

Seller = Annotated[str | None, typer.Option("--seller", metavar="NAME", help="Only this seller.")]

requests_app = typer.Typer(
    no_args_is_help=True, help="Ask sellers for changes, and keep track of their answers."
)


def register(app: typer.Typer) -> None:
    """Add the commands about seller requests to the command line."""
    app.add_typer(requests_app, name="requests")


@requests_app.command("list", epilog=LEDGER_EXIT_CODES)
def list_requests(
    ledger: Address,
    state: Annotated[
        list[str] | None,
        typer.Option("--state", metavar="STATE", help="Only in this state; repeatable."),
    ] = None,
    seller: Seller = None,
    every: Annotated[bool, typer.Option("--all", help="Settled ones too.")] = False,
    form: Form = "table",
) -> None:
    """Print requests and how they stand."""
    from adbudget.pacing.requests import read_requests, requests_frame
    from adbudget.pacing.requests.states import AGREED, OPEN, check_state

    wanted = tuple(check_state(name) for name in state or ())
    with open_existing(ledger) as opened:
        requests = read_requests(opened)
    shown = [
        request
        for request in requests
        if (not wanted or request.state in wanted)
        and (wanted or every or request.state in (*OPEN, AGREED[0]))
        and seller in (None, request.ask.seller)
    ]
    if form == "json":
        print_json_lines(requests_frame(shown))
        return
    show_rows(
        ("request", "deal", "seller", "changes", "severity", "state", "answer by (UTC)", "note"),
        [_line(request) for request in shown],
    )
    say(f"{len(shown):,} of {len(requests):,} requests.")


@requests_app.command(
    epilog="Exit codes: 0 all is well, 1 a seller could not be asked or heard, or refused a "
    "request as it is written, 2 the input or the ledger cannot be used."
)
def send(
    ledger: Address,
    request: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ID]...", help="Only these requests; all that may be sent if none."
        ),
    ] = None,
    to: Annotated[
        list[str] | None,
        typer.Option(
            "--to",
            metavar="SELLER=URL",
            help="Seller agent that takes change requests over HTTP, adcp:URL for one that speaks "
            "AdCP, or outbox:DIR; repeatable. "
            f"Its key is {TOKEN}_SELLER in the environment.",
        ),
    ] = None,
    outbox: Annotated[
        Path, typer.Option("--outbox", metavar="DIR", help="Folder for all other sellers.")
    ] = Path("outbox"),
    who: Who = None,
    at: When = None,
) -> None:
    """Send drafts that may be sent; ask after the others; give up on what is overdue."""
    from adbudget.pacing.requests import FileOutbox, send_requests

    gateways = _gateways(to or [])
    with open_existing(ledger) as opened:
        results = send_requests(
            opened,
            gateways,
            at=instant(at, "--at"),
            who=person(who),
            names=request or (),
            default=FileOutbox(folder=outbox),
        )
    show_rows(
        ("request", "deal", "seller", "state", "told"),
        [
            (
                *(one.request.request_id, one.request.ask.deal, one.request.ask.seller),
                *(one.request.state, one.told),
            )
            for one in results
        ],
    )
    unheard = sum(one.error for one in results)
    say(f"{len(results):,} requests{f', {unheard:,} with trouble' if unheard else ''}.")
    if unheard:
        raise typer.Exit(UNHEARD)


@requests_app.command(epilog=LEDGER_EXIT_CODES)
def record(
    request: Annotated[str, typer.Argument(metavar="ID", help="Ours, or the seller's.")],
    state: Annotated[
        str,
        typer.Argument(
            metavar="STATE",
            help="pending, validating, pending_approval, countered, approved, applied, rejected "
            "or failed. Approving what is countered accepts the offer.",
        ),
    ],
    ledger: Address,
    offer: Annotated[
        list[str] | None,
        typer.Option("--offer", metavar="FIELD=VALUE", help="What the seller offers instead."),
    ] = None,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="What was said.")] = "",
    ref: Annotated[
        str, typer.Option("--ref", metavar="NAME", help="The seller's name of it.")
    ] = "",
    by: Annotated[
        Literal["seller", "us"] | None,
        typer.Option(
            "--by", help="Whose word it is; ours on an offer or a draft, else the seller's."
        ),
    ] = None,
    who: Who = None,
    at: When = None,
) -> None:
    """Write down what a seller answered, or what we answer to its offer."""
    from adbudget.pacing.requests import Step, find_request, read_requests, record as write
    from adbudget.pacing.requests.states import OURS, check_state

    counter = _offer(offer or [])
    wanted = check_state(state)
    if wanted in OURS:
        raise InputError(
            f"{wanted} is not for a person to record; deadlines are kept by `send`, and drafts by "
            "`pace`. To take a draft back, record it as rejected."
        )
    if (wanted == "countered") != bool(counter):
        raise InputError(
            "--offer FIELD=VALUE goes with countered, and countered with at least one --offer."
        )
    with open_existing(ledger) as opened:
        found = find_request(read_requests(opened), request)
        ours_to_say = found.state == "countered" or (found.state, wanted) == ("draft", "rejected")
        ours = by == "us" or (by is None and ours_to_say and not counter)
        step = Step(
            state=wanted,
            at=instant(at, "--at"),
            by_seller=not ours,
            sends=(found.state, wanted) == ("draft", "pending"),
            received=wanted != "rejected" or not ours,
            seller_ref=ref,
            counter=counter,
            note=note,
        )
        if found.state == "draft" and found.approval == "waiting":
            raise InputError(
                f"request {found.request_id} waits for approval, so nobody can have sent it: "
                f"adbudget approve request:{found.request_id}"
            )
        later = write(opened, found, step, who=person(who))
    if later is found:
        say(f"{later.request_id} is {later.state} already; nothing was written.")
        return
    say(f"{later.request_id}: {found.state} -> {later.state}.")
    _print_consequence(later)


@requests_app.command(
    epilog="Exit codes: 0 all is well, 1 a seller could not be asked, 2 the input cannot be used."
)
def delivery(
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="One row per deal, with order_id.")],
    source: Annotated[
        list[str],
        typer.Option(
            "--from",
            metavar="SELLER=adcp:URL",
            help=f"AdCP agent of a seller; repeatable. Its key is {TOKEN}_SELLER.",
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="A .csv, .json or .parquet file for pace.")
    ],
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="DATE", help="First day not asked for; today if not given"),
    ] = None,
    settled_days: Annotated[
        int, typer.Option("--settled-days", help="Latest days that may still change, 2.")
    ] = 2,
    currency: Annotated[
        str | None, typer.Option("--currency", metavar="CODE", help="For plans that do not say.")
    ] = None,
) -> None:
    """Ask sellers for the delivery of a plan's deals, and write it as a table for pace."""
    import os
    from datetime import date

    import pandas as pd

    from adbudget.cli.pacing import NAMES
    from adbudget.errors import SellerError
    from adbudget.pacing.booked.curves import even
    from adbudget.pacing.booked.plan_table import read_plan
    from adbudget.pacing.requests import McpServer, adcp_delivery
    from adbudget.tables.files import check_writable, read_table, write_table

    check_writable(out)
    try:
        last = date.fromisoformat(today() if until is None else until)
    except ValueError as cause:
        raise InputError(f"--until must be a date such as 2026-03-11; got {until!r}.") from cause
    booked = read_plan(read_table(plan, NAMES), currency=currency, curves={"traffic": even()})
    parts, failed = [], False
    for seller, address in pairs_of(source, "--from", "SELLER=adcp:URL").items():
        kind, _, url = address.partition(":")
        if kind != "adcp":
            raise InputError(
                f"--from must be written SELLER=adcp:URL; what {seller} is given begins otherwise."
            )
        server = McpServer(url=url, token=os.environ.get(token_name(seller)))
        try:
            part = adcp_delivery(
                server, booked, until=last, sellers=[seller], settled_days=settled_days
            )
        except SellerError as error:
            typer.echo(visible(without_secrets(f"{seller}: {error}")), err=True)
            failed = True
            continue
        parts.append(part)
        print(f"{seller}: {part['deal'].nunique():,} deals, {len(part):,} days.")
    if parts:
        write_table(pd.concat(parts, ignore_index=True), out)
    if failed:
        raise typer.Exit(UNHEARD)


@requests_app.command(epilog=LEDGER_EXIT_CODES)
def sellers(ledger: Address, at: When = None, form: Form = "table") -> None:
    """Print how each seller has answered, and what to expect of the next request."""
    from adbudget.pacing.requests import expect, read_requests

    with open_existing(ledger) as opened:
        frame = expect(read_requests(opened), at=instant(at, "--at")).as_frame()
    if form == "json":
        print_json_lines(frame)
        return
    rows: Any = frame.itertuples(index=False)
    show_rows(
        tuple(name.replace("_", " ") for name in frame.columns),
        [
            tuple(f"{value:.2f}" if isinstance(value, float) else str(value) for value in row)
            for row in rows
        ],
    )
    say(f"{len(frame):,} sellers.")


def _gateways(pairs: list[str]) -> "dict[str, SellerGateway]":
    """Seller -> its agent. Each has its own key: none is sent to another seller."""
    import os

    import numpy as np

    from adbudget.pacing.requests import open_gateway

    rng = np.random.default_rng(int.from_bytes(os.urandom(8)))  # only spreads waits
    gateways: dict[str, SellerGateway] = {}
    for seller, url in pairs_of(pairs, "--to", "SELLER=URL").items():
        token = os.environ.get(token_name(seller))
        gateways[seller] = open_gateway(url, rng=rng, token=token)
    return gateways


def token_name(seller: str) -> str:
    """Environment variable of a seller's key: ADBUDGET_SELLER_TOKEN_AD_HOUSE for "Ad House"."""
    import re

    return f"{TOKEN}_{re.sub(r'[^A-Z0-9]+', '_', seller.upper()).strip('_')}"


def _offer(pairs: list[str]) -> tuple[Any, ...]:
    """["impressions=900000"] -> what the seller offers, in the types of our own requests."""
    from datetime import date

    from adbudget.pacing.requests import Diff

    offers = []
    for pair in pairs:
        field, value = pair_of(pair, "--offer", "FIELD=VALUE")
        if field in WHOLE and not value.isdecimal():
            raise InputError(f"--offer {field} must be a whole number; got {value!r}.")
        if field in DATES:
            try:
                date.fromisoformat(value)
            except ValueError as cause:
                raise InputError(
                    f"--offer {field} must be a date such as 2026-04-30; got {value!r}."
                ) from cause
        offers.append(
            Diff(field=field, old_value=None, new_value=int(value) if field in WHOLE else value)
        )
    return tuple(offers)


def _print_consequence(request: "SellerRequest") -> None:
    from adbudget.pacing.requests.requests_frame import changes_text

    if request.agreed:
        say(f"Agreed, and part of the projection from now on: {changes_text(request.agreed)}.")
    elif request.state == "countered":
        say(
            f"Offered: {changes_text(request.counter)}. No projection uses it until it is accepted:"
            f" adbudget requests record {request.request_id} approved."
        )
    elif request.first_answer and request.state in ("rejected", "failed"):
        say(f"Fallback: {request.ask.fallback.text}")


def _line(request: "SellerRequest") -> tuple[str, ...]:
    from adbudget.pacing.requests.requests_frame import changes_text

    ask = request.ask
    state = request.state
    if state == "draft" and request.approval == "waiting":
        state = "draft, waits for approval"
    return (
        *(request.request_id, ask.deal, ask.seller, changes_text(request.counter or ask.diffs)),
        *(ask.severity, state, f"{request.deadline:%Y-%m-%d %H:%M}", request.note),
    )
