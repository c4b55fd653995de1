"""Proposal -> increase, monitor, reduce, each with its reason.

A move is called only when it is big enough to matter, likely enough to pay, and part of a list
whose expected share of wrong calls is within the stated rate. Cells without a call are held at
today's spend and the rest is solved again, until every move left is a call.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from adbudget.decision.moves import Moves, unmoved
from adbudget.decision.reasons import Facts, explain
from adbudget.draws import Health
from adbudget.errors import InfeasibleError, InputError
from adbudget.optimizer import Proposal
from adbudget.plan import Cell
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
    max_prior_share : a cell whose answer is prior to a larger share than this is not moved
    min_change : smallest meaningful move, as a share of today's spend
    min_step : smallest meaningful move in money per period
    fragile_below : a call that changes if a smaller share than this of the cell's return is
        spurious says so in its reason; it is made all the same
    """

    prob: float = 0.8
    max_wrong_share: float = 0.10
    max_prior_share: float = 0.95
    min_change: float = 0.05
    min_step: float = 0.0
    fragile_below: float = 0.25

    def __post_init__(self) -> None:
        for name, low, high in (
            ("prob", 0.5, 1.0),
            ("max_wrong_share", 0.0, 1.0),
            ("max_prior_share", 0.0, 1.0),
            ("min_change", 0.0, 1.0),
            ("min_step", 0.0, np.inf),
            ("fragile_below", 0.0, 1.0),
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
    flip_at : share of the cell's estimated return that would have to be spurious before the
        decision changes: before a raise, or the cut of a held cell, turns; for a cut, the share by
        which the return would have to be under-estimated, without upper end. NaN where no return
        decides: a forced move, a fixed or uninformed cell, nothing spent, an unhealthy fit
    """

    account: str
    channel: str
    action: Action
    current_spend: float
    recommended_spend: float
    prob_gain: float
    confidence: str
    reason: str
    flip_at: float = float("nan")


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
    caveats: Mapping[tuple[str, str], str] | None = None,
    blocked: Mapping[tuple[str, str], str] | None = None,
) -> Decisions:
    """Turn a proposal into calls.

    Parameters
    ----------
    proposal : from :func:`adbudget.optimize`
    thresholds : when a move becomes a call; the defaults when None
    health : of the fit; when unhealthy, every decision is MONITOR and says why
    caveats : (account, channel) -> a sentence for the reason of its decision, for instance from
        :func:`adbudget.panel.findings.caveats`; decides nothing
    blocked : (account, channel) -> why nothing said of it would mean anything, for instance from
        :func:`adbudget.panel.findings.blocked`: it keeps today's spend, and so gives no money to
        others; its decision is MONITOR and says why

    Returns
    -------
    Decisions

    Raises
    ------
    InputError : ``caveats`` or ``blocked`` names a cell the proposal does not have
    InfeasibleError : the limits cannot be kept with the blocked cells at today's spend

    References
    ----------
    Mueller, Parmigiani, Robert & Rousseau (2004), JASA 99(468), 990-1001.
    """
    thresholds = thresholds or Thresholds()
    said = _said(caveats or {}, proposal, "caveats")
    why = _said(blocked or {}, proposal, "blocked")
    if blocked:
        proposal = _held(proposal, tuple(blocked))
    first = Moves.of(proposal, thresholds.prob)
    informed = _informed(proposal, thresholds, health) & (np.array(why) == "")
    if health is not None and not health.ok:
        kept = Moves.of(unmoved(proposal), thresholds.prob)
        called = np.zeros(first.size, bool)
        return _decisions(kept, first, called, informed, thresholds, health, said, why)
    kept, held = first, np.zeros(first.size, bool)
    while True:
        called = _called(kept, thresholds, informed)
        failing = (kept.move != 0) & ~called
        if not failing.any():
            return _decisions(kept, first, called, informed, thresholds, health, said, why)
        held |= _worst_of_each_account(kept, failing)
        cells: list[Any] = kept.proposal.plan.spend.index.tolist()
        fixed = tuple(cell for cell, is_held in zip(cells, held, strict=True) if is_held)
        kept = Moves.of(kept.proposal.refit(fixed=fixed), thresholds.prob)


def _said(
    sentences: Mapping[tuple[str, str], str], proposal: Proposal, argument: str
) -> tuple[str, ...]:
    """(cell,) the caller's sentences, "" where there is none."""
    cells = proposal.plan.spend.index
    unknown = [cell for cell in sentences if cell not in cells]
    if unknown:
        raise InputError(
            f"{argument} names {len(unknown)} cell(s) the proposal does not have, first "
            f"{unknown[:5]}."
        )
    names: list[Any] = cells.tolist()
    return tuple(sentences.get(name, "") for name in names)


def _held(proposal: Proposal, cells: tuple[Cell, ...]) -> Proposal:
    """The best plan that leaves some cells at today's spend, or why there is none."""
    try:
        return proposal.refit(fixed=cells)
    except InfeasibleError as cause:
        raise InfeasibleError(
            f"{cause} {len(cells)} cell(s) are held at today's spend because of what their data "
            f"say, first {list(cells[:3])}: correct the data, loosen the limits, or accept the "
            "findings (accept_findings).",
            conflict=cause.conflict,
        ) from cause


def _worst_of_each_account(moves: Moves, failing: np.ndarray) -> np.ndarray:
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


def _informed(proposal: Proposal, thresholds: Thresholds, health: Health | None) -> np.ndarray:
    """(cell,) whether the cell's own data say enough; all, when nothing is known of the fit."""
    cells = proposal.plan.spend.index
    if health is None:
        return np.ones(len(cells), bool)
    return np.nan_to_num(health.prior_share.reindex(cells)) <= thresholds.max_prior_share


def _called(moves: Moves, thresholds: Thresholds, informed: np.ndarray) -> np.ndarray:
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
    kept: Moves,
    first: Moves,
    called: np.ndarray,
    informed: np.ndarray,
    thresholds: Thresholds,
    health: Health | None,
    said: tuple[str, ...],
    why: tuple[str, ...],
) -> Decisions:
    """One record per cell."""
    prob = np.where(called, kept.prob, first.prob)
    elsewhere = np.where(called, kept.elsewhere, first.elsewhere)
    may_cut = ~called & informed & (health is None or health.ok)
    smallest = (thresholds.min_change, thresholds.min_step)
    held = first.flips_of_holds(elsewhere, may_cut, thresholds.prob, smallest)
    flip = np.where(called, kept.flip, held)
    facts = Facts.of(
        *(kept.proposal, first.proposal, elsewhere, thresholds, health),
        flip=flip,
        said=said,
        blocked=why,
    )
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
                flip_at=float(flip[i]),
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
