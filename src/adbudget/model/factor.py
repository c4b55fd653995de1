"""Evidence + Priors -> Likelihood: baseline integrated out, the rest in a low-rank factor.

With F the baseline and L its prior precision, M = I - F (F'F + L)^-1 F', and the likelihood of the
weights w is a quadratic form in w. Its matrix has low rank (basis columns of one channel are
nearly collinear), so it is kept as a factor:  (y - Phi w)' M (y - Phi w) = |R w - h|^2 + rest.
The level is left out of F: with the rows less their mean, all that speaks of it is that mean.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve, eigh

from adbudget.model.baseline import baseline_of
from adbudget.model.evidence import Baseline, Evidence, LiftRows
from adbudget.model.priors import Priors
from adbudget.model.working_prior import working_sd

# Directions that carry less information than this (in squared prior standard deviations per noise
# standard deviation) are dropped. On 50 accounts x 30 channels that moves the log density by 0.006
# (sd over draws from the prior) and saves a quarter of the rank.
RANK_TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Likelihood:
    """Marginal likelihood of the basis weights, one quadratic form per account.

    Cells are numbered account by account; ``first_cell[a]`` is account a's first. Weights are in
    units of the account's mean outcome.

    Attributes
    ----------
    n_channels : number of channels
    first_cell : (account + 1,) offsets into the cell axis
    cell_channel : (cell,) channel of each cell
    spend_share : (cell,) mean spend over mean outcome: turns a return into a weight
    factor : (account, cell in account * basis, rank) transposed R, zero padded
    target : (account, rank) h
    rank : (account,) rank in use
    rest : (account,) what no weights can explain
    media_row : (account, cell in account * basis) mean media per unit of each weight, as a share of
        the account's mean outcome; zero padded
    dof : (account,) counted rows, less the one that the level takes
    tests : rows of lift tests, each with a noise of its own; None without tests
    """

    n_channels: int
    first_cell: np.ndarray
    cell_channel: np.ndarray
    spend_share: np.ndarray
    factor: np.ndarray
    target: np.ndarray
    rank: np.ndarray
    rest: np.ndarray
    media_row: np.ndarray
    dof: np.ndarray
    tests: LiftRows | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LevelApart:
    """One account's rows, all of the baseline but its level integrated out.

    Attributes
    ----------
    gram : (q + 1, q + 1) Gram matrix of [basis, outcome], rows less their mean
    mean : (q + 1,) that mean
    count : rows it is a mean of
    """

    gram: np.ndarray
    mean: np.ndarray
    count: float


def level_apart(evidence: Evidence, baseline: Baseline, account: int) -> LevelApart:
    """Integrate out what moves: season, weekdays, controls, demand and trend."""
    p, gram = int(evidence.n_baseline[account]), evidence.gram[account]
    row, count = gram[0] / gram[0, 0], gram[0, 0]
    mean, precision = baseline.moving(account, p)
    # `centred`, by whole matrices: chains part for good where one last digit of theirs differs, and
    # what is published of a seed was drawn by these sums.
    change = np.eye(gram.shape[0] - 1)
    change[: mean.size, -1] = -mean
    moving = change.T @ (gram - count * np.outer(row, row))[1:, 1:] @ change
    own, cross = moving[: p - 1, : p - 1], moving[: p - 1, p - 1 :]
    reduced = moving[p - 1 :, p - 1 :] - cross.T @ cho_solve(cho_factor(own + precision), cross)
    return LevelApart(gram=(reduced + reduced.T) / 2, mean=row[p:], count=float(count))


def integrate_baseline(evidence: Evidence, priors: Priors, account: int) -> np.ndarray:
    """(q + 1, q + 1) Gram matrix of [basis, outcome], the level integrated over ``prior`` too."""
    baseline = baseline_of(evidence, priors)
    apart = level_apart(evidence, baseline, account)
    mean, precision = baseline.level(account)
    off = apart.mean - np.append(np.zeros(apart.mean.size - 1), mean)
    return apart.gram + np.outer(off, off) / (1 / apart.count + 1 / precision)


def centred(gram: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Gram matrix of the same rows once the expected baseline is taken off the outcome."""
    moved, p = gram.copy(), mean.size
    column = gram[:, -1] - gram[:, :p] @ mean
    moved[:, -1] = moved[-1] = column
    moved[-1, -1] = column[-1] - mean @ column[:p]
    return moved


def make_likelihood(evidence: Evidence, priors: Priors) -> Likelihood:
    """Integrate the baseline out and factor what is left.

    Parameters
    ----------
    evidence : (account) Gram matrices
    priors : scales of the baseline and of the returns
    """
    design = evidence.design
    exists = design.exists
    n_cells = exists.sum(axis=1)
    share = design.spend_share[exists]
    first = np.concatenate([[0], np.cumsum(n_cells)])
    baseline = baseline_of(evidence, priors)
    apart = [level_apart(evidence, baseline, a) for a in range(len(design.accounts))]
    parts = []
    for a, own in enumerate(apart):
        typical = working_sd(design, priors, a)
        parts.append(_low_rank(own.gram, np.repeat(typical, design.n_basis), evidence.n_rows[a]))
    rank = np.array([target.size for _, target, _ in parts])
    factor = np.zeros((len(parts), n_cells.max() * design.n_basis, rank.max()))
    target = np.zeros((len(parts), rank.max()))
    media_row = np.zeros(factor.shape[:2])
    for a, (rows, aim, _) in enumerate(parts):
        factor[a, : rows.shape[1], : rank[a]] = rows.T
        target[a, : rank[a]] = aim
        media_row[a, : rows.shape[1]] = apart[a].mean[:-1] / baseline.outcome_mean[a]
    return Likelihood(
        n_channels=len(design.channels),
        first_cell=first,
        cell_channel=np.argwhere(exists)[:, 1],
        spend_share=share,
        factor=factor,
        target=target,
        rank=rank,
        rest=np.array([rest for _, _, rest in parts]),
        media_row=media_row,
        dof=evidence.n_rows - 1,
        tests=evidence.tests,
    )


def _low_rank(reduced: np.ndarray, typical: np.ndarray, n_rows: int):
    """(rank, q) factor R, (rank,) target h and the rest, directions without information dropped."""
    gram, aim, total = reduced[:-1, :-1], reduced[:-1, -1], reduced[-1, -1]
    scaled = gram * typical[:, None] * typical
    level, vectors = eigh(scaled)
    ridge = 1e-3 * level[-1]
    explained = ((vectors.T @ (aim * typical)) ** 2 / (level + ridge)).sum()
    noise_variance = max(total - explained, 1e-12 * total) / n_rows
    kept = level > max(RANK_TOLERANCE * noise_variance, 1e-13 * level[-1])
    root = np.sqrt(level[kept])
    factor = root[:, None] * vectors[:, kept].T / typical
    target = vectors[:, kept].T @ (aim * typical) / root
    return factor, target, max(total - target @ target, 0.0)
