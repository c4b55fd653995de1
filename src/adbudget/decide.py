"""Proposal -> increase, monitor, reduce, each with its reason. Knows nothing of fitting or files.

A move is called only when it is big enough to matter, likely enough to pay, and part of a list
whose expected share of wrong calls is within the stated rate. Cells without a call are held at
today's spend and the rest is solved again, until every move left is a call.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import pandas as pd

from adbudget.draws import CurveDraws, Health
from adbudget.errors import InfeasibleError, InputError
from adbudget.optimize import Proposal
from adbudget.reasons import Facts, explain
from adbudget.risk import within_false_discovery_rate

CERTAIN, LIKELY = 0.95, 0.85  # probabilities from which a call is of high or medium confidence


class Action(StrEnum):
    """What to do with the spend of one cell."""

    INCREASE = "increase"
    MONITOR = "monitor"
    REDUCE = "reduce"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """When a proposed move becomes a call.

    Attributes
    ----------
    prob : smallest probability that the move pays
    max_wrong_share : expected share of wrong calls over the whole list, at most
    min_change : smallest meaningful move, as a share of today's spend
    min_step : smallest meaningful move in money per period
    """

    prob: float = 0.8
    max_wrong_share: float = 0.10
    min_change: float = 0.05
    min_step: float = 0.0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("prob", 0.5, 1.0),
            ("max_wrong_share", 0.0, 1.0),
            ("min_change", 0.0, 1.0),
            ("min_step", 0.0, np.inf),
        ):
            value = getattr(self, name)
            if not isinstance(value, int | float) or not low <= value <= high:
                raise InputError(
                    f"Thresholds.{name} must be between {low} and {high}; got {value!r}."
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do with one cell, and why. Money is account currency per period.

    Attributes
    ----------
    account, channel : the cell
    action : increase, monitor or reduce
    current_spend, recommended_spend : per period; equal when monitored
    prob_gain : probability that the move pays; for a monitored cell, that of the move considered
    confidence : "high", "medium" or "low"
    reason : one sentence a buyer can read aloud
    """

    account: str
    channel: str
    action: Action
    current_spend: float
    recommended_spend: float
    prob_gain: float
    confidence: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decisions:
    """One decision per cell, and the plan they make up.

    Attributes
    ----------
    calls : one Decision per cell, in the order of the proposal's cells
    proposal : the plan that moves only the cells that are called
    considered : the plan as first proposed, before uncertain moves were taken back
    thresholds : what was asked
    expected_wrong_share : posterior expectation of the share of wrong calls; 0 without calls
    """

    calls: tuple[Decision, ...]
    proposal: Proposal
    considered: Proposal
    thresholds: Thresholds
    expected_wrong_share: float


def decide(
    proposal: Proposal,
    thresholds: Thresholds | None = None,
    *,
    health: Health | None = None,
) -> Decisions:
    """Turn a proposal into calls.

    Parameters
    ----------
    proposal : from :func:`adbudget.optimize`
    thresholds : when a move becomes a call; the defaults when None
    health : of the fit; when unhealthy, every decision is MONITOR and says why

    Returns
    -------
    Decisions

    References
    ----------
    Mueller, Parmigiani, Robert & Rousseau (2004), JASA 99(468), 990-1001.
    """
    thresholds = thresholds or Thresholds()
    first = _Moves.of(proposal)
    if health is not None and not health.ok:
        nothing = np.zeros(first.size, bool)
        return _decisions(_Moves.of(_hold(proposal)), first, nothing, thresholds, health)
    if not _may_hold(proposal):
        # The limits force a move, so uncertain moves cannot be taken back.
        return _decisions(first, first, first.move != 0, thresholds, health, forced=True)
    kept, held = first, np.zeros(first.size, bool)
    while True:
        called = _called(kept, thresholds)
        held |= (kept.move != 0) & ~called
        if not held[kept.move != 0].any():
            break
        cells = kept.proposal.plan.spend.index
        kept = _Moves.of(kept.proposal.refit(fixed=tuple(cells[held])))
    return _decisions(kept, first, called, thresholds, health)


