"""Outcomes of deals -> what their money brings, and how sure that is. Knows no budgets or moves.

What a deal brings per unit of money is Gamma: counts are Poisson with a scale that absorbs days
that vary more than chance (quasi-Poisson), revenue the same with money as its scale. A deal that
has hardly spent is taken to be like its campaign, as if that had been seen once. More money lets a
deal run on at its present rate rather than faster, so the average of the present rate is also
what the next unit brings. Where response curves are known, they say how channels compare, and
outcomes only how deals of one channel do.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from adbudget.errors import InputError
from adbudget.pacing.booked.flight import FlightPlan
from adbudget.pacing.delivery.delivered import Delivery

PRIOR_EVENTS = 1.0  # what is known of a campaign counts as much as one event of the deal itself
MOST_DRAWS = 1_000


class Worth(Protocol):
    """What a unit of money brings in each deal.

    Attributes
    ----------
    mean : (deal,) expected; NaN where nothing is known
    basis : (deal,) "curves", "revenue", "conversions", or "delivery" where nothing is known
    """

    @property
    def mean(self) -> np.ndarray:
        """See above."""
        ...

    @property
    def basis(self) -> np.ndarray:
        """See above."""
        ...

    def prob_better(self, pool: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Probability that a deal's money brings more than the donors' of its pool.

        Parameters
        ----------
        pool : (deal,) whole numbers from 0
        weight : (deal,) how much a donor can give; 0 for all others

        Returns
        -------
        (deal,) probability; NaN where nothing is known of the deal or of its donors
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ObservedWorth:
    """From counted outcomes. The worth of deal i is Gamma(shape[i], rate[i]).

    Attributes
    ----------
    shape, rate : (deal,) NaN where nothing is known; rate is in money, not cents
    basis : (deal,) "revenue", "conversions" or "delivery"
    """

    shape: np.ndarray
    rate: np.ndarray
    basis: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """(deal,) outcomes per unit of money."""
        return self.shape / self.rate

    def prob_better(self, pool: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """See :class:`Worth`; exact for one donor, moments of a Gamma for a mixture of several."""
        from scipy.special import betaincc

        share = _shares(pool, weight)
        given = share > 0
        mean = _sum(pool, np.where(given, share * self.mean, 0.0))
        variance = _sum(pool, np.where(given, share**2 * self.mean / self.rate, 0.0))
        mean = np.where(_sum(pool, share) > 0, mean, np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            shape, rate = mean**2 / variance, mean / variance
            return betaincc(self.shape, shape, self.rate / (self.rate + rate))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrawnWorth:
    """From posterior draws of response curves, in the pools whose deals all have one.

    Attributes
    ----------
    draws : (draw, deal) value per unit of money; joint over deals
    covered : (deal,) bool, whether all deals of its pool have a curve
    observed : what outcomes say, for the other pools
    """

    draws: np.ndarray
    covered: np.ndarray
    observed: ObservedWorth

    @property
    def mean(self) -> np.ndarray:
        """(deal,) expected value per unit of money."""
        return np.where(self.covered, self.draws.mean(axis=0), self.observed.mean)

    @property
    def basis(self) -> np.ndarray:
        """(deal,) "curves" where they are used."""
        return np.where(self.covered, "curves", self.observed.basis)

    def prob_better(self, pool: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """See :class:`Worth`; compared draw by draw."""
        share = _shares(pool, weight)
        n_pools = int(pool.max()) + 1 if pool.size else 0
        joint = np.zeros((self.draws.shape[0], n_pools))
        for donor in np.flatnonzero((share > 0) & self.covered):
            joint[:, pool[donor]] += share[donor] * self.draws[:, donor]
        drawn = (self.draws > joint[:, pool]).mean(axis=0)
        drawn = np.where(_sum(pool, share) > 0, drawn, np.nan)
        return np.where(self.covered, drawn, self.observed.prob_better(pool, weight))


def observed_worth(plan: FlightPlan, delivery: Delivery, pool: np.ndarray) -> ObservedWorth:
    """What the money of every deal has brought, on final figures.

    Revenue counts where any deal of a pool reports some, conversions elsewhere.

    Parameters
    ----------
    plan, delivery : of the same deals
    pool : (deal,) whole numbers; only deals of one pool are compared

    Returns
    -------
    ObservedWorth; nothing is known where a pool has no outcome at all, or, with revenue, too few
    days to see how much days vary

    References
    ----------
    McCullagh & Nelder (1989), Generalized Linear Models, 2nd ed., chapter 9: quasi-likelihood.
    """
    money = 10.0 ** np.asarray(plan.exponent, dtype=float)
    shape, rate = np.full(len(plan), np.nan), np.full(len(plan), np.nan)
    basis = np.full(len(plan), "delivery", dtype=object)
    for name, outcome in (
        ("conversions", delivery.conversions),
        ("revenue", delivery.revenue_minor),
    ):
        if outcome is None:
            continue
        scale = money[delivery.deal] if name == "revenue" else 1.0
        counts = name == "conversions"
        found = _posterior(plan, delivery, pool, outcome / scale, money, counts=counts)
        known = np.isfinite(found[0])
        shape[known], rate[known], basis[known] = found[0][known], found[1][known], name
    return ObservedWorth(shape=shape, rate=rate, basis=basis)


def drawn_worth(
    plan: FlightPlan,
    observed: ObservedWorth,
    pool: np.ndarray,
    marginal: object,
    *,
    seed: int = 0,
) -> DrawnWorth:
    """Let response curves compare channels; observed outcomes only compare within a channel.

    Parameters
    ----------
    plan : the deals
    observed : what their outcomes say; it alone counts in pools where a deal has no curve
    pool : (deal,) whole numbers; only deals of one pool are compared
    marginal : (draw, account, channel) value per extra unit of money with coordinates "account"
        and "channel", such as ``curves.marginal(spend)`` of CurveDraws times its ``unit_value``
    seed : of the draws of what is observed

    Returns
    -------
    DrawnWorth

    Raises
    ------
    InputError : ``marginal`` has not this form
    """
    values, accounts, channels = _as_draws(marginal)
    row = np.array([accounts.get(name, -1) for name in plan.account], dtype=np.int64)
    column = np.array([channels.get(name, -1) for name in plan.channel], dtype=np.int64)
    draws = np.where((row >= 0) & (column >= 0), values[:, row, column], np.nan)
    has_curve = np.isfinite(draws).all(axis=0)
    covered = _sum(pool, (~has_curve).astype(float)) == 0
    known = np.isfinite(observed.shape)
    shape, rate = np.where(known, observed.shape, 1.0), np.where(known, observed.rate, 1.0)
    own = np.random.default_rng(seed).gamma(shape, 1 / rate, draws.shape)
    cell = row * (len(channels) + 1) + column  # only compared where both are known
    cell = np.unique(np.stack([cell, pool]), axis=1, return_inverse=True)[1].ravel()
    typical = _sum(cell, np.where(known, observed.mean, 0.0)) / np.maximum(_sum(cell, known), 1)
    draws = draws * np.where(known, own / np.where(typical > 0, typical, 1.0), 1.0)
    return DrawnWorth(draws=np.where(covered, draws, 0.0), covered=covered, observed=observed)


def _posterior(
    plan: FlightPlan,
    delivery: Delivery,
    pool: np.ndarray,
    outcome: np.ndarray,
    money: np.ndarray,
    *,
    counts: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """(deal,) shape and rate; NaN where nothing is known."""
    deal = delivery.deal
    use = delivery.final & np.isfinite(outcome) & (delivery.spend_minor > 0)
    spend = np.where(use, delivery.spend_minor / money[deal], 0.0)
    brought = np.where(use, outcome, 0.0)
    total, exposure = np.maximum(delivery.total(brought), 0.0), delivery.total(spend)
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = _sum(pool, total) / _sum(pool, exposure)
        expected = spend * (total / exposure)[deal]
        surprise = np.where(use & (expected > 0), (brought - expected) ** 2 / expected, 0.0)
        n_days = delivery.total((use & (expected > 0)).astype(float))
        freedom = _sum(pool, np.maximum(n_days - 1, 0))
        scale = _sum(pool, delivery.total(surprise)) / freedom
        if counts:  # single days cannot show it, and counts vary at least as chance does
            scale = np.where(freedom > 0, np.maximum(scale, 1.0), 1.0)
        shape = PRIOR_EVENTS + total / scale
        rate = PRIOR_EVENTS / pooled + exposure / scale
    known = (pooled > 0) & np.isfinite(pooled) & (scale > 0) & np.isfinite(scale)
    return np.where(known, shape, np.nan), np.where(known, rate, np.nan)


def _as_draws(marginal: object) -> tuple[np.ndarray, dict[str, int], dict[str, int]]:
    """Draws, and the place of every account and channel in them."""
    coords, dims = getattr(marginal, "coords", None), getattr(marginal, "dims", None)
    if coords is None or tuple(dims or ()) != ("draw", "account", "channel"):
        raise InputError(
            "marginal must have dims (draw, account, channel), as CurveDraws.marginal gives it; "
            f"got {type(marginal).__name__} with {dims}."
        )
    values = np.asarray(getattr(marginal, "values", marginal), dtype=float)
    step = max(1, -(-values.shape[0] // MOST_DRAWS))
    accounts, channels = (
        {str(name): i for i, name in enumerate(np.asarray(coords[axis]))}
        for axis in ("account", "channel")
    )
    return values[::step], accounts, channels


def _sum(pool: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Sum over each pool, at every member."""
    return np.bincount(pool, weights=values)[pool] if pool.size else np.zeros(0)


def _shares(pool: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weights as shares of their pool; 0 where a pool has none."""
    total = _sum(pool, np.asarray(weight, dtype=float))
    return np.where(total > 0, weight / np.where(total > 0, total, 1.0), 0.0)
