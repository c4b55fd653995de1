"""CurveDraws: posterior draws of the response curves; Health of the fit.

Everything after the fit needs only this record, so it can be written by hand in a test.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import pandas as pd
import xarray as xr

from adbudget.curves import saturation, saturation_slope
from adbudget.display.page import Page, Shown, counted
from adbudget.errors import InputError

# Targets a fit samples on for, and the looser bars below which its decisions are not trusted.
RHAT_TARGET, ESS_TARGET = 1.01, 400.0
RHAT_LIMIT, ESS_LIMIT, DIVERGENCE_LIMIT = 1.03, 200.0, 0.01
VAGUE = 0.9  # share of prior above which a cell's answer is mostly that
MOST_SAID = 3  # problems, and warnings, on a page

SpendLike = pd.Series | xr.DataArray | Mapping[tuple[str, str], float]


class KnowsPopulation(Protocol):
    """What the draws need to speak of accounts they have not seen."""

    def isel(self, draw: Any) -> "KnowsPopulation":
        """Some of the draws."""
        ...

    def new_account(
        self, spend_share: Mapping[str, float] | pd.Series, **options: Any
    ) -> "CurveDraws":
        """As :meth:`CurveDraws.new_account`."""
        ...


class HasDraws(Protocol):
    """A fit, as far as plans, decisions and plots need one."""

    @property
    def draws(self) -> "CurveDraws":
        """Posterior draws of the curves."""
        ...

    @property
    def current_spend(self) -> pd.Series:
        """Spend per period today, by (account, channel)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class CurveDraws(Shown):
    """Joint posterior draws of every response curve.

    A cell is one channel of one account. Axes are always (draw, account, channel, adstock,
    saturation); cells that do not exist hold zero weight and NaN scale.

    Attributes
    ----------
    accounts, channels : names, in axis order
    weights : (draw, account, channel, adstock, saturation) outcome units per period at full
        saturation of each basis curve; never negative
    scale : (account, channel) spend per period that half-saturations are in units of, account
        currency: what the channel's money was spent at, sum of squares over sum; NaN where the
        account does not use the channel
    carry_in : (account, channel, retention) adstock after the last recorded period, in units of
        ``scale``
    retention : (retention,) rate kept per period
    mix : (adstock, retention) each adstock as a mix of geometric ones; one of each when not given
    half_saturation : (saturation,) half-saturation points, in units of ``scale``
    unit_value : (account,) money one outcome unit brings in (1 when the outcome is money)
    margin : (account,) share of that money that is contribution margin
    currency : (account,) currency code, or "" when the panel states none
    period_days : days in one period
    highest_spend : (account, channel) highest spend per period in the history behind the curves,
        a week or more at a time; None, or NaN in a cell, where no history is known
    population : what the draws say of accounts they have not seen; None for curves made by hand

    Examples
    --------
    >>> curves = fit.draws.isel([0, 1])  # two of the draws
    >>> curves.response(fit.current_spend).dims, curves.marginal(fit.current_spend).shape
    (('draw', 'account', 'channel'), (2, 5, 2))
    >>> curves.n_draws, curves.exists.shape, len(curves.cells), curves.steady_weights.ndim
    (2, (5, 2), 10, 4)
    >>> curves.new_account({"search": 1}, seed=1).accounts, curves.aligned(fit.current_spend).shape
    (('new account',), (5, 2))
    """

    accounts: tuple[str, ...]
    channels: tuple[str, ...]
    weights: np.ndarray
    scale: np.ndarray
    carry_in: np.ndarray
    retention: np.ndarray
    half_saturation: np.ndarray
    unit_value: np.ndarray
    margin: np.ndarray
    currency: tuple[str, ...]
    period_days: float
    mix: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    highest_spend: np.ndarray | None = None
    population: KnowsPopulation | None = None
    _steady: np.ndarray | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        n_cells = (len(self.accounts), len(self.channels))
        if self.mix.size == 0:
            object.__setattr__(self, "mix", np.eye(self.retention.size))
        grid = (self.mix.shape[0], self.half_saturation.size)
        if self.weights.shape[1:] != n_cells + grid:
            raise InputError(
                f"weights must have shape (draw, {n_cells[0]} accounts, {n_cells[1]} channels, "
                f"{grid[0]} adstocks, {grid[1]} saturations); got {self.weights.shape}."
            )
        mixes = self.mix.shape[1:] == self.retention.shape
        if not (mixes and np.allclose(self.mix.sum(axis=1), 1)):
            raise InputError(
                f"mix must have shape (adstock, {self.retention.size} retention rates) and rows "
                f"that add up to one; got shape {self.mix.shape}."
            )
        if self.scale.shape != n_cells:
            raise InputError(f"scale must have shape {n_cells}; got {self.scale.shape}.")
        if self.highest_spend is not None and self.highest_spend.shape != n_cells:
            raise InputError(
                f"highest_spend must have shape {n_cells}; got {self.highest_spend.shape}."
            )
        if not np.all(self.weights >= 0):
            raise InputError("weights must be finite and >= 0: a curve never falls with spend.")

    def page(self) -> Page:
        """What ``repr`` and a notebook show."""
        whose = (
            f"{counted(len(self.accounts), 'account')}, {counted(len(self.channels), 'channel')}"
        )
        return Page(
            title=f"Response curves: {self.n_draws:,} joint draws of {int(self.exists.sum()):,}, "
            f"{whose}",
            facts=[
                ("channels", ", ".join(self.channels)),
                ("period", f"{self.period_days:g} days"),
                ("currency", ", ".join(dict.fromkeys(filter(None, self.currency))) or "not stated"),
            ],
            next=(".response(spend)  .marginal(spend)  .isel(draw=...)",),
        )

    @property
    def n_draws(self) -> int:
        """Number of joint draws."""
        return self.weights.shape[0]

    @property
    def exists(self) -> np.ndarray:
        """(account, channel) whether the account has ever used the channel."""
        return np.isfinite(self.scale)

    @property
    def cells(self) -> pd.MultiIndex:
        """(account, channel) of every cell that exists, in axis order."""
        pairs = [(self.accounts[a], self.channels[c]) for a, c in np.argwhere(self.exists)]
        return pd.MultiIndex.from_tuples(pairs, names=["account", "channel"])

    @property
    def steady_weights(self) -> np.ndarray:
        """(draw, account, channel, saturation): at constant spend, retention no longer matters."""
        if self._steady is None:  # asked for by every plan that is looked at
            object.__setattr__(self, "_steady", self.weights.sum(axis=3))
        assert self._steady is not None
        return self._steady

    def isel(self, draw: np.ndarray | list[int] | slice) -> "CurveDraws":
        """Some of the draws, still a CurveDraws, so every later step takes them unchanged."""
        population = None if self.population is None else self.population.isel(draw)
        return replace(self, weights=self.weights[draw], population=population)

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
    ) -> "CurveDraws":
        """Curves of an account without history, as the population of the fit expects them.

        Every posterior draw gives the account effects of its own, drawn from the population as
        this draw knows it, so the width is that of the population and of what is known of it.

        Parameters
        ----------
        spend_share : share of the spend by channel, above 0 and adding up to 1; channels that are
            left out are not used
        seed : of the account's own effects
        total_spend : spend per period that the shares are of; 1 gives curves in units of it
        name : of the account
        unit_value, margin, currency : as in :func:`adbudget.read_panel`; by default those all
            accounts of the fit share

        Returns
        -------
        CurveDraws of one account with as many draws, which simulate, optimize and decide take like
        any other. It starts without carry-over (``carry_in`` is 0)

        Raises
        ------
        InputError : curves made by hand; an argument out of range; a value the accounts do not
            share is not given
        """
        if self.population is None:
            raise InputError(
                "these curves do not come from a fit, so nothing is known of other accounts. "
                "Use fit.draws.new_account(...)."
            )
        stated = {"unit_value": unit_value, "margin": margin, "currency": currency}
        return self.population.new_account(
            spend_share, seed=seed, total_spend=total_spend, name=name, **stated
        )

    def response(self, spend: SpendLike) -> xr.DataArray:
        """Outcome per period owed to each channel at a constant spend.

        Parameters
        ----------
        spend : spend per period, account currency: a Series indexed by (account, channel), a
            mapping, or a DataArray with dims (account, channel). Every existing cell is needed.

        Returns
        -------
        xr.DataArray (draw, account, channel), outcome units per period; NaN where there is no cell

        Raises
        ------
        InputError : a cell is missing, unknown, negative or not finite
        """
        level = self.aligned(spend) / self.scale
        outcome = np.einsum("dacm,acm->dac", self.steady_weights, self._basis(level, saturation))
        return self._named(outcome)

    def marginal(self, spend: SpendLike) -> xr.DataArray:
        """Slope of :meth:`response`: outcome units per extra unit of spend.

        Multiply by ``unit_value`` for the marginal ROI. Shapes and errors as :meth:`response`.
        """
        level = self.aligned(spend) / self.scale
        basis = self._basis(level, saturation_slope)
        slope = np.einsum("dacm,acm->dac", self.steady_weights, basis)
        return self._named(slope / self.scale)

    def aligned(self, spend: SpendLike) -> np.ndarray:
        """Caller's spend as an (account, channel) array; NaN where there is no cell.

        Raises
        ------
        InputError : a cell is missing, unknown, negative or not finite
        """
        return aligned_spend(spend, self.accounts, self.channels, self.cells)

    def _basis(self, level, curve) -> np.ndarray:
        """(account, channel, saturation) basis values, zero where there is no cell."""
        return np.where(
            self.exists[..., None], curve(np.nan_to_num(level), self.half_saturation), 0
        )

    def _named(self, values: np.ndarray) -> xr.DataArray:
        values = np.where(self.exists, values, np.nan)
        coords = {"account": list(self.accounts), "channel": list(self.channels)}
        return xr.DataArray(values, dims=("draw", "account", "channel"), coords=coords)


