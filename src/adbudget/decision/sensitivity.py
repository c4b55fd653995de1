"""Draws of a move's value -> share of its return that must be spurious to change the call.

Spend follows demand in real accounts, so part of what a channel seems to bring would have come
without it. How large that part is, no panel can say; how large it would have to be, it can.
"""

import numpy as np

SURELY = 1.0  # the whole return: no more of it can be spurious


def flip_of_move(gain: np.ndarray, own: np.ndarray, prob: float) -> float:
    """Error of the moved cell's return at which its move is no longer likely enough to pay.

    The move pays when ``gain`` is above zero. With an error f in the cell's own return the gain is

        gain - f * |own|

    because a raise brings (1 - f) * own, and a cut loses (1 + f) * |own|. What the best plan
    without the move earns does not depend on the cell's curve, so it stays. The share of draws
    with gain > f * |own| falls with f, and reaches ``prob`` at a quantile of gain / |own|.

    Parameters
    ----------
    gain : (draw,) money per period the plan with the move is better by than the best without it
    own : (draw,) money per period the cell itself brings by the move: positive for a raise,
        negative for a cut
    prob : smallest probability that the move pays

    Returns
    -------
    float : for a raise, the share of its return that would have to be spurious, at most 1 (then it
        pays even at no return); for a cut, the share by which the return would have to be
        under-estimated, infinite if no return could be that large; 0 if the move is not likely
        enough as it is
    """
    size = np.abs(own)
    with np.errstate(divide="ignore", invalid="ignore"):
        breaks_even = np.where(size > 0, gain / size, np.where(gain > 0, np.inf, -np.inf))
    largest = _reached_by(breaks_even, prob)
    is_raise = own.mean() > 0
    return float(np.clip(largest, 0.0, SURELY if is_raise else np.inf))


def flip_of_hold(loss: np.ndarray, freed: float, prob: float) -> float:
    """Share of a held cell's return that would have to be spurious to make a cut pay.

    A small cut frees money that is worth ``freed`` and loses (1 - f) * ``loss``.

    Parameters
    ----------
    loss : (draw,) money per period that the smallest meaningful cut loses; at least 0
    freed : what the money of that cut is worth elsewhere, or unspent
    prob : smallest probability that a move pays

    Returns
    -------
    float : in (0, 1]; NaN when the cut is likely enough to pay as it is, so that something other
        than the return holds the cell
    """
    needed = -_reached_by(-loss, prob)  # the cut pays in enough draws if it frees this much
    if freed >= needed:
        return float("nan")
    return float(1 - freed / needed)


def _reached_by(values: np.ndarray, prob: float) -> float:
    """Largest level that a share ``prob`` of the draws reaches."""
    n_above = int(np.ceil(prob * values.size * (1 - 1e-12)))
    at = values.size - max(n_above, 1)
    return float(np.partition(values, at)[at])
