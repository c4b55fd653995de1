"""Draws of a fit -> what everything but one lift test says of that test.

The test's likelihood is divided out of the posterior, draw by draw, so that what is left are curves
like any others: a channel that was switched off cannot be expected to gain. Where the posterior has
too few draws where the rest would be (a strong test, or one that contradicts), draws of a fit
without any test stand in, weighted by the other tests. Knows nothing of sampling.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.special import log_ndtr, logsumexp, ndtri_exp

from adbudget.model.evidence import Evidence, LiftRows
from adbudget.model.health import effective_share
from adbudget.model.transform import CellDraws

TIED = 1e-9  # log ratios nearer than this are the same
WORST_TAIL = 0.7  # Pareto shape of importance weights up to which their means can be relied on
LEAST_EFFECTIVE = 100.0  # draws that weighted ones have to be worth
REST, HISTORY, UNKNOWN = "the history and the other evidence", "the history", ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LeftOut:
    """What a test would measure, by everything else that is known.

    Attributes
    ----------
    lift : (draw,) in the unit of the test's measure
    log_weights : (draw,) that add up to one
    source : what says so: ``REST``, ``HISTORY`` or ``UNKNOWN``, which has no draws
    """

    lift: np.ndarray
    log_weights: np.ndarray
    source: str

    @property
    def mean(self) -> float:
        """Expected measure; NaN where nothing can be said."""
        return float(np.exp(self.log_weights) @ self.lift) if self.source else np.nan

    @property
    def sd(self) -> float:
        """Its standard deviation."""
        if not self.source:
            return np.nan
        return float(np.sqrt(np.exp(self.log_weights) @ (self.lift - self.mean) ** 2))

    def z(self, measured: float, standard_error: float) -> float:
        """How far a measure is from it: the normal quantile of its predictive probability."""
        if not self.source:
            return np.nan
        distance = (measured - self.lift) / standard_error
        below = logsumexp(self.log_weights + log_ndtr(distance))
        above = logsumexp(self.log_weights + log_ndtr(-distance))
        return float(ndtri_exp(below) if below < above else -ndtri_exp(above))

    def log_density(self, measured: float, standard_error: float, times: float = 1.0) -> float:
        """Log density of a measure that is ``times`` the lift, with an error of its own."""
        from scipy.stats import norm

        density = norm.logpdf(measured, times * self.lift, standard_error)
        return float(logsumexp(self.log_weights + density))


def expected_lifts(cells: CellDraws, evidence: Evidence) -> np.ndarray:
    """(draw, test) what each test of the evidence would measure, in its own unit.

    Parameters
    ----------
    cells : (..., cell) draws of returns and shapes
    evidence : with its tests
    """
    rows, design = evidence.tests, evidence.design
    if rows is None:
        return np.empty((cells.roi[..., 0].size, 0))
    share = design.spend_share[design.exists]
    roi, adstock, shape = (
        values[..., rows.cell, :].reshape(-1, rows.cell.size, values.shape[-1])
        for values in ((cells.roi * share)[..., None], cells.adstock, cells.shape)
    )
    gain = rows.rows.reshape(rows.cell.size, adstock.shape[-1], shape.shape[-1])
    return roi[..., 0] * np.einsum("dtj,dtm,tjm->dt", adstock, shape, gain)


def left_out(rows: LiftRows, lifts: np.ndarray, history: np.ndarray | None) -> list[LeftOut]:
    """For every test what the rest says of it.

    Parameters
    ----------
    rows : the tests
    lifts : (draw, test) from :func:`expected_lifts`, draws of the fit with all tests
    history : the same from draws of a fit without any test; None when there are none

    References
    ----------
    Vehtari, Simpson, Gelman, Yao & Gabry (2024), Journal of Machine Learning Research 25(72).
    """
    return [_one_left_out(rows, lifts, history, test) for test in range(lifts.shape[1])]


def _one_left_out(rows: LiftRows, lifts, history, test: int) -> LeftOut:
    weights = _weights(-_log_likelihood(rows, lifts, [test]))
    if weights is not None:
        return LeftOut(lift=lifts[:, test], log_weights=weights, source=REST)
    if history is None:
        return LeftOut(lift=np.empty(0), log_weights=np.empty(0), source=UNKNOWN)
    others = [other for other in range(lifts.shape[1]) if other != test]
    weights = _weights(_log_likelihood(rows, history, others))
    source = HISTORY if weights is None else REST
    if weights is None:  # the other tests move the history too far: then it speaks for itself
        weights = np.full(len(history), -np.log(len(history)))
    return LeftOut(lift=history[:, test], log_weights=weights, source=source)


def _log_likelihood(rows: LiftRows, lifts: np.ndarray, tests: list[int]) -> np.ndarray:
    """(draw,) of some of the tests, up to a constant."""
    distance = (lifts[:, tests] - rows.tests.measured[tests]) / rows.tests.standard_error[tests]
    return -0.5 * (distance**2).sum(axis=1)


def _weights(log_ratio: np.ndarray) -> np.ndarray | None:
    """(draw,) log of Pareto-smoothed weights that add up to one; None where too few draws count."""
    import arviz as az  # noqa: F401 - gives arrays their statistics

    n_tail = int(min(log_ratio.size / 5, 3 * np.sqrt(log_ratio.size)))
    if np.ptp(np.sort(log_ratio)[-max(n_tail, 5) :]) < TIED:
        # The largest weights are one and the same, as where a return is exactly zero in many draws:
        # they are bounded, and there is no tail to smooth.
        return log_ratio - logsumexp(log_ratio)
    # A tail too heavy for floats is a tail too heavy: its weights are not used.
    with np.errstate(all="ignore"):
        smoothed, tail = xr.DataArray(-log_ratio, dims="draw").azstats.psislw(dim="draw")
    weights = np.asarray(smoothed)
    enough = effective_share(weights) * weights.size >= LEAST_EFFECTIVE
    return weights if enough and float(tail) <= WORST_TAIL else None
