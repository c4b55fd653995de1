"""Curves of any shape + bounds + totals -> the best split.

S-shaped curves are not concave, so climbing can end on the wrong hill. Instead the budget is cut
into steps, dynamic programming finds the best split of all, and the steps are refined around it.
"""

from collections.abc import Callable

import numpy as np

N_STEPS = 240  # first grid: steps in the money that can move
ZOOM_REACH = 3  # steps kept on either side of the incumbent
N_ZOOMS = 7


def best_split(
    money: Callable[[np.ndarray], np.ndarray],
    lower: np.ndarray,
    upper: np.ndarray,
    total: np.ndarray,
) -> np.ndarray:
    """Split of each account's total that earns the most.

    Parameters
    ----------
    money : (account, slot, option) spend -> money earned, same shape; any shape of curve
    lower, upper : (account, slot) bounds; sum(lower) <= total <= sum(upper)
    total : (account,) what the slots of an account must add up to

    Returns
    -------
    (account, slot) spend

    Notes
    -----
    The first grid resolves 1/240 of the money that can move. Two hills closer in money than that
    resolution can be taken for one another; the loss is of second order in the step.
    """
    n_slots = lower.shape[1]
    best, low, high = lower.copy(), lower, upper
    n_steps = max(N_STEPS, 20 * n_slots)
    for _ in range(1 + N_ZOOMS):
        step = (total - low.sum(axis=1)) / n_steps
        counts, found = _best_counts(money, low, high, np.maximum(step, 0.0), n_steps)
        best[found] = np.minimum(low + counts * step[:, None], upper)[found]
        reach = ZOOM_REACH * np.maximum(step, 0.0)[:, None]
        low, high = np.maximum(lower, best - reach), np.minimum(upper, best + reach)
        n_steps = max(N_STEPS // 2, 20 * n_slots)
    return best


def _best_counts(
    money: Callable, low: np.ndarray, high: np.ndarray, step: np.ndarray, n_steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """(account, slot) whole steps above ``low`` that add up to n_steps; (account,) if possible."""
    safe_step = np.where(step > 0, step, 1.0)[:, None]
    room = np.where(step[:, None] > 0, np.floor((high - low) / safe_step + 1e-9), 0.0)
    room = np.minimum(room, n_steps).astype(int)
    options = np.arange(room.max() + 1)
    earned = money(low[..., None] + options * step[:, None, None])
    earned = np.where(options <= room[..., None], earned, -np.inf)

    table = np.full((low.shape[0], n_steps + 1), -np.inf)
    table[:, 0] = 0.0
    choices = []
    for slot in range(low.shape[1]):
        table, choice = _add_slot(table, earned[:, slot, : room[:, slot].max() + 1])
        choices.append(choice)
    return _walk_back(choices), np.isfinite(table[:, -1])


def _add_slot(table: np.ndarray, earned: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Best money for each number of steps spent once one more slot may take some of them."""
    best = np.full_like(table, -np.inf)
    choice = np.zeros(table.shape, dtype=np.int32)
    for taken in range(earned.shape[1]):
        candidate = table[:, : table.shape[1] - taken] + earned[:, taken, None]
        better = candidate > best[:, taken:]
        best[:, taken:] = np.where(better, candidate, best[:, taken:])
        choice[:, taken:] = np.where(better, taken, choice[:, taken:])
    return best, choice


def _walk_back(choices: list[np.ndarray]) -> np.ndarray:
    accounts = np.arange(choices[0].shape[0])
    left = np.full(accounts.size, choices[0].shape[1] - 1)
    counts = []
    for choice in reversed(choices):
        counts.append(choice[accounts, left])
        left = left - counts[-1]
    return np.stack(counts[::-1], axis=1)
