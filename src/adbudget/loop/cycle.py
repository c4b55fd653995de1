"""Sources + platform + policy + state at an instant -> what was learned, decided, made, and why.

Gather, update, propose, rehearse, refine, review, apply, confirm, log. Pure but for the doors it is
handed: the same inputs and seed give the same report. A cycle that was killed is finished by the
next run: what was reviewed is never decided again, and what was made is never made twice.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from adbudget.decision.decisions import decide
from adbudget.errors import InputError
from adbudget.loop.applying import Applied, apply_changes, unit_of_budget
from adbudget.loop.campaigns import (
    current_spend,
    minor_of,
    money_by_cell,
    policy_tables,
    targets_of,
)
from adbudget.loop.cycle_report import CycleReport, campaign_table
from adbudget.loop.gathering import Gathered, first_day, gather, readings_of
from adbudget.loop.leaning import reasons_of, settled_spend, tried_budgets
from adbudget.loop.learning import Learned, can_stand, fit_all, refit_due, update_fit
from adbudget.loop.limiting import QUARTER, cycle_limits
from adbudget.loop.maturity import Maturity, learn_maturity
from adbudget.loop.promises import Judged, judge_promises, promise_pairs
from adbudget.loop.proposing import Draft, propose
from adbudget.loop.rehearsing import Rehearsal, rehearse
from adbudget.loop.settings import LoopSettings
from adbudget.loop.sources import PlatformOutcome, Source, today_of
from adbudget.loop.state import Cycle, LoopState
from adbudget.panel.findings import blocked
from adbudget.panel.integrity import check_data
from adbudget.plan import Limits
from adbudget.platforms.platform import Platform
from adbudget.policy.apply import apply_policy
from adbudget.policy.file import load_policy
from adbudget.policy.plan import PolicyPlan
from adbudget.policy.rulebook import Policy

if TYPE_CHECKING:
    from adbudget.model.fit import Fit

COMPLETE_AT = 21  # days after which one is taken for complete
DEFAULTS: Mapping[str, Any] = {"rules": []}  # a policy of guardrails alone
BEGUN, REVIEWED, DONE = "begun", "reviewed", "done"
WHO = "adbudget loop"


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
    """
    if now.tzinfo is None:
        raise InputError("now must have a time zone, such as datetime.now(UTC).")
    run = _Run(
        sources=(PlatformOutcome(platform=platform),) if sources is None else tuple(sources),
        platform=platform,
        policy=policy if isinstance(policy, Policy) else load_policy(policy or DEFAULTS),
        state=state,
        now=now,
        rng=rng,
        settings=settings or LoopSettings(),
        limits=limits,
        cores=cores,
    )
    with state.locked(now):
        left = state.unfinished() if apply else None
        if left is not None and left.step == REVIEWED:
            return run.finish(left, resumed=True, found=None)
        name = key or now.strftime("%Y-%m-%dT%H:%M%z")
        known = state.cycle(name) if apply else None
        if known is not None and known.step == DONE:
            raise InputError(
                f"the cycle {name!r} is done already. Leave the name out, or give another one."
            )
        return run.whole(name, apply=apply)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Found:
    """What a cycle knows before it applies anything."""

    gathered: Gathered
    learned: Learned
    draft: Draft | None
    rehearsal: Rehearsal | None
    targets: pd.DataFrame
    plans: tuple[PolicyPlan, ...]
    judged: tuple[Judged, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Run:
    """The doors of one cycle, and its steps in order."""

    sources: tuple[Source, ...]
    platform: Platform
    policy: Policy
    state: LoopState
    now: datetime
    rng: np.random.Generator
    settings: LoopSettings
    limits: Limits | None
    cores: int | None

    def whole(self, key: str, *, apply: bool) -> CycleReport:
        """Every step of a new cycle."""
        cycle = Cycle(key=key, at=self.now, step=BEGUN, facts={})
        earlier = None
        if apply:
            self.state.keep_cycle(cycle)
            # What people approved since, and what was not answered, is made before it is judged.
            earlier = apply_changes(self.state.ledger, self.platform, now=self.now)
        gathered, learned = self._learn()
        found = self._decide(cycle, gathered, learned, apply=apply)
        if not apply:
            return self._report(cycle, found, None, resumed=False)
        facts = {
            "run_ids": [plan.run_id for plan in found.plans],
            "learned": learned.why,
            "tried": tried_budgets(found.draft, found.gathered.budgets, found.plans),
        }
        cycle = replace(cycle, step=REVIEWED, facts=facts)
        self.state.keep_cycle(cycle)
        return self.finish(cycle, resumed=False, found=found, earlier=earlier)

    def finish(
        self,
        cycle: Cycle,
        *,
        resumed: bool,
        found: _Found | None,
        earlier: Applied | None = None,
    ) -> CycleReport:
        """Make what was decided, and note that the cycle is done."""
        applied = apply_changes(self.state.ledger, self.platform, now=self.now)
        if earlier is not None:
            applied = earlier.joined(applied)
        open_now = applied.count("unknown", "waits", "stopped")
        facts = {**cycle.facts, "made": applied.count("made", "made before"), "open": open_now}
        self.state.keep_cycle(replace(cycle, step=DONE, facts=facts))
        return self._report(cycle, found, applied, resumed=resumed)

    # Gather and update --------------------------------------------------------------------------

    def _learn(self) -> tuple[Gathered, Learned]:
        """Gather what is new, and bring the fit to it; from the beginning when that is due."""
        before, days = self.state.fit(), self.settings.period_days
        maturity = self._maturity()
        due = before is None or refit_due(before, self.settings.refit_cycles)
        done = None
        if before is not None and not due:
            back = today_of(self.now) - timedelta(days=self.settings.restate_days)
            since = max(first_day(back, days), before.panel.dates[0].astype("datetime64[D]").item())
            recent = self._gather(since, maturity)
            with suppress(InputError):  # a new cell, account or control: all is fitted again
                done = recent, update_fit(before, recent, seed=self._seed(), cores=self.cores)
        if done is None or not can_stand(done[1]):
            back = today_of(self.now) - timedelta(days=self.settings.history_days)
            whole = self._gather(first_day(back, days) + timedelta(days=days), maturity)
            done = whole, fit_all(whole, seed=self._seed(), cores=self.cores)
        gathered, learned = done
        if learned.how != "unchanged":
            self.state.keep_fit(learned.fit, self.now)
        self.state.keep_readings(readings_of(gathered, today_of(self.now)))
        self.state.forget_readings(today_of(self.now) - 4 * QUARTER)
        return gathered, learned

    def _gather(self, since: Any, maturity: Maturity) -> Gathered:
        return gather(
            self.platform,
            self.sources,
            now=self.now,
            since=since,
            period_days=self.settings.period_days,
            maturity=maturity,
        )

    def _maturity(self) -> Maturity:
        since = today_of(self.now) - QUARTER
        readings = self.state.readings(since)
        stated = self.settings.outcome_days
        return learn_maturity(readings, oldest=COMPLETE_AT, stated=stated)

    def _seed(self) -> int:
        return int(self.rng.integers(2**31))

    # Propose, rehearse, review --------------------------------------------------------------------

    def _decide(self, cycle: Cycle, gathered: Gathered, learned: Learned, *, apply: bool) -> _Found:
        fit, ledger = learned.fit, self.state.ledger
        judged, pairs = judge_promises(
            ledger, fit, at=self.now, judge_after=self.settings.judge_after
        )
        if apply and pairs:
            ledger.append_many(pairs)
        current = current_spend(gathered.budgets, fit.draws.cells, self.settings.period_days)
        notes = [*(note.message for note in gathered.notes), *self._unknown(gathered, fit)]
        untrue = check_data(fit.panel)
        held = blocked(untrue)
        notes += [*(one.message for one in untrue if one.decides), *fit.health.problems]
        limits = cycle_limits(
            self.limits,
            self.policy,
            self.settings,
            ledger,
            gathered.budgets,
            current,
            set(held),
            self.now,
        )
        settled = settled_spend(
            self._last_tried(), gathered.budgets, current, self.settings.period_days
        )
        draft = propose(fit, current, settled, limits, self.settings, self.rng, held)
        calls = decide(draft.proposal, health=fit.health, blocked=dict(held)).calls
        rehearsal = rehearse(fit.draws, current, draft.plan, self.settings)
        targets = targets_of(
            gathered.budgets,
            current,
            rehearsal.plan,
            reasons_of(draft, calls, self.settings.period_days),
            {(one.account, one.channel): one.prob_gain for one in calls},
        )
        plans = self._review(gathered, targets, apply=apply)
        if apply:
            self._promise(cycle, fit, current, plans, gathered)
        return _Found(
            gathered=gathered,
            learned=learned,
            draft=draft,
            rehearsal=rehearsal,
            targets=targets,
            plans=plans,
            judged=tuple(judged),
            notes=tuple(notes),
        )

    def _last_tried(self) -> Mapping[str, tuple[int, float]]:
        """What the last cycle only tried, as :func:`tried_budgets` kept it."""
        known = [one.facts["tried"] for one in self.state.cycles(2) if "tried" in one.facts]
        return known[-1] if known else {}

    def _unknown(self, gathered: Gathered, fit: "Fit") -> list[str]:
        cells = set(fit.draws.cells.tolist())
        new = [one for one in gathered.budgets if (one.account, one.channel) not in cells]
        return [
            f"{one.account} / {one.channel} ({one.campaign}) has no history to learn from, and "
            "keeps its budget."
            for one in new
        ]

    def _review(
        self, gathered: Gathered, targets: pd.DataFrame, *, apply: bool
    ) -> tuple[PolicyPlan, ...]:
        """The policy's word on the plan, one run per currency; logged when it is to be applied."""
        today = today_of(self.now)
        performance = self.platform.performance(today - timedelta(days=14), today)
        table = policy_tables(gathered.budgets, performance, self.now)
        plans = []
        for _, own in table.groupby("currency", sort=True):
            names = set(zip(own["account"], own["campaign_id"], strict=True))
            wanted = targets[
                [
                    pair in names
                    for pair in zip(targets["account"], targets["campaign_id"], strict=True)
                ]
            ]
            if wanted.empty:
                wanted = own[["campaign_id", "account"]].assign(target_budget=own["budget"])
            plans.append(
                apply_policy(
                    self.policy,
                    own.reset_index(drop=True),
                    targets=wanted.reset_index(drop=True),
                    ledger=self.state.ledger if apply else None,
                    as_of=self.now,
                    who=WHO,
                )
            )
        return tuple(plans)

    def _promise(
        self,
        cycle: Cycle,
        fit: "Fit",
        current: pd.Series,
        plans: tuple[PolicyPlan, ...],
        gathered: Gathered,
    ) -> None:
        """Write what the moves that need nobody promise."""
        decided = {
            call.campaign_id: float(call.budget_now) for plan in plans for call in plan.calls
        }
        after = tuple(
            replace(one, daily_minor=minor_of(one, decided.get(unit_of_budget(one))))
            for one in gathered.budgets
        )
        plan = current_spend(after, current.index, self.settings.period_days)
        pairs = promise_pairs(
            fit,
            current,
            plan,
            cycle=cycle.key,
            at=self.now,
            horizon=self.settings.horizon,
            seed=int(fit.seed),
        )
        if pairs:
            self.state.ledger.append_many(pairs)

    # Report ---------------------------------------------------------------------------------------

    def _report(
        self, cycle: Cycle, found: _Found | None, applied: Applied | None, *, resumed: bool
    ) -> CycleReport:
        draft = None if found is None else found.draft
        states = {} if applied is None else {one.unit: one.state for one in applied.changes}
        return CycleReport(
            key=cycle.key,
            at=self.now,
            dry=applied is None,
            resumed=resumed,
            until=None if found is None else found.gathered.until.isoformat(),
            learned="" if found is None else f"{found.learned.how}: {found.learned.why}",
            healthy=True if found is None else found.learned.fit.health.ok,
            plans=() if found is None else found.plans,
            table=pd.DataFrame() if found is None else _table(found, states, self.settings),
            rehearsal=pd.DataFrame()
            if found is None or found.rehearsal is None
            else found.rehearsal.accounts,
            applied=applied,
            judged=() if found is None else found.judged,
            exploration_cost=0.0 if draft is None else draft.exploration_cost,
            notes=() if found is None else found.notes,
        )


def _table(found: _Found, states: Mapping[str, str], settings: LoopSettings) -> pd.DataFrame:
    """Campaigns of a report."""
    wanted = {
        (str(row["account"]), str(row["campaign_id"])): float(row["target_budget"])
        for row in found.targets.to_dict("records")
    }
    days = settings.period_days
    explored = {} if found.draft is None else money_by_cell(found.draft.explored / days)
    return campaign_table(found.gathered.budgets, found.plans, wanted, explored, states)
