"""Seed -> what distinguishes simulated campaigns; spend and outcome of a day -> what is reported.

Arrays are (cell,) in the order of a world's truth, or (cell, hour). Chance is drawn from the seed
and the number of the day, and never depends on what was spent.
"""

from dataclasses import dataclass

import numpy as np

from adbudget.platforms.rules import PlatformRules
from adbudget.synthetic.history import History

HOURS = 24
WINDOW_DAYS = 30.0  # after which the conversions of a day are complete
PLATFORM_DAYS, PLATFORM_TRAITS = 7, 8  # streams of the seed; those below make worlds
COST_PER_THOUSAND = (2.0, 30.0)  # account currency
CLICK_RATE = (0.004, 0.05)
ORDER_VALUE = (30.0, 120.0)
DEMAND_TRAFFIC = 0.5  # traffic moves with this power of demand


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Traits:
    """What the campaigns of a simulated platform are like.

    Attributes
    ----------
    hours : (cell, hour) share of a day's traffic
    headroom : most a campaign can spend a day, in units of its spend so far
    cost_per_thousand, click_rate : of its impressions
    half_life : days until half of the conversions still to come are in
    order_value : money of one conversion
    units_per_conversion : outcome units of one conversion
    """

    hours: np.ndarray
    headroom: np.ndarray
    cost_per_thousand: np.ndarray
    click_rate: np.ndarray
    half_life: np.ndarray
    order_value: np.ndarray
    units_per_conversion: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DayChance:
    """Chance of one day, whatever is spent.

    Attributes
    ----------
    filled : (cell,) share of the day's limit that is spent if there is traffic
    learning : (cell,) standard normal: how a campaign that learns does
    price, clicks, conversions : (cell,) standard normal
    luck : (cell,) in [0, 1): which conversions are early
    """

    filled: np.ndarray
    learning: np.ndarray
    price: np.ndarray
    clicks: np.ndarray
    conversions: np.ndarray
    luck: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DayFigures:
    """Figures of one day once they are complete; all (cell,).

    Attributes
    ----------
    spend : whole minor units
    impressions, clicks, conversions : whole numbers; the conversions of a day are those of its
        clicks, whenever they come
    luck : as in :class:`DayChance`
    """

    spend: np.ndarray
    impressions: np.ndarray
    clicks: np.ndarray
    conversions: np.ndarray
    luck: np.ndarray


def draw_traits(history: History, rules: PlatformRules) -> Traits:
    """Traits of every campaign; the same seed gives the same."""
    spec, truth = history.spec, history.truth
    rng = np.random.default_rng(np.random.SeedSequence(history.seed, spawn_key=(PLATFORM_TRAITS,)))
    account, channel = np.argwhere(history.population.used).T
    n = len(truth.cells)
    half_life = rng.uniform(*rules.maturity_days, spec.n_channels)
    order_value = _log_uniform(ORDER_VALUE, spec.n_accounts, rng).round(2)[account]
    counted = spec.counts or spec.value != 1.0  # an outcome unit is a lead, or the like
    return Traits(
        hours=_hours(n, channel, spec.n_channels, rng),
        headroom=rng.uniform(*rules.headroom, n),
        cost_per_thousand=_log_uniform(COST_PER_THOUSAND, spec.n_channels, rng)[channel],
        click_rate=_log_uniform(CLICK_RATE, spec.n_channels, rng)[channel],
        half_life=half_life[channel],
        order_value=np.full(n, spec.value) if counted else order_value,
        units_per_conversion=np.ones(n) if counted else order_value,
    )


def draw_day(seed: int, number: int, n_cells: int, unspent: float) -> DayChance:
    """Chance of a day; ``number`` counts from the first day of the records."""
    stream = np.random.SeedSequence(seed, spawn_key=(PLATFORM_DAYS, number))
    rng = np.random.default_rng(stream)
    learning, price, clicks, conversions = rng.normal(size=(4, n_cells))
    idle, luck = rng.random((2, n_cells))
    return DayChance(
        filled=1 - np.minimum(2 * unspent * idle, 1.0),
        learning=learning,
        price=price,
        clicks=clicks,
        conversions=conversions,
        luck=luck,
    )


