"""Posterior curves -> the moves of a plan, how likely each is said to pay, and whether it does.

A move pays when the plan with it earns more than the best plan without it. The truth is judged
by the same pair of plans, with the true curves in place of the draws.
"""

from dataclasses import dataclass, replace

import pandas as pd

from adbudget import CurveDraws, Health, Limits, Risk, decide, optimize
from adbudget.optimizer.alternative import compare_without
from adbudget.optimizer.proposal import Proposal

LIMITS = Limits(change=0.3, total="fixed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One move.

    Attributes
    ----------
    prob : stated probability that it pays
    pays : whether it does
    called : whether it was called; otherwise it was a move of the best plan, only considered
    """

    prob: float
    pays: bool
    called: bool


def judge_moves(
    draws: CurveDraws, truth: CurveDraws, current: pd.Series, health: Health | None
) -> list[Move]:
    """Every move of the plan with the best mean, and every call of the default pipeline.

    Parameters
    ----------
    draws : posterior curves
    truth : the true curves, as one draw
    current : Series by cell, today's spend
    health : of the fit, as ``decide`` takes it

    Returns
    -------
    list of Move ; a move that is considered and called stands in it twice
    """
    considered = optimize(draws, current, LIMITS, Risk(aversion=0.0))
    moves = _judged(considered, truth, called=False)
    if health is None or health.ok:
        decisions = decide(optimize(draws, current, LIMITS), health=health)
        moves += _judged(decisions.proposal, truth, called=True)
    return moves


def _judged(proposal: Proposal, truth: CurveDraws, *, called: bool) -> list[Move]:
    stated = {cell: float((one.gain > 0).mean()) for cell, one in proposal.comparisons().items()}
    true = _true_gains(proposal, truth, list(stated))
    return [Move(prob=stated[cell], pays=true[cell] > 0, called=called) for cell in stated]


def _true_gains(proposal: Proposal, truth: CurveDraws, cells: list) -> dict:
    """Cell -> what its move is truly worth against the same plan without it."""
    if not cells:
        return {}
    problem = proposal._problem
    names = problem.cells.tolist()
    found = compare_without(
        replace(problem, draws=truth),
        proposal.plan.spend.to_numpy(float),
        proposal._solution,  # the plans without are searched on the posterior's weights
        problem.cells.get_indexer(pd.MultiIndex.from_tuples(cells)),
    )
    return {names[one.cell]: float(one.gain[0]) for one in found}
