"""Made-up deals + a control -> a flight as it would have gone. Knows no moves and no thresholds.

Every day a deal offers so much money's worth of traffic: its capacity, the weekday, chance, and
nothing during an outage. It spends what it was ordered to, imprecisely, and no more than there is.
The best opportunities go first, so a day's value is concave in the share of traffic bought. The
control sees figures as late and incomplete as sellers report them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from adbudget.errors import InputError

WEEK = 7
HISTORY_WEEKS = 4  # of traffic before the flight, from which weekdays are learned
BEST_FIRST = 0.5  # the first opportunities of a day bring so much more than the average one


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedDeal:
    """How one deal behaves. Money is units of the currency.

    Attributes
    ----------
    deal, channel, seller : names
    budget : for the flight
    capacity : money a typical day can take
    weekday : 7 weights of mean 1, Monday first; None for days that are all alike
    noise : standard deviation of the logarithm of a day's traffic
    autocorrelation : how much of one day's chance the next day shares, in [0, 1)
    outage_chance : that an outage begins, per day
    outage_days : mean length of one
    outages : days (from 0) without any traffic, besides those that chance brings
    worth : outcomes per unit of money, when little of a day's traffic is bought
    """

    deal: str
    channel: str
    seller: str
    budget: float
    capacity: float
    weekday: tuple[float, ...] | None = None
    noise: float = 0.15
    autocorrelation: float = 0.3
    outage_chance: float = 0.0
    outage_days: float = 2.0
    outages: tuple[int, ...] = ()
    worth: float = 0.02

    def __post_init__(self) -> None:
        for name in ("budget", "capacity"):
            if not 0 < getattr(self, name) < float("inf"):
                raise InputError(
                    f"{name} of deal {self.deal!r} must be money above 0; got "
                    f"{getattr(self, name)}."
                )
        for name in ("noise", "worth", "outage_days"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise InputError(
                    f"{name} of deal {self.deal!r} must be 0 or more; got {getattr(self, name)}."
                )
        for name in ("autocorrelation", "outage_chance"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(
                    f"{name} of deal {self.deal!r} must be in [0, 1); got {getattr(self, name)}."
                )
        week = self.weekday
        if week is not None and (
            len(week) != WEEK or min(week) < 0 or abs(sum(week) - WEEK) > 1e-6
        ):
            raise InputError(
                f"weekday of deal {self.deal!r} must be 7 weights of mean 1, Monday first; "
                f"got {week}."
            )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Morning:
    """What a control knows before a day begins. Money is units of the currency.

    Attributes
    ----------
    day : 0 on the first day of the flight
    n_days : of the flight
    spend : (day, deal) of the days so far, as reported this morning
    final : (day,) whether the figures of that day will not change any more
    reports : (age, day, deal) spend as reported one morning later, two ..., until it was final;
        NaN for mornings still to come
    outcomes : (day, deal) counts of the days so far, as reported this morning
    ordered : (day, deal) daily budgets so far
    budget : (deal,) of the flight, after the moves so far
    weekday : (deal, 7) weights learned from the weeks before the flight; day 0 is a Monday
    """

    day: int
    n_days: int
    spend: np.ndarray
    final: np.ndarray
    reports: np.ndarray
    outcomes: np.ndarray
    ordered: np.ndarray
    budget: np.ndarray
    weekday: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Orders:
    """What a control wants: (deal,) money for the day, and (deal,) budgets of the flight."""

    daily: np.ndarray
    budget: np.ndarray


class Control(Protocol):
    """Anything that sets daily budgets."""

    def order(self, morning: Morning) -> Orders:
        """Orders for the day that begins."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SimulatedFlight:
    """How a flight went. Arrays are (day, deal), money in units of the currency.

    Attributes
    ----------
    deals : what was simulated
    available : money that the traffic of the day could have taken
    ordered : daily budgets
    spend : true spend
    value : expected outcomes
    outcomes : counts, as they fell
    budget : (deal,) of the flight at its end
    """

    deals: tuple[SimulatedDeal, ...]
    available: np.ndarray
    ordered: np.ndarray
    spend: np.ndarray
    value: np.ndarray
    outcomes: np.ndarray
    budget: np.ndarray

    @property
    def left(self) -> float:
        """Share of the money that was left at the end, over all deals that left some."""
        return float(np.maximum(self.budget - self.spend.sum(0), 0).sum() / self.budget.sum())

    @property
    def overspent(self) -> float:
        """Share of the money that was spent beyond the budgets of deals."""
        return float(np.maximum(self.spend.sum(0) - self.budget, 0).sum() / self.budget.sum())

    @property
    def volatility(self) -> float:
        """Mean change of daily budgets from one day to the next, as a share of their mean."""
        return _variation(self.ordered)

    @property
    def spend_volatility(self) -> float:
        """Mean change of daily spend from one day to the next, as a share of its mean."""
        return _variation(self.spend)