def aligned_spend(
    spend: SpendLike, accounts: tuple[str, ...], channels: tuple[str, ...], cells: pd.MultiIndex
) -> np.ndarray:
    """Caller's spend of every cell as an (account, channel) array; NaN where there is no cell.

    Raises
    ------
    InputError : a cell is missing, unknown, negative or not finite
    """
    series = _as_series(spend)
    _check_cells(series, cells)
    grid = np.full((len(accounts), len(channels)), np.nan)
    rows = pd.Index(accounts).get_indexer(cells.get_level_values(0))
    columns = pd.Index(channels).get_indexer(cells.get_level_values(1))
    grid[rows, columns] = series.reindex(cells).to_numpy(dtype=float)
    return grid


def _as_series(spend: SpendLike) -> pd.Series:
    if isinstance(spend, xr.DataArray):
        if set(spend.dims) != {"account", "channel"}:
            raise InputError(f"spend must have dims (account, channel); got {spend.dims}.")
        series = spend.transpose("account", "channel").to_series().dropna()
    elif isinstance(spend, pd.Series):
        series = spend
    elif isinstance(spend, Mapping):
        series = pd.Series(dict(spend), dtype=None if spend else float)
    else:
        raise InputError(
            "spend must be a Series or mapping by (account, channel), or a DataArray; "
            f"got {type(spend).__name__}."
        )
    if series.index.nlevels != 2:
        raise InputError(
            "spend must be indexed by (account, channel); "
            f"got an index with {series.index.nlevels} level(s). "
            "Build it with frame.set_index(['account', 'channel'])['spend']."
        )
    if not series.index.is_unique:
        twice = series.index[series.index.duplicated()].unique().tolist()[:5]
        raise InputError(f"spend names these cells more than once: {twice}.")
    return series


