"""Fit -> Population: what its accounts have in common, in a record of its own that can be kept.

It is the prior of the next account (``adbudget.fit(panel, population=...)``) and, draw by draw,
what is expected of an account without any history. It holds sums and draws over all accounts, and
of a single one nothing but a keyed digest of its name, by which it is recognised.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from adbudget.display.page import Page, Shown, counted, table_of
from adbudget.draws import CurveDraws
from adbudget.errors import FileFormatError, InputError
from adbudget.model.archive import priors_of, read_archive, tuples, write_archive
from adbudget.model.beside import beside, typical
from adbudget.model.layout import POPULATION, Layout
from adbudget.model.learned import Learned
from adbudget.model.new_account import agreed, agreed_currency, generator, spend_by_channel
from adbudget.model.priors import Priors
from adbudget.model.transform import cells_of_new_account, concave
from adbudget.tables.messages import quoted

if TYPE_CHECKING:
    from adbudget.model.posterior import Posterior

FEWEST_TO_SAVE = 5  # accounts; fewer would be recognisable in what they have in common
FORMAT, FORMAT_VERSION = "adbudget-population", 1
ARRAYS = ("positions", "basis_mean", "bursts", "retention", "mix")
TEXTS = ("channels", "unit_value", "margin", "currency", "period_days", "versions")
OWN_VALUES = ("unit_value", "margin", "currency")
KEPT_DRAWS = 1000  # of a saved population: 4 bytes each times 4 * channels + 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Population(Shown):
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
    unit_value, margin, currency : what the accounts have of them, each value once; a file keeps
        what all of them share, and () otherwise
    period_days : days in one period
    versions : library -> version that made it
    accounts : names of the fit it is part of; () in a population that was loaded

    Examples
    --------
    >>> fit.population.save("all.population")
    >>> population = ab.Population.load("all.population")
    >>> population.channels
    ('search', 'shopping')
    >>> population.n_accounts, population.learned.n_accounts, population.has("account_01")
    (5, 5, True)
    >>> list(population.to_frame().columns)[:3], population.priors_for(["search"]).roi_median > 0
    (['roi', 'roi_low', 'roi_high'], True)
    >>> some = population.isel([0, 1])
    >>> some.new_account({"search": 1.0}, seed=1).n_draws, some.layout.size
    (2, 11)
    >>> population.check_new(["a shop of its own"])  # account_01 would be refused
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
        learned = self.priors.learned
        return account in self.accounts or (learned is not None and learned.has(account))

    def priors_for(self, channels: Iterable[str]) -> Priors:
        """What is believed of accounts that use these channels, before their own data.

        Channels that nobody has seen are expected to be like the others.
        """
        learned = self.learned.of_channels(tuple(channels), self.priors.unseen_channel)
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
                "the population was learned from accounts that are in this panel: "
                f"{quoted(known)}. Their rows would count twice. Leave them out; or add their new "
                "rows with fit.update; or rename an account that only has the same name."
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
        """Curves of an account without history: see :meth:`adbudget.CurveDraws.new_account`.

        The account's own effects are drawn afresh for every draw of what accounts share.
        """
        if not isinstance(name, str) or not name.strip() or self.has(name):
            raise InputError(
                f"name must be text that no account of the fit has; got {name!r}. "
                "An account of the fit has curves of its own."
            )
        spend = spend_by_channel(self.channels, spend_share, total_spend)
        value = agreed("unit_value", self.unit_value, unit_value)
        channel = np.flatnonzero(spend > 0)
        cells = cells_of_new_account(
            self.positions, self.layout, self.priors, channel, generator(seed)
        )
        per_basis = cells.adstock[..., :, None] * concave(cells.shape, self.priors)[..., None, :]
        average = cells.roi * spend[channel] / value  # outcome units per period at that spend
        grid = self.basis_mean.shape
        weights = np.zeros((cells.roi.shape[0], 1, *grid))
        weights[:, 0, channel] = average[..., None, None] * per_basis / self.basis_mean[channel]
        return CurveDraws(
            accounts=(name,),
            channels=self.channels,
            weights=weights,
            scale=np.where(spend > 0, spend * self.bursts, np.nan)[None],
            carry_in=np.zeros((1, grid[0], self.retention.size)),
            retention=self.retention,
            mix=self.mix,
            half_saturation=np.array(self.priors.half_saturation),
            unit_value=np.array([value]),
            margin=np.array([agreed("margin", self.margin, margin)]),
            currency=(agreed_currency(self.currency, currency),),
            period_days=self.period_days,
        )

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

    def page(self) -> Page:
        """What ``repr`` and a notebook show: every channel on a line."""
        known = self.priors.learned is not None
        whose = f" of {counted(self.n_accounts, 'account')}" if known else ""
        rows = f", {counted(self.learned.n_rows, 'outcome')}" if known else ""
        return Page(
            title=f"Population{whose}{rows}, {counted(len(self.positions), 'draw')}",
            next=("fit(panel, population=...)  .save(path)  .to_frame()  .new_account(...)",),
            **table_of(self.to_frame().reset_index()),
        )

    def save(self, path: str | Path) -> None:
        """Write it to one file of some kilobytes; it appears whole or not at all.

        Raises
        ------
        InputError : it was learned from fewer than five accounts, which it would give away
        """
        if self.n_accounts < FEWEST_TO_SAVE:
            raise InputError(
                f"a population of {self.n_accounts} accounts says too much of each of them to be "
                f"kept: at least {FEWEST_TO_SAVE} are needed. Keep the fit itself: fit.save(path)."
            )
        step = max(1, len(self.positions) // KEPT_DRAWS)
        kept = replace(self, positions=self.positions[::step][:KEPT_DRAWS])
        text: dict[str, Any] = {"format": FORMAT, "format_version": FORMAT_VERSION}
        text |= {name: getattr(kept, name) for name in TEXTS}
        # A value that only some accounts have would be a figure of theirs.
        text |= {name: () for name in OWN_VALUES if len(text[name]) > 1}
        text["priors"] = asdict(kept.priors)
        write_archive(Path(path), text, {name: np.asarray(getattr(kept, name)) for name in ARRAYS})

    @classmethod
    def load(cls, path: str | Path) -> "Population":
        """Read what :meth:`save` wrote.

        Raises
        ------
        FileFormatError : not such a file, damaged, or written by another version
        """
        path = Path(path)
        text, arrays = read_archive(path, FORMAT, "population", "fit.population.save(path)")
        if text["format_version"] != FORMAT_VERSION:
            raise FileFormatError(
                f"{path} was written by another adbudget (format {text['format_version']}, this "
                f"one reads {FORMAT_VERSION}). Learn the population again, or use that version."
            )
        try:
            return cls(
                priors=priors_of(text["priors"]),
                **{name: arrays[name] for name in ARRAYS},
                **{name: tuples(text[name]) for name in TEXTS},
            )
        except (KeyError, TypeError) as error:
            raise FileFormatError(
                f"{path} is a saved population with a part missing ({error}). Save it again."
            ) from error


def population_of(fit: "Posterior") -> Population:
    """What the accounts of a fit have in common, draw by draw.

    Parameters
    ----------
    fit : the fitted model; its draws stay in single precision

    Returns
    -------
    Population whose ``priors.learned`` is missing: :func:`learned_population` has it
    """
    part = fit.layout.split(fit.positions.reshape(-1, fit.positions.shape[-1]))
    return Population(
        channels=fit.panel.channels,
        positions=np.concatenate([part[block] for block in POPULATION], axis=-1),
        priors=replace(fit.priors, learned=None),
        versions=fit.versions,
        accounts=fit.panel.accounts,
        **typical([beside(fit.panel, fit.evidence)], fit.panel.channels),
    )


def learned_population(fit: "Posterior") -> Population:
    """The same with what its accounts have shown, as a prior of others."""
    from adbudget.model.sharing import learn

    return replace(population_of(fit), priors=learn(fit))
