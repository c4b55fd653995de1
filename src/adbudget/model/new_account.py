"""Fit -> Population -> CurveDraws of an account nobody has seen: the population's own answer.

Each posterior draw knows what channels return, how far accounts and cells differ from that, and
how they saturate and remember; the new account's own effects are drawn afresh for every one of
them. Knows nothing of the new account but its spend.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from adbudget.draws import CurveDraws
from adbudget.errors import InputError
from adbudget.model.layout import Layout
from adbudget.model.priors import Priors
from adbudget.model.transform import cells_of_new_account, concave
from adbudget.tables.messages import every_quoted, quoted

if TYPE_CHECKING:
    from adbudget.model.posterior import Posterior

SHARE_SLACK = 1e-6  # how far shares may be from adding up to one


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Population:
    """What the accounts of a fit have in common, draw by draw.

    Attributes
    ----------
    positions : (draw, size) posterior draws, chains joined
    layout : order of ``positions``
    priors : grids, and how far a cell's shape may differ from its channel's
    accounts, channels : names of the fit
    basis_mean : (channel, adstock, saturation) mean of the raw basis over a typical history
    bursts : (channel,) spend that money is spent at over mean spend, of a typical history
    retention : (retention,) rate kept per period
    mix : (adstock, retention) each adstock as a mix of geometric ones
    unit_value, margin, currency : (account,) of the fit's accounts
    period_days : days in one period
    """

    positions: np.ndarray
    layout: Layout
    priors: Priors
    accounts: tuple[str, ...]
    channels: tuple[str, ...]
    basis_mean: np.ndarray
    bursts: np.ndarray
    retention: np.ndarray
    mix: np.ndarray
    unit_value: np.ndarray
    margin: np.ndarray
    currency: tuple[str, ...]
    period_days: float

    def isel(self, draw: Any) -> "Population":
        """Some of the draws."""
        return replace(self, positions=self.positions[draw])

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
        """See :meth:`adbudget.CurveDraws.new_account`, which hands its arguments on."""
        spend = self._spend_by_channel(spend_share, total_spend)
        if not isinstance(name, str) or not name.strip() or name in self.accounts:
            raise InputError(
                f"name must be text that no account of the fit has; got {name!r}. "
                "An account of the fit has curves of its own."
            )
        value = self._agreed("unit_value", self.unit_value, unit_value)
        channel = np.flatnonzero(spend > 0)
        cells = cells_of_new_account(
            self.positions, self.layout, self.priors, channel, _generator(seed)
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
            margin=np.array([self._agreed("margin", self.margin, margin)]),
            currency=(self._agreed_currency(currency),),
            period_days=self.period_days,
        )

    def _spend_by_channel(self, spend_share, total_spend: float) -> np.ndarray:
        """(channel,) mean spend per period; 0 for a channel the account will not use."""
        if not isinstance(spend_share, Mapping | pd.Series) or len(spend_share) == 0:
            raise InputError(
                "spend_share must be a mapping or Series from channel to its share of the spend, "
                f"such as {{{self.channels[0]!r}: 1.0}}; got {spend_share!r}."
            )
        if isinstance(spend_share, pd.Series) and not spend_share.index.is_unique:
            raise InputError("spend_share names a channel more than once; give each one share.")
        shares = dict(spend_share.items())
        unknown = [channel for channel in shares if channel not in self.channels]
        if unknown:
            raise InputError(
                f"spend_share names channels the fit has never seen: {quoted(unknown)}. Expected "
                f"some of {every_quoted(self.channels)}."
            )
        if not _is_positive(total_spend):
            raise InputError(f"total_spend must be a positive number; got {total_spend!r}.")
        wrong = {channel: share for channel, share in shares.items() if not _is_positive(share)}
        if wrong:
            raise InputError(
                f"spend_share must be a positive number; it is {quoted(wrong.values())} for "
                f"{quoted(wrong)}. Leave out a channel that is not used."
            )
        total = sum(shares.values())
        if abs(total - 1) > SHARE_SLACK:
            raise InputError(
                f"spend_share must add up to 1; it adds up to {total:g}. For amounts per period, "
                f"divide them by their sum and pass total_spend={total:g}."
            )
        return total_spend * np.array([shares.get(c, 0.0) for c in self.channels], dtype=float)

    def _agreed(self, argument: str, known: np.ndarray, given: float | None) -> float:
        """The caller's value, or the one all accounts of the fit share."""
        if given is not None:
            if not _is_positive(given):
                raise InputError(f"{argument} must be a positive number; got {given!r}.")
            return float(given)
        if np.ptp(known) > 0:
            raise InputError(
                f"{argument} differs between the accounts of the fit ({known.min():g} to "
                f"{known.max():g}), so the new account's is not known: pass {argument}=..."
            )
        return float(known[0])

    def _agreed_currency(self, given: str | None) -> str:
        if given is not None:
            return given
        if len(set(self.currency)) > 1:
            raise InputError(
                f"the accounts of the fit have several currencies ({quoted(set(self.currency))}); "
                "say which one the new account has: currency='EUR'."
            )
        return self.currency[0]


def population_of(fit: "Posterior") -> Population:
    """What a fit knows of accounts it has not seen.

    Parameters
    ----------
    fit : the fitted model; its draws stay in single precision
    """
    design, panel = fit.evidence.design, fit.panel
    # The return is an average over a history whose spend goes up and down, so the new account is
    # given the mean basis of the accounts that use the channel.
    in_use = design.exists[..., None, None]
    n_users = np.maximum(in_use.sum(axis=0), 1)
    concave_mean = design.basis_mean[..., : design.half_saturation.size]
    mean = (concave_mean * in_use).sum(axis=0) / n_users
    bursts = np.nan_to_num(design.unit / design.scale).sum(axis=0) / n_users[:, 0, 0]
    return Population(
        positions=fit.positions.reshape(-1, fit.positions.shape[-1]),
        layout=fit.layout,
        priors=fit.priors,
        accounts=design.accounts,
        channels=design.channels,
        basis_mean=mean,
        bursts=bursts,
        retention=design.retention,
        mix=design.mix,
        unit_value=panel.unit_value,
        margin=panel.margin,
        currency=panel.currency,
        period_days=panel.period_days,
    )


def _generator(seed: int | np.random.Generator) -> np.random.Generator:
    is_count = isinstance(seed, int | np.integer) and not isinstance(seed, bool) and seed >= 0
    if not is_count and not isinstance(seed, np.random.Generator):
        raise InputError(f"seed must be an integer >= 0 or a numpy Generator; got {seed!r}.")
    return np.random.default_rng(seed)


def _is_positive(value: Any) -> bool:
    number = isinstance(value, int | float | np.integer | np.floating)
    return bool(number and not isinstance(value, bool) and np.isfinite(value) and value > 0)
