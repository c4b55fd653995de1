"""Proposal -> increase, monitor, reduce, each with its reason.

A move is called only when it is big enough to matter, likely enough to pay, and part of a list
whose expected share of wrong calls is within the stated rate. Cells without a call are held at
today's spend and the rest is solved again, until every move left is a call.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from adbudget.decision.action import Action, Decision
from adbudget.decision.asked import Asked, prior_share_of, said_of
from adbudget.decision.decision_table import (
    decision_columns,
    decisions_page,
    frontier_rows,
    lift_draws,
    totals_by_currency,
)
from adbudget.decision.moves import Moves, unmoved
from adbudget.decision.previous import directions
from adbudget.decision.reasons import Facts, explain, reason_code
from adbudget.decision.regret import regret
from adbudget.decision.thresholds import Needed, Thresholds
from adbudget.decision.totals import HeldTotal, NextMoney, next_money
from adbudget.display.page import Page, Shown
from adbudget.display.stages import stage
from adbudget.draws import Health
from adbudget.errors import InfeasibleError
from adbudget.optimizer import Proposal
from adbudget.plan import Cell
from adbudget.risk import within_false_discovery_rate

BARS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
CERTAIN, LIKELY = 0.95, 0.85  # probabilities from which a call is of high or medium confidence


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Decisions(Shown):
    """One decision per cell, and the plan they make up.

    Attributes
    ----------
    calls : one Decision per cell, in the order of the proposal's cells
    proposal : the plan that moves only the cells that are called
    considered : the plan as first proposed, before uncertain moves were taken back
    expected_wrong_share : posterior expectation of the share of wrong calls, moves that the limits
        force aside; 0 without calls
    elsewhere : (cell,) margin money that one unit of the move's money brings elsewhere
    held_totals : totals that are spent where more money would be likely enough to pay

    Examples
    --------
    >>> [len(frame) for frame in (decisions.to_frame(), decisions.summary(), decisions.frontier())]
    [10, 1, 8]
    >>> decisions.thresholds.prob, decisions.expected_regret >= 0
    (0.8, True)
    >>> decisions.prior_share.shape == decisions.blocked.shape  # one for each cell
    True
    """

    calls: tuple[Decision, ...]
    proposal: Proposal
    considered: Proposal
    expected_wrong_share: float
    elsewhere: np.ndarray
    held_totals: tuple[HeldTotal, ...]
    _asked: Asked = field(repr=False)

    @property
    def thresholds(self) -> Thresholds:
        """What was asked of a call."""
        return self._asked.thresholds

    @property
    def prior_share(self) -> np.ndarray:
        """(cell,) how much of the answer is prior; 0 where nothing is known of the fit."""
        return self._asked.prior_share

    @property
    def blocked(self) -> np.ndarray:
        """(cell,) whether nothing said of it would mean anything."""
        return np.array(self._asked.blocked, dtype=object) != ""

    def page(self) -> Page:
        """What ``repr`` and a notebook show."""
        most = self.thresholds.max_wrong_share
        return decisions_page(self.calls, self.expected_wrong_share, most)

    def to_frame(self) -> pd.DataFrame:
        """One row per cell, in the order of ``calls``.

        The columns are those of :func:`adbudget.recommend` and mean the same, but for
        data_findings, data_from and data_through, which need the panel.
        """
        return decision_columns(self.calls, self.proposal, self.elsewhere, self.prior_share)

    def summary(self) -> pd.DataFrame:
        """One row per currency: calls by kind, spend, lift with its 90% interval, value.

        Columns: currency, increase, monitor, reduce, current_spend, recommended_spend,
        expected_lift, lift_low, lift_high, expected_value; money per period.
        """
        frame = self.to_frame()
        totals = totals_by_currency(frame, lift_draws(self.proposal))
        counts = pd.crosstab(frame["currency"], frame["decision"])
        kinds = counts.reindex(columns=[str(one) for one in Action], fill_value=0)
        by_currency = (dict(kinds.loc[one["currency"]]) | one for one in totals)
        return pd.DataFrame([{"currency": one["currency"]} | one for one in by_currency])

    def frontier(self, probs: Sequence[float] = BARS) -> pd.DataFrame:
        """What other bars would have called: gain against the share of wrong calls and the risk.

        Parameters
        ----------
        probs : smallest probabilities of a call, each at least 0.5. The share of wrong calls is
            what comes of a bar here: ``thresholds.max_wrong_share`` limits none of them

        Returns
        -------
        pd.DataFrame, one row per bar (and currency, if there are several), money per period:
        prob, currency, calls, expected_wrong_share, moved (money the calls move, in and out),
        expected_gain (margin less spend, against today), worst_tenth (mean of its worst tenth)

        Raises
        ------
        InputError : a bar outside [0.5, 1]
        """
        rows = []
        for prob in sorted(probs):
            lax = replace(self.thresholds, prob=float(prob), max_wrong_share=1.0)
            other = _decide(self.considered, replace(self._asked, thresholds=lax))
            wrong = other.expected_wrong_share
            rows += frontier_rows(other.calls, other.proposal, float(prob), wrong)
        return pd.DataFrame(rows)

    @cached_property
    def expected_regret(self) -> "float | pd.Series":
        """Money per period that the plan of the calls leaves on the table for want of knowledge.

        Mean over the draws of what the best plan within the limits would earn if this draw were the
        truth, less what the plan of the calls earns: the expected value of perfect information.
        By currency if there are several. From every k-th draw, 200 of them.

        References
        ----------
        Raiffa & Schlaifer (1961), Applied Statistical Decision Theory, ch. 4.
        """
        return regret(self.proposal, self.considered)


@stage("deciding")
def decide(
    proposal: Proposal,
    thresholds: Thresholds | None = None,
    *,
    health: Health | None = None,
    caveats: Mapping[Cell, str] | None = None,
    blocked: Mapping[Cell, str] | None = None,
    previous: pd.DataFrame | None = None,
    take_back: bool = True,
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
    previous : decisions of the run before, with columns account, channel and decision, such as the
        frame of :func:`adbudget.recommend`. A call that still points the same way is kept down to
        ``thresholds.leave``, so that chance alone turns no call on or off. Cells may be new or gone
    take_back : whether moves that are no calls are taken back and the rest is solved again, so that
        the calls make up a plan; False judges every move of the proposal as it stands, for whoever
        makes all of them, as a loop does

    Returns
    -------
    Decisions

    Raises
    ------
    InputError : ``caveats`` or ``blocked`` names a cell the proposal does not have; ``previous``
        lacks a column, names a cell twice or holds an unknown decision
    InfeasibleError : the limits cannot be kept with the blocked cells at today's spend

    References
    ----------
    Mueller, Parmigiani, Robert & Rousseau (2004), JASA 99(468), 990-1001.

    Examples
    --------
    >>> len(ab.decide(proposal, ab.Thresholds(prob=0.85)).calls) == len(panel.cells)
    True
    """
    cells = proposal.plan.spend.index
    asked = Asked(
        thresholds=thresholds or Thresholds(),
        health=health,
        prior_share=prior_share_of(health, cells),
        said=said_of(caveats or {}, proposal, "caveats"),
        blocked=said_of(blocked or {}, proposal, "blocked"),
        before=directions(previous, cells),
        take_back=take_back,
    )
    return _decide(_held(proposal, tuple(blocked)) if blocked else proposal, asked)


