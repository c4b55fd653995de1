"""Decisions -> the plans that better knowledge might choose from, and what each is worth by draw.

Knowledge is worth nothing where it cannot change the plan. So the plans that some result would
make the best are found first: for every cell, and every pair of cells, on the draws in which it
does well or badly, within the same limits. A finite list makes what knowledge is worth a matter of
averages.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from adbudget.curves import saturation
from adbudget.decision.action import Action
from adbudget.decision.decisions import Decisions
from adbudget.decision.thresholds import Thresholds
from adbudget.optimizer import Proposal
from adbudget.optimizer.hindsight import Case

EXTREME = 0.25  # share of the draws that are taken for "it does well", and for "badly"
MOST_PARTNERS = 4  # cells that a raise may be paid for by, in accounts of many channels
FEW = 7  # channels up to which every pair is looked at
MOVED = 1e-6  # share of today's spend below which a move is rounding
TODAY, CALLED = 0, 1  # the first two plans of every block


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Choices:
    """The plans of one block of cells that limits tie together, an account as a rule.

    Attributes
    ----------
    cells : (own,) positions of its cells
    gain : (draw, plan) margin money per period against today's plan; the first plan is today's,
        the second that of the calls
    direction : (plan, own) 1 where a plan raises a cell by a meaningful step, -1 where it cuts it
    may_hold : whether the limits allow today's plan
    """

    cells: np.ndarray
    gain: np.ndarray
    direction: np.ndarray
    may_hold: bool


def choices_of(decisions: Decisions, some: np.ndarray) -> list[Choices]:
    """The choices of every block.

    Parameters
    ----------
    decisions : what is called now, and what it was chosen from
    some : positions of the draws that are used

    Returns
    -------
    One entry per block, in order
    """
    proposal = decisions.considered
    slope, weights = _slopes(proposal, some), _weights(proposal, some)
    called = np.array([call.action != Action.MONITOR for call in decisions.calls])
    blocked = decisions.blocked
    block = proposal.block_of_cell
    may_hold = proposal.may_hold.to_numpy()
    cases: list[Case] = []
    tilted = _Tilted(slope=slope, weights=weights, block=block)
    for own in _by_block(block):
        cases += _cases(own, tilted, called, blocked, held=bool(may_hold[own[0]]))
    plans: list[list[np.ndarray]] = [[] for _ in range(block.max(initial=-1) + 1)]
    now = proposal.current.spend.to_numpy(float)
    after = decisions.proposal.plan.spend.to_numpy(float)
    best = proposal.plan.spend.to_numpy(float)
    for b, own in enumerate(_by_block(block)):
        plans[b] += [now[own], after[own], best[own]]
    for case, (own, spend) in zip(cases, proposal.best_plans(cases), strict=True):
        plans[case.block].append(spend[np.argsort(own, kind="stable")])
    return [
        _choices(proposal, own, np.stack(plans[b]), weights, decisions.thresholds)
        for b, own in enumerate(_by_block(block))
    ]


def _by_block(block: np.ndarray) -> Iterator[np.ndarray]:
    """Positions of the cells of every block in turn."""
    order = np.argsort(block, kind="stable")
    yield from np.split(order, np.cumsum(np.bincount(block))[:-1]) if block.size else ()


def _slopes(proposal: Proposal, some: np.ndarray) -> np.ndarray:
    """(draw, cell) money that one more unit of spend brings."""
    draws = proposal.draws
    slope = draws.marginal(proposal.current.spend).to_numpy()[some][:, draws.exists]
    return slope * (draws.margin * draws.unit_value)[np.argwhere(draws.exists)[:, 0]]


def _weights(proposal: Proposal, some: np.ndarray) -> np.ndarray:
    """(draw, cell, saturation) of the curves at constant spend."""
    draws = proposal.draws
    return draws.steady_weights[some][:, *np.argwhere(draws.exists).T]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Tilted:
    """Curves averaged over the draws in which something holds."""

    slope: np.ndarray
    weights: np.ndarray
    block: np.ndarray

    def where(self, score: np.ndarray, own: np.ndarray) -> np.ndarray:
        """(own, saturation) mean curves of the draws of the highest scores, in one block."""
        n_taken = max(1, round(EXTREME * score.size))
        taken = np.argpartition(score, -n_taken)[-n_taken:]
        return self.weights[taken[:, None], own].mean(axis=0)


def _cases(
    own: np.ndarray, tilted: _Tilted, called: np.ndarray, blocked: np.ndarray, *, held: bool
) -> list[Case]:
    """What might turn out in one block: a cell does well or badly, one better than another."""
    cells = own[~blocked[own]]
    slope = tilted.slope
    block, cases = int(tilted.block[own[0]]), []
    for cell in cells:
        for sign in (1.0, -1.0):
            weights = tilted.where(sign * slope[:, cell], own)
            cases.append(Case(block=block, weights=weights, free=~blocked))
            if held:
                cases.append(Case(block=block, weights=weights, free=_only(called, cell)))
    if held:
        for more, less in _pairs(cells, slope.mean(axis=0)):
            weights = tilted.where(slope[:, more] - slope[:, less], own)
            cases.append(Case(block=block, weights=weights, free=_only(called, more, less)))
    return cases


def _only(called: np.ndarray, *cells: int) -> np.ndarray:
    free = called.copy()
    free[list(cells)] = True
    return free


def _pairs(cells: np.ndarray, slope: np.ndarray) -> list[tuple[int, int]]:
    """Which cell may rise at the cost of which; of many, only the likeliest partners."""
    order = cells[np.argsort(slope[cells], kind="stable")]
    lowest, highest = order[:MOST_PARTNERS], order[-MOST_PARTNERS:]
    return [
        (int(more), int(less))
        for more in cells
        for less in cells
        if more != less and (cells.size <= FEW or less in lowest or more in highest)
    ]


def _choices(
    proposal: Proposal,
    own: np.ndarray,
    plans: np.ndarray,
    weights: np.ndarray,
    thresholds: Thresholds,
) -> Choices:
    """What the plans of one block are worth."""
    draws = proposal.draws
    account, channel = np.argwhere(draws.exists)[own].T
    scale = draws.scale[account, channel]
    basis = saturation(plans / scale, draws.half_saturation)  # (plan, own, saturation)
    change = (basis - basis[TODAY]) * (draws.margin * draws.unit_value)[account, None]
    earned = weights[:, own].reshape(weights.shape[0], -1) @ change.reshape(plans.shape[0], -1).T
    moved = plans - plans[TODAY]
    meant = np.maximum(thresholds.min_change * plans[TODAY], thresholds.min_step)
    step = np.maximum(meant, MOVED * plans[TODAY]) * (1 - MOVED)
    direction = np.where((np.abs(moved) >= step) & (moved != 0), np.sign(moved), 0).astype(int)
    return Choices(
        cells=own,
        gain=earned - moved.sum(axis=1),
        direction=direction,
        may_hold=bool(proposal.may_hold.to_numpy()[own[0]]),
    )
