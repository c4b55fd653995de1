"""WorldSpec + cells + generator -> calendar and demand, and spend that follows both.

Every path covers the longest history and one year before it, so that the first recorded periods
carry over from earlier spend.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from adbudget.curves import DAYS_PER_MONTH
from adbudget.synthetic.population import DrawnCells
from adbudget.synthetic.spec import WorldSpec

PERIOD_DAYS = {"daily": 1.0, "weekly": 7.0, "monthly": DAYS_PER_MONTH}
PERIODS_PER_YEAR = {"daily": 365, "weekly": 52, "monthly": 12}
OFFSETS = {
    "daily": pd.offsets.Day(),
    "weekly": pd.offsets.Week(),
    "monthly": pd.offsets.MonthBegin(),
}
HIDDEN_HALF_LIFE_DAYS = 28.0
SPEND_HALF_LIFE_DAYS = 14.0
CAMPAIGNS_PER_YEAR = 4.0
GAP_RANGE = (0.5, 1.5)  # of the mean gap between two flights
SPIKE_RANGE = (float(np.log(1.4)), float(np.log(2.2)))  # of log demand
TRACKED_RANGE = (0.3, 0.7)  # of the outcome, when tracking fails


@dataclass(frozen=True, slots=True, kw_only=True)
class Season:
    """What the calendar does to log demand, on any date.

    Attributes
    ----------
    peak : (account, 1) place of the peak in the year, from 0 to 1
    strength : (account, 1) log-sd of demand over a year
    weekdays : (account, 7) log demand of weekdays, as a share of ``strength``; daily panels only
    wave_sd : (account, 1) sd of the unscaled wave over the dates it was made for
    """

    peak: np.ndarray
    strength: np.ndarray
    weekdays: np.ndarray
    wave_sd: np.ndarray

    def at(self, dates: pd.DatetimeIndex, *, daily: bool) -> np.ndarray:
        """(account, date) log demand."""
        wave = _wave(self.peak, dates) / self.wave_sd
        within_week = self.weekdays[:, dates.day_of_week.to_numpy()] if daily else 0.0
        return self.strength * (wave + within_week)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What the accounts would sell without advertising, and when tracking failed.

    Attributes
    ----------
    dates : (period,) first day of each period
    log_demand : (account, period) season, hidden demand, trend and spikes
    tracked : (account, period) share of the outcome that tracking recorded; 1 when it worked
    signal : (account, period) what a demand index shows of the hidden demand
    season : of every account, on any date
    growth : (account, 1) of log demand per year
    hidden, blur : (account, period) the unexplained demand, and what blurs the index of it; both
        of mean 0 and sd 1
    """

    dates: pd.DatetimeIndex
    log_demand: np.ndarray
    tracked: np.ndarray
    signal: np.ndarray
    season: Season
    growth: np.ndarray
    hidden: np.ndarray
    blur: np.ndarray


def draw_demand(
    spec: WorldSpec,
    population: DrawnCells,
    rng: np.random.Generator,
    signal_rng: np.random.Generator,
) -> Demand:
    """Season, hidden demand, trend, spikes and outages of every account."""
    dates = _calendar(spec, int(population.n_periods.max()))
    season = _draw_season(spec, dates, rng)
    half_life = HIDDEN_HALF_LIFE_DAYS / PERIOD_DAYS[spec.period]
    hidden = _wander((spec.n_accounts, dates.size), half_life, rng)
    growth = spec.growth + rng.normal(0, spec.trend, (spec.n_accounts, 1))
    spikes, tracked = _outliers(spec, population, dates, rng)
    blur = _wander(hidden.shape, half_life, signal_rng)
    calm = season.at(dates, daily=spec.period == "daily") + hidden_sd(spec) * hidden
    return Demand(
        dates=dates,
        log_demand=calm
        + growth * years_from_end(spec, np.arange(dates.size) - dates.size)
        + spikes,
        tracked=tracked,
        signal=shown(spec, hidden, blur),
        season=season,
        growth=growth,
        hidden=hidden,
        blur=blur,
    )


def hidden_sd(spec: WorldSpec) -> float:
    """Sd of the log demand that no calendar explains."""
    share = spec.hidden_demand_share
    return spec.season_strength * float(np.sqrt(share / (1 - share)))


def years_from_end(spec: WorldSpec, period: np.ndarray) -> np.ndarray:
    """Years between the end of the history and the start of periods; -1 is the last of them."""
    return period * PERIOD_DAYS[spec.period] / 365.25


def shown(spec: WorldSpec, hidden: np.ndarray, blur: np.ndarray) -> np.ndarray:
    """What a demand index shows of the hidden demand."""
    clear = np.sqrt(spec.demand_signal)
    return clear * hidden + np.sqrt(1 - clear**2) * blur


def kept(half_life: float) -> float:
    """Share of a first-order autoregression that one period leaves."""
    return 0.5 ** (1 / half_life)


def draw_spend(
    spec: WorldSpec,
    population: DrawnCells,
    demand: Demand,
    rng: np.random.Generator,
    flight_rng: np.random.Generator,
) -> np.ndarray:
    """(account, channel, period) spend in cents' precision; zero off flight and outside a life."""
    shape = (*population.used.shape, demand.dates.size)
    days = PERIOD_DAYS[spec.period]
    own = _wander(shape, SPEND_HALF_LIFE_DAYS / days, rng) + _campaigns(shape, days, rng)
    own = (own - own.mean(axis=2, keepdims=True)) / own.std(axis=2, keepdims=True)
    follow = spec.demand_follow * rng.uniform(0.6, 1.4, spec.n_channels)
    if spec.dud_follow is not None:
        follow = np.where(population.dud_channel, spec.dud_follow, follow)
    log_spend = follow[:, None] * demand.log_demand[:, None] + spec.spend_variation * own
    alive = _alive(population, demand.dates.size)
    recorded = alive & population.recorded(demand.dates.size)[:, None]
    path = np.exp(log_spend) * alive
    on = _flights(spec, shape, flight_rng)
    # A cell whose recorded life is too short to hold a flight spends all along.
    path *= on | ~(on & recorded).any(axis=2, keepdims=True)
    mean = (path * recorded).sum(axis=2) / np.maximum(recorded.sum(axis=2), 1)
    goal = population.mean_spend * days / 7
    return np.round(path * (goal / np.where(mean > 0, mean, 1.0))[..., None], 2)


