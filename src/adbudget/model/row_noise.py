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
        rows; 1 where nothing was observed. They move attention; how much all rows are worth
        together is ``information``
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

    @property
    def information(self) -> float:
        """What a row really tells of a coefficient, as a share of what its weight claims.

        Weights are the precisions that residuals leave the rows. Taken as known, rows of Student-t
        noise would tell 1 / sigma^2 each, on average; their Fisher information is less, as nobody
        knows which of them are good. Gaussian rows tell all of it.

        References
        ----------
        Lange, Little & Taylor (1989), Journal of the American Statistical Association 84, 881-896.
        """
        return (self.tail_df + 1) / (self.tail_df + 3) if np.isfinite(self.tail_df) else 1.0

    @property
    def scale_information(self) -> float:
        """The same of the noise's own scale: of two per row and unit of log sigma."""
        return self.tail_df / (self.tail_df + 3) if np.isfinite(self.tail_df) else 1.0

    @property
    def fitted_loss(self) -> float:
        """Weighted squares, in units of sigma^2, that a fitted coefficient takes from residuals.

        Second order expansion of the mean of weight * residual^2 around the true coefficients.
        """
        return (self.tail_df + 2) / (self.tail_df + 5) if np.isfinite(self.tail_df) else 1.0


def level_spread(level: np.ndarray, power: float) -> np.ndarray:
    """Relative sd of rows whose variance grows with ``power`` of their level.

    Parameters
    ----------
    level : expected outcome over its mean; below ``LEAST_LEVEL`` counts as that
    power : see :class:`RowNoise`
    """
    return np.maximum(level, LEAST_LEVEL) ** (power / 2)


def spread_ahead(level: np.ndarray, seen: np.ndarray, power: float) -> np.ndarray:
    """Relative sd of rows to come, in units of the noise that the rows seen have together.

    Parameters
    ----------
    level : expected outcome of the rows to come, over its mean
    seen : (row,) of the rows the noise was found on, whose precisions have mean one
    power : see :class:`RowNoise`
    """
    return level_spread(level, power) * np.sqrt(np.mean(level_spread(seen, power) ** -2.0))


def even_noise(panel: Panel) -> RowNoise:
    """Every row alike and independent of the others: plain least squares."""
    return RowNoise(
        weights=np.ones(panel.outcome.shape),
        tail_df=np.inf,
        level_power=0.0,
        spread=np.ones(panel.outcome.shape),
        autocorrelation=np.zeros(panel.n_accounts),
    )
