"""Spend -> adstock -> saturation, steady state and slope: the basis of every response curve.

A channel's response is a mixture of saturating curves over a small fixed grid,

    revenue(t) = sum_jm v_jm * s_j(t) / (s_j(t) + k_m),      s_j(t) = r_j s_j(t-1) + (1 - r_j) x(t)

with x the spend divided by the cell's own mean spend. Fit, simulation and optimization all call
these lines, so they cannot drift apart.
"""

import numpy as np

DAYS_PER_MONTH = 365.25 / 12


def retention_rate(half_life_days: np.ndarray, period_days: float) -> np.ndarray:
    """Share of the adstock kept from one period to the next.

    A half-life is stated in days, so that a daily and a weekly panel of one account mean the same.

    Parameters
    ----------
    half_life_days : (retention,) days until half of the effect is left; 0 means no carry-over
    period_days : days in one period of the panel

    Returns
    -------
    (retention,) rates in [0, 1)
    """
    half_life = np.asarray(half_life_days, dtype=float)
    safe_half_life = np.where(half_life > 0, half_life, 1.0)
    return np.where(half_life > 0, 0.5 ** (period_days / safe_half_life), 0.0)


def adstock(spend: np.ndarray, retention: np.ndarray, carry_in: np.ndarray) -> np.ndarray:
    """Normalised geometric adstock: at a constant spend it equals the spend.

    Parameters
    ----------
    spend : (..., period) spend per period, any unit
    retention : (retention,) rates in [0, 1), or (..., retention) where every row has its own
    carry_in : (..., retention) adstock before the first period, same unit as ``spend``

    Returns
    -------
    (..., retention, period) adstock, same unit as ``spend``

    References
    ----------
    Broadbent (1979), Journal of the Market Research Society 21(3), 151-166.
    """
    stock = np.empty((*spend.shape[:-1], retention.shape[-1], spend.shape[-1]))
    state = np.asarray(carry_in, dtype=float)
    for t in range(spend.shape[-1]):
        state = retention * state + (1.0 - retention) * spend[..., t, None]
        stock[..., t] = state
    return stock


def delayed(first: float, second: float) -> tuple[float, float]:
    """Weights of two adstocks whose mix is one adstock fed into the other: it peaks later.

    A geometric decay is strongest at once. A delayed effect (people see, think, then buy) is the
    convolution of two decays, and that is a difference of the two adstocks themselves, so nothing
    but ordinary adstocks has to be carried along.

    Parameters
    ----------
    first, second : different retention rates, in [0, 1)

    Returns
    -------
    (weight of the first, weight of the second), adding up to one
    """
    apart = first - second
    return first * (1 - second) / apart, -second * (1 - first) / apart


def mixed_adstock(stock: np.ndarray, mix: np.ndarray) -> np.ndarray:
    """Mixes of geometric adstocks: (..., retention, period) to (..., adstock, period).

    Parameters
    ----------
    stock : (..., retention, period)
    mix : (adstock, retention) each adstock as a mix of geometric ones, rows adding up to one
    """
    # A difference of two adstocks is never negative, but its rounding error may be.
    return np.maximum(np.einsum("jr,...rt->...jt", mix, stock), 0.0)


def saturation(level: np.ndarray, half_saturation: np.ndarray) -> np.ndarray:
    """Saturating response s / (s + k): zero at zero, one half at k, one in the limit.

    Parameters
    ----------
    level : (...,) adstock or constant spend, in units of the cell's mean spend
    half_saturation : (saturation,) half-saturation points, same unit

    Returns
    -------
    (..., saturation)
    """
    stretched = np.asarray(level, dtype=float)[..., None]
    return stretched / (stretched + half_saturation)


def s_curve(level: np.ndarray, half_saturation: np.ndarray) -> np.ndarray:
    """S-shaped response s^2 / (s^2 + k^2): next to nothing below a threshold, then saturating.

    Parameters
    ----------
    level, half_saturation : as in :func:`saturation`

    Returns
    -------
    (..., saturation)
    """
    square = np.asarray(level, dtype=float)[..., None] ** 2
    return square / (square + np.square(half_saturation))


def saturation_slope(level: np.ndarray, half_saturation: np.ndarray) -> np.ndarray:
    """Derivative of :func:`saturation` by ``level``: k / (s + k)^2. Shapes as there."""
    stretched = np.asarray(level, dtype=float)[..., None]
    return half_saturation / (stretched + half_saturation) ** 2
