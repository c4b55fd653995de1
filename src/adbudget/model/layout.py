"""Where each parameter sits in the flat position vector. Knows names and sizes, no mathematics."""

from dataclasses import dataclass

import numpy as np

# Blocks that an account nobody has seen shares with the others.
POPULATION = (
    "return_level",
    "channel_return",
    "channel_spread",
    "account_spread",
    "saturation_tilt",
    "adstock_tilt",
    "level_log_spread",
)


@dataclass(frozen=True, slots=True)
class Layout:
    """Blocks of the position vector, in order; all unconstrained (the sign of a spread is free).

    Attributes
    ----------
    n_channels, n_accounts, n_cells : sizes
    """

    n_channels: int
    n_accounts: int
    n_cells: int

    @property
    def sizes(self) -> dict[str, int]:
        """Block name -> number of entries, in the order of the vector."""
        return {
            "return_level": 1,
            "channel_return": self.n_channels,
            "channel_spread": self.n_channels,
            "account_spread": 1,
            "saturation_tilt": self.n_channels,
            "adstock_tilt": self.n_channels,
            "account_effect": self.n_accounts,
            "cell_effect": self.n_cells,
            "cell_saturation": self.n_cells,
            "cell_adstock": self.n_cells,
            "level_log_spread": 1,
        }

    @property
    def size(self) -> int:
        """Length of the position vector."""
        return sum(self.sizes.values())

    def split(self, position: np.ndarray) -> dict[str, np.ndarray]:
        """Block name -> its entries, along the last axis of ``position`` (..., size)."""
        ends = np.cumsum(list(self.sizes.values()))
        parts = np.split(position, ends[:-1], axis=-1)
        return dict(zip(self.sizes, parts, strict=True))
