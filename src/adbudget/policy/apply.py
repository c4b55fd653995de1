"""Policy + campaign table (+ history, + ledger) -> PolicyPlan.

With a ledger the run is bound by the day's history, logged, and answered the same when it is made
again; without one it is a plan on paper. Knows no platform: nothing is sent anywhere.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from adbudget.errors import InputError
from adbudget.ledger.entry import (
    EXPIRES,
    FOUR_EYES,
    IDENTITY,
    PROPOSED_BY,
    STATED,
    Entry,
    at_text,
    digest,
)
from adbudget.ledger.runs import log_run
from adbudget.money import check_currency
from adbudget.policy.circumstances import (
    RUN,
    circumstances_of,
    in_zone,
    instant,
    longest_cooldown,
    scopes_of,
)
from adbudget.policy.day_so_far import Circumstances
from adbudget.policy.file import load_policy
from adbudget.policy.made import notes_of, seen_pairs
from adbudget.policy.pausing import past_since
from adbudget.policy.physics import as_json
from adbudget.policy.plan import PolicyPlan
from adbudget.policy.plan_entries import WHO, Pair, RunFacts, entries_of
from adbudget.policy.planning import make_case, plan_of
from adbudget.policy.presets import in_currency
from adbudget.policy.readings.campaigns import read_campaigns
from adbudget.policy.readings.readings import Readings
from adbudget.policy.rest import with_last_changes
from adbudget.policy.rulebook import Policy
from adbudget.policy.run_figures import counts_of, evidence_of, figures_of, watch
from adbudget.policy.snapshot import from_json, to_json
from adbudget.policy.standing import stand_by
from adbudget.policy.target_rows import are_decisions, read_targets
from adbudget.tables.instants import as_moment
from adbudget.tables.named_columns import renamed
from adbudget.tables.units import scope_of

if TYPE_CHECKING:
    from adbudget.ledger.store import Ledger

LISTED = {"id": "campaign_id"}  # names that lists of campaigns in a policy may use


def apply_policy(
    policy: Policy,
    campaigns: Any = None,
    *,
    history: Any = None,
    targets: Any = None,
    columns: Mapping[str, str] | None = None,
    ledger: "Ledger | str | Path | None" = None,
    as_of: date | datetime | str,
    account: str = "",
    platform: str = "",
    who: str = WHO,
) -> PolicyPlan:
    """Carry a policy out on a campaign table: a safe, balanced, explained plan.

    Parameters
    ----------
    policy : from :func:`adbudget.load_policy`
    campaigns : one row per campaign; see :func:`adbudget.policy.readings.campaigns.read_campaigns`;
        by default those that the policy lists
    history : the same by date, for triggers that look back
    targets : budgets that a plan made elsewhere asks for, or the frame of
        :func:`adbudget.recommend`; see :func:`adbudget.policy.target_rows.read_targets`. They take
        the place of the moves that rules ask for, and go the same way: guardrails, approval,
        ledger, kill switch. Money stays in its pool, and what a plan cuts and asks for nowhere is
        left unspent
    columns : our name of a column -> its name in the tables: {"campaign_id": "Campaign"}
    ledger : from :func:`adbudget.open_ledger`, or its address. The day's opening budgets, the kill
        switch and earlier alerts come from it, and the run is written to it: again with the same
        policy, tables and moment, nothing new is written and the same plan comes back
    as_of : the moment of the decision; a date is its midnight. Its day is that of the policy's time
        zone, in which moments without a zone are
    account, platform : whose campaigns they are, where the table has no such columns. Campaigns of
        different accounts share nothing in a ledger, whatever they are called
    who : who makes the run; with ``four_eyes`` in the policy somebody else must approve it

    Returns
    -------
    PolicyPlan

    Raises
    ------
    PolicyError : the policy does not fit the table's currency
    InputError : a table cannot be used; names the rows
    LedgerError : the ledger cannot be read or written

    Examples
    --------
    >>> plan = ab.apply_policy(policy, campaigns, as_of="2026-03-02")
    >>> plan.recommendations["recommended_budget"].tolist()
    [Decimal('2300.00'), Decimal('2750.00'), Decimal('2400.00'), Decimal('2550.00')]
    """
    moment = as_moment(as_of)
    campaigns = renamed(_listed(policy, campaigns), "campaigns", columns or {})
    if history is not None:
        history = renamed(history, "history", columns or {}, needed=False)
    scope = scope_of(account, platform)
    readings = _read(policy, campaigns, history, in_zone(moment, policy), scope=scope)
    policy = in_currency(policy, readings.currency or policy.currency)
    if ledger is None:
        at = instant(readings.as_of, policy)
        aims = None if targets is None else read_targets(targets, readings)
        case = make_case(policy, readings, Circumstances(), targets=aims, at=at)
        return plan_of(case, at=at, run_id="")
    tables = {
        "campaigns": to_json(campaigns, "campaigns"),
        "history": None if history is None else to_json(history, "history"),
        "as_of": moment.isoformat(),
    } | ({"scope": scope} if scope else {})
    if targets is not None:
        tables["targets"] = to_json(targets, "targets")
    with ExitStack() as stack:
        if isinstance(ledger, str | Path):
            from adbudget.ledger.store import open_ledger

            ledger = stack.enter_context(open_ledger(ledger))
        plan = _logged(policy, readings, tables, ledger, who)
        figures = watch(ledger, instant(moment, policy), scopes_of(readings))
        return replace(plan, metrics=figures)


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
    campaigns, scope = from_json(tables["campaigns"]), tables.get("scope", "")
    readings = _read(policy, campaigns, history, moment, exponent, scope=scope)
    policy = in_currency(policy, readings.currency or policy.currency)
    return _run(policy, readings, tables, before, given.get("ran_by", WHO))[1]


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
    policy: Policy,
    campaigns: Any,
    history: Any,
    moment: datetime,
    exponent: int | None = None,
    *,
    scope: str = "",
) -> Readings:
    code = policy.currency if len(policy.currency) == 3 else None
    has_own = "currency" in getattr(campaigns, "columns", ())
    readings = read_campaigns(
        campaigns,
        history=history,
        as_of=moment,
        currency=None if has_own else code,
        exponent=exponent,
        scope=scope,
    )
    check_currency(policy.currency, readings.currency, "the campaign table")
    return readings


def _logged(
    policy: Policy, readings: Readings, tables: dict, ledger: "Ledger", who: str
) -> PolicyPlan:
    def decide(name: str, _kill_on: bool, past: "Ledger") -> tuple[PolicyPlan, list[Pair]]:
        logged = ledger.entries(kind=RUN, run_id=name)["payload"].tolist()
        ran_by = logged[0].get("ran_by", who) if logged else who  # made again, it is who made it
        return _run(policy, readings, tables, past, ran_by)

    return log_run(ledger, RUN, lambda kill_on: _run_id(policy, tables, kill_on=kill_on), decide)


def _run(
    policy: Policy, readings: Readings, tables: dict[str, Any], before: "Ledger", ran_by: str
) -> tuple[PolicyPlan, list[Pair]]:
    """Plan and entries of a run, given the ledger as it is just before."""
    targets = None if tables.get("targets") is None else from_json(tables["targets"])
    # Decisions may be of any age: whether a budget changed since is asked of all that is known.
    around = circumstances_of(before, policy, readings, long=are_decisions(targets))
    readings = with_last_changes(readings, around)
    at = instant(readings.as_of, policy)
    earlier = before.alerts(at - longest_cooldown(policy))
    aims = None if targets is None else read_targets(targets, readings)
    run_id = _run_id(policy, tables, kill_on=around.kill_on)
    case = make_case(policy, readings, around, targets=aims, earlier=earlier, at=at)
    plan = _unmuted(plan_of(case, earlier=earlier, at=at, run_id=run_id), around.muted)
    plan, repeated = stand_by(plan, before.pending(at).to_dict("records"))
    since = past_since(policy, readings, case.fired, around)
    evidence = {name: evidence_of(case, i) for i, name in enumerate(readings.campaign_ids)}
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
            "scopes": list(scopes_of(readings)),
            "ran_by": ran_by,
            **_identity(policy),
        },
        of_items=_of_items(policy, at, ran_by),
        evidence=evidence,
        counts={name: counts_of(readings, i, evidence[name]) for i, name in enumerate(evidence)},
        repeated=repeated,
        pausing=around.made.pausing,
    )
    seen = seen_pairs(around.made, before, readings, at=at, run_id=run_id)
    plan = replace(plan, notes=(*plan.notes, *notes_of(around.made, readings)))
    return plan, [*entries_of(plan, facts, kill_on=around.kill_on), *seen]


def _unmuted(plan: PolicyPlan, muted: Mapping[str, object]) -> PolicyPlan:
    """The plan without alerts on muted campaigns, unless they are critical."""
    kept = [
        one for one in plan.alerts if one.campaign_id not in muted or one.severity == "critical"
    ]
    return replace(plan, alerts=tuple(kept))


def _of_items(policy: Policy, at: datetime, ran_by: str) -> dict[str, Any]:
    """What an item says of itself: until when it stands, and who may rule on it."""
    about: dict[str, Any] = {EXPIRES: at_text((at + policy.constraints.patience).astimezone(UTC))}
    if policy.four_eyes:
        about |= {FOUR_EYES: True, PROPOSED_BY: ran_by}
    return about | _identity(policy)


def _identity(policy: Policy) -> dict[str, str]:
    """How the names of those who decide are checked, where the policy says so."""
    return {} if policy.identity == STATED else {IDENTITY: policy.identity}


def _run_id(policy: Policy, tables: dict[str, Any], *, kill_on: bool) -> str:
    """The same for the same question; with the kill switch on it is another question."""
    return digest({"policy": policy.hash, "tables": tables, "kill_on": kill_on})[:32]
