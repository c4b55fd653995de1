"""Panel -> the movement that the channels of one account share: the trace demand leaves in spend.

Buyers spend more when customers ask for more, so spend and outcome rise together without one
causing the other. Demand nobody recorded cannot be seen, but it moves all channels of an account
at once, while a channel's own tests and campaigns move only that channel. Given every channel's
spend, what can be expected of demand is a weighted mean of their movements (the posterior mean of
a one-factor model); with that in the baseline, a channel's return is learned from what it does
on its own. Knows nothing of outcomes.
"""

import numpy as np
from scipy.special import log_ndtr

from adbudget.model.calendar import calendar_columns
from adbudget.model.design import CommonMovement, Design, settled
from adbudget.panel.panel import Panel

MIN_PERIODS = 8  # with spend; fewer tell nothing of a cell's own movement
RIDGE = 10.0  # rows' worth of prior on each calendar coefficient of log spend
EXTREME = 3.0  # sds from which a movement is a campaign, not demand
USUAL_VARIANCE = 0.005  # of common log movement: demand that moves spend by 7%, say
INDEPENDENT_SHARE = 0.5  # of periods: movements last for more than one
LEAST_ACCOUNTS = 3  # from which they are compared with each other
LOADING_SD = 0.4  # how far a channel's loading may differ from the mean
LOADING_PASSES = 30
LEAST_OWN = 0.05  # share of a cell's variance that is its own, at least


def find_common_movement(panel: Panel, design: Design) -> CommonMovement:
    """Estimate how much of the spend's movement the channels of an account share.

    Parameters
    ----------
    panel : what was spent
    design : scales and calendar

    References
    ----------
    Bartholomew, Knott & Moustaki (2011), Latent Variable Models and Factor Analysis, ch. 3.
    """
    columns = [calendar_columns(panel, design, a) for a in range(len(panel.accounts))]
    calendar = np.zeros((len(panel.channels), columns[0].shape[1]))
    moved = np.full(panel.spend.shape, np.nan)
    level = np.zeros(design.scale.shape)
    for c in range(len(panel.channels)):
        rows = _rows_with_spend(panel, design, c)
        if not rows:
            continue
        logs = [np.log(settled(panel.spend[a, c, on] / design.scale[a, c])) for a, on in rows]
        x = np.concatenate([columns[a][on] - columns[a][on].mean(axis=0) for a, on in rows])
        y = np.concatenate([log - log.mean() for log in logs])
        calendar[c] = np.linalg.solve(x.T @ x + RIDGE * np.eye(x.shape[1]), x.T @ y)
        for (a, on), log in zip(rows, logs, strict=True):
            rest = log - columns[a][on] @ calendar[c]
            level[a, c] = rest.mean()
            moved[a, c, on] = rest - level[a, c]
    known = np.isfinite(moved)
    n = np.maximum(known.sum(axis=2), 1)
    limit = EXTREME * np.sqrt((np.where(known, moved, 0.0) ** 2).sum(axis=2) / n)
    moved = np.clip(np.where(known, moved, 0.0), -limit[..., None], limit[..., None])
    variance, error = _shared_variance(moved, known)
    loading = _loadings(moved, known, variance, error)
    total = (moved**2).sum(axis=2) / n
    own = np.maximum(total - variance * loading**2, LEAST_OWN * total)
    informed = known.any(axis=2) & (own > 0)
    information = np.where(informed, 1 / np.where(own > 0, own, 1.0), 0.0)
    return CommonMovement(
        variance=variance,
        loading=loading,
        calendar=calendar,
        level=level,
        limit=limit,
        information=information,
    )


