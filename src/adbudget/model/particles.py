"""Draws of one posterior -> draws of the next: reweighted, resampled and moved.

Sequential Monte Carlo (Chopin 2002). The draws of the last fit already lie where the new posterior
is, near enough; what the new evidence says is a weight on each of them. Draws are then repeated in
proportion to their weights, in the order of their chains, and every one is moved by a Hamiltonian
step that leaves the new posterior unchanged. Nothing is tuned from scratch. Knows nothing of rows.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from adbudget.model.density import DIVERGED, log_densities, move_each
from adbudget.model.health import effective_share
from adbudget.model.sampler import RawSample

LEAST_EFFECTIVE = 0.2  # share of draws that must be worth something for one jump to the target
BEST_EFFECTIVE = 0.5  # share aimed at when the jump has to be cut in two
MOST_STAGES = 4  # beyond it, sampling anew is the better use of the time
N_STEPS = 5  # leapfrog steps: far enough to part copies, and cheap
STEP_JITTER = 0.2  # no coordinate may turn in step with the trajectory
TARGET_ACCEPT, ACCEPT_BAND = 0.8, (0.7, 0.9)
FIRST_STEP, PILOT_DRAWS, MOST_PILOTS = 0.3, 64, 8

PathBlock = Callable[[float], np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Particles:
    """Draws where they are, with what the target says there.

    Attributes
    ----------
    positions : (chain, draw, size)
    values : (chain, draw) log density of the target
    gradients : (chain, draw, size)
    """

    positions: np.ndarray
    values: np.ndarray
    gradients: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Journey:
    """How draws got from one posterior to another.

    Attributes
    ----------
    particles : at the target, not yet moved since the last resampling when ``moved`` is False
    shares : how far along the path each stage went; the last is 1
    effective : effective share of the draws at each stage
    """

    particles: Particles
    shares: tuple[float, ...]
    effective: tuple[float, ...]


def travel(
    positions: np.ndarray, path: PathBlock, rng: np.random.Generator, cores: int
) -> Journey | None:
    """Bring draws from the start of a path of posteriors to its end.

    Parameters
    ----------
    positions : (chain, draw, size) draws of the posterior at share 0
    path : share of the way, in [0, 1] -> block of the density there
    rng : chance
    cores : threads

    Returns
    -------
    Journey, its particles resampled at the target but not moved yet; None when the two posteriors
    are too far apart for it to be worth the time

    References
    ----------
    Chopin (2002), Biometrika 89(3), 539-552.
    """
    at, shares, effective = 0.0, [], []
    particles = evaluate(positions, path(0.0), cores)
    while at < 1:
        if len(shares) == MOST_STAGES:
            return None
        if shares:
            particles = move(particles, path(at), rng, cores)[0]
        jump = _longest_jump(particles, path, at, cores)
        if jump is None:
            return None
        at, there, share = jump
        particles = _resample(there, there.values - particles.values, rng)
        shares.append(at)
        effective.append(share)
    return Journey(particles=particles, shares=tuple(shares), effective=tuple(effective))


def evaluate(positions: np.ndarray, block: np.ndarray, cores: int) -> Particles:
    """Log density and gradient of every draw, chains side by side."""
    positions = np.array(positions, dtype=float)
    values, gradients = np.empty(positions.shape[:2]), np.empty(positions.shape)
    _by_chain(
        lambda c: log_densities(positions[c], block, values[c], gradients[c]), len(positions), cores
    )
    return Particles(positions=positions, values=values, gradients=gradients)


def move(
    particles: Particles, block: np.ndarray, rng: np.random.Generator, cores: int
) -> tuple[Particles, RawSample]:
    """One Hamiltonian transition of every draw, which leaves the target unchanged.

    Returns
    -------
    Particles, and the same as a sample with statistics
    """
    scale = _scale(particles)
    step = _find_step(particles, block, scale, rng)
    moved, log_accept = _transition(particles, block, scale, step, rng, cores)
    sample = RawSample(
        positions=moved.positions,
        diverging=log_accept < DIVERGED,
        n_steps=np.full(log_accept.shape, N_STEPS, dtype=np.int32),
        energy=-moved.values,
    )
    return moved, sample


def _longest_jump(particles: Particles, path: PathBlock, at: float, cores: int):
    """(share, particles evaluated there, effective share) of the longest jump worth making."""
    goal, shortest = 1.0, (1 - at) / 2**MOST_STAGES
    bar = LEAST_EFFECTIVE
    while goal - at >= shortest:
        there = evaluate(particles.positions, path(goal), cores)
        share = effective_share(there.values - particles.values)
        if share >= bar:
            return goal, there, share
        goal, bar = at + (goal - at) / 2, BEST_EFFECTIVE
    return None


def _resample(particles: Particles, log_weights: np.ndarray, rng: np.random.Generator) -> Particles:
    """Systematic resampling over all chains in order, so that copies stand side by side.

    Effective sample sizes read off the chains afterwards then count copies as what they are.
    """
    shape = log_weights.shape
    weights = np.exp(log_weights.ravel() - logsumexp(log_weights))
    points = (np.arange(weights.size) + rng.uniform()) / weights.size
    chosen = np.minimum(np.searchsorted(np.cumsum(weights), points), weights.size - 1)
    return Particles(
        positions=particles.positions.reshape(weights.size, -1)[chosen].reshape(*shape, -1),
        values=particles.values.ravel()[chosen].reshape(shape),
        gradients=particles.gradients.reshape(weights.size, -1)[chosen].reshape(*shape, -1),
    )


def _scale(particles: Particles) -> np.ndarray:
    """(size,) geometric mean of what draws and what gradients say about each coordinate's width."""
    size = particles.positions.shape[-1]
    spread = particles.positions.reshape(-1, size).std(axis=0)
    steepness = particles.gradients.reshape(-1, size).std(axis=0)
    return np.sqrt(spread / steepness)