def simulate_delivery(
    deals: Sequence[SimulatedDeal],
    control: Control,
    *,
    n_days: int,
    seed: int | np.random.Generator,
    imprecision: float = 0.05,
    reported: Sequence[float] = (0.90, 0.98),
) -> SimulatedFlight:
    """Let deals deliver under a control, day by day.

    Traffic and its chance depend on the deals and the seed alone, so different controls meet the
    same days.

    Parameters
    ----------
    deals : all of one campaign and one flight that begins on a Monday
    control : sets daily budgets every morning
    n_days : of the flight, at least 2
    seed : of all chance
    imprecision : standard deviation of spend around an order that traffic could fill
    reported : share of a day's spend and outcomes that is reported after one day, after two ...;
        later figures are complete and final

    Returns
    -------
    SimulatedFlight

    Raises
    ------
    InputError : no deals, a name used twice, a flight too short, a share out of range, or a
        control that orders something else than amounts, or changes the total

    Examples
    --------
    >>> from adbudget.synthetic.flights import Orders, SimulatedDeal
    >>> class SameEveryDay:
    ...     def order(self, morning):
    ...         return Orders(daily=morning.budget / morning.n_days, budget=morning.budget)
    >>> deal = SimulatedDeal(deal="d1", channel="ctv", seller="s1", budget=28_000, capacity=2_000)
    >>> flight = ab.simulate_delivery([deal], SameEveryDay(), n_days=28, seed=1)
    >>> 0 <= flight.left < 0.1
    True
    """
    deals = tuple(deals)
    _check(deals, n_days, imprecision, reported)
    rng = np.random.default_rng(seed)
    available, weekday = _traffic(deals, n_days, rng)
    precision = rng.normal(0.0, imprecision, (n_days, len(deals)))
    luck = rng.random((n_days, len(deals)))
    shape = (n_days, len(deals))
    ordered, spend, value = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    outcomes, reports = np.zeros(shape), np.full((len(reported), *shape), np.nan)
    budget = np.array([deal.budget for deal in deals])
    worth = np.array([deal.worth for deal in deals])
    for day in range(n_days):
        share = _reported(day, reported)
        for age in range(1, min(day, len(reported)) + 1):
            reports[age - 1, day - age] = spend[day - age] * reported[age - 1]
        morning = Morning(
            day=day,
            n_days=n_days,
            spend=spend[:day] * share[:, None],
            final=share == 1.0,
            reports=reports[:, :day].copy(),
            outcomes=np.floor(outcomes[:day] * share[:, None]),
            ordered=ordered[:day].copy(),
            budget=budget.copy(),
            weekday=weekday,
        )
        orders = _checked(control.order(morning), budget, day)
        budget, ordered[day] = orders.budget, orders.daily
        wanted = orders.daily * np.maximum(1 + precision[day], 0)
        spend[day] = np.minimum(available[day], wanted)
        value[day] = worth * _best_first(spend[day], available[day])
        outcomes[day] = _poisson(value[day], luck[day])
    return SimulatedFlight(
        deals=deals,
        available=available,
        ordered=ordered,
        spend=spend,
        value=value,
        outcomes=outcomes,
        budget=budget,
    )


