"""Policy + campaign table (+ history, + ledger) -> PolicyPlan.

With a ledger the run is bound by the day's history, logged, and answered the same when it is made
again; without one it is a plan on paper. Knows no platform: nothing is sent anywhere.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from adbudget.errors import InputError
from adbudget.ledger.entry import Entry, digest
from adbudget.ledger.runs import log_run
from adbudget.money import check_currency
from adbudget.policy.circumstances import (
    RUN,
    circumstances_of,
    in_zone,
    instant,
    longest_cooldown,
)
from adbudget.policy.day_so_far import Circumstances
from adbudget.policy.file import load_policy
from adbudget.policy.pausing import past_since
from adbudget.policy.physics import as_json
from adbudget.policy.plan import PolicyPlan
from adbudget.policy.plan_entries import Pair, RunFacts, entries_of
from adbudget.policy.planning import make_case, plan_of
from adbudget.policy.presets import in_currency
from adbudget.policy.readings.campaigns import read_campaigns
from adbudget.policy.readings.readings import Readings
from adbudget.policy.rest import with_last_changes
from adbudget.policy.rulebook import Policy
from adbudget.policy.run_figures import figures_of, watch
from adbudget.policy.snapshot import from_json, to_json
from adbudget.tables.instants import as_moment
from adbudget.tables.named_columns import renamed

if TYPE_CHECKING:
    from adbudget.ledger.store import Ledger

LISTED = {"id": "campaign_id"}  # names that lists of campaigns in a policy may use


def apply_policy(
    policy: Policy,
    campaigns: Any = None,
    *,
    history: Any = None,
    columns: Mapping[str, str] | None = None,
    ledger: "Ledger | str | Path | None" = None,
    as_of: date | datetime | str,
) -> PolicyPlan:
    """Carry a policy out on a campaign table: a safe, balanced, explained plan.

    Parameters
    ----------
    policy : from :func:`adbudget.load_policy`
    campaigns : one row per campaign; see :func:`adbudget.policy.readings.campaigns.read_campaigns`;
        by default those that the policy lists
    history : the same by date, for triggers that look back
    columns : our name of a column -> its name in the tables: {"campaign_id": "Campaign"}
    ledger : from :func:`adbudget.open_ledger`, or its address. The day's opening budgets, the kill
        switch and earlier alerts come from it, and the run is written to it: again with the same
        policy, tables and moment, nothing new is written and the same plan comes back
    as_of : the moment of the decision; a date is its midnight. Its day is that of the policy's time
        zone, in which moments without a zone are

    Returns
    -------
    PolicyPlan

    Raises
    ------
    PolicyError : the policy does not fit the table's currency
    InputError : a table cannot be used; names the rows
    LedgerError : the ledger cannot be read or written
    """
    moment = as_moment(as_of)
    campaigns = renamed(_listed(policy, campaigns), "campaigns", columns or {})
    if history is not None:
        history = renamed(history, "history", columns or {}, needed=False)
    readings = _read(policy, campaigns, history, in_zone(moment, policy))
    policy = in_currency(policy, readings.currency or policy.currency)
    if ledger is None:
        at = instant(readings.as_of, policy)
        case = make_case(policy, readings, Circumstances(), at=at)
        return plan_of(case, at=at, run_id="")
    tables = {
        "campaigns": to_json(campaigns, "campaigns"),
        "history": None if history is None else to_json(history, "history"),
        "as_of": moment.isoformat(),
    }
    with ExitStack() as stack:
        if isinstance(ledger, str | Path):
            from adbudget.ledger.store import open_ledger

            ledger = stack.enter_context(open_ledger(ledger))
        plan = _logged(policy, readings, tables, ledger)
        return replace(plan, metrics=watch(ledger, instant(moment, policy)))


def rerun(run: Entry, before: "Ledger") -> list[Pair]:
    """Make a logged run again: what :meth:`adbudget.ledger.Ledger.replay` asks for.

    Parameters
    ----------
    run : the run's own entry, which holds policy, tables and moment
    before : the ledger as it was just before
    """
    given = run.payload
    policy = load_policy(given["policy"])
    tables = given["tables"]
    moment = as_moment(tables["as_of"])
    moment = in_zone(moment, policy)
    history = None if tables["history"] is None else from_json(tables["history"])
    exponent = given["figures"]["exponent"]  # older versions counted some currencies otherwise
    readings = _read(policy, from_json(tables["campaigns"]), history, moment, exponent)
    policy = in_currency(policy, readings.currency or policy.currency)
    return _run(policy, readings, tables, before)[1]


def _listed(policy: Policy, campaigns: Any) -> Any:
    """The campaign table as it is given, or as the policy lists it."""
    if campaigns is not None and policy.campaigns:
        raise InputError(
            "the policy lists its campaigns itself; pass no table, or remove the list."
        )
    if campaigns is not None:
        return campaigns
    if not policy.campaigns:
        raise InputError(
            "there is no campaign table: pass one, or list campaigns in the policy, each with id "
            "and budget."
        )
    return pd.DataFrame([{LISTED.get(k, k): v for k, v in one.items()} for one in policy.campaigns])


def _read(
    policy: Policy, campaigns: Any, history: Any, moment: datetime, exponent: int | None = None
) -> Readings:
    code = policy.currency if len(policy.currency) == 3 else None
    has_own = "currency" in getattr(campaigns, "columns", ())
    readings = read_campaigns(
        campaigns,
        history=history,
        as_of=moment,
        currency=None if has_own else code,
        exponent=exponent,
    )
    check_currency(policy.currency, readings.currency, "the campaign table")
    return readings


def _logged(policy: Policy, readings: Readings, tables: dict, ledger: "Ledger") -> PolicyPlan:
    return log_run(
        ledger,
        RUN,
        lambda kill_on: _run_id(policy, tables, kill_on=kill_on),
        lambda _name, _kill_on, past: _run(policy, readings, tables, past),
    )


def _run(
    policy: Policy, readings: Readings, tables: dict[str, Any], before: "Ledger"
) -> tuple[PolicyPlan, list[Pair]]:
    """Plan and entries of a run, given the ledger as it is just before."""
    around = circumstances_of(before, policy, readings)
    readings = with_last_changes(readings, around)
    at = instant(readings.as_of, policy)
    earlier = before.alerts(at - longest_cooldown(policy))
    run_id = _run_id(policy, tables, kill_on=around.kill_on)
    case = make_case(policy, readings, around, earlier=earlier, at=at)
    plan = plan_of(case, earlier=earlier, at=at, run_id=run_id)
    since = past_since(policy, readings, case.fired, around)
    facts = RunFacts(
        at=at,
        inputs_hash=digest(tables),
        policy_hash=policy.hash,
        payload={
            "policy": dict(policy.document),
            "tables": tables,
            "past_since": {name: moment.isoformat() for name, moment in since.items()},
            "figures": figures_of(case, plan),
            "physics": as_json(case.physics, readings),
            "members": {name: list(names) for name, names in readings.members.items()},
        },
    )
    return plan, entries_of(plan, facts, kill_on=around.kill_on)


def _run_id(policy: Policy, tables: dict[str, Any], *, kill_on: bool) -> str:
    """The same for the same question; with the kill switch on it is another question."""
    return digest({"policy": policy.hash, "tables": tables, "kill_on": kill_on})[:32]