def _find_step(particles: Particles, block, scale, rng: np.random.Generator) -> float:
    """Step size whose trial moves are accepted about as often as they should be."""
    flat = particles.values.size
    chosen = np.linspace(0, flat - 1, min(PILOT_DRAWS, flat)).astype(int)
    trial = Particles(
        positions=particles.positions.reshape(flat, -1)[chosen][None],
        values=particles.values.ravel()[chosen][None],
        gradients=particles.gradients.reshape(flat, -1)[chosen][None],
    )
    step = FIRST_STEP
    for _ in range(MOST_PILOTS):
        _, log_accept = _transition(trial, block, scale, step, rng, cores=1)
        accepted = np.exp(np.minimum(log_accept, 0.0)).mean()
        if ACCEPT_BAND[0] <= accepted <= ACCEPT_BAND[1]:
            break
        step *= 0.7 if accepted < TARGET_ACCEPT else 1.3
    return step


def _transition(particles: Particles, block, scale, step: float, rng, cores: int):
    """Particles after one transition, and (chain, draw) log acceptance."""
    shape = particles.positions.shape
    places = [np.array(a) for a in (particles.positions, particles.values, particles.gradients)]
    log_accept = np.empty(shape[:2])
    generators = rng.spawn(shape[0])

    def move_chain(c: int) -> None:
        own = generators[c]
        momenta, log_chance = own.normal(size=shape[1:]), np.log(own.uniform(size=shape[1]))
        steps = step * own.uniform(1 - STEP_JITTER, 1 + STEP_JITTER, size=shape[1])
        here, values, gradients = (a[c] for a in places)
        move_each(
            here,
            values,
            gradients,
            block,
            scale,
            momenta,
            log_chance,
            steps,
            N_STEPS,
            log_accept[c],
        )

    _by_chain(move_chain, shape[0], cores)
    positions, values, gradients = places
    return Particles(positions=positions, values=values, gradients=gradients), log_accept


def _by_chain(work: Callable[[int], None], n_chains: int, cores: int) -> None:
    with ThreadPoolExecutor(max_workers=max(1, min(cores, n_chains))) as pool:
        for _ in pool.map(work, range(n_chains)):
            pass
