"""Plan + delivery -> PacingReport: measured, judged, and what to do. All of pacing in one call.

With a ledger a run knows the runs before it, is logged, and is answered the same when it is made
again; without one it is a measurement on paper. Nothing is sent to any platform or seller.
"""

from collections.abc import Collection, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adbudget.errors import InputError
from adbudget.ledger.runs import log_run
from adbudget.pacing.booked.clock import as_instant
from adbudget.pacing.booked.plan_table import read_plan
from adbudget.pacing.cycle import Cycle, CycleResult, run_cycle
from adbudget.pacing.delivery.delivery_table import read_delivery
from adbudget.pacing.delivery.earlier_runs import RUN, EarlierRuns, read_earlier
from adbudget.pacing.delivery.measure_entries import WHO, Pair
from adbudget.pacing.delivery.scopes import in_scope
from adbudget.pacing.delivery.status import SEVERITIES, STATES
from adbudget.pacing.delivery.thresholds import PaceThresholds
from adbudget.pacing.options import PaceOptions
from adbudget.pacing.report import PacingReport
from adbudget.pacing.run_id import run_id_of

if TYPE_CHECKING:
    from adbudget.ledger.store import Ledger
    from adbudget.pacing.booked.curves import Curve
    from adbudget.pacing.daily.daily_budgets import DailyRules
    from adbudget.pacing.moves.move_rules import MoveRules
    from adbudget.pacing.requests.drafting import AskRules
    from adbudget.policy.rulebook import Policy


def pace(
    plan: Any,
    delivery: Any,
    *,
    as_of: date | datetime | str,
    thresholds: PaceThresholds | None = None,
    curves: "Mapping[str, Curve] | None" = None,
    currency: str | None = None,
    time_zone: str = "UTC",
    cumulative: bool | None = None,
    ledger: "Ledger | str | Path | None" = None,
    policy: "Policy | None" = None,
    earlier: Any = None,
    locked: Collection[str] = (),
    move_rules: "MoveRules | None" = None,
    ask_rules: "AskRules | None" = None,
    daily_rules: "DailyRules | None" = None,
    orders: Mapping[str, str] | None = None,
    marginal: object | None = None,
    seed: int = 0,
) -> PacingReport:
    """Say of every booked deal whether it is on pace, what is off, and what to do.

    Parameters
    ----------
    plan : one row per deal; see :func:`adbudget.pacing.booked.plan_table.read_plan`
    delivery : one row per deal and day (or hour), of the whole flight so far; see
        :func:`adbudget.pacing.delivery.delivery_table.read_delivery`
    as_of : the instant to measure at: delivery before it is known. A date is the midnight at
        which it begins, so after day 10 of March it is March 11. Without a time zone it is that
        wall time in the zone of each account
    thresholds : how far off is too far; 10% warning, 25% critical unless set
    curves : name -> curve, for the plan's column ``curve``; see
        :mod:`adbudget.pacing.booked.curves`
    currency, time_zone : for plans without these columns
    cumulative : whether figures of the delivery are running totals of the flight; None finds out,
        and says so in a note
    ledger : from :func:`adbudget.open_ledger`, or its address. Earlier standings, corrections,
        alerts, decisions and requests come from it, and the run is written to it: again with the
        same tables, instant and settings, nothing new is written and the same report comes back
    policy : guards the moves: its daily limit, approval limit and currency
    earlier : ``status`` of the report before, for hysteresis without a ledger
    locked : deals whose budget must not move, besides those the plan locks
    move_rules, marginal, seed : of :func:`adbudget.pacing.moves.reallocation.propose_moves`
    ask_rules, orders : of :func:`adbudget.pacing.requests.drafting.draft_requests`
    daily_rules : of :func:`adbudget.pacing.daily.daily_budgets.daily_budgets`

    Returns
    -------
    PacingReport

    Raises
    ------
    InputError : a table cannot be used; names the rows
    PolicyError : the policy is in another currency than the plan
    LedgerError : the ledger cannot be read or written

    Examples
    --------
    >>> report = ab.pace(booked, delivered, as_of="2026-03-11")
    >>> report.status[["deal", "state", "severity"]].to_dict("records")
    [{'deal': 'ctv-prime', 'state': 'under', 'severity': 'warning'}]
    """
    options = PaceOptions(
        thresholds=PaceThresholds() if thresholds is None else thresholds,
        curves=curves,
        currency=currency,
        time_zone=time_zone,
        cumulative=cumulative,
        policy=policy,
        earlier=earlier,
        locked=locked,
        move_rules=move_rules,
        ask_rules=ask_rules,
        daily_rules=daily_rules,
        orders=orders,
        marginal=marginal,
        seed=seed,
    )
    cycle = _read(plan, delivery, as_instant(as_of), options)
    if ledger is None:
        return run_cycle(cycle, EarlierRuns(standing=_standing_of(earlier))).report
    if earlier is not None:
        raise InputError("earlier comes from the ledger; leave it out when a ledger is given.")
    with ExitStack() as stack:
        if isinstance(ledger, str | Path):
            from adbudget.ledger.store import open_ledger

            ledger = stack.enter_context(open_ledger(ledger))
        return _logged(cycle, ledger)


def _read(plan: Any, delivery: Any, moment: datetime, options: PaceOptions) -> Cycle:
    booked = read_plan(
        plan,
        curves=options.curves,
        currency=options.currency,
        time_zone=options.time_zone,
        today=moment.date(),
    )
    delivered = read_delivery(delivery, booked, as_of=moment, cumulative=options.cumulative)
    booked = replace(booked, paused=booked.paused | delivered.paused)
    unknown = sorted(set(options.locked) - set(booked.deals))
    if unknown:
        raise InputError(f"locked names {', '.join(map(repr, unknown[:5]))}, not in the plan.")
    return Cycle(plan=booked, delivery=delivered, moment=moment, options=options)


def _standing_of(earlier: Any) -> dict[str, tuple[str, str]]:
    """State and severity by deal, from the status frame of the report before."""
    if earlier is None:
        return {}
    missing = [
        name
        for name in ("deal", "state", "severity")
        if name not in getattr(earlier, "columns", ())
    ]
    if missing:
        raise InputError(
            "earlier must be the status frame of the report before, with deal, state and "
            f"severity; it has no {', '.join(missing)}."
        )
    columns = zip(earlier["deal"], earlier["state"], earlier["severity"], strict=True)
    found = {str(deal): (state, severity) for deal, state, severity in columns}
    wrong = {
        deal: pair
        for deal, pair in found.items()
        if pair[0] not in STATES or pair[1] not in SEVERITIES
    }
    if wrong:
        deal, (state, severity) = next(iter(wrong.items()))
        raise InputError(
            f"earlier holds state {state!r} with severity {severity!r} for deal {deal!r}; expected "
            f"one of {', '.join(STATES)} with one of {', '.join(SEVERITIES)}."
        )
    return found


def _logged(cycle: Cycle, ledger: "Ledger") -> PacingReport:
    def decide(run_id: str, kill_on: bool, past: "Ledger") -> tuple[CycleResult, list[Pair]]:
        called = in_scope(cycle.plan, past)
        earlier = read_earlier(past, called.deals, cycle.at)
        named = replace(cycle, plan=called, kill_on=kill_on, run_id=run_id)
        result = run_cycle(named, earlier, past)
        return result, result.pairs

    result = log_run(ledger, RUN, lambda kill_on: run_id_of(cycle, kill_on=kill_on), decide)
    ledger.withdraw(result.closed, who=WHO, at=cycle.at)
    return result.report
