"""Many positions -> their densities, and one Hamiltonian move of each, compiled.

Works on the flat block of :func:`adbudget.model.density.pack` and releases the interpreter, so that
threads run side by side. Knows nothing of where the positions come from.
"""

import numba
import numpy as np

from adbudget.model.density import (
    RELAXED,
    _density,  # pyright: ignore[reportPrivateUsage]
)

DIVERGED = -1000.0  # log acceptance below which a trajectory has left the road


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=RELAXED)
def log_densities(positions, block, values, gradients):
    """Log density and gradient of every position.

    Parameters
    ----------
    positions : (draw, size)
    block : from ``density.pack``
    values : (draw,) filled
    gradients : (draw, size) filled
    """
    for i in range(positions.shape[0]):
        values[i] = _density(positions[i], gradients[i], block)


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=RELAXED)
def move_each(
    positions, values, gradients, block, scale, momenta, log_chance, step, n_steps, log_accept
):
    """One Hamiltonian Monte Carlo transition of every position, in place.

    Parameters
    ----------
    positions, values, gradients : (draw, size), (draw,), (draw, size) where they are; overwritten
        with where they go
    block : from ``density.pack``
    scale : (size,) typical size of each coordinate
    momenta : (draw, size) standard normal; overwritten
    log_chance : (draw,) logarithms of uniform numbers in (0, 1)
    step : (draw,) step sizes, in units of ``scale``
    n_steps : leapfrog steps of a trajectory
    log_accept : (draw,) filled with the change of log density and kinetic energy

    References
    ----------
    Neal (2011), Handbook of Markov Chain Monte Carlo, chapter 5.
    """
    size = positions.shape[1]
    position, gradient = np.empty(size), np.empty(size)
    for i in range(positions.shape[0]):
        momentum = momenta[i]
        before, after, value = 0.0, 0.0, values[i]
        for j in range(size):
            position[j] = positions[i, j]
            gradient[j] = gradients[i, j]
            before += momentum[j] * momentum[j]
        for _ in range(n_steps):
            for j in range(size):
                momentum[j] += 0.5 * step[i] * scale[j] * gradient[j]
                position[j] += step[i] * scale[j] * momentum[j]
            value = _density(position, gradient, block)
            for j in range(size):
                momentum[j] += 0.5 * step[i] * scale[j] * gradient[j]
        for j in range(size):
            after += momentum[j] * momentum[j]
        change = value - values[i] - 0.5 * (after - before)
        log_accept[i] = change if np.isfinite(change) else -np.inf
        if log_chance[i] < log_accept[i]:
            values[i] = value
            for j in range(size):
                positions[i, j] = position[j]
                gradients[i, j] = gradient[j]