def figures_of(
    spend: np.ndarray, credited: np.ndarray, traits: Traits, chance: DayChance, digits: int
) -> DayFigures:
    """Figures of a day.

    Parameters
    ----------
    spend : (cell,) whole minor units
    credited : (cell,) outcome units that the platform will credit the day's clicks with
    digits : after the point, of the currency
    """
    price = traits.cost_per_thousand * np.exp(0.1 * chance.price)
    impressions = np.rint(spend / 10.0**digits / price * 1000)
    rate = np.minimum(traits.click_rate * np.exp(0.1 * chance.clicks), 1.0)
    expected = np.where(spend > 0, credited / traits.units_per_conversion, 0.0)
    conversions = np.rint(np.maximum(expected + np.sqrt(expected) * chance.conversions, 0.0))
    return DayFigures(
        spend=spend,
        impressions=impressions,
        clicks=np.rint(impressions * rate),
        conversions=conversions,
        luck=chance.luck,
    )


def credited(
    owed: np.ndarray, base: np.ndarray, spend: np.ndarray, account: np.ndarray, claimed: float
) -> np.ndarray:
    """(cell,) outcome units credited: what is owed, and sales that would have come anyway.

    Parameters
    ----------
    owed, spend : (cell,)
    base : (account,) outcome units without advertising
    account : (cell,) whose each cell is
    claimed : share of the base that the campaigns of an account claim, each by its spend
    """
    total = np.bincount(account, spend, minlength=base.size)[account]
    return owed + claimed * base[account] * spend / np.where(total > 0, total, 1.0)


def known_share(age_days: np.ndarray | float, half_life: np.ndarray | float) -> np.ndarray:
    """Share of a day's conversions that is in when the day's middle is so long ago; 1 after 30."""
    age = np.clip(age_days, 0.0, WINDOW_DAYS)
    life = np.maximum(half_life, 1e-3)
    return (1 - 0.5 ** (age / life)) / (1 - 0.5 ** (WINDOW_DAYS / life))


def known_so_far(total: np.ndarray, share: np.ndarray, luck: np.ndarray) -> np.ndarray:
    """Whole conversions that are in; never fewer than at a smaller share."""
    return np.minimum(np.floor(total * share + luck), total)


def hour_spend(target: np.ndarray, spent: np.ndarray, hours: np.ndarray, hour: int) -> np.ndarray:
    """(cell,) minor units spent in one hour of the day, on the way to its target.

    What is left is spread over what is left of the day's traffic, so that a budget raised at noon
    is spent by midnight, and the hours of a day add up to its target.

    Parameters
    ----------
    target, spent : (cell,) whole minor units of the whole day, and so far
    hours : (cell, hour) shares of the traffic
    hour : 0 to 23
    """
    left = np.maximum(target - spent, 0)
    rest = hours[:, hour:].sum(axis=1)
    return np.minimum(np.rint(left * hours[:, hour] / rest), left)


def hourly(total: np.ndarray, hours: np.ndarray) -> np.ndarray:
    """(cell, hour) minor units of days on which nobody touched a budget."""
    spread = np.empty((total.size, HOURS))
    spent = np.zeros(total.size)
    for hour in range(HOURS):
        spread[:, hour] = hour_spend(total, spent, hours, hour)
        spent = spent + spread[:, hour]
    return spread


def apportioned(total: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Whole numbers split over hours by weights, adding up exactly: (cell,) to (cell, hour)."""
    sums = weights.cumsum(axis=1)
    whole = sums[:, -1:]
    shares = np.where(whole > 0, sums / np.where(whole > 0, whole, 1.0), 0.0)
    return np.diff(np.rint(total[:, None] * shares), axis=1, prepend=0.0)


def _hours(n: int, channel: np.ndarray, n_channels: int, rng: np.random.Generator) -> np.ndarray:
    """(cell, hour) traffic: low at night, highest in the evening, a little different everywhere."""
    hour = np.arange(HOURS)
    peak = rng.uniform(17, 22, n_channels)[channel] + rng.normal(0, 0.7, n)
    depth = rng.uniform(0.5, 0.9, n_channels)[channel]
    angle = 2 * np.pi * (hour - peak[:, None]) / HOURS
    shape = 1 + depth[:, None] * np.cos(angle) + 0.15 * np.cos(2 * angle)
    shape = np.maximum(shape, 0.05)
    return shape / shape.sum(axis=1, keepdims=True)


def _log_uniform(span: tuple[float, float], count: int, rng: np.random.Generator) -> np.ndarray:
    return np.exp(rng.uniform(np.log(span[0]), np.log(span[1]), count))
