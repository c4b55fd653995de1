"""Learned: what accounts share, as a Gaussian that is the prior of accounts that come later.

Parameters are in the order of the flat position vector without the effects of accounts and cells;
spreads are positive. Coefficients of the baseline are known by name, so that a panel with other
controls or another period finds those it shares. Knows nothing of panels, fits or sampling.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from adbudget.model.layout import Layout

FLAT = 1e-9  # added to the variance of parameters in units of their own, for a regular inverse


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """A Gaussian of what accounts share; tuples, so that it is a value like any other prior.

    Attributes
    ----------
    channels : names, in the order of the parameters
    mean, covariance : of the shared parameters (``4 * channels + 3`` of them)
    columns : names of the baseline's shared coefficients, see
        :func:`adbudget.model.regressors.column_names`
    coefficients, coefficient_covariance : what accounts have in common of them, as shares of the
        mean outcome
    spreads : (group, sd) how far accounts differ in coefficients of size one
    tail_df, level_power : of the noise, see :class:`adbudget.model.row_noise.RowNoise`
    n_accounts, n_rows : it was learned from; observed outcomes
    salt, members : key, and digests of the names of these accounts
    odds_slope : (shared,) how far the log odds of base sales that are typical go along with each
        parameter; () where they are taken as independent of them
    """

    channels: tuple[str, ...]
    mean: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    columns: tuple[str, ...]
    coefficients: tuple[float, ...]
    coefficient_covariance: tuple[tuple[float, ...], ...]
    spreads: tuple[tuple[str, float], ...]
    tail_df: float
    level_power: float
    n_accounts: int
    n_rows: int
    salt: str
    members: tuple[str, ...]
    odds_slope: tuple[float, ...] = ()

    @property
    def layout(self) -> Layout:
        """Order of the shared parameters."""
        return Layout(len(self.channels), 0, 0)

    def has(self, account: str) -> bool:
        """Whether an account of this name is among those it was learned from."""
        return digest(account, self.salt) in self.members

    def precision(self) -> np.ndarray:
        """(shared, shared) inverse of the covariance."""
        cov = np.array(self.covariance)
        size = np.sqrt(np.diag(cov))
        scaled = cov / size / size[:, None] + FLAT * np.eye(size.size)
        inverse = np.linalg.inv(scaled) / size / size[:, None]
        return (inverse + inverse.T) / 2

    def slope(self) -> np.ndarray:
        """(shared,) ``odds_slope``, zeros where nothing is said."""
        return np.array(self.odds_slope or np.zeros(len(self.mean)))

    def apart(self) -> tuple[np.ndarray, np.ndarray]:
        """(channel,) mean and sd of each log return less the level, that level being known."""
        n, cov = len(self.channels), np.array(self.covariance)
        own = slice(1, 1 + n)
        mean = np.array(self.mean)[own] - self.mean[0]
        return mean, np.sqrt(np.diag(cov)[own] - cov[0, own] ** 2 / cov[0, 0])

    def cell_spread(self) -> np.ndarray:
        """(channel,) sd of a cell's log return around its channel's, bend and tails apart."""
        part = self.layout.split(np.array(self.mean))
        return np.hypot(part["channel_spread"], part["account_spread"])

    def of_channels(
        self, channels: tuple[str, ...], unseen: Mapping[str, tuple[float, float]]
    ) -> "Learned":
        """The same for other channels: those never seen are expected to be like the others.

        Parameters
        ----------
        channels : in the order wanted
        unseen : block -> mean and sd of its parameter of a channel nobody has seen; of the return
            less the level
        """
        old, new = self.layout, Layout(len(channels), 0, 0)
        turn, shift, added = np.zeros((new.size, old.size)), np.zeros(new.size), np.zeros(new.size)
        to, at = (layout.split(np.arange(layout.size)) for layout in (new, old))
        for block in ("return_level", "account_spread", "level_log_spread"):
            turn[to[block], at[block]] = 1.0
        for i, name in enumerate(channels):
            for block, (centre, sd) in unseen.items():
                row = to[block][i]
                if name in self.channels:
                    turn[row, at[block][self.channels.index(name)]] = 1.0
                    continue
                shift[row], added[row] = centre, sd**2
                if block == "channel_return":
                    turn[row, at["return_level"]] = 1.0
        cov = turn @ np.array(self.covariance) @ turn.T + np.diag(added)
        mean = turn @ np.array(self.mean) + shift
        return replace(
            self,
            channels=tuple(channels),
            mean=tuple(mean.tolist()),
            covariance=rows_of(cov),
            odds_slope=(),
        )


def digest(account: str, salt: str) -> str:
    """What a name becomes: who knows it can recognise it, and nobody can read it."""
    key = bytes.fromhex(salt)
    return hashlib.blake2b(account.encode(), key=key, digest_size=12).hexdigest()


def rows_of(matrix: np.ndarray) -> tuple[tuple[float, ...], ...]:
    """A matrix as a value."""
    return tuple(tuple(row) for row in matrix.tolist())
