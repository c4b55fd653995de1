"""Draws -> Health: can this posterior be trusted? Knows nothing of what is decided with it."""

from functools import cache

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import logsumexp, ndtri, stdtrit

from adbudget.draws import (
    DIVERGENCE_LIMIT,
    ESS_LIMIT,
    ESS_TARGET,
    RHAT_LIMIT,
    RHAT_TARGET,
    Health,
)
from adbudget.model.baseline import baseline_of
from adbudget.model.evidence import Evidence
from adbudget.model.layout import POPULATION, Layout
from adbudget.model.priors import Priors
from adbudget.model.sampler import RawSample
from adbudget.model.transform import CellDraws, bend

AT_ONCE = 2_000_000  # numbers of draws of curves that are held at a time
NEXT_TO_NOTHING = 0.1  # of the level of return that channels share
# Standard deviations by which the mean return of any cell may move when the steps get smaller; two
# runs of 400 effective draws differ by about 0.07 by chance, the worst of many cells by 0.2.
MOVED_LIMIT = 0.25


def check_health(
    sample: RawSample,
    cells: CellDraws,
    layout: Layout,
    evidence: Evidence,
    priors: Priors,
    before: CellDraws | None = None,
) -> Health:
    """Convergence over ROI and population parameters, information per cell, in-sample fit.

    Parameters
    ----------
    sample : (chain, draw, size) positions and sampler statistics
    cells : (chain, draw, cell) returns and shapes
    layout, evidence, priors : what the fit was made of
    before : cells of a run with larger steps, if there was one: divergences that leave the answer
        as it is are a warning, not a problem
    """
    part = layout.split(sample.positions)
    part["channel_spread"], part["account_spread"] = (
        np.abs(part[name]) for name in ("channel_spread", "account_spread")
    )
    population = [part[name] for name in POPULATION]
    rhat, bulk, tail = convergence_of(np.concatenate([cells.log_roi, *population], axis=-1))
    n_draws, diverged = sample.diverging.size, int(sample.diverging.sum())
    level = float(part["return_level"].mean())
    moved = None if before is None else _moved(before, cells, level)
    harmless = moved is not None and moved <= MOVED_LIMIT
    health = Health(
        rhat_max=rhat,
        ess_bulk_min=bulk,
        ess_tail_min=tail,
        divergences=diverged,
        n_draws=n_draws,
        prior_share=_prior_share(cells, level, evidence, priors),
        fit_r2=_explained(cells, evidence, priors),
        problems=_problems(rhat, bulk, tail, 0 if harmless else diverged, n_draws),
        warnings=_divergence_warning(diverged, n_draws, moved),
    )
    return health


def effective_share(log_weights: np.ndarray) -> float:
    """Share of equally weighted draws that weighted ones are worth (Kish), in (0, 1]."""
    if not np.isfinite(log_weights).all():
        return 0.0
    return float(np.exp(2 * logsumexp(log_weights) - logsumexp(2 * log_weights)) / log_weights.size)


def reached_target(health: Health) -> bool:
    """Whether sampling longer is unnecessary."""
    return health.rhat_max <= RHAT_TARGET and health.ess_bulk_min >= ESS_TARGET


def too_many_diverged(health: Health) -> bool:
    """Whether the chains should be run again with smaller steps."""
    return health.divergences > DIVERGENCE_LIMIT * health.n_draws


def _moved(before: CellDraws, after: CellDraws, level: float) -> float:
    """Largest change of a cell's mean log return, in posterior sd; next to nothing is nothing."""
    floor = NEXT_TO_NOTHING * np.exp(level)
    first, second = (np.log(floor + cells.roi) for cells in (before, after))
    change = np.abs(first.mean(axis=(0, 1)) - second.mean(axis=(0, 1)))
    return float((change / second.std(axis=(0, 1))).max())


def _divergence_warning(diverged: int, n_draws: int, moved: float | None) -> tuple[str, ...]:
    """Said where divergences are many, and do not matter."""
    if moved is None or moved > MOVED_LIMIT or diverged <= DIVERGENCE_LIMIT * n_draws:
        return ()
    return (
        f"{diverged} of {n_draws} draws diverged, but with smaller steps than before no return "
        f"moved by more than {moved:.2f} standard deviations.",
    )


def convergence_of(quantities: np.ndarray) -> tuple[float, float, float]:
    """Worst r-hat, bulk and tail effective sample size over the last axis.

    References
    ----------
    Vehtari, Gelman, Simpson, Carpenter & Buerkner (2021), Bayesian Analysis 16(2), 667-718.
    """
    import arviz as az

    draws = xr.Dataset({"x": (("chain", "draw", "quantity"), quantities)})
    worst_rhat = az.rhat(draws)["x"].max(skipna=False)
    bulk, tail = (az.ess(draws, method=m)["x"].min(skipna=False) for m in ("bulk", "tail"))
    # A NaN (a chain that never moved) is the worst there is, so it may not be skipped.
    return (
        float(np.nan_to_num(float(worst_rhat), nan=np.inf)),
        float(np.nan_to_num(float(bulk), nan=0.0)),
        float(np.nan_to_num(float(tail), nan=0.0)),
    )


