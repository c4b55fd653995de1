"""Proposal -> what each move is worth, how sure that is, and what would overturn it.

Every moved cell is compared with the best plan that leaves it alone; every held cell with the
smallest cut that would mean something.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from adbudget.decision.sensitivity import flip_of_hold, flip_of_move
from adbudget.decision.thresholds import Needed
from adbudget.draws import CurveDraws
from adbudget.optimizer import Proposal
from adbudget.risk import monte_carlo_error, prob_gain

SMALLEST_CUT = 0.01  # share of today's spend by which a held cell is cut to see what flips it


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moves:
    """The moves of one proposal, cell by cell.

    ``prob`` is the probability that the plan with the move is worth more than the best plan
    without it (0.5 where nothing moves), ``error`` its Monte-Carlo standard error, ``own_prob``
    the probability of the cell's own gain against the hurdle; ``elsewhere`` what the move's money
    brings elsewhere, per unit. So increase and reduce in one account are two sides of one
    comparison. ``needed`` is the probability that makes the move a call. ``forced`` moves are those
    of accounts whose limits do not allow today's plan. ``flip`` is the error of the own return at
    which the move is no longer likely enough; NaN where nothing is compared.
    """

    proposal: Proposal
    current: np.ndarray
    move: np.ndarray
    prob: np.ndarray
    error: np.ndarray
    needed: np.ndarray
    own_prob: np.ndarray
    elsewhere: np.ndarray
    forced: np.ndarray
    flip: np.ndarray

    @property
    def size(self) -> int:
        """Number of cells."""
        return self.move.size

    @staticmethod
    def of(proposal: Proposal, bars: Needed) -> "Moves":
        """Compare every move of a proposal with the best plan without it."""
        current = proposal.current.spend.to_numpy(float)
        move = proposal.plan.spend.to_numpy(float) - current
        elsewhere = proposal.hurdle.to_numpy(float).copy()
        # Forced moves have no plan without them: they are compared with the hurdle alone.
        gained = cell_money(proposal.draws, proposal.plan.spend) - cell_money(
            proposal.draws, proposal.current.spend
        )
        net = (gained - elsewhere * move).T
        own_prob = np.array([prob_gain(column) for column in net])
        error = np.array([monte_carlo_error(column) for column in net])
        error[move == 0] = 0.0  # nothing is compared, so nothing is estimated
        prob, flip, needed = own_prob.copy(), np.full(move.size, np.nan), bars.of(move)
        position = {cell: i for i, cell in enumerate(proposal.plan.spend.index)}
        for cell, comparison in proposal.comparisons().items():
            i = position[cell]
            prob[i] = prob_gain(comparison.gain)
            error[i] = monte_carlo_error(comparison.gain)
            elsewhere[i] = comparison.elsewhere
            flip[i] = flip_of_move(comparison.gain, gained[:, i], float(np.minimum(needed[i], 1.0)))
        return Moves(
            proposal=proposal,
            current=current,
            move=move,
            prob=prob,
            error=error,
            needed=needed,
            own_prob=own_prob,
            elsewhere=elsewhere,
            forced=(move != 0) & ~proposal.may_hold.to_numpy(),
            flip=flip,
        )

    def where(self, mask: np.ndarray, other: "Moves") -> "Moves":
        """These moves in the cells of a mask, those of another plan elsewhere."""
        names = ("move", "prob", "error", "needed", "own_prob", "elsewhere", "flip")
        mixed = {name: np.where(mask, getattr(self, name), getattr(other, name)) for name in names}
        return replace(self, **mixed)

    def flips_of_holds(
        self,
        elsewhere: np.ndarray,
        may_cut: np.ndarray,
        bar: np.ndarray,
        smallest: tuple[float, float],
    ) -> np.ndarray:
        """(cell,) share of the return that would have to be spurious for a cut to pay.

        Parameters
        ----------
        elsewhere : (cell,) what a unit of the cell's money brings elsewhere
        may_cut : (cell,) cells to look at; the others are NaN
        bar : (cell,) probability that makes a move a call
        smallest : smallest meaningful move, as a share of today's spend and in money
        """
        proposal, now = self.proposal, self.current
        cut = np.maximum(max(smallest[0], SMALLEST_CUT) * now, smallest[1])
        room = now - proposal.least_spend.to_numpy()
        flip = np.full(self.size, np.nan)
        cells = np.flatnonzero(may_cut & (now > 0) & (cut <= now) & (cut <= room * (1 + 1e-9)))
        if cells.size:
            less = pd.Series(np.maximum(now - cut, 0.0), index=proposal.plan.spend.index)
            today = cell_money(proposal.draws, proposal.current.spend)
            lost = today - cell_money(proposal.draws, less)
            for i in cells:
                flip[i] = flip_of_hold(lost[:, i], elsewhere[i] * cut[i], float(bar[i]))
        return flip


def unmoved(proposal: Proposal) -> Proposal:
    """Today's plan as a Proposal: nothing moves, nothing is certified."""
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


def cell_money(draws: CurveDraws, spend: pd.Series) -> np.ndarray:
    """(draw, cell) margin money per period that each cell brings at a constant spend."""
    outcome = draws.response(spend).to_numpy()[:, draws.exists]
    account = np.argwhere(draws.exists)[:, 0]
    return outcome * (draws.margin * draws.unit_value)[account]


def marginal_money(draws: CurveDraws, spend: pd.Series) -> np.ndarray:
    """(draw, cell) margin money that one more unit of spend brings."""
    account = np.argwhere(draws.exists)[:, 0]
    slope = draws.marginal(spend).to_numpy()[:, draws.exists]
    return slope * (draws.margin * draws.unit_value)[account]
