"""A world at the end of its history + what is spent from then on -> what comes of it.

Demand, tracking and noise of a period are drawn from the seed and the number of the period, and so
never depend on what was spent, nor on how many periods are asked for at once.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import pdtr, pdtrik

from adbudget.errors import InputError
from adbudget.synthetic.demand import (
    HIDDEN_HALF_LIFE_DAYS,
    OFFSETS,
    PERIOD_DAYS,
    PERIODS_PER_YEAR,
    SPIKE_RANGE,
    TRACKED_RANGE,
    has_black_friday,
    hidden_sd,
    kept,
    shown,
    years_from_end,
)
from adbudget.synthetic.history import (
    History,
    as_recorded,
    by_account,
    draw_history,
    fresh_noise,
    with_noise,
)
from adbudget.synthetic.spec import WorldSpec
from adbudget.synthetic.truth import Truth

AFTERWARDS = 6  # the streams before it made the history


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ahead:
    """What periods hold in store, whatever is spent in them.

    Attributes
    ----------
    dates : (period,) first day of each
    log_demand : (account, period) season, hidden demand, trend and spikes
    tracked : (account, period) share of the outcome that tracking records
    signal : (account, period) what a demand index shows
    noise : (account, period) of mean 0 and scale 1
    luck : (account, period) in (0, 1): place in the distribution of a count
    hidden, blur : (account,) as in ``Demand``, in the last of the periods

    Examples
    --------
    >>> from adbudget.synthetic import WorldSpec, continue_world
    >>> going_on = continue_world(WorldSpec(n_accounts=1, n_channels=2, n_periods=40), seed=1)
    >>> ahead = going_on.ahead(2)
    >>> len(ahead.dates)
    2
    """

    dates: pd.DatetimeIndex
    log_demand: np.ndarray
    tracked: np.ndarray
    signal: np.ndarray
    noise: np.ndarray
    luck: np.ndarray
    hidden: np.ndarray
    blur: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Continued:
    """What some periods brought.

    Attributes
    ----------
    ahead : what they held in store
    owed : (cell, period) outcome units that advertising brought in
    base : (account, period) outcome units that needed none
    outcome : (account, period) as recorded

    Examples
    --------
    >>> from adbudget.synthetic import WorldSpec, continue_world
    >>> going_on = continue_world(WorldSpec(n_accounts=1, n_channels=2, n_periods=40), seed=1)
    >>> later, brought = going_on.advance(np.full((2, 3), 100.0))  # (cell, period)
    >>> brought.outcome.shape, later.n_after
    ((1, 3), 3)
    """

    ahead: Ahead
    owed: np.ndarray
    base: np.ndarray
    outcome: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Continuation:
    """A world at an instant after its history, and all it needs to go on.

    Attributes
    ----------
    history : of the world
    n_after : periods that have passed since
    memory : (cell, remembered) of the adstock
    hidden, blur, noise : (account,) of the last period that has passed

    Examples
    --------
    >>> from adbudget.synthetic import WorldSpec, continue_world
    >>> going_on = continue_world(WorldSpec(n_accounts=1, n_channels=2, n_periods=40), seed=1)
    >>> going_on.n_after
    0
    >>> later, brought = going_on.advance(np.full((2, 2), 100.0), ahead=going_on.ahead(2))
    >>> later.n_after, len(going_on.truth.cells)
    (2, 2)
    """

    history: History
    n_after: int
    memory: np.ndarray
    hidden: np.ndarray
    blur: np.ndarray
    noise: np.ndarray

    @property
    def truth(self) -> Truth:
        """The curves, with its cells in the order of all arrays here."""
        return self.history.truth

    def ahead(self, n_periods: int) -> Ahead:
        """What the next periods hold in store. Knows nothing of spend.

        Raises
        ------
        InputError : ``n_periods`` below 1
        """
        if n_periods < 1:
            raise InputError(f"n_periods must be at least 1; got {n_periods}.")
        spec, demand = self.history.spec, self.history.demand
        offset = OFFSETS[spec.period]
        first = demand.dates[-1] + offset * (self.n_after + 1)
        dates = pd.date_range(first, periods=n_periods, freq=offset)
        drawn = _drawn(self, has_black_friday(dates))
        number = self.n_after + np.arange(n_periods)
        season = demand.season.at(dates, daily=spec.period == "daily")
        trend = demand.growth * years_from_end(spec, number)
        return Ahead(
            dates=dates,
            log_demand=season + hidden_sd(spec) * drawn["hidden"] + trend + drawn["spike"],
            tracked=drawn["tracked"],
            signal=shown(spec, drawn["hidden"], drawn["blur"]),
            noise=drawn["noise"],
            luck=drawn["luck"],
            hidden=drawn["hidden"][:, -1],
            blur=drawn["blur"][:, -1],
        )

    def advance(
        self,
        spend: np.ndarray,
        *,
        efficiency: np.ndarray | None = None,
        ahead: Ahead | None = None,
    ) -> tuple["Continuation", Continued]:
        """Let periods pass in which this is spent.

        Parameters
        ----------
        spend : (cell, period) account currency, cells in the order of ``truth``
        efficiency : (cell, period) factor on what advertising brings in; None is 1 throughout
        ahead : what :meth:`ahead` gave for as many periods, if it is at hand

        Returns
        -------
        The world after them, and what they brought

        Raises
        ------
        InputError : ``spend`` has another shape, or an amount that is negative or not finite
        """
        history = self.history
        spend = _checked(spend, len(self.truth.cells))
        store = self.ahead(spend.shape[1]) if ahead is None else ahead
        carried, memory = self.truth.carried(spend, self.memory)
        owed = self.truth.owed(carried) * (1.0 if efficiency is None else efficiency)
        media = by_account(owed, history.account_of_cell, history.spec.n_accounts)
        expected = history.sales.expected(store.log_demand, media)
        outcome = with_noise(history.spec, history.sales, expected, store.noise)
        if history.spec.counts:
            outcome = _counted(store.luck, outcome)
        after = replace(
            self,
            n_after=self.n_after + spend.shape[1],
            memory=memory,
            hidden=store.hidden,
            blur=store.blur,
            noise=store.noise[:, -1],
        )
        return after, Continued(
            ahead=store,
            owed=owed,
            base=expected - media,
            outcome=as_recorded(history.spec, outcome, store.tracked),
        )


def continue_world(spec: WorldSpec, seed: int) -> Continuation:
    """The world of a spec and seed at the end of its history.

    Parameters
    ----------
    spec, seed : as :func:`synthesize` takes them

    Examples
    --------
    >>> from adbudget.synthetic import WorldSpec, continue_world
    >>> going_on = continue_world(WorldSpec(n_accounts=1, n_channels=2, n_periods=40), seed=1)
    >>> type(going_on).__name__
    'Continuation'
    """
    history = draw_history(spec, seed)
    return Continuation(
        history=history,
        n_after=0,
        memory=history.memory,
        hidden=history.demand.hidden[:, -1],
        blur=history.demand.blur[:, -1],
        noise=history.noise[:, -1],
    )


def _drawn(world: Continuation, black_friday: np.ndarray) -> dict[str, np.ndarray]:
    """Chance of the next periods: name -> (account, period)."""
    spec = world.history.spec
    keep = kept(HIDDEN_HALF_LIFE_DAYS / PERIOD_DAYS[spec.period])
    hidden, blur, noise = world.hidden, world.blur, world.noise
    columns: dict[str, list[np.ndarray]] = {}
    for i, holds_black_friday in enumerate(black_friday):
        stream = np.random.SeedSequence(
            world.history.seed, spawn_key=(AFTERWARDS, world.n_after + i)
        )
        rng = np.random.default_rng(stream)
        hidden_step, blur_step = rng.normal(size=(2, spec.n_accounts))
        fresh = fresh_noise(spec, spec.n_accounts, rng)
        hit, height, luck = rng.random((3, spec.n_accounts))
        hidden = keep * hidden + np.sqrt(1 - keep**2) * hidden_step
        blur = keep * blur + np.sqrt(1 - keep**2) * blur_step
        persistence = spec.noise_persistence
        noise = persistence * noise + np.sqrt(1 - persistence**2) * fresh
        spike, tracked = _outliers(spec, bool(holds_black_friday), hit, height)
        drawn = {"hidden": hidden, "blur": blur, "noise": noise, "luck": luck}
        for name, column in (drawn | {"spike": spike, "tracked": tracked}).items():
            columns.setdefault(name, []).append(column)
    return {name: np.stack(each, axis=1) for name, each in columns.items()}


def _outliers(
    spec: WorldSpec, black_friday: bool, hit: np.ndarray, height: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(account,) log spike of demand, and share tracked: spikes take Black Friday first."""
    per_year = PERIODS_PER_YEAR[spec.period]
    spikes_per_year = spec.outlier_share / 2 * per_year
    elsewhere = max(spikes_per_year - 1, 0.0) / (per_year - 1)
    up = hit < (min(spikes_per_year, 1.0) if black_friday else elsewhere)
    down = ~up & (hit > 1 - spec.outlier_share / 2)
    low, high = SPIKE_RANGE
    worst, best = TRACKED_RANGE
    spike = np.where(up, low + (high - low) * height, 0.0)
    return spike, np.where(down, worst + (best - worst) * height, 1.0)


def _counted(luck: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Counts of a Poisson distribution, of which ``luck`` says the quantile."""
    some = np.where(mean > 0, mean, 1.0)
    above = np.ceil(pdtrik(luck, some))
    below = np.maximum(above - 1, 0.0)  # the inverse may be a rounding error too high
    return np.where(mean > 0, np.where(pdtr(below, some) >= luck, below, above), 0.0)


def _checked(spend: np.ndarray, n_cells: int) -> np.ndarray:
    spend = np.asarray(spend, dtype=float)
    if spend.ndim != 2 or spend.shape[0] != n_cells or spend.shape[1] < 1:
        raise InputError(f"spend must be (cell, period) for {n_cells} cells; got {spend.shape}.")
    if not (np.isfinite(spend) & (spend >= 0)).all():
        raise InputError(
            "spend must be finite and >= 0 everywhere; use 0.0 for a cell that is off."
        )
    return spend
