"""Setting + seed -> many draws whose outcomes a table may hold, also where such draws are rare.

Drawing again until one fits takes for ever on long panels of many channels. Here a pool of
positions is weighed by how well their media agree with the prior of base sales, and by how often
the rest, account by account, leaves the outcome above zero; draws are picked by these weights
(sampling importance resampling, Rubin 1988). Good enough for pictures of the prior; the ranks are
of draws that are exact.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp
from scipy.stats import norm

from adbudget.model.baseline import assumed_baseline
from adbudget.model.level import LOG_SPREAD_SD, base_sales_density, level_centre
from adbudget.model.predict import prior_positions

from .joint import BATCH, LOWEST_SHARE, Setting, basis_weights, draw_noise_sds, mean_media

N_BATCHES = 50
N_PICKED = 600  # positions whose outcomes are tried
N_TRIES = 100  # of an account's baseline and noise
SPREADS = 15  # quantiles of the spread between accounts that the weight is averaged over
LEAST_EFFECTIVE = 100  # draws; fewer say nothing


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Likely:
    """Outcomes that a table may hold.

    Attributes
    ----------
    paths : (draw, account, period) outcome over the account's mean; NaN outside its record
    media_share : (draw, account) of the mean outcome
    n_effective : how many independent draws they are worth
    """

    paths: np.ndarray
    media_share: np.ndarray
    n_effective: float


def draw_likely(setting: Setting, seed: int, n_draws: int) -> Likely:
    """Draws of the prior, given outcomes above zero with the mean of their panel.

    Raises
    ------
    RuntimeError : they are worth fewer than ``LEAST_EFFECTIVE`` draws
    """
    rng = np.random.default_rng(seed)
    positions, media, weight = _pool(setting, rng)
    picked = _pick(weight, N_PICKED, rng)
    tried = [_try_outcomes(setting, positions[i], rng) for i in picked]
    paths = np.stack([path for path, _ in tried])
    above = np.array([share for _, share in tried])
    n_effective = min(_effective(weight), _effective(above))
    if n_effective < LEAST_EFFECTIVE:
        raise RuntimeError(
            f"draws with outcomes above zero are worth {n_effective:.0f} independent ones; "
            f"{LEAST_EFFECTIVE} are needed. Raise N_BATCHES or N_PICKED."
        )
    kept = _pick(above, n_draws, rng)
    return Likely(paths=paths[kept], media_share=media[picked[kept]], n_effective=n_effective)


def _pool(setting: Setting, rng: np.random.Generator):
    """Positions of the prior, their media shares, and the weight that base sales give them."""
    at = norm.ppf((np.arange(SPREADS) + 0.5) / SPREADS)
    log_spreads = level_centre(setting.priors)[1] + LOG_SPREAD_SD * at
    positions, media, density = [], [], []
    for _ in range(N_BATCHES):
        seed = int(rng.integers(2**31))
        positions.append(prior_positions(setting.layout, setting.priors, BATCH, seed))
        media.append(mean_media(setting, positions[-1]))
        by_spread = base_sales_density(media[-1][:, None], log_spreads, setting.priors)
        density.append(logsumexp(by_spread, axis=1))
    log_weight = np.concatenate(density)
    weight = np.exp(log_weight - log_weight.max())
    return np.concatenate(positions), np.concatenate(media), weight


def _try_outcomes(
    setting: Setting, position: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    """(account, period) outcomes above zero, and how likely that is for all accounts together."""
    weights, account = basis_weights(setting, position[None])[0], setting.cell_index[0]
    baseline = assumed_baseline(setting.evidence, setting.priors)
    noise = np.stack([draw_noise_sds(setting, rng) for _ in range(N_TRIES)])
    found, likely = np.full(setting.panel.outcome.shape, np.nan), 1.0
    for a, (rows, p) in enumerate(setting.rows):
        mean, precision = baseline.moving(a, p)
        moving = rng.normal(size=(N_TRIES, p - 1)) / np.sqrt(np.diag(precision))
        path = (mean + noise[:, a, None] * moving) @ rows[:, 1:p].T
        path += rows[:, p:-1] @ weights[account == a].ravel()
        path += noise[:, a, None] * rng.normal(size=path.shape)
        path = np.where(np.isfinite(setting.panel.outcome[a]), path, np.nan)
        path += 1.0 - np.nanmean(path, axis=1, keepdims=True)
        good = np.flatnonzero(np.nanmin(path, axis=1) >= LOWEST_SHARE)
        likely *= good.size / N_TRIES
        if good.size:
            found[a] = path[good[0]]
    return found, likely


def _pick(weight: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Places drawn in proportion to their weight, as evenly as chance allows."""
    ends = np.cumsum(weight) / weight.sum()
    return np.minimum(
        np.searchsorted(ends, (np.arange(count) + rng.uniform()) / count), len(weight) - 1
    )


def _effective(weight: np.ndarray) -> float:
    return float(weight.sum() ** 2 / (weight**2).sum()) if weight.any() else 0.0