def _decide(proposal: Proposal, asked: Asked) -> "Decisions":
    """Take moves back until every move left is a call."""
    bars = Needed.by(asked.thresholds, asked.prior_share, asked.before)
    first = Moves.of(proposal, bars)
    if not asked.healthy:
        kept = Moves.of(unmoved(proposal), bars)
        nobody = np.zeros(first.size, bool)
        return _decisions(kept, first, first, nobody, asked, NextMoney.none(first.size))
    if not asked.take_back:
        called = _called(first, asked, bars)
        return _decisions(first, first, first, called, asked, NextMoney.none(first.size))
    kept, seen, held = first, first, np.zeros(first.size, bool)
    while True:
        called = _called(kept, asked, bars)
        failing = (kept.move != 0) & ~called
        if not failing.any():
            smallest = np.maximum(
                asked.thresholds.min_change * first.current, asked.thresholds.min_step
            )
            more = next_money(kept.proposal, first.proposal, bars.enter, smallest)
            return _decisions(kept, first, kept.where(called, seen), called, asked, more)
        held |= _worst_of_each_account(kept, failing)
        cells: list[Any] = kept.proposal.plan.spend.index.tolist()
        fixed = tuple(cell for cell, is_held in zip(cells, held, strict=True) if is_held)
        kept = Moves.of(kept.proposal.refit(fixed=fixed), bars)
        # A move held for want of others was likely once; one held for its own odds never was.
        seen = kept.where((kept.move != 0) & (kept.prob >= seen.prob), seen)


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


