"""Proposal -> increase, monitor, reduce, each with its reason. Knows nothing of fitting or files.

A move is called only when it is big enough to matter, likely enough to pay, and part of a list
whose expected share of wrong calls is within the stated rate. Cells without a call are held at
today's spend and the rest is solved again, until every move left is a call.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd

from adbudget.draws import CurveDraws, Health
from adbudget.errors import InputError
from adbudget.optimizer import Proposal
from adbudget.reasons import Facts, explain
from adbudget.risk import prob_gain, within_false_discovery_rate

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
    max_prior_share : a cell whose answer is prior to a larger share than this is not moved
    min_change : smallest meaningful move, as a share of today's spend
    min_step : smallest meaningful move in money per period
    """

    prob: float = 0.8
    max_wrong_share: float = 0.10
    max_prior_share: float = 0.9
    min_change: float = 0.05
    min_step: float = 0.0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("prob", 0.5, 1.0),
            ("max_wrong_share", 0.0, 1.0),
            ("max_prior_share", 0.0, 1.0),
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
    expected_wrong_share : posterior expectation of the share of wrong calls, moves that the limits
        force aside; 0 without calls
    elsewhere : (cell,) margin money that one unit of the move's money brings elsewhere
    """

    calls: tuple[Decision, ...]
    proposal: Proposal
    considered: Proposal
    thresholds: Thresholds
    expected_wrong_share: float
    elsewhere: np.ndarray


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
    if health is not None and not health.ok:
        first, held = _Moves.of(proposal), _Moves.of(_hold(proposal))
        return _decisions(held, first, np.zeros(first.size, bool), thresholds, health)
    first = _Moves.of(proposal)
    kept, held = first, np.zeros(first.size, bool)
    informed = _informed(proposal, thresholds, health)
    while True:
        called = _called(kept, thresholds, informed)
        failing = (kept.move != 0) & ~called
        if not failing.any():
            return _decisions(kept, first, called, thresholds, health)
        held |= _worst_of_each_account(kept, failing)
        cells: list[Any] = kept.proposal.plan.spend.index.tolist()
        fixed = tuple(cell for cell, is_held in zip(cells, held, strict=True) if is_held)
        kept = _Moves.of(kept.proposal.refit(fixed=fixed))


def _worst_of_each_account(moves: "_Moves", failing: np.ndarray) -> np.ndarray:
    """(cell,) the least likely quarter of each account's failing moves, at least one.

    Two good uses of one sum of money can each look doubtful only because of the other, so they are
    not taken back at once: with the worse one gone, the better one is judged again. A cut and the
    raise it pays for are one bet, equally likely; each one's own odds tell which is in doubt.
    """
    account = moves.proposal.plan.spend.index.get_level_values(0)
    dropped = np.zeros(moves.size, bool)
    for name in account[failing].unique():
        own = np.flatnonzero(failing & (account == name))
        n_dropped = -(-own.size // 4)
        odds = moves.prob[own] + moves.own_prob[own]
        dropped[own[np.argsort(odds, kind="stable")[:n_dropped]]] = True
    return dropped


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
    """The moves of one proposal, cell by cell.

    ``prob`` is the probability that the plan with the move is worth more than the best plan
    without it (0.5 where nothing moves), ``own_prob`` that of the cell's own gain against the
    hurdle; ``elsewhere`` what the move's money brings elsewhere, per
    unit. So increase and reduce in one account are two sides of one comparison. ``forced`` moves
    are those of accounts whose limits do not allow today's plan.
    """

    proposal: Proposal
    current: np.ndarray
    move: np.ndarray
    prob: np.ndarray
    own_prob: np.ndarray
    elsewhere: np.ndarray
    forced: np.ndarray

    @property
    def size(self) -> int:
        return self.move.size

    @staticmethod
    def of(proposal: Proposal) -> "_Moves":
        current = proposal.current.spend.to_numpy(float)
        move = proposal.plan.spend.to_numpy(float) - current
        elsewhere = proposal.hurdle.to_numpy(float).copy()
        # Forced moves have no plan without them: they are compared with the hurdle alone.
        gained = cell_money(proposal.draws, proposal.plan.spend) - cell_money(
            proposal.draws, proposal.current.spend
        )
        own_prob = np.array([prob_gain(column) for column in (gained - elsewhere * move).T])
        prob = own_prob.copy()
        position = {cell: i for i, cell in enumerate(proposal.plan.spend.index)}
        for cell, comparison in proposal.comparisons().items():
            prob[position[cell]] = prob_gain(comparison.gain)
            elsewhere[position[cell]] = comparison.elsewhere
        return _Moves(
            proposal=proposal,
            current=current,
            move=move,
            prob=prob,
            own_prob=own_prob,
            elsewhere=elsewhere,
            forced=(move != 0) & ~proposal.may_hold.to_numpy(),
        )


def cell_money(draws: CurveDraws, spend: pd.Series) -> np.ndarray:
    """(draw, cell) margin money per period that each cell brings at a constant spend."""
    outcome = draws.response(spend).to_numpy()[:, draws.exists]
    account = np.argwhere(draws.exists)[:, 0]
    return outcome * (draws.margin * draws.unit_value)[account]


def _informed(proposal: Proposal, thresholds: Thresholds, health: Health | None) -> np.ndarray:
    """(cell,) whether the cell's own data say enough; all, when nothing is known of the fit."""
    cells = proposal.plan.spend.index
    if health is None:
        return np.ones(len(cells), bool)
    return np.nan_to_num(health.prior_share.reindex(cells)) <= thresholds.max_prior_share


def _called(moves: _Moves, thresholds: Thresholds, informed: np.ndarray) -> np.ndarray:
    """(cell,) which moves are big, likely and safe enough together, or forced by the limits."""
    size = np.abs(moves.move)
    big = (size > 0) & (size >= thresholds.min_step)
    # A move of exactly the smallest share counts; rounding may not decide.
    big &= (size >= thresholds.min_change * moves.current * (1 - 1e-9)) & ~moves.forced
    likely = np.flatnonzero(big & informed & (moves.prob >= thresholds.prob))
    safe = within_false_discovery_rate(moves.prob[likely], thresholds.max_wrong_share)
    called = moves.forced.copy()
    called[likely[safe]] = True
    return called


def _decisions(
    kept: _Moves,
    first: _Moves,
    called: np.ndarray,
    thresholds: Thresholds,
    health: Health | None,
) -> Decisions:
    """One record per cell."""
    prob = np.where(called, kept.prob, first.prob)
    elsewhere = np.where(called, kept.elsewhere, first.elsewhere)
    facts = Facts.of(kept.proposal, first.proposal, elsewhere, thresholds, health)
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
                reason=explain(
                    facts,
                    i,
                    called=bool(called[i]),
                    forced=bool(kept.forced[i]),
                    prob=float(prob[i]),
                ),
            )
        )
    chosen = called & ~kept.forced
    wrong = float(1 - kept.prob[chosen].mean()) if chosen.any() else 0.0
    return Decisions(
        calls=tuple(calls),
        proposal=kept.proposal,
        considered=first.proposal,
        thresholds=thresholds,
        expected_wrong_share=wrong,
        elsewhere=elsewhere,
    )


def _confidence(prob: float) -> str:
    if prob >= CERTAIN:
        return "high"
    return "medium" if prob >= LIKELY else "low"
