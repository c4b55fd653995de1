"""A decided case -> one Recommendation per campaign: verdict, confidence, sentence.

Decides no budget. The verdict is where approval limit and kill switch speak.
"""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from adbudget.money import exact, exact_text
from adbudget.policy.alerts import SAYS, AlertReport
from adbudget.policy.balance import Balance
from adbudget.policy.day_so_far import Circumstances
from adbudget.policy.emergency import EMERGENCY, evidence_of
from adbudget.policy.firing import PLAN, REBALANCE, Fired
from adbudget.policy.funding import OUTSIDE, Funding
from adbudget.policy.metrics.registry import costs_of_result
from adbudget.policy.metrics.wording import figure_text
from adbudget.policy.outages import Outage
from adbudget.policy.outcome import RuleOutcome
from adbudget.policy.physics import Physics
from adbudget.policy.plan import Recommendation, Verdict
from adbudget.policy.rationale import (
    asked_for,
    held,
    paid_by,
    rule_fires,
    silence,
)
from adbudget.policy.readings.readings import Readings
from adbudget.policy.rulebook import Policy
from adbudget.policy.safety import Guard
from adbudget.policy.targets import Targets
from adbudget.tables.messages import listed
from adbudget.tables.units import split_unit

ASKED = {  # by the policy itself -> why
    "test_budget": "It is new, and new campaigns start with a test budget.",
    "monthly_cap": "At this budget it would spend more than its monthly cap.",
}
WEAK = 0.8  # below this posterior probability a rule that fires is of low confidence


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """Everything decided about a table, step by step."""

    policy: Policy
    readings: Readings
    circumstances: Circumstances
    report: AlertReport
    outages: tuple[Outage, ...]
    physics: Physics
    fired: Fired
    guard: Guard
    balance: Balance
    outcome: RuleOutcome
    funding: Funding
    cost: np.ndarray
    targets: Targets | None


def make_calls(case: Case, run_id: str) -> tuple[Recommendation, ...]:
    """One Recommendation per campaign, in the order of the table."""
    funders: dict[int, dict[str, int]] = defaultdict(dict)
    pending: dict[int, list[str]] = defaultdict(list)
    names = case.readings.campaign_ids
    for flow in case.funding.flows:
        if flow.target != OUTSIDE:
            source = "" if flow.source == OUTSIDE else names[flow.source]
            funders[flow.target][source] = funders[flow.target].get(source, 0) + flow.minor
            if flow.waits and source:
                pending[flow.target].append(source)
    members: dict[int, list[str]] = defaultdict(list)
    for i in np.flatnonzero(case.funding.waits):
        members[int(case.funding.group[i])].append(names[i])
    number = {root: k for k, root in enumerate(sorted(members, key=lambda r: members[r][0]), 1)}
    return tuple(
        _call(
            case,
            i,
            funders.get(i, {}),
            pending.get(i, []),
            members.get(int(case.funding.group[i]), []),
            f"{run_id[:8]}-{number[int(case.funding.group[i])]}".lstrip("-")
            if case.funding.group[i] >= 0
            else "",
        )
        for i in range(len(names))
    )


def _call(
    case: Case,
    i: int,
    funders: dict[str, int],
    pending: list[str],
    group: list[str],
    group_id: str,
) -> Recommendation:
    exponent, budget = case.readings.exponent, int(case.readings.budget_minor[i])
    change = int(case.outcome.change[i])
    verdict = _verdict(case, i)
    now = 0 if verdict == "blocked" else int(case.funding.change_now[i])
    pausing = _pauses(case, i)
    move = "increase" if change > 0 else "decrease" if change < 0 else "hold"
    probability = float(case.fired.probability[i])
    sentences = _sentences(case, i, funders)
    if verdict == "needs_approval" and group:
        sentences.append(_waiting(group, case.readings.campaign_ids[i], now, exponent))
    if (
        shared := case.readings.members.get(split_unit(case.readings.campaign_ids[i])[1])
    ) is not None:
        sentences.append(f"The budget is shared by {listed(shared, at_most=3)}.")
    if case.outcome.flags["restarts_learning"][i]:
        sentences.append("An edit so large restarts the learning of a platform.")
    if case.circumstances.kill_on and (change or pausing):
        sentences.append(
            "Blocked: the kill switch is on. Switch it off (adbudget kill off) and run again; it "
            "cannot be overridden."
        )
    return Recommendation(
        campaign_id=case.readings.campaign_ids[i],
        current_budget=exact(budget, exponent),
        recommended_budget=exact(budget + change, exponent),
        change_pct=100 * change / budget if budget else (float("inf") if change else 0.0),
        action="pause" if pausing else move,
        rule_fired=_rule_name(case, i),
        rationale=" ".join(sentences),
        confidence=_confidence(case, i),
        probability=probability if np.isfinite(probability) else None,
        verdict=verdict,
        budget_now=exact(budget + now, exponent),
        group_id=group_id if verdict == "needs_approval" else "",
        funded_by={name: exact(minor, exponent) for name, minor in funders.items()},
        waits_for=tuple(pending) if verdict == "needs_approval" else (),
        flags=_flags(case, i, now),
    )


