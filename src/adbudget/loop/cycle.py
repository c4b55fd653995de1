"""Sources + platform + policy + state at an instant -> what was learned, decided, made, and why.

Gather, update, propose, rehearse, refine, review, apply, confirm, log. Pure but for the doors it is
handed: the same inputs and seed give the same report. A cycle that was killed is finished by the
next run: what was reviewed is never decided again, and what was made is never made twice.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from adbudget.decision.regret import regret
from adbudget.errors import InputError, PlatformError
from adbudget.loop.applying import Applied, apply_changes
from adbudget.loop.campaigns import money_by_cell
from adbudget.loop.catching_up import catch_up
from adbudget.loop.cycle_report import CycleReport, campaign_table
from adbudget.loop.deciding import Planned, plan_cycle, rehearse_hours, review
from adbudget.loop.doors import WHO, Doors
from adbudget.loop.leaning import leans_of, tried_budgets
from adbudget.loop.made_moves import promise_made
from adbudget.loop.settings import LoopSettings
from adbudget.loop.sources import PlatformOutcome, Source
from adbudget.loop.state import DONE, GIVEN_UP, Cycle, LoopState
from adbudget.plan import Limits
from adbudget.platforms.platform import Platform
from adbudget.policy.file import load_policy
from adbudget.policy.plan import PolicyPlan
from adbudget.policy.rulebook import Policy

DEFAULTS: Mapping[str, Any] = {"rules": []}  # a policy of guardrails alone
BEGUN, PROPOSED, REVIEWED = "begun", "proposed", "reviewed"


def run_cycle(
    sources: Sequence[Source] | None,
    platform: Platform,
    policy: Policy | Mapping[str, Any] | None,
    state: LoopState,
    *,
    now: datetime,
    rng: np.random.Generator,
    settings: LoopSettings | None = None,
    limits: Limits | None = None,
    apply: bool = False,
    key: str = "",
    cores: int | None = None,
) -> CycleReport:
    """Take one decision, from what is known to what is set.

    Parameters
    ----------
    sources : of the outcome, and of controls; None takes the outcome that the platform tells
    platform : where the budgets stand
    policy : from :func:`adbudget.load_policy`, or what that takes; its defaults when None
    state : from :func:`adbudget.loop.open_state`, beside the ledger
    now : the instant, with a time zone
    rng : chance of sampling and exploring; the same state of it gives the same report
    settings : what the loop may do
    limits : what plans may be beside them; the totals of accounts stay as they are when None
    apply : write to ledger and platform; otherwise nothing is written but what was learned
    key : name of the cycle; the minute of ``now`` when not given. A cycle that is done is not done
        again under the same name
    cores : of the sampler; all when None

    Returns
    -------
    CycleReport

    Raises
    ------
    LoopBusyError : another cycle is being run
    InputError : a source or the tables cannot be used
    PlatformError : the platform cannot be asked
    PolicyError, LedgerError, FitError : as the steps say

    Examples
    --------
    >>> from adbudget.loop import open_state, run_cycle
    >>> with open_state("loop.db") as state:
    ...     report = run_cycle(
    ...         None, platform, None, state, now=platform.now, rng=np.random.default_rng(1)
    ...     )
    >>> report.dry
    True
    """
    if now.tzinfo is None:
        raise InputError("now must have a time zone, such as datetime.now(UTC).")
    settings = settings or LoopSettings()
    doors = Doors(
        sources=(PlatformOutcome(platform=platform, zones=settings.zones),)
        if sources is None
        else tuple(sources),
        platform=platform,
        policy=policy if isinstance(policy, Policy) else load_policy(policy or DEFAULTS),
        state=state,
        now=now,
        rng=rng,
        settings=settings,
        limits=limits,
        cores=cores,
    )
    with state.locked(now):
        left = state.unfinished() if apply else None
        if left is not None:
            reviewed = _reviewed(left, state)
            if reviewed is not None:
                return _finish(doors, reviewed, _Found(resumed=True))
            state.keep_cycle(replace(left, step=GIVEN_UP))
        name = key or now.strftime("%Y-%m-%dT%H:%M%z")
        known = state.cycle(name) if apply else None
        if known is not None and known.step == DONE:
            raise InputError(
                f"the cycle {name!r} is done already. Leave the name out, or give another one."
            )
        return _whole(doors, Cycle(key=name, at=now, step=BEGUN, facts={}), apply=apply)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Found:
    """What a cycle knows before it applies anything; a resumed one knows nothing but the ledger."""

    planned: Planned | None = None
    plans: tuple[PolicyPlan, ...] = ()
    hours: pd.DataFrame = field(default_factory=pd.DataFrame)
    earlier: Applied | None = None  # what was open before it decided
    resumed: bool = False


def _reviewed(left: Cycle, state: LoopState) -> Cycle | None:
    """A cycle that was killed after its review, as the ledger has it; None if it was before.

    The review is logged before the cycle can note it. One that proposed, and whose run is in the
    ledger, was reviewed.
    """
    if left.step == REVIEWED:
        return left
    logged = state.ledger.entries(kind="run", since=left.at).to_dict("records")
    own = [one for one in logged if one["at"] == left.at and one["payload"].get("ran_by") == WHO]
    runs = [one["run_id"] for one in own]
    if left.step != PROPOSED or not runs:
        return None
    return replace(left, step=REVIEWED, facts={**left.facts, "run_ids": runs})


def _whole(doors: Doors, cycle: Cycle, *, apply: bool) -> CycleReport:
    """Every step of a new cycle."""
    state, earlier = doors.state, None
    tried = _last_tried(state)
    if apply:
        state.keep_cycle(cycle)
        # What people approved since, and what was not answered, is made before it is judged.
        earlier = apply_changes(state.ledger, doors.platform, now=doors.now)
    gathered, learned = catch_up(doors)
    planned = plan_cycle(doors, gathered, learned, tried, apply=apply)
    if apply:
        lean = leans_of(planned.draft, gathered.budgets)
        cycle = replace(cycle, step=PROPOSED, facts={"learned": learned.why, "lean": lean})
        state.keep_cycle(cycle)
    plans = review(doors, planned, apply=apply)
    hours = rehearse_hours(doors, planned, plans)
    found = _Found(planned=planned, plans=plans, hours=hours, earlier=earlier)
    if not apply:
        return _report(doors, cycle, found, None)
    runs = [plan.run_id for plan in plans]
    cycle = replace(cycle, step=REVIEWED, facts={**cycle.facts, "run_ids": runs})
    state.keep_cycle(cycle)
    return _finish(doors, cycle, found)


def _finish(doors: Doors, cycle: Cycle, found: _Found) -> CycleReport:
    """Make what was decided, write what it promises, and note that the cycle is done."""
    applied = apply_changes(doors.state.ledger, doors.platform, now=doors.now)
    if found.earlier is not None:
        applied = found.earlier.joined(applied)
    with suppress(PlatformError):  # what stands is not told: the next cycle writes it
        promise_made(doors, cycle.key)
    open_now = applied.count("unknown", "waits", "stopped")
    facts = {
        **cycle.facts,
        "tried": tried_budgets(cycle.facts, doors.state.ledger),
        "made": applied.count("made", "made before"),
        "open": open_now,
    }
    doors.state.keep_cycle(replace(cycle, step=DONE, facts=facts))
    return _report(doors, cycle, found, applied)


def _last_tried(state: LoopState) -> Mapping[str, tuple[int, float]]:
    """What the last cycle only tried, as :func:`tried_budgets` kept it."""
    known = [one.facts["tried"] for one in state.cycles(10) if "tried" in one.facts]
    return known[-1] if known else {}


# Report -------------------------------------------------------------------------------------------


def _report(doors: Doors, cycle: Cycle, found: _Found, applied: Applied | None) -> CycleReport:
    states = {} if applied is None else {one.unit: one.state for one in applied.changes}
    common: dict[str, Any] = {
        "key": cycle.key,
        "at": doors.now,
        "dry": applied is None,
        "resumed": found.resumed,
        "plans": found.plans,
        "applied": applied,
    }
    planned = found.planned
    if planned is None:
        return CycleReport(**common)
    return CycleReport(
        **common,
        until=planned.gathered.until.isoformat(),
        learned=f"{planned.learned.how}: {planned.learned.why}",
        healthy=planned.learned.fit.health.ok,
        table=_table(planned, found, states, doors.settings),
        rehearsal=planned.rehearsal.accounts,
        prices=planned.draft.proposal.shadow_prices,
        judged=planned.judged,
        exploration_cost=planned.draft.exploration_cost,
        regret=_regret(planned),
        notes=planned.notes,
    )


def _regret(planned: Planned) -> dict[str, float]:
    """What knowing the curves would add to the best step, by currency."""
    if not planned.learned.fit.health.ok:
        return {}
    best = planned.draft.proposal
    lost: Any = regret(best, best)
    return lost.to_dict() if isinstance(lost, pd.Series) else {best.draws.currency[0]: lost}


def _table(
    planned: Planned, found: _Found, states: Mapping[str, str], settings: LoopSettings
) -> pd.DataFrame:
    """Campaigns of a report."""
    wanted = {
        (str(row["account"]), str(row["campaign_id"])): float(row["target_budget"])
        for row in planned.targets.to_dict("records")
    }
    explored = money_by_cell(planned.draft.explored / settings.period_days)
    return campaign_table(
        planned.gathered.budgets, found.plans, wanted, explored, states, found.hours
    )
