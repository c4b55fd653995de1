"""WorldSpec + seed -> everything that happened in a world, as arrays: what it takes to go on."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from adbudget.errors import InputError
from adbudget.synthetic.demand import PERIOD_DAYS, Demand, draw_demand, draw_spend
from adbudget.synthetic.population import DrawnCells, draw_population
from adbudget.synthetic.spec import WorldSpec
from adbudget.synthetic.truth import Truth


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sales:
    """How the outcome of the accounts comes about.

    Attributes
    ----------
    base : (account,) outcome per period without advertising, at log demand 0
    mean_outcome : (account,) expected outcome per recorded period
    """

    base: np.ndarray
    mean_outcome: np.ndarray

    def expected(self, log_demand: np.ndarray, media: np.ndarray) -> np.ndarray:
        """Outcome without noise; all (account, period)."""
        return self.base[:, None] * np.exp(log_demand) + media


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class History:
    """Everything that happened in a world, a year before its records included.

    Attributes
    ----------
    spec, seed : what made it
    population, demand, truth, sales : its parts
    spend : (account, channel, period) account currency; the cells of ``truth`` are ``used`` ones
    memory : (cell, remembered) of the adstock at the end
    owed : (cell, period) outcome units that advertising brought in
    noise : (account, period) of mean 0 and scale 1
    outcome : (account, period) as recorded
    """

    spec: WorldSpec
    seed: int
    population: DrawnCells
    demand: Demand
    truth: Truth
    sales: Sales
    spend: np.ndarray
    memory: np.ndarray
    owed: np.ndarray
    noise: np.ndarray
    outcome: np.ndarray

    @property
    def account_of_cell(self) -> np.ndarray:
        """(cell,) row of its account."""
        return np.argwhere(self.population.used)[:, 0]


def draw_history(spec: WorldSpec, seed: int) -> History:
    """All of a world; the same spec and seed make the same.

    Raises
    ------
    InputError : ``seed`` is not a whole number >= 0
    """
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(f"seed must be a whole number >= 0; got {seed!r}.")
    # One stream per part of the work: a change in one leaves the chance of the others as it was.
    streams = np.random.default_rng(seed).spawn(6)
    cells_rng, demand_rng, spend_rng, outcome_rng, signal_rng, flight_rng = streams
    population = draw_population(spec, cells_rng)
    demand = draw_demand(spec, population, demand_rng, signal_rng)
    spend = draw_spend(spec, population, demand, spend_rng, flight_rng)
    truth = _truth(spec, population, demand, spend)
    carried, memory = truth.carried(spend[population.used])
    owed = truth.owed(carried)
    drifted = np.exp(-truth.drift)[:, None]  # what had not yet happened to the returns
    owed *= np.where(demand.dates < pd.Timestamp(truth.drift_date), drifted, 1.0)
    media = by_account(owed, np.argwhere(population.used)[:, 0], spec.n_accounts)
    sales = _sales(spec, population, demand, truth, media, outcome_rng)
    expected = sales.expected(demand.log_demand, media)
    noise = _noise(spec, expected.shape, outcome_rng)
    outcome = with_noise(spec, sales, expected, noise)
    if spec.counts:
        outcome = outcome_rng.poisson(outcome).astype(float)
    return History(
        spec=spec,
        seed=int(seed),
        population=population,
        demand=demand,
        truth=truth,
        sales=sales,
        spend=spend,
        memory=memory,
        owed=owed,
        noise=noise,
        outcome=as_recorded(spec, outcome, demand.tracked),
    )


def by_account(values: np.ndarray, account: np.ndarray, n_accounts: int) -> np.ndarray:
    """(cell, period) summed to (account, period); ``account`` says whose each cell is."""
    sums = np.zeros((n_accounts, values.shape[1]))
    np.add.at(sums, account, values)
    return sums


def with_noise(
    spec: WorldSpec, sales: Sales, expected: np.ndarray, noise: np.ndarray
) -> np.ndarray:
    """(account, period) outcome before it is counted and tracked; never below zero."""
    mean = sales.mean_outcome[:, None]
    relative = (expected / mean) ** (spec.noise_growth / 2)
    return np.maximum(expected + spec.noise * mean * relative * noise, 0.0)


def as_recorded(spec: WorldSpec, outcome: np.ndarray, tracked: np.ndarray) -> np.ndarray:
    """Outcome as far as it was tracked, in whole counts or cents."""
    return np.round(outcome * tracked, 0 if spec.counts else 2)


def _truth(spec: WorldSpec, population: DrawnCells, demand: Demand, spend: np.ndarray) -> Truth:
    used = population.used
    pairs = [(spec.account_names[a], spec.channel_names[c]) for a, c in np.argwhere(used)]
    k, n = population.half_saturation, population.exponent
    power = population.curve == "power"
    share_at_mean = np.where(power, 1.0, 1 / (1 + k**n))
    scale = _mean_over_life(population, spend).round(6)
    weight = (population.roi * scale / spec.value / share_at_mean).round(6)
    drift_at = demand.dates.size - population.n_periods.max() // 2
    return Truth(
        cells=pd.MultiIndex.from_tuples(pairs, names=["account", "channel"]),
        curve=np.broadcast_to(population.curve, used.shape)[used].astype(str),
        weight=weight[used],
        scale=scale[used],
        half_saturation=np.where(power, 1.0, k)[used],
        exponent=n[used],
        carry_days=population.carry_days[used],
        carry_shape=population.carry_shape[used],
        drift=np.broadcast_to(population.drift, used.shape)[used],
        carryover=spec.carryover,
        drift_date=str(demand.dates.to_numpy()[drift_at].astype("datetime64[D]")),
        period_days=PERIOD_DAYS[spec.period],
        currency=spec.currency,
        value=float(spec.value),
    )


def _mean_over_life(population: DrawnCells, spend: np.ndarray) -> np.ndarray:
    """(account, channel) mean spend over the recorded periods in which the cell lived."""
    recorded = population.recorded(spend.shape[2])
    periods = np.maximum(population.stops - population.starts, 1)
    return (spend * recorded[:, None]).sum(axis=2) / periods


def _sales(
    spec: WorldSpec,
    population: DrawnCells,
    demand: Demand,
    truth: Truth,
    media: np.ndarray,
    rng: np.random.Generator,
) -> Sales:
    """Base sales that make up the share of the outcome asked for."""
    recorded = population.recorded(media.shape[1])
    media_mean = (media * recorded).sum(axis=1) / population.n_periods
    # An account whose every channel is a dud still sells something.
    usual = population.mean_spend.sum(axis=1) * truth.period_days / 7 * spec.roi_median / spec.value
    media_mean = np.where(media_mean > 0, media_mean, usual)
    share = rng.uniform(*spec.baseline_share, spec.n_accounts)
    demand_level = np.exp(demand.log_demand)
    demand_mean = (demand_level * recorded).sum(axis=1) / population.n_periods
    base = media_mean * share / (1 - share) / demand_mean
    expected = base[:, None] * demand_level + media
    mean_outcome = (expected * recorded).sum(axis=1) / population.n_periods
    return Sales(base=base, mean_outcome=mean_outcome)


def _noise(spec: WorldSpec, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """(account, period) noise of mean 0 and scale 1, each period like the one before as asked."""
    fresh = fresh_noise(spec, shape, rng)
    keep = spec.noise_persistence
    if keep == 0:
        return fresh
    fresh[:, 1:] *= np.sqrt(1 - keep**2)
    return np.asarray(lfilter([1.0], [1.0, -keep], fresh, axis=1))


def fresh_noise(
    spec: WorldSpec, shape: int | tuple[int, ...], rng: np.random.Generator
) -> np.ndarray:
    """Noise of mean 0 and scale 1 that knows nothing of the period before."""
    tail = spec.noise_tail
    return rng.normal(size=shape) if tail is None else rng.standard_t(tail, size=shape)