def _check_cells(series: pd.Series, cells: pd.MultiIndex) -> None:
    missing = cells.difference(series.index).tolist()
    if missing:
        raise InputError(
            f"spend has no value for {len(missing)} cell(s), first {missing[:5]}. "
            "Give every (account, channel) of the fit; use 0.0 for a channel that is off."
        )
    unknown = series.index.difference(cells).tolist()
    if unknown:
        raise InputError(
            f"spend names {len(unknown)} cell(s) the fit does not know, first {unknown[:5]}."
        )
    values = np.asarray(pd.to_numeric(series, errors="coerce"), dtype=float)
    bad = series.index[~(np.isfinite(values) & (values >= 0))].tolist()
    if bad:
        raise InputError(f"spend must be finite and >= 0; it is not at {bad[:5]}.")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Health(Shown):
    """Whether the posterior can be trusted.

    Attributes
    ----------
    rhat_max : largest rank-normalised split r-hat over ROI and population parameters
    ess_bulk_min, ess_tail_min : smallest effective sample sizes over the same
    divergences : divergent transitions after tuning
    n_draws : draws after tuning over all chains, which r-hat and effective sample sizes are of
    n_kept : those of them that the fit keeps, which plans and decisions are made on; None where
        nobody says
    prior_share : Series by (account, channel): posterior sd of log ROI over its prior sd, in
        [0, 1]; near 1 means the data say nothing about this cell
    fit_r2 : Series by account: share of outcome variance the model explains in sample
    problems : what is wrong, one sentence each; empty when healthy
    warnings : what a reader should know though the draws can be trusted, one sentence each, such
        as a lift test that contradicts the history

    Examples
    --------
    >>> health = fit.health
    >>> health.ok == (not health.problems), bool(health.prior_share.between(0, 1).all())
    (True, True)
    """

    rhat_max: float
    ess_bulk_min: float
    ess_tail_min: float
    divergences: int
    n_draws: int
    prior_share: pd.Series
    fit_r2: pd.Series
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    n_kept: int | None = None

    def page(self) -> Page:
        """What ``repr`` and a notebook show."""
        vague = int((self.prior_share > VAGUE).sum())
        said = [("problem", one) for one in self.problems[:MOST_SAID]]
        said += [("warning", one) for one in self.warnings[:MOST_SAID]]
        return Page(
            title="Health: the draws can be trusted" if self.ok else "Health: NOT to be trusted",
            facts=[
                ("r-hat", f"{self.rhat_max:.3f} at most"),
                ("effective draws", f"{self.ess_bulk_min:,.0f} at least, of {self.n_draws:,}"),
                ("divergences", f"{self.divergences:,}"),
                ("mostly prior", f"{vague:,} of {counted(len(self.prior_share), 'cell')}"),
                ("explained", f"{self.fit_r2.median():.0%} of the outcome (median account)"),
                *said,
            ],
            next=(".problems  .warnings  .prior_share  .fit_r2",),
        )

    @property
    def ok(self) -> bool:
        """True when nothing is wrong."""
        return not self.problems
