"""adbudget as its users run it, all accounts together or in groups. World -> Answer."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from benchmarks.worlds.answer import Answer, Calls, Move
from benchmarks.worlds.jobs import CHANGE, Job, control_names

if TYPE_CHECKING:
    from adbudget import Decisions, Fit, Panel, Proposal
    from adbudget.synthetic import World

CORES = 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """Accounts that were fitted together, and what came of it."""

    fit: "Fit"
    current: pd.Series
    best: "Proposal"
    decisions: "Decisions"


def pooled(world: "World", job: Job) -> Answer:
    """All accounts in one fit, or in groups of ``job.group`` in the order of their names."""
    names = list(world.spec.account_names)
    size = job.group or len(names)
    groups = [names[i : i + size] for i in range(0, len(names), size)]
    return _run(world, groups, job.seed)


def unpooled(world: "World", job: Job) -> Answer:
    """The same model, account by account."""
    return _run(world, [[name] for name in world.spec.account_names], job.seed)


def _run(world: "World", groups: list[list[str]], seed: int) -> Answer:
    from time import perf_counter, process_time

    import adbudget as ab

    seconds: dict[str, float] = dict.fromkeys(("fit", "decide", "cpu"), 0.0)
    parts = []
    for group in groups:
        start, cpu = perf_counter(), process_time()
        panel = read_group(world, group)
        fit = ab.fit(panel, seed=seed, cores=CORES, progress=False)
        fitted = perf_counter()
        current = world.current().reindex(panel.cells)
        part = decide_part(fit, current)
        seconds["fit"] += fitted - start
        seconds["decide"] += perf_counter() - fitted
        seconds["cpu"] += process_time() - cpu
        parts.append(part)
    return answer_of(parts, seconds)


def read_group(world: "World", accounts: Iterable[str]) -> "Panel":
    """The panel of some accounts, with whatever control columns the world has."""
    import adbudget as ab

    spend, outcome = (t[t["account"].isin(list(accounts))] for t in (world.spend, world.outcome))
    controls = control_names(world)
    return ab.read_panel(
        spend,
        outcome,
        columns={"outcome": world.spec.kpi},
        controls=controls or None,
        currency=world.spec.currency,
        value_per_unit=None if world.spec.value == 1 else world.spec.value,
    )


def decide_part(fit: "Fit", current: pd.Series) -> Part:
    """Best plan, risk aside; and the calls at default risk and thresholds."""
    import adbudget as ab

    limits = ab.Limits(change=CHANGE, total="fixed")
    decisions = ab.decide(ab.optimize(fit.draws, current, limits), health=fit.health)
    best = ab.optimize(fit.draws, current, limits, ab.Risk(aversion=0.0))
    return Part(fit=fit, current=current, best=best, decisions=decisions)


def answer_of(parts: list[Part], seconds: dict[str, float]) -> Answer:
    """The parts side by side."""

    def lift(plan: pd.Series) -> np.ndarray:
        columns = []
        for part in parts:
            draws = part.fit.draws
            own = plan.reindex(draws.cells)
            gained = (draws.response(own) - draws.response(part.current)).to_numpy()
            columns.append(pd.DataFrame(gained[:, draws.exists], columns=draws.cells))
        return pd.concat(columns, axis=1)[plan.index].to_numpy()

    calls = Calls(
        plan=pd.concat([part.decisions.proposal.plan.spend for part in parts]),
        considered=tuple(m for part in parts for m in _moves(part.decisions.considered)),
        called=tuple(m for part in parts for m in _called(part.decisions)),
        expected_wrong=sum(_expected_wrong(part.decisions) for part in parts),
    )
    health = [part.fit.health for part in parts]
    facts: dict[str, Any] = {
        "seconds": seconds["fit"] + seconds["decide"],
        "fit_seconds": seconds["fit"],
        "cpu_seconds": seconds["cpu"],
        "rhat": max(h.rhat_max for h in health),
        "ess_bulk": min(h.ess_bulk_min for h in health),
        "ess_tail": min(h.ess_tail_min for h in health),
        "divergences": sum(h.divergences for h in health),
        "n_draws": min(h.n_draws for h in health),
        "unhealthy": sum(not h.ok for h in health) / len(health),
    }
    plan = pd.concat([part.best.plan.spend for part in parts])
    return Answer(plan=plan, lift=lift, calls=calls, facts=facts)


def _called(decisions: "Decisions") -> list[Move]:
    called = {(c.account, c.channel) for c in decisions.calls if c.action != "monitor"}
    moves = [m for m in _moves(decisions.proposal) if m.cell in called]
    if len(moves) != len(called):
        raise RuntimeError(f"{len(called)} calls, but {len(moves)} of them can be compared.")
    return moves


def _expected_wrong(decisions: "Decisions") -> float:
    n_calls = sum(c.action != "monitor" for c in decisions.calls)
    return decisions.expected_wrong_share * n_calls


def _moves(proposal: "Proposal") -> list[Move]:
    """Every move beside the plan without it, the very plan that its probability compares with.

    ``Proposal.comparisons`` keeps the gain of each draw but not the plan without the move, which
    the truth must judge too: so that plan is searched once more, by the same function.
    """
    from adbudget.optimizer.alternative import _plans_without
    from adbudget.risk import prob_gain

    problem, spend = proposal._problem, proposal.plan.spend
    comparisons = proposal.comparisons()
    if not comparisons:
        return []
    moved = np.array([comparison.cell for comparison in comparisons.values()])
    names: list[Any] = spend.index.tolist()
    return [
        Move(
            cell=names[cell],
            prob=prob_gain(comparisons[names[cell]].gain),
            plan=spend.iloc[members],
            without=pd.Series(other, index=spend.index[members]),
        )
        for cell, members, other in _plans_without(problem, proposal._solution, moved)
    ]
