"""Population -> CurveDraws of an account nobody has seen: the population's own answer.

Each posterior draw knows what channels return, how far accounts and cells differ from that, and
how they saturate and remember; the new account's own effects are drawn afresh for every one of
them. Knows nothing of the new account but its spend.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from adbudget.draws import CurveDraws
from adbudget.errors import InputError
from adbudget.model.transform import cells_of_new_account, concave
from adbudget.tables.messages import every_quoted, quoted

if TYPE_CHECKING:
    from adbudget.model.population import Population

SHARE_SLACK = 1e-6  # how far shares may be from adding up to one


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is said of the new account; None for what all accounts of the population share.

    Attributes
    ----------
    total_spend : per period
    name : of the account
    unit_value, margin, currency : as in :func:`adbudget.read_panel`
    """

    total_spend: float
    name: str
    unit_value: float | None
    margin: float | None
    currency: str | None


def new_account(
    population: "Population",
    spend_share: Mapping[str, float] | pd.Series,
    wanted: Wanted,
    seed: int | np.random.Generator,
) -> CurveDraws:
    """Curves of an account without history: see :meth:`adbudget.CurveDraws.new_account`."""
    priors, name = population.priors, wanted.name
    spend = _spend_by_channel(population.channels, spend_share, wanted.total_spend)
    if not isinstance(name, str) or not name.strip() or name in population.accounts:
        raise InputError(
            f"name must be text that no account of the fit has; got {name!r}. "
            "An account of the fit has curves of its own."
        )
    value = _agreed("unit_value", population.unit_value, wanted.unit_value)
    channel = np.flatnonzero(spend > 0)
    cells = cells_of_new_account(
        population.positions, population.layout, priors, channel, _generator(seed)
    )
    per_basis = cells.adstock[..., :, None] * concave(cells.shape, priors)[..., None, :]
    average = cells.roi * spend[channel] / value  # outcome units per period at that spend
    grid = population.basis_mean.shape
    weights = np.zeros((cells.roi.shape[0], 1, *grid))
    weights[:, 0, channel] = average[..., None, None] * per_basis / population.basis_mean[channel]
    return CurveDraws(
        accounts=(name,),
        channels=population.channels,
        weights=weights,
        scale=np.where(spend > 0, spend * population.bursts, np.nan)[None],
        carry_in=np.zeros((1, grid[0], population.retention.size)),
        retention=population.retention,
        mix=population.mix,
        half_saturation=np.array(priors.half_saturation),
        unit_value=np.array([value]),
        margin=np.array([_agreed("margin", population.margin, wanted.margin)]),
        currency=(_agreed_currency(population.currency, wanted.currency),),
        period_days=population.period_days,
    )


def _spend_by_channel(channels: tuple[str, ...], spend_share, total_spend: float) -> np.ndarray:
    """(channel,) mean spend per period; 0 for a channel the account will not use."""
    if not isinstance(spend_share, Mapping | pd.Series) or len(spend_share) == 0:
        raise InputError(
            "spend_share must be a mapping or Series from channel to its share of the spend, "
            f"such as {{{channels[0]!r}: 1.0}}; got {spend_share!r}."
        )
    if isinstance(spend_share, pd.Series) and not spend_share.index.is_unique:
        raise InputError("spend_share names a channel more than once; give each one share.")
    shares = dict(spend_share.items())
    unknown = [channel for channel in shares if channel not in channels]
    if unknown:
        raise InputError(
            f"spend_share names channels the fit has never seen: {quoted(unknown)}. Expected "
            f"some of {every_quoted(channels)}."
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
    return total_spend * np.array([shares.get(c, 0.0) for c in channels], dtype=float)


def _agreed(argument: str, known: tuple[float, ...], given: float | None) -> float:
    """The caller's value, or the one all accounts of the fit share."""
    if given is not None:
        if not _is_positive(given):
            raise InputError(f"{argument} must be a positive number; got {given!r}.")
        return float(given)
    if len(known) > 1:
        raise InputError(
            f"{argument} differs between the accounts of the fit ({min(known):g} to "
            f"{max(known):g}), so the new account's is not known: pass {argument}=..."
        )
    return known[0]


def _agreed_currency(known: tuple[str, ...], given: str | None) -> str:
    if given is not None:
        return given
    if len(known) > 1:
        raise InputError(
            f"the accounts of the fit have several currencies ({quoted(set(known))}); "
            "say which one the new account has: currency='EUR'."
        )
    return known[0]


def _generator(seed: int | np.random.Generator) -> np.random.Generator:
    is_count = isinstance(seed, int | np.integer) and not isinstance(seed, bool) and seed >= 0
    if not is_count and not isinstance(seed, np.random.Generator):
        raise InputError(f"seed must be an integer >= 0 or a numpy Generator; got {seed!r}.")
    return np.random.default_rng(seed)


def _is_positive(value: Any) -> bool:
    number = isinstance(value, int | float | np.integer | np.floating)
    return bool(number and not isinstance(value, bool) and np.isfinite(value) and value > 0)