def _pauses(case: Case, i: int) -> bool:
    return bool(case.guard.emergency[i]) or case.guard.hold[i] in ("rule_pause", "anomaly")


def _verdict(case: Case, i: int) -> Verdict:
    """An emergency pause waits for nobody, unless there are too many; others wait for a person."""
    moves = case.outcome.change[i] != 0 or _pauses(case, i)
    if case.circumstances.kill_on or (case.outcome.stopped[i] and not moves):
        return "blocked"
    braked = case.guard.braked and bool(case.guard.emergency[i])
    if case.guard.hold[i] in ("rule_pause", "anomaly") or braked or case.funding.group[i] >= 0:
        return "needs_approval"
    return "auto"


def _rule_name(case: Case, i: int) -> str:
    if case.guard.emergency[i]:
        return EMERGENCY
    if case.guard.hold[i] == "anomaly":
        return str(case.report.paused_by[i])
    if case.guard.proposed[i]:
        return str(case.guard.proposed[i])
    if case.balance.rebalanced[i]:
        return REBALANCE
    if case.fired.planned[i]:
        return PLAN
    return " + ".join(case.policy.rules[position].name for position in case.fired.rules[i])


def _confidence(case: Case, i: int) -> str:
    """How firm the ground of a call is, by what decided it."""
    if case.guard.hold[i] == "anomaly" or case.guard.proposed[i]:
        return "high"
    if case.balance.rebalanced[i]:
        return "medium" if _on_target(case, i) else "low"
    if not (case.fired.rules[i] or case.fired.planned[i] or case.guard.emergency[i]):
        return ""
    return "low" if case.fired.probability[i] < WEAK else "high"


def _on_target(case: Case, i: int) -> bool:
    """A campaign that meets its targets is a good place for money that is left."""
    met = [
        case.readings.metric(name)[i] <= float(target)
        for name in costs_of_result()
        if (target := case.policy.targets.get(f"target_{name}")) is not None
        and np.isfinite(case.readings.metric(name)[i])
    ]
    if met:
        return all(met)
    roas, target = case.readings.metric("roas")[i], case.policy.targets.get("target_roas")
    return target is not None and bool(roas >= float(target))


def _flags(case: Case, i: int, now: int) -> tuple[str, ...]:
    hold = case.guard.hold[i]
    split = now not in (0, int(case.outcome.change[i]))
    return (*((hold,) if hold else ()), *case.outcome.of(i), *(("split",) if split else ()))


def _sentences(case: Case, i: int, funders: dict[str, int]) -> list[str]:
    hold = case.guard.hold[i]
    if case.guard.emergency[i]:
        return [_emergency(case, i)]
    if case.guard.proposed[i]:
        return [f"{ASKED[case.guard.proposed[i]]} {_move(case, i, funders)}"]
    if hold == "anomaly":
        wrong = SAYS[str(case.report.paused_by[i])][0]
        return [f"Pause it, if a person agrees: {wrong}."]
    if case.balance.rebalanced[i]:
        return [silence(case.fired, case.policy, i), _rebalanced(case, i, funders)]
    if case.fired.planned[i]:
        return _planned(case, i, funders)
    if not case.fired.rules[i]:
        told = [silence(case.fired, case.policy, i)]
        return [*told, held(hold)] if hold else told
    told = [f"{rule_fires(case.policy, case.fired, i)}."]
    told.append(held(hold) if hold else _what_came_of_it(case, i, funders))
    if case.outcome.flags["pause_recommended"][i] and not hold:
        hours = case.policy.constraints.pause_threshold.total_seconds() / 3600
        told.append(f"Pause recommended: past the trigger for {hours:g} hours or more.")
    return told


