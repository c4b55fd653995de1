"""Coordinates that the sampler walks in: those in which what is known of a posterior is round.

NUTS takes as many steps as the longest direction is longer than the shortest, and a diagonal mass
matrix sees none that lies across the axes. A channel's return and the place of its saturation lie
so: both say how much of the outcome is its own, and their correlation is -.6 to -.95. Where much is
known before the first step, the axes are turned until that is a standard normal. Draws come back in
the coordinates of the model; nobody else knows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from adbudget.model.layout import POPULATION, Layout
from adbudget.model.learned import Learned

HEAD = 3  # numbers before the coordinates: address of the density, where its block begins, shared


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coordinates:
    """Position = ``centre + scale * z``, and of what accounts share ``centre + turn @ z``.

    Attributes
    ----------
    centre, scale : (size,)
    shared : (shared,) places of what accounts share
    turn : (shared, shared) lower triangular
    """

    centre: np.ndarray
    scale: np.ndarray
    shared: np.ndarray
    turn: np.ndarray

    @classmethod
    def of_prior(cls, learned: Learned, layout: Layout) -> "Coordinates":
        """Those in which what other accounts have shown is a standard normal."""
        centre, shared = np.zeros(layout.size), _shared(layout)
        centre[shared] = learned.mean
        turn = np.linalg.cholesky(np.linalg.inv(learned.precision()))
        return cls(centre=centre, scale=np.ones(layout.size), shared=shared, turn=turn)

    @classmethod
    def of_draws(cls, positions: np.ndarray, layout: Layout) -> "Coordinates":
        """Those in which draws of the posterior have no scale, and what is shared no direction.

        Parameters
        ----------
        positions : (draw, size); the fewer, the less is believed of how parameters go together
        """
        shared, sd = _shared(layout), positions.std(axis=0)
        scale = np.where(sd > 0, sd, 1.0)
        standard = (positions[:, shared] - positions[:, shared].mean(axis=0)) / scale[shared]
        alone = shared.size / (shared.size + len(positions))
        together = (1 - alone) * standard.T @ standard / len(positions)
        together += alone * np.eye(shared.size)
        turn = scale[shared, None] * np.linalg.cholesky(together)
        return cls(centre=positions.mean(axis=0), scale=scale, shared=shared, turn=turn)

    def to_model(self, z: np.ndarray) -> np.ndarray:
        """(..., size) positions in the coordinates of the model."""
        x = self.centre + self.scale * z
        x[..., self.shared] = self.centre[self.shared] + z[..., self.shared] @ self.turn.T
        return x

    def from_model(self, x: np.ndarray) -> np.ndarray:
        """(..., size) the same positions as the sampler sees them."""
        z = (x - self.centre) / self.scale
        off = x[..., self.shared] - self.centre[self.shared]
        z[..., self.shared] = np.linalg.solve(self.turn, off.T).T
        return z

    def pulled_back(self, gradient: np.ndarray) -> np.ndarray:
        """(..., size) gradient by ``z`` of a gradient by the position."""
        by_z = gradient * self.scale
        by_z[..., self.shared] = gradient[..., self.shared] @ self.turn
        return by_z

    def packed(self, density: Any, block: np.ndarray) -> np.ndarray:
        """What ``turning.py`` reads: where a compiled density is, these coordinates, its block."""
        begin = HEAD + 2 * self.centre.size + self.turn.size
        head = np.array([0.0, begin, self.shared.size])
        head[:1] = np.array([density.address], np.uint64).view(np.float64)
        return np.concatenate([head, self.centre, self.scale, self.turn.ravel(), block])

    def around(self, start: Callable[[int], np.ndarray]) -> Callable[[int], np.ndarray]:
        """First positions as the sampler sees them."""
        return lambda seed: self.from_model(start(seed))


def _shared(layout: Layout) -> np.ndarray:
    """Places of what accounts share: the first parameters and the last one."""
    part = layout.split(np.arange(layout.size))
    return np.concatenate([part[block] for block in POPULATION])
