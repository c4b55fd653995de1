"""Spend and outcome by round -> an additive Gaussian process: mean, deviation, draws by level.

The outcome of a unit is the sum of one unknown curve per line, each zero at no spend:

    y(t) = sum over lines of f_k(u_k(t)) + noise      u = square root of the share of the budget
    f_k ~ GP(0, s^2 (a u v + r(u, v) - r(u, 0) r(0, v)))      r squared-exponential

The straight part in u makes concave curves likely, and the rest is zero at zero. Length, weight a
and noise are fitted by marginal likelihood, s^2 in closed form. A unit is an account whose total is
seen, or a single line. Old rows may be discounted: their noise grows by a half-life.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

LENGTHS = (0.25, 0.5, 1.0, 2.0)
STRAIGHT = (0.0, 1.0, 5.0)
NOISE = 10.0 ** np.arange(-4, 1.1, 0.75)  # noise variance over s^2
JITTER = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """Fitted once for all units; ``noise`` (unit,) is each unit's own, over s^2."""

    length: float
    straight: float
    noise: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Belief:
    """Joint normal belief of the curves of every unit at every level.

    Attributes
    ----------
    mean : (unit, line * level)
    covariance : (unit, line * level, line * level)
    """

    mean: np.ndarray
    covariance: np.ndarray

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """(unit, line * level) one joint draw."""
        size = self.mean.shape[1]
        scale = np.trace(self.covariance, axis1=1, axis2=2) / size
        jitter = JITTER * np.maximum(scale, 1e-12)[:, None, None] * np.eye(size)
        root = np.linalg.cholesky(self.covariance + 10 * jitter)
        normal = rng.standard_normal(self.mean.shape)
        return self.mean + (root @ normal[..., None])[..., 0]

    @property
    def deviation(self) -> np.ndarray:
        """(unit, line * level) standard deviations."""
        variance = np.diagonal(self.covariance, axis1=1, axis2=2)
        return np.sqrt(np.maximum(variance, 0.0))


def covariance(u: np.ndarray, v: np.ndarray, length: float, straight: float) -> np.ndarray:
    """(..., i) and (..., j) inputs -> (..., i, j) prior covariance of one curve over s^2."""
    a, b = u[..., :, None], v[..., None, :]
    near = np.exp(-0.5 * ((a - b) / length) ** 2)
    at_zero = np.exp(-0.5 * (a / length) ** 2) * np.exp(-0.5 * (b / length) ** 2)
    return straight * a * b + near - at_zero


def fit_kernel(u: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[float, Kernel]:
    """Length and straight part by the summed marginal likelihood, noise by each unit's own.

    The likelihood is given back with it, so that inputs can be compared.

    Parameters
    ----------
    u : (unit, round, line) inputs
    y : (unit, round) outcomes
    weight : (round,) what a row's noise is divided by; 1 where nothing is discounted
    """
    found: list[tuple[float, Kernel]] = []
    root = np.sqrt(weight)
    for length, straight in product(LENGTHS, STRAIGHT):
        # Rows times the root of their weight have noise of one variance: one decomposition for all.
        scaled = _gram(u, length, straight) * np.outer(root, root)
        value, vector = np.linalg.eigh(scaled)
        square = (np.moveaxis(vector, 1, 2) @ (y * root)[..., None])[..., 0] ** 2
        scores = np.stack([_evidence(value, square, noise) for noise in NOISE])
        kernel = Kernel(length=length, straight=straight, noise=NOISE[scores.argmax(axis=0)])
        found.append((float(scores.max(axis=0).sum()), kernel))
    return max(found, key=lambda one: one[0])


def believe(
    u: np.ndarray, y: np.ndarray, weight: np.ndarray, kernel: Kernel, at: np.ndarray
) -> Belief:
    """What the rows say of every line's curve at inputs ``at`` (level,)."""
    n_units, n_rounds, n_lines = u.shape
    gram = _gram(u, kernel.length, kernel.straight)
    whole = gram + _diagonal(kernel.noise[:, None] / weight)
    root = np.linalg.cholesky(whole)
    lines = np.moveaxis(u, 2, 1)  # (unit, line, round)
    levels = np.broadcast_to(at, (n_units, n_lines, at.size))
    cross = covariance(levels, lines, kernel.length, kernel.straight)
    cross = cross.reshape(n_units, n_lines * at.size, n_rounds)
    half = np.linalg.solve(root, np.moveaxis(cross, 1, 2))
    white = np.linalg.solve(root, y[..., None])
    scale = (white**2).sum(axis=(1, 2)) / n_rounds
    own = covariance(at, at, kernel.length, kernel.straight)
    prior = np.kron(np.eye(n_lines), own)
    mean = (np.moveaxis(half, 1, 2) @ white)[..., 0]
    left = prior - np.moveaxis(half, 1, 2) @ half
    return Belief(mean=mean, covariance=scale[:, None, None] * left)


def _gram(u: np.ndarray, length: float, straight: float) -> np.ndarray:
    lines = np.moveaxis(u, 2, 1)
    return covariance(lines, lines, length, straight).sum(axis=1)


def _diagonal(values: np.ndarray) -> np.ndarray:
    return (values + JITTER)[..., None] * np.eye(values.shape[-1])


def _evidence(value: np.ndarray, square: np.ndarray, noise: float) -> np.ndarray:
    """(unit,) log marginal likelihood at the best s^2, up to a constant.

    ``value`` (unit, round) eigenvalues, ``square`` what the outcomes weigh along each, squared.
    """
    variance = np.maximum(value, 0.0) + noise + JITTER
    mean_square = np.maximum((square / variance).mean(axis=1), 1e-300)
    return -0.5 * (value.shape[1] * np.log(mean_square) + np.log(variance).sum(axis=1))
