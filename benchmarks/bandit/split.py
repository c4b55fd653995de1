"""Worth of every level of every line -> the best split of each account's levels. Whole levels only.

A budget is cut into equal levels, and every arm and the oracle choose whole levels, as published.
"""

import numpy as np


def best_split(worth: np.ndarray, *, spend_all: bool = False) -> np.ndarray:
    """Multiple-choice knapsack by dynamic programming: one level for every line.

    Parameters
    ----------
    worth : (account, line, level) of giving a line 0, 1, ... levels; any shape of curve
    spend_all : whether all levels of an account are given away; otherwise at most all

    Returns
    -------
    (account, line) whole levels

    References
    ----------
    Kellerer, Pferschy & Pisinger (2004), Knapsack Problems, chapter 11.
    """
    n_accounts, n_lines, n = worth.shape
    left = np.arange(n)[:, None] - np.arange(n)[None, :]  # levels that remain for earlier lines
    best = np.zeros((n_accounts, n)) if not spend_all else np.full((n_accounts, n), -np.inf)
    best[:, 0] = 0.0
    chosen = np.zeros((n_lines, n_accounts, n), int)
    for k in range(n_lines):
        sums = np.where(left >= 0, best[:, left] + worth[:, k][:, None, :], -np.inf)
        chosen[k] = sums.argmax(axis=2)
        best = sums.max(axis=2)
    at = np.full(n_accounts, n - 1)
    split = np.zeros((n_accounts, n_lines), int)
    for k in reversed(range(n_lines)):
        split[:, k] = chosen[k, np.arange(n_accounts), at]
        at = at - split[:, k]
    return split


def whole_levels(share: np.ndarray, n_levels: int) -> np.ndarray:
    """(account, line) shares of a budget -> whole levels that add up to it: largest remainders."""
    exact = np.maximum(share, 0.0)
    exact = exact / exact.sum(axis=1, keepdims=True) * n_levels
    whole = np.floor(exact + 1e-9).astype(int)
    missing = n_levels - whole.sum(axis=1)
    order = np.argsort(np.argsort(-(exact - whole), axis=1, kind="stable"), axis=1)
    return whole + (order < missing[:, None])
