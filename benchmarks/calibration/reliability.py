"""Moves -> does a stated probability come true that often? Knows nothing of how it was stated.

The moves of one replication are bets on the same truth, so every uncertainty here is taken over
replications, never over moves.
"""

from dataclasses import dataclass

import numpy as np

EDGES = (0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Moves whose stated probability lies in one interval.

    Attributes
    ----------
    low, high : the interval; a probability on an edge belongs to the upper one
    n_moves : how many
    stated : their mean stated probability
    pays : share of them that truly pay
    error : standard error of pays less stated
    """

    low: float
    high: float
    n_moves: int
    stated: float
    pays: float
    error: float


def stack_moves(records: list[dict], *, called: bool) -> np.ndarray:
    """(move, 3) replication, stated probability, whether it pays.

    Parameters
    ----------
    records : replications
    called : the calls, or else the moves considered
    """
    rows = [
        (i, prob, pays)
        for i, record in enumerate(records)
        for prob, pays, was_called in record["moves"]
        if bool(was_called) == called
    ]
    return np.array(rows, dtype=float).reshape(-1, 3)


def bins(moves: np.ndarray, edges: tuple[float, ...] = EDGES) -> list[Bin]:
    """Reliability by stated probability; empty intervals are left out."""
    place = np.clip(np.searchsorted(edges, moves[:, 1], side="right") - 1, 0, len(edges) - 2)
    found = []
    for b in np.unique(place):
        inside = moves[place == b]
        gap, error = gap_and_error(inside)
        stated = float(inside[:, 1].mean())
        found.append(
            Bin(
                low=edges[b],
                high=edges[b + 1],
                n_moves=len(inside),
                stated=stated,
                pays=stated + gap,
                error=error,
            )
        )
    return found


def gap_and_error(moves: np.ndarray) -> tuple[float, float]:
    """Share that pays less the share stated, and its standard error over replications.

    Parameters
    ----------
    moves : (move, 3) as :func:`stack_moves` gives them, at least one

    Returns
    -------
    gap, error ; error is NaN for a single replication
    """
    surprise = moves[:, 2] - moves[:, 1]
    gap = surprise.mean()
    _, replication = np.unique(moves[:, 0], return_inverse=True)
    sums = np.bincount(replication, surprise - gap)
    n = sums.size
    if n < 2:
        return float(gap), float("nan")
    return float(gap), float(np.sqrt((sums**2).sum() * n / (n - 1)) / len(moves))
