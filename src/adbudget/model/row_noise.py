"""RowNoise: how far each row of a panel can be trusted. Knows nothing of how that is found."""

from dataclasses import dataclass

import numpy as np

from adbudget.panel.panel import Panel

LEAST_LEVEL = 0.2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowNoise:
    """What the data say about their own noise.

    Attributes
    ----------
    weights : (account, period) relative precision of each row, with mean one over an account's
        rows, so that weights move attention and not certainty; 1 where nothing was observed
    tail_df : Student-t degrees of freedom, one for all accounts; inf is Gaussian
    level_power : variance grows with this power of the expected outcome; 0 is even noise
    spread : (account, period) sd of a row's noise from its level alone, relative to the others
    autocorrelation : (account,) of successive residuals, in [0, 1); 0 where it cannot be told
        from none
    """

    weights: np.ndarray
    tail_df: float
    level_power: float
    spread: np.ndarray
    autocorrelation: np.ndarray


def level_spread(level: np.ndarray, power: float) -> np.ndarray:
    """Relative sd of rows whose variance grows with ``power`` of their level.

    Parameters
    ----------
    level : expected outcome over its mean; below ``LEAST_LEVEL`` counts as that
    power : see :class:`RowNoise`
    """
    return np.maximum(level, LEAST_LEVEL) ** (power / 2)


def even_noise(panel: Panel) -> RowNoise:
    """Every row alike and independent of the others: plain least squares."""
    return RowNoise(
        weights=np.ones(panel.outcome.shape),
        tail_df=np.inf,
        level_power=0.0,
        spread=np.ones(panel.outcome.shape),
        autocorrelation=np.zeros(panel.n_accounts),
    )
