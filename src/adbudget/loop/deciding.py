"""What is known + the budgets that stand -> a plan that passes, its targets, and the policy's word.

Propose, rehearse, review. Nothing is made here; with ``apply`` the review is logged, and what was
promised before and can be judged now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pandas as pd

from adbudget.decision.decisions import decide
from adbudget.errors import PlatformError
from adbudget.loop.applying import unit_of_budget
from adbudget.loop.campaigns import current_spend, money_of, policy_tables, targets_of
from adbudget.loop.doors import WHO, Doors
from adbudget.loop.gathering import Gathered
from adbudget.loop.leaning import reasons_of, settled_spend
from adbudget.loop.learning import Learned
from adbudget.loop.limiting import cycle_limits
from adbudget.loop.promises import Judged, judge_promises
from adbudget.loop.proposing import Draft, propose
from adbudget.loop.rehearsing import Rehearsal, rehearse
from adbudget.loop.sources import DAY
from adbudget.loop.within_day import rehearse_day
from adbudget.panel.findings import blocked
from adbudget.panel.integrity import check_data
from adbudget.panel.unit_value import margin_assumed
from adbudget.policy.apply import apply_policy
from adbudget.policy.plan import PolicyPlan
from adbudget.tables.messages import quoted

if TYPE_CHECKING:
    from adbudget.model.fit import Fit

RECENT = timedelta(days=14)  # of figures that the policy reads
WEEK = timedelta(days=7)  # whose hours say how a day goes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Planned:
    """What a cycle knows and wants before anybody reviewed it.

    Attributes
    ----------
    gathered, learned : what is known
    draft, rehearsal : the plan, and as far as it passes
    targets : of campaigns, as a policy takes them
    judged : promises that were held against what was seen
    notes : what is worth knowing
    """

    gathered: Gathered
    learned: Learned
    draft: Draft
    rehearsal: Rehearsal
    targets: pd.DataFrame
    judged: tuple[Judged, ...]
    notes: tuple[str, ...]


def plan_cycle(
    doors: Doors,
    gathered: Gathered,
    learned: Learned,
    tried: Mapping[str, tuple[int, float]],
    *,
    apply: bool,
) -> Planned:
    """Judge what was promised, propose a step, and rehearse it.

    Parameters
    ----------
    doors : of the cycle
    gathered, learned : what is known
    tried : what the last cycle only tried, as :func:`adbudget.loop.leaning.tried_budgets` kept it
    apply : write to the ledger what became of promises
    """
    fit, days = learned.fit, doors.settings.period_days
    judged, pairs = judge_promises(
        doors.state.ledger, fit, at=doors.now, judge_after=doors.settings.judge_after
    )
    if apply and pairs:
        doors.state.ledger.append_many(pairs)
    current = current_spend(gathered.budgets, fit.draws.cells, days)
    untrue = check_data(fit.panel)
    held = blocked(untrue)
    limits = cycle_limits(
        doors.limits,
        doors.policy,
        doors.settings,
        doors.state.ledger,
        gathered.budgets,
        current,
        set(held),
        doors.now,
    )
    settled = settled_spend(tried, gathered.budgets, current, days)
    draft = propose(fit, current, settled, limits, doors.settings, doors.rng, held)
    # All of the step is made, so every move is judged beside the others.
    decided = decide(draft.proposal, health=fit.health, blocked=dict(held), take_back=False)
    rehearsal = rehearse(fit.draws, current, draft.plan, doors.settings)
    notes = [*(note.message for note in gathered.notes), *_unknown(gathered, fit)]
    notes += [*(one.message for one in untrue if one.decides), *fit.health.problems]
    notes += _margin(fit)
    targets = targets_of(
        gathered.budgets,
        current,
        rehearsal.plan,
        reasons_of(draft, decided.calls, days),
        {(one.account, one.channel): one.prob_gain for one in decided.calls},
    )
    return Planned(
        gathered=gathered,
        learned=learned,
        draft=draft,
        rehearsal=rehearsal,
        targets=targets,
        judged=tuple(judged),
        notes=tuple(notes),
    )


def _margin(fit: "Fit") -> list[str]:
    """What is left open where nobody has said what share of the outcome's money is margin."""
    assumed = margin_assumed(fit.panel)
    if not assumed:
        return []
    whose = "" if len(assumed) == fit.panel.n_accounts else f" of {quoted(assumed)}"
    return [
        f"Margin 100% assumed: all {fit.panel.outcome_name}{whose} counts as earned. If 40 of 100 "
        "are left after goods and fees, write margin: 0.4 into the settings: less margin, fewer "
        "raises."
    ]


def review(doors: Doors, planned: Planned, *, apply: bool) -> tuple[PolicyPlan, ...]:
    """The policy's word on the plan, one run per currency; logged when it is to be applied."""
    rules, today = doors.policy.constraints, doors.today
    recent = max(RECENT, rules.test_period + DAY, rules.observation_period + DAY)
    performance = doors.platform.performance(today - recent, today)
    known = set(planned.learned.fit.draws.cells.tolist())
    zones = doors.settings.zones
    table = policy_tables(planned.gathered.budgets, performance, known, doors.now, zones)
    targets, plans = planned.targets, []
    named = pd.MultiIndex.from_arrays([targets["account"], targets["campaign_id"]])
    for _, own in table.groupby("currency", sort=True):
        mine = pd.MultiIndex.from_arrays([own["account"], own["campaign_id"]])
        wanted = targets[named.isin(mine)]
        if wanted.empty:
            wanted = own[["campaign_id", "account"]].assign(target_budget=own["budget"])
        plans.append(
            apply_policy(
                doors.policy,
                own.reset_index(drop=True),
                targets=wanted.reset_index(drop=True),
                ledger=doors.state.ledger if apply else None,
                as_of=doors.now,
                who=WHO,
            )
        )
    return tuple(plans)


def _unknown(gathered: Gathered, fit: "Fit") -> list[str]:
    cells = set(fit.draws.cells.tolist())
    new = [one for one in gathered.budgets if (one.account, one.channel) not in cells]
    return [
        f"{one.account} / {one.channel} ({one.campaign}) is new: "
        + (
            f"{money_of(one):,.2f} a day is its test, until a whole period of it has been seen."
            if one.daily_minor and not one.paused
            else "nothing is learned of it before it has a budget; new_campaign_test_budget of the "
            "policy gives it one."
        )
        for one in new
    ]


def rehearse_hours(doors: Doors, planned: Planned, plans: Sequence[PolicyPlan]) -> pd.DataFrame:
    """When within a day each decided budget is used up; an empty frame where hours are not told."""
    calls = {call.campaign_id: float(call.budget_now) for plan in plans for call in plan.calls}
    budgets = planned.gathered.budgets
    decided = {one.unit: calls.get(unit_of_budget(one), money_of(one)) for one in budgets}
    try:
        hours = doors.platform.performance(doors.today - WEEK, doors.today, by_hour=True)
    except PlatformError:  # what was decided does not hang on it
        hours = None
    return rehearse_day(hours, budgets, decided, doors.now)