def _alive(population: DrawnCells, n_dates: int) -> np.ndarray:
    """(account, channel, period): a cell without late start also lived before the records."""
    index = np.arange(n_dates) - (n_dates - population.n_periods)[:, None, None]
    starts, stops = population.starts[..., None], population.stops[..., None]
    return population.used[..., None] & ((starts == 0) | (index >= starts)) & (index < stops)


def _calendar(spec: WorldSpec, longest: int) -> pd.DatetimeIndex:
    last = np.datetime64(spec.last_date, "M" if spec.period == "monthly" else "D")
    n_dates = longest + PERIODS_PER_YEAR[spec.period]
    return pd.date_range(end=str(last), periods=n_dates, freq=OFFSETS[spec.period])


def _draw_season(spec: WorldSpec, dates: pd.DatetimeIndex, rng: np.random.Generator) -> Season:
    """A peak in December, and weekdays."""
    peak = 0.93 + rng.normal(0, 0.03, (spec.n_accounts, 1))
    strength = spec.season_strength * np.exp(rng.normal(0, 0.2, (spec.n_accounts, 1)))
    weekdays = rng.normal(0, 0.5, (spec.n_accounts, 7))
    wave_sd = _wave(peak, dates).std(axis=1, keepdims=True)
    return Season(peak=peak, strength=strength, weekdays=weekdays, wave_sd=wave_sd)


def _wave(peak: np.ndarray, dates: pd.DatetimeIndex) -> np.ndarray:
    year = dates.day_of_year.to_numpy() / 365.25
    return np.cos(2 * np.pi * (year - peak)) + 0.4 * np.cos(4 * np.pi * (year - peak))


def _wander(shape: tuple[int, ...], half_life: float, rng: np.random.Generator) -> np.ndarray:
    """Stationary first-order autoregression with mean 0 and sd 1 along the last axis."""
    keep = kept(half_life)
    steps = rng.normal(size=shape)
    path = np.empty(shape)
    path[..., 0] = steps[..., 0]
    for t in range(1, shape[-1]):
        path[..., t] = keep * path[..., t - 1] + np.sqrt(1 - keep**2) * steps[..., t]
    return path


def _campaigns(shape: tuple[int, ...], days: float, rng: np.random.Generator) -> np.ndarray:
    """Bursts of one to four weeks, up more often than down."""
    starts = rng.random(shape) < CAMPAIGNS_PER_YEAR * days / 365.25
    height = rng.uniform(1.0, 2.5, shape) * np.where(rng.random(shape) < 0.7, 1, -1)
    length = np.maximum(1, np.round(rng.uniform(7, 28, shape) / days))
    pulses = np.zeros(shape)
    for *cell, t in np.argwhere(starts):
        where = (*cell, t)
        pulses[(*cell, slice(t, t + int(length[where])))] += height[where]
    return pulses


def _flights(spec: WorldSpec, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Whether a cell spends: flights and gaps in turn, gaps as long as the share on asks for."""
    on = np.ones(shape, dtype=bool)
    if spec.on_share == (1.0, 1.0):
        return on
    share = rng.uniform(*spec.on_share, shape[1])
    per_week = 7 / PERIOD_DAYS[spec.period]
    gap_weeks = (sum(spec.flight_weeks) / 2 * (1 - share) / share).tolist()
    for a, c in np.ndindex(shape[:2]):
        t = -rng.uniform(0, gap_weeks[c]) * per_week  # the first gap began before the first period
        while t < shape[2]:
            gap = gap_weeks[c] * rng.uniform(*GAP_RANGE) * per_week
            on[a, c, max(round(t), 0) : max(round(t + gap), 0)] = False
            t += gap + max(rng.uniform(*spec.flight_weeks) * per_week, 1.0)
    return on


def _outliers(
    spec: WorldSpec, population: DrawnCells, dates: pd.DatetimeIndex, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """(account, period) log spikes of demand, and the share of the outcome tracked."""
    spikes, tracked = np.zeros((2, spec.n_accounts, dates.size))
    tracked += 1.0
    black_friday = has_black_friday(dates)
    for a, n_periods in enumerate(population.n_periods):
        n_hit = rng.binomial(n_periods, spec.outlier_share)
        recorded = np.arange(dates.size - n_periods, dates.size)
        order = rng.permutation(recorded)
        order = order[np.argsort(~black_friday[order], kind="stable")]
        up, down = order[: n_hit - n_hit // 2], order[::-1][: n_hit // 2]
        spikes[a, up] = rng.uniform(*SPIKE_RANGE, up.size)
        tracked[a, down] = rng.uniform(*TRACKED_RANGE, down.size)
    return spikes, tracked


def has_black_friday(dates: pd.DatetimeIndex) -> np.ndarray:
    """(period,) whether the day after the fourth Thursday of November falls inside."""
    days = pd.date_range(dates[0], dates[-1] + dates.freq, inclusive="left")
    is_friday = (days.month == 11) & (days.day_of_week == 4) & (days.day >= 23) & (days.day <= 29)
    holder = dates.searchsorted(days[is_friday], side="right") - 1
    return np.isin(np.arange(dates.size), holder)