def demand_column(panel: Panel, design: Design, account: int) -> np.ndarray:
    """(period,) expected common log movement of an account's spend; 0 where nothing was spent."""
    movement = design.movement
    if movement is None or movement.variance == 0:
        return np.zeros(panel.dates.size)
    spend = panel.spend[account]
    on = panel.live[account] & (spend > 0)
    scale = np.where(design.exists[account], design.scale[account], 1.0)[:, None]
    log = np.log(settled(np.where(on, spend, scale) / scale))
    expected = movement.calendar @ calendar_columns(panel, design, account).T
    limit = movement.limit[account][:, None]
    moved = np.clip(log - expected - movement.level[account][:, None], -limit, limit)
    loading = movement.loading[:, None]
    information = movement.information[account][:, None] * on * loading
    pull = (information * moved).sum(axis=0)
    return movement.variance * pull / (1 + movement.variance * (information * loading).sum(axis=0))


def _rows_with_spend(panel: Panel, design: Design, channel: int) -> list[tuple[int, np.ndarray]]:
    """Accounts that use a channel, and the periods in which they spent on it."""
    rows = []
    for a in np.flatnonzero(design.exists[:, channel]):
        on = panel.live[a, channel] & (panel.spend[a, channel] > 0)
        if on.sum() >= MIN_PERIODS:
            rows.append((int(a), on))
    return rows


def _shared_variance(moved: np.ndarray, known: np.ndarray) -> tuple[float, float]:
    """Covariance of two channels of one account to be expected, and its standard error."""
    upper = np.triu_indices(moved.shape[1], 1)
    product, count = (part[:, *upper] for part in _products(moved, known))
    total = count.sum()
    if total == 0:
        return 0.0, 0.0
    mean = product.sum() / total
    own = (moved**2).sum(axis=2) / np.maximum(known.sum(axis=2), 1)
    chance = (own[:, upper[0]] * own[:, upper[1]] * count).sum() / INDEPENDENT_SHARE
    # Accounts are independent of each other; inside one, its pairs are the best there is.
    if (count.sum(axis=1) > 0).sum() >= LEAST_ACCOUNTS:
        product, count = product.sum(axis=1), count.sum(axis=1)
    error = np.sqrt(max(chance, ((product - mean * count) ** 2).sum())) / total
    return _positive_part(float(mean), float(error)), float(error)


def _positive_part(estimate: float, error: float) -> float:
    """Posterior mean of a variance of half-normal prior, given an estimate that may be negative.

    Where the spend cannot tell, some common movement is still more likely than none at all.
    """
    if error == 0:  # nothing moved at all
        return 0.0
    precision = error**-2.0 + USUAL_VARIANCE**-2.0
    centre, sd = estimate * error**-2.0 / precision, precision**-0.5
    z = centre / sd
    # Mean of a normal cut at zero; in logarithms, as both may be tiny.
    above = np.exp(-0.5 * z**2 - 0.5 * np.log(2 * np.pi) - log_ndtr(z))
    return float(max(centre + sd * above, 0.0))


def _loadings(moved: np.ndarray, known: np.ndarray, variance: float, error: float) -> np.ndarray:
    """(channel,) how far each goes along, from pairs pooled over accounts, shrunk towards 1.

    Covariance of channels c and d is variance * loading_c * loading_d.
    """
    n_channels = moved.shape[1]
    loading = np.ones(n_channels)
    if variance == 0:
        return loading
    product, count = (part.sum(axis=0) for part in _products(moved, known))
    pair = (count > 0) & ~np.eye(n_channels, dtype=bool)
    share = np.where(pair, product / np.where(pair, count, 1.0), 0.0) / variance
    # A pair's error is that of the mean over all pairs, scaled to its own count.
    trust = np.where(pair, count / count[pair].mean(), 0.0) / (pair.sum() / 2)
    trust = trust * (variance / max(error, 1e-12)) ** 2
    for _ in range(LOADING_PASSES):
        for c in range(n_channels):
            precision = trust[c] @ loading**2 + LOADING_SD**-2.0
            loading[c] = max((trust[c] @ (share[c] * loading) + LOADING_SD**-2.0) / precision, 0.0)
    return loading


def _products(moved: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(account, channel, channel) sums of products of movements, and how many were added."""
    both = known.astype(float)
    return np.einsum("act,adt->acd", moved, moved), np.einsum("act,adt->acd", both, both)