def _prior_share(cells: CellDraws, level: float, evidence: Evidence, priors: Priors) -> pd.Series:
    """Posterior sd over prior sd of each cell's log return: 1 when the data say nothing.

    The prior is that of a cell whose channels' common level is known: otherwise what the other
    channels say would pass for knowledge of this one. Returns below a tenth of it are all "next to
    nothing" to a buyer, so the logarithm is taken of the return plus that: a channel known to be
    dead is known, not uncertain.
    """
    design = evidence.design
    account, channel = np.argwhere(design.exists).T
    raw = _prior_returns(priors, len(design.channels))[:, channel]
    prior = np.log(NEXT_TO_NOTHING + np.exp(bend(raw, 0.0, priors)))
    posterior = np.log(NEXT_TO_NOTHING + cells.roi / np.exp(level)).std(axis=(0, 1))
    names = pd.MultiIndex.from_arrays(
        [np.array(design.accounts)[account], np.array(design.channels)[channel]],
        names=["account", "channel"],
    )
    share = np.clip(posterior / prior.std(axis=0), 0.0, 1.0)
    return pd.Series(share, index=names, name="prior_share")


@cache
def _prior_points() -> np.ndarray:
    """(3, point) evenly spread over the unit cube: the same prior draws every time."""
    from scipy.stats import qmc

    return qmc.Sobol(3, scramble=False).random_base2(12).T[:, 1:]


def _prior_returns(priors: Priors, n_channels: int) -> np.ndarray:
    """(point, channel) log returns less the level of cells nothing is known of but the priors."""
    points = _prior_points()
    heavy, normal = stdtrit(priors.returns_df, points[:2]), ndtri(points)
    if priors.learned is None:
        apart = heavy.T @ (priors.between_channels, priors.channel_spread)
        raw = apart + priors.account_spread * normal[2]
        return np.broadcast_to(raw[:, None], (raw.size, n_channels))
    mean, sd = priors.learned.apart()
    part = priors.learned.layout.split(np.array(priors.learned.mean))
    own = np.outer(heavy[1], part["channel_spread"]) + np.outer(normal[2], part["account_spread"])
    return mean + np.outer(normal[0], sd) + own


def _explained(cells: CellDraws, evidence: Evidence, priors: Priors) -> pd.Series:
    """Share of outcome variance that the posterior mean curves and the baseline explain."""
    design = evidence.design
    share = design.spend_share[design.exists]
    weights = _mean_weights(cells) * share[:, None]
    account = np.argwhere(design.exists)[:, 0]
    explained = []
    for a, gram in enumerate(evidence.gram):
        p = evidence.n_baseline[a]
        residual = np.append(-weights[account == a].ravel(), 1.0)
        # What the baseline explains of the outcome less the curves, held to what is expected of it.
        mean, precision = baseline_of(evidence, priors).prior(a, p)
        outside = gram[:p, p:] @ residual
        baseline = np.linalg.solve(gram[:p, :p] + precision, outside + precision @ mean)
        misfit = residual @ gram[p:, p:] @ residual - 2 * outside @ baseline
        misfit += baseline @ gram[:p, :p] @ baseline
        total = gram[-1, -1] - gram[0, -1] ** 2 / gram[0, 0]
        explained.append(1.0 - misfit / total if total > 0 else np.nan)
    return pd.Series(explained, index=pd.Index(design.accounts, name="account"), name="fit_r2")


def _mean_weights(cells: CellDraws) -> np.ndarray:
    """(cell, basis) mean over draws of the curves, a few cells at a time as all are large."""
    n_basis = cells.adstock.shape[-1] * cells.shape.shape[-1]
    n_once = max(2, AT_ONCE // (n_basis * cells.roi[..., 0].size))
    parts = []
    for first in range(0, cells.roi.shape[-1], n_once):
        some = (..., slice(first, first + n_once))
        level = cells.roi[some][..., None, None]
        adstock, shape = (part[*some, slice(None)] for part in (cells.adstock, cells.shape))
        parts.append((level * adstock[..., :, None] * shape[..., None, :]).mean(axis=(0, 1)))
    return np.concatenate(parts).reshape(-1, n_basis)


def _problems(rhat, bulk, tail, divergences, n_draws) -> tuple[str, ...]:
    """One sentence for each thing that is wrong."""
    problems = []
    if rhat > RHAT_LIMIT:
        problems.append(f"The chains disagree (r-hat {rhat:.3f}, at most {RHAT_LIMIT} is needed).")
    if min(bulk, tail) < ESS_LIMIT:
        problems.append(
            f"Too few effective draws ({min(bulk, tail):.0f}, at least {ESS_LIMIT:.0f} needed)."
        )
    if divergences > DIVERGENCE_LIMIT * n_draws:
        problems.append(
            f"{divergences} of {n_draws} draws diverged, so parts of the answer were not reached."
        )
    return tuple(problems)