def _called(moves: Moves, asked: Asked, bars: Needed) -> np.ndarray:
    """(cell,) which moves are big, likely and safe enough together, or forced by the limits."""
    thresholds, size = asked.thresholds, np.abs(moves.move)
    big = (size > 0) & (size >= thresholds.min_step)
    # A move of exactly the smallest share counts; rounding may not decide.
    big &= (size >= thresholds.min_change * moves.current * (1 - 1e-9)) & ~moves.forced
    likely = np.flatnonzero(big & (moves.prob >= moves.needed))
    # Calls that stand are not the first to go, but they count as wrong as they are likely to be.
    rank = moves.prob + (bars.enter - moves.needed)
    safe = within_false_discovery_rate(
        moves.prob[likely], thresholds.max_wrong_share, rank=rank[likely]
    )
    called = moves.forced.copy()
    called[likely[safe]] = True
    return called


def _decisions(
    kept: Moves, first: Moves, seen: Moves, called: np.ndarray, asked: Asked, more: NextMoney
) -> Decisions:
    """One record per cell.

    Parameters
    ----------
    kept : the moves of the calls
    first : of the plan as proposed
    seen : the move of every call, and of every other cell the most likely one of all plans tried
    more : what more money would do where totals are spent
    """
    thresholds = asked.thresholds
    told = (asked.prior_share <= thresholds.max_prior_share) & (np.array(asked.blocked) == "")
    may_cut = ~called & told & asked.healthy
    smallest = (thresholds.min_change, thresholds.min_step)
    held = first.flips_of_holds(seen.elsewhere, may_cut, seen.needed, smallest)
    flip = np.where(called, kept.flip, held)
    facts = Facts.of(
        kept.proposal,
        seen,
        first.proposal,
        thresholds,
        more=more,
        prior_share=asked.prior_share,
        problem=asked.problem,
        flip=flip,
        said=asked.said,
        blocked=asked.blocked,
    )
    calls = []
    for i, (account, channel) in enumerate(kept.proposal.plan.spend.index):
        code = reason_code(facts, i, called=bool(called[i]), forced=bool(kept.forced[i]))
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
                considered_spend=float(kept.current[i] + seen.move[i]),
                prob_gain=float(seen.prob[i]),
                prob_error=float(seen.error[i]),
                prob_needed=float(min(seen.needed[i], 1.0)),
                confidence=_confidence(seen.prob[i]) if called[i] else "low",
                reason=explain(facts, i, code),
                reason_code=code,
                flip_at=float(flip[i]),
            )
        )
    chosen = called & ~kept.forced
    wrong = float(1 - kept.prob[chosen].mean()) if chosen.any() else 0.0
    return Decisions(
        calls=tuple(calls),
        proposal=kept.proposal,
        considered=first.proposal,
        expected_wrong_share=wrong,
        elsewhere=seen.elsewhere,
        held_totals=more.totals,
        _asked=asked,
    )


def _confidence(prob: float) -> str:
    if prob >= CERTAIN:
        return "high"
    return "medium" if prob >= LIKELY else "low"
