"""What is known of a column up to today -> draws of how it goes on: trend, demand, controls.

A forecast that took these for known would be too sure of itself. Knows nothing of media or noise.
"""

import numpy as np
from scipy.signal import lfilter

DRIFT_WORTH = 13.0  # steps (a year of them) that no growth at all is believed for
MOST_PERSISTENT = 0.98


def trend_steps(
    seen: np.ndarray, n_steps: int, step_sd: float, rng: np.random.Generator
) -> np.ndarray:
    """Steps of the trend after the last one seen: a random walk that may have a direction.

    The level moves from knot to knot by N(drift, step_sd^2). What is known of the drift are the
    steps seen and ``DRIFT_WORTH`` steps that add up to nothing, so a shop that has grown for years
    is expected to go on, one of a few months hardly.

    Parameters
    ----------
    seen : (draw, step) in units of the mean outcome, the oldest first
    n_steps : how many to draw
    step_sd : of one step around the drift, same unit
    rng : chance

    Returns
    -------
    (draw, n_steps)

    References
    ----------
    West & Harrison (1997), Bayesian Forecasting and Dynamic Models, ch. 7.
    """
    n_draws, n_seen = seen.shape
    worth = n_seen + DRIFT_WORTH
    drift = seen.sum(axis=1) / worth + step_sd * rng.normal(size=n_draws) / np.sqrt(worth)
    return drift[:, None] + step_sd * rng.normal(size=(n_draws, n_steps))


def continued(
    history: np.ndarray, n_periods: int, n_draws: int, rng: np.random.Generator
) -> np.ndarray:
    """Paths of a column that nobody knows ahead: from its last value back to its mean.

    A first-order autoregression with the mean, the spread and the persistence of the record. What
    moves slowly stays near its last value, what is drawn anew every period returns at once, and
    either is in the end as uncertain as it has been.

    Parameters
    ----------
    history : (period,) the record, one value at least
    n_periods, n_draws : what to draw
    rng : chance

    Returns
    -------
    (draw, period)
    """
    mean, spread = history.mean(), history.std()
    away = history - mean
    square = float(away @ away)
    rho = 0.0 if square == 0 else float(away[1:] @ away[:-1]) / square
    rho = min(max(rho, 0.0), MOST_PERSISTENT)
    fresh = spread * np.sqrt(1 - rho**2) * rng.normal(size=(n_draws, n_periods))
    start = np.full((n_draws, 1), rho * away[-1])
    return mean + np.asarray(lfilter([1.0], [1.0, -rho], fresh, axis=1, zi=start)[0])