def _may_hold(proposal: Proposal) -> bool:
    """Whether today's plan keeps the limits."""
    try:
        proposal.refit(fixed=tuple(proposal.plan.spend.index))
    except InfeasibleError:
        return False
    return True


def _hold(proposal: Proposal) -> Proposal:
    """Today's plan in the proposal's clothes: nothing moves, nothing is certified."""
    return replace(
        proposal,
        plan=proposal.current,
        value=proposal.value * 0.0,
        value_by_account=proposal.value_by_account * 0.0,
        objective=proposal.objective * 0.0,
        gap=float("nan"),
        holds=True,
        reason="every cell is held at today's spend.",
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Moves:
    """The moves of one proposal, cell by cell."""

    proposal: Proposal
    current: np.ndarray
    move: np.ndarray
    prob: np.ndarray

    @property
    def size(self) -> int:
        return self.move.size

    @staticmethod
    def of(proposal: Proposal) -> "_Moves":
        current = proposal.current.spend.to_numpy(float)
        move = proposal.plan.spend.to_numpy(float) - current
        return _Moves(
            proposal=proposal,
            current=current,
            move=move,
            prob=_prob_pays(proposal, move),
        )


def _prob_pays(proposal: Proposal, move: np.ndarray) -> np.ndarray:
    """(cell,) probability that each move earns more than it costs; 0.5 where nothing moves.

    What a move costs is the hurdle: the spend itself, plus what the money would earn elsewhere
    where a total binds. So increase and reduce in one account are two sides of one comparison.
    """
    gained = cell_money(proposal.draws, proposal.plan.spend) - cell_money(
        proposal.draws, proposal.current.spend
    )
    net = gained - proposal.hurdle.to_numpy(float) * move
    pays = ((net > 0).mean(axis=0) + (net >= 0).mean(axis=0)) / 2
    return np.where(move == 0, 0.5, pays)


def cell_money(draws: CurveDraws, spend: pd.Series) -> np.ndarray:
    """(draw, cell) margin money per period that each cell brings at a constant spend."""
    outcome = draws.response(spend).to_numpy()[:, draws.exists]
    account = np.argwhere(draws.exists)[:, 0]
    return outcome * (draws.margin * draws.unit_value)[account]


def _called(moves: _Moves, thresholds: Thresholds) -> np.ndarray:
    """(cell,) which moves are big, likely and safe enough together."""
    size = np.abs(moves.move)
    big = (size > 0) & (size >= thresholds.min_step)
    # A move of exactly the smallest share counts; rounding may not decide.
    big &= size >= thresholds.min_change * moves.current * (1 - 1e-9)
    likely = np.flatnonzero(big & (moves.prob >= thresholds.prob))
    safe = within_false_discovery_rate(moves.prob[likely], thresholds.max_wrong_share)
    called = np.zeros(moves.size, bool)
    called[likely[safe]] = True
    return called


def _decisions(
    kept: _Moves,
    first: _Moves,
    called: np.ndarray,
    thresholds: Thresholds,
    health: Health | None,
    forced: bool = False,
) -> Decisions:
    """One record per cell."""
    facts = Facts.of(kept.proposal, first.proposal, thresholds.min_change, health)
    prob = np.where(called, kept.prob, first.prob)
    calls = []
    for i, (account, channel) in enumerate(kept.proposal.plan.spend.index):
        action = Action.MONITOR
        if called[i]:
            action = Action.INCREASE if kept.move[i] > 0 else Action.REDUCE
        calls.append(
            Decision(
                account=account,
                channel=channel,
                action=action,
                current_spend=float(kept.current[i]),
                recommended_spend=float(kept.current[i] + kept.move[i] * called[i]),
                prob_gain=float(prob[i]),
                confidence=_confidence(prob[i]) if called[i] else "low",
                reason=explain(facts, i, called=bool(called[i]), forced=forced, prob=float(prob[i])),
            )
        )
    wrong = float(1 - kept.prob[called].mean()) if called.any() else 0.0
    return Decisions(
        calls=tuple(calls),
        proposal=kept.proposal,
        considered=first.proposal,
        thresholds=thresholds,
        expected_wrong_share=wrong,
    )


def _confidence(prob: float) -> str:
    if prob >= CERTAIN:
        return "high"
    return "medium" if prob >= LIKELY else "low"
