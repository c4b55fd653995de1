"""Figures row by row -> whether they are running totals, what each row adds, and whole minor units.

Rows are sorted by deal and time. Nothing is known of tables here.
"""

from collections.abc import Callable

import numpy as np

FEWEST_ROWS = 3  # of a deal, before its figures can show that they run up
FEWEST_STEPS = 4  # of all deals together
LEAST_GROWING = 0.5  # share of steps that grow; a deal that stands still shows nothing
TOO_MUCH = 1.5  # times the plan; days that add up to less may well be days
BEYOND_DOUBT = 4.0  # times the plan; whatever the shape, nobody delivers this


def first_rows(deal: np.ndarray) -> np.ndarray:
    """Whether each row is the first of its deal: (row,) bool."""
    first = np.ones(deal.size, dtype=bool)
    first[1:] = deal[1:] != deal[:-1]
    return first


def are_running(
    deal: np.ndarray,
    amounts: tuple[np.ndarray, ...],
    wanted: Callable[[], tuple[np.ndarray, np.ndarray]],
) -> bool:
    """Whether figures run up from row to row, and make sense only as totals.

    Parameters
    ----------
    deal : (row,) position of the deal
    amounts : spend first, then others; (row,) each
    wanted : gives what the plan wants of the deal until the row's day is over, and until it
        begins: (row,) minor units each. Asked only where no figure ever falls

    Returns
    -------
    True when no figure of any deal ever falls, most grow, their sum is far above the plan and the
    last of them nearer to it, and they follow the planned sums rather than the planned days
    """
    first = first_rows(deal)
    long = (np.bincount(deal) >= FEWEST_ROWS)[deal]
    step = long & ~first
    if step.sum() < FEWEST_STEPS:
        return False
    if any((np.diff(amount, prepend=0.0)[step] < 0).any() for amount in amounts):
        return False
    if (np.diff(amounts[0], prepend=0.0)[step] > 0).mean() < LEAST_GROWING:
        return False
    planned, planned_before = wanted()
    last = np.append(first[1:], True) & long & (planned > 0)
    if not last.any():
        return False
    spend = amounts[0]
    total = np.bincount(deal, weights=spend)[deal[last]]
    as_days, as_totals = np.median(total / planned[last]), np.median(spend[last] / planned[last])
    if as_days <= TOO_MUCH or as_totals <= 0 or abs(np.log(as_totals)) >= np.log(as_days):
        return False
    shapes = _spread(deal[long], spend[long], planned[long])
    days = _spread(deal[long], spend[long], (planned - planned_before)[long])
    return bool(as_days > BEYOND_DOUBT or shapes < days)


def _spread(deal: np.ndarray, spend: np.ndarray, planned: np.ndarray) -> float:
    """How much spend over plan varies within deals, relative to its mean: the median of deals."""
    share = np.divide(spend, planned, out=np.zeros_like(spend), where=planned > 0)
    number = np.bincount(deal).astype(float)
    some = number > 0
    mean = np.bincount(deal, weights=share)[some] / number[some]
    square = np.bincount(deal, weights=share**2)[some] / number[some]
    away = np.sqrt(np.maximum(square - mean**2, 0.0))
    return float(np.median(np.divide(away, mean, out=np.zeros_like(mean), where=mean > 0)))


def differences(deal: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """What each row adds to the one before: (row,) float."""
    return np.where(first_rows(deal), totals, np.diff(totals, prepend=0.0))


def in_whole_units(deal: np.ndarray, minor: np.ndarray) -> np.ndarray:
    """Minor units, fractions allowed -> whole ones whose sums are rounded once: (row,) int64.

    Each row is what the rounded sum of its deal grows by, so that a thousand rows are no further
    from the truth than one.
    """
    whole = np.rint(minor)
    broken = whole != minor
    if not broken.any():
        return whole.astype(np.int64)
    with_fractions = np.zeros(int(deal.max()) + 1, dtype=bool)
    with_fractions[deal[broken]] = True
    rows = np.flatnonzero(with_fractions[deal])
    of_deal, first = deal[rows], first_rows(deal[rows])
    running = np.cumsum(minor[rows])
    starts = running[first] - minor[rows][first]
    running -= np.repeat(starts, np.diff(np.append(np.flatnonzero(first), rows.size)))
    rounded = np.rint(running)
    out = whole.astype(np.int64)
    out[rows] = differences(of_deal, rounded).astype(np.int64)
    return out