def _planned(case: Case, i: int, funders: dict[str, int]) -> list[str]:
    """What the plan asks for, why, what a rule says against it, and what came of it."""
    assert case.targets is not None
    hold = case.guard.hold[i]
    if not case.fired.wanted[i]:
        told = ["The plan leaves its budget as it is."]
    else:
        told = [held(hold) if hold else f"The plan: {_move(case, i, funders)}"]
    why = case.targets.why[i]
    told += [why if why.endswith((".", "!", "?")) else f"{why}."] if why else []
    if case.fired.objects[i]:
        fires = rule_fires(case.policy, case.fired, i)
        told.append(f"A rule says otherwise, so a person has to look: {fires}.")
    return told


def _rebalanced(case: Case, i: int, funders: dict[str, int]) -> str:
    exponent, change = case.readings.exponent, int(case.outcome.change[i])
    if change < 0:
        return f"It gives {_text(-change, exponent)} so that the total comes down."
    source = paid_by(funders).removeprefix("paid by ")
    return (
        f"It takes {_text(change, exponent)} of what {source} frees, "
        "next in line by cost per result."
    )


def _what_came_of_it(case: Case, i: int, funders: dict[str, int]) -> str:
    """The wish of the rule, what was left of it, and who said so."""
    return _move(case, i, funders, wish=asked_for(case.policy, case.fired, i))


def _move(case: Case, i: int, funders: dict[str, int], wish: str = "") -> str:
    exponent, change = case.readings.exponent, int(case.outcome.change[i])
    if not wish:
        wanted = int(case.fired.wanted[i])
        wish = f"{'+' if wanted > 0 else '-'}{_text(abs(wanted), exponent)}"
    limits = _limits(case, i)
    if change == 0:
        return f"{wish} asked for, nothing moves: {limits}."
    size = _text(abs(change), exponent)
    told = f"{wish} asked for, {'+' if change > 0 else '-'}{size} made"
    payers = paid_by(funders)
    told += f", {payers}" if payers else ""
    return f"{told}; {limits}." if limits else f"{told}."


def _limits(case: Case, i: int) -> str:
    """What stood between the wish and the move."""
    exponent, flags = case.readings.exponent, case.outcome.flags
    said = []
    if flags["immature"][i]:
        said.append(
            "with the results still to come no rule would lower it"
            if case.guard.excused[i]
            else "too few of its conversions are in to lower it"
        )
    if flags["over_cap"][i]:
        said.append(f"it is above its cap of {_text(case.guard.cap[i], exponent)} already")
    elif flags["at_cap"][i]:
        said.append(f"its cap is {_text(case.guard.cap[i], exponent)}")
    if flags["at_floor"][i]:
        said.append(f"its floor is {_text(case.guard.floor[i], exponent)}")
    if flags["daily_limit"][i]:
        edge = case.guard.day_high if case.fired.wanted[i] > 0 else case.guard.day_low
        share = case.policy.constraints.max_daily_change
        said.append(f"{float(share):.0%} a day ends at {_text(edge[i], exponent)}")
    if flags["refused"][i]:
        said.append(_no_of(case, i))
    if flags["unfunded"][i]:
        said.append("unfunded, for no cut frees money")
    if flags["scaled"][i]:
        said.append("the money freed does not reach for more")
    if flags["scaled_back"][i]:
        said.append("the others can take no more")
    return ", ".join(said)


def _emergency(case: Case, i: int) -> str:
    multiple = case.policy.constraints.emergency_pause
    figures = evidence_of(case.policy, case.readings, i)
    told = " and ".join(f"{name} {figure_text(value, name)}" for name, value in figures.items())
    said = f"Pause at once: {told}, more than {multiple:f} times the target."
    return f"{said} So many pauses in a day wait for a person." if case.guard.braked else said


def _no_of(case: Case, i: int) -> str:
    """Who said no, when and why, and until when it lasts."""
    no, limits = case.guard.refused, case.policy.constraints
    one = (no.raises if case.fired.wanted[i] > 0 else no.cuts)[i]
    until = one.at + limits.rejection_rest
    return (
        f"{one.who} said no to it on {one.at:%Y-%m-%d}"
        f"{f' ({one.why})' if one.why else ''}, and its figures have changed by no more than "
        f"{float(limits.material_change):.0%} since; asked again from {until:%Y-%m-%d}"
    )


def _waiting(group: list[str], name: str, now: int, exponent: int) -> str:
    others = [other for other in group if other != name]
    told = "Waits for approval"
    if now:
        told = f"{'+' if now > 0 else '-'}{_text(abs(now), exponent)} at once, the rest waits"
    if not others:
        return f"{told}."
    more = f" and {len(others) - 3} more" if len(others) > 3 else ""
    return f"{told}, together with {', '.join(others[:3])}{more}."


def _text(minor: int, exponent: int) -> str:
    """98889 -> "988.89"."""
    return exact_text(exact(minor, exponent))