def _check(
    deals: tuple[SimulatedDeal, ...], n_days: int, imprecision: float, reported: Sequence[float]
) -> None:
    names = [deal.deal for deal in deals]
    if not names or len(set(names)) < len(names):
        raise InputError(f"deals must be at least one, each with a name of its own; got {names}.")
    if type(n_days) is not int or n_days < 2:
        raise InputError(f"n_days must be a whole number from 2 up; got {n_days!r}.")
    if not 0 <= imprecision < 1:
        raise InputError(f"imprecision must be in [0, 1), e.g. 0.05; got {imprecision}.")
    if not all(0 < share <= 1 for share in reported):
        raise InputError(f"reported must be shares in (0, 1], e.g. (0.9, 0.98); got {reported}.")


def _traffic(
    deals: tuple[SimulatedDeal, ...], n_days: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """(day, deal) money the traffic can take, and (deal, 7) weights learned before the flight."""
    before = HISTORY_WEEKS * WEEK
    shape = (before + n_days, len(deals))
    week = np.array([deal.weekday or (1.0,) * WEEK for deal in deals])
    noise = np.array([deal.noise for deal in deals])
    share = np.array([deal.autocorrelation for deal in deals])
    shock = rng.normal(size=shape)
    chance = np.empty(shape)
    chance[0] = shock[0]
    for day in range(1, shape[0]):
        chance[day] = share * chance[day - 1] + np.sqrt(1 - share**2) * shock[day]
    weights = week.T[np.arange(shape[0]) % WEEK]
    typical = weights * np.exp(noise * chance - noise**2 / 2)
    learned = typical[:before].reshape(HISTORY_WEEKS, WEEK, len(deals)).mean(0)
    learned = (learned / learned.mean(0)).T
    capacity = np.array([deal.capacity for deal in deals])
    return typical[before:] * capacity * ~_outages(deals, n_days, rng), learned


def _outages(deals: tuple[SimulatedDeal, ...], n_days: int, rng: np.random.Generator) -> np.ndarray:
    """(day, deal) whether there is no traffic."""
    begins = rng.random((n_days, len(deals)))
    lasts = rng.random((n_days, len(deals)))
    out = np.zeros((n_days, len(deals)), bool)
    for i, deal in enumerate(deals):
        out[[day for day in deal.outages if day < n_days], i] = True
        stays = max(0.0, 1 - 1 / max(deal.outage_days, 1.0))
        for day in range(n_days):
            goes_on = day > 0 and out[day - 1, i] and day - 1 not in deal.outages
            out[day, i] |= begins[day, i] < deal.outage_chance or (
                goes_on and lasts[day, i] < stays
            )
    return out


def _reported(day: int, reported: Sequence[float]) -> np.ndarray:
    """(day,) share of each earlier day's figures that is known this morning."""
    share = np.ones(day)
    for age, known in enumerate(reported, start=1):
        if age <= day:
            share[day - age] = known
    return share


def _checked(orders: Orders, budget: np.ndarray, day: int) -> Orders:
    """Refuse orders that are no amounts, and moves that make or lose money."""
    for name in ("daily", "budget"):
        amounts = getattr(orders, name)
        if amounts.shape != budget.shape or not (np.isfinite(amounts) & (amounts >= 0)).all():
            raise InputError(
                f"the control must order one amount of 0 or more per deal; on day {day} its "
                f"{name} is {amounts}."
            )
    if abs(orders.budget.sum() - budget.sum()) > 0.005:
        raise InputError(
            f"the control changed the total of all budgets on day {day} from {budget.sum():.2f} "
            f"to {orders.budget.sum():.2f}; moves must balance."
        )
    return orders


def _best_first(spend: np.ndarray, available: np.ndarray) -> np.ndarray:
    """Money's worth of what was bought: the first opportunities bring more than the last."""
    share = spend / np.where(available > 0, available, 1.0)
    return spend * (1 + BEST_FIRST * (1 - share))


def _poisson(mean: np.ndarray, luck: np.ndarray) -> np.ndarray:
    """Counts with these means, from one uniform number each, so that controls share their luck."""
    from scipy.special import pdtrik

    return np.ceil(np.where(mean > 0, pdtrik(luck, np.maximum(mean, 1e-12)), 0.0)).clip(0)


def _variation(amounts: np.ndarray) -> float:
    """Mean absolute step over mean level."""
    return float(np.abs(np.diff(amounts, axis=0)).mean() / amounts.mean())
