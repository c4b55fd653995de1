"""Fit -> Population: what its accounts have in common, in a record of its own that can be kept.

It is the prior of the next account (``adbudget.fit(panel, population=...)``) and, draw by draw, what
is expected of an account without any history. It holds sums and draws over all accounts, and of
a single one nothing but a keyed digest of its name, by which it is recognised.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from adbudget.draws import CurveDraws
from adbudget.errors import InputError
from adbudget.model.layout import POPULATION, Layout
from adbudget.model.learned import Learned
from adbudget.model.priors import Priors
from adbudget.tables.messages import quoted

if TYPE_CHECKING:
    from adbudget.model.posterior import Posterior

FEWEST_TO_SAVE = 5  # accounts; fewer would be recognisable in what they have in common
KEPT_DRAWS = 1000  # of a saved population: 4 bytes each times 4 * channels + 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Population:
    """What accounts have in common. See ``fit.population``.

    Attributes
    ----------
    channels : names
    positions : (draw, 4 * channels + 3) posterior draws of what accounts share, in the order of
        ``layout``
    priors : grids, and how far a cell's shape may differ from its channel's; ``priors.learned`` is
        what these accounts have shown, as a Gaussian
    basis_mean : (channel, adstock, saturation) mean of the raw basis over a typical history
    bursts : (channel,) spend that money is spent at over mean spend, of a typical history
    retention : (retention,) rate kept per period
    mix : (adstock, retention) each adstock as a mix of geometric ones
    unit_value, margin, currency : what the accounts have of them, each value once
    period_days : days in one period
    versions : library -> version that made it
    accounts : names of the fit it is part of; () in a population that was loaded
    """

    channels: tuple[str, ...]
    positions: np.ndarray
    priors: Priors
    basis_mean: np.ndarray
    bursts: np.ndarray
    retention: np.ndarray
    mix: np.ndarray
    unit_value: tuple[float, ...]
    margin: tuple[float, ...]
    currency: tuple[str, ...]
    period_days: float
    versions: Mapping[str, str]
    accounts: tuple[str, ...] = ()

    @property
    def layout(self) -> Layout:
        """Order of ``positions``."""
        return Layout(len(self.channels), 0, 0)

    @property
    def learned(self) -> Learned:
        """The Gaussian of what these accounts have shown."""
        if self.priors.learned is None:
            raise InputError(
                "these draws were made without what their accounts have shown in common. Use "
                "fit.population."
            )
        return self.priors.learned

    @property
    def n_accounts(self) -> int:
        """How many accounts it was learned from."""
        return self.learned.n_accounts

    def isel(self, draw: Any) -> "Population":
        """Some of the draws."""
        return replace(self, positions=self.positions[draw])

    def has(self, account: str) -> bool:
        """Whether an account of this name is among those it was learned from."""
        return account in self.accounts or self.learned.has(account)

    def priors_for(self, channels: Iterable[str]) -> Priors:
        """What is believed of accounts that use these channels, before their own data.

        Channels that nobody has seen are expected to be like the others.
        """
        stated = replace(self.priors, learned=None)
        learned = self.learned.of_channels(tuple(channels), stated)
        return replace(self.priors, learned=learned)

    def check_new(self, accounts: Iterable[str]) -> None:
        """Refuse accounts it was learned from: their rows would count twice.

        Raises
        ------
        InputError : names them
        """
        known = [account for account in accounts if self.has(account)]
        if known:
            raise InputError(
                f"the population was learned from accounts that are in this panel: {quoted(known)}. "
                "Their rows would count twice. Leave them out; or add their new rows with "
                "fit.update; or rename an account that only has the same name."
            )

    def new_account(
        self,
        spend_share: Mapping[str, float] | pd.Series,
        *,
        seed: int | np.random.Generator,
        total_spend: float = 1.0,
        name: str = "new account",
        unit_value: float | None = None,
        margin: float | None = None,
        currency: str | None = None,
    ) -> CurveDraws:
        """Curves of an account without history: see :meth:`adbudget.CurveDraws.new_account`."""
        from adbudget.model.new_account import Wanted, new_account

        wanted = Wanted(
            total_spend=total_spend,
            name=name,
            unit_value=unit_value,
            margin=margin,
            currency=currency,
        )
        return new_account(self, spend_share, wanted, seed)

    def to_frame(self) -> pd.DataFrame:
        """By channel: return, how far accounts differ, where it saturates and how long it lasts.

        Returns
        -------
        DataFrame indexed by channel: ``roi`` (median over draws) with ``roi_low`` and ``roi_high``
        (90%), money per money; ``spread``, factor by which accounts typically differ;
        ``saturation`` and ``carry_over``, places in the grids from -1 (soonest, shortest) to 1
        """
        part = self.layout.split(self.positions.astype(float))
        returns = np.exp(part["channel_return"])
        low, middle, high = np.quantile(returns, [0.05, 0.5, 0.95], axis=0)
        return pd.DataFrame(
            {
                "roi": middle,
                "roi_low": low,
                "roi_high": high,
                "spread": np.exp(np.median(np.abs(part["channel_spread"]), axis=0)),
                "saturation": part["saturation_tilt"].mean(axis=0),
                "carry_over": part["adstock_tilt"].mean(axis=0),
            },
            index=pd.Index(self.channels, name="channel"),
        )

    def __repr__(self) -> str:
        table = self.to_frame().round(2).to_string()
        return (
            f"Population of {self.n_accounts} accounts, {self.learned.n_rows:,} outcomes, "
            f"{len(self.positions)} draws\n{table}"
        )

    def save(self, path: str | Path) -> None:
        """Write it to one file of some kilobytes; it appears whole or not at all.

        Raises
        ------
        InputError : it was learned from fewer than five accounts, which it would give away
        """
        from adbudget.model.population_file import save

        if self.n_accounts < FEWEST_TO_SAVE:
            raise InputError(
                f"a population of {self.n_accounts} accounts says too much of each of them to be "
                f"kept: at least {FEWEST_TO_SAVE} are needed. Keep the fit itself: fit.save(path)."
            )
        save(self, Path(path))

    @classmethod
    def load(cls, path: str | Path) -> "Population":
        """Read what :meth:`save` wrote.

        Raises
        ------
        FileFormatError : not such a file, damaged, or written by another version
        """
        from adbudget.model.population_file import load

        return load(Path(path))


def population_of(fit: "Posterior") -> Population:
    """What the accounts of a fit have in common, draw by draw.

    Parameters
    ----------
    fit : the fitted model; its draws stay in single precision

    Returns
    -------
    Population whose ``priors.learned`` is missing: :func:`learned_population` has it
    """
    design, panel = fit.evidence.design, fit.panel
    # The return is an average over a history whose spend goes up and down, so the new account is
    # given the mean basis of the accounts that use the channel.
    in_use = design.exists[..., None, None]
    n_users = np.maximum(in_use.sum(axis=0), 1)
    concave_mean = design.basis_mean[..., : design.half_saturation.size]
    part = fit.layout.split(fit.positions.reshape(-1, fit.positions.shape[-1]))
    return Population(
        channels=design.channels,
        positions=np.concatenate([part[block] for block in POPULATION], axis=-1),
        priors=replace(fit.priors, learned=None),
        basis_mean=(concave_mean * in_use).sum(axis=0) / n_users,
        bursts=np.nan_to_num(design.unit / design.scale).sum(axis=0) / n_users[:, 0, 0],
        retention=design.retention,
        mix=design.mix,
        unit_value=tuple(np.unique(panel.unit_value).tolist()),
        margin=tuple(np.unique(panel.margin).tolist()),
        currency=tuple(dict.fromkeys(panel.currency)),
        period_days=panel.period_days,
        versions=fit.versions,
        accounts=design.accounts,
    )


def learned_population(fit: "Posterior") -> Population:
    """The same with what its accounts have shown, as a prior of others."""
    from adbudget.model.sharing import learn

    return replace(population_of(fit), priors=learn(fit))
