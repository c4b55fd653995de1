"""Rows of one account -> a regression whose rows are trusted as far as their residuals allow.

The curves enter through their principal directions under a loose Gaussian prior on the returns:
few are left, so a history of any length and width is reweighted in no time.
"""

from dataclasses import dataclass

import numpy as np

from adbudget.model.design import Design
from adbudget.model.evidence import Baseline
from adbudget.model.priors import Priors
from adbudget.model.regressors import regression_rows
from adbudget.model.row_noise import level_spread
from adbudget.model.working_prior import working_prior
from adbudget.panel.panel import Panel

MAX_PASSES = 20
SETTLED = 1e-3  # relative change of the noise at which reweighting stops
LEAST_DIRECTION = 1e-3  # of the largest singular value; smaller ones move no residual
LEAST_FREE = 0.1  # share of a row's own noise that its residual is taken to show, at least


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """Observed rows of one account less what is expected of them.

    Attributes
    ----------
    columns : (row, coefficient) baseline, then directions of the curves
    outcome, expected : (row,) in units of the account's mean outcome; outcome less expected, and
        what was expected
    relative : (coefficient, coefficient) prior precision in units of 1 / noise variance
    absolute : (coefficient,) prior precision in its own units
    """

    columns: np.ndarray
    outcome: np.ndarray
    expected: np.ndarray
    relative: np.ndarray
    absolute: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighted:
    """A reweighted regression.

    Attributes
    ----------
    weights : (row,) relative precision that the row's residual leaves it
    spread : (row,) relative sd that was assumed of it
    residual : (row,) in units of ``spread``
    level : (row,) fitted outcome
    score : log density of the rows, each given the others
    """

    weights: np.ndarray
    spread: np.ndarray
    residual: np.ndarray
    level: np.ndarray
    score: float


def account_system(
    panel: Panel,
    design: Design,
    baseline: Baseline,
    priors: Priors,
    stock: np.ndarray,
    account: int,
) -> System:
    """The regression of one account.

    Parameters
    ----------
    panel, design, stock : rows; ``stock`` from ``carried_spend``
    baseline, priors : what is expected of baseline and returns
    account : its place
    """
    rows, p = regression_rows(panel, design, stock, account)
    rows = rows[np.isfinite(panel.outcome[account])]
    prior_mean, prior_sd = working_prior(design, priors, account)
    left, size, _ = np.linalg.svd(rows[:, p:-1] * prior_sd, full_matrices=False)
    kept = size > LEAST_DIRECTION * size[0]
    n_kept = int(kept.sum())
    mean, precision = baseline.prior(account, p)
    relative = np.zeros((p + n_kept, p + n_kept))
    relative[:p, :p] = precision
    expected = rows[:, :p] @ mean + rows[:, p:-1] @ prior_mean
    return System(
        columns=np.concatenate([rows[:, :p], left[:, kept] * size[kept]], axis=1),
        outcome=rows[:, -1] - expected,
        expected=expected,
        relative=relative,
        absolute=np.append(np.zeros(p), np.ones(n_kept)),
    )


def reweight(
    system: System,
    tails: tuple[float, ...],
    spread: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> list[Weighted]:
    """One regression for every tail, each starting where the one before ended.

    Parameters
    ----------
    system : rows
    tails : Student-t degrees of freedom, from light to heavy
    spread : (row,) relative sd of the rows; even when None
    weights : (row,) to start from; even when None
    """
    from scipy.stats import t as student_t

    spread = np.ones(system.outcome.size) if spread is None else spread
    trust = np.ones(system.outcome.size) if weights is None else weights
    columns, outcome = system.columns / spread[:, None], system.outcome / spread
    noise_sd, residual, free = 0.5 * outcome.std() + 1e-9, outcome, np.ones(outcome.size)
    found, coefficients = [], np.zeros(columns.shape[1])
    for tail_df in tails:
        for n_passed in range(MAX_PASSES):
            before = noise_sd
            weighted = columns * trust[:, None]
            gram = weighted.T @ columns + system.relative
            inverse = np.linalg.inv(gram + np.diag(system.absolute * noise_sd**2))
            coefficients = inverse @ (weighted.T @ outcome)
            # A row that the fit leans on has a residual too small for its noise: undo that, or a
            # short history looks heavy-tailed.
            leverage = ((columns @ inverse) * weighted).sum(axis=1)
            free = np.clip(1 - leverage, LEAST_FREE, 1.0)
            residual = (outcome - columns @ coefficients) / np.sqrt(free)
            # Weights have mean one where they settle; dividing by it on the way gets there faster.
            noise_sd = np.sqrt(np.mean(trust * residual**2) / trust.mean()) + 1e-12
            if np.isfinite(tail_df):
                trust = (tail_df + 1) / (tail_df + (residual / noise_sd) ** 2)
            # The first pass still has the weights of the tail before, which have settled.
            if n_passed > 0 and abs(noise_sd - before) < SETTLED * before:
                break
        density = student_t.logpdf(residual / noise_sd, tail_df) + 0.5 * np.log(free)
        found.append(
            Weighted(
                weights=trust,
                spread=spread,
                residual=residual,
                level=system.expected + system.columns @ coefficients,
                score=float((density - np.log(noise_sd * spread)).sum()),
            )
        )
    return found


def regrow(system: System, even: Weighted, tail_df: float, power: float) -> Weighted:
    """The same rows when the variance grows with that power of the level that even noise found."""
    spread = level_spread(even.level / even.level.mean(), power)
    return reweight(system, (tail_df,), spread, even.weights)[0]
