"""CurveDraws -> how long advertising works: the share felt at once, later, and in the long run.

Beside it the geometric lag that the literature fits (Koyck 1954), by least squares on the same
rows. Knows nothing of any data set.
"""

import numpy as np

from adbudget.draws import CurveDraws

MOST_LAGS = 400
DURATION_SHARE = 0.9  # of the effect, as in Clarke (1976)


def marginal_weights(draws: CurveDraws, account: int = 0, channel: int = 0) -> np.ndarray:
    """(draw, adstock) long-run outcome of one more unit of spend, by adstock, at the mean spend."""
    points = draws.half_saturation
    slope = points / (1 + points) ** 2  # of level / (level + point) at level 1
    by_adstock = draws.weights[:, account, channel] @ slope
    return by_adstock / draws.scale[account, channel]


def kernels(draws: CurveDraws, n_lags: int = MOST_LAGS) -> np.ndarray:
    """(adstock, lag) share of the effect that comes at each lag, in periods; rows add up to 1."""
    rate = draws.retention[:, None]
    return draws.mix @ ((1 - rate) * rate ** np.arange(n_lags))


def lag_shares(weights: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """(draw, lag) share of a small pulse's effect that comes at each lag.

    Parameters
    ----------
    weights : (draw, adstock) from :func:`marginal_weights`
    kernel : (adstock, lag) from :func:`kernels`
    """
    total = weights.sum(axis=1, keepdims=True)
    return (weights @ kernel) / np.where(total > 0, total, 1.0)


def duration(shares: np.ndarray) -> np.ndarray:
    """(draw,) periods until 90% of the effect has come, between lags by a straight line."""
    felt = np.cumsum(shares, axis=1)
    last = np.argmax(felt >= DURATION_SHARE, axis=1)
    rows = np.arange(len(shares))
    before = np.where(last > 0, felt[rows, last - 1], 0.0)
    return last + (DURATION_SHARE - before) / shares[rows, last]


def koyck(
    outcome: np.ndarray, spend: np.ndarray, era: np.ndarray | None = None
) -> dict[str, float]:
    """Least squares of outcome on a level, spend and the outcome before.

    Parameters
    ----------
    outcome, spend : (period,) in order
    era : (period,) label of the level each period has; one level when None

    Returns
    -------
    ``retention`` (of the outcome before) and ``short_run`` (of spend) with their standard errors
    ``retention_error`` and ``short_run_error``; ``long_run`` = short_run / (1 - retention)

    References
    ----------
    Koyck (1954), Distributed Lags and Investment Analysis. Palda (1964), The Measurement of
    Cumulative Advertising Effects.
    """
    after, before = outcome[1:], outcome[:-1]
    labels = np.zeros(outcome.size) if era is None else era
    levels = (labels[1:, None] == np.unique(labels[1:])).astype(float)
    design = np.column_stack([spend[1:], before, levels])
    cross = np.linalg.inv(design.T @ design)
    estimate = cross @ design.T @ after
    rest = after - design @ estimate
    error = np.sqrt(np.diag(cross) * (rest @ rest) / (after.size - design.shape[1]))
    return {
        "short_run": float(estimate[0]),
        "short_run_error": float(error[0]),
        "retention": float(estimate[1]),
        "retention_error": float(error[1]),
        "long_run": float(estimate[0] / (1 - estimate[1])),
    }
