"""What shards find of baseline and noise before sampling, as sums that add up over shards.

What accounts share of season, weekdays, controls and demand is a sum over accounts once the scales
are known; so are the squares that the scales are made of. Tail and growth of the noise are a vote.
Reads one shard's evidence; knows nothing of sampling.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from adbudget.model.baseline import search_baseline
from adbudget.model.gathering import Gathered
from adbudget.model.learned import Learned, rows_of
from adbudget.model.priors import Priors
from adbudget.panel.panel import Panel


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pooled:
    """Sums over the accounts of one shard, or of several.

    Attributes
    ----------
    columns : names of the baseline's shared coefficients
    centre, size : (column,) what is believed of each before any data, and how far it may be off
    precision, pull : (column, column) and (column,) what the rows say of them
    squares, counts : group -> squares of the accounts' distances from what they share, and how
        many; "trend" of the steps of the trend
    log_noise : sum of the logarithms of the accounts' noise
    votes : (tail, growth) of the noise -> rows of the shards that found them
    n_accounts, n_rows : observed outcomes
    """

    columns: tuple[str, ...]
    centre: np.ndarray
    size: np.ndarray
    precision: np.ndarray
    pull: np.ndarray
    squares: dict[str, float]
    counts: dict[str, float]
    log_noise: float
    votes: dict[tuple[float, float], int]
    n_accounts: int
    n_rows: int

    def coefficients(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and covariance of what accounts share."""
        prior = np.diag(self.size**-2.0)
        cov = np.linalg.inv(prior + self.precision)
        return cov @ (prior @ self.centre + self.pull), cov

    def scale(self, group: str, guess: float, worth: float) -> float:
        """How far accounts differ in a group, the guess counted as so many of them."""
        count = worth + self.counts[group]
        return float(np.sqrt((worth * guess**2 + self.squares[group]) / count))


def pooled_of(panel: Panel, gathered: Gathered, priors: Priors) -> Pooled:
    """Sums over the accounts of one shard.

    Parameters
    ----------
    panel, gathered : of the shard
    priors : it was gathered with
    """
    found = search_baseline(gathered.evidence, priors)
    shared, scales, n = found.shared, found.scales, len(found.systems)
    count = dict(zip(shared.groups, np.bincount(shared.group) * float(n), strict=True)) | {
        "trend": float(sum(system.n_ramps for system in found.systems))
    }
    guess = dict(zip(shared.groups, shared.apart, strict=True)) | {"trend": priors.trend_sd}
    scale = dict(zip(shared.groups, scales.spread, strict=True)) | {"trend": scales.trend}
    worth = priors.baseline_df
    square = {
        name: max(scale[name] ** 2 * (worth + count[name]) - worth * guess[name] ** 2, 0.0)
        for name in count
    }
    n_rows = int(np.isfinite(panel.outcome).sum())
    noise = gathered.noise
    return Pooled(
        columns=shared.names,
        centre=shared.centre,
        size=np.diag(np.linalg.inv(shared.precision)) ** 0.5,
        precision=found.common.own_precision.sum(axis=0),
        pull=found.common.own_pull.sum(axis=0),
        squares={name: float(value) for name, value in square.items()},
        counts=count,
        log_noise=float(np.log(scales.noise).sum()),
        votes={(float(noise.tail_df), float(noise.level_power)): n_rows},
        n_accounts=n,
        n_rows=n_rows,
    )


def pooled(parts: Iterable[Pooled]) -> Pooled:
    """Sums over several shards, which may have controls of their own; at least one."""
    parts = list(parts)
    columns = tuple(dict.fromkeys(name for part in parts for name in part.columns))
    n = len(columns)
    centre, size = np.zeros(n), np.ones(n)
    precision, pull = np.zeros((n, n)), np.zeros(n)
    squares: dict[str, float] = {}
    counts: dict[str, float] = {}
    votes: dict[tuple[float, float], int] = {}
    for part in parts:
        at = [columns.index(name) for name in part.columns]
        centre[at], size[at] = part.centre, part.size
        precision[np.ix_(at, at)] += part.precision
        pull[at] += part.pull
        for name in part.counts:
            squares[name] = squares.get(name, 0.0) + part.squares[name]
            counts[name] = counts.get(name, 0.0) + part.counts[name]
        for found, rows in part.votes.items():
            votes[found] = votes.get(found, 0) + rows
    return Pooled(
        columns=columns,
        centre=centre,
        size=size,
        precision=precision,
        pull=pull,
        squares=squares,
        counts=counts,
        log_noise=sum(part.log_noise for part in parts),
        votes=votes,
        n_accounts=sum(part.n_accounts for part in parts),
        n_rows=sum(part.n_rows for part in parts),
    )


def with_pooled(priors: Priors, found: Pooled | None, learned: Learned) -> Priors:
    """Priors of accounts that come after those of ``found``; of returns, ``learned`` knows.

    Parameters
    ----------
    priors : beliefs before any account
    found : sums over the others; None where there are none
    learned : means and covariances of what accounts share, the baseline yet to be filled in
    """
    if found is None:
        return replace(priors, learned=learned)
    mean, cov = found.coefficients()
    guesses = _guesses(priors, found)
    spreads = tuple(
        (name, found.scale(name, guess, priors.baseline_df)) for name, guess in guesses.items()
    )
    tail, power = max(found.votes, key=lambda vote: (found.votes[vote], vote))
    filled = replace(
        learned,
        columns=found.columns,
        coefficients=tuple(mean.tolist()),
        coefficient_covariance=rows_of(cov),
        spreads=spreads,
        tail_df=tail,
        level_power=power,
        n_accounts=found.n_accounts,
        n_rows=found.n_rows,
    )
    return replace(
        priors,
        learned=filled,
        trend_sd=found.scale("trend", priors.trend_sd, priors.baseline_df),
        baseline_df=priors.baseline_df + found.n_accounts,
    )


def _guesses(priors: Priors, found: Pooled) -> dict[str, float]:
    """Group -> first guess of how far accounts differ."""
    stated = {"season": priors.season_sd, "weekday": priors.weekday_sd, "demand": priors.demand_sd}
    return {
        name: priors.baseline_apart * stated.get(name, priors.control_sd)
        for name in found.counts
        if name != "trend"
    }
